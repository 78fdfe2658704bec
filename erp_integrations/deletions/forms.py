"""The form that states a deletion in the ERP."""

import re

from django import forms

_NUMBER = re.compile(r"[0-9]{1,18}")


class StateDeletionForm(forms.Form):
    """Record numbers, and how the person knows that the records are deleted."""

    record_numbers = forms.CharField(
        label="Sage record numbers",
        max_length=2000,
        widget=forms.Textarea({"rows": 4, "autocomplete": "off", "inputmode": "numeric"}),
        help_text="One on each line. Each counts for all CCOs that are linked to it.",
        error_messages={"required": "Name each record by its record number."},
    )
    reason = forms.CharField(
        max_length=2000,
        widget=forms.Textarea({"rows": 3}),
        help_text="How you know that they were deleted, not archived and not lost. It is kept in the ledger.",
        error_messages={"required": "Say how you know that they were deleted."},
    )

    def clean_record_numbers(self) -> tuple[str, ...]:
        numbers = self.cleaned_data["record_numbers"].replace(",", " ").split()
        wrong = [one for one in numbers if not _NUMBER.fullmatch(one)]
        if wrong:
            raise forms.ValidationError(
                f"A record number in Sage is digits only, at most 18: {wrong[0][:40]}"
            )
        return tuple(dict.fromkeys(numbers))

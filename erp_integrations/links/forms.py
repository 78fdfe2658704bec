"""Forms of links: a record of the ERP by its number, and decisions about a record."""

from typing import Any

from django import forms

from companies.text import plain_record_number

RECORD_NUMBER = r"^[0-9]{1,18}$"


class RecordNumberField(forms.RegexField):
    """A record number in Sage, typed or pasted; thousands separators and blanks are removed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            RECORD_NUMBER,
            error_messages={
                "required": "Enter the record number as Sage shows it.",
                "invalid": "A record number in Sage is digits only, at most 18.",
            },
            **options,
        )

    def to_python(self, value: Any) -> Any:
        typed = super().to_python(value)
        return plain_record_number(typed) if isinstance(typed, str) and typed else typed


class RecordForm(forms.Form):
    """A record in the ERP, by its number."""

    record_number = RecordNumberField(
        label="Sage record number",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )


class FindRecordForm(forms.Form):
    """The record that a CCO's link may be moved to."""

    record = RecordNumberField(
        label="Sage record number",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        help_text="Of the record that this CCO belongs to.",
    )


class MoveLinkForm(forms.Form):
    """A record to move a CCO's link to, and a token of what the person was shown."""

    record = forms.RegexField(RECORD_NUMBER, widget=forms.HiddenInput)
    subcontract = forms.RegexField(RECORD_NUMBER, widget=forms.HiddenInput)
    shown = forms.CharField(max_length=64, widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=2000,
        widget=forms.Textarea({"rows": 3}),
        help_text="It is kept in the ledger with both records.",
        error_messages={"required": "Say why this CCO belongs to the other record."},
    )


class LeftRecordForm(forms.Form):
    """What to do with a record that a CCO's link was moved from; `link` is the link that ended."""

    link = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    act = forms.ChoiceField(choices=[("ignore", "Ignore"), ("stop", "Stop ignoring")])
    reason = forms.CharField(max_length=2000, required=False)

    @property
    def stops(self) -> bool:
        """Whether to stop ignoring the record; for a valid form."""
        return bool(self.cleaned_data["act"] == "stop")

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if self.cleaned_data.get("act") == "ignore" and not reason:
            raise forms.ValidationError("Say why this record needs no CCO.")
        return reason


class LinkForm(RecordForm):
    """A record to link to, and the token of the comparison that the person confirmed."""

    seen = forms.CharField(max_length=64, required=False)

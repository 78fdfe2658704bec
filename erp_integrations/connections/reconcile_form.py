"""The form for the schedule of reconciliation."""

import json
from typing import Any

from django import forms

from erp_integrations.connections.reconcile_settings import ReconcileSettings

_TIME = forms.TimeInput(format="%H:%M", attrs={"type": "time"})


class ReconcileForm(forms.Form):
    """The interval, the maintenance window, and how many missing records are plausible."""

    shown = forms.CharField(max_length=500, widget=forms.HiddenInput)
    reconcile_every_minutes = forms.IntegerField(
        label="Compare every … minutes",
        required=False,
        min_value=0,
        max_value=24 * 60,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    rests_from = forms.TimeField(
        label="Maintenance from",
        required=False,
        widget=_TIME,
        help_text="Sage is left alone every day from then on. Empty where there is no maintenance.",
    )
    rests_to = forms.TimeField(
        label="Maintenance until", required=False, widget=_TIME, help_text="May be the next morning."
    )
    most_missing_percent = forms.IntegerField(
        label="Most that may go missing at once, in %",
        min_value=1,
        max_value=100,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text="If more of the synced CCOs are missing at once, the result is not believed and nothing is "
        "recorded. 100 believes everything, books without a single change order too.",
    )

    def __init__(self, data: Any = None, *, stored: ReconcileSettings, usual: str) -> None:
        """`usual` describes the meaning of an empty field."""
        initial = {
            name: getattr(stored, name)
            for name in ("reconcile_every_minutes", "rests_from", "rests_to", "most_missing_percent")
        }
        super().__init__(
            data, initial={**initial, "shown": json.dumps(stored.in_words())}, prefix="reconcile"
        )
        self.fields["reconcile_every_minutes"].help_text = f"Empty: {usual}. 0: never by itself."

    def clean_shown(self) -> dict[str, str]:
        """The settings that the form showed; empty when the field was tampered with."""
        try:
            shown = json.loads(self.cleaned_data["shown"])
        except (ValueError, RecursionError):
            return {}
        return shown if isinstance(shown, dict) else {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begins, ends = cleaned.get("rests_from"), cleaned.get("rests_to")
        if "rests_from" in self.errors or "rests_to" in self.errors:
            return cleaned
        if (begins is None) != (ends is None):
            self.add_error("rests_to" if ends is None else "rests_from", "Say from when until when.")
        elif begins is not None and begins == ends:
            self.add_error("rests_to", "It must end at another time than it begins.")
        return cleaned

    def lead_to_first_error(self) -> None:
        """Puts the focus on the first invalid field, with and without JavaScript."""
        for name in self.fields:
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                return

    def settings(self) -> ReconcileSettings:
        """The values of a valid form."""
        return ReconcileSettings(
            **{
                name: self.cleaned_data[name]
                for name in ("reconcile_every_minutes", "rests_from", "rests_to", "most_missing_percent")
            }
        )

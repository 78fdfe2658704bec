"""What may come in by address or form. Whatever else is sent is not looked at."""

from collections.abc import Iterable
from typing import Any

from django import forms

from erp_integrations.queries.change_orders import VIEWS, Asked
from erp_integrations.queries.tied import LABELS, AskedOfTied
from erp_integrations.registry import WRITERS


class AskedForm(forms.Form):
    """The list's address: view, search and page."""

    view = forms.ChoiceField(choices=[(key, label) for key, (label, _) in VIEWS.items()], required=False)
    q = forms.CharField(max_length=100, required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def asked(self) -> Asked:
        """What was asked for; a part that cannot be right counts as not asked."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        return Asked(
            view=cleaned.get("view") or "synced",
            q=cleaned.get("q") or "",
            after=cleaned.get("after"),
            before=cleaned.get("before"),
        )


class AskedOfTiedForm(forms.Form):
    """The address of a list of what is tied: view, search and page."""

    view = forms.ChoiceField(choices=list(LABELS.items()), required=False)
    q = forms.CharField(max_length=100, required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def asked(self) -> AskedOfTied:
        """As `AskedForm.asked`."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        return AskedOfTied(
            view=cleaned.get("view") or "",
            q=cleaned.get("q") or "",
            after=cleaned.get("after"),
            before=cleaned.get("before"),
        )


class AcceptForm(forms.Form):
    """Which database somebody accepts, as it was shown, and why."""

    incarnation = forms.CharField(max_length=500)
    reason = forms.CharField(max_length=200)


class ExportForm(forms.Form):
    """How a CCO is to go to the ERP. Whether the change number is right is for the rules to say."""

    erp_number = forms.CharField(
        label="Sage change number",
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="The number the change order gets in Sage. At most 20 characters.",
    )
    writer = forms.ChoiceField(label="How it gets into Sage")
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    same_amount_is_another = forms.BooleanField(
        label="It is another change order: export it all the same", required=False
    )

    def __init__(self, *args: Any, writers: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, WRITERS[name][1]) for name in writers]
        field = self.fields["writer"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        if len(choices) == 1:
            field.widget = forms.HiddenInput()


class ReasonForm(forms.Form):
    """Why a CCO goes back to the project team."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=forms.Textarea({"rows": 4}),
        help_text="The project team reads it, and corrects the CCO by it.",
        error_messages={"required": "Say why: the project team needs the reason to correct it."},
    )


class RecordForm(forms.Form):
    """A record in the ERP, by its number."""

    record_number = forms.RegexField(
        r"^[0-9]{1,18}$",
        label="Sage record number",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Enter the record number as Sage shows it.",
            "invalid": "A record number in Sage is digits only, at most 18.",
        },
    )

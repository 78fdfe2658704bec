"""Forms of an approver: how a CCO is exported, or why it goes back to the project team."""

from collections.abc import Iterable
from typing import Any

from django import forms

from companies.forms import CleanField
from companies.text import clean_number
from erp_integrations.erp.registry import WRITERS


class ExportForm(forms.Form):
    """How a CCO is to go to the ERP. Whether the change number is right is for the rules to say."""

    erp_number = CleanField(
        label="Sage change number",
        clean_text=clean_number,
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


class ReturnToTeamForm(forms.Form):
    """Why a CCO goes back to the project team."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=forms.Textarea({"rows": 4}),
        help_text="The project team reads it, and corrects the CCO by it.",
        error_messages={"required": "Say why: the project team needs the reason to correct it."},
    )

"""The lists of what is tied to the ERP, and a record by its number."""

from typing import Any

from django import forms

from erp_integrations.record_links.queries import LABELS, RecordLinkQuery


class RecordLinkQueryForm(forms.Form):
    """The address of a list of what is tied: view, search and page."""

    view = forms.ChoiceField(choices=list(LABELS.items()), required=False)
    q = forms.CharField(max_length=100, required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def asked(self) -> RecordLinkQuery:
        """As `ListQueryForm.parse`."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        return RecordLinkQuery(
            view=cleaned.get("view") or "",
            q=cleaned.get("q") or "",
            after=cleaned.get("after"),
            before=cleaned.get("before"),
        )

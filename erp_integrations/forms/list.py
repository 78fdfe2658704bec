"""What the address of the list may ask for."""

from typing import Any

from django import forms

from erp_integrations.queries.change_orders import VIEWS, Asked


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

"""Parses the query string of the Activity tab; the form of the ledger export."""

from typing import Any

from django import forms

from companies.models import Company
from erp_integrations.activity.activity_query import FILTERS, ActivityQuery
from erp_integrations.change_orders.forms import LOST, YEARS, notes_on_unknown_parameters, quoted
from erp_integrations.ledger.descriptions import KINDS, OUTCOMES
from erp_integrations.ledger.file_rows import FORMATS
from erp_integrations.ledger.queries import NAME, EventFilter


class ActivityQueryForm(forms.Form):
    """Query parameters of the tab. `kinds` are the kinds of events that the viewer may see."""

    kind = forms.ChoiceField(required=False)
    outcome = forms.ChoiceField(
        choices=[(key.value, words) for key, words in OUTCOMES.items()], required=False
    )
    project = forms.CharField(max_length=100, required=False)
    person = forms.CharField(max_length=310, required=False)
    at_from = forms.DateField(validators=YEARS, required=False)
    at_to = forms.DateField(validators=YEARS, required=False)
    after = forms.RegexField(NAME, required=False)
    before = forms.RegexField(NAME, required=False)
    count = forms.ChoiceField(choices=[("all", "all")], required=False)

    def __init__(self, *args: Any, kinds: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [(key, words) for key, words in KINDS.items() if key in kinds]

    def parse(self) -> ActivityQuery:
        """The query. Invalid parameters are ignored, and a note names each."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        notes = [
            self._note(name) for name in self.errors if name in self.fields
        ] + notes_on_unknown_parameters(self)
        begins, ends = cleaned.get("at_from"), cleaned.get("at_to")
        if begins and ends and begins > ends:
            notes.append("From is later than To. Neither was used.")
            begins = ends = None
        return ActivityQuery(
            kind=cleaned.get("kind") or "",
            outcome=cleaned.get("outcome") or "",
            project=cleaned.get("project") or "",
            person=cleaned.get("person") or "",
            at_from=begins,
            at_to=ends,
            after=cleaned.get("after") or "",
            before=cleaned.get("before") or "",
            exact=bool(cleaned.get("count")),
            notes=tuple(notes),
        )

    def _note(self, name: str) -> str:
        """The note for an invalid parameter."""
        typed = quoted(str(self.data.get(name, "")))
        match name:
            case "after" | "before":
                return LOST
            case "count":
                return f"The events cannot be counted as {typed}."
            case _:
                return f"The filter {FILTERS[name]} cannot be {typed} and was not used."


class LedgerExportForm(forms.Form):
    """A period of one company's events, or of all companies, and the format of the file."""

    company = forms.ModelChoiceField(
        Company.objects.order_by("name", "id"), required=False, empty_label="All companies"
    )
    at_from = forms.DateField(label="From", validators=YEARS, widget=forms.DateInput({"type": "date"}))
    at_to = forms.DateField(
        label="To",
        validators=YEARS,
        widget=forms.DateInput({"type": "date"}),
        help_text="Both days count whole.",
    )
    format = forms.ChoiceField(choices=list(FORMATS.items()))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        begins, ends = cleaned.get("at_from"), cleaned.get("at_to")
        if begins and ends and begins > ends:
            self.add_error("at_to", "The period must not end before it begins.")
        return cleaned

    def event_filter(self) -> EventFilter:
        """The filter of a valid form."""
        company = self.cleaned_data["company"]
        return EventFilter(
            company_id=company.pk if company else None,
            since=self.cleaned_data["at_from"],
            until=self.cleaned_data["at_to"],
        )

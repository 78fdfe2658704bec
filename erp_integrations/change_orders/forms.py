"""Parses the query string of the list, with a note for each parameter that was not used."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from erp_integrations.change_orders.list_query import (
    FILTERS,
    FILTERS_OF_WAITING,
    LINK_VIEWS,
    SORTS,
    VIEWS,
    ListQuery,
)
from erp_integrations.models import Drift, PresenceKey

MOST_SHOWN = 40
"""Characters of a value that a note repeats."""
MOST_NAMED = 3
"""Unknown parameters that a note names."""
LOST = "That page of the list is not known. This is the first one."
YEARS = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2199, 12, 31))]
DIRECTIONS = [(sign + key, label) for key, (label, _) in SORTS.items() for sign in ("", "-")]


class ListQueryForm(forms.Form):
    """Query parameters of the list: view, search, sort, filters and page."""

    view = forms.ChoiceField(choices=[(key, label) for key, (label, _) in VIEWS.items()], required=False)
    q = forms.CharField(max_length=100, required=False)
    sort = forms.ChoiceField(choices=DIRECTIONS, required=False)
    project = forms.CharField(max_length=100, required=False)
    company = forms.CharField(max_length=100, required=False)
    presence = forms.ChoiceField(choices=PresenceKey.choices, required=False)
    drift = forms.ChoiceField(choices=[("any", "Anything"), *Drift.choices], required=False)
    amount_from = forms.DecimalField(max_digits=14, decimal_places=2, required=False)
    amount_to = forms.DecimalField(max_digits=14, decimal_places=2, required=False)
    linked_from = forms.DateField(validators=YEARS, required=False)
    linked_to = forms.DateField(validators=YEARS, required=False)
    linked_by = forms.CharField(max_length=150, required=False)
    after = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    count = forms.ChoiceField(choices=[("all", "all")], required=False)

    def parse(self) -> ListQuery:
        """The query. Invalid parameters are ignored, and a note names each."""
        self.full_clean()
        cleaned: dict[str, Any] = self.cleaned_data
        view, sort = cleaned.get("view") or "synced", cleaned.get("sort") or "project"
        usable = FILTERS if view in LINK_VIEWS else FILTERS_OF_WAITING
        filters = {name: cleaned[name] for name in usable if cleaned.get(name) not in ("", None)}
        notes = [self._note(name) for name in self.errors if name in self.fields]
        notes += self._unused(cleaned, view, usable)
        return ListQuery(
            view=view,
            q=cleaned.get("q") or "",
            sort=sort.removeprefix("-") if view in LINK_VIEWS else "project",
            descending=sort.startswith("-") and view in LINK_VIEWS,
            after=cleaned.get("after"),
            before=cleaned.get("before"),
            exact=bool(cleaned.get("count")),
            notes=tuple(notes),
            **filters,
        )

    def _note(self, name: str) -> str:
        """The note for an invalid parameter."""
        typed = self._typed(name)
        match name:
            case "view":
                return f"There is no view {typed}. This is Successfully Synced."
            case "sort":
                return f"The list cannot be sorted by {typed}. It is sorted by project."
            case "after" | "before":
                return LOST
            case "q":
                return (
                    "The search was not used: it is longer than 100 characters, or holds one that cannot be."
                )
            case "count":
                return f"The rows cannot be counted as {typed}."
            case _:
                return f"The filter {FILTERS[name]} cannot be {typed} and was not used."

    def _unused(self, cleaned: dict[str, Any], view: str, usable: Any) -> list[str]:
        """Notes for parameters that are valid but not used in this view."""
        notes = [
            f"The filter {label} is only for what is tied to Sage and was not used."
            for name, label in FILTERS.items()
            if name not in usable and cleaned.get(name) not in ("", None)
        ]
        if view not in LINK_VIEWS and cleaned.get("sort") not in (None, "", "project"):
            notes.append("This view is always sorted by project.")
        return notes + notes_on_unknown_parameters(self)

    def _typed(self, name: str) -> str:
        return quoted(str(self.data.get(name, "")))


def notes_on_unknown_parameters(form: forms.Form) -> list[str]:
    """A note that names parameters that the form does not have; empty without any."""
    unknown = [name for name in form.data if name not in form.fields]
    if not unknown:
        return []
    named = ", ".join(quoted(name) for name in unknown[:MOST_NAMED])
    more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
    return [f"The list knows nothing of {named}{more}; that was not used."]


def quoted(text: str) -> str:
    """A typed value for a note, cut to `MOST_SHOWN`, without unprintable characters."""
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"“{text[:MOST_SHOWN]}…”" if len(text) > MOST_SHOWN else f"“{text}”"

"""What the address of the Activity tab asks for, and the addresses of the same events asked otherwise."""

from dataclasses import dataclass, fields, replace
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from companies.access import Access
from companies.models import Company
from companies.policies import may_see_directory
from erp_integrations.ledger.descriptions import kinds_of
from erp_integrations.ledger.queries import EventFilter
from erp_integrations.listing.keyset import Wanted

FILTERS = {
    "kind": "Event",
    "outcome": "Outcome",
    "project": "Project",
    "person": "By",
    "at_from": "From",
    "at_to": "To",
}
"""Filter -> its words."""


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """What the address asks for. Anything unknown in it counts as not asked, and `notes` say so."""

    kind: str = ""
    outcome: str = ""
    project: str = ""
    """Its number."""
    person: str = ""
    """Who did it: the name, as it was."""
    at_from: date | None = None
    at_to: date | None = None
    """The whole day counts."""
    after: str = ""
    """The name of an event."""
    before: str = ""
    exact: bool = False
    notes: tuple[str, ...] = ()

    @property
    def wanted(self) -> Wanted:
        return Wanted(after=self.after or None, before=self.before or None, exact=self.exact)

    @property
    def filters(self) -> dict[str, str | date]:
        """The ones that are set."""
        values = {name: getattr(self, name) for name in FILTERS}
        return {name: value for name, value in values.items() if value not in ("", None)}

    def without(self, *names: str) -> "ActivityQuery":
        """As if these had not been asked, from the first page."""
        blank = {field.name: field.default for field in fields(ActivityQuery) if field.name in names}
        return replace(self, after="", before="", notes=(), **blank)  # type: ignore[arg-type]


def seen_by(access: Access, company: Company) -> EventFilter:
    """All events that this person may see: the Directory's only with the Directory."""
    return EventFilter(company_id=company.pk, directory=bool(may_see_directory(access)))


def filtered_by(asked: ActivityQuery, access: Access, company: Company) -> EventFilter:
    """Those of them that fit the filters."""
    kinds = kinds_of(asked.outcome) if asked.outcome else None
    if asked.kind:
        kinds = frozenset({asked.kind}) if kinds is None else kinds & {asked.kind}
    return replace(
        seen_by(access, company),
        kinds=kinds,
        project=asked.project,
        actor=asked.person,
        since=asked.at_from,
        until=asked.at_to,
    )


def query_of(asked: ActivityQuery, **more: str) -> str:
    """For an address, from the question mark on, of the first page; empty where nothing is asked.

    `more` goes to the end: `after`, `before`, `count`.
    """
    words = {name: str(value) for name, value in asked.filters.items()}
    if asked.exact:
        words["count"] = "all"
    if more.get("count"):
        words |= {side: getattr(asked, side) for side in ("after", "before")}
    words |= more
    asked_for = urlencode({name: value for name, value in words.items() if value})
    return f"?{asked_for}" if asked_for else ""


def activity_url(company: Company, asked: ActivityQuery, **more: str) -> str:
    return reverse("activity", args=[company.slug]) + query_of(asked, **more)

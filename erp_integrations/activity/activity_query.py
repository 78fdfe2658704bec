"""The query of the Activity tab, and URLs of the tab with a changed query."""

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
"""Filter -> its label."""


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """The parsed query string. Unknown values are ignored, and `notes` say so."""

    kind: str = ""
    outcome: str = ""
    project: str = ""
    """The project's number."""
    person: str = ""
    """The actor's name at the time of the event."""
    at_from: date | None = None
    at_to: date | None = None
    """The whole day is included."""
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
        """The filters that are set."""
        values = {name: getattr(self, name) for name in FILTERS}
        return {name: value for name, value in values.items() if value not in ("", None)}

    def without(self, *names: str) -> "ActivityQuery":
        """The query without these parameters, at the first page."""
        blank = {field.name: field.default for field in fields(ActivityQuery) if field.name in names}
        return replace(self, after="", before="", notes=(), **blank)  # type: ignore[arg-type]


def visible_to(access: Access, company: Company) -> EventFilter:
    """All events that this person may see; the Directory's only with access to the Directory."""
    return EventFilter(company_id=company.pk, directory=bool(may_see_directory(access)))


def filtered_by(query: ActivityQuery, access: Access, company: Company) -> EventFilter:
    """The events among them that match the filters."""
    kinds = kinds_of(query.outcome) if query.outcome else None
    if query.kind:
        kinds = frozenset({query.kind}) if kinds is None else kinds & {query.kind}
    return replace(
        visible_to(access, company),
        kinds=kinds,
        project=query.project,
        actor=query.person,
        since=query.at_from,
        until=query.at_to,
    )


def query_of(query: ActivityQuery, **more: str) -> str:
    """A query string that starts with `?`, for the first page; empty without parameters.

    `more` is appended: `after`, `before`, `count`.
    """
    words = {name: str(value) for name, value in query.filters.items()}
    if query.exact:
        words["count"] = "all"
    if more.get("count"):
        words |= {side: getattr(query, side) for side in ("after", "before")}
    words |= more
    parameters = urlencode({name: value for name, value in words.items() if value})
    return f"?{parameters}" if parameters else ""


def activity_url(company: Company, query: ActivityQuery, **more: str) -> str:
    return reverse("activity", args=[company.slug]) + query_of(query, **more)

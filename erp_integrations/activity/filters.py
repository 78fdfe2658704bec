"""The filters above the events of the Activity tab."""

from dataclasses import replace

from companies.access import Access
from companies.models import Company
from erp_integrations.activity.activity_query import FILTERS, ActivityQuery, visible_to
from erp_integrations.change_orders.list_filters import (
    MOST_CHOICES,
    FilterChoice,
    choice_of,
    number_of_project,
    projects_to_choose,
)
from erp_integrations.ledger.descriptions import KINDS, OUTCOMES
from erp_integrations.ledger.queries import event_filter_of, kinds_among
from erp_integrations.listing.distinct_values import distinct_values
from erp_integrations.models import LinkEvent


def kinds_visible_to(access: Access, company: Company) -> frozenset[str]:
    return kinds_among(visible_to(access, company))


def resolve_query(company: Company, access: Access, query: ActivityQuery) -> ActivityQuery:
    """Replaces a project's name by its number; ignores projects and people without events."""
    notes = []
    if query.project:
        number = _number_of_project(company, query.project)
        if number is None:
            notes.append(f"No project is called “{query.project}”. That filter was not used.")
        query = replace(query, project=number or "")
    if query.person:
        theirs = event_filter_of(replace(visible_to(access, company), actor=query.person))
        if not any(events.exists() for events in theirs.values()):
            notes.append(f"No person called “{query.person}” is in the ledger. That filter was not used.")
            query = replace(query, person="")
    return replace(query, notes=(*query.notes, *notes))


def _number_of_project(company: Company, typed: str) -> str | None:
    """Also finds a deleted project, by its events."""
    number = number_of_project(company, typed)
    if number is None and LinkEvent.objects.filter(company_id=company.pk, project_number=typed).exists():
        return typed
    return number


def choices_of(company: Company, access: Access, query: ActivityQuery) -> tuple[FilterChoice, ...]:
    """Three queries at most, however long the ledger is."""
    seen = visible_to(access, company)
    kinds = kinds_among(seen)
    options: dict[str, tuple[tuple[str, str], ...]] = {
        "kind": tuple((key, words) for key, words in KINDS.items() if key in kinds),
        "outcome": tuple((key.value, words) for key, words in OUTCOMES.items()),
        "project": projects_to_choose(company),
        "person": tuple((name, name) for name in _actors(company, directory=seen.directory)),
    }
    return tuple(
        choice_of(
            name,
            label,
            getattr(query, name),
            options.get(name, ()),
            "date" if name.startswith("at_") else "text",
        )
        for name, label in FILTERS.items()
    )


def _actors(company: Company, *, directory: bool) -> list[str]:
    """The names of all actors in the books, sorted."""
    books = ["erp_integrations_linkevent", *(["companies_directoryevent"] if directory else [])]
    found = (
        distinct_values(
            book,
            "actor_name",
            kept="company_id = %(company)s",
            most=MOST_CHOICES + 1,
            values={"company": company.pk},
        )
        for book in books
    )
    return sorted({name for names in found for name in names})

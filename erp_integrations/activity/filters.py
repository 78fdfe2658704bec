"""The filters above the events of the Activity tab."""

from dataclasses import replace

from companies.access import Access
from companies.models import Company
from erp_integrations.activity.activity_query import FILTERS, ActivityQuery, seen_by
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


def kinds_seen_by(access: Access, company: Company) -> frozenset[str]:
    return kinds_among(seen_by(access, company))


def resolved(company: Company, access: Access, asked: ActivityQuery) -> ActivityQuery:
    """A project's name becomes its number. Projects and people that no event knows are not asked for."""
    notes = []
    if asked.project:
        number = _number_of_project(company, asked.project)
        if number is None:
            notes.append(f"No project is called “{asked.project}”. That filter was not used.")
        asked = replace(asked, project=number or "")
    if asked.person:
        theirs = event_filter_of(replace(seen_by(access, company), actor=asked.person))
        if not any(events.exists() for events in theirs.values()):
            notes.append(f"No person called “{asked.person}” is in the ledger. That filter was not used.")
            asked = replace(asked, person="")
    return replace(asked, notes=(*asked.notes, *notes))


def _number_of_project(company: Company, typed: str) -> str | None:
    """Also of a project that was deleted: its events know it."""
    number = number_of_project(company, typed)
    if number is None and LinkEvent.objects.filter(company_id=company.pk, project_number=typed).exists():
        return typed
    return number


def choices_of(company: Company, access: Access, asked: ActivityQuery) -> tuple[FilterChoice, ...]:
    """Three queries at most, however long the ledger is."""
    seen = seen_by(access, company)
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
            getattr(asked, name),
            options.get(name, ()),
            "date" if name.startswith("at_") else "text",
        )
        for name, label in FILTERS.items()
    )


def _actors(company: Company, *, directory: bool) -> list[str]:
    """Who is in the books, by name."""
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

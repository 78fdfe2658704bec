"""What stands above the events of the Activity tab: its filters, and what of them is in force."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from django.db import connection as database

from companies.access import Access
from companies.models import Company, Project
from erp_integrations.event_words import KINDS, OUTCOMES
from erp_integrations.models import LinkEvent
from erp_integrations.queries.asked_activity import FILTERS, AskedOfActivity, activity_url, seen_by
from erp_integrations.queries.ledger import chosen_of, kinds_among
from erp_integrations.queries.toolbar import MOST_CHOICES, Chip, Choice, projects_to_choose, words_of_value


def kinds_seen_by(access: Access, company: Company) -> frozenset[str]:
    return kinds_among(seen_by(access, company))


def resolved(company: Company, access: Access, asked: AskedOfActivity) -> AskedOfActivity:
    """A project's name becomes its number. Projects and people that no event knows are not asked for."""
    notes = []
    if asked.project:
        number = _number_of_project(company, asked.project)
        if number is None:
            notes.append(f"No project is called “{asked.project}”. That filter was not used.")
        asked = replace(asked, project=number or "")
    if asked.person:
        theirs = chosen_of(replace(seen_by(access, company), actor=asked.person))
        if not any(events.exists() for events in theirs.values()):
            notes.append(f"Nobody called “{asked.person}” is in the ledger. That filter was not used.")
            asked = replace(asked, person="")
    return replace(asked, notes=(*asked.notes, *notes))


def _number_of_project(company: Company, typed: str) -> str | None:
    """Also of a project that was deleted: its events know it."""
    projects = Project.objects.filter(company=company).values_list("number", flat=True)
    number = projects.filter(number=typed).first() or projects.filter(name__iexact=typed).first()
    if number is None and LinkEvent.objects.filter(company_id=company.pk, project_number=typed).exists():
        return typed
    return number


def choices_of(company: Company, access: Access, asked: AskedOfActivity) -> tuple[Choice, ...]:
    """Three queries at most, however long the ledger is."""
    seen = seen_by(access, company)
    kinds = kinds_among(seen)
    options: dict[str, tuple[tuple[str, str], ...]] = {
        "kind": tuple((key, words) for key, words in KINDS.items() if key in kinds),
        "outcome": tuple((key.value, words) for key, words in OUTCOMES.items()),
        "project": projects_to_choose(company),
        "person": tuple((name, name) for name in _actors(company, directory=seen.directory)),
    }
    return tuple(_choice(name, getattr(asked, name), options.get(name, ())) for name in FILTERS)


def chips_of(company: Company, asked: AskedOfActivity, choices: Sequence[Choice]) -> tuple[Chip, ...]:
    """What is in force, each with the address without it."""
    return tuple(
        Chip(
            choice.label,
            dict(choice.options).get(choice.value) or words_of_value(getattr(asked, choice.name)),
            activity_url(company, asked.without(choice.name)),
        )
        for choice in choices
        if choice.value
    )


def _choice(name: str, value: object, options: tuple[tuple[str, str], ...]) -> Choice:
    text = "" if value is None else str(value)
    if len(options) > MOST_CHOICES:
        options = ()
    elif options and text and text not in dict(options):
        options = (*options, (text, text))
    return Choice(name, FILTERS[name], text, options, "date" if name.startswith("at_") else "text")


DIFFERENT = """
WITH RECURSIVE names AS (
    (SELECT actor_name AS name FROM {book} WHERE company_id = %(company)s ORDER BY actor_name LIMIT 1)
    UNION ALL
    SELECT (SELECT actor_name FROM {book} WHERE company_id = %(company)s AND actor_name > names.name
            ORDER BY actor_name LIMIT 1)
    FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL LIMIT %(most)s
"""
"""One step in an index for each name: DISTINCT would read every event."""

_Book = Literal["erp_integrations_linkevent", "companies_directoryevent"]


def _actors(company: Company, *, directory: bool) -> list[str]:
    """Who is in the books, by name."""
    books: tuple[_Book, ...] = ("erp_integrations_linkevent",)
    if directory:
        books += ("companies_directoryevent",)
    names: set[str] = set()
    with database.cursor() as cursor:
        for book in books:
            asked = {"company": company.pk, "most": MOST_CHOICES + 1}
            cursor.execute(DIFFERENT.format(book=book), asked)
            names.update(name for (name,) in cursor.fetchall())
    return sorted(names)

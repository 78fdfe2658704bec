"""Records in the Directory's history what support changes in the admin.

The admin's own forms save. `begin_edit` comes before, `end_edit` after, in the same transaction.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from companies.clock import database_now
from companies.errors import LastAdministrator
from companies.models import (
    Company,
    CompanyTool,
    DirectoryEventKind,
    Level,
    Membership,
    ProjectTool,
    User,
)
from companies.operations.change_digest_subscription import SUBSCRIBED
from companies.operations.change_levels import active_administrators, name_of_level
from companies.operations.record_history import append_event

ACTIVE = {True: "active", False: "inactive"}
ENTRY, ACCOUNT, DIGEST = "Directory entry", "Account", "ERP digest emails"

Facts = dict[tuple[DirectoryEventKind, str], str]


@dataclass(frozen=True, slots=True)
class SupportEdit:
    """An edit of these entries that has begun."""

    actor: User
    companies: tuple[Company, ...]
    administered: frozenset[int]
    entries: dict[int, Membership]
    before: dict[int, Facts]


def begin_edit(entries: QuerySet[Membership], *, actor: User) -> SupportEdit:
    """Reads the entries and locks their companies, so that no other edit runs until the transaction ends."""
    ids = list(entries.values_list("company_id", flat=True))
    companies = tuple(Company.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("id"))
    found = _read(entries)
    return SupportEdit(
        actor=actor,
        companies=companies,
        administered=_administered(companies),
        entries=found,
        before={entry.pk: _facts(entry) for entry in found.values()},
    )


def end_edit(
    edit: SupportEdit,
    entries: QuerySet[Membership],
    *,
    rights: str = "staff, in the admin",
    reason: str = "",
) -> None:
    """Appends an event for everything that has changed.

    Raises `LastAdministrator` when a company has lost its last active one; the transaction must then be
    rolled back.
    """
    administered = _administered(edit.companies)
    for company in edit.companies:
        if company.pk in edit.administered - administered:
            raise LastAdministrator(company.name)
    now = database_now()
    found = _read(entries)
    for entry_id in sorted({*edit.entries, *found}):
        before = edit.before.get(entry_id, {})
        after = _facts(found[entry_id]) if entry_id in found else {}
        for kind, what, was, will_be in _changes(before, after):
            append_event(
                kind=kind,
                membership=found.get(entry_id) or edit.entries[entry_id],
                actor=edit.actor,
                now=now,
                rights=rights,
                what=what,
                before=was,
                after=will_be,
                reason=reason,
            )


def _administered(companies: tuple[Company, ...]) -> frozenset[int]:
    return frozenset(active_administrators(*companies).values_list("company_id", flat=True))


def _read(entries: QuerySet[Membership]) -> dict[int, Membership]:
    found = entries.select_related("user", "company").prefetch_related(
        "company_levels", "project_levels__project"
    )
    return {entry.pk: entry for entry in found.order_by("id")}


def _facts(entry: Membership) -> Facts:
    facts: Facts = {
        (DirectoryEventKind.ENTRY_CHANGED, ENTRY): ACTIVE[entry.is_active],
        (DirectoryEventKind.ENTRY_CHANGED, ACCOUNT): ACTIVE[entry.user.is_active],
        (DirectoryEventKind.DIGEST_CHANGED, DIGEST): SUBSCRIBED[entry.subscribed_to_digest],
    }
    levels = defaultdict(lambda: Level.NONE.label)
    for row in entry.company_levels.all():
        levels[CompanyTool(row.tool).label] = Level(row.level).label
    for grant in entry.project_levels.all():
        if grant.tool == ProjectTool.COMMITMENTS:
            levels[name_of_level(grant.project)] = Level(grant.level).label
    return facts | {(DirectoryEventKind.LEVEL_CHANGED, what): level for what, level in levels.items()}


def _changes(before: Facts, after: Facts) -> Iterator[tuple[DirectoryEventKind, str, str, str]]:
    """What changed between two states of an entry; of a new or deleted one: itself and its levels."""
    whole = bool(before) and bool(after)
    for kind, what in dict.fromkeys((*before, *after)):
        none = Level.NONE.label if kind == DirectoryEventKind.LEVEL_CHANGED else "none"
        was, will_be = before.get((kind, what), none), after.get((kind, what), none)
        goes_with_the_entry = what in (ACCOUNT, DIGEST) and not whole
        if was != will_be and not goes_with_the_entry:
            yield kind, what, was, will_be

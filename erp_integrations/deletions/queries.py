"""Stated deletions, for the pages."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from companies.access import Access
from companies.models import Company
from erp_integrations.models import ConfirmedDeletion, ConfirmedDeletionRecord, Connection
from erp_integrations.policies import may_state_deletion


def open_deletions(connection: Connection, now: datetime) -> QuerySet[ConfirmedDeletion]:
    """Statements that are neither withdrawn nor ended nor expired."""
    return ConfirmedDeletion.objects.filter(connection=connection, ended_at=None).exclude(ends_at__lte=now)


# --- pages ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """A record of a statement, with the CCO that is or was linked to it."""

    record_number: str
    cco: str
    url: str
    """Empty when the CCO was deleted."""


@dataclass(frozen=True, slots=True)
class DeletionLine:
    """An open statement: it waits for confirmation, or counts."""

    deletion_id: int
    records: tuple[NamedRecord, ...]
    reason: str
    stated_at: datetime
    stated_by: str
    confirmed_at: datetime | None
    confirmed_by: str
    ends_at: datetime | None
    of_another_database: bool
    """Whether it is about another database than the accepted one, and so does not count."""
    is_own: bool
    """Whether the viewer stated it, who cannot confirm it."""
    may_confirm: bool
    may_withdraw: bool
    confirm_url: str
    withdraw_url: str


def deletion_lines(company: Company, access: Access, now: datetime) -> tuple[DeletionLine, ...]:
    """The company's open statements, the latest first."""
    connection = Connection.objects.filter(company=company).first()
    if connection is None:
        return ()
    may = bool(may_state_deletion(access))
    deletions = open_deletions(connection, now).order_by("-id").prefetch_related("records__link")
    return tuple(_line(one, company, connection, access, may=may) for one in deletions)


def count_waiting_for(company: Company, access: Access, now: datetime) -> int:
    """How many statements of other people the viewer can confirm."""
    connection = Connection.objects.filter(company=company).first()
    if connection is None or not may_state_deletion(access):
        return 0
    return (
        open_deletions(connection, now)
        .filter(confirmed_at=None, incarnation=connection.accepted_incarnation)
        .exclude(stated_by_id=access.user_id)
        .count()
    )


def _line(
    deletion: ConfirmedDeletion, company: Company, connection: Connection, access: Access, *, may: bool
) -> DeletionLine:
    is_own = deletion.stated_by_id == access.user_id
    elsewhere = deletion.incarnation != connection.accepted_incarnation
    return DeletionLine(
        deletion_id=deletion.pk,
        records=tuple(
            _named(company, record) for record in sorted(deletion.records.all(), key=lambda one: one.pk)
        ),
        reason=deletion.reason,
        stated_at=deletion.stated_at,
        stated_by=deletion.stated_by_name,
        confirmed_at=deletion.confirmed_at,
        confirmed_by=deletion.confirmed_by_name,
        ends_at=deletion.ends_at,
        of_another_database=elsewhere,
        is_own=is_own,
        may_confirm=may and not is_own and not elsewhere and deletion.confirmed_at is None,
        may_withdraw=may,
        confirm_url=reverse("deletion-confirm", args=[company.slug, deletion.pk]),
        withdraw_url=reverse("deletion-withdraw", args=[company.slug, deletion.pk]),
    )


def _named(company: Company, record: ConfirmedDeletionRecord) -> NamedRecord:
    link = record.link
    url = (
        reverse("change-order-history", args=[company.slug, link.change_order_id])
        if link.change_order_id
        else ""
    )
    return NamedRecord(
        record.record_number, f"CCO {link.cco_number} {link.cco_title} ({link.project_name})", url
    )

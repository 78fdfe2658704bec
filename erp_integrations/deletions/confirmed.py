"""Which records are stated and confirmed to be deleted in the ERP. Asked by looks and pages alike."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from companies.clock import StatementClock
from erp_integrations.models import ConfirmedDeletion, ConfirmedDeletionRecord, Connection


@dataclass(frozen=True, slots=True)
class ConfirmedBy:
    """Who stated a deletion and who confirmed it."""

    deletion_id: int
    stated_by: str
    confirmed_by: str
    reason: str


def find_confirmed(
    connection: Connection, row_ids: Collection[UUID], now: datetime | StatementClock
) -> frozenset[UUID]:
    """Those of the records that a confirmed statement names which counts now, of the accepted database."""
    return frozenset(find_confirmed_by(connection, row_ids, now))


def find_confirmed_by(
    connection: Connection, row_ids: Collection[UUID], now: datetime | StatementClock
) -> dict[UUID, ConfirmedBy]:
    """The same, each with the people behind the latest statement that names it."""
    if not row_ids or not connection.accepted_incarnation:
        return {}
    records = (
        ConfirmedDeletionRecord.objects.filter(
            row_id__in=row_ids,
            deletion__in=ConfirmedDeletion.objects.filter(
                connection=connection,
                incarnation=connection.accepted_incarnation,
                confirmed_at__lte=now,
                ends_at__gt=now,
                ended_at=None,
            ),
        )
        .select_related("deletion")
        .order_by("deletion_id")
    )
    return {
        record.row_id: ConfirmedBy(
            record.deletion_id,
            record.deletion.stated_by_name,
            record.deletion.confirmed_by_name,
            record.deletion.reason,
        )
        for record in records
    }


def open_deletions(connection: Connection, now: datetime) -> QuerySet[ConfirmedDeletion]:
    """What was not withdrawn, not ended by a record that was seen, and not over."""
    return ConfirmedDeletion.objects.filter(connection=connection, ended_at=None).exclude(ends_at__lte=now)

"""The current state of the rows on an open page."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Subquery

from companies.models import Company
from erp_integrations.change_orders.queries import presence_of
from erp_integrations.models import ChangeOrderLink, Connection, LinkEvent
from erp_integrations.view_models import Presence

AGE_STEP = timedelta(seconds=30)
"""An open page may show ages that are as old as this."""

MOST_LATE_EVENTS = 5_000
"""An event that commits late may be so many ids behind the newest; later ones are seen at the next step."""


def page_etag(company: Company, connection: Connection, now: datetime) -> str:
    """ETag that changes when an open page may be stale, and when its ages are too old.

    One query, whatever the page shows: changes of rows and counts are in the ledger, times of answers are on
    the connection.
    """
    facts = (
        *_events_seen(company),
        *(connection.revision, connection.accepted_incarnation, connection.reconciled_at),
        *(connection.last_success_at, connection.last_failure_at),
        now.timestamp() // AGE_STEP.total_seconds(),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _events_seen(company: Company) -> tuple[int | None, int]:
    """The newest event's id, and how many of the last ids are visible. Events are never deleted.

    An event gets its id when it is written, and is visible when it is committed, perhaps after a newer one.
    Then the newest id stays and the count grows.
    """
    events = LinkEvent.objects.filter(company_id=company.pk)
    newest = events.order_by("-id").values("id")[:1]
    seen = events.filter(id__gt=Subquery(newest) - MOST_LATE_EVENTS).aggregate(
        newest=Max("id"), count=Count("id")
    )
    return seen["newest"], seen["count"]


@dataclass(frozen=True, slots=True)
class LiveRows:
    change_order_id: int
    presence: Presence


def live_rows_of(
    company: Company, connection: Connection | None, change_order_ids: Sequence[int]
) -> tuple[LiveRows, ...]:
    """The status of the newest link of each CCO that has, or had, one. One query."""
    if connection is None:
        return ()
    links = ChangeOrderLink.objects.filter(
        change_order_id__in=change_order_ids, connection__company=company
    ).order_by("change_order_id", "-linked_at", "-id")
    return tuple(
        LiveRows(link.change_order_id or 0, _live_presence(link, connection))
        for link in links.distinct("change_order_id")
    )


def _live_presence(link: ChangeOrderLink, connection: Connection) -> Presence:
    if link.is_active:
        return presence_of(link, connection)
    # The row stays until the page is reloaded, and shows that it was unlinked.
    return Presence("absent", f"Unlinked by {link.unlinked_by_name}", "good", link.unlinked_at)

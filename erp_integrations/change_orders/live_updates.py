"""What the rows of an open page say now."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Subquery

from companies.models import Company
from erp_integrations.change_orders.queries import presence_of
from erp_integrations.models import ChangeOrderLink, Connection, LinkEvent
from erp_integrations.view_models import Presence

AGES_STAND = timedelta(seconds=30)
"""For so long an open page may show the ages that it was given."""

MAY_COME_LATE = 5_000
"""So many ids behind the newest an event may be that becomes visible; what is later waits for the ages."""


def page_etag(company: Company, connection: Connection, now: datetime) -> str:
    """Is another one as soon as an open page may have something new to say, and as its ages grow.

    Whoever knows the state needs no answer. One query, whatever is on the page: what changes a row or a count
    stands in the ledger, and what dates them with the connection.
    """
    facts = (
        *_events_seen(company),
        *(connection.revision, connection.accepted_incarnation, connection.reconciled_at),
        *(connection.last_success_at, connection.last_failure_at),
        now.timestamp() // AGES_STAND.total_seconds(),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _events_seen(company: Company) -> tuple[int | None, int]:
    """The newest event's id, and how many of the last ids are visible; no event is ever deleted.

    An event gets its id and its time when it is written, and is visible when it is committed, perhaps after
    a newer one. Then the newest stays and the count grows.
    """
    events = LinkEvent.objects.filter(company_id=company.pk)
    newest = events.order_by("-id").values("id")[:1]
    seen = events.filter(id__gt=Subquery(newest) - MAY_COME_LATE).aggregate(
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
    """Of each CCO that has, or had, a link: what its newest one says. One query."""
    if connection is None:
        return ()
    links = ChangeOrderLink.objects.filter(
        change_order_id__in=change_order_ids, connection__company=company
    ).order_by("change_order_id", "-linked_at", "-id")
    return tuple(
        LiveRows(link.change_order_id or 0, _said(link, connection))
        for link in links.distinct("change_order_id")
    )


def _said(link: ChangeOrderLink, connection: Connection) -> Presence:
    if link.is_active:
        return presence_of(link, connection)
    # The row stays where it is until the page is loaded again: it says what happened to it.
    return Presence("absent", f"Unlinked by {link.unlinked_by_name}", "good", link.unlinked_at)

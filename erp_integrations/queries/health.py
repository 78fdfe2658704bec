"""How the connections are, for those who run the servers: ids, kinds and times, and nothing of the books.

What reconciliation adds (its last complete run, its last refusal) belongs into `ConnectionHealth`, and from
there into `trouble_of` and the figures of `config.metrics`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from erp_integrations.models import AttemptState, Connection, EventKind, UnlinkAttempt

ANSWERS = (EventKind.UNLINKED, EventKind.STILL_IN_ERP, EventKind.NO_ANSWER, EventKind.NOT_ALLOWED)
"""How a question whether a link may be cut can end."""


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """One company's connection, by numbers only."""

    connection_id: int
    company_id: int
    kind: str
    accepted: bool
    """Whether a database was accepted, so that verdicts are given at all."""
    another_database: bool
    """Whether another one than the accepted answers, and waits for an ERP admin's word."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    failures_in_a_row: int


def connections_health() -> tuple[ConnectionHealth, ...]:
    """Every connection, the oldest first. One query."""
    rows = Connection.objects.order_by("id").only(
        *("company_id", "kind", "accepted_incarnation", "seen_incarnation"),
        *("last_success_at", "last_failure_at", "failures_in_a_row"),
    )
    return tuple(health_of(row) for row in rows)


def health_of(row: Connection) -> ConnectionHealth:
    return ConnectionHealth(
        connection_id=row.pk,
        company_id=row.company_id,
        kind=row.kind,
        accepted=bool(row.accepted_incarnation),
        another_database=bool(row.accepted_incarnation)
        and row.seen_incarnation not in ("", row.accepted_incarnation),
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        failures_in_a_row=row.failures_in_a_row,
    )


def trouble_of(one: ConnectionHealth) -> str:
    """What is the matter with a connection, in words; empty where nothing is."""
    if not one.accepted:
        return "it is unchecked: no database was accepted yet"
    if one.another_database:
        return "another database answers, and waits for an ERP admin to accept it"
    if one.failures_in_a_row:
        times = "once" if one.failures_in_a_row == 1 else f"{one.failures_in_a_row} times in a row"
        return f"it could not be asked, {times}"
    return ""


def count_stuck_attempts(now: datetime) -> int:
    """Attempts whose lease is over and that nobody has ended yet. The next click on their CCO ends them."""
    return UnlinkAttempt.objects.filter(state=AttemptState.CHECKING, expires_at__lte=now).count()


def answers_since(moment: datetime) -> dict[tuple[int, str], int]:
    """How often each company's questions ended how since then: (company, event kind) -> count.

    Reads each company's newest events only, however long the ledger is.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, {"moment": moment, "kinds": list(ANSWERS)})
        return {(company, kind): count for company, kind, count in cursor.fetchall()}


LATELY = timedelta(hours=1)

_ANSWERS = """
    SELECT connection.company_id, event.kind, count(*)
    FROM erp_integrations_connection AS connection
    JOIN LATERAL (
        SELECT kind FROM erp_integrations_linkevent
        WHERE company_id = connection.company_id AND at >= %(moment)s AND kind = ANY(%(kinds)s)
    ) AS event ON true
    GROUP BY connection.company_id, event.kind
"""

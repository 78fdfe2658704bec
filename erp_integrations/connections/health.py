"""The state of all connections for operators: ids, kinds and times, and no business data."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from erp_integrations.erp import registry
from erp_integrations.models import (
    AttemptState,
    Connection,
    EventKind,
    ReconcileRun,
    ReconcileState,
    UnlinkAttempt,
)
from erp_integrations.policies import reconciles_every

ANSWERS = (EventKind.UNLINKED, EventKind.STILL_IN_ERP, EventKind.NO_ANSWER, EventKind.NOT_ALLOWED)
"""The possible outcomes of an unlink attempt."""

BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """The state of one company's connection."""

    connection_id: int
    company_id: int
    kind: str
    accepted: bool
    """Whether a database was accepted, so that verdicts are given."""
    another_database: bool
    """Whether another database than the accepted one answers."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    failures_in_a_row: int
    reconciled_every: timedelta | None = None
    """The interval of scheduled reconciliation; None for never."""
    reconciled_at: datetime | None = None
    """When the last complete reconciliation began."""
    reconcile_refused_at: datetime | None = None
    """When a reconciliation was last refused; None when not since the last complete one."""
    reconciling_since: datetime | None = None
    """When the running reconciliation began."""


def connections_health() -> tuple[ConnectionHealth, ...]:
    """All connections, the oldest first. One query."""
    return tuple(map(_health, _rows().order_by("id")))


def health_of(connection_id: int) -> ConnectionHealth:
    """One connection. Raises `Connection.DoesNotExist`."""
    return _health(_rows().get(pk=connection_id))


def _rows() -> QuerySet[Connection]:
    runs = ReconcileRun.objects.filter(connection=OuterRef("pk")).order_by("-started_at")
    # There are few since the last complete run, so the index is not read through a week of runs.
    since = runs.filter(started_at__gt=Coalesce(OuterRef("reconciled_at"), Value(BEFORE_ALL)))
    refused, running = (
        since.filter(state=ReconcileState.IMPLAUSIBLE),
        runs.filter(state=ReconcileState.RUNNING),
    )
    return Connection.objects.annotate(
        refused_at=Subquery(refused.values("ended_at")[:1]),
        running_since=Subquery(running.values("started_at")[:1]),
    ).only(
        *("company_id", "kind", "accepted_incarnation", "seen_incarnation"),
        *("last_success_at", "last_failure_at", "failures_in_a_row"),
        *("reconcile_every_minutes", "reconciled_at"),
    )


def _health(row: Any) -> ConnectionHealth:
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
        reconciled_every=reconciles_every(row, practice=registry.has_sandbox(row)),
        reconciled_at=row.reconciled_at,
        reconcile_refused_at=row.refused_at,
        reconciling_since=row.running_since,
    )


def trouble_of(one: ConnectionHealth) -> str:
    """The problem of a connection, in words; empty without one."""
    if not one.accepted:
        return "it is unchecked: no database was accepted yet"
    if one.another_database:
        return "another database answers, and waits for an ERP admin to accept it"
    if one.failures_in_a_row:
        times = "once" if one.failures_in_a_row == 1 else f"{one.failures_in_a_row} times in a row"
        return f"it could not be asked, {times}"
    if one.reconcile_refused_at:
        return "its last comparison was not believed, and nothing was recorded: an ERP admin must look"
    return ""


def count_stuck_attempts(now: datetime) -> int:
    """Unlink attempts whose lease is over. The next click on their CCO settles them."""
    return UnlinkAttempt.objects.filter(state=AttemptState.CHECKING, expires_at__lte=now).count()


def answers_since(moment: datetime) -> dict[tuple[int, str], int]:
    """Unlink attempts since then by outcome: (company, event kind) -> count.

    Reads only each company's newest events, however long the ledger is.
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

"""The lease of a reconciliation: one run at a time per connection, and each run ends exactly once."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from companies.clock import clock_from, database_now
from erp_integrations.erp.connection_state import note_answer, note_history_mark
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event_of_connection
from erp_integrations.links.brake import IMPLAUSIBLE
from erp_integrations.models import Connection, EventKind, ReconcileRun, ReconcileState
from erp_integrations.ports import Fault, FaultKind, HistoryMark, error_for
from erp_integrations.reconciliation.diff import DiffResult
from erp_integrations.workflow.errors import ReconcileInProgress, TakenOver

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
RENEWED_AFTER_SECONDS = 10

ABANDONED = Fault(
    FaultKind.UNAVAILABLE,
    "abandoned",
    "The comparison did not end: the worker was stopped, or its machine failed.",
    "The next run begins by itself. What was recorded stands.",
)
CONNECTION_CHANGED = Fault(
    FaultKind.UNAVAILABLE,
    "connection-changed",
    "The connection was changed while the links were compared.",
    "The next run asks the connection as it is now.",
)


@dataclass(slots=True)
class RunLease:
    """A run that this process holds."""

    run_id: int
    connection: Connection
    """The connection when the run began; every transaction that writes checks that it is unchanged."""
    actor: Actor
    started_at: datetime
    change_orders_before: int
    """Change orders in the ERP at the last complete run; 0 when there was none."""
    clock: Callable[[], datetime]
    renewed: float = field(default_factory=time.monotonic)
    server_clock: timedelta | None = None
    """The server's local time minus ours when the run began."""
    read_until: datetime | None = None
    """When the last keys had been read."""
    history_mark: HistoryMark | None = None
    """The newest entry of the ERP's history at that time."""
    change_orders: int = 0
    changed: int = 0
    silent: set[int] = field(default_factory=set)
    """Links whose records gave no answer, although the connection does."""


def claim_run(*, connection_id: int, actor: Actor) -> RunLease:
    with transaction.atomic(durable=True):
        connection = Connection.objects.select_for_update(no_key=True).get(pk=connection_id)
        now = database_now()
        _free(connection, now=now)
        before = (
            ReconcileRun.objects.filter(connection=connection, state=ReconcileState.COMPLETE)
            .order_by("-started_at")
            .values_list("change_orders", flat=True)
            .first()
        )
        run = ReconcileRun.objects.create(
            connection=connection,
            started_at=now,
            expires_at=now + LEASE,
            actor_id=actor.user_id,
            actor_name=actor.name,
            via=actor.via,
            connection_revision=connection.revision,
            incarnation=connection.accepted_incarnation,
        )
    return RunLease(
        run_id=run.pk,
        connection=connection,
        actor=actor,
        started_at=now,
        change_orders_before=before or 0,
        clock=clock_from(now),
    )


def _free(connection: Connection, *, now: datetime) -> None:
    """Ends a run whose lease is over. Raises `ReconcileInProgress` when the lease still holds."""
    holding = (
        ReconcileRun.objects.select_for_update()
        .filter(connection=connection, state=ReconcileState.RUNNING)
        .first()
    )
    if holding is None:
        return
    if holding.expires_at > now:
        raise ReconcileInProgress(since=holding.started_at)
    ReconcileRun.objects.filter(pk=holding.pk).update(
        state=ReconcileState.ABANDONED,
        ended_at=max(now, holding.started_at),
        fault_code=ABANDONED.code,
        fault_words=ABANDONED.what,
        fault_advice=ABANDONED.advice,
    )


def renew(lease: RunLease) -> None:
    """Extends the lease, unless that was done a moment ago."""
    if time.monotonic() - lease.renewed > RENEWED_AFTER_SECONDS:
        note_progress(lease)


def note_progress(lease: RunLease) -> None:
    renewed = ReconcileRun.objects.filter(pk=lease.run_id, state=ReconcileState.RUNNING).update(
        expires_at=database_now() + LEASE, changed=lease.changed, change_orders=lease.change_orders
    )
    if not renewed:
        raise TakenOver
    lease.renewed = time.monotonic()


def require_same_connection(lease: RunLease) -> Connection:
    """The connection, locked. Raises `ErpError` when it was changed since the run began."""
    connection = (
        Connection.objects.select_for_update(no_key=True, of=("self",))
        .select_related("company")
        .get(pk=lease.connection.pk)
    )
    if connection.revision != lease.connection.revision:
        raise error_for(CONNECTION_CHANGED)
    return connection


def end_run(lease: RunLease, diff: DiffResult | None, fault: Fault | None) -> None:
    """Ends the run: COMPLETE without a fault, else in the state of the fault.

    `diff` is None when not all keys were read. A complete run dates all links that are as stored, unless the
    connection was changed meanwhile.
    """
    with transaction.atomic(durable=True):
        connection = (
            Connection.objects.select_for_update(no_key=True, of=("self",))
            .select_related("company")
            .get(pk=lease.connection.pk)
        )
        if connection.revision != lease.connection.revision:
            fault = CONNECTION_CHANGED
        refused_before = _last_state(connection) == ReconcileState.IMPLAUSIBLE
        now = database_now()
        if not _end(lease, diff, fault, now=now):
            log.warning("reconcile_taken_over", run_id=lease.run_id)
            return
        if fault is None:
            Connection.objects.filter(pk=connection.pk).update(
                reconciled_at=Greatest(F("reconciled_at"), lease.started_at),
                reconciled_until=Greatest(F("reconciled_until"), lease.read_until),
                reconciled_clock=lease.server_clock,
            )
            note_history_mark(connection.pk, lease.history_mark)
        if fault is not None and fault.code == IMPLAUSIBLE:
            if not refused_before:
                _record_refused(lease, connection, fault, now=now)
        elif fault is not CONNECTION_CHANGED:
            note_answer(connection, fault, now=now, server_clock=lease.server_clock)
    log.info(
        "reconcile_ended",
        company_id=connection.company_id,
        run_id=lease.run_id,
        outcome=fault.code if fault else "complete",
        changed=lease.changed,
    )


def _end(lease: RunLease, diff: DiffResult | None, fault: Fault | None, *, now: datetime) -> bool:
    counts = diff or DiffResult()
    ended = ReconcileRun.objects.filter(pk=lease.run_id, state=ReconcileState.RUNNING).update(
        state=_state(fault),
        ended_at=max(now, lease.started_at),
        change_orders=lease.change_orders,
        changed=lease.changed,
        checked=counts.links,
        present=counts.present,
        absent=counts.absent,
        drifted=counts.drifted,
        unknown=counts.unknown,
        odd=counts.odd,
        odd_records=[asdict(one) for one in counts.odd_records],
        fault_code=fault.code if fault else "",
        fault_words=fault.what if fault else "",
        fault_advice=fault.advice if fault else "",
    )
    return ended == 1


def _state(fault: Fault | None) -> ReconcileState:
    if fault is None:
        return ReconcileState.COMPLETE
    if fault.code == IMPLAUSIBLE:
        return ReconcileState.IMPLAUSIBLE
    if fault.kind is FaultKind.MISCONFIGURED:
        return ReconcileState.MISCONFIGURED
    return ReconcileState.NO_ANSWER


def _last_state(connection: Connection) -> str | None:
    ended = ReconcileRun.objects.filter(connection=connection).exclude(state=ReconcileState.RUNNING)
    return ended.order_by("-started_at").values_list("state", flat=True).first()


def _record_refused(lease: RunLease, connection: Connection, fault: Fault, *, now: datetime) -> None:
    """Records the refusal once, not with each of the following runs."""
    append_event_of_connection(
        connection,
        EventKind.RECONCILE_REFUSED,
        actor=lease.actor,
        now=now,
        reason=fault.what,
    )

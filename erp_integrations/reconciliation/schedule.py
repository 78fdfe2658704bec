"""Scheduled work: reconciles connections when they are due, and ends expired leases."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import localtime

from companies.queue import defer_once
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import PLUMBLINE
from erp_integrations.links.settle_attempts import end_expired
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Connection,
    ReconcileRun,
    ReconcileState,
    UnlinkAttempt,
)
from erp_integrations.policies import is_due
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.errors import ReconcileInProgress

log = structlog.get_logger(__name__)

RECONCILE = "erp_integrations.tasks.reconcile"
KEPT = timedelta(days=7)
"""How long runs are kept."""


def queue_due(now: datetime) -> None:
    """Queues one job for every connection that is due."""
    for connection in _connections():
        if _is_due(connection, now):
            defer_once(
                RECONCILE,
                lock=f"reconcile-{connection.pk}",
                one_at_a_time=True,
                connection_id=connection.pk,
            )


def reconcile_if_due(connection_id: int, now: datetime) -> None:
    """Reconciles, unless another run began since this job was queued."""
    connection = _connections().filter(pk=connection_id).first()
    if connection is None or not _is_due(connection, now):
        return
    try:
        reconcile(connection_id=connection_id, actor=PLUMBLINE)
    except ReconcileInProgress as running:
        log.info("reconcile_in_progress", connection_id=connection_id, since=running.since)


def _connections() -> QuerySet[Connection]:
    runs = ReconcileRun.objects.filter(connection=OuterRef("pk")).order_by("-started_at")
    return Connection.objects.annotate(last_began=Subquery(runs.values("started_at")[:1])).order_by("pk")


def _is_due(connection: Connection, now: datetime) -> bool:
    last_began: datetime | None = connection.last_began  # type: ignore[attr-defined]  # annotated
    return is_due(connection, last_began, localtime(now), practice=registry.has_sandbox(connection))


# --- tidying -------------------------------------------------------------------------------------


def end_expired_attempts(now: datetime) -> None:
    """Ends every unlink attempt whose lease is over."""
    expired = UnlinkAttempt.objects.filter(state=AttemptState.CHECKING, expires_at__lte=now)
    for attempt_id, link_id in list(expired.order_by("pk").values_list("pk", "link_id")):
        with transaction.atomic(durable=True):
            link = ChangeOrderLink.objects.select_for_update().get(pk=link_id)
            attempt = expired.select_for_update().filter(pk=attempt_id).first()
            if attempt is not None:
                end_expired(attempt, link=link, now=now)


def forget_old_runs(now: datetime) -> None:
    """Deletes old runs except the last complete one of each connection, with which the next is compared."""
    old = ReconcileRun.objects.filter(ended_at__lt=now - KEPT)
    last = ReconcileRun.objects.filter(state=ReconcileState.COMPLETE).values("connection")
    kept = last.annotate(newest=Max("pk")).values("newest")
    old.filter(~Q(pk__in=kept)).delete()

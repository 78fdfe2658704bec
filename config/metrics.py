"""Metrics in the Prometheus text format.

All values are read from the database at request time, so every process on every machine gives the same
answer. Metrics of a process (requests per second, memory) come from the proxy and the service manager.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from companies.clock import database_now
from companies.models import Outcome, OutgoingMail, PrivilegeRequest
from companies.queue_state import QueueState, get_queue_state
from config.readiness import count_unapplied_migrations, limit_statement_time
from erp_integrations.connections.health import (
    ANSWERS,
    LATELY,
    ConnectionHealth,
    answers_since,
    connections_health,
    count_stuck_attempts,
)

CONNECTION_LABELS = ("connection", "company", "kind")


def render_metrics() -> bytes:
    """Every metric, as text. Raises `django.db.Error` when the database does not answer in time."""
    registry = CollectorRegistry()
    with transaction.atomic():
        limit_statement_time()
        registry.register(_Snapshot(tuple(_families(database_now()))))
    return generate_latest(registry)


class _Snapshot(Collector):
    """Metric families that were read once."""

    def __init__(self, families: tuple[GaugeMetricFamily, ...]) -> None:
        self.families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self.families


def _families(now: datetime) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily(
        "plumbline_migrations_unapplied",
        "Migrations that this release knows and the database does not have.",
        value=count_unapplied_migrations(),
    )
    yield from _queue_families(get_queue_state())
    connections = connections_health()
    yield from _connection_families(connections)
    yield _answers(connections, now)
    yield GaugeMetricFamily(
        "plumbline_attempts_stuck",
        "Unlink attempts whose lease expired and that were not settled.",
        value=count_stuck_attempts(now),
    )
    yield _mail()
    yield GaugeMetricFamily(
        "plumbline_privilege_requests_waiting",
        "Undecided requests for Can Push to Accounting.",
        value=PrivilegeRequest.objects.filter(outcome=Outcome.WAITING).count(),
    )


def _queue_families(queue: QueueState) -> Iterator[GaugeMetricFamily]:
    jobs = GaugeMetricFamily(
        "plumbline_jobs", "Jobs in the queue; jobs that succeeded are deleted.", labels=("state",)
    )
    jobs.add_metric(("waiting",), queue.waiting)
    jobs.add_metric(("running",), queue.running)
    jobs.add_metric(("failed",), queue.failed)
    yield jobs
    yield GaugeMetricFamily(
        "plumbline_job_oldest_waiting_seconds",
        "Time since the job that waits longest became due.",
        value=queue.oldest_waiting_seconds,
    )
    yield GaugeMetricFamily(
        "plumbline_workers", "Workers with a heartbeat in the last half minute.", value=queue.workers
    )


def _connection_families(connections: tuple[ConnectionHealth, ...]) -> Iterator[GaugeMetricFamily]:
    """An event that never happened has no sample, rather than the timestamp 0."""
    accepted = _family("accepted", "1 when a database was accepted and is the one that answers.")
    failures = _family("failures_in_a_row", "Failures since the last good answer.")
    success = _family("last_success_timestamp_seconds", "When it last gave a good answer.")
    failure = _family("last_failure_timestamp_seconds", "When it last failed to give an answer.")
    complete = _family("last_complete_run_timestamp_seconds", "When the last complete reconciliation began.")
    interval = _family("run_interval_seconds", "Interval of scheduled reconciliation; absent when it is off.")
    refused = _family("run_refused", "1 when a reconciliation was refused since the last complete one.")
    running = _family("running_since_timestamp_seconds", "When the running reconciliation began.")
    for one in connections:
        labels = (str(one.connection_id), str(one.company_id), one.kind)
        accepted.add_metric(labels, float(one.accepted and not one.another_database))
        failures.add_metric(labels, one.failures_in_a_row)
        if one.last_success_at:
            success.add_metric(labels, one.last_success_at.timestamp())
        if one.last_failure_at:
            failure.add_metric(labels, one.last_failure_at.timestamp())
        refused.add_metric(labels, float(one.reconcile_refused_at is not None))
        if one.reconciled_every:
            interval.add_metric(labels, one.reconciled_every.total_seconds())
        if one.reconciled_at:
            complete.add_metric(labels, one.reconciled_at.timestamp())
        if one.reconciling_since:
            running.add_metric(labels, one.reconciling_since.timestamp())
    yield from (accepted, failures, success, failure, complete, interval, refused, running)


def _family(name: str, documentation: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"plumbline_connection_{name}", documentation, labels=CONNECTION_LABELS)


def _answers(connections: tuple[ConnectionHealth, ...], now: datetime) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "plumbline_unlink_answers_last_hour",
        "Unlink attempts of the last hour, by outcome.",
        labels=("company", "outcome"),
    )
    counts = answers_since(now - LATELY)
    for one in connections:
        for kind in ANSWERS:
            family.add_metric(
                (str(one.company_id), kind.lower().replace("_", "-")), counts.get((one.company_id, kind), 0)
            )
    return family


def _mail() -> GaugeMetricFamily:
    unsent = OutgoingMail.objects.filter(next_try_at__isnull=False).aggregate(
        waiting=Count("id", filter=Q(attempts=0)), failing=Count("id", filter=Q(attempts__gt=0))
    )
    family = GaugeMetricFamily(
        "plumbline_mails", "Mails not sent yet; failing: tried at least once.", labels=("state",)
    )
    family.add_metric(("waiting",), unsent["waiting"])
    family.add_metric(("failing",), unsent["failing"])
    return family

"""The figures for a monitor, in Prometheus' form.

All of them are read from the database at the moment of the question, none is kept in a process: the answer
is the same whichever of the web server's processes, on whichever machine, gives it. What only a process knows
(requests per second, memory) is the proxy's and the service manager's to tell.
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
from config.readiness import count_unapplied_migrations, give_up_soon
from erp_integrations.connections.health import (
    ANSWERS,
    LATELY,
    ConnectionHealth,
    answers_since,
    connections_health,
    count_stuck_attempts,
)

OF_A_CONNECTION = ("connection", "company", "kind")


def figures() -> bytes:
    """Every figure, as text. Raises `django.db.Error` where the database does not answer in time."""
    registry = CollectorRegistry()
    with transaction.atomic():
        give_up_soon()
        registry.register(_Now(tuple(_figures(database_now()))))
    return generate_latest(registry)


class _Now(Collector):
    """What was read, once."""

    def __init__(self, families: tuple[GaugeMetricFamily, ...]) -> None:
        self.families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self.families


def _figures(now: datetime) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily(
        "plumbline_migrations_unapplied",
        "Migrations that this release knows and the database does not have.",
        value=count_unapplied_migrations(),
    )
    yield from _of_queue(get_queue_state())
    connections = connections_health()
    yield from _of_connections(connections)
    yield _answers(connections, now)
    yield GaugeMetricFamily(
        "plumbline_attempts_stuck",
        "Attempts to unlink whose lease is over and that have no end yet.",
        value=count_stuck_attempts(now),
    )
    yield _mail()
    yield GaugeMetricFamily(
        "plumbline_privilege_requests_waiting",
        "Requests for Can Push to Accounting that support has not decided.",
        value=PrivilegeRequest.objects.filter(outcome=Outcome.WAITING).count(),
    )


def _of_queue(queue: QueueState) -> Iterator[GaugeMetricFamily]:
    jobs = GaugeMetricFamily(
        "plumbline_jobs", "Jobs in the queue; those that succeeded are gone.", labels=("state",)
    )
    jobs.add_metric(("waiting",), queue.waiting)
    jobs.add_metric(("running",), queue.running)
    jobs.add_metric(("failed",), queue.failed)
    yield jobs
    yield GaugeMetricFamily(
        "plumbline_job_oldest_waiting_seconds",
        "How long the job that waits longest could have begun.",
        value=queue.oldest_waiting_seconds,
    )
    yield GaugeMetricFamily(
        "plumbline_workers", "Workers that were heard of in the last half minute.", value=queue.workers
    )


def _of_connections(connections: tuple[ConnectionHealth, ...]) -> Iterator[GaugeMetricFamily]:
    """What never was has no time, rather than the year 1970."""
    accepted = _family("accepted", "1 where a database was accepted and is the one that answers.")
    failures = _family("failures_in_a_row", "Failures since the last good answer.")
    success = _family("last_success_timestamp_seconds", "When it last gave a good answer.")
    failure = _family("last_failure_timestamp_seconds", "When it last gave none.")
    complete = _family("last_complete_run_timestamp_seconds", "When the last complete comparison began.")
    interval = _family("run_interval_seconds", "How often it is compared by itself; none where never.")
    refused = _family("run_refused", "1 where a comparison was not believed since the last complete one.")
    running = _family("running_since_timestamp_seconds", "When the comparison began that is under way.")
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


def _family(name: str, words: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"plumbline_connection_{name}", words, labels=OF_A_CONNECTION)


def _answers(connections: tuple[ConnectionHealth, ...], now: datetime) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "plumbline_unlink_answers_last_hour",
        "How the questions of the last hour whether a link may be cut ended.",
        labels=("company", "outcome"),
    )
    counted = answers_since(now - LATELY)
    for one in connections:
        for kind in ANSWERS:
            family.add_metric(
                (str(one.company_id), kind.lower().replace("_", "-")), counted.get((one.company_id, kind), 0)
            )
    return family


def _mail() -> GaugeMetricFamily:
    unsent = OutgoingMail.objects.filter(next_try_at__isnull=False).aggregate(
        waiting=Count("id", filter=Q(attempts=0)), failing=Count("id", filter=Q(attempts__gt=0))
    )
    family = GaugeMetricFamily(
        "plumbline_mails", "Mails that were not sent yet; failing: tried, and tried again.", labels=("state",)
    )
    family.add_metric(("waiting",), unsent["waiting"])
    family.add_metric(("failing",), unsent["failing"])
    return family

"""Whether this server is ready to serve, and which problems it has.

A server is not ready when every page would fail: no database, or a schema of another release. Stopped workers
and a Sage that does not answer affect all servers alike. They make a server *degraded* and not *not ready*,
because taking every server out of service would cause an outage.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from companies.queue_state import QueueState, get_queue_state
from erp_integrations.connections.health import ConnectionHealth, connections_health, trouble_of

LONGEST_ANSWER_MS = 3_000
"""A database that takes longer than this for one query counts as unavailable."""
OLD_JOB_SECONDS = 300
"""Workers poll every few seconds, so a job that waits longer than this has no worker."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """`reasons` say why the server is not ready; `troubles` are problems that leave it ready."""

    reasons: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    queue: QueueState | None = None
    connections: tuple[ConnectionHealth, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.reasons

    @property
    def status(self) -> str:
        if not self.ready:
            return "not ready"
        return "degraded" if self.troubles else "ready"


def check_readiness() -> Readiness:
    """Never raises for a database that is unavailable, slow or not migrated: these are the answer."""
    try:
        with transaction.atomic():
            limit_statement_time()
            reasons = tuple(_wrong_schema())
            if reasons:
                return Readiness(reasons)
            queue, connections = get_queue_state(), connections_health()
    except Error as error:
        return Readiness((f"The database does not answer as it should ({type(error).__name__}).",))
    troubles = (*_queue_troubles(queue), *_connection_troubles(connections))
    return Readiness(troubles=troubles, queue=queue, connections=connections)


def limit_statement_time() -> None:
    """Limits every statement of this transaction to the time that a monitor waits."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_ANSWER_MS}")


def count_unapplied_migrations() -> int:
    """Migrations of this release that the database does not have."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _wrong_schema() -> Iterator[str]:
    unapplied = count_unapplied_migrations()
    if unapplied:
        yield f"Migrations that are not applied: {unapplied} (manage.py migrate)."
    cache = settings.CACHES["default"]["LOCATION"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NULL", [cache])
        [missing] = cursor.fetchone()
    if missing:
        yield "The table of the cache is missing, so no user could sign in (manage.py createcachetable)."


def _queue_troubles(queue: QueueState) -> Iterator[str]:
    if not queue.workers:
        yield "No worker is running (manage.py procrastinate worker)."
    if queue.oldest_waiting_seconds > OLD_JOB_SECONDS:
        yield f"A job waits for {queue.oldest_waiting_seconds:.0f} seconds; {queue.waiting} wait in all."
    if queue.failed:
        yield f"Jobs that failed for good: {queue.failed}."


def _connection_troubles(connections: tuple[ConnectionHealth, ...]) -> Iterator[str]:
    for one in connections:
        if words := trouble_of(one):
            yield f"Connection {one.connection_id} of company {one.company_id}: {words}."

"""How the queue is: what waits and since when, what failed, whether anybody works.

The waiting jobs are counted to a limit only: a monitor that asks must not make a long queue longer.
"""

from dataclasses import dataclass

from django.db import connection

from companies.tasks import SILENT_SECONDS

MOST_COUNTED = 10_000
"""Whoever has more than that has no use for the number."""
LOOKED_THROUGH = 1_000
"""Among so many of the oldest waiting jobs the one that waits longest is looked for: one that was put back
keeps its number, and waits from when it was put back."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue at one moment, by the database's clock. Counts stop at `MOST_COUNTED`."""

    waiting: int
    """Jobs that could begin now; not those that are to begin later."""
    running: int
    failed: int
    oldest_waiting_seconds: float
    """How long the job that waits longest could have begun; 0 where none waits."""
    workers: int
    """Workers that were heard of in the last half minute."""


def get_queue_state() -> QueueState:
    """One query, however long the queue is."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STATE, {"most": MOST_COUNTED, "looked_through": LOOKED_THROUGH, "silent": SILENT_SECONDS}
        )
        waiting, running, failed, oldest, workers = cursor.fetchone()
    return QueueState(
        waiting=waiting,
        running=running,
        failed=failed,
        oldest_waiting_seconds=float(oldest),
        workers=workers,
    )


_STATE = """
    WITH due AS (
        SELECT id, scheduled_at FROM procrastinate_jobs
        WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= clock_timestamp())
        ORDER BY id LIMIT %(most)s
    ), oldest AS (
        SELECT min(greatest(job.scheduled_at, put.at)) AS since
        FROM (SELECT * FROM due ORDER BY id LIMIT %(looked_through)s) AS job
        CROSS JOIN LATERAL (
            SELECT max(at) AS at FROM procrastinate_events event WHERE event.job_id = job.id
        ) AS put
    )
    SELECT
        (SELECT count(*) FROM due),
        (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'),
        (SELECT count(*) FROM (
            SELECT FROM procrastinate_jobs WHERE status = 'failed' LIMIT %(most)s) AS failed),
        (SELECT greatest(0, coalesce(extract(epoch FROM clock_timestamp() - since), 0)) FROM oldest),
        (SELECT count(*) FROM procrastinate_workers
         WHERE last_heartbeat > clock_timestamp() - make_interval(secs => %(silent)s))
"""

"""Queue depth, failures, live workers.

Waiting jobs are counted up to a limit, so that monitoring does not slow down a long queue.
"""

from dataclasses import dataclass

from django.db import connection

from companies.tasks import SILENT_SECONDS

MOST_COUNTED = 10_000
"""Counts stop here; a larger number would not help."""
LOOKED_THROUGH = 1_000
"""The longest wait is searched among so many of the oldest jobs by id. A retried job keeps its id, and waits
from the moment of its retry.
"""


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue at one moment, by the database's clock. Counts stop at `MOST_COUNTED`."""

    waiting: int
    """Jobs that are due, without those scheduled for later."""
    running: int
    failed: int
    oldest_waiting_seconds: float
    """Time since the job that waits longest became due; 0 when none waits."""
    workers: int
    """Workers with a heartbeat in the last half minute."""


def get_queue_state() -> QueueState:
    """One query, whatever the length of the queue."""
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

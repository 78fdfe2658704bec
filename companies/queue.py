"""The queue: a job says "look at row N" and nothing else; the row holds the state.

A job may run twice, or late, or while another one about the same row runs. A task therefore reads its row
under a lock, and finds nothing to do the second time.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.db import transaction
from procrastinate import App, JobContext
from procrastinate.contrib.django import app as queue
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker

log = structlog.get_logger(__name__)

JOBS_AT_ONCE = 4
"""Jobs that one worker runs at once, so that a slow job, such as a mail to a slow server, blocks no other."""


def set_up(app: App) -> None:
    """Sets defaults for workers. Procrastinate calls this once the apps are ready."""
    middleware = [*(app.worker_defaults.get("task_middleware") or []), log_job]
    app.worker_defaults = {
        **app.worker_defaults,
        "concurrency": JOBS_AT_ONCE,
        "delete_jobs": DeleteJobCondition.SUCCESSFUL,  # the rows record what was done; failed jobs stay
        "task_middleware": middleware,
    }


def defer_once(task: str, *, lock: str, one_at_a_time: bool = False, **ids: int) -> None:
    """Queues a job in the caller's transaction, unless one with this lock is waiting.

    `task` is the dotted path of a task. With `one_at_a_time` no worker starts it while another job with this
    lock is running. A waiting job may read its row before this transaction commits, and find nothing to do: a
    periodic task checks every minute for rows that must not be missed.
    """
    try:
        # In a savepoint, because a second job with the same lock would abort the caller's transaction.
        with transaction.atomic():
            queue.configure_task(
                task, allow_unknown=False, queueing_lock=lock, lock=lock if one_at_a_time else None
            ).defer(**ids)
    except AlreadyEnqueued:
        pass


def log_job(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
    """Binds the job's ids to every line that it logs, and logs how it ended."""
    job = context.job
    with structlog.contextvars.bound_contextvars(
        job_id=job.id, operation=job.task_name, worker_id=worker.worker_id, **job.task_kwargs
    ):
        try:
            result = call_next()
        except Exception as error:
            # The worker logs the traceback.
            log.warning("job_finished", outcome="failed", fault=type(error).__name__, attempts=job.attempts)
            raise
        log.info("job_finished", outcome="done")
        return result

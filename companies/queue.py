"""The queue: a job says "look at row N" and nothing else; what is true stands in the row.

A job may run twice, or late, or while another one about the same row runs: a task looks at its row under a
lock, and finds nothing to do the second time.
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
"""How many jobs one worker works on: a slow one, a mail server that does not answer, holds up no other."""


def set_up(app: App) -> None:
    """How our workers work. Procrastinate calls this once the apps are ready."""
    middleware = [*(app.worker_defaults.get("task_middleware") or []), named_in_the_log]
    app.worker_defaults = {
        **app.worker_defaults,
        "concurrency": JOBS_AT_ONCE,
        "delete_jobs": DeleteJobCondition.SUCCESSFUL,  # the rows keep what was done; failed jobs stay
        "task_middleware": middleware,
    }


def defer_once(task: str, *, lock: str, one_at_a_time: bool = False, **ids: int) -> None:
    """Puts a job into the queue, in the caller's transaction, unless one with this lock waits already.

    `task` is the dotted path of a task. With `one_at_a_time` no worker begins it while another job with this
    lock is being done. A job that waits already may look at its row before this transaction
    commits, and see nothing new: for what must not be missed, a task looks every minute.
    """
    try:
        # A savepoint of its own: a second job with the same lock would abort the caller's transaction.
        with transaction.atomic():
            queue.configure_task(
                task, allow_unknown=False, queueing_lock=lock, lock=lock if one_at_a_time else None
            ).defer(**ids)
    except AlreadyEnqueued:
        pass


def named_in_the_log(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
    """Every line that a job logs carries which job it was, and one says how it ended: ids only."""
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

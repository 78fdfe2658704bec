"""The queue as tests see it: what waits, and a worker that does it here and now."""

from typing import Any

from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob


def waiting(task: str) -> list[dict[str, Any]]:
    """The arguments of the jobs of that task that wait, oldest first."""
    jobs = ProcrastinateJob.objects.filter(task_name__endswith=f".{task}", status="todo")
    return list(jobs.order_by("id").values_list("args", flat=True))


def work() -> None:
    """Does every job that waits, in this process and transaction, until none is left."""
    while job := ProcrastinateJob.objects.filter(status="todo").order_by("id").first():
        app.tasks[job.task_name](**job.args)
        forget(job.pk)


def forget(job_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job_id])

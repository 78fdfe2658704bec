"""The queue: a job is part of its transaction, waits once, and is not lost with its worker."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from django.db import connection, transaction
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import TaskNotFound
from procrastinate.jobs import Job

from companies.queue import defer_once, log_job
from companies.tasks import GIVES_UP_AFTER, retry_stalled_jobs
from tests.jobs import waiting

SEND = "companies.tasks.send_mail"


def test_a_job_is_part_of_the_transaction(transactional_db: None) -> None:
    def defer_and_fail() -> None:
        with transaction.atomic():
            defer_once(SEND, lock="mail-1", mail_id=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        defer_and_fail()

    assert waiting("send_mail") == []


def test_one_thing_waits_once_and_the_transaction_goes_on(transactional_db: None) -> None:
    with transaction.atomic():
        for mail_id in (1, 1, 2):
            defer_once(SEND, lock=f"mail-{mail_id}", mail_id=mail_id)
        assert ProcrastinateJob.objects.count() == 2, "the transaction was not aborted"

    defer_once(SEND, lock="mail-1", mail_id=1)

    assert waiting("send_mail") == [{"mail_id": 1}, {"mail_id": 2}]


def test_a_job_for_a_task_that_does_not_exist_is_refused_at_once(db: None) -> None:
    with pytest.raises(TaskNotFound):
        defer_once("companies.tasks.no_such_task", lock="x", mail_id=1)


def test_what_a_job_logs_names_the_job_by_ids_only() -> None:
    job = Job(
        id=7, queue="default", lock=None, queueing_lock=None, task_name=SEND, task_kwargs={"mail_id": 3}
    )
    context = cast("Any", SimpleNamespace(job=job))

    bound = log_job(structlog.contextvars.get_contextvars, context, cast("Any", SimpleNamespace(worker_id=2)))

    assert bound == {"job_id": 7, "operation": SEND, "worker_id": 2, "mail_id": 3}
    assert structlog.contextvars.get_contextvars() == {}


def test_every_task_that_runs_by_the_clock_waits_once(db: None) -> None:
    periodic = app.periodic_registry.periodic_tasks.values()

    assert {entry.task.name for entry in periodic} >= {
        "companies.tasks.retry_stalled_jobs",
        "companies.tasks.queue_waiting_mail",
    }
    assert all(entry.task.queueing_lock and not entry.task.lock for entry in periodic)


# --- dead workers --------------------------------------------------------------------------------


def look_for_dead_workers() -> None:
    """With connections of its own, as a worker has them."""

    async def look(worker_app: App) -> None:
        async with worker_app.open_async():
            context = cast("Any", SimpleNamespace(app=worker_app))
            await retry_stalled_jobs.func(context, timestamp=0)

    connector = cast("DjangoConnector", app.connector).get_worker_connector()
    asyncio.run(look(app.with_connector(connector)))


def taken_by_a_worker(lock: str = "mail-1", *, heard_of_seconds_ago: int | None, attempts: int = 0) -> int:
    """A job that a worker took; None where the worker's own row is gone already."""
    defer_once(SEND, lock=lock, mail_id=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM procrastinate_jobs")
        [[job_id]] = cursor.fetchall()
        worker = None
        if heard_of_seconds_ago is not None:
            cursor.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - make_interval(secs => %s)) RETURNING id",
                [heard_of_seconds_ago],
            )
            [[worker]] = cursor.fetchall()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s, attempts = %s WHERE id = %s",
            [worker, attempts, job_id],
        )
    return int(job_id)


@pytest.mark.parametrize("heard_of_seconds_ago", [31, None])
def test_the_job_of_a_dead_worker_waits_again(
    transactional_db: None, heard_of_seconds_ago: int | None
) -> None:
    job = taken_by_a_worker(heard_of_seconds_ago=heard_of_seconds_ago)

    look_for_dead_workers()

    assert ProcrastinateJob.objects.get(pk=job).status == "todo"


def test_the_job_of_a_living_worker_is_left_alone(transactional_db: None) -> None:
    job = taken_by_a_worker(heard_of_seconds_ago=15)

    look_for_dead_workers()

    assert ProcrastinateJob.objects.get(pk=job).status == "doing"


def test_a_dead_workers_job_goes_where_another_waits_for_the_same_thing(transactional_db: None) -> None:
    dead = taken_by_a_worker(heard_of_seconds_ago=60)
    other = taken_by_a_worker("mail-2", heard_of_seconds_ago=60)
    defer_once(SEND, lock="mail-1", mail_id=1)

    look_for_dead_workers()

    assert not ProcrastinateJob.objects.filter(pk=dead).exists()
    assert ProcrastinateJob.objects.get(pk=other).status == "todo", "and the rest is looked after"
    assert len(waiting("send_mail")) == 2


def test_a_job_that_kills_its_workers_is_given_up(transactional_db: None) -> None:
    job = taken_by_a_worker(heard_of_seconds_ago=60, attempts=GIVES_UP_AFTER)

    look_for_dead_workers()

    assert ProcrastinateJob.objects.get(pk=job).status == "failed"

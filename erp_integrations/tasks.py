"""What runs in the queue."""

from procrastinate.contrib.django import app

from companies.tasks import EVERY_MINUTE
from erp_integrations.clock import database_now
from erp_integrations.operations import (
    bulk_unlinking,
    comparing_by_itself,
    confirm_deletion,
    mailing,
    watching,
)
from erp_integrations.operations.compare_database import compare_database_on_the_queue
from erp_integrations.policies import TICK

EVERY_TICK = f"* * * * * */{TICK.seconds}"
"""With seconds at the end."""


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-daily-summaries")
def queue_daily_summaries(timestamp: int) -> None:  # noqa: ARG001  (given to all that run by the clock)
    mailing.queue_daily_summaries(database_now())


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-looks-for-exports")
def queue_looks_for_exports(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    watching.queue_looks(database_now())


@app.periodic(cron=EVERY_TICK)
@app.task(queueing_lock="queue-due-reconciles")
def queue_due_reconciles(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    comparing_by_itself.queue_due(database_now())


@app.task
def reconcile(connection_id: int) -> None:
    comparing_by_itself.reconcile_if_due(connection_id, database_now())


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="tidy-up-leases")
def tidy_up_leases(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    comparing_by_itself.end_expired_attempts(database_now())
    comparing_by_itself.forget_old_runs(database_now())


@app.task
def tell_of_deletion(deletion_id: int) -> None:
    confirm_deletion.tell_administrators(deletion_id)


@app.task
def compare_database(connection_id: int) -> None:
    compare_database_on_the_queue(connection_id)


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="confirm-told-deletions")
def confirm_told_deletions(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    confirm_deletion.confirm_told_deletions(database_now())


@app.task
def look_for_export(export_id: int) -> None:
    watching.look_for(export_id, database_now())


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-unfinished-bulk-unlinks")
def queue_unfinished_bulk_unlinks(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    bulk_unlinking.queue_unfinished(database_now())


@app.task
def work_on_bulk_unlink(bulk_id: int) -> None:
    bulk_unlinking.work_on(bulk_id)

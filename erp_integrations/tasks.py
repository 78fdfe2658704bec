"""Tasks of the queue."""

from procrastinate.contrib.django import app

from companies.clock import database_now
from companies.tasks import EVERY_MINUTE
from erp_integrations.bulk_unlink import operations as bulk_unlink
from erp_integrations.connections.compare_database import compare_database_on_the_queue
from erp_integrations.deletions import confirm_deletion
from erp_integrations.exports import poll
from erp_integrations.policies import TICK
from erp_integrations.reconciliation import schedule
from erp_integrations.workflow import notifications

EVERY_TICK = f"* * * * * */{TICK.seconds}"
"""A cron expression with seconds."""


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-daily-summaries")
def queue_daily_summaries(timestamp: int) -> None:  # noqa: ARG001  (given to periodic tasks)
    notifications.queue_daily_summaries(database_now())


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-looks-for-exports")
def queue_looks_for_exports(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    poll.queue_export_lookups(database_now())


@app.periodic(cron=EVERY_TICK)
@app.task(queueing_lock="queue-due-reconciles")
def queue_due_reconciles(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    schedule.queue_due(database_now())


@app.task
def reconcile(connection_id: int) -> None:
    schedule.reconcile_if_due(connection_id, database_now())


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="tidy-up-leases")
def tidy_up_leases(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    schedule.end_expired_attempts(database_now())
    schedule.forget_old_runs(database_now())


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
    poll.look_up_export(export_id, database_now())


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-unfinished-bulk-unlinks")
def queue_unfinished_bulk_unlinks(timestamp: int) -> None:  # noqa: ARG001  (given as above)
    bulk_unlink.queue_unfinished(database_now())


@app.task
def work_on_bulk_unlink(bulk_id: int) -> None:
    bulk_unlink.process_bulk_unlink(bulk_id)

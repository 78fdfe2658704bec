"""What runs in the queue."""

from procrastinate.contrib.django import app

from companies.tasks import EVERY_MINUTE
from erp_integrations.clock import database_now
from erp_integrations.operations import mailing


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-daily-summaries")
def queue_daily_summaries(timestamp: int) -> None:  # noqa: ARG001  (given to all that run by the clock)
    mailing.queue_daily_summaries(database_now())

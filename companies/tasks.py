"""Tasks of the queue."""

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from companies import mail

EVERY_MINUTE = "* * * * *"
SILENT_SECONDS = 30
"""A worker without a heartbeat for so long is dead; the interval is 10 seconds."""
GIVES_UP_AFTER = 5
"""Times a job is taken from a dead worker. More than that means that the job kills its workers."""


@app.task
def send_mail(mail_id: int) -> None:
    mail.send(mail_id)


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-waiting-mail")
def queue_waiting_mail(timestamp: int) -> None:  # noqa: ARG001  (procrastinate passes it to periodic tasks)
    mail.queue_waiting_mail()


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="retry-stalled-jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  (given as above)
    """Retries the jobs of killed workers, which Procrastinate does not do by itself.

    See https://github.com/procrastinate-org/procrastinate/issues/1518.
    """
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
        if job.attempts >= GIVES_UP_AFTER:
            await jobs.finish_job(job, status=Status.FAILED, delete_job=False)
            continue
        try:
            await jobs.retry_job(job)
        except UniqueViolation:
            # Another job about the same row is waiting and does the work.
            await jobs.finish_job(job, status=Status.FAILED, delete_job=True)

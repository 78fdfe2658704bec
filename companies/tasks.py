"""What runs in the queue."""

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from companies import mail

EVERY_MINUTE = "* * * * *"
SILENT_SECONDS = 30
"""A worker that has not been heard of for so long is dead; it says so every 10 seconds."""
GIVES_UP_AFTER = 5
"""How often a job is taken from a dead worker: more, and it is the job that kills them."""


@app.task
def send_mail(mail_id: int) -> None:
    mail.send(mail_id)


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="queue-waiting-mail")
def queue_waiting_mail(timestamp: int) -> None:  # noqa: ARG001  (given to all that run by the clock)
    mail.queue_waiting_mail()


@app.periodic(cron=EVERY_MINUTE)
@app.task(queueing_lock="retry-stalled-jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  (given as above)
    """Puts the jobs of killed workers back into the queue, which by itself never does.

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
            # Another job about the same thing waits already: it will do.
            await jobs.finish_job(job, status=Status.FAILED, delete_job=True)

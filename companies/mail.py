"""Mail: saved in the transaction of the change that it reports, sent by the queue.

A mail is sent once. It goes out a second time, under the same Message-ID, only when a worker dies between the
mail server's answer and the commit of the outcome. A failed mail is retried by `queue_waiting_mail`.
"""

import smtplib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction

from companies.clock import database_now
from companies.models import OutgoingMail, User
from companies.queue import defer_once

SEND = "companies.tasks.send_mail"
LONGEST_SUBJECT = 200
LONGEST_PAUSE = timedelta(hours=1)
GIVES_UP_AFTER = 30
"""Number of tries. The later ones are an hour apart, because a mail server may be away for a day."""
NO_ADDRESS = "This person has no e-mail address."

log = structlog.get_logger(__name__)


def link_to(path: str) -> str:
    """The absolute URL of a page."""
    return f"{settings.SITE_URL}{path}"


def queue_mail(*, to: User, subject: str, body: str, about: str, once: str | None = None) -> None:
    """Saves a mail and queues a job for it, both in the caller's transaction.

    A mail to a person without an address is saved and not sent. `once` is a unique name: a second mail of
    that name is not saved. Raises `TransactionManagementError` outside a transaction, because a mail must not
    report what was rolled back.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("queue_mail needs a transaction")
    now = database_now()
    written = {
        "to": to.email,
        "to_name": to.name,
        "subject": _one_line(subject),
        "body": body,
        "about": about,
        "message_id": f"<{uuid.uuid4().hex}@{urlsplit(settings.SITE_URL).hostname}>",
        "queued_at": now,
        "next_try_at": now if to.email else None,
        "failure": "" if to.email else NO_ADDRESS,
    }
    if once is None:
        mail, new = OutgoingMail.objects.create(**written), True
    else:
        mail, new = OutgoingMail.objects.get_or_create(once=once, defaults=written)
    if new and to.email:
        _defer(mail.pk)


def queue_waiting_mail() -> None:
    """Queues a job for every mail whose next try is due: its job was lost, or its last try failed."""
    due = OutgoingMail.objects.filter(next_try_at__lte=database_now()).order_by("id")
    for mail_id in due.values_list("id", flat=True):
        _defer(mail_id)


def try_again(mail_id: int) -> bool:
    """Makes a mail wait again. False when it was sent, has no address or does not exist."""
    with transaction.atomic(durable=True):
        mail = OutgoingMail.objects.select_for_update().filter(pk=mail_id, sent_at__isnull=True).first()
        if mail is None or not mail.to:
            return False
        mail.next_try_at, mail.attempts = database_now(), 0
        mail.save(update_fields=["next_try_at", "attempts"])
        _defer(mail_id)
    return True


def send(mail_id: int) -> None:
    """Sends a mail that waits and saves the outcome; does nothing for one that does not wait.

    Not inside a transaction: the mail server may be slow. An advisory lock of the database session keeps a
    second job from sending the same mail, and ends with a worker that dies.
    """
    with _send_lock(mail_id) as locked:
        waiting = OutgoingMail.objects.filter(pk=mail_id, next_try_at__isnull=False)
        mail = waiting.first() if locked else None
        if mail is None:
            return
        failure = _try_to_send(mail)
        with transaction.atomic(durable=True):
            mail = waiting.select_for_update().first()
            if mail is None:
                return
            mail.attempts += 1
            mail.failure = failure
            if failure:
                mail.next_try_at = _next_try(database_now(), mail.attempts)
            else:
                mail.sent_at, mail.next_try_at = database_now(), None
            mail.save(update_fields=["attempts", "failure", "sent_at", "next_try_at"])


def _try_to_send(mail: OutgoingMail) -> str:
    """Returns why the mail was not sent; empty when it was."""
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    try:
        EmailMessage(mail.subject, mail.body, to=[mail.to], headers=headers).send()
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors
        fault = type(error).__name__
        log.warning("mail_not_sent", mail_id=mail.pk, attempts=mail.attempts + 1, fault=fault)
        return _failure_text(error)
    return ""


@contextmanager
def _send_lock(mail_id: int) -> Iterator[bool]:
    """Yields whether this session got the lock."""
    key = [f"mail-{mail_id}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key)
        locked: bool = cursor.fetchone()[0]
    try:
        yield locked
    finally:
        if locked:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def _defer(mail_id: int) -> None:
    defer_once(SEND, lock=f"mail-{mail_id}", mail_id=mail_id)


def _one_line(text: str) -> str:
    """A subject without line ends, which would begin another header, cut to the column's length."""
    return " ".join(text.split())[:LONGEST_SUBJECT]


def _next_try(now: datetime, attempts: int) -> datetime | None:
    """1, 2, 4 … minutes later, at most an hour; None after `GIVES_UP_AFTER` tries."""
    if attempts >= GIVES_UP_AFTER:
        return None
    return now + min(LONGEST_PAUSE, timedelta(minutes=2 ** (attempts - 1)))


def _failure_text(error: Exception) -> str:
    """Plain text for the page; the mail server's own text may name hosts and people."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return "The mail server refused the address."
        case smtplib.SMTPAuthenticationError():
            return "The mail server refused our login (EMAIL_URL)."
        case smtplib.SMTPResponseException():
            return f"The mail server answered {error.smtp_code}."
        case OSError():
            return "The mail server could not be reached, or broke off (EMAIL_URL)."
    return "The address or the subject cannot be written into a mail."

"""Mail: written down in the transaction of what it tells of, sent by the queue.

A mail is sent once. Only a worker that dies after the mail server took it, and before that is written down,
makes it go out again: under the same Message-ID, by which mail programs know it.
"""

import smtplib
import uuid
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from companies.clock import database_now
from companies.models import OutgoingMail, User
from companies.queue import defer_once

SEND = "companies.tasks.send_mail"
LONGEST_SUBJECT = 200
LONGEST_PAUSE = timedelta(hours=1)
GIVES_UP_AFTER = 30
"""Tries, of which the later ones are an hour apart: a mail server may be away for a day."""
NO_ADDRESS = "This person has no e-mail address."

log = structlog.get_logger(__name__)


def link_to(path: str) -> str:
    """The whole address of one of our pages."""
    return f"{settings.SITE_URL}{path}"


def queue_mail(*, to: User, subject: str, body: str, about: str, once: str | None = None) -> None:
    """Writes a mail down and puts it into the queue, both in the caller's transaction.

    Whoever has no address is recorded all the same. `once` names what may be mailed one single time: a second
    mail of that name is not written. Refuses to run outside a transaction: a mail about what was rolled back
    is a lie.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("queue_mail needs the transaction of what it tells of")
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
    """Puts into the queue every mail whose next try is due, in case its job was lost or its try failed."""
    due = OutgoingMail.objects.filter(next_try_at__lte=database_now()).order_by("id")
    for mail_id in due.values_list("id", flat=True):
        _defer(mail_id)


def try_again(mail_id: int) -> bool:
    """Lets a mail wait again that was given up; False where it was sent, has no address, or is no more."""
    with transaction.atomic(durable=True):
        mail = OutgoingMail.objects.select_for_update().filter(pk=mail_id, sent_at__isnull=True).first()
        if mail is None or not mail.to:
            return False
        mail.next_try_at, mail.attempts = database_now(), 0
        mail.save(update_fields=["next_try_at", "attempts"])
        _defer(mail_id)
    return True


def send(mail_id: int) -> None:
    """Sends a mail that waits, and writes down what came of it. Nothing else happens the second time.

    The row is locked while the mail server is talked to; whoever finds it locked leaves it to the other.
    """
    with transaction.atomic(durable=True):
        mail = (
            OutgoingMail.objects.select_for_update(skip_locked=True)
            .filter(pk=mail_id, next_try_at__isnull=False)
            .first()
        )
        if mail is None:
            return
        mail.attempts += 1
        try:
            _message(mail).send()
        except (OSError, ValueError) as error:  # smtplib's are OSErrors
            mail.failure = _words_of(error)
            mail.next_try_at = _next_try(database_now(), mail.attempts)
            log.warning("mail_not_sent", mail_id=mail_id, attempts=mail.attempts, fault=type(error).__name__)
        else:
            mail.sent_at, mail.next_try_at, mail.failure = database_now(), None, ""
        mail.save()


def _defer(mail_id: int) -> None:
    defer_once(SEND, lock=f"mail-{mail_id}", mail_id=mail_id)


def _one_line(words: str) -> str:
    """A subject without line ends, which would begin another header, and not too long for its column."""
    return " ".join(words.split())[:LONGEST_SUBJECT]


def _message(mail: OutgoingMail) -> EmailMessage:
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    return EmailMessage(mail.subject, mail.body, to=[mail.to], headers=headers)


def _next_try(now: datetime, attempts: int) -> datetime | None:
    """A minute later, then two, then four, up to an hour; None once it is given up."""
    if attempts >= GIVES_UP_AFTER:
        return None
    return now + min(LONGEST_PAUSE, timedelta(minutes=2 ** (attempts - 1)))


def _words_of(error: Exception) -> str:
    """Our own words: what a mail server says may hold names that do not belong on a page."""
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

"""Mail: part of its transaction, sent once, tried again, and without headers of somebody else's making."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.mail.backends import locmem
from django.db import IntegrityError, connection, transaction

from companies import mail
from companies.clock import database_now
from companies.mail import GIVES_UP_AFTER, NO_ADDRESS, queue_mail, queue_waiting_mail, send
from companies.models import OutgoingMail, User
from tests import factories
from tests.concurrency.crowd import all_at_once
from tests.jobs import waiting, work

HOSTILE = "Rejected\r\nBcc: everybody@example.com\n\nAnd a body\u2028\x0b\x85"


@pytest.fixture
def analyst(db: None) -> User:
    person: User = factories.UserFactory.create(username="analyst", first_name="Cost", last_name="Analyst")
    return person


def queued(to: User, *, subject: str = "Hello", once: str | None = None) -> OutgoingMail:
    with transaction.atomic():
        queue_mail(to=to, subject=subject, body="Words.\n", about="a test", once=once)
    return OutgoingMail.objects.latest("id")


def refusing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A mail server that takes nothing: the outermost edge, where the network would be."""

    def send_messages(*_: object) -> int:
        raise error

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send_messages)


def test_a_mail_is_written_down_and_sent_by_the_queue(analyst: User) -> None:
    written = queued(analyst)
    assert waiting("send_mail") == [{"mail_id": written.pk}], "a job carries the id of a row, nothing else"
    assert outbox.outbox == []

    work()

    [sent] = outbox.outbox
    assert (sent.subject, sent.body, sent.to) == ("Hello", "Words.\n", ["analyst@example.com"])
    assert sent.message()["Message-ID"] == written.message_id
    written.refresh_from_db()
    assert written.sent_at is not None
    assert (written.attempts, written.failure, written.next_try_at) == (1, "", None)


def test_a_mail_of_what_was_rolled_back_is_never_sent(transactional_db: None) -> None:
    analyst = factories.UserFactory.create(username="analyst")

    def write_and_fail() -> None:
        with transaction.atomic():
            queue_mail(to=analyst, subject="Hello", body="Words.", about="a test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert not OutgoingMail.objects.exists()
    assert waiting("send_mail") == []


def test_outside_a_transaction_nothing_is_mailed(transactional_db: None) -> None:
    analyst = factories.UserFactory.create(username="analyst")

    with pytest.raises(transaction.TransactionManagementError):
        queue_mail(to=analyst, subject="Hello", body="Words.", about="a test")

    assert not OutgoingMail.objects.exists()


def test_a_job_that_runs_twice_sends_once(analyst: User) -> None:
    written = queued(analyst)

    for _ in range(3):
        send(written.pk)

    assert len(outbox.outbox) == 1
    written.refresh_from_db()
    assert written.attempts == 1


def test_a_job_about_a_mail_that_is_no_more_does_nothing(db: None) -> None:
    send(12345)

    assert outbox.outbox == []


def test_what_may_be_mailed_once_is_mailed_once(analyst: User) -> None:
    for _ in range(3):
        queued(analyst, once="daily-summary/1/1/2026-11-24")

    assert OutgoingMail.objects.count() == 1
    work()
    queued(analyst, once="daily-summary/1/1/2026-11-24")
    work()
    assert len(outbox.outbox) == 1


def test_who_has_no_address_is_recorded_and_nothing_waits(db: None) -> None:
    nobody = factories.UserFactory.create(username="nobody", email="")

    written = queued(nobody)

    assert (written.to, written.to_name, written.failure) == ("", "nobody", NO_ADDRESS)
    assert written.next_try_at is None
    assert waiting("send_mail") == []
    assert not mail.try_again(written.pk)
    send(written.pk)
    assert outbox.outbox == []


# --- a mail server that does not take it ---------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "secret-host.internal"), "could not be reached"),
        (TimeoutError("secret-host.internal"), "could not be reached"),
        (smtplib.SMTPServerDisconnected("secret-host.internal"), "could not be reached"),
        (smtplib.SMTPAuthenticationError(535, b"secret-host.internal"), "refused our login"),
        (smtplib.SMTPRecipientsRefused({"secret-host.internal": (550, b"no")}), "refused the address"),
        (smtplib.SMTPDataError(452, b"secret-host.internal"), "answered 452"),
        (UnicodeError("secret-host.internal"), "cannot be written"),
    ],
)
def test_a_failure_is_written_down_in_our_own_words_and_tried_again(
    analyst: User, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    written = queued(analyst)
    refusing(monkeypatch, error)

    work()

    written.refresh_from_db()
    assert words in written.failure
    assert "secret-host" not in written.failure
    assert written.sent_at is None
    assert written.attempts == 1
    assert written.next_try_at is not None
    assert timedelta(0) < written.next_try_at - database_now() <= timedelta(minutes=1)
    monkeypatch.undo()
    OutgoingMail.objects.update(next_try_at=database_now())
    queue_waiting_mail()
    work()
    assert [sent.message()["Message-ID"] for sent in outbox.outbox] == [written.message_id]


def test_the_pauses_grow_to_an_hour_and_end(analyst: User, monkeypatch: pytest.MonkeyPatch) -> None:
    written = queued(analyst)
    refusing(monkeypatch, ConnectionRefusedError())
    pauses = []
    for _ in range(GIVES_UP_AFTER - 1):
        send(written.pk)
        written.refresh_from_db()
        assert written.next_try_at is not None
        pauses.append(round((written.next_try_at - database_now()).total_seconds() / 60))

    send(written.pk)

    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert sum(pauses) > 20 * 60, "a mail server may be away for most of a day"
    written.refresh_from_db()
    assert written.next_try_at is None, "given up"
    assert written.failure


def test_a_mail_that_is_not_due_is_not_queued(analyst: User, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(analyst)
    refusing(monkeypatch, ConnectionRefusedError())
    work()

    queue_waiting_mail()

    assert waiting("send_mail") == []


def test_a_mail_whose_job_was_lost_is_found(analyst: User) -> None:
    written = queued(analyst)
    work_lost()

    queue_waiting_mail()

    assert waiting("send_mail") == [{"mail_id": written.pk}]


def work_lost() -> None:
    """The queue was emptied."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


# --- headers -------------------------------------------------------------------------------------


def test_a_subject_never_begins_another_header(analyst: User) -> None:
    queued(analyst, subject=HOSTILE)
    queued(analyst, subject="x" * 5000)
    work()

    first, second = outbox.outbox
    assert first.subject == "Rejected Bcc: everybody@example.com And a body"
    head = first.message().as_string().split("\n\n")[0]
    assert "\nBcc:" not in head
    assert first.recipients() == ["analyst@example.com"]
    assert len(second.subject) == 200


@pytest.mark.parametrize("field", ["subject", "to", "message_id"])
def test_the_database_refuses_a_header_of_two_lines(analyst: User, field: str) -> None:
    written = queued(analyst)

    for words in ("a\nBcc: b@example.com", "a\rb"):
        with pytest.raises(IntegrityError, match="mail_headers_are_one_line"), transaction.atomic():
            OutgoingMail.objects.filter(pk=written.pk).update(**{field: words})


def test_the_database_refuses_mail_that_is_sent_and_waits(analyst: User) -> None:
    written = queued(analyst)

    with pytest.raises(IntegrityError, match="mail_sent_waits_no_more"), transaction.atomic():
        OutgoingMail.objects.filter(pk=written.pk).update(sent_at=database_now())
    with pytest.raises(IntegrityError, match="mail_waits_with_an_address"), transaction.atomic():
        OutgoingMail.objects.filter(pk=written.pk).update(to="")


# --- the mail server and the database ------------------------------------------------------------


def test_the_mail_server_is_talked_to_outside_a_transaction(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = queued(factories.UserFactory.create(username="analyst"))
    inside = []

    def send_messages(*_: object) -> int:
        inside.append(connection.in_atomic_block)
        raise ConnectionRefusedError

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send_messages)
    send(written.pk)

    assert inside == [False]
    written.refresh_from_db()
    assert written.attempts == 1
    assert written.next_try_at is not None


def test_a_mail_that_is_being_sent_is_left_to_its_job(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = queued(factories.UserFactory.create(username="analyst"))
    meanwhile: list[object] = []

    def send_messages(*_: object) -> int:
        if not meanwhile:
            meanwhile.extend(all_at_once([lambda: send(written.pk)] * 2))
        else:
            meanwhile.append("sent twice")
        return 1

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send_messages)
    send(written.pk)

    assert meanwhile == [None, None]
    written.refresh_from_db()
    assert (written.attempts, written.sent_at is not None) == (1, True)

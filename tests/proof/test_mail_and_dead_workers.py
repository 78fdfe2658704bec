"""Real workers, a real mail server, and SIGKILL at the two moments that matter."""

from pathlib import Path

import pytest
from django.db import transaction

from companies.mail import queue_mail
from companies.models import OutgoingMail
from tests import factories
from tests.proof.post_office import post_office
from tests.proof.worker import forget_the_dead, wait_until, worker

MAILS = 12


@pytest.fixture(autouse=True)
def committed(transactional_db: None) -> None:
    """Workers see what is committed."""


def queue(count: int = 1) -> None:
    ann = factories.UserFactory.create(username="ann")
    with transaction.atomic():
        for number in range(count):
            queue_mail(to=ann, subject=f"Mail {number}", body="Words.", about="a test")


def all_sent() -> bool:
    return not OutgoingMail.objects.filter(sent_at=None).exists()


def test_a_worker_killed_before_the_server_took_the_mail_sends_it_once(tmp_path: Path) -> None:
    queue()
    with post_office() as office:
        office.holds = "before it takes a mail"
        with worker(tmp_path, mail_to=office.url) as doomed:
            office.wait_until_held()
            doomed.kill()
        office.holds = "never"
        forget_the_dead()
        with worker(tmp_path, mail_to=office.url):
            wait_until(all_sent, "the mail was not sent again")

    [mail] = office.taken
    assert mail["Subject"] == "Mail 0"
    assert OutgoingMail.objects.get().attempts == 1, "the try of the dead worker was rolled back with it"


def test_the_window_a_worker_killed_after_the_server_took_the_mail_sends_it_again_by_the_same_id(
    tmp_path: Path,
) -> None:
    """What cannot be had: the mail server and our database do not commit together. Mail programs know it."""
    queue()
    with post_office() as office:
        office.holds = "after it took a mail"
        with worker(tmp_path, mail_to=office.url) as doomed:
            office.wait_until_held()
            doomed.kill()
        office.holds = "never"
        forget_the_dead()
        with worker(tmp_path, mail_to=office.url):
            wait_until(all_sent, "the mail was not sent again")

    ids = [mail["Message-ID"] for mail in office.taken]
    assert ids == [OutgoingMail.objects.get().message_id] * 2


def test_two_workers_send_every_mail_once(tmp_path: Path) -> None:
    queue(MAILS)
    with (
        post_office() as office,
        worker(tmp_path, mail_to=office.url),
        worker(tmp_path, mail_to=office.url),
    ):
        wait_until(all_sent, "not every mail was sent")

    assert sorted(mail["Subject"] for mail in office.taken) == sorted(f"Mail {n}" for n in range(MAILS))

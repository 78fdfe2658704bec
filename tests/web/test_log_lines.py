"""The log: who did what with which outcome, by ids only, in a request, a job and a command."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from companies.mail import queue_mail
from companies.models import OutgoingMail
from config.logging import logging_config
from erp_integrations.ledger.events import append_event
from erp_integrations.models import EventKind
from tests.commands.terminal import ROOT, environment, manage
from tests.web.people import browser_of, click, list_address, submit
from tests.world import LINKER, World


class Lines(logging.Handler):
    """What the log of a production server would hold, line by line."""

    def __init__(self) -> None:
        super().__init__()
        config = logging_config("json")
        self.addFilter(config["filters"]["without_probes"]["()"]())
        made = dict(config["formatters"]["plumbline"])
        self.setFormatter(made.pop("()")(**made))
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.written) if line["event"] == event]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """With the levels that a production server has."""
    handler, root = Lines(), logging.getLogger()
    levels = {name: one["level"] for name, one in logging_config("json")["loggers"].items()}
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_a_request_is_told_once_and_its_ledger_line_carries_the_same_ids(
    committed_world: World, lines: Lines
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    client = browser_of(approver)
    lines.written.clear()

    assert click(client, world, cco).status_code == 409
    world.delete_in_sage(cco)
    assert click(client, world, cco).status_code == 200

    refused, cut = lines.named("ledger_event")
    asked = lines.named("request_finished")
    assert [line["outcome"] for line in asked] == ["refused", "done"]
    assert [refused["outcome"], cut["outcome"]] == ["STILL_IN_ERP", "UNLINKED"]
    for told, request, event in zip((refused, cut), asked, world.events()[-2:], strict=True):
        assert told["request_id"] == request["request_id"] == event.request_id != ""
        assert told["event_id"] == event.pk
        assert (told["subject_id"], told["link_id"]) == (cco.pk, world.link_of_any(cco.pk).pk)
        for line in (told, request):
            assert line["operation"] == "unlink"
            assert line["company_id"] == world.company.pk
            assert line["actor_id"] == approver.pk
            assert line["timestamp"]
            assert line["level"] in ("info", "warning")
    assert asked[1]["code"] == 200


def test_no_line_holds_a_name_a_title_or_what_was_searched_for(committed_world: World, lines: Lines) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person("approver-of-the-tower")
    client = browser_of(approver)

    client.get(list_address(world, "?q=a-search-for-somebody"), headers={"User-Agent": "agent-of-theirs"})
    click(client, world, cco)

    written = "\n".join(lines.written)
    assert "request_finished" in written
    for words in (
        *("a-search-for-somebody", "agent-of-theirs", "127.0.0.1"),
        *(approver.username, approver.email, cco.title, world.company.name),
    ):
        assert words not in written


def test_a_line_that_came_to_nothing_is_not_written(committed_world: World, lines: Lines) -> None:
    world = committed_world
    cco = world.synced_cco()
    lines.written.clear()

    def append_and_fail() -> None:
        with transaction.atomic():
            append_event(
                kind=EventKind.UNLINKED,
                company=world.company,
                subject_kind="change-order",
                subject_id=cco.pk,
                subject_label="CCO",
                actor=LINKER,
                now=world.link_of(cco).linked_at,
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        append_and_fail()

    assert lines.named("ledger_event") == []


def test_another_try_within_a_look_is_no_line_of_its_own(committed_world: World, lines: Lines) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault("deadlock")
    lines.written.clear()

    assert click(browser_of(approver), world, cco).status_code == 503

    assert not [line for line in lines.written if "stamina" in line]
    assert [line["outcome"] for line in lines.named("ledger_event")] == ["NO_ANSWER"]


def test_whoever_is_not_let_in_is_told_as_refused_and_names_no_company(world: World, lines: Lines) -> None:
    Client().get(list_address(world))
    browser_of(world.person()).get("/companies/nobody/")

    stranger, lost = lines.named("request_finished")
    assert (stranger["outcome"], stranger["actor_id"]) == ("done", None)
    assert (lost["outcome"], lost["code"]) == ("refused", 404)
    assert "company_id" not in stranger
    assert "company_id" not in lost


def test_what_is_refused_before_its_view_is_told_with_its_operation(world: World, lines: Lines) -> None:
    cco, forger = world.synced_cco(), browser_of(world.person(), enforce_csrf_checks=True)

    assert submit(forger, world, cco).status_code == 403

    [line] = lines.named("request_finished")
    assert (line["operation"], line["outcome"], line["code"]) == ("unlink", "refused", 403)


def test_what_monitors_ask_is_not_told_as_long_as_all_is_well(db: None, lines: Lines) -> None:
    for address in ("/healthz", "/readyz", "/metrics"):
        Client().get(address)
    assert lines.written == []

    Client().get("/metrics", REMOTE_ADDR="203.0.113.7")

    [line] = lines.named("request_finished")
    assert (line["operation"], line["outcome"]) == ("metrics", "refused")


def worked(**changes: str) -> list[dict[str, Any]]:
    """What a worker of its own writes of the first mail's job while it does all that waits."""
    done = subprocess.run(
        [sys.executable, "manage.py", "procrastinate", "worker", "--one-shot"],
        cwd=ROOT,
        env=environment(LOG_FORMAT="json", **changes),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    sent = [line for line in lines if line.get("operation") == "companies.tasks.send_mail"]
    first = min(line["job_id"] for line in sent)  # the task of the minute may put it there again
    return [line for line in sent if line["job_id"] == first]


def test_a_job_is_told_with_its_operation_its_ids_and_its_outcome(committed_world: World) -> None:
    person = committed_world.person()
    with transaction.atomic():
        queue_mail(to=person, subject="One", body="Words", about="a test")
    mail = OutgoingMail.objects.get()

    failed = worked(EMAIL_URL="smtp://127.0.0.1:1")

    [trouble, end] = failed
    assert (trouble["event"], trouble["fault"], trouble["attempts"]) == (
        "mail_not_sent",
        "ConnectionRefusedError",
        1,
    )
    assert (end["event"], end["outcome"]) == ("job_finished", "done")
    for line in failed:
        assert line["mail_id"] == mail.pk
        assert line["job_id"]
        assert line["worker_id"]
        assert person.email not in json.dumps(line)


def test_a_command_names_itself_and_whom_it_acts_for(committed_world: World) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()

    ran = manage("unlink", world.company.slug, str(cco.pk), "--as", approver.username, LOG_FORMAT="json")

    assert ran.code == 1
    lines = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    [told] = [line for line in lines if line["event"] == "ledger_event"]
    assert (told["operation"], told["via"], told["outcome"]) == ("unlink", "COMMAND", "STILL_IN_ERP")
    assert (told["company_id"], told["actor_id"]) == (world.company.pk, approver.pk)

"""manage.py unlink: the button's own operation from the shell."""

import getpass
from typing import Any

import pytest

from companies.models import Level
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from tests import factories
from tests.commands.terminal import manage, run
from tests.world import LINKER, World

SUCCESS = "Successful Unlinked"
STILL_THERE = "The CCO is still in Sage 100 Contractor®. Please delete it before retrying"
FIELDS = {"verdict", "message", "details", "evidence"}


def test_0_when_the_record_is_gone_and_the_event_says_by_command(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    world.delete_in_sage(cco)

    ran = run("unlink", "harbor-point", str(cco.pk), "--as", "approver")

    assert ran.code == 0
    assert ran.out.splitlines()[0] == SUCCESS
    assert "Deleted there by ACCT2" in ran.out
    assert not world.link_of(cco).is_active
    [event] = world.events(kind="UNLINKED")
    assert (event.via, event.operating_system_user) == ("COMMAND", getpass.getuser())
    assert event.actor_name == "approver"
    assert "Can Push to Accounting" in event.rights


def test_1_when_it_is_still_there(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    before = world.before(cco)

    ran = run("unlink", "harbor-point", str(cco.pk), "--as", "approver", "--json")

    assert ran.code == 1
    [line] = ran.lines
    assert set(line) == {"refused"} | FIELDS
    assert (line["verdict"], line["message"]) == ("present", STILL_THERE)
    assert world.before(cco) == before


def test_json_says_verdict_message_and_evidence(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    world.delete_in_sage(cco)

    [line] = run("unlink", "harbor-point", str(cco.pk), "--as", "approver", "--json").lines

    assert set(line) == FIELDS
    assert (line["verdict"], line["message"]) == ("absent", SUCCESS)
    assert line["evidence"]["deletion"]["user"] == "ACCT2"


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        ({"commitments": Level.STANDARD}, "Needs 'Admin' on Commitments"),
        ({"erp_integrations": Level.READ_ONLY}, "Needs 'Standard' or 'Admin' on ERP Integrations"),
        ({"can_push_to_accounting": False}, "Needs Can Push to Accounting"),
    ],
)
def test_1_with_the_rights_of_the_person_named(world: World, lacks: dict[str, Any], words: str) -> None:
    cco = world.synced_cco()
    world.person("somebody", **lacks)
    world.delete_in_sage(cco)
    before = world.before(cco)

    ran = run("unlink", "harbor-point", str(cco.pk), "--as", "somebody")

    assert ran.code == 1
    assert words in ran.err
    assert world.attempts(cco) == []
    assert world.before(cco) == before


def test_1_for_somebody_of_another_company_or_nobody_any_more(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    factories.MembershipFactory.create(user__username="outsider", can_push_to_accounting=True)
    approver.is_active = False
    approver.save()

    for username in ("outsider", "approver"):
        assert run("unlink", "harbor-point", str(cco.pk), "--as", username).code == 1
    assert world.attempts(cco) == []
    assert world.link_of(cco).is_active


def test_1_for_a_cco_that_was_unlinked_already(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    ran = run("unlink", "harbor-point", str(cco.pk), "--as", "approver")

    assert ran.code == 1
    assert "approver unlinked it on" in ran.err
    assert len(world.events(kind="UNLINKED")) == 1


def test_2_for_names_that_name_nothing(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    factories.CompanyFactory.create(slug="ridgeline")
    other = factories.ChangeOrderFactory.create()
    for words in (
        ("no-such-company", str(cco.pk), "--as", "approver"),
        ("harbor-point", str(cco.pk), "--as", "no-such-person"),
        ("harbor-point", "999999", "--as", "approver"),
        ("harbor-point", "9" * 30, "--as", "approver"),
        ("harbor-point", str(other.pk), "--as", "approver"),
    ):
        assert run("unlink", *words).code == 2, words
    assert world.attempts(cco) == []
    assert world.link_of(cco).is_active


def test_3_when_somebody_must_set_something_right(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    before = world.before(cco)
    for fault in ("login-refused", "app-refused", "no-rights", "wrong-database", "missing-table"):
        world.sage.set_fault(fault)
        ran = run("unlink", "harbor-point", str(cco.pk), "--as", "approver", "--json")
        assert ran.code == 3, fault
        assert ran.lines[0]["verdict"] == "unknown"
    assert world.before(cco) == before


def test_3_for_a_company_without_a_connection(world: World) -> None:
    factories.CompanyFactory.create(slug="ridgeline")

    ran = run("unlink", "ridgeline", "1", "--as", "approver")

    assert ran.code == 3
    assert "erp_connection set ridgeline" in ran.err


def test_4_when_sage_gives_no_answer(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    world.delete_in_sage(cco)
    before = world.before(cco)
    for fault in ("offline", "locked", "deadlock", "drops"):
        world.sage.set_fault(fault)
        assert run("unlink", "harbor-point", str(cco.pk), "--as", "approver").code == 4, fault
    assert world.before(cco) == before


def test_3_when_the_key_of_the_stored_secret_is_missing(world: World) -> None:
    cco = world.synced_cco()
    world.person()
    connect.set_connection(
        company=world.company,
        address=connect.Address(
            kind=registry.ODBC, database=world.books.name, odbc_string="DRIVER={x};DATABASE=y"
        ),
        actor=LINKER,
    )
    type(world.connection).objects.update(odbc_string_encrypted="sealed with a key that was lost")

    ran = run("unlink", "harbor-point", str(cco.pk), "--as", "approver")

    assert ran.code == 3
    assert "FIELD_KEYS" in ran.err
    assert world.link_of(cco).is_active


def test_a_shell_gets_the_same_exit_codes_and_lines(committed_world: World) -> None:
    world = committed_world
    gone, present = world.synced_cco(), world.synced_cco("plain-01")
    world.person()
    world.delete_in_sage(gone)

    refused = manage("unlink", "harbor-point", str(present.pk), "--as", "approver")
    assert (refused.code, refused.out) == (1, "")
    assert STILL_THERE in refused.err
    assert "Traceback" not in refused.err
    wrong = manage("unlink", "harbor-point", "not-a-number", "--as", "approver")
    assert wrong.code == 2
    done = manage("unlink", "harbor-point", str(gone.pk), "--as", "approver", "--json")
    assert done.code == 0, done.err
    assert done.lines[0]["message"] == SUCCESS
    assert not world.link_of(gone).is_active
    assert world.link_of(present).is_active

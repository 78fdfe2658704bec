"""Setting, checking and accepting a connection."""

import dataclasses
import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from companies.models import CompanyTool, Level
from erp_integrations.connections import connect
from erp_integrations.connections.connect import Address, CheckedConnection
from erp_integrations.erp import registry
from erp_integrations.erp.encryption import decrypt
from erp_integrations.ledger.actors import Actor
from erp_integrations.models import Connection, Via
from erp_integrations.ports import PartRefused, ServerParts
from erp_integrations.workflow import errors
from erp_integrations.workflow.errors import ConnectionChanged, NotAllowed, NothingToAccept, PasswordNeeded
from tests import factories
from tests.domain.readers import Moments
from tests.world import LINKER, World

SECRET = "DRIVER={ODBC Driver 18 for SQL Server};SERVER=books.example;DATABASE=Books;UID=reader;PWD=hunter2"


def check(world: World) -> CheckedConnection:
    return connect.check_connection(connection_id=world.connection.pk, actor=LINKER)


def accept(
    world: World, *, level: Level = Level.ADMIN, reason: str = "A new server.", shown: str | None = None
) -> Connection:
    person = world.person(f"person-with-{level.name.lower()}", erp_integrations=level)
    return connect.accept_database(
        connection_id=world.connection.pk,
        incarnation=world.fresh_connection().seen_incarnation if shown is None else shown,
        actor=Actor(user_id=person.pk, name=person.name, via=Via.PAGE),
        reason=reason,
    )


def same_address(world: World, folder: Path | None = None) -> Address:
    return Address(kind=registry.SANDBOX, database=world.books.name, sandbox_path=folder or world.place)


# --- set ------------------------------------------------------------------------------------------


def test_a_new_connection_is_unchecked(world: World) -> None:
    company = factories.CompanyFactory.create()

    connection = connect.set_connection(company=company, address=same_address(world), actor=LINKER)

    assert connection.accepted_incarnation == ""
    assert connection.handshake == {}
    assert (connection.checked_at, connection.accepted_at, connection.revision) == (None, None, 1)


def test_a_connection_string_is_kept_sealed_and_told_to_nobody(world: World) -> None:
    connect.set_connection(
        company=world.company,
        address=Address(kind=registry.ODBC, database="Books", odbc_string=SECRET),
        actor=LINKER,
    )

    connection = world.fresh_connection()
    assert "hunter2" not in connection.odbc_string_encrypted
    assert decrypt(connection.odbc_string_encrypted) == SECRET
    assert connection.sandbox_path == ""
    assert "hunter2" not in repr(registry.spec_of(connection))
    for event in world.events():
        assert "books.example" not in json.dumps(event.evidence) + event.reason + event.subject_label


def test_setting_a_connection_anew_forgets_the_report_and_keeps_the_accepted_database(world: World) -> None:
    before = world.fresh_connection()

    connect.set_connection(company=world.company, address=same_address(world), actor=LINKER)

    after = world.fresh_connection()
    assert after.pk == before.pk
    assert after.revision == before.revision + 1
    assert (after.handshake, after.seen_incarnation, after.checked_at) == ({}, "", None)
    assert after.accepted_incarnation == before.accepted_incarnation != ""
    assert [event.kind for event in world.events()][-1] == "CONNECTION_SET"


PARTS = ServerParts(server="sage01", database="Books", login="reader", password="hunter2")


@pytest.mark.parametrize("level", [level for level in Level if level < Level.ADMIN])
def test_a_person_with_less_than_admin_on_erp_integrations_sets_nothing(world: World, level: Level) -> None:
    """Whatever the page allowed: the rights are read under the lock."""
    person = world.person(erp_integrations=level)
    before, events = Connection.objects.values().get(), len(world.events())

    with pytest.raises(NotAllowed) as refusal:
        connect.set_connection(
            company=world.company, address=PARTS, actor=Actor(person.pk, person.name, Via.PAGE), revision=1
        )

    assert refusal.value.missing == (f"Needs 'Admin' on ERP Integrations; you have '{level.label}'",)
    assert Connection.objects.values().get() == before
    assert len(world.events()) == events


@pytest.mark.parametrize("who", ["a stranger", "inactive", "admin elsewhere"])
def test_only_an_active_member_of_the_company_sets_a_connection(world: World, who: str) -> None:
    person = world.erp_admin() if who == "inactive" else factories.UserFactory.create()
    if who == "inactive":
        person.memberships.update(is_active=False)
    if who == "admin elsewhere":
        elsewhere = factories.MembershipFactory.create(user=person)
        elsewhere.company_levels.create(tool=CompanyTool.ERP_INTEGRATIONS, level=Level.ADMIN)
    before = Connection.objects.values().get()

    with pytest.raises(NotAllowed):
        connect.set_connection(
            company=world.company, address=PARTS, actor=Actor(person.pk, person.name, Via.PAGE)
        )

    assert Connection.objects.values().get() == before


@pytest.mark.parametrize(
    ("address", "revision", "refusal"),
    [
        (PARTS, 0, ConnectionChanged),
        (PARTS, 2, ConnectionChanged),
        (dataclasses.replace(PARTS, password=""), 1, PasswordNeeded),
        (dataclasses.replace(PARTS, application_name="Sage"), 1, PartRefused),
    ],
    ids=["there was none", "overtaken", "no password", "imitated"],
)
def test_what_is_refused_changes_nothing(
    world: World, address: ServerParts, revision: int, refusal: type[Exception]
) -> None:
    before, events = Connection.objects.values().get(), len(world.events())

    with pytest.raises(refusal):
        connect.set_connection(company=world.company, address=address, actor=LINKER, revision=revision)

    assert Connection.objects.values().get() == before
    assert len(world.events()) == events


def test_a_password_that_cannot_be_opened_any_more_is_not_kept(world: World, settings: Settings) -> None:
    connect.set_connection(company=world.company, address=PARTS, actor=LINKER)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    before = Connection.objects.values().get()

    with pytest.raises(PasswordNeeded):
        connect.set_connection(
            company=world.company, address=dataclasses.replace(PARTS, password=""), actor=LINKER
        )

    assert Connection.objects.values().get() == before


def test_the_name_we_use_there_is_the_one_the_string_says(world: World) -> None:
    for said, expected in (("APP=Plumbline 2;", "Plumbline 2"), ("", "Plumbline")):
        connect.set_connection(
            company=world.company,
            address=Address(kind=registry.ODBC, database="Books", odbc_string=said + SECRET),
            actor=LINKER,
        )
        assert world.fresh_connection().application_name == expected


# --- check ----------------------------------------------------------------------------------------


def test_the_first_good_handshake_accepts_the_database(world: World) -> None:
    connection = world.fresh_connection()
    assert connection.accepted_incarnation == connection.seen_incarnation != ""
    assert (connection.accepted_by_name, connection.last_failure_at) == ("Loader", None)
    assert connection.last_success_at == connection.accepted_at == connection.checked_at
    assert [event.kind for event in world.events()] == ["CONNECTION_SET", "CONNECTION_CHECKED"]


def test_a_check_keeps_the_report_without_the_login(world: World) -> None:
    checked = check(world)

    assert checked.accepted
    assert checked.handshake is not None
    report = world.fresh_connection().handshake
    assert "login" not in report
    assert report["database"] == "Harbor Point Builders"
    assert report["problems"] == []
    assert {"dbo.prmchg", "dbo.sbcgln"} <= set(report["tables"])
    assert world.events()[-1].evidence == report


@pytest.mark.parametrize(
    "fault",
    ["offline", "login-refused", "wrong-database", "missing-table", "missing-column", "no-rights", "emptied"],
)
def test_no_bad_handshake_accepts_a_database(world: World, fault: str) -> None:
    Connection.objects.update(accepted_incarnation="", accepted_at=None, accepted_by_name="")
    world.sage.set_fault(fault)

    checked = check(world)

    assert checked.fault is not None
    assert not checked.accepted
    connection = world.fresh_connection()
    assert connection.accepted_incarnation == ""
    assert connection.last_failure_words == checked.fault.what
    assert connection.last_failure_at == connection.checked_at
    assert world.events()[-1].reason == checked.fault.code
    assert [event.kind for event in world.events()].count("INCARNATION_ACCEPTED") == 0


def test_a_server_that_never_answers_is_not_waited_for(world: World, settings: Settings) -> None:
    settings.SAGE_DEADLINE_SECONDS = 0.2
    world.sage.set_fault("slow:2")
    accepted = world.fresh_connection().accepted_incarnation

    checked = check(world)

    assert checked.handshake is None
    assert checked.fault is not None
    assert checked.fault.code == "deadline"
    assert world.fresh_connection().accepted_incarnation == accepted


def test_another_database_waits_to_be_accepted(world: World) -> None:
    accepted = world.fresh_connection().accepted_incarnation
    world.sage.restore_backup()

    checked = check(world)

    assert not checked.accepted
    assert checked.fault is not None
    assert checked.fault.code == "other-incarnation"
    connection = world.fresh_connection()
    assert connection.accepted_incarnation == accepted
    assert connection.seen_incarnation not in ("", accepted)


def test_a_connection_that_is_set_anew_meanwhile_keeps_no_report_of_the_old_one(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    moments.after_handshake = lambda: connect.set_connection(
        company=world.company, address=same_address(world), actor=LINKER
    )

    check(world)

    connection = world.fresh_connection()
    assert (connection.handshake, connection.seen_incarnation, connection.checked_at) == ({}, "", None)
    assert [event.kind for event in world.events()][-1] == "CONNECTION_SET"


def test_checking_does_not_make_it_another_connection(world: World) -> None:
    before = world.fresh_connection().revision
    check(world)
    assert world.fresh_connection().revision == before


# --- accept ---------------------------------------------------------------------------------------


def test_an_erp_admin_accepts_another_database_with_a_reason(world: World) -> None:
    before = world.fresh_connection()
    world.sage.restore_backup()
    check(world)

    accept(world, reason="  The server's disk was replaced. ")

    after = world.fresh_connection()
    assert after.accepted_incarnation == after.seen_incarnation != before.accepted_incarnation
    assert after.accepted_by_name == "person-with-admin"
    assert after.revision == before.revision + 1
    event = world.events()[-1]
    assert (event.kind, event.reason) == ("INCARNATION_ACCEPTED", "The server's disk was replaced.")
    assert event.evidence == {"before": before.accepted_incarnation, "after": after.accepted_incarnation}
    assert event.rights == "Admin on ERP Integrations"
    assert check(world).accepted


@pytest.mark.parametrize("level", [level for level in Level if level < Level.ADMIN])
def test_less_than_admin_on_erp_integrations_accepts_nothing(world: World, level: Level) -> None:
    world.sage.restore_backup()
    check(world)
    before, events = Connection.objects.values().get(), len(world.events())

    with pytest.raises(NotAllowed) as refusal:
        accept(world, level=level)

    assert refusal.value.missing == (f"Needs 'Admin' on ERP Integrations; you have '{level.label}'",)
    assert Connection.objects.values().get() == before
    assert len(world.events()) == events


@pytest.mark.parametrize("actor", [LINKER, "a stranger"])
def test_nobody_and_strangers_accept_nothing(world: World, actor: Actor | str) -> None:
    world.sage.restore_backup()
    check(world)
    before = Connection.objects.values().get()
    if isinstance(actor, str):
        actor = Actor(user_id=factories.UserFactory.create().pk, name=actor, via=Via.PAGE)

    with pytest.raises(NotAllowed):
        connect.accept_database(
            connection_id=world.connection.pk,
            incarnation=before["seen_incarnation"],
            actor=actor,
            reason="Because.",
        )

    assert Connection.objects.values().get() == before


def test_only_the_database_that_was_shown_is_accepted(world: World) -> None:
    world.sage.restore_backup()
    shown = check(world).connection.seen_incarnation
    world.sage.restore_backup()
    check(world)
    before = Connection.objects.values().get()

    with pytest.raises(errors.NothingToAccept):
        accept(world, shown=shown)

    assert Connection.objects.values().get() == before


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_without_a_reason_nothing_is_accepted(world: World, reason: str) -> None:
    world.sage.restore_backup()
    check(world)
    before = Connection.objects.values().get()

    with pytest.raises(ValueError, match="reason"):
        accept(world, reason=reason)

    assert Connection.objects.values().get() == before


def test_there_is_nothing_to_accept_while_the_accepted_database_answers(world: World) -> None:
    with pytest.raises(NothingToAccept):
        accept(world)


def test_there_is_nothing_to_accept_before_a_check(world: World) -> None:
    connect.set_connection(company=world.company, address=same_address(world), actor=LINKER)
    with pytest.raises(NothingToAccept):
        accept(world)


def test_a_connection_pointed_at_another_company_gives_no_verdict_before_it_is_accepted(
    world: World, tmp_path: Path
) -> None:
    """One wrong path must not turn every link green."""
    elsewhere = tmp_path / "ridgeline"
    registry.sandbox_at(elsewhere, name="ridgeline").create()
    accepted = world.fresh_connection().accepted_incarnation
    connect.set_connection(
        company=world.company,
        address=Address(kind=registry.SANDBOX, database="Ridgeline Civil", sandbox_path=elsewhere),
        actor=LINKER,
    )

    checked = check(world)

    assert checked.fault is not None
    assert checked.fault.code == "other-incarnation"
    assert world.fresh_connection().accepted_incarnation == accepted


def test_the_revision_counts_every_change_that_matters(world: World) -> None:
    before = world.fresh_connection().revision
    connect.set_connection(company=world.company, address=same_address(world), actor=LINKER)
    world.sage.restore_backup()
    check(world)
    accept(world)
    assert world.fresh_connection().revision == before + 2

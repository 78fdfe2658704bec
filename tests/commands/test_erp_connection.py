"""manage.py erp_connection: set, check and accept; secrets stay where they are."""

import io
from pathlib import Path

import pytest

from companies.models import Level
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.models import Connection, EventKind
from tests import factories
from tests.commands.terminal import Ran, manage, run
from tests.world import LINKER, World

PASSWORD, HOST, LOGIN = "hush-hush-72", "sage-box-17.internal.example", "plumbline_reader"
NO_DRIVER = (
    f"DRIVER={{ODBC Driver 17 for SQL Server}};SERVER={HOST};DATABASE=Books;UID={LOGIN};PWD={PASSWORD}"
)
NOTHING_LISTENS = (
    f"DRIVER={{FreeTDS}};SERVER=127.0.0.1;PORT=1;TDS_Version=7.4;DATABASE=Books;UID={LOGIN};PWD={PASSWORD}"
)


def set_from(folder: Path, text: str, *words: str) -> Ran:
    file = folder / "connection.txt"
    file.write_text(text)
    return run("erp_connection", "set", "harbor-point", "--odbc-from", str(file), *words)


def state(world: World) -> tuple[object, ...]:
    connection = world.fresh_connection()
    return (
        connection.kind,
        connection.database,
        connection.odbc_string_encrypted,
        connection.sandbox_path,
        connection.revision,
        connection.accepted_incarnation,
    )


# --- set -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"DRIVER={{x}};SERVER={HOST};UID={LOGIN};PWD={PASSWORD}", "names no database"),
        (f"DRIVER={{x}};DATABASE=;PWD={PASSWORD}", "names no database"),
        (f"DRIVER={{x}};DATABASE=A;database=B;PWD={PASSWORD}", "more than once"),
        (f"DRIVER={{x;DATABASE=A;PWD={PASSWORD}", "brace"),
        (f"DRIVER;DATABASE=A;PWD={PASSWORD}", ""),
        ("", "names no database"),
        (f"DRIVER={{x}};DATABASE=A;UID={LOGIN};PWD={PASSWORD}", "keyword DRIVER names no driver"),
        (f"DRIVER=/opt/evil.so;DATABASE=A;PWD={PASSWORD}", "keyword DRIVER names no driver"),
        (
            f"SERVER={HOST};DATABASE=A;Trusted_Connection=yes;PWD={PASSWORD}",
            "keyword Trusted_Connection may only be no",
        ),
        (f"SERVER={HOST};DATABASE=A;Regional=yes;PWD={PASSWORD}", "keyword Regional is not one"),
    ],
)
def test_3_for_a_string_without_one_database_and_nothing_is_stored(
    world: World, tmp_path: Path, text: str, words: str
) -> None:
    before, events = state(world), len(world.events())

    ran = set_from(tmp_path, text)

    assert ran.code == 3
    assert words in ran.err
    assert PASSWORD not in ran.err + ran.out
    assert state(world) == before
    assert len(world.events()) == events


def test_2_for_a_file_that_cannot_be_read(world: World, tmp_path: Path) -> None:
    before = state(world)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00DATABASE")
    for file in (tmp_path / "not-there", tmp_path, binary):
        ran = run("erp_connection", "set", "harbor-point", "--odbc-from", str(file))
        assert ran.code == 2, file
        assert state(world) == before


def test_3_for_a_folder_that_is_no_practice_company(world: World, tmp_path: Path) -> None:
    before = state(world)
    for folder in (tmp_path / "not-there", tmp_path):
        ran = run("erp_connection", "set", "harbor-point", "--sandbox", str(folder))
        assert ran.code == 3
        assert "There is no practice company" in ran.err
        assert state(world) == before
    assert not (tmp_path / "not-there").exists(), "nothing is made by asking"


def test_2_for_a_company_that_is_not_there(world: World, tmp_path: Path) -> None:
    assert run("erp_connection", "set", "nobody", "--sandbox", str(tmp_path)).code == 2
    assert run("erp_connection", "check", "nobody").code == 2


def test_set_sandbox_stores_checks_and_accepts_the_first_database(
    world: World, practice_folder: Path
) -> None:
    factories.CompanyFactory.create(slug="ridgeline")

    ran = run("erp_connection", "set", "ridgeline", "--sandbox", str(practice_folder))

    assert ran.code == 0
    assert "All is well" in ran.out
    connection = Connection.objects.get(company__slug="ridgeline")
    assert connection.accepted_incarnation
    assert connection.sandbox_path == str(practice_folder)


@pytest.mark.parametrize(("text", "code"), [(NO_DRIVER, 3), (NOTHING_LISTENS, 4)])
def test_a_server_that_does_not_answer_leaves_the_connection_unchecked_and_the_secret_sealed(
    world: World, tmp_path: Path, text: str, code: int
) -> None:
    factories.CompanyFactory.create(slug="ridgeline")
    file = tmp_path / "connection.txt"
    file.write_text(text + "\n")

    ran = run("erp_connection", "set", "ridgeline", "--odbc-from", str(file))

    assert ran.code == code
    assert "The connection stays unchecked." in ran.err
    connection = Connection.objects.get(company__slug="ridgeline")
    assert connection.accepted_incarnation == ""
    assert connection.last_success_at is None
    assert connection.database == "Books"
    for secret in (PASSWORD, LOGIN, HOST, "Driver 17", "FreeTDS"):
        assert secret not in connection.odbc_string_encrypted
        assert secret not in ran.out + ran.err
        assert secret not in repr(connection) + str(connection) + repr(connection.handshake)
    assert registry.spec_of(connection).odbc_string == text
    assert PASSWORD not in repr(registry.spec_of(connection))
    address = connect.Address(kind=registry.ODBC, database="Books", odbc_string=text)
    assert PASSWORD not in repr(address)


def test_a_string_can_come_from_the_input(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.CompanyFactory.create(slug="ridgeline")
    monkeypatch.setattr("sys.stdin", io.StringIO(NO_DRIVER + "\n"))

    assert run("erp_connection", "set", "ridgeline", "--odbc-from", "-").code == 3
    assert Connection.objects.get(company__slug="ridgeline").database == "Books"


def test_setting_another_address_does_not_accept_another_database(
    world: World, tmp_path: Path, practice_template: Path
) -> None:
    """Otherwise one wrong path could turn every link green."""
    other = tmp_path / "ridgeline"
    registry.sandbox_at(other, name="ridgeline").create()
    accepted = world.fresh_connection().accepted_incarnation

    ran = run("erp_connection", "set", "harbor-point", "--sandbox", str(other))

    assert ran.code == 3
    assert world.fresh_connection().accepted_incarnation == accepted


# --- check ---------------------------------------------------------------------------------------


def test_check_prints_what_the_server_says(world: World) -> None:
    ran = run("erp_connection", "check", "harbor-point")

    assert ran.code == 0
    for words in ("database: Harbor Point Builders", "server: Sage sandbox", "dbo.prmchg", "All is well"):
        assert words in ran.out


@pytest.mark.parametrize("words", [("--json", "check", "harbor-point"), ("check", "harbor-point", "--json")])
def test_json_prints_one_object_per_line_wherever_it_stands(world: World, words: tuple[str, ...]) -> None:
    ran = run("erp_connection", *words)

    assert ran.code == 0
    [line] = ran.lines
    assert line["accepted"] is True
    assert line["database"] == "Harbor Point Builders"
    assert {"server", "version", "login", "application_name", "history_readable", "tables"} <= set(line)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        *(("offline", 4), ("login-refused", 3), ("app-refused", 3), ("no-rights", 3)),
        *(("wrong-database", 3), ("missing-table", 3), ("missing-column", 3), ("restored", 3)),
    ],
)
def test_check_exits_3_for_an_administrator_and_4_for_no_answer(world: World, fault: str, code: int) -> None:
    accepted = world.fresh_connection().accepted_incarnation
    world.sage.set_fault(fault)

    ran = run("erp_connection", "--json", "check", "harbor-point")

    assert ran.code == code
    assert ran.lines[-1]["accepted"] is False
    assert ran.lines[-1]["refused"]
    assert world.fresh_connection().accepted_incarnation == accepted


def test_check_of_a_company_without_a_connection_says_how_to_set_one(world: World) -> None:
    factories.CompanyFactory.create(slug="ridgeline")

    ran = run("erp_connection", "check", "ridgeline")

    assert ran.code == 3
    assert "manage.py erp_connection set ridgeline" in ran.err


# --- accept --------------------------------------------------------------------------------------


def accept(*, by: str = "erp-admin", reason: str = "Restored after the disk failed") -> Ran:
    return run("erp_connection", "accept", "harbor-point", "--as", by, "--reason", reason)


def test_accept_needs_an_erp_admin_a_reason_and_another_database(world: World) -> None:
    world.person("erp-admin", erp_integrations=Level.ADMIN)
    world.person("approver")
    assert accept().code == 1, "there is nothing to accept"
    world.sage.restore_backup()
    assert run("erp_connection", "check", "harbor-point").code == 3
    before = state(world)

    assert accept(by="approver").code == 1
    assert accept(by="nobody").code == 2
    assert accept(reason="  ").code == 2
    assert state(world) == before

    assert accept().code == 0
    [event] = world.events(kind=EventKind.INCARNATION_ACCEPTED)
    assert (event.actor_name, event.via) == ("erp-admin", "COMMAND")
    assert event.reason == "Restored after the disk failed"
    assert run("erp_connection", "check", "harbor-point").code == 0


def test_a_shell_gets_the_same_exit_codes(committed_world: World) -> None:
    assert manage("erp_connection", "check", "harbor-point", "--json").lines[0]["accepted"] is True
    both = manage("erp_connection", "set", "harbor-point", "--odbc-from", "-", "--sandbox", "x")
    assert both.code == 2
    refused = manage(
        "erp_connection", "set", "harbor-point", "--odbc-from", "-", stdin=f"UID=a;PWD={PASSWORD}"
    )
    assert refused.code == 3
    assert PASSWORD not in refused.err
    assert connect.check_connection(connection_id=committed_world.connection.pk, actor=LINKER).accepted

"""What can go wrong on a server that speaks T-SQL, where `SAGE_TEST_ODBC` names one, over each driver for it.

What the server does not know how to do is skipped, with its words: it need not be Microsoft's.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.ports import ChangeOrderReference, Deadline, Verdict
from sage_adapter import odbc_string
from sage_adapter.sandbox import open_sandbox
from tests.contract.conftest import SQL_SERVER_ENGINES
from tests.contract.engines import DATABASE, Books, SqlServer
from tests.contract.test_faults import (
    ADMINISTRATOR,
    SLACK_SECONDS,
    WAIT,
    ActingClock,
    assert_job_missing,
    assert_no_answer,
    deleted,
    look_with,
)

READER = f"[{SqlServer.READER}]"
SECONDS = 20.0
"""Deadline of a look while something is wrong."""


@pytest.fixture(params=SQL_SERVER_ENGINES)
def on_sql_server(request: pytest.FixtureRequest, sql_server: SqlServer, tmp_path: Path) -> Iterator[Books]:
    folder = tmp_path / "Fault Point"
    sandbox = open_sandbox(folder, name="harbor-point")
    sandbox.create()
    books = sql_server.books(sandbox, folder, SQL_SERVER_ENGINES[request.param])
    books.accept()
    yield books
    with sql_server.admin() as administrator, suppress(Exception):
        administrator.execute(f"ALTER LOGIN {READER} ENABLE")


@pytest.fixture
def reference(on_sql_server: Books) -> ChangeOrderReference:
    """A record that is really deleted."""
    return deleted(on_sql_server)


def do(server: SqlServer, *statements: str, database: str = DATABASE) -> None:
    """Skips the test where the server does not know how."""
    with server.admin(database) as administrator:
        for statement in statements:
            soon = Deadline.after(2.0)  # for sessions that are about to end
            while True:
                try:
                    administrator.execute(statement)
                    break
                except Exception as refused:  # noqa: BLE001 - whatever the driver calls it
                    if soon.passed:
                        pytest.skip(f"the server does not do {statement!r}: {refused}")
                    time.sleep(0.2)


def changed(books: Books, **fields: str) -> dict[str, Any]:
    pairs = odbc_string.parse(books.spec.odbc_string)
    for keyword, value in fields.items():
        pairs = odbc_string.with_value(pairs, keyword, value)
    return {"odbc_string": odbc_string.render(pairs)}


# --- at the door ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"PWD": "wrong"}, {"UID": "nobody_we_know"}])
def test_a_login_that_is_refused(
    on_sql_server: Books, reference: ChangeOrderReference, fields: dict[str, str]
) -> None:
    finding = on_sql_server.look(reference, seconds=SECONDS, **changed(on_sql_server, **fields))
    assert_no_answer(finding, ADMINISTRATOR, "login-refused")


@pytest.mark.parametrize("database", ["No Such Builders", "master"])
def test_another_database(on_sql_server: Books, reference: ChangeOrderReference, database: str) -> None:
    finding = on_sql_server.look(reference, seconds=SECONDS, **changed(on_sql_server, DATABASE=database))
    assert_no_answer(
        finding, ADMINISTRATOR, "database-missing", "wrong-database", "no-rights", "login-refused"
    )


def test_an_administrators_login_is_refused(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    finding = on_sql_server.look(
        reference, seconds=SECONDS, **changed(on_sql_server, **sql_server.administrator())
    )
    assert_no_answer(finding, ADMINISTRATOR, "login-may-write")


# --- another shape, other rights -----------------------------------------------------------------

SHAPES = {
    "no table": (["DROP TABLE [dbo].[sbcgln]"], "table-missing"),
    "no column": (["EXEC sp_rename 'dbo.sbcgln.vndctc', 'other', 'COLUMN'"], "column-missing"),
    "a view": (
        [
            "EXEC sp_rename 'dbo.prmchg', 'kept'",
            "CREATE VIEW [dbo].[prmchg] AS SELECT * FROM [dbo].[kept] WHERE 1 = 0",
            f"GRANT SELECT ON [dbo].[prmchg] TO {READER}",
        ],
        "table-not-real",
    ),
    "a row filter": (
        [
            "CREATE FUNCTION [dbo].[nobody](@jobnum bigint) RETURNS TABLE WITH SCHEMABINDING"
            " AS RETURN SELECT 1 AS allowed WHERE 1 = 0",
            "CREATE SECURITY POLICY [dbo].[hides]"
            " ADD FILTER PREDICATE [dbo].[nobody](jobnum) ON [dbo].[prmchg]",
        ],
        "row-filter",
    ),
    "no sight of row filters": ([f"REVOKE VIEW DEFINITION FROM {READER}"], "row-filter-unknown"),
}


@pytest.mark.parametrize("what", SHAPES)
def test_another_shape_is_no_answer(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer, what: str
) -> None:
    statements, code = SHAPES[what]
    do(sql_server, *statements)
    assert_no_answer(on_sql_server.look(reference, seconds=SECONDS), ADMINISTRATOR, code)


def test_without_any_job_nothing_is_said_to_be_gone(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    do(sql_server, "DELETE FROM [dbo].[actrec]")
    assert_job_missing(on_sql_server.look(reference, seconds=SECONDS))


def test_a_table_that_may_not_be_read(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    sql_server.shut_out_of("[dbo].[sbcgln]")
    finding = on_sql_server.look(reference, seconds=SECONDS)
    assert_no_answer(finding, ADMINISTRATOR, "no-rights", "table-missing", "column-missing")


def test_history_that_may_not_be_read_costs_no_verdict(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    sql_server.shut_out_of("[dbo_Audit].[prmchg]")
    finding = on_sql_server.look(reference)
    assert finding.verdict is Verdict.ABSENT
    assert finding.evidence.deletion is None


def test_a_login_that_may_write_is_refused_wherever_the_server_tells(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    do(sql_server, f"GRANT DELETE ON [dbo].[prmchg] TO {READER}")
    finding = on_sql_server.look(reference, seconds=SECONDS)
    if finding.fault is None:
        told = on_sql_server.reader().handshake(deadline=Deadline.after(SECONDS)).rights
        assert {one.held for one in told if one.name == "write dbo.prmchg"} <= {None}
        pytest.skip("the server does not tell whether the login may write")
    assert_no_answer(finding, ADMINISTRATOR, "login-may-write")


def test_a_database_made_again_is_another_one(on_sql_server: Books, reference: ChangeOrderReference) -> None:
    on_sql_server.publish_another()
    assert_no_answer(on_sql_server.look(reference, seconds=SECONDS), ADMINISTRATOR, "other-incarnation")


def test_with_snapshots_allowed_a_look_is_answered_too(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    do(sql_server, f"ALTER DATABASE [{DATABASE}] SET ALLOW_SNAPSHOT_ISOLATION ON", database="master")
    assert on_sql_server.look(reference).proves_absence


def test_somebody_who_saves_makes_no_deletion(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    """On Microsoft's server a reader waits for a writer; on others it sees what was there before."""
    present = on_sql_server.references()["present"]
    with sql_server.admin(DATABASE) as somebody:
        somebody.autocommit = False
        somebody.execute("DELETE FROM [dbo].[prmchg]")
        finding = on_sql_server.look(present, seconds=SECONDS)
        assert finding.verdict is Verdict.PRESENT or (finding.fault and finding.fault.code == "locked")
        somebody.rollback()
    assert on_sql_server.look(present).verdict is Verdict.PRESENT


# --- in the middle -------------------------------------------------------------------------------


def end_sessions(server: SqlServer) -> None:
    """Ends what the reader's login has open."""
    with server.admin() as administrator:
        found: list[Any] = administrator.execute(
            "SELECT session_id, login_name FROM sys.dm_exec_sessions"
        ).fetchall()
    do(server, *(f"KILL {number}" for number, login in found if login == SqlServer.READER), database="master")


def test_a_session_killed_between_the_looks_begins_again(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    clock = ActingClock(lambda: end_sessions(sql_server), at=lambda reading: reading == 2)
    assert look_with(on_sql_server, reference, clock).proves_absence
    assert clock.readings >= 4


def test_a_session_that_is_always_killed_gives_no_answer(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer
) -> None:
    clock = ActingClock(lambda: end_sessions(sql_server), at=lambda reading: True)
    assert_no_answer(look_with(on_sql_server, reference, clock), WAIT, "link-lost")


IN_THE_MIDDLE = {
    "logged out": (f"ALTER LOGIN {READER} DISABLE", f"ALTER LOGIN {READER} ENABLE", "login-refused"),
    "renamed": (
        f"ALTER DATABASE [{DATABASE}] MODIFY NAME = [Renamed Builders]",
        f"ALTER DATABASE [Renamed Builders] MODIFY NAME = [{DATABASE}]",
        "database-missing",
    ),
}


@pytest.mark.parametrize("what", IN_THE_MIDDLE)
def test_what_is_taken_away_in_the_middle_is_no_answer_until_it_is_back(
    on_sql_server: Books, reference: ChangeOrderReference, sql_server: SqlServer, what: str
) -> None:
    happens, undone, code = IN_THE_MIDDLE[what]

    def act() -> None:
        end_sessions(sql_server)
        do(sql_server, happens, database="master")

    began = time.monotonic()
    try:
        finding = look_with(
            on_sql_server, reference, ActingClock(act, at=lambda reading: reading == 2), SECONDS
        )
        assert time.monotonic() - began < SECONDS + SLACK_SECONDS
    finally:
        with suppress(Exception), sql_server.admin() as administrator:
            administrator.execute(undone)
    assert_no_answer(finding, ADMINISTRATOR, code)
    assert on_sql_server.look(reference).proves_absence

"""What a server says of itself and of us, and what of it keeps a verdict from being given.

The rows are of the shape that SQL Server's handshake gives; the other servers are asked for real elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from erp_integrations.ports import ConnectionSpec, Deadline, ErpError
from sage_adapter import handshake
from sage_adapter.dialects import SQL_SERVER
from sage_adapter.handshake import NEEDED, Greeting
from sage_adapter.session import Session, sql_text

ASKED_AT = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
INCARNATION = "sage100con / harbor point / 2024-02-01T08:00:00 / 0F8FAD5B-D9CB-469F-A165-70867728950E"
SPEC = ConnectionSpec("sage-100-contractor", "Harbor Point", INCARNATION)

Row = tuple[str, str, str | None]
HISTORY_COLUMNS = ("recnum", "_idnum", "chgnum", "_Date", "_Action", "_User", "_Application")


def server_says(*changes: Row, without: Iterable[Row] = ()) -> list[Row]:
    """A good SQL Server's rows; `changes` come on top or replace a fact of the same name and subject."""
    rows: list[Row] = [
        ("database", "", "HARBOR POINT"),
        ("server", "", r"SAGE\SAGE100CON"),
        ("version", "", "SQL Server 15.0.2000.5"),
        ("login", "", "plumbline_reader"),
        ("application", "", "Plumbline"),
        ("now", "", "2026-11-20T14:00:00.1234567"),
        ("incarnation", "4 recovery fork", "0F8FAD5B-D9CB-469F-A165-70867728950E"),
        ("incarnation", "1 server", "sage100con"),
        ("incarnation", "2 database", "harbor point"),
        ("incarnation", "3 created", "2024-02-01T08:00:00"),
        ("role", "sysadmin", "0"),
        ("role", "db_datawriter", None),
        ("may-write", "database INSERT", None),
        ("may-write", "dbo.prmchg", "0"),
        *(("may-read", table, "1") for table in NEEDED),
        *(("table", table, "table") for table in NEEDED),
        *(("column", table, column.upper()) for table, columns in NEEDED.items() for column in columns),
        ("table", "dbo_Audit.prmchg", "table"),
        *(("column", "dbo_Audit.prmchg", column) for column in HISTORY_COLUMNS),
    ]
    changed = {(fact, subject) for fact, subject, _ in changes if fact not in ("column", "filter")}
    return [row for row in rows if row[:2] not in changed and row not in set(without)] + list(changes)


@dataclass
class RecordedServer:
    """A connection that gives back what a server once said, by query."""

    answers: dict[str, list[Any]]
    timeout: int = 0
    given: list[Any] = field(default_factory=list)
    description: tuple[tuple[str], ...] = (("value",),)

    def cursor(self) -> "RecordedServer":
        return self

    def execute(self, sql: str, _params: tuple[Any, ...]) -> None:
        (self.given,) = [answer for name, answer in self.answers.items() if sql_text(name) == sql]
        if self.given and isinstance(self.given[0], Exception):
            raise self.given[0]

    def fetchmany(self, size: int) -> list[Any]:
        return self.given[:size]

    def close(self) -> None: ...


def greet(
    rows: list[Row], spec: ConnectionSpec = SPEC, *, since: Any = "2026-09-01T00:00:00", jobs: Any = 12
) -> Greeting:
    connection = RecordedServer(
        {
            "handshake.sqlserver": list(rows),
            "history_since": [since if isinstance(since, Exception) else (since,)],
            "jobs_count": [jobs if isinstance(jobs, Exception) else (jobs,)],
        }
    )
    session = Session(connection, SQL_SERVER, Deadline.after(10))
    greeting = handshake.greet(session, spec, ASKED_AT)
    return replace(greeting, handshake=handshake.with_jobs_counted(greeting, session))


def problems(*changes: Row, without: Iterable[Row] = (), **more: Any) -> list[str]:
    return [one.code for one in greet(server_says(*changes, without=without), **more).handshake.problems]


def test_a_good_server_has_no_problem() -> None:
    told = greet(server_says()).handshake
    assert told.good
    assert told.incarnation == INCARNATION
    assert told.application_name == "Plumbline"
    assert told.tables == tuple(NEEDED)
    assert told.history_readable


def test_the_servers_local_time_becomes_ours_by_its_own_clock() -> None:
    greeting = greet(server_says())
    eight_there = datetime.fromisoformat("2026-11-20T08:00:00.123456")
    assert greeting.to_our_clock(eight_there) == datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    assert greeting.handshake.history_since is not None
    assert greeting.handshake.history_since.tzinfo is UTC


@pytest.mark.parametrize(
    "right",
    [
        ("role", "sysadmin", "1"),
        ("role", "db_owner", "1"),
        ("role", "db_datawriter", "1"),
        ("may-write", "database INSERT", "1"),
        ("may-write", "dbo.sbcgln", "1"),
        ("may-write", "dbo.prmchg.chgnum", "1"),
    ],
)
def test_a_login_that_may_write_is_refused_without_exception(right: Row) -> None:
    assert problems(right) == ["login-may-write"]


def test_a_right_the_server_does_not_tell_is_no_right_to_write() -> None:
    assert problems(("role", "sysadmin", None), ("may-write", "dbo.prmchg", None)) == []


def test_another_database_is_told_by_its_name_without_case() -> None:
    assert problems(("database", "", "harbor point")) == []
    assert problems(("database", "", "Harbor Point Copy")) == ["wrong-database"]


def test_another_incarnation_is_told_and_none_accepted_yet_is_not() -> None:
    copied = ("incarnation", "3 created", "2026-11-19T08:00:00")
    assert problems(copied) == ["other-incarnation"]
    assert problems(copied, spec=replace(SPEC, accepted_incarnation="")) == []


def test_a_name_of_sages_own_programs_is_refused() -> None:
    assert problems(("application", "", "Sage100Contractor\u00a6x")) == ["application-imitated"]


def test_a_security_policy_may_hide_rows() -> None:
    assert problems(("filter", "CompanyFilter", "security policy")) == ["row-filter"]


def test_a_view_in_the_place_of_a_table_may_hide_rows() -> None:
    assert problems(("table", "dbo.prmchg", "view")) == ["table-not-real"]


def test_a_missing_table_or_column_is_named() -> None:
    rows = server_says(without=[("table", "dbo.sbcgln", "table"), ("column", "dbo.prmchg", "INSDTE")])
    told = greet(rows).handshake
    assert [one.code for one in told.problems] == ["table-missing", "column-missing"]
    assert "dbo.sbcgln" in told.problems[0].what
    assert "dbo.prmchg.insdte" in told.problems[1].what
    assert "dbo.sbcgln" not in told.tables
    assert "dbo.prmchg" not in told.tables


def test_a_table_that_may_not_be_read_is_named() -> None:
    assert problems(("may-read", "dbo.subcon", "0")) == ["no-rights"]
    assert problems(("may-read", "dbo.subcon", None)) == []


def test_everything_that_is_wrong_is_told_the_most_telling_first() -> None:
    found = problems(("database", "", "Other"), ("role", "db_owner", "1"), ("table", "dbo.subcon", "view"))
    assert found == ["wrong-database", "login-may-write", "table-not-real"]


def test_a_company_without_jobs_is_told() -> None:
    assert problems(jobs=0) == ["empty-database"]


def test_jobs_that_may_not_be_counted_are_told_once() -> None:
    denied = Exception(
        "42000", "[42000] [SQL Server]The SELECT permission was denied. (229) (SQLExecDirectW)"
    )
    assert problems(jobs=denied) == ["no-rights"]
    assert problems(("may-read", "dbo.actrec", "0"), jobs=denied) == ["no-rights"]


@pytest.mark.parametrize(
    "changes",
    [
        [("column", "dbo_Audit.prmchg", "_Action")],
        [("table", "dbo_Audit.prmchg", "table")],
    ],
)
def test_a_history_of_another_shape_is_not_readable(changes: list[Row]) -> None:
    told = greet(server_says(without=changes)).handshake
    assert told.good
    assert (told.history_readable, told.history_since) == (False, None)


def test_a_history_that_may_not_be_read_is_no_problem() -> None:
    denied = Exception(
        "42000", "[42000] [SQL Server]The SELECT permission was denied. (229) (SQLExecDirectW)"
    )
    for told in (
        greet(server_says(), since=denied).handshake,
        greet(server_says(("may-read", "dbo_Audit.prmchg", "0"))).handshake,
    ):
        assert told.good
        assert (told.history_readable, told.history_since) == (False, None)


def test_an_empty_history_is_readable() -> None:
    told = greet(server_says(), since=None).handshake
    assert (told.history_readable, told.history_since) == (True, None)


def test_a_link_lost_at_the_history_is_no_unreadable_history() -> None:
    lost = Exception("08S01", "[08S01] [Microsoft]Communication link failure (10054) (SQLExecDirectW)")
    with pytest.raises(ErpError) as raised:
        greet(server_says(), since=lost)
    assert raised.value.fault.code == "link-lost"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        server_says(without=[("database", "", "HARBOR POINT")]),
        server_says(("database", "", None)),
        server_says(("now", "", "soon")),
        [row for row in server_says() if row[0] != "incarnation"],
        server_says(("incarnation", "3 created", None)),
    ],
)
def test_a_server_that_does_not_say_who_it_is_is_not_understood(rows: list[Row]) -> None:
    with pytest.raises(ErpError) as raised:
        greet(rows)
    assert raised.value.fault.code == "row-not-understood"

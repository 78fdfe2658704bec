"""What a server says of itself and of us, and what of it keeps a verdict from being given.

The rows are of the shape that SQL Server's handshake gives; the other servers are asked for real elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from erp_integrations.ports import ConnectionSpec, Deadline, ErpError, Handshake, HistoryMark, Right
from sage_adapter import handshake
from sage_adapter.dialects import SQL_SERVER
from sage_adapter.handshake import NEEDED
from sage_adapter.session import Session, sql_text

ASKED_AT = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
INCARNATION = "sage100con / harbor point / 2024-02-01T08:00:00 / 0F8FAD5B-D9CB-469F-A165-70867728950E"
SPEC = ConnectionSpec("sage-100-contractor", "Harbor Point", INCARNATION)

Row = tuple[str, str, str | None]
RECOVERY = "4 recovery fork"
OF_RIGHTS = ("role", "may-write", "may-read", "sees-filters", "has-filters")
OF_CAPABILITIES = ("compatibility", "read-committed-snapshot", "collation")
ASKED_APART = (*OF_RIGHTS, *OF_CAPABILITIES)
TOGETHER = ["+".join((SQL_SERVER.handshake, *SQL_SERVER.more, *report)) for report in ((), SQL_SERVER.report)]
"""What is asked as one question where the server understands it all."""
HISTORY_COLUMNS = ("recnum", "_idnum", "chgnum", "_Date", "_Action", "_User", "_Application")


def server_says(*changes: Row, without: Iterable[Row] = ()) -> list[Row]:
    """A good SQL Server's rows; `changes` come on top or replace a fact of the same name and subject."""
    rows: list[Row] = [
        ("database", "", "HARBOR POINT"),
        ("server", "", r"SAGE\SAGE100CON"),
        ("version", "", "Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64) \n\tExpress Edition"),
        ("user", "", "plumbline_reader"),
        ("snapshot", "", "0"),
        ("sees-filters", "", "1"),
        ("has-filters", "", "1"),
        ("compatibility", "", "150"),
        ("read-committed-snapshot", "", "0"),
        ("collation", "", "SQL_Latin1_General_CP1_CI_AS"),
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
        for joined in TOGETHER:  # where one of them is lacking, so is what is asked together with it
            if sql_text(joined) == sql:
                self.given = [row for name in joined.split("+") for row in self.answers[name]]
                break
        else:
            (self.given,) = [answer for name, answer in self.answers.items() if sql_text(name) == sql]
        for refused in self.given:
            if isinstance(refused, Exception):
                raise refused

    def fetchmany(self, size: int) -> list[Any]:
        return self.given[:size]

    def close(self) -> None: ...


def greet(
    rows: list[Row],
    spec: ConnectionSpec = SPEC,
    *,
    since: Any = "2026-09-01T00:00:00",
    newest: Sequence[tuple[Any, ...]] = (),
    jobs: Any = 12,
    lacking: Mapping[str, Exception] = {},
) -> Handshake:
    return handshake.greet_for_report(session_with(rows, since, jobs, lacking, newest), spec, ASKED_AT)


def session_with(
    rows: list[Row],
    since: Any = None,
    jobs: Any = 12,
    lacking: Mapping[str, Exception] = {},
    newest: Sequence[tuple[Any, ...]] = (),
) -> Session:
    answers: dict[str, list[Any]] = {
        "handshake.sqlserver": [row for row in rows if row[0] not in ASKED_APART and row[1] != RECOVERY],
        "rights.sqlserver": [row for row in rows if row[0] in OF_RIGHTS],
        "recovery.sqlserver": [row for row in rows if row[1] == RECOVERY],
        "roles.sqlserver": [],
        "filters.sqlserver": [],
        "capabilities.sqlserver": [row for row in rows if row[0] in OF_CAPABILITIES],
        "history_reach": [since if isinstance(since, Exception) else (since, 0)],
        "history_newest": list(newest),
        "jobs_count": [jobs if isinstance(jobs, Exception) else (jobs,)],
    }
    answers.update({name: [error] for name, error in lacking.items()})
    return Session(RecordedServer(answers), SQL_SERVER, Deadline.after(10), "libmsodbcsql 18.06")


def problems(*changes: Row, without: Iterable[Row] = (), **more: Any) -> list[str]:
    return [one.code for one in greet(server_says(*changes, without=without), **more).problems]


def test_a_good_server_has_no_problem() -> None:
    told = greet(server_says())
    assert told.good
    assert told.incarnation == INCARNATION
    assert told.application_name == "Plumbline"
    assert told.tables == tuple(NEEDED)
    assert told.history_readable


def test_the_servers_local_time_becomes_ours_by_its_own_clock() -> None:
    greeting = handshake.greet(session_with(server_says()), SPEC, ASKED_AT)
    eight_there = datetime.fromisoformat("2026-11-20T08:00:00.123456")
    assert greeting.to_our_clock(eight_there) == datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    since = greet(server_says()).history_since
    assert since is not None
    assert since.tzinfo is UTC


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


def test_the_owner_and_the_servers_administrators_are_dbo_and_refused_whatever_the_roles_say() -> None:
    unknown = [("role", "sysadmin", None), ("role", "db_owner", None), ("may-write", "dbo.prmchg", None)]
    assert problems(("user", "", "dbo"), *unknown) == ["login-may-write"]


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


def test_a_row_filter_that_the_login_may_not_see_is_told_where_there_can_be_one() -> None:
    hidden = ("sees-filters", "", "0")
    not_known = ("sees-filters", "", None)
    assert problems(hidden) == ["row-filter-unknown"]
    assert problems(not_known) == ["row-filter-unknown"]
    without_them = ("has-filters", "", "0")
    assert problems(not_known, without_them) == []
    assert problems(hidden, without_them) == ["row-filter-unknown"]
    assert problems(not_known, ("has-filters", "", None)) == ["row-filter-unknown"]
    for version in (
        "Microsoft SQL Server 2014 - 12.0.2000.8 (X64)",
        "Another Server with SQL Server Compatibility - 15.0.2000.8",
    ):
        assert problems(hidden, ("version", "", version)) == []
        assert problems(not_known, ("version", "", version)) == []


def test_what_the_server_can_do_is_kept_as_a_record() -> None:
    told = greet(server_says())
    assert told.version == "Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64)"
    assert (told.compatibility_level, told.collation) == ("150", "SQL_Latin1_General_CP1_CI_AS")
    assert (told.read_committed_snapshot, told.snapshot) == (False, False)
    assert told.driver == "libmsodbcsql 18.06"
    assert Right("sysadmin", held=False) in told.rights
    assert Right("db_datawriter", held=None) in told.rights
    assert Right("read dbo.prmchg", held=True) in told.rights


def test_what_the_server_does_not_say_is_not_known() -> None:
    without = [row for row in server_says() if row[0] in (*OF_CAPABILITIES, "snapshot")]
    told = greet(server_says(without=without))
    assert told.good
    assert (told.compatibility_level, told.collation) == ("", "")
    assert (told.read_committed_snapshot, told.snapshot) == (None, None)


LACKING = {
    name: Exception("42000", f"[42000] [FreeTDS][SQL Server]It is not there. ({number}) (SQLExecDirectW)")
    for name, number in {
        "rights.sqlserver": 195,
        "recovery.sqlserver": 208,
        "roles.sqlserver": 33557097,
        "filters.sqlserver": 208,
        "capabilities.sqlserver": 207,
    }.items()
}


OF_ANOTHER_MAKE = ("version", "", "Another Server with SQL Server Compatibility - 12.0.2000.8")


@pytest.mark.parametrize("name", LACKING)
def test_a_server_that_lacks_what_another_has_is_still_one_to_ask(name: str) -> None:
    accepted = replace(SPEC, accepted_incarnation="")
    assert greet(server_says(OF_ANOTHER_MAKE), accepted, lacking={name: LACKING[name]}).good


def test_a_server_in_trouble_is_not_one_that_lacks_something() -> None:
    locked = Exception("42000", "[42000] [FreeTDS][SQL Server]Lock request time out. (1222) (SQLExecDirectW)")
    for name in LACKING:
        with pytest.raises(ErpError) as raised:
            greet(server_says(), lacking={name: locked})
        assert raised.value.fault.code == "locked"


def test_a_look_asks_one_question_of_the_handshake_and_three_more_where_that_is_not_understood() -> None:
    session = session_with(server_says())
    handshake.greet(session, SPEC, ASKED_AT)
    assert session.statements == 1
    of_another_make = session_with(
        server_says(OF_ANOTHER_MAKE), lacking={"recovery.sqlserver": LACKING["recovery.sqlserver"]}
    )
    handshake.greet(of_another_make, replace(SPEC, accepted_incarnation=""), ASKED_AT)
    assert of_another_make.statements == 4


def test_a_look_knows_the_optional_columns_and_whether_the_history_of_jobs_can_be_asked() -> None:
    plain = handshake.greet(session_with(server_says()), SPEC, ASKED_AT)
    assert "_idref" not in plain.line_columns
    assert not plain.job_history_readable
    more = [
        ("column", "dbo.sbcgln", "_IdRef"),
        ("table", "dbo_Audit.actrec", "table"),
        *(("column", "dbo_Audit.actrec", column) for column in HISTORY_COLUMNS),
    ]
    full = handshake.greet(session_with(server_says(*more)), SPEC, ASKED_AT)
    assert "_idref" in full.line_columns
    assert full.job_history_readable
    denied = handshake.greet(
        session_with(server_says(*more, ("may-read", "dbo_Audit.actrec", "0"))), SPEC, ASKED_AT
    )
    assert not denied.job_history_readable
    assert handshake.greet_for_report(session_with(server_says(*more)), SPEC, ASKED_AT).good


# --- the mark: the newest entry of history is never older than one that was seen ---

TUESDAY, WEDNESDAY = (
    datetime.fromisoformat("2026-11-17T09:00:00"),
    datetime.fromisoformat("2026-11-18T09:00:00"),
)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (HistoryMark("712", WEDNESDAY), ["other-incarnation"]),
        (HistoryMark("712", TUESDAY), []),
        (HistoryMark("9", TUESDAY), []),
        (None, []),
    ],
)
def test_history_that_ends_before_an_entry_that_was_seen_is_that_of_a_restored_backup(
    known: HistoryMark | None, found: list[str]
) -> None:
    told = greet(server_says(), replace(SPEC, history_mark=known), newest=[(712, "2026-11-17T09:00:00")])
    assert [one.code for one in told.problems] == found
    assert told.history_mark == HistoryMark("712", TUESDAY)


def test_empty_history_does_not_tell_whether_a_backup_was_restored() -> None:
    told = greet(server_says(), replace(SPEC, history_mark=HistoryMark("712", WEDNESDAY)))
    assert told.good
    assert told.history_mark is None


def test_the_servers_clock_is_told_against_ours() -> None:
    assert greet(server_says()).server_ahead == datetime.fromisoformat("2026-11-20T14:00:00.123456") - (
        ASKED_AT.replace(tzinfo=None)
    )


def test_a_view_in_the_place_of_a_table_may_hide_rows() -> None:
    assert problems(("table", "dbo.prmchg", "view")) == ["table-not-real"]


def test_a_missing_table_or_column_is_named() -> None:
    rows = server_says(without=[("table", "dbo.sbcgln", "table"), ("column", "dbo.prmchg", "INSDTE")])
    told = greet(rows)
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
    told = greet(server_says(without=changes))
    assert told.good
    assert (told.history_readable, told.history_since) == (False, None)


def test_a_history_that_may_not_be_read_is_no_problem() -> None:
    denied = Exception(
        "42000", "[42000] [SQL Server]The SELECT permission was denied. (229) (SQLExecDirectW)"
    )
    for told in (
        greet(server_says(), since=denied),
        greet(server_says(("may-read", "dbo_Audit.prmchg", "0"))),
    ):
        assert told.good
        assert (told.history_readable, told.history_since) == (False, None)


def test_an_empty_history_is_readable() -> None:
    told = greet(server_says(), since=None)
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

"""Everything that can go wrong, each where a driver can really produce it: never an answer, never a leak.

The record asked about is really deleted (unless the test says otherwise), so that a reader which takes
silence for absence would be caught.
"""

import contextlib
import functools
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql as pg

from config.settings import SAGE_DEADLINE_SECONDS
from erp_integrations.erp import calls
from erp_integrations.ports import (
    ChangeOrderReference,
    Clock,
    ConnectionSpec,
    Deadline,
    ErpError,
    Fault,
    FaultKind,
    Finding,
    Verdict,
)
from sage_adapter import session
from sage_adapter.dialects import LOCK_WAIT_MILLISECONDS
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from tests.contract import tds
from tests.contract.engines import (
    DATABASE,
    PATIENCE_SECONDS,
    SAGE_USER,
    SECOND_LOOK_SECONDS,
    SQL_SERVER_DRIVERS,
    Books,
    PostgresServer,
    free_port,
    now,
    sandbox_books,
    sqlite_odbc_books,
)

WAIT, ADMINISTRATOR = FaultKind.UNAVAILABLE, FaultKind.MISCONFIGURED
SLACK_SECONDS = 1.0
"""How much later than its deadline a look may end."""

FRESH = "Fault Point"


def assert_no_answer(finding: Finding, kind: FaultKind, *codes: str) -> None:
    """UNKNOWN, by that fault, in words that give nothing away, and no proof of anything."""
    assert finding.verdict is Verdict.UNKNOWN, finding
    assert finding.fault is not None
    assert finding.fault.code in codes
    assert finding.fault.kind is kind
    assert finding.reason == finding.fault.code
    assert finding.second_looked_at is None
    assert finding.proof is None
    assert not finding.proves_absence
    assert_words_fit_for_the_page(finding.fault.what, finding.fault.advice)


def assert_job_missing(finding: Finding) -> None:
    """The job itself is not there, and so nothing is said about the record."""
    assert (finding.verdict, finding.reason) == (Verdict.JOB_MISSING, "job-not-found")
    assert finding.second_looked_at is None
    assert not finding.proves_absence


def assert_words_fit_for_the_page(*sentences: str) -> None:
    for words in sentences:
        assert words.strip()
        for leaked in (
            "127.0.0.1",
            "localhost",
            "sage_reader",
            "sage_writer",
            "let me",
            "HY",
            "08S01",
            "[",
            "(SQL",
        ):
            assert leaked not in words


def deleted(books: Books) -> ChangeOrderReference:
    """A reference to a record that is deleted in Sage: asked in good health, it is ABSENT."""
    reference = books.references()["deleted"]
    books.sage(lambda sandbox: sandbox.delete(reference.record_number, user=SAGE_USER))
    assert books.look(reference).proves_absence
    return reference


def _fresh(folder: Path, make: Callable[..., Books]) -> Books:
    sandbox = open_sandbox(folder, name="harbor-point")
    sandbox.create()
    books = make(sandbox, folder)
    books.accept()
    return books


def found(books: Books, **where: str) -> int:
    """How many change orders there are of a job and a subcontract."""
    asked = {"job_record_number": "2611", "subcontract_record_number": "1201"} | where
    return len(books.reader().find_change_orders(deadline=Deadline.after(1), **asked).found)


# --- the sandbox -------------------------------------------------------------------------------

SANDBOX_FAULTS = {
    "offline": (WAIT, "unreachable"),
    "slow:3600": (WAIT, "timed-out"),
    "login-refused": (ADMINISTRATOR, "login-refused"),
    "app-refused": (ADMINISTRATOR, "application-refused"),
    "no-rights": (ADMINISTRATOR, "no-rights"),
    "wrong-database": (ADMINISTRATOR, "wrong-database"),
    "restored": (ADMINISTRATOR, "other-incarnation"),
    "missing-table": (ADMINISTRATOR, "table-missing"),
    "missing-column": (ADMINISTRATOR, "column-missing"),
    "locked": (WAIT, "locked"),
    "deadlock": (WAIT, "deadlock"),
    "drops": (WAIT, "link-lost"),
}


NO_ERROR = ("half-restored", "rebuilt-ids", "archiving")
"""Faults of the sandbox that raise no error: every statement is answered, with what is not the company."""


@pytest.fixture
def in_sandbox(tmp_path: Path) -> Books:
    return _fresh(tmp_path / FRESH, sandbox_books)


def test_every_fault_of_the_sandbox_is_in_the_table(in_sandbox: Books) -> None:
    known = {name.replace("SECONDS", "3600") for name in in_sandbox.sandbox.faults()}
    others = {"no-audit", "emptied", "half-written", "unanswered", "none"}
    assert known == {*SANDBOX_FAULTS, *NO_ERROR, *others}


@pytest.mark.parametrize("before", ["nothing deleted", "another one deleted"])
@pytest.mark.parametrize("fault", ["half-restored", "rebuilt-ids"])
def test_where_nothing_that_should_be_there_is_there_no_absence_is_proven(
    in_sandbox: Books, fault: str, before: str
) -> None:
    references = in_sandbox.references()
    if before == "another one deleted":
        in_sandbox.sage(lambda sandbox: sandbox.delete(references["deleted"].record_number, user=SAGE_USER))
    in_sandbox.sandbox.set_fault(fault)
    for key in ("present", "summed", "shared-deleted"):
        finding = in_sandbox.look(references[key])
        assert not finding.proves_absence, (key, finding)
        assert finding.verdict in (Verdict.UNKNOWN, Verdict.REPLACED, Verdict.AMBIGUOUS), key
    in_sandbox.sandbox.set_fault("none")
    assert in_sandbox.look(references["present"]).verdict is Verdict.PRESENT


def test_a_job_that_is_being_archived_proves_no_absence(in_sandbox: Books) -> None:
    references = in_sandbox.references()
    of_the_job = [key for key, one in references.items() if one.job_record_number == "2609"]
    in_sandbox.sage(lambda sandbox: sandbox.delete(references["deleted"].record_number, user=SAGE_USER))
    in_sandbox.sandbox.set_fault("archiving")
    found = {key: in_sandbox.look(references[key]) for key in of_the_job}
    assert {Verdict.PRESENT} < {one.verdict for one in found.values()}, "half of them are there"
    assert not any(one.proves_absence for one in found.values())
    assert in_sandbox.look(references["present"]).verdict is Verdict.PRESENT


def test_of_an_emptied_sandbox_nothing_is_said_to_be_gone(in_sandbox: Books) -> None:
    reference, present = deleted(in_sandbox), in_sandbox.references()["present"]
    in_sandbox.sandbox.set_fault("emptied")
    for one in (reference, present):
        assert_job_missing(in_sandbox.look(one))
    with pytest.raises(ErpError) as raised:
        found(in_sandbox)
    assert raised.value.fault.code == "empty-database"
    in_sandbox.sandbox.set_fault("none")
    assert in_sandbox.look(reference).proves_absence


@pytest.mark.parametrize("fault", SANDBOX_FAULTS)
def test_with_a_fault_of_the_sandbox_nobody_hears_that_there_are_no_change_orders(
    in_sandbox: Books, fault: str
) -> None:
    in_sandbox.sandbox.set_fault(fault)
    kind, code = SANDBOX_FAULTS[fault]
    with pytest.raises(ErpError) as raised:
        found(in_sandbox)
    assert raised.value.fault.kind is kind
    assert raised.value.fault.code in (code, "deadline")
    assert_words_fit_for_the_page(raised.value.fault.what, raised.value.fault.advice)
    in_sandbox.sandbox.set_fault("none")
    assert found(in_sandbox)
    assert found(in_sandbox, job_record_number="9", subcontract_record_number="9") == 0


@pytest.mark.parametrize("fault", SANDBOX_FAULTS)
def test_a_fault_of_the_sandbox_is_no_answer(in_sandbox: Books, fault: str) -> None:
    reference, present = deleted(in_sandbox), in_sandbox.references()["present"]
    in_sandbox.sandbox.set_fault(fault)
    kind, code = SANDBOX_FAULTS[fault]
    assert_no_answer(
        in_sandbox.look(reference, seconds=1), kind, code, *(["deadline"] if "slow" in fault else [])
    )
    assert in_sandbox.look(present, seconds=1).verdict is Verdict.UNKNOWN
    in_sandbox.sandbox.set_fault("none")
    assert in_sandbox.look(reference).proves_absence
    assert in_sandbox.look(present).verdict is Verdict.PRESENT


def test_a_slow_sandbox_answers_in_the_end(in_sandbox: Books) -> None:
    reference = deleted(in_sandbox)
    in_sandbox.sandbox.set_fault("slow:0.05")
    assert in_sandbox.look(reference).verdict is Verdict.ABSENT


@pytest.mark.parametrize("fault", ["locked", "deadlock", "drops", "offline", "no-rights"])
def test_a_fault_of_one_record_is_no_answer_about_it_and_about_it_alone(
    in_sandbox: Books, fault: str
) -> None:
    reference, other = deleted(in_sandbox), in_sandbox.references()["present"]
    in_sandbox.sandbox.set_fault(fault, record_number=reference.record_number)
    finding = in_sandbox.look(reference, seconds=1)
    assert finding.verdict is Verdict.UNKNOWN
    assert not finding.proves_absence
    assert in_sandbox.look(other).verdict is Verdict.PRESENT


@pytest.mark.parametrize("one_record", [False, True])
def test_history_that_may_not_be_read_costs_proof_and_not_the_verdict(
    in_sandbox: Books, *, one_record: bool
) -> None:
    reference = deleted(in_sandbox)
    in_sandbox.sandbox.set_fault("no-audit", record_number=reference.record_number if one_record else None)
    finding = in_sandbox.look(reference)
    assert finding.verdict is Verdict.ABSENT
    assert finding.evidence.deletion is None


def test_without_history_a_replaced_record_is_not_proven_dead(in_sandbox: Books) -> None:
    reference = in_sandbox.references()["deleted"]
    in_sandbox.sandbox.delete(reference.record_number, user=SAGE_USER)
    in_sandbox.sandbox.recreate(reference.record_number, user=SAGE_USER)
    in_sandbox.sandbox.set_fault("no-audit")
    finding = in_sandbox.look(replace(reference, last_seen_at=now()))
    assert finding.verdict is Verdict.REPLACED
    assert not finding.proves_absence


def test_a_sandbox_that_is_not_there_is_no_answer(in_sandbox: Books, tmp_path: Path) -> None:
    reference = deleted(in_sandbox)
    assert_no_answer(
        in_sandbox.look(reference, sandbox_path=tmp_path / "nowhere"), ADMINISTRATOR, "sandbox-missing"
    )


# --- SQLite through ODBC -------------------------------------------------------------------------


@pytest.fixture
def through_odbc(tmp_path: Path) -> Books:
    return _fresh(tmp_path / FRESH, sqlite_odbc_books)


def test_sqlite_odbc_a_missing_file_is_no_answer(through_odbc: Books) -> None:
    reference = deleted(through_odbc)
    (through_odbc.folder / "company.sqlite").rename(through_odbc.folder / "elsewhere.sqlite")
    assert_no_answer(through_odbc.look(reference, seconds=1), ADMINISTRATOR, "database-missing")


def test_sqlite_odbc_a_file_that_is_no_database_is_no_answer(through_odbc: Books) -> None:
    reference = deleted(through_odbc)
    (through_odbc.folder / "company.sqlite").write_bytes(b"not a database" * 1000)
    assert_no_answer(through_odbc.look(reference, seconds=1), ADMINISTRATOR, "database-damaged")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DROP TABLE sbcgln", "table-missing"),
        ("ALTER TABLE sbcgln RENAME COLUMN vndctc TO other", "column-missing"),
        (
            "ALTER TABLE prmchg RENAME TO kept; CREATE VIEW prmchg AS SELECT * FROM kept WHERE 0",
            "table-not-real",
        ),
        ("UPDATE sandbox_identity SET database_name = 'Another Company'", "wrong-database"),
        ("UPDATE sandbox_identity SET incarnation = 'another'", "other-incarnation"),
    ],
)
def test_sqlite_odbc_another_shape_is_no_answer(through_odbc: Books, statement: str, code: str) -> None:
    reference = deleted(through_odbc)
    with closing(sqlite3.connect(through_odbc.folder / "company.sqlite")) as other:
        other.executescript(statement)
    assert_no_answer(through_odbc.look(reference, seconds=1), ADMINISTRATOR, code)


def test_sqlite_odbc_without_any_job_nothing_is_said_to_be_gone(through_odbc: Books) -> None:
    reference = deleted(through_odbc)
    with closing(sqlite3.connect(through_odbc.folder / "company.sqlite")) as other:
        other.executescript("PRAGMA foreign_keys = 0; DELETE FROM actrec")
    assert_job_missing(through_odbc.look(reference))


def test_sqlite_odbc_a_lock_is_no_answer(through_odbc: Books) -> None:
    reference = deleted(through_odbc)
    with closing(sqlite3.connect(through_odbc.folder / "company.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert_no_answer(through_odbc.look(reference, seconds=1), WAIT, "locked", "deadline")
        other.execute("ROLLBACK")
    assert through_odbc.look(reference).proves_absence


# --- PostgreSQL through ODBC ---------------------------------------------------------------------


@pytest.fixture
def on_postgres(postgres_server: PostgresServer, tmp_path: Path) -> Books:
    return _fresh(tmp_path / FRESH, functools.partial(postgres_server.books, database=DATABASE))


def _string(server: PostgresServer, **changed: str) -> dict[str, Any]:
    return {"odbc_string": server.odbc_string(DATABASE, **changed)}


def test_psqlodbc_nothing_listens(on_postgres: Books, postgres_server: PostgresServer) -> None:
    reference = deleted(on_postgres)
    string = _string(postgres_server, PORT=str(free_port()))
    assert_no_answer(on_postgres.look(reference, seconds=1, **string), WAIT, "unreachable")


def test_psqlodbc_a_wrong_password(on_postgres: Books, postgres_server: PostgresServer) -> None:
    reference = deleted(on_postgres)
    for changed in ({"PWD": "wrong"}, {"UID": "nobody_we_know"}, {"PWD": ""}):
        string = _string(postgres_server, **changed)
        assert_no_answer(on_postgres.look(reference, seconds=1, **string), ADMINISTRATOR, "login-refused")


def test_psqlodbc_a_database_that_is_not_there(on_postgres: Books, postgres_server: PostgresServer) -> None:
    reference = deleted(on_postgres)
    string = _string(postgres_server, DATABASE="No Such Builders")
    assert_no_answer(on_postgres.look(reference, seconds=1, **string), ADMINISTRATOR, "database-missing")


def test_psqlodbc_another_database_than_the_one_meant(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    string = _string(postgres_server, DATABASE="postgres")
    assert_no_answer(on_postgres.look(reference, seconds=1, **string), ADMINISTRATOR, "wrong-database")


def test_psqlodbc_a_login_that_may_write_is_refused(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    string = _string(postgres_server, UID=PostgresServer.WRITER)
    assert_no_answer(on_postgres.look(reference, seconds=1, **string), ADMINISTRATOR, "login-may-write")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DROP TABLE dbo.sbcgln", "table-missing"),
        ("ALTER TABLE dbo.sbcgln RENAME COLUMN vndctc TO other", "column-missing"),
        ("REVOKE SELECT ON dbo.sbcgln FROM sage_reader", "no-rights"),
        ("REVOKE USAGE ON SCHEMA dbo FROM sage_reader", "no-rights"),
        ("GRANT DELETE ON dbo.prmchg TO sage_reader", "login-may-write"),
        ("GRANT UPDATE (chgnum) ON dbo.prmchg TO sage_reader", "login-may-write"),
        ("ALTER TABLE dbo.prmchg ENABLE ROW LEVEL SECURITY", "row-filter"),
        (
            "ALTER TABLE dbo.prmchg RENAME TO kept; CREATE VIEW dbo.prmchg AS SELECT * FROM dbo.kept"
            " WHERE false; GRANT SELECT ON dbo.prmchg TO sage_reader",
            "table-not-real",
        ),
    ],
)
def test_psqlodbc_other_rights_or_another_shape_are_no_answer(
    on_postgres: Books, postgres_server: PostgresServer, statement: str, code: str
) -> None:
    reference = deleted(on_postgres)
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute(statement)
    assert_no_answer(on_postgres.look(reference, seconds=1), ADMINISTRATOR, code)


def test_psqlodbc_without_any_job_nothing_is_said_to_be_gone(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute("DELETE FROM dbo.actrec")
    assert_job_missing(on_postgres.look(reference))


def test_psqlodbc_without_the_column_that_only_an_export_reads_every_verdict_is_given(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute("ALTER TABLE dbo.prmchg DROP COLUMN usrdf1")
    with pytest.raises(ErpError) as raised:
        found(on_postgres)
    assert (raised.value.fault.kind, raised.value.fault.code) == (ADMINISTRATOR, "column-missing")
    assert on_postgres.look(reference).proves_absence


NOT_UNDERSTOOD = [
    # Nothing of it is guessed at; what stood there is kept for whoever has to find it.
    ("UPDATE dbo.prmchg SET status = 9", "record {}, prmchg.status, a status outside the list: 9"),
    ("UPDATE dbo.prmchg SET status = NULL", "record {}, prmchg.status, not a number: NULL"),
    ("UPDATE dbo.prmchg SET chgnum = NULL", "record {}, prmchg.chgnum, not text: NULL"),
    (
        "ALTER TABLE dbo.prmchg ALTER chgnum TYPE text; UPDATE dbo.prmchg SET chgnum = repeat('9', 40)",
        f"record {{}}, prmchg.chgnum, a number too long: '{'9' * 39}",
    ),
    ("UPDATE dbo.prmchg SET recnum = -recnum", "record -{}, prmchg.recnum, a negative record number: -"),
    ("UPDATE dbo.prmchg SET recnum = NULL", "prmchg.recnum, not a number: NULL"),
    ("UPDATE dbo.prmchg SET jobnum = -5", "record {}, prmchg.jobnum, a negative record number: -5"),
    ('UPDATE dbo.prmchg SET "_idnum" = NULL', "record {}, prmchg._idnum, not a row id: NULL"),
]


@pytest.mark.parametrize(("statement", "evidence"), NOT_UNDERSTOOD)
def test_psqlodbc_what_is_not_understood_is_no_answer_and_keeps_its_evidence(
    on_postgres: Books, postgres_server: PostgresServer, statement: str, evidence: str
) -> None:
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute(statement.encode())
    reference = on_postgres.references()["present"]
    finding = on_postgres.look(reference, seconds=3)
    assert_no_answer(finding, FaultKind.UNEXPECTED, "row-not-understood")
    assert finding.fault is not None
    assert evidence.format(reference.record_number) in finding.fault.what


@pytest.mark.parametrize("table", ["prmchg", "actrec", "subcon", "sbcgln"])
def test_psqlodbc_a_row_that_is_there_twice_is_there(
    on_postgres: Books, postgres_server: PostgresServer, table: str
) -> None:
    """Not by Sage's keys; it neither hides the record nor stops the question."""
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute(f"INSERT INTO dbo.{table} SELECT * FROM dbo.{table}".encode())
    assert on_postgres.look(on_postgres.references()["present"]).verdict is Verdict.PRESENT


def test_psqlodbc_a_number_padded_with_blanks_is_the_same_number(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute("UPDATE dbo.prmchg SET chgnum = '  ' || chgnum || '  '")
    assert on_postgres.look(on_postgres.references()["present"]).verdict is Verdict.PRESENT


def test_psqlodbc_history_that_may_not_be_read_costs_no_verdict(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    with postgres_server.admin(DATABASE) as administrator:
        administrator.execute('REVOKE SELECT ON "dbo_Audit".prmchg FROM sage_reader')
    finding = on_postgres.look(reference)
    assert finding.verdict is Verdict.ABSENT
    assert not finding.evidence.history_readable
    assert finding.evidence.deletion is None


@contextmanager
def locked_table(server: PostgresServer) -> Iterator[None]:
    with server.admin(DATABASE) as somebody, somebody.transaction():
        somebody.execute("LOCK TABLE dbo.prmchg IN ACCESS EXCLUSIVE MODE")
        yield


def test_psqlodbc_a_lock_is_no_answer(on_postgres: Books, postgres_server: PostgresServer) -> None:
    reference = deleted(on_postgres)
    with locked_table(postgres_server):
        # Longer than the wait for a lock, too short for a second try.
        assert_no_answer(on_postgres.look(reference, seconds=3.4), WAIT, "locked")
    assert on_postgres.look(reference).proves_absence


SCALE = 10
"""By how much the time-outs are shorter in a test that keeps their proportions."""


def test_psqlodbc_a_lock_is_told_before_the_asker_gives_up(
    on_postgres: Books, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every try waits for it, and together they use up the default deadline."""
    reference, seconds = deleted(on_postgres), SAGE_DEADLINE_SECONDS / SCALE
    monkeypatch.setattr(session, "LOCK_WAIT_MILLISECONDS", LOCK_WAIT_MILLISECONDS // SCALE)
    with locked_table(postgres_server):
        began = time.monotonic()
        finding = calls.lookup(on_postgres.reader(), reference, deadline=Deadline.after(seconds), clock=now)
        assert time.monotonic() - began < seconds
        assert_no_answer(finding, WAIT, "locked")
    assert on_postgres.look(reference).proves_absence


@pytest.mark.parametrize("seconds", [0.7, 1.3, 2.5])
def test_psqlodbc_a_lock_is_told_within_every_deadline(
    on_postgres: Books, postgres_server: PostgresServer, seconds: float
) -> None:
    """Also where the wait for a lock is longer than all the time there is."""
    reference, reader = deleted(on_postgres), on_postgres.reader()
    with locked_table(postgres_server):
        finding = calls.lookup(reader, reference, deadline=Deadline.after(seconds), clock=now)
        assert_no_answer(finding, WAIT, "locked")
        findings = calls.lookup_many(reader, [reference] * 2, deadline=Deadline.after(seconds), clock=now)
    for one in findings:
        assert_no_answer(one, WAIT, "locked")


def test_psqlodbc_a_statement_that_takes_too_long_ends_at_the_deadline(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    with locked_table(postgres_server):
        began = time.monotonic()
        finding = on_postgres.look(reference, seconds=0.4)
        assert time.monotonic() - began < 0.4 + SLACK_SECONDS
    assert_no_answer(finding, WAIT, "timed-out", "locked", "deadline")


class ActingClock:
    """A clock at whose readings something happens to the server; a look reads it as it begins."""

    def __init__(self, act: Callable[[], Any], *, at: Callable[[int], bool]) -> None:
        self.act, self.at, self.readings = act, at, 0

    def __call__(self) -> datetime:
        self.readings += 1
        if self.at(self.readings):
            self.act()
        return now()


def look_with(
    books: Books, reference: ChangeOrderReference, clock: Clock, seconds: float = PATIENCE_SECONDS
) -> Finding:
    return books.reader().lookup(reference, deadline=Deadline.after(seconds), clock=clock)


def end_sessions(server: PostgresServer) -> None:
    with server.admin("postgres") as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", [server.READER]
        )


def test_psqlodbc_a_session_that_is_always_killed_gives_no_answer(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    clock = ActingClock(lambda: end_sessions(postgres_server), at=lambda reading: True)
    assert_no_answer(look_with(on_postgres, reference, clock), WAIT, "link-lost")
    assert clock.readings > 1


def test_psqlodbc_a_session_killed_once_begins_the_whole_look_again(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    clock = ActingClock(lambda: end_sessions(postgres_server), at=lambda reading: reading == 2)
    finding = look_with(on_postgres, reference, clock)
    assert finding.proves_absence
    assert clock.readings >= 4  # both looks again, not only the one that broke


def test_psqlodbc_a_server_that_stops_is_no_answer_and_answers_when_it_is_back(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    clock = ActingClock(postgres_server.stop, at=lambda reading: reading == 1)
    try:
        assert_no_answer(
            look_with(on_postgres, reference, clock), WAIT, "link-lost", "unreachable", "server-starting"
        )
    finally:
        postgres_server.start()
    assert on_postgres.look(reference).proves_absence


def test_psqlodbc_a_server_restarted_between_the_looks_is_asked_again(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)

    def restart() -> None:
        postgres_server.stop()
        postgres_server.start()

    finding = look_with(on_postgres, reference, ActingClock(restart, at=lambda reading: reading == 2), 15)
    assert finding.proves_absence
    assert finding.incarnation == on_postgres.spec.accepted_incarnation


IN_THE_MIDDLE = {
    # What happens between the looks, what undoes it, and what the question says meanwhile.
    "logged out": ("ALTER ROLE sage_reader NOLOGIN", "ALTER ROLE sage_reader LOGIN", "login-refused"),
    "another password": (
        "ALTER ROLE sage_reader PASSWORD 'changed'",
        f"ALTER ROLE sage_reader PASSWORD '{PostgresServer.PASSWORD}'",
        "login-refused",
    ),
    "not let in": (
        f'ALTER DATABASE "{DATABASE}" ALLOW_CONNECTIONS false',
        f'ALTER DATABASE "{DATABASE}" ALLOW_CONNECTIONS true',
        "database-missing",
    ),
    "renamed": (
        f'ALTER DATABASE "{DATABASE}" RENAME TO "Renamed Builders"',
        f'ALTER DATABASE "Renamed Builders" RENAME TO "{DATABASE}"',
        "database-missing",
    ),
}


@pytest.mark.parametrize("what", IN_THE_MIDDLE)
def test_psqlodbc_what_is_taken_away_in_the_middle_is_no_answer_until_it_is_back(
    on_postgres: Books, postgres_server: PostgresServer, what: str
) -> None:
    happens, undone, code = IN_THE_MIDDLE[what]
    reference, began = deleted(on_postgres), time.monotonic()

    def act() -> None:
        end_sessions(postgres_server)
        with postgres_server.admin("postgres") as administrator:
            administrator.execute(happens.encode())

    try:
        finding = look_with(on_postgres, reference, ActingClock(act, at=lambda reading: reading == 2), 5)
        assert time.monotonic() - began < 5 + SLACK_SECONDS
    finally:
        with postgres_server.admin("postgres") as administrator:
            administrator.execute(undone.encode())
    assert_no_answer(finding, ADMINISTRATOR, code)
    assert on_postgres.look(reference).proves_absence


def test_psqlodbc_a_table_locked_between_the_looks_ends_at_the_deadline(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    with contextlib.ExitStack() as stack:
        clock = ActingClock(
            lambda: stack.enter_context(locked_table(postgres_server)), at=lambda reading: reading == 2
        )
        began = time.monotonic()
        finding = look_with(on_postgres, reference, clock, 1.5)
        assert time.monotonic() - began < 1.5 + SLACK_SECONDS
    assert_no_answer(finding, WAIT, "timed-out", "locked", "deadline")
    assert on_postgres.look(reference).proves_absence


def test_psqlodbc_a_server_that_freezes_between_the_looks_is_not_waited_for(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    """PsqlODBC never gives up on a silent server: only the asker's own deadline ends the wait."""
    reference, frozen = deleted(on_postgres), list[int]()

    def freeze() -> None:
        with postgres_server.admin("postgres") as administrator:
            sessions = administrator.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = %s", [postgres_server.READER]
            ).fetchall()
        for (session,) in sessions:
            os.kill(session, signal.SIGSTOP)
            frozen.append(session)

    clock = ActingClock(freeze, at=lambda reading: reading == 2)
    began = time.monotonic()
    try:
        finding = calls.lookup(on_postgres.reader(), reference, deadline=Deadline.after(1.5), clock=clock)
        assert time.monotonic() - began < 1.5 + SLACK_SECONDS
        assert frozen
    finally:
        for session in frozen:
            os.kill(session, signal.SIGCONT)
    assert_no_answer(finding, WAIT, "deadline")
    assert on_postgres.look(reference).proves_absence


def test_psqlodbc_a_database_dropped_and_made_again_is_another_one(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference = deleted(on_postgres)
    with postgres_server.admin("postgres") as administrator:
        administrator.execute(pg.SQL("DROP DATABASE {} WITH (FORCE)").format(pg.Identifier(DATABASE)))
    assert_no_answer(on_postgres.look(reference, seconds=1), ADMINISTRATOR, "database-missing")
    on_postgres.publish_another()
    assert_no_answer(on_postgres.look(reference, seconds=1), ADMINISTRATOR, "other-incarnation")


# --- SQL Server's drivers, without a server --------------------------------------------------------


def needed(driver: str) -> str:
    """The name or path of that driver, without which the test is skipped."""
    return SQL_SERVER_DRIVERS[driver]() or pytest.skip(f"this machine has not {driver}'s driver")


DRIVERS = {
    "microsoft": lambda port: f"DRIVER={{{needed('microsoft')}}};SERVER=127.0.0.1,{port};Encrypt=optional;",
    "freetds": lambda port: (
        f"DRIVER=FreeTDS;SERVER=127.0.0.1;PORT={port};TDS_Version=7.4;ClientCharset=UTF-8;"
    ),
}


ENCRYPTED = {"microsoft": "Encrypt=yes;TrustServerCertificate=yes;", "freetds": "Encryption=require;"}


def sql_server_spec(driver: str, port: int) -> ConnectionSpec:
    return ConnectionSpec(
        kind="sage-100-contractor",
        database=DATABASE,
        accepted_incarnation="accepted",
        odbc_string=f"{DRIVERS[driver](port)}DATABASE={DATABASE};UID=sage_reader;PWD={{let me; read}};",
        login_timeout_seconds=1,
        second_look_seconds=SECOND_LOOK_SECONDS,
    )


@pytest.fixture
def reference(in_sandbox: Books) -> ChangeOrderReference:
    return in_sandbox.references()["deleted"]


@contextmanager
def silent_listener() -> Iterator[int]:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        yield int(silent.getsockname()[1])


@pytest.mark.parametrize("driver", DRIVERS)
def test_sql_server_drivers_nothing_listens(driver: str, reference: ChangeOrderReference) -> None:
    reader, began = open_reader(sql_server_spec(driver, free_port())), time.monotonic()
    # Longer than the login time-out, too short for a second try.
    finding = reader.lookup(reference, deadline=Deadline.after(1.4), clock=now)
    assert time.monotonic() - began < 1.4 + SLACK_SECONDS
    assert_no_answer(finding, WAIT, "unreachable")


@pytest.mark.parametrize("driver", DRIVERS)
def test_sql_server_drivers_a_listener_that_never_answers(
    driver: str, reference: ChangeOrderReference
) -> None:
    with silent_listener() as port:
        reader, began = open_reader(sql_server_spec(driver, port)), time.monotonic()
        finding = reader.lookup(reference, deadline=Deadline.after(1), clock=now)
        assert time.monotonic() - began < 1 + SLACK_SECONDS
    assert_no_answer(finding, WAIT, "unreachable", "timed-out", "deadline")


def sign_in(driver: str, port: int, *, encrypted: bool) -> Fault:
    """The fault of a sign-in to the server at `port`."""
    spec = sql_server_spec(driver, port)
    string = spec.odbc_string.replace("Encrypt=optional;", "") + (ENCRYPTED[driver] if encrypted else "")
    if not encrypted and driver == "microsoft":
        string += "Encrypt=no;"
    with pytest.raises(ErpError) as raised:
        open_reader(replace(spec, odbc_string=string)).handshake(deadline=Deadline.after(3))
    assert_words_fit_for_the_page(raised.value.fault.what, raised.value.fault.advice)
    return raised.value.fault


REFUSED_TLS: dict[str, tuple[Callable[[tds.Client], object], str]] = {
    # What FreeTDS says is the same for all of them.
    "speaks SSL 3.0": (lambda client: client.send_tls(tds.server_hello(0x0300)), "tls-too-old"),
    "refuses our versions": (lambda client: client.send_tls(tds.tls_alert(70)), "tls-too-old"),
    "speaks no TLS": (lambda client: client.send_tls(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls-too-old"),
    "closes": (lambda client: client.socket.close(), "sign-in-cut"),
    "resets": (lambda client: client.reset(), "sign-in-cut"),
}


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("what", REFUSED_TLS)
@pytest.mark.parametrize("driver", DRIVERS)
def test_sql_server_drivers_a_server_that_cannot_agree_on_tls(
    driver: str, what: str, *, encrypted: bool
) -> None:
    """Also without encryption drivers use TLS for the sign-in: switching encryption off is no way out."""
    needed(driver)
    act, code = REFUSED_TLS[what]

    def tls(client: tds.Client) -> None:
        act(client)
        time.sleep(0.2)  # the driver reads it before the connection is closed
        client.socket.close()

    with tds.serving(lambda _client, _statement: False, tls) as server:
        told = sign_in(driver, server.port, encrypted=encrypted)
        assert not server.logins
    if driver == "freetds":
        code = "encryption-not-offered" if encrypted else "sign-in-cut"
    assert (told.kind, told.code, told.retry) == (ADMINISTRATOR, code, False)
    assert "TLS 1.2" in told.advice
    assert "certificate;" not in told.advice


@pytest.mark.parametrize("driver", DRIVERS)
def test_sql_server_drivers_encryption_that_the_server_does_not_offer(driver: str) -> None:
    needed(driver)
    with tds.serving(lambda _client, _statement: False) as server:
        told = sign_in(driver, server.port, encrypted=True)
        assert not server.logins
    assert (told.kind, told.code) == (ADMINISTRATOR, "encryption-not-offered")
    assert "Sage administrator" in told.advice


@pytest.mark.parametrize("encrypted", [True, False])
def test_freetds_a_host_that_is_not_known_is_not_said_to_be_reached(*, encrypted: bool) -> None:
    needed("freetds")
    spec = sql_server_spec("freetds", 1433)
    string = spec.odbc_string.replace("127.0.0.1", "no-such-host.invalid")
    string += ENCRYPTED["freetds"] if encrypted else ""
    with pytest.raises(ErpError) as raised:
        open_reader(replace(spec, odbc_string=string)).handshake(deadline=Deadline.after(1.4))
    assert raised.value.fault.code == "unreachable"


@pytest.mark.parametrize("driver", DRIVERS)
def test_sql_server_drivers_the_report_on_a_connection_says_so_too(driver: str) -> None:
    with pytest.raises(ErpError) as raised:
        open_reader(sql_server_spec(driver, free_port())).handshake(deadline=Deadline.after(1))
    assert raised.value.fault.kind is WAIT
    assert_words_fit_for_the_page(raised.value.fault.what, raised.value.fault.advice)


@pytest.mark.parametrize(
    ("odbc_string", "code"),
    [
        ("DRIVER={No Such Driver};SERVER=127.0.0.1;DATABASE=Harbor Point Builders;", "driver-missing"),
        ("DRIVER=/no/such/file.so;SERVER=127.0.0.1;DATABASE=Harbor Point Builders;", "driver-missing"),
        ("DRIVER=FreeTDS;SERVER=127.0.0.1;UID=sage_reader;PWD=let me read;", "connection-string"),
        ("not a connection string", "connection-string"),
        ("", "connection-string"),
    ],
)
def test_a_connection_that_cannot_be_opened_is_no_answer(
    odbc_string: str, code: str, reference: ChangeOrderReference
) -> None:
    spec = replace(sql_server_spec("freetds", 1), odbc_string=odbc_string)
    finding = open_reader(spec).lookup(reference, deadline=Deadline.after(1), clock=now)
    assert_no_answer(finding, ADMINISTRATOR, code)


def test_a_deadline_that_has_passed_is_no_answer(in_sandbox: Books) -> None:
    reference = deleted(in_sandbox)
    assert_no_answer(in_sandbox.look(reference, seconds=0), WAIT, "deadline")
    # Long enough for one look, too short for the second.
    assert_no_answer(in_sandbox.look(reference, seconds=0.5, second_look_seconds=2.0), WAIT, "deadline")

"""Every fault of the practice company strikes its readers as the real thing would, never its accountant."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.ports import ErpSandbox, NoSuchRecord
from sage_adapter.sandbox import open_sandbox
from sage_adapter.sandbox.connection import connect
from sage_adapter.sandbox.faults import SandboxError
from sage_adapter.sandbox.writer import open_books

HEADERS = "SELECT COUNT(*) FROM dbo.prmchg"
HISTORY = 'SELECT MIN("_Date") FROM "dbo_Audit".prmchg'
ONE = 'SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?'
LINES = "SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sandbox")
    open_sandbox(folder).create()
    return folder


@pytest.fixture
def sandbox(folder: Path) -> Any:
    sandbox = open_sandbox(folder)
    yield sandbox
    sandbox.set_fault("none")
    for row in sandbox.change_orders():
        if row.fault:
            sandbox.set_fault("none", record_number=row.record_number)


def ask(folder: Path, sql: str, *parameters: object) -> Any:
    connection = connect(folder)
    try:
        return connection.cursor().execute(sql, parameters).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("fault", "sql", "state", "native"),
    [
        ("offline", HEADERS, "HYT00", 0),
        ("login-refused", HEADERS, "28000", 18456),
        ("app-refused", HEADERS, "42000", 17892),
        ("no-rights", HEADERS, "42000", 229),
        ("no-rights", "SELECT recnum FROM dbo.subcon", "42000", 229),
        ("no-audit", HISTORY, "42000", 229),
        ("missing-table", "SELECT COUNT(*) FROM dbo.sbcgln", "42S02", 208),
        ("missing-column", "SELECT vndctc FROM dbo.sbcgln", "42S22", 207),
        ("locked", HEADERS, "42000", 1222),
        ("deadlock", HEADERS, "40001", 1205),
        ("drops", HEADERS, "08S01", 10054),
    ],
)
def test_a_fault_raises_what_the_driver_would(
    sandbox: ErpSandbox, folder: Path, fault: str, sql: str, state: str, native: int
) -> None:
    sandbox.set_fault(fault)
    assert sandbox.fault() == fault
    with pytest.raises(SandboxError) as raised:
        ask(folder, sql)
    assert raised.value.args[0] == state
    assert raised.value.args[1].startswith(f"[{state}] [Plumbline][Sandbox]")
    assert f"({native}) (SQL" in raised.value.args[1]
    sandbox.set_fault("none")
    ask(folder, HISTORY)


def test_without_rights_the_company_still_says_who_it_is(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("no-rights")
    assert ask(folder, "SELECT database_name FROM dbo.sandbox_identity") == [("Harbor Point Builders",)]
    assert ask(folder, "SELECT name FROM dbo.sqlite_master WHERE name = 'prmchg'") == [("prmchg",)]


def test_without_the_audit_the_books_stay_readable(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("no-audit")
    assert ask(folder, HEADERS)[0][0] > 0


def test_a_wrong_database_has_another_name_and_nothing_in_it(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("wrong-database")
    assert ask(folder, "SELECT database_name FROM dbo.sandbox_identity") != [("Harbor Point Builders",)]
    assert ask(folder, HEADERS) == [(0,)]


def test_a_restored_copy_is_the_same_company_with_one_other_incarnation(
    sandbox: ErpSandbox, folder: Path
) -> None:
    identity = "SELECT database_name, incarnation FROM dbo.sandbox_identity"
    before, there = ask(folder, identity), ask(folder, HEADERS)
    sandbox.set_fault("restored")
    assert ask(folder, identity)[0][0] == before[0][0]
    assert ask(folder, identity)[0][1] != before[0][1]
    assert ask(folder, identity) == ask(folder, identity)
    assert ask(folder, HEADERS) == there


def test_an_emptied_company_has_the_same_identity_and_no_rows(sandbox: ErpSandbox, folder: Path) -> None:
    identity = "SELECT database_name, incarnation FROM dbo.sandbox_identity"
    before = ask(folder, identity)
    sandbox.set_fault("emptied")
    assert ask(folder, identity) == before
    for table in ("actrec", "subcon", "prmchg", "sbcgln"):
        assert ask(folder, f"SELECT COUNT(*) FROM dbo.{table}") == [(0,)]


def test_half_a_restored_company_has_jobs_and_subcontracts_and_no_change_orders(
    sandbox: ErpSandbox, folder: Path
) -> None:
    same = ["SELECT * FROM dbo.sandbox_identity", "SELECT COUNT(*) FROM dbo.actrec", HISTORY]
    same += ["SELECT COUNT(*) FROM dbo.subcon"]
    before = [ask(folder, sql) for sql in same]
    sandbox.set_fault("half-restored")
    assert [ask(folder, sql) for sql in same] == before
    for table in ("prmchg", "sbcgln"):
        assert ask(folder, f"SELECT COUNT(*) FROM dbo.{table}") == [(0,)]


def test_rebuilt_ids_are_others_the_same_each_time_and_nothing_else_changes(
    sandbox: ErpSandbox, folder: Path
) -> None:
    ids = "SELECT recnum, _idnum FROM dbo.prmchg ORDER BY recnum"
    same = ["SELECT * FROM dbo.sandbox_identity", "SELECT * FROM dbo.actrec", "SELECT * FROM dbo.subcon"]
    same += ["SELECT recnum, chgnum, jobnum, insdte FROM dbo.prmchg ORDER BY recnum", HISTORY]
    same += ["SELECT recnum, linnum, vndctc, bdgprc, _idnum FROM dbo.sbcgln ORDER BY recnum, linnum"]
    before, real = [ask(folder, sql) for sql in same], ask(folder, ids)

    sandbox.set_fault("rebuilt-ids")

    assert [ask(folder, sql) for sql in same] == before
    rebuilt = ask(folder, ids)
    assert rebuilt == ask(folder, ids)
    assert {row_id for _, row_id in rebuilt}.isdisjoint({row_id for _, row_id in real})
    follow = "SELECT COUNT(*) FROM dbo.sbcgln AS l JOIN dbo.prmchg AS h ON h._idnum = l._idref"
    assert ask(folder, follow) == ask(folder, "SELECT COUNT(*) FROM dbo.sbcgln")


OF_JOB = "SELECT recnum FROM dbo.prmchg WHERE jobnum = ? ORDER BY recnum"


def test_while_a_closed_job_is_being_archived_half_of_its_change_orders_are_gone(
    sandbox: ErpSandbox, folder: Path
) -> None:
    """Those of scenarios first: they are what somebody looks at."""
    scenario = next(row for row in sandbox.company().scenarios if row.key == "archived")
    there, others = ask(folder, OF_JOB, 2609), ask(folder, OF_JOB, 2611)
    deletions = "SELECT COUNT(*) FROM dbo_Audit.prmchg WHERE _Action = 'delete'"
    told = ask(folder, deletions)
    assert (int(scenario.record_number),) == there[0]

    sandbox.set_fault("archiving")

    assert ask(folder, OF_JOB, 2609) == there[1:] != []
    assert ask(folder, "SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ?", there[0][0]) == [(0,)]
    assert ask(folder, "SELECT status FROM dbo.actrec WHERE recnum = 2609") == [(6,)]
    assert ask(folder, OF_JOB, 2611) == others
    assert ask(folder, deletions) == told


def test_where_no_job_is_closed_the_one_with_most_change_orders_is_being_archived(
    tmp_path: Path, folder: Path
) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    with open_books(copy) as books:
        books.run("UPDATE dbo.actrec SET status = 4")
    there = ask(copy, OF_JOB, 2611)
    open_sandbox(copy).set_fault("archiving")
    assert ask(copy, OF_JOB, 2611) == there[1::2]
    assert ask(copy, "SELECT recnum FROM dbo.actrec WHERE status = 6") == [(2611,)]


def test_a_doctored_copy_changes_nothing_in_the_company_itself(sandbox: ErpSandbox, folder: Path) -> None:
    everything = ["SELECT * FROM dbo.prmchg", "SELECT * FROM dbo.sbcgln", "SELECT * FROM dbo.actrec"]
    before = [ask(folder, sql) for sql in everything]
    for fault in ("half-restored", "rebuilt-ids", "archiving"):
        sandbox.set_fault(fault)
        assert [ask(folder, sql) for sql in everything] != before
        sandbox.set_fault("none")
        assert [ask(folder, sql) for sql in everything] == before


def test_after_a_drop_the_connection_is_dead(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("drops")
    connection = connect(folder)
    assert connection.cursor().execute("SELECT COUNT(*) FROM dbo.actrec").fetchone()[0] > 0
    with pytest.raises(SandboxError):
        connection.cursor().execute(HEADERS)
    with pytest.raises(SandboxError) as raised:
        connection.cursor().execute("SELECT COUNT(*) FROM dbo.actrec")
    assert raised.value.sqlstate == "08S01"
    connection.close()


def test_a_slow_company_answers_in_the_end(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("slow:0.05")
    assert ask(folder, HEADERS)[0][0] > 0


def test_a_slow_company_ends_at_the_statement_time_out(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("slow:3600")
    connection = connect(folder)
    connection.timeout = 0.05
    with pytest.raises(SandboxError) as raised:
        connection.cursor().execute(HEADERS)
    assert raised.value.sqlstate == "HYT00"
    connection.close()


def test_a_slow_company_can_be_interrupted_from_another_thread(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.set_fault("slow:3600")
    connection = connect(folder)
    threading.Timer(0.05, connection.interrupt).start()
    with pytest.raises(SandboxError) as raised:
        connection.cursor().execute(HEADERS)
    assert raised.value.sqlstate == "HYT00"
    connection.close()


@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_a_fault_of_one_record_strikes_who_asks_about_it_and_nobody_else(
    sandbox: ErpSandbox, folder: Path, spelling: Any
) -> None:
    struck, other = sandbox.change_orders()[1:3]
    sandbox.set_fault("locked", record_number=struck.record_number)
    assert sandbox.fault() == "none"
    with pytest.raises(SandboxError):
        ask(folder, ONE, spelling(str(struck.row_id)))
    with pytest.raises(SandboxError):
        ask(folder, LINES, int(struck.record_number), 1201)
    assert ask(folder, ONE, str(other.row_id).upper()) == [(1,)]
    assert ask(folder, "SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?", int(struck.record_number)) == [
        (0,)
    ]
    sandbox.set_fault("none", record_number=struck.record_number)
    assert ask(folder, ONE, str(struck.row_id).upper()) == [(1,)]


def test_one_record_without_history_is_still_found(sandbox: ErpSandbox, folder: Path) -> None:
    record = sandbox.change_orders()[0]
    sandbox.set_fault("no-audit", record_number=record.record_number)
    assert ask(folder, ONE, str(record.row_id).upper()) == [(1,)]
    with pytest.raises(SandboxError):
        ask(folder, 'SELECT * FROM "dbo_Audit".prmchg WHERE recnum = ?', int(record.record_number))


def test_the_accountant_never_feels_a_fault(sandbox: ErpSandbox) -> None:
    number = sandbox.change_orders()[0].record_number
    for fault in sandbox.faults():
        sandbox.set_fault(fault.replace("SECONDS", "3600"))
        sandbox.void(number, user="ACCT1")
        sandbox.restore(number, user="ACCT1")
        assert sandbox.change_order(number).status == "Approved"


@pytest.mark.parametrize(
    "name", ["", "on fire", "slow", "slow:", "slow:-1", "slow:nan", "slow:SECONDS", "Locked"]
)
def test_an_unknown_fault_is_refused_and_changes_nothing(sandbox: ErpSandbox, name: str) -> None:
    sandbox.set_fault("locked")
    with pytest.raises(ValueError, match=r"fault|seconds"):
        sandbox.set_fault(name)
    assert sandbox.fault() == "locked"


@pytest.mark.parametrize("fault", ["emptied", "half-restored", "rebuilt-ids", "archiving"])
def test_another_company_cannot_be_switched_on_for_one_record(sandbox: ErpSandbox, fault: str) -> None:
    with pytest.raises(ValueError, match="whole company"):
        sandbox.set_fault(fault, record_number=sandbox.change_orders()[0].record_number)


def test_a_record_that_never_was_gets_no_fault(sandbox: ErpSandbox) -> None:
    with pytest.raises(NoSuchRecord):
        sandbox.set_fault("locked", record_number="999999")


def test_a_reader_cannot_write(sandbox: ErpSandbox, folder: Path) -> None:
    before = ask(folder, HEADERS)
    for sql in ("DELETE FROM dbo.prmchg", "DELETE FROM dbo_Audit.prmchg", "CREATE TABLE dbo.more (a int)"):
        with pytest.raises(SandboxError):
            ask(folder, sql)
    assert ask(folder, HEADERS) == before


def test_no_company_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as raised:
        connect(tmp_path / "nowhere")
    assert "(4060)" in raised.value.message

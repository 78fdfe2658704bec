"""The practice company behaves as Sage does when an accountant works in it."""

import sqlite3
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from erp_integrations.ports import ErpSandbox, NoSuchRecord, SandboxRecord
from sage_adapter.sandbox import open_sandbox
from sage_adapter.sandbox.connection import connect
from sage_adapter.sandbox.faults import SandboxError
from sage_adapter.sandbox.writer import Books, open_books

USER = "ACCT2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "harbor point"


@pytest.fixture
def sandbox(folder: Path) -> ErpSandbox:
    sandbox = open_sandbox(folder)
    sandbox.create()
    return sandbox


def rows(folder: Path, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    connection = connect(folder)
    try:
        return list(connection.cursor().execute(sql, parameters).fetchall())
    finally:
        connection.close()


def listed(sandbox: ErpSandbox, record_number: str) -> SandboxRecord:
    return next(row for row in sandbox.change_orders() if row.record_number == record_number)


def record(sandbox: ErpSandbox, key: str) -> str:
    return next(row.record_number for row in sandbox.company().scenarios if row.key == key)


def totals(folder: Path, subcontract: str) -> tuple[Decimal, ...]:
    found = rows(folder, "SELECT cntttl, chgttl, ctcttl FROM dbo.subcon WHERE recnum = ?", int(subcontract))
    return tuple(Decimal(str(value)).quantize(Decimal("0.01")) for value in found[0])


def assert_totals_true(folder: Path) -> None:
    counted = (
        "COALESCE((SELECT SUM(bdgprc) FROM dbo.sbcgln AS l WHERE l.vndctc = c.recnum AND l.chgsts < 5), 0)"
    )
    wrong = rows(
        folder,
        f"SELECT recnum FROM dbo.subcon AS c WHERE ABS(chgttl - {counted}) > 0.001"
        " OR ABS(ctcttl - cntttl - chgttl) > 0.001 OR ABS(balttl - ctcttl + invttl) > 0.001",
    )
    assert wrong == []


def test_deleting_takes_the_header_and_all_its_lines(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "summed")
    sandbox.delete(number, user=USER)
    assert rows(folder, "SELECT COUNT(*) FROM dbo.prmchg WHERE recnum = ?", int(number)) == [(0,)]
    assert rows(folder, "SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ?", int(number)) == [(0,)]


def test_deleting_takes_its_amount_off_the_subcontract(sandbox: ErpSandbox, folder: Path) -> None:
    original, changes, total = totals(folder, "1207")
    sandbox.delete(record(sandbox, "summed"), user=USER)
    less = Decimal("4029.75")
    assert totals(folder, "1207") == (original, changes - less, total - less)
    assert_totals_true(folder)


def test_deleting_writes_who_and_when_into_the_history(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "deleted")
    row_id = sandbox.change_order(number).row_id
    sandbox.delete(number, user=USER)
    found = rows(
        folder,
        "SELECT _idnum, _Action, _User, _Application FROM dbo_Audit.prmchg WHERE recnum = ? ORDER BY _Date",
        int(number),
    )
    assert [entry[1] for entry in found] == ["insert", "delete"]
    assert found[-1] == (str(row_id).upper(), "delete", USER, "Sage 100 Contractor")


def test_a_deleted_record_cannot_be_deleted_again(sandbox: ErpSandbox) -> None:
    number = record(sandbox, "deleted")
    sandbox.delete(number, user=USER)
    with pytest.raises(NoSuchRecord, match="is deleted"):
        sandbox.delete(number, user=USER)


@pytest.mark.parametrize("number", ["999999", "not a number", ""])
def test_a_record_that_never_was_is_refused_in_plain_words(sandbox: ErpSandbox, number: str) -> None:
    for act in (sandbox.delete, sandbox.void, sandbox.reject, sandbox.restore, sandbox.recreate):
        with pytest.raises(NoSuchRecord):
            act(number, user=USER)
    with pytest.raises(NoSuchRecord):
        sandbox.change_order(number)


@pytest.mark.parametrize(("act", "status"), [("void", "Void"), ("reject", "Rejected")])
def test_void_and_reject_keep_the_row_and_take_its_amount_off(
    sandbox: ErpSandbox, folder: Path, act: str, status: str
) -> None:
    number = record(sandbox, "present")
    before = totals(folder, "1201")
    getattr(sandbox, act)(number, user=USER)
    order = sandbox.change_order(number)
    assert order.status == status
    assert {line.status for line in order.lines} == {status}
    assert totals(folder, "1201")[1] == before[1] - Decimal("12450.00")
    sandbox.restore(number, user=USER)
    assert sandbox.change_order(number).status == "Approved"
    assert totals(folder, "1201") == before


def test_restoring_brings_back_the_same_row_id_number_and_lines(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "summed")
    before, money = sandbox.change_order(number), totals(folder, "1207")
    sandbox.delete(number, user=USER)
    assert listed(sandbox, number).deleted
    sandbox.restore(number, user=USER)
    assert sandbox.change_order(number) == before
    assert totals(folder, "1207") == money
    assert not listed(sandbox, number).deleted


def test_a_record_that_is_there_and_approved_cannot_be_restored(sandbox: ErpSandbox) -> None:
    with pytest.raises(NoSuchRecord, match="neither deleted nor void nor rejected"):
        sandbox.restore(record(sandbox, "present"), user=USER)


def test_recreating_makes_another_record_with_the_same_number_and_lines(
    sandbox: ErpSandbox, folder: Path
) -> None:
    number = record(sandbox, "summed")
    before, money = sandbox.change_order(number), totals(folder, "1207")
    sandbox.delete(number, user=USER)
    anew = sandbox.change_order(sandbox.recreate(number, user=USER))
    assert anew.row_id != before.row_id
    assert anew.record_number != before.record_number
    assert (anew.number, anew.job_record_number, anew.phase) == (
        before.number,
        before.job_record_number,
        before.phase,
    )
    assert anew.lines == before.lines
    assert totals(folder, "1207") == money


def test_a_record_that_is_there_cannot_be_recreated(sandbox: ErpSandbox) -> None:
    with pytest.raises(NoSuchRecord, match="is not deleted"):
        sandbox.recreate(record(sandbox, "present"), user=USER)


def last(sandbox: ErpSandbox) -> str:
    return max((row.record_number for row in sandbox.change_orders() if not row.deleted), key=int)


def test_a_new_record_gets_the_highest_number_that_is_there_plus_one(sandbox: ErpSandbox) -> None:
    number, highest = record(sandbox, "deleted"), int(last(sandbox))
    sandbox.delete(number, user=USER)
    assert sandbox.recreate(number, user=USER) == str(highest + 1)
    assert sandbox.recreate(number, user=USER) == str(highest + 2)


def test_the_number_of_a_deleted_last_record_is_given_again(sandbox: ErpSandbox, folder: Path) -> None:
    number = last(sandbox)
    before = sandbox.change_order(number)
    sandbox.delete(number, user=USER)

    assert sandbox.recreate(number, user=USER) == number

    anew = sandbox.change_order(number)
    assert anew.row_id != before.row_id
    assert anew.lines == before.lines
    told = rows(folder, "SELECT _Action, _idnum FROM dbo_Audit.prmchg WHERE recnum = ?", int(number))
    assert [action for action, _row_id in told] == ["insert", "delete", "insert"]
    assert {row_id for _action, row_id in told} == {str(one.row_id).upper() for one in (before, anew)}
    assert_totals_true(folder)


def test_a_number_under_which_lines_were_left_behind_is_not_given_again(
    sandbox: ErpSandbox, folder: Path
) -> None:
    number = last(sandbox)
    with open_books(folder, referential=False) as books:
        books.delete(number, user=USER, keep_lines=True)
    assert sandbox.recreate(number, user=USER) == str(int(number) + 1)
    assert rows(folder, "SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ?", int(number)) == [(1,)]


def test_a_deleted_record_and_the_one_that_has_its_number_now_are_both_listed(sandbox: ErpSandbox) -> None:
    number = last(sandbox)
    before = sandbox.change_order(number).row_id
    sandbox.delete(number, user=USER)
    sandbox.recreate(number, user=USER)

    living, deleted = (row for row in sandbox.change_orders() if row.record_number == number)

    assert (living.deleted, living.key) == (False, number)
    assert (deleted.deleted, deleted.key, deleted.row_id) == (True, str(before), before)
    keys = [row.key for row in sandbox.change_orders()]
    assert len(keys) == len(set(keys))


def test_a_deleted_record_does_not_come_back_under_a_number_that_is_taken(
    sandbox: ErpSandbox, folder: Path
) -> None:
    number = last(sandbox)
    before = sandbox.change_order(number)
    sandbox.delete(number, user=USER)
    sandbox.recreate(number, user=USER)
    anew = sandbox.change_order(number)
    for key in (number, str(before.row_id)):
        with pytest.raises(
            NoSuchRecord, match=f"Record number {number} is taken by another change order now"
        ):
            sandbox.restore(key, user=USER)
    assert sandbox.change_order(number) == anew

    sandbox.delete(number, user=USER)
    sandbox.restore(str(before.row_id), user=USER)
    assert sandbox.change_order(number) == before
    assert [row.key for row in sandbox.change_orders() if row.deleted] == [str(anew.row_id)]
    assert_totals_true(folder)


def test_a_number_alone_means_the_record_that_was_deleted_last(sandbox: ErpSandbox) -> None:
    number = last(sandbox)
    first = sandbox.change_order(number).row_id
    sandbox.delete(number, user=USER)
    sandbox.recreate(number, user=USER)
    second = sandbox.change_order(number).row_id
    sandbox.delete(number, user=USER)
    assert [row.key for row in sandbox.change_orders() if row.deleted] == [number, str(first)]
    sandbox.restore(number, user=USER)
    assert sandbox.change_order(number).row_id == second


def test_a_void_record_is_approved_again_although_another_one_had_its_number(sandbox: ErpSandbox) -> None:
    number = last(sandbox)
    sandbox.delete(number, user=USER)
    sandbox.recreate(number, user=USER)
    anew = sandbox.change_order(number)
    sandbox.void(number, user=USER)
    sandbox.restore(number, user=USER)
    assert sandbox.change_order(number) == anew


def test_a_row_id_recreates_the_very_record_that_had_it(sandbox: ErpSandbox) -> None:
    number = last(sandbox)
    first = sandbox.change_order(number)
    sandbox.delete(number, user=USER)
    other = sandbox.recreate(record_of_another(sandbox, number), user=USER)
    assert other == number
    anew = sandbox.recreate(str(first.row_id), user=USER)
    assert anew == str(int(number) + 1)
    assert sandbox.change_order(anew).description == first.description


def record_of_another(sandbox: ErpSandbox, number: str) -> str:
    """Deletes another change order than that; its record number."""
    another = record(sandbox, "deleted")
    assert another != number
    sandbox.delete(another, user=USER)
    return another


def test_a_row_id_of_no_deleted_record_is_refused(sandbox: ErpSandbox) -> None:
    there = str(sandbox.change_order(record(sandbox, "present")).row_id)
    for act in (sandbox.restore, sandbox.recreate):
        for row_id in (there, str(uuid.uuid4())):
            with pytest.raises(NoSuchRecord, match="row id"):
                act(row_id, user=USER)


def test_a_fault_of_a_deleted_record_is_not_shown_at_the_one_with_its_number(sandbox: ErpSandbox) -> None:
    number = last(sandbox)
    sandbox.set_fault("locked", record_number=number)
    sandbox.delete(number, user=USER)
    sandbox.recreate(number, user=USER)
    living, deleted = (row for row in sandbox.change_orders() if row.record_number == number)
    assert (living.fault, deleted.fault) == ("", "locked")


def test_renumbering_keeps_the_record(sandbox: ErpSandbox) -> None:
    number = record(sandbox, "present")
    before = sandbox.change_order(number)
    sandbox.renumber(number, "11-900", user=USER)
    after = sandbox.change_order(number)
    assert (after.row_id, after.number) == (before.row_id, "11-900")
    with pytest.raises(NoSuchRecord, match="20 characters"):
        sandbox.renumber(number, "x" * 21, user=USER)


def test_a_subcontract_with_changes_cannot_be_deleted(sandbox: ErpSandbox, folder: Path) -> None:
    with pytest.raises(NoSuchRecord, match="in use"), open_books(folder) as books:
        books.delete_subcontract("1201", user=USER)
    assert rows(folder, "SELECT COUNT(*) FROM dbo.sbcnln WHERE recnum = 1201") == [(2,)]


# --- whole jobs ----------------------------------------------------------------------------------

JOB_TABLES = {"actrec": "recnum", "subcon": "jobnum", "prmchg": "jobnum"}


def of_job(folder: Path, job: str, *, schema: str = "dbo") -> dict[str, int]:
    """How many rows of the job there are; of history, how many tell of a deletion."""
    deleted = " AND _Action = 'delete'" if schema == "dbo_Audit" else ""
    counted = {}
    for table, column in JOB_TABLES.items():
        sql = f"SELECT COUNT(*) FROM {schema}.{table} WHERE {column} = ?{deleted}"
        counted[table] = int(str(rows(folder, sql, int(job))[0][0]))
    return counted


GONE = {"actrec": 0, "subcon": 0, "prmchg": 0}


def test_archiving_takes_a_closed_job_away_with_all_that_hangs_on_it(
    sandbox: ErpSandbox, folder: Path
) -> None:
    there = of_job(folder, "2609")
    lines = rows(folder, "SELECT recnum FROM dbo.sbcgln WHERE vndctc = 1214")
    assert there == {"actrec": 1, "subcon": 1, "prmchg": 2}
    assert lines

    sandbox.archive("2609")

    assert of_job(folder, "2609") == GONE
    assert rows(folder, "SELECT recnum FROM dbo.sbcgln WHERE vndctc = 1214") == []
    assert of_job(folder, "2609", schema="dbo_Audit") == there
    swept = [
        found
        for table in ("actrec", "subcon", "prmchg", "sbcgln")
        for found in rows(
            folder, f"SELECT _User, _Application, _Date FROM dbo_Audit.{table} WHERE _Action = 'delete'"
        )
    ]
    assert len(swept) == 4 + len(lines)
    assert {found[:2] for found in swept} == {("system-administrator", "Sage 100 Contractor")}
    assert len({found[2] for found in swept}) == 1
    assert "2609" not in {job.record_number for job in sandbox.company_now().jobs}
    assert "2609" in {job.record_number for job in sandbox.company().jobs}
    assert_totals_true(folder)


def test_archiving_may_leave_no_history(sandbox: ErpSandbox, folder: Path) -> None:
    sandbox.archive("2609", history=False)
    assert of_job(folder, "2609") == GONE
    assert of_job(folder, "2609", schema="dbo_Audit") == GONE


@pytest.mark.parametrize(
    ("job", "words"), [("2611", "not closed"), ("9999", "There is no job"), ("x", "not a")]
)
def test_only_a_closed_job_is_archived(sandbox: ErpSandbox, folder: Path, job: str, words: str) -> None:
    before = of_job(folder, "2611")
    with pytest.raises(NoSuchRecord, match=words):
        sandbox.archive(job)
    assert of_job(folder, "2611") == before


def test_a_deleted_job_takes_all_that_hangs_on_it_and_history_says_who(
    sandbox: ErpSandbox, folder: Path
) -> None:
    there = of_job(folder, "2617")
    sandbox.delete_job("2617", user=USER)
    assert of_job(folder, "2617") == GONE
    assert of_job(folder, "2617", schema="dbo_Audit") == there
    users = rows(folder, "SELECT DISTINCT _User FROM dbo_Audit.prmchg WHERE _Action = 'delete'")
    assert users == [(USER,)]
    assert_totals_true(folder)
    with pytest.raises(NoSuchRecord, match="There is no job"):
        sandbox.delete_job("2617", user=USER)


def test_a_job_whose_subcontract_a_line_of_another_job_needs_is_not_deleted(
    sandbox: ErpSandbox, folder: Path
) -> None:
    with open_books(folder) as books:
        books.move_part(record(sandbox, "deleted"), "1201", "1205", user=USER)
    before = of_job(folder, "2612")
    with pytest.raises(NoSuchRecord, match="Job 2612 is in use"):
        sandbox.delete_job("2612", user=USER)
    assert of_job(folder, "2612") == before
    assert of_job(folder, "2612", schema="dbo_Audit") == GONE


# --- history -------------------------------------------------------------------------------------


def oldest(folder: Path, table: str) -> datetime:
    [(moment,)] = rows(folder, f"SELECT MIN(_Date) FROM dbo_Audit.{table}")
    return datetime.fromisoformat(str(moment)).replace(tzinfo=UTC)


def test_history_is_purged_by_age_and_in_every_table(sandbox: ErpSandbox, folder: Path) -> None:
    number, tables = record(sandbox, "deleted"), ("actrec", "subcon", "prmchg", "sbcgln")
    sandbox.delete(number, user=USER)
    before = rows(folder, "SELECT COUNT(*) FROM dbo.prmchg")
    assert sandbox.purge_history() == 0, "nothing is as old as that"

    assert sandbox.purge_history(older_than_days=30) > 0

    for table in ("prmchg", "sbcgln"):
        assert datetime.now(UTC) - oldest(folder, table) < timedelta(days=30)
    for table in ("actrec", "subcon"):
        assert rows(folder, f"SELECT COUNT(*) FROM dbo_Audit.{table}") == [(0,)], "they are older"
    assert rows(folder, "SELECT recnum FROM dbo_Audit.prmchg WHERE _Action = 'delete'") == [(int(number),)]
    assert rows(folder, "SELECT COUNT(*) FROM dbo.prmchg") == before

    sandbox.purge_history(older_than_days=0)
    assert all(rows(folder, f"SELECT COUNT(*) FROM dbo_Audit.{table}") == [(0,)] for table in tables)
    assert sandbox.purge_history(older_than_days=0) == 0


def test_an_act_may_have_been_done_a_while_ago(sandbox: ErpSandbox, folder: Path) -> None:
    number, then = record(sandbox, "deleted"), datetime.now(UTC) - timedelta(days=100)
    with open_books(folder) as books:
        books.delete(number, user=USER, at=then)
        anew = books.recreate(number, user=USER, at=then + timedelta(minutes=1))
    [(deleted,)] = rows(folder, "SELECT _Date FROM dbo_Audit.prmchg WHERE _Action = 'delete'")
    [(inserted,)] = rows(folder, "SELECT insdte FROM dbo.prmchg WHERE recnum = ?", int(anew))
    assert abs(datetime.fromisoformat(f"{deleted}+00:00") - then) < timedelta(seconds=1)
    assert abs(datetime.fromisoformat(f"{inserted}+00:00") - then) < timedelta(minutes=2)
    sandbox.purge_history()
    assert rows(folder, "SELECT COUNT(*) FROM dbo_Audit.prmchg WHERE _Action = 'delete'") == [(0,)]


def test_rows_that_are_lost_leave_no_history(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "deleted")
    with open_books(folder) as books:
        books.delete(number, user=USER, history=False)
    assert rows(folder, "SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ?", int(number)) == [(0,)]
    assert rows(folder, "SELECT COUNT(*) FROM dbo_Audit.prmchg WHERE _Action = 'delete'") == [(0,)]
    assert_totals_true(folder)


# --- the backup ----------------------------------------------------------------------------------


def test_restoring_the_backup_is_another_incarnation_without_what_came_after(
    sandbox: ErpSandbox, folder: Path
) -> None:
    late, deleted = record(sandbox, "older-backup"), record(sandbox, "deleted")
    before = rows(folder, "SELECT incarnation FROM dbo.sandbox_identity")
    sandbox.play()
    assert rows(folder, "SELECT incarnation FROM dbo.sandbox_identity") == before
    sandbox.restore_backup()
    assert rows(folder, "SELECT incarnation FROM dbo.sandbox_identity") != before
    assert late not in {row.record_number for row in sandbox.change_orders()}
    assert rows(folder, "SELECT COUNT(*) FROM dbo_Audit.prmchg WHERE recnum = ?", int(late)) == [(0,)]
    assert not listed(sandbox, deleted).deleted
    assert rows(folder, "SELECT COUNT(*) FROM dbo_Audit.prmchg WHERE _Action = 'delete'") == [(0,)]
    assert_totals_true(folder)


@pytest.mark.parametrize("point", ["before it asks", "between its questions"])
def test_restoring_the_backup_ends_every_connection_that_is_open(
    sandbox: ErpSandbox, folder: Path, point: str
) -> None:
    connection = connect(folder)
    ask = "SELECT COUNT(*) FROM dbo.prmchg"
    try:
        if point == "between its questions":
            connection.cursor().execute(ask).fetchall()
        sandbox.restore_backup()

        with pytest.raises(SandboxError, match="08S01"):
            connection.cursor().execute(ask)
        with pytest.raises(SandboxError, match="08S01"):
            connection.cursor().execute(ask)
    finally:
        connection.close()


def test_creating_anew_forgets_what_was_there(sandbox: ErpSandbox, folder: Path) -> None:
    before = rows(folder, "SELECT incarnation FROM dbo.sandbox_identity")
    sandbox.play()
    sandbox.set_fault("offline")
    sandbox.create()
    assert sandbox.fault() == "none"
    assert not any(row.deleted or row.fault for row in sandbox.change_orders())
    assert rows(folder, "SELECT incarnation FROM dbo.sandbox_identity") != before


def test_the_company_stays_as_it_was_linked_whatever_happens(sandbox: ErpSandbox) -> None:
    before = sandbox.company()
    sandbox.play()
    sandbox.restore_backup()
    assert sandbox.company() == before


def delete_twice(books: Books, number: str) -> None:
    books.delete(number, user=USER)
    books.delete(number, user=USER)


def test_a_failed_act_leaves_nothing_behind(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "present")
    with pytest.raises(NoSuchRecord), open_books(folder) as books:
        delete_twice(books, number)
    assert not listed(sandbox, number).deleted
    assert rows(folder, "SELECT COUNT(*) FROM dbo_Audit.prmchg WHERE _Action = 'delete'") == [(0,)]


KILLED_WHILE_SAVING = """
import os, sqlite3, sys
books = sqlite3.connect(":memory:", isolation_level=None)
books.execute("ATTACH ? AS dbo", (sys.argv[1] + "/company.sqlite",))
books.execute("ATTACH ? AS dbo_Audit", (sys.argv[1] + "/audit.sqlite",))
books.execute("PRAGMA dbo.cache_size = 1")  # pages reach the file before the commit
books.execute("BEGIN IMMEDIATE")
books.execute("DELETE FROM dbo.sbcgln")
books.execute("DELETE FROM dbo.prmchg")
books.execute("DELETE FROM dbo_Audit.prmchg")
os._exit(9)
"""


def test_an_accountant_killed_while_saving_leaves_nothing_half_done(
    sandbox: ErpSandbox, folder: Path
) -> None:
    before = rows(folder, "SELECT COUNT(*) FROM dbo.prmchg")
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_SAVING, str(folder)], check=False)
    assert done.returncode == 9
    assert (folder / "company.sqlite-journal").exists()
    assert rows(folder, "SELECT COUNT(*) FROM dbo.prmchg") == before
    assert_totals_true(folder)


def test_both_files_keep_rollback_journals_so_that_a_commit_is_one(sandbox: ErpSandbox, folder: Path) -> None:
    for file in ("company.sqlite", "audit.sqlite"):
        connection = sqlite3.connect(folder / file)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        connection.close()


def test_row_ids_are_upper_case_and_parents_are_named_by_them(sandbox: ErpSandbox, folder: Path) -> None:
    found = rows(
        folder, "SELECT h._idnum, l._idref FROM dbo.sbcgln AS l JOIN dbo.prmchg AS h ON h.recnum = l.recnum"
    )
    assert all(header == parent == str(uuid.UUID(str(header))).upper() for header, parent in found)


# --- the demo companies ------------------------------------------------------------------------

TITLES = """
Approved in Sage|Deleted in Sage|Void in Sage|Rejected in Sage|Rejected, lines still Open
Open header, Approved line|Gone, history silent|Same number in two phases|Same number in two jobs
Number only on the line|Header number differs|Number edited after sync|Padded and lower case number
Line removed, header kept|Header gone, line left behind|Re-created, same number|Re-created, history silent
Job archived away|Older backup restored|Two contracts, one change|Duplicate subcontract number
Adds a subcontract line|Several lines summed|Moved to another phase|History not readable|Locked by a Sage user
Deadlock in Sage|Connection drops|Subcontract deleted too|Deleted after its invoice|Deleted, then restored
Job archived, history tells|Deleted, its job is closed|Closed job, nothing left|On another job, old job gone
Moved to another subcontract|Line left on other subcontract|Older row, our record number
Record number used elsewhere|Deleted, keyed in again|Keyed in again, same number
""".strip().replace("\n", "|")


def test_every_thing_that_can_happen_has_its_change_order(sandbox: ErpSandbox) -> None:
    titles = [scenario.title for scenario in sandbox.company().scenarios]
    assert set(TITLES.split("|")) <= set(titles)
    assert all(0 < len(title) <= 30 for title in titles)
    assert len(titles) == len(set(titles))


def test_there_is_enough_for_a_working_day(sandbox: ErpSandbox) -> None:
    company = sandbox.company()
    assert company.name == "Harbor Point Builders"
    assert len(company.jobs) >= 5
    assert len(company.vendors) >= 10
    assert len(company.subcontracts) >= 12
    assert len(company.scenarios) >= 46
    sandbox.play()
    there = {row.record_number for row in sandbox.change_orders() if not row.deleted}
    assert len([scenario for scenario in company.scenarios if scenario.record_number in there]) >= 40


def test_every_link_to_make_points_at_a_record_with_lines_on_its_subcontract(sandbox: ErpSandbox) -> None:
    company = sandbox.company()
    orders = {order.record_number: order for order in company.change_orders}
    contracts = {contract.record_number: contract for contract in company.subcontracts}
    for scenario in company.scenarios:
        order = orders[scenario.record_number]
        contract = contracts[scenario.subcontract_record_number]
        mine = [line for line in order.lines if line.subcontract_record_number == contract.record_number]
        assert mine, scenario.key
        assert (order.job_record_number, order.phase) == (contract.job_record_number, contract.phase)


def test_record_numbers_of_different_kinds_never_meet(sandbox: ErpSandbox) -> None:
    company = sandbox.company()
    kinds = (company.jobs, company.vendors, company.subcontracts, company.change_orders)
    numbers = [row.record_number for kind in kinds for row in kind]
    assert len(numbers) == len(set(numbers))


def test_the_last_three_record_numbers_are_given_again(sandbox: ErpSandbox) -> None:
    keys = ("number-reused", "corrected", "corrected-same-number")
    numbers = [record(sandbox, key) for key in keys]
    before = [sandbox.change_order(number) for number in numbers]
    sandbox.play()
    elsewhere, corrected, same = (sandbox.change_order(number) for number in numbers)
    assert {one.row_id for one in before}.isdisjoint({elsewhere.row_id, corrected.row_id, same.row_id})
    assert elsewhere.job_record_number != before[0].job_record_number
    assert corrected.number != before[1].number
    assert [line.amount for line in corrected.lines] == [line.amount for line in before[1].lines]
    assert {line.subcontract_record_number for line in corrected.lines} == {"1201"}
    assert (same.number, same.lines) == (before[2].number, before[2].lines)


def test_an_older_row_has_the_record_number_of_a_deleted_one(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "number-older")
    before = sandbox.change_order(number)
    sandbox.play()
    there = sandbox.change_order(number)
    assert there.row_id != before.row_id
    assert (there.job_record_number, there.number != before.number) == (before.job_record_number, True)
    assert {line.subcontract_record_number for line in there.lines} == {""}
    [(inserted,)] = rows(folder, "SELECT insdte FROM dbo.prmchg WHERE recnum = ?", int(number))
    assert datetime.now(UTC) - datetime.fromisoformat(f"{inserted}+00:00") > timedelta(days=59)


def test_a_line_outlives_its_header_on_another_subcontract(sandbox: ErpSandbox, folder: Path) -> None:
    number = record(sandbox, "half-deleted-elsewhere")
    row_id = str(sandbox.change_order(number).row_id).upper()
    sandbox.play()
    assert rows(folder, "SELECT COUNT(*) FROM dbo.prmchg WHERE recnum = ?", int(number)) == [(0,)]
    assert rows(folder, "SELECT recnum, vndctc FROM dbo.sbcgln WHERE _idref = ?", row_id) == [
        (int(number), 1208)
    ]


def test_closed_jobs_are_left_with_some_or_none_of_their_change_orders(
    sandbox: ErpSandbox, folder: Path
) -> None:
    sandbox.play()
    assert of_job(folder, "2606") == {"actrec": 1, "subcon": 1, "prmchg": 2}
    assert of_job(folder, "2605") == {"actrec": 1, "subcon": 1, "prmchg": 0}
    for job in ("2604", "2607", "2608", "2609"):
        assert of_job(folder, job) == GONE
    assert of_job(folder, "2607", schema="dbo_Audit") == {"actrec": 1, "subcon": 1, "prmchg": 2}
    assert of_job(folder, "2609", schema="dbo_Audit") == GONE


def test_playing_leaves_the_totals_true_but_for_the_half_deleted_record(
    sandbox: ErpSandbox, folder: Path
) -> None:
    sandbox.play()
    assert_totals_true(folder)


def test_playing_strikes_single_records_with_their_faults(sandbox: ErpSandbox) -> None:
    sandbox.play()
    struck = {row.description: row.fault for row in sandbox.change_orders() if row.fault}
    assert struck == {
        "History not readable": "no-audit",
        "Locked by a Sage user": "locked",
        "Deadlock in Sage": "deadlock",
        "Connection drops": "drops",
    }


def test_the_second_company_is_another_one_with_the_same_record_numbers(tmp_path: Path) -> None:
    ridgeline = open_sandbox(tmp_path / "ridgeline")
    ridgeline.create()
    ridgeline.play()
    company = ridgeline.company()
    assert company.name == "Ridgeline Civil"
    assert len(company.scenarios) == 12
    assert company.change_orders[0].record_number == "701"
    assert [row.deleted for row in ridgeline.change_orders()].count(True) == 6


def test_the_history_of_the_second_company_begins_after_its_change_orders_were_linked(tmp_path: Path) -> None:
    ridgeline = open_sandbox(tmp_path / "ridgeline")
    ridgeline.create()
    linked = datetime.now(UTC)
    ridgeline.play()
    keys = {row.record_number: row.key for row in ridgeline.company().scenarios}
    told = rows(tmp_path / "ridgeline", "SELECT recnum, _Action FROM dbo_Audit.prmchg")
    assert {keys[str(number)] for number, action in told if action == "delete"} == {"deleted", "recreated"}
    assert oldest(tmp_path / "ridgeline", "prmchg") >= linked.replace(microsecond=0)
    assert rows(tmp_path / "ridgeline", "SELECT COUNT(*) FROM dbo_Audit.actrec") == [(0,)]


def test_a_folder_remembers_which_company_it_holds(tmp_path: Path) -> None:
    open_sandbox(tmp_path / "any", name="ridgeline").create()
    again = open_sandbox(tmp_path / "any")
    again.create()
    assert again.company().name == "Ridgeline Civil"
    with pytest.raises(ValueError, match="not a practice company"):
        open_sandbox(tmp_path, name="no such")


def test_nothing_is_there_before_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRecord, match="no practice company"):
        open_sandbox(tmp_path).change_orders()

"""Every way in which a record that is not there is not proven gone, and every honest way in which it is.

On all engines. In each case of loss the record asked about was really linked and really is not there, so that
a reader which takes silence for absence would cut. What an accountant did, history tells, or controls show.
"""

import sqlite3
import uuid
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from erp_integrations.ports import (
    ChangeOrderReference,
    Controls,
    Deadline,
    ErpError,
    FaultKind,
    Finding,
    LeftRecord,
    Proof,
    Verdict,
)
from tests.contract.engines import (
    FILES,
    PATIENCE_SECONDS,
    SAGE_USER,
    Books,
    PostgresServer,
    controls_among,
    now,
)
from tests.contract.test_faults import ActingClock, assert_no_answer

References = dict[str, ChangeOrderReference]

SOME_JOB, OTHER_JOB = "2614", "2612"
"""Jobs in progress that hold several linked change orders."""
NEW_ROW_ID = (
    "upper(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)"
    " || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
)


def delete(books: Books, *references: ChangeOrderReference) -> None:
    """An accountant deletes them, one after the other."""
    for reference in references:
        books.sandbox.delete(reference.record_number, user=SAGE_USER)
    space_out(books)


def space_out(books: Books) -> None:
    """Lets some seconds pass between the deletions that an accountant made."""
    with closing(sqlite3.connect(books.folder / FILES["dbo_Audit"])) as history:
        rows = history.execute("SELECT rowid FROM prmchg WHERE _Action = 'delete' ORDER BY rowid").fetchall()
        for at, (row,) in enumerate(reversed(rows)):
            moment = (datetime.now(UTC) - at * timedelta(seconds=10)).replace(tzinfo=None)
            history.execute(
                "UPDATE prmchg SET _Date = ? WHERE rowid = ?",
                (moment.isoformat(" ", timespec="milliseconds"), row),
            )
        history.commit()
    books.publish()


def lost(books: Books, reference: ChangeOrderReference) -> None:
    """Takes a record away without a trace."""
    number = int(reference.record_number)
    books.alter(f"DELETE FROM prmchg WHERE recnum = {number}", f"DELETE FROM sbcgln WHERE recnum = {number}")


def archive(books: Books, job: str, *, with_its_job: bool = True) -> None:
    """What archiving does to a job: all of it goes, and history keeps delete rows of the sweep."""
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")
    columns = "recnum, chgnum, jobnum, phsnum, _idnum"
    with closing(sqlite3.connect(books.folder / FILES["dbo"])) as company:
        company.execute("ATTACH ? AS history", (str(books.folder / FILES["dbo_Audit"]),))
        company.execute(
            f"INSERT INTO history.prmchg ({columns}, _Date, _Action, _User, _Application)"
            f" SELECT {columns}, ?, 'delete', 'system-administrator', 'Sage'"
            " FROM main.prmchg WHERE jobnum = ?",
            (moment, int(job)),
        )
        company.execute(
            "INSERT INTO history.actrec (recnum, _idnum, _Date, _Action, _User, _Application)"
            " SELECT recnum, _idnum, ?, 'delete', 'system-administrator', 'Sage'"
            " FROM main.actrec WHERE recnum = ? AND ?",
            (moment, int(job), with_its_job),
        )
        company.commit()
    books.alter(
        f"DELETE FROM sbcgln WHERE recnum IN (SELECT recnum FROM prmchg WHERE jobnum = {job})",
        f"DELETE FROM prmchg WHERE jobnum = {job}",
        f"UPDATE subcon SET chgttl = 0, invttl = 0 WHERE jobnum = {job}",
        f"DELETE FROM subcon WHERE jobnum = {job}",
        f"DELETE FROM actrec WHERE recnum = {job} AND {int(with_its_job)}",
    )


def of_job(references: References, job: str) -> list[ChangeOrderReference]:
    """One link of each record of the job."""
    return list({one.row_id: one for one in references.values() if one.job_record_number == job}.values())


def asked(books: Books, *references: ChangeOrderReference, controls: Controls) -> list[Finding]:
    """What two looks say of each, in one bulk; a quick lookup at the same says it too."""
    deadline = Deadline.after(PATIENCE_SECONDS)
    found = books.reader().lookup_many(references, deadline=deadline, clock=now, controls=controls)
    glanced = books.reader().quick_lookup_many(references, deadline=deadline, clock=now, controls=controls)
    for once, twice in zip(glanced, found, strict=True):
        # A list never says Deleted where the click would not.
        assert (once.verdict, once.proof) == (twice.verdict, twice.proof)
        assert not once.proves_absence
    return list(found)


def assert_none_cut(found: Iterable[Finding], verdict: Verdict, *reasons: str) -> None:
    for one in found:
        assert (one.verdict, one.reason in reasons) == (verdict, True), one
        assert not one.proves_absence


@pytest.fixture
def references(books: Books) -> References:
    return books.references()


@pytest.fixture
def controls(references: References) -> Controls:
    return controls_among(references.values())


# --- an archived job -----------------------------------------------------------------------------


def test_an_archived_job_with_delete_rows_of_the_sweep_cuts_nothing(
    books: Books, references: References, controls: Controls
) -> None:
    archive(books, SOME_JOB)
    found = asked(books, *of_job(references, SOME_JOB), controls=controls)
    assert_none_cut(found, Verdict.JOB_MISSING, "job-not-found")
    assert all(one.evidence.deletion is None for one in found)


def test_an_archive_that_still_runs_cuts_nothing_until_the_job_is_set_to_current(
    books: Books, references: References, controls: Controls
) -> None:
    books.alter(f"UPDATE actrec SET status = 6 WHERE recnum = {SOME_JOB}")
    archive(books, SOME_JOB, with_its_job=False)
    gone = of_job(references, SOME_JOB)
    assert_none_cut(asked(books, *gone, controls=controls), Verdict.JOB_MISSING, "job-closed-and-empty")
    books.alter(f"UPDATE actrec SET status = 4 WHERE recnum = {SOME_JOB}")
    assert asked(books, gone[0], controls=controls)[0].proves_absence


def test_a_deletion_on_a_closed_job_that_still_holds_another_record_is_doubt_that_has_a_way_out(
    books: Books, references: References, controls: Controls
) -> None:
    books.alter(f"UPDATE actrec SET status = 6 WHERE recnum = {SOME_JOB}")
    gone = of_job(references, SOME_JOB)[0]
    delete(books, gone)
    [found] = asked(books, gone, controls=controls)
    assert_no_answer(found, FaultKind.MISCONFIGURED, "deletion-of-closed-job")
    assert asked(books, replace(gone, deletion_confirmed=True), controls=controls)[0].proves_absence


def test_a_mistaken_job_deleted_with_all_under_it_needs_a_confirmed_deletion(
    books: Books, references: References, controls: Controls
) -> None:
    gone = of_job(references, SOME_JOB)
    archive(books, SOME_JOB)
    confirmed = [replace(one, deletion_confirmed=True) for one in gone]
    found = asked(books, *confirmed, controls=controls_among([*confirmed, references["present"]]))
    assert all(one.proves_absence for one in found)
    assert all(one.evidence.deletion_confirmed for one in found)


def job_went_an_hour_after(books: Books, gone: ChangeOrderReference) -> ChangeOrderReference:
    """Lets the job of a record that was deleted be saved two hours later, and then be archived."""
    books.alter(
        "UPDATE prmchg SET _Date = datetime(_Date, '-3 hours')"
        f" WHERE recnum = {gone.record_number} AND _Action = 'delete'",
        "INSERT INTO actrec (recnum, _idnum, _Date, _Action, _User, _Application)"
        f" SELECT {gone.job_record_number}, '{str(gone.job_row_id).upper()}', datetime('now', '-1 hours'),"
        " 'update', 'ACCT1', 'Sage'",
        schema="dbo_Audit",
    )
    archive(books, gone.job_record_number)
    return replace(gone, last_seen_at=now() - timedelta(hours=8))


def test_a_deletion_before_its_job_went_an_hour_later_is_told(
    books: Books, references: References, controls: Controls
) -> None:
    gone = of_job(references, SOME_JOB)[0]
    delete(books, gone)
    [found] = asked(books, job_went_an_hour_after(books, gone), controls=controls)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "deleted-before-its-job")
    assert found.proves_absence
    assert found.evidence.deletion is not None
    assert found.evidence.deletion.user == SAGE_USER


def test_a_job_under_another_number_is_the_same_job(
    books: Books, references: References, controls: Controls
) -> None:
    gone = references["deleted"]
    delete(books, gone)
    books.alter(
        f"UPDATE actrec SET recnum = 9611 WHERE recnum = {gone.job_record_number}",
        f"UPDATE prmchg SET jobnum = 9611 WHERE jobnum = {gone.job_record_number}",
    )
    found, there = asked(books, gone, references["present"], controls=controls)
    assert found.proves_absence
    assert there.verdict is Verdict.RENUMBERED


# --- our record number under another row id ------------------------------------------------------


@pytest.mark.parametrize("keeps_lines", [True, False])
def test_ours_keyed_anew_under_another_row_id_is_not_gone(
    books: Books, references: References, controls: Controls, *, keeps_lines: bool
) -> None:
    """Older than our link, with our record number, another number and no line on our subcontract."""
    ours = references["deleted"]
    books.alter(
        f"UPDATE prmchg SET _idnum = {NEW_ROW_ID}, chgnum = 'other' WHERE recnum = {ours.record_number}",
        *([] if keeps_lines else [f"DELETE FROM sbcgln WHERE recnum = {ours.record_number}"]),
    )
    [found] = asked(books, ours, controls=controls)
    assert found.verdict is (Verdict.AMBIGUOUS if keeps_lines else Verdict.REPLACED)
    assert found.proof is None
    assert not found.proves_absence


def used_elsewhere(books: Books, ours: ChangeOrderReference, like: ChangeOrderReference) -> None:
    """Deletes ours; its number goes to a new record of another job, and history is gone."""
    delete(books, ours)
    give_its_number_to(books, ours, new_record(books, like))
    books.alter("DELETE FROM prmchg", schema="dbo_Audit")


def test_our_record_number_on_another_job_is_proven_by_when_it_came(
    books: Books, references: References, controls: Controls
) -> None:
    ours = references["deleted"]
    used_elsewhere(books, ours, references["two-jobs-kept"])
    [found] = asked(books, ours, controls=controls)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "record-number-used-on-another-job")
    assert found.proves_absence
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.has_our_record_number
    seen_since = replace(ours, last_seen_at=now() + timedelta(minutes=1), last_seen_clock=timedelta(0))
    [unproven] = asked(books, seen_since, controls=controls)
    assert_none_cut([unproven], Verdict.REPLACED, "replaced-without-proof")


@pytest.mark.parametrize("books", ["psqlodbc"], indirect=True)
@pytest.mark.parametrize("in_its_place", ["our record number", "our number"])
def test_without_a_time_what_stands_in_the_place_is_no_proof(
    books: Books,
    references: References,
    controls: Controls,
    postgres_server: PostgresServer,
    in_its_place: str,
) -> None:
    ours = references["deleted"]
    if in_its_place == "our record number":
        used_elsewhere(books, ours, references["two-jobs-kept"])
    else:
        new_record(books, ours)
        books.alter("DELETE FROM prmchg", schema="dbo_Audit")
    with postgres_server.admin(books.spec.database) as administrator:
        administrator.execute("UPDATE dbo.prmchg SET insdte = NULL")
        administrator.execute("UPDATE dbo.sbcgln SET insdte = NULL")
    [found] = asked(books, ours, controls=controls)
    assert_none_cut([found], Verdict.REPLACED, "replaced-without-proof")


def new_record(books: Books, like: ChangeOrderReference) -> str:
    """Deletes a record and keys it in again; the new one's record number."""
    books.sandbox.delete(like.record_number, user=SAGE_USER)
    return books.sandbox.recreate(like.record_number, user=SAGE_USER)


def give_its_number_to(books: Books, reference: ChangeOrderReference, record_number: str) -> None:
    """Sage gives the highest record number and 1: that of the last record, when that was deleted."""
    for schema, tables in (("dbo", ("prmchg", "sbcgln")), ("dbo_Audit", ("prmchg", "sbcgln"))):
        books.alter(
            *(
                f"UPDATE {table} SET recnum = {reference.record_number} WHERE recnum = {record_number}"
                for table in tables
            ),
            schema=schema,
        )


@pytest.mark.parametrize("history", ["kept", "purged"])
def test_the_everyday_correction_is_proven_and_names_the_other_record(
    books: Books, references: References, controls: Controls, history: str
) -> None:
    """Deleted and keyed in again at once: same number, same record number, lines on the same subcontract."""
    ours = references["deleted"]
    give_its_number_to(books, ours, new_record(books, ours))
    if history == "purged":
        books.alter("DELETE FROM prmchg", schema="dbo_Audit")
    [found] = asked(books, ours, controls=controls)
    assert found.verdict is Verdict.REPLACED
    assert found.proof is (Proof.HISTORY if history == "kept" else Proof.INSERTED_LATER)
    assert found.proves_absence
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == ours.record_number
    assert not found.evidence.lines_left


def test_lines_of_ours_beside_a_record_that_took_its_number_are_half_deleted(
    books: Books, references: References, controls: Controls
) -> None:
    ours = references["deleted"]
    give_its_number_to(books, ours, new_record(books, ours))
    books.alter(
        f"UPDATE sbcgln SET _idref = '{str(ours.row_id).upper()}' WHERE recnum = {ours.record_number}"
    )
    assert_none_cut(asked(books, ours, controls=controls), Verdict.AMBIGUOUS, "lines-without-header")


def test_two_records_with_one_number_that_stood_side_by_side_are_no_doubt(
    books: Books, references: References, controls: Controls
) -> None:
    ours, other = references["deleted"], references["present"]
    books.alter(f"UPDATE prmchg SET chgnum = '{ours.number}' WHERE recnum = {other.record_number}")
    lost(books, ours)
    assert_none_cut(asked(books, ours, controls=controls), Verdict.REPLACED, "replaced-without-proof")
    side_by_side = replace(ours, held_by_others=frozenset({other.row_id}))
    assert asked(books, side_by_side, controls=controls)[0].proves_absence


# --- tables that are emptied, swapped or rebuilt -------------------------------------------------

LOSSES: dict[str, tuple[str, ...]] = {
    "emptied": ("DELETE FROM prmchg", "DELETE FROM sbcgln"),
    "row ids rebuilt": (
        f"UPDATE prmchg SET recnum = recnum + 5000, _idnum = {NEW_ROW_ID}",
        f"UPDATE sbcgln SET recnum = recnum + 5000, _idref = {NEW_ROW_ID}",
    ),
    "half of it lost": (
        "DELETE FROM prmchg WHERE recnum % 5 < 3",
        "DELETE FROM sbcgln WHERE recnum % 5 < 3",
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_where_too_many_of_the_controls_are_lost_nothing_is_believed_gone(
    books: Books, references: References, controls: Controls, loss: str
) -> None:
    """Jobs and subcontracts are all there, as when one table alone was loaded anew."""
    books.alter(*LOSSES[loss])
    gone = [one for one in references.values() if loss != "half of it lost" or int(one.record_number) % 5 < 3]
    found = asked(books, *gone[:50], controls=controls)
    for one in found:
        assert_no_answer(one, FaultKind.MISCONFIGURED, "no-control")
        assert one.evidence.controls_missing


def test_a_single_link_in_an_emptied_table_is_not_gone(books: Books, references: References) -> None:
    books.alter(*LOSSES["emptied"])
    assert_no_answer(books.look(references["present"]), FaultKind.MISCONFIGURED, "no-control")


def test_a_single_link_beside_records_that_all_came_later_is_not_gone(
    books: Books, references: References
) -> None:
    books.alter(
        f"DELETE FROM prmchg WHERE recnum = {references['present'].record_number}",
        f"DELETE FROM sbcgln WHERE recnum = {references['present'].record_number}",
        "UPDATE prmchg SET insdte = datetime('now')",
    )
    assert_no_answer(books.look(references["present"]), FaultKind.MISCONFIGURED, "no-control")


def test_a_single_link_is_gone_without_anybodys_word(books: Books, references: References) -> None:
    books.sage(lambda sandbox: sandbox.delete(references["deleted"].record_number, user=SAGE_USER))
    assert books.look(references["deleted"]).proves_absence
    books.alter("DELETE FROM prmchg", schema="dbo_Audit")
    assert books.look(references["deleted"]).proves_absence


def test_a_record_lost_without_a_trace_is_missed_by_history_that_knows_of_deletions(
    books: Books, references: References, controls: Controls
) -> None:
    delete(books, references["two-jobs-deleted"])
    lost(books, references["present"])
    [found] = asked(books, references["present"], controls=controls)
    assert_no_answer(found, FaultKind.MISCONFIGURED, "history-silent")
    [confirmed] = asked(books, replace(references["present"], deletion_confirmed=True), controls=controls)
    assert confirmed.proves_absence


def test_a_delete_row_older_than_our_last_sight_tells_nothing(
    books: Books, references: References, controls: Controls
) -> None:
    """It came back since, and what took it away this time left no entry."""
    ours = references["deleted"]
    delete(books, ours)
    seen_since = replace(ours, last_seen_at=now() + timedelta(minutes=1), last_seen_clock=timedelta(0))
    [found] = asked(books, seen_since, controls=controls)
    assert not found.proves_absence
    assert found.evidence.deletion is None


# --- controls that were deleted in honesty -------------------------------------------------------


def test_a_control_deleted_between_the_looks_changes_nothing(
    books: Books, references: References, controls: Controls
) -> None:
    gone = references["deleted"]
    delete(books, gone)
    clock = ActingClock(
        lambda: delete(books, references["two-jobs-deleted"]), at=lambda reading: reading == 2
    )
    finding = books.reader().lookup(
        gone, deadline=Deadline.after(PATIENCE_SECONDS), clock=clock, controls=controls
    )
    assert clock.readings >= 2
    assert finding.proves_absence
    assert references["two-jobs-deleted"].record_number in finding.evidence.controls_told


def test_all_deleted_one_after_the_other_by_an_accountant_are_gone(
    books: Books, references: References, controls: Controls
) -> None:
    """No control is left; history tells each of them."""
    every = list({one.row_id: one for one in references.values()}.values())
    delete(books, *every)
    found = [
        finding
        for first in range(0, len(every), 50)
        for finding in asked(books, *every[first : first + 50], controls=controls)
    ]
    # Those of closed jobs are missing untold, and there is nothing that would outweigh them.
    in_progress = [
        reference
        for reference, finding in zip(every, found, strict=True)
        if finding.evidence.job_status not in ("Closed", "Refused")
    ]
    assert len(in_progress) >= 40
    for one in asked(books, *in_progress[:50], controls=controls_among(in_progress)):
        assert one.proves_absence, one
        assert not one.evidence.controls_there
        assert not one.evidence.controls_missing


def test_all_gone_in_one_sweep_are_not_gone(books: Books, references: References, controls: Controls) -> None:
    """Delete rows of all at one moment are what a table that was emptied by statement leaves behind."""
    every = list({one.row_id: one for one in references.values()}.values())
    delete(books, *every)
    books.alter(
        "UPDATE prmchg SET _Date = (SELECT MAX(_Date) FROM prmchg) WHERE _Action = 'delete'",
        schema="dbo_Audit",
    )
    for one in asked(books, *every[:20], controls=controls):
        assert_no_answer(one, FaultKind.MISCONFIGURED, "no-control") if one.fault else assert_none_cut(
            [one], Verdict.JOB_MISSING, "job-closed-and-empty"
        )
        assert not one.proves_absence


# --- two links of one header ---------------------------------------------------------------------


@pytest.mark.parametrize("in_one_bulk", [True, False])
def test_two_links_of_one_header_that_was_deleted_are_both_gone(
    books: Books, references: References, controls: Controls, *, in_one_bulk: bool
) -> None:
    both = references["shared-deleted"], references["shared-kept"]
    delete(books, both[0])
    found = (
        asked(books, *both, controls=controls)
        if in_one_bulk
        else [*asked(books, both[0], controls=controls), *asked(books, alone(both[1]), controls=controls)]
    )
    assert all(one.proves_absence for one in found)


def alone(reference: ChangeOrderReference) -> ChangeOrderReference:
    """The link when the other link of its header is no longer active."""
    return replace(reference, shared_subcontracts=())


@pytest.mark.parametrize("in_one_bulk", [True, False])
def test_of_two_links_of_one_header_only_the_part_that_was_removed_is_gone(
    books: Books, references: References, controls: Controls, *, in_one_bulk: bool
) -> None:
    gone, kept = references["shared-deleted"], references["shared-kept"]
    books.alter(
        f"DELETE FROM sbcgln WHERE recnum = {gone.record_number}"
        f" AND vndctc = {gone.subcontract_record_number}"
    )
    if in_one_bulk:
        first, second = asked(books, gone, kept, controls=controls)
    else:
        [first] = asked(books, gone, controls=controls)
        [second] = asked(books, alone(kept), controls=controls)
    assert (first.verdict, first.reason) == (Verdict.ABSENT, "our-part-of-shared-header-gone")
    assert first.proves_absence
    assert second.verdict is Verdict.PRESENT


def test_a_header_whose_lines_are_all_gone_is_there_for_both_links(
    books: Books, references: References, controls: Controls
) -> None:
    both = references["shared-deleted"], references["shared-kept"]
    books.alter(f"DELETE FROM sbcgln WHERE recnum = {both[0].record_number}")
    assert_none_cut(asked(books, *both, controls=controls), Verdict.PRESENT, "header-without-our-lines")


def test_a_line_on_a_subcontract_that_the_record_did_not_touch_keeps_both_links(
    books: Books, references: References, controls: Controls
) -> None:
    gone = references["shared-deleted"]
    books.alter(
        f"UPDATE sbcgln SET vndctc = 1207 WHERE recnum = {gone.record_number}"
        f" AND vndctc = {gone.subcontract_record_number}"
    )
    [found] = asked(books, gone, controls=controls)
    assert_none_cut([found], Verdict.AMBIGUOUS, "moved-to-another-subcontract")
    assert found.evidence.moved_to_subcontract == "1207"


# --- history -------------------------------------------------------------------------------------


def test_history_purged_yesterday_says_nothing_by_its_silence(
    books: Books, references: References, controls: Controls
) -> None:
    delete(books, references["two-jobs-deleted"])
    ours = references["deleted"]
    delete(books, ours)
    books.alter(
        f"DELETE FROM prmchg WHERE recnum = {ours.record_number} OR _Date < datetime('now', '-1 day')",
        schema="dbo_Audit",
    )
    [found] = asked(books, replace(ours, last_seen_at=now() - timedelta(days=2)), controls=controls)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-twice")
    assert found.proves_absence
    assert found.evidence.deletion is None


SHAPES: dict[str, str] = {
    "absent": "ALTER TABLE {table} RENAME TO prmchg_before",
    "without row ids": "ALTER TABLE {table} RENAME COLUMN _idnum TO idnum_before",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_history_of_another_shape_costs_proof_and_no_verdict(
    books: Books, references: References, controls: Controls, request: pytest.FixtureRequest, shape: str
) -> None:
    ours, replaced = references["deleted"], references["recreated"]
    delete(books, ours)
    books.sage(lambda _sandbox: new_record(books, replaced))
    if books.engine == "sql-server":
        pytest.skip("tables of the server for tests are altered in test_sql_server.py")
    if books.engine == "psqlodbc":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.admin(books.spec.database) as administrator:
            administrator.execute(SHAPES[shape].format(table='"dbo_Audit".prmchg').encode())
    else:
        books.alter(SHAPES[shape].format(table="prmchg"), schema="dbo_Audit")
    found, other = asked(books, ours, replaced, controls=controls)
    assert found.proves_absence
    assert not found.evidence.history_readable
    assert found.evidence.deletion is None
    assert (other.verdict, other.proof) == (Verdict.REPLACED, Proof.INSERTED_LATER)
    seen_since = replace(replaced, last_seen_at=now() + timedelta(minutes=1), last_seen_clock=timedelta(0))
    [unproven] = asked(books, seen_since, controls=controls)
    assert_none_cut([unproven], Verdict.REPLACED, "replaced-without-proof")


def test_history_that_cannot_be_read_for_one_record_costs_only_that_record_its_history(
    books: Books, references: References, controls: Controls
) -> None:
    if books.engine not in ("sandbox", "sqlite-odbc", "psqlodbc"):
        pytest.skip("a row id is never text there")
    spoiled, others = (
        references["deleted"],
        [references["two-jobs-deleted"], references["duplicate-contract"]],
    )
    delete(books, spoiled, *others)
    books.alter(
        "INSERT INTO prmchg (recnum, _idnum, _Date, _Action, _User, _Application)"
        f" VALUES ({spoiled.record_number}, 'not one', datetime('now'), 'update', 'ACCT1', 'Sage')",
        schema="dbo_Audit",
    )
    first, *rest = asked(books, spoiled, *others, controls=controls)
    assert first.proves_absence  # by its controls
    assert not first.evidence.history_readable
    assert first.evidence.deletion is None
    for one in rest:
        assert one.proves_absence
        assert one.evidence.deletion is not None
        assert one.evidence.deletion.user == SAGE_USER


def test_one_record_whose_history_cannot_be_read_costs_no_other_its_jobs_sign_of_life(
    books: Books, references: References, controls: Controls
) -> None:
    """Else "Deleted" would turn into "Job missing" and back with whoever else is on the page."""
    if books.engine not in ("sandbox", "sqlite-odbc", "psqlodbc"):
        pytest.skip("a row id is never text there")
    gone, spoiled = of_job(references, SOME_JOB)[0], references["deleted"]
    delete(books, spoiled, gone)
    seen = job_went_an_hour_after(books, gone)
    books.alter(
        "INSERT INTO prmchg (recnum, _idnum, _Date, _Action, _User, _Application)"
        f" VALUES ({spoiled.record_number}, 'not one', datetime('now'), 'update', 'ACCT1', 'Sage')",
        schema="dbo_Audit",
    )
    of_spoiled, of_gone = asked(books, spoiled, seen, controls=controls)
    assert not of_spoiled.evidence.history_readable
    assert (of_gone.verdict, of_gone.reason) == (Verdict.ABSENT, "deleted-before-its-job")
    assert of_gone.proves_absence


def test_history_that_was_put_back_in_place_is_that_of_another_database(
    books: Books, references: References, controls: Controls
) -> None:
    """A backup restored in place keeps name and dates; its newest entry is older than one that was seen."""
    deadline = Deadline.after(PATIENCE_SECONDS)
    delete(books, references["two-jobs-deleted"])
    mark = books.reader().handshake(deadline=deadline).history_mark
    assert mark is not None
    assert mark.record_number == references["two-jobs-deleted"].record_number
    spec = replace(books.spec, history_mark=mark)
    books.spec = spec
    assert books.reader().handshake(deadline=deadline).good
    ours = references["deleted"]
    lost(books, ours)
    assert not books.look(ours, controls=controls).proves_absence
    books.alter("DELETE FROM prmchg WHERE _Action = 'delete'", schema="dbo_Audit")
    for found in asked(books, ours, controls=controls):
        assert_no_answer(found, FaultKind.MISCONFIGURED, "other-incarnation")
    told = books.reader().handshake(deadline=deadline)
    assert [problem.code for problem in told.problems] == ["other-incarnation"]
    with pytest.raises(ErpError) as raised, books.reader().stream_keys(deadline=deadline):
        pass
    assert raised.value.fault.code == "other-incarnation"
    books.spec = replace(spec, history_mark=None)
    with books.reader().stream_keys(deadline=deadline) as keys:
        assert keys.history_mark is not None
        assert keys.history_mark.at < mark.at


# --- records that cannot be understood -----------------------------------------------------------


def test_an_odd_status_of_our_record_is_named_and_one_elsewhere_does_no_harm(
    books: Books, references: References, controls: Controls
) -> None:
    odd, gone, there = references["present"], references["deleted"], references["two-jobs-kept"]
    delete(books, gone)
    books.alter(f"UPDATE prmchg SET status = 7 WHERE recnum = {odd.record_number}")
    of_odd, of_gone, of_there = asked(books, odd, gone, there, controls=controls)
    assert_no_answer(of_odd, FaultKind.UNEXPECTED, "row-not-understood")
    assert of_odd.fault is not None
    named = f"record {odd.record_number}, prmchg.status, a status outside the list: 7"
    assert named in of_odd.fault.what
    assert of_gone.proves_absence
    assert of_there.verdict is Verdict.PRESENT


@pytest.mark.parametrize(
    "odd",
    ["chgnum = '123456789012345678901234'", "jobnum = -5", "phsnum = -1", "status = 0", "status = 9"],
)
def test_odd_records_elsewhere_do_no_harm(
    books: Books, references: References, controls: Controls, request: pytest.FixtureRequest, odd: str
) -> None:
    if books.engine == "psqlodbc":  # whose column is as narrow as Sage's
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.admin(books.spec.database) as administrator:
            administrator.execute("ALTER TABLE dbo.prmchg ALTER chgnum TYPE text")
    elif books.engine == "sql-server" and "chgnum" in odd:
        pytest.skip("the column there is as narrow as Sage's")
    gone, there = references["deleted"], references["present"]
    delete(books, gone)
    books.alter(f"UPDATE prmchg SET {odd} WHERE recnum NOT IN ({gone.record_number}, {there.record_number})")
    of_gone, of_there = asked(books, gone, there, controls=controls)
    assert of_gone.proves_absence
    assert of_there.verdict is Verdict.PRESENT


def test_a_job_of_ours_with_a_number_that_is_none_is_its_records_trouble(
    books: Books, references: References, controls: Controls
) -> None:
    odd, gone = references["two-jobs-deleted"], references["deleted"]
    assert odd.job_record_number != gone.job_record_number
    delete(books, odd, gone)
    books.alter(f"UPDATE actrec SET recnum = -5 WHERE recnum = {odd.job_record_number}")
    of_odd, of_gone = asked(books, odd, gone, controls=controls)
    assert_no_answer(of_odd, FaultKind.UNEXPECTED, "row-not-understood")
    assert of_gone.proves_absence


@pytest.mark.parametrize("books", ["psqlodbc"], indirect=True)
def test_records_without_a_row_id_elsewhere_do_no_harm_and_with_our_number_are_named(
    books: Books, references: References, controls: Controls, postgres_server: PostgresServer
) -> None:
    gone, there = references["deleted"], references["present"]
    delete(books, gone)
    without = 'UPDATE dbo.prmchg SET "_idnum" = NULL WHERE recnum = '
    with postgres_server.admin(books.spec.database) as administrator:
        administrator.execute((without + references["two-jobs-kept"].record_number).encode())
    of_gone, of_there = asked(books, gone, there, controls=controls)
    assert of_gone.proves_absence
    assert of_there.verdict is Verdict.PRESENT
    with postgres_server.admin(books.spec.database) as administrator:
        administrator.execute((without + there.record_number).encode())
    of_gone, of_there = asked(books, gone, there, controls=controls)
    assert of_gone.proves_absence
    assert_no_answer(of_there, FaultKind.UNEXPECTED, "row-not-understood")
    assert of_there.fault is not None
    assert f"record {there.record_number}, prmchg._idnum" in of_there.fault.what


# --- a link that was moved -----------------------------------------------------------------------


@pytest.mark.parametrize("renumbered", [False, True])
def test_a_record_that_the_link_left_keeps_it_under_whatever_number(
    books: Books, references: References, controls: Controls, *, renumbered: bool
) -> None:
    ours, left = references["deleted"], references["present"]
    delete(books, ours)
    if renumbered:
        books.alter(
            *(
                f"UPDATE {table} SET recnum = 9001 WHERE recnum = {left.record_number}"
                for table in ("prmchg", "sbcgln")
            )
        )
    moved = replace(ours, left_records=(LeftRecord(left.row_id, left.record_number, now()),))
    [found] = asked(books, moved, controls=controls)
    assert_none_cut([found], Verdict.AMBIGUOUS, "left-record-still-there")
    assert found.evidence.left_record is not None
    assert asked(books, ours, controls=controls)[0].proves_absence
    gone_too = replace(ours, left_records=(LeftRecord(uuid.uuid4(), "9002", now()),))
    assert asked(books, gone_too, controls=controls)[0].proves_absence

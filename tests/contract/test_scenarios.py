"""What every scenario of the practice company must lead to: the same on every engine."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from erp_integrations.ports import (
    ChangeOrderDraft,
    Deadline,
    DraftLine,
    ErpChangeOrderFound,
    ErpError,
    NotInErp,
    Proof,
    Verdict,
)
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from sage_adapter.sandbox.writer import SYSTEM_ADMINISTRATOR, open_books
from sage_adapter.sandbox_writer import open_sandbox_writer
from tests.contract.conftest import ENGINES, SQL_SERVER_VARIABLE
from tests.contract.engines import (
    DATABASE,
    PATIENCE_SECONDS,
    SAGE_USER,
    SQL_SERVER_DRIVERS,
    Books,
    Played,
    now,
    sandbox_books,
)


@dataclass(frozen=True)
class Expected:
    verdict: Verdict
    proof: Proof | None = None
    told_by_history: bool | None = None
    """Whether the history shows the deletion; None where it does not matter."""
    deleted_by: str = SAGE_USER
    """Where history shows a deletion."""


ABSENT, PRESENT, UNKNOWN = Verdict.ABSENT, Verdict.PRESENT, Verdict.UNKNOWN
DELETED = Expected(ABSENT, told_by_history=True)

EXPECTED = {
    "present": Expected(PRESENT),
    "deleted": DELETED,
    "void": Expected(Verdict.PRESENT_NOT_EFFECTIVE),
    "rejected": Expected(Verdict.PRESENT_NOT_EFFECTIVE),
    "rejected-lines-open": Expected(Verdict.PRESENT_NOT_EFFECTIVE),
    "open-line-approved": Expected(PRESENT),
    # Gone, and history, which reaches back beyond our last sight of it, knows of no deletion.
    "deleted-purged": Expected(UNKNOWN, told_by_history=False),
    "recreated-purged": Expected(UNKNOWN, told_by_history=False),
    "twin": Expected(UNKNOWN, told_by_history=False),
    "two-phases-deleted": DELETED,
    "two-phases-kept": Expected(PRESENT),
    "two-jobs-deleted": DELETED,
    "two-jobs-kept": Expected(PRESENT),
    "line-number-deleted": DELETED,
    "line-number-kept": Expected(PRESENT),
    "header-number-differs": Expected(PRESENT),
    "renumbered": Expected(Verdict.RENUMBERED),
    "padded": Expected(Verdict.REPLACED, Proof.HISTORY),
    "line-removed": Expected(PRESENT),
    "half-deleted": Expected(Verdict.AMBIGUOUS),
    "recreated": Expected(Verdict.REPLACED, Proof.HISTORY),
    "sub-number-reused": Expected(Verdict.REPLACED, Proof.HISTORY),
    "archived": Expected(Verdict.JOB_MISSING),
    "archived-history": Expected(Verdict.JOB_MISSING, deleted_by=SYSTEM_ADMINISTRATOR),
    # The job did not live on for an hour: archiving, which leaves delete rows, would look the same.
    "job-deleted-too": Expected(Verdict.JOB_MISSING),
    # Of a closed job history tells nothing, and it reaches back far enough to tell.
    "closed-deleted": Expected(UNKNOWN),
    "closed-empty": Expected(Verdict.JOB_MISSING),
    "job-replaced": Expected(Verdict.RENUMBERED),
    "moved-subcontract": Expected(Verdict.AMBIGUOUS),
    "half-deleted-elsewhere": Expected(Verdict.AMBIGUOUS),
    "number-older": Expected(Verdict.REPLACED, None, told_by_history=True),
    "number-reused": DELETED,
    "corrected": Expected(Verdict.REPLACED, Proof.HISTORY, told_by_history=True),
    "corrected-same-number": Expected(Verdict.REPLACED, Proof.HISTORY, told_by_history=True),
    "shared-deleted": Expected(ABSENT),
    "shared-kept": Expected(PRESENT),
    "duplicate-contract": DELETED,
    "new-line": Expected(PRESENT),
    "summed": Expected(PRESENT),
    "moved": Expected(Verdict.RENUMBERED),
    "no-audit": DELETED,
    "locked": Expected(PRESENT),
    "deadlock": DELETED,
    "drops": DELETED,
    "contract-deleted": DELETED,
    "invoiced": DELETED,
    "restored": Expected(PRESENT),
    "older-backup": Expected(PRESENT),
}


def test_sql_server_is_among_the_engines() -> None:
    if SQL_SERVER_VARIABLE not in os.environ:
        pytest.skip(f"{SQL_SERVER_VARIABLE} names no SQL Server: the contract was not tested on one")
    assert {f"sql-server-{name}" for name in SQL_SERVER_DRIVERS} & set(ENGINES), "no driver leads there"


@pytest.mark.parametrize("key", EXPECTED)
def test_a_scenario_leads_to_its_verdict(played: Played, key: str) -> None:
    books, references = played
    expected = EXPECTED[key]
    finding = books.look(references[key])
    assert (finding.verdict, finding.proof) == (expected.verdict, expected.proof), finding
    assert finding.reason
    assert (finding.fault is not None) == (expected.verdict is UNKNOWN)
    assert finding.incarnation == books.spec.accepted_incarnation
    assert finding.proves_absence == (
        expected.verdict is ABSENT or (expected.verdict is Verdict.REPLACED and expected.proof is not None)
    )
    if expected.told_by_history is not None:
        assert (finding.evidence.deletion is not None) == expected.told_by_history
    if finding.evidence.deletion is not None:
        assert finding.evidence.deletion.user == expected.deleted_by
        assert finding.evidence.deletion.application == "Sage 100 Contractor"
        assert abs(finding.evidence.deletion.at - now()) < timedelta(minutes=5)


def test_a_page_of_scenarios_leads_to_the_same_verdicts(played: Played) -> None:
    books, references = played
    keys = list(EXPECTED)[:50]
    found = books.reader().lookup_many(
        [references[key] for key in keys], deadline=Deadline.after(PATIENCE_SECONDS), clock=now
    )
    for key, finding in zip(keys, found, strict=True):
        assert (finding.verdict, finding.proof) == (EXPECTED[key].verdict, EXPECTED[key].proof), key
        assert finding.incarnation == books.spec.accepted_incarnation
        if EXPECTED[key].told_by_history is not None:
            assert (finding.evidence.deletion is not None) == EXPECTED[key].told_by_history, key


def test_the_stream_holds_every_record_that_is_there_and_none_that_is_gone(played: Played) -> None:
    books, references = played
    with books.reader().stream_keys(deadline=Deadline.after(PATIENCE_SECONDS)) as keys:
        assert keys.incarnation == books.spec.accepted_incarnation
        blocks = list(keys.blocks)
        jobs = {uuid.UUID(row_key) for row_key in keys.jobs.values()}
    orders = {one.row_id: one for block in blocks for one in block.change_orders}
    there = {row.row_id: row for row in books.sandbox.change_orders() if not row.deleted}
    assert set(orders) == set(there)
    assert {one.status for one in orders.values()} >= {"Approved", "Void", "Rejected"}
    assert all(there[row_id].number.strip() == one.number for row_id, one in orders.items())
    assert references["present"].job_row_id in jobs
    assert references["archived"].job_row_id not in jobs
    amounts: dict[tuple[str, str], Decimal] = {}
    for line in (line for block in blocks for line in block.lines):
        key = (line.record_number, line.subcontract_record_number)
        amounts[key] = amounts.get(key, Decimal(0)) + line.amount
    summed = references["summed"]
    assert amounts[summed.record_number, summed.subcontract_record_number] == summed.amount


def test_every_scenario_has_an_expected_verdict(played: Played) -> None:
    _books, references = played
    assert {key for key in references if not key.startswith("plain-")} == set(EXPECTED)


def test_what_nothing_happened_to_is_present(played: Played) -> None:
    books, references = played
    plain = [key for key in references if key.startswith("plain-")]
    there = [key for key in plain if references[key].job_record_number != "2609"]
    assert len(there) >= 30
    for key in there[::6]:
        assert books.look(references[key]).verdict is PRESENT
    (with_its_job,) = set(plain) - set(there)
    assert books.look(references[with_its_job]).verdict is Verdict.JOB_MISSING


# --- evidence ------------------------------------------------------------------------------------


def test_void_and_rejected_are_named(played: Played) -> None:
    books, references = played
    for key, word in (("void", "Void"), ("rejected", "Rejected"), ("rejected-lines-open", "Rejected")):
        header = books.look(references[key]).evidence.header
        assert header is not None
        assert header.status == word


def test_a_new_number_and_a_new_phase_are_named(played: Played) -> None:
    books, references = played
    renumbered, moved = (books.look(references[key]).evidence.header for key in ("renumbered", "moved"))
    assert renumbered is not None
    assert renumbered.number == "12-77"
    assert moved is not None
    assert moved.phase == "2"


def test_a_header_without_our_lines_says_so(played: Played) -> None:
    books, references = played
    finding = books.look(references["line-removed"])
    assert finding.evidence.lines_on_subcontract == 0
    assert finding.reason != books.look(references["present"]).reason


def test_lines_left_behind_are_counted(played: Played) -> None:
    books, references = played
    assert books.look(references["half-deleted"]).evidence.lines_on_subcontract == 1


def test_a_deleted_subcontract_is_evidence_and_not_doubt(played: Played) -> None:
    books, references = played
    assert books.look(references["contract-deleted"]).evidence.subcontract_present is False
    assert books.look(references["deleted"]).evidence.subcontract_present is True


def test_the_same_number_on_another_phase_is_shown(played: Played) -> None:
    books, references = played
    assert books.look(references["two-phases-deleted"]).evidence.same_number_phases == ("2",)


def test_the_record_that_carries_the_number_now_is_named(played: Played) -> None:
    books, references = played
    anew = {row.number.strip(): row.record_number for row in books.sandbox.change_orders() if not row.deleted}
    for key, number in (("recreated", references["recreated"].number), ("padded", "14-7a")):
        other = books.look(references[key]).evidence.other_record
        assert other is not None
        assert other.record_number == anew[number]
        assert other.number.strip() == number


def test_totals_and_history_are_shown_beside(played: Played) -> None:
    books, references = played
    evidence = books.look(references["deleted"]).evidence
    assert evidence.history_readable
    assert evidence.history_since is not None
    assert timedelta(days=70) < now() - evidence.history_since < timedelta(days=90)
    assert evidence.subcontract_changes_total is not None


# --- traps -----------------------------------------------------------------------------------------


def test_a_number_used_again_before_we_last_looked_proves_nothing(purged: Played) -> None:
    books, references = purged
    seen_since = replace(
        references["recreated-purged"],
        last_seen_at=now() + timedelta(minutes=1),
        last_seen_clock=timedelta(0),
    )
    finding = books.look(seen_since)
    assert finding.reason in ("replaced-without-proof", "history-silent")
    assert finding.proof is None
    assert finding.evidence.deletion is None
    assert not finding.proves_absence


def test_a_record_number_given_again_on_another_job_is_named(played: Played) -> None:
    books, references = played
    reference = references["number-reused"]
    finding = books.look(reference)
    assert finding.proves_absence
    other = finding.evidence.other_record
    assert other is not None
    assert (other.record_number, other.number) == (reference.record_number, "14-70")


def test_the_record_that_was_keyed_in_again_under_our_record_number_is_named(played: Played) -> None:
    books, references = played
    for key, number in (("corrected", "11-80"), ("corrected-same-number", "")):
        other = books.look(references[key]).evidence.other_record
        assert other is not None
        assert other.record_number == references[key].record_number
        assert other.number == (number or references[key].number)


def test_a_line_that_was_moved_is_found_by_its_header_wherever_it_is(played: Played) -> None:
    books, references = played
    finding = books.look(references["half-deleted-elsewhere"])
    assert finding.verdict is Verdict.AMBIGUOUS
    assert not finding.proves_absence


# --- a history that was purged ---------------------------------------------------------------------

EXPECTED_WHERE_PURGED = {
    "present": Expected(PRESENT),
    "deleted": DELETED,
    "void": Expected(Verdict.PRESENT_NOT_EFFECTIVE),
    "recreated": Expected(Verdict.REPLACED, Proof.HISTORY),
    "deleted-purged": Expected(ABSENT, told_by_history=False),
    "recreated-purged": Expected(Verdict.REPLACED, Proof.INSERTED_LATER, told_by_history=False),
    "twin": Expected(Verdict.REPLACED, None, told_by_history=False),
    # Others of the job are there, and history does not reach back far enough to be silent.
    "closed-deleted": Expected(ABSENT, told_by_history=False),
}
"""The verdicts of the second practice company, whose history begins after its change orders were linked."""


@pytest.fixture(scope="module")
def purged(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """On the sandbox alone: that every engine reads history alike is tested above."""
    folder = tmp_path_factory.mktemp("Ridgeline")
    sandbox = open_sandbox(folder, name="ridgeline")
    sandbox.create()
    books = sandbox_books(sandbox, folder)
    books.spec = replace(books.spec, database=sandbox.company().name)
    books.accept()
    references = books.references()
    sandbox.play()
    return books, references


@pytest.mark.parametrize("key", EXPECTED_WHERE_PURGED)
def test_a_scenario_leads_to_its_verdict_where_history_was_purged(purged: Played, key: str) -> None:
    books, references = purged
    expected = EXPECTED_WHERE_PURGED[key]
    finding = books.look(references[key])
    assert (finding.verdict, finding.proof) == (expected.verdict, expected.proof), finding
    if expected.told_by_history is not None:
        assert (finding.evidence.deletion is not None) == expected.told_by_history


def test_every_scenario_has_an_expected_verdict_where_history_was_purged(purged: Played) -> None:
    _books, references = purged
    assert {key for key in references if not key.startswith("plain-")} == set(EXPECTED_WHERE_PURGED)


# --- a job that is gone too ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes_later", "verdict"), [(70, ABSENT), (50, Verdict.JOB_MISSING)], ids=["an hour", "less"]
)
def test_a_deletion_is_told_only_where_its_job_lived_on_for_an_hour(
    books: Books, minutes_later: int, verdict: Verdict
) -> None:
    reference = replace(books.references()["present"], last_seen_clock=timedelta(0))  # in no doubt
    deleted_at = now() - timedelta(minutes=100)
    worked_on_at = deleted_at + timedelta(minutes=minutes_later)
    assert reference.last_seen_at < deleted_at
    job = (int(reference.job_record_number),)
    with open_books(books.folder) as sage:
        sage.delete(reference.record_number, user=SAGE_USER, at=deleted_at)
        sage.update("actrec", "recnum = ?", job, {"usrdf1": "seen"}, user=SAGE_USER, at=worked_on_at)
        sage.delete_job(reference.job_record_number, user=SAGE_USER)
    books.publish()
    finding = books.look(reference)
    assert finding.verdict is verdict
    assert finding.proves_absence == (verdict is ABSENT)


# --- numbers that mislead --------------------------------------------------------------------------


def test_another_job_under_the_same_number_is_not_our_job(played: Played) -> None:
    books, references = played
    finding = books.look(replace(references["deleted"], job_row_id=uuid.uuid4()))
    assert finding.verdict is Verdict.JOB_MISSING
    assert not finding.proves_absence


def test_another_record_under_our_record_number_is_not_ours(played: Played) -> None:
    """Record numbers may be used again; only the row id names a row."""
    books, references = played
    finding = books.look(replace(references["present"], row_id=uuid.uuid4()))
    assert not finding.proves_absence


def test_row_ids_are_compared_as_ids(played: Played) -> None:
    books, references = played
    reference = references["present"]
    assert books.look(replace(reference, row_id=uuid.UUID(str(reference.row_id).lower()))).verdict is PRESENT


@pytest.mark.parametrize("word", ["x", "", "7; DROP TABLE dbo.prmchg", "701 OR 1=1", "-1", "9" * 40])
def test_nonsense_for_a_record_number_never_proves_absence(played: Played, word: str) -> None:
    books, references = played
    for changed in (
        replace(references["present"], record_number=word),
        replace(references["present"], job_record_number=word),
        replace(references["present"], subcontract_record_number=word),
    ):
        assert not books.look(changed).proves_absence


# --- reading ---------------------------------------------------------------------------------------


def test_records_are_read_as_they_are_in_sage(played: Played) -> None:
    books, references = played
    reader = books.reader()
    company, soon = books.sandbox.company(), Deadline.after(PATIENCE_SECONDS)
    for key in ("present", "summed", "new-line", "header-number-differs", "line-number-kept", "locked"):
        number = references[key].record_number
        assert reader.read_change_order(number, deadline=soon) == books.sandbox.change_order(number)
    for job in company.jobs[-2:]:
        assert reader.read_job(job.record_number, deadline=soon) == job
    for contract in company.subcontracts[:2]:
        assert reader.read_subcontract(contract.record_number, deadline=soon) == contract
    for vendor in company.vendors[:2]:
        read = reader.read_vendor(vendor.record_number, deadline=soon)
        assert (read.record_number, read.name) == (vendor.record_number, vendor.name)


def test_what_is_not_there_is_said_to_be_not_there(played: Played) -> None:
    books, _references = played
    reader = books.reader()
    for read in (reader.read_change_order, reader.read_job, reader.read_subcontract, reader.read_vendor):
        with pytest.raises(NotInErp):
            read("987654", deadline=Deadline.after(PATIENCE_SECONDS))


def found(books: Books, job: str, subcontract: str) -> dict[str, ErpChangeOrderFound]:
    every = (
        books.reader()
        .find_change_orders(
            job_record_number=job,
            subcontract_record_number=subcontract,
            deadline=Deadline.after(PATIENCE_SECONDS),
        )
        .found
    )
    assert [one.record_number for one in every] == sorted((one.record_number for one in every), key=int)
    return {one.record_number: one for one in every}


def test_the_change_orders_of_a_job_and_a_subcontract_are_found_as_the_company_holds_them(
    played: Played,
) -> None:
    books, references = played
    reference = references["summed"]
    job, subcontract = reference.job_record_number, reference.subcontract_record_number
    there = [
        books.sandbox.change_order(row.record_number)
        for row in books.sandbox.change_orders()
        if not row.deleted
    ]
    expected = {}
    for order in there:
        mine = [line for line in order.lines if line.subcontract_record_number == subcontract]
        if order.job_record_number == job or mine:
            expected[order.record_number] = ErpChangeOrderFound(
                row_id=order.row_id,
                record_number=order.record_number,
                number=order.number.strip(),
                job_record_number=order.job_record_number,
                phase=order.phase,
                status=order.status,
                key="",
                sub_change_numbers=tuple(sorted({line.sub_change_number for line in mine})),
                amount=sum((line.amount for line in mine), Decimal("0.00")) if mine else None,
            )
    assert found(books, job, subcontract) == expected
    summed = expected[reference.record_number]
    assert (summed.amount, summed.sub_change_numbers) == (reference.amount, ("03-50",))
    assert None in {one.amount for one in expected.values()}


def test_a_change_order_of_another_job_is_found_by_its_line_on_the_subcontract(played: Played) -> None:
    books, references = played
    present = references["present"]
    elsewhere = references["summed"].job_record_number
    assert present.job_record_number != elsewhere
    assert found(books, elsewhere, present.subcontract_record_number)[present.record_number].amount == (
        present.amount
    )


def test_lines_that_lost_their_header_are_no_change_order(played: Played) -> None:
    books, references = played
    half = references["half-deleted"]
    assert half.record_number not in found(books, half.job_record_number, half.subcontract_record_number)


def test_none_found_is_an_answer(played: Played) -> None:
    books, _references = played
    assert found(books, "987654", "987654") == {}


# --- while Sage changes ----------------------------------------------------------------------------


class ActingClock:
    """A clock that lets something happen in Sage between the two looks: at its second reading."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act, self.readings = act, 0

    def __call__(self) -> datetime:
        self.readings += 1
        if self.readings == 2:
            self.act()
        return now()


def test_a_record_that_comes_back_between_the_looks_is_no_deletion(books: Books) -> None:
    reference = books.references()["deleted"]
    books.sage(lambda sandbox: sandbox.delete(reference.record_number, user=SAGE_USER))
    clock = ActingClock(
        lambda: books.sage(lambda sandbox: sandbox.restore(reference.record_number, user=SAGE_USER))
    )
    finding = books.reader().lookup(reference, deadline=Deadline.after(PATIENCE_SECONDS), clock=clock)
    assert clock.readings >= 2
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.fault is not None
    assert finding.fault.code == "sage-changing"
    assert not finding.proves_absence
    assert books.look(reference).verdict is PRESENT


def test_a_backup_restored_between_the_looks_is_no_deletion(books: Books) -> None:
    reference = books.references()["older-backup"]
    books.sage(lambda sandbox: sandbox.delete(reference.record_number, user=SAGE_USER))
    clock = ActingClock(books.restore_backup)
    finding = books.reader().lookup(reference, deadline=Deadline.after(PATIENCE_SECONDS), clock=clock)
    assert finding.verdict is Verdict.UNKNOWN
    assert not finding.proves_absence


def test_a_record_that_a_restored_backup_took_away_is_no_deletion_until_the_copy_is_accepted(
    books: Books,
) -> None:
    reference = books.references()["older-backup"]
    assert books.look(reference).verdict is PRESENT
    books.restore_backup()
    finding = books.look(reference)
    assert finding.fault is not None
    assert finding.fault.code == "other-incarnation"
    assert not finding.proves_absence
    books.spec = replace(books.spec, accepted_incarnation="")
    books.accept()
    finding = books.look(reference)
    assert finding.verdict is ABSENT
    assert finding.evidence.deletion is None


def test_a_deletion_is_seen_at_once_and_so_is_the_return(books: Books) -> None:
    reference = books.references()["present"]
    number = reference.record_number
    assert books.look(reference).verdict is PRESENT
    books.sage(lambda sandbox: sandbox.delete(number, user=SAGE_USER))
    assert books.look(reference).verdict is ABSENT
    books.sage(lambda sandbox: sandbox.restore(number, user=SAGE_USER))
    assert books.look(reference).verdict is PRESENT
    books.sage(lambda sandbox: sandbox.void(number, user=SAGE_USER))
    assert books.look(reference).verdict is Verdict.PRESENT_NOT_EFFECTIVE
    books.sage(lambda sandbox: sandbox.delete(number, user=SAGE_USER))
    books.sage(lambda sandbox: sandbox.recreate(number, user=SAGE_USER))
    finding = books.look(reference)
    assert (finding.verdict, finding.proof) == (Verdict.REPLACED, Proof.HISTORY)


def test_an_export_is_found_by_its_key_and_read_back_as_it_was_prepared(books: Books) -> None:
    reference, company = books.references()["summed"], books.sandbox.company()
    [contract] = [
        one for one in company.subcontracts if one.record_number == reference.subcontract_record_number
    ]
    draft = ChangeOrderDraft(
        key=uuid.uuid4(),
        number="12-900",
        dated=date(2026, 3, 9),
        title="Größere Rohre 🏗",
        description="As discussed.\nTwice.",
        job_record_number=contract.job_record_number,
        phase=contract.phase,
        subcontract_record_number=contract.record_number,
        vendor_record_number=contract.vendor_record_number,
        lines=tuple(
            DraftLine(place, "Pipes", "15700.000", cost_type, line, Decimal(amount))
            for place, (line, cost_type, amount) in enumerate(
                [("1", "4", "1250.50"), ("2", "5", "-0.01"), ("1", "4", "-50.50"), ("", "4", "800")], start=1
            )
        ),
    )
    here = replace(books.spec, odbc_string="", database=DATABASE, sandbox_path=books.folder)
    accepted = open_reader(here).handshake(deadline=Deadline.after(PATIENCE_SECONDS)).incarnation
    writer = open_sandbox_writer(replace(here, accepted_incarnation=accepted))
    number = writer.write(draft, deadline=Deadline.after(PATIENCE_SECONDS))
    books.publish()

    prepared, there = writer.prepare(draft), found(books, draft.job_record_number, contract.record_number)
    assert [one.record_number for one in there.values() if one.key == str(draft.key)] == [number]
    assert (there[number].number, there[number].amount) == (prepared.number, prepared.total)
    record = books.reader().read_change_order(number, deadline=Deadline.after(PATIENCE_SECONDS))
    assert record.row_id == there[number].row_id
    assert (record.date, record.description, record.status) == (draft.dated, draft.title, "Approved")
    assert [
        (one.line_number, one.subcontract_line, one.cost_code, one.cost_type, one.amount)
        for one in record.lines
    ] == [
        (one.line_number, one.subcontract_line, one.cost_code, one.cost_type, one.amount)
        for one in prepared.lines
    ]


def test_a_database_that_nobody_accepted_proves_nothing(books: Books) -> None:
    reference = books.references()["deleted"]
    books.sage(lambda sandbox: sandbox.delete(reference.record_number, user=SAGE_USER))
    for incarnation in ("", "another"):
        finding = books.look(reference, accepted_incarnation=incarnation)
        assert finding.verdict is Verdict.UNKNOWN
        assert not finding.proves_absence
    finding = books.look(reference, database="Another Company")
    assert finding.fault is not None
    assert finding.fault.code == "wrong-database"
    with pytest.raises(ErpError):
        books.reader(accepted_incarnation="another").read_job(
            reference.job_record_number, deadline=Deadline.after(PATIENCE_SECONDS)
        )

"""The practice company's writer: once for its key, whole or not at all but where a fault says otherwise."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.ports import (
    ChangeOrderDraft,
    ChangeOrderEntry,
    ChangeOrdersFound,
    ConnectionSpec,
    Deadline,
    DraftLine,
    EntryLine,
    ErpChangeOrderFound,
    ErpChangeOrderLine,
    ErpError,
    ErpSandbox,
    FaultKind,
    Misconfigured,
    PreparedLine,
    Unavailable,
    WriteRefused,
)
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from sage_adapter.sandbox.enter_change_order import enter_lines
from sage_adapter.sandbox_writer import open_sandbox_writer
from sage_adapter.worksheet import prepare
from tests.adapter.test_entering import books_of
from tests.adapter.test_sandbox import assert_totals_true, rows, totals

DRAFT = ChangeOrderDraft(
    key=uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e"),
    number="11-90",
    dated=date(2026, 3, 9),
    title="Deeper footings at grid C",
    description="As discussed on site.",
    job_record_number="2611",
    phase="1",
    subcontract_record_number="1201",
    vendor_record_number="301",
    lines=(
        DraftLine(1, "Deeper footings", "3310.000", "4", "1", Decimal("1250.50")),
        DraftLine(2, "Finishing", "3350.500", "4", "2", Decimal("300.00")),
        DraftLine(3, "Credit", "3310.000", "4", "1", Decimal("-50.50")),
        DraftLine(4, "Night work", "3310.000", "4", "", Decimal("800.00")),
    ),
)


def soon() -> Deadline:
    return Deadline.after(10)


@pytest.fixture
def folder(copied: Path) -> Path:
    return copied


@pytest.fixture
def sandbox(folder: Path) -> ErpSandbox:
    return open_sandbox(folder)


@pytest.fixture
def spec(sandbox: ErpSandbox, folder: Path) -> ConnectionSpec:
    unchecked = ConnectionSpec(
        "sage-100-contractor-sandbox",
        sandbox.company().name,
        "",
        sandbox_path=folder,
        second_look_seconds=0.0,
    )
    accepted = open_reader(unchecked).handshake(deadline=soon()).incarnation
    return replace(unchecked, accepted_incarnation=accepted)


def write(spec: ConnectionSpec, draft: ChangeOrderDraft = DRAFT, *, seconds: float = 10) -> str:
    return open_sandbox_writer(spec).write(draft, deadline=Deadline.after(seconds))


def written(spec: ConnectionSpec) -> list[ErpChangeOrderFound]:
    """What a reader finds that carries the draft's key."""
    found = open_reader(spec).find_change_orders(
        job_record_number="2611", subcontract_record_number="1201", deadline=soon()
    )
    return [one for one in found.found if one.key == str(DRAFT.key)]


def alike(line: ErpChangeOrderLine | PreparedLine) -> tuple[object, ...]:
    """What a line says before it is written and after."""
    codes = (line.cost_code, line.cost_type, line.subcontract_line)
    return (line.line_number, line.description, *codes, line.amount)


def test_what_was_prepared_is_what_is_read_back(spec: ConnectionSpec) -> None:
    writer = open_sandbox_writer(spec)
    assert not writer.by_hand
    prepared = writer.prepare(DRAFT)
    assert prepared == prepare(DRAFT)
    record = open_reader(spec).read_change_order(write(spec), deadline=soon())
    assert (record.number, record.job_record_number, record.phase, record.description, record.date) == (
        prepared.number,
        "2611",
        "1",
        "Deeper footings at grid C",
        DRAFT.dated,
    )
    assert record.status == "Approved"
    assert [alike(line) for line in record.lines] == [alike(line) for line in prepared.lines]
    assert {line.vendor_record_number for line in record.lines} == {"301"}
    assert {line.subcontract_record_number for line in record.lines} == {"1201"}
    assert {line.sub_change_number for line in record.lines} == {"11-90"}


def test_what_is_keyed_in_from_the_worksheet_is_the_same_change_order(
    spec: ConnectionSpec, sandbox: ErpSandbox
) -> None:
    header, *lines = (
        {one.label: one.value for one in fields}
        for fields in (prepare(DRAFT).header, *(line.cells for line in prepare(DRAFT).lines))
    )
    by_hand = sandbox.key_in(
        ChangeOrderEntry(
            number=header["Change#"],
            dated=datetime.strptime(header["Date"], "%m/%d/%Y").replace(tzinfo=UTC).date(),
            job_record_number=header["Job"],
            phase=header["Phase"],
            description=header["Description"],
            scope=header["Scope"],
            lines=tuple(
                EntryLine(
                    vendor_record_number=line["Vendor"],
                    description=line["Description"],
                    subcontract_record_number=line["Subcontract"],
                    subcontract_line=line["Subcontract line"],
                    sub_change_number=line["Change#"],
                    cost_code=line["Cost code"],
                    cost_type=line["Cost type"],
                    amount=Decimal(line["Budget amount"]),
                )
                for line in lines
            ),
        ),
        user="ACCT1",
    )
    keyed_in, written_in = (
        open_reader(spec).read_change_order(number, deadline=soon()) for number in (by_hand, write(spec))
    )
    assert replace(keyed_in, row_id=DRAFT.key, record_number="") == replace(
        written_in, row_id=DRAFT.key, record_number=""
    )


def test_it_is_found_by_its_key_with_its_amount(spec: ConnectionSpec) -> None:
    number = write(spec)
    (found,) = written(spec)
    assert (found.record_number, found.number, found.amount) == (number, "11-90", Decimal("2300.00"))
    assert found.sub_change_numbers == ("11-90",)


def test_totals_and_history_are_as_sage_keeps_them(spec: ConnectionSpec, folder: Path) -> None:
    before, began = totals(folder, "1201"), datetime.now(UTC)
    number = int(write(spec))
    assert totals(folder, "1201") == (before[0], before[1] + 2300, before[2] + 2300)
    assert_totals_true(folder)
    history = "SELECT _Action, _User, _Application, _Date FROM dbo_Audit.prmchg WHERE recnum = ?"
    ((action, user, application, at),) = rows(folder, history, number)
    assert (action, user, application) == ("insert", "PLUMBLINE", "Plumbline")
    assert abs(datetime.fromisoformat(f"{at}+00:00") - began).total_seconds() < 60
    assert rows(folder, "SELECT COUNT(*) FROM dbo_Audit.sbcgln WHERE recnum = ?", number) == [(3,)]
    ((scope,),) = rows(folder, "SELECT chgscp FROM dbo.prmchg WHERE recnum = ?", number)
    assert scope == "As discussed on site."


def test_the_same_key_is_written_once(spec: ConnectionSpec, folder: Path) -> None:
    number, before = write(spec), books_of(folder)
    assert write(spec) == number
    assert write(spec, replace(DRAFT, number="11-91")) == number
    assert books_of(folder) == before


def test_two_that_look_at_once_and_find_nothing_still_write_once(
    spec: ConnectionSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(spec)
    monkeypatch.setattr(
        "sage_adapter.reader.SageReader.find_change_orders", lambda *_, **__: ChangeOrdersFound(())
    )
    assert write(spec) == first
    monkeypatch.undo()
    assert len(written(spec)) == 1


def test_another_key_with_the_same_number_is_another_record(spec: ConnectionSpec) -> None:
    assert write(spec) != write(spec, replace(DRAFT, key=uuid.uuid4()))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"subcontract_record_number": "9999"}, "There is no subcontract 9999."),
        ({"vendor_record_number": "302"}, "is with vendor 301"),
        ({"job_record_number": "2609", "phase": "0"}, "closed"),
        ({"lines": (replace(DRAFT.lines[0], amount=Decimal(10**10)),)}, "ten digits"),
    ],
)
def test_what_sage_would_not_save_is_refused_and_nothing_is_written(
    spec: ConnectionSpec, folder: Path, changed: dict[str, str], words: str
) -> None:
    before = books_of(folder)
    with pytest.raises(WriteRefused, match=words):
        write(spec, replace(DRAFT, **changed))  # type: ignore[arg-type]
    assert books_of(folder) == before


# --- what may go wrong -----------------------------------------------------------------------------

BEFORE_WRITING = {
    "offline": (Unavailable, "unreachable"),
    "slow:3600": (Unavailable, "timed-out"),
    "locked": (Unavailable, "locked"),
    "deadlock": (Unavailable, "deadlock"),
    "drops": (Unavailable, "link-lost"),
    "login-refused": (Misconfigured, "login-refused"),
    "app-refused": (Misconfigured, "application-refused"),
    "no-rights": (Misconfigured, "no-rights"),
    "wrong-database": (Misconfigured, "wrong-database"),
    "restored": (Misconfigured, "other-incarnation"),
    "missing-table": (Misconfigured, "table-missing"),
    "missing-column": (Misconfigured, "column-missing"),
    "emptied": (Misconfigured, "empty-database"),
}


def test_every_fault_either_strikes_before_the_writing_or_after_or_not_at_all(sandbox: ErpSandbox) -> None:
    known = {name.replace("SECONDS", "3600") for name in sandbox.faults()}
    not_at_all = {"no-audit", "half-restored", "rebuilt-ids", "archiving"}
    assert known == {*BEFORE_WRITING, "half-written", "unanswered", *not_at_all, "none"}


@pytest.mark.parametrize("fault", BEFORE_WRITING)
def test_a_fault_on_the_way_in_writes_nothing(
    spec: ConnectionSpec, sandbox: ErpSandbox, folder: Path, fault: str
) -> None:
    sandbox.set_fault(fault)
    family, code = BEFORE_WRITING[fault]
    with pytest.raises(family) as raised:
        write(spec, seconds=1)
    assert raised.value.fault.code in (code, "deadline")
    sandbox.set_fault("none")
    assert written(spec) == []
    write(spec)
    assert len(written(spec)) == 1


def test_history_that_may_not_be_read_keeps_nobody_from_writing(
    spec: ConnectionSpec, sandbox: ErpSandbox
) -> None:
    sandbox.set_fault("no-audit")
    write(spec)
    assert len(written(spec)) == 1


def test_a_writer_that_dies_after_the_header_leaves_a_header_without_lines(
    spec: ConnectionSpec, sandbox: ErpSandbox, folder: Path
) -> None:
    before = totals(folder, "1201")
    sandbox.set_fault("half-written")
    with pytest.raises(Unavailable) as raised:
        write(spec)
    assert raised.value.fault.code == "link-lost"
    (found,) = written(spec)
    assert (found.number, found.amount, found.sub_change_numbers) == ("11-90", None, ())
    assert open_reader(spec).read_change_order(found.record_number, deadline=soon()).lines == ()
    assert totals(folder, "1201") == before

    sandbox.set_fault("none")
    assert write(spec) == found.record_number, "it is there under its key: nothing is written beside it"
    assert len(written(spec)) == 1
    sandbox.delete(found.record_number, user="ACCT1")
    assert write(spec) == found.record_number, "the number of the last record is given again"
    (anew,) = written(spec)
    assert (anew.amount, anew.row_id != found.row_id) == (Decimal("2300.00"), True)


def test_a_time_out_after_everything_was_written_does_not_write_twice(
    spec: ConnectionSpec, sandbox: ErpSandbox, folder: Path
) -> None:
    sandbox.set_fault("unanswered")
    with pytest.raises(Unavailable) as raised:
        write(spec)
    assert raised.value.fault.code == "timed-out"
    (found,) = written(spec)
    assert found.amount == Decimal("2300.00")
    before = books_of(folder)
    assert write(spec) == found.record_number
    assert books_of(folder) == before
    assert_totals_true(folder)


def test_a_reader_feels_nothing_of_the_faults_of_a_writer(spec: ConnectionSpec, sandbox: ErpSandbox) -> None:
    for fault in ("half-written", "unanswered"):
        sandbox.set_fault(fault)
        assert open_reader(spec).handshake(deadline=soon()).good
        assert written(spec) == []
        with pytest.raises(ValueError, match="whole company"):
            sandbox.set_fault(fault, record_number="701")


def holding_the_books(folder: Path, *, during: Callable[[], object]) -> None:
    """While somebody in Sage saves and does not finish."""
    somebody = sqlite3.connect(folder / "company.sqlite", isolation_level=None)
    try:
        somebody.execute("BEGIN IMMEDIATE")
        during()
        somebody.execute("ROLLBACK")
    finally:
        somebody.close()


def test_somebody_who_is_saving_is_waited_for_no_longer_than_the_deadline(
    spec: ConnectionSpec, folder: Path
) -> None:
    def refused() -> None:
        with pytest.raises(Unavailable) as raised:
            write(spec, seconds=0.5)
        assert raised.value.fault.code == "locked"

    holding_the_books(folder, during=refused)
    assert written(spec) == []


def test_what_is_not_saved_by_the_deadline_is_undone(
    spec: ConnectionSpec, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits any more: the CCO may be on its way back to the project team."""

    def enter_for_too_long(*args: Any, **options: Any) -> None:
        enter_lines(*args, **options)
        time.sleep(1.1)

    monkeypatch.setattr("sage_adapter.sandbox_writer.enter_lines", enter_for_too_long)
    before = sandbox.change_orders()

    with pytest.raises(Unavailable) as raised:
        write(spec, seconds=1)

    assert raised.value.fault.code == "deadline"
    assert (written(spec), sandbox.change_orders()) == ([], before)


def test_after_the_deadline_nothing_is_written(spec: ConnectionSpec) -> None:
    with pytest.raises(Unavailable):
        write(spec, seconds=0)
    assert written(spec) == []


def test_a_backup_restored_between_looking_and_writing_is_not_written_to(
    spec: ConnectionSpec, sandbox: ErpSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sage_adapter.sandbox_writer.check_deadline", lambda _: sandbox.restore_backup())
    with pytest.raises(Misconfigured) as raised:
        write(spec)
    assert raised.value.fault.code == "other-incarnation"
    assert rows(folder, "SELECT COUNT(*) FROM dbo.prmchg WHERE usrdf1 <> ''") == [(0,)]


# --- never a real Sage -----------------------------------------------------------------------------


def test_a_spec_that_leads_to_real_books_gets_no_writer(spec: ConnectionSpec) -> None:
    for real in (
        replace(spec, sandbox_path=None, odbc_string="DRIVER=FreeTDS;DATABASE=Books"),
        replace(spec, odbc_string="DRIVER=FreeTDS;DATABASE=Books"),
        replace(spec, sandbox_path=None),
    ):
        with pytest.raises(Misconfigured):
            open_sandbox_writer(real)


def test_a_database_nobody_accepted_is_not_written_to(spec: ConnectionSpec, folder: Path) -> None:
    before = books_of(folder)
    for incarnation, code in (("", "connection-unchecked"), ("another", "other-incarnation")):
        with pytest.raises(ErpError) as raised:
            write(replace(spec, accepted_incarnation=incarnation))
        assert (raised.value.fault.kind, raised.value.fault.code) == (FaultKind.MISCONFIGURED, code)
    assert books_of(folder) == before

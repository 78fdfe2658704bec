"""A new change order in window 6-4-1: what is saved, and what is refused with nothing saved at all."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.ports import ChangeOrderEntry, EntryLine, ErpSandbox, NoSuchRecord, WriteRefused
from sage_adapter.sandbox import open_sandbox
from sage_adapter.sandbox.writer import open_books
from tests.adapter.test_sandbox import assert_totals_true, rows, totals

USER = "ACCT2"
LINE = EntryLine(
    vendor_record_number="301",
    description="Deeper footings",
    subcontract_record_number="1201",
    subcontract_line="1",
    sub_change_number="01-90",
    cost_code="3310.000",
    cost_type="4",
    amount=Decimal("1250.50"),
)
SECOND = replace(LINE, subcontract_line="2", cost_code="3350.5", amount=Decimal("-50.50"))
ADDS = replace(LINE, subcontract_line="", description="Night work", amount=Decimal("800.00"))
BUDGET = EntryLine("", "Contingency", "", "", "", "2200.000", "4", Decimal("-100.00"))
ENTRY = ChangeOrderEntry(
    number="11-90",
    dated=date(2026, 3, 9),
    job_record_number="2611",
    phase="1",
    description="Deeper footings at grid C",
    scope="As discussed on site.",
    lines=(LINE, SECOND),
)


@pytest.fixture
def folder(copied: Path) -> Path:
    return copied


@pytest.fixture
def sandbox(folder: Path) -> ErpSandbox:
    return open_sandbox(folder)


def books_of(folder: Path) -> str:
    """Everything the company holds, history included."""
    tables = [
        f"{schema}.{name}"
        for schema in ("dbo", "dbo_Audit")
        for (name,) in rows(folder, f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")
    ]
    return json.dumps([rows(folder, f"SELECT * FROM {table}") for table in tables])


def test_a_change_order_is_saved_as_it_was_keyed_in(sandbox: ErpSandbox) -> None:
    number = sandbox.key_in(ENTRY, user=USER)
    saved = sandbox.change_order(number)
    assert (saved.number, saved.date, saved.job_record_number, saved.phase, saved.description) == (
        "11-90",
        date(2026, 3, 9),
        "2611",
        "1",
        "Deeper footings at grid C",
    )
    assert saved.status == "Approved"
    assert {line.status for line in saved.lines} == {"Approved"}
    told = [
        (
            line.line_number,
            line.vendor_record_number,
            line.subcontract_record_number,
            line.subcontract_line,
            line.sub_change_number,
            line.cost_code,
            line.cost_type,
            str(line.amount),
        )
        for line in saved.lines
    ]
    assert told == [
        (1, "301", "1201", "1", "01-90", "3310.000", "4", "1250.50"),
        (2, "301", "1201", "2", "01-90", "3350.500", "4", "-50.50"),
    ]


def test_it_counts_at_once_on_the_subcontract_and_on_its_lines(sandbox: ErpSandbox, folder: Path) -> None:
    def of_lines() -> list[Decimal]:
        found = rows(folder, 'SELECT "change" FROM dbo.sbcnln WHERE recnum = 1201 ORDER BY linnum')
        return [Decimal(str(one)) for (one,) in found]

    before, lines_before = totals(folder, "1201"), of_lines()
    sandbox.key_in(ENTRY, user=USER)
    assert totals(folder, "1201") == (before[0], before[1] + 1200, before[2] + 1200)
    assert of_lines() == [lines_before[0] + Decimal("1250.50"), lines_before[1] - Decimal("50.50")]
    assert_totals_true(folder)


def test_the_history_says_who_saved_it_with_what(sandbox: ErpSandbox, folder: Path) -> None:
    number = int(sandbox.key_in(ENTRY, user=USER))
    for table, count in (("prmchg", 1), ("sbcgln", 2)):
        found = rows(
            folder, f"SELECT _Action, _User, _Application FROM dbo_Audit.{table} WHERE recnum = ?", number
        )
        assert found == [("insert", USER, "Sage 100 Contractor")] * count
    ((scope, key),) = rows(folder, "SELECT chgscp, usrdf1 FROM dbo.prmchg WHERE recnum = ?", number)
    assert (scope, key) == ("As discussed on site.", "")


def test_a_line_that_names_no_subcontract_line_adds_one_that_carries_its_amount(
    sandbox: ErpSandbox, folder: Path
) -> None:
    number = sandbox.key_in(replace(ENTRY, lines=(LINE, ADDS, ADDS)), user=USER)
    added = 'SELECT linnum, dscrpt, cstcde, amount, "change", remain FROM dbo.sbcnln WHERE recnum = 1201'
    assert rows(folder, added)[2:] == [
        (3, "Night work", 3310, 0, 800, 800),
        (4, "Night work", 3310, 0, 800, 800),
    ]
    assert [line.subcontract_line for line in sandbox.change_order(number).lines] == ["1", "", ""]
    assert_totals_true(folder)
    sandbox.delete(number, user=USER)
    assert [row[3:] for row in rows(folder, added)[2:]] == [(0, 0, 0)] * 2
    sandbox.restore(number, user=USER)
    assert [row[3:] for row in rows(folder, added)[2:]] == [(0, 800, 800)] * 2


def test_a_pure_budget_change_touches_no_subcontract(sandbox: ErpSandbox, folder: Path) -> None:
    before = rows(folder, "SELECT * FROM dbo.subcon")
    number = sandbox.key_in(replace(ENTRY, lines=(BUDGET,)), user=USER)
    assert sandbox.change_order(number).lines[0].subcontract_record_number == ""
    assert rows(folder, "SELECT * FROM dbo.subcon") == before


def test_numbers_need_not_be_unique_and_may_be_missing(sandbox: ErpSandbox) -> None:
    first, again, bare = (
        sandbox.key_in(replace(ENTRY, number=number), user=USER) for number in ("11-90", "11-90", "")
    )
    assert int(first) < int(again) < int(bare)


def without(**changed: Any) -> ChangeOrderEntry:
    """The entry whose second line is changed so."""
    return replace(ENTRY, lines=(LINE, replace(SECOND, **changed)))


JOB, CONTRACT, VENDOR, CONTRACT_LINE = (
    "job_record_number",
    "subcontract_record_number",
    "vendor_record_number",
    "subcontract_line",
)
UNIT_BROKEN = replace(ENTRY, lines=(LINE, replace(BUDGET, subcontract_line="1")))
ELSEWHERE = without(subcontract_record_number="1205", vendor_record_number="305")
REFUSED = {
    "no such job": (replace(ENTRY, job_record_number="9999"), JOB, 0, "There is no job 9999."),
    "a job that is no number": (replace(ENTRY, job_record_number="2611x"), JOB, 0, "no job 2611x"),
    "a closed job": (replace(ENTRY, job_record_number="2609", phase="0"), JOB, 0, "is closed"),
    "no such phase": (replace(ENTRY, phase="3"), "phase", 0, "Job 2611 has no phase 3."),
    "a phase that is no number": (replace(ENTRY, phase="one"), "phase", 0, "no phase one"),
    "a long number": (replace(ENTRY, number="x" * 21), "number", 0, "20 characters"),
    "a long description": (replace(ENTRY, description="🏗" * 26), "description", 0, "50 characters"),
    "a long scope": (replace(ENTRY, scope="x" * 1_001), "scope", 0, "1,000 characters"),
    "no such subcontract": (without(subcontract_record_number="9999"), CONTRACT, 2, "no subcontract 9999"),
    "another job's subcontract": (ELSEWHERE, CONTRACT, 2, "is of job 2612, not of 2611"),
    "another vendor": (without(vendor_record_number="302"), VENDOR, 2, "is with vendor 301, not 302"),
    "no such line": (without(subcontract_line="7"), CONTRACT_LINE, 2, "has no line 7"),
    "a line that is no number": (without(subcontract_line="-1"), CONTRACT_LINE, 2, "has no line -1"),
    "a line changed twice": (without(subcontract_line="1"), CONTRACT_LINE, 2, "changed a second time"),
    "the same, spelt otherwise": (without(subcontract_line="01"), CONTRACT_LINE, 2, "a second time"),
    "no vendor": (without(vendor_record_number=""), VENDOR, 2, "together"),
    "no subcontract": (without(subcontract_record_number=""), CONTRACT, 2, "together"),
    "no change number": (without(sub_change_number=""), "sub_change_number", 2, "together"),
    "a line of no subcontract": (UNIT_BROKEN, VENDOR, 2, "together"),
    "no cost code": (without(cost_code=""), "cost_code", 2, "needs a cost code"),
    "an unknown cost code": (without(cost_code="3310.001"), "cost_code", 2, "no cost code 3310.001"),
    "a cost code that is none": (without(cost_code="concrete"), "cost_code", 2, "no cost code concrete"),
    "an unknown cost type": (without(cost_type="0"), "cost_type", 2, "There is no cost type 0."),
    "three decimals": (without(amount=Decimal("1.005")), "amount", 2, "two decimals"),
    "too much": (without(amount=Decimal(10**10)), "amount", 2, "ten digits"),
    "no amount": (without(amount=Decimal("NaN")), "amount", 2, "two decimals"),
    "a long line number": (without(sub_change_number="x" * 21), "sub_change_number", 2, "20 characters"),
    "a long line": (without(description="x" * 51), "description", 2, "50 characters"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_sage_would_not_save_is_refused_whole_at_its_field(
    sandbox: ErpSandbox, folder: Path, case: str
) -> None:
    entry, field, place, words = REFUSED[case]
    before = books_of(folder)
    with pytest.raises(WriteRefused, match=words.replace(".", r"\.")) as raised:
        sandbox.key_in(entry, user=USER)
    assert (raised.value.field, raised.value.line) == (field, place)
    assert books_of(folder) == before


def test_a_closed_subcontract_takes_no_change(sandbox: ErpSandbox, folder: Path) -> None:
    with open_books(folder) as books:
        books.update("subcon", "recnum = ?", (1201,), {"status": 6}, user=USER)
    before = books_of(folder)
    with pytest.raises(WriteRefused, match="Subcontract 1201 is closed"):
        sandbox.key_in(ENTRY, user=USER)
    assert books_of(folder) == before


def test_nothing_is_keyed_into_a_company_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRecord, match="no practice company"):
        open_sandbox(tmp_path).key_in(ENTRY, user=USER)

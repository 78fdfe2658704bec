"""What was signed off beside what the ERP holds: equal is equal, and every difference is told."""

import dataclasses
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from erp_integrations.drafts import comparison
from erp_integrations.drafts.comparison import Difference
from erp_integrations.ports import (
    ErpChangeOrder,
    ErpChangeOrderFound,
    ErpChangeOrderLine,
    PreparedChangeOrder,
    PreparedField,
    PreparedLine,
)


def _field(label: str, value: str) -> PreparedField:
    return PreparedField(label, value, value)


def _prepared_line(number: int, *, changes: str, amount: str, cost_code: str = "5100.000") -> PreparedLine:
    return PreparedLine(
        line_number=number,
        description="Steel",
        cost_code=cost_code,
        cost_type="4",
        subcontract_line=changes,
        amount=Decimal(amount),
        made_of=(number,),
        cells=(_field("Status", "1-Approved"), _field("Change#", "14-5")),
    )


def _found_line(number: int, *, changes: str, amount: str, cost_code: str = "5100.000") -> ErpChangeOrderLine:
    return ErpChangeOrderLine(
        line_number=number,
        description="keyed in otherwise",
        vendor_record_number="120",
        subcontract_record_number="31",
        subcontract_line=changes,
        sub_change_number="14-5",
        status="Approved",
        cost_code=cost_code,
        cost_type="4",
        amount=Decimal(amount),
    )


PREPARED = PreparedChangeOrder(
    window="6-4-1 Change Orders",
    grid="Budget and Sub Change Details",
    number="14-5",
    job_record_number="2040",
    phase="0",
    subcontract_record_number="31",
    vendor_record_number="120",
    header=(
        _field("Date", "11/30/2026"),
        _field("Description", "Added steel"),
        _field("Status", "1-Approved"),
        _field("Scope", "Beams and columns\nlevel 2"),
    ),
    lines_there=("1", "2", "3"),
    lines=(
        _prepared_line(1, changes="1", amount="100.00"),
        _prepared_line(2, changes="2", amount="-25.50"),
        _prepared_line(3, changes="", amount="7.00", cost_code="6200.000"),
    ),
)
FOUND = ErpChangeOrder(
    row_id=uuid.uuid4(),
    record_number="57",
    number="14-5",
    job_record_number="2040",
    phase="0",
    description="Added steel",
    status="Approved",
    date=date(2026, 11, 30),
    scope="Beams and columns\r\nlevel 2",
    lines=(
        _found_line(1, changes="1", amount="100.00"),
        _found_line(2, changes="2", amount="-25.50"),
        _found_line(3, changes="9", amount="7.00", cost_code="6200.000"),
    ),
)


NEW_LINE = "Amount of a new subcontract line, cost code 6200.000, cost type 4"


def test_what_is_as_signed_off_has_no_difference_whatever_number_an_added_line_got() -> None:
    assert comparison.differences(PREPARED, FOUND) == ()


def test_blanks_and_case_of_a_number_are_no_difference() -> None:
    prepared = dataclasses.replace(PREPARED, number="a-5")

    assert comparison.differences(prepared, dataclasses.replace(FOUND, number=" A-5 ")) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"number": "14-6"}, Difference("Change number", "14-5", "14-6")),
        ({"job_record_number": "2041"}, Difference("Job", "2040", "2041")),
        ({"phase": "2"}, Difference("Phase", "0", "2")),
        ({"status": "Void"}, Difference("Status", "Approved", "Void")),
        ({"status": "Open"}, Difference("Status", "Approved", "Open")),
        ({"date": date(2026, 12, 1)}, Difference("Date", "11/30/2026", "12/01/2026")),
        ({"date": None}, Difference("Date", "11/30/2026", "")),
        ({"description": "Added stairs"}, Difference("Title", "Added steel", "Added stairs")),
        ({"scope": ""}, Difference("Scope", "Beams and columns\nlevel 2", "")),
    ],
)
def test_the_header_is_compared(change: dict[str, Any], told: Difference) -> None:
    assert comparison.differences(PREPARED, dataclasses.replace(FOUND, **change)) == (told,)


def _with_line(at: int, **change: Any) -> ErpChangeOrder:
    lines = list(FOUND.lines)
    lines[at] = dataclasses.replace(lines[at], **change)
    return dataclasses.replace(FOUND, lines=tuple(lines))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            _with_line(0, amount=Decimal("100.01")),
            [Difference("Amount of subcontract line 1", "100.00", "100.01")],
        ),
        (
            _with_line(2, amount=Decimal("70.00")),
            [Difference(NEW_LINE, "7.00", "70.00")],
        ),
        (_with_line(0, vendor_record_number="121"), [Difference("Vendor", "120", "121")]),
        (
            _with_line(0, status="Rejected"),
            [Difference("Status of subcontract line 1", "Approved", "Rejected")],
        ),
        (
            _with_line(1, cost_code="5100.500"),
            [Difference("Cost code of subcontract line 2", "5100.000", "5100.500")],
        ),
        (_with_line(1, cost_type="3"), [Difference("Cost type of subcontract line 2", "4", "3")]),
        (
            _with_line(0, sub_change_number="14-6"),
            [Difference("Change number of subcontract line 1", "14-5", "14-6")],
        ),
        (
            _with_line(1, subcontract_record_number="32"),
            [
                Difference("Amount of subcontract line 2", "-25.50", "no line"),
            ],
        ),
        (
            dataclasses.replace(FOUND, lines=FOUND.lines[:2]),
            [Difference(NEW_LINE, "7.00", "no line")],
        ),
        (
            dataclasses.replace(FOUND, lines=(*FOUND.lines, FOUND.lines[0])),
            [Difference("Amount of subcontract line 1", "100.00", "200.00 in 2 lines")],
        ),
    ],
)
def test_every_line_is_compared(found: ErpChangeOrder, told: list[Difference]) -> None:
    assert [
        one for one in comparison.differences(PREPARED, found) if one.what != "Vendor" or one in told
    ] == told


def test_a_line_keyed_in_on_an_existing_line_is_not_taken_for_one_that_adds_a_line() -> None:
    assert comparison.differences(PREPARED, _with_line(2, subcontract_line="3")) == (
        Difference(NEW_LINE, "7.00", "no line"),
        Difference("Amount of subcontract line 3", "no line", "7.00"),
    )


def test_lines_of_the_budget_only_and_of_other_subcontracts_are_a_fact_and_no_difference() -> None:
    others = (
        dataclasses.replace(FOUND.lines[0], subcontract_record_number="", vendor_record_number=""),
        dataclasses.replace(FOUND.lines[0], subcontract_record_number="32", status="Void"),
    )
    found = dataclasses.replace(FOUND, lines=(*FOUND.lines, *others))

    assert comparison.differences(PREPARED, found) == ()
    facts = [one for one in comparison.compare(PREPARED, found) if not one.compared]
    assert [(one.what, one.found) for one in facts] == [("Lines on other subcontracts, or on none", "2 of 5")]


def test_two_wrongs_that_sum_up_to_the_right_total_are_two_differences() -> None:
    swapped = dataclasses.replace(
        FOUND,
        lines=(
            dataclasses.replace(FOUND.lines[0], amount=Decimal("-25.50")),
            dataclasses.replace(FOUND.lines[1], amount=Decimal("100.00")),
            FOUND.lines[2],
        ),
    )

    assert len(comparison.differences(PREPARED, swapped)) == 2


# --- which record is it? ---


def _record(record_number: str, **change: Any) -> ErpChangeOrderFound:
    usual = ErpChangeOrderFound(
        row_id=uuid.uuid4(),
        record_number=record_number,
        number="14-5",
        job_record_number="2040",
        phase="0",
        status="Approved",
        key="",
        sub_change_numbers=(),
        amount=Decimal("81.50"),
    )
    return dataclasses.replace(usual, **change)


def test_an_equal_number_on_another_job_or_phase_is_another_record() -> None:
    found = (
        _record("1", job_record_number="2041"),
        _record("2", phase="1"),
        _record("3", number=" 14-5"),
        _record("4", number="14-50"),
    )

    assert [one.record_number for one in comparison.carrying("14-5", "2040", "0", found)] == ["3"]


def test_what_an_export_has_written_is_known_by_its_key() -> None:
    key = str(uuid.uuid4())
    found = (_record("1"), _record("2", key=key.upper(), number="somebody renumbered it"))

    assert [one.record_number for one in comparison.written_by(key, found)] == ["2"]


def test_the_same_amount_counts_on_the_same_subcontract_only() -> None:
    found = (_record("1"), _record("2", amount=None), _record("3", amount=Decimal("81.51")))

    assert [one.record_number for one in comparison.with_the_amount(Decimal("81.5"), found)] == ["1"]

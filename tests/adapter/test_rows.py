"""Raw rows become values that mean one thing, or are refused."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from erp_integrations.ports import Unexpected
from sage_adapter import rows
from sage_adapter.faults import FAULTS

ROW_ID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
UPPER = str(ROW_ID).upper()
MOMENT = datetime.fromisoformat("2026-11-20T14:03:07.123")
"""In the server's local time: naive, as drivers give it."""


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(Unexpected) as caught:
        read()
    return caught.value.fault.code


@pytest.mark.parametrize("given", [UPPER, UPPER.lower(), f"{{{UPPER}}}", f" {UPPER} ", ROW_ID])
def test_a_row_id_is_the_same_in_either_case_with_or_without_braces(given: object) -> None:
    assert rows.row_id(given) == ROW_ID


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1250, "1250.00"),
        (1250.5, "1250.50"),
        ("-10.1", "-10.10"),
        (Decimal("0.1"), "0.10"),
        (0.1 + 0.2, "0.30"),
    ],
)
def test_money_goes_through_text_and_has_two_places(given: object, kept: str) -> None:
    assert str(rows.amount(given)) == kept


@pytest.mark.parametrize("given", [None, "", "twelve", "NaN", "Infinity", True, b"12"])
def test_what_is_no_amount_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="not a number"):
        rows.amount(given)


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-20 14:03:07.123",
        "2026-11-20T14:03:07.1230000",
        MOMENT,
        MOMENT.replace(tzinfo=UTC),
    ],
)
def test_a_moment_is_read_as_text_or_as_a_value(given: object) -> None:
    assert rows.moment(given) == MOMENT


@pytest.mark.parametrize("given", ["2026-11-20", date(2026, 11, 20), MOMENT])
def test_a_day_is_read_as_text_or_as_a_value(given: object) -> None:
    assert rows.day(given) == date(2026, 11, 20)


def test_no_day_is_no_day() -> None:
    assert rows.day(None) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [(7, "7"), (7.0, "7"), ("7", "7"), (Decimal("7.000"), "7"), (2**40, str(2**40)), (0, "0")],
)
def test_a_record_number_is_text(given: object, kept: str) -> None:
    assert rows.record_number(given) == kept


@pytest.mark.parametrize("given", [None, -1, 7.5, "seven", "", True, float("nan"), "Infinity"])
def test_what_is_no_record_number_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"not a number|not whole|negative"):
        rows.record_number(given)


def test_a_number_keeps_its_case_and_loses_its_padding() -> None:
    assert rows.number(" CO-12a  ") == "CO-12a"
    assert rows.number("x" * 20) == "x" * 20


@pytest.mark.parametrize("given", [None, 12, "x" * 21])
def test_a_number_that_sage_cannot_hold_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"not text|too long"):
        rows.number(given)


def test_no_phase_is_phase_nought() -> None:
    assert rows.phase(None) == rows.phase(0) == "0"
    assert rows.phase(3) == "3"


def test_a_cost_code_has_three_places() -> None:
    assert rows.cost_code(3310) == rows.cost_code(3310.0) == rows.cost_code("3310.000") == "3310.000"
    assert rows.cost_code(None) == ""


# --- counts ---


@pytest.mark.parametrize("answer", [[], [(1,), (1,)]])
def test_a_single_count_is_one_row(answer: list[tuple[Any, ...]]) -> None:
    assert refused(lambda: rows.single_count(answer)) == "no-count"


# --- rows ---

HEADER = (12, UPPER, "CO-12 ", 2611, None, "Deeper footings", 1, "2026-11-02", "Grid C\r\n")


def changed(row: tuple[Any, ...], at: int, value: object) -> tuple[Any, ...]:
    return (*row[:at], value, *row[at + 1 :])


def test_a_header_is_read() -> None:
    read = rows.change_order_header(HEADER)
    assert read.row_id == ROW_ID
    assert (read.record_number, read.number, read.job_record_number, read.phase, read.status) == (
        "12",
        "CO-12",
        "2611",
        "0",
        "Approved",
    )
    assert read.scope == "Grid C"
    assert rows.change_order_header(changed(HEADER, 8, None)).scope == ""


@pytest.mark.parametrize(("code", "word"), rows.CHANGE_ORDER_STATUS.items())
def test_a_status_is_sages_own_word(code: int, word: str) -> None:
    assert rows.change_order_header(changed(HEADER, 6, code)).status == word


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, None),
        (0, -12),
        (1, None),
        (1, "not-a-row-id"),
        (2, None),
        (2, "1" * 21),
        (3, -1),
        (5, None),
        (6, None),
        (6, 0),
        (6, 7),
        (6, "Approved"),
        (7, "yesterday"),
        (8, 7),
    ],
)
def test_a_header_with_a_value_without_meaning_is_refused(at: int, value: object) -> None:
    assert refused(lambda: rows.change_order_header(changed(HEADER, at, value))) == "row-not-understood"


def test_a_row_of_another_width_is_refused() -> None:
    assert refused(lambda: rows.change_order_header(HEADER[:-1])) == "row-not-understood"


def test_a_line_is_read() -> None:
    line = rows.change_order_line((1, "Rebar", 301, 1201, None, "1201-1", 1, 3310.0, 4, 1250.5))
    assert line.subcontract_record_number == "1201"
    assert line.subcontract_line == ""
    assert (line.cost_code, line.cost_type, line.amount) == ("3310.000", "4", Decimal("1250.50"))


def test_a_budget_line_has_no_subcontract() -> None:
    line = rows.change_order_line((1, "", None, None, None, "", 2, None, None, 0))
    assert (line.vendor_record_number, line.subcontract_record_number, line.sub_change_number) == ("", "", "")


@pytest.mark.parametrize(
    ("at", "value", "evidence"),
    [
        (0, -12, "prmchg.recnum, a negative record number: -12"),
        (0, None, "prmchg.recnum, not a number: NULL"),
        (1, "{not one}", "prmchg._idnum, not a row id: '{not one}'"),
        (2, None, "prmchg.chgnum, not text: NULL"),
        (2, "9" * 40, "prmchg.chgnum, a number too long: '" + "9" * 39),
        (6, 9, "prmchg.status, a status outside the list: 9"),
        (2, "<b>" + "x" * 10_000_000, "prmchg.chgnum, a number too long: '<b>" + "x" * 36),
    ],
)
def test_what_was_not_understood_is_kept_as_evidence_and_cut_short(
    at: int, value: object, evidence: str
) -> None:
    with pytest.raises(Unexpected) as caught:
        rows.change_order_header(changed(HEADER, at, value))
    record = "record 12, "
    if at == 0:
        record = "" if value is None else f"record {value}, "
    what = FAULTS["row-not-understood"].what
    assert caught.value.fault.what == f"{what} ({record}{evidence})"


def test_where_a_value_was_not_understood_is_named_before_it() -> None:
    with pytest.raises(Unexpected) as caught, rows.refused_unless_understood(712):
        rows.at("prmchg.status", rows.change_order_status, 7)
    assert "(record 712, prmchg.status, a status outside the list: 7)" in caught.value.fault.what

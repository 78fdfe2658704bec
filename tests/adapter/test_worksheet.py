"""What Sage will hold of a CCO: cut to its widths, one line per line of the subcontract, nothing lost."""

import string
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.ports import (
    ChangeOrderDraft,
    ConnectionSpec,
    Deadline,
    DraftLine,
    PreparedField,
    WriteRefused,
)
from sage_adapter.worksheet import open_worksheet_writer, prepare

WIDTHS = {"Change#": 20, "Description": 50, "Scope": 1_000}
KEY = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def line(position: int, amount: str, subcontract_line: str = "", **changed: str) -> DraftLine:
    known = {"description": "Deeper footings", "cost_code": "3310.000", "cost_type": "4"} | changed
    return DraftLine(position=position, subcontract_line=subcontract_line, amount=Decimal(amount), **known)


def draft(*lines: DraftLine, **changed: Any) -> ChangeOrderDraft:
    known: dict[str, Any] = {
        "number": "11-90",
        "title": "Deeper footings at grid C",
        "description": "As discussed on site.",
        "job_record_number": "2611",
        "phase": "1",
        "subcontract_record_number": "1201",
        "vendor_record_number": "301",
    }
    return ChangeOrderDraft(key=KEY, dated=date(2026, 3, 9), lines=lines, **(known | changed))


def header(prepared_fields: tuple[PreparedField, ...]) -> dict[str, PreparedField]:
    return {one.label: one for one in prepared_fields}


def units(text: str) -> int:
    """Characters as nvarchar counts them."""
    return len(text.encode("utf-16-le")) // 2


def test_the_header_is_what_window_6_4_1_asks_for_in_its_order() -> None:
    prepared = prepare(draft(line(1, "10.00")))
    assert (prepared.window, prepared.grid) == ("6-4-1 Change Orders", "Budget and Sub Change Details")
    assert [(one.label, one.value) for one in prepared.header] == [
        ("Change#", "11-90"),
        ("Date", "03/09/2026"),
        ("Job", "2611"),
        ("Phase", "1"),
        ("Description", "Deeper footings at grid C"),
        ("Status", "1-Approved"),
        ("Scope", "As discussed on site."),
    ]
    assert not any(one.is_cut for one in prepared.header)


def test_a_line_of_the_grid_is_what_its_columns_ask_for_in_their_order() -> None:
    (only,) = prepare(draft(line(1, "-1234.5", "2"))).lines
    assert [(one.label, one.value) for one in only.cells] == [
        ("Vendor", "301"),
        ("Subcontract", "1201"),
        ("Subcontract line", "2"),
        ("Change#", "11-90"),
        ("Status", "1-Approved"),
        ("Description", "Deeper footings"),
        ("Cost code", "3310.000"),
        ("Cost type", "4"),
        ("Budget amount", "-1234.50"),
    ]


def test_five_lines_become_three_with_their_sums() -> None:
    prepared = prepare(
        draft(
            line(1, "100.00", "2"),
            line(2, "250.00", "1"),
            line(3, "-40.50", "2", description="Credit"),
            line(4, "75.00"),
            line(5, "1.25", "1"),
        )
    )
    told = [
        (one.line_number, one.subcontract_line, one.made_of, str(one.amount), one.description)
        for one in prepared.lines
    ]
    assert told == [
        (1, "2", (1, 3), "59.50", "Deeper footings; Credit"),
        (2, "1", (2, 5), "251.25", "Deeper footings"),
        (3, "", (4,), "75.00", "Deeper footings"),
    ]
    assert prepared.total == Decimal("385.75")


def test_lines_that_add_a_line_each_add_their_own_with_the_same_code_too() -> None:
    prepared = prepare(draft(line(1, "10.00"), line(2, "20.00")))
    assert [one.made_of for one in prepared.lines] == [(1,), (2,)]


def test_sums_of_nothing_and_below_nothing_are_lines_like_others() -> None:
    prepared = prepare(
        draft(line(1, "10.00", "1"), line(2, "-10.00", "1"), line(3, "-5.00", "2"), line(4, "0.00"))
    )
    assert [str(one.amount) for one in prepared.lines] == ["0.00", "-5.00", "0.00"]


def test_what_is_cut_shows_what_it_was() -> None:
    prepared = prepare(draft(line(1, "1.00", description="d" * 60), title="t" * 51, description="s" * 1_001))
    fields = header(prepared.header)
    assert {name for name, one in fields.items() if one.is_cut} == {"Description", "Scope"}
    assert (len(fields["Description"].value), len(fields["Scope"].value)) == (50, 1_000)
    assert fields["Description"].full == "t" * 51
    cell = header(prepared.lines[0].cells)["Description"]
    assert cell.is_cut
    assert cell.value == prepared.lines[0].description == "d" * 50


def test_a_number_of_twenty_characters_fits_and_one_of_twenty_one_shows_as_cut() -> None:
    assert prepare(draft(number="x" * 20)).number == "x" * 20
    cut = prepare(draft(line(1, "1.00"), number="x" * 20 + "y"))
    assert cut.number == "x" * 20
    assert header(cut.header)["Change#"].is_cut
    assert header(cut.lines[0].cells)["Change#"].is_cut


def test_an_emoji_counts_twice_and_is_never_cut_in_half() -> None:
    cut = header(prepare(draft(title="x" * 49 + "🏗")).header)["Description"]
    assert cut.value == "x" * 49
    assert not header(prepare(draft(title="x" * 48 + "🏗")).header)["Description"].is_cut


def test_codes_that_do_not_agree_within_one_line_show_what_falls_away() -> None:
    (only,) = prepare(
        draft(line(1, "1.00", "1"), line(2, "2.00", "1", cost_code="3350.500", cost_type="5"))
    ).lines
    cells = header(only.cells)
    assert (only.cost_code, only.cost_type) == ("3310.000", "4")
    assert (cells["Cost code"].full, cells["Cost type"].full) == ("3310.000, 3350.500", "4, 5")
    assert cells["Cost code"].is_cut
    assert cells["Cost type"].is_cut


def test_the_worksheet_is_for_hands_and_never_writes() -> None:
    writer = open_worksheet_writer(ConnectionSpec("sage-100-contractor", "Harbor Point", "accepted"))
    one = draft(line(1, "10.00"))
    assert writer.by_hand
    assert writer.prepare(one) == prepare(one)
    with pytest.raises(WriteRefused, match="nothing was written"):
        writer.write(one, deadline=Deadline.after(1))


# --- whatever comes --------------------------------------------------------------------------------

TEXT = st.text(max_size=70)
AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
LINES = st.lists(
    st.builds(
        DraftLine,
        position=st.just(0),
        description=TEXT,
        cost_code=st.sampled_from(["3310.000", "3350.500", "15100.000"]),
        cost_type=st.sampled_from(["1", "4", "5"]),
        subcontract_line=st.sampled_from(["", "1", "2", "3"]),
        amount=AMOUNTS,
    ),
    max_size=12,
)
DRAFTS = st.builds(
    ChangeOrderDraft,
    key=st.uuids(),
    number=st.text(string.printable, max_size=30),
    dated=st.dates(min_value=date(1900, 1, 1)),
    title=TEXT,
    description=st.text(max_size=1_200),
    job_record_number=st.just("2611"),
    phase=st.just("0"),
    subcontract_record_number=st.just("1201"),
    vendor_record_number=st.just("301"),
    lines=LINES.map(
        lambda lines: tuple(
            DraftLine(place, one.description, one.cost_code, one.cost_type, one.subcontract_line, one.amount)
            for place, one in enumerate(lines, start=1)
        )
    ),
)


@given(DRAFTS)
def test_nothing_is_lost_doubled_or_wider_than_sage(one: ChangeOrderDraft) -> None:
    prepared = prepare(one)
    assert prepared == prepare(one)
    assert prepared.total == sum((line.amount for line in one.lines), Decimal("0.00"))
    assert sorted(position for line in prepared.lines for position in line.made_of) == [
        line.position for line in one.lines
    ]
    changed = [line.subcontract_line for line in prepared.lines if line.subcontract_line]
    assert len(changed) == len(set(changed))
    firsts = [line.made_of[0] for line in prepared.lines]
    assert firsts == sorted(firsts)
    by_position = {line.position: line for line in one.lines}
    for line in prepared.lines:
        parts = [by_position[position] for position in line.made_of]
        assert line.amount == sum(part.amount for part in parts)
        assert {part.subcontract_line for part in parts} == {line.subcontract_line}
        assert [cell.label for cell in line.cells] == [cell.label for cell in prepared.lines[0].cells]
    for field in (*prepared.header, *(cell for line in prepared.lines for cell in line.cells)):
        assert units(field.value) <= WIDTHS.get(field.label, units(field.full))
        assert field.full.startswith(field.value)

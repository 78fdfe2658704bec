"""Which line of a subcontract is which line of the schedule of values."""

import uuid
from decimal import Decimal

from commitments.models import CommitmentLine, CostCode, CostType
from erp_integrations.ports import ErpSubcontractLine
from erp_integrations.record_links.line_matches import match_lines

CODE, OTHER_CODE = CostCode(pk=1, code="3310.000"), CostCode(pk=2, code="5100.000")
SUBCONTRACT = CostType(pk=1, code="4")


def _ours(position: int, description: str, amount: str, code: CostCode = CODE) -> CommitmentLine:
    return CommitmentLine(
        pk=position,
        position=position,
        description=description,
        cost_code=code,
        cost_type=SUBCONTRACT,
        amount=Decimal(amount),
    )


def _theirs(line_number: int, description: str, amount: str, code: str = "3310.000") -> ErpSubcontractLine:
    return ErpSubcontractLine(line_number, description, code, "4", Decimal(amount), uuid.uuid4())


def _matched(ours: list[CommitmentLine], theirs: list[ErpSubcontractLine]) -> list[tuple[int, int]]:
    found = match_lines(ours, theirs)
    return [
        (one.ours.position if one.ours else 0, one.theirs.line_number if one.theirs else 0) for one in found
    ]


def test_lines_are_matched_by_what_they_are_and_not_by_where_they_stand() -> None:
    ours = [_ours(1, "Footings", "100.00"), _ours(2, "Walls", "100.00")]
    theirs = [_theirs(1, "WALLS ", "100.00"), _theirs(2, "Footings", "100.00")]

    assert _matched(ours, theirs) == [(1, 2), (2, 1)]


def test_lines_that_are_alike_in_everything_are_taken_in_their_order() -> None:
    ours = [_ours(2, "Walls", "100.00"), _ours(1, "Walls", "100.00")]
    theirs = [_theirs(7, "Walls", "100.00"), _theirs(5, "Walls", "100.00")]

    assert _matched(ours, theirs) == [(1, 5), (2, 7)]


def test_a_description_that_is_longer_than_sage_holds_is_the_same_where_sage_cut_it() -> None:
    long = "Foundations and walls of the parking structure, level 2"
    ours = [_ours(1, "Other", "5.00"), _ours(2, long, "5.00")]

    assert _matched(ours, [_theirs(1, long[:50], "5.00"), _theirs(2, "Other", "5.00")]) == [(1, 2), (2, 1)]


def test_another_amount_is_the_same_line_only_where_its_code_leaves_no_choice() -> None:
    assert _matched([_ours(1, "Walls", "100.00")], [_theirs(1, "Walls", "90.00")]) == [(1, 1)]
    assert _matched(
        [_ours(1, "Walls", "100.00")], [_theirs(1, "Walls", "90.00"), _theirs(2, "Slab", "80.00")]
    ) == [(1, 0), (0, 1), (0, 2)]


def test_a_line_of_another_cost_code_is_another_line() -> None:
    ours = [_ours(1, "Walls", "100.00"), _ours(2, "Steel", "50.00", OTHER_CODE)]

    assert _matched(ours, [_theirs(1, "Walls", "100.00"), _theirs(2, "Steel", "50.00")]) == [
        (1, 1),
        (2, 0),
        (0, 2),
    ]


def test_a_line_without_a_row_id_is_shown_and_never_matched() -> None:
    theirs = [ErpSubcontractLine(1, "Walls", "3310.000", "4", Decimal("100.00"))]

    assert _matched([_ours(1, "Walls", "100.00")], theirs) == [(1, 0), (0, 1)]

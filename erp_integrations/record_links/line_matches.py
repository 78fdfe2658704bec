"""Which line of a subcontract is which line of our schedule of values. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from commitments.models import CommitmentLine
from companies.text import comparison_key
from erp_integrations.ports import ErpSubcontractLine


@dataclass(frozen=True, slots=True)
class LineMatch:
    """A line of ours and the same line in the ERP; None for a side that has none."""

    ours: CommitmentLine | None
    theirs: ErpSubcontractLine | None


def match_lines(
    ours: Sequence[CommitmentLine], theirs: Sequence[ErpSubcontractLine]
) -> tuple[LineMatch, ...]:
    """Every line of both sides once: ours by position, then what only the ERP has.

    Lines are the same that agree in cost code, cost type, amount and description; of the rest, those that
    agree in code, type and amount; of the rest, those that agree in code and type, where each side has as
    many of them. Lines that agree in all of this are taken in their order. Cost code and type of our lines
    must be loaded.
    """
    left_ours, left_theirs = list(ours), [line for line in theirs if line.row_id is not None]
    unreadable = [line for line in theirs if line.row_id is None]
    matched: dict[int, ErpSubcontractLine] = {}
    for rule in (_exactly, _without_description, _by_code):
        left_ours, left_theirs = _match(left_ours, left_theirs, rule, matched)
    by_position = sorted(ours, key=lambda one: one.position)
    only_there = sorted((*left_theirs, *unreadable), key=lambda one: one.line_number)
    return (
        *(LineMatch(line, matched.get(line.pk)) for line in by_position),
        *(LineMatch(None, line) for line in only_there),
    )


Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    ours: Callable[[CommitmentLine], Key]
    theirs: Callable[[ErpSubcontractLine], Key]
    all_or_none: bool = False
    """Whether lines that agree are taken for the same only where both sides have as many of them."""


_exactly = _Rule(
    lambda one: (one.cost_code.code, one.cost_type.code, one.amount, comparison_key(one.description)[:50]),
    lambda one: (one.cost_code, one.cost_type, one.amount, comparison_key(one.description)),
)
_without_description = _Rule(
    lambda one: (one.cost_code.code, one.cost_type.code, one.amount),
    lambda one: (one.cost_code, one.cost_type, one.amount),
)
_by_code = _Rule(
    lambda one: (one.cost_code.code, one.cost_type.code),
    lambda one: (one.cost_code, one.cost_type),
    all_or_none=True,
)


def _match(
    ours: list[CommitmentLine],
    theirs: list[ErpSubcontractLine],
    rule: _Rule,
    matched: dict[int, ErpSubcontractLine],
) -> tuple[list[CommitmentLine], list[ErpSubcontractLine]]:
    """Adds to `matched` what the rule says is the same; returns what is left of both sides."""
    groups: dict[Key, tuple[list[CommitmentLine], list[ErpSubcontractLine]]] = {}
    for line in sorted(ours, key=lambda one: one.position):
        groups.setdefault(rule.ours(line), ([], []))[0].append(line)
    for there in sorted(theirs, key=lambda one: one.line_number):
        groups.setdefault(rule.theirs(there), ([], []))[1].append(there)
    left_ours: list[CommitmentLine] = []
    left_theirs: list[ErpSubcontractLine] = []
    for mine, others in groups.values():
        pairs = 0 if rule.all_or_none and len(mine) != len(others) else min(len(mine), len(others))
        matched.update((one.pk, other) for one, other in zip(mine[:pairs], others[:pairs], strict=True))
        left_ours += mine[pairs:]
        left_theirs += others[pairs:]
    return left_ours, left_theirs

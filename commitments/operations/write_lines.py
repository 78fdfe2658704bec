"""Writing the lines of a commitment or a CCO: those that were written stay or come, the others go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commitments.errors import LineInUse, NotOfThisCompany
from commitments.models import (
    ChangeOrderLine,
    Commitment,
    CommitmentChangeOrder,
    CommitmentLine,
    CostCode,
    CostType,
)
from commitments.operations.form_values import WrittenLine
from commitments.operations.record_history import Change

FIELDS = ("description", "cost_code_id", "cost_type_id", "amount")


@dataclass(frozen=True, slots=True)
class _Choices:
    """What the lines of one commitment may name, by id."""

    cost_codes: dict[int, CostCode]
    cost_types: dict[int, CostType]
    commitment_lines: dict[int, CommitmentLine]

    def words_of(self, line: CommitmentLine | ChangeOrderLine | WrittenLine) -> str:
        """A line in one row of words, as the change history keeps it."""
        words = [
            line.description,
            self.cost_codes[line.cost_code_id].code,
            self.cost_types[line.cost_type_id].name,
            f"{line.amount:,.2f}",
        ]
        changed = getattr(line, "commitment_line_id", None)
        if changed:
            words.append(f"changes line {self.commitment_lines[changed].position}")
        return " · ".join(words)


def write_commitment_lines(commitment: Commitment, written: Sequence[WrittenLine]) -> list[Change]:
    """Returns what changed. Raises `NotOfThisCompany`, `LineInUse`."""
    before = list(commitment.lines.order_by("position"))
    choices = _choices(commitment, written, before)
    kept = {line.line_id for line in written}
    _require_unused([line for line in before if line.pk not in kept])
    return _write(CommitmentLine, {"commitment": commitment}, FIELDS, before, written, choices)


def write_change_order_lines(
    change_order: CommitmentChangeOrder, written: Sequence[WrittenLine]
) -> list[Change]:
    """Returns what changed; the database sums the amounts. Raises `NotOfThisCompany`."""
    before = list(change_order.lines.order_by("position"))
    choices = _choices(change_order.commitment, written, before)
    fields = (*FIELDS, "commitment_line_id")
    return _write(ChangeOrderLine, {"change_order": change_order}, fields, before, written, choices)


def words_of_lines(change_order: CommitmentChangeOrder) -> list[Change]:
    """The lines of a CCO that goes, as the change history keeps them."""
    lines = list(change_order.lines.order_by("position"))
    choices = _choices(change_order.commitment, (), lines)
    return [Change(f"Line {line.position}", choices.words_of(line)) for line in lines]


def _write(
    model: type[Any],
    owner: dict[str, Any],
    fields: tuple[str, ...],
    before: list[Any],
    written: Sequence[WrittenLine],
    choices: _Choices,
) -> list[Change]:
    """A line that stays keeps its position: the ERP's lines are found by it."""
    rows = {line.pk: line for line in before}
    kept = {line.line_id for line in written if line.line_id in rows}
    changes = [
        Change(f"Line {row.position}", choices.words_of(row), "") for row in before if row.pk not in kept
    ]
    model.objects.filter(pk__in=rows.keys() - kept).delete()
    position = max((row.position for row in before), default=0)
    for line in written:
        row = rows.get(line.line_id or 0)
        was = choices.words_of(row) if row else ""
        if row is None:
            position += 1
            row = model(**owner, position=position)
        for name in fields:
            setattr(row, name, getattr(line, name))
        if choices.words_of(row) != was:
            row.save()
            changes.append(Change(f"Line {row.position}", was, choices.words_of(row)))
    return changes


def _choices(
    commitment: Commitment,
    written: Sequence[WrittenLine],
    before: Sequence[CommitmentLine | ChangeOrderLine],
) -> _Choices:
    """Raises `NotOfThisCompany` where a line names what the company, or the commitment, has not."""
    both = [*written, *before]
    company_id = commitment.project.company_id
    choices = _Choices(
        CostCode.objects.filter(company_id=company_id).in_bulk({line.cost_code_id for line in both}),
        CostType.objects.filter(company_id=company_id).in_bulk({line.cost_type_id for line in both}),
        {line.pk: line for line in commitment.lines.all()},
    )
    for line in written:
        if (
            line.cost_code_id not in choices.cost_codes
            or line.cost_type_id not in choices.cost_types
            or (line.commitment_line_id and line.commitment_line_id not in choices.commitment_lines)
        ):
            raise NotOfThisCompany
    return choices


def _require_unused(lines: Sequence[CommitmentLine]) -> None:
    using: dict[int, list[str]] = {}
    for line_id, number in (
        ChangeOrderLine.objects.filter(commitment_line__in=lines)
        .values_list("commitment_line_id", "change_order__number")
        .order_by("change_order__number")
        .distinct()
    ):
        using.setdefault(line_id, []).append(number)
    for line in lines:
        if line.pk in using:
            raise LineInUse(str(line), tuple(using[line.pk]))

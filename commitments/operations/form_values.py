"""What somebody wrote in a form, as the operations take it. Whole: what is not in it is taken away."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from commitments.models import ChangeOrderLine


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line; `line_id` names the one it was before, None a new one.

    `amount` is in the company's currency and may be negative; more than two places raise `ValueError`.
    """

    description: str
    cost_code_id: int
    cost_type_id: int
    amount: Decimal
    line_id: int | None = None
    commitment_line_id: int | None = None
    """The line of the commitment that a CCO's line changes; None where it adds one."""

    def __post_init__(self) -> None:
        if self.amount != round(self.amount, 2):
            raise ValueError("an amount has two places: it is refused, never rounded")


@dataclass(frozen=True, slots=True)
class WrittenCommitment:
    number: str
    title: str
    vendor_id: int
    status: str
    lines: tuple[WrittenLine, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenChangeOrder:
    number: str
    title: str
    description: str = ""
    lines: tuple[WrittenLine, ...] = ()


def lines_as_they_are(lines: Iterable[ChangeOrderLine]) -> tuple[WrittenLine, ...]:
    """The lines of a CCO, in their order, as if somebody had just written them."""
    return tuple(
        WrittenLine(
            line.description,
            line.cost_code_id,
            line.cost_type_id,
            line.amount,
            line_id=line.pk,
            commitment_line_id=line.commitment_line_id,
        )
        for line in lines
    )

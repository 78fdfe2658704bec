"""Plain values for the templates, so that no query can hide in one. Money is `Decimal`, times are aware."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Button:
    """A button that posts. `reasons` say why it is greyed out; none: it may be clicked."""

    label: str
    url: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectRow:
    number: str
    name: str
    url: str
    commitments: int


@dataclass(frozen=True, slots=True)
class CommitmentRow:
    number: str
    title: str
    url: str
    kind: str
    vendor: str
    status: str
    erp_status: str
    erp_tone: str
    original: Decimal
    approved: Decimal
    revised: Decimal
    pending: Decimal


@dataclass(frozen=True, slots=True)
class ChangeOrderRow:
    number: str
    title: str
    url: str
    status: str
    erp_status: str
    erp_tone: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LineRow:
    position: int
    description: str
    cost_code: str
    cost_type: str
    amount: Decimal
    changes: str = ""
    """Which line of the commitment it changes; empty where it adds one."""

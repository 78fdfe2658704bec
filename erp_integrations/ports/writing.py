"""What an ERP is to hold, and who writes it there."""

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from erp_integrations.ports.deadlines import Deadline


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line of a CCO, in our own words."""

    position: int
    description: str
    cost_code: str
    cost_type: str
    subcontract_line: str
    """The line of the subcontract it changes; empty where it adds one."""
    amount: Decimal
    subcontract_line_words: str = ""
    """What that line is: its description and original amount."""


@dataclass(frozen=True, slots=True)
class ChangeOrderDraft:
    """A CCO as it is handed to a writer: whole, in our own words, addressed to the ERP's records."""

    key: uuid.UUID
    """Of the export. Written along where the ERP has room for it, so that a retry finds what it wrote."""
    number: str
    """The change number it is to carry in the ERP."""
    dated: date
    title: str
    description: str
    job_record_number: str
    phase: str
    subcontract_record_number: str
    vendor_record_number: str
    lines: tuple[DraftLine, ...]
    lines_there: tuple[str, ...] = ()
    """The numbers of all lines that the subcontract has."""


@dataclass(frozen=True, slots=True)
class PreparedField:
    """One field of the ERP's window: what it will hold, and what it was before it was cut to fit."""

    label: str
    value: str
    full: str

    @property
    def is_cut(self) -> bool:
        return self.value != self.full


@dataclass(frozen=True, slots=True)
class PreparedLine:
    """One line of the ERP's grid."""

    line_number: int
    description: str
    cost_code: str
    cost_type: str
    subcontract_line: str
    """Empty where it adds a line to the subcontract."""
    amount: Decimal
    made_of: tuple[int, ...]
    """The positions of the CCO's lines that it sums up."""
    cells: tuple[PreparedField, ...]
    """The same as it is keyed in, in the order of the grid's columns; every line has the same columns."""
    subcontract_line_words: str = ""
    """What the line of the subcontract is that it changes: its description and original amount."""


@dataclass(frozen=True, slots=True)
class PreparedChangeOrder:
    """Exactly what the ERP will hold: to be signed off, keyed in or written, and compared afterwards."""

    window: str
    """Where the accountant keys it in: `6-4-1 Change Orders`."""
    grid: str
    """The part of that window which takes the lines."""
    number: str
    job_record_number: str
    phase: str
    subcontract_record_number: str
    vendor_record_number: str
    header: tuple[PreparedField, ...]
    lines: tuple[PreparedLine, ...]
    lines_there: tuple[str, ...] = ()
    """The numbers of all lines that the subcontract had: a line with another number was added since."""

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))


class ErpWriter(Protocol):
    """Brings a CCO into the ERP, by itself or by an accountant's hands."""

    @property
    def by_hand(self) -> bool:
        """Whether a person keys in what was prepared; then `write` is never called."""
        ...

    def prepare(self, draft: ChangeOrderDraft) -> PreparedChangeOrder:
        """What the ERP will hold. Asks nobody; the same for the same draft."""
        ...

    def write(self, draft: ChangeOrderDraft, *, deadline: Deadline) -> str:
        """Writes what was prepared, and gives the new record's number. Raises `ErpError`, `WriteRefused`.

        Where a record carries the draft's key already, gives that one's number and writes nothing: whether
        it is whole is for the caller to read. After an `ErpError` it is not known whether anything was
        written: look before writing again.
        """
        ...


class WriteRefused(Exception):
    """The ERP did not take the change order, and holds nothing of it. The text says why, in plain words."""

    def __init__(self, words: str, *, field: str = "", line: int = 0) -> None:
        super().__init__(words)
        self.field = field
        """The field of `ChangeOrderEntry`, or of its line, that it is about; empty for the whole."""
        self.line = line
        """Counted from 1; 0 for the header."""

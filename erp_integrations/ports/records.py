"""Records, as read."""

import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OddRecord:
    """A record that cannot be read, and the first of its columns that is why."""

    table: str
    """As the ERP calls it: `prmchg`."""
    record_number: str
    """Empty where it is what cannot be read. Of a line: its change order's."""
    column: str
    shown: str
    """What stands in that column, as evidence: printable and cut short; `NULL` for nothing."""
    row_key: str = ""
    """The row id as `ChangeOrderKeys` writes it; empty where it cannot be read, and for lines."""

    @property
    def label(self) -> str:
        """Where it is and what stands there, for a sentence."""
        if self.record_number:
            record = f"record {self.record_number}"
        elif self.row_key:
            record = f"the record with row id {self.row_key}"
        else:
            record = "a record without a readable number"
        return f"{self.table}, {record}, column {self.column}: {self.shown}"


@dataclass(frozen=True, slots=True)
class ErpJob:
    row_id: uuid.UUID
    record_number: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class ErpVendor:
    row_id: uuid.UUID
    record_number: str
    name: str


@dataclass(frozen=True, slots=True)
class ErpSubcontractLine:
    line_number: int
    description: str
    cost_code: str
    cost_type: str
    amount: Decimal
    """Zero where it cannot be read; the subcontract names the line as odd then."""
    row_id: uuid.UUID | None = None
    """None where it cannot be read; the subcontract names the line as odd then."""


@dataclass(frozen=True, slots=True)
class ErpSubcontract:
    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    vendor_record_number: str
    description: str
    status: str
    lines: tuple[ErpSubcontractLine, ...] = ()
    odd: tuple[OddRecord, ...] = ()
    """What of it and of its lines cannot be read. Such a value is empty above; such a line may be missing."""


@dataclass(frozen=True, slots=True)
class ErpChangeOrderLine:
    line_number: int
    description: str
    vendor_record_number: str
    subcontract_record_number: str
    """Empty on a pure budget change."""
    subcontract_line: str
    """Empty when the change adds a line to the subcontract."""
    sub_change_number: str
    status: str
    cost_code: str
    cost_type: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ErpChangeOrder:
    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    description: str
    status: str
    date: date | None
    scope: str = ""
    lines: tuple[ErpChangeOrderLine, ...] = ()
    server_ahead: timedelta | None = field(default=None, compare=False)
    """The ERP server's local time minus ours when it was read; None where that was not asked."""


@dataclass(frozen=True, slots=True)
class ErpChangeOrderFound:
    """A change order of a job or a subcontract, with as much as tells whether it is the one looked for."""

    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    status: str
    key: str
    """What stands in the field into which an export writes its key; empty for none."""
    sub_change_numbers: tuple[str, ...]
    """Of its lines on the subcontract asked about."""
    amount: Decimal | None
    """Sum of its lines on the subcontract asked about; None where it has none there, or where one of them
    cannot be read."""


@dataclass(frozen=True, slots=True)
class OddChangeOrder:
    """A change order of a job or a subcontract that cannot be read in everything.

    What can be read of it is here, so that it is not taken for free what it holds: None is what cannot.
    """

    odd: OddRecord
    number: str | None
    job_record_number: str | None
    phase: str | None
    key: str | None
    """As in `ErpChangeOrderFound`."""


@dataclass(frozen=True, slots=True)
class ChangeOrdersFound:
    """The change orders of a job and a subcontract."""

    found: tuple[ErpChangeOrderFound, ...]
    """Those that can be read, by record number."""
    odd: tuple[OddChangeOrder, ...] = ()
    """The others, and those of `found` that have a line that cannot be read."""

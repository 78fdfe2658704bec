"""Records, as read."""

import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal


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
    """Sum of its lines on the subcontract asked about; None where it has none there."""

"""The question whether a record is there, and its answer with the evidence."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from erp_integrations.ports.errors import Fault


@dataclass(frozen=True, slots=True)
class ChangeOrderReference:
    """What a link remembers of the record it is tied to."""

    row_id: uuid.UUID
    """The header's `_idnum`: the only thing that names a row for good."""
    record_number: str
    number: str
    job_record_number: str
    job_row_id: uuid.UUID
    phase: str
    subcontract_record_number: str
    sub_change_number: str
    """The subcontract's own change number, on the lines; may be empty."""
    amount: Decimal
    """Sum of the record's lines on the subcontract when it was linked. Evidence only."""
    last_seen_at: datetime
    """When a look last found the record."""
    header_shared: bool
    """Whether another active link of the connection is tied to the same header."""


class Verdict(StrEnum):
    ABSENT = "absent"
    PRESENT = "present"
    PRESENT_NOT_EFFECTIVE = "not-effective"
    RENUMBERED = "renumbered"
    REPLACED = "replaced"
    AMBIGUOUS = "ambiguous"
    JOB_MISSING = "job-missing"
    UNKNOWN = "unknown"


class Proof(StrEnum):
    """What shows that a replaced record really died."""

    HISTORY = "history"
    """The ERP's history holds its deletion."""
    INSERTED_LATER = "inserted-later"
    """The other record has another record number and was inserted after ours was last seen."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of the ERP's own history."""

    action: str
    """`insert`, `update` or `delete`."""
    at: datetime
    user: str
    application: str


@dataclass(frozen=True, slots=True)
class HeaderSeen:
    """The change order as the ERP holds it now."""

    record_number: str
    number: str
    job_record_number: str
    phase: str
    status: str
    """The ERP's word: Approved, Open, Review, Disputed, Void, Rejected."""


@dataclass(frozen=True, slots=True)
class OtherRecord:
    """Another record that carries our number now."""

    record_number: str
    number: str
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, kept beside the verdict; only what `product.md` §5 names decides."""

    header: HeaderSeen | None = None
    lines_on_subcontract: int | None = None
    """Lines with our record number on our subcontract; None when not asked."""
    other_record: OtherRecord | None = None
    deletion: HistoryEntry | None = None
    """The history's deletion of our very record."""
    history_readable: bool = False
    history_since: datetime | None = None
    subcontract_present: bool | None = None
    """None when not asked."""
    same_number_phases: tuple[str, ...] = ()
    """Other phases of the job that carry the same number: normal, shown only."""
    same_amount_records: tuple[str, ...] = ()
    """Record numbers of other change orders with the same amount on the subcontract: shown only."""
    subcontract_changes_total: Decimal | None = None
    """The subcontract's running total of changes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. Every path through the verdict gives a `reason`."""

    verdict: Verdict
    reason: str
    """Stable code of the path taken, `header-found`; for UNKNOWN the fault's code."""
    evidence: Evidence = Evidence()
    incarnation: str = ""
    """Of the database that answered; empty when none did."""
    first_looked_at: datetime | None = None
    second_looked_at: datetime | None = None
    """Set only when the second look agreed with the first."""
    asked_at: datetime | None = None
    """When the question began that got no answer, by the asker's clock; None where a look was begun."""
    proof: Proof | None = None
    fault: Fault | None = None
    """Set exactly when the verdict is UNKNOWN."""

    @property
    def told_at(self) -> datetime | None:
        """As of when it tells: its newest look, else the moment at which it began to be asked."""
        return self.second_looked_at or self.first_looked_at or self.asked_at

    @property
    def proves_absence(self) -> bool:
        """Whether this finding may cut a link: ABSENT, or REPLACED with proof, seen twice."""
        died = self.verdict is Verdict.ABSENT or (self.verdict is Verdict.REPLACED and self.proof is not None)
        return died and self.first_looked_at is not None and self.second_looked_at is not None

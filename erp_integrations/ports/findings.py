"""The question whether a record is there, and its answer with the evidence."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from erp_integrations.ports.errors import Fault


@dataclass(frozen=True, slots=True)
class LeftRecord:
    """A record that the link was tied to before it was moved, neither linked nor ignored since."""

    row_id: uuid.UUID
    record_number: str
    left_at: datetime


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
    """When the last look that found the record by its row id, in whatever state, began; by our clock."""
    last_seen_clock: timedelta | None = None
    """The ERP server's local time minus ours at that look; None where it was not kept."""
    clock_in_doubt: bool = False
    """Whether the server's clock was changed about that time or since, as daylight saving does."""
    touched_subcontracts: tuple[str, ...] = ()
    """Record numbers of the subcontracts that the record had lines on when it was last seen; empty where
    that was not kept, which means its own and those of `shared_subcontracts`."""
    shared_subcontracts: tuple[str, ...] = ()
    """Record numbers of the subcontracts of other active links to the same header."""
    held_by_others: frozenset[uuid.UUID] = frozenset()
    """Row ids of records with our numbers that other active links held already when ours was last seen."""
    deletion_confirmed: bool = False
    """Whether two ERP admins have stated that the record was deleted in the ERP (product.md, Confirmed
    deletion)."""
    last_job_record_number: str = ""
    """The job that the record was on when it was last seen, where that is another than the link's."""
    left_records: tuple[LeftRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """A record of another active link that should be there, asked for in the same statement."""

    row_id: uuid.UUID
    record_number: str
    job_record_number: str
    job_row_id: uuid.UUID
    last_seen_at: datetime
    last_seen_clock: timedelta | None = None
    clock_in_doubt: bool = False
    deletion_confirmed: bool = False
    """As those of `ChangeOrderReference`."""


CONTROLS_AT_RANDOM = 10
"""Controls of each record that are drawn from all active links of the connection."""
CONTROLS_OF_THE_JOB = 3
"""Controls of each record that are drawn from the active links of its own job."""
SWEEP = timedelta(seconds=2)
"""Deletions closer to each other than this are one act on many records, not a person's on one."""


def same_phase(one: str, other: str) -> bool:
    """Whether two phases are the same; none is phase 0."""
    return (one.strip() or "0") == (other.strip() or "0")


@dataclass(frozen=True, slots=True)
class Controls:
    """The controls of one question. They are drawn once and asked for in both looks.

    A record is never its own control: one more of each kind is drawn than a record needs, and as many again
    for each further try, since a control may be what kept a try from its answer. Without any control for a
    record there is no other active link on the connection.
    """

    at_random: tuple[Control, ...] = ()
    of_jobs: tuple[Control, ...] = ()
    of_the_bulk: tuple[Control, ...] = ()
    """All records of the bulk unlink that the question belongs to."""


NO_CONTROLS = Controls()


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
class ErpHistoryEntry:
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
    """Another record that stands in the place of ours now."""

    record_number: str
    number: str
    inserted_at: datetime | None
    job_record_number: str = ""
    has_our_record_number: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, kept beside the verdict; only what `product.md` §5 names decides."""

    header: HeaderSeen | None = None
    touched_subcontracts: tuple[str, ...] = ()
    """Record numbers of the subcontracts that the header, where it is there, has lines on."""
    lines_on_subcontract: int | None = None
    """Lines with our record number on our subcontract; None when not asked."""
    other_record: OtherRecord | None = None
    """The one in the place of ours that is told: one without proof where there is one."""
    other_records: tuple[OtherRecord, ...] = ()
    """All that stand in the place of ours."""
    deletion: ErpHistoryEntry | None = None
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
    billed_beyond: Decimal | None = None
    """By how much the subcontract is billed beyond its original amount and changes; None where it is not."""
    moved_to_subcontract: str = ""
    """A subcontract that the record has a line on now and had none on when it was last seen."""
    lines_left: int | None = None
    """Lines of the record that are still there although their header is not, on whatever subcontract."""
    job_status: str = ""
    """The ERP's word for the status of the record's job."""
    controls_there: tuple[str, ...] = ()
    """Record numbers of the controls that were there."""
    controls_missing: tuple[str, ...] = ()
    """Record numbers of the controls that were not there without history or a confirmed deletion for it."""
    controls_told: tuple[str, ...] = ()
    """Record numbers of the controls whose deletion history tells, or was confirmed."""
    deletion_confirmed: bool | None = None
    """True where a confirmed deletion stood in for history and controls."""
    left_record: LeftRecord | None = None
    """The record that the link was moved from and that is still there."""


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
    server_ahead: timedelta | None = None
    """The ERP server's local time minus ours at the first look; None where no server told."""
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

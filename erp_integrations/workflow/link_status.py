"""What is known of a link's record, what it means, and how old it is. Pure.

A reconciliation writes only what changed, so that a million links which are as they were cost no write: of
those the run's beginning tells the age.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from companies.text import is_same_number
from erp_integrations.models import ChangeOrderLink, Connection, Drift, PresenceKey
from erp_integrations.ports import (
    ChangeOrderKeys,
    ChangeOrderReference,
    Finding,
    HeaderSeen,
    LeftRecord,
    Verdict,
    same_phase,
)

SEEN = frozenset({PresenceKey.PRESENT, PresenceKey.NOT_EFFECTIVE, PresenceKey.RENUMBERED})
"""What is stored of a link whose record was there when it was last looked for."""
NOT_EFFECTIVE = ("Void", "Rejected")
"""The ERP's words for a change order that counts no more."""


# --- how old it is -------------------------------------------------------------------------------


def checked_at(link: ChangeOrderLink, connection: Connection) -> datetime | None:
    """When the ERP last said what is stored of the link; None where it never did."""
    if link.presence == PresenceKey.UNCHECKED:
        return link.presence_checked_at
    return _later(link.presence_checked_at, _reconciled_at(link, connection))


def seen_at(link: ChangeOrderLink, connection: Connection) -> datetime:
    """When the record was last there.

    It dates the proof that another record came later (`ports.Proof.INSERTED_LATER`): too late refuses, too
    early would cut.
    """
    if link.presence not in SEEN:
        return link.last_seen_at
    return max(link.last_seen_at, _reconciled_at(link, connection) or link.last_seen_at)


def seen_clock(link: ChangeOrderLink, connection: Connection) -> timedelta | None:
    """The ERP server's local time minus ours at that moment; None where it was not kept."""
    return (
        link.last_seen_clock
        if seen_at(link, connection) == link.last_seen_at
        else connection.reconciled_clock
    )


def clock_in_doubt(link: ChangeOrderLink, connection: Connection) -> bool:
    """Whether the server's clock may have been changed about that moment, or was since.

    A change is noticed some time after it was made, and daylight saving repeats an hour.
    """
    changed = connection.clock_changed_at
    return changed is not None and seen_at(link, connection) < changed + CLOCK_REPEATS


CLOCK_REPEATS = timedelta(hours=1)


def _reconciled_at(link: ChangeOrderLink, connection: Connection) -> datetime | None:
    """When the last complete run began that has compared this link."""
    run = connection.reconciled_at
    if run is None or link.linked_at > run or (link.unlinked_at is not None and link.unlinked_at < run):
        return None
    return run


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


# --- what a look must know -----------------------------------------------------------------------


def reference_to(
    link: ChangeOrderLink,
    connection: Connection,
    *,
    shared_subcontracts: tuple[str, ...] = (),
    held_by_others: frozenset[uuid.UUID] = frozenset(),
    deletion_confirmed: bool = False,
    left_records: tuple[LeftRecord, ...] = (),
) -> ChangeOrderReference:
    """The link as it is handed to a look, with what other rows say of it."""
    return ChangeOrderReference(
        row_id=link.row_id,
        record_number=link.record_number,
        number=link.number,
        job_record_number=link.job_record_number,
        job_row_id=link.job_row_id,
        phase=link.phase,
        subcontract_record_number=link.subcontract_record_number,
        sub_change_number=link.sub_change_number,
        amount=link.erp_amount,
        last_seen_at=seen_at(link, connection),
        last_seen_clock=seen_clock(link, connection),
        clock_in_doubt=clock_in_doubt(link, connection),
        touched_subcontracts=tuple(link.touched_subcontracts),
        shared_subcontracts=shared_subcontracts,
        held_by_others=held_by_others,
        last_job_record_number=link.seen.get(Drift.JOB, ""),
        deletion_confirmed=deletion_confirmed,
        left_records=left_records,
    )


# --- what it means -------------------------------------------------------------------------------


class Linked(Protocol):
    """What a link remembers of the values that may drift."""

    @property
    def number(self) -> str: ...
    @property
    def job_record_number(self) -> str: ...
    @property
    def phase(self) -> str: ...
    @property
    def erp_amount(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What is to be stored of a link."""

    presence: PresenceKey
    drift: tuple[Drift, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    """Of each that drifted: what the ERP holds now."""


def status_of_header(
    link: Linked, header: HeaderSeen | ChangeOrderKeys, amount: Decimal | None
) -> LinkStatus:
    """Of a record that is there. `amount` is the sum of its lines on our subcontract; None: not asked."""
    found = {
        Drift.NUMBER: (header.number, is_same_number(header.number, link.number)),
        Drift.JOB: (
            header.job_record_number,
            is_same_number(header.job_record_number, link.job_record_number),
        ),
        Drift.PHASE: (header.phase, same_phase(header.phase, link.phase)),
        Drift.STATUS: (header.status, header.status not in NOT_EFFECTIVE),
        Drift.AMOUNT: (f"{amount or 0:.2f}", amount is None or amount == link.erp_amount),
    }
    seen = {what: held for what, (held, equal) in found.items() if not equal}
    if seen.keys() & {Drift.NUMBER, Drift.JOB, Drift.PHASE}:
        presence = PresenceKey.RENUMBERED
    elif Drift.STATUS in seen:
        presence = PresenceKey.NOT_EFFECTIVE
    else:
        presence = PresenceKey.PRESENT
    return LinkStatus(presence, tuple(seen), {what.value: held for what, held in seen.items()})


def status_of_finding(link: ChangeOrderLink, finding: Finding, amount: Decimal | None = None) -> LinkStatus:
    """Of a link that was looked for. What the look did not ask stays as it was."""
    presence = PresenceKey(finding.verdict.value)
    header = finding.evidence.header
    if finding.verdict is Verdict.UNKNOWN:
        return LinkStatus(presence, tuple(Drift(one) for one in link.drift), link.seen)
    if header is None and Drift.JOB in link.drift:
        # Until the record is seen again, each look asks for that job too: its archive takes the record along.
        return LinkStatus(presence, (Drift.JOB,), {Drift.JOB.value: link.seen[Drift.JOB]})
    if presence not in SEEN or header is None:
        return LinkStatus(presence)
    if finding.evidence.lines_on_subcontract == 0:
        amount = Decimal("0.00")
    found = status_of_header(link, header, amount)
    if amount is None and Drift.AMOUNT in link.drift:
        seen = {**found.seen, Drift.AMOUNT.value: link.seen.get(Drift.AMOUNT.value, "")}
        return LinkStatus(presence, (*found.drift, Drift.AMOUNT), seen)
    return LinkStatus(presence, found.drift, found.seen)

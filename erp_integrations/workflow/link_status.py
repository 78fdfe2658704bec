"""The status of a link: what is known of its record, and how old that is. Pure: nothing is read or written.

A reconciliation writes only the links that changed. The age of all others is the beginning of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from companies.text import is_same_number
from erp_integrations.models import ChangeOrderLink, Connection, Drift, PresenceKey
from erp_integrations.ports import (
    ChangeOrderKeys,
    Finding,
    HeaderSeen,
    Verdict,
    same_phase,
)

SEEN = frozenset({PresenceKey.PRESENT, PresenceKey.NOT_EFFECTIVE, PresenceKey.RENUMBERED})
"""What is stored of a link whose record was there when it was last looked for."""
CLOCK_REPEATS = timedelta(hours=1)
NOT_EFFECTIVE = ("Void", "Rejected")
"""The ERP's words for a change order that counts no more."""


# --- how old it is -------------------------------------------------------------------------------


def checked_at(link: ChangeOrderLink, connection: Connection) -> datetime | None:
    """When the ERP last said what is stored of the link; None where it never did."""
    if link.presence == PresenceKey.UNCHECKED:
        return link.presence_checked_at
    return _later(link.presence_checked_at, _reconciled_at(link, connection))


class LastSeen(NamedTuple):
    """When a record was last found in the ERP, and what is known of the server's clock at that moment."""

    at: datetime
    """It dates the proof that another record came later (`ports.Proof.INSERTED_LATER`): too late a moment
    refuses an unlink, too early a moment would cut.
    """
    clock: timedelta | None
    """The ERP server's local time minus ours; None where it was not stored."""
    clock_in_doubt: bool
    """Whether the server's clock may have been changed about that moment, or was changed since.

    A change is noticed some time after it was made, and daylight saving repeats an hour.
    """


def last_seen(link: ChangeOrderLink, connection: Connection) -> LastSeen:
    """The later of the sight that is stored with the link, and the last complete run that compared it."""
    at, clock = link.last_seen_at, link.last_seen_clock
    run = _reconciled_at(link, connection) if link.presence in SEEN else None
    if run is not None and run > at:
        at, clock = run, connection.reconciled_clock
    changed = connection.clock_changed_at
    return LastSeen(at, clock, changed is not None and at < changed + CLOCK_REPEATS)


def _reconciled_at(link: ChangeOrderLink, connection: Connection) -> datetime | None:
    """When the last complete run began that compared this link."""
    run = connection.reconciled_at
    if run is None or link.linked_at > run or (link.unlinked_at is not None and link.unlinked_at < run):
        return None
    return run


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def is_older(finding: Finding, link: ChangeOrderLink, connection: Connection) -> bool:
    """Whether something newer than the finding is known of the link: from a look, or a complete run."""
    known = checked_at(link, connection)
    return finding.told_at is not None and known is not None and finding.told_at < known


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


# --- how it is stored ------------------------------------------------------------------------------------

STORED = (
    "presence",
    "presence_checked_at",
    "drift",
    "seen",
    "last_seen_at",
    "last_seen_clock",
    "touched_subcontracts",
)
"""The fields of a link that `apply_status` sets."""


def columns_of(status: LinkStatus) -> tuple[str, list[str], dict[str, str]]:
    """`presence`, `drift` and `seen` of a link with this status."""
    return (status.presence.value, [one.value for one in status.drift], dict(status.seen))


def apply_status(
    link: ChangeOrderLink,
    status: LinkStatus,
    finding: Finding,
    *,
    connection: Connection,
    checked_at: datetime,
) -> None:
    """Sets presence and drift in memory; `last_seen_at` never decreases.

    The sight of a complete run is read from the connection only while the link says that its record is there,
    so it is copied to the link before the link says anything else.
    """
    link.last_seen_at, link.last_seen_clock, _ = last_seen(link, connection)
    note_sight(link, finding, connection)
    link.presence, link.drift, link.seen = columns_of(status)
    link.presence_checked_at = checked_at


def note_sight(link: ChangeOrderLink, finding: Finding, connection: Connection) -> bool:
    """Sets the moment of a sight in memory, where it is newer than the stored one; True where it is.

    A record is seen when it is found by its row id, in whatever state.
    """
    looked_at, header = finding.first_looked_at, finding.evidence.header
    if header is None or looked_at is None or looked_at <= last_seen(link, connection).at:
        return False
    link.last_seen_at, link.last_seen_clock = looked_at, finding.server_ahead
    touched = finding.evidence.touched_subcontracts
    if link.subcontract_record_number in touched:
        # Without our line they are not learnt: a subcontract that it was moved to would pass for an old one.
        link.touched_subcontracts = list(touched)
    return True

"""Decides how an attempt to unlink ends. Pure: reads only its arguments; only the last line cuts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from companies.access import Ruling
from erp_integrations.models import AttemptState, ChangeOrderLink, Connection, UnlinkAttempt
from erp_integrations.models.links import GONE
from erp_integrations.ports import ChangeOrderReference, Finding, Verdict

STILL_THERE = frozenset({Verdict.PRESENT, Verdict.PRESENT_NOT_EFFECTIVE, Verdict.RENUMBERED})


@dataclass(frozen=True, slots=True)
class UnlinkClaim:
    """The reference with which a link is looked up, and the attempt that holds the lease."""

    attempt_id: int
    change_order_id: int
    reference: ChangeOrderReference
    gone_since: datetime | None = None
    """When Sage last answered that the record is gone, if stored before the claim."""


@dataclass(frozen=True, slots=True)
class UnlinkDecision:
    """The state in which an attempt ends, and the reason."""

    state: AttemptState
    reason: str


def decide_unlink(
    claim: UnlinkClaim,
    finding: Finding,
    *,
    attempt: UnlinkAttempt,
    link: ChangeOrderLink,
    reference: ChangeOrderReference | None,
    connection: Connection,
    ruling: Ruling,
    now: datetime,
    clock: Callable[[], datetime],
) -> UnlinkDecision:
    """How the attempt ends. Every check before the last line leaves the link as it is.

    `attempt`, `link`, `reference`, `connection` and `ruling` are current, read under the locks. `reference`
    is built anew for a link whose finding proves absence, else None. `clock` is the one that dated the looks.
    """
    if attempt.expires_at <= now:
        return UnlinkDecision(AttemptState.NO_ANSWER, "expired")
    if not ruling:
        return UnlinkDecision(AttemptState.NOT_ALLOWED, "rights-lost")
    if finding.verdict in STILL_THERE:
        return UnlinkDecision(AttemptState.STILL_IN_ERP, finding.reason)
    if not finding.proves_absence:
        return UnlinkDecision(AttemptState.NO_ANSWER, finding.reason)
    if not link.is_active or reference is None or _has_changed(reference, claim.reference, finding):
        return UnlinkDecision(AttemptState.NO_ANSWER, "link-changed")
    if (
        connection.revision != attempt.connection_revision
        or not finding.incarnation
        or connection.accepted_incarnation != finding.incarnation
    ):
        return UnlinkDecision(AttemptState.NO_ANSWER, "connection-changed")
    if _was_compared_meanwhile(claim, link, connection, finding):
        return UnlinkDecision(AttemptState.NO_ANSWER, "link-changed")
    if not looks_lie_inside(finding, attempt=attempt, now=now):
        return UnlinkDecision(AttemptState.NO_ANSWER, "clock-moved")
    if _age(finding, now=max(now, clock())) > timedelta(seconds=settings.SAGE_DEADLINE_SECONDS):
        return UnlinkDecision(AttemptState.NO_ANSWER, "evidence-too-old")
    return UnlinkDecision(AttemptState.UNLINKED, finding.reason)


def _has_changed(now: ChangeOrderReference, claimed: ChangeOrderReference, finding: Finding) -> bool:
    """Whether the link changed after the claim, or its record was seen since.

    A reconciliation that saw the record before the looks does not matter, except to the proof that another
    record replaced it: that proof depends on when ours was last seen.
    """
    assert finding.first_looked_at is not None, "a finding that proves absence has two looks"
    if claimed.deletion_confirmed and not now.deletion_confirmed:
        return True
    if set(now.shared_subcontracts) - set(claimed.shared_subcontracts):
        return True  # the record was read meanwhile, and linked to another CCO
    if finding.evidence.header and now.shared_subcontracts != claimed.shared_subcontracts:
        return True
    if set(now.left_records) - set(claimed.left_records):
        return True
    if now.last_seen_at != claimed.last_seen_at:
        deletion = finding.evidence.deletion
        if finding.verdict is Verdict.REPLACED or now.last_seen_at >= finding.first_looked_at:
            return True
        if deletion is None or deletion.at <= now.last_seen_at:
            return True
    return _record_of(now) != _record_of(claimed)


def gone_since(link: ChangeOrderLink) -> datetime | None:
    """When Sage answered that the record is gone; None when something else is stored."""
    return link.presence_checked_at if link.presence in GONE else None


def _was_compared_meanwhile(
    claim: UnlinkClaim, link: ChangeOrderLink, connection: Connection, finding: Finding
) -> bool:
    """Whether a reconciliation that was reading after the first look may have found the record.

    A reconciliation does not write links that did not change, so the moment at which it read this one is not
    known. It did not find the record in two cases: it noted the record as missing, or the link was stored as
    gone at the claim and nothing was stored since, although a record in its keys would have caused a look.
    """
    began, until = connection.reconciled_at, connection.reconciled_until
    if began is None or until is None or finding.first_looked_at is None or until < finding.first_looked_at:
        return False
    stayed_gone = claim.gone_since is not None and gone_since(link) == claim.gone_since
    return not stayed_gone and link.missed_at != began


def _record_of(reference: ChangeOrderReference) -> tuple[object, ...]:
    """The record that the link points to."""
    return (
        reference.row_id,
        reference.record_number,
        reference.number,
        reference.job_record_number,
        reference.job_row_id,
        reference.last_job_record_number,
        reference.phase,
        reference.subcontract_record_number,
        reference.sub_change_number,
        reference.amount,
    )


def looks_lie_inside(finding: Finding, *, attempt: UnlinkAttempt, now: datetime) -> bool:
    """Whether both looks, in order, lie between the start of the attempt and `now`."""
    first, second = finding.first_looked_at, finding.second_looked_at
    return first is not None and second is not None and attempt.started_at <= first < second <= now


def _age(finding: Finding, *, now: datetime) -> timedelta:
    """The age of the second look. `now` is the later of the database's clock and the process's own."""
    if finding.second_looked_at is None:
        return timedelta.max
    return now - finding.second_looked_at

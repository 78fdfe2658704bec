"""How an attempt to unlink ends. Pure: reads nothing but its arguments, and only its last line cuts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from companies.access import Ruling
from erp_integrations.models import AttemptState, ChangeOrderLink, Connection, UnlinkAttempt
from erp_integrations.models.links import GONE
from erp_integrations.ports import ChangeOrderReference, Finding, Verdict

STILL_THERE = {Verdict.PRESENT, Verdict.PRESENT_NOT_EFFECTIVE, Verdict.RENUMBERED}


@dataclass(frozen=True, slots=True)
class UnlinkClaim:
    """What was asked about one link, and the lease to settle it."""

    attempt_id: int
    change_order_id: int
    reference: ChangeOrderReference
    gone_since: datetime | None = None  # when Sage said what was stored as gone already, if it was


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ends."""

    state: AttemptState
    reason: str
    ruling: Ruling


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
) -> Settlement:
    """How the attempt ends. Every doubt before the last line leaves the link alone.

    Everything but `claim`, `finding` and `clock` is as it stands now, under the locks: `reference` is what
    would be asked about a link whose finding proves absence, `ruling` what the person may do. `clock` is the
    one that the looks were stamped with.
    """
    if attempt.expires_at <= now:
        return Settlement(AttemptState.NO_ANSWER, "expired", ruling)
    if not ruling:
        return Settlement(AttemptState.NOT_ALLOWED, "rights-lost", ruling)
    if finding.verdict in STILL_THERE:
        return Settlement(AttemptState.STILL_IN_ERP, finding.reason, ruling)
    if not finding.proves_absence:
        return Settlement(AttemptState.NO_ANSWER, finding.reason, ruling)
    if not link.is_active or reference is None or _is_another(reference, claim.reference, finding):
        return Settlement(AttemptState.NO_ANSWER, "link-changed", ruling)
    if (
        connection.revision != attempt.connection_revision
        or not finding.incarnation
        or connection.accepted_incarnation != finding.incarnation
    ):
        return Settlement(AttemptState.NO_ANSWER, "connection-changed", ruling)
    if _was_compared_meanwhile(claim, link, connection, finding):
        return Settlement(AttemptState.NO_ANSWER, "link-changed", ruling)
    if not looks_lie_inside(finding, attempt=attempt, now=now):
        return Settlement(AttemptState.NO_ANSWER, "clock-moved", ruling)
    if _age(finding, now=max(now, clock())) > timedelta(seconds=settings.SAGE_DEADLINE_SECONDS):
        return Settlement(AttemptState.NO_ANSWER, "evidence-too-old", ruling)
    return Settlement(AttemptState.UNLINKED, finding.reason, ruling)


def _is_another(now: ChangeOrderReference, asked: ChangeOrderReference, finding: Finding) -> bool:
    """Whether the link is tied to something else than was asked about, or its record was seen after all.

    A reconciliation that saw it before our looks is no news, but for the proof that another record took its
    place: that was judged by when ours was last seen.
    """
    assert finding.first_looked_at is not None  # what proves absence was looked at
    if asked.deletion_confirmed and not now.deletion_confirmed:
        return True
    if set(now.shared_subcontracts) - set(asked.shared_subcontracts):
        return True  # the record was read, and linked to another CCO, meanwhile
    if finding.evidence.header and now.shared_subcontracts != asked.shared_subcontracts:
        return True
    if set(now.left_records) - set(asked.left_records):
        return True
    if now.last_seen_at != asked.last_seen_at:
        deletion = finding.evidence.deletion
        if finding.verdict is Verdict.REPLACED or now.last_seen_at >= finding.first_looked_at:
            return True
        if deletion is None or deletion.at <= now.last_seen_at:
            return True
    return _record_of(now) != _record_of(asked)


def gone_since(link: ChangeOrderLink) -> datetime | None:
    """When Sage said that the record is gone, where that is what is stored."""
    return link.presence_checked_at if link.presence in GONE else None


def _was_compared_meanwhile(
    claim: UnlinkClaim, link: ChangeOrderLink, connection: Connection, finding: Finding
) -> bool:
    """Whether a reconciliation that read on after our first look may have found the record.

    It is dated by its beginning, and writes nothing of a link that is as it was: when exactly it came by this
    one is not known. It did not find the record where it noted so itself, or where the link was stored as
    gone when it was claimed and nothing was stored of it since: a record in its keys would have taken a look.
    """
    began, until = connection.reconciled_at, connection.reconciled_until
    if began is None or until is None or finding.first_looked_at is None or until < finding.first_looked_at:
        return False
    stayed_gone = claim.gone_since is not None and gone_since(link) == claim.gone_since
    return not stayed_gone and link.missed_at != began


def _record_of(reference: ChangeOrderReference) -> tuple[object, ...]:
    """What the link is tied to."""
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
    first, second = finding.first_looked_at, finding.second_looked_at
    return first is not None and second is not None and attempt.started_at <= first < second <= now


def _age(finding: Finding, *, now: datetime) -> timedelta:
    """How old the second look is. `now` is the database's clock or the process's own, whichever says more."""
    if finding.second_looked_at is None:
        return timedelta.max
    return now - finding.second_looked_at

"""Unlink: claim, ask, settle.

Two short transactions with the question to the ERP between them, never around it. The attempt is a lease:
whoever is killed, paused or too late on the way leaves the link as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Ruling, find_access
from companies.models import Company
from erp_integrations import asking, registry
from erp_integrations.actors import Actor
from erp_integrations.clock import clock_from, database_now
from erp_integrations.evidence import as_json
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Connection,
    EventKind,
    UnlinkAttempt,
    Via,
)
from erp_integrations.operations.checking import store
from erp_integrations.operations.connecting import note_answer
from erp_integrations.operations.ledger import append_event, label_of
from erp_integrations.operations.refusals import (
    AlreadyUnlinked,
    NeverLinked,
    NoTrustworthyAnswer,
    StillInErp,
    UnlinkInProgress,
    UnlinkNotAllowed,
)
from erp_integrations.policies import may_unlink
from erp_integrations.ports import (
    ChangeOrderReference,
    ConnectionSpec,
    Deadline,
    ErpError,
    Finding,
    Verdict,
)
from erp_integrations.presence import seen_at, standing_of

log = structlog.get_logger(__name__)

LEASE_BEYOND_DEADLINE = timedelta(seconds=5)
"""What a lease has left for settling when the answer came at the very deadline."""

STILL_THERE = {Verdict.PRESENT, Verdict.PRESENT_NOT_EFFECTIVE, Verdict.RENUMBERED}

EVENT_OF: dict[AttemptState, EventKind] = {
    AttemptState.UNLINKED: EventKind.UNLINKED,
    AttemptState.STILL_IN_ERP: EventKind.STILL_IN_ERP,
    AttemptState.NO_ANSWER: EventKind.NO_ANSWER,
    AttemptState.NOT_ALLOWED: EventKind.NOT_ALLOWED,
}


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The link was cut, and why that was right."""

    link: ChangeOrderLink
    finding: Finding


@dataclass(frozen=True, slots=True)
class _Claim:
    """What was asked, for whom, and the lease to settle it."""

    attempt_id: int
    link_id: int
    reference: ChangeOrderReference
    connection_revision: int
    spec: ConnectionSpec | ErpError
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Settlement:
    """How an attempt ends."""

    state: AttemptState
    reason: str
    ruling: Ruling


def unlink_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> Unlinked:
    """Cuts the CCO's link if the ERP itself says, twice, that the record is gone.

    Blocks for at most SAGE_DEADLINE_SECONDS and two short transactions; must not be called inside one.
    The caller has made sure that the person may see the CCO. Raises an `UnlinkRefused`: `UnlinkNotAllowed`,
    `AlreadyUnlinked`, `NeverLinked`, `UnlinkInProgress`, `StillInErp`, `NoTrustworthyAnswer`; the link is
    then as it was.
    """
    claim = _claim(company_id=company_id, change_order_id=change_order_id, actor=actor)
    finding = _ask(claim)
    return _settle(claim, finding, actor=actor)


# --- transaction 1: claim ------------------------------------------------------------------------


def _claim(*, company_id: int, change_order_id: int, actor: Actor) -> _Claim:
    with transaction.atomic(durable=True):
        link = _lock_active_link(company_id=company_id, change_order_id=change_order_id)
        ruling = _rule(company_id=company_id, change_order_id=change_order_id, actor=actor)
        if not ruling or actor.user_id is None:
            raise UnlinkNotAllowed(ruling.missing)
        if link is None:
            raise _why_no_active_link(company_id=company_id, change_order_id=change_order_id)
        now = database_now()
        _free_the_link(link, now=now)
        connection = Connection.objects.get(pk=link.connection_id)
        attempt = UnlinkAttempt.objects.create(
            link=link,
            started_at=now,
            expires_at=now + timedelta(seconds=settings.SAGE_DEADLINE_SECONDS) + LEASE_BEYOND_DEADLINE,
            actor_id=actor.user_id,
            actor_name=actor.name,
            via=actor.via,
            connection_revision=connection.revision,
        )
        return _Claim(
            attempt_id=attempt.pk,
            link_id=link.pk,
            reference=reference_of(link, connection),
            connection_revision=connection.revision,
            spec=_spec_or_error(connection),
            clock=clock_from(now),
        )


def _lock_active_link(*, company_id: int, change_order_id: int) -> ChangeOrderLink | None:
    return (
        ChangeOrderLink.objects.select_for_update()
        .filter(change_order_id=change_order_id, connection__company_id=company_id, unlinked_at__isnull=True)
        .first()
    )


def _rule(*, company_id: int, change_order_id: int, actor: Actor) -> Ruling:
    """What the person may do at this moment, read from the database; nothing with a CCO that is not there."""
    project = (
        CommitmentChangeOrder.objects.filter(pk=change_order_id, commitment__project__company_id=company_id)
        .values_list("commitment__project_id", "commitment__project__name")
        .first()
    )
    access = find_access(user_id=actor.user_id, company_id=company_id) if actor.user_id else None
    if project is None or access is None:
        return Ruling(("Needs an active entry in the company's Directory",))
    return may_unlink(access, project_id=project[0], project_name=project[1])


def _why_no_active_link(*, company_id: int, change_order_id: int) -> AlreadyUnlinked | NeverLinked:
    closed = (
        ChangeOrderLink.objects.filter(
            change_order_id=change_order_id, connection__company_id=company_id, unlinked_at__isnull=False
        )
        .order_by("-unlinked_at")
        .first()
    )
    if closed is None or closed.unlinked_at is None:
        return NeverLinked()
    return AlreadyUnlinked(by=closed.unlinked_by_name, at=closed.unlinked_at)


def _free_the_link(link: ChangeOrderLink, *, now: datetime) -> None:
    """Ends an attempt whose lease is over. Raises `UnlinkInProgress` where one still holds."""
    attempt = UnlinkAttempt.objects.select_for_update().filter(link=link, state=AttemptState.CHECKING).first()
    if attempt is None:
        return
    if attempt.expires_at > now:
        raise UnlinkInProgress(by=attempt.actor_name, since=attempt.started_at)
    _end_expired(attempt, link=link, now=now)


def _end_expired(attempt: UnlinkAttempt, *, link: ChangeOrderLink, now: datetime) -> None:
    """Whoever asked did not come back in time. Says so, in their name, and frees the link."""
    asker = Actor(user_id=attempt.actor_id, name=attempt.actor_name, via=Via(attempt.via))
    _end(
        attempt,
        link=link,
        settlement=_Settlement(AttemptState.NO_ANSWER, "expired", Ruling()),
        finding=Finding(Verdict.UNKNOWN, "expired"),
        actor=asker,
        now=now,
    )


def reference_of(link: ChangeOrderLink, connection: Connection) -> ChangeOrderReference:
    """What a look must know, with whether another active link shares the header right now."""
    shared = (
        ChangeOrderLink.objects.filter(
            connection_id=link.connection_id, row_id=link.row_id, unlinked_at__isnull=True
        )
        .exclude(pk=link.pk)
        .exists()
    )
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
        header_shared=shared,
    )


def _spec_or_error(connection: Connection) -> ConnectionSpec | ErpError:
    try:
        return registry.spec_of(connection)
    except ErpError as error:
        return error


# --- no transaction: ask -------------------------------------------------------------------------


def _ask(claim: _Claim) -> Finding:
    if isinstance(claim.spec, ErpError):
        fault = claim.spec.fault
        return Finding(Verdict.UNKNOWN, fault.code, fault=fault)
    return asking.look_up(
        registry.reader_for(claim.spec),
        claim.reference,
        deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS),
        clock=claim.clock,
    )


# --- transaction 2: settle -----------------------------------------------------------------------


def _settle(claim: _Claim, finding: Finding, *, actor: Actor) -> Unlinked:
    with transaction.atomic(durable=True):
        link = ChangeOrderLink.objects.select_for_update().get(pk=claim.link_id)
        attempt = UnlinkAttempt.objects.select_for_update().get(pk=claim.attempt_id)
        connection = Connection.objects.select_for_update().get(pk=link.connection_id)
        now = database_now()
        if attempt.state != AttemptState.CHECKING:
            # Its lease ran out and the next click ended it; the story has been told already.
            raise NoTrustworthyAnswer(link=link, finding=finding, reason="attempt-taken-over")
        settlement = _judge(
            claim, finding, attempt=attempt, link=link, connection=connection, actor=actor, now=now
        )
        _note_presence(link, finding, connection=connection, now=now)
        if settlement.state == AttemptState.UNLINKED:
            _cut(link, actor=actor, now=now)
        note_answer(connection, finding.fault, now=now)
        _end(attempt, link=link, settlement=settlement, finding=finding, actor=actor, now=now)
    log.info(
        "unlink_settled",
        company_id=connection.company_id,
        link_id=link.pk,
        attempt_id=attempt.pk,
        actor_id=actor.user_id,
        outcome=settlement.state,
        reason=settlement.reason,
    )
    match settlement.state:
        case AttemptState.UNLINKED:
            return Unlinked(link=link, finding=finding)
        case AttemptState.STILL_IN_ERP:
            raise StillInErp(link=link, finding=finding)
        case AttemptState.NOT_ALLOWED:
            raise UnlinkNotAllowed(settlement.ruling.missing)
        case _:
            raise NoTrustworthyAnswer(link=link, finding=finding, reason=settlement.reason)


def _judge(
    claim: _Claim,
    finding: Finding,
    *,
    attempt: UnlinkAttempt,
    link: ChangeOrderLink,
    connection: Connection,
    actor: Actor,
    now: datetime,
) -> _Settlement:
    """How the attempt ends. Only the last line cuts; every doubt before it leaves the link alone."""
    ruling = _rule(company_id=connection.company_id, change_order_id=link.change_order_id or 0, actor=actor)
    if attempt.expires_at <= now:
        return _Settlement(AttemptState.NO_ANSWER, "expired", ruling)
    if not ruling:
        return _Settlement(AttemptState.NOT_ALLOWED, "rights-lost", ruling)
    if finding.verdict in STILL_THERE:
        return _Settlement(AttemptState.STILL_IN_ERP, finding.reason, ruling)
    if not finding.proves_absence:
        return _Settlement(AttemptState.NO_ANSWER, finding.reason, ruling)
    if not link.is_active or _is_another(reference_of(link, connection), claim.reference, finding):
        return _Settlement(AttemptState.NO_ANSWER, "link-changed", ruling)
    if (
        connection.revision != claim.connection_revision
        or not finding.incarnation
        or connection.accepted_incarnation != finding.incarnation
    ):
        return _Settlement(AttemptState.NO_ANSWER, "connection-changed", ruling)
    if not _looks_lie_inside(finding, attempt=attempt, now=now):
        return _Settlement(AttemptState.NO_ANSWER, "clock-moved", ruling)
    if _age(finding, claim=claim, now=now) > timedelta(seconds=settings.SAGE_DEADLINE_SECONDS):
        return _Settlement(AttemptState.NO_ANSWER, "evidence-too-old", ruling)
    return _Settlement(AttemptState.UNLINKED, finding.reason, ruling)


def _is_another(now: ChangeOrderReference, asked: ChangeOrderReference, finding: Finding) -> bool:
    """Whether the link is tied to something else than was asked about, or its record was seen after all.

    A reconciliation that saw it before our looks is no news, but for the proof that another record took its
    place: that was judged by when ours was last seen.
    """
    if now.last_seen_at != asked.last_seen_at and (
        finding.verdict is Verdict.REPLACED
        or finding.first_looked_at is None
        or now.last_seen_at >= finding.first_looked_at
    ):
        return True
    return replace(now, last_seen_at=asked.last_seen_at) != asked


def _looks_lie_inside(finding: Finding, *, attempt: UnlinkAttempt, now: datetime) -> bool:
    first, second = finding.first_looked_at, finding.second_looked_at
    return first is not None and second is not None and attempt.started_at <= first < second <= now


def _age(finding: Finding, *, claim: _Claim, now: datetime) -> timedelta:
    """How old the second look is, by the database's clock or by the process's own, whichever says more."""
    if finding.second_looked_at is None:
        return timedelta.max
    return max(now, claim.clock()) - finding.second_looked_at


def _cut(link: ChangeOrderLink, *, actor: Actor, now: datetime) -> None:
    assert link.change_order_id is not None  # an active link has its CCO
    link.unlinked_at = now
    link.unlinked_by_id = actor.user_id
    link.unlinked_by_name = actor.name
    link.save(update_fields=["unlinked_at", "unlinked_by_id", "unlinked_by_name"])
    CommitmentChangeOrder.objects.filter(pk=link.change_order_id).update(erp_status=ErpStatus.NOT_IN_ERP)


def _note_presence(link: ChangeOrderLink, finding: Finding, *, connection: Connection, now: datetime) -> None:
    """The attempt's own event tells what was found: no other is written."""
    store(
        link,
        standing_of(link, finding),
        connection=connection,
        looked_at=finding.first_looked_at,
        checked_at=now,
    )


def _end(
    attempt: UnlinkAttempt,
    *,
    link: ChangeOrderLink,
    settlement: _Settlement,
    finding: Finding,
    actor: Actor,
    now: datetime,
) -> None:
    """Ends the attempt and tells the ledger, in the same transaction."""
    attempt.state = settlement.state
    attempt.ended_at = max(now, attempt.started_at)
    attempt.verdict = finding.verdict.value
    attempt.reason = settlement.reason
    attempt.proof = finding.proof.value if finding.proof else ""
    attempt.first_looked_at = finding.first_looked_at
    attempt.second_looked_at = finding.second_looked_at
    attempt.evidence = as_json(finding)
    attempt.save()
    append_event(
        kind=EVENT_OF[settlement.state],
        company=Company.objects.get(pk=link.connection.company_id),
        subject_kind="change-order",
        subject_id=link.change_order_id or 0,
        subject_label=label_of(link),
        actor=actor,
        now=now,
        rights=settlement.ruling.rights,
        reason=settlement.reason,
        evidence=attempt.evidence,
        link_id=link.pk,
        attempt_id=attempt.pk,
    )

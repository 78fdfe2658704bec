"""Settles attempts to unlink: decides under row locks, cuts links, ends the attempts and appends events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access, Ruling, find_access
from companies.clock import database_now
from companies.models import Project
from erp_integrations.deletions.confirm_deletion import end_seen_deletions, find_confirmations
from erp_integrations.erp.connection_state import note_findings
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_events, event_of, label_of, record_of
from erp_integrations.ledger.serialization import as_json
from erp_integrations.links.look_question import references_now
from erp_integrations.links.record_findings import OF_ONE_RECORD
from erp_integrations.links.unlink_decision import UnlinkClaim, UnlinkDecision, decide_unlink
from erp_integrations.models import (
    AttemptState,
    BulkUnlink,
    ChangeOrderLink,
    ConfirmedDeletion,
    Connection,
    EventKind,
    LinkEvent,
    UnlinkAttempt,
    Via,
)
from erp_integrations.policies import may_unlink
from erp_integrations.ports import Controls, Finding, Verdict
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.errors import NotAllowed, NoTrustworthyAnswer, Refused, StillInErp
from erp_integrations.workflow.link_status import STORED, apply_status, is_older, status_of_finding
from erp_integrations.workflow.unlink_messages import unlinked_sentences

log = structlog.get_logger(__name__)

NOT_IN_THE_DIRECTORY = Ruling(("Needs an active entry in the company's Directory",))

EVENT_OF: dict[AttemptState, EventKind] = {
    AttemptState.UNLINKED: EventKind.UNLINKED,
    AttemptState.STILL_IN_ERP: EventKind.STILL_IN_ERP,
    AttemptState.NO_ANSWER: EventKind.NO_ANSWER,
    AttemptState.NOT_ALLOWED: EventKind.NOT_ALLOWED,
}


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The link was cut, and the finding that proves that its record is gone."""

    link: ChangeOrderLink
    finding: Finding
    confirmed: ConfirmedDeletion | None = None
    """The statement that the record was deleted; None when the finding needed none."""

    def message(self, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
        title, *details = unlinked_sentences(self.finding, self.link, self.confirmed, erp=erp)
        return Message("success", title, tuple(details), next_steps)


Outcome = Unlinked | Refused


@dataclass(frozen=True, slots=True)
class UnlinkBatch:
    """Attempts of one connection that are claimed, looked up and settled together. Not empty."""

    claims: tuple[UnlinkClaim, ...]
    connection: Connection
    """As read at the claim."""
    bulk: BulkUnlink | None
    """The bulk unlink that the attempts belong to."""
    controls: Controls
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class AttemptEnding:
    """An attempt that ends, with its link, and how it ends."""

    attempt: UnlinkAttempt
    finding: Finding
    decision: UnlinkDecision
    ruling: Ruling
    overtaken: bool = False
    """Whether the finding was not stored, because something newer is stored."""
    confirmed: ConfirmedDeletion | None = None


# --- rights --------------------------------------------------------------------------------------


def access_now(*, company_id: int, actor: Actor) -> tuple[Access | None, datetime]:
    """The person's current access, and when it was read by the database's clock.

    None for staff in the admin, who cannot unlink from there, even with an entry in the Directory.
    """
    access = None
    if actor.user_id and not actor.is_staff:
        access = find_access(user_id=actor.user_id, company_id=company_id)
    return access, (access and access.read_at) or database_now()


def rule_on_unlink(access: Access | None, project: Project | None) -> Ruling:
    """Whether the person may unlink CCOs of the project; refused when the CCO does not exist."""
    if project is None or access is None:
        return NOT_IN_THE_DIRECTORY
    return may_unlink(access, project_id=project.pk, project_name=project.name)


def project_of(link: ChangeOrderLink) -> Project | None:
    return link.change_order.commitment.project if link.change_order else None


# --- the transaction -----------------------------------------------------------------------------


def settle(batch: UnlinkBatch, findings: Sequence[Finding], *, actor: Actor) -> dict[int, Outcome]:
    """Ends each claim's attempt by its finding, in one transaction; cuts the links that may be cut.

    Raises `DatabaseError` when the database refuses one of them; then none is settled.
    """
    outcomes: dict[int, Outcome] = {}
    endings: list[AttemptEnding] = []
    with transaction.atomic(durable=True):
        attempts = _lock_attempts([claim.attempt_id for claim in batch.claims])
        open_ones = []
        for claim, finding in zip(batch.claims, findings, strict=True):
            attempt = attempts[claim.attempt_id]
            if attempt.state == AttemptState.CHECKING:
                open_ones.append((claim, finding, attempt))
            else:
                # Its lease ran out and the next click ended it, with an event.
                outcomes[claim.change_order_id] = NoTrustworthyAnswer(
                    link=attempt.link, finding=finding, reason="attempt-taken-over"
                )
        if not open_ones:
            return outcomes
        links = [attempt.link for _, _, attempt in open_ones]
        connection = _lock_connection(links, [finding for _, finding, _ in open_ones])
        was_ended = {link.pk: not link.is_active for link in links}
        proven = [attempt.link for _, finding, attempt in open_ones if finding.proves_absence]
        references = references_now(proven, connection)
        access, now = access_now(company_id=connection.company_id, actor=actor)
        row_ids = [
            attempt.link.row_id for _, finding, attempt in open_ones if finding.evidence.deletion_confirmed
        ]
        confirmed = find_confirmations(connection, row_ids, now)
        for claim, finding, attempt in open_ones:
            link = attempt.link
            link.connection = connection
            ruling = rule_on_unlink(access, project_of(link))
            decision = decide_unlink(
                claim,
                finding,
                attempt=attempt,
                link=link,
                reference=references.get(link.pk),
                connection=connection,
                ruling=ruling,
                now=now,
                clock=batch.clock,
            )
            unlinked = decision.state == AttemptState.UNLINKED
            overtaken = not unlinked and not _counts(
                finding, attempt=attempt, link=link, connection=connection
            )
            if not overtaken:
                # The attempt's own event holds the finding, so no other event is written.
                checked_at = min(finding.told_at or now, now)
                apply_status(
                    link,
                    status_of_finding(link, finding),
                    finding,
                    connection=connection,
                    checked_at=checked_at,
                )
            if unlinked:
                _cut(link, actor=actor, now=now)
            by = confirmed.get(link.row_id) if finding.evidence.deletion_confirmed else None
            endings.append(AttemptEnding(attempt, finding, decision, ruling, overtaken, by))
        _save([link for link in links if not was_ended[link.pk]])
        _end(endings, actor=actor, now=now)
        seen = {attempt.link.row_id for _, finding, attempt in open_ones if finding.evidence.header}
        end_seen_deletions(connection, seen, now, actor=actor)
    for ending in endings:
        link, decision = ending.attempt.link, ending.decision
        log.info(
            "unlink_settled",
            company_id=link.connection.company_id,
            link_id=link.pk,
            attempt_id=ending.attempt.pk,
            actor_id=actor.user_id,
            outcome=decision.state,
            reason=decision.reason,
        )
        outcomes[link.change_order_id or 0] = _outcome_of(ending)
    return outcomes


def _counts(
    finding: Finding, *, attempt: UnlinkAttempt, link: ChangeOrderLink, connection: Connection
) -> bool:
    """Whether a finding may be stored: the link is active, the connection unchanged, nothing newer stored."""
    same = connection.revision == attempt.connection_revision
    return link.is_active and same and not is_older(finding, link, connection)


def _lock_attempts(ids: Sequence[int]) -> dict[int, UnlinkAttempt]:
    """The attempts with their links, by id. Locks each link before its attempt, in the order of link ids."""
    attempts = (
        UnlinkAttempt.objects.select_for_update(of=("link", "self"))
        .select_related("link__connection__company", "link__change_order__commitment__project")
        .filter(pk__in=ids)
        .order_by("link_id")
    )
    return {attempt.pk: attempt for attempt in attempts}


def _is_of_a_record_alone(finding: Finding) -> bool:
    """Whether the accepted database answered, and the fault concerns this record only."""
    fault = finding.fault
    return fault is not None and bool(finding.incarnation) and fault.code in OF_ONE_RECORD


def _lock_connection(links: Sequence[ChangeOrderLink], findings: Sequence[Finding]) -> Connection:
    """The current connection, locked.

    Noting its answer locks it, so two CCOs that share a record are settled one after the other.
    """
    answered = any(one.fault is None or _is_of_a_record_alone(one) for one in findings)
    note_findings(links[0].connection, findings, None if answered else findings[0].fault)
    return Connection.objects.select_related("company").get(pk=links[0].connection_id)


def _cut(link: ChangeOrderLink, *, actor: Actor, now: datetime) -> None:
    link.unlinked_at = now
    link.unlinked_by_id = actor.user_id
    link.unlinked_by_name = actor.name


def _save(links: Sequence[ChangeOrderLink]) -> None:
    ChangeOrderLink.objects.bulk_update(links, [*STORED, "unlinked_at", "unlinked_by_id", "unlinked_by_name"])
    cut = [link for link in links if not link.is_active]
    if cut:
        CommitmentChangeOrder.objects.filter(erp_links__in=cut).update(erp_status=ErpStatus.NOT_IN_ERP)


def end_expired(attempt: UnlinkAttempt, *, link: ChangeOrderLink, now: datetime) -> None:
    """Ends an attempt whose lease is over as NO_ANSWER, with an event in the name of its actor."""
    asker = Actor(user_id=attempt.actor_id, name=attempt.actor_name, via=Via(attempt.via))
    attempt.link = link
    ending = AttemptEnding(
        attempt,
        Finding(Verdict.UNKNOWN, "expired"),
        UnlinkDecision(AttemptState.NO_ANSWER, "expired"),
        Ruling(),
    )
    _end([ending], actor=asker, now=now)


def _end(endings: Sequence[AttemptEnding], *, actor: Actor, now: datetime) -> None:
    """Ends the attempts and appends their events, in the caller's transaction."""
    for ending in endings:
        attempt, finding = ending.attempt, ending.finding
        attempt.state = ending.decision.state
        attempt.ended_at = max(now, attempt.started_at)
        attempt.verdict = finding.verdict.value
        attempt.reason = ending.decision.reason
        attempt.proof = finding.proof.value if finding.proof else ""
        attempt.first_looked_at = finding.first_looked_at
        attempt.second_looked_at = finding.second_looked_at
        attempt.evidence = as_json(finding)
    UnlinkAttempt.objects.bulk_update(
        [ending.attempt for ending in endings],
        [
            "state",
            "ended_at",
            "verdict",
            "reason",
            "proof",
            "first_looked_at",
            "second_looked_at",
            "evidence",
        ],
    )
    append_events([_event_of(ending, actor=actor, now=now) for ending in endings])


def _event_of(ending: AttemptEnding, *, actor: Actor, now: datetime) -> LinkEvent:
    link, decision = ending.attempt.link, ending.decision
    return event_of(
        kind=EVENT_OF[decision.state],
        company=link.connection.company,
        subject_kind="change-order",
        subject_id=link.change_order_id or 0,
        subject_label=label_of(link),
        project_number=link.project_number,
        actor=actor,
        now=now,
        rights=ending.ruling.rights,
        reason=decision.reason,
        evidence={
            **ending.attempt.evidence,
            **record_of(link),
            **({"overtaken": True} if ending.overtaken else {}),
            **_confirmation_of(ending.confirmed),
        },
        link_id=link.pk,
        attempt_id=ending.attempt.pk,
    )


def _confirmation_of(deletion: ConfirmedDeletion | None) -> dict[str, Any]:
    if deletion is None:
        return {}
    confirmation = {
        "deletion_id": deletion.pk,
        "stated_by": deletion.stated_by_name,
        "confirmed_by": deletion.confirmed_by_name,
        "reason": deletion.reason,
    }
    return {"confirmed_deletion": confirmation}


def _outcome_of(ending: AttemptEnding) -> Outcome:
    link, finding, decision = ending.attempt.link, ending.finding, ending.decision
    match decision.state:
        case AttemptState.UNLINKED:
            return Unlinked(link=link, finding=finding, confirmed=ending.confirmed)
        case AttemptState.STILL_IN_ERP:
            return StillInErp(link=link, finding=finding)
        case AttemptState.NOT_ALLOWED:
            return NotAllowed(ending.ruling.missing)
        case _:
            return NoTrustworthyAnswer(link=link, finding=finding, reason=decision.reason)

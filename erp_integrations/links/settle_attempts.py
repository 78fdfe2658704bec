"""Settling what was asked: under the locks, by what counts at that moment, and told to the ledger."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import structlog
from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access, Ruling, find_access
from companies.clock import StatementClock, database_now
from companies.models import Project
from erp_integrations.deletions.confirm_deletion import end_if_seen
from erp_integrations.deletions.confirmed import ConfirmedBy, find_confirmed_by
from erp_integrations.erp.connection_state import clock_told, note_answer
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_events, event_of, label_of, record_of
from erp_integrations.ledger.serialization import as_json
from erp_integrations.links.record_findings import OF_ONE_RECORD, STORED, apply_status, is_older
from erp_integrations.links.references import references_now
from erp_integrations.links.unlink_decision import Settlement, UnlinkClaim, decide_unlink
from erp_integrations.models import (
    AttemptState,
    BulkUnlink,
    ChangeOrderLink,
    Connection,
    EventKind,
    LinkEvent,
    UnlinkAttempt,
    Via,
)
from erp_integrations.policies import may_unlink
from erp_integrations.ports import ConnectionSpec, Controls, ErpError, Finding, Verdict
from erp_integrations.workflow.errors import NotAllowed, NoTrustworthyAnswer, Refused, StillInErp
from erp_integrations.workflow.link_status import status_of_finding

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
    """The link was cut, and why that was right."""

    link: ChangeOrderLink
    finding: Finding
    confirmed: ConfirmedBy | None = None
    """Who stated and confirmed that the record was deleted, where that was needed."""


Outcome = Unlinked | Refused


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was claimed together, and is asked and settled together. Not empty, of one connection."""

    claims: tuple[UnlinkClaim, ...]
    connection: Connection
    """As it was when they were claimed."""
    bulk: BulkUnlink | None
    """The bulk unlink that they are a turn of."""
    controls: Controls
    spec: ConnectionSpec | ErpError
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class AttemptEnding:
    """An attempt that ends, and how."""

    attempt: UnlinkAttempt
    link: ChangeOrderLink
    finding: Finding
    settlement: Settlement
    overtaken: bool = False
    """Whether something newer was known of the link already, and stays."""
    confirmed: ConfirmedBy | None = None


# --- what counts at this moment ------------------------------------------------------------------


def access_now(*, company_id: int, actor: Actor) -> tuple[Access | None, datetime]:
    """What the person may do at this moment, and which moment that is, by the database's clock.

    Nothing for staff in the admin, whoever they are besides: from there nobody unlinks.
    """
    access = None
    if actor.user_id and not actor.is_staff:
        access = find_access(user_id=actor.user_id, company_id=company_id)
    return access, (access and access.read_at) or database_now()


def decide(access: Access | None, project: Project | None) -> Ruling:
    """What the person may do; nothing with a CCO that is not there."""
    if project is None or access is None:
        return NOT_IN_THE_DIRECTORY
    return may_unlink(access, project_id=project.pk, project_name=project.name)


def project_of(link: ChangeOrderLink) -> Project | None:
    return link.change_order.commitment.project if link.change_order else None


# --- the transaction -----------------------------------------------------------------------------


def settle(chunk: Chunk, findings: Sequence[Finding], *, actor: Actor) -> dict[int, Outcome]:
    """Ends each claim's attempt by its finding, in one transaction; cuts the links that may be cut.

    Raises `DatabaseError` where the database refuses one: nothing is settled then.
    """
    outcomes: dict[int, Outcome] = {}
    endings: list[AttemptEnding] = []
    with transaction.atomic(durable=True):
        attempts = _lock_attempts([claim.attempt_id for claim in chunk.claims])
        mine = []
        for claim, finding in zip(chunk.claims, findings, strict=True):
            attempt = attempts[claim.attempt_id]
            if attempt.state == AttemptState.CHECKING:
                mine.append((claim, finding, attempt))
            else:
                # Its lease ran out and the next click ended it; the story has been told already.
                outcomes[claim.change_order_id] = NoTrustworthyAnswer(
                    link=attempt.link, finding=finding, reason="attempt-taken-over"
                )
        if not mine:
            return outcomes
        links = [attempt.link for _, _, attempt in mine]
        connection = _lock_connection(links, [finding for _, finding, _ in mine])
        was_ended = {link.pk: not link.is_active for link in links}
        proven = [attempt.link for _, finding, attempt in mine if finding.proves_absence]
        references = references_now(proven, connection)
        access, now = access_now(company_id=connection.company_id, actor=actor)
        row_ids = [attempt.link.row_id for _, finding, attempt in mine if finding.evidence.deletion_confirmed]
        confirmed = find_confirmed_by(connection, row_ids, now)
        for claim, finding, attempt in mine:
            link = attempt.link
            link.connection = connection
            settlement = decide_unlink(
                claim,
                finding,
                attempt=attempt,
                link=link,
                reference=references.get(link.pk),
                connection=connection,
                ruling=decide(access, project_of(link)),
                now=now,
                clock=chunk.clock,
            )
            unlinked = settlement.state == AttemptState.UNLINKED
            overtaken = not unlinked and not _counts(
                finding, attempt=attempt, link=link, connection=connection
            )
            if not overtaken:
                # The attempt's own event tells what was found: no other is written.
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
            endings.append(AttemptEnding(attempt, link, finding, settlement, overtaken, by))
        _save([ending.link for ending in endings if not was_ended[ending.link.pk]])
        _end(endings, actor=actor, now=now)
        seen = {ending.link.row_id for ending in endings if ending.finding.evidence.header}
        end_if_seen(connection, seen, now, actor=actor)
    for ending in endings:
        _log(ending, actor=actor)
        outcomes[ending.link.change_order_id or 0] = _outcome_of(ending)
    return outcomes


def _counts(
    finding: Finding, *, attempt: UnlinkAttempt, link: ChangeOrderLink, connection: Connection
) -> bool:
    """Whether a finding may be stored with its link.

    The link must be active, the connection the one that was asked, and nothing newer stored.
    """
    same = connection.revision == attempt.connection_revision
    return link.is_active and same and not is_older(finding, link, connection)


def _lock_attempts(ids: Sequence[int]) -> dict[int, UnlinkAttempt]:
    """With their links: each link is locked before its attempt, in the order of the links' ids."""
    attempts = (
        UnlinkAttempt.objects.select_for_update(of=("link", "self"))
        .select_related("link__connection__company", "link__change_order__commitment__project")
        .filter(pk__in=ids)
        .order_by("link_id")
    )
    return {attempt.pk: attempt for attempt in attempts}


def _is_of_a_record_alone(finding: Finding) -> bool:
    """Whether the accepted database answered, and only of the record there is no trustworthy answer."""
    fault = finding.fault
    return fault is not None and bool(finding.incarnation) and fault.code in OF_ONE_RECORD


def _lock_connection(links: Sequence[ChangeOrderLink], findings: Sequence[Finding]) -> Connection:
    """The connection as it counts now.

    Whether it answered is noted first: that is what locks it, so that of two parts of one header that are
    gone one is settled before the other.
    """
    answered = any(one.fault is None or _is_of_a_record_alone(one) for one in findings)
    note_answer(
        links[0].connection,
        None if answered else findings[0].fault,
        now=StatementClock(),
        asked_at=max((one.told_at for one in findings if one.told_at is not None), default=None),
        server_clock=clock_told(findings),
    )
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
    """Whoever asked did not come back in time. Says so, in their name, and frees the link."""
    asker = Actor(user_id=attempt.actor_id, name=attempt.actor_name, via=Via(attempt.via))
    ending = AttemptEnding(
        attempt,
        link,
        Finding(Verdict.UNKNOWN, "expired"),
        Settlement(AttemptState.NO_ANSWER, "expired", Ruling()),
    )
    _end([ending], actor=asker, now=now)


def _end(endings: Sequence[AttemptEnding], *, actor: Actor, now: datetime) -> None:
    """Ends the attempts and tells the ledger, in the same transaction."""
    for ending in endings:
        attempt, finding = ending.attempt, ending.finding
        attempt.state = ending.settlement.state
        attempt.ended_at = max(now, attempt.started_at)
        attempt.verdict = finding.verdict.value
        attempt.reason = ending.settlement.reason
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
    link, settlement = ending.link, ending.settlement
    return event_of(
        kind=EVENT_OF[settlement.state],
        company=link.connection.company,
        subject_kind="change-order",
        subject_id=link.change_order_id or 0,
        subject_label=label_of(link),
        project_number=link.project_number,
        actor=actor,
        now=now,
        rights=settlement.ruling.rights,
        reason=settlement.reason,
        evidence={
            **ending.attempt.evidence,
            **record_of(link),
            **({"overtaken": True} if ending.overtaken else {}),
            **_confirmed_by(ending),
        },
        link_id=link.pk,
        attempt_id=ending.attempt.pk,
    )


def _confirmed_by(ending: AttemptEnding) -> dict[str, object]:
    return {"confirmed_deletion": asdict(ending.confirmed)} if ending.confirmed else {}


def _log(ending: AttemptEnding, *, actor: Actor) -> None:
    log.info(
        "unlink_settled",
        company_id=ending.link.connection.company_id,
        link_id=ending.link.pk,
        attempt_id=ending.attempt.pk,
        actor_id=actor.user_id,
        outcome=ending.settlement.state,
        reason=ending.settlement.reason,
    )


def _outcome_of(ending: AttemptEnding) -> Outcome:
    link, finding, settlement = ending.link, ending.finding, ending.settlement
    match settlement.state:
        case AttemptState.UNLINKED:
            return Unlinked(link=link, finding=finding, confirmed=ending.confirmed)
        case AttemptState.STILL_IN_ERP:
            return StillInErp(link=link, finding=finding)
        case AttemptState.NOT_ALLOWED:
            return NotAllowed(settlement.ruling.missing)
        case _:
            return NoTrustworthyAnswer(link=link, finding=finding, reason=settlement.reason)

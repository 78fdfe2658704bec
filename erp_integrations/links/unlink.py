"""Unlink: claim, look up, settle; the same for one CCO and for many.

Two short transactions, and the lookup in the ERP between them, outside of both. An attempt is a lease: a
process that is killed, paused or late leaves the link as it was. Each CCO is decided independently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from companies.clock import clock_from
from companies.models import Project
from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.links.brake import brake_of_bulk
from erp_integrations.links.look_question import question_for
from erp_integrations.links.settle_attempts import (
    Outcome,
    UnlinkBatch,
    Unlinked,
    access_now,
    end_expired,
    project_of,
    rule_on_unlink,
    settle,
)
from erp_integrations.links.unlink_decision import UnlinkClaim, gone_since
from erp_integrations.models import AttemptState, BulkUnlink, ChangeOrderLink, UnlinkAttempt
from erp_integrations.ports import (
    MOST_LOOKED_UP_AT_ONCE,
    Deadline,
    ErpError,
    Finding,
    Verdict,
)
from erp_integrations.workflow.errors import (
    AlreadyUnlinked,
    NeverLinked,
    NotAllowed,
    Refused,
    UnlinkInProgress,
)

__all__ = ["Outcome", "Unlinked", "unlink_change_order", "unlink_change_orders"]

log = structlog.get_logger(__name__)

LEASE_BEYOND_DEADLINE = timedelta(seconds=5)
"""Time to settle an answer that came at the deadline."""


def unlink_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> Unlinked:
    """Cuts the CCO's link if two looks at the ERP find that the record is gone.

    Blocks for at most SAGE_DEADLINE_SECONDS and two short transactions; must not be called inside one. The
    caller checks that the person may see the CCO. Raises `NotAllowed`, `AlreadyUnlinked`, `NeverLinked`,
    `UnlinkInProgress`, `StillInErp` or `NoTrustworthyAnswer`; the link is then as it was.
    """
    outcomes = unlink_change_orders(company_id=company_id, change_order_ids=(change_order_id,), actor=actor)
    outcome = outcomes[change_order_id]
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def unlink_change_orders(
    *,
    company_id: int,
    change_order_ids: Sequence[int],
    actor: Actor,
    items: Mapping[int, int] | None = None,
) -> dict[int, Outcome]:
    """By CCO: what `unlink_change_order` would return or raise, with one lookup for all of them.

    Raises `ValueError` for more than MOST_LOOKED_UP_AT_ONCE. `items` are the ids of the bulk unlink's items
    that the attempts belong to, by CCO. A CCO that the database refused to settle has no outcome; its lease
    runs out.
    """
    if len(change_order_ids) > MOST_LOOKED_UP_AT_ONCE:
        raise ValueError(f"at most {MOST_LOOKED_UP_AT_ONCE} CCOs are unlinked at once")
    batch, outcomes = _claim(
        company_id=company_id, change_order_ids=change_order_ids, actor=actor, items=items or {}
    )
    if batch is None:
        return outcomes
    findings = _ask(batch)
    if batch.bulk is not None:
        findings = tuple(brake_of_bulk(batch.connection, batch.bulk, findings))
    try:
        return outcomes | settle(batch, findings, actor=actor)
    except DatabaseError:
        if len(batch.claims) == 1:
            raise
    # The database refused one of them and rolled back all: settle each in its own transaction.
    for claim, finding in zip(batch.claims, findings, strict=True):
        try:
            outcomes |= settle(replace(batch, claims=(claim,)), (finding,), actor=actor)
        except DatabaseError:
            log.exception("unlink_not_settled", attempt_id=claim.attempt_id)
    return outcomes


# --- claim: the first transaction ------------------------------------------------------------------------


def _claim(
    *, company_id: int, change_order_ids: Sequence[int], actor: Actor, items: Mapping[int, int]
) -> tuple[UnlinkBatch | None, dict[int, Outcome]]:
    """Begins an attempt for each CCO that may be unlinked; a refusal for each other CCO."""
    refused: dict[int, Outcome] = {}
    with transaction.atomic(durable=True):
        links = _lock_active_links(company_id=company_id, change_order_ids=change_order_ids)
        access, now = access_now(company_id=company_id, actor=actor)
        for change_order_id in change_order_ids:
            link = links.get(change_order_id)
            project = project_of(link) if link else _find_project(company_id, change_order_id)
            if not (ruling := rule_on_unlink(access, project)):
                refused[change_order_id] = NotAllowed(ruling.missing)
            elif link is None:
                refused[change_order_id] = _why_no_active_link(
                    company_id=company_id, change_order_id=change_order_id
                )
        allowed = [link for change_order_id, link in links.items() if change_order_id not in refused]
        refused |= _end_expired_attempts(allowed, now=now)
        claimed = [link for link in allowed if link.change_order_id not in refused]
        if not claimed:
            return None, refused
        attempts = UnlinkAttempt.objects.bulk_create(
            _begin(link, actor=actor, now=now, item_id=items.get(link.change_order_id or 0))
            for link in claimed
        )
        connection, bulk = claimed[0].connection, None
        if items:
            bulk = BulkUnlink.objects.filter(items__in=list(items.values())[:1]).first()
        question = question_for(claimed, connection, control_link_ids=bulk.control_link_ids if bulk else ())
        batch = UnlinkBatch(
            claims=tuple(
                UnlinkClaim(
                    attempt_id=attempt.pk,
                    change_order_id=link.change_order_id or 0,
                    reference=question.references[link.pk],
                    gone_since=gone_since(link),
                )
                for link, attempt in zip(claimed, attempts, strict=True)
            ),
            connection=connection,
            bulk=bulk,
            controls=question.controls,
            clock=clock_from(now),
        )
    return batch, refused


def _lock_active_links(*, company_id: int, change_order_ids: Sequence[int]) -> dict[int, ChangeOrderLink]:
    """The active links by CCO, locked in the order of their ids, so that no two calls wait for each other."""
    links = (
        ChangeOrderLink.objects.select_for_update(of=("self",))
        .select_related("connection__company", "change_order__commitment__project")
        .filter(
            change_order_id__in=change_order_ids,
            connection__company_id=company_id,
            unlinked_at__isnull=True,
        )
        .order_by("pk")
    )
    return {link.change_order_id: link for link in links if link.change_order_id is not None}


def _find_project(company_id: int, change_order_id: int) -> Project | None:
    return Project.objects.filter(company_id=company_id, commitments__change_orders=change_order_id).first()


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


def _end_expired_attempts(links: Sequence[ChangeOrderLink], *, now: datetime) -> dict[int, Outcome]:
    """Ends the attempts whose lease is over. A refusal by CCO for each lease that holds."""
    by_id = {link.pk: link for link in links}
    busy: dict[int, Outcome] = {}
    for attempt in (
        UnlinkAttempt.objects.select_for_update()
        .filter(link__in=by_id, state=AttemptState.CHECKING)
        .order_by("link_id")
    ):
        link = by_id[attempt.link_id]
        if attempt.expires_at > now:
            busy[link.change_order_id or 0] = UnlinkInProgress(
                by=attempt.actor_name, since=attempt.started_at
            )
        else:
            end_expired(attempt, link=link, now=now)
    return busy


def _begin(link: ChangeOrderLink, *, actor: Actor, now: datetime, item_id: int | None) -> UnlinkAttempt:
    assert actor.user_id is not None, "anonymous actors were refused above"
    return UnlinkAttempt(
        link=link,
        started_at=now,
        expires_at=now + timedelta(seconds=settings.SAGE_DEADLINE_SECONDS) + LEASE_BEYOND_DEADLINE,
        actor_id=actor.user_id,
        actor_name=actor.name,
        via=actor.via,
        connection_revision=link.connection.revision,
        bulk_item_id=item_id,
    )


# --- look up: outside any transaction ---------------------------------------------------------------------


def _ask(batch: UnlinkBatch) -> tuple[Finding, ...]:
    """A finding for each claim, in their order."""
    try:
        reader = registry.reader_for(registry.spec_of(batch.connection))
    except ErpError as error:
        return (Finding(Verdict.UNKNOWN, error.fault.code, fault=error.fault),) * len(batch.claims)
    return calls.lookup_many(
        reader,
        [claim.reference for claim in batch.claims],
        deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS),
        clock=batch.clock,
        controls=batch.controls,
    )

"""Writing the ledger: one event, in the transaction of the change it tells of."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.db import transaction

from commitments.models import CommitmentChangeOrder
from companies.models import Company
from erp_integrations.actors import Actor
from erp_integrations.models import ChangeOrderLink, EventKind, LinkEvent

log = structlog.get_logger(__name__)


def append_event(
    *,
    kind: EventKind,
    company: Company,
    subject_kind: str,
    subject_id: int,
    subject_label: str,
    actor: Actor,
    now: datetime,
    rights: str = "",
    reason: str = "",
    evidence: dict[str, Any] | None = None,
    link_id: int | None = None,
    attempt_id: int | None = None,
) -> LinkEvent:
    """Appends one line. Refuses to run outside a transaction: an event without its change is a lie."""
    line = event(
        kind=kind,
        company=company,
        subject_kind=subject_kind,
        subject_id=subject_id,
        subject_label=subject_label,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence=evidence,
        link_id=link_id,
        attempt_id=attempt_id,
    )
    _require_transaction()
    line.save(force_insert=True)
    transaction.on_commit(partial(_log, line))
    return line


def event(
    *,
    kind: EventKind,
    company: Company,
    subject_kind: str,
    subject_id: int,
    subject_label: str,
    actor: Actor,
    now: datetime,
    rights: str = "",
    reason: str = "",
    evidence: dict[str, Any] | None = None,
    link_id: int | None = None,
    attempt_id: int | None = None,
) -> LinkEvent:
    """One line that is not written yet; `append_events` writes many at once."""
    return LinkEvent(
        at=now,
        company_id=company.pk,
        company_slug=company.slug,
        subject_kind=subject_kind,
        subject_id=subject_id,
        subject_label=subject_label,
        link_id=link_id,
        attempt_id=attempt_id,
        kind=kind,
        actor_id=actor.user_id,
        actor_name=actor.name,
        via=actor.via,
        operating_system_user=actor.operating_system_user,
        rights=rights,
        reason=reason,
        evidence=evidence or {},
        request_id=actor.request_id,
    )


def _log(event: LinkEvent) -> None:
    """The same for the log, by ids: once it is true, and not before."""
    log.info(
        "ledger_event",
        event_id=event.pk,
        company_id=event.company_id,
        outcome=event.kind,
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        link_id=event.link_id,
        attempt_id=event.attempt_id,
        actor_id=event.actor_id,
        via=event.via,
    )


def append_events(events: Sequence[LinkEvent]) -> None:
    """Appends many lines, in their order; like `append_event`."""
    _require_transaction()
    for line in LinkEvent.objects.bulk_create(events):
        transaction.on_commit(partial(_log, line))


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("append_event needs the transaction of its change")


def label_of_change_order(change_order: CommitmentChangeOrder) -> str:
    """The same for a CCO that is not tied to anything. Its commitment and project must be there."""
    commitment = change_order.commitment
    return (
        f'CCO {change_order.number} "{change_order.title}" ({commitment.project.name}, {commitment.number})'
    )


def label_of(link: ChangeOrderLink) -> str:
    """What the ledger calls a CCO: number, title, project and commitment, as they were."""
    return f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}, {link.commitment_number})'

"""Records one event of the Directory's history, in the transaction of the change it describes."""

from datetime import datetime
from functools import partial

import structlog
from django.db import transaction

from companies.models import DirectoryEvent, DirectoryEventKind, Membership, User

log = structlog.get_logger(__name__)


def append_event(
    *,
    kind: DirectoryEventKind,
    membership: Membership,
    actor: User | None,
    actor_name: str = "",
    now: datetime,
    rights: str,
    what: str,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> DirectoryEvent:
    """Appends one event. Raises `TransactionManagementError` outside a transaction."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("append_event needs a transaction")
    event = DirectoryEvent.objects.create(
        at=now,
        company_id=membership.company_id,
        company_slug=membership.company.slug,
        membership_id=membership.pk,
        person_id=membership.user_id,
        person_name=membership.user.name,
        kind=kind,
        actor_id=actor.pk if actor else None,
        actor_name=actor.name if actor else actor_name,
        rights=rights,
        what=what,
        before=before,
        after=after,
        reason=reason,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )
    transaction.on_commit(partial(_log, event))
    return event


def _log(event: DirectoryEvent) -> None:
    """Logs the event by ids, after the commit."""
    log.info(
        "directory_event",
        event_id=event.pk,
        company_id=event.company_id,
        outcome=event.kind,
        membership_id=event.membership_id,
        person_id=event.person_id,
        actor_id=event.actor_id,
    )

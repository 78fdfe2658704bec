"""Writing the Directory's history: one event, in the transaction of the change it tells of."""

from datetime import datetime

import structlog
from django.db import transaction

from companies.models import DirectoryEvent, DirectoryEventKind, Membership, User


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
    """Appends one line. Refuses to run outside a transaction: an event without its change is a lie."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("append_event needs the transaction of its change")
    return DirectoryEvent.objects.create(
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

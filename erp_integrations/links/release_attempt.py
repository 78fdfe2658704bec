"""Freeing a stuck attempt: what the next click on its CCO does, or the queue within a minute, done by staff.

It ends as those end it: no answer, in its asker's name, with its link as it was. Nothing is cut, and nothing
is asked.
"""

from datetime import datetime

from django.db import transaction

from companies.clock import database_now
from companies.errors import require_reason
from companies.staff import StaffAct, ruling_on_staff
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of, record_of
from erp_integrations.links.settle_attempts import end_expired
from erp_integrations.models import AttemptState, ChangeOrderLink, EventKind, UnlinkAttempt


class ReleaseRefused(Exception):
    """The attempt is as it was. The text is for the page."""


class ReleaseNotAllowed(ReleaseRefused):
    """The person lacks the permission."""


class LeaseHolds(ReleaseRefused):
    """Somebody's question is open, and may still be answered."""

    def __init__(self, *, until: datetime) -> None:
        super().__init__("Its lease is not over: the question may still be answered. Wait a few seconds.")
        self.until = until


class AttemptEnded(ReleaseRefused):
    """Somebody, or the queue, was quicker."""

    def __init__(self, state: AttemptState) -> None:
        super().__init__(f"It has ended meanwhile: {state.label.lower()}.")
        self.state = state


def release_attempt(*, attempt_id: int, reason: str, actor: Actor) -> None:
    """Ends an attempt whose lease is over, and tells who freed it and why.

    Raises `UnlinkAttempt.DoesNotExist`, `ReasonMissing`, `ReleaseNotAllowed`, `AttemptEnded`, `LeaseHolds`.
    """
    reason = require_reason(reason)
    with transaction.atomic(durable=True):
        link_id = UnlinkAttempt.objects.values_list("link_id", flat=True).get(pk=attempt_id)
        link = (
            ChangeOrderLink.objects.select_for_update(of=("self",))
            .select_related("connection__company")
            .get(pk=link_id)
        )
        attempt = UnlinkAttempt.objects.select_for_update().get(pk=attempt_id)
        ruling = ruling_on_staff(StaffAct.FREE_ATTEMPT, actor.user_id)
        if not ruling:
            raise ReleaseNotAllowed("; ".join(ruling.missing))
        if attempt.state != AttemptState.CHECKING:
            raise AttemptEnded(AttemptState(attempt.state))
        now = database_now()
        if attempt.expires_at > now:
            raise LeaseHolds(until=attempt.expires_at)
        end_expired(attempt, link=link, now=now)
        append_event(
            kind=EventKind.ATTEMPT_FREED,
            company=link.connection.company,
            subject_kind="change-order",
            subject_id=link.change_order_id or 0,
            subject_label=label_of(link),
            project_number=link.project_number,
            actor=actor,
            now=now,
            rights=ruling.rights,
            reason=reason,
            # The attempt's own event tells how it ended; it has one, and no second.
            evidence={**record_of(link), "attempt": attempt.pk, "asked_by": attempt.actor_name},
            link_id=link.pk,
        )

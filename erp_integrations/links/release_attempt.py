"""Releases an attempt to unlink whose lease is over, as the next click on its CCO or the queue would.

The attempt ends as NO_ANSWER, in the name of the person who began it. The link stays; the ERP is not
called.
"""

from django.db import transaction

from companies.clock import database_now
from companies.errors import require_reason
from companies.staff_permissions import StaffAct, ruling_on_staff
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of, record_of
from erp_integrations.links.settle_attempts import end_expired
from erp_integrations.models import AttemptState, ChangeOrderLink, EventKind, UnlinkAttempt
from erp_integrations.workflow.errors import AttemptEnded, LeaseHolds, NotAllowed


def release_attempt(*, attempt_id: int, reason: str, actor: Actor) -> None:
    """Ends an attempt whose lease is over, and records in the ledger who released it and why.

    Raises `UnlinkAttempt.DoesNotExist`, `ReasonMissing`, `NotAllowed`, `AttemptEnded`, `LeaseHolds`.
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
            raise NotAllowed(ruling.missing)
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
            # The attempt's own event describes how it ended.
            evidence={**record_of(link), "attempt": attempt.pk, "asked_by": attempt.actor_name},
            link_id=link.pk,
        )

"""The business status of a CCO. CCOs are un-approved in the reverse order of approval."""

from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from commitments.errors import LaterChangeOrder, LaterChangeOrdersApproved
from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from commitments.operations.edit_change_order import require_free
from commitments.operations.lock_rows import lock_change_order, require_unchanged
from commitments.operations.record_history import Change, record_history


@transaction.atomic(durable=True)
def change_status(
    *,
    company_id: int,
    change_order_id: int,
    user_id: int,
    status: ChangeOrderStatus,
    revision: int | None = None,
) -> None:
    """Sets the business status of a CCO that is not locked. `revision` is that of the page's CCO.

    Raises `CommitmentsNotAllowed`, `ChangeOrderLocked`, `EditConflict`, and `LaterChangeOrdersApproved` when
    another CCO of the commitment was approved later.
    """
    held = lock_change_order(company_id=company_id, change_order_id=change_order_id, user_id=user_id)
    change_order, before = held.change_order, ChangeOrderStatus(held.change_order.status)
    require_free(change_order)
    require_unchanged(change_order, revision=revision)
    if status == before:
        return
    if before == ChangeOrderStatus.APPROVED and (later := find_later_approved(change_order)):
        raise LaterChangeOrdersApproved(later)
    change_order.status = status
    change_order.approved_at = Now() if status == ChangeOrderStatus.APPROVED else None
    change_order.revision += 1
    change_order.save(update_fields=["status", "approved_at", "revision"])
    record_history(change_order, [Change("Status", before.label, status.label)], by=held.by)


approve_change_order = partial(change_status, status=ChangeOrderStatus.APPROVED)
unapprove_change_order = partial(change_status, status=ChangeOrderStatus.PENDING_IN_REVIEW)
set_to_draft = partial(change_status, status=ChangeOrderStatus.DRAFT)


def find_later_approved(change_order: CommitmentChangeOrder) -> tuple[LaterChangeOrder, ...]:
    """The CCOs of the same commitment that were approved later, the last approved first.

    A CCO without a time of approval counts as approved before all others.
    """
    later = CommitmentChangeOrder.objects.filter(
        commitment=change_order.commitment_id, approved_at__isnull=False
    ).exclude(pk=change_order.pk)
    if change_order.approved_at is not None:
        later = later.filter(approved_at__gt=change_order.approved_at)
    return tuple(
        LaterChangeOrder(one.pk, one.number, one.title, ErpStatus(one.erp_status), one.approved_at)
        for one in later.order_by("-approved_at", "-id")
        if one.approved_at is not None
    )

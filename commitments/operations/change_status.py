"""The business status of a CCO. Approved one after the other, they are un-approved the other way round."""

from django.db import transaction
from django.db.models.functions import Now

from commitments.errors import LaterChangeOrder, LaterChangeOrdersApproved
from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from commitments.operations.change_orders import require_free
from commitments.operations.history import Change, record_history
from commitments.operations.locking import lock_change_order, require_unchanged


@transaction.atomic(durable=True)
def change_status(
    *,
    company_id: int,
    change_order_id: int,
    user_id: int,
    status: ChangeOrderStatus,
    revision: int | None = None,
) -> None:
    """Gives a free CCO another business status. `revision` is that of the CCO the person saw.

    Raises `NotAllowed`, `ChangeOrderLocked`, `ChangedMeanwhile`, and `LaterChangeOrdersApproved` where an
    Approved one is not the last that was approved.
    """
    held = lock_change_order(company_id=company_id, change_order_id=change_order_id, user_id=user_id)
    change_order, before = held.change_order, ChangeOrderStatus(held.change_order.status)
    require_free(change_order)
    require_unchanged(change_order, revision=revision)
    if status == before:
        return
    if before == ChangeOrderStatus.APPROVED and (later := later_ones(change_order)):
        raise LaterChangeOrdersApproved(later)
    change_order.status = status
    change_order.approved_at = Now() if status == ChangeOrderStatus.APPROVED else None
    change_order.revision += 1
    change_order.save(update_fields=["status", "approved_at", "revision"])
    record_history(change_order, [Change("Status", before.label, status.label)], by=held.by)


def approve_change_order(
    *, company_id: int, change_order_id: int, user_id: int, revision: int | None = None
) -> None:
    """Raises what `change_status` raises."""
    change_status(
        company_id=company_id,
        change_order_id=change_order_id,
        user_id=user_id,
        status=ChangeOrderStatus.APPROVED,
        revision=revision,
    )


def unapprove_change_order(
    *, company_id: int, change_order_id: int, user_id: int, revision: int | None = None
) -> None:
    """Back to review. Raises what `change_status` raises."""
    change_status(
        company_id=company_id,
        change_order_id=change_order_id,
        user_id=user_id,
        status=ChangeOrderStatus.PENDING_IN_REVIEW,
        revision=revision,
    )


def set_to_draft(*, company_id: int, change_order_id: int, user_id: int, revision: int | None = None) -> None:
    """Raises what `change_status` raises."""
    change_status(
        company_id=company_id,
        change_order_id=change_order_id,
        user_id=user_id,
        status=ChangeOrderStatus.DRAFT,
        revision=revision,
    )


def later_ones(change_order: CommitmentChangeOrder) -> tuple[LaterChangeOrder, ...]:
    """The Approved CCOs of the same commitment that were approved after it, the last one first.

    One whose time of approval is not known counts as approved before all others, and blocks nobody.
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

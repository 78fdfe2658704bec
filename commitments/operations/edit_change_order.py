"""Creating, editing and deleting CCOs."""

import re

from django.db import transaction

from commitments.errors import ChangeOrderLocked, CommitmentNotApproved, NumberTaken
from commitments.models import (
    FREE,
    FREE_WHILE_SYNCED,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentStatus,
    ErpStatus,
)
from commitments.operations.form_values import WrittenChangeOrder, lines_as_they_are
from commitments.operations.lock_rows import lock_change_order, lock_commitment, require_unchanged
from commitments.operations.record_history import Change, record_history
from commitments.operations.write_lines import words_of_lines, write_change_order_lines

WORDS_OF_FIELDS = {"number": "Number", "title": "Title", "description": "Description"}


@transaction.atomic(durable=True)
def create_change_order(
    *, company_id: int, commitment_id: int, user_id: int, written: WrittenChangeOrder
) -> CommitmentChangeOrder:
    """Creates a CCO in Draft; the commitment must be Approved.

    Raises `CommitmentsNotAllowed`, `CommitmentNotApproved`, `NumberTaken`, `NotOfThisCompany`.
    """
    commitment, by = lock_commitment(company_id=company_id, commitment_id=commitment_id, user_id=user_id)
    if commitment.status != CommitmentStatus.APPROVED:
        raise CommitmentNotApproved
    _require_number_free(commitment, written.number)
    change_order = CommitmentChangeOrder.objects.create(
        commitment=commitment,
        number=written.number,
        title=written.title,
        description=written.description,
        created_by_id=by.pk,
        created_by_name=by.name,
    )
    lines = write_change_order_lines(change_order, written.lines)
    record_history(change_order, [Change("Created", "", str(change_order)), *lines], by=by)
    record_history(commitment, [Change("Change order", "", str(change_order))], by=by)
    return change_order


@transaction.atomic(durable=True)
def edit_change_order(
    *, company_id: int, change_order_id: int, user_id: int, revision: int, written: WrittenChangeOrder
) -> None:
    """Saves the CCO with its lines, all or nothing. `revision` is that of the form's CCO.

    Raises `CommitmentsNotAllowed`, `ChangeOrderLocked`, `EditConflict`, `NumberTaken`, `NotOfThisCompany`.
    """
    held = lock_change_order(company_id=company_id, change_order_id=change_order_id, user_id=user_id)
    change_order = held.change_order
    require_unchanged(change_order, revision=revision)
    status = ErpStatus(change_order.erp_status)
    if status not in FREE and not (status == ErpStatus.SYNCED and _leaves_locked(change_order, written)):
        raise ChangeOrderLocked(status)
    if written.number != change_order.number:
        _require_number_free(change_order.commitment, written.number)
    changes = []
    for name, words in WORDS_OF_FIELDS.items():
        before, after = getattr(change_order, name), getattr(written, name)
        if before != after:
            setattr(change_order, name, after)
            changes.append(Change(words, before, after))
    if status in FREE:
        changes += write_change_order_lines(change_order, written.lines)
    if not changes:
        return
    change_order.revision += 1
    change_order.save(update_fields=[*WORDS_OF_FIELDS, "revision"])
    record_history(change_order, changes, by=held.by)


@transaction.atomic(durable=True)
def delete_change_order(*, company_id: int, change_order_id: int, user_id: int) -> None:
    """Deletes a CCO that is not locked, with its lines. Its closed links and its history stay.

    Raises `CommitmentsNotAllowed`, `ChangeOrderLocked`.
    """
    held = lock_change_order(company_id=company_id, change_order_id=change_order_id, user_id=user_id)
    change_order, words = held.change_order, str(held.change_order)
    require_free(change_order)
    status = ChangeOrderStatus(change_order.status).label
    gone = [Change("Deleted", f"{words}, {status}, {change_order.amount:,.2f}", "")]
    record_history(change_order, [*gone, *words_of_lines(change_order)], by=held.by)
    record_history(change_order.commitment, [Change("Change order", gone[0].before, "deleted")], by=held.by)
    change_order.delete()


def propose_number(commitment: Commitment) -> str:
    """The number after the highest one: `001`, `002`. Only numbers of digits count."""
    numbers = commitment.change_orders.values_list("number", flat=True)
    highest = max((int(number) for number in numbers if re.fullmatch(r"[0-9]{1,11}", number)), default=0)
    return f"{highest + 1:03}"


def require_free(change_order: CommitmentChangeOrder) -> None:
    """Raises `ChangeOrderLocked`."""
    status = ErpStatus(change_order.erp_status)
    if status not in FREE:
        raise ChangeOrderLocked(status)


def _require_number_free(commitment: Commitment, number: str) -> None:
    if commitment.change_orders.filter(number__iexact=number).exists():
        raise NumberTaken(number)


def _leaves_locked(change_order: CommitmentChangeOrder, written: WrittenChangeOrder) -> bool:
    """Whether only fields of `FREE_WHILE_SYNCED` differ."""
    lines = lines_as_they_are(change_order.lines.order_by("position"))
    kept = [name for name in WORDS_OF_FIELDS if name not in FREE_WHILE_SYNCED]
    return lines == written.lines and all(
        getattr(change_order, name) == getattr(written, name) for name in kept
    )

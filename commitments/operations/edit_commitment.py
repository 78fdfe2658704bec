"""Creating, editing and deleting subcontracts and purchase orders."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from commitments.errors import (
    CommitmentHasChangeOrders,
    CommitmentLinked,
    CommitmentLocked,
    NotOfThisCompany,
    NumberTaken,
    WrongStatus,
)
from commitments.models import STATUSES_OF, Commitment, CommitmentKind, CommitmentStatus, Vendor
from commitments.operations.form_values import WrittenCommitment
from commitments.operations.lock_rows import lock_commitment, lock_project, require_unchanged
from commitments.operations.record_history import Change, record_history
from commitments.operations.write_lines import write_commitment_lines


@transaction.atomic(durable=True)
def create_commitment(
    *, company_id: int, project_id: int, user_id: int, kind: CommitmentKind, written: WrittenCommitment
) -> Commitment:
    """Raises `CommitmentsNotAllowed`, `NumberTaken`, `WrongStatus`, `NotOfThisCompany`."""
    project, by = lock_project(company_id=company_id, project_id=project_id, user_id=user_id)
    commitment = Commitment(
        project=project,
        kind=kind,
        number=written.number,
        title=written.title,
        vendor=_vendor(written, company_id=company_id),
        status=written.status,
        created_by_id=by.pk,
        created_by_name=by.name,
    )
    _require_status_of_kind(commitment)
    _require_number_free(commitment)
    commitment.save()
    lines = write_commitment_lines(commitment, written.lines)
    record_history(commitment, [Change("Created", "", f"{kind.label} {commitment}"), *lines], by=by)
    return commitment


@transaction.atomic(durable=True)
def edit_commitment(
    *, company_id: int, commitment_id: int, user_id: int, revision: int, written: WrittenCommitment
) -> None:
    """Saves the commitment with its lines, all or nothing. `revision` is that of the form's commitment.

    Raises `CommitmentsNotAllowed`, `EditConflict`, `CommitmentLocked`, `CommitmentLinked` where it would
    change what Sage holds, `NumberTaken`, `WrongStatus`, `LineInUse`, `NotOfThisCompany`.
    """
    commitment, by = lock_commitment(company_id=company_id, commitment_id=commitment_id, user_id=user_id)
    require_unchanged(commitment, revision=revision)
    before = _words_of(commitment)
    if written.vendor_id != commitment.vendor_id:
        if held := commitment.locked_change_orders():
            raise CommitmentLocked(held)
        commitment.vendor = _vendor(written, company_id=company_id)
    commitment.number, commitment.title, commitment.status = written.number, written.title, written.status
    _require_status_of_kind(commitment)
    _require_number_free(commitment)
    changes = [
        Change(what, was, now)
        for (what, was), now in zip(before.items(), _words_of(commitment).values(), strict=True)
        if was != now
    ]
    with _refused_where_linked():
        changes += write_commitment_lines(commitment, written.lines)
        if not changes:
            return
        commitment.revision += 1
        commitment.save(update_fields=["number", "title", "vendor", "status", "revision"])
    record_history(commitment, changes, by=by)


LOCKED_BY_A_LINK = {
    "linked_commitment_stays": "contract company",
    "linked_commitment_keeps_its_record": "number and status",
    "linked_line_stays": "lines' amounts, cost codes and cost types",
}
"""What a rule of the database keeps while the commitment is tied, by the rule's name."""


@contextmanager
def _refused_where_linked() -> Iterator[None]:
    """Only the database knows here whether it is tied. Raises `CommitmentLinked`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        locked = LOCKED_BY_A_LINK.get(getattr(diagnosis, "constraint_name", None) or "")
        if locked is None:
            raise
        raise CommitmentLinked(locked) from None


@transaction.atomic(durable=True)
def delete_commitment(*, company_id: int, commitment_id: int, user_id: int) -> None:
    """Deletes a commitment that has no CCOs, with its lines. Its history stays.

    Raises `CommitmentsNotAllowed`, `CommitmentHasChangeOrders`, `CommitmentLinked`.
    """
    commitment, by = lock_commitment(company_id=company_id, commitment_id=commitment_id, user_id=user_id)
    numbers = commitment.change_orders.order_by("number", "id").values_list("number", flat=True)
    if numbers:
        raise CommitmentHasChangeOrders(tuple(numbers))
    record_history(commitment, [Change("Deleted", f"{commitment}, {commitment.vendor.name}", "")], by=by)
    try:
        commitment.delete()
    except ProtectedError:
        raise CommitmentLinked from None


def _words_of(commitment: Commitment) -> dict[str, str]:
    return {
        "Number": commitment.number,
        "Title": commitment.title,
        "Contract company": commitment.vendor.name,
        "Status": CommitmentStatus(commitment.status).label,
    }


def _vendor(written: WrittenCommitment, *, company_id: int) -> Vendor:
    vendor = Vendor.objects.filter(pk=written.vendor_id, company_id=company_id).first()
    if vendor is None:
        raise NotOfThisCompany
    return vendor


def _require_status_of_kind(commitment: Commitment) -> None:
    if commitment.status not in STATUSES_OF[CommitmentKind(commitment.kind)]:
        raise WrongStatus


def _require_number_free(commitment: Commitment) -> None:
    others = Commitment.objects.filter(project=commitment.project, number__iexact=commitment.number)
    if others.exclude(pk=commitment.pk).exists():
        raise NumberTaken(commitment.number)

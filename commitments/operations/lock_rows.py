"""Row locks for operations, together with the check of the person's rights.

The commitment is always locked before its CCOs, so that two new numbers, or two approvals, are serialised.
This is part of the lock order in `erp_integrations.workflow.lock_order`.
"""

from dataclasses import dataclass

from commitments.errors import CommitmentsNotAllowed, EditConflict
from commitments.models import Commitment, CommitmentChangeOrder, HistoryEntry
from commitments.policies import may_change_commitments
from companies.access import find_access
from companies.models import Project, User


@dataclass(frozen=True, slots=True)
class LockedRow:
    """A locked CCO with its commitment and project, and the person who changes it."""

    change_order: CommitmentChangeOrder
    by: User


def lock_project(*, company_id: int, project_id: int, user_id: int) -> tuple[Project, User]:
    """Raises `Project.DoesNotExist` when the company has none, `CommitmentsNotAllowed`."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id, company_id=company_id)
    return project, require_rights(project, user_id=user_id)


def lock_commitment(*, company_id: int, commitment_id: int, user_id: int) -> tuple[Commitment, User]:
    """Raises `Commitment.DoesNotExist` when the company has none, `CommitmentsNotAllowed`."""
    commitment = (
        Commitment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project", "vendor")
        .get(pk=commitment_id, project__company_id=company_id)
    )
    return commitment, require_rights(commitment.project, user_id=user_id)


def lock_change_order(*, company_id: int, change_order_id: int, user_id: int) -> LockedRow:
    """Raises `CommitmentChangeOrder.DoesNotExist` when the company has none, `CommitmentsNotAllowed`."""
    wanted = CommitmentChangeOrder.objects.filter(
        pk=change_order_id, commitment__project__company_id=company_id
    )
    commitment_id = wanted.values_list("commitment_id", flat=True).get()
    commitment, by = lock_commitment(company_id=company_id, commitment_id=commitment_id, user_id=user_id)
    change_order = wanted.select_for_update(of=("self",)).get()
    change_order.commitment = commitment
    return LockedRow(change_order, by)


def require_rights(project: Project, *, user_id: int) -> User:
    """Returns the person. Raises `CommitmentsNotAllowed` when they may not change commitments now."""
    access = find_access(user_id=user_id, company_id=project.company_id)
    if access is None:
        raise CommitmentsNotAllowed(("Needs an active entry in the company's Directory",))
    ruling = may_change_commitments(access, project)
    if not ruling:
        raise CommitmentsNotAllowed(ruling.missing)
    return User.objects.get(pk=user_id)


def require_unchanged(row: Commitment | CommitmentChangeOrder, *, revision: int | None) -> None:
    """Raises `EditConflict` when the row was saved since `revision`; None skips the check."""
    if revision is None or revision == row.revision:
        return
    kind = (
        HistoryEntry.Subject.COMMITMENT if isinstance(row, Commitment) else HistoryEntry.Subject.CHANGE_ORDER
    )
    last = HistoryEntry.objects.filter(subject_kind=kind, subject_id=row.pk).order_by("-at", "-id").first()
    raise EditConflict(
        by=last.actor_name if last else "", at=last.at if last else None, revision=row.revision
    )

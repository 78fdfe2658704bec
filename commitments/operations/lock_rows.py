"""Taking hold of a row, once it is certain that this person may change it now.

The commitment is locked before its CCOs, always: two numbers, or two approvals, come one after the other.
It is a part of the one order of locks, which `erp_integrations.workflow.locks` tells.
"""

from dataclasses import dataclass

from commitments.errors import ChangedMeanwhile, NotAllowed
from commitments.models import Commitment, CommitmentChangeOrder, HistoryEntry
from commitments.policies import may_change_commitments
from companies.access import find_access
from companies.models import Project, User


@dataclass(frozen=True, slots=True)
class LockedRow:
    """A locked CCO with its commitment and project, and who holds it."""

    change_order: CommitmentChangeOrder
    by: User


def lock_project(*, company_id: int, project_id: int, user_id: int) -> tuple[Project, User]:
    """Raises `Project.DoesNotExist` where the company has none of that id, `NotAllowed`."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id, company_id=company_id)
    return project, require_rights(project, user_id=user_id)


def lock_commitment(*, company_id: int, commitment_id: int, user_id: int) -> tuple[Commitment, User]:
    """Raises `Commitment.DoesNotExist` where the company has none of that id, `NotAllowed`."""
    commitment = (
        Commitment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project", "vendor")
        .get(pk=commitment_id, project__company_id=company_id)
    )
    return commitment, require_rights(commitment.project, user_id=user_id)


def lock_change_order(*, company_id: int, change_order_id: int, user_id: int) -> LockedRow:
    """Raises `CommitmentChangeOrder.DoesNotExist` where the company has none of that id, `NotAllowed`."""
    wanted = CommitmentChangeOrder.objects.filter(
        pk=change_order_id, commitment__project__company_id=company_id
    )
    commitment_id = wanted.values_list("commitment_id", flat=True).get()
    commitment, by = lock_commitment(company_id=company_id, commitment_id=commitment_id, user_id=user_id)
    change_order = wanted.select_for_update(of=("self",)).get()
    change_order.commitment = commitment
    return LockedRow(change_order, by)


def require_rights(project: Project, *, user_id: int) -> User:
    """The person, who may change the project's commitments at this moment. Raises `NotAllowed`."""
    access = find_access(user_id=user_id, company_id=project.company_id)
    if access is None:
        raise NotAllowed(("Needs an active entry in the company's Directory",))
    ruling = may_change_commitments(access, project)
    if not ruling:
        raise NotAllowed(ruling.missing)
    return User.objects.get(pk=user_id)


def require_unchanged(row: Commitment | CommitmentChangeOrder, *, revision: int | None) -> None:
    """Nobody saved a change since the form was opened; None: nobody looked. Raises `ChangedMeanwhile`."""
    if revision is None or revision == row.revision:
        return
    kind = (
        HistoryEntry.Subject.COMMITMENT if isinstance(row, Commitment) else HistoryEntry.Subject.CHANGE_ORDER
    )
    last = HistoryEntry.objects.filter(subject_kind=kind, subject_id=row.pk).order_by("-at", "-id").first()
    raise ChangedMeanwhile(
        by=last.actor_name if last else "", at=last.at if last else None, revision=row.revision
    )

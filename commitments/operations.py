"""What the project team does with a CCO once it is free."""

from django.db import transaction

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from commitments.policies import may_change_commitments
from companies.access import find_access

FREE = {ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED}
"""ERP statuses in which the CCO is the project team's."""


class NotAllowed(Exception):
    """The person lacks requirements; nothing was changed."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


class ChangeOrderLocked(Exception):
    """Accounting holds the CCO; nothing was changed."""

    def __init__(self, erp_status: ErpStatus) -> None:
        super().__init__(erp_status.label)
        self.erp_status = erp_status


@transaction.atomic(durable=True)
def set_to_draft(*, company_id: int, change_order_id: int, user_id: int) -> None:
    """Puts a free CCO back to Draft. Raises `NotAllowed`, `ChangeOrderLocked`."""
    change_order = _lock_free(company_id=company_id, change_order_id=change_order_id, user_id=user_id)
    change_order.status = ChangeOrderStatus.DRAFT
    change_order.save(update_fields=["status"])


@transaction.atomic(durable=True)
def delete_change_order(*, company_id: int, change_order_id: int, user_id: int) -> None:
    """Deletes a free CCO with its lines; its closed links keep its story.

    Raises `NotAllowed`, `ChangeOrderLocked`.
    """
    change_order = _lock_free(company_id=company_id, change_order_id=change_order_id, user_id=user_id)
    change_order.delete()


def _lock_free(*, company_id: int, change_order_id: int, user_id: int) -> CommitmentChangeOrder:
    """The CCO, locked, once it is certain that this person may change it now.

    Raises `CommitmentChangeOrder.DoesNotExist` where the company has none of that id.
    """
    change_order = (
        CommitmentChangeOrder.objects.select_for_update(of=("self",))
        .select_related("commitment__project")
        .get(pk=change_order_id, commitment__project__company_id=company_id)
    )
    access = find_access(user_id=user_id, company_id=company_id)
    if access is None:
        raise NotAllowed(("Needs an active entry in the company's Directory",))
    ruling = may_change_commitments(access, change_order.commitment.project)
    if not ruling:
        raise NotAllowed(ruling.missing)
    status = ErpStatus(change_order.erp_status)
    if status not in FREE:
        raise ChangeOrderLocked(status)
    return change_order

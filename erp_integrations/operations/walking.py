"""A step of a CCO along its ERP status, under its lock."""

from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access, Ruling, find_access
from erp_integrations.actors import Actor
from erp_integrations.models import Export
from erp_integrations.operations.export_refusals import NotAllowed, NotPossibleNow
from erp_integrations.transitions import TRANSITIONS, Step


def lock_change_order(*, company_id: int, change_order_id: int) -> CommitmentChangeOrder:
    """The company's CCO, locked, with everything that names it. Raises `DoesNotExist`."""
    return (
        CommitmentChangeOrder.objects.select_for_update(of=("self",))
        .select_related("commitment__vendor", "commitment__project__company")
        .get(pk=change_order_id, commitment__project__company_id=company_id)
    )


def access_of(actor: Actor, *, company_id: int) -> Access:
    """What the person may do at this moment. Raises `NotAllowed` for nobody of the company."""
    access = find_access(user_id=actor.user_id, company_id=company_id) if actor.user_id else None
    if access is None:
        raise NotAllowed(("Needs an active entry in the company's Directory",))
    return access


def require(ruling: Ruling) -> str:
    """The rights that were used, for the ledger. Raises `NotAllowed`."""
    if not ruling:
        raise NotAllowed(ruling.missing)
    return ruling.rights


def require_possible(change_order: CommitmentChangeOrder, step: Step) -> ErpStatus:
    """Where the step leads. Raises `NotPossibleNow`."""
    now = ErpStatus(change_order.erp_status)
    after = TRANSITIONS.get((now, step))
    if after is None:
        raise NotPossibleNow(step=step, erp_status=now)
    return after


def take(step: Step, change_order: CommitmentChangeOrder) -> None:
    """Moves the locked CCO on. Raises `NotPossibleNow`."""
    assert transaction.get_connection().in_atomic_block, "the step and its event are one transaction"
    change_order.erp_status = require_possible(change_order, step)
    change_order.save(update_fields=["erp_status"])


def open_export(change_order: CommitmentChangeOrder) -> Export | None:
    """The CCO's open round, locked."""
    return Export.objects.select_for_update().filter(change_order=change_order, ended_at=None).first()

"""ERP status transitions under a row lock. `workflow.lock_order` says what is locked before the CCO."""

from datetime import datetime

from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access, Ruling, find_access
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of_change_order
from erp_integrations.models import EventKind, Export, ExportOutcome
from erp_integrations.workflow.erp_statuses import TRANSITIONS, Step
from erp_integrations.workflow.errors import ExportInProgress, NotAllowed, NotPossibleNow


def lock_change_order(*, company_id: int, change_order_id: int) -> CommitmentChangeOrder:
    """The company's CCO, locked, with everything that names it. Raises `DoesNotExist`."""
    return (
        CommitmentChangeOrder.objects.select_for_update(of=("self",))
        .select_related("commitment__vendor", "commitment__project__company")
        .get(pk=change_order_id, commitment__project__company_id=company_id)
    )


def access_of(actor: Actor, *, company_id: int) -> Access:
    """The person's current access. Raises `NotAllowed` for persons without an entry in the company."""
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


def apply_step(step: Step, change_order: CommitmentChangeOrder) -> None:
    """Moves the locked CCO on. Raises `NotPossibleNow`."""
    assert transaction.get_connection().in_atomic_block, "the step and its event are one transaction"
    change_order.erp_status = require_possible(change_order, step)
    change_order.save(update_fields=["erp_status"])


def open_export(change_order: CommitmentChangeOrder) -> Export | None:
    """The CCO's open round, locked."""
    return Export.objects.select_for_update().filter(change_order=change_order, ended_at=None).first()


def require_no_export_at_work(export: Export | None, *, now: datetime) -> None:
    """Raises `ExportInProgress` while the lease of the CCO's open round runs."""
    if export is not None and export.writing_until is not None and export.writing_until > now:
        raise ExportInProgress


def end_export_round(
    change_order: CommitmentChangeOrder,
    outcome: ExportOutcome,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    link_id: int | None = None,
) -> Export | None:
    """Ends the CCO's open round, where it has one: a CCO may have been waiting before there were rounds."""
    export = open_export(change_order)
    if export is None:
        return None
    export.ended_at = max(now, export.sent_at)
    export.ended_by_id = actor.user_id
    export.ended_by_name = actor.name
    export.outcome = outcome
    export.reason = reason
    export.writing_until = None
    export.link_id = link_id
    export.save()
    return export


def record_event(
    kind: EventKind,
    change_order: CommitmentChangeOrder,
    *,
    actor: Actor,
    now: datetime,
    rights: str = "",
    reason: str = "",
    evidence: dict[str, object] | None = None,
) -> None:
    """One line of the ledger about a CCO."""
    append_event(
        kind=kind,
        company=change_order.commitment.project.company,
        subject_kind="change-order",
        subject_id=change_order.pk,
        subject_label=label_of_change_order(change_order),
        project_number=change_order.commitment.project.number,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence=evidence,
    )

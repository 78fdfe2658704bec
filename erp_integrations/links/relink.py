"""Undoes an unlink: the same record is back in the ERP, as after a restored backup."""

from django.conf import settings
from django.db import transaction

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, HistoryEntry
from companies.access import Ruling
from companies.clock import database_now
from companies.errors import require_reason
from companies.staff_permissions import StaffAct, ruling_on_staff
from erp_integrations.erp import calls, registry
from erp_integrations.erp.connection_state import note_answer
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import create_link
from erp_integrations.links.create_link import RecordInErp
from erp_integrations.models import ChangeOrderLink, Connection, EventKind
from erp_integrations.policies import may_relink
from erp_integrations.ports import Deadline, ErpError, NotInErp
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import (
    ChangedSince,
    CouldNotAsk,
    NeverUnlinked,
    RecordNotBack,
    RecordTaken,
    TakenOver,
)
from erp_integrations.workflow.transitions import (
    access_of,
    apply_step,
    lock_change_order,
    require,
    require_possible,
)


def relink_change_order(
    *,
    company_id: int,
    change_order_id: int,
    actor: Actor,
    reason: str = "",
    former_id: int | None = None,
) -> ChangeOrderLink:
    """Links an unlinked CCO to its former record, with a new link beside the old one.

    Only to the same record (the same row id on the same subcontract), and only when the CCO was not changed
    since. Staff must give a reason. `former_id` is the link that was shown, if one was: nothing is done when
    it is another one. Must not be called inside a transaction. Raises `NotAllowed`, `ReasonMissing`,
    `NotPossibleNow`, `NeverUnlinked`, `ChangedSince`, `RecordNotBack`, `RecordTaken`, `CouldNotAsk`,
    `TakenOver`.
    """
    reason = require_reason(reason) if actor.is_staff else reason
    with transaction.atomic(durable=True):
        _, former, _ = _lock_former(company_id, change_order_id, actor)
        if former_id not in (None, former.pk):
            raise TakenOver
        connection = Connection.objects.get(pk=former.connection_id)
    record = _read(connection, former)
    with transaction.atomic(durable=True):
        locked = create_link.lock_connection(connection)
        change_order, former_now, rights = _lock_former(company_id, change_order_id, actor)
        create_link.require_unchanged(locked, connection)
        if former_now.pk != former.pk:
            raise TakenOver
        if create_link.is_linked(record, connection=locked):
            raise RecordTaken
        now = database_now()
        note_answer(locked, None, now=now)
        link = create_link.make_link(change_order, record, connection=locked, actor=actor, now=now)
        apply_step(Step.RELINK, change_order)
        create_link.record_linked_event(
            EventKind.RELINKED, link, actor=actor, now=now, rights=rights, reason=reason
        )
    return link


def _lock_former(
    company_id: int, change_order_id: int, actor: Actor
) -> tuple[CommitmentChangeOrder, ChangeOrderLink, str]:
    """The CCO, its last link, and the rights to link it again."""
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = require(_ruling_on(change_order, actor, company_id=company_id))
    require_possible(change_order, Step.RELINK)
    former = find_former_link(change_order)
    if former is None:
        raise NeverUnlinked
    if changed_since(change_order, former):
        raise ChangedSince
    return change_order, former, rights


def _ruling_on(change_order: CommitmentChangeOrder, actor: Actor, *, company_id: int) -> Ruling:
    if actor.is_staff:
        return ruling_on_staff(StaffAct.RELINK, actor.user_id)
    project = change_order.commitment.project
    access = access_of(actor, company_id=company_id)
    return may_relink(access, project_id=project.pk, project_name=project.name)


def find_former_link(change_order: CommitmentChangeOrder) -> ChangeOrderLink | None:
    """The link that was cut last, whose record an unlinked CCO may be linked to again."""
    return (
        ChangeOrderLink.objects.filter(change_order=change_order, unlinked_at__isnull=False)
        .order_by("-unlinked_at", "-id")
        .first()
    )


def changed_since(change_order: CommitmentChangeOrder, former: ChangeOrderLink) -> bool:
    """Whether the CCO was edited since it was unlinked, or is no longer Approved."""
    assert former.unlinked_at is not None, "a former link has ended"
    edited = HistoryEntry.objects.filter(
        subject_kind=HistoryEntry.Subject.CHANGE_ORDER, subject_id=change_order.pk, at__gte=former.unlinked_at
    )
    return change_order.status != ChangeOrderStatus.APPROVED or edited.exists()


def _read(connection: Connection, former: ChangeOrderLink) -> RecordInErp:
    """The former record as it is now. Raises `RecordNotBack`, `CouldNotAsk`."""
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(registry.spec_of(connection))
        record = calls.answer_to(
            lambda earlier: create_link.read_record(
                reader, former.record_number, former.subcontract_record_number, deadline=earlier
            ),
            deadline=deadline,
        )
    except NotInErp:
        raise RecordNotBack from None
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None
    if (record.change_order.row_id, record.job_row_id) != (former.row_id, former.job_row_id):
        raise RecordNotBack
    return record

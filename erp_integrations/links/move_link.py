"""Moves a CCO's link to another record in Sage, after a person has seen both side by side.

The CCO stays Synced. The link that ends by a move is not cut, since nothing proves that its record is gone:
the new link is not cut while that record is in the ERP, neither linked nor ignored (`left_records`).
"""

import dataclasses
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder
from companies.access import Ruling
from companies.clock import database_now
from companies.errors import require_reason
from erp_integrations.drafts.context import ExportContext, export_context_of
from erp_integrations.drafts.side_by_side import OurValues, SideBySide, compare_records
from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of, record_of
from erp_integrations.links import create_link
from erp_integrations.links.create_link import RecordInErp
from erp_integrations.links.settle_attempts import end_expired
from erp_integrations.models import (
    UNFINISHED,
    AttemptState,
    BulkUnlinkItem,
    ChangeOrderLink,
    Connection,
    EventKind,
    UnlinkAttempt,
)
from erp_integrations.policies import may_move_link
from erp_integrations.ports import Deadline, ErpChangeOrder, ErpError, ErpReader, NotInErp
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import (
    BeingUnlinked,
    CouldNotAsk,
    NotAllowed,
    NotAsShown,
    RecordElsewhere,
    RecordNotEffective,
    RecordTaken,
    SameRecord,
    TakenOver,
)
from erp_integrations.workflow.link_status import NOT_EFFECTIVE
from erp_integrations.workflow.transitions import access_of, lock_change_order, require, require_possible

NOT_EFFECTIVE_HERE = (ChangeOrderStatus.VOID, ChangeOrderStatus.REJECTED)
NOT_IN_THE_ADMIN = Ruling(("Needs a person of the company: staff of the admin move no link",))


@dataclasses.dataclass(frozen=True, slots=True)
class BothRecords:
    """Both records as read from the ERP, and the connection."""

    connection: Connection
    link: ChangeOrderLink
    linked: ErpChangeOrder | None
    """The record the CCO is linked to, found by its row id; None when it was not found."""
    other: RecordInErp


def show_both_records(
    *, company_id: int, change_order_id: int, record_number: str, subcontract_record_number: str = ""
) -> SideBySide:
    """Reads both records and compares them with the CCO. Changes nothing.

    Without `subcontract_record_number`, uses the subcontract of the CCO's commitment, or that of its link.
    Must not be called inside a transaction. Raises `NotPossibleNow`, `RecordElsewhere`, `SameRecord`,
    `RecordTaken`, `RecordNotEffective`, `CouldNotAsk`, `CommitmentChangeOrder.DoesNotExist`.
    """
    change_order = _find(company_id=company_id, change_order_id=change_order_id)
    link = _active_link(company_id=company_id, change_order_id=change_order_id)
    require_possible(change_order, Step.MOVE)
    if link is None:
        raise TakenOver
    context = export_context_of(change_order)
    read = _read_both(link, record_number, subcontract_record_number or subcontract_of(context, link))
    return _compare(read, change_order, link)


def move_change_order_link(
    *,
    company_id: int,
    change_order_id: int,
    record_number: str,
    subcontract_record_number: str,
    shown: str,
    actor: Actor,
    reason: str,
) -> ChangeOrderLink:
    """Ends the CCO's link and links the CCO to another record of its subcontract, in one transaction.

    `shown` is the token of the `SideBySide` that the person has confirmed: both records are read again, and
    when anything differs from it, nothing is moved. Must not be called inside a transaction. Raises
    `NotAllowed`, `ReasonMissing`, `BeingUnlinked`, `NotAsShown`, `TakenOver` and what `show_both_records`
    raises; the link is then as it was.
    """
    reason = require_reason(reason)
    if actor.is_staff:
        raise NotAllowed(NOT_IN_THE_ADMIN.missing)
    change_order = _find(company_id=company_id, change_order_id=change_order_id)
    _rights(change_order, actor, company_id=company_id)
    require_possible(change_order, Step.MOVE)
    link = _active_link(company_id=company_id, change_order_id=change_order_id)
    if link is None:
        raise TakenOver
    subcontract = subcontract_record_number or subcontract_of(export_context_of(change_order), link)
    read = _read_both(link, record_number, subcontract)
    try:
        with transaction.atomic(durable=True):
            return _move(read, company_id=company_id, shown=shown, actor=actor, reason=reason)
    except IntegrityError as error:
        if "one_active_per_record" in str(error):
            raise RecordTaken from None
        raise


# --- reading, outside any transaction ------------------------------------------------------------


def _find(*, company_id: int, change_order_id: int) -> CommitmentChangeOrder:
    return CommitmentChangeOrder.objects.select_related(
        "commitment__vendor", "commitment__project__company"
    ).get(pk=change_order_id, commitment__project__company_id=company_id)


def _active_link(*, company_id: int, change_order_id: int) -> ChangeOrderLink | None:
    return (
        ChangeOrderLink.objects.filter(
            change_order_id=change_order_id, connection__company_id=company_id, unlinked_at=None
        )
        .select_related("connection__company")
        .first()
    )


def subcontract_of(context: ExportContext, link: ChangeOrderLink) -> str:
    """Record number of the subcontract that the CCO's commitment is linked to, else that of its link."""
    return context.commitment.record_number if context.commitment else link.subcontract_record_number


def _read_both(link: ChangeOrderLink, record_number: str, subcontract_record_number: str) -> BothRecords:
    """Raises `RecordElsewhere`, `CouldNotAsk`."""
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(registry.spec_of(link.connection))
        other, linked = calls.answer_to(
            lambda earlier: (
                create_link.read_record(reader, record_number, subcontract_record_number, deadline=earlier),
                _find_linked(reader, link, earlier),
            ),
            deadline=deadline,
        )
    except NotInErp:
        raise RecordElsewhere from None
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None
    return BothRecords(link.connection, link, linked, other)


def _find_linked(reader: ErpReader, link: ChangeOrderLink, deadline: Deadline) -> ErpChangeOrder | None:
    """The link's record, by its row id: under its number, or elsewhere on its job or subcontract.

    A record that is not found here is not proven gone, so nothing is cut.
    """
    try:
        record = reader.read_change_order(link.record_number, deadline=deadline)
    except NotInErp:
        record = None
    if record is not None and record.row_id == link.row_id:
        return record
    orders = reader.find_change_orders(
        job_record_number=link.job_record_number,
        subcontract_record_number=link.subcontract_record_number,
        deadline=deadline,
    )
    for found in orders.found:
        if found.row_id == link.row_id:
            return reader.read_change_order(found.record_number, deadline=deadline)
    return None


# --- comparing -----------------------------------------------------------------------------------


def _compare(read: BothRecords, change_order: CommitmentChangeOrder, link: ChangeOrderLink) -> SideBySide:
    """Both records beside the CCO as it is now.

    Raises `SameRecord`, `RecordElsewhere`, `RecordTaken`, `RecordNotEffective`.
    """
    context, other = export_context_of(change_order), read.other
    record = other.change_order
    if (record.row_id, other.subcontract.record_number) == (link.row_id, link.subcontract_record_number):
        raise SameRecord(record.record_number)
    _require_ours(context, link, other)
    if create_link.is_linked(other, connection=link.connection):
        raise RecordTaken
    if record.status in NOT_EFFECTIVE and change_order.status not in NOT_EFFECTIVE_HERE:
        raise RecordNotEffective(record.record_number, record.status)
    return compare_records(
        _ours(context, link, other),
        record,
        link_id=link.pk,
        linked_record_number=link.record_number,
        linked_row_id=link.row_id,
        linked=read.linked,
    )


def _require_ours(context: ExportContext, link: ChangeOrderLink, other: RecordInErp) -> None:
    """The record must belong to the linked job and subcontract, by row id.

    When the commitment is not linked, it must be the subcontract of the link. Raises `RecordElsewhere`.
    """
    if context.job is not None and context.job.row_id != other.job_row_id:
        raise RecordElsewhere
    if context.commitment is not None:
        if context.commitment.row_id != other.subcontract.row_id:
            raise RecordElsewhere
    elif other.subcontract.record_number != link.subcontract_record_number:
        raise RecordElsewhere


def _ours(context: ExportContext, link: ChangeOrderLink, other: RecordInErp) -> OurValues:
    change_order = context.change_order
    amounts: dict[tuple[str, str], Decimal] = {}
    for line in context.lines:
        place = (line.cost_code.code, line.cost_type.code)
        amounts[place] = amounts.get(place, Decimal()) + line.amount
    return OurValues(
        number=change_order.number,
        title=change_order.title,
        status=change_order.get_status_display(),
        job_record_number=context.job.record_number if context.job else link.job_record_number,
        phase=other.subcontract.phase,
        subcontract_record_number=other.subcontract.record_number,
        amounts=amounts,
    )


# --- the transaction -----------------------------------------------------------------------------


def _move(read: BothRecords, *, company_id: int, shown: str, actor: Actor, reason: str) -> ChangeOrderLink:
    """Locks the link, its attempts, the connection and the CCO: see `workflow.lock_order`."""
    link, connection = read.link, read.connection
    former = (
        ChangeOrderLink.objects.select_for_update(of=("self",))
        .filter(pk=link.pk, unlinked_at=None)
        .select_related("connection__company")
        .first()
    )
    if former is None:
        raise TakenOver
    now = database_now()
    _require_not_being_unlinked(former, now=now)
    locked = create_link.lock_connection(connection)
    change_order = lock_change_order(company_id=company_id, change_order_id=former.change_order_id or 0)
    rights = _rights(change_order, actor, company_id=company_id)
    require_possible(change_order, Step.MOVE)
    create_link.require_unchanged(locked, connection)
    current = _compare(read, change_order, former)
    if current.token != shown:
        raise NotAsShown(current)
    now = database_now()
    former.unlinked_at = now
    former.unlinked_by_id, former.unlinked_by_name = actor.user_id, actor.name
    former.save(update_fields=["unlinked_at", "unlinked_by_id", "unlinked_by_name"])
    made = create_link.make_link(
        change_order, read.other, connection=locked, actor=actor, now=now, moved_from=former
    )
    append_event(
        kind=EventKind.LINK_MOVED,
        company=change_order.commitment.project.company,
        subject_kind="change-order",
        subject_id=change_order.pk,
        subject_label=label_of(made),
        project_number=made.project_number,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence={
            **record_of(made),
            "moved_from": {**record_of(former), "link": former.pk, "was_there": current.linked_is_there},
            "compared": [
                {
                    "what": side.what,
                    "ours": side.ours,
                    "linked": side.linked,
                    "found": side.other,
                    "same": not side.differs,
                }
                for side in current.sides
                if side.compared
            ],
        },
        link_id=made.pk,
    )
    return made


def _rights(change_order: CommitmentChangeOrder, actor: Actor, *, company_id: int) -> str:
    project = change_order.commitment.project
    access = access_of(actor, company_id=company_id)
    return require(may_move_link(access, project_id=project.pk, project_name=project.name))


def _require_not_being_unlinked(link: ChangeOrderLink, *, now: datetime) -> None:
    """Ends an attempt whose lease is over, as the next click would. Raises `BeingUnlinked`."""
    attempt = UnlinkAttempt.objects.select_for_update().filter(link=link, state=AttemptState.CHECKING).first()
    if attempt is not None and attempt.expires_at > now:
        raise BeingUnlinked(by=attempt.actor_name, since=attempt.started_at)
    item = (
        BulkUnlinkItem.objects.filter(link=link, state__in=UNFINISHED, bulk__ended_at=None)
        .select_related("bulk")
        .first()
    )
    if item is not None:
        raise BeingUnlinked(by=item.bulk.actor_name, since=item.bulk.started_at)
    if attempt is not None:
        end_expired(attempt, link=link, now=now)

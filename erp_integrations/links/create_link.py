"""Links a CCO to its record. A link is made only from a record that was just read in the ERP."""

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from commitments.models import CommitmentChangeOrder, CommitmentKind, ErpStatus
from companies.clock import database_now
from erp_integrations.deletions.confirm_deletion import end_seen_deletions
from erp_integrations.drafts.comparison import ComparedValue
from erp_integrations.erp import registry
from erp_integrations.erp.connection_state import note_answer
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of, record_of
from erp_integrations.models import (
    ChangeOrderLink,
    Connection,
    EventKind,
    ExportOutcome,
    PresenceKey,
)
from erp_integrations.ports import (
    Deadline,
    ErpChangeOrder,
    ErpChangeOrderLine,
    ErpReader,
    ErpSubcontract,
    NotInErp,
)
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import NotPossibleNow, RecordTaken, TakenOver
from erp_integrations.workflow.transitions import (
    apply_step,
    end_export_round,
    open_export,
    require_no_export_at_work,
    require_possible,
)


@dataclass(frozen=True, slots=True)
class RecordInErp:
    """A change order's part on one subcontract, as it was read."""

    change_order: ErpChangeOrder
    subcontract: ErpSubcontract
    job_row_id: uuid.UUID

    @property
    def lines(self) -> tuple[ErpChangeOrderLine, ...]:
        return tuple(
            line
            for line in self.change_order.lines
            if line.subcontract_record_number == self.subcontract.record_number
        )

    @property
    def touched_subcontracts(self) -> list[str]:
        """Every subcontract that the change order has a line on."""
        numbers = {line.subcontract_record_number for line in self.change_order.lines}
        return sorted(number for number in numbers if number)


@dataclass(frozen=True, slots=True)
class SubcontractInErp:
    """The job and the subcontract of a CCO in the ERP, by row id, since a number can go to another record."""

    job_record_number: str
    job_row_id: uuid.UUID | None
    subcontract_record_number: str
    subcontract_row_id: uuid.UUID | None


def link_change_order(
    *,
    change_order_id: int,
    record_number: str,
    subcontract_record_number: str,
    actor: Actor,
    rights: Callable[[], str] = str,
    compare: Callable[[CommitmentChangeOrder, RecordInErp], Sequence[ComparedValue]] = lambda *_: (),
) -> ChangeOrderLink:
    """Links a CCO that accounting holds to a record that is in the ERP already.

    Reads the record outside any transaction. `rights` and `compare` are called once the CCO is locked, and
    may raise a refusal; the loader of demo data needs neither. What was compared is stored with the event.
    Raises `NotInErp` (also where the record has no line on the subcontract), `ErpError`, `NotPossibleNow`,
    `ExportInProgress`, `RecordTaken`, `TakenOver`, and `CommitmentChangeOrder.DoesNotExist` where it was
    deleted meanwhile.
    """
    companies = CommitmentChangeOrder.objects.values_list("commitment__project__company_id", flat=True)
    connection = Connection.objects.get(company=companies.get(pk=change_order_id))
    record = read_record(_reader(connection), record_number, subcontract_record_number)
    with transaction.atomic(durable=True):
        # A second link to the same record waits here; the constraint is the safeguard.
        locked = lock_connection(connection)
        change_order = (
            CommitmentChangeOrder.objects.select_for_update(of=("self",))
            .select_related("commitment__vendor", "commitment__project__company")
            .get(pk=change_order_id)
        )
        if change_order.commitment.kind != CommitmentKind.SUBCONTRACT:
            raise NotPossibleNow(step=Step.LINK, erp_status=ErpStatus(change_order.erp_status))
        require_possible(change_order, Step.LINK)
        used = rights()
        require_no_export_at_work(open_export(change_order), now=database_now())
        connection = require_unchanged(locked, connection)
        if is_linked(record, connection=connection):
            raise RecordTaken
        compared = compare(change_order, record)
        now = database_now()
        note_answer(connection, None, now=now)
        link = make_link(change_order, record, connection=connection, actor=actor, now=now)
        apply_step(Step.LINK, change_order)
        end_export_round(change_order, ExportOutcome.SYNCED, actor=actor, now=now, link_id=link.pk)
        record_linked_event(EventKind.LINKED, link, actor=actor, now=now, rights=used, compared=compared)
    return link


def lock_connection(connection: Connection) -> Connection:
    """The connection as it is now, locked: before any CCO, see `workflow.lock_order`."""
    return Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)


def require_unchanged(locked: Connection, connection: Connection) -> Connection:
    """The locked connection. Raises `TakenOver` when it changed since `connection` was read."""
    if locked.revision != connection.revision:
        raise TakenOver
    return locked


def record_linked_event(
    kind: EventKind,
    link: ChangeOrderLink,
    *,
    actor: Actor,
    now: datetime,
    rights: str,
    reason: str = "",
    compared: Sequence[ComparedValue] = (),
) -> None:
    """Records the event of a new link, with the compared values. The link's change order must be loaded."""
    assert link.change_order is not None, "a link begins with its change order"
    append_event(
        kind=kind,
        company=link.change_order.commitment.project.company,
        subject_kind="change-order",
        subject_id=link.change_order.pk,
        subject_label=label_of(link),
        project_number=link.project_number,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence={
            **record_of(link),
            **({"compared": [dataclasses.asdict(one) for one in compared]} if compared else {}),
        },
        link_id=link.pk,
    )


def is_linked(record: RecordInErp, *, connection: Connection) -> bool:
    """Whether an active link holds the record's part on that subcontract."""
    return ChangeOrderLink.objects.filter(
        connection=connection,
        row_id=record.change_order.row_id,
        subcontract_record_number=record.subcontract.record_number,
        unlinked_at__isnull=True,
    ).exists()


def read_record(
    reader: ErpReader,
    record_number: str,
    subcontract_record_number: str,
    *,
    deadline: Deadline | None = None,
) -> RecordInErp:
    """Reads the record with its subcontract and its job.

    Raises `ErpError`, and `NotInErp` also where the record has no line on the subcontract.
    """
    until = deadline or _deadline()
    change_order = reader.read_change_order(record_number, deadline=until)
    subcontract = reader.read_subcontract(subcontract_record_number, deadline=until)
    job = reader.read_job(change_order.job_record_number, deadline=until)
    record = RecordInErp(change_order, subcontract, job.row_id)
    if not record.lines:
        raise NotInErp
    return record


def read_anchor(reader: ErpReader, anchor: SubcontractInErp, *, deadline: Deadline) -> ErpSubcontract:
    """The subcontract. Raises `ErpError`, and `NotInErp` when another record has one of the numbers now.

    The text of `NotInErp` names the missing record.
    """
    missing = f"Job {anchor.job_record_number}"
    try:
        if reader.read_job(anchor.job_record_number, deadline=deadline).row_id != anchor.job_row_id:
            raise NotInErp
        missing = f"Subcontract {anchor.subcontract_record_number}"
        subcontract = reader.read_subcontract(anchor.subcontract_record_number, deadline=deadline)
        if subcontract.row_id != anchor.subcontract_row_id:
            raise NotInErp
    except NotInErp:
        raise NotInErp(missing) from None
    return subcontract


def make_link(
    change_order: CommitmentChangeOrder,
    record: RecordInErp,
    *,
    connection: Connection,
    actor: Actor,
    now: datetime,
    moved_from: ChangeOrderLink | None = None,
) -> ChangeOrderLink:
    """The new row, in the caller's transaction, which also writes status and event."""
    commitment, project = change_order.commitment, change_order.commitment.project
    end_seen_deletions(connection, [record.change_order.row_id], now, actor=actor)
    return ChangeOrderLink.objects.create(
        connection=connection,
        change_order=change_order,
        row_id=record.change_order.row_id,
        record_number=record.change_order.record_number,
        number=record.change_order.number,
        job_record_number=record.change_order.job_record_number,
        job_row_id=record.job_row_id,
        phase=record.change_order.phase,
        subcontract_record_number=record.subcontract.record_number,
        sub_change_number=record.lines[0].sub_change_number,
        touched_subcontracts=record.touched_subcontracts,
        last_seen_clock=record.change_order.server_ahead,
        erp_amount=sum((line.amount for line in record.lines), Decimal("0.00")),
        linked_at=now,
        linked_by_id=actor.user_id,
        linked_by_name=actor.name,
        last_seen_at=now,
        cco_number=change_order.number,
        cco_title=change_order.title,
        project_number=project.number,
        project_name=project.name,
        commitment_number=commitment.number,
        commitment_title=commitment.title,
        contract_company=commitment.vendor.name,
        presence=PresenceKey.PRESENT,
        presence_checked_at=now,
        moved_from=moved_from,
    )


def _reader(connection: Connection) -> ErpReader:
    return registry.reader_for(registry.spec_of(connection))


def _deadline() -> Deadline:
    return Deadline.after(settings.SAGE_DEADLINE_SECONDS)

"""Export: claim, look, write, read back, settle.

As with Unlink, two short transactions with the ERP between them, never around it. Before anything is
written the ERP is asked for the export's key, and afterwards the record is read back and compared with what
was signed off; so a time-out, a kill or a second click never exports twice.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db import transaction

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.errors import require_reason
from erp_integrations.drafts import comparison
from erp_integrations.drafts.comparison import Difference
from erp_integrations.drafts.context import draft_from_json, prepared_from_json
from erp_integrations.erp import calls, registry
from erp_integrations.erp.connection_state import note_answer
from erp_integrations.exports.review import close_as_rejected
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import create_link
from erp_integrations.links.create_link import RecordInErp, SubcontractInErp
from erp_integrations.links.record_findings import ROW_NOT_UNDERSTOOD
from erp_integrations.models import (
    ChangeOrderLink,
    CommitmentLink,
    Connection,
    EventKind,
    Export,
    ExportOutcome,
    JobLink,
    Via,
)
from erp_integrations.policies import may_accept, may_reject
from erp_integrations.ports import (
    ChangeOrderDraft,
    ConnectionSpec,
    Deadline,
    ErpChangeOrderFound,
    ErpError,
    ErpReader,
    ErpWriter,
    Fault,
    NotInErp,
    OddChangeOrder,
    PreparedChangeOrder,
    WriteRefused,
)
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import (
    CouldNotAsk,
    Differs,
    ExportFailed,
    FoundInErp,
    MayBeThere,
    NotPossibleNow,
    NotThereYet,
    TakenOver,
)
from erp_integrations.workflow.notifications import mail_failure
from erp_integrations.workflow.transitions import (
    access_of,
    apply_step,
    end_export_round,
    lock_change_order,
    open_export,
    record_event,
    require,
    require_no_export_at_work,
    require_possible,
)

log = structlog.get_logger(__name__)

LEASE_BEYOND_DEADLINE = timedelta(seconds=5)
"""What a lease has left for settling when the answer came at the very deadline."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """Which export, as signed off, and the lease to settle it."""

    export_id: int
    company_id: int
    change_order_id: int
    draft: ChangeOrderDraft
    prepared: PreparedChangeOrder
    anchor: SubcontractInErp
    writer: str
    lease: datetime
    connection_revision: int
    spec: ConnectionSpec

    @property
    def erp(self) -> str:
        """Its name, for sentences."""
        return registry.erp_name(self.spec.kind)


# What came of it: the record, read back; nothing there; or why there is no saying.
@dataclass(frozen=True, slots=True)
class _Found:
    record: RecordInErp
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Nothing:
    """By hand: nobody has keyed it in yet."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    words: str
    fault: Fault | None = None


_Outcome = _Found | _Nothing | _Trouble


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the ERP holds of the export."""

    records: tuple[ErpChangeOrderFound, ...]
    odd: tuple[OddChangeOrder, ...]
    """Records that carry the export's key, or by hand its number, but cannot be read: neither taken for the
    export's own, nor for nothing."""

    @property
    def words(self) -> str:
        """About the odd ones."""
        told = "; ".join(dict.fromkeys(one.odd.label for one in self.odd))
        return f"A record there may be this change order, but it cannot be read: {told}."


def export_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> ChangeOrderLink:
    """Brings an accepted CCO into the ERP and ties it to its record; by hand: looks whether it is there.

    Also the retry of a failed export, and the worksheet's "I have entered it". Blocks for at most
    SAGE_DEADLINE_SECONDS and two short transactions; must not be called inside one. Raises `NotAllowed`,
    `NotPossibleNow`, `ExportInProgress`, `CouldNotAsk` before anything is asked; afterwards `NotThereYet`
    and `Differs` (by hand: the CCO stays Exporting), `ExportFailed`, or `TakenOver` when the answer settled
    nothing.
    """
    claim = _claim(company_id=company_id, change_order_id=change_order_id, actor=actor)
    outcome = _bring_in_time(claim)
    return _settle(claim, outcome, actor=actor)


def give_back_change_order(
    *, company_id: int, change_order_id: int, reason: str, actor: Actor
) -> Export | None:
    """Gives a CCO that is Exporting or Failed to Export back to the project team, with the reason.

    Looks first: a CCO that the ERP holds a record of stays, and where the ERP cannot be asked every one
    stays, for it may be there. Must not be called inside a transaction. Raises `NotAllowed`,
    `NotPossibleNow`, `ReasonMissing`, `ExportInProgress`, `CouldNotAsk`, `FoundInErp`, `MayBeThere`,
    `TakenOver`.
    """
    reason = require_reason(reason)
    claim = _claim(company_id=company_id, change_order_id=change_order_id, actor=actor, step=Step.GIVE_BACK)
    there = _records_in_time(claim)
    with transaction.atomic(durable=True):
        change_order, export, now = _lock_mine(claim)
        rights = _rights(actor, company_id=company_id, step=Step.GIVE_BACK)
        export.save(update_fields=["writing_until"])
        if isinstance(there, _Looked) and not there.records and not there.odd:
            apply_step(Step.GIVE_BACK, change_order)
            return close_as_rejected(change_order, actor=actor, now=now, rights=rights, reason=reason)
    if isinstance(there, Fault):
        raise MayBeThere(f"{there.what} It may be in {claim.erp} already, so it stays here. {there.advice}")
    if not there.records:
        raise MayBeThere(
            f"{there.words} So it stays here. The Sage administrator can correct the value; then try again."
        )
    raise FoundInErp(there.records[0].record_number)


# --- transaction 1: claim ------------------------------------------------------------------------


def _claim(*, company_id: int, change_order_id: int, actor: Actor, step: Step | None = None) -> _Claim:
    with transaction.atomic(durable=True):
        change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
        rights = _rights(actor, company_id=company_id, step=step)
        export = open_export(change_order)
        status = ErpStatus(change_order.erp_status)
        if export is None or export.accepted_at is None:
            raise NotPossibleNow(step=step or Step.FIND, erp_status=status)
        now = database_now()
        require_no_export_at_work(export, now=now)
        if step is None and status == ErpStatus.FAILED_TO_EXPORT:
            apply_step(Step.RETRY, change_order)
            record_event(EventKind.EXPORT_RETRIED, change_order, actor=actor, now=now, rights=rights)
        require_possible(change_order, step or Step.FIND)
        export.writing_until = now + timedelta(seconds=settings.SAGE_DEADLINE_SECONDS) + LEASE_BEYOND_DEADLINE
        export.save(update_fields=["writing_until"])
        connection = Connection.objects.get(pk=export.connection_id)
        prepared = prepared_from_json(export.prepared)
        return _Claim(
            export_id=export.pk,
            company_id=company_id,
            change_order_id=change_order_id,
            draft=draft_from_json(export.draft),
            prepared=prepared,
            anchor=_anchor_of(change_order.commitment, prepared),
            writer=export.writer,
            lease=export.writing_until,
            connection_revision=connection.revision,
            spec=_spec_of(connection),
        )


def _anchor_of(commitment: Commitment, prepared: PreparedChangeOrder) -> SubcontractInErp:
    """What was signed off is addressed to numbers; our links know whose they were."""
    job = JobLink.objects.filter(project=commitment.project_id, unlinked_at=None).first()
    subcontract = CommitmentLink.objects.filter(commitment=commitment, unlinked_at=None).first()
    return SubcontractInErp(
        prepared.job_record_number,
        job.row_id if job else None,
        prepared.subcontract_record_number,
        subcontract.row_id if subcontract else None,
    )


def _spec_of(connection: Connection) -> ConnectionSpec:
    try:
        return registry.spec_of(connection)
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None


def _rights(actor: Actor, *, company_id: int, step: Step | None = None) -> str:
    """The person's; what the queue looks for was accepted by somebody, and the event says by whom."""
    if actor.via == Via.QUEUE:
        return ""
    ruling = may_reject if step is Step.GIVE_BACK else may_accept
    return require(ruling(access_of(actor, company_id=company_id)))


# --- no transaction: look, write, read back ------------------------------------------------------


def _bring_in_time(claim: _Claim) -> _Outcome:
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(claim.spec)
        writer = registry.writer_for(claim.spec, claim.writer)
        return calls.answer_to(partial(_bring, claim, reader, writer), deadline=deadline)
    except ErpError as error:
        return _Trouble(f"{error.fault.what} {error.fault.advice}", error.fault)
    except WriteRefused as refused:
        return _Trouble(f"{claim.erp} did not take it: {refused} Nothing of it was written.")


def _bring(claim: _Claim, reader: ErpReader, writer: ErpWriter, deadline: Deadline) -> _Outcome:
    looked = _records(claim, reader, deadline, by_hand=writer.by_hand)
    records = looked.records
    if looked.odd and not records:
        return _Trouble(
            f"{looked.words} Nothing was written. The Sage administrator can correct the value; "
            "then try again."
        )
    if len(records) > 1:
        numbers = " and ".join(record.record_number for record in records)
        return _Trouble(
            f"Records {numbers} carry the same change number on this job. Delete or renumber all but one "
            f"in {claim.erp}, then try again."
        )
    if writer.by_hand and not records:
        return _Nothing()
    try:
        create_link.read_anchor(reader, claim.anchor, deadline=deadline)
    except NotInErp as missing:
        gone = calls.subcontract_gone(str(missing))
        return _Trouble(f"{gone.what} {gone.advice}")
    record_number = records[0].record_number if records else writer.write(claim.draft, deadline=deadline)
    try:
        record = create_link.read_record(
            reader, record_number, claim.prepared.subcontract_record_number, deadline=deadline
        )
    except NotInErp:
        return _Trouble(
            f"Record {record_number} is in {claim.erp}, but without a line on subcontract "
            f"{claim.prepared.subcontract_record_number}. Delete it there, then try again."
        )
    return _Found(record, comparison.differences(claim.prepared, record.change_order))


def _records(claim: _Claim, reader: ErpReader, deadline: Deadline, *, by_hand: bool) -> _Looked:
    """The export's own records: by its key; keyed in by hand, also by number, job and phase."""
    prepared, key = claim.prepared, str(claim.draft.key)
    there = reader.find_change_orders(
        job_record_number=prepared.job_record_number,
        subcontract_record_number=prepared.subcontract_record_number,
        deadline=deadline,
    )
    mine, odd = comparison.written_by(key, there.found), comparison.odd_written_by(key, there.odd)
    if mine or not by_hand:
        return _Looked(mine, odd)
    place = (prepared.number, prepared.job_record_number, prepared.phase)
    return _Looked(
        comparison.carrying(*place, there.found), (*odd, *comparison.odd_carrying(*place, there.odd))
    )


def _records_in_time(claim: _Claim) -> _Looked | Fault:
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(claim.spec)
        return calls.answer_to(partial(_records, claim, reader, by_hand=True), deadline=deadline)
    except ErpError as error:
        return error.fault


# --- transaction 2: settle -----------------------------------------------------------------------


def _settle(claim: _Claim, outcome: _Outcome, *, actor: Actor) -> ChangeOrderLink:
    with transaction.atomic(durable=True):
        change_order, export, now = _lock_mine(claim)
        rights = _rights(actor, company_id=claim.company_id)
        fault = outcome.fault if isinstance(outcome, _Trouble) else None
        if fault is None or fault.code != ROW_NOT_UNDERSTOOD:  # that is the record's trouble
            note_answer(export.connection, fault, now=now)
        export.looked_at = now
        refusal = _why_not(outcome, export)
        if refusal is None:
            assert isinstance(outcome, _Found), "only what was found is linked"
            return _link(change_order, export, outcome.record, actor=actor, now=now, rights=rights)
        export.differences, export.differing_record_number = [], ""
        if isinstance(refusal, Differs):
            export.differences = [dataclasses.asdict(one) for one in refusal.differences]
            export.differing_record_number = refusal.record_number
        if not export.by_hand:
            refusal = _fail(change_order, export, refusal, actor=actor, now=now, rights=rights)
        export.save()
    log.info(
        "export_settled",
        company_id=claim.company_id,
        export_id=claim.export_id,
        actor_id=actor.user_id,
        outcome=type(refusal).__name__,
    )
    raise refusal


def _lock_mine(claim: _Claim) -> tuple[CommitmentChangeOrder, Export, datetime]:
    """Everything locked again, and the lease given back. Raises `TakenOver` where it is no longer ours."""
    connection = Connection.objects.select_for_update(no_key=True).get(company_id=claim.company_id)
    change_order = lock_change_order(company_id=claim.company_id, change_order_id=claim.change_order_id)
    export = open_export(change_order)
    now = database_now()
    if (
        export is None
        or export.pk != claim.export_id
        or export.writing_until != claim.lease
        or claim.lease <= now
        or connection.revision != claim.connection_revision
    ):
        raise TakenOver
    export.writing_until = None
    return change_order, export, now


def _why_not(outcome: _Outcome, export: Export) -> Differs | NotThereYet | ExportFailed | None:
    """Why there is nothing to link; None where what was found is what was signed off."""
    match outcome:
        case _Found(record=record) if create_link.is_linked(record, connection=export.connection):
            return ExportFailed(f"Record {record.change_order.record_number} is tied to another CCO.")
        case _Found(differences=()):
            return None
        case _Found(record=record, differences=differences):
            return Differs(record_number=record.change_order.record_number, differences=differences)
        case _Nothing():
            return NotThereYet()
        case _Trouble(words=words):
            return ExportFailed(words)


def _link(
    change_order: CommitmentChangeOrder,
    export: Export,
    record: RecordInErp,
    *,
    actor: Actor,
    now: datetime,
    rights: str,
) -> ChangeOrderLink:
    link = create_link.make_link(change_order, record, connection=export.connection, actor=actor, now=now)
    apply_step(Step.FIND, change_order)
    end_export_round(change_order, ExportOutcome.SYNCED, actor=actor, now=now, link_id=link.pk)
    compared = comparison.compare(prepared_from_json(export.prepared), record.change_order)
    create_link.record_linked_event(
        EventKind.LINKED, link, actor=actor, now=now, rights=rights, compared=compared
    )
    return link


def _fail(
    change_order: CommitmentChangeOrder,
    export: Export,
    refusal: Differs | NotThereYet | ExportFailed,
    *,
    actor: Actor,
    now: datetime,
    rights: str,
) -> ExportFailed:
    """The CCO is Failed to Export, with the words that say why and what to do; its approver gets a mail."""
    erp = registry.erp_name(export.connection.kind)
    words = refusal.words if isinstance(refusal, ExportFailed) else _differs_in_words(refusal, erp=erp)
    apply_step(Step.FAIL, change_order)
    export.failed_at, export.failure_words = now, words
    record_event(EventKind.EXPORT_FAILED, change_order, actor=actor, now=now, rights=rights, reason=words)
    mail_failure(
        change_order_id=change_order.pk,
        export_id=export.pk,
        accepted_by_id=export.accepted_by_id,
        failure=words,
    )
    return ExportFailed(words)


def _differs_in_words(refusal: Differs | NotThereYet, *, erp: str) -> str:
    assert isinstance(refusal, Differs), "a writer that writes has written something"
    told = "; ".join(f"{one.what}: {one.found}, not {one.signed_off}" for one in refusal.differences)
    return (
        f"Record {refusal.record_number} is not as it was signed off. {told}. Delete it in {erp}, "
        "then try again."
    )

"""The accounting approver's side: see what Sage would hold, accept it, reject it, or link what is there."""

import dataclasses
import uuid
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.errors import require_reason
from erp_integrations.drafts import comparison
from erp_integrations.drafts.comparison import ComparedValue
from erp_integrations.drafts.context import (
    ExportContext,
    Preview,
    draft_of,
    export_context_of,
    lines_gone,
    prepared_from_json,
    subject_of,
)
from erp_integrations.drafts.validation import ExportSubject, RuleStage, broken_rules, notices
from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.serialization import as_plain
from erp_integrations.links import create_link
from erp_integrations.links.create_link import RecordInErp, SubcontractInErp
from erp_integrations.models import (
    ChangeOrderLink,
    EventKind,
    Export,
    ExportOutcome,
)
from erp_integrations.policies import may_accept, may_reject
from erp_integrations.ports import (
    ChangeOrderDraft,
    ChangeOrdersFound,
    Deadline,
    ErpChangeOrderFound,
    ErpError,
    ErpSubcontract,
    NotInErp,
    PreparedChangeOrder,
)
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import (
    CouldNotAsk,
    DiffersFromOurs,
    DuplicateInErp,
    NotPossibleNow,
    NumberInUse,
    PreviewChanged,
    RecordElsewhere,
    RecordNotEffective,
    Refused,
    RulesBroken,
)
from erp_integrations.workflow.link_status import NOT_EFFECTIVE
from erp_integrations.workflow.notifications import mail_rejection
from erp_integrations.workflow.transitions import (
    access_of,
    apply_step,
    end_export_round,
    lock_change_order,
    open_export,
    record_event,
    require,
    require_possible,
)

NO_NUMBER = "without a readable number"
"""A record whose own number cannot be read, in a sentence about records."""
NO_KEY = uuid.UUID(int=0)
"""Of a draft that is compared and never written."""


def preview_export(*, company_id: int, change_order_id: int, erp_number: str, writer: str) -> Preview:
    """Asks the ERP for the subcontract and its change orders, and prepares what would be written.

    Changes nothing; must not be called inside a transaction. Raises `NotPossibleNow`, `RulesBroken`,
    `CouldNotAsk`.
    """
    change_order = _find(company_id=company_id, change_order_id=change_order_id)
    require_possible(change_order, Step.ACCEPT)
    export = Export.objects.filter(change_order=change_order, ended_at=None).first()
    if export is None:
        raise NotPossibleNow(step=Step.ACCEPT, erp_status=ErpStatus(change_order.erp_status))
    papers = export_context_of(change_order)
    subject = subject_of(papers, erp_number=erp_number)
    if broken := broken_rules(subject, RuleStage.ACCEPT):
        raise RulesBroken(broken)
    subcontract, there = _ask_about(papers)
    _require_lines(subject, papers, subcontract)
    found = there.found
    draft = draft_of(papers, subcontract, key=export.key, number=erp_number, dated=_dated(change_order))
    prepared, by_hand = _prepare(papers, draft, writer)
    same_number = comparison.carrying(prepared.number, prepared.job_record_number, prepared.phase, found)
    with_amount = comparison.with_the_amount(prepared.total, found)
    others = {record.record_number for record in same_number} | _tied_records(papers, with_amount)
    same_amount = tuple(record for record in with_amount if record.record_number not in others)
    # A record that cannot be read holds its number all the same.
    unreadable = comparison.odd_carrying(
        prepared.number, prepared.job_record_number, prepared.phase, there.odd
    )
    carrying = [record.record_number for record in same_number]
    carrying += [one.odd.record_number or NO_NUMBER for one in unreadable]
    asked = dataclasses.replace(
        subject,
        same_number=tuple(dict.fromkeys(carrying)),
        same_amount=tuple(record.record_number for record in same_amount),
    )
    return Preview(
        draft,
        prepared,
        by_hand,
        same_number,
        same_amount,
        asked,
        notices(subject, RuleStage.ACCEPT),
        odd=(*subcontract.odd, *(one.odd for one in there.odd)),
    )


def accept_change_order(
    *,
    company_id: int,
    change_order_id: int,
    erp_number: str,
    writer: str,
    token: str,
    actor: Actor,
    same_amount_is_another: bool = False,
) -> Export:
    """Signs off what was shown and stores it: the CCO is Exporting from then on.

    `token` is that of the preview the approver saw. `same_amount_is_another` says that a record with the
    same amount is known to be another one; a record with the same number always stops the export. Must not
    be called inside a transaction. Raises `NotAllowed`, `NotPossibleNow`, `RulesBroken`, `CouldNotAsk`,
    `PreviewChanged`, `DuplicateInErp`, `NumberInUse`.
    """
    require(may_accept(access_of(actor, company_id=company_id)))
    preview = preview_export(
        company_id=company_id, change_order_id=change_order_id, erp_number=erp_number, writer=writer
    )
    try:
        if preview.token != token:
            raise PreviewChanged
        told = dataclasses.replace(preview.subject, same_amount_is_another=same_amount_is_another)
        if broken := broken_rules(told, RuleStage.SIGN_OFF):
            raise DuplicateInErp(
                broken=broken, same_number=preview.same_number, same_amount=preview.same_amount
            )
        return _sign_off(
            company_id=company_id,
            change_order_id=change_order_id,
            preview=preview,
            writer=writer,
            actor=actor,
        )
    except Refused as refusal:
        refusal.preview = preview
        raise


def _sign_off(
    *, company_id: int, change_order_id: int, preview: Preview, writer: str, actor: Actor
) -> Export:
    try:
        with transaction.atomic(durable=True):
            return _store(
                company_id=company_id,
                change_order_id=change_order_id,
                preview=preview,
                writer=writer,
                actor=actor,
            )
    except IntegrityError as error:
        if "export_number_once_per_job" in str(error):
            raise NumberInUse(preview.prepared.number) from None
        raise


def _store(*, company_id: int, change_order_id: int, preview: Preview, writer: str, actor: Actor) -> Export:
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = require(may_accept(access_of(actor, company_id=company_id)))
    apply_step(Step.ACCEPT, change_order)
    export = open_export(change_order)
    if export is None or export.key != preview.draft.key:
        # Retrieved and sent again while it was looked at: what was shown belongs to the round before.
        raise PreviewChanged
    now = database_now()
    export.accepted_at = now
    export.accepted_by_id = actor.user_id
    export.accepted_by_name = actor.name
    export.writer = writer
    export.by_hand = preview.by_hand
    export.erp_number = preview.prepared.number
    export.job_record_number = preview.prepared.job_record_number
    export.draft = as_plain(dataclasses.asdict(preview.draft))
    export.prepared = as_plain(dataclasses.asdict(preview.prepared))
    export.save()
    record_event(
        EventKind.ACCEPTED,
        change_order,
        actor=actor,
        now=now,
        rights=rights,
        evidence={"writer": writer, "prepared": export.prepared},
    )
    return export


@transaction.atomic(durable=True)
def reject_change_order(*, company_id: int, change_order_id: int, reason: str, actor: Actor) -> Export | None:
    """Gives a waiting CCO back to the project team, with the reason.

    Raises `NotAllowed`, `NotPossibleNow`, `ReasonMissing`.
    """
    reason = require_reason(reason)
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = require(may_reject(access_of(actor, company_id=company_id)))
    apply_step(Step.REJECT, change_order)
    now = database_now()
    return close_as_rejected(change_order, actor=actor, now=now, rights=rights, reason=reason)


def close_as_rejected(
    change_order: CommitmentChangeOrder, *, actor: Actor, now: datetime, rights: str, reason: str
) -> Export | None:
    """Ends the round of a CCO that has just become Rejected, tells it, and mails whoever sent it."""
    export = end_export_round(change_order, ExportOutcome.REJECTED, actor=actor, now=now, reason=reason)
    record_event(EventKind.REJECTED, change_order, actor=actor, now=now, rights=rights, reason=reason)
    mail_rejection(
        change_order_id=change_order.pk,
        sender_id=export.sent_by_id if export else None,
        rejected_by=actor.name,
        reason=reason,
    )
    return export


def link_to_existing(
    *, company_id: int, change_order_id: int, record_number: str, actor: Actor, seen: str = ""
) -> ChangeOrderLink:
    """Links a CCO that accounting holds to a record of its job and subcontract that is in the ERP already.

    It waits for accounting, or was accepted and the record differs for a good reason. The record is compared
    with the CCO, line by line. Where anything differs, `seen` must be the token of the comparison that the
    person has said yes to. Must not be called inside a transaction. Raises `NotAllowed`,
    `NotPossibleNow`, `RulesBroken`, `CouldNotAsk`, `RecordElsewhere`, `RecordNotEffective`,
    `RecordTaken`, `ExportInProgress`, `TakenOver`, `DiffersFromOurs`.
    """

    def rights() -> str:
        return require(may_accept(access_of(actor, company_id=company_id)))

    def compare(locked: CommitmentChangeOrder, record: RecordInErp) -> tuple[ComparedValue, ...]:
        _require_effective(record)
        compared = _compare(locked, record)
        if any(not one.same for one in compared):
            refusal = DiffersFromOurs(record.change_order, compared)
            if refusal.token != seen:
                raise refusal
        return compared

    rights()
    change_order = _find(company_id=company_id, change_order_id=change_order_id)
    require_possible(change_order, Step.LINK)
    papers = export_context_of(change_order)
    if broken := broken_rules(subject_of(papers), RuleStage.SEND):
        raise RulesBroken(broken)
    try:
        return create_link.link_change_order(
            change_order_id=change_order_id,
            record_number=record_number,
            subcontract_record_number=papers.ties.commitment.record_number,
            actor=actor,
            rights=rights,
            compare=compare,
        )
    except NotInErp:
        raise RecordElsewhere from None
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None


def _compare(change_order: CommitmentChangeOrder, record: RecordInErp) -> tuple[ComparedValue, ...]:
    """The locked CCO beside the record: as it was accepted, else as it would be under its own number.

    Raises `RulesBroken`, and `NotInErp` where job or subcontract are others than those that ours are tied to,
    whatever their numbers.
    """
    papers = export_context_of(change_order)
    subject = subject_of(papers)
    if broken := broken_rules(subject, RuleStage.SEND):
        raise RulesBroken(broken)
    ties = papers.ties
    if (ties.job.row_id, ties.commitment.row_id) != (record.job_row_id, record.subcontract.row_id):
        raise NotInErp
    export = open_export(change_order)
    if export is not None and export.accepted_at is not None:
        return comparison.compare(prepared_from_json(export.prepared), record.change_order)
    _require_lines(subject, papers, record.subcontract)
    draft = draft_of(
        papers,
        record.subcontract,
        key=NO_KEY,
        number=change_order.number,
        dated=_dated(change_order),
    )
    prepared, _ = _prepare(papers, draft, registry.writers_of(ties.connection.kind)[0])
    return comparison.compare(prepared, record.change_order, dated=False)


def _require_effective(record: RecordInErp) -> None:
    """Raises `RecordNotEffective`."""
    for erp_status in (record.change_order.status, *(line.status for line in record.lines)):
        if erp_status in NOT_EFFECTIVE:
            raise RecordNotEffective(record.change_order.record_number, erp_status)


def _require_lines(subject: ExportSubject, papers: ExportContext, subcontract: ErpSubcontract) -> None:
    """Raises `RulesBroken` where a line that the CCO changes is not in the subcontract any more."""
    asked = dataclasses.replace(subject, lines_gone=lines_gone(papers, subcontract))
    if broken := broken_rules(asked, RuleStage.ACCEPT) if asked.lines_gone else ():
        raise RulesBroken(tuple(one for one in broken if one.code == "line-in-erp"))


# --- reading -------------------------------------------------------------------------------------


def _find(*, company_id: int, change_order_id: int) -> CommitmentChangeOrder:
    return CommitmentChangeOrder.objects.select_related(
        "commitment__vendor", "commitment__project__company"
    ).get(pk=change_order_id, commitment__project__company_id=company_id)


def _prepare(papers: ExportContext, draft: ChangeOrderDraft, name: str) -> tuple[PreparedChangeOrder, bool]:
    """What the writer of that name makes of it, and whether it is keyed in by hand."""
    try:
        writer = registry.writer_for(registry.spec_of(papers.ties.connection), name)
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None
    return writer.prepare(draft), writer.by_hand


def _ask_about(papers: ExportContext) -> tuple[ErpSubcontract, ChangeOrdersFound]:
    """The subcontract, and the change orders there are on it and on the job."""
    job, subcontract = papers.ties.job, papers.ties.commitment
    anchor = SubcontractInErp(job.record_number, job.row_id, subcontract.record_number, subcontract.row_id)
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(registry.spec_of(papers.ties.connection))
        return calls.answer_to(
            lambda earlier: (
                create_link.read_anchor(reader, anchor, deadline=earlier),
                reader.find_change_orders(
                    job_record_number=job.record_number,
                    subcontract_record_number=subcontract.record_number,
                    deadline=earlier,
                ),
            ),
            deadline=deadline,
        )
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None
    except NotInErp as missing:
        raise CouldNotAsk(calls.subcontract_gone(str(missing))) from None


def _tied_records(papers: ExportContext, found: tuple[ErpChangeOrderFound, ...]) -> set[str]:
    """Which of the records other CCOs are tied to: those are known to be somebody else's."""
    links = ChangeOrderLink.objects.filter(
        connection=papers.ties.connection,
        unlinked_at=None,
        record_number__in=[record.record_number for record in found],
    )
    return set(links.values_list("record_number", flat=True))


def _dated(change_order: CommitmentChangeOrder) -> date:
    """The day the CCO was created, which is what the reference product exports as the date."""
    return timezone.localtime(change_order.created_at).date()

"""What the project team's pages show of accounting; see the setting COMMITMENTS_ERP_ADAPTER."""

from collections.abc import Sequence

from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from commitments.policies import may_change_commitments
from commitments.ports import ErpButton, ErpCard, ErpFinding, HistoryLine
from companies.access import Access
from companies.models import CompanyTool, Level
from erp_integrations.drafts.context import export_context_of, subject_of
from erp_integrations.drafts.validation import BrokenRule, RulePlace, RuleStage, broken_rules, notices
from erp_integrations.models import (
    ChangeOrderLink,
    CommitmentLink,
    EventKind,
    Export,
    ExportOutcome,
    LinkEvent,
)
from erp_integrations.policies import may_send
from erp_integrations.view_models import Tone

TONES: dict[ErpStatus, Tone] = {
    ErpStatus.NOT_IN_ERP: "waiting",
    ErpStatus.READY_TO_EXPORT: "waiting",
    ErpStatus.EXPORTING: "waiting",
    ErpStatus.FAILED_TO_EXPORT: "doubt",
    ErpStatus.REJECTED: "doubt",
    ErpStatus.SYNCED: "good",
}

WORDS: dict[ErpStatus, str] = {
    ErpStatus.NOT_IN_ERP: "Accounting has not seen it.",
    ErpStatus.READY_TO_EXPORT: "It waits for accounting to accept or reject it.",
    ErpStatus.EXPORTING: "Accounting accepted it and is bringing it into Sage.",
    ErpStatus.FAILED_TO_EXPORT: "Its export failed. Accounting can try again or give it back.",
    ErpStatus.REJECTED: "Accounting gave it back. Correct it, then send it again.",
    ErpStatus.SYNCED: "It is tied to its record in Sage.",
}

STATUS_AFTER: dict[EventKind, str] = {
    EventKind.SENT: ErpStatus.READY_TO_EXPORT.label,
    EventKind.RETRIEVED: "Not in ERP (Retrieved)",
    EventKind.REJECTED: ErpStatus.REJECTED.label,
    EventKind.ACCEPTED: ErpStatus.EXPORTING.label,
    EventKind.EXPORT_FAILED: ErpStatus.FAILED_TO_EXPORT.label,
    EventKind.EXPORT_RETRIED: ErpStatus.EXPORTING.label,
    EventKind.LINKED: ErpStatus.SYNCED.label,
    EventKind.UNLINKED: ErpStatus.NOT_IN_ERP.label,
    EventKind.RELINKED: ErpStatus.SYNCED.label,
}
"""What a CCO's ERP status is after an event; the other kinds leave it as it was."""

OF_ACCOUNTING = {
    RulePlace.COMMITMENT_LINK: "erp-commitments",
    RulePlace.VENDOR_LINK: "erp-vendors",
    RulePlace.JOB_LINK: "erp-jobs",
    RulePlace.CONNECTION: "connection",
}
"""Pages where accounting mends what the project team cannot."""

OF_THE_TEAM = {
    "number": ("commitment-change-order-edit", "#id_number"),
    "title": ("commitment-change-order-edit", "#id_title"),
    "description": ("commitment-change-order-edit", "#id_description"),
    "lines": ("commitment-change-order-edit", "#lines-heading"),
    "status": ("commitment-change-order", "#acts"),
}
"""Page and place where the project team mends the CCO itself."""

REASON_WORDS = {EventKind.REJECTED: "Rejected Message", EventKind.EXPORT_FAILED: "Export failed"}


class CommitmentsAdapter:
    """Implements `commitments.ports.ErpAdapter` from stored rows; the ERP is not called."""

    def card_of(self, change_order: CommitmentChangeOrder, access: Access) -> ErpCard:
        """Status, what it means, what may be done and what stands in the way."""
        status = ErpStatus(change_order.erp_status)
        last = Export.objects.filter(change_order=change_order).order_by("-sent_at", "-id").first()
        link = ChangeOrderLink.objects.filter(change_order=change_order).order_by("-linked_at", "-id").first()
        papers = export_context_of(change_order)
        sendable = status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
        subject = subject_of(papers)
        broken = broken_rules(subject, RuleStage.SEND) if sendable else ()
        known = notices(subject, RuleStage.SEND) if sendable else ()
        return ErpCard(
            status=_status_words(status, last),
            tone=TONES[status],
            words=_meaning(status, last, link),
            detail=tuple(_detail(status, last, link)),
            buttons=_buttons(change_order, status, access, broken),
            findings=tuple(_finding(one, change_order, access) for one in broken),
            notices=tuple(_finding(one, change_order, access) for one in known),
            url=_history_url(change_order, access),
        )

    def commitment_states(self, commitment_ids: Sequence[int]) -> dict[int, str]:
        """Whether each commitment is tied to its subcontract: "Synced" or "Not in ERP". One query."""
        tied = set(
            CommitmentLink.objects.filter(commitment__in=commitment_ids, unlinked_at=None).values_list(
                "commitment_id", flat=True
            )
        )
        return {
            pk: str((ErpStatus.SYNCED if pk in tied else ErpStatus.NOT_IN_ERP).label) for pk in commitment_ids
        }

    def history_of(self, change_order: CommitmentChangeOrder) -> tuple[HistoryLine, ...]:
        """Every change of the ERP status, oldest first, from the ledger."""
        lines = []
        before = ErpStatus.NOT_IN_ERP.label
        events = LinkEvent.objects.filter(
            subject_kind="change-order", subject_id=change_order.pk, kind__in=STATUS_AFTER
        )
        for event in events.order_by("at", "id"):
            kind = EventKind(event.kind)
            after = STATUS_AFTER[kind]
            lines.append(HistoryLine(event.at, event.actor_name, "ERP status", before, after))
            if kind in REASON_WORDS:
                lines.append(HistoryLine(event.at, event.actor_name, REASON_WORDS[kind], "", event.reason))
            before = after
        return tuple(lines)


def _status_words(status: ErpStatus, last: Export | None) -> str:
    return "Retrieved" if _is_retrieved(status, last) else status.label


def _is_retrieved(status: ErpStatus, last: Export | None) -> bool:
    return status == ErpStatus.NOT_IN_ERP and last is not None and last.outcome == ExportOutcome.RETRIEVED


def _meaning(status: ErpStatus, last: Export | None, link: ChangeOrderLink | None) -> str:
    if _is_retrieved(status, last):
        return "It was taken back from accounting. Correct it, then send it again."
    if status == ErpStatus.NOT_IN_ERP and link is not None:
        return "It was unlinked from Sage. Correct it and send it again, or delete it."
    return WORDS[status]


def _detail(status: ErpStatus, last: Export | None, link: ChangeOrderLink | None) -> list[str]:
    """What is worth knowing beside the status: by whom, why, and the record it has or had."""
    words = []
    if last is not None and status == ErpStatus.READY_TO_EXPORT:
        words.append(f"Sent by {last.sent_by_name}.")
    if last is not None and status == ErpStatus.EXPORTING:
        words.append(f"Accepted by {last.accepted_by_name} as change number {last.erp_number}.")
    if last is not None and status == ErpStatus.FAILED_TO_EXPORT:
        words.append(last.failure_words)
    if last is not None and status == ErpStatus.REJECTED:
        words.append(f"Rejected by {last.ended_by_name}: {last.reason}")
    if link is not None:
        tense = "Its" if link.is_active else "Its former"
        words.append(f"{tense} record in Sage: {link.record_number}, change number {link.number}.")
    return words


def _buttons(
    change_order: CommitmentChangeOrder, status: ErpStatus, access: Access, broken: tuple[BrokenRule, ...]
) -> tuple[ErpButton, ...]:
    project = change_order.commitment.project
    ruling = may_send(access, project_id=project.pk, project_name=project.name)
    arguments = [project.company.slug, project.number, change_order.pk]
    if status == ErpStatus.READY_TO_EXPORT:
        return (
            ErpButton("Retrieve from ERP", reverse("change-order-retrieve", args=arguments), ruling.missing),
        )
    if status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED):
        label = "Send to ERP" if status == ErpStatus.NOT_IN_ERP else "Re-send to ERP"
        reasons = (*ruling.missing, *(one.words for one in broken))
        return (ErpButton(label, reverse("change-order-send", args=arguments), reasons),)
    return ()


def _finding(broken: BrokenRule, change_order: CommitmentChangeOrder, access: Access) -> ErpFinding:
    """A rule that does not hold, and who mends it or where; links only for those who may go there."""
    project = change_order.commitment.project
    slug = project.company.slug
    if broken.place in OF_ACCOUNTING:
        if access.on_company(CompanyTool.ERP_INTEGRATIONS) < Level.READ_ONLY:
            return ErpFinding(f"{broken.words} Ask accounting to mend it.", field=broken.field)
        url = reverse(OF_ACCOUNTING[broken.place], args=[slug])
    elif broken.field in OF_THE_TEAM and may_change_commitments(access, project):
        name, place = OF_THE_TEAM[broken.field]
        url = reverse(name, args=[slug, project.number, change_order.pk]) + place
    else:
        url = ""
    return ErpFinding(broken.words, url, broken.field)


def _history_url(change_order: CommitmentChangeOrder, access: Access) -> str:
    if access.on_company(CompanyTool.ERP_INTEGRATIONS) < Level.READ_ONLY:
        return ""
    slug = change_order.commitment.project.company.slug
    return reverse("change-order-history", args=[slug, change_order.pk])

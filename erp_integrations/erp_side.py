"""Accounting's side of a CCO, as the project team's pages show it. Named by the setting ERP_SIDE."""

from collections.abc import Sequence

from django.urls import reverse

from commitments.erp_side import ErpButton, ErpCard, ErpFinding, HistoryLine
from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access
from companies.models import CompanyTool, Level
from erp_integrations.drafts import papers_of, subject_of
from erp_integrations.models import (
    ChangeOrderLink,
    CommitmentLink,
    EventKind,
    Export,
    ExportOutcome,
    LinkEvent,
)
from erp_integrations.pages import Tone
from erp_integrations.policies import may_send
from erp_integrations.rules import Broken, Place, When, broken_rules

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

REASON_WORDS = {EventKind.REJECTED: "Rejected Message", EventKind.EXPORT_FAILED: "Export failed"}


class ErpSide:
    """What `commitments` asks of the ERP tool, answered from its rows; nothing is asked of the ERP."""

    def card_of(self, change_order: CommitmentChangeOrder, access: Access) -> ErpCard:
        """Status, what it means, what may be done and what stands in the way."""
        status = ErpStatus(change_order.erp_status)
        last = Export.objects.filter(change_order=change_order).order_by("-sent_at", "-id").first()
        papers = papers_of(change_order)
        sendable = status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
        broken = broken_rules(subject_of(papers), When.SEND) if sendable else ()
        return ErpCard(
            status=_status_words(status, last),
            tone=TONES[status],
            words=WORDS[status],
            detail=tuple(_detail(change_order, status, last)),
            buttons=_buttons(change_order, status, access, broken),
            findings=tuple(
                ErpFinding(one.words, _place_url(one, change_order, access), one.field) for one in broken
            ),
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
    retrieved = last is not None and last.outcome == ExportOutcome.RETRIEVED
    return "Retrieved" if status == ErpStatus.NOT_IN_ERP and retrieved else status.label


def _detail(change_order: CommitmentChangeOrder, status: ErpStatus, last: Export | None) -> list[str]:
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
    link = ChangeOrderLink.objects.filter(change_order=change_order).order_by("-linked_at", "-id").first()
    if link is not None:
        tense = "Its" if link.is_active else "Its former"
        words.append(f"{tense} record in Sage: {link.record_number}, change number {link.number}.")
    return words


def _buttons(
    change_order: CommitmentChangeOrder, status: ErpStatus, access: Access, broken: tuple[Broken, ...]
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


def _place_url(broken: Broken, change_order: CommitmentChangeOrder, access: Access) -> str:
    """Where the rule is mended, for those who may go there; empty for everybody else."""
    project = change_order.commitment.project
    slug = project.company.slug
    match broken.place:
        case Place.CHANGE_ORDER | Place.ACCEPT_FORM:
            return reverse("commitment-change-order", args=[slug, project.number, change_order.pk])
        case _ if access.on_company(CompanyTool.ERP_INTEGRATIONS) < Level.READ_ONLY:
            return ""
        case Place.COMMITMENT_LINK:
            return reverse("erp-commitments", args=[slug])
        case Place.VENDOR_LINK:
            return reverse("erp-vendors", args=[slug])
        case Place.JOB_LINK:
            return reverse("erp-jobs", args=[slug])
        case Place.CONNECTION:
            return reverse("connection", args=[slug])


def _history_url(change_order: CommitmentChangeOrder, access: Access) -> str:
    if access.on_company(CompanyTool.ERP_INTEGRATIONS) < Level.READ_ONLY:
        return ""
    slug = change_order.commitment.project.company.slug
    return reverse("change-order-history", args=[slug, change_order.pk])

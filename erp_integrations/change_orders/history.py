"""The history of one CCO: its links, attempts and events, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commitments.models import CommitmentChangeOrder
from companies.models import Company
from erp_integrations.change_orders.queries import TONES
from erp_integrations.drafts.context import prepared_from_json
from erp_integrations.erp import registry
from erp_integrations.erp.queries import find_connection
from erp_integrations.ledger.descriptions import describe_event, describe_finding
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Export,
    LinkEvent,
    PresenceKey,
    UnlinkAttempt,
)
from erp_integrations.view_models import AttemptLine, ChangeOrderFacts, EventLine, LinkPeriod, RoundLine, Tone
from erp_integrations.workflow.link_status import SEEN

MOST_LINES = 100
SEEN_OR_UNCHECKED = SEEN | {PresenceKey.UNCHECKED}
OUTCOME_TONES: dict[str, Tone] = {
    AttemptState.CHECKING: "waiting",
    AttemptState.UNLINKED: "good",
    AttemptState.STILL_IN_ERP: "refused",
    AttemptState.NO_ANSWER: "doubt",
    AttemptState.NOT_ALLOWED: "doubt",
}


def find_change_order(company: Company, change_order_id: int) -> CommitmentChangeOrder | None:
    """The company's CCO with that id; None when it belongs to another company."""
    return (
        CommitmentChangeOrder.objects.filter(pk=change_order_id, commitment__project__company=company)
        .select_related("commitment__project", "commitment__vendor")
        .first()
    )


def find_active_link_row(change_order: CommitmentChangeOrder) -> ChangeOrderLink | None:
    return ChangeOrderLink.objects.filter(change_order=change_order, unlinked_at=None).first()


def find_active_link(change_order: CommitmentChangeOrder) -> LinkPeriod | None:
    """The CCO's active link."""
    link = find_active_link_row(change_order)
    return _period(link) if link else None


def history_of(company: Company, change_order: CommitmentChangeOrder, *, url: str) -> dict[str, Any]:
    """The template's context; `url` is the project team's page, when the viewer may see it."""
    connection = find_connection(company)
    links = list(ChangeOrderLink.objects.filter(change_order=change_order).order_by("-linked_at", "-id"))
    story = change_order_history_of(change_order.pk, links, company_id=company.pk)
    return {
        "erp_name": registry.erp_name(connection.kind if connection else registry.ODBC),
        "change_order": facts_of(change_order, url=url),
        "rounds": story.rounds,
        "former": _former(links),
        "not_seen": any(link.is_active and link.presence not in SEEN_OR_UNCHECKED for link in links),
        "links": story.links,
        "attempts": story.attempts,
        "events": story.events,
    }


@dataclass(frozen=True, slots=True)
class ChangeOrderHistory:
    """The links, attempts, rounds and events of one CCO, newest first; at most `MOST_LINES` of each."""

    rounds: tuple[RoundLine, ...]
    links: tuple[LinkPeriod, ...]
    attempts: tuple[AttemptLine, ...]
    events: tuple[EventLine, ...]


def change_order_history_of(
    change_order_id: int, links: Sequence[ChangeOrderLink], *, company_id: int
) -> ChangeOrderHistory:
    """`links` are all links of the CCO, newest first. The CCO may be deleted. Three queries."""
    attempts = UnlinkAttempt.objects.filter(link__in=links).order_by("-started_at", "-id")[:MOST_LINES]
    events = LinkEvent.objects.filter(
        company_id=company_id, subject_kind="change-order", subject_id=change_order_id
    ).order_by("-at", "-id")[:MOST_LINES]
    exports = Export.objects.filter(change_order=change_order_id).order_by("-sent_at", "-id")[:MOST_LINES]
    return ChangeOrderHistory(
        rounds=tuple(round_of(export) for export in exports),
        links=_periods(links),
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        events=tuple(
            EventLine(
                event_id=event.pk,
                at=event.at,
                actor=event.actor_name,
                kind=event.get_kind_display(),
                words=describe_event(event),
            )
            for event in events
        ),
    )


def facts_of(change_order: CommitmentChangeOrder, *, url: str = "") -> ChangeOrderFacts:
    """The head of a CCO's pages. Its commitment, project and contract company must be loaded."""
    commitment = change_order.commitment
    return ChangeOrderFacts(
        change_order_id=change_order.pk,
        number=change_order.number,
        title=change_order.title,
        project=commitment.project.name,
        commitment=str(commitment),
        contract_company=commitment.vendor.name,
        amount=change_order.amount,
        erp_status=change_order.get_erp_status_display(),
        url=url,
    )


def round_of(export: Export) -> RoundLine:
    return RoundLine(
        sent_at=export.sent_at,
        sent_by=export.sent_by_name,
        accepted_at=export.accepted_at,
        accepted_by=export.accepted_by_name,
        writer=registry.WRITERS[export.writer][0] if export.writer else "",
        erp_number=export.erp_number,
        failed_at=export.failed_at,
        failure_words=export.failure_words,
        looked_at=export.looked_at,
        differences=tuple((one["what"], one["signed_off"], one["found"]) for one in export.differences),
        differing_record_number=export.differing_record_number,
        ended_at=export.ended_at,
        ended_by=export.ended_by_name,
        outcome=export.get_outcome_display(),
        reason=export.reason,
        prepared=prepared_from_json(export.prepared) if export.prepared else None,
    )


def _former(links: Sequence[ChangeOrderLink]) -> LinkPeriod | None:
    """The last link of a CCO that is not linked now."""
    cut = [link for link in links if link.unlinked_at is not None]
    if not cut or len(cut) < len(links):
        return None
    return _period(max(cut, key=lambda link: (link.unlinked_at, link.pk)))


def _periods(links: Sequence[ChangeOrderLink]) -> tuple[LinkPeriod, ...]:
    """All links of one CCO. A link that was moved names the record of the next one."""
    moved_to = {link.moved_from_id: link.record_number for link in links if link.moved_from_id}
    return tuple(_period(link, moved_to=moved_to.get(link.pk, "")) for link in links)


def _period(link: ChangeOrderLink, *, moved_to: str = "") -> LinkPeriod:
    return LinkPeriod(
        moved_to=moved_to,
        link_id=link.pk,
        linked_at=link.linked_at,
        linked_by=link.linked_by_name,
        unlinked_at=link.unlinked_at,
        unlinked_by=link.unlinked_by_name,
        erp_record=link.record_number,
        erp_number=link.number,
        row_id=str(link.row_id).upper(),
    )


def _attempt(attempt: UnlinkAttempt) -> AttemptLine:
    verdict = PresenceKey(attempt.verdict) if attempt.verdict else None
    return AttemptLine(
        attempt_id=attempt.pk,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        actor=attempt.actor_name,
        verdict_word=verdict.label if verdict else "Nothing yet",
        outcome=attempt.get_state_display(),
        details=describe_finding(attempt.evidence),
        tone=TONES[verdict] if verdict else OUTCOME_TONES[attempt.state],
    )

"""The Activity tab: the events of a page, and one event with its evidence."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from commitments.models import CommitmentChangeOrder
from companies.access import Access
from companies.models import Company, DirectoryEvent
from companies.view_models import Page
from erp_integrations.activity.activity_query import ActivityQuery, activity_url, filtered_by, visible_to
from erp_integrations.ledger import queries as ledger_queries
from erp_integrations.ledger.descriptions import (
    KINDS,
    OUTCOMES,
    EventOutcome,
    describe_change,
    evidence_facts,
    outcome_of,
)
from erp_integrations.ledger.queries import Event
from erp_integrations.models import LinkEvent, Via
from erp_integrations.view_models import Fact, Tone

TONES: dict[EventOutcome, Tone] = {
    EventOutcome.UNLINKED: "good",
    EventOutcome.LINKED: "good",
    EventOutcome.REFUSED: "refused",
    EventOutcome.NO_ANSWER: "doubt",
    EventOutcome.OTHER: "waiting",
}


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One event, of either book."""

    name: str
    """`link-12`, `directory-7`: the same in URLs and exports."""
    at: datetime
    kind: str
    outcome: str
    tone: Tone
    subject: str
    subject_url: str
    """The URL of the subject's page; empty when it has none, or was deleted."""
    actor: str
    words: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True)
class EventDetail:
    """One event with everything that is stored about it."""

    row: ActivityRow
    facts: tuple[tuple[str, str], ...]
    """The other columns that are not empty."""
    found: tuple[Fact, ...]
    """The evidence, for people."""
    evidence: str
    """All of the evidence, as JSON."""


def page_of_events(
    company: Company, access: Access, query: ActivityQuery
) -> tuple[tuple[ActivityRow, ...], Page]:
    """Newest first; the same number of queries for one event and for fifty."""
    events, page = ledger_queries.one_page(
        filtered_by(query, access, company),
        query.wanted,
        known=visible_to(access, company),
        url=lambda side, name: activity_url(company, query, **{side: name}),
    )
    there = _existing_change_orders(company, events)
    return tuple(_row(company, event, there) for event in events), page


def find_detail(company: Company, access: Access, name: str) -> EventDetail | None:
    """One event with its evidence; None when it does not exist or this person may not see it."""
    event = ledger_queries.find_event(visible_to(access, company), name)
    if event is None:
        return None
    row = _row(company, event, _existing_change_orders(company, [event]))
    evidence = json.dumps(_evidence(event), indent=2, ensure_ascii=False)
    return EventDetail(row=row, facts=tuple(_facts(event)), found=_found(event), evidence=evidence)


def _evidence(event: Event) -> dict[str, object]:
    """As in the export: columns that only the Directory's events have are evidence here."""
    if isinstance(event, LinkEvent):
        return dict(event.evidence)
    return {name: getattr(event, name) for name in ledger_queries.DIRECTORY_EVIDENCE}


def _existing_change_orders(company: Company, events: Iterable[Event]) -> frozenset[int]:
    """The ids of the events' CCOs that were not deleted."""
    ids = {
        event.subject_id
        for event in events
        if isinstance(event, LinkEvent) and event.subject_kind == "change-order"
    }
    found = CommitmentChangeOrder.objects.filter(pk__in=ids, commitment__project__company=company)
    return frozenset(found.values_list("pk", flat=True)) if ids else frozenset()


def _row(company: Company, event: Event, there: frozenset[int]) -> ActivityRow:
    outcome = outcome_of(event.kind)
    name = ledger_queries.key_of(event).name
    if isinstance(event, LinkEvent):
        subject, words = event.subject_label, describe_change(event)
    else:
        subject, words = event.person_name, _change_of_entry(event)
    return ActivityRow(
        name=name,
        at=event.at,
        kind=KINDS[event.kind],
        outcome=OUTCOMES[outcome],
        tone=TONES[outcome],
        subject=subject,
        subject_url=_url_of_subject(company, event, there),
        actor=event.actor_name,
        words=words,
        url=reverse("activity-event", args=[company.slug, name]),
    )


def _change_of_entry(event: DirectoryEvent) -> tuple[str, ...]:
    change = f"{event.what}: {event.before} → {event.after}"
    return (change, event.reason) if event.reason else (change,)


def _url_of_subject(company: Company, event: Event, there: frozenset[int]) -> str:
    if isinstance(event, LinkEvent) and event.subject_id in there and event.subject_kind == "change-order":
        return reverse("change-order-history", args=[company.slug, event.subject_id])
    if isinstance(event, LinkEvent) and event.subject_kind == "bulk-unlink":
        return reverse("bulk-unlink-report", args=[company.slug, event.subject_id])
    return ""


def _facts(event: Event) -> Iterable[tuple[str, str]]:
    """The non-empty columns, with labels."""
    facts = [("Rights used", event.rights), ("Reason", event.reason), ("Request id", event.request_id)]
    if isinstance(event, LinkEvent):
        via = Via(event.via).label if event.via in Via.values else event.via
        facts = [
            ("Project", event.project_number),
            ("How", via),
            ("Operating system user", event.operating_system_user),
            *facts,
            ("Link", str(event.link_id or "")),
            ("Attempt", str(event.attempt_id or "")),
        ]
    return ((words, value) for words, value in facts if value)


def _found(event: Event) -> tuple[Fact, ...]:
    if isinstance(event, LinkEvent):
        return evidence_facts(event.evidence)
    return ()  # the text has all of it

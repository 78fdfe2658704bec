"""Bulk unlinks for the pages: the plan, the progress and the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.urls import reverse

from commitments.models import CommitmentChangeOrder
from companies.access import Access
from companies.models import Company
from erp_integrations.change_orders.link_filters import active_links
from erp_integrations.ledger.descriptions import describe_finding
from erp_integrations.models import (
    UNFINISHED,
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    ItemState,
    UnlinkAttempt,
)
from erp_integrations.models.links import GONE
from erp_integrations.policies import may_cancel_bulk_unlink, may_unlink
from erp_integrations.view_models import Tone

PAGE_SIZE = 100
MOST_LISTED = 50

Meanwhile = Mapping[str, tuple[str, ...]]
"""A text for each reason that is not Sage's: `unlink_messages.MEANWHILE`."""

TONES: dict[str, Tone] = {
    ItemState.UNLINKED: "good",
    ItemState.STILL_IN_ERP: "refused",
    ItemState.NO_ANSWER: "doubt",
    ItemState.NOT_ALLOWED: "doubt",
}


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What a bulk unlink of the selected CCOs would do."""

    to_ask: tuple[int, ...]
    """The CCOs that would be looked up in Sage."""
    gone: int
    """How many of them are missing in Sage according to the last answer."""
    active: int
    """How many CCOs of the company are linked."""
    not_allowed: int
    missing: tuple[str, ...]
    not_tied: int
    unknown: int
    """How many are not in this company's list; nothing else is shown about them."""


@dataclass(frozen=True, slots=True)
class Part:
    """The number of items of a bulk unlink with the same state."""

    key: str
    label: str
    count: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class BulkProgress:
    bulk_id: int
    url: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by: str
    total: int
    done: int
    parts: tuple[Part, ...]
    may_cancel: bool


@dataclass(frozen=True, slots=True)
class BulkLine:
    """The result of one item, as text."""

    item_id: int
    number: str
    title: str
    url: str
    project: str
    commitment: str
    erp_number: str
    erp_record: str
    outcome: str
    tone: Tone
    details: tuple[str, ...]
    at: datetime | None


# --- plan ----------------------------------------------------------------------------------------


def plan_of(company: Company, access: Access, change_order_ids: Sequence[int]) -> BulkPlan:
    """Which CCOs would be looked up, and which not, and why."""
    links = (
        active_links(company)
        .filter(change_order__in=change_order_ids)
        .values_list(
            "change_order_id",
            "presence",
            "change_order__commitment__project_id",
            "change_order__commitment__project__name",
        )
    )
    to_ask, gone, missing, not_allowed = [], 0, dict[str, None](), 0
    for change_order_id, presence, project_id, project in links:
        if ruling := may_unlink(access, project_id=project_id, project_name=project):
            to_ask.append(change_order_id)
            gone += presence in GONE
        else:
            not_allowed += 1
            missing |= dict.fromkeys(ruling.missing)
    known = CommitmentChangeOrder.objects.filter(
        pk__in=change_order_ids, commitment__project__company=company
    ).count()
    filtered_links = len(set(change_order_ids))
    return BulkPlan(
        to_ask=tuple(sorted(to_ask)),
        gone=gone,
        active=active_links(company).count(),
        not_allowed=not_allowed,
        missing=tuple(missing),
        not_tied=known - len(to_ask) - not_allowed,
        unknown=filtered_links - known,
    )


# --- progress and report -------------------------------------------------------------------------


def find_bulk(company: Company, bulk_id: int) -> BulkUnlink | None:
    return BulkUnlink.objects.filter(company=company, pk=bulk_id).first()


def latest_bulks(company: Company, access: Access) -> tuple[BulkProgress, ...]:
    bulks = list(BulkUnlink.objects.filter(company=company).order_by("-started_at", "-id")[:MOST_LISTED])
    counts: dict[int, dict[str, int]] = {}
    for row in (
        BulkUnlinkItem.objects.filter(bulk__in=bulks).values("bulk_id", "state").annotate(n=Count("id"))
    ):
        counts.setdefault(row["bulk_id"], {})[row["state"]] = row["n"]
    return tuple(_progress(company, access, bulk, counts.get(bulk.pk, {})) for bulk in bulks)


def progress_of(company: Company, access: Access, bulk: BulkUnlink) -> BulkProgress:
    rows = bulk.items.values_list("state").annotate(Count("id"))
    return _progress(company, access, bulk, dict(rows))


def _progress(company: Company, access: Access, bulk: BulkUnlink, counts: dict[str, int]) -> BulkProgress:
    total = sum(counts.values())
    done = total - sum(counts.get(state, 0) for state in UNFINISHED)
    return BulkProgress(
        bulk_id=bulk.pk,
        url=reverse("bulk-unlink-report", args=[company.slug, bulk.pk]),
        started_at=bulk.started_at,
        started_by=bulk.actor_name,
        ended_at=bulk.ended_at,
        cancelled_at=bulk.cancelled_at,
        cancelled_by=bulk.cancelled_by_name,
        total=total,
        done=done,
        parts=tuple(
            Part(state.value, label_of(state), counts[state], TONES.get(state, "waiting"))
            for state in ItemState
            if counts.get(state)
        ),
        may_cancel=bulk.ended_at is None
        and counts.get(ItemState.WAITING, 0) > 0
        and bool(may_cancel_bulk_unlink(access, started_by_id=bulk.actor_id)),
    )


def label_of(state: ItemState) -> str:
    """The label in the report, which is about Sage."""
    return "Still in Sage" if state is ItemState.STILL_IN_ERP else state.label


def page_of_lines(
    company: Company, bulk: BulkUnlink, meanwhile: Meanwhile, *, outcome: str, after: int
) -> tuple[tuple[BulkLine, ...], int | None]:
    """The items after the one with that id, in list order, and the id where the next page begins."""
    items = _items(bulk, outcome).filter(pk__gt=after)[: PAGE_SIZE + 1]
    shown = list(items)[:PAGE_SIZE]
    lines = _lines(company, shown, meanwhile)
    return lines, shown[-1].pk if len(items) > PAGE_SIZE else None


def all_lines(company: Company, bulk: BulkUnlink, meanwhile: Meanwhile) -> Iterator[BulkLine]:
    """All items, read page by page."""
    after: int | None = 0
    while after is not None:
        lines, after = page_of_lines(company, bulk, meanwhile, outcome="", after=after)
        yield from lines


def _items(bulk: BulkUnlink, outcome: str) -> QuerySet[BulkUnlinkItem]:
    items = bulk.items.select_related("link").order_by("pk")
    return items.filter(state=outcome) if outcome in ItemState.values else items


def _lines(company: Company, items: Sequence[BulkUnlinkItem], meanwhile: Meanwhile) -> tuple[BulkLine, ...]:
    last = {
        attempt.bulk_item_id: attempt
        for attempt in UnlinkAttempt.objects.filter(bulk_item__in=items).order_by("pk")
    }
    return tuple(_line(company, item, last.get(item.pk), meanwhile) for item in items)


def _line(
    company: Company, item: BulkUnlinkItem, attempt: UnlinkAttempt | None, meanwhile: Meanwhile
) -> BulkLine:
    link: ChangeOrderLink = item.link
    state = ItemState(item.state)
    details = _describe_attempt(attempt, meanwhile) if attempt and item.ended_at else ()
    return BulkLine(
        item_id=item.pk,
        number=link.cco_number,
        title=link.cco_title,
        url=reverse("change-order-history", args=[company.slug, link.change_order_id])
        if link.change_order_id
        else "",
        project=link.project_name,
        commitment=link.commitment_number,
        erp_number=link.number,
        erp_record=link.record_number,
        outcome=label_of(state),
        tone=TONES.get(state, "waiting"),
        details=tuple(filter(None, (item.reason, *details))),
        at=item.ended_at,
    )


def _describe_attempt(attempt: UnlinkAttempt, meanwhile: Meanwhile) -> tuple[str, ...]:
    """What Sage answered, or why the attempt was not settled."""
    if attempt.reason in meanwhile:
        return meanwhile[attempt.reason]
    return describe_finding(attempt.evidence)

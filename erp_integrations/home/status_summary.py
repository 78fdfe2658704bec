"""Counts and amounts of a company's synced CCOs by status, for its home page."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from companies.models import Company
from erp_integrations.change_orders.link_filters import active_links
from erp_integrations.change_orders.list_query import ListQuery, list_url
from erp_integrations.change_orders.queries import TONES
from erp_integrations.listing import keyset
from erp_integrations.models import ChangeOrderLink, Drift, PresenceKey
from erp_integrations.view_models import Tone


@dataclass(frozen=True, slots=True)
class StatusSummaryLine:
    """The number of CCOs with a status, and the sum of their amounts in the company's currency."""

    word: str
    tone: Tone
    count: int
    at_least: bool
    """Whether there are more than `count`; then there is no sum."""
    total: Decimal | None
    url: str


@dataclass(frozen=True, slots=True)
class StatusSummary:
    by_presence: tuple[StatusSummaryLine, ...]
    """Only statuses with CCOs."""
    by_drift: tuple[StatusSummaryLine, ...]
    capped: bool
    """Whether some counts stopped at the limit."""


def status_summary_of(company: Company, *, exact: bool = False) -> StatusSummary:
    """One query; `exact` counts and sums up everything, however long that takes."""
    links = active_links(company)
    kinds: list[tuple[str, Tone, QuerySet[ChangeOrderLink], ListQuery]] = [
        (key.label, TONES[key], links.filter(presence=key), ListQuery(presence=key.value))
        for key in PresenceKey
    ]
    drifted = links.filter(~Q(drift=[]))
    kinds += [
        (one.label, "refused", drifted.filter(drift__contains=[one.value]), ListQuery(drift=one.value))
        for one in Drift
    ]
    rows = [kind[2] for kind in kinds]
    sums = [_exact_sum(one) for one in rows] if exact else keyset.capped_sums(*rows, column="cco_amount")
    lines = [
        StatusSummaryLine(
            word=word,
            tone=tone,
            count=count if exact else min(count, keyset.MOST_COUNTED),
            at_least=not exact and count > keyset.MOST_COUNTED,
            total=total,
            url=list_url(company, query),
        )
        for (word, tone, _, query), (count, total) in zip(kinds, sums, strict=True)
    ]
    split = len(PresenceKey)
    return StatusSummary(
        by_presence=tuple(line for line in lines[:split] if line.count),
        by_drift=tuple(line for line in lines[split:] if line.count),
        capped=any(line.at_least for line in lines),
    )


def _exact_sum(links: QuerySet[ChangeOrderLink]) -> tuple[int, Decimal | None]:
    found = links.aggregate(count=Count("id"), total=Sum("cco_amount"))
    return found["count"], found["total"] or Decimal("0.00")

"""The list of CCOs on the ERP Integrations page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access
from companies.models import Company
from erp_integrations.models import ChangeOrderLink, PresenceKey
from erp_integrations.pages import Page, PlainRow, Presence, RowGroup, SyncedRow, Tab, Tone
from erp_integrations.policies import may_unlink

PAGE_SIZE = 50

VIEWS: dict[str, tuple[str, ErpStatus]] = {
    "ready-to-export": ("Ready to Export", ErpStatus.READY_TO_EXPORT),
    "exporting": ("Exporting", ErpStatus.EXPORTING),
    "failed-to-export": ("Failed to Export", ErpStatus.FAILED_TO_EXPORT),
    "rejected": ("Rejected", ErpStatus.REJECTED),
    "synced": ("Successfully Synced", ErpStatus.SYNCED),
    "deleted-in-sage": ("Deleted in Sage", ErpStatus.SYNCED),
}
"""View key -> the words on its tab and the ERP status of what it shows."""

GONE = (PresenceKey.ABSENT, PresenceKey.REPLACED)
"""What "Deleted in Sage" shows: what a look did not find any more."""

TONES: dict[PresenceKey, Tone] = {
    PresenceKey.UNCHECKED: "waiting",
    PresenceKey.PRESENT: "good",
    PresenceKey.NOT_EFFECTIVE: "refused",
    PresenceKey.RENUMBERED: "refused",
    PresenceKey.ABSENT: "waiting",
    PresenceKey.REPLACED: "doubt",
    PresenceKey.AMBIGUOUS: "doubt",
    PresenceKey.JOB_MISSING: "doubt",
    PresenceKey.UNKNOWN: "doubt",
}

SEARCHED = (
    "cco_number",
    "cco_title",
    "commitment_number",
    "commitment_title",
    "contract_company",
    "project_number",
    "project_name",
    "number",
    "sub_change_number",
    "record_number",
)
SORT = ("project_number", "commitment_number", "cco_number", "id")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. Anything unknown in it counts as not asked."""

    view: str = "synced"
    q: str = ""
    after: int | None = None
    before: int | None = None


def active_links(company: Company) -> QuerySet[ChangeOrderLink]:
    return ChangeOrderLink.objects.filter(connection__company=company, unlinked_at__isnull=True)


def views_with_counts(company: Company, *, current: str) -> tuple[Tab, ...]:
    """Two queries: CCOs by ERP status, and the links whose record is gone."""
    by_status = dict(
        CommitmentChangeOrder.objects.filter(commitment__project__company=company)
        .values_list("erp_status")
        .annotate(Count("id"))
    )
    gone = active_links(company).filter(presence__in=GONE).count()
    address = reverse("change-orders", args=[company.slug])
    return tuple(
        Tab(
            key=key,
            label=label,
            url=f"{address}?view={key}",
            current=key == current,
            count=gone if key == "deleted-in-sage" else by_status.get(status, 0),
        )
        for key, (label, status) in VIEWS.items()
    )


# --- the synced views ----------------------------------------------------------------------------


def synced_groups(company: Company, access: Access, asked: Asked) -> tuple[tuple[RowGroup, ...], Page]:
    """One page of links, grouped by commitment in the order of projects."""
    links = _searched(active_links(company), asked.q)
    if asked.view == "deleted-in-sage":
        links = links.filter(presence__in=GONE)
    shown, page = _one_page(company, links, asked)
    return _groups(company, access, links, shown), page


def group_key(link: ChangeOrderLink) -> str:
    """For element ids. The link's change order must be there."""
    change_order = link.change_order
    assert change_order is not None, "the link has its change order"
    return str(change_order.commitment_id)


def without_the_row_that_moved_up(page: Page) -> Page:
    """After a row has left a full page, the next row counts to it but is not shown yet."""
    if page.last - page.first + 1 < PAGE_SIZE:
        return page
    return replace(page, last=page.last - 1)


def row_of(company: Company, access: Access, link: ChangeOrderLink) -> SyncedRow:
    """One link as a row. The link's change order and commitment must be there."""
    change_order = link.change_order
    assert change_order is not None, "an active link has its change order"
    arguments = [company.slug, change_order.pk]
    ruling = may_unlink(access, project_id=change_order.commitment.project_id, project_name=link.project_name)
    return SyncedRow(
        change_order_id=change_order.pk,
        number=link.cco_number,
        title=link.cco_title,
        url=reverse("change-order-history", args=arguments),
        project=link.project_name,
        commitment=f"{link.commitment_number} {link.commitment_title}",
        contract_company=link.contract_company,
        amount=change_order.amount,
        erp_number=link.number,
        erp_record=link.record_number,
        linked_at=link.linked_at,
        linked_by=link.linked_by_name,
        presence=presence_of(link),
        unlink_url=reverse("unlink", args=arguments),
        missing=ruling.missing,
    )


def presence_of(link: ChangeOrderLink) -> Presence:
    key = PresenceKey(link.presence)
    return Presence(key=key.value, word=key.label, tone=TONES[key], checked_at=link.presence_checked_at)


def _searched(links: QuerySet[ChangeOrderLink], q: str) -> QuerySet[ChangeOrderLink]:
    """Every word must be found somewhere."""
    for word in q.split():
        anywhere = Q()
        for name in SEARCHED:
            anywhere |= Q(**{f"{name}__icontains": word})
        links = links.filter(anywhere)
    return links


def _one_page(
    company: Company, links: QuerySet[ChangeOrderLink], asked: Asked
) -> tuple[list[ChangeOrderLink], Page]:
    """The rows beyond the key, by the sort's own columns, so that a page costs the same everywhere.

    The key is the id of the last (or first) row seen; one that is not the company's means the first page.
    """
    total = links.count()
    rows = links.select_related("change_order__commitment")
    backwards = asked.before is not None
    key = _sort_values(company, asked.before if backwards else asked.after)
    if key is not None:
        rows = rows.filter(_beyond(key, "lt" if backwards else "gt"))
    order = [f"-{name}" for name in SORT] if backwards and key else list(SORT)
    shown = list(rows.order_by(*order)[: PAGE_SIZE + 1])
    more = len(shown) > PAGE_SIZE
    shown = shown[:PAGE_SIZE]
    if backwards and key:
        shown.reverse()
    if not shown:
        return [], Page(first=0, last=0, total=total)
    skipped = 0 if key is None else links.filter(_beyond(_values(shown[0]), "lt")).count()
    there_is_next = skipped + len(shown) < total if backwards else more
    return shown, Page(
        first=skipped + 1,
        last=skipped + len(shown),
        total=total,
        previous_url=_page_url(company, asked, "before", shown[0].pk) if skipped else "",
        next_url=_page_url(company, asked, "after", shown[-1].pk) if there_is_next else "",
    )


def _sort_values(company: Company, link_id: int | None) -> Sequence[Any] | None:
    if link_id is None:
        return None
    return ChangeOrderLink.objects.filter(connection__company=company, pk=link_id).values_list(*SORT).first()


def _values(link: ChangeOrderLink) -> Sequence[Any]:
    return [getattr(link, name) for name in SORT]


def _beyond(key: Sequence[Any], direction: str) -> Q:
    """Rows whose sort columns, compared one after the other, lie beyond the key."""
    condition = Q()
    for position, name in enumerate(SORT):
        equal = dict(zip(SORT[:position], key[:position], strict=True))
        condition |= Q(**equal, **{f"{name}__{direction}": key[position]})
    return condition


def _page_url(company: Company, asked: Asked, side: str, link_id: int) -> str:
    words = {"view": asked.view, "q": asked.q, side: str(link_id)}
    return (
        reverse("change-orders", args=[company.slug])
        + "?"
        + urlencode({name: value for name, value in words.items() if value})
    )


def _groups(
    company: Company,
    access: Access,
    links: QuerySet[ChangeOrderLink],
    shown: Iterable[ChangeOrderLink],
) -> tuple[RowGroup, ...]:
    by_commitment: dict[tuple[str, str], list[ChangeOrderLink]] = {}
    for link in shown:
        by_commitment.setdefault((link.project_number, link.commitment_number), []).append(link)
    if not by_commitment:
        return ()
    totals = {
        (row["project_number"], row["commitment_number"]): row
        for row in links.filter(project_number__in={project for project, _ in by_commitment})
        .values("project_number", "commitment_number")
        .annotate(count=Count("id"), total=Sum("change_order__amount"))
        .order_by()
    }
    return tuple(
        RowGroup(
            key=group_key(rows[0]),
            project=rows[0].project_name,
            commitment=f"{rows[0].commitment_number} {rows[0].commitment_title}",
            count=totals[commitment]["count"],
            total=totals[commitment]["total"] or Decimal("0.00"),
            rows=tuple(row_of(company, access, link) for link in rows),
        )
        for commitment, rows in by_commitment.items()
    )


# --- the other views -----------------------------------------------------------------------------


def plain_rows(company: Company, asked: Asked) -> tuple[tuple[PlainRow, ...], Page]:
    """The CCOs of another ERP status, at most one page of them."""
    change_orders = CommitmentChangeOrder.objects.filter(
        commitment__project__company=company, erp_status=VIEWS[asked.view][1]
    )
    for word in asked.q.split():
        change_orders = change_orders.filter(
            Q(number__icontains=word)
            | Q(title__icontains=word)
            | Q(commitment__number__icontains=word)
            | Q(commitment__title__icontains=word)
            | Q(commitment__vendor__name__icontains=word)
            | Q(commitment__project__number__icontains=word)
            | Q(commitment__project__name__icontains=word)
        )
    total = change_orders.count()
    shown = change_orders.select_related("commitment__vendor", "commitment__project").order_by(
        "commitment__project__number", "commitment__number", "number", "id"
    )[:PAGE_SIZE]
    rows = tuple(
        PlainRow(
            change_order_id=co.pk,
            number=co.number,
            title=co.title,
            url=reverse("change-order-history", args=[company.slug, co.pk]),
            project=co.commitment.project.name,
            commitment=f"{co.commitment.number} {co.commitment.title}",
            contract_company=co.commitment.vendor.name,
            amount=co.amount,
            status=co.get_status_display(),
        )
        for co in shown
    )
    return rows, Page(first=1 if rows else 0, last=len(rows), total=total)

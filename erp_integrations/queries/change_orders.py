"""The list of CCOs on the ERP Integrations page."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access
from companies.models import Company
from companies.pages import Page
from erp_integrations.models import ChangeOrderLink, PresenceKey
from erp_integrations.pages import Presence, RowGroup, SyncedRow, Tab, Tone
from erp_integrations.policies import may_unlink
from erp_integrations.queries import keyset

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
    links = searched(active_links(company), asked.q)
    if asked.view == "deleted-in-sage":
        links = links.filter(presence__in=GONE)
    shown, page = keyset.one_page(
        links.select_related("change_order__commitment"),
        sort=SORT,
        known=ChangeOrderLink.objects.filter(connection__company=company),
        after=asked.after,
        before=asked.before,
        url=lambda side, link_id: page_url(company, asked, side, link_id),
    )
    return _groups(company, access, links, shown), page


def group_key(link: ChangeOrderLink) -> str:
    """For element ids. The link's change order must be there."""
    change_order = link.change_order
    assert change_order is not None, "the link has its change order"
    return str(change_order.commitment_id)


def without_the_row_that_moved_up(page: Page) -> Page:
    """After a row has left a full page, the next row counts to it but is not shown yet."""
    if page.last - page.first + 1 < keyset.PAGE_SIZE:
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


def searched(links: QuerySet[ChangeOrderLink], q: str) -> QuerySet[ChangeOrderLink]:
    """Every word must be found somewhere."""
    for word in q.split():
        anywhere = Q()
        for name in SEARCHED:
            anywhere |= Q(**{f"{name}__icontains": word})
        links = links.filter(anywhere)
    return links


def page_url(company: Company, asked: Asked, side: str, row_id: int) -> str:
    """The page of the same list that begins after this row, or ends before it."""
    words = {"view": asked.view, "q": asked.q, side: str(row_id)}
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

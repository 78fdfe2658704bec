"""The list of CCOs on the ERP Integrations page."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from commitments.models import CommitmentChangeOrder
from companies.access import Access, Ruling
from companies.models import Company
from companies.view_models import Page
from erp_integrations.change_orders.link_filters import (
    active_links,
    connection_id_of,
    filter_links,
    filtered_links,
    is_indexed,
)
from erp_integrations.change_orders.list_query import VIEWS, ListQuery, list_url
from erp_integrations.erp.queries import connection_of
from erp_integrations.listing import filtered_page, keyset
from erp_integrations.models import ChangeOrderLink, Connection, Drift, PresenceKey
from erp_integrations.models.links import GONE
from erp_integrations.policies import may_check_presence, may_unlink
from erp_integrations.view_models import BulkActions, Presence, RowGroup, SyncedRow, Tab, Tone
from erp_integrations.workflow.link_status import checked_at

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

MOST_IN_GROUP = 1_000
"""Most CCOs of one commitment that are counted and added up."""

OF_A_ROW = (
    "id",
    "change_order_id",
    "change_order__commitment_id",
    "change_order__commitment__project_id",
    "cco_number",
    "cco_title",
    "cco_amount",
    "project_number",
    "project_name",
    "commitment_number",
    "commitment_title",
    "contract_company",
    "number",
    "record_number",
    "linked_at",
    "linked_by_name",
    "unlinked_at",
    "presence",
    "presence_checked_at",
    "drift",
)


def views_with_counts(
    company: Company, *, current: str = "", query: ListQuery | None = None
) -> tuple[Tab, ...]:
    """The tabs, with one query. A count ends at `MOST_COUNTED` and ignores search and filters.

    The tabs keep the search and filters of the query.
    """
    query = query or ListQuery(view=current)
    links = active_links(company)
    theirs = CommitmentChangeOrder.objects.filter(commitment__project__company=company)
    rows: dict[str, QuerySet[Any]] = {
        key: theirs.filter(erp_status=status) for key, (_, status) in VIEWS.items()
    }
    rows |= {"synced": links, "deleted-in-sage": links.filter(presence__in=GONE)}
    counts = keyset.capped_counts(*rows.values())
    return tuple(
        Tab(
            key=key,
            label=VIEWS[key][0],
            url=list_url(company, query.in_view(key)),
            current=key == current,
            count=min(count, keyset.MOST_COUNTED),
            at_least=count > keyset.MOST_COUNTED,
        )
        for key, count in zip(rows, counts, strict=True)
    )


# --- the synced views ----------------------------------------------------------------------------


def synced_groups(company: Company, access: Access, query: ListQuery) -> tuple[tuple[RowGroup, ...], Page]:
    """One page of links, grouped by commitment when sorted by project, else in one group."""
    ids, page = ids_on_page(company, query)
    if not ids:
        return (), page
    links = links_of(ids)
    rows = _rows(company, access, links)
    if query.grouped:
        return _groups(company, query, links, rows, page), page
    return (RowGroup(key="all", project="", commitment="", total=None, rows=tuple(rows)),), page


def ids_on_page(company: Company, query: ListQuery) -> tuple[Sequence[int], Page]:
    """The ids of the links on the page, in order, and the page's position."""
    links, rest = filter_links(company, query)
    known = ChangeOrderLink.objects.filter(connection=connection_id_of(company))

    def url(name: str, value: str) -> str:
        return list_url(company, query, **{name: value})

    if rest is not None:
        return filtered_page.filtered_page(
            links,
            fits=rest,
            order=query.order,
            known=known,
            wanted=query.wanted,
            url=url,
            indexed=is_indexed(query),
        )
    shown, page = keyset.one_page(
        links.only(*query.order.columns), order=query.order, known=known, wanted=query.wanted, url=url
    )
    return [link.pk for link in shown], page


def links_of(ids: Sequence[int]) -> list[Any]:
    """The columns of a row for these links, in order. Tuples, since creating 50 models is slow."""
    found = {
        link.id: link
        for link in ChangeOrderLink.objects.filter(pk__in=ids).values_list(*OF_A_ROW, named=True)
    }
    return [found[link_id] for link_id in ids if link_id in found]


def page_after_act(company: Company, query: ListQuery, views: Sequence[Tab]) -> Page:
    """The position of the page after an action on one of its rows.

    The first page without filters needs no query: the view's tab has the count.
    """
    if query.wanted.key is not None or query.q or query.filters:
        _, page = ids_on_page(company, query)
        return page
    [tab] = [view for view in views if view.key == query.view]
    total = tab.count or 0
    shown = min(total, keyset.PAGE_SIZE)
    return Page(first=min(total, 1), last=shown, total=total, at_least=tab.at_least, shown=shown)


def group_of(company: Company, query: ListQuery, link: ChangeOrderLink) -> RowGroup | None:
    """The heading of the link's group after an action; None when the group is empty.

    The link's change order must be loaded.
    """
    same = {"project_number": link.project_number, "commitment_number": link.commitment_number}
    [(count, total)] = keyset.capped_sums(
        filtered_links(company, query).filter(**same), column="cco_amount", most=MOST_IN_GROUP
    )
    if not count:
        return None
    return RowGroup(
        key=group_key(link),
        project=link.project_name,
        commitment=f"{link.commitment_number} {link.commitment_title}",
        total=total,
        rows=(),
        count=min(count, MOST_IN_GROUP),
        at_least=count > MOST_IN_GROUP,
    )


def group_key(link: ChangeOrderLink) -> str:
    """Key for element ids. The link's change order must be loaded."""
    change_order = link.change_order
    assert change_order is not None, "the link has its change order"
    return str(change_order.commitment_id)


def without_next_row(page: Page) -> Page:
    """Leaves out the row that moves up when a row leaves a full page, since it is not shown yet."""
    if page.shown < keyset.PAGE_SIZE:
        return page
    return replace(page, last=max(page.last - 1, 0), shown=page.shown - 1)


def row_of(company: Company, access: Access, link: ChangeOrderLink) -> SyncedRow:
    """One link as a row. The link's change order and commitment must be loaded."""
    assert link.change_order is not None, "an active link has its change order"
    [row] = _rows(company, access, links_of([link.pk]))
    return row


def _rows(company: Company, access: Access, links: Sequence[Any]) -> list[SyncedRow]:
    address = reverse("change-orders", args=[company.slug])
    connection = connection_of(company)
    rulings: dict[int, Ruling] = {}
    rows = []
    for link in links:
        project_id = link.change_order__commitment__project_id
        if project_id not in rulings:
            rulings[project_id] = may_unlink(access, project_id=project_id, project_name=link.project_name)
        rows.append(
            SyncedRow(
                change_order_id=link.change_order_id,
                number=link.cco_number,
                title=link.cco_title,
                url=f"{address}{link.change_order_id}/",
                project=link.project_name,
                commitment=f"{link.commitment_number} {link.commitment_title}",
                contract_company=link.contract_company,
                amount=link.cco_amount,
                erp_number=link.number,
                erp_record=link.record_number,
                linked_at=link.linked_at,
                linked_by=link.linked_by_name,
                presence=presence_of(link, connection),
                unlink_url=f"{address}{link.change_order_id}/unlink/",
                missing=rulings[project_id].missing,
            )
        )
    return rows


def presence_of(link: Any, connection: Connection | None) -> Presence:
    """The presence of a link, or of a row of `links_of`."""
    key = PresenceKey(link.presence)
    return Presence(
        key=key.value,
        word=key.label,
        tone=TONES[key],
        checked_at=checked_at(link, connection) if connection else link.presence_checked_at,
        drift=tuple(Drift(one).label for one in link.drift),
        next_step="Ready to unlink" if key is PresenceKey.ABSENT else "",
    )


def _groups(
    company: Company, query: ListQuery, links: Sequence[Any], rows: Sequence[SyncedRow], page: Page
) -> tuple[RowGroup, ...]:
    """Only the first and the last group can continue on other pages, so only these are counted."""
    by_commitment: dict[tuple[str, str], list[tuple[Any, SyncedRow]]] = {}
    for link, row in zip(links, rows, strict=True):
        by_commitment.setdefault((link.project_number, link.commitment_number), []).append((link, row))
    keys = list(by_commitment)
    on_edge = {keys[0]} if page.previous_url else set()
    on_edge |= {keys[-1]} if page.next_url else set()
    edges = dict(zip(on_edge, _sums(company, query, on_edge), strict=True))
    groups = []
    for key, members in by_commitment.items():
        first, row = members[0]
        here = sum((member.amount for _, member in members), Decimal("0.00"))
        count, total = edges.get(key, (len(members), here))
        groups.append(
            RowGroup(
                key=str(first.change_order__commitment_id),
                project=row.project,
                commitment=row.commitment,
                count=min(count, MOST_IN_GROUP),
                at_least=count > MOST_IN_GROUP,
                total=total,
                rows=tuple(member for _, member in members),
            )
        )
    return tuple(groups)


def _sums(
    company: Company, query: ListQuery, commitments: Iterable[tuple[str, str]]
) -> list[tuple[int, Decimal | None]]:
    """Count and sum of all links of each commitment in the view, on all pages."""
    links = filtered_links(company, query)
    return keyset.capped_sums(
        *(
            links.filter(project_number=project, commitment_number=commitment)
            for project, commitment in commitments
        ),
        column="cco_amount",
        most=MOST_IN_GROUP,
    )


def gone_in(company: Company, query: ListQuery) -> QuerySet[ChangeOrderLink]:
    """The links of the view, with its search, whose record is missing according to the last answer."""
    return filtered_links(company, replace(query, view="deleted-in-sage"))


def all_gone(company: Company, query: ListQuery, *, most: int) -> list[int]:
    """The ids of their CCOs, at most `most`."""
    gone = gone_in(company, query).values_list("change_order_id", flat=True)
    return list(gone[:most])


def bulk_actions(
    company: Company,
    access: Access,
    query: ListQuery,
    page: Sequence[RowGroup],
    views: Sequence[Tab],
    *,
    address_query: str,
) -> BulkActions:
    """What the viewer can do with several rows of this page, and with all missing ones in the view."""
    return BulkActions(
        query=address_query,
        may_unlink=any(not row.missing for group in page for row in group.rows),
        may_check=bool(may_check_presence(access)),
        gone=count_gone(company, query, views),
    )


def count_gone(company: Company, query: ListQuery, views: Sequence[Tab]) -> str:
    """How many records of the view are missing: `12`, `10,000+`; empty for none.

    The tab has the number; with a search or filters they are counted up to the same limit.
    """
    [tab] = [view for view in views if view.key == "deleted-in-sage"]
    gone, at_least = tab.count or 0, tab.at_least
    if gone and (query.q or query.filters):
        [gone] = keyset.capped_counts(gone_in(company, query))
        gone, at_least = min(gone, keyset.MOST_COUNTED), gone > keyset.MOST_COUNTED
    return f"{gone:,}{'+' if at_least else ''}" if gone else ""

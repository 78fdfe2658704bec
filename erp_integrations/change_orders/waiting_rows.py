"""CCOs on their way to the ERP: Ready to Export, Exporting, Failed to Export, Rejected."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access
from companies.models import Company
from companies.view_models import Page
from erp_integrations.change_orders.list_query import VIEWS, ListQuery, list_url
from erp_integrations.erp import registry
from erp_integrations.listing import keyset
from erp_integrations.models import Export
from erp_integrations.policies import may_accept
from erp_integrations.view_models import Fact, RowAct, WaitingRow

ORDER = keyset.Order(("commitment__project__number", "commitment__number", "number", "id"))
SEARCHED = (
    "number",
    "title",
    "commitment__number",
    "commitment__title",
    "commitment__vendor__name",
    "commitment__project__number",
    "commitment__project__name",
)


def view_of(erp_status: str) -> str:
    """The view of an ERP status; the first view when there is none."""
    return next((key for key, (_, status) in VIEWS.items() if status == erp_status), next(iter(VIEWS)))


def waiting_rows(company: Company, access: Access, query: ListQuery) -> tuple[tuple[WaitingRow, ...], Page]:
    """One page of the view, sorted by project and commitment."""
    everything = CommitmentChangeOrder.objects.filter(commitment__project__company=company)
    shown, page = keyset.one_page(
        waiting(company, query).select_related("commitment__vendor", "commitment__project"),
        order=ORDER,
        known=everything,
        wanted=query.wanted,
        url=lambda name, value: list_url(company, query, **{name: value}),
    )
    return rows_of(company, access, shown), page


def waiting(company: Company, query: ListQuery) -> QuerySet[CommitmentChangeOrder]:
    """The CCOs of the view with its search and filters, unordered."""
    change_orders = _searched(
        CommitmentChangeOrder.objects.filter(
            commitment__project__company=company, erp_status=VIEWS[query.view][1]
        ),
        query.q,
    )
    if query.project:
        change_orders = change_orders.filter(commitment__project__number=query.project)
    if query.company:
        change_orders = change_orders.filter(commitment__vendor__name=query.company)
    if query.amount_from is not None:
        change_orders = change_orders.filter(amount__gte=query.amount_from)
    if query.amount_to is not None:
        change_orders = change_orders.filter(amount__lte=query.amount_to)
    return change_orders


def waiting_row(
    company: Company, access: Access, change_order: CommitmentChangeOrder, *, view: str
) -> WaitingRow | None:
    """The CCO as a row; None when the view does not show it. Its commitment must be loaded."""
    if VIEWS[view][1] != change_order.erp_status:
        return None
    [row] = rows_of(company, access, [change_order])
    return row


def _searched(change_orders: QuerySet[CommitmentChangeOrder], q: str) -> QuerySet[CommitmentChangeOrder]:
    """Every word must be found in one of the columns."""
    for word in q.split():
        anywhere = Q()
        for name in SEARCHED:
            anywhere |= Q(**{f"{name}__icontains": word})
        change_orders = change_orders.filter(anywhere)
    return change_orders


def rows_of(
    company: Company, access: Access, shown: Iterable[CommitmentChangeOrder]
) -> tuple[WaitingRow, ...]:
    exports = {
        export.change_order_id: export
        for export in Export.objects.filter(change_order__in=[co.pk for co in shown])
        .order_by("change_order", "-sent_at", "-id")
        .distinct("change_order")
    }
    missing = may_accept(access).missing  # reject and give back need the same
    return tuple(
        WaitingRow(
            change_order_id=co.pk,
            number=co.number,
            title=co.title,
            url=_url(company, co, "change-order-history"),
            project=co.commitment.project.name,
            commitment=str(co.commitment),
            contract_company=co.commitment.vendor.name,
            amount=co.amount,
            facts=_facts(ErpStatus(co.erp_status), exports.get(co.pk) or Export()),
            acts=_acts(company, co, exports.get(co.pk)),
            missing=missing,
        )
        for co in shown
    )


def _facts(status: ErpStatus, export: Export) -> tuple[Fact, ...]:
    """The columns of the status's view. A CCO without an export gets empty cells."""
    match status:
        case ErpStatus.READY_TO_EXPORT:
            return (Fact("Sent", export.sent_by_name, export.sent_at),)
        case ErpStatus.EXPORTING:
            return (
                Fact("Sage #", export.erp_number),
                Fact("Writer", registry.WRITERS[export.writer][0] if export.writer else ""),
                Fact("Accepted", export.accepted_by_name, export.accepted_at),
            )
        case ErpStatus.FAILED_TO_EXPORT:
            return (
                Fact("Sage #", export.erp_number),
                Fact("Errors", export.failure_words, export.failed_at, tone="refused"),
            )
        case _:
            return (
                Fact("Rejected", export.ended_by_name, export.ended_at),
                Fact("Reason", export.reason),
            )


def _acts(company: Company, change_order: CommitmentChangeOrder, export: Export | None) -> tuple[RowAct, ...]:
    name = f"CCO {change_order.number}"

    def act(label: str, page: str, said: str, **more: bool) -> RowAct:
        return RowAct(label, _url(company, change_order, page), f"{said} {name}", **more)

    back = act("Back", "give-back", "Back to the project team:")
    match ErpStatus(change_order.erp_status):
        case ErpStatus.READY_TO_EXPORT:
            return (act("Accept", "accept", "Accept"), act("Reject", "reject", "Reject"))
        case ErpStatus.EXPORTING if export and export.by_hand:
            return (
                act("Worksheet", "worksheet", "Worksheet of", free=True),
                act("I have entered it", "export", "I have entered it:", post=True),
                back,
            )
        case ErpStatus.EXPORTING:
            return (act("Look again", "export", "Look again for", post=True), back)
        case ErpStatus.FAILED_TO_EXPORT:
            return (act("Retry", "export", "Retry", post=True), back)
        case _:
            return ()


def _url(company: Company, change_order: CommitmentChangeOrder, name: str) -> str:
    return reverse(name, args=[company.slug, change_order.pk])


def accepted_export(change_order: CommitmentChangeOrder) -> Export | None:
    """The CCO's last accepted round, open or ended."""
    accepted = Export.objects.filter(change_order=change_order, accepted_at__isnull=False)
    return accepted.order_by("-accepted_at", "-id").first()

"""What the project team's pages show. Each answers in a fixed number of queries."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.http import urlencode

from commitments.forms import LineChoices
from commitments.models import (
    PENDING,
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    CommitmentLine,
    CostCode,
    CostType,
    ErpStatus,
    HistoryEntry,
    Vendor,
)
from commitments.policies import may_see_commitments
from commitments.ports import HistoryLine, erp_adapter
from commitments.view_models import ChangeOrderRow, CommitmentRow, LineRow, ProjectRow
from companies.access import Access
from companies.models import Company, Project
from companies.view_models import Page

PAGE_SIZE = 50
MONEY = DecimalField(max_digits=20, decimal_places=2)
NOTHING = Value(Decimal("0.00"), output_field=MONEY)

TONES = {
    ErpStatus.NOT_IN_ERP: "waiting",
    ErpStatus.READY_TO_EXPORT: "waiting",
    ErpStatus.EXPORTING: "waiting",
    ErpStatus.FAILED_TO_EXPORT: "doubt",
    ErpStatus.REJECTED: "doubt",
    ErpStatus.SYNCED: "good",
}
"""How an ERP status is coloured, beside its word."""

TONES_BY_WORD = {status.label: tone for status, tone in TONES.items()}


def projects_of(company: Company, access: Access) -> tuple[ProjectRow, ...]:
    """The projects whose commitments the viewer may see, by number."""
    projects = company.projects.annotate(count=Count("commitments")).order_by("number")
    return tuple(
        ProjectRow(
            project.number,
            project.name,
            reverse("commitments", args=[company.slug, project.number]),
            project.count,
        )
        for project in projects
        if may_see_commitments(access, project)
    )


def commitments_of(
    project: Project, company: Company, *, q: str, kind: str, page: int
) -> tuple[tuple[CommitmentRow, ...], Page]:
    """One page of the project's commitments with their money, by number. Every word of `q` must be found."""
    found = Commitment.objects.filter(project=project)
    if kind in CommitmentKind.values:
        found = found.filter(kind=kind)
    for word in q.split():
        found = found.filter(
            Q(number__icontains=word)
            | Q(title__icontains=word)
            | Q(vendor__name__icontains=word)
            | Q(change_orders__number__icontains=word)
            | Q(change_orders__title__icontains=word)
        )
    pages = Paginator(
        with_sums(found.distinct()).select_related("vendor").order_by("number", "id"), PAGE_SIZE
    )
    shown = pages.get_page(page)
    rows = list(shown.object_list)
    states = erp_adapter().commitment_states([row.pk for row in rows])
    address = reverse("commitments", args=[company.slug, project.number])

    def url_of(number: int) -> str:
        words = {"q": q, "kind": kind, "page": str(number) if number > 1 else ""}
        return f"{address}?{urlencode({name: value for name, value in words.items() if value})}"

    return tuple(
        CommitmentRow(
            number=row.number,
            title=row.title,
            url=reverse("commitment", args=[company.slug, project.number, row.pk]),
            kind=row.get_kind_display(),
            vendor=row.vendor.name,
            status=row.get_status_display(),
            erp_status=states[row.pk],
            erp_tone=TONES_BY_WORD.get(states[row.pk], "waiting"),
            original=row.original,  # type: ignore[attr-defined]  # annotated
            approved=row.approved,  # type: ignore[attr-defined]
            revised=row.revised,  # type: ignore[attr-defined]
            pending=row.pending,  # type: ignore[attr-defined]
        )
        for row in rows
    ), Page(
        first=shown.start_index(),
        last=shown.end_index(),
        total=pages.count,
        previous_url=url_of(shown.previous_page_number()) if shown.has_previous() else "",
        next_url=url_of(shown.next_page_number()) if shown.has_next() else "",
    )


def with_sums(commitments: QuerySet[Commitment]) -> QuerySet[Commitment]:
    """Adds `original`, `approved`, `revised` and `pending`: the schedule of values and the changes to it."""
    lines = CommitmentLine.objects.filter(commitment=OuterRef("pk")).values("commitment")
    change_orders = CommitmentChangeOrder.objects.filter(commitment=OuterRef("pk")).values("commitment")
    return commitments.annotate(
        original=_sum(lines),
        approved=_sum(change_orders.filter(status=ChangeOrderStatus.APPROVED)),
        pending=_sum(change_orders.filter(status__in=PENDING)),
    ).annotate(revised=F("original") + F("approved"))


def _sum(grouped: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(grouped.annotate(sum=Sum("amount")).values("sum")), NOTHING, output_field=MONEY)


def change_orders_of(commitment: Commitment, company: Company) -> tuple[ChangeOrderRow, ...]:
    project = commitment.project
    return tuple(
        ChangeOrderRow(
            number=co.number,
            title=co.title,
            url=reverse("commitment-change-order", args=[company.slug, project.number, co.pk]),
            status=co.get_status_display(),
            erp_status=co.get_erp_status_display(),
            erp_tone=TONES[ErpStatus(co.erp_status)],
            amount=co.amount,
        )
        for co in commitment.change_orders.order_by("number", "id")
    )


def lines_of_commitment(commitment: Commitment) -> tuple[LineRow, ...]:
    return _rows(commitment.lines.select_related("cost_code", "cost_type"))


def lines_of_change_order(change_order: CommitmentChangeOrder) -> tuple[LineRow, ...]:
    return _rows(change_order.lines.select_related("cost_code", "cost_type", "commitment_line"))


def _rows(lines: QuerySet[Any]) -> tuple[LineRow, ...]:
    rows = []
    for line in lines.order_by("position"):
        changed = line.commitment_line if isinstance(line, ChangeOrderLine) else None
        rows.append(
            LineRow(
                position=line.position,
                description=line.description,
                cost_code=str(line.cost_code),
                cost_type=line.cost_type.name,
                amount=line.amount,
                changes=str(changed) if changed else "",
            )
        )
    return tuple(rows)


def history_of(subject: Commitment | CommitmentChangeOrder) -> tuple[HistoryLine, ...]:
    """What the project team and accounting did with it, in order: both statuses, in one story."""
    is_change_order = isinstance(subject, CommitmentChangeOrder)
    kind = HistoryEntry.Subject.CHANGE_ORDER if is_change_order else HistoryEntry.Subject.COMMITMENT
    entries = HistoryEntry.objects.filter(subject_kind=kind, subject_id=subject.pk).order_by("at", "id")
    lines = [HistoryLine(one.at, one.actor_name, one.what, one.before, one.after) for one in entries]
    if isinstance(subject, CommitmentChangeOrder):
        lines += erp_adapter().history_of(subject)
    return tuple(sorted(lines, key=lambda line: line.at))


def vendor_choices(company: Company) -> Sequence[tuple[int, str]]:
    vendors = Vendor.objects.filter(company=company).order_by("name", "number")
    return [(vendor.pk, f"{vendor.name} ({vendor.number})") for vendor in vendors]


def line_choices(company: Company, commitment: Commitment | None = None) -> LineChoices:
    """What lines may name; with a commitment, what the lines of its CCOs may."""
    return LineChoices(
        cost_codes=[(c.pk, str(c)) for c in CostCode.objects.filter(company=company).order_by("code")],
        cost_types=[(c.pk, c.name) for c in CostType.objects.filter(company=company).order_by("code")],
        commitment_lines=(
            [(line.pk, str(line)) for line in commitment.lines.order_by("position")] if commitment else ()
        ),
    )

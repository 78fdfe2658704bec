"""Pages of a bulk unlink: confirmation, progress and report."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap

from companies.decorators import MemberRequest, company_member
from erp_integrations.bulk_unlink import queries as bulks
from erp_integrations.bulk_unlink.operations import MOST_AT_ONCE, cancel_bulk_unlink, start_bulk_unlink
from erp_integrations.change_orders import queries
from erp_integrations.change_orders.list_filters import list_query_of
from erp_integrations.change_orders.responses import (
    erp_of,
    ids_among,
    list_of,
    require,
    see_other,
)
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.listing import csv_cells
from erp_integrations.models import BulkUnlink
from erp_integrations.policies import may_cancel_bulk_unlink, may_see_erp_integrations
from erp_integrations.view_models import Message
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow.errors import NotAllowed, NothingToUnlink, Refused, TooManyToUnlink
from erp_integrations.workflow.unlink_messages import MEANWHILE

LARGEST_ID = 2**63 - 1


@company_member
@require_http_methods(["GET", "HEAD", "POST"])
def bulk_unlinks(request: MemberRequest) -> HttpResponse:
    """GET lists the bulk unlinks. POST shows the plan; with `confirmed`, starts a bulk unlink.

    For HTMX, the plan is the content of a dialog, and a refusal is a message. 303 to its page once started ·
    403 not allowed · 404 not yours · 422 nothing or too much selected.
    """
    require(may_see_erp_integrations(request.access))
    if request.method != "POST":
        context = {"bulks": bulks.latest_bulks(request.company, request.access)}
        return render(request, "erp_integrations/bulk_unlink/bulk_unlinks.html", context)
    try:
        return _start(request) if "confirmed" in request.POST else _confirm(request)
    except Refused as refusal:
        return _refused(request, refusal.message(erp=erp_of(request)), refusal.status)


def _confirm(request: MemberRequest) -> HttpResponse:
    chosen = _selected(request)
    plan = bulks.plan_of(request.company, request.access, chosen)
    if not plan.to_ask and plan.not_allowed:
        raise NotAllowed(plan.missing)
    if not plan.to_ask:
        raise NothingToUnlink
    whole_view = "all" in request.POST
    many = len(plan.to_ask) != 1
    context: dict[str, Any] = {
        "heading": f"Unlink {len(plan.to_ask):,} CCO{'s' if many else ''}?",
        "plan": plan,
        "whole_view": whole_view,
        "query": request.POST.get("query", "") if whole_view else "",
        "ids": () if whole_view else plan.to_ask,
        "erp_name": erp_of(request),
        "back": _back(request),
    }
    name = "confirm_dialog" if request.htmx else "confirm"
    return render(request, f"erp_integrations/bulk_unlink/{name}.html", context)


def _start(request: MemberRequest) -> HttpResponse:
    bulk = start_bulk_unlink(
        company_id=request.company.pk,
        change_order_ids=_selected(request),
        actor=actor_on_page(request.user),
    )
    return see_other(reverse("bulk-unlink-report", args=[request.company.slug, bulk.pk]))


def _selected(request: MemberRequest) -> Sequence[int]:
    """The ids of the selected CCOs, or of all in the view whose record is missing.

    Raises `NothingToUnlink`, `TooManyToUnlink`, and `Http404` when all belong to other companies.
    """
    if "all" in request.POST:
        query = list_query_of(request.company, QueryDict(request.POST.get("query", "")))
        chosen = queries.all_gone(request.company, query, most=MOST_AT_ONCE + 1)
    else:
        chosen = ids_among(request.POST.getlist("cco")[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        raise TooManyToUnlink(MOST_AT_ONCE)
    if not chosen:
        raise NothingToUnlink
    if bulks.plan_of(request.company, request.access, chosen).unknown == len(chosen):
        raise Http404
    return chosen


def _refused(request: MemberRequest, message: Message, status: int) -> HttpResponse:
    context = {"message": message, "back": _back(request)}
    if request.htmx:
        return reswap(render(request, "components/messages_oob.html", context, status=status), "none")
    return render(request, "erp_integrations/bulk_unlink/refused.html", context, status=status)


def _back(request: MemberRequest) -> str:
    """The URL of the list as it was when the button was pressed."""
    query = QueryDict(request.POST.get("query", "")).urlencode()
    address = list_of(request)
    return f"{address}?{query}" if query else address


@company_member
@require_GET
def report(request: MemberRequest, bulk_id: int) -> HttpResponse:
    """Progress and result of each CCO. For HTMX only that part, which polls until the end."""
    bulk = _bulk_for(request, bulk_id)
    outcome = request.GET.get("outcome", "")
    after = request.GET.get("after", "")
    first = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    lines, next_after = bulks.page_of_lines(request.company, bulk, MEANWHILE, outcome=outcome, after=first)
    context: dict[str, Any] = {
        "bulk": bulks.progress_of(request.company, request.access, bulk),
        "lines": lines,
        "next_after": next_after,
        "outcome": outcome,
        "after": first,
    }
    name = "_progress" if request.htmx else "report"
    return render(request, f"erp_integrations/bulk_unlink/{name}.html", context)


@company_member
@require_POST
def cancel(request: MemberRequest, bulk_id: int) -> HttpResponse:
    """Cancels the items that wait; 303 to the page of the bulk unlink."""
    bulk = _bulk_for(request, bulk_id)
    require(may_cancel_bulk_unlink(request.access, started_by_id=bulk.actor_id))
    try:
        cancelled = cancel_bulk_unlink(
            company_id=request.company.pk, bulk_id=bulk.pk, actor=actor_on_page(request.user)
        )
    except NotAllowed:  # permissions changed meanwhile
        raise PermissionDenied from None
    if cancelled:
        message = Message("success", "Cancelled", ("What was not asked about yet stays linked.",))
    else:
        message = Message("warning", "There was nothing left to cancel", ("It had come to its end before.",))
    flash_message(request, message)
    return see_other(reverse("bulk-unlink-report", args=[request.company.slug, bulk.pk]))


@company_member
@require_GET
def report_csv(request: MemberRequest, bulk_id: int) -> Any:  # streamed, which Django types apart
    """The report as CSV, one row per CCO."""
    bulk = _bulk_for(request, bulk_id)
    head = ("CCO", "Title", "Project", "Commitment", "Sage #", "Record", "Outcome", "Details", "At")

    def rows() -> Any:
        yield csv_cells.csv_lines([head])
        for line in bulks.all_lines(request.company, bulk, MEANWHILE):
            texts = (
                line.number,
                line.title,
                line.project,
                line.commitment,
                line.erp_number,
                line.erp_record,
                line.outcome,
                " · ".join(line.details),
                localtime(line.at).isoformat(timespec="seconds") if line.at else "",
            )
            yield csv_cells.csv_lines([texts])

    response = StreamingHttpResponse(rows(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="bulk-unlink-{bulk.pk}.csv"'
    return response


def _bulk_for(request: MemberRequest, bulk_id: int) -> BulkUnlink:
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    bulk = bulks.find_bulk(request.company, bulk_id) if bulk_id <= LARGEST_ID else None
    if bulk is None:
        raise Http404
    return bulk

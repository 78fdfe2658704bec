"""The company's home page and the help pages: the procedure, and each error."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from companies.clock import database_now
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.queries import views_with_counts
from erp_integrations.deletions.queries import count_waiting_for
from erp_integrations.erp import registry
from erp_integrations.erp.queries import connection_of, freshness_of
from erp_integrations.home.status_summary import status_summary_of
from erp_integrations.policies import may_see_erp_integrations
from erp_integrations.ports import FaultKind

WHO_CAN_HELP = {
    FaultKind.UNAVAILABLE: "Wait, and try again",
    FaultKind.MISCONFIGURED: "An administrator must act",
    FaultKind.UNEXPECTED: "Tell support",
}

NEEDS_ATTENTION = ("ready-to-export", "failed-to-export", "deleted-in-sage")


@company_member
@require_GET
def company_home(request: MemberRequest) -> HttpResponse:
    """What needs attention, and the amounts by status; `?count=all` counts everything."""
    context: dict[str, Any] = {}
    if may_see_erp_integrations(request.access):
        connection = connection_of(request.company)
        erp = registry.erp_name(connection.kind if connection else registry.ODBC)
        tabs = views_with_counts(request.company)
        context = {
            "attention": tuple(tab for tab in tabs if tab.key in NEEDS_ATTENTION),
            "synced": next(tab for tab in tabs if tab.key == "synced"),
            "status_summary": status_summary_of(request.company, exact=request.GET.get("count") == "all"),
            "freshness": freshness_of(connection, erp=erp),
            "to_confirm": count_waiting_for(request.company, request.access, database_now()),
        }
    return render(request, "erp_integrations/home/company_home.html", context)


@company_member
@require_GET
def first_tab(request: MemberRequest) -> HttpResponse:
    return redirect("change-orders", request.company.slug)


@login_required
@require_GET
def how_to_unlink(request: HttpRequest) -> HttpResponse:
    return render(request, "erp_integrations/home/how_to_unlink.html")


@login_required
@require_GET
def what_each_error_means(request: HttpRequest) -> HttpResponse:
    """Every fault, by who can fix it; lines of a report link to its code."""
    faults = registry.faults().values()
    groups = [
        (words, [fault for fault in faults if fault.kind is kind]) for kind, words in WHO_CAN_HELP.items()
    ]
    return render(request, "erp_integrations/home/errors.html", {"groups": groups})

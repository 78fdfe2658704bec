"""The list of CCOs, and the page of one CCO."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from commitments.models import ChangeOrderStatus, ErpStatus
from commitments.policies import may_see_commitments
from companies.decorators import MemberRequest, company_member
from companies.queries import find_missing_privilege
from companies.view_models import Page
from erp_integrations.change_orders import queries as lists
from erp_integrations.change_orders.forms import LOST
from erp_integrations.change_orders.history import history_of
from erp_integrations.change_orders.list_filters import list_filters_of, list_query_of, sort_links
from erp_integrations.change_orders.list_query import FILTERS, ListQuery, list_url, query_of
from erp_integrations.change_orders.responses import change_order_for, page_in_project
from erp_integrations.change_orders.waiting_rows import waiting_rows
from erp_integrations.erp import registry
from erp_integrations.erp.queries import connection_of, freshness_of
from erp_integrations.policies import (
    may_check_presence,
    may_move_link,
    may_relink,
    may_see_erp_integrations,
    may_state_deletion,
)
from erp_integrations.web.tabs import tabs_for

HEADINGS = {
    "ready-to-export": "Change Orders - Ready to be Exported to {erp}",
    "exporting": "Change Orders - Being Exported to {erp}",
    "failed-to-export": "Change Orders - Failed to Export to {erp}",
    "rejected": "Change Orders - Rejected",
    "synced": "Change Orders - Successfully Synced with {erp}",
    "deleted-in-sage": "Change Orders - Deleted in {erp}, Ready to Unlink",
}
EMPTY = {
    "ready-to-export": "Nothing waits for accounting.",
    "exporting": "Nothing is being exported.",
    "failed-to-export": "No export has failed.",
    "rejected": "Accounting has rejected nothing.",
    "synced": "No CCO is tied to Sage yet. They appear here after accounting accepts an export.",
    "deleted-in-sage": "No CCO is known to be deleted in Sage. Each Unlink asks Sage anew.",
}


@company_member
@require_GET
def change_orders(request: MemberRequest) -> HttpResponse:
    """The list in one of its views."""
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    query = list_query_of(request.company, request.GET)
    connection = connection_of(request.company)
    erp = registry.erp_name(connection.kind) if connection else registry.erp_name(registry.ODBC)
    context: dict[str, Any] = {
        "tabs": tabs_for(request, connection, current="change-orders"),
        "freshness": freshness_of(connection, erp=erp),
        "views": lists.views_with_counts(request.company, current=query.view, query=query),
        "toolbar": list_filters_of(request.company, query),
        "heading": HEADINGS[query.view].format(erp=erp),
        "erp_name": erp,
        "show_steps": query.shows_links,
        "missing_privilege": find_missing_privilege(request.company, request.access),
        "csv_url": reverse("change-orders-csv", args=[request.company.slug])
        + query_of(query.without("exact")),
        "again_url": list_url(request.company, query.without("exact")),
        "empty_words": EMPTY[query.view],
    }
    if query.shows_links:
        groups, page = lists.synced_groups(request.company, request.access, query)
        context |= {
            "groups": groups,
            "grouped": query.grouped,
            "heads": sort_links(request.company, query),
            "may_check": bool(may_check_presence(request.access)),
            "actions": lists.bulk_actions(
                request.company,
                request.access,
                query,
                groups,
                context["views"],
                address_query=request.GET.urlencode(),
            ),
        }
    else:
        context["rows"], page = waiting_rows(request.company, request.access, query)
    context |= {"page": page, "notes": notes_of(query, page)}
    if query.q or query.filters:
        context["empty_words"] = (
            "Nothing matches your search." if query.q else "Nothing matches these filters."
        )
        context["empty_url"], context["empty_label"] = (
            list_url(request.company, query.without("q", *FILTERS)),
            "Show all",
        )
    elif query.view == "synced":
        context["empty_url"] = reverse("change-orders", args=[request.company.slug]) + "?view=ready-to-export"
        context["empty_label"] = "See what waits for accounting"
    return render(request, "erp_integrations/change_orders/change_orders.html", context)


def notes_of(query: ListQuery, page: Page) -> tuple[str, ...]:
    """Notes on ignored query parameters, and on what is shown instead."""
    notes = query.notes
    if page.key_is_lost:
        notes += (LOST,)
    if page.looked_through:
        notes += (
            f"Only the first {page.looked_through:,} CCOs were searched: signs alone cannot be looked up. "
            "Search for a word of three letters or more, too.",
        )
    return notes


@company_member
@require_GET
def history(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """One CCO: its links, attempts and events."""
    change_order = change_order_for(request, change_order_id)
    project = change_order.commitment.project
    url = ""
    if may_see_commitments(request.access, project):
        url = page_in_project(request, change_order.pk, project.number, "commitment-change-order")
    context = history_of(request.company, change_order, url=url)
    context |= {
        "may_relink": change_order.erp_status == ErpStatus.NOT_IN_ERP
        and context["former"] is not None
        and bool(may_relink(request.access, project_id=project.pk, project_name=project.name)),
        "may_move": change_order.erp_status == ErpStatus.SYNCED
        and bool(may_move_link(request.access, project_id=project.pk, project_name=project.name)),
        "was_moved": any(link.moved_to for link in context["links"]),
        "may_state": context["not_seen"] and bool(may_state_deletion(request.access)),
        "has_plan": change_order.status == ChangeOrderStatus.APPROVED,
    }
    return render(request, "erp_integrations/change_orders/history.html", context)

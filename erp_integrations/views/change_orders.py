"""The list of CCOs, and Unlink."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap

from commitments.models import ChangeOrderStatus, ErpStatus
from commitments.policies import may_change_commitments, may_see_commitments
from companies.doors import MemberRequest, company_member
from companies.models import Project
from companies.pages import Page
from companies.queries import find_missing_privilege
from erp_integrations import registry, words
from erp_integrations.actors import actor_on_page
from erp_integrations.forms.list import LOST, AskedForm
from erp_integrations.models import ChangeOrderLink
from erp_integrations.operations.refusals import (
    NoTrustworthyAnswer,
    StillInErp,
    UnlinkNotAllowed,
    UnlinkRefused,
)
from erp_integrations.operations.unlinking import unlink_change_order
from erp_integrations.pages import Message, NextStep
from erp_integrations.policies import (
    may_check_presence,
    may_move_link,
    may_relink,
    may_see_erp_integrations,
    may_state_deletion,
)
from erp_integrations.queries import change_orders as lists
from erp_integrations.queries.asked import FILTERS, Asked, list_url, query_of
from erp_integrations.queries.bulk_unlinks import bulk_actions, count_gone
from erp_integrations.queries.connections import connection_of, freshness_of
from erp_integrations.queries.exports import waiting_rows
from erp_integrations.queries.history import find_change_order, history_of
from erp_integrations.queries.toolbar import resolved, sort_links, toolbar_of
from erp_integrations.views.said import say
from erp_integrations.views.tabs import tabs_for

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
    """The list, in one of its views."""
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    asked = asked_in(request, request.GET)
    connection = connection_of(request.company)
    erp = registry.erp_name(connection.kind) if connection else registry.erp_name(registry.ODBC)
    context: dict[str, Any] = {
        "tabs": tabs_for(request, connection, current="change-orders"),
        "freshness": freshness_of(connection, erp=erp),
        "views": lists.views_with_counts(request.company, current=asked.view, asked=asked),
        "toolbar": toolbar_of(request.company, asked),
        "heading": HEADINGS[asked.view].format(erp=erp),
        "erp_name": erp,
        "show_steps": asked.of_links,
        "missing_privilege": find_missing_privilege(request.company, request.access),
        "csv_url": reverse("change-orders-csv", args=[request.company.slug])
        + query_of(asked.without("exact")),
        "again_url": list_url(request.company, asked.without("exact")),
        "empty_words": EMPTY[asked.view],
    }
    if asked.of_links:
        groups, page = lists.synced_groups(request.company, request.access, asked)
        context |= {
            "groups": groups,
            "grouped": asked.grouped,
            "heads": sort_links(request.company, asked),
            "may_check": bool(may_check_presence(request.access)),
            "actions": bulk_actions(
                request.company,
                request.access,
                asked,
                groups,
                context["views"],
                query=request.GET.urlencode(),
            ),
        }
    else:
        context["rows"], page = waiting_rows(request.company, request.access, asked)
    context |= {"page": page, "notes": notes_of(asked, page)}
    if asked.q or asked.filters:
        context["empty_words"] = (
            "Nothing matches your search." if asked.q else "Nothing matches these filters."
        )
        context["empty_url"], context["empty_label"] = (
            list_url(request.company, asked.without("q", *FILTERS)),
            "Show all",
        )
    elif asked.view == "synced":
        context["empty_url"] = reverse("change-orders", args=[request.company.slug]) + "?view=ready-to-export"
        context["empty_label"] = "See what waits for accounting"
    return render(request, "erp_integrations/change_orders.html", context)


def asked_in(request: MemberRequest, query: QueryDict) -> Asked:
    """What an address of the list asks for, with names as they are kept."""
    return resolved(request.company, AskedForm(query).asked())


def notes_of(asked: Asked, page: Page) -> tuple[str, ...]:
    """What of the address was not used, and what is shown instead."""
    notes = asked.notes
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
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    change_order = find_change_order(request.company, change_order_id)
    if change_order is None:
        raise Http404
    project = change_order.commitment.project
    url = ""
    if may_see_commitments(request.access, project):
        url = _commitments_url(request, change_order.pk, project.number, "commitment-change-order")
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
    return render(request, "erp_integrations/change_order.html", context)


@company_member
@require_POST
def unlink(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """200 green, 409 red or amber, 403 not allowed, 503 no trustworthy answer; 303 without HTMX."""
    change_order = find_change_order(request.company, change_order_id)
    if change_order is None:
        raise Http404
    connection = connection_of(request.company)
    erp = registry.erp_name(connection.kind) if connection else registry.erp_name(registry.ODBC)
    try:
        unlinked = unlink_change_order(
            company_id=request.company.pk,
            change_order_id=change_order_id,
            actor=actor_on_page(request.user),
        )
    except UnlinkRefused as refusal:
        message = words.refusal_message(
            refusal, erp=erp, next_steps=_steps_after_refusal(request, change_order_id, refusal)
        )
        link = getattr(refusal, "link", None)
        return _answer(request, change_order_id, message, link, erp=erp, status=_status_of(refusal))
    message = words.unlinked_message(
        unlinked,
        erp=erp,
        next_steps=_steps_after_unlink(request, change_order_id, change_order.commitment.project),
    )
    return _answer(request, change_order_id, message, unlinked.link, erp=erp, status=200)


def _status_of(refusal: UnlinkRefused) -> int:
    match refusal:
        case UnlinkNotAllowed():
            return 403
        case NoTrustworthyAnswer():
            return 503
        case _:
            return 409


def _answer(
    request: MemberRequest,
    change_order_id: int,
    message: Message,
    link: ChangeOrderLink | None,
    *,
    erp: str,
    status: int,
) -> HttpResponse:
    """The same words for everybody: fragments for HTMX, a redirect to the list without JavaScript.

    `link` is as the act left it, where it came so far; else it is read.
    """
    if not request.htmx:
        say(request, message)
        return HttpResponse(status=303, headers={"Location": _list_as_it_was(request)})
    link = link or _latest_link(request, change_order_id)
    context: dict[str, Any] = {"message": message}
    if link is None or not may_see_erp_integrations(request.access):
        # There is no row to put in the place of the one on the page: leave that, and show the message.
        response = render(request, "erp_integrations/unlink_answer.html", context, status=status)
        return reswap(response, "none")
    asked = asked_in(request, _query_of_page(request))
    if not asked.of_links:
        asked = Asked()
    views = lists.views_with_counts(request.company, current=asked.view, asked=asked)
    page = lists.page_after_act(request.company, asked, views)
    context |= {
        "row": lists.row_of(request.company, request.access, link) if link.is_active else None,
        "may_check": bool(may_check_presence(request.access)),
        "missing_privilege": find_missing_privilege(request.company, request.access),
        "grouped": asked.grouped,
        "views": views,
        "gone": count_gone(request.company, asked, views),
        "page": page if link.is_active else lists.without_the_row_that_moved_up(page),
        "freshness": freshness_of(link.connection, erp=erp),
    }
    if asked.grouped:
        context["group_key"] = lists.group_key(link)
        context["group"] = lists.group_of(request.company, asked, link)
    return render(request, "erp_integrations/unlink_answer.html", context, status=status)


def _list_as_it_was(request: MemberRequest) -> str:
    """The list, with the search and the page the person came from, where it was the list they came from."""
    address = reverse("change-orders", args=[request.company.slug])
    came_from = urlsplit(request.headers.get("Referer", ""))
    same_list = came_from.netloc == request.get_host() and came_from.path == address
    return f"{address}?{came_from.query}" if same_list and came_from.query else address


def _query_of_page(request: MemberRequest) -> QueryDict:
    """What the page asked for on which the button was clicked."""
    return QueryDict(urlsplit(request.htmx.current_url or "").query)


def _latest_link(request: MemberRequest, change_order_id: int) -> ChangeOrderLink | None:
    return (
        ChangeOrderLink.objects.filter(change_order_id=change_order_id, connection__company=request.company)
        .select_related("change_order__commitment", "connection")
        .order_by("-linked_at", "-id")
        .first()
    )


def _steps_after_unlink(
    request: MemberRequest, change_order_id: int, project: Project
) -> tuple[NextStep, ...]:
    arguments = [request.company.slug, change_order_id]
    steps = [
        NextStep("View history", reverse("change-order-history", args=arguments)),
        NextStep("Undo", reverse("relink", args=arguments), post=True),
    ]
    if may_change_commitments(request.access, project):
        address = _commitments_url(
            request, change_order_id, project.number, "commitment-change-order-set-to-draft"
        )
        steps.insert(0, NextStep("Set to Draft", address, post=True))
    return tuple(steps)


def _steps_after_refusal(
    request: MemberRequest, change_order_id: int, refusal: UnlinkRefused
) -> tuple[NextStep, ...]:
    arguments = [request.company.slug, change_order_id]
    steps = []
    if isinstance(refusal, NoTrustworthyAnswer):
        steps.append(NextStep("Try again", reverse("unlink", args=arguments), post=True))
    if isinstance(refusal, StillInErp | NoTrustworthyAnswer):
        steps.append(NextStep("View history", reverse("change-order-history", args=arguments)))
    if words.may_state_deletion_after(refusal) and may_state_deletion(request.access):
        address = reverse("deletion-state", args=[request.company.slug])
        steps.append(NextStep("State that it was deleted", f"{address}?cco={change_order_id}"))
    if isinstance(refusal, NoTrustworthyAnswer) and refusal.finding.evidence.left_record:
        steps.insert(0, NextStep("Link or ignore it", reverse("left-records", args=arguments)))
    if record := words.record_to_move_to(refusal):
        address = reverse("move", args=arguments)
        steps.insert(0, NextStep(f"Move its link to record {record}", f"{address}?record={record}"))
    if isinstance(refusal, StillInErp):
        steps.append(NextStep("How to unlink", reverse("how-to-unlink")))
    return tuple(steps)


def _commitments_url(request: MemberRequest, change_order_id: int, project_number: str, name: str) -> str:
    return reverse(name, args=[request.company.slug, project_number, change_order_id])

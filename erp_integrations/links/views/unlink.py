"""Unlink: the button of a row, and its answer."""

from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import reswap

from commitments.policies import may_change_commitments
from companies.decorators import MemberRequest, company_member
from companies.models import Project
from companies.queries import find_missing_privilege
from erp_integrations.change_orders import queries as lists
from erp_integrations.change_orders.history import find_change_order
from erp_integrations.change_orders.list_query import ListQuery
from erp_integrations.change_orders.responses import list_query_of
from erp_integrations.change_orders.views import _commitments_url
from erp_integrations.erp import registry
from erp_integrations.erp.queries import connection_of, freshness_of
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links import messages as links_messages
from erp_integrations.links.unlink import unlink_change_order
from erp_integrations.models import ChangeOrderLink
from erp_integrations.policies import (
    may_check_presence,
    may_see_erp_integrations,
    may_state_deletion,
)
from erp_integrations.view_models import Message, NextStep
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow.errors import NoTrustworthyAnswer, Refused, StillInErp


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
    except Refused as refusal:
        message = refusal.message(erp=erp, next_steps=_steps_after_refusal(request, change_order_id, refusal))
        link = getattr(refusal, "link", None)
        return _answer(request, change_order_id, message, link, erp=erp, status=refusal.status)
    message = links_messages.unlinked_message(
        unlinked,
        erp=erp,
        next_steps=_steps_after_unlink(request, change_order_id, change_order.commitment.project),
    )
    return _answer(request, change_order_id, message, unlinked.link, erp=erp, status=200)


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
        flash_message(request, message)
        return HttpResponse(status=303, headers={"Location": _list_as_it_was(request)})
    link = link or _latest_link(request, change_order_id)
    context: dict[str, Any] = {"message": message}
    if link is None or not may_see_erp_integrations(request.access):
        # There is no row to put in the place of the one on the page: leave that, and show the message.
        response = render(request, "erp_integrations/unlink_answer.html", context, status=status)
        return reswap(response, "none")
    asked = list_query_of(request, _query_of_page(request))
    if not asked.of_links:
        asked = ListQuery()
    views = lists.views_with_counts(request.company, current=asked.view, asked=asked)
    page = lists.page_after_act(request.company, asked, views)
    context |= {
        "row": lists.row_of(request.company, request.access, link) if link.is_active else None,
        "may_check": bool(may_check_presence(request.access)),
        "missing_privilege": find_missing_privilege(request.company, request.access),
        "grouped": asked.grouped,
        "views": views,
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
    request: MemberRequest, change_order_id: int, refusal: Refused
) -> tuple[NextStep, ...]:
    arguments = [request.company.slug, change_order_id]
    steps = []
    if isinstance(refusal, NoTrustworthyAnswer):
        steps.append(NextStep("Try again", reverse("unlink", args=arguments), post=True))
    if isinstance(refusal, StillInErp | NoTrustworthyAnswer):
        steps.append(NextStep("View history", reverse("change-order-history", args=arguments)))
    if links_messages.may_state_deletion_after(refusal) and may_state_deletion(request.access):
        address = reverse("deletion-state", args=[request.company.slug])
        steps.append(NextStep("State that it was deleted", f"{address}?cco={change_order_id}"))
    if isinstance(refusal, NoTrustworthyAnswer) and refusal.finding.evidence.left_record:
        steps.insert(0, NextStep("Link or ignore it", reverse("left-records", args=arguments)))
    if record := links_messages.record_to_move_to(refusal):
        address = reverse("move", args=arguments)
        steps.insert(0, NextStep(f"Move its link to record {record}", f"{address}?record={record}"))
    if isinstance(refusal, StillInErp):
        steps.append(NextStep("How to unlink", reverse("how-to-unlink")))
    return tuple(steps)

"""Unlink: the button of a row, and its answer."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from commitments.policies import may_change_commitments
from companies.decorators import MemberRequest, company_member
from companies.models import Project
from companies.queries import find_missing_privilege
from erp_integrations.change_orders import queries as lists
from erp_integrations.change_orders.list_query import ListQuery
from erp_integrations.change_orders.responses import (
    answer_on_page,
    answer_without_row,
    came_from,
    change_order_or_404,
    erp_of,
    list_of,
    list_query_of_page,
    page_in_project,
)
from erp_integrations.erp.queries import freshness_of
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links.unlink import unlink_change_order
from erp_integrations.models import ChangeOrderLink
from erp_integrations.policies import may_check_presence, may_see_erp_integrations, may_state_deletion
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.errors import NoTrustworthyAnswer, Refused, StillInErp


@company_member
@require_POST
def unlink(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """200 green, 409 red or amber, 403 not allowed, 503 no trustworthy answer; 303 without HTMX."""
    change_order = change_order_or_404(request, change_order_id)
    erp = erp_of(request)
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
    message = unlinked.message(
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
    """Fragments for HTMX; without JavaScript a redirect to the list, with the same message.

    `link` is the link after the attempt; None when the attempt ended before it was read.
    """
    if not request.htmx:
        return answer_on_page(request, message, location=came_from(request, list_of(request)))
    link = link or _latest_link(request, change_order_id)
    if link is None or not may_see_erp_integrations(request.access):
        return answer_without_row(request, message, status=status)
    query = list_query_of_page(request)
    if not query.shows_links:
        query = ListQuery()
    views = lists.views_with_counts(request.company, current=query.view, query=query)
    page = lists.page_after_act(request.company, query, views)
    context: dict[str, Any] = {
        "message": message,
        "row": lists.row_of(request.company, request.access, link) if link.is_active else None,
        "may_check": bool(may_check_presence(request.access)),
        "missing_privilege": find_missing_privilege(request.company, request.access),
        "grouped": query.grouped,
        "views": views,
        "gone": lists.count_gone(request.company, query, views),
        "page": page if link.is_active else lists.without_next_row(page),
        "freshness": freshness_of(link.connection, erp=erp),
    }
    if query.grouped:
        context["group_key"] = lists.group_key(link)
        context["group"] = lists.group_of(request.company, query, link)
    return render(request, "erp_integrations/change_orders/synced_row_answer.html", context, status=status)


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
        address = page_in_project(
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
    if refusal.may_state_deletion and may_state_deletion(request.access):
        address = reverse("deletion-state", args=[request.company.slug])
        steps.append(NextStep("State that it was deleted", f"{address}?cco={change_order_id}"))
    if isinstance(refusal, NoTrustworthyAnswer) and refusal.finding.evidence.left_record:
        steps.insert(0, NextStep("Link or ignore it", reverse("left-records", args=arguments)))
    if record := refusal.record_to_move_to:
        address = reverse("move", args=arguments)
        steps.insert(0, NextStep(f"Move its link to record {record}", f"{address}?record={record}"))
    if isinstance(refusal, StillInErp):
        steps.append(NextStep("How to unlink", reverse("how-to-unlink")))
    return tuple(steps)

"""Check now, for a row and for a page; and the current rows of an open page."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap

from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders import live_updates
from erp_integrations.change_orders import queries as lists
from erp_integrations.change_orders.responses import (
    came_from,
    change_order_for,
    erp_of,
    ids_among,
    list_of,
    list_query_of_page,
    see_other,
)
from erp_integrations.erp.queries import find_connection, freshness_of
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links.check_now import CheckedNow, check_change_orders
from erp_integrations.models import Connection
from erp_integrations.policies import may_see_erp_integrations
from erp_integrations.ports import MOST_LOOKED_UP_AT_ONCE
from erp_integrations.view_models import Message
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow.errors import NotAllowed


@company_member
@require_POST
def check(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """One CCO. 200 looked up · 403 not allowed · 404 not yours · 503 no answer; 303 without HTMX."""
    change_order = change_order_for(request, change_order_id)
    return _check(request, (change_order.pk,))


@company_member
@require_POST
def check_shown(request: MemberRequest) -> HttpResponse:
    """The CCOs `shown` on the page, with one lookup. Like `check`; 422 when there are none."""
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    return _check(request, _ids(request.POST))


def _check(request: MemberRequest, ids: Sequence[int]) -> HttpResponse:
    try:
        checked = check_change_orders(
            company_id=request.company.pk, change_order_ids=ids, actor=actor_on_page(request.user)
        )
    except NotAllowed as refusal:
        message = Message(
            "warning",
            "You may not ask Sage",
            (*(f"{words}." for words in refusal.missing), "Company administrators give levels on tools."),
        )
        return _answer(request, ids, message, status=403)
    message, status = _describe_check(checked, erp=erp_of(request))
    return _answer(request, ids, message, status=status)


def _describe_check(checked: CheckedNow, *, erp: str) -> tuple[Message, int]:
    as_before = "What the rows say is as old as before."
    if not checked.looked_up:
        return Message("warning", "There was nothing to check", ("No CCO shown is tied to Sage.",)), 422
    if checked.fault:
        return Message("warning", checked.fault.what, (checked.fault.advice, as_before)), 503
    if not checked.answered:
        title = f"{erp} gave no trustworthy answer"
        return Message("warning", title, (f"{as_before} Try again.",)), 503
    details = [_describe_news(checked)]
    if checked.answered < checked.looked_up:
        details.append(f"About {checked.looked_up - checked.answered} there was no answer.")
    title = f"{checked.answered} CCO{'s' if checked.answered != 1 else ''} checked"
    return Message("success", title, tuple(details)), 200


def _describe_news(checked: CheckedNow) -> str:
    if checked.looked_up == 1:
        return "Sage says something new about it." if checked.changed else "Sage says the same as before."
    return f"Sage says something new about {checked.changed or 'none'} of them."


def _answer(request: MemberRequest, ids: Sequence[int], message: Message, *, status: int) -> HttpResponse:
    if not request.htmx:
        if status == 403:
            raise PermissionDenied
        flash_message(request, message)
        return see_other(came_from(request, list_of(request)))
    context = _rows_now(request, find_connection(request.company), ids) | {"message": message}
    return reswap(
        render(request, "erp_integrations/change_orders/live_rows.html", context, status=status), "none"
    )


@company_member
@require_GET
def live_rows(request: MemberRequest) -> HttpResponse:
    """The current state of the rows `shown` on an open page, with counts and freshness. No call to the ERP.

    204 when `known`, the ETag that the page has, is the current one.
    """
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    connection = find_connection(request.company)
    state = live_updates.page_etag(request.company, connection, timezone.now()) if connection else ""
    if state and request.GET.get("known") == state:
        return HttpResponse(status=204)
    context = _rows_now(request, connection, _ids(request.GET)) | {"known": state}
    return render(request, "erp_integrations/change_orders/live_rows.html", context)


def _rows_now(request: MemberRequest, connection: Connection | None, ids: Sequence[int]) -> dict[str, Any]:
    query = list_query_of_page(request)
    return {
        "said": live_updates.live_rows_of(request.company, connection, ids),
        "views": lists.views_with_counts(request.company, current=query.view, query=query),
        "freshness": freshness_of(connection, erp=erp_of(request)),
    }


def _ids(data: QueryDict) -> Sequence[int]:
    """The valid ids, at most a page of them."""
    return ids_among(data.getlist("shown")[:MOST_LOOKED_UP_AT_ONCE])

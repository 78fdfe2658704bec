"""Shared by the pages of one CCO: access, responses and the way back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import reswap

from commitments.models import CommitmentChangeOrder
from companies.access import Ruling
from companies.decorators import MemberRequest
from companies.queries import find_missing_privilege
from erp_integrations.change_orders import queries as lists
from erp_integrations.change_orders.history import find_change_order
from erp_integrations.change_orders.list_filters import list_query_of
from erp_integrations.change_orders.list_query import ListQuery
from erp_integrations.change_orders.waiting_rows import waiting_row
from erp_integrations.erp import registry
from erp_integrations.erp.queries import connection_of, find_connection, freshness_of
from erp_integrations.policies import may_see_erp_integrations
from erp_integrations.view_models import Message
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow.errors import NotAllowed


def change_order_for(request: MemberRequest, change_order_id: int) -> CommitmentChangeOrder:
    """The company's CCO, for people who may see ERP Integrations."""
    require(may_see_erp_integrations(request.access))
    return change_order_or_404(request, change_order_id)


def change_order_or_404(request: MemberRequest, change_order_id: int) -> CommitmentChangeOrder:
    """The company's CCO, without a permission check."""
    change_order = find_change_order(request.company, change_order_id)
    if change_order is None:
        raise Http404
    return change_order


def ids_among(typed: Sequence[str]) -> list[int]:
    """The valid ids among the values of a form, each once and sorted."""
    return sorted({int(one) for one in typed if one.isascii() and one.isdigit() and len(one) < 19})


def require(ruling: Ruling) -> None:
    """Checks a permission before a page is shown; the operation checks it again."""
    if not ruling:
        raise PermissionDenied


@contextmanager
def at_the_act() -> Iterator[None]:
    """Around an operation: its refusal becomes a 403, a deleted row a 404."""
    try:
        yield
    except NotAllowed:
        raise PermissionDenied from None
    except CommitmentChangeOrder.DoesNotExist:
        raise Http404 from None


def erp_of(request: MemberRequest) -> str:
    """The ERP's name."""
    connection = connection_of(request.company)
    return registry.erp_name(connection.kind if connection else registry.ODBC)


def page_of(request: MemberRequest, change_order: CommitmentChangeOrder, name: str) -> str:
    """The URL of one of the CCO's pages."""
    return reverse(name, args=[request.company.slug, change_order.pk])


def page_in_project(request: MemberRequest, change_order_id: int, project_number: str, name: str) -> str:
    """The URL of one of the project team's pages of the CCO."""
    return reverse(name, args=[request.company.slug, project_number, change_order_id])


def list_of(request: MemberRequest, *, view: str = "") -> str:
    address = reverse("change-orders", args=[request.company.slug])
    return f"{address}?view={view}" if view else address


def see_other(address: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": address})


def came_from(request: MemberRequest, *pages: str) -> str:
    """The page among these that the person came from, with its query string; else the first."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc == request.get_host() and referer.path in {urlsplit(page).path for page in pages}:
        return f"{referer.path}?{referer.query}" if referer.query else referer.path
    return pages[0]


def answer_in_row(
    request: MemberRequest, change_order: CommitmentChangeOrder, message: Message, *, status: int
) -> HttpResponse:
    """For HTMX: the current row, or nothing when it left the view; other parts out of band."""
    change_order.refresh_from_db(fields=["erp_status"])
    if not may_see_erp_integrations(request.access):
        return answer_without_row(request, message, status=status)
    query = list_query_of_page(request)
    connection = find_connection(request.company)
    context = {
        "message": message,
        "row": waiting_row(request.company, request.access, change_order, view=query.view),
        "missing_privilege": find_missing_privilege(request.company, request.access),
        "views": lists.views_with_counts(request.company, current=query.view, query=query),
        "freshness": freshness_of(connection, erp=erp_of(request)),
    }
    return render(request, "erp_integrations/change_orders/waiting_row_answer.html", context, status=status)


def answer_without_row(request: MemberRequest, message: Message, *, status: int) -> HttpResponse:
    """For HTMX: the message; the row on the page stays."""
    answer = render(
        request, "erp_integrations/change_orders/synced_row_answer.html", {"message": message}, status=status
    )
    return reswap(answer, "none")


def answer_on_page(request: MemberRequest, message: Message, *, location: str) -> HttpResponse:
    """Without JavaScript: the message is shown on the next page."""
    flash_message(request, message)
    return see_other(location)


def list_query_of_page(request: MemberRequest) -> ListQuery:
    """The query of the page from which HTMX sent this request."""
    return list_query_of(request.company, QueryDict(urlsplit(request.htmx.current_url or "").query))

"""Pages of the support desk: what waits, search results, and a CCO."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from companies.clock import database_now
from companies.models import User
from companies.queue_state import get_queue_state
from erp_integrations.support.change_order import find_change_order_id, find_support_page
from erp_integrations.support.search import search
from erp_integrations.support.waiting import what_waits

SEES_CCOS = (
    "erp_integrations.view_changeorderlink",
    "erp_integrations.view_unlinkattempt",
    "erp_integrations.view_linkevent",
)
"""Permissions for search results and a CCO's page."""


class SearchForm(forms.Form):
    q = forms.CharField(label="CCO, Sage or record number, person, company", max_length=100, required=False)


def front_page(request: HttpRequest) -> dict[str, Any]:
    """The context of the admin's index: what waits, as far as the person may see it."""
    assert isinstance(request.user, User)
    may = request.user.has_perm
    return {
        "waiting": what_waits(may, now=database_now()),
        "queue": get_queue_state() if may("procrastinate.view_procrastinatejob") else None,
        "may_search": request.user.has_perms(SEES_CCOS),
    }


@require_GET
@permission_required(SEES_CCOS, raise_exception=True)
def search_results(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    form = SearchForm(request.GET)
    q = form.cleaned_data["q"] if form.is_valid() else ""
    context = {
        **admin.site.each_context(request),
        "title": f"Search: {q}" if q else "Search",
        "q": q,
        "errors": form.errors.get("q", ()),
        "groups": search(q, request.user.has_perm),
        "may_search": True,
    }
    return render(request, "admin/desk/search.html", context)


@require_GET
@permission_required(SEES_CCOS, raise_exception=True)
def change_order(request: HttpRequest, change_order_id: int) -> HttpResponse:
    """A CCO that is there, or was."""
    assert isinstance(request.user, User)
    page = find_support_page(change_order_id, request.user.has_perm, now=database_now())
    if page is None:
        raise Http404
    context = {
        **admin.site.each_context(request),
        "title": page.heading,
        "cco": page,
        "may_search": True,
    }
    return render(request, "admin/desk/change_order.html", context)


@require_GET
@permission_required(SEES_CCOS, raise_exception=True)
def link(request: HttpRequest, link_id: int) -> HttpResponse:  # noqa: ARG001  (a view's signature)
    """Redirects to the page of the link's CCO."""
    change_order_id = find_change_order_id(link_id)
    if change_order_id is None:
        raise Http404
    return redirect("admin:desk-change-order", change_order_id)

"""The Connection tab."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from companies.doors import MemberRequest, company_member
from erp_integrations import registry
from erp_integrations.actors import actor_on_page
from erp_integrations.forms import AcceptForm
from erp_integrations.models import Connection
from erp_integrations.operations import connecting
from erp_integrations.policies import (
    may_change_connection,
    may_check_connection,
    may_see_erp_integrations,
)
from erp_integrations.queries.connections import card_of, find_connection, freshness_of
from erp_integrations.views.tabs import tabs_for


@company_member
@require_GET
def connection(request: MemberRequest) -> HttpResponse:
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    found = find_connection(request.company)
    erp = registry.erp_name(found.kind if found else registry.ODBC)
    context = {
        "tabs": tabs_for(request, found, current="connection"),
        "freshness": freshness_of(found, erp=erp),
        "connection": card_of(found, request.access) if found else None,
    }
    return render(request, "erp_integrations/connection.html", context)


@company_member
@require_POST
def check(request: MemberRequest) -> HttpResponse:
    """Shakes hands now and shows what was found."""
    if not may_check_connection(request.access):
        raise PermissionDenied
    found = _connection(request)
    checked = connecting.check_connection(connection_id=found.pk, actor=actor_on_page(request.user))
    if checked.fault:
        messages.warning(request, f"{checked.fault.what} {checked.fault.advice}")
    elif not checked.accepted:
        messages.warning(request, "Another database answers to the name. An ERP admin must accept it.")
    else:
        messages.success(request, "All is well: the accepted database answers.")
    return redirect("connection", request.company.slug)


@company_member
@require_POST
def accept(request: MemberRequest) -> HttpResponse:
    """Accepts the database that answered last, with a reason."""
    found = _connection(request)
    if not may_change_connection(request.access):
        raise PermissionDenied
    form = AcceptForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "Say why it is the right database. Nothing was changed.")
        return redirect("connection", request.company.slug)
    try:
        connecting.accept_database(
            connection_id=found.pk,
            incarnation=form.cleaned_data["incarnation"],
            actor=actor_on_page(request.user),
            reason=form.cleaned_data["reason"],
        )
    except connecting.NotAllowed:
        raise PermissionDenied from None
    except connecting.NothingToAccept:
        messages.warning(request, "That database does not wait to be accepted any more. Nothing was changed.")
    else:
        messages.success(request, "The database was accepted.")
    return redirect("connection", request.company.slug)


def _connection(request: MemberRequest) -> Connection:
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    found = find_connection(request.company)
    if found is None:
        raise Http404
    return found

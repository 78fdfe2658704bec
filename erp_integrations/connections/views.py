"""The Connection tab."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from companies.clock import database_now
from companies.decorators import MemberRequest, company_member
from erp_integrations.connections import connect
from erp_integrations.connections import reconcile_settings as reconciliation_settings
from erp_integrations.connections.compare_database import compare_database
from erp_integrations.connections.forms import AcceptForm, ConnectionForm
from erp_integrations.connections.reconcile_form import ReconcileForm
from erp_integrations.deletions.queries import deletion_lines
from erp_integrations.erp import registry
from erp_integrations.erp.queries import (
    card_of,
    comparison_of,
    find_connection,
    find_parts,
    freshness_of,
    waits_for_acceptance,
)
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.models import Connection
from erp_integrations.policies import (
    default_reconcile_interval,
    may_change_connection,
    may_check_connection,
    may_see_erp_integrations,
    may_state_deletion,
)
from erp_integrations.ports import PartRefused
from erp_integrations.reconciliation.queries import interval_words, reconciliation_panel_of
from erp_integrations.view_models import DatabaseComparison, Message
from erp_integrations.web.flash import flash_message
from erp_integrations.web.tabs import tabs_for
from erp_integrations.workflow import errors
from erp_integrations.workflow.errors import NotAllowed

DATABASE, LOGIN = "The company database", "plumbline_reader"
"""Default names in the login script."""

STORED = Message(
    "success", "The connection was stored", ("Sage was not asked yet. Check it now: it tells what it found.",)
)
CHANGED_MEANWHILE = Message(
    "warning",
    "The connection was changed meanwhile. Nothing was stored.",
    ("Look at what is there now. To store yours instead, type the password again and save.",),
)
RECONCILE_STORED = Message("success", "The settings were stored. They count from the next minute on.")
RECONCILE_CHANGED_MEANWHILE = Message(
    "warning",
    "Another user changed these settings meanwhile. Nothing was stored.",
    ("What you typed is still here: save again to store it all the same.",),
)
NOT_COMPARED = Message(
    "warning",
    "Compare first: it is not known which of the linked records are in that database",
    ("Nothing was accepted. Where it cannot be compared, the page says why and offers to accept it anyway.",),
)
NONE_STORED = "Type the password of the login: there is none stored that may be used for this."
TYPE_IT_AGAIN = (
    "Type the password again. The stored one is kept only while the server, its port, the driver, the login, "
    "the encryption and the certificate stay as they are, so that it cannot be sent to another server."
)


@sensitive_post_parameters()
@company_member
@require_http_methods(["GET", "POST"])
def connection(request: MemberRequest) -> HttpResponse:
    """The connection and its last check; for ERP admins the form, too, which is submitted here."""
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    if request.method == "GET":
        return _page(request)
    if not may_change_connection(request.access):
        raise PermissionDenied
    form = _form(request, data=request.POST)
    if "script" in request.POST:
        form.full_clean()
        shown = _form(request, typed=_typed(request))  # for the revision that the form was filled in for
        return _page(request, form=shown, names=form.cleaned_data)
    return _store(request, form)


def _store(request: MemberRequest, form: ConnectionForm) -> HttpResponse:
    if not form.is_valid():
        return _with_errors(request, form)
    try:
        connect.set_connection(
            company=request.company,
            address=form.parts(),
            actor=actor_on_page(request.user),
            revision=form.cleaned_data["revision"],
        )
    except NotAllowed:
        raise PermissionDenied from None
    except errors.ConnectionChanged:
        flash_message(request, CHANGED_MEANWHILE)
        return _page(request, form=_form(request, typed=_typed(request, "revision")), status=409)
    except errors.PasswordNeeded:
        form.add_error("password", TYPE_IT_AGAIN if form.stored else NONE_STORED)
    except PartRefused as refused:
        form.add_error(refused.part, str(refused))
    if form.errors:
        return _with_errors(request, form)
    flash_message(request, STORED)
    return redirect("connection", request.company.slug)


def _with_errors(request: MemberRequest, form: ConnectionForm) -> HttpResponse:
    form.lead_to_first_error()
    return _page(request, form=form, status=422)


def _page(
    request: MemberRequest,
    *,
    form: ConnectionForm | None = None,
    reconcile_form: ReconcileForm | None = None,
    names: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page. `names` are those in the login script, when they are not the stored ones."""
    found = find_connection(request.company)
    context = _state(request, found) | {
        "tabs": tabs_for(request, found, current="connection"),
        "open": form is not None or found is None,
        "reconciling": reconciliation_panel_of(found) if found else None,
        "reconcile_open": reconcile_form is not None,
        "deletions": deletion_lines(request.company, request.access, database_now()),
        "may_state": bool(may_state_deletion(request.access)),
    }
    if may_change_connection(request.access):
        if found is not None:
            context["reconcile_form"] = reconcile_form or _reconcile_form(found)
        form = form or _form(request)
        wanted = form.initial if names is None else names
        context["form"] = form
        context["script"] = registry.server_tools().login_script(
            database=wanted.get("database") or DATABASE, login=wanted.get("login") or LOGIN
        )
    return render(request, "erp_integrations/connections/connection.html", context, status=status)


def _state(request: MemberRequest, found: Connection | None) -> dict[str, Any]:
    """The parts of the page that a check may change."""
    erp = registry.erp_name(found.kind if found else registry.ODBC)
    return {
        "freshness": freshness_of(found, erp=erp),
        "connection": card_of(found, request.access) if found else None,
    }


def _form(
    request: MemberRequest, *, data: Any = None, typed: Mapping[str, Any] | None = None
) -> ConnectionForm:
    found = find_connection(request.company)
    return ConnectionForm(
        data, stored=find_parts(found), revision=found.revision if found else 0, typed=typed or {}
    )


def _typed(request: MemberRequest, *without: str) -> dict[str, Any]:
    """The submitted values, without the password."""
    return {name: value for name, value in request.POST.items() if name not in ("password", *without)}


@company_member
@require_POST
def check(request: MemberRequest) -> HttpResponse:
    """Checks the connection and shows the result."""
    ruling = may_check_connection(request.access)
    if not ruling:
        raise PermissionDenied
    found = _connection(request)
    checked = connect.check_connection(
        connection_id=found.pk, actor=actor_on_page(request.user), rights=ruling.rights
    )
    message = _describe_check(checked)
    if not request.htmx:
        flash_message(request, message)
        return redirect("connection", request.company.slug)
    context = _state(request, find_connection(request.company)) | {"message": message}
    return render(request, "erp_integrations/connections/check_answer.html", context)


def _describe_check(checked: connect.CheckedConnection) -> Message:
    if checked.fault:
        return Message("warning", checked.fault.what, (checked.fault.advice,))
    if not checked.accepted:
        return Message("warning", "Another database answers to the name.", ("An ERP admin must accept it.",))
    return Message("success", "All is well: the accepted database answers.")


@company_member
@require_POST
def compare(request: MemberRequest) -> HttpResponse:
    """Counts the linked records in the database that waits for acceptance."""
    ruling = may_change_connection(request.access)
    found = _connection(request)
    if not ruling:
        raise PermissionDenied
    try:
        compared = compare_database(
            connection_id=found.pk, actor=actor_on_page(request.user), rights=ruling.rights
        )
    except errors.NothingToAccept:
        messages.warning(request, "No other database waits to be accepted. Nothing was changed.")
    else:
        flash_message(request, _describe_comparison(comparison_of(compared)))
    return redirect("connection", request.company.slug)


def _describe_comparison(comparison: DatabaseComparison | None) -> Message:
    if comparison is None:
        return Message("warning", "The connection was changed meanwhile", ("Check it, then compare again.",))
    if comparison.under_way:
        return Message(
            "success",
            "The databases are being compared",
            ("It takes longer than a click: load this page again in a minute.",),
        )
    if comparison.why_not:
        return Message("warning", "It could not be compared", (comparison.why_not, "Nothing was changed."))
    return Message(
        "success",
        f"{comparison.there:,} of {comparison.links:,} linked records are in it",
        ("Nothing was changed. Look at what is missing before you accept it.",),
    )


@company_member
@require_POST
def accept(request: MemberRequest) -> HttpResponse:
    """Accepts the database that answered last, with a reason."""
    found = _connection(request)
    if not may_change_connection(request.access):
        raise PermissionDenied
    form = AcceptForm(request.POST)
    if form.is_valid() and not _was_compared(found, form):
        flash_message(request, NOT_COMPARED)
        return redirect("connection", request.company.slug)
    if not form.is_valid():
        messages.warning(request, "Say why it is the right database. Nothing was changed.")
        return redirect("connection", request.company.slug)
    try:
        connect.accept_database(
            connection_id=found.pk,
            incarnation=form.cleaned_data["incarnation"],
            actor=actor_on_page(request.user),
            reason=form.cleaned_data["reason"],
        )
    except NotAllowed:
        raise PermissionDenied from None
    except errors.NothingToAccept:
        messages.warning(request, "That database does not wait to be accepted any more. Nothing was changed.")
    else:
        messages.success(request, "The database was accepted.")
    return redirect("connection", request.company.slug)


def _was_compared(found: Connection, form: AcceptForm) -> bool:
    """Whether this database was compared, or the person confirmed to accept it without a comparison."""
    comparison = comparison_of(found)
    if form.cleaned_data["incarnation"] != found.seen_incarnation or not waits_for_acceptance(found):
        return True  # the operation refuses when it does not wait any more
    if comparison is None or comparison.under_way:
        return False
    return not comparison.why_not or form.cleaned_data["not_compared"]


@company_member
@require_POST
def set_reconciliation(request: MemberRequest) -> HttpResponse:
    """Stores when the links are reconciled, and how many records may be missing at once."""
    found = _connection(request)
    if not may_change_connection(request.access):
        raise PermissionDenied
    form = _reconcile_form(found, data=request.POST)
    if not form.is_valid():
        form.lead_to_first_error()
        return _page(request, reconcile_form=form, status=422)
    try:
        reconciliation_settings.set_reconciliation(
            connection_id=found.pk,
            wanted=form.settings(),
            shown=form.cleaned_data["shown"],
            actor=actor_on_page(request.user),
        )
    except NotAllowed:
        raise PermissionDenied from None
    except errors.ConnectionChanged:
        flash_message(request, RECONCILE_CHANGED_MEANWHILE)
        typed = {**request.POST.dict(), form.add_prefix("shown"): form["shown"].initial}
        return _page(request, reconcile_form=_reconcile_form(found, data=typed), status=409)
    flash_message(request, RECONCILE_STORED)
    return redirect("connection", request.company.slug)


def _reconcile_form(found: Connection, *, data: Any = None) -> ReconcileForm:
    usual = default_reconcile_interval(practice=registry.has_sandbox(found))
    return ReconcileForm(
        data, stored=reconciliation_settings.ReconcileSettings.of(found), usual=interval_words(usual)
    )


def _connection(request: MemberRequest) -> Connection:
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    found = find_connection(request.company)
    if found is None:
        raise Http404
    return found

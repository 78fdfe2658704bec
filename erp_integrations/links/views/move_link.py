"""Moves a CCO's link to another record: find it, see both side by side, confirm."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from commitments.models import CommitmentChangeOrder
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.history import facts_of, find_active_link
from erp_integrations.change_orders.responses import (
    answer_on_page,
    at_the_act,
    change_order_for,
    erp_of,
    page_of,
    require,
)
from erp_integrations.drafts.side_by_side import SideBySide
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links import move_link
from erp_integrations.links.forms import FindRecordForm, MoveLinkForm
from erp_integrations.policies import may_move_link
from erp_integrations.view_models import NextStep
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import NotAsShown, Refused


@company_member
@require_http_methods(["GET", "POST"])
def move(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """GET `?record=704` shows both records beside the CCO; POST moves the link, as it was shown."""
    change_order = change_order_for(request, change_order_id)
    project = change_order.commitment.project
    require(may_move_link(request.access, project_id=project.pk, project_name=project.name))
    if request.method == "POST":
        return _move(request, change_order)
    find = FindRecordForm(request.GET if "record" in request.GET else None)
    if not find.is_bound:
        return _page(request, change_order, find)
    if not find.is_valid():
        return _page(request, change_order, find, status=422)
    return _compare(request, change_order, find)


def _compare(
    request: MemberRequest,
    change_order: CommitmentChangeOrder,
    find: FindRecordForm,
    *,
    form: MoveLinkForm | None = None,
) -> HttpResponse:
    """Both records as they are now; `form` is a submitted one without its reason."""
    try:
        with at_the_act():
            shown = move_link.show_both_records(
                company_id=request.company.pk,
                change_order_id=change_order.pk,
                record_number=find.cleaned_data["record"],
            )
    except Refused as refusal:
        return _refused(request, change_order, find, refusal)
    return _page(request, change_order, find, shown=shown, form=form, status=422 if form else 200)


def _move(request: MemberRequest, change_order: CommitmentChangeOrder) -> HttpResponse:
    form = MoveLinkForm(request.POST)
    find = FindRecordForm({"record": request.POST.get("record", "")})
    if not form.is_valid():
        if find.is_valid() and form.data.get("shown"):
            return _compare(request, change_order, find, form=form)
        return _page(request, change_order, find, status=422)
    try:
        with at_the_act():
            made = move_link.move_change_order_link(
                company_id=request.company.pk,
                change_order_id=change_order.pk,
                record_number=form.cleaned_data["record"],
                subcontract_record_number=form.cleaned_data["subcontract"],
                shown=form.cleaned_data["shown"],
                reason=form.cleaned_data["reason"],
                actor=actor_on_page(request.user),
            )
    except NotAsShown as refusal:
        return _refused(request, change_order, find, refusal, shown=refusal.now, form=form)
    except Refused as refusal:
        return _refused(request, change_order, find, refusal)
    history = page_of(request, change_order, "change-order-history")
    message = workflow_messages.moved_message(
        made, erp=erp_of(request), next_steps=(NextStep("View history", history),)
    )
    return answer_on_page(request, message, location=history)


def _refused(
    request: MemberRequest,
    change_order: CommitmentChangeOrder,
    find: FindRecordForm,
    refusal: Refused,
    *,
    shown: SideBySide | None = None,
    form: MoveLinkForm | None = None,
) -> HttpResponse:
    flash_message(request, refusal.message(erp=erp_of(request)))
    return _page(request, change_order, find, shown=shown, form=form, status=refusal.status)


def _page(
    request: MemberRequest,
    change_order: CommitmentChangeOrder,
    find: FindRecordForm,
    *,
    shown: SideBySide | None = None,
    form: MoveLinkForm | None = None,
    status: int = 200,
) -> HttpResponse:
    change_order.refresh_from_db(fields=["erp_status"])
    reason = form["reason"].value() if form is not None else ""
    context: dict[str, Any] = {
        "change_order": facts_of(change_order),
        "link": find_active_link(change_order),
        "find": find,
        "shown": shown,
        "form": _form_for(shown, reason=reason, submitted=form) if shown else None,
        "erp_name": erp_of(request),
        "back": page_of(request, change_order, "change-order-history"),
        "address": reverse("move", args=[request.company.slug, change_order.pk]),
    }
    return render(request, "erp_integrations/links/move_link.html", context, status=status)


def _form_for(shown: SideBySide, *, reason: str, submitted: MoveLinkForm | None) -> MoveLinkForm:
    """Bound to the values on the page, with the reason's error from a submitted form."""
    values = {
        "record": shown.record_number,
        "subcontract": shown.subcontract_record_number,
        "shown": shown.token,
        "reason": reason,
    }
    if submitted is not None and "reason" in submitted.errors:
        return MoveLinkForm(values)
    return MoveLinkForm(initial=values)

"""The approver's pages of a CCO that waits: accept it, reject it, link it to what is in the ERP already."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.history import facts_of
from erp_integrations.change_orders.responses import (
    answer_on_page,
    at_the_act,
    change_order_for,
    erp_of,
    list_of,
    page_of,
    require,
)
from erp_integrations.change_orders.waiting_rows import view_of
from erp_integrations.drafts.context import Preview
from erp_integrations.drafts.validation import RulePlace
from erp_integrations.erp import registry
from erp_integrations.erp.queries import find_connection
from erp_integrations.exports import review
from erp_integrations.exports.forms import ExportForm
from erp_integrations.exports.views.export import export_and_describe
from erp_integrations.exports.views.reason_form import reason_form_view
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links.forms import LinkForm
from erp_integrations.models import Export
from erp_integrations.policies import may_accept, may_reject
from erp_integrations.view_models import NextStep
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import (
    DiffersFromOurs,
    DuplicateInErp,
    NumberInUse,
    RecordElsewhere,
    Refused,
    RulesBroken,
)

MENDED_AT = {
    RulePlace.JOB_LINK: ("Link the job", "erp-jobs"),
    RulePlace.VENDOR_LINK: ("Link the vendor", "erp-vendors"),
    RulePlace.COMMITMENT_LINK: ("Link the commitment", "erp-commitments"),
    RulePlace.CONNECTION: ("See the connection", "connection"),
}
"""Where accounting mends what the project team cannot."""


@company_member
@require_http_methods(["GET", "POST"])
def accept(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """The preview of what the ERP will hold; a POST signs it off, or shows it again for another number."""
    change_order = change_order_for(request, change_order_id)
    require(may_accept(request.access))
    connection = find_connection(request.company)
    writers = registry.writers_of(connection.kind if connection else registry.ODBC)
    if request.method == "GET":
        first = {"erp_number": change_order.number, "writer": writers[0]}
        return _preview(request, change_order, ExportForm(first, writers=writers))
    form = ExportForm(request.POST, writers=writers)
    if "show" in request.POST or not form.is_valid():
        return _preview(request, change_order, form)
    try:
        with at_the_act():
            export = review.accept_change_order(
                company_id=request.company.pk,
                change_order_id=change_order_id,
                actor=actor_on_page(request.user),
                **form.cleaned_data,
            )
    except Refused as refusal:
        return _page(request, change_order, form, refusal=refusal, preview=refusal.preview)
    return _accepted(request, change_order, export)


def _preview(request: MemberRequest, change_order: CommitmentChangeOrder, form: ExportForm) -> HttpResponse:
    if not form.is_valid():
        return _page(request, change_order, form)
    try:
        with at_the_act():
            preview = review.preview_export(
                company_id=request.company.pk,
                change_order_id=change_order.pk,
                erp_number=form.cleaned_data["erp_number"],
                writer=form.cleaned_data["writer"],
            )
    except Refused as refusal:
        return _page(request, change_order, form, refusal=refusal)
    return _page(request, change_order, form, preview=preview)


def _page(
    request: MemberRequest,
    change_order: CommitmentChangeOrder,
    form: ExportForm,
    *,
    refusal: Refused | None = None,
    preview: Preview | None = None,
) -> HttpResponse:
    erp = erp_of(request)
    status = 200 if form.is_valid() else 422
    if refusal is not None:
        _tell_at_the_field(form, refusal)
        flash_message(
            request,
            refusal.message(erp=erp, next_steps=_where(request, change_order, refusal)),
        )
        status = refusal.status
    context: dict[str, Any] = {
        "change_order": facts_of(change_order),
        "form": form,
        "preview": preview,
        "shown_number": form["erp_number"].value(),
        "erp_name": erp,
    }
    return render(request, "erp_integrations/exports/accept.html", context, status=status)


def _tell_at_the_field(form: ExportForm, refusal: Refused) -> None:
    match refusal:
        case NumberInUse():
            form.add_error("erp_number", "Another CCO on the same job is being exported under this number.")
        case DuplicateInErp(broken=broken) | RulesBroken(broken=broken):
            for one in broken:
                if one.place is RulePlace.ACCEPT_FORM:
                    form.add_error(one.field, one.words)


def _where(
    request: MemberRequest, change_order: CommitmentChangeOrder, refusal: Refused
) -> tuple[NextStep, ...]:
    """Where broken rules are mended; what only the project team can mend is a reason to reject."""
    if not isinstance(refusal, RulesBroken):
        return ()
    places = {one.place for one in refusal.broken}
    steps = [
        NextStep(label, reverse(name, args=[request.company.slug]))
        for place, (label, name) in MENDED_AT.items()
        if place in places
    ]
    if RulePlace.CHANGE_ORDER in places:
        steps.append(NextStep("Reject it", page_of(request, change_order, "reject")))
    return tuple(steps)


def _accepted(request: MemberRequest, change_order: CommitmentChangeOrder, export: Export) -> HttpResponse:
    """By hand: the worksheet. Else it is exported at once, and the next one waits in the list."""
    erp = erp_of(request)
    if export.by_hand:
        message = workflow_messages.accepted_message(export, change_order, erp=erp)
        return answer_on_page(request, message, location=page_of(request, change_order, "worksheet"))
    result = export_and_describe(request, change_order)
    view = "ready-to-export" if result.refusal is None else view_of(change_order.erp_status)
    return answer_on_page(request, result.message, location=list_of(request, view=view))


@company_member
@require_http_methods(["GET", "POST"])
def reject(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """Gives a waiting CCO back to the project team, with a reason."""
    change_order = change_order_for(request, change_order_id)
    require(may_reject(request.access))
    return reason_form_view(
        request,
        change_order,
        operation=review.reject_change_order,
        done=workflow_messages.rejected_message,
        heading=f"Reject CCO {change_order.number} {change_order.title}",
        intro="It goes back to the project team, who can correct it and send it again.",
        button="Reject",
    )


@company_member
@require_POST
def link(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """Links a CCO to a record that is in the ERP already; asks for a yes first where the two differ."""
    change_order = change_order_for(request, change_order_id)
    require(may_accept(request.access))
    erp = erp_of(request)
    status = change_order.erp_status
    page = "accept" if status == ErpStatus.READY_TO_EXPORT else "worksheet"
    form = LinkForm(request.POST)
    try:
        if not form.is_valid():
            raise RecordElsewhere
        with at_the_act():
            made = review.link_to_existing(
                company_id=request.company.pk,
                change_order_id=change_order_id,
                actor=actor_on_page(request.user),
                **form.cleaned_data,
            )
    except DiffersFromOurs as refusal:
        flash_message(request, refusal.message(erp=erp))
        context = {
            "change_order": facts_of(change_order),
            "erp_name": erp,
            "refusal": refusal,
            "back": page_of(request, change_order, page),
        }
        return render(
            request, "erp_integrations/exports/link_despite_differences.html", context, status=refusal.status
        )
    except Refused as refusal:
        message = refusal.message(erp=erp)
        return answer_on_page(request, message, location=page_of(request, change_order, page))
    message = workflow_messages.synced_message(made, erp=erp)
    return answer_on_page(request, message, location=list_of(request, view=view_of(status)))

"""Pages that state, confirm and withdraw a deletion in the ERP. Listed on the Connection tab."""

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.history import find_active_link_row, find_change_order
from erp_integrations.change_orders.responses import answer_on_page, at_the_act, erp_of, require
from erp_integrations.deletions import confirm_deletion
from erp_integrations.deletions.forms import StateDeletionForm
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.models import ConfirmedDeletion, Connection
from erp_integrations.policies import may_state_deletion
from erp_integrations.view_models import Message
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import Refused


@company_member
@require_http_methods(["GET", "POST"])
def state(request: MemberRequest) -> HttpResponse:
    """GET `?cco=5` fills in the record of that CCO; POST states the deletion."""
    require(may_state_deletion(request.access))
    status = 200
    form = StateDeletionForm(initial={"record_numbers": _record_of(request)})
    if request.method == "POST":
        form, status = StateDeletionForm(request.POST), 422
        if form.is_valid():
            try:
                with at_the_act():
                    return _stated(request, form)
            except Refused as refusal:
                flash_message(request, refusal.message(erp=erp_of(request)))
                status = refusal.status
    context = {
        "form": form,
        "erp_name": erp_of(request),
        "most": confirm_deletion.MOST_RECORDS,
        "back": _list(request),
    }
    return render(request, "erp_integrations/deletions/state_deletion.html", context, status=status)


def _stated(request: MemberRequest, form: StateDeletionForm) -> HttpResponse:
    try:
        deletion = confirm_deletion.state_deletion(
            company_id=request.company.pk,
            record_numbers=form.cleaned_data["record_numbers"],
            reason=form.cleaned_data["reason"],
            actor=actor_on_page(request.user),
        )
    except Connection.DoesNotExist:
        raise Http404 from None
    message = workflow_messages.stated_message(len(form.cleaned_data["record_numbers"]))
    assert deletion.pk is not None, "it was stored"
    return answer_on_page(request, message, location=_list(request))


@company_member
@require_POST
def confirm(request: MemberRequest, deletion_id: int) -> HttpResponse:
    """Confirms another ERP admin's statement."""
    return _decide(
        request, deletion_id, confirm_deletion.confirm_deletion, workflow_messages.confirmed_message
    )


@company_member
@require_POST
def withdraw(request: MemberRequest, deletion_id: int) -> HttpResponse:
    """Ends a statement, confirmed or not."""
    return _decide(
        request,
        deletion_id,
        confirm_deletion.withdraw_deletion,
        lambda _: workflow_messages.withdrawn_message(),
    )


def _decide(
    request: MemberRequest,
    deletion_id: int,
    operation: Callable[..., ConfirmedDeletion],
    done: Callable[[ConfirmedDeletion], Message],
) -> HttpResponse:
    require(may_state_deletion(request.access))
    try:
        with at_the_act():
            deletion = operation(
                company_id=request.company.pk, deletion_id=deletion_id, actor=actor_on_page(request.user)
            )
    except (ConfirmedDeletion.DoesNotExist, Connection.DoesNotExist):
        raise Http404 from None
    except Refused as refusal:
        message = refusal.message(erp=erp_of(request))
    else:
        message = done(deletion)
    return answer_on_page(request, message, location=_list(request))


def _record_of(request: MemberRequest) -> str:
    """The record number of the CCO in the query string; empty without one."""
    value = request.GET.get("cco", "")
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        return ""
    change_order = find_change_order(request.company, int(value))
    link = find_active_link_row(change_order) if change_order else None
    return link.record_number if link else ""


def _list(request: MemberRequest) -> str:
    return reverse("connection", args=[request.company.slug]) + "#deletions"

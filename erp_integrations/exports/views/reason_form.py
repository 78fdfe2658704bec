"""The page that asks for a reason before a CCO goes back to the project team."""

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render

from commitments.models import CommitmentChangeOrder
from companies.decorators import MemberRequest
from erp_integrations.change_orders.history import facts_of
from erp_integrations.change_orders.responses import answer_on_page, at_the_act, erp_of, list_of
from erp_integrations.change_orders.waiting_rows import view_of
from erp_integrations.exports.forms import ReturnToTeamForm
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.view_models import Message
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow.errors import Refused


def reason_form_view(
    request: MemberRequest,
    change_order: CommitmentChangeOrder,
    *,
    operation: Callable[..., object],
    done: Callable[[CommitmentChangeOrder], Message],
    heading: str,
    intro: str,
    button: str,
) -> HttpResponse:
    """Asks for the reason, and does it. A refusal keeps what was typed."""
    back = list_of(request, view=view_of(change_order.erp_status))
    form = ReturnToTeamForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            with at_the_act():
                operation(
                    company_id=request.company.pk,
                    change_order_id=change_order.pk,
                    reason=form.cleaned_data["reason"],
                    actor=actor_on_page(request.user),
                )
        except Refused as refusal:
            flash_message(request, refusal.message(erp=erp_of(request)))
            status = refusal.status
        else:
            return answer_on_page(request, done(change_order), location=back)
    elif request.method == "POST":
        form = ReturnToTeamForm(request.POST)
        status = 422
    context = {
        "change_order": facts_of(change_order),
        "form": form,
        "heading": heading,
        "intro": intro,
        "button": button,
        "back": back,
    }
    return render(request, "erp_integrations/exports/reason.html", context, status=status)

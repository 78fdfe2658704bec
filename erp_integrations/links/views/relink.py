"""After an unlink: link the same record again. Before one: the unwind plan."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from commitments.policies import may_see_commitments
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.history import facts_of
from erp_integrations.change_orders.responses import (
    answer_on_page,
    at_the_act,
    came_from,
    change_order_for,
    change_order_or_404,
    erp_of,
    list_of,
    page_in_project,
    page_of,
)
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links.relink import relink_change_order
from erp_integrations.links.unwind_plan import unwind_plan
from erp_integrations.policies import may_see_erp_integrations
from erp_integrations.view_models import NextStep
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import Refused


@company_member
@require_POST
def relink(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """Undoes an unlink, when the same record is back."""
    change_order = change_order_for(request, change_order_id)
    history = page_of(request, change_order, "change-order-history")
    steps = (NextStep("View history", history),)
    erp = erp_of(request)
    try:
        with at_the_act():
            link = relink_change_order(
                company_id=request.company.pk,
                change_order_id=change_order_id,
                actor=actor_on_page(request.user),
            )
    except Refused as refusal:
        message = refusal.message(erp=erp, next_steps=steps)
    else:
        message = workflow_messages.relinked_message(link, erp=erp, next_steps=steps)
    return answer_on_page(request, message, location=came_from(request, list_of(request), history))


@company_member
@require_GET
def plan(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """What to undo, in which order, and by whom: for the project team and accounting."""
    change_order = change_order_or_404(request, change_order_id)
    project, of_accounting = change_order.commitment.project, may_see_erp_integrations(request.access)
    if not (of_accounting or may_see_commitments(request.access, project)):
        raise PermissionDenied
    context = {
        "change_order": facts_of(change_order),
        "back_url": page_of(request, change_order, "change-order-history")
        if of_accounting
        else page_in_project(request, change_order.pk, project.number, "commitment-change-order"),
        "steps": unwind_plan(request.company, request.access, change_order),
    }
    return render(request, "erp_integrations/links/unwind_plan.html", context)

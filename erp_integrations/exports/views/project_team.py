"""The project team's two acts: send a CCO to the ERP, and retrieve it."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from commitments.models import CommitmentChangeOrder
from commitments.policies import may_see_commitments
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.responses import at_the_act
from erp_integrations.exports import submit
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.workflow.errors import NotPossibleNow, RulesBroken


@company_member
@require_POST
def send(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    done = "It was sent. Accounting will accept or reject it; until then it is locked."
    return _act(request, number, change_order_id, submit.send_change_order, done)


@company_member
@require_POST
def retrieve(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    done = "It was retrieved. It can be edited again."
    return _act(request, number, change_order_id, submit.retrieve_change_order, done)


def _act(
    request: MemberRequest,
    number: str,
    change_order_id: int,
    operation: Callable[..., object],
    done: str,
) -> HttpResponse:
    """Runs it on one of the project's CCOs and leaves its words for the CCO's page."""
    change_order = get_object_or_404(
        CommitmentChangeOrder.objects.select_related("commitment__project"),
        pk=change_order_id,
        commitment__project__company=request.company,
        commitment__project__number=number,
    )
    if not may_see_commitments(request.access, change_order.commitment.project):
        raise PermissionDenied
    try:
        with at_the_act():
            operation(
                company_id=request.company.pk,
                change_order_id=change_order_id,
                actor=actor_on_page(request.user),
            )
    except NotPossibleNow as late:
        messages.warning(
            request, f"It is {late.erp_status.label} by now, so nothing was done. This is how it stands."
        )
    except RulesBroken as refused:
        for broken in refused.broken:
            messages.warning(request, f"{broken.words} Nothing was sent.")
    else:
        messages.success(request, done)
    return redirect("commitment-change-order", request.company.slug, number, change_order_id)

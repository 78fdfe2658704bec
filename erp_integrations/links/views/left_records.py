"""The records that a CCO's link was moved from: link or ignore each, so that the CCO can be unlinked."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.history import facts_of, find_active_link_row
from erp_integrations.change_orders.responses import (
    answer_on_page,
    at_the_act,
    change_order_for,
    erp_of,
    page_of,
    require,
)
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links import ignore_record
from erp_integrations.links.forms import LeftRecordForm
from erp_integrations.links.left_records import left_record_lines
from erp_integrations.policies import may_move_link
from erp_integrations.view_models import NextStep
from erp_integrations.web.flash import flash_message
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import Refused


@company_member
@require_http_methods(["GET", "POST"])
def left_records(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """GET lists them; POST ignores one with a reason, or stops ignoring it."""
    change_order = change_order_for(request, change_order_id)
    project = change_order.commitment.project
    ruling = may_move_link(request.access, project_id=project.pk, project_name=project.name)
    status = 200
    form = LeftRecordForm()
    if request.method == "POST":
        require(ruling)
        form, status = LeftRecordForm(request.POST), 422
        if form.is_valid():
            try:
                with at_the_act():
                    return _act(request, change_order_id, form)
            except Refused as refusal:
                flash_message(request, refusal.message(erp=erp_of(request)))
                status = refusal.status
    link = find_active_link_row(change_order)
    context = {
        "change_order": facts_of(change_order),
        "link": link,
        "lines": left_record_lines(link) if link else (),
        "missing": ruling.missing,
        "form": form,
        "sent_for": form.data.get("link", "") if form.is_bound else "",
        "erp_name": erp_of(request),
        "back": page_of(request, change_order, "change-order-history"),
    }
    return render(request, "erp_integrations/links/left_records.html", context, status=status)


def _act(request: MemberRequest, change_order_id: int, form: LeftRecordForm) -> HttpResponse:
    keys = {
        "company_id": request.company.pk,
        "change_order_id": change_order_id,
        "former_link_id": form.cleaned_data["link"],
    }
    arguments = [request.company.slug, change_order_id]
    steps = (
        NextStep("View history", reverse("change-order-history", args=arguments)),
        NextStep("Unlink", reverse("unlink", args=arguments), post=True),
    )
    if form.stops:
        ignored = ignore_record.stop_ignoring_left_record(**keys, actor=actor_on_page(request.user))
        message = workflow_messages.not_ignored_message(ignored)
    else:
        ignored = ignore_record.ignore_left_record(
            **keys, reason=form.cleaned_data["reason"], actor=actor_on_page(request.user)
        )
        message = workflow_messages.ignored_message(ignored, next_steps=steps)
    return answer_on_page(request, message, location=reverse("left-records", args=arguments))

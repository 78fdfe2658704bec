"""The project team's pages of CCOs."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from commitments import operations
from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from commitments.policies import may_change_commitments, may_see_commitments
from companies.doors import MemberRequest, company_member
from companies.models import Project

LOCKED_WORDS = {
    ErpStatus.READY_TO_EXPORT: "It waits for accounting. Accounting can reject it.",
    ErpStatus.EXPORTING: "Accounting is sending it to the ERP.",
    ErpStatus.FAILED_TO_EXPORT: "Its export failed, and accounting has to decide.",
    ErpStatus.SYNCED: "It is tied to its record in the ERP. Accounting has to unlink it first.",
}


@company_member
@require_GET
def change_orders(request: MemberRequest, number: str) -> HttpResponse:
    project = _project(request, number)
    rows = [
        {
            "number": co.number,
            "title": co.title,
            "url": _url(request, project, "commitment-change-order", co.pk),
            "commitment": str(co.commitment),
            "vendor": co.commitment.vendor.name,
            "amount": co.amount,
            "status": co.get_status_display(),
            "erp_status": co.get_erp_status_display(),
        }
        for co in CommitmentChangeOrder.objects.filter(commitment__project=project)
        .select_related("commitment__vendor")
        .order_by("commitment__number", "number", "id")
    ]
    return render(request, "commitments/list.html", {"project": project, "rows": rows})


@company_member
@require_GET
def change_order(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    project = _project(request, number)
    co = get_object_or_404(
        CommitmentChangeOrder.objects.select_related("commitment__vendor"),
        pk=change_order_id,
        commitment__project=project,
    )
    ruling = may_change_commitments(request.access, project)
    status = ErpStatus(co.erp_status)
    free = status in operations.FREE
    context = {
        "co": {
            "number": co.number,
            "title": co.title,
            "status": co.get_status_display(),
            "erp_status": status.label,
            "amount": co.amount,
            "vendor": co.commitment.vendor.name,
            "commitment": str(co.commitment),
            "project": {"name": project.name, "number": project.number},
            "description": co.description,
        },
        "lines": [
            {
                "description": line.description,
                "cost_code": line.cost_code.code,
                "cost_type": line.cost_type.name,
                "amount": line.amount,
            }
            for line in co.lines.select_related("cost_code", "cost_type").order_by("position")
        ],
        "locked_words": LOCKED_WORDS.get(status) or "; ".join(ruling.missing),
        "may_set_to_draft": free and bool(ruling) and co.status != ChangeOrderStatus.DRAFT,
        "set_to_draft_url": _url(request, project, "commitment-change-order-set-to-draft", co.pk),
        "may_delete": free and bool(ruling),
        "delete_url": _url(request, project, "commitment-change-order-delete", co.pk),
    }
    return render(request, "commitments/change_order.html", context)


@company_member
@require_POST
def set_to_draft(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    project = _project(request, number)
    _act(request, project, change_order_id, operations.set_to_draft, "Set to Draft.")
    return redirect(_url(request, project, "commitment-change-order", change_order_id))


@company_member
@require_POST
def delete(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    project = _project(request, number)
    if _act(request, project, change_order_id, operations.delete_change_order, "The CCO was deleted."):
        return redirect("commitments", request.company.slug, project.number)
    return redirect(_url(request, project, "commitment-change-order", change_order_id))


def _project(request: MemberRequest, number: str) -> Project:
    """The company's project, among those whose commitments the viewer may see."""
    project = get_object_or_404(Project, company=request.company, number=number)
    if not may_see_commitments(request.access, project):
        raise PermissionDenied
    return project


def _url(request: MemberRequest, project: Project, name: str, change_order_id: int) -> str:
    return reverse(name, args=[request.company.slug, project.number, change_order_id])


def _act(
    request: MemberRequest,
    project: Project,
    change_order_id: int,
    operation: Callable[..., None],
    done: str,
) -> bool:
    """Runs an operation on one of the project's CCOs and leaves its words for the next page."""
    if not CommitmentChangeOrder.objects.filter(pk=change_order_id, commitment__project=project).exists():
        raise Http404
    try:
        operation(company_id=request.company.pk, change_order_id=change_order_id, user_id=request.user.pk)
    except operations.NotAllowed:
        raise PermissionDenied from None
    except CommitmentChangeOrder.DoesNotExist:
        raise Http404 from None
    except operations.ChangeOrderLocked as locked:
        messages.warning(request, LOCKED_WORDS[locked.erp_status] + " Nothing was changed.")
        return False
    messages.success(request, done)
    return True

"""The project team's pages of a CCO."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commitments.forms import (
    ChangeOrderForm,
    StatusForm,
    fields_of_change_order,
    fields_of_lines,
)
from commitments.messages import NOT_APPROVED, later_words, locked_words
from commitments.models import (
    FREE,
    FREE_WHILE_SYNCED,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentStatus,
    ErpStatus,
)
from commitments.operations.change_status import (
    approve_change_order,
    find_later_approved,
    set_to_draft,
    unapprove_change_order,
)
from commitments.operations.change_status import change_status as set_status
from commitments.operations.edit_change_order import (
    create_change_order,
    delete_change_order,
    edit_change_order,
    propose_number,
)
from commitments.operations.form_values import lines_as_they_are
from commitments.policies import may_change_commitments, may_see_change_history
from commitments.ports import erp_adapter
from commitments.queries import history_of, line_choices, lines_of_change_order
from commitments.view_models import Button
from commitments.views.line_forms import LinesForm, lines_form_of, save
from commitments.views.responses import project_to_change, project_to_see, run_operation
from companies.decorators import MemberRequest, company_member
from companies.models import Project

ACTS: dict[str, tuple[Callable[..., None], str]] = {
    "approve": (approve_change_order, "Approved."),
    "un-approve": (unapprove_change_order, "Back in review."),
    "set-to-draft": (set_to_draft, "Set to Draft."),
}
"""Last part of the address: the operation, and its message of success."""


@company_member
@require_GET
def change_order(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    project = project_to_see(request, number)
    co = _find(project, change_order_id)
    missing = may_change_commitments(request.access, project).missing
    locked = locked_words(co)
    later = find_later_approved(co) if co.status == ChangeOrderStatus.APPROVED else ()
    in_the_way = later_words([one.number for one in later]) if later else ""
    context = {
        "project": project,
        "co": co,
        "commitment_url": _commitment_url(request, co.commitment),
        "erp": erp_adapter().card_of(co, request.access),
        "lines": lines_of_change_order(co),
        "locked": locked,
        "edit": Button("Edit", _url(request, co, "edit"), missing or _edit_locked(co)),
        "acts": _acts(request, co, missing or _reasons(locked), in_the_way),
        "delete": Button("Delete", _url(request, co, "delete"), missing or _reasons(locked)),
        "statuses": [(status.value, status.label, status == co.status) for status in ChangeOrderStatus],
        "status": Button(
            "Change status",
            _url(request, co, "status"),
            missing or _reasons(locked or in_the_way),
        ),
        "later_words": "" if locked else in_the_way,
        "unwind_url": _unwind_url(request, co) if later or locked else "",
        "history": history_of(co) if may_see_change_history(request.access, project) else None,
    }
    return render(request, "commitments/change_order.html", context)


@company_member
@require_http_methods(["GET", "POST"])
def new(request: MemberRequest, number: str, commitment_id: int) -> HttpResponse:
    project = project_to_change(request, number)
    commitment = get_object_or_404(Commitment, pk=commitment_id, project=project)
    commitment.project = project
    if request.method == "GET" and commitment.status != CommitmentStatus.APPROVED:
        messages.warning(request, NOT_APPROVED)
        return redirect(_commitment_url(request, commitment))
    sheet = _sheet(request, commitment, {"number": propose_number(commitment), "revision": 0}, [])
    made = save(
        sheet,
        lambda written: create_change_order(
            company_id=request.company.pk,
            commitment_id=commitment.pk,
            user_id=request.user.pk,
            written=written,
        ),
    )
    if made:
        messages.success(request, f"CCO {made.number} was created, in Draft.")
        return redirect(_url(request, made))
    return _form_page(
        request,
        commitment,
        sheet,
        heading=f"New change order of {commitment}",
        back=_commitment_url(request, commitment),
    )


@company_member
@require_http_methods(["GET", "POST"])
def edit(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    project = project_to_change(request, number)
    co = _find(project, change_order_id)
    reasons = _edit_locked(co)
    if reasons and request.method == "GET":
        messages.warning(request, " ".join(reasons))
        return redirect(_url(request, co))
    lines = list(co.lines.order_by("position"))
    sheet = _sheet(request, co.commitment, fields_of_change_order(co), fields_of_lines(lines))
    _hint(request, sheet, co)
    if co.erp_status == ErpStatus.SYNCED:
        sheet.kept_lines = lines_as_they_are(lines)
        for name in set(ChangeOrderForm.base_fields) - {*FREE_WHILE_SYNCED, "revision"}:
            sheet.form.fields[name].disabled = True
            sheet.form.fields[name].help_text = locked_words(co)

    def write(written: Any) -> bool:
        edit_change_order(
            company_id=request.company.pk,
            change_order_id=co.pk,
            user_id=request.user.pk,
            revision=sheet.form.cleaned_data["revision"],
            written=written,
        )
        return True

    if save(sheet, write):
        messages.success(request, "Saved.")
        return redirect(_url(request, co))
    return _form_page(
        request,
        co.commitment,
        sheet,
        heading=f"Edit CCO {co.number}",
        back=_url(request, co),
        change_order=co,
    )


@company_member
@require_POST
def act(request: MemberRequest, number: str, change_order_id: int, act: str) -> HttpResponse:
    """Approve, un-approve, set to Draft."""
    operation, done = ACTS[act]
    return _act(request, number, change_order_id, operation, done, revision=_revision(request))


@company_member
@require_POST
def change_status(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    form = StatusForm(request.POST)
    if not form.is_valid():
        co = _find(project_to_change(request, number), change_order_id)
        messages.warning(request, "Choose a status from the list. Nothing was changed.")
        return redirect(_url(request, co))
    status = ChangeOrderStatus(form.cleaned_data["status"])
    return _act(
        request,
        number,
        change_order_id,
        set_status,
        f"The status is {status.label} now.",
        status=status,
        revision=form.cleaned_data["revision"],
    )


@company_member
@require_POST
def delete(request: MemberRequest, number: str, change_order_id: int) -> HttpResponse:
    return _act(
        request,
        number,
        change_order_id,
        delete_change_order,
        "The CCO was deleted.",
        then=lambda co: _commitment_url(request, co.commitment),
    )


def _act(
    request: MemberRequest,
    number: str,
    change_order_id: int,
    operation: Callable[..., None],
    done: str,
    *,
    then: Callable[[CommitmentChangeOrder], str] | None = None,
    **more: Any,
) -> HttpResponse:
    """Runs an operation on one of the project's CCOs and redirects with its message."""
    co = _find(project_to_see(request, number), change_order_id)
    return run_operation(
        request,
        partial(
            operation, company_id=request.company.pk, change_order_id=co.pk, user_id=request.user.pk, **more
        ),
        done=done,
        then=then(co) if then else _url(request, co),
        back=_url(request, co),
    )


def _find(project: Project, change_order_id: int) -> CommitmentChangeOrder:
    found = get_object_or_404(
        CommitmentChangeOrder.objects.select_related("commitment__vendor"),
        pk=change_order_id,
        commitment__project=project,
    )
    found.commitment.project = project
    return found


def _acts(
    request: MemberRequest, co: CommitmentChangeOrder, reasons: tuple[str, ...], in_the_way: str
) -> list[Button]:
    """Buttons that change the business status."""
    in_order = reasons or _reasons(in_the_way)
    acts = []
    if co.status == ChangeOrderStatus.APPROVED:
        acts.append(Button("Un-approve", _url(request, co, "un-approve"), in_order))
    else:
        acts.append(Button("Approve", _url(request, co, "approve"), reasons))
    if co.status != ChangeOrderStatus.DRAFT:
        acts.append(Button("Set to Draft", _url(request, co, "set-to-draft"), in_order))
    return acts


def _reasons(words: str) -> tuple[str, ...]:
    return (words,) if words else ()


def _edit_locked(co: CommitmentChangeOrder) -> tuple[str, ...]:
    """Why the CCO cannot be edited. Of a Synced one, the description can."""
    return () if co.erp_status in (*FREE, ErpStatus.SYNCED) else _reasons(locked_words(co))


def _hint(request: MemberRequest, sheet: LinesForm, co: CommitmentChangeOrder) -> None:
    """Shows the ERP's findings as help texts of the fields; a draft is saved all the same."""
    card = erp_adapter().card_of(co, request.access)
    for finding in (*card.findings, *card.notices):
        if finding.field in sheet.form.fields:
            sheet.form.fields[finding.field].help_text = finding.message


def _url(request: MemberRequest, co: CommitmentChangeOrder, act: str = "") -> str:
    name = f"commitment-change-order-{act}" if act else "commitment-change-order"
    return reverse(name, args=[request.company.slug, co.commitment.project.number, co.pk])


def _commitment_url(request: MemberRequest, commitment: Commitment) -> str:
    return reverse("commitment", args=[request.company.slug, commitment.project.number, commitment.pk])


def _unwind_url(request: MemberRequest, co: CommitmentChangeOrder) -> str:
    """The unwind plan: steps that accounting and the project team take in turns."""
    return reverse("unwind-plan", args=[request.company.slug, co.pk])


def _revision(request: MemberRequest) -> int | None:
    """The revision that the page showed; None when the request carries none."""
    sent = request.POST.get("revision", "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else None


def _sheet(
    request: MemberRequest, commitment: Commitment, initial: dict[str, Any], lines: list[dict[str, Any]]
) -> LinesForm:
    return lines_form_of(
        request.POST if request.method == "POST" else None,
        form=ChangeOrderForm,
        initial=initial,
        initial_lines=lines,
        line_options={"choices": line_choices(request.company, commitment), "of_commitment": False},
    )


def _form_page(
    request: MemberRequest,
    commitment: Commitment,
    sheet: LinesForm,
    *,
    heading: str,
    back: str,
    change_order: CommitmentChangeOrder | None = None,
) -> HttpResponse:
    problems = sheet.problems()
    locked = sheet.kept_lines is not None and change_order is not None
    context = {
        "project": commitment.project,
        "heading": heading,
        "form": sheet.form,
        "lines": sheet.lines,
        "lines_heading": "Lines",
        "locked_lines": lines_of_change_order(change_order) if locked and change_order else None,
        "locked_words": locked_words(change_order) if change_order else "",
        "problems": problems,
        "back": back,
    }
    return render(request, "commitments/sheet.html", context, status=422 if problems else 200)

"""The list of a project's commitments, and the pages of one."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commitments.forms import CommitmentForm, fields_of_commitment, fields_of_lines
from commitments.messages import NOT_APPROVED, has_change_orders_words, locked_company_words
from commitments.models import STATUSES_OF, Commitment, CommitmentKind, CommitmentStatus
from commitments.operations.edit_commitment import create_commitment, delete_commitment, edit_commitment
from commitments.policies import may_change_commitments, may_see_change_history
from commitments.ports import erp_adapter
from commitments.queries import (
    TONES_BY_WORD,
    change_orders_of,
    commitments_of,
    history_of,
    line_choices,
    lines_of_commitment,
    vendor_choices,
    with_sums,
)
from commitments.view_models import Button
from commitments.views.line_forms import LinesForm, lines_form_of, save
from commitments.views.responses import project_to_change, project_to_see, run_operation
from companies.decorators import MemberRequest, company_member
from companies.models import Project

KINDS = {"subcontract": CommitmentKind.SUBCONTRACT, "purchase-order": CommitmentKind.PURCHASE_ORDER}
"""As the address spells them."""


@company_member
@require_GET
def commitments(request: MemberRequest, number: str) -> HttpResponse:
    project = project_to_see(request, number)
    q, kind = request.GET.get("q", "")[:100].replace("\0", ""), request.GET.get("kind", "")
    page = request.GET.get("page", "")
    rows, page_shown = commitments_of(
        project, request.company, q=q, kind=kind, page=int(page) if page.isdecimal() and len(page) < 6 else 1
    )
    context = {
        "project": project,
        "rows": rows,
        "page": page_shown,
        "q": q,
        "kind": kind,
        "kinds": CommitmentKind.choices,
        "missing": may_change_commitments(request.access, project).missing,
        "new_urls": [
            (known.label.lower(), reverse("commitment-new", args=[request.company.slug, number, spelt]))
            for spelt, known in KINDS.items()
        ],
    }
    return render(request, "commitments/commitments.html", context)


@company_member
@require_GET
def commitment(request: MemberRequest, number: str, commitment_id: int) -> HttpResponse:
    project = project_to_see(request, number)
    found = _find(project, commitment_id)
    change_orders = change_orders_of(found, request.company)
    missing = may_change_commitments(request.access, project).missing
    state = erp_adapter().commitment_states([found.pk])[found.pk]
    not_approved = () if found.status == CommitmentStatus.APPROVED else (NOT_APPROVED,)
    with_change_orders = (
        (has_change_orders_words([co.number for co in change_orders]),) if change_orders else ()
    )
    context = {
        "project": project,
        "commitment": found,
        "sums": with_sums(Commitment.objects.filter(pk=found.pk)).get(),
        "erp_status": state,
        "erp_tone": TONES_BY_WORD.get(state, "waiting"),
        "lines": lines_of_commitment(found),
        "change_orders": change_orders,
        "edit": Button("Edit", _url(request, "commitment-edit", found), missing),
        "new_change_order": Button(
            "New change order",
            _url(request, "commitment-change-order-new", found),
            missing or not_approved,
        ),
        "delete": Button("Delete", _url(request, "commitment-delete", found), missing or with_change_orders),
        "history": history_of(found) if may_see_change_history(request.access, project) else None,
    }
    return render(request, "commitments/commitment.html", context)


@company_member
@require_http_methods(["GET", "POST"])
def new(request: MemberRequest, number: str, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    project = project_to_change(request, number)
    sheet = _sheet(request, KINDS[kind], {"status": CommitmentStatus.DRAFT, "revision": 0}, [])
    made = save(
        sheet,
        lambda written: create_commitment(
            company_id=request.company.pk,
            project_id=project.pk,
            user_id=request.user.pk,
            kind=KINDS[kind],
            written=written,
        ),
    )
    if made:
        messages.success(request, f"{made.get_kind_display()} {made.number} was created.")
        return redirect(_url(request, "commitment", made))
    back = reverse("commitments", args=[request.company.slug, number])
    heading = f"New {KINDS[kind].label.lower()}"
    return _form_page(request, project, sheet, heading=heading, back=back)


@company_member
@require_http_methods(["GET", "POST"])
def edit(request: MemberRequest, number: str, commitment_id: int) -> HttpResponse:
    project = project_to_change(request, number)
    found = _find(project, commitment_id)
    sheet = _sheet(
        request,
        CommitmentKind(found.kind),
        fields_of_commitment(found),
        fields_of_lines(list(found.lines.order_by("position"))),
    )
    held = found.locked_change_orders()
    if held:
        sheet.form.fields["vendor"].disabled = True
        sheet.form.fields["vendor"].help_text = locked_company_words(held)

    def write(written: Any) -> bool:
        edit_commitment(
            company_id=request.company.pk,
            commitment_id=found.pk,
            user_id=request.user.pk,
            revision=sheet.form.cleaned_data["revision"],
            written=written,
        )
        return True

    if save(sheet, write):
        messages.success(request, "Saved.")
        return redirect(_url(request, "commitment", found))
    heading = f"Edit {found.get_kind_display().lower()} {found.number}"
    return _form_page(request, project, sheet, heading=heading, back=_url(request, "commitment", found))


@company_member
@require_POST
def delete(request: MemberRequest, number: str, commitment_id: int) -> HttpResponse:
    project = project_to_see(request, number)
    found = _find(project, commitment_id)
    return run_operation(
        request,
        partial(
            delete_commitment, company_id=request.company.pk, commitment_id=found.pk, user_id=request.user.pk
        ),
        done=f"{found.get_kind_display()} {found.number} was deleted.",
        then=reverse("commitments", args=[request.company.slug, number]),
        back=_url(request, "commitment", found),
    )


def _find(project: Project, commitment_id: int) -> Commitment:
    found = get_object_or_404(Commitment.objects.select_related("vendor"), pk=commitment_id, project=project)
    found.project = project
    return found


def _url(request: MemberRequest, name: str, found: Commitment) -> str:
    return reverse(name, args=[request.company.slug, found.project.number, found.pk])


def _sheet(
    request: MemberRequest, kind: CommitmentKind, initial: dict[str, Any], lines: list[dict[str, Any]]
) -> LinesForm:
    vendors = vendor_choices(request.company)
    statuses = [(status.value, status.label) for status in STATUSES_OF[kind]]
    return lines_form_of(
        request.POST if request.method == "POST" else None,
        form=lambda **data: CommitmentForm(vendors=vendors, statuses=statuses, **data),
        initial=initial,
        initial_lines=lines,
        line_options={"choices": line_choices(request.company), "of_commitment": True},
    )


def _form_page(
    request: MemberRequest, project: Project, sheet: LinesForm, *, heading: str, back: str
) -> HttpResponse:
    problems = sheet.problems()
    context = {
        "project": project,
        "heading": heading,
        "form": sheet.form,
        "lines": sheet.lines,
        "lines_heading": "Schedule of values",
        "problems": problems,
        "back": back,
    }
    return render(request, "commitments/sheet.html", context, status=422 if problems else 200)

"""The accountant's pages of the practice company: only for a sandbox connection, only in the demo."""

from pathlib import Path

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from companies.decorators import MemberRequest, company_member
from erp_integrations.erp import registry
from erp_integrations.erp.queries import find_connection
from erp_integrations.policies import may_use_sandbox
from erp_integrations.ports import ErpSandbox, NoSuchRecord, WriteRefused
from erp_integrations.sandbox.forms import NewChangeOrderForms
from erp_integrations.web.tabs import is_practice

ACCOUNTANT = "ACCT1"
"""The name the practice company's history shows for what is done on these pages."""

DONE = {
    "delete": "Record {record} was deleted in the practice company.",
    "void": "Record {record} was marked Void in the practice company.",
    "reject": "Record {record} was marked Rejected in the practice company.",
    "restore": "Record {record} was restored in the practice company.",
    "recreate": "Record {record} was entered anew in the practice company.",
}


@company_member
@require_GET
def sandbox(request: MemberRequest) -> HttpResponse:
    practice = _sandbox(request)
    context = {
        "records": practice.change_orders(),
        "company_in_sage": practice.company_now(),
        "faults": practice.faults(),
        "fault": practice.fault(),
    }
    return render(request, "erp_integrations/sandbox/sandbox.html", context)


@company_member
@require_GET
def record(request: MemberRequest, record_number: str) -> HttpResponse:
    try:
        found = _sandbox(request).change_order(record_number)
    except NoSuchRecord:
        raise Http404 from None
    return render(request, "erp_integrations/sandbox/record.html", {"record": found})


@company_member
@require_http_methods(["GET", "POST"])
def new(request: MemberRequest) -> HttpResponse:
    """Window 6-4-1, empty: keys a change order in, or says at the field why it is not saved."""
    practice = _sandbox(request)
    if request.method == "GET":
        forms = NewChangeOrderForms.empty()
    elif "add-line" in request.POST:
        forms = NewChangeOrderForms.with_another_line(request.POST)
    else:
        forms = NewChangeOrderForms.sent(request.POST)
        if saved := _keyed_in(practice, forms):
            messages.success(request, f"Record {saved} was saved in the practice company.")
            return redirect("sandbox-record", request.company.slug, saved)
    return render(
        request, "erp_integrations/sandbox/new_record.html", {"header": forms.header, "lines": forms.lines}
    )


def _keyed_in(practice: ErpSandbox, forms: NewChangeOrderForms) -> str:
    """The new record's number; empty where it was refused, which the forms then say."""
    if not forms.is_valid():
        return ""
    try:
        return practice.key_in(forms.entry(), user=ACCOUNTANT)
    except WriteRefused as refused:
        forms.refuse(refused)
        return ""


@company_member
@require_POST
def act(request: MemberRequest, record_number: str) -> HttpResponse:
    """Does one thing to one record, as an accountant would. The address holds a `SandboxRecord.key`."""
    practice = _sandbox(request)
    wanted = request.POST.get("act", "")
    if wanted not in DONE:
        raise Http404
    try:
        getattr(practice, wanted)(record_number, user=ACCOUNTANT)
    except NoSuchRecord as refused:
        messages.warning(request, f"{refused} Nothing was changed.")
    else:
        messages.success(request, DONE[wanted].format(record=record_number))
    return redirect("sandbox", request.company.slug)


@company_member
@require_POST
def archive(request: MemberRequest, job_record_number: str) -> HttpResponse:
    """Archives a closed job, as Sage's system administrator does at the end of a year."""
    try:
        _sandbox(request).archive(job_record_number)
    except NoSuchRecord as refused:
        messages.warning(request, f"{refused} Nothing was changed.")
    else:
        messages.success(request, f"Job {job_record_number} was archived in the practice company.")
    return redirect("sandbox", request.company.slug)


@company_member
@require_POST
def fault(request: MemberRequest) -> HttpResponse:
    practice = _sandbox(request)
    wanted = request.POST.get("fault", "")
    try:
        practice.set_fault(wanted)
    except ValueError:
        messages.warning(request, "There is no such fault. Nothing was changed.")
    else:
        words = "All faults are off." if wanted == "none" else f"The fault {wanted} is on."
        messages.success(request, words)
    return redirect("sandbox", request.company.slug)


@company_member
@require_POST
def restore_backup(request: MemberRequest) -> HttpResponse:
    _sandbox(request).restore_backup()
    messages.success(request, "The last backup was restored: the practice company is another database now.")
    return redirect("sandbox", request.company.slug)


def _sandbox(request: MemberRequest) -> ErpSandbox:
    connection = find_connection(request.company)
    if connection is None or not is_practice(connection):
        raise Http404
    if not may_use_sandbox(request.access):
        raise PermissionDenied
    return registry.sandbox_at(Path(connection.sandbox_path))

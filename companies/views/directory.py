"""Pages of the Directory: people, their levels, and requests for Can Push to Accounting."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from companies import queries
from companies.decorators import MemberRequest, company_member
from companies.errors import DirectoryRefused
from companies.forms import DigestForm, LevelsForm, PeopleForm, ProjectsForm, RequestForm
from companies.models import Membership
from companies.operations.change_digest_subscription import change_digest_subscription
from companies.operations.change_levels import change_levels, levels_of
from companies.operations.change_privilege import request_privilege as ask_support
from companies.policies import may_change_levels, may_see_directory

FORM_NOT_VALID = 422
PERMISSION_DENIED = 403


@company_member
@require_GET
def directory(request: MemberRequest) -> HttpResponse:
    if not may_see_directory(request.access):
        raise PermissionDenied
    q, page = PeopleForm(request.GET).read()
    rows, page_of_list = queries.people(request.company, q=q, page=page)
    return render(request, "companies/directory.html", {"rows": rows, "page": page_of_list, "q": q})


@company_member
@require_GET
def own(request: MemberRequest) -> HttpResponse:
    """Redirects to the person's own entry, which every member may see."""
    return redirect("directory-person", request.company.slug, queries.own_entry_id(request.access))


@company_member
@require_GET
def person(request: MemberRequest, membership_id: int) -> HttpResponse:
    return _person_page(request, _entry(request, membership_id))


@company_member
@require_POST
def levels(request: MemberRequest, membership_id: int) -> HttpResponse:
    """Changes the levels of the entry; for company administrators.

    The POST data names the projects that were shown; all others keep their level.
    """
    entry = _entry(request, membership_id)
    if not may_change_levels(request.access):
        raise PermissionDenied
    shown = queries.projects_of(request.company, ids=LevelsForm.named_in(request.POST))
    form = LevelsForm(levels_of(entry), shown, request.POST)
    if not form.is_valid():
        return _person_page(request, entry, levels_form=form, status=FORM_NOT_VALID)
    try:
        count = change_levels(
            company_id=request.company.pk,
            membership_id=membership_id,
            seen=form.cleaned_data["seen"],
            wanted=form.wanted(),
            actor=request.user,
        )
    except DirectoryRefused as refusal:
        return _refused(request, membership_id, refusal)
    messages.success(request, f"{count} level{'' if count == 1 else 's'} changed.")
    return _back_to(request, membership_id)


@company_member
@require_POST
def request_privilege(request: MemberRequest, membership_id: int) -> HttpResponse:
    """Requests Can Push to Accounting from support."""
    entry = _entry(request, membership_id)
    form = RequestForm(request.POST)
    if not form.is_valid():
        return _person_page(request, entry, request_form=form, status=FORM_NOT_VALID)
    try:
        ask_support(
            company_id=request.company.pk,
            membership_id=membership_id,
            reason=form.cleaned_data["reason"],
            actor=request.user,
        )
    except DirectoryRefused as refusal:
        return _refused(request, membership_id, refusal)
    messages.success(request, "Support was asked. The answer comes by mail.")
    return redirect("directory-person", request.company.slug, membership_id)


@company_member
@require_POST
def digest(request: MemberRequest) -> HttpResponse:
    """Subscribes or unsubscribes the person's own entry."""
    form = DigestForm(request.POST)
    form.full_clean()
    wanted = form.cleaned_data["subscribed"]
    change_digest_subscription(company_id=request.company.pk, wanted=wanted, actor=request.user)
    messages.success(
        request, "You get the ERP digest." if wanted else "You do not get the ERP digest any more."
    )
    return redirect("directory-own", request.company.slug)


def _entry(request: MemberRequest, membership_id: int) -> Membership:
    """An entry of the company: one's own, or any for people who may see the Directory."""
    entry = queries.find_entry(request.company, membership_id)
    if entry is None:
        raise Http404
    if entry.user_id != request.user.pk and not may_see_directory(request.access):
        raise PermissionDenied
    return entry


def _refused(request: MemberRequest, membership_id: int, refusal: DirectoryRefused) -> HttpResponse:
    if refusal.status == PERMISSION_DENIED:
        raise PermissionDenied from None
    messages.warning(request, f"{refusal} Nothing was changed.")
    return _back_to(request, membership_id)


def _back_to(request: MemberRequest, membership_id: int) -> HttpResponse:
    """Redirects to the entry's page with the same projects shown."""
    q, page = ProjectsForm(request.GET).read()
    entry = reverse("directory-person", args=[request.company.slug, membership_id])
    return redirect(queries.projects_url(entry, q=q, page=page))


def _person_page(
    request: MemberRequest,
    entry: Membership,
    *,
    levels_form: LevelsForm | None = None,
    request_form: RequestForm | None = None,
    status: int = 200,
) -> HttpResponse:
    facts = queries.facts_of(entry, request.access)
    administers = bool(may_change_levels(request.access))
    q, page = ProjectsForm(request.GET).read()
    url = _url(request, "directory-person", entry)
    projects, page_of_projects = queries.find_projects(request.company, q=q, page=page, at=url)
    current = levels_of(entry)
    context: dict[str, Any] = {
        "person": facts,
        "url": url,
        "page": page_of_projects,
        "q": q,
        "searches": bool(q) or page_of_projects.total > len(projects),
        "directory_url": reverse("directory", args=[request.company.slug])
        if may_see_directory(request.access)
        else "",
    }
    if administers:
        context["levels_form"] = levels_form or LevelsForm(current, projects)
        levels_url = _url(request, "directory-levels", entry)
        context["levels_url"] = queries.projects_url(levels_url, q=q, page=page)
    else:
        context["level_lines"] = queries.level_lines(current, projects)
    if administers or facts.is_own:
        context["requested"] = queries.find_open_request(entry)
        context["events"] = queries.events_of(entry)
        if facts.is_active and not facts.can_push_to_accounting and context["requested"] is None:
            context["request_form"] = request_form or RequestForm(label_suffix="")
            context["request_url"] = _url(request, "directory-request-privilege", entry)
    if facts.is_own:
        context["digest_form"] = DigestForm(
            initial={"subscribed": facts.subscribed_to_digest}, label_suffix=""
        )
        context["digest_url"] = reverse("directory-digest", args=[request.company.slug])
    return render(request, "companies/person.html", context, status=status)


def _url(request: MemberRequest, name: str, entry: Membership) -> str:
    return reverse(name, args=[request.company.slug, entry.pk])

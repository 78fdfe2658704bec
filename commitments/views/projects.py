"""The list of the company's projects."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commitments.queries import projects_of
from companies.decorators import MemberRequest, company_member


@company_member
@require_GET
def projects(request: MemberRequest) -> HttpResponse:
    """Lists the projects whose commitments the viewer may see."""
    return render(
        request, "commitments/projects.html", {"projects": projects_of(request.company, request.access)}
    )

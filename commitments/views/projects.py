"""The company's projects, and the door into one."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commitments.policies import may_change_commitments, may_see_commitments
from commitments.queries import projects_of
from companies.access import Ruling
from companies.decorators import MemberRequest, company_member
from companies.models import Project


@company_member
@require_GET
def projects(request: MemberRequest) -> HttpResponse:
    """Those whose commitments the viewer may see."""
    return render(
        request, "commitments/projects.html", {"projects": projects_of(request.company, request.access)}
    )


def project_to_see(request: MemberRequest, number: str) -> Project:
    """The company's project, for those who may see its commitments."""
    project = get_object_or_404(
        Project.objects.select_related("company"), company=request.company, number=number
    )
    require(may_see_commitments(request.access, project))
    return project


def project_to_change(request: MemberRequest, number: str) -> Project:
    """The company's project, for those who may change its commitments."""
    project = project_to_see(request, number)
    require(may_change_commitments(request.access, project))
    return project


def require(ruling: Ruling) -> None:
    """403, with what is missing, in words."""
    if not ruling:
        raise PermissionDenied(". ".join(ruling.missing) + ".")

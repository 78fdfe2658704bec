"""Responses of the Commitments tool: from a project's number, and from an operation's outcome."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from commitments.errors import CommitmentsRefused
from commitments.policies import may_change_commitments, may_see_commitments
from companies.access import Ruling
from companies.decorators import MemberRequest
from companies.models import Project

PERMISSION_DENIED = 403


def project_to_see(request: MemberRequest, number: str) -> Project:
    """The company's project. 404 when it does not exist, 403 without the right to see its commitments."""
    project = get_object_or_404(
        Project.objects.select_related("company"), company=request.company, number=number
    )
    _require(may_see_commitments(request.access, project))
    return project


def project_to_change(request: MemberRequest, number: str) -> Project:
    """As `project_to_see`, with the right to change its commitments."""
    project = project_to_see(request, number)
    _require(may_change_commitments(request.access, project))
    return project


def _require(ruling: Ruling) -> None:
    if not ruling:
        raise PermissionDenied(". ".join(ruling.missing) + ".")


@contextmanager
def http_errors() -> Iterator[None]:
    """Around an operation: 404 when the row was deleted, 403 when the right was taken away meanwhile."""
    try:
        yield
    except CommitmentsRefused as refusal:
        if refusal.status == PERMISSION_DENIED:
            raise PermissionDenied(str(refusal)) from None
        raise
    except ObjectDoesNotExist:
        raise Http404 from None


def run_operation(
    request: MemberRequest, operation: Callable[[], object], *, done: str, then: str, back: str
) -> HttpResponse:
    """Runs an operation and redirects with its message: to `then`, or to `back` when it refused."""
    try:
        with http_errors():
            operation()
    except CommitmentsRefused as refusal:
        messages.warning(request, f"{refusal} Nothing was changed.")
        return redirect(back)
    messages.success(request, done)
    return redirect(then)

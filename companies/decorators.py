"""Access to the pages of a company: signed-in, active members only.

A full page never lands in a fragment: an HTMX request is redirected to the sign-in page, or reloads the page.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from companies.access import Access, find_access
from companies.models import Company, User


class MemberRequest(HttpRequest):
    """A request that passed `company_member`."""

    htmx: HtmxDetails
    user: User
    company: Company
    access: Access


def company_member(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Allows active members of the company `slug`; responds with 404 to everyone else.

    The view gets `request.company` and `request.access`, read for this request.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        try:
            company = Company.objects.filter(slug=slug).first()
            access = company and find_access(user_id=request.user.pk, company_id=company.pk)
            if company is None or access is None:
                raise Http404
            request.company = company  # type: ignore[attr-defined]
            request.access = access  # type: ignore[attr-defined]
            structlog.contextvars.bind_contextvars(company_id=company.pk)
            return view(request, *args, **kwargs)
        except (Http404, PermissionDenied) as refused:
            if request.htmx:  # type: ignore[attr-defined]
                response = HttpResponseClientRefresh()
                response.status_code = 404 if isinstance(refused, Http404) else 403
                return response
            raise

    return guarded


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirects to the sign-in page, and from there back to the page: never to a POST-only URL."""
    page = _page_of(request)
    response = redirect_to_login(page)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(response.headers["Location"])
    return response


def _page_of(request: HttpRequest) -> str:
    if request.method == "GET" and not request.htmx:  # type: ignore[attr-defined]
        return request.get_full_path()
    came_from = request.htmx.current_url or request.headers.get("Referer", "")  # type: ignore[attr-defined]
    if url_has_allowed_host_and_scheme(
        came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        parts = urlsplit(came_from)
        page = parts.path + (f"?{parts.query}" if parts.query else "")
        # Without its host, a path that begins with two slashes would name another host.
        if page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
            return page
    return reverse("company-picker")

"""The company picker, and the page for a failed CSRF check."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRefresh

from companies.access import companies_of
from companies.models import User


@login_required
@require_GET
def picker(request: HttpRequest) -> HttpResponse:
    """The person's companies; redirects to the company when there is just one."""
    assert isinstance(request.user, User)
    companies = companies_of(request.user)
    if len(companies) == 1:
        return redirect("company-home", companies[0].slug)
    choices = [
        {"name": company.name, "url": reverse("company-home", args=[company.slug])} for company in companies
    ]
    return render(request, "companies/picker.html", {"companies": choices})


def csrf_failure(request: HttpRequest, **_: Any) -> HttpResponse:
    """Asks the person to reload the page; an HTMX request reloads it."""
    if request.headers.get("HX-Request") == "true":
        response: HttpResponse = HttpResponseClientRefresh()
        response.status_code = 403
        return response
    return render(request, "403_csrf.html", status=403)

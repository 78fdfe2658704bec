"""The Django admin with Plumbline's name and sign-in page, and the support desk as its index."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver

from erp_integrations.support.urls import desk_urls
from erp_integrations.support.views import front_page


class SupportDesk(AdminSite):
    site_header = "Plumbline support desk"
    site_title = "Plumbline support desk"
    index_title = "Support desk"
    index_template = "admin/desk/index.html"
    site_url = "/"

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [*desk_urls(self.admin_view), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What waits for support, then all models."""
        return super().index(request, {**front_page(request), **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Redirects to the product's sign-in page, so that its rate limits apply."""
        view = secure_admin_login(super().login)
        response: HttpResponse = view(request, extra_context)
        return response

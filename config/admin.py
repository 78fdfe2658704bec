"""The admin site: Django's own, with our name and our door."""

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse


class SupportDesk(AdminSite):
    site_header = "Plumbline support desk"
    site_title = "Plumbline support desk"
    index_title = "Support desk"
    site_url = "/"

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Signs in through the product's own page, so that its limits hold here too."""
        view = secure_admin_login(super().login)
        response: HttpResponse = view(request, extra_context)
        return response

"""The support desk's export of a period of the ledger, for one company or all."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from companies.admin import ReadOnlyAdmin
from companies.staff_permissions import EXPORT_LEDGER
from erp_integrations.activity.forms import LedgerExportForm
from erp_integrations.activity.views import file_answer


class LedgerAdmin(ReadOnlyAdmin):
    """The admin list of a book, with a link to the export."""

    change_list_template = "admin/erp_integrations/ledger_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        export = path(
            "export/",
            self.admin_site.admin_view(require_GET(export_ledger)),
            name="erp_integrations_export_ledger",
        )
        return [export, *super().get_urls()]


def export_ledger(request: HttpRequest) -> HttpResponseBase:
    """Asks for company, period and format, then responds with the file. Changes nothing."""
    if not request.user.has_perm(EXPORT_LEDGER):
        raise PermissionDenied
    form = LedgerExportForm(request.GET or None)
    if form.is_valid():
        company = form.cleaned_data["company"]
        return file_answer(
            form.event_filter(),
            form.cleaned_data["format"],
            name=company.slug if company else "all-companies",
        )
    context: dict[str, Any] = {**admin.site.each_context(request), "title": "Export the ledger", "form": form}
    return render(
        request, "admin/erp_integrations/export_ledger.html", context, status=422 if form.is_bound else 200
    )

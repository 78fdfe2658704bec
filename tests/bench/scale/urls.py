"""The product's addresses, and beside them what they are measured against."""

from django.contrib import admin
from django.urls import path

from config.urls import urlpatterns as of_the_product
from erp_integrations.change_orders.list_query import BY_PROJECT
from erp_integrations.models import ChangeOrderLink
from tests.bench.scale import floor

peer = admin.AdminSite(name="peer")


@admin.register(ChangeOrderLink, site=peer)
class LinksAsDjangoShowsThem(admin.ModelAdmin[ChangeOrderLink]):
    """The same list as anybody would write it: its columns, its order, its filters, a search, fifty rows."""

    list_display = (
        *("project_name", "commitment_number", "contract_company", "cco_number", "cco_title", "erp_amount"),
        *("number", "record_number", "linked_at", "linked_by_name", "presence", "presence_checked_at"),
    )
    ordering = BY_PROJECT
    list_filter = ("presence", "project_number", "contract_company", "linked_by_name")
    search_fields = ("cco_number", "cco_title", "project_name", "contract_company")
    list_per_page = 50


urlpatterns = [
    *of_the_product,
    path("bench/admin/", peer.urls),
    path("bench/<slug:slug>/floor/", floor.page, name="bench-floor"),
    path("bench/<slug:slug>/unlink/<int:link_id>/", floor.unlink, name="bench-unlink"),
]

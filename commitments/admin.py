"""The support desk's view of vendors, commitments and change orders."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from commitments.models import (
    ChangeOrderLine,
    Commitment,
    CommitmentChangeOrder,
    CommitmentLine,
    CostCode,
    CostType,
    ErpStatus,
    Vendor,
)


class KeptWhileLinkedAdmin(admin.ModelAdmin[Any]):
    """Rows that a live link keeps from being deleted."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Names the links that stand in the way, rather than that nobody may delete those."""
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set() if protected else lacking, protected


@admin.register(Vendor)
class VendorAdmin(admin.ModelAdmin[Vendor]):
    list_display = ("number", "name", "company")
    list_filter = ("company",)
    search_fields = ("number", "name")
    list_select_related = ("company",)


@admin.register(CostCode)
class CostCodeAdmin(admin.ModelAdmin[CostCode]):
    list_display = ("code", "name", "company")
    list_filter = ("company",)
    search_fields = ("code", "name")
    list_select_related = ("company",)


@admin.register(CostType)
class CostTypeAdmin(admin.ModelAdmin[CostType]):
    list_display = ("code", "name", "company")
    list_filter = ("company",)
    search_fields = ("code", "name")
    list_select_related = ("company",)


class CommitmentLines(admin.TabularInline[CommitmentLine, Commitment]):
    model = CommitmentLine
    extra = 0
    autocomplete_fields = ("cost_code", "cost_type")


@admin.register(Commitment)
class CommitmentAdmin(KeptWhileLinkedAdmin):
    list_display = ("number", "title", "kind", "vendor", "project", "status")
    list_filter = ("kind", "status", "project__company")
    search_fields = ("number", "title", "vendor__name", "project__name")
    list_select_related = ("vendor", "project")
    autocomplete_fields = ("vendor", "project")
    inlines = (CommitmentLines,)


class ChangeOrderLines(admin.TabularInline[ChangeOrderLine, CommitmentChangeOrder]):
    """To read: lines are changed where the rules for it are, on the project's page."""

    model = ChangeOrderLine
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CommitmentChangeOrder)
class ChangeOrderAdmin(KeptWhileLinkedAdmin):
    list_display = ("number", "title", "commitment", "status", "erp_status", "amount")
    list_filter = ("erp_status", "status", "commitment__project__company")
    search_fields = ("number", "title", "commitment__number", "commitment__title")
    list_select_related = ("commitment",)
    readonly_fields = ("erp_status", "amount", "created_at")
    autocomplete_fields = ("commitment",)
    inlines = (ChangeOrderLines,)

    def has_change_permission(self, request: HttpRequest, obj: CommitmentChangeOrder | None = None) -> bool:
        """A CCO that accounting holds is not changed from here either."""
        free = obj is None or obj.erp_status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
        return free and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: CommitmentChangeOrder | None = None) -> bool:
        """A synced CCO is not deleted; the list's own action is told so by the link itself."""
        free = obj is None or obj.erp_status in (ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED)
        return free and super().has_delete_permission(request, obj)

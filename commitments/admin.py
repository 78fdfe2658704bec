"""The support desk's view of vendors, commitments and change orders.

Commitments and CCOs are changed where the rules for it and the change history are: on the project's pages.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from commitments.models import (
    FREE,
    ChangeOrderLine,
    Commitment,
    CommitmentChangeOrder,
    CommitmentLine,
    CostCode,
    CostType,
    ErpStatus,
    HistoryEntry,
    Vendor,
)
from companies.admin import ReadOnlyAdmin
from companies.admin_lists import FastList
from companies.text import clean_number, plain_cost_code


class KeptWhileLinkedAdmin(FastList):
    """Rows that only operations write, and that a live link keeps from being deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Names the links that stand in the way, rather than that nobody may delete those."""
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set() if protected else lacking, protected


class VendorAdminForm(forms.ModelForm[Vendor]):
    def clean_number(self) -> str:
        return clean_number(self.cleaned_data["number"])


@admin.register(Vendor)
class VendorAdmin(admin.ModelAdmin[Vendor]):
    form = VendorAdminForm
    list_display = ("number", "name", "company")
    list_filter = ("company",)
    search_fields = ("number", "name")
    list_select_related = ("company",)


class CostCodeAdminForm(forms.ModelForm[CostCode]):
    def clean_code(self) -> str:
        return plain_cost_code(self.cleaned_data["code"])


@admin.register(CostCode)
class CostCodeAdmin(admin.ModelAdmin[CostCode]):
    form = CostCodeAdminForm
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


class LinesToRead(admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what each line names, so that it is not asked for line by line."""
        return super().get_queryset(request).select_related("cost_code", "cost_type")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CommitmentLines(LinesToRead):
    model = CommitmentLine


@admin.register(Commitment)
class CommitmentAdmin(KeptWhileLinkedAdmin):
    list_display = ("number", "title", "kind", "vendor", "project", "status")
    list_filter = ("kind", "status", "project__company")
    search_fields = ("number", "title", "vendor__name", "project__name")
    list_select_related = ("vendor", "project")
    indexed = (("project__id__exact",), ("vendor__id__exact",))
    inlines = (CommitmentLines,)


class ChangeOrderLines(LinesToRead):
    model = ChangeOrderLine

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("commitment_line")


MOST_ARE = (ErpStatus.NOT_IN_ERP, ErpStatus.SYNCED)


@admin.register(CommitmentChangeOrder)
class ChangeOrderAdmin(KeptWhileLinkedAdmin):
    list_display = ("number", "title", "commitment", "status", "erp_status", "amount")
    list_filter = ("erp_status", "status", "commitment__project__company")
    search_fields = ("number", "title", "commitment__number", "commitment__title")
    list_select_related = ("commitment",)
    inlines = (ChangeOrderLines,)
    indexed = (
        ("commitment__id__exact",),
        *((f"erp_status__exact={status}",) for status in ErpStatus if status not in MOST_ARE),
    )

    def has_delete_permission(self, request: HttpRequest, obj: CommitmentChangeOrder | None = None) -> bool:
        """A CCO that accounting holds is not deleted; the list's own action is told so by the link itself."""
        return (obj is None or obj.erp_status in FREE) and super().has_delete_permission(request, obj)


@admin.register(HistoryEntry)
class HistoryEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "subject_label", "what", "before", "after")
    list_filter = ("subject_kind",)
    search_fields = ("subject_label", "actor_name")
    indexed = (("subject_kind__exact", "subject_id"),)

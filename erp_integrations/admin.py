"""The support desk's view of connections, links, attempts and events: to read, never to change."""

from django.contrib import admin

from companies.admin import ReadOnlyAdmin
from erp_integrations.admin_ledger import LedgerAdmin
from erp_integrations.models import (
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    CommitmentLink,
    Connection,
    Export,
    JobLink,
    LinkEvent,
    ReconcileRun,
    UnlinkAttempt,
    VendorLink,
)


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = ("company", "kind", "database", "accepted_at", "last_success_at", "last_failure_at")
    list_filter = ("kind",)
    search_fields = ("company__name", "company__slug", "database")
    list_select_related = ("company",)
    exclude = ("odbc_string_encrypted",)


@admin.register(JobLink)
class JobLinkAdmin(ReadOnlyAdmin):
    list_display = ("project", "record_number", "row_id", "linked_at", "unlinked_at")
    search_fields = ("record_number", "project__name", "project__number")
    list_select_related = ("project",)


@admin.register(CommitmentLink)
class CommitmentLinkAdmin(ReadOnlyAdmin):
    list_display = ("commitment", "number", "record_number", "row_id", "linked_at", "unlinked_at")
    search_fields = ("number", "record_number", "commitment__number", "commitment__title")
    list_select_related = ("commitment",)


@admin.register(VendorLink)
class VendorLinkAdmin(ReadOnlyAdmin):
    list_display = ("vendor", "record_number", "row_id", "linked_at", "unlinked_at")
    search_fields = ("record_number", "vendor__name", "vendor__number")
    list_select_related = ("vendor",)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("change_order", "erp_number", "writer", "sent_at", "accepted_at", "ended_at", "outcome")
    list_filter = ("outcome", "writer", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("change_order__number", "change_order__title", "erp_number", "sent_by_name")
    list_select_related = ("change_order",)
    ordering = ("-id",)


@admin.register(ChangeOrderLink)
class ChangeOrderLinkAdmin(ReadOnlyAdmin):
    list_display = (
        "cco_number",
        "cco_title",
        "project_name",
        "commitment_number",
        "number",
        "record_number",
        "presence",
        "linked_at",
        "unlinked_at",
    )
    list_filter = ("presence", ("unlinked_at", admin.EmptyFieldListFilter))
    search_fields = (
        "cco_number",
        "cco_title",
        "number",
        "record_number",
        "project_name",
        "commitment_number",
        "contract_company",
    )
    ordering = ("-id",)


@admin.register(UnlinkAttempt)
class UnlinkAttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "link", "state", "verdict", "reason", "actor_name", "started_at", "ended_at")
    list_filter = ("state", "verdict")
    search_fields = ("link__cco_number", "link__cco_title", "link__record_number", "actor_name")
    list_select_related = ("link",)
    ordering = ("-id",)


@admin.register(BulkUnlink)
class BulkUnlinkAdmin(ReadOnlyAdmin):
    list_display = ("id", "company", "actor_name", "started_at", "cancelled_at", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("company__name", "actor_name", "request_id")
    list_select_related = ("company",)
    ordering = ("-id",)


@admin.register(BulkUnlinkItem)
class BulkUnlinkItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "bulk", "link", "state", "tries", "ended_at")
    list_filter = ("state",)
    search_fields = ("link__cco_number", "link__cco_title", "link__record_number", "bulk__actor_name")
    list_select_related = ("bulk", "link")
    ordering = ("-id",)


@admin.register(ReconcileRun)
class ReconcileRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "connection", "state", "started_at", "ended_at", "checked", "changed", "fault_code")
    list_filter = ("state",)
    search_fields = ("connection__company__name", "fault_code", "fault_words", "actor_name")
    list_select_related = ("connection__company",)
    ordering = ("-id",)


@admin.register(LinkEvent)
class LinkEventAdmin(LedgerAdmin):
    list_display = ("at", "company_slug", "kind", "subject_label", "actor_name", "via", "reason")
    list_filter = ("kind", "via", "company_slug")
    search_fields = ("subject_label", "actor_name", "reason", "request_id")
    ordering = ("-id",)

"""The support desk's admin of connections, links, attempts and events; read-only."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from companies.admin import ReadOnlyAdmin, ReadOnlyPermissions
from companies.admin_lists import MOST_FOUND, OfCompany, OneOf
from erp_integrations.activity.admin import LedgerAdmin
from erp_integrations.change_orders.link_filters import contains, find_links
from erp_integrations.models import (
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    CommitmentLineLink,
    CommitmentLink,
    ConfirmedDeletion,
    ConfirmedDeletionRecord,
    Connection,
    Export,
    IgnoredRecord,
    JobLink,
    LinkEvent,
    ReconcileRun,
    UnlinkAttempt,
    VendorLink,
    Via,
)
from erp_integrations.models.links import RARE_PRESENCES
from erp_integrations.ports import Verdict

FINDS_CHANGE_ORDERS = (
    "Finds whole or parts of: CCO, title, project, commitment, contract company, Sage's numbers."
)


class OfVerdict(OneOf):
    title = parameter_name = column = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(verdict, verdict.capitalize().replace("-", " ")) for verdict in Verdict]


class OfVia(OneOf):
    title = parameter_name = column = "via"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(via.value, via.label.capitalize()) for via in Via]


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyPermissions):
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


class LinesOfLink(admin.TabularInline[CommitmentLineLink, CommitmentLink]):
    model = CommitmentLineLink
    can_delete = False
    fields = ("commitment_line", "line_number", "description", "cost_code", "cost_type", "amount", "row_id")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[CommitmentLineLink]:
        return super().get_queryset(request).select_related("commitment_line", "link")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CommitmentLink)
class CommitmentLinkAdmin(ReadOnlyAdmin):
    inlines = (LinesOfLink,)
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
    list_filter = ("outcome", "by_hand", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("change_order__number", "change_order__title", "erp_number", "sent_by_name")
    list_select_related = ("change_order",)
    indexed = (("change_order__id__exact",), ("ended_at__isempty=1",))


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
    search_fields = ("search_text",)
    search_help_text = FINDS_CHANGE_ORDERS
    is_searched_by_index = True
    indexed = (
        ("change_order__id__exact",),
        *((f"presence__exact={presence}",) for presence in RARE_PRESENCES),
        ("unlinked_at__isempty=0",),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(*(contains(word) for word in search_term.split())), False

    def found_by_index(self, words: str) -> Sequence[int] | None:
        return find_links(words, most=MOST_FOUND)


@admin.register(UnlinkAttempt)
class UnlinkAttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "link", "state", "verdict", "reason", "actor_name", "started_at", "ended_at")
    list_filter = ("state", OfVerdict)
    search_fields = ("link__search_text",)
    search_help_text = FINDS_CHANGE_ORDERS
    is_searched_by_index = True
    list_select_related = ("link",)
    indexed = (("link__id__exact",), ("bulk_item__id__exact",), ("state__exact=CHECKING",))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(*(contains(word, of="link__") for word in search_term.split())), False

    def found_by_index(self, words: str) -> Sequence[int] | None:
        links = find_links(words, most=MOST_FOUND)
        if links is None:
            return None
        found = list(
            UnlinkAttempt.objects.filter(link__in=links).values_list("pk", flat=True)[: MOST_FOUND + 1]
        )
        return found if len(found) <= MOST_FOUND else None


@admin.register(BulkUnlink)
class BulkUnlinkAdmin(ReadOnlyAdmin):
    list_display = ("id", "company", "actor_name", "started_at", "cancelled_at", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("company__name", "actor_name", "request_id")
    list_select_related = ("company",)
    indexed = (("company__id__exact",), ("ended_at__isempty=1",))


@admin.register(BulkUnlinkItem)
class BulkUnlinkItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "bulk", "link", "state", "tries", "ended_at")
    list_filter = ("state",)
    search_fields = ("link__cco_number", "link__cco_title", "link__record_number", "bulk__actor_name")
    list_select_related = ("bulk", "link")
    indexed = (("bulk__id__exact",),)


@admin.register(IgnoredRecord)
class IgnoredRecordAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "connection",
        "record_number",
        "ignored_at",
        "ignored_by_name",
        "reason",
        "ended_at",
    )
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("connection__company__name", "record_number", "ignored_by_name", "reason")
    list_select_related = ("connection__company",)


@admin.register(ConfirmedDeletion)
class ConfirmedDeletionAdmin(ReadOnlyAdmin):
    list_display = ("id", "connection", "stated_by_name", "stated_at", "confirmed_at", "ends_at", "ended_why")
    list_filter = ("ended_why", ("confirmed_at", admin.EmptyFieldListFilter))
    search_fields = ("connection__company__name", "stated_by_name", "confirmed_by_name", "reason")
    list_select_related = ("connection__company",)


@admin.register(ConfirmedDeletionRecord)
class ConfirmedDeletionRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "deletion", "link", "record_number", "row_id")
    search_fields = ("record_number", "link__cco_number", "link__cco_title")
    list_select_related = ("deletion", "link")


@admin.register(ReconcileRun)
class ReconcileRunAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "connection",
        "state",
        "started_at",
        "ended_at",
        "checked",
        "changed",
        "odd",
        "fault_code",
    )
    list_filter = ("state",)
    search_fields = ("connection__company__name", "fault_code", "fault_words", "actor_name")
    list_select_related = ("connection__company",)


@admin.register(LinkEvent)
class LinkEventAdmin(LedgerAdmin):
    list_display = ("at", "company_slug", "kind", "subject_label", "actor_name", "via", "reason")
    list_filter = ("kind", OfVia, OfCompany)
    search_fields = ("subject_label", "actor_name", "reason", "request_id")
    indexed = (("subject_kind", "subject_id"), ("attempt_id",), ("company",))

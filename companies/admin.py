"""The support desk's admin of companies and people. Can Push to Accounting is decided only here.

Each decision has its own URL that asks for a reason and runs the operation; no form of the admin saves it.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from companies import (
    admin_queue,  # noqa: F401  (registers the queue's page)
    mail,
)
from companies.admin_actions import action_view
from companies.admin_levels import MANY_LEVELS, CompanyLevels, ProjectLevels, has_many_levels
from companies.admin_lists import FastList, OfCompany
from companies.admin_people import DirectoryAdmin
from companies.models import (
    Company,
    DirectoryEvent,
    Membership,
    Outcome,
    OutgoingMail,
    PrivilegeRequest,
    Project,
)
from companies.operations.change_privilege import grant_privilege, refuse_privilege, revoke_privilege
from companies.staff_permissions import StaffAct


class ReadOnlyPermissions(admin.ModelAdmin[Any]):
    """Rows that only operations write."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(FastList, ReadOnlyPermissions):
    """Read-only rows of a table that grows with use."""


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin[Company]):
    list_display = ("name", "slug")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ("number", "name", "company")
    list_filter = ("company",)
    search_fields = ("number", "name", "company__name")
    list_select_related = ("company",)
    autocomplete_fields = ("company",)


@admin.register(Membership)
class MembershipAdmin(DirectoryAdmin):
    list_display = ("user", "company", "is_active", "can_push_to_accounting")
    list_filter = ("company", "is_active", "can_push_to_accounting")
    search_fields = ("user__username", "user__first_name", "user__last_name", "user__email", "company__name")
    list_select_related = ("user", "company")
    autocomplete_fields = ("user", "company")
    inlines = (CompanyLevels, ProjectLevels)
    change_form_template = "admin/companies/membership_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        """The person and the company of an entry are fixed, because the privilege belongs to both."""
        return ("can_push_to_accounting", *(("user", "company") if obj else ()))

    def get_inlines(self, request: HttpRequest, obj: Membership | None) -> Any:
        return (CompanyLevels,) if obj and has_many_levels(obj) else self.inlines

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        entry = self.get_object(request, object_id)
        if request.method == "GET" and entry and has_many_levels(entry):
            messages.info(request, MANY_LEVELS)
        return super().change_view(request, object_id, form_url, extra_context)

    def entries_of(self, ids: list[int]) -> QuerySet[Membership]:
        return Membership.objects.filter(pk__in=ids)

    def get_urls(self) -> list[URLPattern]:
        revoke = path(
            "<int:membership_id>/revoke/",
            self.admin_site.admin_view(self.revoke),
            name="companies_membership_revoke",
        )
        return [revoke, *super().get_urls()]

    def revoke(self, request: HttpRequest, membership_id: int) -> HttpResponse:
        entry = Membership.objects.select_related("user", "company").filter(pk=membership_id).first()
        if entry is None:
            raise Http404
        return action_view(
            request,
            needs=StaffAct.DECIDE_PRIVILEGE,
            title=f"Revoke Can Push to Accounting of {entry.user.name}",
            facts=(("Company", entry.company.name),),
            act=lambda actor, reason: revoke_privilege(
                membership_id=membership_id, words=reason, actor=actor
            ),
            done="Can Push to Accounting was revoked. The person is told by mail.",
            back=reverse("admin:companies_membership_change", args=[membership_id]),
        )


@admin.register(PrivilegeRequest)
class PrivilegeRequestAdmin(ReadOnlyPermissions):
    """Lists waiting requests first."""

    list_display = (
        "person",
        "company",
        "asked_by_name",
        "asked_at",
        "reason",
        "outcome",
        "decided_by_name",
        "words",
    )
    list_filter = ("outcome", "membership__company")
    search_fields = (
        "asked_by_name",
        "reason",
        "membership__user__username",
        "membership__user__last_name",
        "membership__company__name",
    )
    ordering = ("-outcome", "asked_at")  # WAITING is last in the alphabet
    change_form_template = "admin/companies/privilege_request_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrivilegeRequest]:
        return super().get_queryset(request).select_related("membership__user", "membership__company")

    @admin.display(ordering="membership__user__last_name")
    def person(self, request: PrivilegeRequest) -> str:
        return request.membership.user.name

    @admin.display(ordering="membership__company__name")
    def company(self, request: PrivilegeRequest) -> str:
        return request.membership.company.name

    def get_urls(self) -> list[URLPattern]:
        decisions = [
            path(
                f"<int:request_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"companies_privilegerequest_{name}",
            )
            for name, view in (("grant", self.grant), ("refuse", self.refuse))
        ]
        return [*decisions, *super().get_urls()]

    def grant(self, request: HttpRequest, request_id: int) -> HttpResponse:
        return self._decide(request, request_id, "Grant", grant_privilege)

    def refuse(self, request: HttpRequest, request_id: int) -> HttpResponse:
        return self._decide(request, request_id, "Refuse", refuse_privilege)

    def _decide(
        self, request: HttpRequest, request_id: int, verb: str, operation: Callable[..., None]
    ) -> HttpResponse:
        found = (
            PrivilegeRequest.objects.select_related("membership__user", "membership__company")
            .filter(pk=request_id)
            .first()
        )
        if found is None:
            raise Http404
        return action_view(
            request,
            needs=StaffAct.DECIDE_PRIVILEGE,
            title=f"{verb} Can Push to Accounting for {self.person(found)}",
            facts=(
                ("Company", self.company(found)),
                ("Asked by", found.asked_by_name),
                ("Reason", found.reason),
            ),
            act=lambda actor, reason: operation(request_id=request_id, words=reason, actor=actor),
            done="Decided. The people concerned are told by mail.",
            back=reverse("admin:companies_privilegerequest_changelist"),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        waits = found is not None and found.outcome == Outcome.WAITING
        context = {"may_decide": waits and request.user.has_perm(StaffAct.DECIDE_PRIVILEGE)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})


@admin.register(DirectoryEvent)
class DirectoryEventAdmin(ReadOnlyAdmin):
    list_display = (
        *("at", "company_slug", "kind", "person_name", "what", "before", "after"),
        *("actor_name", "rights", "reason"),
    )
    list_filter = ("kind", OfCompany)
    search_fields = ("person_name", "actor_name", "what", "reason", "request_id")
    indexed = (("membership_id",), ("company",))


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    list_display = ("queued_at", "to_name", "subject", "sent_at", "attempts", "failure")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), ("failure", admin.EmptyFieldListFilter))
    search_fields = ("to", "to_name", "subject", "about")
    change_form_template = "admin/companies/outgoing_mail_form.html"

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<int:mail_id>/try-again/",
            self.admin_site.admin_view(require_POST(self.try_again)),
            name="companies_outgoingmail_try_again",
        )
        return [again, *super().get_urls()]

    def try_again(self, request: HttpRequest, mail_id: int) -> HttpResponse:
        """Queues a mail again that was given up."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if mail.try_again(mail_id):
            messages.success(request, "The mail waits to be sent.")
        else:
            messages.warning(request, "It was sent, or has no address. Nothing was changed.")
        return redirect("admin:companies_outgoingmail_change", mail_id)

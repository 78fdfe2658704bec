"""The support desk's view of companies and people. Can Push to Accounting is granted here, nowhere else."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from companies.models import (
    Company,
    CompanyToolPermission,
    Membership,
    Project,
    ProjectToolPermission,
    User,
)


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff")


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


class CompanyLevels(admin.TabularInline[CompanyToolPermission, Membership]):
    model = CompanyToolPermission
    extra = 0


class ProjectLevels(admin.TabularInline[ProjectToolPermission, Membership]):
    model = ProjectToolPermission
    extra = 0
    autocomplete_fields = ("project",)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Any]):
    list_display = ("user", "company", "is_active", "can_push_to_accounting")
    list_filter = ("company", "is_active", "can_push_to_accounting")
    search_fields = ("user__username", "user__first_name", "user__last_name", "user__email", "company__name")
    list_select_related = ("user", "company")
    autocomplete_fields = ("user", "company")
    inlines = (CompanyLevels, ProjectLevels)

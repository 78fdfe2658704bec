"""Inlines for the levels of a directory entry, with a constant number of queries."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from companies.models import CompanyToolPermission, Membership, ProjectToolPermission

MOST_LEVELS = 100
"""Most project levels in one form: each level sends five fields, and Django accepts 1,000 fields."""
MANY_LEVELS = (
    f"This person has levels on more than {MOST_LEVELS} projects, too many for this form. "
    "A company administrator changes them in the Directory."
)


def has_many_levels(entry: Membership) -> bool:
    return entry.project_levels.order_by()[MOST_LEVELS : MOST_LEVELS + 1].exists()


class CompanyLevels(admin.TabularInline[CompanyToolPermission, Membership]):
    model = CompanyToolPermission
    extra = 0


class ProjectLevelForm(forms.ModelForm[ProjectToolPermission]):
    """The project of an existing level is fixed and is shown without a query."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            project = self.instance.project
            self.fields["project"] = forms.TypedChoiceField(
                choices=[(project.pk, project.name)], coerce=lambda _chosen: project, disabled=True
            )


class ProjectLevels(admin.TabularInline[ProjectToolPermission, Membership]):
    model = ProjectToolPermission
    form = ProjectLevelForm
    extra = 0
    autocomplete_fields = ("project",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectToolPermission]:
        return super().get_queryset(request).select_related("project").order_by("project__number", "pk")

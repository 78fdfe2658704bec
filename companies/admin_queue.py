"""Queue jobs in the admin, read-only except for superusers."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin):
    """Procrastinate's actions check no permission and record no event, so only superusers get them."""

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        if not getattr(request.user, "is_superuser", False):
            return {}
        where = {"action_location": action_location} if action_location else {}  # since Django 6.1
        found: dict[str, Any] = super().get_actions(request, **where)
        return found

"""The jobs of the queue in the admin, to read: putting one back or cancelling it is an operator's affair."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin):
    """Its actions ask for no permission and leave no event: they are for superusers only."""

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        if not getattr(request.user, "is_superuser", False):
            return {}
        where = {"action_location": action_location} if action_location else {}  # since Django 6.1
        found: dict[str, Any] = super().get_actions(request, **where)
        return found

"""The tabs of ERP Integrations."""

from django.conf import settings
from django.urls import reverse

from companies.decorators import MemberRequest
from erp_integrations.erp import registry
from erp_integrations.models import Connection
from erp_integrations.policies import may_use_sandbox
from erp_integrations.view_models import Tab

TABS = {
    "change-orders": "Commitment Change Orders",
    "erp-commitments": "Commitments",
    "erp-jobs": "Jobs",
    "erp-vendors": "Vendors",
    "activity": "Activity",
    "connection": "Connection",
}


def tabs_for(request: MemberRequest, connection: Connection | None, *, current: str) -> tuple[Tab, ...]:
    tabs = dict(TABS)
    if is_practice(connection) and may_use_sandbox(request.access):
        tabs["sandbox"] = "Sage sandbox"
    return tuple(
        Tab(key=key, label=label, url=reverse(key, args=[request.company.slug]), current=key == current)
        for key, label in tabs.items()
    )


def is_practice(connection: Connection | None) -> bool:
    """Whether the accountant's pages exist: only for a practice company, only in the demo."""
    return settings.DEMO and connection is not None and registry.has_sandbox(connection)

"""Events of both books, written straight into them, at whatever time and in whatever number."""

from datetime import UTC, datetime
from typing import Any

from companies.models import DirectoryEvent
from erp_integrations.models import LinkEvent
from tests.world import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def link_event(world: World, at: datetime = NOON, **columns: Any) -> LinkEvent:
    return LinkEvent.objects.create(**_link_columns(world, at) | columns)


def link_events(world: World, count: int, at: datetime = NOON, **columns: Any) -> None:
    """So many of the very same moment."""
    LinkEvent.objects.bulk_create(
        LinkEvent(**_link_columns(world, at) | {"subject_label": f"CCO {n}"} | columns) for n in range(count)
    )


def directory_event(world: World, at: datetime = NOON, **columns: Any) -> DirectoryEvent:
    told = {
        "at": at,
        "company_id": world.company.pk,
        "company_slug": world.company.slug,
        "membership_id": 1,
        "person_id": 7,
        "person_name": "Analyst",
        "kind": "LEVEL_CHANGED",
        "actor_name": "company-admin",
        "rights": "Admin on Directory",
        "what": "ERP Integrations",
        "before": "None",
        "after": "Admin",
    }
    return DirectoryEvent.objects.create(**told | columns)


def _link_columns(world: World, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "company_id": world.company.pk,
        "company_slug": world.company.slug,
        "subject_kind": "change-order",
        "subject_id": 4711,
        "subject_label": "CCO 001",
        "kind": "LINKED",
        "actor_name": "approver",
        "via": "PAGE",
    }

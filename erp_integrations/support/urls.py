"""The desk's addresses, below the admin's. Whoever mounts them puts the admin's door before each."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from erp_integrations.support import actions as support_actions
from erp_integrations.support import views as support_views

PAGES: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("search/", support_views.search_results, "desk-search"),
    ("change-orders/<int:change_order_id>/", support_views.change_order, "desk-change-order"),
    ("links/<int:link_id>/", support_views.link, "desk-link"),
    ("links/<int:link_id>/check-now/", support_actions.check_now, "desk-check-now"),
    ("links/<int:link_id>/relink/", support_actions.relink, "desk-relink"),
    ("attempts/<int:attempt_id>/free/", support_actions.free, "desk-free-attempt"),
    ("people/<int:user_id>/deactivate/", support_actions.deactivate, "desk-deactivate-person"),
)


def desk_urls(behind_the_door: Callable[..., Any]) -> list[URLPattern]:
    """`behind_the_door` is the admin site's `admin_view`."""
    return [path(f"desk/{route}", behind_the_door(view), name=name) for route, view, name in PAGES]

"""URLs of the support desk, below those of the admin. The caller wraps each view in the admin's check."""

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


def desk_urls(admin_view: Callable[..., Any]) -> list[URLPattern]:
    """`admin_view` is the admin site's `admin_view`."""
    return [path(f"desk/{route}", admin_view(view), name=name) for route, view, name in PAGES]

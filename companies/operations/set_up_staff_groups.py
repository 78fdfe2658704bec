"""The groups of staff and their permissions, as data. Set up by `manage.py set_up_staff_groups`.

Django creates permissions after the migrations, so no migration can grant them.
"""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from companies.staff_permissions import EXPORT_LEDGER, StaffAct

READS = ("companies", "commitments", "erp_integrations", "procrastinate")
"""The apps whose rows all staff may see. Only operations write them."""
SETS_UP = {
    "companies": ("company", "project", "user", "membership"),
    "commitments": ("vendor", "costcode", "costtype"),
}
"""What administrators create and change. None of it is deleted: people are deactivated."""
LEVELS = ("companytoolpermission", "projecttoolpermission")
"""Edited and deleted within a directory entry."""

SUPPORT, SUPPORT_LEAD, ADMINISTRATOR = "Support", "Support lead", "Administrator"


@transaction.atomic
def set_up_staff_groups() -> dict[str, int]:
    """Creates the three groups and gives each exactly its permissions; returns the count of each. Idempotent.

    Superusers put people into groups.
    """
    read = Q(codename__startswith="view_", content_type__app_label__in=READS)
    act = read | _named(*StaffAct, EXPORT_LEDGER)
    set_up = _on("companies", LEVELS, "add", "change", "delete")
    for app, models in SETS_UP.items():
        set_up |= _on(app, models, "add", "change")
    return {
        name: _give(name, permissions)
        for name, permissions in ((SUPPORT, read), (SUPPORT_LEAD, act), (ADMINISTRATOR, act | set_up))
    }


def _give(name: str, permissions: Q) -> int:
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.set(Permission.objects.filter(permissions))
    return group.permissions.count()


def _named(*names: str) -> Q:
    """Permissions by their full names."""
    found = Q()
    for name in names:
        app, _, codename = name.partition(".")
        found |= Q(content_type__app_label=app, codename=codename)
    return found


def _on(app: str, models: tuple[str, ...], *verbs: str) -> Q:
    codenames = [f"{verb}_{model}" for verb in verbs for model in models]
    return Q(content_type__app_label=app, codename__in=codenames)

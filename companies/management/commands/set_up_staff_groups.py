"""`manage.py set_up_staff_groups`: the groups of the support desk, with their permissions."""

from typing import Any

from django.core.management.base import BaseCommand

from companies.operations.set_up_staff_groups import set_up_staff_groups


class Command(BaseCommand):
    help = (
        "Makes the groups Support, Support lead and Administrator, and gives each exactly its permissions. "
        "Run it after every migrate; it may run again, and puts no person into a group."
    )

    def handle(self, *, verbosity: int, **_: Any) -> None:
        for name, count in set_up_staff_groups().items():
            if verbosity:
                self.stdout.write(f"{name}: {count} permissions")

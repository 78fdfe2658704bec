"""manage.py load_demo: the demo companies with their people, CCOs, links and practice Sage."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from companies.models import Company
from companies.operations.set_up_staff_groups import set_up_staff_groups
from erp_integrations.management.reporting import ReportingCommand
from erp_integrations.models import ChangeOrderLink
from erp_integrations.sandbox.demo import COMPANIES, load_demo


class Command(ReportingCommand):
    help = "Loads the demo companies, unless they are there already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reset", action="store_true", help="empty the whole database first (only where DEMO is on)"
        )

    def handle(self, *, reset: bool, **_: Any) -> None:
        if reset:
            if not settings.DEMO:
                self.refuse("--reset empties the whole database, so it works only where DEMO is on.")
            self._start_over()
        elif Company.objects.filter(slug__in=COMPANIES).exists():
            self.report("The demo is loaded already. Nothing was changed.", loaded=False)
            return
        load_demo(settings.SANDBOX_FOLDER)
        links = ChangeOrderLink.objects.count()
        self.report(
            f"The demo is loaded: {len(COMPANIES)} companies, {links} synced CCOs.", loaded=True, links=links
        )

    def _start_over(self) -> None:
        """Makes the database anew: events and links cannot be deleted, so their tables are."""
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        set_up_staff_groups()

"""What all commands share: a company by its slug, words or JSON lines, and the exit codes.

0 done · 1 refused · 2 wrong use · 3 misconfigured · 4 the ERP gave no answer.
"""

import getpass
import json
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from companies.models import Company
from erp_integrations.models import Connection

REFUSED, WRONG_USE, MISCONFIGURED, NO_ANSWER = 1, 2, 3, 4


class ReportingCommand(BaseCommand):
    """Prints words, or one JSON object per line with `--json`."""

    requires_system_checks = ()
    as_json = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.as_json = bool(options.get("json"))
        return super().execute(*args, **options)

    def report(self, words: str, **fields: Any) -> None:
        """One line: the words for people, the fields for machines."""
        self.stdout.write(json.dumps(fields, default=str, ensure_ascii=False) if self.as_json else words)

    def refuse(self, words: str, *, code: int = REFUSED, **fields: Any) -> NoReturn:
        """Says no and exits with `code`; machines get the fields on standard output."""
        if self.as_json:
            self.stdout.write(json.dumps({"refused": words, **fields}, default=str, ensure_ascii=False))
        raise CommandError(words, returncode=code)

    def company(self, slug: str) -> Company:
        company = Company.objects.filter(slug=slug).first()
        if company is None:
            self.refuse(f"There is no company {slug!r}.", code=WRONG_USE)
        return company

    def connection(self, slug: str) -> Connection:
        connection = Connection.objects.select_related("company").filter(company=self.company(slug)).first()
        if connection is None:
            self.refuse(
                f"{slug} has no connection. Set one with: manage.py erp_connection set {slug} …",
                code=MISCONFIGURED,
            )
        return connection


def operating_system_user() -> str:
    """Who runs the command, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

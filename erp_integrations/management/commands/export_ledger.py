"""manage.py export_ledger: a period of the ledger, of one company or of all, on standard output."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from erp_integrations.ledger.file_rows import FORMATS, NOT_COMPLETE, LedgerNotComplete, file_of
from erp_integrations.ledger.queries import EventFilter
from erp_integrations.management.reporting import WRONG_USE, ReportingCommand


class Command(ReportingCommand):
    help = "Writes the events of a period, both books merged by time, to standard output; oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--company", metavar="SLUG", help="without it: every company")
        parser.add_argument(
            "--from", dest="since", required=True, type=_day, metavar="DATE", help="2026-01-31"
        )
        parser.add_argument(
            "--to", dest="until", required=True, type=_day, metavar="DATE", help="the whole day counts"
        )
        parser.add_argument(
            "--format", dest="form", choices=tuple(FORMATS), default="csv", help="--json is the same as jsonl"
        )

    def handle(self, *, company: str | None, since: date, until: date, form: str, **_: Any) -> None:
        if since > until:
            self.refuse("The period must not end before it begins.", code=WRONG_USE)
        chosen = EventFilter(
            company_id=self.company(company).pk if company is not None else None, since=since, until=until
        )
        try:
            for piece in file_of(chosen, "jsonl" if self.as_json or form == "jsonl" else "csv"):
                self.stdout.write(piece.decode(), ending="")
        except LedgerNotComplete:
            self.refuse(NOT_COMPLETE)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2026-01-31") from None

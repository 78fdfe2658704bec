"""manage.py load_scale: a company of any size with its practice Sage, to try out and to measure."""

from argparse import ArgumentParser, ArgumentTypeError
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from erp_integrations.management.reporting import ReportingCommand
from erp_integrations.scale.loading import CompanyExists, load_scale

MOST_LINKS = 10_000_000


class Command(ReportingCommand):
    help = "Loads a company with many synced CCOs, and a practice Sage in which some of them are gone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--links", type=_links, required=True, help="how many synced CCOs")
        parser.add_argument(
            "--missing",
            type=_percent,
            default=0.0,
            metavar="PERCENT",
            help="how many of them are gone from the practice Sage (default: none)",
        )
        parser.add_argument(
            "--company",
            type=_slug,
            default="scale",
            metavar="SLUG",
            help="the new company (default: %(default)s)",
        )

    def handle(self, *, links: int, missing: float, company: str, verbosity: int, **_: Any) -> None:
        def tell(done: int) -> None:
            if verbosity and not self.as_json:
                self.stderr.write(f"{done:,} of {links:,}")

        began = monotonic()
        try:
            load_scale(
                company,
                links=links,
                missing_percent=missing,
                folder=settings.SANDBOX_FOLDER / company,
                progress=tell,
            )
        except CompanyExists:
            self.refuse(f"There is a company {company!r} already. Choose another slug with --company.")
        seconds = round(monotonic() - began, 1)
        self.report(
            f"{company} is loaded: {links:,} synced CCOs, {missing:g} % of them gone from Sage, "
            f"in {seconds:,} seconds.",
            company=company,
            links=links,
            missing_percent=missing,
            seconds=seconds,
        )


def _links(words: str) -> int:
    number = int(words)
    if not 1 <= number <= MOST_LINKS:
        raise ArgumentTypeError(f"from 1 to {MOST_LINKS:,}")
    return number


def _percent(words: str) -> float:
    number = float(words)
    if not 0 <= number <= 100:
        raise ArgumentTypeError("from 0 to 100")
    return number


def _slug(words: str) -> str:
    try:
        validate_slug(words)
    except ValidationError as error:
        raise ArgumentTypeError("letters, digits, hyphens and underscores") from error
    return words

"""`bin/bench --load SLUG [--links N] [--missing PERCENT] [--json FILE]`.

Loads a company with many synced CCOs and its sandbox company into the database of the demo, or into the one
that DATABASE_URL names. Exits 1 where a company with that slug exists, 2 on wrong use.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from time import monotonic

import django
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from config import dev_environment

MAX_LINKS = 10_000_000


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Loads a company with many synced CCOs, and a sandbox in which some of them are gone.",
    )
    parser.add_argument("--load", type=_slug, required=True, metavar="SLUG", help="the new company")
    parser.add_argument(
        "--links", type=_links, default=1_000_000, help="how many synced CCOs (default: %(default)s)"
    )
    parser.add_argument(
        "--missing",
        type=_percent,
        default=0.0,
        metavar="PERCENT",
        help="how many of them are gone from the sandbox (default: none)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was loaded to this file")
    return parser.parse_args(arguments)


def run(given: argparse.Namespace) -> int:
    """Loads the company; the exit code. Django must be set up."""
    # It imports models, which exist once Django is set up.
    from tests.bench.load.load_company import CompanyExists, load_company

    def show_progress(done: int) -> None:
        sys.stderr.write(f"{done:,} of {given.links:,}\n")

    began = monotonic()
    try:
        load_company(
            given.load,
            links=given.links,
            missing_percent=given.missing,
            folder=settings.SANDBOX_FOLDER / given.load,
            progress=show_progress,
        )
    except CompanyExists:
        sys.stderr.write(f"There is a company {given.load!r} already. Choose another slug with --load.\n")
        return 1
    seconds = round(monotonic() - began, 1)
    sys.stdout.write(
        f"{given.load} is loaded: {given.links:,} synced CCOs, {given.missing:g} % of them gone from Sage, "
        f"in {seconds:,} seconds.\n"
    )
    if given.json:
        loaded = {
            "company": given.load,
            "links": given.links,
            "missing_percent": given.missing,
            "seconds": seconds,
        }
        given.json.write_text(json.dumps(loaded) + "\n", encoding="utf-8")
    return 0


def main(arguments: list[str]) -> int:
    given = parse(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with dev_environment.for_commands():
        django.setup()
        return run(given)


def _links(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_LINKS:
        raise argparse.ArgumentTypeError(f"from 1 to {MAX_LINKS:,}")
    return number


def _percent(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError("from 0 to 100")
    return number


def _slug(text: str) -> str:
    try:
        validate_slug(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError("letters, digits, hyphens and underscores") from error
    return text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

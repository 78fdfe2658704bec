"""The product's settings, with the views that it is measured against beside its own."""

import os

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.scale.urls"
if os.environ.get("BENCH_QUIET"):
    # What Plumbline itself needs for an unlink: without Sage's own time and the wait between two looks.
    ERP_KINDS = {
        "sage-100-contractor": "tests.bench.scale.quiet.ODBC",
        "sage-100-contractor-sandbox": "tests.bench.scale.quiet.SANDBOX",
    }

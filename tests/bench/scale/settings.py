"""The product's settings, with the views that it is measured against beside its own."""

import os

from config.settings import *  # noqa: F403
from config.settings import ERP_KINDS

ROOT_URLCONF = "tests.bench.scale.urls"
if os.environ.get("BENCH_QUIET"):
    # What Plumbline itself needs for an unlink: without Sage's own time and the wait between two looks.
    for _kind in ERP_KINDS.values():
        _kind["reader"] = "tests.bench.scale.quiet.open_reader"

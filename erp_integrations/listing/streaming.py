"""Rows for a file, from a cursor in the database: however many there are, few are in memory."""

from collections.abc import Generator
from contextlib import closing
from typing import Any, cast

from django.db.models import QuerySet

AT_ONCE = 2_000
"""Rows that are fetched, and given out, together."""


def one_by_one(rows: QuerySet[Any], at_once: int) -> closing[Generator[Any]]:
    """The rows, fetched so many at once, from a cursor that is closed before its transaction ends.

    Inside a transaction the cursor gives its first rows at once; outside, PostgreSQL would first put them
    all aside.
    """
    return closing(cast("Generator[Any]", rows.iterator(chunk_size=at_once)))

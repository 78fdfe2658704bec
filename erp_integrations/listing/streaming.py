"""Streams rows for a file from a server-side cursor, with few of them in memory."""

from collections.abc import Generator
from contextlib import closing
from typing import Any, cast

from django.db.models import QuerySet

AT_ONCE = 2_000
"""Rows that are fetched and yielded together."""


def one_by_one(rows: QuerySet[Any], at_once: int) -> closing[Generator[Any]]:
    """The rows, fetched in chunks from a cursor that is closed before its transaction ends.

    Inside a transaction the cursor returns its first rows at once; outside, PostgreSQL would first
    materialize all of them.
    """
    return closing(cast("Generator[Any]", rows.iterator(chunk_size=at_once)))

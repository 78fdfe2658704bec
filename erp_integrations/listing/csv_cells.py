"""Cells of a CSV file that no spreadsheet takes for a formula.

A spreadsheet runs what begins with one of these signs, whoever typed it. An apostrophe before it makes it
words; a plain number stays a number, a negative one too.
"""

import csv
import io
import re
from collections.abc import Iterable

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")
PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_cell(text: str) -> str:
    """The text as a cell."""
    if text.startswith(RUN_BY_SPREADSHEETS) and not PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    """The rows as lines of a file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([csv_cell(one) for one in row] for row in rows)
    return text.getvalue().encode()

"""CSV cells that no spreadsheet runs as a formula.

A spreadsheet runs text that begins with certain characters. An apostrophe before them makes it plain text;
numbers stay numbers, negative ones too.
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

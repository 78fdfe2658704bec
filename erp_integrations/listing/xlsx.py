"""A workbook for people who use Excel: text stays text, and numbers are numbers.

In a CSV file Excel takes `11-1` for a date and drops the zeros of `001`. XlsxWriter writes row by row into
temporary files, so however many rows there are, few are in memory.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal, InvalidOperation
from tempfile import TemporaryFile
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
"""Rows of a sheet that Excel opens, the heading included. What is more goes on the next sheet."""
LONGEST_TEXT = 32_767
"""Characters of a cell that Excel opens; the rest is left out."""


def xlsx_file(
    head: Iterable[str], rows: Iterable[Iterable[str]], *, amounts: Collection[int] = ()
) -> IO[bytes]:
    """A workbook of these rows under a heading that stays in view, as an open temporary file at its start.

    `amounts` are the columns that hold amounts of money, counted from 0; a cell of theirs that is no number
    stays text. A formula is text too.
    """
    file = TemporaryFile()  # noqa: SIM115  (the caller closes it)
    heading = list(head)
    try:
        with Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        ) as book:
            bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
            sheet, at = _new_sheet(book, heading, bold), 1
            for row in rows:
                if at == MOST_ROWS:
                    sheet, at = _new_sheet(book, heading, bold), 1
                _write_row(sheet, at, row, amounts, money)
                at += 1
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _new_sheet(book: Workbook, heading: list[str], bold: Format) -> Worksheet:
    sheet = book.add_worksheet()
    for column, text in enumerate(heading):
        sheet.write_string(0, column, text, bold)
        sheet.set_column(column, column, max(12, min(len(text) + 2, 40)))
    sheet.freeze_panes(1, 0)
    return sheet


def _write_row(
    sheet: Worksheet, at: int, row: Iterable[str], amounts: Collection[int], money: Format
) -> None:
    for column, text in enumerate(row):
        amount = _amount(text) if column in amounts else None
        if amount is not None:
            sheet.write_number(at, column, amount, money)
        elif text:
            sheet.write_string(at, column, text[:LONGEST_TEXT])


def _amount(text: str) -> float | None:
    """Excel holds numbers as floats of 15 digits: enough for cents of any amount that Sage holds."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return float(number) if number.is_finite() else None

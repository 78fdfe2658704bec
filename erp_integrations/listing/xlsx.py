"""An Excel workbook in which text stays text and numbers are numbers.

From a CSV file, Excel reads `11-1` as a date and drops the zeros of `001`. XlsxWriter writes row by row into
temporary files, so few rows are in memory.
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
"""Rows per sheet that Excel opens, heading included. Further rows go on the next sheet."""
LONGEST_TEXT = 32_767
"""Characters per cell that Excel opens; longer text is cut."""


def xlsx_file(
    head: Iterable[str], rows: Iterable[Iterable[str]], *, amounts: Collection[int] = ()
) -> IO[bytes]:
    """A workbook of these rows under a frozen heading, as an open temporary file at its start.

    `amounts` are the 0-based columns of money; a cell of theirs that is no number stays text. A formula is
    text, too.
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
    """Excel stores floats of 15 digits, enough for the cents of any amount that Sage holds."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return float(number) if number.is_finite() else None

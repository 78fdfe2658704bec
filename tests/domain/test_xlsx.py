"""Workbooks: what Excel is given is what was there."""

import zipfile
from collections.abc import Iterable
from xml.etree import ElementTree as ET

import pytest

from erp_integrations.listing import xlsx

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _cells(
    rows: Iterable[Iterable[str]], amounts: Iterable[int] = (), sheet: int = 1
) -> list[list[tuple[str, str]]]:
    """(type, value) of each cell, `inlineStr` for text and "" for numbers, the heading first."""
    with xlsx.xlsx_file(["What", "Amount"], rows, amounts=tuple(amounts)) as file:
        book = zipfile.ZipFile(file)
        assert book.testzip() is None
        root = ET.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314  (our own)
    return [
        [(cell.get("t", ""), "".join(cell.itertext())) for cell in row]
        for row in root.iter(f"{NAMESPACE}row")
    ]


@pytest.mark.parametrize(
    "text", ["11-1", "001", "0X9", "1e5", "=1+1", "+1", "@SUM(A1)", "https://x.test", "TRUE"]
)
def test_text_stays_text(text: str) -> None:
    assert _cells([[text, "4200.00"]], amounts=[1])[1] == [("inlineStr", text), ("", "4200")]


@pytest.mark.parametrize("text", ["", "-", "NaN", "Infinity", "four"])
def test_an_amount_that_is_no_number_stays_text(text: str) -> None:
    row = _cells([["x", text]], amounts=[1])[1]
    assert row[1:] == ([("inlineStr", text)] if text else [])


def test_a_heading_comes_first_and_control_signs_do_no_harm() -> None:
    rows = _cells([["a\x01b\x1fc", "&<>\"'"]])
    assert rows[0] == [("inlineStr", "What"), ("inlineStr", "Amount")]
    assert rows[1][1] == ("inlineStr", "&<>\"'")


def test_more_rows_than_a_sheet_holds_go_on_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    rows = [[str(number)] for number in range(5)]

    assert [row[0][1] for row in _cells(rows, sheet=1)] == ["What", "0", "1"]
    assert [row[0][1] for row in _cells(rows, sheet=2)] == ["What", "2", "3"]
    assert [row[0][1] for row in _cells(rows, sheet=3)] == ["What", "4"]

"""What a spreadsheet would run is words; numbers stay numbers."""

import pytest

from erp_integrations.listing.csv_cells import csv_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "-=1", "@SUM(1)", "\tx", "\rx", "\nx", "-", "--5"])
def test_what_could_run_gets_an_apostrophe(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-50.00", "-5", "12.5", "004", "Steel =1", "'quoted", "🏗️", "\u202e=1"])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert csv_cell(text) == text

"""The benchmarks over a large company run at a small one, and say what they say they measure."""

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.measures import Options, sizes


def test_three_sizes_of_a_company_and_none_too_small_to_fill_a_page() -> None:
    assert sizes(1_000_000) == (1_000, 100_000, 1_000_000)
    assert sizes(10) == (200, 500, 1_000)


@pytest.mark.long
@pytest.mark.parametrize("name", ["synced-page", "admin-lists", "unlink", "reconcile", "bulk-unlink", "csv"])
def test_it_prints_its_rows(name: str) -> None:
    rows = BENCHMARKS[name](Options(links=8_000))
    assert rows
    assert all(row.ratio > 0 for row in rows)

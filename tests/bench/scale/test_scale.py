"""The benchmarks over a large company run at a small one, and say what they say they measure."""

import pytest
from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator

from tests.bench.__main__ import BENCHMARKS
from tests.bench.measures import Options, sizes


def test_three_sizes_of_a_company_and_none_too_small_to_fill_a_page() -> None:
    assert sizes(1_000_000) == (1_000, 100_000, 1_000_000)
    assert sizes(10) == (200, 500, 1_000)


def test_the_peer_is_djangos_own_change_list_with_count_and_offset() -> None:
    from tests.bench.scale.urls import LinksAsDjangoShowsThem as Peer

    assert Peer.paginator is Paginator
    assert Peer.show_full_result_count
    for name in (
        "get_changelist",
        "get_queryset",
        "get_paginator",
        "get_search_results",
        "change_list_template",
    ):
        assert getattr(Peer, name) is getattr(ModelAdmin, name), name


@pytest.mark.long
@pytest.mark.parametrize("name", ["synced-page", "admin-lists", "unlink", "reconcile", "bulk-unlink", "csv"])
def test_it_prints_its_rows(name: str) -> None:
    rows = BENCHMARKS[name](Options(links=8_000))
    assert rows
    assert all(row.ratio > 0 for row in rows)

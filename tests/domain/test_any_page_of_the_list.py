"""Every page of the list holds what it must, in whatever way it was found; and an index holds each order."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from companies.view_models import Page
from erp_integrations.change_orders.link_filters import filter_links
from erp_integrations.change_orders.list_query import SORTS, ListQuery
from erp_integrations.change_orders.queries import ids_on_page
from erp_integrations.listing import filtered_page, keyset
from erp_integrations.models import ChangeOrderLink
from tests.web.varied import FIRST_DAY, varied_links
from tests.world import World

COUNT, PAGE = 45, 7

ASKED = (
    ListQuery(),
    ListQuery(view="deleted-in-sage"),
    ListQuery(project="3101"),
    ListQuery(company="Ironside Steel"),
    ListQuery(presence="present"),
    ListQuery(presence="not-effective"),
    ListQuery(drift="any"),
    ListQuery(drift="number"),
    ListQuery(amount_from=Decimal(-10), amount_to=Decimal("20.00")),
    ListQuery(linked_from=date(2026, 3, 3), linked_to=date(2026, 3, 3)),
    ListQuery(linked_by="Controller"),
    ListQuery(q="steel"),
    ListQuery(q="C3"),
    ListQuery(q="grid c3 3100"),
    ListQuery(q="nowhere"),
    ListQuery(project="3100", presence="absent", q="glass"),
)
WAYS = {
    "as it is": (1_000, 2_000, 10_000),
    "few fit": (5, 9, 10_000),
    "many fit, and none near": (5, 9, 3),
}
"""How many rows are looked through, for a page and for the count, and how many are counted or sorted."""


def fits(link: ChangeOrderLink, asked: ListQuery) -> bool:
    day = timezone.localtime(link.linked_at).date()
    words, amount = link.search_text, link.cco_amount or Decimal(0)
    return (
        (asked.view == "synced" or link.presence in ("absent", "replaced"))
        and asked.project in ("", link.project_number)
        and asked.company in ("", link.contract_company)
        and asked.presence in ("", link.presence)
        and (not asked.drift or (bool(link.drift) if asked.drift == "any" else asked.drift in link.drift))
        and (asked.amount_from is None or amount >= asked.amount_from)
        and (asked.amount_to is None or amount <= asked.amount_to)
        and (asked.linked_from is None or asked.linked_from <= day)
        and (asked.linked_to is None or day <= asked.linked_to)
        and asked.linked_by in ("", link.linked_by_name)
        and all((word if len(word) > 2 else f" {word} ") in words for word in asked.q.lower().split())
    )


def in_order(links: list[ChangeOrderLink], asked: ListQuery) -> list[int]:
    columns = SORTS[asked.sort][1]
    key = [tuple(getattr(link, name) for name in columns) for link in links]
    ordered = sorted(zip(key, links, strict=True), key=lambda pair: pair[0], reverse=asked.descending)
    return [link.pk for _, link in ordered]


def pages(world: World, asked: ListQuery, *, back: bool = False) -> Iterator[tuple[list[int], Page]]:
    """From the first page on to the last, or from the one asked for back to the first."""
    while True:
        ids, page = ids_on_page(world.company, asked)
        yield list(ids), page
        url = page.previous_url if back else page.next_url
        if not url:
            return
        [key] = parse_qs(url.partition("?")[2])["before" if back else "after"]
        asked = replace(asked, after=None, before=None)
        asked = replace(asked, before=int(key)) if back else replace(asked, after=int(key))


@pytest.mark.parametrize("way", WAYS)
def test_pages_one_after_the_other_show_every_row_once_in_order_and_the_same_way_back(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    links = varied_links(world, COUNT)
    near, counted, most = WAYS[way]
    for module in (keyset, filtered_page):
        monkeypatch.setattr(module, "PAGE_SIZE", PAGE)
        monkeypatch.setattr(module, "MOST_COUNTED", most)
    monkeypatch.setattr(filtered_page, "NEXT_ROWS", near)
    monkeypatch.setattr(filtered_page, "COUNTED_THROUGH", counted)

    for number, plain in enumerate(ASKED):
        for sort, descending in {(key, (number + n) % 2 == 0) for n, key in enumerate(SORTS)}:
            asked = replace(plain, sort=sort, descending=descending)
            expected = in_order([link for link in links if fits(link, plain)], asked)
            found = list(pages(world, asked))
            assert [one for ids, _ in found for one in ids] == expected, asked
            assert all(len(ids) == PAGE for ids, _ in found[:-1]), asked
            for n, (ids, page) in enumerate(found):
                assert page.at_least or page.total == len(expected)
                assert page.total <= len(expected)
                assert not page.first or (page.first, page.last) == (n * PAGE + 1, n * PAGE + len(ids))
                assert page.last <= page.total or page.total == most
                assert not page.beyond or page.beyond <= n * PAGE
            if len(found) > 1:
                last = replace(asked, after=found[-2][0][-1])
                back = list(pages(world, last, back=True))
                assert [ids for ids, _ in reversed(back)] == [ids for ids, _ in found], asked


@pytest.mark.parametrize(("count", "said"), [(0, 0), (9, 9), (87, 80), (1_000, 1_000), (1_750, 1_000)])
def test_what_was_not_counted_is_said_with_one_figure(count: int, said: int) -> None:
    assert filtered_page.round_down(count) == said


def test_an_index_holds_the_links_in_every_order_wherever_the_page_begins(world: World) -> None:
    """Nothing is sorted for a page: it costs what it shows."""
    key = {"project_number": "3", "linked_at": FIRST_DAY, "cco_amount": Decimal(1), "id": 1}
    for plain, sort, descending in product(ASKED, SORTS, (False, True)):
        asked = replace(plain, sort=sort, descending=descending)
        links, _ = filter_links(world.company, asked)
        values = [key.get(name, "x") for name in asked.order.columns]
        for rows in (links, links.filter(asked.order.beyond(values))):
            plan = plan_of(
                rows.order_by(*asked.order.terms())[:51], without=("seqscan", "bitmapscan", "sort")
            )
            assert "Sort" not in plan, f"{asked}\n{plan}"
            assert re.search(r"Index (Only )?Scan (Backward )?using change_order_link_", plan), plan
            if rows is not links and plain == ListQuery():
                assert re.search(r"Index Cond: .*ROW\(", plan), plan


def plan_of(rows: QuerySet[Any], *, without: Sequence[str]) -> str:
    """With so few rows PostgreSQL takes any way: these are barred to it, where there is another."""
    sql, values = keyset.sql_of(rows.values("id"))
    with connection.cursor() as cursor:
        for way in without:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {sql}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        for way in without:
            cursor.execute(f"SET LOCAL enable_{way} = on")
    return plan

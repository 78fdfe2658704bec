"""One page of the rows that match a condition in a sorted list, however rare or common they are.

No index supports a search or two filters at once in every order. Three ways are tried, each with a limit:
reading the next rows in order, which is fast when matches are common; else finding all matches with the best
index, which is fast when they are rare; and only when both fail, because matches are many and far away,
PostgreSQL's own plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from companies.view_models import Page
from erp_integrations.listing.keyset import (
    MOST_COUNTED,
    PAGE_SIZE,
    Order,
    Wanted,
    find_key,
    one_row,
    page_at,
    sql_of,
)

NEXT_ROWS = 1_000
"""Rows that are read in order before an index is used."""
COUNTED_THROUGH = 2_000
"""Rows that are read to count matches."""
MOST_WITHOUT_INDEX = 5_000
"""Rows that are read for a condition without an index."""


@dataclass(frozen=True, slots=True)
class FilteredPage:
    """Ids beyond the key; one more than a page when there are more."""

    ids: list[int]
    before: int = 0
    total: int = 0
    at_least: bool = False
    placed: bool = True
    gave_up: bool = False


def filtered_page(
    rows: QuerySet[Any],
    *,
    fits: Q,
    order: Order,
    known: QuerySet[Any],
    wanted: Wanted,
    url: Callable[[str, str], str],
    indexed: bool = True,
) -> tuple[list[int], Page]:
    """Like `keyset.one_page`, for the `rows` that match; returns their ids.

    An index must hold `rows` in this order, and all columns of `order` must be columns of `rows`. `indexed`
    says whether an index supports the condition. Without one, at most `MOST_WITHOUT_INDEX` rows are read.
    """
    key = find_key(known, wanted, order)
    lost = wanted.key is not None and key is None
    backwards = wanted.backwards and key is not None
    found = _find(rows, fits, order, key, backwards=backwards, indexed=indexed)
    if not found.ids and key is not None:
        # The rows beyond the key are gone, so this shows the end of the list nearest to it.
        backwards, key = not backwards, None
        found = _find(rows, fits, order, None, backwards=backwards, indexed=indexed)
    ids, more = found.ids[:PAGE_SIZE], len(found.ids) > PAGE_SIZE
    if backwards:
        ids.reverse()
    exact = wanted.exact and found.at_least and not found.gave_up
    total = rows.filter(fits).count() if exact else found.total
    on_both_sides = key is not None
    is_first = backwards and not more  # no match is before it, however the page was found
    page = page_at(
        ids,
        before=0 if is_first else found.before,
        total=total,
        more=on_both_sides if backwards else more,
        exact=wanted.exact,
        lost=lost,
        url=url,
        at_least=found.at_least and not exact,
        known_before=found.placed or is_first,
    )
    return ids, replace(page, looked_through=MOST_WITHOUT_INDEX if found.gave_up else 0)


def _find(
    rows: QuerySet[Any],
    fits: Q,
    order: Order,
    key: Sequence[Any] | None,
    *,
    backwards: bool,
    indexed: bool,
) -> FilteredPage:
    most = NEXT_ROWS if indexed else MOST_WITHOUT_INDEX
    walked, ids = _walk(rows, fits, order, key, backwards=backwards, most=most)
    filled, ended = len(ids) > PAGE_SIZE, walked < most
    if ended and not filled and key is None:
        return FilteredPage(ids, total=len(ids))
    if filled or ended:
        return _count_near(rows, fits, order, ids, backwards=backwards)
    if not indexed:
        before = PAGE_SIZE if key else 0  # at least a page, since this is not the first one
        return FilteredPage(
            ids, before=before, total=before + len(ids), at_least=True, placed=not key, gave_up=True
        )
    found = _find_all(rows, fits, order, key, backwards=backwards)
    if found is not None:
        return found
    selected = rows.filter(fits) if key is None else rows.filter(fits, order.beyond(key, backwards=backwards))
    ids = list(
        selected.order_by(*order.terms(backwards=backwards)).values_list("pk", flat=True)[: PAGE_SIZE + 1]
    )
    at_start = key is None and not backwards
    return FilteredPage(
        ids,
        before=0 if at_start else MOST_COUNTED,
        total=MOST_COUNTED,
        at_least=True,
        placed=at_start,
    )


def _walk(
    rows: QuerySet[Any],
    fits: Q,
    order: Order,
    key: Sequence[Any] | None,
    *,
    backwards: bool,
    most: int,
) -> tuple[int, list[int]]:
    """How many of the next rows were read, and which of them match: a page of them and one."""
    selected = rows if key is None else rows.filter(order.beyond(key, backwards=backwards))
    sql, values = sql_of(_with_fits(selected, fits, order).order_by(*order.terms(backwards=backwards))[:most])
    by = _by(order, backwards=backwards)
    walked, ids = one_row(
        f"WITH walked AS MATERIALIZED ({sql})"  # noqa: S608  (Django's own SQL; names of columns)
        " SELECT (SELECT count(*) FROM walked),"
        f" ARRAY(SELECT id FROM walked WHERE fits ORDER BY {by} LIMIT {PAGE_SIZE + 1})",
        values,
    )
    return walked, ids


def _count_near(
    rows: QuerySet[Any], fits: Q, order: Order, ids: list[int], *, backwards: bool
) -> FilteredPage:
    """Places the page among the rows nearest to the list's beginning; beyond them its place is not known."""
    sql, values = sql_of(_with_fits(rows, fits, order).order_by(*order.terms())[:COUNTED_THROUGH])
    shown = ids[:PAGE_SIZE]
    first = (shown[-1] if backwards else shown[0]) if shown else 0
    walked, total, before, reached = one_row(
        f"WITH walked AS MATERIALIZED ({sql}),"  # noqa: S608
        f" place AS (SELECT row_number() OVER (ORDER BY {_by(order)}) AS n, id FROM walked WHERE fits)"
        " SELECT (SELECT count(*) FROM walked), (SELECT count(*) FROM place),"
        " coalesce((SELECT n FROM place WHERE id = %s), 1) - 1, EXISTS (SELECT FROM place WHERE id = %s)",
        [*values, first, first],
    )
    counted_all = walked < COUNTED_THROUGH
    placed = reached or not shown
    if not counted_all:
        # The matches among the nearest rows do not show how many there are, so the count is rounded.
        total = max(round_down(total), before + len(shown) if placed else 0)
    return FilteredPage(
        ids, before=before if placed else total, total=total, at_least=not counted_all, placed=placed
    )


def round_down(count: int) -> int:
    """Rounds down to the first digit: 1,750 to 1,000, and 87 to 80."""
    unit = 10 ** (len(str(count)) - 1)
    return int(count - count % unit)


def _find_all(
    rows: QuerySet[Any],
    fits: Q,
    order: Order,
    key: Sequence[Any] | None,
    *,
    backwards: bool,
) -> FilteredPage | None:
    """All that fits, sorted here; None where it is more than can be sorted in a moment."""
    sql, values = sql_of(rows.filter(fits).order_by().values_list("id", *_others(order))[: MOST_COUNTED + 1])
    columns, place = ", ".join(order.columns), ", ".join(["%s"] * len(order.columns))
    beyond = f"({columns}) {order.sign(backwards=backwards)} ({place})" if key is not None else "true"
    count, not_beyond, ids = one_row(
        f"WITH found AS MATERIALIZED ({sql})"  # noqa: S608
        " SELECT (SELECT count(*) FROM found),"
        f" (SELECT count(*) FROM found WHERE NOT ({beyond})),"
        f" ARRAY(SELECT id FROM found WHERE {beyond} ORDER BY {_by(order, backwards=backwards)}"
        f" LIMIT {PAGE_SIZE + 1})",
        [*values, *(key or ()), *(key or ())],
    )
    if count > MOST_COUNTED:
        return None
    behind = count - not_beyond - min(len(ids), PAGE_SIZE) if backwards else not_beyond
    return FilteredPage(ids, before=behind, total=count)


def _with_fits(rows: QuerySet[Any], fits: Q, order: Order) -> QuerySet[Any]:
    wrapped = ExpressionWrapper(fits, output_field=BooleanField())
    annotated: QuerySet[Any] = rows.annotate(fits=wrapped)
    return annotated.values_list("id", "fits", *_others(order))


def _others(order: Order) -> list[str]:
    return [name for name in order.columns if name != "id"]


def _by(order: Order, *, backwards: bool = False) -> str:
    direction = " DESC" if order.descending != backwards else ""
    return ", ".join(name + direction for name in order.columns)

"""One page of a list, by the sort's own columns, so that a page costs the same everywhere."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from companies.pages import Page

PAGE_SIZE = 50

Row = TypeVar("Row", bound=Model)


def one_page(
    rows: QuerySet[Row],
    *,
    sort: Sequence[str],
    known: QuerySet[Row],
    after: int | None,
    before: int | None,
    url: Callable[[str, int], str],
) -> tuple[list[Row], Page]:
    """The rows beyond the key, which is the id of the last row seen, or of the first when going back.

    A key that is not among `known` means the first page. What `sort` names in other rows must be selected
    along. `url` makes the address of the page `after` or `before` a row.
    """
    total = rows.count()
    backwards = before is not None
    key = _key(known, before if backwards else after, sort)
    asked = rows if key is None else rows.filter(_beyond(sort, key, "lt" if backwards else "gt"))
    order = [f"-{name}" for name in sort] if backwards and key else list(sort)
    shown = list(asked.order_by(*order)[: PAGE_SIZE + 1])
    more = len(shown) > PAGE_SIZE
    shown = shown[:PAGE_SIZE]
    if backwards and key:
        shown.reverse()
    if not shown:
        return [], Page(first=0, last=0, total=total)
    skipped = 0 if key is None else rows.filter(_beyond(sort, _values(shown[0], sort), "lt")).count()
    there_is_next = skipped + len(shown) < total if backwards else more
    return shown, Page(
        first=skipped + 1,
        last=skipped + len(shown),
        total=total,
        previous_url=url("before", shown[0].pk) if skipped else "",
        next_url=url("after", shown[-1].pk) if there_is_next else "",
    )


def _key(known: QuerySet[Row], row_id: int | None, sort: Sequence[str]) -> Sequence[Any] | None:
    return None if row_id is None else known.filter(pk=row_id).values_list(*sort).first()


def _values(row: Row, sort: Sequence[str]) -> Sequence[Any]:
    return [attrgetter(name.replace("__", "."))(row) for name in sort]


def _beyond(sort: Sequence[str], key: Sequence[Any], direction: str) -> Q:
    """Rows whose sort columns, compared one after the other, lie beyond the key."""
    condition = Q()
    for position, name in enumerate(sort):
        equal = dict(zip(sort[:position], key[:position], strict=True))
        condition |= Q(**equal, **{f"{name}__{direction}": key[position]})
    return condition

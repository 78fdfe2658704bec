"""One page of a list by keyset: a page costs the same wherever it is in the list.

Counts stop at `MOST_COUNTED`, unless everything is requested: a count is the only part of a page that grows
with the table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection
from django.db.models import BooleanField, F, Func, Model, QuerySet, TextField, Value

from companies.view_models import Page

PAGE_SIZE = 50
MOST_COUNTED = 10_000

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Order:
    """The columns of an order, the last one unique. All have the same direction, as an index has."""

    columns: tuple[str, ...]
    descending: bool = False

    def terms(self, *, backwards: bool = False) -> list[str]:
        """The arguments of `order_by`."""
        sign = "-" if self.descending != backwards else ""
        return [sign + name for name in self.columns]

    def sign(self, *, backwards: bool = False) -> str:
        """The operator between a row and the rows beyond it."""
        return "<" if self.descending != backwards else ">"

    def beyond(self, key: Sequence[Any], *, backwards: bool = False) -> Func:
        """Rows after those values, or before them. Compared as a row value, which an index can seek."""
        return self._compared(key, self.sign(backwards=backwards))

    def up_to(self, key: Sequence[Any]) -> Func:
        """Rows that come before those values."""
        return self._compared(key, self.sign(backwards=True))

    def _compared(self, key: Sequence[Any], sign: str) -> Func:
        sides = (
            Func(*(F(name) for name in self.columns), template="(%(expressions)s)", output_field=TextField()),
            Func(*(Value(value) for value in key), template="(%(expressions)s)", output_field=TextField()),
        )
        return Func(*sides, template="%(expressions)s", arg_joiner=f" {sign} ", output_field=BooleanField())


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requested page: after a row, or before one; and whether to count all rows.

    Rows are named by ids, or by text when a list combines several tables.
    """

    after: int | str | None = None
    before: int | str | None = None
    exact: bool = False

    @property
    def key(self) -> int | str | None:
        return self.before if self.before is not None else self.after

    @property
    def backwards(self) -> bool:
        return self.before is not None


def one_page(
    rows: QuerySet[Row],
    *,
    order: Order,
    known: QuerySet[Row],
    wanted: Wanted,
    url: Callable[[str, str], str],
) -> tuple[list[Row], Page]:
    """The rows beyond the key: the id of the last row shown, or of the first when going back.

    A key that is not among `known` gives the first page, and the page says so. Related columns in `order`
    must be selected. `url` builds the URL of the page `after` or `before` a row, or of the same page with
    `count` all.
    """

    def count(first: Sequence[Any]) -> tuple[int, int]:
        before, total = capped_counts(rows.filter(order.up_to(first)), rows)
        return before, total

    return read_page(
        find_key(known, wanted, order),
        wanted,
        read=lambda key, backwards: _beyond(rows, order, key, backwards=backwards),
        count=count,
        count_all=rows.count,
        key_of=lambda row: values_of(row, order),
        name_of=lambda row: row.pk,
        url=url,
    )


def read_page(
    key: Key | None,
    wanted: Wanted,
    *,
    read: Callable[[Key | None, bool], tuple[list[Item], bool]],
    count: Callable[[Key], tuple[int, int]],
    count_all: Callable[[], int],
    key_of: Callable[[Item], Key],
    name_of: Callable[[Item], int | str],
    url: Callable[[str, str], str],
) -> tuple[list[Item], Page]:
    """The page beyond the key, for any kind of list; `key` is None when the requested one is unknown.

    `read` returns a page of rows beyond a key, in list order in both directions, and whether there are more
    on that side. `count` returns how many rows are before a key and how many there are, up to `MOST_COUNTED`.
    """
    backwards = wanted.backwards and key is not None
    shown, more = read(key, backwards)
    if not shown and key is not None:
        # The rows beyond the key are gone, so this shows the end of the list nearest to it.
        backwards = not backwards
        shown, more = read(None, backwards)
    before, total = count(key_of(shown[0])) if shown else (0, 0)
    if backwards and shown:
        more = bool(read(key_of(shown[-1]), not backwards)[0])
    if wanted.exact and total > MOST_COUNTED:
        total = count_all()
    return shown, page_at(
        [name_of(row) for row in shown],
        before=before,
        total=total,
        more=more,
        exact=wanted.exact,
        lost=wanted.key is not None and key is None,
        url=url,
    )


def page_at(
    ids: Sequence[int | str],
    *,
    before: int,
    total: int,
    more: bool,
    exact: bool,
    lost: bool,
    url: Callable[[str, str], str],
    at_least: bool | None = None,
    known_before: bool | None = None,
) -> Page:
    """The position of a page. `before` and `total` may be limited counts.

    Unless the caller says otherwise, a count beyond `MOST_COUNTED` means at least that many.
    """
    capped = total > MOST_COUNTED and not exact if at_least is None else at_least
    placed = before <= MOST_COUNTED if known_before is None else known_before
    return Page(
        first=before + 1 if ids and placed else 0,
        last=before + len(ids) if ids and placed else 0,
        total=min(total, MOST_COUNTED) if capped else total,
        at_least=capped,
        beyond=0 if placed or not ids else min(before, MOST_COUNTED),
        shown=len(ids),
        previous_url=url("before", str(ids[0])) if ids and before else "",
        next_url=url("after", str(ids[-1])) if ids and more else "",
        count_url=url("count", "all") if capped else "",
        key_is_lost=lost,
    )


def find_key(known: QuerySet[Any], wanted: Wanted, order: Order) -> Sequence[Any] | None:
    """The values of the row at which the page begins or ends; None without one, or when it is unknown."""
    if wanted.key is None:
        return None
    values = known.filter(pk=wanted.key).values_list(*order.columns).first()
    return None if values is None or None in values else values


def values_of(row: Any, order: Order) -> Sequence[Any]:
    return [attrgetter(name.replace("__", "."))(row) for name in order.columns]


def _beyond(
    rows: QuerySet[Row], order: Order, key: Sequence[Any] | None, *, backwards: bool
) -> tuple[list[Row], bool]:
    """Rows in list order, and whether there are more on that side."""
    selected = rows if key is None else rows.filter(order.beyond(key, backwards=backwards))
    found = list(selected.order_by(*order.terms(backwards=backwards))[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    if backwards:
        shown.reverse()
    return shown, len(found) > PAGE_SIZE


# --- limited counts ------------------------------------------------------------------------------


def capped_counts(*several: QuerySet[Any]) -> list[int]:
    """The number of rows of each, in one statement; `MOST_COUNTED` + 1 means more than that."""
    parts, values = [], []
    for rows in several:
        sql, its_values = sql_of(rows.order_by().values("pk")[: MOST_COUNTED + 1])
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608  (Django's own SQL)
        values += its_values
    return list(one_row("SELECT " + ", ".join(parts), values))


def capped_sums(
    *several: QuerySet[Any], column: str, most: int | None = None
) -> list[tuple[int, Decimal | None]]:
    """The number of rows and the sum of a column of each, in one statement.

    With more than `most` (`MOST_COUNTED`) rows, the count is `most` + 1 and the sum None.
    """
    most = MOST_COUNTED if most is None else most
    parts, values = [], []
    for rows in several:
        sql, its_values = sql_of(rows.order_by().values_list(column)[: most + 1])
        parts.append(f"SELECT count(*), coalesce(sum({column}), 0) FROM ({sql}) AS counted")  # noqa: S608
        values += its_values
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return [(count, None if count > most else total) for count, total in cursor.fetchall()]


def sql_of(rows: QuerySet[Any]) -> tuple[str, list[Any]]:
    sql, values = rows.query.sql_with_params()
    return sql, list(values)


def one_row(sql: str, values: Sequence[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row: tuple[Any, ...] = cursor.fetchone()
        return row

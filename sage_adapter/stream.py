"""The keys of a whole company, from raw rows to checked values, as fast as they come.

A million rows pass here, so that everything is done a column and some thousands of rows at a time, by
functions that loop outside of Python. What is not as expected falls back to `rows`, value by value; a row of
which a value is refused there is left out and named, and stops no other. Rows out of order, or of another
width, are no trouble of one record: those are raised.

Change orders come in ranges of record numbers, each with its lines. Between two ranges nothing is open at the
server but the connection: no cursor, and no lock where there is no transaction.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from erp_integrations.ports import (
    LARGEST_RECORD_NUMBER,
    ChangeOrderKeys,
    KeyBlock,
    KeyRows,
    OddRecord,
    SubcontractChangeKeys,
    error_for,
)
from sage_adapter import rows
from sage_adapter.faults import fault
from sage_adapter.session import Session

BLOCK = 20_000
"""Change orders that a range of record numbers is meant to hold."""

_MOST = 2 * BLOCK
"""Change orders, or lines, after which a range that holds more than was meant is cut short."""

_MOST_LINES = 5 * BLOCK
_MOST_JOBS = 1_000_000
_GROWTH = 8
"""How many times wider the next range may be, so that no gap is walked in small steps."""

_BELOW_ALL, _ABOVE_ALL = -(2**63), int(LARGEST_RECORD_NUMBER)
"""No record number is below zero; one that is must come, to be named."""

_MOST_UNNUMBERED = 10_000
"""Rows without a record number, of one table. No key of Sage's allows one, so that many are no oddity."""

Rows = list[Any]
Column = Sequence[Any]


# --- what is asked -------------------------------------------------------------------------------


def jobs(session: Session) -> tuple[Mapping[str, str], tuple[OddRecord, ...]]:
    """The row id of every job, by its record number, and the jobs that cannot be read.

    Raises `Unexpected` (`empty-database`) for none.
    """
    found, complete = session.read("stream_jobs", most=_MOST_JOBS)
    if not complete:
        raise error_for(fault("too-many-rows"))
    if not found:
        raise error_for(fault("empty-database"))
    with rows.refused_unless_understood():
        (recnum, idnum), odd = _reader(_JOBS)(found)
        if not recnum:
            raise rows.NotUnderstood(f"none of {len(found)} jobs can be read: {odd[0].label}")
        return dict(zip(recnum, idnum, strict=True)), odd


def blocks(session: Session) -> Iterator[KeyBlock]:
    """All change orders and their lines, to the last. Raises what `Session.read` raises."""
    change_orders, lines = _reader(_CHANGE_ORDERS), _reader(_LINES)
    extra_headers = _unnumbered(session, "unnumbered_change_orders", _CHANGE_ORDERS)
    extra_lines = _unnumbered(session, "unnumbered_lines", _LINES)
    raw = _raw_blocks(session)
    # One range ahead, so that the server and the wire work while the last one is being read. Left early, the
    # executor waits for the range under way before the connection is closed.
    with ThreadPoolExecutor(max_workers=1) as ahead:
        coming = ahead.submit(next, raw, None)
        while block := coming.result():
            coming = ahead.submit(next, raw, None)
            with rows.refused_unless_understood():
                headers, odd_headers = change_orders(block.headers)
                changes, odd_lines = lines(block.lines)
            recnum, idnum, *others = headers
            yield KeyBlock(
                str(block.upto),
                KeyRows(ChangeOrderKeys, (idnum, recnum, *others)),
                KeyRows(SubcontractChangeKeys, changes),
                (*extra_headers, *odd_headers),
                (*extra_lines, *odd_lines),
            )
            extra_headers = extra_lines = ()


def _unnumbered(session: Session, query: str, kinds: Sequence["_Kind"]) -> tuple[OddRecord, ...]:
    """The rows that no range of record numbers holds."""
    found, complete = session.read(query, most=_MOST_UNNUMBERED)
    if not complete:
        raise error_for(fault("too-many-rows"))
    with rows.refused_unless_understood():
        _readable, odd = _reader(kinds)(found)
    return odd


class _RawBlock(NamedTuple):
    upto: int
    headers: Rows
    lines: Rows


def _raw_blocks(session: Session) -> Iterator[_RawBlock]:
    ranges = _Ranges(*session.ask("stream_span").rows[0])
    after = _BELOW_ALL
    while after < _ABOVE_ALL:
        upto = ranges.end_of_next(after)
        headers, upto = _range(session, "stream_change_orders", after, upto, _MOST)
        lines, cut_at = _range(session, "stream_lines", after, upto, _MOST_LINES)
        if cut_at < upto:
            upto = cut_at
            headers = [row for row in headers if rows.whole(row[0]) <= upto]
        ranges.was(after, upto, len(headers))
        yield _RawBlock(upto, headers, lines)
        after = upto


def _range(session: Session, query: str, after: int, upto: int, most: int) -> tuple[Rows, int]:
    """The rows beyond `after` up to `upto`, and where they really end: sooner where there are too many."""
    found, complete = session.read(query, (after, upto), most=most)
    if not found:
        return found, upto
    with rows.refused_unless_understood():
        first, last = rows.whole(found[0][0]), rows.whole(found[-1][0])
        if not after < first <= last <= upto:
            raise rows.NotUnderstood("record numbers that are not in their order")
        if complete:
            return found, upto
        if first == last:
            raise error_for(fault("too-many-rows"))
        # The last record may have more lines than were read: it begins the next range.
        return found[: bisect_left(found, last, key=lambda row: rows.whole(row[0]))], last - 1


class _Ranges:
    """How wide the next range of record numbers is to be, by how many records the last ones held."""

    def __init__(self, records: Any, lowest: Any, highest: Any) -> None:
        with rows.refused_unless_understood():
            # None where there is no record, or none that has a number.
            self._highest = 0 if highest is None else rows.whole(highest)
            self._lowest = 0 if lowest is None else rows.whole(lowest)
            span = self._highest - self._lowest + 1
            self._width = _wide_enough(span, rows.whole(records))

    def end_of_next(self, after: int) -> int:
        end = max(after, self._lowest - 1) + self._width
        # Whatever was added meanwhile, or left behind without a header, is in the last one.
        return _ABOVE_ALL if end >= self._highest else end

    def was(self, after: int, upto: int, records: int) -> None:
        width = upto - max(after, self._lowest - 1)
        if width > 0:
            self._width = min(_wide_enough(width, records), _GROWTH * width)


def _wide_enough(width: int, records: int) -> int:
    return max(1, width * BLOCK // max(1, records))


# --- what is made of it --------------------------------------------------------------------------


class _ValueCache(dict[Any, str]):
    """Remembers what each value of a column with few different ones means."""

    def __init__(self, read: Callable[[Any], str]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: Any) -> str:
        if len(self) > _MOST_CACHED:
            self.clear()
        self[value] = known = self._read(value)
        return known


_MOST_CACHED = 100_000


class _Kind(NamedTuple):
    """A column, and how it is read."""

    name: str
    one: Callable[[Any], Any]
    """Refuses a value that is not understood."""
    together: Callable[[], Callable[[Column], Column]]
    """Makes what reads many values at once, and refuses them all for one."""


def _few(one: Callable[[Any], str]) -> Callable[[], Callable[[Column], Column]]:
    """For a column with few different values."""

    def together() -> Callable[[Column], Column]:
        known = _ValueCache(one)
        return lambda column: list(map(known.__getitem__, column))

    return together


def _reader(kinds: Sequence[_Kind]) -> Callable[[Rows], tuple[list[Column], tuple[OddRecord, ...]]]:
    """Reads rows into columns; those that cannot be read are left out of every column, and named."""
    together = [kind.together() for kind in kinds]
    none: list[Column] = [() for _ in kinds]

    def columns(found: Rows) -> list[Column]:
        raw = _columns(found, len(kinds))
        # The record numbers last: what reads them remembers where it was, and must not for nothing.
        read = [read(column) for read, column in zip(together[::-1], raw[::-1], strict=True)]
        return read[::-1]

    def read(found: Rows) -> tuple[list[Column], tuple[OddRecord, ...]]:
        if not found:
            return none, ()
        try:
            return columns(found), ()
        except (ValueError, TypeError):
            odd = _odd(kinds, _columns(found, len(kinds)))
            readable = [row for at, row in enumerate(found) if at not in odd]
            return columns(readable) if readable else none, tuple(odd[at] for at in sorted(odd))

    return read


def _odd(kinds: Sequence[_Kind], columns: Sequence[Column]) -> dict[int, OddRecord]:
    """The rows that cannot be read, by their place, each named by its first column that is odd."""
    odd: dict[int, OddRecord] = {}
    by_name = dict(zip((kind.name.partition(".")[2] for kind in kinds), columns, strict=True))
    idnum = by_name.get("_idnum")
    for kind, column in zip(kinds, columns, strict=True):
        if _all_read(kind, column):
            continue
        for at, value in enumerate(column):
            try:
                kind.one(value)
            except ValueError:
                row_id = idnum[at] if idnum else None
                odd.setdefault(at, rows.odd_record(kind.name, by_name["recnum"][at], value, row_id))
    return odd


def _all_read(kind: _Kind, column: Column) -> bool:
    try:
        kind.together()(column)
    except (ValueError, TypeError):
        return False
    return True


def _columns(found: Rows, width: int) -> list[Column]:
    if len(found[0]) != width:
        raise rows.NotUnderstood("a row of another width")
    return [list(map(itemgetter(at), found)) for at in range(width)]


def _record_numbers() -> Callable[[Column], Column]:
    """Record numbers as text. Refuses those out of order: what is merged by it would go wrong silently."""
    last: list[int] = [0]

    def read(recnum: Column) -> Column:
        if set(map(type, recnum)) != {int}:
            recnum = list(map(rows.whole, recnum))
        if recnum[0] < 0:
            rows.record_number(recnum[0])  # which refuses it by name
        if recnum[0] < last[0] or list(recnum) != sorted(recnum):
            raise error_for(fault("row-not-understood", "record numbers that are not in their order"))
        last[0] = recnum[-1]
        return list(map(str, recnum))

    return read


_OF_A_ROW_ID = b"0123456789ABCDEF-"


def _row_key(value: Any) -> str:
    return str(rows.row_id(value)).upper()


def _row_keys(idnum: Column) -> Column:
    """Row ids as upper-case text. Drivers give them so already; others are read one by one."""
    together = _together(idnum)
    upper = together.isascii() and not together.encode("ascii").translate(None, _OF_A_ROW_ID)
    if together and upper and set(map(len, idnum)) == {36}:
        return idnum
    return list(map(_row_key, idnum))


def _numbers(chgnum: Column) -> Column:
    together = _together(chgnum)
    if together and max(map(len, chgnum)) <= rows.NUMBER_LENGTH:
        return chgnum if together.split() == [together] else list(map(str.strip, chgnum))
    return list(map(rows.number, chgnum))


def _together(column: Column) -> str:
    """All text of a column, or none where not all of it is text."""
    try:
        return "".join(column)
    except TypeError:
        return ""


_MOST_AMOUNT = Decimal(10) ** 13
"""More than an amount of Sage's can be, decimal(12,2), and little enough to be summed a thousandfold."""


def _amount(value: Any) -> Decimal:
    known = rows.amount(value)
    if abs(known) >= _MOST_AMOUNT:
        raise rows.NotUnderstood("an amount out of range")
    return known


def _amounts(bdgprc: Column) -> Column:
    readable = set(map(type, bdgprc)) == {Decimal} and all(map(Decimal.is_finite, bdgprc))
    if readable and max(map(Decimal.adjusted, bdgprc)) < _MOST_AMOUNT.adjusted():
        return bdgprc
    return list(map(_amount, bdgprc))


def _change_order_status(value: Any) -> str:
    return rows.status(value, rows.CHANGE_ORDER_STATUS)


_JOBS = (
    _Kind("actrec.recnum", rows.record_number, _record_numbers),
    _Kind("actrec._idnum", _row_key, lambda: _row_keys),
)
_CHANGE_ORDERS = (
    _Kind("prmchg.recnum", rows.record_number, _record_numbers),
    _Kind("prmchg._idnum", _row_key, lambda: _row_keys),
    _Kind("prmchg.chgnum", rows.number, lambda: _numbers),
    _Kind("prmchg.jobnum", rows.reference, _few(rows.reference)),
    _Kind("prmchg.phsnum", rows.phase, _few(rows.phase)),
    _Kind("prmchg.status", _change_order_status, _few(_change_order_status)),
)
_LINES = (
    _Kind("sbcgln.recnum", rows.record_number, _record_numbers),
    _Kind("sbcgln.vndctc", rows.record_number, _few(rows.record_number)),
    _Kind("sbcgln.chgnum", rows.number, lambda: _numbers),
    _Kind("sbcgln.bdgprc", _amount, lambda: _amounts),
)
"""Their columns, in the order of the queries."""

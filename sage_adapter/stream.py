"""The keys of a whole company, from raw rows to checked values, as fast as they come.

A million rows pass here, so that everything is done a column and some thousands of rows at a time, by
functions that loop outside of Python. What is not as expected falls back to `rows`, which refuses it by name.

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
"""No record number is below zero; one that is must come, to be refused by name."""

Rows = list[Any]
Column = Sequence[Any]


# --- what is asked -------------------------------------------------------------------------------


def jobs(session: Session) -> Mapping[str, str]:
    """The row id of every job, by its record number. Raises `Unexpected` (`empty-database`) for none."""
    found, complete = session.read("stream_jobs", most=_MOST_JOBS)
    if not complete:
        raise error_for(fault("too-many-rows"))
    if not found:
        raise error_for(fault("empty-database"))
    with rows.refused_unless_understood():
        recnum, idnum = _columns(found, 2)
        return dict(zip(_record_numbers()(recnum), _row_keys(idnum), strict=True))


def blocks(session: Session) -> Iterator[KeyBlock]:
    """All change orders and their lines, to the last. Raises what `Session.read` raises."""
    change_orders, lines = _change_orders(), _lines()
    raw = _raw_blocks(session)
    # One range ahead, so that the server and the wire work while the last one is being read. Left early, the
    # executor waits for the range under way before the connection is closed.
    with ThreadPoolExecutor(max_workers=1) as ahead:
        coming = ahead.submit(next, raw, None)
        while block := coming.result():
            coming = ahead.submit(next, raw, None)
            with rows.refused_unless_understood():
                made = KeyBlock(str(block.upto), change_orders(block.headers), lines(block.lines))
            yield made


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
            self._highest = rows.whole(highest) if records else 0
            self._lowest = rows.whole(lowest) if records else 0
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


class _Known(dict[Any, str]):
    """Remembers what each value of a column with few different ones means."""

    def __init__(self, read: Callable[[Any], str]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: Any) -> str:
        if len(self) > _MOST_KNOWN:
            self.clear()
        self[value] = known = self._read(value)
        return known


_MOST_KNOWN = 100_000


def _change_orders() -> Callable[[Rows], KeyRows[ChangeOrderKeys]]:
    record_numbers = _record_numbers()
    job, phase = _Known(rows.reference), _Known(rows.phase)
    status = _Known(lambda value: rows.status(value, rows.CHANGE_ORDER_STATUS))

    def read(found: Rows) -> KeyRows[ChangeOrderKeys]:
        if not found:
            return KeyRows(ChangeOrderKeys)
        recnum, idnum, chgnum, jobnum, phsnum, state = _columns(found, 6)
        columns = (
            _row_keys(idnum),
            record_numbers(recnum),
            _numbers(chgnum),
            list(map(job.__getitem__, jobnum)),
            list(map(phase.__getitem__, phsnum)),
            list(map(status.__getitem__, state)),
        )
        return KeyRows(ChangeOrderKeys, columns)

    return read


def _lines() -> Callable[[Rows], KeyRows[SubcontractChangeKeys]]:
    record_numbers = _record_numbers()
    subcontract = _Known(rows.record_number)

    def read(found: Rows) -> KeyRows[SubcontractChangeKeys]:
        if not found:
            return KeyRows(SubcontractChangeKeys)
        recnum, vndctc, chgnum, bdgprc = _columns(found, 4)
        columns = (
            record_numbers(recnum),
            list(map(subcontract.__getitem__, vndctc)),
            _numbers(chgnum),
            _amounts(bdgprc),
        )
        return KeyRows(SubcontractChangeKeys, columns)

    return read


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


def _row_keys(idnum: Column) -> Column:
    """Row ids as upper-case text. Drivers give them so already; others are read one by one."""
    together = _together(idnum)
    upper = together.isascii() and not together.encode("ascii").translate(None, _OF_A_ROW_ID)
    if upper and set(map(len, idnum)) == {36}:
        return idnum
    return [str(rows.row_id(value)).upper() for value in idnum]


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


def _amounts(bdgprc: Column) -> Column:
    if set(map(type, bdgprc)) == {Decimal} and all(map(Decimal.is_finite, bdgprc)):
        return bdgprc
    return list(map(rows.amount, bdgprc))

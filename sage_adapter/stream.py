"""The keys of a whole company, from raw rows to checked values, as fast as they come.

A million rows pass here, so that everything is done a column and some thousands of rows at a time, by
functions that loop outside of Python. What is not as expected falls back to `rows`, which refuses it by name.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import repeat
from typing import Any, TypeVar

from erp_integrations.ports import ChangeOrderKeys, ErpKeys, JobKeys, SubcontractChangeKeys, error_for
from sage_adapter import rows
from sage_adapter.faults import fault

Chunk = list[Any]
Column = Sequence[Any]

T = TypeVar("T", JobKeys, ChangeOrderKeys, SubcontractChangeKeys)


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


def _jobs(chunks: Iterable[Chunk]) -> Iterator[Iterable[JobKeys]]:
    record_numbers = _record_numbers()
    for chunk in chunks:
        with rows.refused_unless_understood():
            recnum, idnum = _columns(chunk, 2)
            made = _made(JobKeys, _row_keys(idnum), record_numbers(recnum))
        yield made


def _change_orders(chunks: Iterable[Chunk]) -> Iterator[Iterable[ChangeOrderKeys]]:
    record_numbers = _record_numbers()
    job, phase = _Known(rows.reference), _Known(rows.phase)
    status = _Known(lambda value: rows.status(value, rows.CHANGE_ORDER_STATUS))
    for chunk in chunks:
        with rows.refused_unless_understood():
            recnum, idnum, chgnum, jobnum, phsnum, state = _columns(chunk, 6)
            made = _made(
                ChangeOrderKeys,
                _row_keys(idnum),
                record_numbers(recnum),
                _numbers(chgnum),
                list(map(job.__getitem__, jobnum)),
                list(map(phase.__getitem__, phsnum)),
                list(map(status.__getitem__, state)),
            )
        yield made


def _lines(chunks: Iterable[Chunk]) -> Iterator[Iterable[SubcontractChangeKeys]]:
    record_numbers = _record_numbers()
    subcontract = _Known(rows.record_number)
    for chunk in chunks:
        with rows.refused_unless_understood():
            recnum, vndctc, chgnum, bdgprc = _columns(chunk, 4)
            made = _made(
                SubcontractChangeKeys,
                record_numbers(recnum),
                list(map(subcontract.__getitem__, vndctc)),
                _numbers(chgnum),
                _amounts(bdgprc),
            )
        yield made


STREAMS: tuple[tuple[str, Callable[[Iterable[Chunk]], Iterator[Iterable[ErpKeys]]]], ...] = (
    ("stream_jobs", _jobs),
    ("stream_change_orders", _change_orders),
    ("stream_lines", _lines),
)
"""The queries of a stream in their order, and what makes values of their rows."""


def _columns(chunk: Chunk, width: int) -> list[Column]:
    columns: list[Column] = list(zip(*chunk))  # noqa: B905 - the rows of one answer are of one width
    if len(columns) != width:
        raise rows.NotUnderstood("a row of another width")
    return columns


def _made(kind: type[T], *columns: Column) -> Iterable[T]:
    return map(tuple.__new__, repeat(kind), zip(*columns, strict=True))


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

"""Sage's own history of change orders: who deleted our very record, and when.

Sage keeps a table of the same name in schema `dbo_Audit` with the business columns and what happened to them
(Sage: Database and Company Administration Guide, Company Tools). Only `_Date` is known by name from the
field; the names of the columns for action, user and application are our assumption, held in one place here.
Where a company's differ, its history counts as not readable, which costs proof and never a verdict.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from erp_integrations.ports import ErpError, HistoryEntry
from sage_adapter import rows
from sage_adapter.session import Answer

TABLE = "dbo_audit.prmchg"


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """What the columns are called; compared without case."""

    record_number: str = "recnum"
    row_id: str = "_idnum"
    at: str = "_Date"
    action: str = "_Action"
    user: str = "_User"
    application: str = "_Application"


COLUMNS = HistoryColumns()

DELETE = "delete"

_ACTIONS = {
    "insert": "insert",
    "i": "insert",
    "update": "update",
    "u": "update",
    DELETE: DELETE,
    "d": DELETE,
}


def has_columns(found: Iterable[str]) -> bool:
    """Whether a history table with those columns can be read."""
    known = {name.casefold() for name in found}
    return all(str(name).casefold() in known for name in astuple(COLUMNS))


@dataclass(frozen=True, slots=True)
class Told:
    """What history said of the records that were asked about."""

    since: datetime | None
    """Its oldest entry, aware; None where it is empty or could not be read."""
    _entries: Mapping[uuid.UUID, Sequence["_Entry"]]

    def deletion_of(self, row_id: uuid.UUID) -> HistoryEntry | None:
        """The deletion of that very record, if that is the newest thing its history holds; else None.

        An entry of another row id under the same record number says nothing about ours. Where the newest
        moment holds anything but deletions, or an entry of ours cannot be read, there is no proof.
        """
        entries = self._entries.get(row_id, ())
        readable = [one for one in entries if one is not None]
        newest = max((entry.at for entry in readable), default=None)
        last = [entry for entry in readable if entry.at == newest]
        if last and len(readable) == len(entries) and all(entry.action == DELETE for entry in last):
            return last[-1]
        return None


_Entry = HistoryEntry | None
"""None is an entry that is there and cannot be read."""


def read(answer: Answer, to_our_clock: Callable[[datetime], datetime]) -> Told:
    """What the rows of history.sql say: how far back history reaches, and the entries of each row id.

    A row that cannot even be told to be about another record leaves no proof for anybody.
    """
    entries: dict[uuid.UUID, list[_Entry]] = defaultdict(list)
    try:
        with rows.refused_unless_understood():
            at = _positions(answer.columns)
            oldest = answer.rows[0][OLDEST]
            since = None if oldest is None else to_our_clock(rows.moment(oldest))
            for row in answer.rows:
                row_id = _row_id(row[at.row_id])
                if row_id is not None:
                    entries[row_id].append(_entry(row, at, to_our_clock))
    except (ErpError, IndexError):
        return Told(None, {})
    return Told(since, entries)


OLDEST = 0
"""Where history.sql puts the oldest moment."""


@dataclass(frozen=True, slots=True)
class _Positions:
    row_id: int
    at: int
    action: int
    user: int
    application: int


def _positions(columns: Sequence[str]) -> _Positions:
    known = ["", *(column.casefold() for column in columns[1:])]  # the first is the oldest moment

    def position(name: str) -> int:
        return known.index(name.casefold())  # ValueError where it is missing: not understood

    return _Positions(
        row_id=position(COLUMNS.row_id),
        at=position(COLUMNS.at),
        action=position(COLUMNS.action),
        user=position(COLUMNS.user),
        application=position(COLUMNS.application),
    )


def _row_id(value: object) -> uuid.UUID | None:
    return None if value is None else rows.row_id(value)


def _entry(row: tuple[Any, ...], at: _Positions, to_our_clock: Callable[[datetime], datetime]) -> _Entry:
    try:
        return HistoryEntry(
            action=_ACTIONS[rows.text(row[at.action]).casefold()],
            at=to_our_clock(rows.moment(row[at.at])),
            user="" if row[at.user] is None else rows.text(row[at.user]),
            application="" if row[at.application] is None else rows.text(row[at.application]),
        )
    except (KeyError, ValueError, OverflowError):
        return None

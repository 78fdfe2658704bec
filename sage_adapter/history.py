"""Sage's own history of change orders: who deleted our very record, and when.

Sage keeps a table of the same name in schema `dbo_Audit` with the business columns and what happened to them
(Sage: Database and Company Administration Guide, Company Tools). Only `_Date` is known by name from the
field; the names of the columns for action, user and application are our assumption, held in one place here.
Where a company's differ, its history counts as not readable, which costs proof and never a verdict.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
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


def deletion_in(
    answer: Answer, row_id: uuid.UUID, to_our_clock: Callable[[datetime], datetime]
) -> HistoryEntry | None:
    """The deletion of that very record, if that is the newest thing its history holds; else None.

    An entry of another row id under the same record number says nothing about ours. Where the newest
    moment holds anything but deletions, or an entry of ours cannot be read, there is no proof.
    """
    try:
        entries = _entries_of(answer, row_id, to_our_clock)
    except ErpError:
        return None
    newest = max((entry.at for entry in entries), default=None)
    last = [entry for entry in entries if entry.at == newest]
    if last and all(entry.action == DELETE for entry in last):
        return last[-1]
    return None


def _entries_of(
    answer: Answer, row_id: uuid.UUID, to_our_clock: Callable[[datetime], datetime]
) -> list[HistoryEntry]:
    with rows.refused_unless_understood():
        at = _positions(answer.columns)
        ours = [row for row in answer.rows if _row_id(row[at.row_id]) == row_id]
        return [_entry(row, at, to_our_clock) for row in ours]


@dataclass(frozen=True, slots=True)
class _Positions:
    row_id: int
    at: int
    action: int
    user: int
    application: int


def _positions(columns: Sequence[str]) -> _Positions:
    known = [column.casefold() for column in columns]

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


def _entry(
    row: tuple[Any, ...], at: _Positions, to_our_clock: Callable[[datetime], datetime]
) -> HistoryEntry:
    action = _ACTIONS.get(rows.text(row[at.action]).casefold())
    if action is None:
        raise ValueError("an action that is not known")
    return HistoryEntry(
        action=action,
        at=to_our_clock(rows.moment(row[at.at])),
        user="" if row[at.user] is None else rows.text(row[at.user]),
        application="" if row[at.application] is None else rows.text(row[at.application]),
    )

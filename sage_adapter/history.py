"""Sage's own history: who deleted our very record, and when; when a record was entered; when a job was saved.

Sage keeps a table of the same name in schema `dbo_Audit` with the business columns and what happened to them
(Sage: Database and Company Administration Guide, Company Tools). Only `_Date` is known by name from the
field; the names of the columns for action, user and application are our assumption, held here and in
`history*.sql`. Where a company's differ, its history counts as not readable, which costs proof and never a
verdict. All moments are naive, in the server's local time.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any

from erp_integrations.ports import ErpHistoryEntry, HistoryMark, error_for
from sage_adapter import rows
from sage_adapter.faults import fault
from sage_adapter.session import Rows

TABLE = "dbo_audit.prmchg"
JOBS_TABLE = "dbo_audit.actrec"


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

INSERT, UPDATE, DELETE = "insert", "update", "delete"

_ACTIONS = {INSERT: INSERT, "i": INSERT, UPDATE: UPDATE, "u": UPDATE, DELETE: DELETE, "d": DELETE}


def has_columns(found: Iterable[str]) -> bool:
    """Whether a history table with those columns can be read."""
    known = {name.casefold() for name in found}
    return all(str(name).casefold() in known for name in astuple(COLUMNS))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of Sage's history."""

    action: str
    at: datetime
    user: str
    application: str

    def as_evidence(self, to_our_clock: Callable[[datetime], datetime]) -> ErpHistoryEntry:
        return ErpHistoryEntry(self.action, to_our_clock(self.at), self.user, self.application)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back history reaches, and whether it holds a deletion of any change order."""

    oldest: datetime | None
    """None for history that is empty."""
    holds_deletions: bool


@dataclass(slots=True)
class History:
    """What was read of history in one look, about the records that were asked for."""

    read_records: set[int] = field(default_factory=set)
    """The record numbers whose entries were read."""
    _entries: dict[uuid.UUID, list[Entry | None]] = field(default_factory=lambda: defaultdict(list))
    """None is an entry that is there and cannot be read."""
    _jobs_saved_at: dict[uuid.UUID, datetime] = field(default_factory=dict)
    _moments: set[tuple[int, datetime]] = field(default_factory=set)

    def deletion_of(self, row_id: uuid.UUID) -> Entry | None:
        """The deletion of that very record, if that is the newest thing its history holds; else None.

        An entry of another row id under the same record number says nothing about it. Where the newest
        moment holds anything but deletions, or an entry cannot be read, there is none.
        """
        entries = self._entries.get(row_id, ())
        readable = [one for one in entries if one is not None]
        newest = max((entry.at for entry in readable), default=None)
        last = [entry for entry in readable if entry.at == newest]
        if last and len(readable) == len(entries) and all(entry.action == DELETE for entry in last):
            return last[-1]
        return None

    def inserted_at(self, row_id: uuid.UUID) -> datetime | None:
        """When the record was first entered; None where its history does not tell."""
        entries = self._entries.get(row_id, ())
        return min((one.at for one in entries if one is not None and one.action == INSERT), default=None)

    def job_saved_at(self, row_id: uuid.UUID) -> datetime | None:
        """When the job was last entered or changed; None where its history does not tell."""
        return self._jobs_saved_at.get(row_id)

    def deletions(self) -> list[tuple[uuid.UUID, datetime]]:
        """Every deletion that was read, by the row id of its record."""
        return [
            (row_id, one.at)
            for row_id, entries in self._entries.items()
            for one in entries
            if one is not None and one.action == DELETE
        ]

    def holds(self, mark: HistoryMark) -> bool:
        return (int(mark.record_number), mark.at) in self._moments

    def add(self, answer: Rows, records: Sequence[int]) -> None:
        """Takes the rows of history.sql about `records`.

        Raises `row-not-understood` for a row whose record cannot be told: it may be about any of them.
        """
        with rows.refused_unless_understood():
            for kind, recnum, row_id, moment, *others in answer.rows:
                if rows.whole(kind) == 1:
                    self._add_job(row_id, moment)
                elif row_id is not None:
                    entry = _entry(moment, others)
                    ours = rows.at("dbo_Audit.prmchg._idnum", rows.row_id, row_id)
                    self._entries[ours].append(entry)
                    if entry is not None:
                        self._moments.add((rows.whole(recnum), entry.at))
        self.read_records |= set(records)

    def _add_job(self, row_id: Any, moment: Any) -> None:
        try:
            self._jobs_saved_at[rows.row_id(row_id)] = rows.moment(moment)
        except ValueError:
            return  # a job whose history cannot be read shows no sign of life


def _entry(moment: Any, others: Sequence[Any]) -> Entry | None:
    action, user, application = others
    try:
        return Entry(
            action=_ACTIONS[rows.text(action).casefold()],
            at=rows.moment(moment),
            user="" if user is None else rows.text(user),
            application="" if application is None else rows.text(application),
        )
    except (KeyError, ValueError, OverflowError):
        return None


def reach_of(answer: Rows) -> Reach:
    """What the one row of history_reach.sql says."""
    with rows.refused_unless_understood():
        if len(answer.rows) != 1:
            raise error_for(fault("no-count"))
        oldest, deletions = answer.rows[0]
        return Reach(None if oldest is None else rows.moment(oldest), rows.whole(deletions) == 1)


def newest_of(answer: Rows) -> HistoryMark | None:
    """The mark that the rows of history_newest.sql give; None for empty history."""
    with rows.refused_unless_understood():
        marks = [HistoryMark(rows.record_number(recnum), rows.moment(at)) for recnum, at in answer.rows]
    return max(marks, key=lambda mark: (mark.at, int(mark.record_number)), default=None)

"""The keys of a whole company, streamed."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any, NamedTuple, TypeVar, overload

from erp_integrations.ports.connections import HistoryMark
from erp_integrations.ports.records import OddRecord


class ChangeOrderKeys(NamedTuple):
    """One change order's header, as it is streamed."""

    row_key: str
    """The row id as `str(row_id).upper()` writes it: compared a million times, and a UUID is slow at that."""
    record_number: str
    number: str
    job_record_number: str
    """Empty for none."""
    phase: str
    status: str
    """The ERP's word: Approved, Open, Review, Disputed, Void, Rejected."""

    @property
    def row_id(self) -> uuid.UUID:
        return uuid.UUID(self.row_key)


class SubcontractChangeKeys(NamedTuple):
    """What one line of a change order adds to a subcontract, as it is streamed."""

    record_number: str
    """The change order's."""
    subcontract_record_number: str
    number: str
    """The subcontract's own change number; may be empty."""
    amount: Decimal


Keys = TypeVar("Keys", ChangeOrderKeys, SubcontractChangeKeys)


class KeyRows(Sequence[Keys]):
    """Keys, held by column: a row is made when it is asked for.

    What goes over all of them does best with the columns themselves, `zip(*rows.columns)`: of rows that live
    long, the garbage collector's walks cost more than anything else.
    """

    def __init__(self, kind: type[Keys], columns: Sequence[Sequence[Any]] = ()) -> None:
        self._kind: type[Keys] = kind
        self.columns = columns or ((),) * len(kind._fields)
        """One for each field of a key, in their order, all of one length."""

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, at: int) -> Keys: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Keys]: ...
    def __getitem__(self, at: int | slice) -> Keys | Sequence[Keys]:
        if isinstance(at, slice):
            return KeyRows(self._kind, [column[at] for column in self.columns])
        row: Keys = self._kind(*(column[at] for column in self.columns))
        return row

    def __iter__(self) -> Iterator[Keys]:
        return map(tuple.__new__, repeat(self._kind), zip(*self.columns, strict=True))


class KeyBlock(NamedTuple):
    """What one range of record numbers holds, some 20,000 change orders; either part may be empty."""

    upto: str
    """Every record up to and including this number is in this block or in an earlier one."""
    change_orders: KeyRows[ChangeOrderKeys]
    """By record number."""
    lines: KeyRows[SubcontractChangeKeys]
    """All lines on subcontracts of the same range, by record number; also those that lost their header."""
    odd_change_orders: tuple[OddRecord, ...] = ()
    """Those of the range that cannot be read, which are not above; in the first block, also those without a
    record number."""
    odd_lines: tuple[OddRecord, ...] = ()
    """The same of lines."""


LARGEST_RECORD_NUMBER = str(2**63 - 1)
"""Where the last block of a stream ends, whatever the company's last record is."""


@dataclass(frozen=True, slots=True)
class KeyStream:
    """The keys of a whole company, as one connection gives them."""

    incarnation: str
    """Of the database that answers."""
    jobs: Mapping[str, str]
    """Every job that can be read: its record number and its row id, written as in `ChangeOrderKeys`. Never
    empty."""
    blocks: Iterator[KeyBlock]
    """In ascending order, without gap or overlap. Raises `ErpError` where the connection fails midway."""
    server_ahead: timedelta | None = None
    """The ERP server's local time minus ours when the stream began."""
    history_mark: HistoryMark | None = None
    """The newest entry of the ERP's own history; None when unreadable or empty."""
    odd_jobs: tuple[OddRecord, ...] = ()
    """The jobs that cannot be read."""

"""Finds the active links that differ from the company's records in the ERP: a million within seconds.

Writes nothing. A difference is only a suspicion, which a look confirms before it is recorded. Unchanged links
are never loaded as objects, and at most one page of links is in memory.
"""

import random
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection as database
from psycopg.types.string import TextLoader

from erp_integrations.models import ChangeOrderLink, PresenceKey
from erp_integrations.models.links import GONE
from erp_integrations.ports import ChangeOrderKeys, KeyBlock, KeyRows, OddRecord, SubcontractChangeKeys
from erp_integrations.workflow.link_status import SEEN, status_of_header

PAGE = 20_000
"""Links compared per query."""
ODD_KEPT = 50
"""Most unreadable records that are stored by name; beyond that there is only the count."""

_PAGE = """
    SELECT row_id, record_number, number, job_record_number, phase, 'Approved',
        subcontract_record_number, erp_amount, job_row_id,
        CASE WHEN presence <> 'present' OR drift <> '{}' THEN presence END, id
    FROM erp_integrations_changeorderlink
    WHERE connection_id = %s AND unlinked_at IS NULL
        AND (record_order, id) > (%s, %s) AND record_order <= %s
    ORDER BY record_order, id LIMIT %s"""
"""Columns 1 to 5 of an unchanged link are equal to the ERP's header."""

_RECORD, _JOB, _SUBCONTRACT, _AMOUNT, _JOB_ROW, _STORED, _ID = 1, 3, 6, 7, 8, 9, 10
_AFTER_ALL_NUMBERS = "\x7f"

Row = tuple[Any, ...]
Headers = Mapping[str, tuple[str, ...]]
"""Row id, in lower case as our database writes it -> the other columns of `ChangeOrderKeys`."""
Sums = Mapping[tuple[str, str], Decimal]


class Amounts:
    """Amounts by link id, eight bytes each; None for an amount that was not read."""

    _NONE = -(2**63)

    def __init__(self) -> None:
        self.ids, self._cents = array("q"), array("q")

    def add(self, link_id: int, amount: Decimal | None) -> None:
        self.ids.append(link_id)
        self._cents.append(self._NONE if amount is None else int(amount * 100))

    def __len__(self) -> int:
        return len(self.ids)

    def chunks(self, size: int) -> Iterator[dict[int, Decimal | None]]:
        for start in range(0, len(self.ids), size):
            part = zip(self.ids[start : start + size], self._cents[start : start + size], strict=True)
            yield {
                link_id: None if cents == self._NONE else Decimal(cents).scaleb(-2) for link_id, cents in part
            }


@dataclass(slots=True)
class DiffResult:
    """The result of the comparison. The counts are of links that are as stored and need no look."""

    change_orders: int = 0
    """How many change orders the ERP holds."""
    links: int = 0
    present: int = 0
    absent: int = 0
    drifted: int = 0
    unknown: int = 0
    missing: int = 0
    """Suspects whose record, or whose job, was in the ERP and is not any more."""
    suspects: Amounts = field(default_factory=Amounts)
    """With the sum of the record's lines on our subcontract in the ERP."""
    missed: set[int] = field(default_factory=set)
    """Ids of suspects whose record was not among the keys."""
    never_checked: "array[int]" = field(default_factory=lambda: array("q"))
    """Ids of links that were never checked and whose record is there, as it was linked."""
    gone: "array[int]" = field(default_factory=lambda: array("q"))
    """Ids of links that are missing as before. The keys do not show who has their number now."""
    sampled: set[int] = field(default_factory=set)
    """Those of them that are re-checked as suspects."""
    odd: int = 0
    """How many records in the ERP cannot be read, linked or not."""
    odd_records: list[OddRecord] = field(default_factory=list)
    """The first `ODD_KEPT` of them."""

    def note_odd(self, odd: Sequence[OddRecord]) -> None:
        self.odd += len(odd)
        self.odd_records += odd[: max(0, ODD_KEPT - len(self.odd_records))]

    def count(self, presence: str, *, drifted: bool) -> None:
        """Counts one link with this status."""
        if presence in SEEN:
            self.present += 1
            self.drifted += drifted
        elif presence in GONE:
            self.absent += 1
        else:
            self.unknown += 1

    def sample_gone(self, most: int) -> None:
        """Adds a random sample of already-missing links to the suspects."""
        for at in random.sample(range(len(self.gone)), min(most, len(self.gone))):
            self.absent -= 1
            self.sampled.add(self.gone[at])
            self.suspects.add(self.gone[at], None)


class _Stored(NamedTuple):
    """A link that is not unchanged: its stored status, and the values it was linked with."""

    id: int
    presence: str
    drift: list[str]
    seen: dict[str, str]
    number: str
    job_record_number: str
    phase: str
    erp_amount: Decimal


class _Odd:
    """Records that cannot be read: the row ids, else the numbers, that identify their links."""

    def __init__(self, odd: Iterable[OddRecord]) -> None:
        self._row_ids: set[str] = set()
        self._numbers: set[str] = set()
        for one in odd:
            if one.row_key:
                self._row_ids.add(one.row_key.lower())
            elif one.record_number:
                self._numbers.add(one.record_number)

    def holds(self, row_id: str, record_number: str) -> bool:
        return row_id in self._row_ids or record_number in self._numbers


class LinkDiffer:
    """Compares the active links of one connection with its records in the ERP, block by block.

    A record that cannot be read is neither missing nor different: its links are suspects for a look, and
    never count as missing. A job that cannot be read counts as there.
    """

    def __init__(
        self, connection_id: int, jobs: Mapping[str, str], odd_jobs: Sequence[OddRecord] = ()
    ) -> None:
        self._connection_id = connection_id
        self._jobs = {record_number: row_key.lower() for record_number, row_key in jobs.items()}
        self._odd_jobs = _Odd(odd_jobs)
        self._unnumbered: list[OddRecord] = []
        """Change orders without a readable number but with a row id."""
        self._odd_headers, self._odd_lines = _Odd(()), _Odd(())
        self._after: tuple[str, int] = ("", 0)
        self.result = DiffResult()
        self.result.note_odd(odd_jobs)

    def compare_block(self, block: KeyBlock) -> None:
        """Compares every link up to the block's last record number. Blocks come in order."""
        odd = block.odd_change_orders
        self._unnumbered += [one for one in odd if one.row_key and not one.record_number]
        self._odd_headers, self._odd_lines = _Odd((*odd, *self._unnumbered)), _Odd(block.odd_lines)
        self.result.note_odd((*odd, *block.odd_lines))
        self.result.change_orders += len(block.change_orders) + len(odd)
        self._compare(_order(block.upto), _headers(block.change_orders), sums_of(block.lines))

    def compare_rest(self) -> None:
        """Compares the links whose record numbers come after the last block."""
        self._odd_headers, self._odd_lines = _Odd(self._unnumbered), _Odd(())
        self._compare(_AFTER_ALL_NUMBERS, {}, {})

    def _compare(self, upto: str, headers: Headers, sums: Sums) -> None:
        jobs = self._jobs
        for rows in self._pages(upto):
            odd = [
                row
                for row in rows
                if headers.get(row[0]) != row[1:6]
                or sums.get((row[1], row[6])) != row[7]
                or jobs.get(row[3]) != row[8]
                or row[9] is not None
            ]
            self.result.links += len(rows)
            self.result.present += len(rows) - len(odd)
            if odd:
                self._look_closer(odd, headers, sums)

    def _pages(self, upto: str) -> Iterator[Sequence[Row]]:
        while True:
            with database.cursor() as cursor:
                cursor.adapters.register_loader("uuid", TextLoader)  # creating a UUID per row is slow
                cursor.execute(_PAGE, [self._connection_id, *self._after, upto, PAGE])
                rows = cursor.fetchall()
            if rows:
                self._after = (_order(rows[-1][_RECORD]), rows[-1][_ID])
                yield rows
            if len(rows) < PAGE:
                return

    def _look_closer(self, odd: Sequence[Row], headers: Headers, sums: Sums) -> None:
        stored = _stored(row[_ID] for row in odd)
        for row in odd:
            link = stored.get(row[_ID])
            if link is None:
                continue  # it was cut meanwhile
            found = headers.get(row[0])
            header = ChangeOrderKeys(row[0].upper(), *found) if found else None
            amount = sums.get((row[_RECORD], row[_SUBCONTRACT]))
            job_is_there = self._jobs.get(row[_JOB]) == row[_JOB_ROW] or self._odd_jobs.holds(
                row[_JOB_ROW], row[_JOB]
            )
            if header is None and self._odd_headers.holds(row[0], row[_RECORD]):
                self.result.suspects.add(link.id, None)
            elif self._odd_lines.holds("", row[_RECORD]):
                # The sum of its lines is unknown, so it does not show that the amount differs.
                self.result.suspects.add(link.id, None)
                self._count_missing(link, is_missing=header is None or not job_is_there)
            elif is_stored(link, header, amount, job_is_there=job_is_there):
                self.result.count(link.presence, drifted=bool(link.drift))
                if link.presence in GONE:
                    self.result.gone.append(link.id)
            elif link.presence == PresenceKey.UNCHECKED and _is_as_linked(
                link, header, amount, job_is_there=job_is_there
            ):
                self.result.never_checked.append(link.id)
                self.result.count(PresenceKey.PRESENT, drifted=False)
            else:
                self.result.suspects.add(link.id, amount if header else None)
                if header is None:
                    self.result.missed.add(link.id)
                self._count_missing(link, is_missing=header is None or not job_is_there)

    def _count_missing(self, link: _Stored, *, is_missing: bool) -> None:
        self.result.missing += is_missing and link.presence in (*SEEN, PresenceKey.UNCHECKED)


def is_stored(
    link: _Stored, header: ChangeOrderKeys | None, amount: Decimal | None, *, job_is_there: bool
) -> bool:
    """Whether the ERP shows nothing new about the link. A link in doubt is never as stored."""
    presence = link.presence
    if presence in GONE:
        # Its job may have been deleted with it. A header without our lines may be shared, which needs a look.
        return header is None and amount is None
    if not job_is_there:
        return presence == PresenceKey.JOB_MISSING
    if header is None:
        return presence == PresenceKey.AMBIGUOUS and amount is not None
    if presence not in SEEN:
        return False
    standing = status_of_header(link, header, Decimal(0) if amount is None else amount)
    return (presence, link.drift, link.seen) == (standing.presence, list(standing.drift), standing.seen)


def _is_as_linked(
    link: _Stored, header: ChangeOrderKeys | None, amount: Decimal | None, *, job_is_there: bool
) -> bool:
    if header is None or amount is None or not job_is_there:
        return False
    standing = status_of_header(link, header, amount)
    return standing.presence == PresenceKey.PRESENT and not standing.drift


def _headers(change_orders: KeyRows[ChangeOrderKeys]) -> Headers:
    row_keys, *others = change_orders.columns
    return dict(zip(map(str.lower, row_keys), zip(*others, strict=True), strict=True))


def sums_of(lines: KeyRows[SubcontractChangeKeys]) -> Sums:
    """The amount that each record adds to each subcontract."""
    record_numbers, subcontracts, _, amounts = lines.columns
    places = list(zip(record_numbers, subcontracts, strict=True))
    sums = dict(zip(places, amounts, strict=True))
    if len(sums) == len(places):
        return sums
    sums = {}
    for place, amount in zip(places, amounts, strict=True):
        sums[place] = sums[place] + amount if place in sums else amount
    return sums


def _stored(link_ids: Iterable[int]) -> dict[int, _Stored]:
    links = ChangeOrderLink.objects.filter(pk__in=list(link_ids), unlinked_at=None)
    return {row[0]: _Stored(*row) for row in links.values_list(*_Stored._fields)}


def _order(record_number: str) -> str:
    """In the format of `record_order`."""
    return record_number.rjust(20, "0")

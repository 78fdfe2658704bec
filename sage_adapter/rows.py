"""From raw rows to frozen values. What is not understood is refused, never guessed.

Drivers differ: amounts come as `Decimal`, float or text, row ids as text in either case, with or without
braces, moments as `datetime` or text. From here on amounts are `Decimal` with two places, row ids
`uuid.UUID`, numbers text, and moments naive in the server's local time (`history.py` and `look.py` make them
aware with the server's own clock).

Refused means `Unexpected` (`row-not-understood`): NULL where Sage never has one, a status outside 1-6, a
record number below zero, a number longer than Sage's column (prmchg.chgnum and sbcgln.chgnum: 20).
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from erp_integrations.ports import (
    ErpChangeOrderFound,
    ErpChangeOrderLine,
    ErpJob,
    ErpSubcontract,
    ErpSubcontractLine,
    ErpVendor,
    HeaderSeen,
    error_for,
)
from sage_adapter.faults import fault

NUMBER_LENGTH = 20

CHANGE_ORDER_STATUS = {1: "Approved", 2: "Open", 3: "Review", 4: "Disputed", 5: "Void", 6: "Rejected"}
"""Sage help: About change order status. Header and lines use the same list."""

JOB_STATUS = {1: "Bid", 2: "Refused", 3: "Contract", 4: "Current", 5: "Complete", 6: "Closed"}
"""Sage help: About job status. Newer releases let a company add its own; those show as their number."""

SUBCONTRACT_STATUS = JOB_STATUS
"""Sage help: About subcontract status. The same fixed list."""

_CENTS = Decimal("0.01")

T = TypeVar("T")


_MOST_SHOWN = 40
"""Characters of a value that are kept as evidence."""


class NotUnderstood(ValueError):
    """A value of the database that has no meaning here. Says which column, and what stood there."""


def _refused(why: str, value: object) -> NotUnderstood:
    """The refusal, with the value as evidence: cut short, and with nothing that a page could trip over."""
    shown = "NULL" if value is None else ascii(value[:_MOST_SHOWN] if isinstance(value, str) else value)
    return NotUnderstood(f"{why}: {shown[:_MOST_SHOWN]}")


# --- single values -----------------------------------------------------------------------------


def text(value: object) -> str:
    """Text that Sage never leaves NULL, without the blanks that pad it."""
    if not isinstance(value, str):
        raise _refused("not text", value)
    return value.strip()


def number(value: object) -> str:
    """A change number: free text, at most 20 characters. Kept in its own case."""
    kept = text(value)
    if len(kept) > NUMBER_LENGTH:
        raise _refused("a number too long", value)
    return kept


def whole(value: object) -> int:
    """A whole number, as drivers write it: 7, 7.0, "7", Decimal("7.000")."""
    if type(value) is int:  # as most drivers give most of them: nothing to find out
        return value
    if value is None or isinstance(value, bool | bytes):
        raise _refused("not a number", value)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise _refused("not a number", value) from error
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise _refused("not whole", value)
    return int(exact)


def record_number(value: object) -> str:
    """A record number, as text. Sage's are never negative."""
    known = whole(value)
    if known < 0:
        raise _refused("a negative record number", value)
    return str(known)


def reference(value: object) -> str:
    """A record number that points at another record, or empty for none (NULL)."""
    return "" if value is None else record_number(value)


def phase(value: object) -> str:
    """A phase number; 0, and NULL, mean that the job has no phases."""
    return "0" if value is None else record_number(value)


def row_id(value: object) -> uuid.UUID:
    """A row id, in either case, with or without braces."""
    if isinstance(value, uuid.UUID):
        return value
    if not isinstance(value, str):
        raise _refused("not a row id", value)
    try:
        return uuid.UUID(value.strip())
    except ValueError as error:
        raise _refused("not a row id", value) from error


def amount(value: object) -> Decimal:
    """Money in the company's currency, two places, made through text so that a float brings no dust."""
    try:
        return _decimal(value).quantize(_CENTS)
    except InvalidOperation as error:  # more digits than an amount can have
        raise _refused("not an amount", value) from error


def cost_code(value: object) -> str:
    """A cost code: the number itself, three places as Sage shows it; empty for none."""
    return "" if value is None else f"{_decimal(value):.3f}"


def _decimal(value: object) -> Decimal:
    if value is None or isinstance(value, bool | bytes):
        raise _refused("not a number", value)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise _refused("not a number", value) from error
    if not exact.is_finite():
        raise _refused("not a number", value)
    return exact


def moment(value: object) -> datetime:
    """A moment in the server's local time, naive. A time zone, where a driver adds one, is not believed."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time())
    try:
        # Seven decimals, which SQL Server's datetime2 writes, are one more than Python reads.
        return datetime.fromisoformat(_shortened(text(value))).replace(tzinfo=None)
    except ValueError as error:
        raise _refused("not a moment", value) from error


def _shortened(written: str) -> str:
    whole_part, dot, fraction = written.partition(".")
    return f"{whole_part}{dot}{fraction[:6]}" if fraction.isdigit() else written


def day(value: object) -> date | None:
    """A date, or None where there is none."""
    return None if value is None else moment(value).date()


def status(value: object, words: dict[int, str]) -> str:
    """The ERP's word for a status. One that is not in the list is refused."""
    try:
        return words[whole(value)]
    except KeyError as error:
        raise _refused("a status outside the list", value) from error


def count(value: object) -> int:
    """What a COUNT gave."""
    known = whole(value)
    if known < 0:
        raise _refused("a negative count", value)
    return known


# --- rows --------------------------------------------------------------------------------------


def _at(column: str, read: Callable[..., T], value: object, *more: object) -> T:
    """What `read` makes of the value; where it refuses, the column is named."""
    try:
        return read(value, *more)
    except ValueError as error:
        raise NotUnderstood(f"{column}, {error}") from error


@dataclass(frozen=True, slots=True)
class Presence:
    """Counts, all in one row that came back: zero means that the server looked and found none."""

    jobs: int
    jobs_with_number: int
    jobs_same_row: int
    headers: int
    lines: int
    subcontracts: int


@dataclass(frozen=True, slots=True)
class Carrier:
    """A change order that may carry the number now: found on the job, or by a line on the subcontract."""

    row_id: uuid.UUID | None
    """None for a line that has lost its header."""
    record_number: str
    number: str
    phase: str
    inserted_at: datetime | None
    """In the server's local time, naive."""
    by_line: bool
    sub_change_number: str
    """Empty when found on the job."""
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ChangeOrderHeader:
    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    description: str
    status: str
    date: date | None


def presence_by_place(rows: Sequence[tuple[Any, ...]], asked: int) -> list[tuple[Any, ...]]:
    """The counts of the `asked` records, in the order of their places.

    Exactly one row for each is an answer; fewer, more or others is `no-count`: silence is not zero.
    """
    with refused_unless_understood():
        by_place = {count(row[0]): row[1:] for row in rows}
    if len(by_place) != len(rows) or set(by_place) != set(range(1, asked + 1)):
        raise error_for(fault("no-count"))
    return [by_place[place] for place in range(1, asked + 1)]


def presence(row: tuple[Any, ...]) -> Presence:
    """The counts of one record."""
    with refused_unless_understood():
        jobs, with_number, same_row, headers, lines, subcontracts = (count(value) for value in row)
        for table, found in (("actrec", with_number), ("prmchg", headers), ("subcon", subcontracts)):
            if found > 1:
                raise NotUnderstood(f"{table}, a key that is there {found} times")
        if same_row > with_number:
            raise NotUnderstood("actrec, a row without its number")
        return Presence(jobs, with_number, same_row, headers, lines, subcontracts)


def single_count(rows: Sequence[tuple[Any, ...]]) -> int:
    """The one number of a COUNT. No row at all is `no-count`."""
    if len(rows) != 1:
        raise error_for(fault("no-count"))
    with refused_unless_understood():
        return count(rows[0][0])


def row_id_of(row: tuple[Any, ...]) -> uuid.UUID:
    """Whose header a row of header.sql is."""
    with refused_unless_understood():
        return _at("prmchg._idnum", row_id, row[1])


def header_seen(row: tuple[Any, ...], expected: uuid.UUID) -> HeaderSeen:
    """The header of that row id. A row that does not carry it is refused."""
    with refused_unless_understood():
        header = _header(row)
        if header.row_id != expected:
            raise NotUnderstood("another row than asked for")
        return HeaderSeen(
            record_number=header.record_number,
            number=header.number,
            job_record_number=header.job_record_number,
            phase=header.phase,
            status=header.status,
        )


def change_order_header(row: tuple[Any, ...]) -> ChangeOrderHeader:
    with refused_unless_understood():
        return _header(row)


def _header(row: tuple[Any, ...]) -> ChangeOrderHeader:
    recnum, idnum, chgnum, jobnum, phsnum, dscrpt, state, chgdte = row
    return ChangeOrderHeader(
        row_id=_at("prmchg._idnum", row_id, idnum),
        record_number=_at("prmchg.recnum", record_number, recnum),
        number=_at("prmchg.chgnum", number, chgnum),
        job_record_number=_at("prmchg.jobnum", reference, jobnum),
        phase=_at("prmchg.phsnum", phase, phsnum),
        description=_at("prmchg.dscrpt", text, dscrpt),
        status=_at("prmchg.status", status, state, CHANGE_ORDER_STATUS),
        date=_at("prmchg.chgdte", day, chgdte),
    )


def change_order_line(row: tuple[Any, ...]) -> ErpChangeOrderLine:
    with refused_unless_understood():
        linnum, dscrpt, vndnum, vndctc, ctclin, chgnum, chgsts, cstcde, csttyp, bdgprc = row
        return ErpChangeOrderLine(
            line_number=_at("sbcgln.linnum", whole, linnum),
            description=_at("sbcgln.dscrpt", text, dscrpt),
            vendor_record_number=_at("sbcgln.vndnum", reference, vndnum),
            subcontract_record_number=_at("sbcgln.vndctc", reference, vndctc),
            subcontract_line=_at("sbcgln.ctclin", reference, ctclin),
            sub_change_number=_at("sbcgln.chgnum", number, chgnum),
            status=_at("sbcgln.chgsts", status, chgsts, CHANGE_ORDER_STATUS),
            cost_code=_at("sbcgln.cstcde", cost_code, cstcde),
            cost_type=_at("sbcgln.csttyp", reference, csttyp),
            amount=_at("sbcgln.bdgprc", amount, bdgprc),
        )


def change_orders_found(
    headers: Sequence[tuple[Any, ...]], changes: Sequence[tuple[Any, ...]]
) -> tuple[ErpChangeOrderFound, ...]:
    """Each change order once, by record number: those of a job, and those with a line on a subcontract."""
    with refused_unless_understood():
        by_record = {_at("prmchg.recnum", record_number, header[0]): header for header in headers}
        changed: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        for *header, sub_number, bdgprc in changes:
            record = _at("sbcgln.recnum", record_number, header[0])
            by_record.setdefault(record, tuple(header))
            changed[record].append(
                (_at("sbcgln.chgnum", number, sub_number), _at("sbcgln.bdgprc", amount, bdgprc))
            )
        return tuple(
            _found(by_record[record], changed.get(record, [])) for record in sorted(by_record, key=int)
        )


def _found(header: tuple[Any, ...], changes: list[tuple[str, Decimal]]) -> ErpChangeOrderFound:
    recnum, idnum, chgnum, jobnum, phsnum, state, usrdf1 = header
    return ErpChangeOrderFound(
        row_id=_at("prmchg._idnum", row_id, idnum),
        record_number=_at("prmchg.recnum", record_number, recnum),
        number=_at("prmchg.chgnum", number, chgnum),
        job_record_number=_at("prmchg.jobnum", reference, jobnum),
        phase=_at("prmchg.phsnum", phase, phsnum),
        status=_at("prmchg.status", status, state, CHANGE_ORDER_STATUS),
        key=_at("prmchg.usrdf1", text, usrdf1),
        sub_change_numbers=tuple(sorted({sub_number for sub_number, _ in changes})),
        amount=sum((one for _, one in changes), Decimal("0.00")) if changes else None,
    )


BY_JOB, BY_LINE, SUBCONTRACT_LINE = 0, 1, 2
"""The kinds of rows that carriers.sql gives."""


def carrier_kind(row: tuple[Any, ...]) -> tuple[int, str]:
    """Which kind of row of carriers.sql it is, and the job or subcontract it was asked for."""
    with refused_unless_understood():
        kind = whole(row[0])
        if kind not in (BY_JOB, BY_LINE, SUBCONTRACT_LINE):
            raise _refused("a kind that was not asked for", row[0])
        return kind, record_number(row[1])


def carrier(row: tuple[Any, ...]) -> Carrier:
    """A row of carriers.sql that is a change order or a line of one."""
    with refused_unless_understood():
        kind, _asked, recnum, idnum, chgnum, phsnum, insdte, sub_number, bdgprc = row
        by_line = whole(kind) == BY_LINE
        orphan = by_line and idnum is None
        return Carrier(
            row_id=None if orphan else _at("prmchg._idnum", row_id, idnum),
            record_number=_at("sbcgln.recnum" if by_line else "prmchg.recnum", record_number, recnum),
            number="" if orphan else _at("prmchg.chgnum", number, chgnum),
            phase=_at("prmchg.phsnum", phase, phsnum),
            inserted_at=None if insdte is None else _at("prmchg.insdte", moment, insdte),
            by_line=by_line,
            sub_change_number=_at("sbcgln.chgnum", number, sub_number) if by_line else "",
            amount=_at("sbcgln.bdgprc", amount, bdgprc) if by_line else Decimal(0),
        )


def subcontract_change(row: tuple[Any, ...]) -> Decimal:
    """A row of carriers.sql that says what changes added to one line of the subcontract."""
    with refused_unless_understood():
        return _at("sbcnln.change", amount, row[-1])


def job(row: tuple[Any, ...]) -> ErpJob:
    with refused_unless_understood():
        recnum, idnum, jobnme, state = row
        code = _at("actrec.status", whole, state)
        return ErpJob(
            row_id=_at("actrec._idnum", row_id, idnum),
            record_number=_at("actrec.recnum", record_number, recnum),
            name=_at("actrec.jobnme", text, jobnme),
            status=JOB_STATUS.get(code, str(code)),
        )


def vendor(row: tuple[Any, ...]) -> ErpVendor:
    with refused_unless_understood():
        recnum, idnum, vndnme = row
        return ErpVendor(
            row_id=_at("actpay._idnum", row_id, idnum),
            record_number=_at("actpay.recnum", record_number, recnum),
            name=_at("actpay.vndnme", text, vndnme),
        )


def subcontract(row: tuple[Any, ...], lines: Sequence[tuple[Any, ...]]) -> ErpSubcontract:
    with refused_unless_understood():
        recnum, idnum, ctcnum, jobnum, phsnum, vndnum, dscrpt, state = row
        return ErpSubcontract(
            row_id=_at("subcon._idnum", row_id, idnum),
            record_number=_at("subcon.recnum", record_number, recnum),
            number=_at("subcon.ctcnum", number, ctcnum),
            job_record_number=_at("subcon.jobnum", reference, jobnum),
            phase=_at("subcon.phsnum", phase, phsnum),
            vendor_record_number=_at("subcon.vndnum", reference, vndnum),
            description=_at("subcon.dscrpt", text, dscrpt),
            status=_at("subcon.status", status, state, SUBCONTRACT_STATUS),
            lines=tuple(
                sorted((_subcontract_line(line) for line in lines), key=lambda line: line.line_number)
            ),
        )


def _subcontract_line(row: tuple[Any, ...]) -> ErpSubcontractLine:
    linnum, dscrpt, cstcde, csttyp, original = row
    return ErpSubcontractLine(
        line_number=_at("sbcnln.linnum", whole, linnum),
        description=_at("sbcnln.dscrpt", text, dscrpt),
        cost_code=_at("sbcnln.cstcde", cost_code, cstcde),
        cost_type=_at("sbcnln.csttyp", reference, csttyp),
        amount=_at("sbcnln.amount", amount, original),
    )


@contextmanager
def refused_unless_understood() -> Iterator[None]:
    """Turns a value that is not understood, or a row of another width, into `row-not-understood`."""
    try:
        yield
    except (ValueError, InvalidOperation) as error:
        evidence = str(error) if isinstance(error, NotUnderstood) else ""
        raise error_for(fault("row-not-understood", evidence)) from error

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


def at(column: str, read: Callable[..., T], value: object, *more: object) -> T:
    """What `read` makes of the value; where it refuses, the column is named."""
    try:
        return read(value, *more)
    except ValueError as error:
        raise NotUnderstood(f"{column}, {error}") from error


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


def single_count(rows: Sequence[tuple[Any, ...]]) -> int:
    """The one number of a COUNT. No row at all is `no-count`."""
    if len(rows) != 1:
        raise error_for(fault("no-count"))
    with refused_unless_understood():
        return count(rows[0][0])


def change_order_header(row: tuple[Any, ...]) -> ChangeOrderHeader:
    with refused_unless_understood():
        return _header(row)


def _header(row: tuple[Any, ...]) -> ChangeOrderHeader:
    recnum, idnum, chgnum, jobnum, phsnum, dscrpt, state, chgdte = row
    return ChangeOrderHeader(
        row_id=at("prmchg._idnum", row_id, idnum),
        record_number=at("prmchg.recnum", record_number, recnum),
        number=at("prmchg.chgnum", number, chgnum),
        job_record_number=at("prmchg.jobnum", reference, jobnum),
        phase=at("prmchg.phsnum", phase, phsnum),
        description=at("prmchg.dscrpt", text, dscrpt),
        status=at("prmchg.status", status, state, CHANGE_ORDER_STATUS),
        date=at("prmchg.chgdte", day, chgdte),
    )


def change_order_line(row: tuple[Any, ...]) -> ErpChangeOrderLine:
    with refused_unless_understood():
        linnum, dscrpt, vndnum, vndctc, ctclin, chgnum, chgsts, cstcde, csttyp, bdgprc = row
        return ErpChangeOrderLine(
            line_number=at("sbcgln.linnum", whole, linnum),
            description=at("sbcgln.dscrpt", text, dscrpt),
            vendor_record_number=at("sbcgln.vndnum", reference, vndnum),
            subcontract_record_number=at("sbcgln.vndctc", reference, vndctc),
            subcontract_line=at("sbcgln.ctclin", reference, ctclin),
            sub_change_number=at("sbcgln.chgnum", number, chgnum),
            status=at("sbcgln.chgsts", status, chgsts, CHANGE_ORDER_STATUS),
            cost_code=at("sbcgln.cstcde", cost_code, cstcde),
            cost_type=at("sbcgln.csttyp", reference, csttyp),
            amount=at("sbcgln.bdgprc", amount, bdgprc),
        )


def change_orders_found(
    headers: Sequence[tuple[Any, ...]], changes: Sequence[tuple[Any, ...]]
) -> tuple[ErpChangeOrderFound, ...]:
    """Each change order once, by record number: those of a job, and those with a line on a subcontract."""
    with refused_unless_understood():
        by_record = {at("prmchg.recnum", record_number, header[0]): header for header in headers}
        changed: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        for *header, sub_number, bdgprc in changes:
            record = at("sbcgln.recnum", record_number, header[0])
            by_record.setdefault(record, tuple(header))
            changed[record].append(
                (at("sbcgln.chgnum", number, sub_number), at("sbcgln.bdgprc", amount, bdgprc))
            )
        return tuple(
            _found(by_record[record], changed.get(record, [])) for record in sorted(by_record, key=int)
        )


def _found(header: tuple[Any, ...], changes: list[tuple[str, Decimal]]) -> ErpChangeOrderFound:
    recnum, idnum, chgnum, jobnum, phsnum, state, usrdf1 = header
    return ErpChangeOrderFound(
        row_id=at("prmchg._idnum", row_id, idnum),
        record_number=at("prmchg.recnum", record_number, recnum),
        number=at("prmchg.chgnum", number, chgnum),
        job_record_number=at("prmchg.jobnum", reference, jobnum),
        phase=at("prmchg.phsnum", phase, phsnum),
        status=at("prmchg.status", status, state, CHANGE_ORDER_STATUS),
        key=at("prmchg.usrdf1", text, usrdf1),
        sub_change_numbers=tuple(sorted({sub_number for sub_number, _ in changes})),
        amount=sum((one for _, one in changes), Decimal("0.00")) if changes else None,
    )


def job(row: tuple[Any, ...]) -> ErpJob:
    with refused_unless_understood():
        recnum, idnum, jobnme, state = row
        code = at("actrec.status", whole, state)
        return ErpJob(
            row_id=at("actrec._idnum", row_id, idnum),
            record_number=at("actrec.recnum", record_number, recnum),
            name=at("actrec.jobnme", text, jobnme),
            status=JOB_STATUS.get(code, str(code)),
        )


def vendor(row: tuple[Any, ...]) -> ErpVendor:
    with refused_unless_understood():
        recnum, idnum, vndnme = row
        return ErpVendor(
            row_id=at("actpay._idnum", row_id, idnum),
            record_number=at("actpay.recnum", record_number, recnum),
            name=at("actpay.vndnme", text, vndnme),
        )


def subcontract(row: tuple[Any, ...], lines: Sequence[tuple[Any, ...]]) -> ErpSubcontract:
    with refused_unless_understood():
        recnum, idnum, ctcnum, jobnum, phsnum, vndnum, dscrpt, state = row
        return ErpSubcontract(
            row_id=at("subcon._idnum", row_id, idnum),
            record_number=at("subcon.recnum", record_number, recnum),
            number=at("subcon.ctcnum", number, ctcnum),
            job_record_number=at("subcon.jobnum", reference, jobnum),
            phase=at("subcon.phsnum", phase, phsnum),
            vendor_record_number=at("subcon.vndnum", reference, vndnum),
            description=at("subcon.dscrpt", text, dscrpt),
            status=at("subcon.status", status, state, SUBCONTRACT_STATUS),
            lines=tuple(
                sorted((_subcontract_line(line) for line in lines), key=lambda line: line.line_number)
            ),
        )


def _subcontract_line(row: tuple[Any, ...]) -> ErpSubcontractLine:
    linnum, dscrpt, cstcde, csttyp, original = row
    return ErpSubcontractLine(
        line_number=at("sbcnln.linnum", whole, linnum),
        description=at("sbcnln.dscrpt", text, dscrpt),
        cost_code=at("sbcnln.cstcde", cost_code, cstcde),
        cost_type=at("sbcnln.csttyp", reference, csttyp),
        amount=at("sbcnln.amount", amount, original),
    )


def change_order_status(value: object) -> str:
    """Sage's word for the status of a change order or of its line."""
    return status(value, CHANGE_ORDER_STATUS)


@contextmanager
def refused_unless_understood(where: str = "") -> Iterator[None]:
    """Turns a value that is not understood, or a row of another width, into `row-not-understood`.

    `where` names the table and record that the value is of.
    """
    try:
        yield
    except (ValueError, InvalidOperation) as error:
        evidence = str(error) if isinstance(error, NotUnderstood) else ""
        evidence = ", ".join(part for part in (where, evidence) if part)
        raise error_for(fault("row-not-understood", evidence)) from error

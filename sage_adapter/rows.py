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
    ChangeOrdersFound,
    ErpChangeOrderFound,
    ErpChangeOrderLine,
    ErpJob,
    ErpSubcontract,
    ErpSubcontractLine,
    ErpVendor,
    OddChangeOrder,
    OddRecord,
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

    column = ""
    """`prmchg.status`, where it is known."""


def shown(value: object) -> str:
    """A value as evidence: cut short, and with nothing that a page could trip over."""
    written = "NULL" if value is None else ascii(value[:_MOST_SHOWN] if isinstance(value, str) else value)
    return written[:_MOST_SHOWN]


def _refused(why: str, value: object) -> NotUnderstood:
    return NotUnderstood(f"{why}: {shown(value)}")


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
        refused = NotUnderstood(f"{column}, {error}")
        refused.column = column
        raise refused from error


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
    scope: str


def single_count(rows: Sequence[tuple[Any, ...]]) -> int:
    """The one number of a COUNT. No row at all is `no-count`."""
    if len(rows) != 1:
        raise error_for(fault("no-count"))
    with refused_unless_understood():
        return count(rows[0][0])


def change_order_header(row: tuple[Any, ...]) -> ChangeOrderHeader:
    with refused_unless_understood(row[0]):
        return _header(row)


def _header(row: tuple[Any, ...]) -> ChangeOrderHeader:
    recnum, idnum, chgnum, jobnum, phsnum, dscrpt, state, chgdte, chgscp = row
    return ChangeOrderHeader(
        row_id=at("prmchg._idnum", row_id, idnum),
        record_number=at("prmchg.recnum", record_number, recnum),
        number=at("prmchg.chgnum", number, chgnum),
        job_record_number=at("prmchg.jobnum", reference, jobnum),
        phase=at("prmchg.phsnum", phase, phsnum),
        description=at("prmchg.dscrpt", text, dscrpt),
        status=at("prmchg.status", status, state, CHANGE_ORDER_STATUS),
        date=at("prmchg.chgdte", day, chgdte),
        scope=at("prmchg.chgscp", text, "" if chgscp is None else chgscp),
    )


def change_order_line(row: tuple[Any, ...], record: object = None) -> ErpChangeOrderLine:
    """A line of the change order that bears the record number."""
    with refused_unless_understood(record):
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


def odd_record(column: str, record: object, value: object, idnum: object = None) -> OddRecord:
    """Names a record that cannot be read by its first odd column, `prmchg.status`, and what stands there."""
    table, _, name = column.partition(".")
    return OddRecord(
        table=table,
        record_number=or_none(record_number, record) or "",
        column=name,
        shown=shown(value),
        row_key=str(or_none(row_id, idnum) or "").upper(),
    )


def or_none(read: Callable[[Any], T], value: object) -> T | None:
    """What `read` makes of the value, or None where it refuses."""
    try:
        return read(value)
    except ValueError:
        return None


def change_orders_found(
    headers: Sequence[tuple[Any, ...]], changes: Sequence[tuple[Any, ...]]
) -> ChangeOrdersFound:
    """Each change order once, by record number: those of a job, and those with a line on a subcontract.

    One that cannot be read, or a line of which cannot, is named; the others are found.
    """
    with refused_unless_understood():
        # A record without a number is a record of its own: no line can be joined to it.
        by_record: dict[Any, tuple[Any, ...]] = {
            (at if header[0] is None else str(header[0]), header[0] is None): tuple(header)
            for at, header in enumerate(headers)
        }
        lines: dict[Any, list[tuple[Any, Any]]] = defaultdict(list)
        for *columns, sub_number, bdgprc in changes:
            record = (str(columns[0]), False)
            by_record.setdefault(record, tuple(columns))
            lines[record].append((sub_number, bdgprc))
        found: list[ErpChangeOrderFound] = []
        odd: list[OddChangeOrder] = []
        for record, header in by_record.items():
            readable, odd_lines = _changes(header, lines.get(record, []))
            odd += odd_lines
            try:
                found.append(_found(header, readable, amount_known=not odd_lines))
            except NotUnderstood as error:
                value = dict(zip(_FOUND_COLUMNS, header, strict=True))[error.column]
                odd.append(_odd_change_order(header, odd_record(error.column, header[0], value, header[1])))
        return ChangeOrdersFound(
            found=tuple(sorted(found, key=lambda one: int(one.record_number))), odd=tuple(odd)
        )


_FOUND_COLUMNS = tuple(
    f"prmchg.{name}" for name in ("recnum", "_idnum", "chgnum", "jobnum", "phsnum", "status", "usrdf1")
)


def _changes(
    header: tuple[Any, ...], lines: Sequence[tuple[Any, Any]]
) -> tuple[list[tuple[str, Decimal]], list[OddChangeOrder]]:
    """The lines of one change order that can be read, and those that cannot."""
    readable: list[tuple[str, Decimal]] = []
    odd: list[OddChangeOrder] = []
    for sub_number, bdgprc in lines:
        try:
            readable.append((at("sbcgln.chgnum", number, sub_number), at("sbcgln.bdgprc", amount, bdgprc)))
        except NotUnderstood as error:
            value = sub_number if error.column == "sbcgln.chgnum" else bdgprc
            odd.append(_odd_change_order(header, odd_record(error.column, header[0], value)))
    return readable, odd


def _odd_change_order(header: tuple[Any, ...], odd: OddRecord) -> OddChangeOrder:
    _recnum, _idnum, chgnum, jobnum, phsnum, _state, usrdf1 = header
    return OddChangeOrder(
        odd=odd,
        number=or_none(text, chgnum),
        job_record_number=or_none(reference, jobnum),
        phase=or_none(phase, phsnum),
        key=or_none(text, usrdf1),
    )


def _found(
    header: tuple[Any, ...], changes: list[tuple[str, Decimal]], *, amount_known: bool
) -> ErpChangeOrderFound:
    recnum, idnum, chgnum, jobnum, phsnum, state, usrdf1 = header
    summed = sum((one for _, one in changes), Decimal("0.00")) if changes and amount_known else None
    return ErpChangeOrderFound(
        row_id=at("prmchg._idnum", row_id, idnum),
        record_number=at("prmchg.recnum", record_number, recnum),
        number=at("prmchg.chgnum", number, chgnum),
        job_record_number=at("prmchg.jobnum", reference, jobnum),
        phase=at("prmchg.phsnum", phase, phsnum),
        status=at("prmchg.status", status, state, CHANGE_ORDER_STATUS),
        key=at("prmchg.usrdf1", text, usrdf1),
        sub_change_numbers=tuple(sorted({sub_number for sub_number, _ in changes})),
        amount=summed,
    )


def job(row: tuple[Any, ...]) -> ErpJob:
    with refused_unless_understood(row[0]):
        recnum, idnum, jobnme, state = row
        code, name = or_none(whole, state), or_none(text, jobnme)
        # Name and status are only shown: one that is odd is shown as it stands there.
        return ErpJob(
            row_id=at("actrec._idnum", row_id, idnum),
            record_number=at("actrec.recnum", record_number, recnum),
            name=shown(jobnme) if name is None else name,
            status=shown(state) if code is None else JOB_STATUS.get(code, str(code)),
        )


def vendor(row: tuple[Any, ...]) -> ErpVendor:
    with refused_unless_understood(row[0]):
        recnum, idnum, vndnme = row
        return ErpVendor(
            row_id=at("actpay._idnum", row_id, idnum),
            record_number=at("actpay.recnum", record_number, recnum),
            name=at("actpay.vndnme", text, vndnme),
        )


def subcontract(row: tuple[Any, ...], lines: Sequence[tuple[Any, ...]]) -> ErpSubcontract:
    """Refused where what a change order hangs on cannot be read; what is only shown is named and left out."""
    with refused_unless_understood(row[0]):
        recnum, idnum, ctcnum, jobnum, phsnum, vndnum, dscrpt, state = row
        odd: list[OddRecord] = []

        def shown_only(column: str, read: Callable[..., str], value: object, *more: object) -> str:
            try:
                return at(column, read, value, *more)
            except NotUnderstood:
                odd.append(odd_record(column, recnum, value, idnum))
                return ""

        kept = [line for line in (_subcontract_line(line, recnum, odd) for line in lines) if line]
        return ErpSubcontract(
            row_id=at("subcon._idnum", row_id, idnum),
            record_number=at("subcon.recnum", record_number, recnum),
            number=shown_only("subcon.ctcnum", number, ctcnum),
            job_record_number=at("subcon.jobnum", reference, jobnum),
            phase=at("subcon.phsnum", phase, phsnum),
            vendor_record_number=at("subcon.vndnum", reference, vndnum),
            description=shown_only("subcon.dscrpt", text, dscrpt),
            status=shown_only("subcon.status", status, state, SUBCONTRACT_STATUS),
            lines=tuple(sorted(kept, key=lambda line: line.line_number)),
            odd=tuple(odd),
        )


def _subcontract_line(
    row: tuple[Any, ...], recnum: object, odd: list[OddRecord]
) -> ErpSubcontractLine | None:
    """The line, or None where it cannot be told which one it is. What cannot be read is added to `odd`."""
    linnum, dscrpt, cstcde, csttyp, original, idnum = row
    try:
        known = (
            at("sbcnln.linnum", whole, linnum),
            at("sbcnln.cstcde", cost_code, cstcde),
            at("sbcnln.csttyp", reference, csttyp),
        )
    except NotUnderstood as error:
        columns = {"sbcnln.linnum": linnum, "sbcnln.cstcde": cstcde, "sbcnln.csttyp": csttyp}
        odd.append(odd_record(error.column, recnum, columns[error.column]))
        return None
    line_number, code, cost_type = known
    description, price = or_none(text, dscrpt), or_none(amount, original)
    known_row_id = or_none(row_id, idnum)
    if known_row_id is None:
        odd.append(odd_record("sbcnln._idnum", recnum, idnum))
    if description is None:
        odd.append(odd_record("sbcnln.dscrpt", recnum, dscrpt))
    if price is None:
        odd.append(odd_record("sbcnln.amount", recnum, original))
    return ErpSubcontractLine(
        line_number, description or "", code, cost_type, price or Decimal("0.00"), known_row_id
    )


def change_order_status(value: object) -> str:
    """Sage's word for the status of a change order or of its line."""
    return status(value, CHANGE_ORDER_STATUS)


@contextmanager
def refused_unless_understood(record: object = None) -> Iterator[None]:
    """Turns a value that is not understood, or a row of another width, into `row-not-understood`.

    `record` is the record number that the evidence names.
    """
    try:
        yield
    except (ValueError, InvalidOperation) as error:
        evidence = str(error) if isinstance(error, NotUnderstood) else ""
        if evidence and record is not None:
            evidence = f"record {shown(record)}, {evidence}"
        raise error_for(fault("row-not-understood", evidence)) from error

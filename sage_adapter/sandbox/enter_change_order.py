"""Saving a new change order in window 6-4-1: what Sage checks, and the rows it writes.

The same for an accountant's hands and for a writer. From Sage's help (Entering sub changes, About change
order status): vendor, subcontract and change number of a line are filled in together or not at all; a line
that names no line of its subcontract adds one when it is saved; the lines take the header's status. From
integrators' help: a subcontract's line is changed once per change order. What a closed job or subcontract
does with a change nobody says: here it takes none.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from erp_integrations.ports import ChangeOrderEntry, EntryLine, WriteRefused
from sage_adapter.sandbox.records import JOB_STATUS
from sage_adapter.sandbox.writer import APPLICATION, APPROVED, Books, Value

TAKES_NO_CHANGE = (2, 6)
"""Refused and Closed, of a job or a subcontract."""

MOST = Decimal("9999999999.99")
"""decimal(12,2)"""
_WIDTHS = {"number": 20, "sub_change_number": 20, "description": 50, "scope": 1_000}
_WORDS = {
    "number": "change number",
    "sub_change_number": "change number of a line",
    "description": "description",
    "scope": "scope",
}


def enter(books: Books, entry: ChangeOrderEntry, *, user: str) -> str:
    """Saves a change order, Approved, with its lines; returns its record number. Raises `WriteRefused`."""
    check(books, entry)
    record_number = enter_header(books, entry, user=user)
    enter_lines(books, record_number, entry, user=user)
    return str(record_number)


# --- what is refused -----------------------------------------------------------------------------


def check(books: Books, entry: ChangeOrderEntry) -> None:
    """Raises `WriteRefused` for the first thing that Sage would not save."""
    for field in ("number", "description", "scope"):
        _check_width(field, getattr(entry, field), 0)
    _check_job(books, entry)
    changed: set[tuple[int, int]] = set()
    for place, line in enumerate(entry.lines, start=1):
        _check_line(books, entry, line, place)
        if line.subcontract_line:
            named = (int(line.subcontract_record_number), int(line.subcontract_line))
            if named in changed:
                raise WriteRefused(
                    f"Line {named[1]} of subcontract {named[0]} is changed a second time; Sage takes one "
                    "change of a subcontract's line per change order.",
                    field="subcontract_line",
                    line=place,
                )
            changed.add(named)


def _check_width(field: str, text: str, line: int) -> None:
    if len(text.encode("utf-16-le")) // 2 > _WIDTHS[field]:  # as nvarchar counts
        words = f"Sage holds at most {_WIDTHS[field]:,} characters of a {_WORDS[field]}."
        raise WriteRefused(words, field=field, line=line)


def _check_job(books: Books, entry: ChangeOrderEntry) -> None:
    job = _row(books, "actrec", entry.job_record_number)
    if job is None:
        raise WriteRefused(f"There is no job {entry.job_record_number}.", field="job_record_number")
    if job["status"] in TAKES_NO_CHANGE:
        words = f"Job {job['recnum']} is {JOB_STATUS[job['status']].lower()} and takes no change order."
        raise WriteRefused(words, field="job_record_number")
    phase = _whole(entry.phase)
    sql = "SELECT phsnum FROM dbo.jobphs WHERE recnum = ? AND phsnum = ?"
    if phase is None or (phase and not books.rows(sql, job["recnum"], phase)):
        raise WriteRefused(f"Job {job['recnum']} has no phase {entry.phase}.", field="phase")


def _check_line(books: Books, entry: ChangeOrderEntry, line: EntryLine, place: int) -> None:
    for field in ("description", "sub_change_number"):
        _check_width(field, getattr(line, field), place)
    unit = ("vendor_record_number", "subcontract_record_number", "sub_change_number")
    empty = [field for field in unit if not getattr(line, field)]
    if empty and (line.subcontract_line or len(empty) < len(unit)):
        words = "Vendor, subcontract and change number of a line are filled in together, or none of them."
        raise WriteRefused(words, field=empty[0], line=place)
    if not empty:
        _check_subcontract(books, entry, line, place)
    for table, field, words in (("cstcde", "cost_code", "cost code"), ("csttyp", "cost_type", "cost type")):
        value = getattr(line, field)
        if not value:
            raise WriteRefused(f"The line needs a {words}.", field=field, line=place)
        if not books.rows(f"SELECT recnum FROM dbo.{table} WHERE recnum = ?", value):
            raise WriteRefused(f"There is no {words} {value}.", field=field, line=place)
    cents = line.amount * 100 if line.amount.is_finite() and abs(line.amount) <= MOST else None
    if cents is None or cents != cents.to_integral_value():
        words = "An amount has at most two decimals, and at most ten digits before them."
        raise WriteRefused(words, field="amount", line=place)


def _check_subcontract(books: Books, entry: ChangeOrderEntry, line: EntryLine, place: int) -> None:
    number = line.subcontract_record_number

    def refused(words: str, field: str = "subcontract_record_number") -> WriteRefused:
        return WriteRefused(words, field=field, line=place)

    contract = _row(books, "subcon", number)
    if contract is None:
        raise refused(f"There is no subcontract {number}.")
    if contract["status"] in TAKES_NO_CHANGE:
        word = JOB_STATUS[contract["status"]].lower()
        raise refused(f"Subcontract {number} is {word} and takes no change order.")
    if contract["jobnum"] != _whole(entry.job_record_number):
        raise refused(
            f"Subcontract {number} is of job {contract['jobnum']}, not of {entry.job_record_number}."
        )
    if contract["vndnum"] != _whole(line.vendor_record_number):
        words = f"Subcontract {number} is with vendor {contract['vndnum']}, not {line.vendor_record_number}."
        raise refused(words, "vendor_record_number")
    if line.subcontract_line:
        known = _whole(line.subcontract_line)
        sql = "SELECT linnum FROM dbo.sbcnln WHERE recnum = ? AND linnum = ?"
        if known is None or not books.rows(sql, contract["recnum"], known):
            raise refused(f"Subcontract {number} has no line {line.subcontract_line}.", "subcontract_line")


def _row(books: Books, table: str, record_number: str) -> dict[str, Any] | None:
    found = books.rows(f"SELECT * FROM dbo.{table} WHERE recnum = ?", _whole(record_number))
    return found[0] if found else None


def _whole(text: str) -> int | None:
    """A record number as typed; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


# --- what is written -----------------------------------------------------------------------------


def enter_header(
    books: Books, entry: ChangeOrderEntry, *, user: str, key: str = "", application: str = APPLICATION
) -> int:
    """The header alone; returns its record number. `key` is kept in the user-defined field."""
    record_number = books.next_number("prmchg")
    values: dict[str, Value] = {
        "recnum": record_number,
        "chgnum": entry.number,
        "chgdte": entry.dated.isoformat(),
        "jobnum": int(entry.job_record_number),
        "phsnum": int(entry.phase),
        "dscrpt": entry.description,
        "status": APPROVED,
        "aprdte": entry.dated.isoformat(),
        "cstamt": f"{sum((line.amount for line in entry.lines), Decimal(0)):.2f}",
        "chgscp": entry.scope,
        "usrdf1": key,
        "entdte": datetime.now(UTC).date().isoformat(),
        "usrnme": user,
    }
    books.insert("prmchg", values, user=user, application=application)
    return record_number


def enter_lines(
    books: Books, record_number: int, entry: ChangeOrderEntry, *, user: str, application: str = APPLICATION
) -> None:
    """The lines of a header that is there; counts the totals of the subcontracts they change anew."""
    for place, line in enumerate(entry.lines, start=1):
        values: dict[str, Value] = {
            "recnum": record_number,
            "linnum": place,
            "dscrpt": line.description,
            "bdgprc": f"{line.amount:.2f}",
            "chgsts": APPROVED,
            "chgdte": entry.dated.isoformat(),
            "cstcde": line.cost_code,
            "csttyp": line.cost_type,
        }
        if line.subcontract_record_number:
            values |= {
                "vndnum": int(line.vendor_record_number),
                "vndctc": int(line.subcontract_record_number),
                "chgnum": line.sub_change_number,
            }
            if line.subcontract_line:
                values["ctclin"] = int(line.subcontract_line)
            else:
                adds = {"dscrpt": line.description, "cstcde": line.cost_code, "csttyp": line.cost_type}
                values["linref"] = add_subcontract_line(
                    books, int(line.subcontract_record_number), adds, user=user
                )
        books.insert("sbcgln", values, user=user, application=application)
    for subcontract in sorted({int(n) for line in entry.lines if (n := line.subcontract_record_number)}):
        books.count_totals(subcontract)


def add_subcontract_line(
    books: Books, subcontract: int, values: Mapping[str, Value], *, user: str, at: datetime | None = None
) -> str:
    """Adds a line of no original amount to a subcontract; returns the reference that its change keeps."""
    there = books.rows("SELECT MAX(linnum) AS last FROM dbo.sbcnln WHERE recnum = ?", subcontract)
    reference = uuid.uuid4().hex.upper()
    own: dict[str, Value] = {
        "recnum": subcontract,
        "linnum": int(there[0]["last"] or 0) + 1,
        "amount": 0,
        "linref": reference,
    }
    books.insert("sbcnln", {**values, **own}, user=user, at=at)
    return reference

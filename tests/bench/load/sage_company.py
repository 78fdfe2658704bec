"""A sandbox company of any size: the sandbox's two files, written by column instead of record by record.

The audit history holds deletions only, as in a company that switched it on late.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from erp_integrations.ports import ErpJob, ErpSubcontract, ErpVendor
from sage_adapter.sandbox import faults
from sage_adapter.sandbox.company import BACKUP_FOLDER, LINKED_FILE
from sage_adapter.sandbox.connection import AUDIT_FILE, COMPANY_FILE
from sage_adapter.sandbox.demo_company import ACCOUNTANT, COST_CODES, COST_TYPES, OTHER_ACCOUNTANT
from sage_adapter.sandbox.writer import (
    APPLICATION,
    APPROVED,
    Books,
    make_files,
    new_row_id,
    open_books,
    stamp,
)

STORY = "bulk"
"""What such a company is called in its own file: it has no story."""

_CURRENT = 4
"""Sage help, Job status."""
_CACHE = -250_000
"""Kilobytes, as SQLite counts them below zero: row ids come in no order, and each falls into another page."""
_BATCH = 20_000

Row = tuple[Any, ...]


class BulkRecord(NamedTuple):
    """One change order with one line on a subcontract, as it is entered by the hundred thousand."""

    record_number: str
    row_key: str
    """As in `ChangeOrderKeys`."""
    number: str
    job_record_number: str
    subcontract_record_number: str
    vendor_record_number: str
    sub_change_number: str
    description: str
    amount: Decimal
    inserted_at: datetime
    deleted_at: datetime | None
    """When an accountant deleted it again; None for one that is there."""


class BulkSandbox:
    """A sandbox company of any size in a folder; afterwards an `ErpSandbox` without scenarios.

    Holds no connection between calls.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def make(
        self,
        name: str,
        *,
        jobs: Sequence[ErpJob],
        vendors: Sequence[ErpVendor],
        subcontracts: Sequence[ErpSubcontract],
    ) -> None:
        """Makes the company anew, with jobs, vendors and subcontracts. Removes what was there."""
        make_files(self.folder, database_name=name, company=STORY)
        (self.folder / faults.FAULTS_FILE).unlink(missing_ok=True)
        shutil.rmtree(self.folder / BACKUP_FOLDER, ignore_errors=True)
        at = datetime.now(UTC)
        with open_books(self.folder) as books:
            _enter_lists(books, at)
        with self._writing() as write:
            stamps = (stamp(at), ACCOUNTANT)
            write(
                "dbo.actrec",
                "recnum, jobnme, shtnme, status, _idnum, insdte, insusr",
                [
                    (int(one.record_number), one.name, one.name[:30], _CURRENT, _key(one), *stamps)
                    for one in jobs
                ],
            )
            write(
                "dbo.actpay",
                "recnum, vndnme, shtnme, _idnum, insdte, insusr",
                [(int(one.record_number), one.name, one.name[:30], _key(one), *stamps) for one in vendors],
            )
            _enter_subcontracts(write, subcontracts, stamps)
        # What the company was when its change orders were linked, but for those: nobody wants a copy of them.
        shutil.copyfile(self.folder / COMPANY_FILE, self.folder / LINKED_FILE)

    def fill(self, records: Iterable[BulkRecord]) -> None:
        """Writes the change orders, and the history of deleted ones. Call once, after `make`."""
        with self._writing() as write:
            for some in _batches(records):
                there = [one for one in some if one.deleted_at is None]
                gone = [one for one in some if one.deleted_at is not None]
                write("dbo.prmchg", _names(_HEADER), map(_header, there))
                write("dbo.sbcgln", _names(_LINE), map(_line, there))
                headers = ((*_header(one), *_deleted(one)) for one in gone)
                lines = ((*_line(one), *_deleted(one)) for one in gone)
                write("dbo_Audit.prmchg", _names((*_HEADER, *_HISTORY)), headers)
                write("dbo_Audit.sbcgln", _names((*_LINE, *_HISTORY)), lines)
        with open_books(self.folder) as books:
            books.count_totals()
        for file in (COMPANY_FILE, AUDIT_FILE):
            with closing(sqlite3.connect(self.folder / file)) as connection:
                connection.execute("ANALYZE")
                connection.commit()

    @contextmanager
    def _writing(self) -> Iterator["_Write"]:
        """Adds rows, all of them in one transaction. What a crash leaves behind is made anew, not mended."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            for file, schema in ((COMPANY_FILE, "dbo"), (AUDIT_FILE, "dbo_Audit")):
                connection.execute(f"ATTACH ? AS {schema}", (str(self.folder / file),))
                connection.execute(f"PRAGMA {schema}.journal_mode = OFF")
                connection.execute(f"PRAGMA {schema}.synchronous = OFF")
                connection.execute(f"PRAGMA {schema}.cache_size = {_CACHE}")
            connection.execute("BEGIN IMMEDIATE")
            yield _Write(connection)
            connection.execute("COMMIT")


class _Write:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __call__(self, table: str, columns: str, rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * (columns.count(",") + 1))
        self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns)


def _batches(records: Iterable[BulkRecord]) -> Iterator[list[BulkRecord]]:
    left = iter(records)
    while some := list(islice(left, _BATCH)):
        yield some


def _key(one: ErpJob | ErpVendor | ErpSubcontract) -> str:
    return str(one.row_id).upper()


def _enter_lists(books: Books, at: datetime) -> None:
    for code, name in COST_CODES:
        row: Mapping[str, Any] = {"recnum": code, "cdenme": name, "divnum": int(code[:-6])}
        books.insert("cstcde", row, user=ACCOUNTANT, at=at)
    for number, name in COST_TYPES:
        books.insert("csttyp", {"recnum": number, "typnme": name}, user=ACCOUNTANT, at=at)


def _enter_subcontracts(write: _Write, subcontracts: Sequence[ErpSubcontract], stamps: Row) -> None:
    write(
        "dbo.subcon",
        "recnum, ctcnum, vndnum, jobnum, phsnum, dscrpt, status, _idnum, insdte, insusr",
        [
            (
                int(one.record_number),
                one.number,
                int(one.vendor_record_number),
                int(one.job_record_number),
                int(one.phase),
                one.description[:50],
                _CURRENT,
                _key(one),
                *stamps,
            )
            for one in subcontracts
        ],
    )
    write(
        "dbo.sbcnln",
        "recnum, linnum, dscrpt, cstcde, csttyp, amount, _idnum, _idref, insdte, insusr",
        [
            (
                int(one.record_number),
                line.line_number,
                line.description[:50],
                float(line.cost_code),
                int(line.cost_type),
                float(line.amount),
                new_row_id(),
                _key(one),
                *stamps,
            )
            for one in subcontracts
            for line in one.lines
        ],
    )


_HEADER = (
    *("recnum", "chgnum", "chgdte", "jobnum", "phsnum", "dscrpt", "status"),
    *("aprdte", "appamt", "_idnum", "insdte", "insusr"),
)
_LINE = (
    *("recnum", "linnum", "dscrpt", "bdgprc", "vndnum", "vndctc", "ctclin", "chgnum", "chgsts"),
    *("_idnum", "_idref", "insdte", "insusr"),
)
_HISTORY = ("_Date", "_Action", "_User", "_Application")


def _header(one: BulkRecord) -> Row:
    day, amount = one.inserted_at.date().isoformat(), float(one.amount)
    return (
        int(one.record_number),
        one.number,
        day,
        int(one.job_record_number),
        0,
        one.description[:50],
        APPROVED,
        day,
        amount,
        one.row_key,
        stamp(one.inserted_at),
        ACCOUNTANT,
    )


def _line(one: BulkRecord) -> Row:
    return (
        int(one.record_number),
        1,
        one.description[:50],
        float(one.amount),
        int(one.vendor_record_number),
        int(one.subcontract_record_number),
        1,
        one.sub_change_number,
        APPROVED,
        new_row_id(),
        one.row_key,
        stamp(one.inserted_at),
        ACCOUNTANT,
    )


def _deleted(one: BulkRecord) -> Row:
    assert one.deleted_at is not None, "history tells of what was deleted"
    return (stamp(one.deleted_at), "delete", OTHER_ACCOUNTANT, APPLICATION)

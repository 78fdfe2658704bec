"""Rows of the practice company's files as the port's values."""

import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from erp_integrations.ports import (
    ErpChangeOrder,
    ErpChangeOrderLine,
    ErpJob,
    ErpSubcontract,
    ErpSubcontractLine,
    NoSuchRecord,
    SandboxCompany,
    SandboxScenario,
    SandboxVendor,
)
from sage_adapter.sandbox.connection import BUSY_SECONDS, read_only_uri

CHANGE_STATUS = {1: "Approved", 2: "Open", 3: "Review", 4: "Disputed", 5: "Void", 6: "Rejected"}
"""Sage help, Change order status."""
JOB_STATUS = {1: "Bid", 2: "Refused", 3: "Contract", 4: "Current", 5: "Complete", 6: "Closed"}
"""Sage help, Job status; subcontracts use the same list."""


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to one file of the company. Raises `NoSuchRecord` where there is none."""
    if not file.is_file():
        raise NoSuchRecord("There is no practice company here yet.")
    connection = sqlite3.connect(read_only_uri(file), uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


def money(value: object) -> Decimal:
    """An amount in the company's currency, two places; SQLite holds it as a number."""
    return Decimal(str(value)).quantize(Decimal("0.01"))


def text(value: object) -> str:
    """A number of another system as text; empty for none."""
    return "" if value is None else str(value)


def code(value: object) -> str:
    """A cost code with its three decimals."""
    return "" if value is None else str(Decimal(str(value)).quantize(Decimal("0.001")))


def change_order(header: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> ErpChangeOrder:
    return ErpChangeOrder(
        row_id=uuid.UUID(header["_idnum"]),
        record_number=text(header["recnum"]),
        number=header["chgnum"],
        job_record_number=text(header["jobnum"]),
        phase=text(header["phsnum"]),
        description=header["dscrpt"],
        status=CHANGE_STATUS[header["status"]],
        date=date.fromisoformat(header["chgdte"]) if header["chgdte"] else None,
        scope=header["chgscp"],
        lines=tuple(_change_line(line) for line in lines),
    )


def _change_line(line: Mapping[str, Any]) -> ErpChangeOrderLine:
    return ErpChangeOrderLine(
        line_number=line["linnum"],
        description=line["dscrpt"],
        vendor_record_number=text(line["vndnum"]),
        subcontract_record_number=text(line["vndctc"]),
        subcontract_line=text(line["ctclin"]),
        sub_change_number=line["chgnum"],
        status=CHANGE_STATUS[line["chgsts"]],
        cost_code=code(line["cstcde"]),
        cost_type=text(line["csttyp"]),
        amount=money(line["bdgprc"]),
    )


def change_orders(books: sqlite3.Connection) -> tuple[ErpChangeOrder, ...]:
    """Every change order that is there, by record number."""
    headers = books.execute("SELECT * FROM prmchg ORDER BY recnum").fetchall()
    lines = _grouped(books, "sbcgln")
    return tuple(change_order(header, lines.get(header["recnum"], [])) for header in headers)


def one_change_order(books: sqlite3.Connection, record_number: str) -> ErpChangeOrder:
    """Raises `NoSuchRecord` where it is not there."""
    header = books.execute("SELECT * FROM prmchg WHERE recnum = ?", (record_number,)).fetchone()
    if header is None:
        raise NoSuchRecord(f"There is no change order {record_number}, or it is deleted.")
    lines = books.execute("SELECT * FROM sbcgln WHERE recnum = ? ORDER BY linnum", (header["recnum"],))
    return change_order(header, lines.fetchall())


def company(file: Path) -> SandboxCompany:
    """A whole company as one file of books holds it."""
    with reading(file) as books:
        every = books.execute
        contract_lines = _grouped(books, "sbcnln")
        return SandboxCompany(
            name=every("SELECT database_name FROM sandbox_identity").fetchone()[0],
            cost_codes=tuple(
                (code(row["recnum"]), row["cdenme"]) for row in every("SELECT * FROM cstcde ORDER BY recnum")
            ),
            cost_types=tuple(
                (text(row["recnum"]), row["typnme"]) for row in every("SELECT * FROM csttyp ORDER BY recnum")
            ),
            vendors=tuple(
                SandboxVendor(text(row["recnum"]), row["vndnme"])
                for row in every("SELECT * FROM actpay ORDER BY recnum")
            ),
            jobs=tuple(
                ErpJob(
                    uuid.UUID(row["_idnum"]), text(row["recnum"]), row["jobnme"], JOB_STATUS[row["status"]]
                )
                for row in every("SELECT * FROM actrec ORDER BY recnum")
            ),
            subcontracts=tuple(
                _subcontract(row, contract_lines.get(row["recnum"], []))
                for row in every("SELECT * FROM subcon ORDER BY recnum")
            ),
            change_orders=change_orders(books),
            scenarios=tuple(
                SandboxScenario(
                    row["key"], text(row["recnum"]), text(row["vndctc"]), row["title"], row["description"]
                )
                for row in every("SELECT * FROM sandbox_scenario ORDER BY recnum, vndctc")
            ),
        )


def _subcontract(row: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> ErpSubcontract:
    return ErpSubcontract(
        row_id=uuid.UUID(row["_idnum"]),
        record_number=text(row["recnum"]),
        number=row["ctcnum"],
        job_record_number=text(row["jobnum"]),
        phase=text(row["phsnum"]),
        vendor_record_number=text(row["vndnum"]),
        description=row["dscrpt"],
        status=JOB_STATUS[row["status"]],
        lines=tuple(
            ErpSubcontractLine(
                line_number=line["linnum"],
                description=line["dscrpt"],
                cost_code=code(line["cstcde"]),
                cost_type=text(line["csttyp"]),
                amount=money(line["amount"]),
                row_id=uuid.UUID(line["_idnum"]),
            )
            for line in lines
        ),
    )


def _grouped(books: sqlite3.Connection, table: str) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for line in books.execute(f"SELECT * FROM {table} ORDER BY recnum, linnum"):
        found.setdefault(line["recnum"], []).append(line)
    return found

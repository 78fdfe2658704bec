"""The only writer of a practice company's rows: what an accountant does in Sage's windows.

One `Books` is one transaction over both files (rollback journals, so that SQLite commits both or none). Every
change of a table that Sage keeps history of writes its history row here, in the same transaction, and the
subcontracts' totals are counted anew from the lines. Acts raise `NoSuchRecord` in plain words.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from erp_integrations.ports import NoSuchRecord
from sage_adapter.sandbox.connection import AUDIT_FILE, COMPANY_FILE, schema_text

APPLICATION = "Sage 100 Contractor"
"""The program's own name, as the history shows it."""

APPROVED, OPEN, VOID, REJECTED = 1, 2, 5, 6
"""Sage help, Change order status: 1 Approved, 2 Open, 3 Review, 4 Disputed, 5 Void, 6 Rejected."""

WITH_HISTORY = ("actrec", "subcon", "prmchg", "sbcgln")
_PARENT = {"sbcnln": "subcon", "sbcgln": "prmchg", "pmcgln": "prmchg", "pcorln": "pchord"}
_WAIT_SECONDS = 10.0

Value = str | int | float | None


def stamp(moment: datetime) -> str:
    """A moment as the books hold it: UTC text with milliseconds, cut and not rounded."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def new_row_id() -> str:
    """A fresh `_idnum`."""
    return str(uuid.uuid4()).upper()


def make_files(folder: Path, *, database_name: str, company: str) -> None:
    """Makes the two files of an empty company, in place of what was there, under a new incarnation."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in ((COMPANY_FILE, "dbo"), (AUDIT_FILE, "dbo_Audit")):
        for leftover in (folder / name, folder / f"{name}-journal"):
            leftover.unlink(missing_ok=True)
        connection = sqlite3.connect(folder / name)
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.executescript(schema_text(schema))
            if schema == "dbo":
                connection.execute(
                    "INSERT INTO sandbox_identity (database_name, incarnation, company) VALUES (?, ?, ?)",
                    (database_name, str(uuid.uuid4()), company),
                )
            connection.commit()
        finally:
            connection.close()


@contextmanager
def open_books(
    folder: Path, *, referential: bool = True, wait_seconds: float = _WAIT_SECONDS
) -> Iterator["Books"]:
    """One transaction on the company: committed at the end of the block, undone by any exception.

    `referential=False` lets a record be torn apart, which the program never does and a crash may.
    """
    if not (folder / COMPANY_FILE).is_file():
        raise NoSuchRecord("There is no practice company here yet.")
    connection = sqlite3.connect(":memory:", isolation_level=None, timeout=wait_seconds)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("ATTACH ? AS dbo", (str(folder / COMPANY_FILE),))
        connection.execute("ATTACH ? AS dbo_Audit", (str(folder / AUDIT_FILE),))
        connection.execute(f"PRAGMA foreign_keys = {int(referential)}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield Books(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.close()


class Books:
    """The open books, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._columns: dict[str, tuple[str, ...]] = {}

    # --- rows --------------------------------------------------------------------------------

    def rows(self, sql: str, *parameters: Value) -> list[dict[str, Any]]:
        """What a SELECT gives, by column name."""
        return [dict(row) for row in self._connection.execute(sql, parameters)]

    def run(self, sql: str, *parameters: Value) -> None:
        """A statement on the practice company's own tables, which have no history."""
        self._connection.execute(sql, parameters)

    def insert(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        user: str,
        at: datetime | None = None,
        application: str = APPLICATION,
    ) -> str:
        """Adds a row, with a new `_idnum` unless one is given; returns it."""
        moment = stamp(at or datetime.now(UTC))
        row: dict[str, Value] = {"_idnum": new_row_id(), "insdte": moment, "insusr": user, **values}
        if table in _PARENT and "_idref" not in row:
            parent = self.rows(f"SELECT _idnum FROM dbo.{_PARENT[table]} WHERE recnum = ?", row["recnum"])
            row["_idref"] = str(parent[0]["_idnum"])
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO dbo.{table} ({names}) VALUES ({marks})", tuple(row.values()))
        self._remember("insert", table, "_idnum = ?", (row["_idnum"],), moment, user, application)
        return str(row["_idnum"])

    def update(
        self, table: str, where: str, key: tuple[Value, ...], values: Mapping[str, Value], *, user: str
    ) -> None:
        """Changes rows and their stamps."""
        moment = stamp(datetime.now(UTC))
        changed: dict[str, Value] = {**values, "upddte": moment, "updusr": user}
        names = ", ".join(f'"{name}" = ?' for name in changed)
        self._connection.execute(f"UPDATE dbo.{table} SET {names} WHERE {where}", (*changed.values(), *key))
        self._remember("update", table, where, key, moment, user, APPLICATION)

    def delete_rows(
        self, table: str, where: str, key: tuple[Value, ...], *, user: str, history: bool = True
    ) -> None:
        """Removes rows for good: Sage keeps no deleted rows but in its history."""
        if history:
            self._remember("delete", table, where, key, stamp(datetime.now(UTC)), user, APPLICATION)
        self._connection.execute(f"DELETE FROM dbo.{table} WHERE {where}", key)

    def _remember(
        self,
        action: str,
        table: str,
        where: str,
        key: tuple[Value, ...],
        moment: str,
        user: str,
        application: str,
    ) -> None:
        if table not in WITH_HISTORY:
            return
        if table not in self._columns:
            own = {"_Date", "_Action", "_User", "_Application"}
            found = self._connection.execute("SELECT name FROM pragma_table_info(?, 'dbo_Audit')", (table,))
            self._columns[table] = tuple(row["name"] for row in found if row["name"] not in own)
        names = ", ".join(self._columns[table])
        self._connection.execute(
            f"INSERT INTO dbo_Audit.{table} ({names}, _Date, _Action, _User, _Application)"
            f" SELECT {names}, ?, ?, ?, ? FROM dbo.{table} WHERE {where}",
            (moment, action, user, application, *key),
        )

    def forget_history(self, record_number: str) -> None:
        """Purges what the history holds of one change order, as nightly maintenance does with old rows."""
        for table in ("prmchg", "sbcgln"):
            self._connection.execute(f"DELETE FROM dbo_Audit.{table} WHERE recnum = ?", (int(record_number),))

    def next_number(self, table: str) -> int:
        """The highest record number ever given, plus one: numbers are not used twice."""
        self._connection.execute(
            "INSERT INTO dbo.sandbox_counter (table_name, highest)"
            f" SELECT ?, COALESCE(MAX(recnum), 0) FROM dbo.{table}"
            " WHERE true ON CONFLICT (table_name) DO UPDATE SET highest = MAX(highest, excluded.highest)",
            (table,),
        )
        self._connection.execute(
            "UPDATE dbo.sandbox_counter SET highest = highest + 1 WHERE table_name = ?", (table,)
        )
        found = self.rows("SELECT highest FROM dbo.sandbox_counter WHERE table_name = ?", table)
        return int(found[0]["highest"])

    def count_totals(self, subcontract: int | None = None) -> None:
        """Counts the running totals of one subcontract, or of all, from the change lines that are in effect.

        Void and rejected lines do not count; open ones do (Sage help: the Changes column shows an entry saved
        as Open or Approved). A change that added its line names it by reference only.
        """
        one = "" if subcontract is None else " WHERE recnum = ?"
        key = () if subcontract is None else (subcontract,)
        self._connection.execute(
            'UPDATE dbo.sbcnln AS line SET "change" = ROUND(COALESCE((SELECT SUM(bdgprc)'
            " FROM dbo.sbcgln AS part WHERE part.vndctc = line.recnum AND part.chgsts < 5"
            " AND (part.ctclin = line.linnum OR (part.ctclin IS NULL AND part.linref = line.linref))), 0), 2)"
            + one,
            key,
        )
        self._connection.execute(
            'UPDATE dbo.sbcnln SET cntrct = ROUND(amount + "change", 2),'
            ' remain = ROUND(amount + "change" - billed, 2)' + one,
            key,
        )
        self._connection.execute(
            "UPDATE dbo.subcon AS contract SET"
            " cntttl = ROUND(COALESCE((SELECT SUM(amount) FROM dbo.sbcnln AS line"
            " WHERE line.recnum = contract.recnum), 0), 2),"
            " invttl = ROUND(COALESCE((SELECT SUM(billed) FROM dbo.sbcnln AS line"
            " WHERE line.recnum = contract.recnum), 0), 2),"
            " chgttl = ROUND(COALESCE((SELECT SUM(bdgprc) FROM dbo.sbcgln AS part"
            " WHERE part.vndctc = contract.recnum AND part.chgsts < 5), 0), 2)" + one,
            key,
        )
        self._connection.execute(
            "UPDATE dbo.subcon SET ctcttl = ROUND(cntttl + chgttl, 2),"
            " balttl = ROUND(cntttl + chgttl - invttl, 2)" + one,
            key,
        )

    # --- change orders -----------------------------------------------------------------------

    def header(self, record_number: str) -> dict[str, Any]:
        """The header of a change order that is there. Raises `NoSuchRecord`."""
        number = _as_number(record_number)
        found = self.rows("SELECT * FROM dbo.prmchg WHERE recnum = ?", number)
        if found:
            return found[0]
        if self.rows("SELECT recnum FROM dbo.sandbox_deleted WHERE recnum = ?", number):
            raise NoSuchRecord(f"Change order {record_number} is deleted.")
        raise NoSuchRecord(f"There is no change order {record_number}.")

    def lines(self, record_number: int) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM dbo.sbcgln WHERE recnum = ? ORDER BY linnum", record_number)

    def delete(self, record_number: str, *, user: str, keep_lines: bool = False) -> None:
        """Edit > Delete Change Order: the header and all its lines. `keep_lines` tears the record apart."""
        header = self.header(record_number)
        number = int(header["recnum"])
        lines = self.lines(number)
        self._connection.execute(
            "INSERT OR REPLACE INTO dbo.sandbox_deleted (recnum, header, lines) VALUES (?, ?, ?)",
            (number, json.dumps(header), json.dumps(lines)),
        )
        if not keep_lines:
            self.delete_rows("sbcgln", "recnum = ?", (number,), user=user)
            self.delete_rows("pmcgln", "recnum = ?", (number,), user=user)
        self.delete_rows("prmchg", "recnum = ?", (number,), user=user)
        self._recount(lines)

    def delete_part(self, record_number: str, subcontract: str, *, user: str) -> None:
        """Removes the lines of one subcontract from a change order; the header stays."""
        header = self.header(record_number)
        key = (int(header["recnum"]), int(subcontract))
        lines = self.lines(int(header["recnum"]))
        self.delete_rows("sbcgln", "recnum = ? AND vndctc = ?", key, user=user)
        self._recount(lines)

    def set_status(self, record_number: str, status: int, *, user: str, header_only: bool = False) -> None:
        """Sets the status of the header and, as Sage advises, of its lines."""
        header = self.header(record_number)
        if header["status"] == status:
            raise NoSuchRecord(f"Change order {record_number} has that status already.")
        key = (int(header["recnum"]),)
        self.update("prmchg", "recnum = ?", key, {"status": status}, user=user)
        if not header_only:
            self.update("sbcgln", "recnum = ?", key, {"chgsts": status}, user=user)
            self._recount(self.lines(key[0]))

    def restore(self, record_number: str, *, user: str) -> None:
        """A deleted record comes back with its row ids; a void or rejected one becomes Approved."""
        number = _as_number(record_number)
        kept = self.rows("SELECT header, lines FROM dbo.sandbox_deleted WHERE recnum = ?", number)
        if not kept:
            header = self.header(record_number)
            if header["status"] not in (VOID, REJECTED):
                raise NoSuchRecord(f"Change order {record_number} is neither deleted nor void nor rejected.")
            self.set_status(record_number, APPROVED, user=user)
            return
        header, lines = json.loads(kept[0]["header"]), json.loads(kept[0]["lines"])
        self._needs(header, lines)
        self.insert("prmchg", header, user=user)
        there = {line["linnum"] for line in self.lines(number)}
        for line in lines:
            if line["linnum"] not in there:
                self.insert("sbcgln", line, user=user)
        self._connection.execute("DELETE FROM dbo.sandbox_deleted WHERE recnum = ?", (number,))
        self._recount(lines)

    def recreate(self, record_number: str, *, user: str, number: str | None = None) -> str:
        """Keys a deleted change order in anew: a new record with the same number (or `number`) and lines."""
        old = _as_number(record_number)
        kept = self.rows("SELECT header, lines FROM dbo.sandbox_deleted WHERE recnum = ?", old)
        if not kept:
            self.header(record_number)  # says so when there is no such record at all
            raise NoSuchRecord(f"Change order {record_number} is not deleted.")
        header, lines = json.loads(kept[0]["header"]), json.loads(kept[0]["lines"])
        self._needs(header, lines)
        recnum = self.next_number("prmchg")
        fresh = {"recnum": recnum, "chgnum": header["chgnum"] if number is None else number}
        self.insert("prmchg", {**_without_stamps(header), **fresh}, user=user)
        for line in lines:
            self.insert("sbcgln", {**_without_stamps(line), "recnum": recnum}, user=user)
        self._recount(lines)
        return str(recnum)

    def renumber(self, record_number: str, number: str, *, user: str) -> None:
        """Edits the change number: free text of at most 20 characters."""
        header = self.header(record_number)
        if len(number) > 20:
            raise NoSuchRecord("Sage holds at most 20 characters of a change number.")
        self.update("prmchg", "recnum = ?", (int(header["recnum"]),), {"chgnum": number}, user=user)

    def move_to_phase(self, record_number: str, phase: int, *, user: str) -> None:
        header = self.header(record_number)
        self.update("prmchg", "recnum = ?", (int(header["recnum"]),), {"phsnum": phase}, user=user)

    def delete_subcontract(self, record_number: str, *, user: str) -> None:
        """Raises `NoSuchRecord` while it has changes or invoices, as Sage (help, Deleting subcontracts)."""
        number = _as_number(record_number)
        try:
            self.delete_rows("sbcnln", "recnum = ?", (number,), user=user)
            self.delete_rows("subcon", "recnum = ?", (number,), user=user)
        except sqlite3.IntegrityError as error:
            raise NoSuchRecord(f"Subcontract {record_number} is in use: {error}.") from error

    def remove_job(self, record_number: str, *, user: str, history: bool) -> None:
        """Takes a closed job out with its subcontracts, change orders and invoices.

        Archiving a fiscal year moves them to another company; whether Sage's history tells of that is not
        known, so the archive here (`history=False`) leaves none.
        """
        job = _as_number(record_number)
        mine = "recnum IN (SELECT recnum FROM dbo.{} WHERE jobnum = ?)"
        key = (job,)
        self.delete_rows("acpinv", "jobnum = ?", key, user=user, history=history)
        self.delete_rows("sbcgln", mine.format("prmchg"), key, user=user, history=history)
        self.delete_rows("prmchg", "jobnum = ?", key, user=user, history=history)
        for contract in self.rows("SELECT recnum FROM dbo.subcon WHERE jobnum = ?", job):
            self._connection.execute(
                "UPDATE dbo.sbcnln SET billed = 0 WHERE recnum = ?", (contract["recnum"],)
            )
            self.count_totals(int(contract["recnum"]))
        self.delete_rows("sbcnln", mine.format("subcon"), key, user=user, history=history)
        self.delete_rows("subcon", "jobnum = ?", key, user=user, history=history)
        self.delete_rows("jobphs", "recnum = ?", key, user=user, history=history)
        self.delete_rows("actrec", "recnum = ?", key, user=user, history=history)

    def invoice(
        self, subcontract: int, line: int, amount: str, number: str, *, user: str, at: datetime
    ) -> int:
        """Enters a payable invoice against a subcontract line; returns its record number."""
        contract = self.rows("SELECT * FROM dbo.subcon WHERE recnum = ?", subcontract)[0]
        recnum = self.next_number("acpinv")
        same = {name: contract[name] for name in ("vndnum", "jobnum", "phsnum", "ctcnum")}
        self.insert(
            "acpinv",
            {"recnum": recnum, "invnum": number, "invttl": amount, "status": 1, **same},
            user=user,
            at=at,
        )
        self._bill(subcontract, line, amount)
        return recnum

    def delete_invoice(self, number: str, subcontract: int, line: int, *, user: str) -> None:
        found = self.rows("SELECT recnum, invttl FROM dbo.acpinv WHERE invnum = ?", number)[0]
        self.delete_rows("acpinv", "recnum = ?", (found["recnum"],), user=user)
        self._bill(subcontract, line, f"-{found['invttl']}")

    def _bill(self, subcontract: int, line: int, amount: str) -> None:
        self._connection.execute(
            "UPDATE dbo.sbcnln SET billed = ROUND(billed + ?, 2) WHERE recnum = ? AND linnum = ?",
            (float(amount), subcontract, line),
        )
        self.count_totals(subcontract)

    def _needs(self, header: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        if not self.rows("SELECT recnum FROM dbo.actrec WHERE recnum = ?", header["jobnum"]):
            raise NoSuchRecord(f"The job {header['jobnum']} of change order {header['recnum']} is gone.")
        for line in lines:
            contract = line["vndctc"]
            if contract is not None and not self.rows(
                "SELECT recnum FROM dbo.subcon WHERE recnum = ?", contract
            ):
                raise NoSuchRecord(f"The subcontract {contract} of change order {header['recnum']} is gone.")

    def _recount(self, lines: list[dict[str, Any]]) -> None:
        for contract in sorted({line["vndctc"] for line in lines if line["vndctc"] is not None}):
            self.count_totals(int(contract))

    # --- the whole company -------------------------------------------------------------------

    def take_back(self, company: Path, audit: Path) -> None:
        """Puts every table back to the copies, and gives the company another incarnation."""
        run = self._connection.execute
        for schema, file in (("dbo", company), ("dbo_Audit", audit)):
            tables = [
                row["name"]
                for row in self.rows(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")
            ]
            if schema == "dbo":
                run("UPDATE dbo.subcon SET chgttl = 0, invttl = 0")
                run('UPDATE dbo.sbcnln SET "change" = 0, billed = 0')
            with sqlite3.connect(file) as copy:
                for table in tables:
                    run(f"DELETE FROM {schema}.{table}")
                    found = copy.execute(f"SELECT * FROM {table}")
                    marks = ", ".join("?" * len(found.description))
                    self._connection.executemany(f"INSERT INTO {schema}.{table} VALUES ({marks})", found)
            copy.close()
        run("UPDATE dbo.sandbox_identity SET incarnation = ?", (str(uuid.uuid4()),))


def _without_stamps(row: Mapping[str, Any]) -> dict[str, Any]:
    stamps = ("_idnum", "_idref", "insdte", "insusr", "upddte", "updusr")
    return {name: value for name, value in row.items() if name not in stamps}


def _as_number(record_number: str) -> int:
    try:
        number = int(record_number)
    except ValueError:
        raise NoSuchRecord(f"{record_number!r} is not a record number.") from None
    if number.bit_length() > 31:  # record numbers are SQL Server's int
        raise NoSuchRecord("No record number is that large.")
    return number

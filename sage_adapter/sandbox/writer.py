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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from erp_integrations.ports import NoSuchRecord
from sage_adapter.sandbox.connection import AUDIT_FILE, COMPANY_FILE, schema_text

APPLICATION = "Sage 100 Contractor"
"""The program's own name, as the history shows it."""
SYSTEM_ADMINISTRATOR = "system-administrator"
"""The user who archives: Sage lets no other user do it."""

APPROVED, OPEN, VOID, REJECTED = 1, 2, 5, 6
"""Sage help, Change order status: 1 Approved, 2 Open, 3 Review, 4 Disputed, 5 Void, 6 Rejected."""

CLOSED = 6
"""Sage help, Job status."""

WITH_HISTORY = ("actrec", "subcon", "prmchg", "sbcgln")
_FIRST_INVOICE = 4101
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
    folder: Path,
    *,
    referential: bool = True,
    wait_seconds: float = _WAIT_SECONDS,
    pace: timedelta = timedelta(0),
) -> Iterator["Books"]:
    """One transaction on the company: committed at the end of the block, undone by any exception.

    `referential=False` lets a record be torn apart, which the program never does and a crash may. `pace`
    dates each deletion so much after the one before: a person deletes one record after the other.
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
            yield Books(connection, pace)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.close()


class Books:
    """The open books, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, pace: timedelta = timedelta(0)) -> None:
        self._connection = connection
        self._columns: dict[str, tuple[str, ...]] = {}
        self._pace, self._ahead = pace, timedelta(0)

    def now(self) -> datetime:
        """The moment that an act without one of its own is dated."""
        return datetime.now(UTC) + self._ahead

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
        moment = stamp(at or self.now())
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
        self,
        table: str,
        where: str,
        key: tuple[Value, ...],
        values: Mapping[str, Value],
        *,
        user: str,
        at: datetime | None = None,
    ) -> None:
        """Changes rows and their stamps."""
        moment = stamp(at or self.now())
        changed: dict[str, Value] = {**values, "upddte": moment, "updusr": user}
        names = ", ".join(f'"{name}" = ?' for name in changed)
        self._connection.execute(f"UPDATE dbo.{table} SET {names} WHERE {where}", (*changed.values(), *key))
        self._remember("update", table, where, key, moment, user, APPLICATION)

    def delete_rows(
        self,
        table: str,
        where: str,
        key: tuple[Value, ...],
        *,
        user: str,
        at: datetime | None = None,
        history: bool = True,
    ) -> None:
        """Removes rows for good: Sage keeps no deleted rows but in its history."""
        if history:
            self._remember("delete", table, where, key, stamp(at or self.now()), user, APPLICATION)
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

    def purge_history(self, *, older_than: timedelta) -> int:
        """Purges all history of that age, of every table; returns how many entries.

        Sage's nightly maintenance does it with 90 days by default, Purge History Tables at any time
        (Database and Company Administration Guide). `timedelta(0)` leaves nothing.
        """
        until = stamp(self.now() - older_than) if older_than else "9999"  # also what a story dates ahead
        return sum(
            self._connection.execute(f"DELETE FROM dbo_Audit.{table} WHERE _Date <= ?", (until,)).rowcount
            for table in WITH_HISTORY
        )

    def next_number(self, table: str, *, first: int = 1) -> int:
        """One more than the highest record number that is there, as Sage gives it; `first` where none is.

        So the number of the last record is given again once that record is deleted, unless lines were left
        behind under it: a new record must not take them over.
        """
        tables = (table, *(lines for lines, parent in _PARENT.items() if parent == table))
        found = [self.rows(f"SELECT MAX(recnum) + 1 AS next FROM dbo.{one}")[0]["next"] for one in tables]
        return max((int(number) for number in found if number is not None), default=first)

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

    def delete(
        self,
        record_number: str,
        *,
        user: str,
        at: datetime | None = None,
        keep_lines: bool = False,
        history: bool = True,
    ) -> None:
        """Edit > Delete Change Order: the header and all its lines.

        `keep_lines` tears the record apart. `history=False` is no act of Sage's windows: the rows are lost to
        damage, or to a statement of a database administrator.
        """
        self._ahead += self._pace
        header = self.header(record_number)
        number = int(header["recnum"])
        lines = self.lines(number)
        self._connection.execute(
            "INSERT OR REPLACE INTO dbo.sandbox_deleted (_idnum, recnum, header, lines) VALUES (?, ?, ?, ?)",
            (header["_idnum"], number, json.dumps(header), json.dumps(lines)),
        )
        tables = ("prmchg",) if keep_lines else ("sbcgln", "pmcgln", "prmchg")
        for table in tables:
            self.delete_rows(table, "recnum = ?", (number,), user=user, at=at, history=history)
        self._recount(lines)

    def delete_part(self, record_number: str, subcontract: str, *, user: str) -> None:
        """Removes the lines of one subcontract from a change order; the header stays."""
        header = self.header(record_number)
        key = (int(header["recnum"]), int(subcontract))
        lines = self.lines(int(header["recnum"]))
        self.delete_rows("sbcgln", "recnum = ? AND vndctc = ?", key, user=user)
        self._recount(lines)

    def move_part(self, record_number: str, subcontract: str, to: str, *, user: str) -> None:
        """Points the lines of one subcontract at another one, as an accountant corrects a wrong choice."""
        header = self.header(record_number)
        key = (int(header["recnum"]), int(subcontract))
        there = self.rows("SELECT recnum, vndnum FROM dbo.subcon WHERE recnum = ?", int(to))[0]
        values = {"vndctc": there["recnum"], "vndnum": there["vndnum"]}
        lines = self.lines(key[0])
        self.update("sbcgln", "recnum = ? AND vndctc = ?", key, values, user=user)
        self._recount([*lines, *self.lines(key[0])])

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
        """A deleted record comes back with its row ids; a void or rejected one becomes Approved.

        `record_number` may also be the row id of a deleted record: several may have had the same number. A
        number that another record has taken since is not given back: `NoSuchRecord`.
        """
        deleted = self._deleted(record_number)
        if deleted is None or self._may_be_approved_again(record_number):
            header = self.header(record_number)
            if header["status"] not in (VOID, REJECTED):
                raise NoSuchRecord(f"Change order {record_number} is neither deleted nor void nor rejected.")
            self.set_status(record_number, APPROVED, user=user)
            return
        row_id, header, lines = deleted
        number = int(header["recnum"])
        if self.rows("SELECT recnum FROM dbo.prmchg WHERE recnum = ?", number):
            raise NoSuchRecord(
                f"Record number {number} is taken by another change order now. Delete that one to restore the"
                " old one, or re-create the old one: it gets another record number."
            )
        self._needs(header, lines)
        self.insert("prmchg", header, user=user)
        there = {line["linnum"] for line in self.lines(number)}
        for line in lines:
            if line["linnum"] not in there:
                self.insert("sbcgln", line, user=user)
        self._connection.execute("DELETE FROM dbo.sandbox_deleted WHERE _idnum = ?", (row_id,))
        self._recount(lines)

    def recreate(
        self,
        record_number: str,
        *,
        user: str,
        at: datetime | None = None,
        number: str | None = None,
        sub_number: str | None = None,
    ) -> str:
        """Keys a deleted change order in anew: a new record with the same numbers (or others) and lines.

        `record_number` may also be the row id of a deleted record.
        """
        deleted = self._deleted(record_number)
        if deleted is None:
            self.header(record_number)  # says so when there is no such record at all
            raise NoSuchRecord(f"Change order {record_number} is not deleted.")
        _row_id, header, lines = deleted
        self._needs(header, lines)
        recnum = self.next_number("prmchg")
        fresh = {"recnum": recnum, "chgnum": header["chgnum"] if number is None else number}
        self.insert("prmchg", {**_without_stamps(header), **fresh}, user=user, at=at)
        for line in lines:
            fresh = {"recnum": recnum, "chgnum": line["chgnum"] if sub_number is None else sub_number}
            self.insert("sbcgln", {**_without_stamps(line), **fresh}, user=user, at=at)
        self._recount(lines)
        return str(recnum)

    def _deleted(self, record: str) -> tuple[str, dict[str, Any], list[dict[str, Any]]] | None:
        """Row id, header and lines of the record that was deleted last under that number, or row id."""
        row_id = _as_row_id(record)
        where, key = ("recnum", _as_number(record)) if row_id is None else ("_idnum", row_id)
        sql = f"SELECT * FROM dbo.sandbox_deleted WHERE {where} = ? ORDER BY rowid DESC LIMIT 1"
        for kept in self.rows(sql, key):
            return str(kept["_idnum"]), json.loads(kept["header"]), json.loads(kept["lines"])
        if row_id is not None:
            raise NoSuchRecord(f"No change order with the row id {row_id} is deleted.")
        return None

    def _may_be_approved_again(self, record: str) -> bool:
        """Whether a void or rejected record has that number now, whatever was deleted under it before."""
        if _as_row_id(record) is not None:
            return False
        sql = "SELECT recnum FROM dbo.prmchg WHERE recnum = ? AND status IN (?, ?)"
        return bool(self.rows(sql, _as_number(record), VOID, REJECTED))

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

    def archive_job(self, record_number: str, *, history: bool = True) -> None:
        """Archiving of a fiscal year: a closed job moves to another company with all that hangs on it.

        Raises `NoSuchRecord` for a job that is not closed. Whether Sage's history tells of it is not known,
        so it may (`history`: delete rows of one moment, by the system administrator) or may not.
        """
        job = self._job(record_number)
        if job["status"] != CLOSED:
            raise NoSuchRecord(f"Job {record_number} is not closed; only closed jobs are archived.")
        self._remove_job(job, user=SYSTEM_ADMINISTRATOR, at=self.now(), history=history)

    def delete_job(self, record_number: str, *, user: str, at: datetime | None = None) -> None:
        """Deletes a job of any status, with all its records, as a user does. History tells."""
        self._remove_job(self._job(record_number), user=user, at=at or self.now(), history=True)

    def _job(self, record_number: str) -> dict[str, Any]:
        found = self.rows("SELECT * FROM dbo.actrec WHERE recnum = ?", _as_number(record_number))
        if not found:
            raise NoSuchRecord(f"There is no job {record_number}.")
        return found[0]

    def _remove_job(self, job: dict[str, Any], *, user: str, at: datetime, history: bool) -> None:
        """The job, its subcontracts, change orders, purchase orders and invoices, all of them at one moment.

        Raises `NoSuchRecord` where a line of another job's change order needs one of the subcontracts.
        """
        number = int(job["recnum"])
        mine = "recnum IN (SELECT recnum FROM dbo.{} WHERE jobnum = ?)"

        def remove(table: str, where: str = "jobnum = ?") -> None:
            self.delete_rows(table, where, (number,), user=user, at=at, history=history)

        try:
            remove("acpinv")
            remove("sbcgln", mine.format("prmchg"))
            remove("prmchg")
            for contract in self.rows("SELECT recnum FROM dbo.subcon WHERE jobnum = ?", number):
                self._connection.execute(
                    "UPDATE dbo.sbcnln SET billed = 0 WHERE recnum = ?", (contract["recnum"],)
                )
                self.count_totals(int(contract["recnum"]))
            remove("sbcnln", mine.format("subcon"))
            remove("subcon")
            remove("pcorln", mine.format("pchord"))
            remove("pchord")
            remove("jobphs", "recnum = ?")
            remove("actrec", "recnum = ?")
        except sqlite3.IntegrityError as error:
            raise NoSuchRecord(f"Job {number} is in use: {error}.") from error

    def invoice(
        self, subcontract: int, line: int, amount: str, number: str, *, user: str, at: datetime
    ) -> int:
        """Enters a payable invoice against a subcontract line; returns its record number."""
        contract = self.rows("SELECT * FROM dbo.subcon WHERE recnum = ?", subcontract)[0]
        recnum = self.next_number("acpinv", first=_FIRST_INVOICE)
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


def _as_row_id(record: str) -> str | None:
    """A row id as the books hold it; None for what is none, a record number for one."""
    if len(record) != 36:
        return None
    try:
        return str(uuid.UUID(record)).upper()
    except ValueError:
        return None


def _as_number(record_number: str) -> int:
    try:
        number = int(record_number)
    except ValueError:
        raise NoSuchRecord(f"{record_number!r} is not a record number.") from None
    if number.bit_length() > 31:  # record numbers are SQL Server's int
        raise NoSuchRecord("No record number is that large.")
    return number

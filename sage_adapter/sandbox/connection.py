"""How a reader reaches a practice company: a DB-API connection with `?`, read-only, and its faults.

The company's two files are attached as `dbo` and `dbo_Audit` with `mode=ro`, so that SQLite itself refuses
every write. How each fault is made:

- `offline`, `login-refused`, `app-refused`: `connect` raises what the driver would.
- `slow:SECONDS`: the first statement of every connection waits, at most the connection's `timeout`.
- `no-rights`, `no-audit`: SQLite's authorizer denies reading the tables of `dbo`, or of `dbo_Audit`.
- `wrong-database`: an empty company of another name is attached. `emptied`: an empty company of the same
  name and incarnation, as a row filter would show it. `restored`: a copy of the company with another
  incarnation, the same one each time, so that it can be accepted. `missing-table`, `missing-column`: a copy
  without the table `sbcgln`, or with its column `vndctc` renamed. `half-restored`: a copy in which `prmchg`
  and `sbcgln` are empty twins while jobs and subcontracts are there. `rebuilt-ids`: a copy in which every
  `_idnum` of `prmchg` is another one, the same each time, and the `_idref` of its lines follows.
  `archiving`: a copy in which half of the change orders of a closed job are gone, as while it is archived.
- `locked`, `deadlock`, `drops`: statements on change orders raise; after `drops` the connection is dead.

Where the company is restored while a connection is open, that connection is dead, as in SQL Server.

A fault of one record strikes every statement on `prmchg` or `sbcgln` (`no-audit`: only their history) among
whose parameters is the record's `_idnum` in any case; or its record number, where the statement asks by
record numbers only. A record that is asked for beside others, as their control, strikes none of them.
"""

import re
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sage_adapter.sandbox import faults
from sage_adapter.sandbox.faults import Faults, SandboxError, driver_error

COMPANY_FILE = "company.sqlite"
AUDIT_FILE = "audit.sqlite"
BUSY_SECONDS = 2.0
"""How long a statement waits for the accountant's commit before it answers 1222."""

_SCHEMAS = {"dbo": "schema.sql", "dbo_Audit": "audit.sql"}
_TABLE = re.compile(r'"?\b(dbo|dbo_audit)"?\s*\.\s*"?(\w+)"?', re.IGNORECASE)
_ROW_ID_LENGTH = 36
_OPEN_TO_ALL = ("sqlite_master", "sqlite_schema", "sandbox_identity")


def schema_text(schema: str) -> str:
    """The statements that make the tables of `dbo` or `dbo_Audit`."""
    return Path(__file__).with_name(_SCHEMAS[schema]).read_text(encoding="utf-8")


class SandboxCursor(sqlite3.Cursor):
    """A cursor that raises `SandboxError` only, and feels the faults."""

    connection: "SandboxConnection"

    def execute(self, sql: str, parameters: Any = (), /) -> "SandboxCursor":
        self.connection._before(sql, parameters)
        with _as_a_driver_says():
            super().execute(sql, parameters)
            self.connection._after()
        return self

    def __next__(self) -> Any:
        self.connection._still_there()
        with _as_a_driver_says():
            return super().__next__()

    def fetchone(self) -> Any:
        self.connection._still_there()
        with _as_a_driver_says():
            return super().fetchone()

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        self.connection._still_there()
        with _as_a_driver_says():
            return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        self.connection._still_there()
        with _as_a_driver_says():
            return super().fetchall()


class SandboxConnection(sqlite3.Connection):
    """A reader's connection. `timeout` is the statement time-out in seconds, 0 for none, as with pyodbc."""

    timeout: float = 0.0
    faults: Faults = Faults()
    incarnation: str = ""
    """Of the company as it was opened; empty until it is."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._interrupted = threading.Event()
        self._lost = False
        self._asked_before = False

    def cursor(self, factory: Any = SandboxCursor) -> Any:
        return super().cursor(factory)

    def interrupt(self) -> None:
        """Ends a running statement, and a wait of `slow`, from any thread."""
        self._interrupted.set()
        super().interrupt()

    def _still_there(self) -> None:
        if self._lost:
            raise driver_error("08S01", 0, "Communication link failure")

    def _before(self, sql: str, parameters: Sequence[object]) -> None:
        self._still_there()
        touched = {(schema.lower(), table.lower()) for schema, table in _TABLE.findall(sql)}
        self._strike_company(self.faults.company, touched)
        self._asked_before = True
        given = {str(value).strip().upper() for value in parameters}
        by_row_id = any(len(value) == _ROW_ID_LENGTH for value in given)
        for record_number, (fault, row_id) in self.faults.records.items():
            if row_id in given or (record_number in given and not by_row_id):
                self._strike_record(fault, touched)

    def _after(self) -> None:
        """SQL Server restores a database only when it has ended every session in it; SQLite does not mind."""
        if self.incarnation and self.incarnation != _incarnation(self):
            self._lost = True
            raise driver_error("08S01", 0, "Communication link failure")

    def _strike_company(self, fault: str, touched: set[tuple[str, str]]) -> None:
        seconds = faults.slow_seconds(fault)
        if seconds is not None and not self._asked_before:
            self._wait(seconds)
        if fault in faults.AT_THE_RECORDS and touched & {("dbo", "prmchg"), ("dbo", "sbcgln")}:
            self._raise(fault)

    def _strike_record(self, fault: str, touched: set[tuple[str, str]]) -> None:
        schema = "dbo_audit" if fault == "no-audit" else "dbo"
        if not touched & {(schema, "prmchg"), (schema, "sbcgln")}:
            return
        seconds = faults.slow_seconds(fault)
        if seconds is not None:
            self._wait(seconds)
        else:
            self._raise(fault)

    def _raise(self, fault: str) -> None:
        self._lost = fault in ("drops", "offline")
        raise (faults.AT_THE_DOOR | faults.AT_THE_RECORDS | faults.DENIED)[fault].error()

    def _wait(self, seconds: float) -> None:
        patience = self.timeout or seconds
        self._interrupted.wait(min(seconds, patience))
        if self._interrupted.is_set() or seconds > patience:
            self._lost = (
                True  # as with the real drivers: after a time-out the connection is not to be trusted
            )
            raise driver_error("HYT00", 0, "Query timeout expired")


def connect(folder: Path) -> SandboxConnection:
    """Opens the company in `folder` for reading, autocommit, usable from any one thread at a time.

    Raises `SandboxError` where a driver would refuse: no such company, or a fault at the door.
    """
    folder = Path(folder)
    switched_on = faults.read(folder)
    if switched_on.company in faults.AT_THE_DOOR:
        raise faults.AT_THE_DOOR[switched_on.company].error(call="SQLDriverConnect")
    if not (folder / COMPANY_FILE).is_file() or not (folder / AUDIT_FILE).is_file():
        raise driver_error(
            "42000", 4060, "Cannot open database requested by the login.", call="SQLDriverConnect"
        )
    _finish_what_a_crash_left(folder)
    connection = sqlite3.connect(
        ":memory:",
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=SandboxConnection,
        uri=True,
    )
    try:
        with _as_a_driver_says():
            _attach(connection, folder, switched_on.company)
            sqlite3.Connection.cursor(connection).execute("PRAGMA query_only = 1")
            connection.incarnation = _incarnation(connection)
            _take_rights(connection, switched_on.company)
    except BaseException:
        connection.close()
        raise
    connection.faults = switched_on
    return connection


def _incarnation(connection: sqlite3.Connection) -> str:
    found = sqlite3.Connection.cursor(connection).execute("SELECT incarnation FROM dbo.sandbox_identity")
    return str(found.fetchone()[0])


def _finish_what_a_crash_left(folder: Path) -> None:
    """Lets SQLite undo a transaction whose writer was killed; a reader with `mode=ro` may not do it.

    A journal that a living writer holds is left alone by SQLite itself.
    """
    files = (folder / COMPANY_FILE, folder / AUDIT_FILE)
    for file in files:
        if file.with_name(f"{file.name}-journal").exists():
            with closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as repair, suppress(sqlite3.Error):
                repair.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()


def _attach(connection: sqlite3.Connection, folder: Path, fault: str) -> None:
    company, audit = folder / COMPANY_FILE, folder / AUDIT_FILE
    if fault not in faults.ANOTHER_COMPANY:
        _attach_file(connection, company, "dbo")
        _attach_file(connection, audit, "dbo_Audit")
        return
    with closing(sqlite3.connect(read_only_uri(company), uri=True, timeout=BUSY_SECONDS)) as source:
        identity = source.execute(
            "SELECT database_name, incarnation, company FROM sandbox_identity"
        ).fetchone()
        image = source.serialize() if fault not in ("wrong-database", "emptied") else _empty_image("dbo")
    _attach_image(connection, image, "dbo")
    if fault in ("wrong-database", "emptied"):
        _attach_image(connection, _empty_image("dbo_Audit"), "dbo_Audit")
    else:
        _attach_file(connection, audit, "dbo_Audit")
    change = sqlite3.Connection.cursor(connection).execute
    name, incarnation, key = identity
    if fault in ("wrong-database", "emptied"):
        name = "Another Company" if fault == "wrong-database" else name
        change(
            "INSERT INTO dbo.sandbox_identity (database_name, incarnation, company) VALUES (?, ?, ?)",
            (name, incarnation, key),
        )
    if fault in ("wrong-database", "restored"):
        another = str(uuid.uuid5(uuid.UUID(incarnation), fault))
        change("UPDATE dbo.sandbox_identity SET incarnation = ?", (another,))
    elif fault == "missing-table":
        change("DROP TABLE dbo.sbcgln")
    elif fault == "missing-column":
        change("ALTER TABLE dbo.sbcgln RENAME COLUMN vndctc TO vndctc_before")
    elif fault == "half-restored":
        change("DELETE FROM dbo.sbcgln")
        change("DELETE FROM dbo.prmchg")
    elif fault == "rebuilt-ids":
        _rebuild_ids(connection)
    elif fault == "archiving":
        _archive_half_of_a_job(connection)


def _rebuild_ids(connection: sqlite3.Connection) -> None:
    def another(row_id: str) -> str:
        return str(uuid.uuid5(uuid.UUID(row_id), "rebuilt-ids")).upper()

    connection.create_function("another", 1, another, deterministic=True)
    change = sqlite3.Connection.cursor(connection).execute
    change("UPDATE dbo.prmchg SET _idnum = another(_idnum)")
    for lines in ("sbcgln", "pmcgln"):
        change(f"UPDATE dbo.{lines} SET _idref = another(_idref)")


def _archive_half_of_a_job(connection: sqlite3.Connection) -> None:
    """Of the first closed job with a scenario's record, else of the job with most change orders, closed then.

    The first of its change orders, the third, … are gone with their lines; history does not tell.
    """
    change = sqlite3.Connection.cursor(connection).execute
    job = change(
        "SELECT jobnum FROM dbo.prmchg JOIN dbo.actrec ON actrec.recnum = prmchg.jobnum"
        " LEFT JOIN dbo.sandbox_scenario ON sandbox_scenario.recnum = prmchg.recnum AND actrec.status = 6"
        " GROUP BY jobnum ORDER BY COALESCE(MIN(sandbox_scenario.recnum), 1e18), COUNT(*) DESC, jobnum"
    ).fetchone()
    if job is None:
        return
    change("UPDATE dbo.actrec SET status = 6 WHERE recnum = ?", job)
    there = change("SELECT recnum FROM dbo.prmchg WHERE jobnum = ? ORDER BY recnum", job).fetchall()
    for gone in there[::2]:
        for table in ("sbcgln", "pmcgln", "prmchg"):
            change(f"DELETE FROM dbo.{table} WHERE recnum = ?", gone)


def read_only_uri(file: Path) -> str:
    """The address of a SQLite file that may be read only."""
    return f"{file.resolve().as_uri()}?mode=ro"


def _attach_file(connection: sqlite3.Connection, file: Path, schema: str) -> None:
    sqlite3.Connection.cursor(connection).execute(f"ATTACH ? AS {schema}", (read_only_uri(file),))


def _attach_image(connection: sqlite3.Connection, image: bytes, schema: str) -> None:
    sqlite3.Connection.cursor(connection).execute(f"ATTACH ':memory:' AS {schema}")
    connection.deserialize(image, name=schema)


def _empty_image(schema: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(schema_text(schema))
        return empty.serialize()


def _take_rights(connection: sqlite3.Connection, fault: str) -> None:
    closed = {"no-rights": "dbo", "no-audit": "dbo_Audit"}.get(fault)
    if closed is None:
        return

    def authorize(
        action: int, first: str | None, _second: str | None, schema: str | None, _by: str | None
    ) -> int:
        denied = action == sqlite3.SQLITE_READ and schema == closed and first not in _OPEN_TO_ALL
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)


@contextmanager
def _as_a_driver_says() -> Iterator[None]:
    """Turns SQLite's own errors into what SQL Server's driver would raise for the same event."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error) from error


def _translated(error: sqlite3.Error) -> SandboxError:
    name, words = getattr(error, "sqlite_errorname", ""), str(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return faults.AT_THE_RECORDS["locked"].error()
    if name == "SQLITE_AUTH":
        return faults.DENIED["no-rights"].error()
    if words.startswith("no such table"):
        return driver_error("42S02", 208, "Invalid object name.")
    if words.startswith("no such column"):
        return driver_error("42S22", 207, "Invalid column name.")
    if name == "SQLITE_INTERRUPT":
        return driver_error("HYT00", 0, "Query timeout expired")
    if name.startswith("SQLITE_CANTOPEN"):
        return driver_error(
            "42000", 4060, "Cannot open database requested by the login.", call="SQLDriverConnect"
        )
    if name.startswith("SQLITE_READONLY"):
        return driver_error("42000", 3906, "Failed to update database because the database is read-only.")
    return driver_error("HY000", 0, words)

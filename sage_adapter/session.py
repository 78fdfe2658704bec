"""One DB-API connection per look: opened, limited, asked, closed.

The only module that imports pyodbc, and only when a connection needs it: the practice company must run
where no ODBC driver manager is installed.
"""

import contextlib
import functools
import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erp_integrations.ports import ConnectionSpec, Deadline, error_for
from sage_adapter import odbc_string
from sage_adapter.dialects import LOCK_WAIT_MILLISECONDS, SANDBOX, SQLITE, Dialect, dialect_named
from sage_adapter.faults import fault, fault_of

logger = logging.getLogger(__name__)

PLACES_PER_SERVER = 8
"""How many connections this process holds to one Sage server at once; Sage's users come first."""

COMPANY_FILE, AUDIT_FILE = "company.sqlite", "audit.sqlite"

_SQL = Path(__file__).parent / "sql"
_SQLITE_BUSY_MILLISECONDS = str(LOCK_WAIT_MILLISECONDS)

_places: dict[str, threading.BoundedSemaphore] = {}
_places_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one question."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Session:
    """One open connection. Every question is a named query of `sql/`."""

    def __init__(self, connection: Any, dialect: Dialect, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self.dialect = dialect
        self.statements = 0
        """Questions asked so far, without the statements that begin a connection."""

    def ask(self, name: str, params: Sequence[int | str] = (), *, limit: int = 1) -> Answer:
        """The answer to the query `name`, at most `limit` rows.

        Raises `Unavailable` (`deadline`) where no time is left, `Unexpected` (`too-many-rows`) where there
        are more rows, and whatever fault the driver reports.
        """
        check_deadline(self._deadline)
        self.statements += 1
        with translated():
            if self.dialect.statement_timeout:
                self._connection.timeout = _whole_seconds(self._deadline)
            cursor = self._connection.cursor()
            try:
                cursor.execute(sql_text(name), tuple(params))
                rows = tuple(tuple(row) for row in cursor.fetchmany(limit + 1))
                columns = tuple(str(column[0]) for column in cursor.description)
            finally:
                _close(cursor)
        if len(rows) > limit:
            raise error_for(fault("too-many-rows"))
        check_deadline(self._deadline)
        return Answer(columns, rows)


def check_deadline(deadline: Deadline) -> None:
    """Raises `Unavailable` (`deadline`) once nobody waits for the answer any more."""
    if deadline.passed:
        raise error_for(fault("deadline"))


@functools.cache
def sql_text(name: str) -> str:
    """The query `sql/<name>.sql` without its comments, which are for people and may hold a question mark."""
    lines = (_SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns what a driver raises into our error family. Driver words stay in the cause, for the log."""
    try:
        yield
    except Exception as error:
        raise error_for(fault_of(error)) from error


@contextlib.contextmanager
def open_session(spec: ConnectionSpec, deadline: Deadline) -> Iterator[Session]:
    """A connection of its own, closed at the end whatever happens.

    Raises `Misconfigured` where the connection cannot be what it says, `Unavailable` where the server or a
    free place does not come before the deadline.
    """
    check_deadline(deadline)
    connect = _sandbox if spec.sandbox_path is not None else _odbc
    server, opener = connect(spec)
    with _place_at(server, deadline):
        connection, dialect = opener(deadline)
        try:
            yield Session(connection, dialect, deadline)
        finally:
            _close(connection)


_Opener = Callable[[Deadline], tuple[Any, Dialect]]


def _sandbox(spec: ConnectionSpec) -> tuple[str, _Opener]:
    from sage_adapter.sandbox.connection import connect  # not needed where the books are real

    folder = Path(spec.sandbox_path or "")
    if not (folder / COMPANY_FILE).is_file():
        raise error_for(fault("sandbox-missing"))

    def opener(_deadline: Deadline) -> tuple[Any, Dialect]:
        with translated():
            return connect(folder), SANDBOX

    return f"sandbox {folder}", opener


def _odbc(spec: ConnectionSpec) -> tuple[str, _Opener]:
    try:
        odbc_string.database_named_in(spec.odbc_string)
        pairs = odbc_string.parse(spec.odbc_string)
    except ValueError as error:
        raise error_for(fault("connection-string")) from error
    server = " ".join(odbc_string.value_of(pairs, keyword) for keyword in ("SERVER", "PORT", "DSN")).strip()
    return (server or odbc_string.value_of(pairs, "DATABASE")).casefold(), functools.partial(
        _open_odbc, spec, pairs
    )


def _open_odbc(
    spec: ConnectionSpec, pairs: Sequence[odbc_string.Pair], deadline: Deadline
) -> tuple[Any, Dialect]:
    pyodbc = _pyodbc()
    login_timeout = max(1, min(spec.login_timeout_seconds, _whole_seconds(deadline)))
    check_deadline(deadline)
    with translated():
        connection = pyodbc.connect(
            connection_string(pairs, spec.application_name), autocommit=True, timeout=login_timeout
        )
    try:
        with translated():
            dialect = _supported(str(connection.getinfo(pyodbc.SQL_DBMS_NAME)))
        check_deadline(deadline)
        with translated():
            _begin(connection, dialect, pairs, deadline)
    except BaseException:
        _close(connection)
        raise
    return connection, dialect


def _supported(dbms_name: str) -> Dialect:
    dialect = dialect_named(dbms_name)
    if dialect is None:
        raise error_for(fault("server-not-supported"))
    return dialect


def _pyodbc() -> Any:
    try:
        import pyodbc  # type: ignore[import-not-found]
    except ImportError as error:  # the wheel needs libodbc.so.2, which the system must bring
        raise error_for(fault("driver-missing")) from error
    # Pooled connections keep the last user's settings, and a look needs a connection of its own.
    pyodbc.pooling = False
    return pyodbc


def connection_string(pairs: Sequence[odbc_string.Pair], application_name: str) -> str:
    """The string the driver gets: with our application name for SQL Server, read-only for SQLite."""
    driver = odbc_string.value_of(pairs, "DRIVER", "DSN").casefold()
    if "sqlite" in driver:
        # The file itself is attached read-only afterwards; the default wait for a lock is 100 seconds.
        pairs = odbc_string.with_value(pairs, "DATABASE", ":memory:")
        pairs = odbc_string.with_value(pairs, "Timeout", _SQLITE_BUSY_MILLISECONDS)
    elif "postgres" not in driver and not odbc_string.value_of(pairs, "APP"):
        pairs = odbc_string.with_value(pairs, "APP", application_name)
    return odbc_string.render(pairs)


def _begin(connection: Any, dialect: Dialect, pairs: Sequence[odbc_string.Pair], deadline: Deadline) -> None:
    if dialect.statement_timeout:
        connection.timeout = _whole_seconds(deadline)
    filled: dict[str, int | str] = {
        "lock_wait": min(LOCK_WAIT_MILLISECONDS, _milliseconds(deadline)),
        "statement_wait": _milliseconds(deadline),
    }
    if dialect is SQLITE:
        filled |= _sqlite_files(odbc_string.value_of(pairs, "DATABASE"))
    for statement in dialect.start:
        connection.execute(statement.format(**filled)).close()


def _sqlite_files(database: str) -> dict[str, str]:
    named = Path(database)
    folder = named if named.is_dir() else named.parent
    company, audit = folder / COMPANY_FILE, folder / AUDIT_FILE
    return {
        "company": _read_only(company),
        "audit": _read_only(audit) if audit.is_file() else ":memory:",
    }


def _read_only(file: Path) -> str:
    return f"{file.resolve().as_uri()}?mode=ro".replace("'", "%27")


@contextlib.contextmanager
def _place_at(server: str, deadline: Deadline) -> Iterator[None]:
    with _places_lock:
        places = _places.setdefault(server, threading.BoundedSemaphore(PLACES_PER_SERVER))
    if not places.acquire(timeout=deadline.remaining()):
        raise error_for(fault("busy"))
    try:
        yield
    finally:
        places.release()


def _milliseconds(deadline: Deadline) -> int:
    return max(1, math.ceil(deadline.remaining() * 1000))


def _whole_seconds(deadline: Deadline) -> int:
    """Drivers count whole seconds, and take 0 for "no limit"."""
    return max(1, math.ceil(deadline.remaining()))


def _close(thing: Any) -> None:
    """Closes a cursor or a connection. One that is already lost may refuse, and that changes nothing."""
    try:
        thing.close()
    except Exception:  # noqa: BLE001 - any driver, any state
        logger.debug("sage.close_failed")

"""One DB-API connection per look: opened, limited, asked, closed.

The only module that imports pyodbc, and only when a connection needs it: the practice company must run
where no ODBC driver manager is installed.
"""

import contextlib
import functools
import logging
import math
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from erp_integrations.ports import ConnectionSpec, Deadline, ErpError, Fault, FaultKind, error_for
from sage_adapter import odbc_string, wire
from sage_adapter.dialects import (
    LOCK_WAIT_MILLISECONDS,
    LOCK_WAIT_SHARE,
    SANDBOX,
    SQLITE,
    Dialect,
    dialect_named,
)
from sage_adapter.faults import fault, fault_of, without_a_reason
from sage_adapter.wire import Watch

logger = logging.getLogger(__name__)

PLACES_PER_SERVER = 8
"""How many connections this process holds to one Sage server at once; Sage's users come first."""

COMPANY_FILE, AUDIT_FILE = "company.sqlite", "audit.sqlite"

CHUNK = 2_000
"""Rows of a long answer that are fetched at once."""

_SQL = Path(__file__).parent / "sql"

_places: dict[str, threading.BoundedSemaphore] = {}
_places_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rows:
    """What came back for one question."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Session:
    """One open connection. Every question is a named query of `sql/`."""

    def __init__(self, connection: Any, dialect: Dialect, deadline: Deadline, driver: str = "") -> None:
        self._connection = connection
        self.deadline = deadline
        self._in_transaction = False
        self.dialect = dialect
        self.driver = driver
        """The name and version of the driver, where there is one."""
        self.server_ahead: timedelta | None = None
        """The server's local time minus ours; None until it was greeted."""
        self.statements = 0
        """Questions asked so far, without the statements that begin a connection or a transaction."""

    def ask(
        self,
        name: str,
        params: Sequence[int | str] = (),
        *,
        limit: int = 1,
        sizes: Mapping[str, int] | None = None,
        without: Sequence[str] = (),
    ) -> Rows:
        """The answer to the query `name`, at most `limit` rows. `sizes` and `without`: see `sql_text`.

        Raises `Unavailable` (`deadline`) where no time is left, `Unexpected` (`too-many-rows`) where there
        are more rows, and whatever fault the driver reports.
        """
        text = sql_text(name, tuple((sizes or {}).items()), tuple(without))
        with self._asked(text, params) as cursor, translated():
            rows = tuple(tuple(row) for row in cursor.fetchmany(limit + 1))
            columns = tuple(str(column[0]) for column in cursor.description)
        if len(rows) > limit:
            raise error_for(fault("too-many-rows"))
        check_deadline(self.deadline)
        return Rows(columns, rows)

    def read(self, name: str, params: Sequence[int | str] = (), *, most: int) -> tuple[list[Any], bool]:
        """The rows of the query `name`, as the driver gives them, and whether that is all of them.

        Stops after some rows more than `most`; the cursor is closed then. Raises what `ask` raises; also
        `Unavailable` (`deadline`) in the middle.
        """
        found: list[Any] = []
        with self._asked(sql_text(name), params) as cursor:
            while True:
                with translated():
                    chunk = cursor.fetchmany(CHUNK)
                if not chunk:
                    return found, True
                check_deadline(self.deadline)
                found += chunk
                if len(found) > most:
                    return found, False

    def begin_transaction(self) -> None:
        """From here on every question sees the same moment. Does nothing where one has begun."""
        if self._in_transaction or not self.dialect.transaction:
            return
        check_deadline(self.deadline)
        with translated():
            if self.dialect.statement_timeout:
                self._connection.timeout = whole_seconds(self.deadline)
            _close(self._connection.execute(self.dialect.transaction))
        self._in_transaction = True

    def end_transaction(self) -> None:
        """Ends it politely. Nothing was changed, so one that cannot be ended ends with the connection."""
        if not self._in_transaction:
            return
        self._in_transaction = False
        try:
            _close(self._connection.execute("COMMIT"))
        except Exception:  # noqa: BLE001 - any driver, any state
            logger.debug("sage.commit_failed")

    @contextlib.contextmanager
    def _asked(self, text: str, params: Sequence[int | str]) -> Iterator[Any]:
        """A cursor over the answer; closed at the end whatever happens."""
        check_deadline(self.deadline)
        self.statements += 1
        with translated():
            if self.dialect.statement_timeout:
                self._connection.timeout = whole_seconds(self.deadline)
            cursor = self._connection.cursor()
        try:
            with translated():
                cursor.execute(text, tuple(params))
            if cursor.description is None:  # not even an empty answer
                raise error_for(fault("no-count"))
            yield cursor
        finally:
            _close(cursor)


def check_deadline(deadline: Deadline) -> None:
    """Raises `Unavailable` (`deadline`) once nobody waits for the answer any more."""
    if deadline.passed:
        raise error_for(fault("deadline"))


_LIST = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\{(\w+)\?(.*?)\|(.*?)\}", re.DOTALL)


@functools.cache
def sql_text(name: str, sizes: tuple[tuple[str, int], ...] = (), without: tuple[str, ...] = ()) -> str:
    """The query `sql/<name>.sql` without its comments, which are for people and may hold a question mark.

    `{keys}` becomes as many `?` as `sizes` says of it, else one; `{part?this|that}` becomes this, or that
    where `part` is among `without`. Several names joined by `+` are one query of all their rows.
    """
    if "+" in name:
        return "\nUNION ALL\n".join(sql_text(one) for one in name.split("+"))
    lines = (_SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()
    known = dict(sizes)
    text = _LIST.sub(lambda found: ", ".join("?" * known.get(found[1], 1)), text)
    return _OPTIONAL.sub(lambda found: (found[3] if found[1] in without else found[2]).strip(), text)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns what a driver raises into our error family. Driver words stay in the cause, for the log."""
    try:
        yield
    except Exception as error:
        raise error_for(fault_of(error)) from error


@contextlib.contextmanager
def open_session(spec: ConnectionSpec, deadline: Deadline, *, streaming: bool = False) -> Iterator[Session]:
    """A connection of its own, closed at the end whatever happens; `streaming` for answers without end.

    The place at the server is kept until then, also where nobody waits for the answer any more.

    Raises `Misconfigured` where the connection cannot be what it says, `Unavailable` where the server or a
    free place does not come before the deadline.
    """
    check_deadline(deadline)
    server, opener = _sandbox(spec) if spec.sandbox_path is not None else _odbc(spec, streaming=streaming)
    most_bytes = None if streaming else wire.MOST_BYTES
    with _place_at(server, deadline), wire.watched(server, deadline, most_bytes=most_bytes) as watch:
        connection, dialect, driver = opener(deadline, watch)
        try:
            session = Session(connection, dialect, deadline, driver)
            if dialect.transaction_first:
                session.begin_transaction()
            yield session
            session.end_transaction()
        finally:
            _close(connection)


_Opened = tuple[Any, Dialect, str]
_Opener = Callable[[Deadline, Watch], _Opened]


def _sandbox(spec: ConnectionSpec) -> tuple[str, _Opener]:
    from sage_adapter.sandbox.connection import connect  # not needed where the books are real

    folder = Path(spec.sandbox_path or "")
    if not (folder / COMPANY_FILE).is_file():
        raise error_for(fault("sandbox-missing"))

    def opener(_deadline: Deadline, _watch: Watch) -> _Opened:
        with translated():
            return connect(folder), SANDBOX, ""

    return f"sandbox {folder}", opener


def _odbc(spec: ConnectionSpec, *, streaming: bool) -> tuple[str, _Opener]:
    try:
        odbc_string.database_named_in(spec.odbc_string)
        pairs = odbc_string.checked(spec.odbc_string)
    except odbc_string.DriverNotKnown as error:
        raise error_for(fault("driver-missing")) from error
    except odbc_string.KeywordRefused as error:
        raise error_for(fault("connection-string", error.keyword)) from error
    except ValueError as error:
        raise error_for(fault("connection-string")) from error
    opener = functools.partial(_open_odbc, spec, pairs, streaming=streaming)
    return odbc_string.server_of(pairs), opener


def _open_odbc(
    spec: ConnectionSpec,
    pairs: Sequence[odbc_string.Pair],
    deadline: Deadline,
    watch: Watch,
    *,
    streaming: bool,
) -> _Opened:
    pyodbc = _pyodbc()
    if not odbc_string.driver_of(pairs):
        pairs = odbc_string.with_driver(pairs, _chosen_driver())
    login_timeout = max(1, min(spec.login_timeout_seconds, whole_seconds(deadline)))
    check_deadline(deadline)
    try:
        words = connection_string(pairs, spec.application_name, deadline, streaming=streaming)
    except odbc_string.KeywordRefused as error:
        raise error_for(fault("connection-string", error.keyword)) from error
    try:
        with watch.connecting():
            connection = pyodbc.connect(words, autocommit=True, timeout=login_timeout)
    except Exception as error:
        raise error_for(_fault_of_sign_in(error, pairs)) from error
    try:
        with translated():
            dialect = _supported(str(connection.getinfo(pyodbc.SQL_DBMS_NAME)))
            driver = " ".join(
                str(connection.getinfo(what)) for what in (pyodbc.SQL_DRIVER_NAME, pyodbc.SQL_DRIVER_VER)
            )
        check_deadline(deadline)
        with translated():
            _begin(connection, dialect, pairs, deadline)
    except BaseException:
        _close(connection)
        raise
    return connection, dialect, driver


def _fault_of_sign_in(error: Exception, pairs: Sequence[odbc_string.Pair]) -> Fault:
    """The fault behind a connection that could not be opened.

    FreeTDS gives no reason where a server was reached and the sign-in failed, nor where there is no such
    host. So the host's name is looked up. The port of a named instance may not have been found at all.
    """
    if not without_a_reason(error):
        return fault_of(error)
    host = odbc_string.server_of(pairs).partition(",")[0]
    if "\\" in host or not _is_known(host):
        return fault("unreachable")
    encryption = odbc_string.value_of(odbc_string.for_driver(pairs), "Encryption")
    return fault("encryption-not-offered" if encryption.casefold() == "require" else "sign-in-cut")


def _is_known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False


def installed_drivers() -> tuple[str, ...]:
    """The names of the ODBC drivers that this machine knows; none where there is no driver manager."""
    try:
        pyodbc = _pyodbc()
    except ErpError:
        return ()
    return tuple(str(name) for name in pyodbc.drivers())


def _chosen_driver() -> str:
    """The driver for a connection that names none. Raises `Misconfigured` where there is none for Sage."""
    chosen = odbc_string.preferred_driver(installed_drivers())
    if chosen is None:
        raise error_for(fault("driver-missing"))
    return chosen


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


def connection_string(
    pairs: Sequence[odbc_string.Pair], application_name: str, deadline: Deadline, *, streaming: bool = False
) -> str:
    """The string the driver gets: with our application name for SQL Server, read-only for SQLite."""
    kind = odbc_string.kind_of(odbc_string.driver_of(pairs))
    if kind is odbc_string.DriverKind.SQLITE:
        # The file itself is attached read-only afterwards. The driver waits for a lock twice as long as it is
        # told, and 100 seconds when it is not told.
        wait = _lock_wait(deadline) // 2
        pairs = odbc_string.with_value(pairs, "DATABASE", ":memory:")
        pairs = odbc_string.with_value(pairs, "Timeout", str(max(1, wait)))
    elif kind is odbc_string.DriverKind.POSTGRESQL:
        # An error in a transaction ends the look: the driver's savepoint around every question is not needed.
        pairs = odbc_string.with_value(pairs, "Protocol", "7.4-0")
        if streaming:  # else the driver reads the whole answer into memory first
            pairs = odbc_string.with_value(pairs, "UseDeclareFetch", "1")
            pairs = odbc_string.with_value(pairs, "Fetch", str(CHUNK))
    else:
        pairs = odbc_string.for_driver(pairs)
        if kind is not odbc_string.DriverKind.FREETDS:
            # Microsoft's driver connects again by itself where a link was lost between two questions, and
            # says nothing: the second might ask another database than the handshake greeted (Microsoft:
            # Connection resiliency in the ODBC driver).
            pairs = odbc_string.with_value(pairs, "ConnectRetryCount", "0")
        if not odbc_string.value_of(pairs, "APP"):
            pairs = odbc_string.with_value(
                pairs, "APP", application_name[: odbc_string.LONGEST_APPLICATION_NAME]
            )
    return odbc_string.render_for(kind, pairs)


def _begin(connection: Any, dialect: Dialect, pairs: Sequence[odbc_string.Pair], deadline: Deadline) -> None:
    if dialect.statement_timeout:
        connection.timeout = whole_seconds(deadline)
    filled: dict[str, int | str] = {
        "lock_wait": _lock_wait(deadline),
        "statement_wait": _milliseconds(deadline),
    }
    if dialect is SQLITE:
        filled |= _sqlite_files(odbc_string.value_of(pairs, "DATABASE"))
    try:
        _run(connection, dialect.start, filled)
    except Exception as error:
        # A server of another make may not know one of the settings. One that is merely in trouble is not
        # asked again here.
        if not dialect.start_plain or fault_of(error).kind is not FaultKind.UNEXPECTED:
            raise
        _run(connection, dialect.start_plain, filled)


def _run(connection: Any, statements: Sequence[str], filled: dict[str, int | str]) -> None:
    for statement in statements:
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


def _lock_wait(deadline: Deadline) -> int:
    """Milliseconds that a question waits for the lock of a user who is saving in Sage.

    Shorter than the time-out of the statement and than what is left, so that the server says that it was a
    lock before anything else ends the wait and says only that it was long.
    """
    shortest = min(_milliseconds(deadline), 1000 * whole_seconds(deadline))
    return max(1, min(LOCK_WAIT_MILLISECONDS, int(LOCK_WAIT_SHARE * shortest)))


def whole_seconds(deadline: Deadline) -> int:
    """What is left, for drivers, which count whole seconds and take 0 for "no limit".

    Not more than is left, but for the last second, so that a driver's own words come before the deadline.
    """
    return max(1, math.floor(deadline.remaining()))


def _close(thing: Any) -> None:
    """Closes a cursor or a connection. One that is already lost may refuse, and that changes nothing."""
    try:
        thing.close()
    except Exception:  # noqa: BLE001 - any driver, any state
        logger.debug("sage.close_failed")

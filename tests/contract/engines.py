"""The same practice company on several database engines.

Sage's side is always the sandbox's own writer; what differs is where its tables are read from. An engine
that keeps a copy is brought up to date after every act, in one transaction, as Sage's commit would be.
"""

import importlib.metadata
import socket
import sqlite3
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import compress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as pg

from config import embedded_postgres
from erp_integrations.ports import (
    NO_CONTROLS,
    ChangeOrderReference,
    ConnectionSpec,
    Control,
    Controls,
    Deadline,
    ErpChangeOrder,
    ErpReader,
    ErpSandbox,
    Finding,
)
from sage_adapter import odbc_string
from sage_adapter.reader import open_reader
from sage_adapter.session import installed_drivers

DATABASE = "Harbor Point Builders"
SAGE_USER = "ACCT2"
PATIENCE_SECONDS = 30.0
"""Deadline of a look that is expected to be answered."""
SECOND_LOOK_SECONDS = 0.02

COPIED = {
    "dbo": ("actrec", "actpay", "subcon", "sbcnln", "prmchg", "sbcgln"),
    "dbo_Audit": ("actrec", "subcon", "prmchg", "sbcgln"),
}
FILES = {"dbo": "company.sqlite", "dbo_Audit": "audit.sqlite"}
MOMENTS = ("insdte", "upddte", "_Date")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Books:
    """One practice company as one engine serves it: the reader's way in, and Sage's side."""

    engine: str
    sandbox: ErpSandbox
    folder: Path
    spec: ConnectionSpec
    publish: Callable[[], None]
    """Makes what happened in Sage visible to the engine."""
    publish_another: Callable[[], None]
    """The same, as another database under the same name: what restoring a backup does to a server."""
    in_place: Callable[[], bool] = lambda: True
    """Whether the engine still serves this company: it may have room for one only."""

    def reader(self, **changed: Any) -> ErpReader:
        return open_reader(replace(self.spec, **changed))

    def accept(self) -> None:
        """What an ERP admin does on the Connection page."""
        handshake = self.reader().handshake(deadline=Deadline.after(PATIENCE_SECONDS))
        assert handshake.good, handshake.problems
        self.spec = replace(self.spec, accepted_incarnation=handshake.incarnation)

    def bring_back(self) -> None:
        """Makes the engine serve this company again."""
        if not self.in_place():
            self.publish_another()
            self.spec = replace(self.spec, accepted_incarnation="")
            self.accept()

    def sage(self, act: Callable[[ErpSandbox], object]) -> None:
        """Lets something happen in Sage."""
        act(self.sandbox)
        self.publish()

    def restore_backup(self) -> None:
        """Sage's administrator restores the last backup."""
        self.sandbox.restore_backup()
        self.publish_another()

    def references(self) -> dict[str, ChangeOrderReference]:
        """What links would remember, by scenario, that last saw their records a while ago.

        Longer ago than the hour by which daylight saving may move a SQL Server's local time.
        """
        company, seen_at = self.sandbox.company(), now() - timedelta(hours=2)
        orders = {order.record_number: order for order in company.change_orders}
        jobs = {job.record_number: job for job in company.jobs}
        found = {}
        for scenario in company.scenarios:
            order = orders[scenario.record_number]
            mine = [
                line
                for line in order.lines
                if line.subcontract_record_number == scenario.subcontract_record_number
            ]
            found[scenario.key] = ChangeOrderReference(
                row_id=order.row_id,
                record_number=order.record_number,
                number=order.number,
                job_record_number=order.job_record_number,
                job_row_id=jobs[order.job_record_number].row_id,
                phase=order.phase,
                subcontract_record_number=scenario.subcontract_record_number,
                sub_change_number=mine[0].sub_change_number,
                amount=sum((line.amount for line in mine), Decimal("0.00")),
                last_seen_at=seen_at,
                touched_subcontracts=_touched(order),
                shared_subcontracts=tuple(
                    other.subcontract_record_number
                    for other in company.scenarios
                    if other.record_number == scenario.record_number
                    and other.subcontract_record_number != scenario.subcontract_record_number
                ),
            )
        return found

    def look(
        self,
        reference: ChangeOrderReference,
        *,
        seconds: float = PATIENCE_SECONDS,
        controls: Controls = NO_CONTROLS,
        **changed: Any,
    ) -> Finding:
        return self.reader(**changed).lookup(
            reference, deadline=Deadline.after(seconds), clock=now, controls=controls
        )

    def alter(self, *statements: str, schema: str = "dbo") -> None:
        """What no accountant can do: rows that are lost or changed without Sage's knowledge."""
        with closing(sqlite3.connect(self.folder / FILES[schema], isolation_level=None)) as files:
            files.execute("PRAGMA foreign_keys = 0")
            files.execute("PRAGMA ignore_check_constraints = 1")
            files.execute("BEGIN")
            for statement in statements:
                files.execute(statement)
            files.execute("COMMIT")
        self.publish()


def _touched(order: ErpChangeOrder) -> tuple[str, ...]:
    there = (line.subcontract_record_number for line in order.lines)
    return tuple(dict.fromkeys(number for number in there if number))


def controls_among(references: Iterable[ChangeOrderReference]) -> Controls:
    """All of them as controls of each other."""
    return Controls(
        of_the_bulk=tuple(
            Control(
                row_id=one.row_id,
                record_number=one.record_number,
                job_record_number=one.job_record_number,
                job_row_id=one.job_row_id,
                last_seen_at=one.last_seen_at,
            )
            for one in references
        )
    )


Played = tuple[Books, dict[str, ChangeOrderReference]]
"""A company to which everything has happened, and what the links to its change orders remember."""


def without_faults_of_records(sandbox: ErpSandbox) -> None:
    """Only the sandbox itself can play those, so a table of verdicts for all engines leaves them out."""
    for row in sandbox.change_orders():
        if row.fault:
            sandbox.set_fault("none", record_number=row.record_number)


# --- the engines -------------------------------------------------------------------------------


def _spec(**changed: Any) -> ConnectionSpec:
    return ConnectionSpec(
        kind="sage-100-contractor",
        database=DATABASE,
        accepted_incarnation="",
        login_timeout_seconds=1,
        second_look_seconds=SECOND_LOOK_SECONDS,
        **changed,
    )


def _nothing() -> None:
    """The engine reads the practice company's own files."""


def sandbox_books(sandbox: ErpSandbox, folder: Path) -> Books:
    return Books("sandbox", sandbox, folder, _spec(sandbox_path=folder), _nothing, _nothing)


def sqlite_odbc_string(folder: Path) -> str:
    return f"DRIVER=SQLite3;DATABASE={folder / 'company.sqlite'};"


def sqlite_odbc_books(sandbox: ErpSandbox, folder: Path) -> Books:
    spec = _spec(odbc_string=sqlite_odbc_string(folder))
    return Books("sqlite-odbc", sandbox, folder, spec, _nothing, _nothing)


def tds_books(sandbox: ErpSandbox, folder: Path, driver: str, port: int) -> Books:
    """Served by `tsql.py`."""
    string = odbc_string.build(
        driver=driver,
        server="127.0.0.1",
        port=port,
        database=DATABASE,
        login="sage_reader",
        password="let me; read",
        encrypt=False,
    )
    return Books("tds", sandbox, folder, _spec(odbc_string=string), _nothing, _nothing)


def rows_of(folder: Path, schema: str, table: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Columns with their declared types, and all rows, of one table of the practice company."""
    with closing(sqlite3.connect(folder / FILES[schema])) as source:
        columns = [
            (str(row[1]), str(row[2]).lower()) for row in source.execute(f"PRAGMA table_info({table})")
        ]
        return columns, source.execute(f"SELECT * FROM {table}").fetchall()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class PostgresServer:
    """A PostgreSQL of its own, on 127.0.0.1 with passwords, that the tests may stop, lock and break."""

    READER, WRITER, PASSWORD = "sage_reader", "sage_writer", "let me; read"

    def __init__(self, folder: Path, *, log_statements: bool = True) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        rules = folder / "rules.conf"
        rules.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "hba_file": str(rules),
            "fsync": "off",
            "log_statement": "all" if log_statements else "none",
            "log_line_prefix": "%u|",
        }
        self.address = ""

    def start(self) -> None:
        self.address = embedded_postgres.start(self.folder, settings=self.settings) + f"&port={self.port}"

    def stop(self) -> None:
        embedded_postgres.stop(self.folder)

    def prepare(self) -> None:
        """Makes the logins: one that may only read, and one that may also write."""
        with self.admin("postgres") as connection:
            for login in (self.READER, self.WRITER):
                connection.execute(
                    pg.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(pg.Identifier(login), self.PASSWORD)
                )

    @contextmanager
    def admin(self, database: str) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.address, dbname=database, autocommit=True) as connection:
            yield connection

    def odbc_string(self, database: str, **changed: str) -> str:
        words = {
            "DRIVER": "{PostgreSQL Unicode}",
            "SERVER": "127.0.0.1",
            "PORT": str(self.port),
            "DATABASE": database,
            "UID": self.READER,
            "PWD": "{" + self.PASSWORD + "}",
        } | changed
        return "".join(f"{keyword}={value};" for keyword, value in words.items())

    @contextmanager
    def statements(self, login: str) -> Iterator[list[str]]:
        """Everything the login makes the server do during the block, errors too, by the server's own log."""
        log = self.folder / "server.log"
        begins = log.stat().st_size
        told: list[str] = []
        yield told
        with log.open(encoding="utf-8", errors="replace") as lines:
            lines.seek(begins)
            ours = False
            for line in lines:
                if not line.startswith("\t"):
                    who, _, words = line.partition("|")
                    ours = who == login and not words.startswith("DETAIL")
                    if ours:
                        told.append(words.strip())
                elif ours:
                    told[-1] += "\n" + line.strip()

    def make_database(self, database: str) -> None:
        with self.admin("postgres") as connection:
            name = pg.Identifier(database)
            connection.execute(pg.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(pg.SQL("CREATE DATABASE {}").format(name))

    def make_tables(self, database: str, folder: Path) -> None:
        with self.admin(database) as connection:
            for schema, tables in COPIED.items():
                connection.execute(pg.SQL("CREATE SCHEMA {}").format(pg.Identifier(schema)))
                for table in tables:
                    columns, _rows = rows_of(folder, schema, table)
                    connection.execute(
                        pg.SQL("CREATE TABLE {} ({})").format(
                            pg.Identifier(schema, table),
                            pg.SQL(", ").join(
                                pg.SQL("{} {}").format(
                                    pg.Identifier(name), pg.SQL(_postgres_type(name, declared))
                                )
                                for name, declared in columns
                            ),
                        )
                    )
                for login in (self.READER, self.WRITER):
                    grant = (
                        "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {1}"
                    )
                    connection.execute(pg.SQL(grant).format(pg.Identifier(schema), pg.Identifier(login)))
            connection.execute(pg.SQL("GRANT UPDATE ON dbo.prmchg TO {}").format(pg.Identifier(self.WRITER)))

    def copy(self, database: str, folder: Path) -> None:
        """All rows anew, in one transaction."""
        with self.admin(database) as connection, connection.transaction():
            for schema, tables in COPIED.items():
                for table in tables:
                    columns, rows = rows_of(folder, schema, table)
                    name = pg.Identifier(schema, table)
                    connection.execute(pg.SQL("DELETE FROM {}").format(name))
                    with connection.cursor().copy(
                        pg.SQL("COPY {} ({}) FROM STDIN").format(
                            name, pg.SQL(", ").join(pg.Identifier(column) for column, _declared in columns)
                        )
                    ) as copy:
                        for row in rows:
                            copy.write_row(row)

    def make_all(self, database: str, folder: Path) -> None:
        """The database anew, as another one under the same name."""
        self.make_database(database)
        self.make_tables(database, folder)
        self.copy(database, folder)

    def books(self, sandbox: ErpSandbox, folder: Path, database: str) -> Books:
        self.make_all(database, folder)
        return Books(
            "psqlodbc",
            sandbox,
            folder,
            replace(_spec(odbc_string=self.odbc_string(database)), database=database),
            lambda: self.copy(database, folder),
            lambda: self.make_all(database, folder),
        )


def _postgres_type(name: str, declared: str) -> str:
    if name in MOMENTS:
        return "timestamp(3)"
    if name in ("_idnum", "_idref"):
        return "char(36)"
    return declared.replace("nvarchar", "varchar").replace("tinyint", "smallint")


def microsoft_driver() -> str | None:
    """Microsoft's driver 18: the one that is installed, else the library in the wheel for tests."""
    if odbc_string.MICROSOFT_18 in installed_drivers():
        return odbc_string.MICROSOFT_18
    try:
        files = importlib.metadata.files("mssql-python-odbc") or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (file for file in files if "debian_ubuntu" in str(file) and "x86_64" in str(file))
    library = next((file for file in found if file.name.startswith("libmsodbcsql")), None)
    return str(Path(str(library.locate())).resolve()) if library else None


def freetds_driver() -> str | None:
    return odbc_string.FREETDS if odbc_string.FREETDS in installed_drivers() else None


SQL_SERVER_DRIVERS: dict[str, Callable[[], str | None]] = {
    "microsoft": microsoft_driver,
    "freetds": freetds_driver,
}
"""The drivers that lead to a SQL Server; None where this machine has it not."""


class SqlServer:
    """A server that speaks T-SQL, which the environment names by a login that may make databases and logins.

    It need not be Microsoft's: what another may lack (Babelfish: ALTER DATABASE … SET, fixed database roles,
    GRANT VIEW DEFINITION) is asked for and done without. One database serves all tests, one after the other:
    such a server may allow a single one.
    """

    READER = "plumbline_contract_reader"
    _PATIENCE_SECONDS = 15.0

    def __init__(self, admin_string: str) -> None:
        self._pairs = odbc_string.parse(admin_string)
        self.password = f"Pl-{uuid.uuid4()}"
        self._serving: Path | None = None
        self._ahead = timedelta(0)
        """The server's local time minus UTC: moments are kept in local time, as Sage does."""

    @contextmanager
    def admin(self, database: str = "master") -> Iterator[Any]:
        import pyodbc  # type: ignore[import-not-found]  # only where a SQL Server is named

        pairs = odbc_string.with_value(self._pairs, "DATABASE", database)
        words = odbc_string.render_for(odbc_string.kind_of(odbc_string.driver_of(pairs)), pairs)
        with closing(pyodbc.connect(words, autocommit=True, timeout=30)) as found:
            yield found

    def reader_string(self, driver: str, **changed: str) -> str:
        """The same server by the login that may only read, through `driver`."""
        of_ours = ("UID", "PWD", "DATABASE", "TRUSTED_CONNECTION", "APP")
        kept = [pair for pair in self._pairs if pair[0].casefold() in odbc_string.KEYWORDS]
        pairs = odbc_string.with_driver(odbc_string.without(kept, *of_ours), driver)
        if not odbc_string.value_of(pairs, "Encrypt"):  # a server for tests certifies itself, if at all
            pairs = (*pairs, ("Encrypt", "optional"), ("TrustServerCertificate", "yes"))
        login = {"DATABASE": DATABASE, "UID": self.READER, "PWD": self.password} | changed
        return odbc_string.render((*pairs, *login.items()))

    def administrator(self) -> dict[str, str]:
        """What the login of the environment signs in with."""
        return {keyword: odbc_string.value_of(self._pairs, keyword) for keyword in ("UID", "PWD")}

    def shut_out_of(self, table: str) -> None:
        """Takes the reader's right to read it."""
        with self.admin(DATABASE) as administrator:
            if not _done(administrator, f"DENY SELECT ON {table} TO [{self.READER}]"):
                administrator.execute(f"REVOKE SELECT ON {table} FROM [{self.READER}]")

    def make_all(self, folder: Path) -> None:
        """The database anew, as another one under the same name."""
        self.drop()
        with self.admin() as administrator:
            administrator.execute(f"CREATE DATABASE [{DATABASE}]")
            administrator.execute(f"CREATE LOGIN [{self.READER}] WITH PASSWORD = '{self.password}'")
            said = administrator.execute("SELECT CONVERT(nvarchar(40), SYSDATETIME(), 126)").fetchval()
            self._ahead = datetime.fromisoformat(said[:26]) - now().replace(tzinfo=None)
        with self.admin(DATABASE) as administrator:
            administrator.execute("CREATE SCHEMA [dbo_Audit]")
            for schema, tables in COPIED.items():
                for table in tables:
                    columns, _rows = rows_of(folder, schema, table)
                    body = ", ".join(
                        f"[{name}] {_sql_server_type(name, kind)} NULL" for name, kind in columns
                    )
                    administrator.execute(f"CREATE TABLE [{schema}].[{table}] ({body})")
            self._let_read(administrator)
        self.copy(folder)
        self._serving = folder

    def _let_read(self, administrator: Any) -> None:
        """The login of the reader: db_datareader and VIEW DEFINITION, as customers are asked to give."""
        administrator.execute(f"CREATE USER [{self.READER}] FOR LOGIN [{self.READER}]")
        if not _done(administrator, f"ALTER ROLE db_datareader ADD MEMBER [{self.READER}]"):
            for schema, tables in COPIED.items():
                for table in tables:
                    administrator.execute(f"GRANT SELECT ON [{schema}].[{table}] TO [{self.READER}]")
        _done(administrator, f"GRANT VIEW DEFINITION TO [{self.READER}]")

    def copy(self, folder: Path) -> None:
        """All rows anew, in one transaction. Every value goes as text; the server makes it what it is."""
        with self.admin(DATABASE) as administrator:
            administrator.autocommit = False
            for schema, tables in COPIED.items():
                for table in tables:
                    columns, rows = rows_of(folder, schema, table)
                    administrator.execute(f"DELETE FROM [{schema}].[{table}]")
                    alike: dict[tuple[bool, ...], list[list[str]]] = defaultdict(list)
                    for row in rows:  # no parameter is ever None: NULL is left out instead
                        given = tuple(value is not None for value in row)
                        alike[given].append(
                            [self._text(name, row[at]) for at, (name, _) in enumerate(columns) if given[at]]
                        )
                    for given, values in alike.items():
                        there = list(compress(columns, given))
                        names = ", ".join(f"[{name}]" for name, _kind in there)
                        marks = ", ".join(f"CAST(? AS {_sql_server_type(*column)})" for column in there)
                        insert = f"INSERT INTO [{schema}].[{table}] ({names}) VALUES ({marks})"
                        administrator.cursor().executemany(insert, values)
            administrator.commit()

    def _text(self, name: str, value: object) -> str:
        """A value as text; a moment in the server's time, with the T that every language reads alike."""
        if name not in MOMENTS:
            return str(value)
        moment = datetime.fromisoformat(str(value)) + self._ahead
        return moment.isoformat(timespec="milliseconds")

    def drop(self) -> None:
        """The database and the login away, once whoever used them a moment ago is signed out."""
        with self.admin() as administrator:
            if _is_named(administrator, "sys.databases", DATABASE):
                _done(administrator, f"ALTER DATABASE [{DATABASE}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
                self._in_the_end(administrator, f"DROP DATABASE [{DATABASE}]")
            if _is_named(administrator, "sys.server_principals", self.READER):
                self._in_the_end(administrator, f"DROP LOGIN [{self.READER}]")

    def _in_the_end(self, administrator: Any, statement: str) -> None:
        soon = Deadline.after(self._PATIENCE_SECONDS)
        while not soon.passed:
            if _done(administrator, statement):
                return
            time.sleep(0.2)
        administrator.execute(statement)

    def books(self, sandbox: ErpSandbox, folder: Path, driver: str) -> Books:
        self.make_all(folder)
        return Books(
            "sql-server",
            sandbox,
            folder,
            replace(_spec(odbc_string=self.reader_string(driver)), login_timeout_seconds=5),
            lambda: self.copy(folder),
            lambda: self.make_all(folder),
            lambda: self._serving == folder,
        )


def _done(administrator: Any, statement: str) -> bool:
    """Whether the server did it; a server of another make may not know how."""
    try:
        administrator.execute(statement)
    except Exception:  # noqa: BLE001 - whatever the driver calls it
        return False
    return True


def _is_named(administrator: Any, view: str, name: str) -> bool:
    """Compared here: servers differ in case."""
    found = administrator.execute(f"SELECT name FROM {view}").fetchall()
    return name.casefold() in {str(row[0]).casefold() for row in found}


def _sql_server_type(name: str, declared: str) -> str:
    if name in MOMENTS:
        return "datetime"
    if name in ("_idnum", "_idref"):
        return "uniqueidentifier"
    if declared == "nvarchar":
        return "nvarchar(max)"
    return "nvarchar(128)" if declared == "text" else declared

"""The same practice company on several database engines.

Sage's side is always the sandbox's own writer; what differs is where its tables are read from. An engine
that keeps a copy is brought up to date after every act, in one transaction, as Sage's commit would be.
"""

import contextlib
import socket
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as pg

from config import embedded_postgres
from erp_integrations.ports import (
    ChangeOrderReference,
    ConnectionSpec,
    Deadline,
    ErpReader,
    ErpSandbox,
    Finding,
)
from sage_adapter.reader import open_reader

DATABASE = "Harbor Point Builders"
SAGE_USER = "ACCT2"
PATIENCE_SECONDS = 8.0
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

    def reader(self, **changed: Any) -> ErpReader:
        return open_reader(replace(self.spec, **changed))

    def accept(self) -> None:
        """What an ERP admin does on the Connection page."""
        handshake = self.reader().handshake(deadline=Deadline.after(PATIENCE_SECONDS))
        assert handshake.good, handshake.problems
        self.spec = replace(self.spec, accepted_incarnation=handshake.incarnation)

    def sage(self, act: Callable[[ErpSandbox], object]) -> None:
        """Lets something happen in Sage."""
        act(self.sandbox)
        self.publish()

    def restore_backup(self) -> None:
        """Sage's administrator restores the last backup."""
        self.sandbox.restore_backup()
        self.publish_another()

    def references(self) -> dict[str, ChangeOrderReference]:
        """What links made now would remember, by scenario."""
        company, seen_at = self.sandbox.company(), now()
        orders = {order.record_number: order for order in company.change_orders}
        jobs = {job.record_number: job for job in company.jobs}
        linked = [scenario.record_number for scenario in company.scenarios]
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
                header_shared=linked.count(order.record_number) > 1,
            )
        return found

    def look(
        self, reference: ChangeOrderReference, *, seconds: float = PATIENCE_SECONDS, **changed: Any
    ) -> Finding:
        return self.reader(**changed).look_up(reference, deadline=Deadline.after(seconds), clock=now)


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


class SqlServer:
    """A SQL Server that the environment names, by a login that may make databases and logins."""

    READER = "plumbline_contract_reader"

    def __init__(self, admin_string: str) -> None:
        self.admin_string = admin_string
        self.password = f"Pl-{uuid.uuid4()}"

    @contextmanager
    def admin(self, database: str = "master") -> Iterator[Any]:
        import pyodbc  # type: ignore[import-not-found]  # only where a SQL Server is named

        with closing(
            pyodbc.connect(f"{self.admin_string.rstrip(';')};DATABASE={database};", autocommit=True)
        ) as found:
            yield found

    def make_all(self, folder: Path) -> None:
        """The database anew, as another one under the same name."""
        self.make(folder)
        self.copy(folder)

    def make(self, folder: Path) -> None:
        self.drop()
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE [{DATABASE}]")
            connection.execute(f"CREATE LOGIN [{self.READER}] WITH PASSWORD = '{self.password}'")
        with self.admin(DATABASE) as connection:
            connection.execute(f"CREATE USER [{self.READER}] FOR LOGIN [{self.READER}]")
            connection.execute(f"ALTER ROLE db_datareader ADD MEMBER [{self.READER}]")
            with contextlib.suppress(Exception):  # a server of another make may not know it
                connection.execute(f"GRANT VIEW DEFINITION TO [{self.READER}]")
            connection.execute("CREATE SCHEMA [dbo_Audit]")
            for schema, tables in COPIED.items():
                for table in tables:
                    columns, _rows = rows_of(folder, schema, table)
                    body = ", ".join(
                        f"[{name}] {_sql_server_type(name, kind)} NULL" for name, kind in columns
                    )
                    connection.execute(f"CREATE TABLE [{schema}].[{table}] ({body})")

    def copy(self, folder: Path) -> None:
        with self.admin(DATABASE) as connection:
            connection.autocommit = False
            for schema, tables in COPIED.items():
                for table in tables:
                    columns, rows = rows_of(folder, schema, table)
                    connection.execute(f"DELETE FROM [{schema}].[{table}]")
                    for row in rows:
                        # No parameter is ever None: NULL is left out instead.
                        given = [
                            (name, value)
                            for (name, _kind), value in zip(columns, row, strict=True)
                            if value is not None
                        ]
                        names, marks = (
                            ", ".join(f"[{name}]" for name, _ in given),
                            ", ".join("?" * len(given)),
                        )
                        connection.execute(
                            f"INSERT INTO [{schema}].[{table}] ({names}) VALUES ({marks})",
                            [value for _, value in given],
                        )
            connection.commit()

    def drop(self) -> None:
        with self.admin() as connection:
            connection.execute(
                f"IF DB_ID('{DATABASE}') IS NOT NULL BEGIN ALTER DATABASE [{DATABASE}]"
                f" SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE [{DATABASE}] END"
            )
            connection.execute(f"IF SUSER_ID('{self.READER}') IS NOT NULL DROP LOGIN [{self.READER}]")

    def books(self, sandbox: ErpSandbox, folder: Path) -> Books:
        self.make_all(folder)
        mine = ("UID", "PWD", "DATABASE", "TRUSTED_CONNECTION")
        parts = [part for part in self.admin_string.split(";") if part.strip()]
        kept = [part for part in parts if part.split("=")[0].strip().upper() not in mine]
        words = [*kept, f"DATABASE={DATABASE}", f"UID={self.READER}", "PWD={" + self.password + "}"]
        spec = _spec(odbc_string=";".join(words) + ";")
        return Books(
            "sql-server", sandbox, folder, spec, lambda: self.copy(folder), lambda: self.make_all(folder)
        )


def _sql_server_type(name: str, declared: str) -> str:
    if name in MOMENTS:
        return "datetime"
    if name in ("_idnum", "_idref"):
        return "uniqueidentifier"
    if declared == "nvarchar":
        return "nvarchar(max)"
    return "nvarchar(128)" if declared == "text" else declared

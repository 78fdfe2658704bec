"""One practice company per engine, made once, and one that a test may change."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sage_adapter.sandbox import open_sandbox
from tests.contract import tsql
from tests.contract.engines import (
    SQL_SERVER_DRIVERS,
    Books,
    Played,
    PostgresServer,
    SqlServer,
    sandbox_books,
    sqlite_odbc_books,
    tds_books,
    without_faults_of_records,
)

SQL_SERVER_VARIABLE = "SAGE_TEST_ODBC"
"""An ODBC string of a login that may make databases and logins on a server for tests that speaks T-SQL."""
SQL_SERVER_ENGINES = {
    f"sql-server-{name}": driver
    for name, find in SQL_SERVER_DRIVERS.items()
    if SQL_SERVER_VARIABLE in os.environ and (driver := find())
}
"""By name: the same server through every driver for it that this machine has."""
TDS_ENGINES = {f"tds-{name}": driver for name, find in SQL_SERVER_DRIVERS.items() if (driver := find())}
"""The same drivers before a practice company that speaks as a SQL Server does."""
ENGINES = ("sandbox", "sqlite-odbc", "psqlodbc", *TDS_ENGINES, *SQL_SERVER_ENGINES)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("pg"))
    server.start()
    try:
        server.prepare()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def sql_server() -> Iterator[SqlServer]:
    if SQL_SERVER_VARIABLE not in os.environ:
        pytest.skip(f"{SQL_SERVER_VARIABLE} names no SQL Server")
    server = SqlServer(os.environ[SQL_SERVER_VARIABLE])
    with (Path(tempfile.gettempdir()) / "plumbline-sql-server.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the workers of pytest-xdist, one after the other
        yield server
        server.drop()


@contextmanager
def _books(engine: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Books]:
    sandbox = open_sandbox(folder)
    sandbox.create()
    if engine == "sandbox":
        yield sandbox_books(sandbox, folder)
    elif engine == "sqlite-odbc":
        yield sqlite_odbc_books(sandbox, folder)
    elif engine == "psqlodbc":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        yield server.books(sandbox, folder, f"{folder.name} Builders")
    elif engine in TDS_ENGINES:
        with tsql.serving(tsql.Company(folder)) as tds_server:
            yield tds_books(sandbox, folder, TDS_ENGINES[engine], tds_server.port)
    else:
        sql_server: SqlServer = request.getfixturevalue("sql_server")
        yield sql_server.books(sandbox, folder, SQL_SERVER_ENGINES[engine])


@pytest.fixture(scope="session", params=ENGINES)
def played_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("Harbor Point")
    with _books(request.param, folder, request) as books:
        books.accept()
        references = books.references()
        books.sage(lambda sandbox: sandbox.play())
        without_faults_of_records(books.sandbox)
        yield books, references
    shutil.rmtree(folder)


@pytest.fixture
def played(played_once: Played) -> Played:
    """A company whose change orders were linked, and all that happened since. Not to be changed."""
    books, _references = played_once
    books.bring_back()
    return played_once


@pytest.fixture(params=ENGINES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """A company whose change orders were linked just now; the test says what happens."""
    with _books(request.param, tmp_path / "Fresh Point", request) as books:
        books.accept()
        yield books

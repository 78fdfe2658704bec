"""One practice company per engine, made once, and one that a test may change."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sage_adapter.sandbox import open_sandbox
from tests.contract.engines import (
    SQL_SERVER_DRIVERS,
    Books,
    Played,
    PostgresServer,
    SqlServer,
    sandbox_books,
    sqlite_odbc_books,
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
ENGINES = ("sandbox", "sqlite-odbc", "psqlodbc", *SQL_SERVER_ENGINES)


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
    yield server
    server.drop()


def _books(engine: str, folder: Path, request: pytest.FixtureRequest) -> Books:
    sandbox = open_sandbox(folder)
    sandbox.create()
    if engine == "sandbox":
        return sandbox_books(sandbox, folder)
    if engine == "sqlite-odbc":
        return sqlite_odbc_books(sandbox, folder)
    if engine == "psqlodbc":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.books(sandbox, folder, f"{folder.name} Builders")
    sql_server: SqlServer = request.getfixturevalue("sql_server")
    return sql_server.books(sandbox, folder, SQL_SERVER_ENGINES[engine])


@pytest.fixture(scope="session", params=ENGINES)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A company whose change orders were linked, and all that happened since. Not to be changed."""
    folder = tmp_path_factory.mktemp("Harbor Point")
    books = _books(request.param, folder, request)
    books.accept()
    references = books.references()
    books.sage(lambda sandbox: sandbox.play())
    without_faults_of_records(books.sandbox)
    yield books, references
    shutil.rmtree(folder)


@pytest.fixture(params=ENGINES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Books:
    """A company whose change orders were linked just now; the test says what happens."""
    folder = tmp_path / "Fresh Point"
    books = _books(request.param, folder, request)
    books.accept()
    return books

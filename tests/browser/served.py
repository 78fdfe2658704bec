"""Plumbline as people meet it: the demo behind its own web server, in a database and a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from config import demo, dev_environment
from erp_integrations.erp import registry
from erp_integrations.ports import ErpSandbox

HOST = "127.0.0.1"
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",  # not those of the tests
    "DEBUG": "0",
    "DEMO": "1",
    "SAGE_SECOND_LOOK_SECONDS": "0.02",
    "SAGE_DEADLINE_SECONDS": "5",
}
"""Of the server, beside its database and its folder."""
FILL = """
import pathlib, sys
from config import demo
demo._fill(pathlib.Path(sys.argv[1]), start_over_if_interrupted=False)
"""
"""What `bin/demo` does before it serves; in a process of its own, which has the settings of the server."""


@dataclass(frozen=True, slots=True)
class Served:
    """The demo at an address. What a test does to it is undone by `start_over`."""

    address: str
    database_server: str
    database: str
    folder: Path

    def sage(self, company: str = "harbor-point") -> ErpSandbox:
        """The practice Sage that the served company is connected to."""
        return registry.sandbox_at(self.folder / "sandbox" / company)

    def keep(self) -> None:
        """Makes the present state the one to start over from."""
        _copy_database(self.database_server, self.database, self._kept)
        _copy_folder(self.folder / "sandbox", self.folder / "kept")

    def start_over(self) -> None:
        _copy_database(self.database_server, self._kept, self.database)
        _copy_folder(self.folder / "kept", self.folder / "sandbox")

    def run(self, statement: str) -> None:
        """Does to the database what no page does."""
        with psycopg.connect(self.database_server, dbname=self.database, autocommit=True) as connection:
            connection.execute(statement)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """What the database holds that no page shows."""
        with psycopg.connect(self.database_server, dbname=self.database, autocommit=True) as connection:
            return connection.execute(question).fetchall()

    @contextmanager
    def worker(self) -> Iterator[None]:
        """The queue's worker beside the web server, as `bin/demo` starts it, while the block runs."""
        with demo._worker() as worker:
            yield
            worker.refuse_if_ended()

    def drop(self) -> None:
        for database in (self.database, self._kept):
            _drop_database(self.database_server, database)

    @property
    def _kept(self) -> str:
        return f"{self.database}_kept"


@contextmanager
def demo_served(database_url: str, folder: Path, *, name: str) -> Iterator[Served]:
    """The demo, loaded and answering, in a new database beside the one that the URL names."""
    parts = conninfo_to_dict(database_url)
    database = f"{parts['dbname']}_browser_{name}"
    port = demo._free_port(HOST)
    served = Served(f"http://{HOST}:{port}", database_url, database, folder)
    served.drop()  # of a run that was killed
    _in_server(database_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    path, _, query = database_url.partition("?")
    own_url = f"{path.rpartition('/')[0]}/{database}" + (f"?{query}" if query else "")
    with pytest.MonkeyPatch.context() as patch:
        for variable in demo.EVERY_SETTING:
            if variable not in dev_environment.REQUIRED:
                patch.delenv(variable, raising=False)
        for variable, value in {
            **ENVIRONMENT,
            "DATABASE_URL": own_url,
            "SANDBOX_FOLDER": str(folder / "sandbox"),
        }.items():
            patch.setenv(variable, value)
        subprocess.run([sys.executable, "-c", FILL, str(folder)], cwd=dev_environment.ROOT, check=True)
        try:
            with demo._web_server(HOST, port) as web_server:
                demo._wait_until_it_answers(web_server, HOST, port)
                yield served
        finally:
            served.drop()


def _copy_database(server: str, source: str, target: str) -> None:
    _drop_database(server, target)
    with psycopg.connect(server, autocommit=True) as connection:
        # A copy is refused while somebody is connected to what is copied.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source]
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(target), sql.Identifier(source))
        )


def _drop_database(server: str, name: str) -> None:
    _in_server(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _in_server(server: str, command: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(command)


def _copy_folder(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)

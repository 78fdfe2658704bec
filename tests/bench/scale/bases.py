"""Databases with a company of some size in each: loaded once, and copied for each benchmark.

A base is kept in the benchmarks' own PostgreSQL until what it is made of changes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "var" / "bench" / "bases"
SLUG = "scale"
MISSING_PERCENT = 1

_MADE_OF = (
    *("*/migrations/0*.py", "*/models.sql", "erp_integrations/models/*.sql"),
    *("tests/bench/load/*.py", "erp_integrations/sandbox/demo.py"),
    *("sage_adapter/sandbox/*.sql", "companies/demo_people.py"),
)


@dataclass(frozen=True, slots=True)
class Company:
    """One database, and the practice Sage that belongs to it."""

    database: str
    links: int
    sandbox: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": url_of(self.database),
            "DJANGO_SETTINGS_MODULE": "tests.bench.scale.settings",
            "SANDBOX_FOLDER": str(self.sandbox.parent),
            "DEMO": "1",
            "DEBUG": "0",
        }

    def inside(self, act: str, environment: Mapping[str, str] = MappingProxyType({}), **given: Any) -> Any:
        """What an act of `inside.py` says, done by a process of its own over this database."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.scale.inside", act, json.dumps(given)],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{act} failed:\n{done.stderr[-4000:]}")
        return json.loads(done.stdout.splitlines()[-1])


def url_of(database: str) -> str:
    """The address of another database on the benchmarks' server."""
    server, _, query = os.environ["DATABASE_URL"].partition("?")
    return f"{server.rpartition('/')[0]}/{database}?{query}"


@contextmanager
def company(links: int, *, companies: int = 1) -> Iterator[Company]:
    """A copy that may be changed, of a database with `companies` companies of so many links each."""
    base = _base(links, companies)
    name = f"bench_run_{companies}_{links}"
    with _server() as server:
        _drop(server, name)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(base.database)
            )
        )
    try:
        yield Company(name, links, base.sandbox)
    finally:
        with _server() as server:
            _drop(server, name)


def _base(links: int, companies: int) -> Company:
    state = hashlib.sha256()
    for pattern in _MADE_OF:
        for file in sorted(ROOT.glob(pattern)):
            state.update(file.read_bytes())
    name = f"bench_base_{companies}_{links}_{state.hexdigest()[:10]}"
    folder = FOLDER / name
    made = Company(name, links, folder / SLUG)
    if (folder / "complete").exists():
        return made
    sys.stderr.write(f"loading {companies} x {links:,} links, once …\n")
    with _server() as server:
        for old in server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            [f"bench_base_{companies}_{links}_"],
        ).fetchall():
            _drop(server, old[0])
            shutil.rmtree(FOLDER / old[0], ignore_errors=True)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    folder.mkdir(parents=True, exist_ok=True)
    seconds = made.inside("load", links=links, companies=companies, missing=MISSING_PERCENT)
    (folder / "complete").write_text(json.dumps({"seconds": seconds}))
    sys.stderr.write(f"loaded {companies} x {links:,} links in {seconds:.0f} s\n")
    return made


@contextmanager
def _server() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(make_conninfo(url_of("postgres")), autocommit=True) as connection:
        yield connection


def _drop(server: psycopg.Connection[Any], name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

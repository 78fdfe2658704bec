"""Backup and restore, rehearsed: what was dumped goes on in another PostgreSQL as if nothing had happened."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from config import backup, embedded_postgres
from config.dev_environment import FASTER_THAN_SAFE
from erp_integrations.workflow.errors import StillInErp
from tests.commands.terminal import ROOT, Ran, database_url, environment, manage
from tests.invariants import assert_promise_kept, fingerprint
from tests.world import World

LOOK_INSIDE = """
import json, sys
import django
django.setup()
from django.db import connection
from config.readiness import check_readiness
from tests.invariants import broken_promises, fingerprint
reasons = check_readiness().reasons
found = {"broken": broken_promises(), "rows": fingerprint(int(sys.argv[1])), "reasons": reasons}
print(json.dumps(found))
"""


def with_programs() -> dict[str, str]:
    """PostgreSQL's own programs, those of the very server."""
    return {"PATH": f"{embedded_postgres.programs()}{os.pathsep}{os.environ['PATH']}"}


def run(*words: str, **changes: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "config.backup", *words],
        cwd=ROOT,
        env=environment(**with_programs(), **changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def inside(url: str, company_id: int) -> dict[str, Any]:
    """What the checker of the promise says of another database, and its rows of the company."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK_INSIDE, str(company_id)],
        cwd=ROOT,
        env=environment(DATABASE_URL=url, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def counts(url: str) -> dict[str, int]:
    """How many rows each table holds."""
    with psycopg.connect(url) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            table: database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # type: ignore[index]
            for (table,) in tables
        }


@pytest.fixture(scope="module")
def another_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL that knows nothing of ours."""
    folder = tmp_path_factory.mktemp("another")
    with embedded_postgres.server(folder, settings=FASTER_THAN_SAFE) as url:
        yield url


@pytest.fixture
def empty_database(another_server: str) -> Iterator[str]:
    """Of a role that may do nothing but own it, as in production."""
    with psycopg.connect(another_server, autocommit=True) as server:
        server.execute("CREATE ROLE keeper LOGIN")
        server.execute("CREATE DATABASE plumbline_again OWNER keeper")
        yield another_server.replace("//plumbline@/postgres?", "//keeper@/plumbline_again?")
        server.execute("DROP DATABASE plumbline_again WITH (FORCE)")
        server.execute("DROP ROLE keeper")


def test_what_was_restored_elsewhere_keeps_the_promise_and_goes_on_unlinking(
    committed_world: World, empty_database: str, tmp_path: Path
) -> None:
    world = committed_world
    cut, stays = world.synced_cco(), world.synced_cco("plain-01")
    approver = world.person()
    with pytest.raises(StillInErp):
        world.unlink(stays, by=approver)
    world.delete_in_sage(cut)
    world.unlink(cut, by=approver)
    rows, tables = fingerprint(world.company.pk), counts(database_url())

    dumped = run("dump", str(tmp_path / "backups"))
    assert dumped.code == 0, dumped.err
    [file] = (tmp_path / "backups").iterdir()
    assert dumped.out.strip() == str(file)
    assert file.stat().st_mode & 0o077 == 0, "nobody else reads it"
    restored = run("restore", str(file), DATABASE_URL=empty_database)
    assert restored.code == 0, restored.err

    found = inside(empty_database, world.company.pk)
    assert found == {"broken": [], "rows": rows, "reasons": []}
    assert counts(empty_database) == tables

    def click() -> Ran:
        return manage(
            *("unlink", world.company.slug, str(stays.pk), "--as", approver.username),
            DATABASE_URL=empty_database,
        )

    assert click().code == 1, "it is in Sage"
    world.delete_in_sage(stays)
    gone = click()
    assert gone.code == 0, gone.err
    assert "Successful Unlinked" in gone.out

    found = inside(empty_database, world.company.pk)
    assert found["broken"] == []
    assert found["rows"] != rows
    with psycopg.connect(empty_database) as database, pytest.raises(psycopg.Error, match="event"):
        database.execute("UPDATE erp_integrations_linkevent SET actor_name = 'Nobody'")
    assert fingerprint(world.company.pk) == rows, "the database that was backed up knows nothing of it"
    assert_promise_kept()


def test_nothing_is_restored_over_what_is_there(committed_world: World, tmp_path: Path) -> None:
    world = committed_world
    world.synced_cco()
    file = Path(run("dump", str(tmp_path)).out.strip())
    rows, tables = fingerprint(world.company.pk), counts(database_url())

    refused = run("restore", str(file))

    assert refused.code == 1
    assert "is not empty, so nothing was restored" in refused.err
    assert (fingerprint(world.company.pk), counts(database_url())) == (rows, tables)


def test_a_broken_backup_leaves_the_database_empty(
    committed_world: World, empty_database: str, tmp_path: Path
) -> None:
    whole = Path(run("dump", str(tmp_path)).out.strip())
    half = tmp_path / "half.dump"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    for file, words in (
        (half, "pg_restore failed"),
        (tmp_path / "none.dump", "There is no file"),
    ):
        refused = run("restore", str(file), DATABASE_URL=empty_database)

        assert refused.code == 1
        assert words in refused.err
        assert counts(empty_database) == {}


def test_a_backup_that_fails_leaves_no_file_and_takes_none_away(
    transactional_db: None, tmp_path: Path
) -> None:
    old = tmp_path / "plumbline-20200101T000000Z.dump"
    old.write_text("the only one")
    os.utime(old, (0, 0))

    failed = run("dump", str(tmp_path), "--keep", "1", DATABASE_URL=database_url("no_such_database"))

    assert failed.code == 1
    assert "no_such_database" in failed.err
    assert list(tmp_path.iterdir()) == [old]


def test_old_backups_go_once_a_new_one_is_there_and_nothing_else_goes(
    transactional_db: None, tmp_path: Path
) -> None:
    for name in ("plumbline-20200101T000000Z.dump", "plumbline-recent.dump", "notes.txt"):
        (tmp_path / name).touch()
    for name in ("plumbline-20200101T000000Z.dump", "notes.txt"):
        os.utime(tmp_path / name, (0, 0))

    made = Path(run("dump", str(tmp_path), "--keep", "30").out.strip())

    assert {one.name for one in tmp_path.iterdir()} == {made.name, "plumbline-recent.dump", "notes.txt"}


def test_the_password_is_not_on_the_command_line() -> None:
    variables, words = backup.connection_of(
        "postgresql://u:hush%20hush@db.example:6432/books?sslmode=require&keepalives_idle=5"
    )

    assert variables == {
        "PGUSER": "u",
        "PGPASSWORD": "hush hush",
        "PGHOST": "db.example",
        "PGPORT": "6432",
        "PGSSLMODE": "require",
    }
    assert words == "dbname=books keepalives_idle=5"
    with pytest.raises(backup.BackupFailed, match="sslpassword"):
        backup.connection_of("postgresql://u@h/books?sslpassword=hush")


@pytest.mark.parametrize(
    ("words", "changes", "code", "said"),
    [
        (("dump", "x"), {"DATABASE_URL": "mysql://a/b"}, 3, "DATABASE_URL"),
        (("dump",), {}, 2, "folder"),
        (("dump", "x", "--keep", "long"), {}, 2, "--keep"),
        ((), {}, 2, "command"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_written(
    tmp_path: Path, words: tuple[str, ...], changes: dict[str, str], code: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.backup", *words],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": "postgresql:///x",
            **changes,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_postgresqls_programs_it_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.backup", "dump", str(tmp_path)],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "DATABASE_URL": "postgresql:///x"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "postgresql-client" in done.stderr


def test_the_tests_themselves_use_the_programs_of_their_server(db: None) -> None:
    """Else a backup would be refused by an older program on PATH."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        [server] = cursor.fetchone()
    program = subprocess.run(
        [str(embedded_postgres.programs() / "pg_dump"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert server.split(".")[0] in program.stdout

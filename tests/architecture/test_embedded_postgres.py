"""The embedded server: started once, used by many, stopped by the last, and up again after a hard death."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import dev_environment, embedded_postgres
from tests.commands.terminal import ROOT

SETTINGS = dev_environment.FASTER_THAN_SAFE


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder beside the tests' own server, so that it works wherever that one does."""
    var = ROOT / "var"
    var.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="pg-", dir=var))
    yield made
    dev_environment.remove(made)
    assert not made.exists()


@pytest.fixture(autouse=True)
def stopped_afterwards(folder: Path) -> Iterator[None]:
    yield
    embedded_postgres.stop(folder)


def ask(url: str, question: str = "SELECT 1") -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if row else None


def answers(url: str) -> bool:
    try:
        return ask(url) == 1
    except psycopg.OperationalError:
        return False


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def _ask_until_refused(connection: psycopg.Connection) -> None:
    """Until the server's own processes have seen that it is gone."""
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            connection.execute("SELECT 1")


def test_it_runs_while_the_block_does_and_keeps_what_was_written(folder: Path) -> None:
    with embedded_postgres.server(folder, settings=SETTINGS) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('plumb')")
        assert ask(url, "SHOW listen_addresses") == "", "a socket in the folder, and nothing on the network"
        assert ask(url, "SHOW fsync") == "off"
    assert not answers(url)

    with embedded_postgres.server(folder, settings=SETTINGS) as again:
        assert again == url
        assert ask(again, "SELECT word FROM kept LIMIT 1") == "plumb"


def test_only_its_owner_may_look_into_the_folder(folder: Path) -> None:
    with embedded_postgres.server(folder, settings=SETTINGS):
        assert folder.stat().st_mode & 0o077 == 0
        assert (folder / "data").stat().st_mode & 0o077 == 0


def test_the_last_user_stops_it(folder: Path) -> None:
    first = embedded_postgres.server(folder, settings=SETTINGS)
    second = embedded_postgres.server(folder, settings=SETTINGS)
    url = first.__enter__()
    assert second.__enter__() == url
    number = postmaster(folder)

    first.__exit__(None, None, None)
    assert answers(url)
    assert postmaster(folder) == number, "not started anew"
    assert dev_environment.is_in_use(folder.parent / "none") is False

    second.__exit__(None, None, None)
    assert not answers(url)


def test_it_stops_when_the_block_fails(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded_postgres.server(folder, settings=SETTINGS) as url:
        raise ZeroDivisionError
    assert not answers(url)


def test_a_user_that_was_killed_does_not_keep_it_running(folder: Path) -> None:
    code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from config import embedded_postgres
        with embedded_postgres.server(Path({str(folder)!r}), settings={SETTINGS!r}) as url:
            print(url, flush=True)
            sys.stdin.read()
    """)
    user = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with user:
        assert user.stdout is not None
        url = user.stdout.readline().strip()
        assert answers(url)
        os.kill(user.pid, signal.SIGKILL)
        user.wait()
    assert answers(url), "nobody was left to stop it"

    with embedded_postgres.server(folder, settings=SETTINGS) as found:
        assert found == url
        assert answers(found)
    assert not answers(url)


def test_after_the_server_itself_was_killed_the_next_start_recovers(folder: Path) -> None:
    with embedded_postgres.server(folder) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE survived (word text)")
            connection.execute("INSERT INTO survived VALUES ('still here')")
            os.kill(postmaster(folder), signal.SIGKILL)
            _ask_until_refused(connection)
        assert not answers(url)

    with embedded_postgres.server(folder) as again:
        assert ask(again, "SELECT word FROM survived") == "still here"


def test_a_folder_with_a_long_name_gets_its_socket_elsewhere(folder: Path) -> None:
    """A Unix socket's path may have 107 bytes."""
    deep = folder / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    socket = embedded_postgres._socket_folder(deep)
    try:
        assert len(str(socket)) <= embedded_postgres.MAX_SOCKET_PATH
        assert socket.stat().st_mode & 0o077 == 0
        assert socket == embedded_postgres._socket_folder(deep), "the same every time"
    finally:
        socket.rmdir()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    with (
        pytest.raises(embedded_postgres.NoEmbeddedPostgres, match="The embedded PostgreSQL failed"),
        embedded_postgres.server(folder, settings={"no_such_setting": "1"}),
    ):
        pytest.fail("it started")

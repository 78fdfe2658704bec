"""A real server process that a test can stop, pause and kill in the middle of a click."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from django.conf import settings
from django.db import connection
from django.test import Client

from companies.models import User
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
CSRF = "c" * 32
PATIENCE_SECONDS = 30


@dataclass
class StoppedServer:
    """A server of which a worker will stop at one point."""

    pid: int
    port: int
    pipe: Path
    worker: int = 0
    answers: SimpleQueue[tuple[int, str] | Exception] = field(default_factory=SimpleQueue)

    def click_unlink(self, world: World, change_order_id: int, *, by: User) -> Self:
        """Clicks Unlink as that person, and comes back when the worker stands still at its point."""
        client = Client()
        client.force_login(by)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        address = (
            f"/companies/{world.company.slug}/erp-integrations/"
            f"commitment-change-orders/{change_order_id}/unlink/"
        )
        threading.Thread(target=self._post, args=(address, cookie), daemon=True).start()
        with self.pipe.open() as pipe:  # opens when the worker opens its end
            self.worker = int(pipe.readline())
        while _state_of(self.worker) != "T":
            os.sched_yield()
        return self

    def go_on(self) -> tuple[int, str]:
        """Lets the worker go on; the status and the body of its answer."""
        os.kill(self.worker, signal.SIGCONT)
        answer = self.answers.get(timeout=PATIENCE_SECONDS)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> None:
        """Ends every process of the server at once, as a power cut would."""
        os.killpg(self.pid, signal.SIGKILL)

    def _post(self, address: str, session: str) -> None:
        headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={CSRF}",
            "X-CSRFToken": CSRF,
            "HX-Request": "true",
        }
        try:
            server = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
            server.request("POST", address, headers=headers)
            response = server.getresponse()
            self.answers.put((response.status, response.read().decode()))
        except Exception as error:  # noqa: BLE001  (a killed server answers nobody)
            self.answers.put(error)


@contextmanager
def server_that_stops(at: str, folder: Path) -> Iterator[StoppedServer]:
    """A server over the test's own database, whose worker stops at the point `at`."""
    pipe = folder / "stopped"
    os.mkfifo(pipe)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_test_database(),
        "SAGE_SECOND_LOOK_SECONDS": "0.02",
        "SAGE_DEADLINE_SECONDS": "60",
        "STOP_AT": at,
        "STOP_PIPE": str(pipe),
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--blocking-threads", "4", "--no-ws"]
    command += ["tests.proof.stoppable_wsgi:application"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_it_answers(port, process)
        yield StoppedServer(pid=process.pid, port=port, pipe=pipe)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_the_lease_is_over(change_order_id: int) -> None:
    """By the database's own clock, which is the one that counts."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_sleep(greatest(0, extract(epoch FROM max(expires_at) - clock_timestamp())) + 0.01)
               FROM erp_integrations_unlinkattempt attempt
               JOIN erp_integrations_changeorderlink link ON link.id = attempt.link_id
               WHERE link.change_order_id = %s""",
            [change_order_id],
        )


def url_of_test_database() -> str:
    given = connection.settings_dict
    url = os.environ["DATABASE_URL"]
    head, _, query = url.partition("?")
    return head.rsplit("/", 1)[0] + f"/{given['NAME']}" + (f"?{query}" if query else "")


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
            server.request("GET", "/sign-in/")
            server.getresponse().read()
        except OSError:
            os.sched_yield()
        else:
            return
    raise AssertionError("the server ended before it answered")


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

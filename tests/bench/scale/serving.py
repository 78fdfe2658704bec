"""The product behind the server it runs on, and somebody who is signed in and waits for its answers."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import TypeVar

from tests.bench.scale.bases import ROOT, SLUG, Company

SAYS = ROOT / "var" / "bench" / "servers.log"
"""What the servers and workers print."""

STARTS_WITHIN_SECONDS = 60
LIST = f"/companies/{SLUG}/erp-integrations/commitment-change-orders"
NOTHING: Mapping[str, str] = MappingProxyType({})

Key = TypeVar("Key")
Act = tuple[Key, int, Callable[[], float]]
"""What is measured, how often, and how: the seconds that it took."""


@dataclass
class Visitor:
    """A browser without a screen: one connection that is kept, one session."""

    port: int
    cookie: str
    _connection: http.client.HTTPConnection = field(init=False)
    _token: str = ""

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def get(self, address: str) -> tuple[float, str]:
        """The seconds until the whole page was there, and the page."""
        began = time.perf_counter()
        self._connection.request("GET", address, headers={"Cookie": self.cookie})
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        assert answer.status == http.client.OK, (address, answer.status, body[-500:])
        return seconds, body.decode()

    def post(self, address: str, *, page: str) -> tuple[float, str]:
        """The seconds until the whole answer was there, and the answer. `page` is where the button stands."""
        token = self._csrf_token(page)
        headers = {
            "Cookie": f"{self.cookie}; csrftoken={token}",
            "X-CSRFToken": token,
            "HX-Request": "true",
            "HX-Current-URL": f"http://127.0.0.1:{self.port}{page}",
            "Content-Length": "0",
        }
        began = time.perf_counter()
        self._connection.request("POST", address, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        assert answer.status == http.client.OK, (address, answer.status, body[-500:])
        return seconds, body.decode()

    def download(self, address: str) -> tuple[float, float, int]:
        """The seconds until the first byte of a body, and until the last, and how many lines it has."""
        began = time.perf_counter()
        self._connection.request("GET", address, headers={"Cookie": self.cookie})
        answer = self._connection.getresponse()
        assert answer.status == http.client.OK, (address, answer.status)
        piece = answer.read1(65_536)
        first, lines = time.perf_counter() - began, 0
        while piece:
            lines += piece.count(b"\n")
            piece = answer.read1(1_048_576)
        return first, time.perf_counter() - began, lines

    def _csrf_token(self, page: str) -> str:
        if not self._token:
            self._connection.request("GET", page, headers={"Cookie": self.cookie})
            answer = self._connection.getresponse()
            answer.read()
            told = re.search(r"csrftoken=(\w+)", answer.headers.get("Set-Cookie", ""))
            assert told, "the page sets the token that its forms need"
            self._token = told.group(1)
        return self._token


def timed(visitor: Visitor, address: str, row: str) -> Callable[[], float]:
    """Getting that page, which must hold such a row."""

    def act() -> float:
        seconds, page = visitor.get(address)
        assert page.count(row) >= 1, address
        return seconds

    return act


def medians(acts: Sequence[Act[Key]]) -> dict[Key, float]:
    """Of each act, done by turns, so that what else the machine does falls on all of them."""
    for _, _, act in acts:
        act()  # what is read for the first time comes from the disk
    times: dict[Key, list[float]] = defaultdict(list)
    for turn in range(max(turns for _, turns, _ in acts)):
        for key, turns, act in acts:
            if turn < turns:
                times[key].append(act())
    return {key: median(taken) for key, taken in times.items()}


@dataclass(frozen=True, slots=True)
class Served:
    """A database behind a web server."""

    company: Company
    port: int
    process: int

    def visitor(self, username: str = "approver") -> Visitor:
        return Visitor(self.port, self.company.inside("sign_in", username=username))

    def memory(self) -> float:
        """The most that the processes of the server have held so far, in megabytes, together."""
        return sum(_peak(process) for process in _family(self.process))


@contextmanager
def served(company: Company, *, environment: Mapping[str, str] = NOTHING) -> Iterator[Served]:
    """The web server over that database while the block runs: one worker, as the demo has it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    arguments = [
        *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "2", "--log-level", "error", "--no-ws"),
        "config.wsgi:application",
    ]
    with beside(company, arguments, environment) as process:
        _wait_for(port)
        yield Served(company, port, process.pid)


@contextmanager
def beside(
    company: Company, arguments: list[str], environment: Mapping[str, str] = NOTHING
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process over that database that runs while the block does, with all that it starts."""
    with SAYS.open("a") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**company.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as caller,
        ):
            caller.request("GET", "/sign-in/", headers={"Host": "localhost"})
            if caller.getresponse().status == http.client.OK:
                return
        time.sleep(0.1)
    raise RuntimeError("the web server does not answer")


def _family(process: int) -> list[int]:
    """A process and all that it started."""
    children = Path(f"/proc/{process}/task/{process}/children")
    found = [process]
    for child in children.read_text().split() if children.exists() else ():
        found += _family(int(child))
    return found


def _peak(process: int) -> float:
    line = next(
        one for one in Path(f"/proc/{process}/status").read_text().splitlines() if one.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024

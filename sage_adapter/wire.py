"""The wire under a driver, cut where a server sends more than any answer, or after nobody waits for one.

No driver knows a limit for a field that never ends: it goes on reading into memory, whatever time-outs it was
given, and also when the asker is long gone (measured: FreeTDS 1.3.17, Microsoft 18.6, pyodbc 5.2). So the
sockets are watched from beside. The kernel counts what came in; which socket is whose it does not say, so all
of this process's connections to that server are judged, each by what it received, and all are cut when a
question is overdue: their looks end as a lost link, which is amber.

Linux only, where /proc names a process's sockets (tcp_info.tcpi_bytes_received: Linux 4.1, linux/tcp.h). A
named instance has a port that only the driver knows, and is not watched.
"""

import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from erp_integrations.ports import Deadline

logger = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024 * 1024
"""Of one connection that does not stream. The longest honest answer, of 5,000 lines, is some megabytes."""

GRACE_SECONDS = 1.0
"""Beyond the deadline, for the driver to end by itself."""

_LOOK_EVERY_SECONDS = 0.1
_SQL_SERVER_PORT = 1433
_DESCRIPTORS = Path("/proc/self/fd")
_RECEIVED_AT = 128

_Address = tuple[str, int]


@contextmanager
def watched(server: str, deadline: Deadline, *, most_bytes: int | None) -> Iterator[None]:
    """Watches this process's connections to `server` (host, or host,port) while the block runs.

    One that received more than `most_bytes` is cut; all are cut where the block outlives the deadline.
    """
    host, _, port = server.partition(",")
    if not _DESCRIPTORS.is_dir() or not host or set(host) & set("\\/ "):
        yield
        return
    over = threading.Event()

    def watch() -> None:
        if over.wait(_LOOK_EVERY_SECONDS):
            return
        addresses = _addresses(host, int(port) if port.isdecimal() else _SQL_SERVER_PORT)
        while not over.wait(_LOOK_EVERY_SECONDS):
            overdue = time.monotonic() - deadline.at > GRACE_SECONDS
            for one, received in _connections_to(addresses):
                if overdue or (most_bytes is not None and received > most_bytes):
                    logger.warning("sage.wire_cut", extra={"received_bytes": received})
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=watch, name="wire-watch", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _addresses(host: str, port: int) -> frozenset[_Address]:
    with suppress(OSError):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return frozenset((str(address[0]), int(address[1])) for *_, address in found)
    return frozenset()


def _connections_to(addresses: frozenset[_Address]) -> Iterator[tuple[socket.socket, int]]:
    """Our connections to one of the addresses, with what each received; borrowed, good until the next."""
    for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208  (names are all there is to see)
        try:
            one = socket.socket(fileno=int(name))
        except OSError:
            continue  # no socket, or closed meanwhile
        try:
            with suppress(OSError):
                if one.family in (socket.AF_INET, socket.AF_INET6) and one.getpeername()[:2] in addresses:
                    yield one, _received(one)
        finally:
            one.detach()  # never closed here: it is the driver's


def _received(one: socket.socket) -> int:
    told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED_AT + 8)
    return int(struct.unpack_from("=Q", told, _RECEIVED_AT)[0]) if len(told) == _RECEIVED_AT + 8 else 0

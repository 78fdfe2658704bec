"""The wire under a driver, cut where a server sends more than any answer, or after nobody waits for one.

No driver knows a limit for a field that never ends: it goes on reading into memory, whatever time-outs it was
given, and also when the asker is long gone (measured: FreeTDS 1.3.17, Microsoft 18.6, pyodbc 5.2). So the
sockets are watched from beside, and the one that is overdue or received too much is cut: its look ends as a
lost link, which is amber.

Which socket a driver opened, neither the driver nor the kernel says. It is the one to the server's port that
was not there before the driver connected and is there afterwards, and that no other watch owns. So the
connections of this process to one server are opened one after the other. One that has waited long enough for
its turn opens all the same; where that leaves two sockets in question, both are cut.

Linux only, where /proc names a process's sockets (tcp_info.tcpi_bytes_received: Linux 4.1, linux/tcp.h). A
named instance has a port that only the driver knows, and is not watched.
"""

import logging
import os
import socket
import stat
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

TURN_SECONDS = 0.5
"""How long a connection waits for others to the same server to be opened; on a local network that takes
milliseconds, from a server that is off as long as its login time-out."""

_LOOK_EVERY_SECONDS = 0.1
_SQL_SERVER_PORT = 1433
_DESCRIPTORS = Path("/proc/self/fd")
_RECEIVED_AT = 128

_Address = tuple[str, int]

_lock = threading.Lock()
_turns: dict[str, threading.Lock] = {}
"""By server: held while a driver connects to it."""
_owners: dict[int, "Watch"] = {}
"""By the socket's inode, which names it for as long as it is open."""


class Watch:
    """The watch over one connection. Cuts nothing that was open before `connecting`."""

    def __init__(self, server: str, port: int, deadline: Deadline) -> None:
        self._server, self._port, self._deadline = server, port, deadline
        self._before: frozenset[int] | None = None
        self._opened: frozenset[int] | None = None

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """The block in which the driver connects."""
        if not self._port:
            yield
            return
        with _lock:
            turn = _turns.setdefault(self._server, threading.Lock())
        my_turn = turn.acquire(timeout=min(TURN_SECONDS, self._deadline.remaining()))
        try:
            self._before = frozenset(inode for _, inode in _sockets())
            yield
            self._own(self._sockets_opened())
        finally:
            if my_turn:
                turn.release()

    def watches(self, inode: int) -> bool:
        """Whether the socket may be this connection's. While the driver connects, any new one may be."""
        if self._before is None or _owners.get(inode, self) is not self:
            return False
        return inode not in self._before if self._opened is None else inode in self._opened

    def end(self) -> None:
        """The connection is closed, and its inode free for another socket."""
        with _lock:
            for inode in [one for one, owner in _owners.items() if owner is self]:
                del _owners[inode]

    def _sockets_opened(self) -> frozenset[int]:
        return frozenset(
            inode
            for descriptor, inode in _sockets()
            if self.watches(inode) and _port_behind(descriptor) == self._port
        )

    def _own(self, opened: frozenset[int]) -> None:
        with _lock:
            self._opened = opened
            if len(opened) == 1:
                _owners.update(dict.fromkeys(opened, self))


@contextmanager
def watched(server: str, deadline: Deadline, *, most_bytes: int | None) -> Iterator[Watch]:
    """Watches the connection to `server` (host, or host,port) that is opened while the block runs.

    It is cut where it received more than `most_bytes`, and where the block outlives the deadline.
    """
    host, _, named = server.partition(",")
    if not _DESCRIPTORS.is_dir() or not host or set(host) & set("\\/ "):
        yield Watch(server, 0, deadline)
        return
    port = int(named) if named.isdecimal() else _SQL_SERVER_PORT
    watch, over = Watch(server, port, deadline), threading.Event()

    def look() -> None:
        if over.wait(_LOOK_EVERY_SECONDS):
            return
        addresses = _addresses(host, port)
        while not over.wait(_LOOK_EVERY_SECONDS):
            overdue = time.monotonic() - deadline.at > GRACE_SECONDS
            for one, inode, received in _connections_to(addresses):
                too_much = most_bytes is not None and received > most_bytes
                if (overdue or too_much) and watch.watches(inode):
                    logger.warning("sage.wire_cut", extra={"received_bytes": received})
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=look, name="wire-watch", daemon=True).start()
    try:
        yield watch
    finally:
        over.set()
        watch.end()


def _addresses(host: str, port: int) -> frozenset[_Address]:
    with suppress(OSError):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return frozenset((str(address[0]), int(address[1])) for *_, address in found)
    return frozenset()


def _sockets() -> Iterator[tuple[int, int]]:
    """The descriptor and the inode of every socket of this process."""
    for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208  (names are all there is to see)
        with suppress(OSError):  # closed meanwhile
            about = os.fstat(int(name))
            if stat.S_ISSOCK(about.st_mode):
                yield int(name), about.st_ino


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket | None]:
    """The socket of that descriptor, where it is one. Never closed here: it is the driver's."""
    try:
        one = socket.socket(fileno=descriptor)
    except OSError:  # closed meanwhile
        yield None
        return
    try:
        yield one
    finally:
        one.detach()


def _port_behind(descriptor: int) -> int:
    """The port that the socket is connected to; 0 for none."""
    with _borrowed(descriptor) as one, suppress(OSError):
        if one is not None and one.family in (socket.AF_INET, socket.AF_INET6):
            return int(one.getpeername()[1])
    return 0


def _connections_to(addresses: frozenset[_Address]) -> Iterator[tuple[socket.socket, int, int]]:
    """Our connections to the addresses, with inode and bytes received; borrowed, good until the next."""
    for descriptor, inode in _sockets():
        with _borrowed(descriptor) as one, suppress(OSError):
            if one is None or one.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            if one.getpeername()[:2] in addresses:
                yield one, inode, _received(one)


def _received(one: socket.socket) -> int:
    told = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED_AT + 8)
    return int(struct.unpack_from("=Q", told, _RECEIVED_AT)[0]) if len(told) == _RECEIVED_AT + 8 else 0

"""Whose connections are cut, when, and whose never."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from erp_integrations.ports import Deadline
from sage_adapter import wire

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a socket received")

PATIENCE = 10.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connected(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Our end and the server's."""
    ours = socket.create_connection(listener.getsockname())
    ours.settimeout(PATIENCE)
    theirs, _ = listener.accept()
    theirs.settimeout(PATIENCE)
    return ours, theirs


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def name_of(listener: socket.socket) -> str:
    return f"127.0.0.1,{listener.getsockname()[1]}"


def test_one_that_received_too_much_is_cut_and_another_is_not(listener: socket.socket) -> None:
    greedy, sender = connected(listener)
    modest, other = connected(listener)
    with greedy, sender, modest, other:
        with wire.watched(name_of(listener), Deadline.after(PATIENCE), most_bytes=1000):
            other.sendall(b"x" * 1000)
            sender.sendall(b"x" * 1001)
            assert sender.recv(1) == b""  # our end was shut
        assert greedy.recv(2000) in (b"x" * 1001, b"")
        modest.sendall(b"still there")
        assert other.recv(20) == b"still there"


def test_after_the_deadline_and_a_grace_all_are_cut(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.1)
    ours, theirs = connected(listener)
    with ours, theirs, wire.watched(name_of(listener), Deadline.after(0.0), most_bytes=None):
        assert ours.recv(1) == b""


def test_a_stream_may_receive_what_there_is(listener: socket.socket) -> None:
    ours, theirs = connected(listener)
    with ours, theirs:
        with wire.watched(name_of(listener), Deadline.after(PATIENCE), most_bytes=None):
            theirs.sendall(b"x" * 100_000)
            theirs.settimeout(0.4)
            with pytest.raises(TimeoutError):
                theirs.recv(1)
        assert ours.recv(1) == b"x"


def test_nobody_elses_connection_is_touched_and_no_descriptor_is_lost(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as somebody_else:
        ours, theirs = connected(listener)
        our_other, their_other = connected(somebody_else)
        with ours, theirs, our_other, their_other:
            before = descriptors()
            with wire.watched(name_of(listener), Deadline.after(0.0), most_bytes=1):
                assert ours.recv(1) == b""
            our_other.sendall(b"still there")
            assert their_other.recv(20) == b"still there"
            assert descriptors() == before


@pytest.mark.parametrize("server", [r"sage\SAGE100CON", "sandbox /srv/practice", "/srv/company.sqlite", ""])
def test_what_has_no_port_of_its_own_is_not_watched(server: str) -> None:
    before = set(threading.enumerate())
    with wire.watched(server, Deadline.after(0.0), most_bytes=1):
        assert set(threading.enumerate()) <= before

"""Whose connections are cut, when, and whose never."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from erp_integrations.ports import Deadline
from sage_adapter import wire

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a socket received")

PATIENCE = 10.0

Pair = tuple[socket.socket, socket.socket]
"""Our end and the server's."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connected(listener: socket.socket) -> Pair:
    ours = socket.create_connection(listener.getsockname())
    ours.settimeout(PATIENCE)
    theirs, _ = listener.accept()
    theirs.settimeout(PATIENCE)
    return ours, theirs


@contextmanager
def watched(listener: socket.socket, seconds: float, *, most_bytes: int | None = None) -> Iterator[Pair]:
    """A connection that is opened under a watch of its own, with a deadline after so many seconds."""
    deadline = Deadline.after(seconds)
    with wire.watched(name_of(listener), deadline, most_bytes=most_bytes) as watch:
        with watch.connecting():
            ours, theirs = connected(listener)
        with ours, theirs:
            yield ours, theirs


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def name_of(listener: socket.socket) -> str:
    return f"127.0.0.1,{listener.getsockname()[1]}"


def assert_open(pair: Pair) -> None:
    ours, theirs = pair
    ours.sendall(b"still there")
    assert theirs.recv(20) == b"still there"


def test_one_that_received_too_much_is_cut_and_another_is_not(listener: socket.socket) -> None:
    with (
        watched(listener, PATIENCE, most_bytes=1000) as modest,
        watched(listener, PATIENCE, most_bytes=1000) as (greedy, sender),
    ):
        modest[1].sendall(b"x" * 1000)
        sender.sendall(b"x" * 1001)
        assert sender.recv(1) == b""  # our end was shut
        assert greedy.recv(2000) in (b"x" * 1001, b"")
        assert_open(modest)


def test_after_the_deadline_and_a_grace_it_is_cut(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.1)
    with watched(listener, 0.0) as (ours, _theirs):
        assert ours.recv(1) == b""


def test_only_the_one_that_is_overdue_is_cut(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections to one server are of many companies."""
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.0)
    with (
        watched(listener, PATIENCE) as before,
        watched(listener, 0.3) as (overdue, _),
        watched(listener, PATIENCE) as after,
    ):
        assert overdue.recv(1) == b""
        threading.Event().wait(0.3)
        assert_open(before)
        assert_open(after)


def test_of_connections_opened_at_the_same_time_only_the_one_that_is_overdue_is_cut(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.0)
    together, cut, opened = threading.Barrier(8), list[int](), threading.Barrier(8)

    def one(number: int) -> None:
        together.wait(PATIENCE)
        with watched(listener, 0.5 if number == 3 else PATIENCE) as (ours, _theirs):
            opened.wait(PATIENCE)
            ours.settimeout(1.0)
            try:
                assert ours.recv(1) == b""
                cut.append(number)
            except TimeoutError:
                pass

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert cut == [3]


def test_one_that_is_overdue_while_it_connects_is_cut_and_no_older_one(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.0)
    with (
        watched(listener, PATIENCE) as older,
        wire.watched(name_of(listener), Deadline.after(0.0), most_bytes=None) as watch,
        watch.connecting(),
    ):
        ours, theirs = connected(listener)
        with ours, theirs:
            assert ours.recv(1) == b""
        assert_open(older)


def test_a_server_that_takes_long_to_connect_to_keeps_no_other_connection_waiting_for_long(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TURN_SECONDS", 0.1)
    server = name_of(listener)
    with (
        wire.watched(server, Deadline.after(PATIENCE), most_bytes=None) as slow,
        slow.connecting(),
        watched(listener, PATIENCE) as pair,
    ):
        assert_open(pair)


def test_a_stream_may_receive_what_there_is_whatever_others_may(listener: socket.socket) -> None:
    with (
        watched(listener, PATIENCE, most_bytes=None) as (ours, theirs),
        watched(listener, PATIENCE, most_bytes=1000),
    ):
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
        ours, theirs = connected(listener)  # opened without a watch
        other = connected(somebody_else)
        with ours, theirs, other[0], other[1]:
            before = descriptors()
            with watched(listener, 0.0, most_bytes=1) as (overdue, _):
                meanwhile = connected(somebody_else)
                assert overdue.recv(1) == b""
            for pair in ((ours, theirs), other, meanwhile):
                assert_open(pair)
            for end in meanwhile:
                end.close()
            assert descriptors() == before


@pytest.mark.parametrize("server", [r"sage\SAGE100CON", "sandbox /srv/practice", "/srv/company.sqlite", ""])
def test_what_has_no_port_of_its_own_is_not_watched(server: str) -> None:
    before = set(threading.enumerate())
    with wire.watched(server, Deadline.after(0.0), most_bytes=1) as watch, watch.connecting():
        assert set(threading.enumerate()) <= before

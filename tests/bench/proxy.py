"""A loopback proxy that puts latency in front of a server, and counts round trips."""

import contextlib
import ctypes
import socket
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue


class Proxy:
    """Every byte from the client arrives `latency` seconds later; answers come back at once.

    A round trip is a turn of the talk: the client speaks after the server did, or first.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.latency = 0.0
        self.round_trips = 0
        self.port = 0

    def serve(self, client: socket.socket) -> None:
        server = socket.create_connection(self.target)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.round_trips += 1  # the handshake of TCP itself
        time.sleep(self.latency)
        due: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        clients_turn = threading.Event()
        clients_turn.set()

        def hear() -> None:
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    if clients_turn.is_set():
                        clients_turn.clear()
                        self.round_trips += 1
                    due.put((time.monotonic() + self.latency, data))
            due.put((0.0, b""))

        def pass_on() -> None:
            _sleep_exactly()
            with contextlib.suppress(OSError):
                while True:
                    moment, data = due.get()
                    if not data:
                        break
                    time.sleep(max(0.0, moment - time.monotonic()))
                    server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)

        for act in (hear, pass_on):
            threading.Thread(target=act, daemon=True).start()
        with contextlib.suppress(OSError), client, server:
            while data := server.recv(65536):
                clients_turn.set()
                client.sendall(data)


_PR_SET_TIMERSLACK = 29


def _sleep_exactly() -> None:
    """Lets this thread's sleeps end when they should: Linux lets them run over by 50 microseconds."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A proxy in front of 127.0.0.1:`port` while the block runs."""
    proxy = Proxy(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.port = listener.getsockname()[1]

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)

"""A server that speaks just enough TDS 7.4 to be signed in to, and then does what a hostile one would.

Source: Microsoft, [MS-TDS]: Tabular Data Stream Protocol (packets, PRELOGIN, LOGIN7, token streams).
"""

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BATCH, RPC, ATTENTION, LOGIN7, PRELOGIN = 0x01, 0x03, 0x06, 0x10, 0x12
_REPLY, _LAST = 0x04, 0x01
_PACKET = 4088
COLLATION = bytes.fromhex("0904d00034")

DONE = struct.pack("<BHHQ", 0xFD, 0x0000, 0, 0)
DONE_ATTENTION = struct.pack("<BHHQ", 0xFD, 0x0020, 0, 0)
ENCRYPTION, NO_ENCRYPTION = 0x01, 0x02
UNKNOWN_LENGTH = struct.pack("<Q", 0xFFFFFFFFFFFFFFFE)
"""Of a value of unlimited size that comes in chunks."""


def chunk(letters: str) -> bytes:
    """A part of a value of unlimited size."""
    written = letters.encode("utf-16-le")
    return struct.pack("<I", len(written)) + written


@dataclass
class Client:
    """One connection, as the server sees it."""

    socket: socket.socket
    number: int = 0
    """Which connection it is, counted from one."""
    kind: int = 0
    body: bytes = b""
    """The message that is answered now: its type and what it holds."""

    def send(self, tokens: bytes, *, last: bool = True) -> None:
        """Tokens, in packets; `last` ends the answer."""
        parts = [tokens[at : at + _PACKET] for at in range(0, len(tokens), _PACKET)] or [b""]
        for number, part in enumerate(parts):
            status = _LAST if last and number == len(parts) - 1 else 0
            self.socket.sendall(struct.pack(">BBHHBB", _REPLY, status, len(part) + 8, 0, 1, 0) + part)

    def send_tls(self, record: bytes) -> None:
        """A record of TLS; before the sign-in it travels in a packet of PRELOGIN."""
        self.socket.sendall(struct.pack(">BBHHBB", PRELOGIN, _LAST, len(record) + 8, 0, 1, 0) + record)

    def reset(self) -> None:
        """Closes the connection without a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def message(self) -> tuple[int, bytes]:
        """The next whole message: its type and what it holds. Raises `OSError` at the end."""
        whole = b""
        while True:
            kind, status, length = struct.unpack(">BBH4x", self._exactly(8))
            whole += self._exactly(length - 8)
            if status & _LAST:
                return kind, whole

    def _exactly(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            part = self.socket.recv(size - len(read))
            if not part:
                raise ConnectionError
            read += part
        return read


def text_columns(*names: str, unlimited: bool = False) -> bytes:
    """COLMETADATA of nvarchar columns."""
    size = 0xFFFF if unlimited else 800
    told = struct.pack("<BH", 0x81, len(names))
    for name in names:
        told += struct.pack("<IHBH", 0, 1, 0xE7, size) + COLLATION
        told += struct.pack("<B", len(name)) + name.encode("utf-16-le")
    return told


def text_row(*values: str) -> bytes:
    """ROW of nvarchar values."""
    told = b"\xd1"
    for value in values:
        written = value.encode("utf-16-le")
        told += struct.pack("<H", len(written)) + written
    return told


def _login_accepted() -> bytes:
    name = "Microsoft SQL Server"
    body = struct.pack(">BI", 1, 0x74000004) + struct.pack("<B", len(name)) + name.encode("utf-16-le")
    body += bytes((16, 0, 0x10, 0))
    packet_size = "4096".encode("utf-16-le")
    size = struct.pack("<BB", 4, 4) + packet_size + struct.pack("<B", 4) + packet_size
    changed = struct.pack("<BH", 0xE3, len(size)) + size
    return struct.pack("<BH", 0xAD, len(body)) + body + changed + DONE


def server_hello(version: int) -> bytes:
    """The answer of a server that speaks no newer TLS than `version` (RFC 5246, 7.4.1.3): 0x0300 is SSL 3.0.

    It agrees to secure renegotiation (RFC 5746), which drivers demand first.
    """
    secure_renegotiation = bytes.fromhex("ff01000100")
    body = struct.pack(">H32xBHB", version, 0, 0x002F, 0)
    body += struct.pack(">H", len(secure_renegotiation)) + secure_renegotiation
    hello = b"\x02" + len(body).to_bytes(3, "big") + body
    return struct.pack(">BHH", 22, version, len(hello)) + hello


def tls_alert(number: int) -> bytes:
    """A fatal alert."""
    return struct.pack(">BHHBB", 21, 0x0301, 2, 2, number)


def _prelogin(encryption_offered: int) -> bytes:
    version, encryption = bytes((16, 0, 0x10, 0, 0, 0)), bytes((encryption_offered,))
    at = 11
    head = struct.pack(">BHH", 0, at, len(version)) + struct.pack(">BHH", 1, at + len(version), 1) + b"\xff"
    return head + version + encryption


Behaviour = Callable[[Client, str], bool]
"""What to do with a statement; False for "nothing special": it is answered with nothing."""


@dataclass
class Server:
    """Listens on 127.0.0.1, one thread for each connection."""

    behave: Behaviour
    tls: Callable[[Client], object] | None = None
    """What it does when TLS begins; a server without it offers no encryption."""
    port: int = 0
    statements: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    _connections: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def serve(self, connection: socket.socket) -> None:
        client = Client(connection, next(self._connections))
        with contextlib.suppress(OSError), connection:
            while True:
                kind, message = client.message()
                if kind == PRELOGIN and message[:1] == b"\x16" and self.tls:  # a ClientHello
                    self.tls(client)
                elif kind == PRELOGIN:
                    client.send(_prelogin(ENCRYPTION if self.tls else NO_ENCRYPTION))
                elif kind == LOGIN7:
                    self.logins.append(message)
                    client.send(_login_accepted())
                elif kind == ATTENTION:
                    client.send(DONE_ATTENTION)
                else:
                    client.kind, client.body = kind, message
                    statement = message.decode("utf-16-le", errors="ignore")
                    self.statements.append(statement)
                    if not self.behave(client, statement):
                        client.send(DONE)

    def login_field(self, which: int) -> str:
        """A field of the last LOGIN7: 0 host, 1 user, 2 password, 3 application, 8 database."""
        login = self.logins[-1]
        at, length = struct.unpack_from("<HH", login, 36 + 4 * which)
        raw = login[at : at + 2 * length]
        if which == 2:  # each byte: halves swapped, then XOR A5
            raw = bytes((byte ^ 0xA5) >> 4 | ((byte ^ 0xA5) & 0x0F) << 4 for byte in raw)
        return raw.decode("utf-16-le")


@contextlib.contextmanager
def serving(behave: Behaviour, tls: Callable[[Client], object] | None = None) -> Iterator[Server]:
    """A server while the block runs; connections that are open at the end are cut."""
    server, open_ones = Server(behave, tls), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_ones.append(connection)
                    threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in open_ones:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

"""A real mail server that a test can read, and hold at the two moments that matter."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Literal

Moment = Literal["never", "before it takes a mail", "after it took a mail"]
PATIENCE_SECONDS = 60


class PostOffice(socketserver.ThreadingTCPServer):
    """Takes mail on a port of its own. `holds` is when it stops answering, until the caller hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Counter)
        self.taken: list[Message] = []
        self.holds: Moment = "never"
        self.held = threading.Event()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def wait_until_held(self) -> None:
        assert self.held.wait(PATIENCE_SECONDS), "no worker came to the moment"


class _Counter(socketserver.StreamRequestHandler):
    """One conversation, as much of RFC 5321 as smtplib speaks."""

    server: PostOffice

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            match line[:4].upper():
                case b"DATA":
                    self._say("354 go on")
                    mail = b"".join(iter(self.rfile.readline, b".\r\n"))
                    if self._hangs_up("before it takes a mail"):
                        return
                    self.server.taken.append(message_from_bytes(mail))
                    self._say("250 taken")
                case b"QUIT":
                    if not self._hangs_up("after it took a mail"):
                        self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _hangs_up(self, moment: Moment) -> bool:
        if self.server.holds != moment:
            return False
        self.server.held.set()
        self.rfile.read()  # returns when the other side is gone
        return True

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def post_office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        threading.Thread(target=office.serve_forever, daemon=True).start()
        try:
            yield office
        finally:
            office.shutdown()

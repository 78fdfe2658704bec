"""A click in a process of its own that stops or dies at a point; cheaper than a server of its own."""

import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from django.db import connection

from erp_integrations.workflow.errors import Refused
from tests.proof.points import Reached, watch

CLICKED, BROKE = 0, 70


@dataclass(frozen=True, slots=True)
class Click:
    """A child process that clicks. Whoever starts one waits for its end, or ends it."""

    pid: int
    pipe: TextIO

    def stops(self) -> bool:
        """Waits until it stands still; False where it came to its end without passing the point."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return True
        self._outcome(status)
        return False

    def was_killed(self) -> bool:
        """Waits for its end; False where it came there without passing the point."""
        _, status = os.waitpid(self.pid, 0)
        return self._outcome(status) is None

    def goes_on(self) -> str:
        """Lets it go on from where it stands; the name of what it returned or raised, and the reason."""
        os.kill(self.pid, signal.SIGCONT)
        _, status = os.waitpid(self.pid, 0)
        outcome = self._outcome(status)
        assert outcome
        return outcome

    def end(self) -> None:
        """Kills it where it stands."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pipe.close()

    def _outcome(self, status: int) -> str | None:
        """None where a signal ended it. A click that broke is never taken for one that was refused."""
        with self.pipe:
            if os.WIFSIGNALED(status):
                return None
            assert os.WEXITSTATUS(status) == CLICKED, "the click broke, see its traceback"
            return self.pipe.read()


def start_click(
    click: Callable[[], object],
    *,
    stop_at: str,
    with_signal: signal.Signals,
    watching: Callable[[Reached], None] = watch,
) -> Click:
    """Clicks in a process of its own, which sends itself the signal at the point, once."""
    for thread in threading.enumerate():
        if thread.name in ("erp-question", "erp-keys"):
            thread.join()  # a child would inherit the locks it holds, and nobody to open them
    connection.close()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Click(pid, os.fdopen(reading))
    status = BROKE
    try:
        points = [stop_at]

        def reached(point: str) -> None:
            if point in points:
                points.clear()
                # To this very thread: sent to the process, another might take it and this one walk on.
                signal.pthread_kill(threading.get_ident(), with_signal)

        watching(reached)
        os.write(writing, _told(click).encode())
        status = CLICKED
    except BaseException:  # noqa: BLE001  (told by the status; this process may not live on as the parent)
        traceback.print_exc()
    finally:
        os._exit(status)


def _told(click: Callable[[], object]) -> str:
    try:
        return type(click()).__name__
    except Refused as refusal:
        return " ".join((type(refusal).__name__, getattr(refusal, "reason", ""))).strip()

"""The product's WSGI application in a process that stops itself at the point STOP_AT names, once.

It tells the test so through the pipe STOP_PIPE, then stops with SIGSTOP: every thread of it stands still
until the test lets it go on, or kills it.
"""

import os
import signal
import threading
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from config.wsgi import application
from erp_integrations.links import unlink
from tests.proof.points import watch

__all__ = ["application"]

_stop_at = [os.environ["STOP_AT"]]


def _reached(point: str) -> None:
    if _stop_at and point == _stop_at[0]:
        _stop_at.clear()
        with Path(os.environ["STOP_PIPE"]).open("w") as pipe:
            pipe.write(f"{os.getpid()}\n")
        # Sent to this very thread: sent to the process, another would take it, and this one would walk on.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


# A lease that a test can wait for, and a deadline that no busy machine misses.
unlink.LEASE_BEYOND_DEADLINE = timedelta(seconds=3 - settings.SAGE_DEADLINE_SECONDS)
watch(_reached)

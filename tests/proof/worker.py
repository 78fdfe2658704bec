"""A real worker process over the test's own database."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests.proof.server import ROOT, url_of_test_database

PATIENCE_SECONDS = 60


@contextmanager
def worker(folder: Path, *, mail_to: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DATABASE_URL": url_of_test_database(), "EMAIL_URL": mail_to}
    command = [sys.executable, "manage.py", "procrastinate", "worker"]
    with (folder / "worker.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def forget_the_dead() -> None:
    """As if the half minute had passed after which a silent worker is dead, and this minute a new one."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
        cursor.execute("DELETE FROM procrastinate_periodic_defers")


def wait_until(done: Callable[[], bool], words: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < until, words
        time.sleep(0.05)

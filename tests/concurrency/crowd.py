"""Many at once: real threads, each with a database connection of its own, let go at one moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

Outcome = object
"""What an act returned, or the exception that it raised."""


def all_at_once(acts: Sequence[Callable[[], object]]) -> list[Outcome]:
    """Does all acts at the same moment; their outcomes, in order."""
    start = threading.Barrier(len(acts), timeout=60)

    def one(act: Callable[[], object]) -> Outcome:
        try:
            connections["default"].ensure_connection()
            start.wait()
            return act()
        except Exception as error:  # noqa: BLE001  (what was refused is what the tests are about)
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as crowd:
        return list(crowd.map(one, acts))

"""One clock for everybody: the database's.

Leases are begun and judged by different processes, perhaps on different machines, so their times come
from one place. Between two readings a clock moves on with the process's own monotonic counter, which no
change of the system's time can turn back.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from companies.clock import StatementClock, database_now

__all__ = ["StatementClock", "clock_from", "database_now"]


def clock_from(now: datetime) -> Callable[[], datetime]:
    """A clock that showed `now` when this was called and moves on steadily."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)

"""One clock: the database's.

Leases are begun and judged by different processes, perhaps on different machines, so their times come from
one place. Between two readings a clock moves on with the process's monotonic counter, which no change of the
system's time can turn back.
"""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, Func
from django.utils import timezone


def database_now() -> datetime:
    """The database server's time at this very statement, aware; not the transaction's beginning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: tuple[datetime] = cursor.fetchone()
    return row[0]


class StatementClock(Func):
    """The same, as a part of a statement that is made anyway."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def midnight(day: date) -> datetime:
    """When the day begins, in the current time zone."""
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def clock_from(now: datetime) -> Callable[[], datetime]:
    """A clock that showed `now` when this was called and moves on steadily."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)

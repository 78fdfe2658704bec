"""The database's clock.

A lease may be opened and checked by processes on different machines, so all times come from the database.
Between two readings a clock advances with the process's monotonic counter, which does not follow changes of
the system time.
"""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, Func
from django.utils import timezone


def database_now() -> datetime:
    """The database server's time of this statement, aware; not of the beginning of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: tuple[datetime] = cursor.fetchone()
    return row[0]


class StatementClock(Func):
    """The same as an expression in another statement."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def midnight(day: date) -> datetime:
    """The beginning of the day in the current time zone."""
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def clock_from(now: datetime) -> Callable[[], datetime]:
    """A clock that showed `now` when it was created and advances steadily."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)

"""One clock for everybody: the database's.

What different processes begin and judge, perhaps on different machines, takes its times from one place.
"""

from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, Func


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

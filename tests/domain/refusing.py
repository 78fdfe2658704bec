"""What the database refuses is told by the name of the rule."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction
from psycopg import errors


@contextmanager
def refused_by(*rules: str) -> Iterator[None]:
    """The block's transaction is refused by one of these constraints or triggers, at its end at latest."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():  # noqa: PT012  (the block is whole)
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cause = refusal.value.__cause__
    assert isinstance(cause, errors.IntegrityError)
    assert cause.diag.constraint_name in rules, cause


def run(statement: str, *parameters: int | str | None) -> int:
    """Runs SQL as an administrator would in a shell; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        return int(cursor.rowcount)

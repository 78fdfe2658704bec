"""Distinct values of a column, by one index step per value: DISTINCT would read every row."""

from collections.abc import Mapping

from django.db import connection as database

_STEPS = """
WITH RECURSIVE names AS (
    (SELECT {column} AS name FROM {table} WHERE {kept} ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM {table} WHERE {kept} AND {column} > names.name ORDER BY {column} LIMIT 1)
    FROM names WHERE names.name IS NOT NULL
) SELECT name FROM names WHERE name IS NOT NULL LIMIT %(most)s
"""


def distinct_values(
    table: str, column: str, *, kept: str, most: int, values: Mapping[str, int | None]
) -> list[str]:
    """Sorted, at most `most`. An index must begin with the columns that `kept` fixes, then the column.

    `table`, `column` and `kept` are SQL from our code; `values` are the parameters of `kept`.
    """
    with database.cursor() as cursor:
        cursor.execute(_STEPS.format(table=table, column=column, kept=kept), {**values, "most": most})
        return [name for (name,) in cursor.fetchall()]

"""The different values of a column, one step in an index for each: DISTINCT would read every row."""

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
    """In their order, no more than `most`. An index begins with what `kept` fixes, and goes on by the column.

    `table`, `column` and `kept` are SQL of ours; `values` are those of its parameters.
    """
    with database.cursor() as cursor:
        cursor.execute(_STEPS.format(table=table, column=column, kept=kept), {**values, "most": most})
        return [name for (name,) in cursor.fetchall()]

"""The migration operation for database rules that are written in SQL beside their model."""

import re
from pathlib import Path

from django.db.migrations import RunSQL


def apply_rules(file: Path) -> RunSQL:
    """Creates the functions, triggers and foreign keys in an SQL file, or replaces those that exist.

    A rule is changed in its file, and a new migration applies the file again. Reversed, this drops the
    functions with their triggers.
    """
    sql = file.read_text(encoding="utf-8")
    functions = re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", sql, re.MULTILINE)
    return RunSQL(sql, "".join(f"DROP FUNCTION {name} CASCADE;\n" for name in functions))

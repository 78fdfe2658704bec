"""Rows that no Sage should hold: written by another program, or by a release that knows more."""

import sqlite3
from contextlib import closing
from pathlib import Path


def damage(folder: Path, *statements: str) -> None:
    """Changes the practice company in `folder` past everything that its tables forbid."""
    file = folder / "company.sqlite"
    with closing(sqlite3.connect(file)) as books:
        # Only so can a column that is NOT NULL be emptied; keys and indexes stay.
        books.execute("PRAGMA writable_schema = ON")
        books.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
        books.commit()
    with closing(sqlite3.connect(file)) as books:
        books.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            books.execute(statement)
        books.commit()

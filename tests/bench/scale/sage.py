"""The practice company's tables on a PostgreSQL of their own, reached through psqlODBC as Sage by its own."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from psycopg import sql as pg

from sage_adapter.sandbox import open_sandbox
from tests.contract.engines import FILES, PostgresServer

_COLUMNS = {
    ("dbo", "actrec"): ("recnum", "jobnme", "status", "_idnum", "insdte"),
    ("dbo", "subcon"): (
        "recnum",
        "ctcnum",
        "vndnum",
        "jobnum",
        "phsnum",
        "dscrpt",
        "status",
        "_idnum",
        "insdte",
    ),
    ("dbo", "sbcnln"): (
        "recnum",
        "linnum",
        "dscrpt",
        "cstcde",
        "csttyp",
        "amount",
        "change",
        "_idnum",
        "insdte",
    ),
    ("dbo", "prmchg"): (
        *("recnum", "chgnum", "chgdte", "jobnum", "phsnum", "dscrpt", "status", "usrdf1", "_idnum", "insdte"),
    ),
    ("dbo", "sbcgln"): (
        *("recnum", "linnum", "dscrpt", "bdgprc", "vndnum", "vndctc", "ctclin", "chgnum", "chgsts", "_idnum"),
        "insdte",
    ),
    ("dbo_Audit", "prmchg"): (
        *(
            "recnum",
            "chgnum",
            "jobnum",
            "phsnum",
            "status",
            "_idnum",
            "_Date",
            "_Action",
            "_User",
            "_Application",
        ),
    ),
}
_INDEXES = """
CREATE INDEX ON dbo.actrec (recnum); CREATE INDEX ON dbo.subcon (recnum); CREATE INDEX ON dbo.sbcnln (recnum);
CREATE INDEX ON dbo.prmchg (recnum); CREATE INDEX ON dbo.prmchg ("_idnum");
CREATE INDEX ON dbo.prmchg (jobnum);
CREATE INDEX ON dbo.sbcgln (recnum); CREATE INDEX ON dbo.sbcgln (vndctc);
CREATE INDEX ON "dbo_Audit".prmchg (recnum); CREATE INDEX ON "dbo_Audit".prmchg ("_Date"); ANALYZE
"""


@contextmanager
def sage_server() -> Iterator[PostgresServer]:
    """The server, while the block runs."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
        server = PostgresServer(Path(name) / "postgres", log_statements=False)
        server.start()
        try:
            server.prepare()
            yield server
        finally:
            server.stop()


def publish(server: PostgresServer, folder: Path, database: str) -> None:
    """Makes the database, with everything that is asked of a Sage company, out of the files in `folder`."""
    server.make_database(database)
    with tempfile.TemporaryDirectory() as small:
        open_sandbox(
            Path(small), name="harbor-point"
        ).create()  # the tables are the same, and few rows to read
        server.make_tables(database, Path(small))
    with server.admin(database) as connection:
        for (schema, table), columns in _COLUMNS.items():
            copying = pg.SQL("COPY {} ({}) FROM STDIN").format(
                pg.Identifier(schema, table), pg.SQL(", ").join(map(pg.Identifier, columns))
            )
            names = ", ".join(f'"{one}"' for one in columns)
            with (
                closing(sqlite3.connect(folder / FILES[schema])) as books,
                connection.cursor() as cursor,
                cursor.copy(copying) as copy,
            ):
                for row in books.execute(f"SELECT {names} FROM {table}"):
                    copy.write_row(row)
        for statement in _INDEXES.split(";"):
            connection.execute(statement.encode())

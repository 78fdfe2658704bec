"""A Sage company of any size on a PostgreSQL of its own, reached through psqlODBC as Sage by its driver."""

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from erp_integrations.ports import (
    CONTROLS_AT_RANDOM,
    CONTROLS_OF_THE_JOB,
    ChangeOrderReference,
    ConnectionSpec,
    Control,
    Controls,
    Deadline,
)
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from tests.contract.engines import PostgresServer

_JOBS, _SUBCONTRACTS = 500, 2_000
GONE = 60
"""Change orders beyond the last that were deleted in the last minutes, one after the other."""
_ENTERED = "now() - interval '90 days'"

_FILL = """
INSERT INTO dbo.actrec (recnum, jobnme, status, "_idnum", insdte)
SELECT g, 'Job ' || g, 4, upper(md5('job' || g)::uuid::text), {entered} FROM generate_series(1, {jobs}) AS g;
INSERT INTO dbo.subcon (recnum, ctcnum, jobnum, phsnum, dscrpt, status, "_idnum", insdte)
SELECT g, 'S-' || g, g % {jobs} + 1, 0, '', 4, upper(md5('subcontract' || g)::uuid::text), {entered}
FROM generate_series(1, {subcontracts}) AS g;
INSERT INTO dbo.sbcnln (recnum, linnum, dscrpt, amount, "change", "_idnum", insdte)
SELECT g, 1, '', 1000, 100, upper(md5('contract line' || g)::uuid::text), {entered}
FROM generate_series(1, {subcontracts}) AS g;
INSERT INTO dbo.prmchg (recnum, chgnum, jobnum, phsnum, dscrpt, status, "_idnum", insdte)
SELECT g, 'CO-' || g, g % {jobs} + 1, 0, 'Change ' || g, 1, upper(md5('change' || g)::uuid::text), {entered}
FROM generate_series(1, {links}) AS g;
INSERT INTO dbo.sbcgln (recnum, linnum, dscrpt, vndctc, chgnum, chgsts, bdgprc, "_idnum", insdte)
SELECT g, 1, '', g % {subcontracts} + 1, 'SC-' || g, 1, 100.25, upper(md5('line' || g)::uuid::text), {entered}
FROM generate_series(1, {links}) AS g;
INSERT INTO "dbo_Audit".prmchg (recnum, chgnum, "_idnum", "_Date", "_Action", "_User", "_Application")
SELECT g, 'CO-' || g, upper(md5('change' || g)::uuid::text), now() - interval '5 seconds' * (g - {links}),
    'delete', 'ACCT2', 'Sage 100 Contractor'
FROM generate_series({links} + 1, {links} + {gone}) AS g;
INSERT INTO "dbo_Audit".prmchg (recnum, chgnum, "_idnum", "_Date", "_Action", "_User", "_Application")
SELECT g, 'CO-' || g, upper(md5('change' || g)::uuid::text), {entered}, 'insert', 'ACCT1', 'Sage'
FROM generate_series(1, {links}) AS g;
INSERT INTO "dbo_Audit".actrec (recnum, "_idnum", "_Date", "_Action", "_User", "_Application")
SELECT g, upper(md5('job' || g)::uuid::text), {entered}, 'insert', 'ACCT1', 'Sage 100 Contractor'
FROM generate_series(1, {jobs}) AS g;
CREATE INDEX ON dbo.actrec (recnum); CREATE INDEX ON dbo.actrec ("_idnum");
CREATE INDEX ON dbo.subcon (recnum);
CREATE INDEX ON dbo.sbcnln (recnum); CREATE INDEX ON dbo.prmchg (recnum);
CREATE INDEX ON dbo.prmchg ("_idnum"); CREATE INDEX ON dbo.prmchg (jobnum);
CREATE INDEX ON dbo.sbcgln (recnum); CREATE INDEX ON dbo.sbcgln (vndctc);
CREATE INDEX ON dbo.sbcgln ("_idref");
CREATE INDEX ON "dbo_Audit".prmchg (recnum); CREATE INDEX ON "dbo_Audit".prmchg ("_Date");
CREATE INDEX ON "dbo_Audit".actrec (recnum);
ANALYZE
"""


class Server:
    """The server, and one company for each size that is asked for."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.postgres = server
        self._folder = folder
        self._specs: dict[int, ConnectionSpec] = {}

    def company(self, links: int) -> ConnectionSpec:
        """How to reach a company with so many change orders, each linked to one subcontract; accepted."""
        if links not in self._specs:
            self._specs[links] = self._make(links)
        return self._specs[links]

    def _make(self, links: int) -> ConnectionSpec:
        database = f"Company of {links}"
        sandbox = self._folder / "sandbox"
        if not sandbox.exists():
            open_sandbox(sandbox, name="harbor-point").create()
        self.postgres.make_database(database)
        self.postgres.make_tables(database, sandbox)
        fill = _FILL.format(links=links, jobs=_JOBS, subcontracts=_SUBCONTRACTS, gone=GONE, entered=_ENTERED)
        with self.postgres.admin(database) as connection:
            for statement in fill.split(";"):
                connection.execute(statement.encode())
        spec = ConnectionSpec(
            kind="sage-100-contractor",
            database=database,
            accepted_incarnation="",
            odbc_string=self.postgres.odbc_string(database),
            second_look_seconds=0.0,
        )
        handshake = open_reader(spec).handshake(deadline=Deadline.after(60))
        return replace(spec, accepted_incarnation=handshake.incarnation)


def _row_id(words: str) -> uuid.UUID:
    return uuid.UUID(hashlib.md5(words.encode(), usedforsecurity=False).hexdigest())


def references(first: int, count: int) -> list[ChangeOrderReference]:
    """What links to change order `first` and the next ones remember; beyond its size they are gone.

    They saw their records hours ago, longer than a clock that is not known may be wrong by.
    """
    return [
        ChangeOrderReference(
            row_id=_row_id(f"change{number}"),
            record_number=str(number),
            number=f"CO-{number}",
            job_record_number=str(number % _JOBS + 1),
            job_row_id=_row_id(f"job{number % _JOBS + 1}"),
            phase="0",
            subcontract_record_number=str(number % _SUBCONTRACTS + 1),
            sub_change_number=f"SC-{number}",
            amount=Decimal("100.25"),
            last_seen_at=datetime.now(UTC) - timedelta(hours=3),
        )
        for number in range(first, first + count)
    ]


def controls(asked: Sequence[ChangeOrderReference]) -> Controls:
    """As many as a page draws: ten at random and one more, and three of each job and one more."""
    jobs = dict.fromkeys(int(one.job_record_number) - 1 for one in asked)
    of_jobs = [job + _JOBS * turn for job in jobs for turn in range(1, CONTROLS_OF_THE_JOB + 2)]
    return Controls(
        at_random=_controls(range(3_000, 3_000 + CONTROLS_AT_RANDOM + 1)), of_jobs=_controls(of_jobs)
    )


def _controls(numbers: Iterable[int]) -> tuple[Control, ...]:
    return tuple(
        Control(
            row_id=one.row_id,
            record_number=one.record_number,
            job_record_number=one.job_record_number,
            job_row_id=one.job_row_id,
            last_seen_at=one.last_seen_at,
        )
        for number in numbers
        for one in references(number, 1)
    )


@contextmanager
def server() -> Iterator[Server]:
    """A server that runs while the block does."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
        postgres = PostgresServer(Path(name) / "postgres", log_statements=False)
        postgres.start()
        try:
            postgres.prepare()
            yield Server(postgres, Path(name))
        finally:
            postgres.stop()

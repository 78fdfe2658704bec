"""What really reaches the server, by its own log: the questions of `sql/` and what begins a connection."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql as pg

from erp_integrations.ports import ChangeOrderReference, Deadline, Right, Verdict
from sage_adapter import look, odbc_string
from sage_adapter.sandbox import open_sandbox
from sage_adapter.session import Session
from tests.contract.engines import (
    PATIENCE_SECONDS,
    SAGE_USER,
    Books,
    Played,
    PostgresServer,
    controls_among,
    now,
)
from tests.contract.test_faults import on_postgres
from tests.contract.tsql import QUESTIONS, plain

__all__ = ["on_postgres"]

CURSOR = r'"SQL_CUR0x[0-9a-f]+"'
DRIVERS_OWN = (
    # psqlODBC begins every connection with these two, and asks what kinds of columns an answer has.
    r"SET DateStyle = 'ISO';SET extra_float_digits = 2;show transaction_isolation",
    r"select oid, typbasetype from pg_type where typname = 'lo'",
    r"select n\.nspname, c\.relname, a\.attname, .* from \(\(\(pg_catalog\.pg_class c .* c\.oid = \d+\) .*",
    # What is streamed comes through a cursor.
    rf"fetch 2000 in {CURSOR}",
    rf"close {CURSOR}",
    r'SAVEPOINT _per_query_svp_;DEALLOCATE "_PLAN0x[0-9a-f]+";RELEASE _per_query_svp_',
)
BEGINNING_AND_END = (
    r"SET default_transaction_read_only = on",
    r"SET lock_timeout = \d+",
    r"SET statement_timeout = \d+",
    r"START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    r"COMMIT",
)
IN_A_CURSOR = re.compile(rf"declare {CURSOR} cursor with hold for (.*);fetch 2000 in {CURSOR}")
BOUND = re.compile(r"'-?\d+'")
"""A whole number as psqlODBC puts it into what a cursor is declared for, where no parameter can be."""
LOGGED = re.compile(r"LOG:  (?:statement|execute \S+): (.*)", re.DOTALL)


def test_psqlodbc_nothing_but_the_allow_list_reaches_the_server_and_nothing_of_it_is_refused(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    references = list(on_postgres.references().values())
    for gone in references[:8]:
        on_postgres.sandbox.delete(gone.record_number, user=SAGE_USER)
    on_postgres.publish()
    reader, soon = on_postgres.reader(), Deadline.after(30)
    with postgres_server.statements(PostgresServer.READER) as told:
        assert reader.handshake(deadline=soon).good
        assert on_postgres.look(references[0]).proves_absence
        assert on_postgres.look(references[9]).verdict is Verdict.PRESENT
        reader.lookup_many(references[:12], deadline=soon, clock=now)
        reader.read_job(references[9].job_record_number, deadline=soon)
        reader.read_subcontract(references[9].subcontract_record_number, deadline=soon)
        reader.read_change_order(references[9].record_number, deadline=soon)
        reader.read_vendor("301", deadline=soon)
        assert reader.find_change_orders(
            job_record_number=references[9].job_record_number,
            subcontract_record_number=references[9].subcontract_record_number,
            deadline=soon,
        ).found
        with reader.stream_keys(deadline=soon) as keys:
            assert list(keys.blocks)
        reader.quick_lookup_many(references[:12], deadline=soon, clock=now)
    asked = set()
    for words in told:
        logged = LOGGED.fullmatch(words)
        assert logged, words  # an ERROR, for one
        statement = plain(logged.group(1))
        streamed = IN_A_CURSOR.fullmatch(statement)
        question = QUESTIONS.get(statement)
        if streamed:
            question = QUESTIONS.get(streamed.group(1), QUESTIONS.get(BOUND.sub("?", streamed.group(1))))
        if question:
            asked.add(question)
        else:
            assert any(re.fullmatch(own, statement) for own in (*DRIVERS_OWN, *BEGINNING_AND_END)), statement
    of_other_servers = {name for name in QUESTIONS.values() if name.endswith((".sqlserver", ".sqlite"))}
    assert asked == set(QUESTIONS.values()) - of_other_servers


MOST_OF_TWO_LOOKS, MOST_OF_A_PAGE = 8, 14
"""Statements, without those that begin a connection or a transaction."""
LARGEST_BULK = 200


@dataclass
class Asked:
    """What was asked on all connections of a block, with its parameters."""

    questions: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    @property
    def statements(self) -> int:
        return sum(one.statements for one in self.sessions)

    def looks(self) -> list[tuple[str, tuple[Any, ...]]]:
        return [(text, params) for text, params in self.questions if QUESTIONS.get(plain(text)) == "look"]


@contextmanager
def watched() -> Iterator[Asked]:
    asked = Asked()
    begin, ask = Session.__init__, Session._asked

    def begun(self: Session, *given: Any, **named: Any) -> None:
        asked.sessions.append(self)
        begin(self, *given, **named)

    def asking(self: Session, text: str, params: Any) -> Any:
        asked.questions.append((text, tuple(params)))
        return ask(self, text, params)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Session, "__init__", begun)
        patched.setattr(Session, "_asked", asking)
        yield asked


def test_two_looks_are_eight_statements_at_most_on_every_engine(played: Played) -> None:
    books, references = played
    drawn = controls_among(references.values())
    for key, most in (("present", 2), ("deleted", MOST_OF_TWO_LOOKS), ("recreated", MOST_OF_TWO_LOOKS)):
        with watched() as asked:
            books.look(references[key], controls=drawn)
        assert 0 < asked.statements <= most


def test_a_page_of_fifty_with_its_controls_is_fourteen_statements_at_most_on_every_engine(
    played: Played,
) -> None:
    books, references = played
    page = list(references.values())[:50]
    with watched() as asked:
        found = books.reader().lookup_many(
            page,
            deadline=Deadline.after(PATIENCE_SECONDS),
            clock=now,
            controls=controls_among(references.values()),
        )
    assert Verdict.ABSENT in {one.verdict for one in found}
    assert Verdict.PRESENT in {one.verdict for one in found}
    assert asked.statements <= MOST_OF_A_PAGE


def test_a_page_of_a_bulk_of_two_hundred_is_one_statement_with_its_controls_on_every_engine(
    played: Played,
) -> None:
    """Each record and each control in the very statement that counts; below what SQL Server takes."""
    books, references = played
    known = list(references.values())
    others = [
        replace(
            known[at % len(known)],
            row_id=uuid.uuid4(),
            record_number=str(5_000 + at),
            job_record_number=str(6_000 + at),
        )
        for at in range(LARGEST_BULK - len(known))
    ]
    bulk = controls_among([*known, *others])
    with watched() as asked:
        books.reader().lookup_many(
            known[:50],
            deadline=Deadline.after(PATIENCE_SECONDS),
            clock=now,
            controls=replace(bulk, at_random=bulk.of_the_bulk[:11], of_jobs=bulk.of_the_bulk),
        )
    assert 1 <= len(asked.looks()) <= 2
    for _text, params in asked.looks():
        assert len(params) < look.MOST_PARAMETERS
        assert {int(one.record_number) for one in bulk.of_the_bulk} <= set(params)
    assert max(len(params) for _text, params in asked.questions) < look.MOST_PARAMETERS


def _plans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from _plans(part)


def test_psqlodbc_what_is_there_costs_a_seek_where_the_index_on_its_row_id_is_missing(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    reference, gone = on_postgres.references()["present"], on_postgres.references()["deleted"]
    on_postgres.sage(lambda sandbox: sandbox.delete(gone.record_number, user=SAGE_USER))
    database = on_postgres.spec.database

    def scans_by_row_id(of: ChangeOrderReference) -> list[int]:
        """How often each scan for row ids alone really ran."""
        with watched() as asked:
            on_postgres.look(of)
        text, params = asked.looks()[0]
        with postgres_server.admin(database) as administrator, psycopg.ClientCursor(administrator) as cursor:
            cursor.execute("SET enable_seqscan = off")  # a table as small as this one is scanned anyway
            explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + text.replace("?", "%s")
            [[plan]] = cursor.execute(explained.encode(), params).fetchall()
        found = []
        for node in _plans(plan[0]["Plan"]):
            how = node.get("Filter", "") + node.get("Index Cond", "")
            by_row_id = "_idnum" in how or "_idref" in how
            if "Relation Name" in node and by_row_id and "recnum" not in node.get("Index Cond", ""):
                found.append(int(node["Actual Loops"]))
        return found

    with postgres_server.admin(database) as administrator:
        for table in ("prmchg", "actrec", "sbcgln"):
            administrator.execute(f"CREATE INDEX ON dbo.{table} (recnum)".encode())
    there = scans_by_row_id(reference)
    assert len(there) == 3  # headers, jobs and lines
    assert set(there) == {0}
    assert sum(scans_by_row_id(gone)) >= 2


def test_psqlodbc_a_look_sees_one_moment(on_postgres: Books, postgres_server: PostgresServer) -> None:
    """What is saved between two questions of one look is not seen by the second of them."""
    reference = on_postgres.references()["present"]
    counted = look.begin

    def saved_meanwhile(session: Session, *given: Any) -> Any:
        ask = session.ask

        def asked(name: str, *more: Any, **named: Any) -> Any:
            answer = ask(name, *more, **named)
            if name == "look":
                on_postgres.sage(lambda sandbox: sandbox.delete(reference.record_number, user=SAGE_USER))
            return answer

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(session, "ask", asked)
            return counted(session, *given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(look, "begin", saved_meanwhile)
        finding = on_postgres.look(reference)
    assert finding.verdict is Verdict.PRESENT
    assert finding.evidence.header is not None
    assert on_postgres.look(reference).verdict is Verdict.ABSENT


HARD_WORDS = "semi;colon br{ac}es }{ q'uote\"s Größe Ω 木 =,[]()?*!@ "


def test_psqlodbc_any_password_and_any_name_of_a_database_work(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """But for a semicolon in the name of a database: psqlODBC has no way to write one."""
    database, password = f"Books {HARD_WORDS}".replace(";", "").strip(), f" pass {HARD_WORDS}"
    sandbox = open_sandbox(tmp_path / "books", name="harbor-point")
    sandbox.create()
    books = postgres_server.books(sandbox, tmp_path / "books", database)
    with postgres_server.admin(database) as administrator:
        administrator.execute("DROP ROLE IF EXISTS hard_to_write")
        administrator.execute(
            pg.SQL("CREATE ROLE hard_to_write LOGIN PASSWORD {} IN ROLE sage_reader").format(password)
        )
    built = odbc_string.build(
        driver="PostgreSQL Unicode",
        server="127.0.0.1",
        port=postgres_server.port,
        database=database,
        login="hard_to_write",
        password=password,
        encrypt=False,
    )
    handshake = books.reader(odbc_string=built).handshake(deadline=Deadline.after(PATIENCE_SECONDS))
    assert handshake.good
    assert handshake.database == database
    assert Right("write dbo.prmchg", held=False) in handshake.rights
    with postgres_server.admin("postgres") as administrator:
        administrator.execute(pg.SQL("DROP DATABASE {} WITH (FORCE)").format(pg.Identifier(database)))
        administrator.execute("DROP ROLE hard_to_write")

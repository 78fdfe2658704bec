"""What really reaches the server, by its own log: the questions of `sql/` and what begins a connection."""

import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql as pg

from erp_integrations.ports import Deadline, Right, Verdict
from sage_adapter import look, odbc_string
from sage_adapter.sandbox import open_sandbox
from sage_adapter.session import Session
from tests.contract.engines import PATIENCE_SECONDS, SAGE_USER, Books, PostgresServer, now
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
        reader.look_up_many(references[:12], deadline=soon, clock=now)
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
        reader.glance_many(references[:12], deadline=soon, clock=now)
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


def test_psqlodbc_a_look_is_six_questions_at_most_and_two_looks_are_twelve(
    on_postgres: Books, postgres_server: PostgresServer
) -> None:
    references = on_postgres.references()
    on_postgres.sage(lambda sandbox: sandbox.delete(references["deleted"].record_number, user=SAGE_USER))
    for key, most in (("present", 6), ("deleted", 12)):
        with postgres_server.statements(PostgresServer.READER) as told:
            on_postgres.look(references[key])
        questions = [words for words in told if plain(LOGGED.fullmatch(words).group(1)) in QUESTIONS]  # type: ignore[union-attr]
        assert 0 < len(questions) <= most


def test_psqlodbc_a_look_sees_one_moment(on_postgres: Books, postgres_server: PostgresServer) -> None:
    """What is saved between two questions of one look is not seen by the second of them."""
    reference = on_postgres.references()["present"]
    counted = look.begin

    def saved_meanwhile(session: Session, *given: Any) -> Any:
        ask = session.ask

        def asked(name: str, *more: Any, **named: Any) -> Any:
            answer = ask(name, *more, **named)
            if name == "presence":
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

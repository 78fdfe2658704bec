"""Every question to Sage reads, by key, and nothing else."""

import ast
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import sage_adapter
from sage_adapter import dialects, session
from sage_adapter.look import AT_ONCE

FOLDER = Path(sage_adapter.__file__).parent / "sql"
FILES = sorted(path.name.removesuffix(".sql") for path in FOLDER.glob("*.sql"))
SERVERS = {"sqlserver": "tsql", "postgresql": "postgres", "sqlite": "sqlite"}
OF_ONE_SERVER = [name for name in FILES if name.rpartition(".")[2] in SERVERS]
"""What only one kind of server can be asked: about itself, never about data."""
QUESTIONS = [name for name in FILES if name not in OF_ONE_SERVER]
STREAMS = [name for name in FILES if name.startswith("stream_") and name != "stream_span"]
KEYS = {"recnum", "_idnum", "jobnum", "vndctc"}
ALLOWED_FUNCTIONS = (exp.Count, exp.Min, exp.Max)


def parsed(name: str, dialect: str = "tsql") -> exp.Expr:
    statements = sqlglot.parse(session.sql_text(name), dialect=dialect)
    assert len(statements) == 1
    assert statements[0] is not None
    return statements[0]


def test_there_is_a_handshake_for_every_server() -> None:
    assert {f"handshake.{server}" for server in SERVERS} <= set(OF_ONE_SERVER)
    asked = {name for one in dialects.ALL for name in (one.handshake, *one.more, *one.report)}
    assert asked == set(OF_ONE_SERVER)


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_why_it_exists_and_which_key_it_seeks(name: str) -> None:
    comment = [line for line in (FOLDER / f"{name}.sql").read_text().splitlines() if line.startswith("--")]
    assert comment
    assert name in OF_ONE_SERVER or any("Seeks:" in line for line in comment)
    assert "--" not in session.sql_text(name)


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("dialect", ["tsql", "postgres", "sqlite"])
def test_a_question_is_one_select_for_every_server(name: str, dialect: str) -> None:
    statement = parsed(name, dialect)
    assert isinstance(statement, exp.Query)
    assert not list(
        statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.DDL, exp.Into, exp.Command)
    )
    assert name in ("carriers", "carriers_many", "presence_many", "glance_many") or isinstance(
        statement, exp.Select
    )


@pytest.mark.parametrize("name", OF_ONE_SERVER)
def test_what_a_server_is_asked_of_itself_is_one_select_too(name: str) -> None:
    statement = parsed(name, SERVERS[name.rpartition(".")[2]])
    assert isinstance(statement, exp.Query)
    assert not list(
        statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.DDL, exp.Into, exp.Command)
    )
    assert not list(statement.find_all(exp.Placeholder))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_read_past_a_lock(name: str) -> None:
    words = session.sql_text(name).upper()
    assert "NOLOCK" not in words
    assert "UNCOMMITTED" not in words


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_table_carries_its_schema(name: str) -> None:
    statement = parsed(name)
    of_its_own = {one.alias for one in statement.find_all(exp.CTE)}
    tables = [one for one in statement.find_all(exp.Table) if one.name not in of_its_own]
    assert tables
    assert {table.db for table in tables} <= {"dbo", "dbo_Audit"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_only_keys_are_compared_and_only_with_parameters(name: str) -> None:
    for where in parsed(name).find_all(exp.Where):
        for comparison in where.find_all(exp.Predicate):
            if isinstance(comparison, exp.Is):
                column = "vndctc" if name == "stream_lines" else "recnum"
                assert name in ("stream_lines", "unnumbered_change_orders", "unnumbered_lines")
                assert comparison.sql() == f"{column} IS NULL"  # negated for vndctc: budget changes have none
                continue
            ranges = (exp.GT, exp.LTE) if name in STREAMS else ()
            assert isinstance(comparison, exp.EQ | exp.In) or type(comparison) in ranges
            assert comparison.this.name in KEYS
            values = comparison.expressions or [comparison.expression]
            assert len(values) in (1, AT_ONCE)
            for value in values:
                assert isinstance(value, exp.Placeholder)
                assert value.name in ("", "?")  # a plain question mark, not a name


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_join_is_by_key_too(name: str) -> None:
    for join in parsed(name).find_all(exp.Join):
        condition = join.args["on"]
        assert isinstance(condition, exp.EQ | exp.In)
        assert condition.this.name == "recnum"


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_keys_a_question_seeks_are_named_in_its_comment(name: str) -> None:
    comment = "".join(line for line in (FOLDER / f"{name}.sql").read_text().splitlines() if "--" in line)
    seeks = comment.partition("Seeks:")[2]
    for comparison in parsed(name).find_all(exp.EQ, exp.In, exp.GT, exp.LTE):
        if comparison.find(exp.Placeholder):
            assert comparison.this.name in seeks


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_comes_in_the_order_of_record_numbers(name: str) -> None:
    (order,) = parsed(name).find_all(exp.Order)
    assert order.sql() == "ORDER BY recnum"


def test_the_readme_names_every_key() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert all(f"`{key}`" in readme for key in KEYS)


def test_no_string_is_formatted_into_a_question() -> None:
    for path in Path(sage_adapter.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "").startswith("execute"):
                # Either a file's text, or a fixed statement that begins a connection or a transaction.
                assert path.name == "session.py"
                assert ast.unparse(node.args[0]) in (
                    "sql_text(name)",
                    "statement.format(**filled)",
                    "self.dialect.transaction",
                    "'COMMIT'",
                )


def test_what_begins_a_connection_or_a_transaction_sets_limits_and_nothing_else() -> None:
    """All that is said beside the files. What is filled in are limits, and a practice company.s files."""
    said = {
        words.strip()
        for one in dialects.ALL
        for statement in (*one.start, *one.start_plain, one.transaction)
        for words in statement.split(";")
        if words
    }
    assert said == {
        "SET NOCOUNT ON",
        "SET LOCK_TIMEOUT {lock_wait}",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET DEADLOCK_PRIORITY LOW",
        "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
        "BEGIN TRANSACTION",
        "SET default_transaction_read_only = on",
        "SET lock_timeout = {lock_wait}",
        "SET statement_timeout = {statement_wait}",
        "START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "ATTACH DATABASE '{company}' AS dbo",
        "ATTACH DATABASE '{audit}' AS dbo_Audit",
        "PRAGMA query_only = 1",
    }


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_function_but_counting_and_no_row_limit(name: str) -> None:
    statement = parsed(name)
    functions = [one for one in statement.find_all(exp.Func) if not isinstance(one, exp.And | exp.Or)]
    assert all(isinstance(one, ALLOWED_FUNCTIONS) for one in functions)
    assert not list(statement.find_all(exp.Limit, exp.Fetch, exp.Offset))


@pytest.mark.parametrize("name", QUESTIONS)
def test_keyword_names_are_quoted(name: str) -> None:
    for identifier in parsed(name).find_all(exp.Identifier):
        if identifier.name.casefold() == "change" or identifier.name.startswith("_"):
            assert identifier.quoted


def test_every_needed_column_is_one_that_is_asked_for() -> None:
    from sage_adapter.handshake import NEEDED

    asked = " ".join(session.sql_text(name) for name in QUESTIONS)
    for table, columns in NEEDED.items():
        assert table in asked
        for column in columns:
            assert column in asked

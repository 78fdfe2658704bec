"""Every question to Sage reads, by key, and nothing else."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import sage_adapter
from sage_adapter import session

FOLDER = Path(sage_adapter.__file__).parent / "sql"
FILES = sorted(path.name.removesuffix(".sql") for path in FOLDER.glob("*.sql"))
HANDSHAKES = [name for name in FILES if name.startswith("handshake.")]
QUESTIONS = [name for name in FILES if name not in HANDSHAKES]
KEYS = {"recnum", "_idnum", "jobnum", "vndctc"}
ALLOWED_FUNCTIONS = (exp.Count, exp.Min, exp.Max)


def parsed(name: str, dialect: str = "tsql") -> exp.Expr:
    statements = sqlglot.parse(session.sql_text(name), dialect=dialect)
    assert len(statements) == 1
    assert statements[0] is not None
    return statements[0]


def test_there_is_a_handshake_for_every_server() -> None:
    assert HANDSHAKES == ["handshake.postgresql", "handshake.sqlite", "handshake.sqlserver"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_why_it_exists_and_which_key_it_seeks(name: str) -> None:
    comment = [line for line in (FOLDER / f"{name}.sql").read_text().splitlines() if line.startswith("--")]
    assert comment
    assert name in HANDSHAKES or any("Seeks:" in line for line in comment)
    assert "--" not in session.sql_text(name)


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("dialect", ["tsql", "postgres", "sqlite"])
def test_a_question_is_one_select_for_every_server(name: str, dialect: str) -> None:
    statement = parsed(name, dialect)
    assert isinstance(statement, exp.Query)
    assert not list(
        statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.DDL, exp.Into, exp.Command)
    )
    assert name == "carriers" or isinstance(statement, exp.Select)


@pytest.mark.parametrize(
    ("name", "dialect"), list(zip(HANDSHAKES, ["postgres", "sqlite", "tsql"], strict=True))
)
def test_a_handshake_is_one_select_too(name: str, dialect: str) -> None:
    statement = parsed(name, dialect)
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
    tables = list(parsed(name).find_all(exp.Table))
    assert tables
    assert {table.db for table in tables} <= {"dbo", "dbo_Audit"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_only_keys_are_compared_and_only_with_parameters(name: str) -> None:
    for where in parsed(name).find_all(exp.Where):
        for comparison in where.find_all(exp.Predicate):
            assert isinstance(comparison, exp.EQ)
            assert comparison.left.name in KEYS
            assert isinstance(comparison.right, exp.Placeholder)
            assert comparison.right.name in ("", "?")  # a plain question mark, not a name


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
        if table == "dbo.actpay":  # read when vendors are listed
            continue
        assert table in asked
        for column in columns:
            assert column in asked

"""Every question to Sage reads, by key, and nothing else."""

import ast
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import sage_adapter
from sage_adapter import dialects, session

FOLDER = Path(sage_adapter.__file__).parent / "sql"
FILES = sorted(path.name.removesuffix(".sql") for path in FOLDER.glob("*.sql"))
SERVERS = {"sqlserver": "tsql", "postgresql": "postgres", "sqlite": "sqlite"}
OF_ONE_SERVER = [name for name in FILES if name.rpartition(".")[2] in SERVERS]
"""What only one kind of server can be asked: about itself, never about data."""
QUESTIONS = [name for name in FILES if name not in OF_ONE_SERVER]
STREAMS = [name for name in FILES if name.startswith("stream_") and name != "stream_span"]
KEYS = {"recnum", "_idnum", "_idref", "jobnum", "vndctc"}
ALLOWED_FUNCTIONS = (exp.Count, exp.Min, exp.Max, exp.Case, exp.If, exp.Exists, exp.And, exp.Or)
DELETES = "\"_Action\" IN ('delete', 'Delete', 'DELETE', 'd', 'D')"
SAVES = "j.\"_Action\" IN ('insert', 'Insert', 'INSERT', 'i', 'I', 'update', 'Update', 'UPDATE', 'u', 'U')"
FIXED: dict[str, set[str]] = {
    "look": {
        # Only where the record numbers did not lead to all of the row ids.
        "n < ?",
        # The one record that a company with a single link has for a control.
        "recnum = (SELECT MIN(recnum) FROM dbo.prmchg)",
        # A job that is not in progress.
        "j.status IS NULL",
        "j.status IN (1, 3, 4, 5)",
    },
    "history": {SAVES},
    "history_reach": {DELETES},
    "history_newest": {'"_Date" = (SELECT MAX("_Date") FROM "dbo_Audit".prmchg)'},
    "stream_lines": {"vndctc IS NULL"},  # negated: pure budget changes have none
    # A row without a record number is in no range.
    "unnumbered_change_orders": {"recnum IS NULL"},
    "unnumbered_lines": {"recnum IS NULL"},
}
"""All that is compared beside keys with parameters: the same words for every record."""


VARIANTS: dict[str, list[tuple[str, ...]]] = {
    "look": [(), ("idref",), ("left",), ("idref", "left")],
    "history": [(), ("jobs",)],
}
"""What may be left out of a question: Sage's tables differ, and so do rights."""
SIZES = (("asked", 2), ("records", 3), ("jobs", 2), ("left", 1), ("subcontracts", 2))


def without_what(name: str) -> list[tuple[str, ...]]:
    return VARIANTS.get(name, [()])


def every(name: str, dialect: str = "tsql") -> list[exp.Expr]:
    """The question in every form in which it is asked."""
    return [parsed(name, dialect, without) for without in without_what(name)]


def parsed(name: str, dialect: str = "tsql", without: tuple[str, ...] = ()) -> exp.Expr:
    statements = sqlglot.parse(session.sql_text(name, SIZES, without), dialect=dialect)
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
    for statement in every(name, dialect):
        assert isinstance(statement, exp.Query)
        assert not list(
            statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.DDL, exp.Into, exp.Command)
        )
    assert name in ("look", "carriers", "history") or isinstance(statement, exp.Select)


@pytest.mark.parametrize("without", VARIANTS["look"])
def test_a_look_asks_for_nothing_that_is_left_out(without: tuple[str, ...]) -> None:
    words = session.sql_text("look", SIZES, without)
    assert ("_idref" in words) == ("idref" not in without)
    assert words.count('"_idnum" IN (?)') == (0 if "left" in without else 1)
    assert not {"{", "}", "|"} & set(words)


@pytest.mark.parametrize("without", VARIANTS["history"])
def test_the_history_of_jobs_is_asked_only_where_it_may_be_read(without: tuple[str, ...]) -> None:
    assert ("actrec" in session.sql_text("history", SIZES, without)) == (not without)


def test_a_list_has_as_many_parameters_as_it_is_given_keys() -> None:
    for keys in (1, 2, 50, 400):
        words = session.sql_text("history", (("records", keys), ("jobs", 0)), ("jobs",))
        assert words.count("?") == keys


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
    for statement in every(name):
        of_its_own = {one.alias for one in statement.find_all(exp.CTE)}
        tables = [one for one in statement.find_all(exp.Table) if one.name not in of_its_own or one.db]
        assert tables
        assert {table.db for table in tables} <= {"dbo", "dbo_Audit"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_only_keys_are_compared_and_only_with_parameters(name: str) -> None:
    for statement in every(name):
        for where in statement.find_all(exp.Where):
            for comparison in where.find_all(exp.Predicate):
                if isinstance(comparison, exp.Exists) or comparison.sql() in FIXED.get(name, ()):
                    continue
                ranges = (exp.GT, exp.LTE) if name in STREAMS else ()
                assert isinstance(comparison, exp.EQ | exp.In) or type(comparison) in ranges, comparison.sql()
                assert comparison.this.name in KEYS
                values = comparison.expressions or [comparison.expression]
                assert len(values) in (1, *(size for _, size in SIZES))
                for value in values:
                    assert isinstance(value, exp.Placeholder)
                    assert value.name in ("", "?")  # a plain question mark, not a name


def test_what_is_compared_beside_keys_is_really_compared() -> None:
    """The list of what is fixed has nothing on it that is not asked."""
    for name, words in FIXED.items():
        there = {one.sql() for one in parsed(name).find_all(exp.Predicate)}
        assert words <= there


@pytest.mark.parametrize("name", ["look", "carriers", "history"])
def test_no_look_counts_a_whole_table(name: str) -> None:
    """Under locking reads somebody who is saving would keep it waiting; the lowest key is at its end."""
    for statement in every(name):
        of_its_own = {one.alias for one in statement.find_all(exp.CTE)}
        for select in statement.find_all(exp.Select):
            source = select.args.get("from_") or select.args.get("from")
            if source is None or source.this.name in of_its_own:
                continue
            assert select.args.get("where") or select.sql() == "SELECT MIN(recnum) FROM dbo.prmchg"


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_first_part_of_a_union_gives_every_column_a_type(name: str) -> None:
    """SQL Server takes a NULL without a type for a number, which a row id does not go into."""
    for statement in every(name):
        for union in statement.find_all(exp.Union):
            first = union.left
            while isinstance(first, exp.Union):
                first = first.left
            assert isinstance(first, exp.Select)
            assert not any(isinstance(column.unalias(), exp.Null) for column in first.expressions)
            assert len(first.expressions) == len(union.right.expressions)


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
                    "text",  # of what `_asked` is given
                    "statement.format(**filled)",
                    "self.dialect.transaction",
                    "'COMMIT'",
                )


def test_what_is_asked_is_the_text_of_a_file() -> None:
    tree = ast.parse((Path(sage_adapter.__file__).parent / "session.py").read_text())
    given = {
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_asked"
    }
    assert given == {"text", "sql_text(name)"}
    [ask] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "ask"]
    [made] = [node for node in ast.walk(ask) if isinstance(node, ast.Assign) and "text" in ast.unparse(node)]
    assert ast.unparse(made).startswith("text = sql_text(name, ")


def test_what_begins_a_connection_or_a_transaction_sets_limits_and_nothing_else() -> None:
    """All that is said beside the files. What is filled in are limits, and a practice company's files."""
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
    for statement in every(name):
        assert all(isinstance(one, ALLOWED_FUNCTIONS) for one in statement.find_all(exp.Func))
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

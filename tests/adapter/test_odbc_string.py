"""Connection strings: what is read from them is what was meant, and nothing of them is repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_adapter import odbc_string
from sage_adapter.odbc_string import database_named_in, parse, render, value_of, with_value


@pytest.mark.parametrize(
    ("written", "database"),
    [
        ("DRIVER={ODBC Driver 18};SERVER=x;DATABASE=Harbor Point;UID=reader", "Harbor Point"),
        ("driver=FreeTDS;database = Harbor Point ;", "Harbor Point"),
        ("DRIVER=x;DATABASE={Harbor; Point}", "Harbor; Point"),
        ("DRIVER=x;DATABASE={Harbor }}Point{{}", "Harbor }Point{{"),
        ("PWD={;DATABASE=Other;};DATABASE=Harbor Point", "Harbor Point"),
        ("DATABASE={Harbor Point} ; UID=reader;;", "Harbor Point"),
    ],
)
def test_the_database_is_read_as_the_driver_would(written: str, database: str) -> None:
    assert database_named_in(written) == database


@pytest.mark.parametrize(
    "written",
    [
        "",
        "DRIVER=x;SERVER=y",
        "DRIVER=x;DATABASE=",
        "DRIVER=x;DATABASE={ }",
        "DRIVER=x;DATABASE=a;database=b",
        "DRIVER=x;DATABASE={a",
        "DRIVER=x;DATABASE={a}b",
        "DRIVER=x;secret-password",
        "=x;DATABASE=a",
        "PWD;DATABASE=a",
    ],
)
def test_a_string_without_one_clear_database_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(ValueError, match=r"^The connection string") as refused:
        database_named_in(written)
    assert "secret" not in str(refused.value)


_KEYWORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=12)
_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20).filter(
    lambda value: value == value.strip()
)


@given(st.lists(st.tuples(_KEYWORDS, _VALUES), max_size=6))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    assert parse(render(pairs)) == tuple(pairs)


def test_a_value_with_a_semicolon_cannot_become_another_keyword() -> None:
    pairs = parse(render([("UID", "reader;DATABASE=Other"), ("DATABASE", "Mine")]))
    assert value_of(pairs, "database") == "Mine"


def test_a_value_replaces_every_former_one_whatever_its_case() -> None:
    pairs = with_value(parse("database=a;SERVER=s;DATABASE=b"), "Database", "c")
    assert pairs == (("SERVER", "s"), ("Database", "c"))


def test_the_value_of_a_keyword_that_is_not_there_is_empty() -> None:
    assert odbc_string.value_of((("SERVER", "s"),), "APP") == ""

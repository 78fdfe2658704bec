"""Reading and writing ODBC connection strings: `KEY=value;KEY={value with ; in it};`.

A value in braces may hold anything; a closing brace inside it is written twice (Microsoft: "SQLDriverConnect
Function", connection strings). Nothing here repeats a value in an error, since values are secrets.
"""

from collections.abc import Iterable

Pair = tuple[str, str]

_NEEDS_BRACES = frozenset("[]{}(),;?*=!@")


def parse(odbc_string: str) -> tuple[Pair, ...]:
    """The keywords and values, in their order, keywords as written.

    Raises `ValueError` in plain words where the string cannot be understood.
    """
    pairs: list[Pair] = []
    rest = odbc_string.lstrip()
    while rest:
        keyword, equals, rest = rest.partition("=")
        keyword = keyword.strip()
        if not equals:
            raise ValueError("The connection string has a part without an equals sign.")
        if not keyword or ";" in keyword:
            raise ValueError("The connection string has a part without a keyword and a value.")
        value, rest = _value(rest.lstrip())
        pairs.append((keyword, value))
        rest = rest.lstrip("; \t\r\n")
    return tuple(pairs)


def _value(text: str) -> Pair:
    if not text.startswith("{"):
        value, _, rest = text.partition(";")
        return value.strip(), rest
    value, at = "", 1
    while True:
        end = text.find("}", at)
        if end < 0:
            raise ValueError("The connection string opens a brace that it does not close.")
        value += text[at:end]
        if not text.startswith("}}", end):
            break
        value, at = value + "}", end + 2
    rest = text[end + 1 :].lstrip()
    if rest and not rest.startswith(";"):
        raise ValueError("The connection string goes on after a closing brace; double a brace that is meant.")
    return value, rest


def render(pairs: Iterable[Pair]) -> str:
    """The string that `parse` reads back as `pairs`."""
    return "".join(f"{keyword}={_written(value)};" for keyword, value in pairs)


def _written(value: str) -> str:
    if _NEEDS_BRACES.isdisjoint(value) and value == value.strip():
        return value
    return "{" + value.replace("}", "}}") + "}"


def value_of(pairs: Iterable[Pair], *keywords: str) -> str:
    """The value of the first of `keywords` that is there, compared without case; empty when none is."""
    wanted = {keyword.casefold() for keyword in keywords}
    return next((value for keyword, value in pairs if keyword.casefold() in wanted), "")


def with_value(pairs: Iterable[Pair], keyword: str, value: str) -> tuple[Pair, ...]:
    """`pairs` with that one value for `keyword`, wherever it stood before."""
    kept = tuple(pair for pair in pairs if pair[0].casefold() != keyword.casefold())
    return (*kept, (keyword, value))


def database_named_in(odbc_string: str) -> str:
    """The database that the string names with `DATABASE=`.

    Without it a server picks the login's default database, which somebody else may change; so it must be
    named. Raises `ValueError` in plain words when it is not, or is named twice, or the string is broken.
    """
    named = [value for keyword, value in parse(odbc_string) if keyword.casefold() == "database"]
    if not named or not named[0].strip():
        raise ValueError(
            "The connection string names no database. Add DATABASE= with the company's database."
        )
    if len(named) > 1:
        raise ValueError("The connection string names a database more than once.")
    return named[0].strip()

"""Connection strings: what is read from them is what was meant, and nothing of them is repeated."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from erp_integrations.ports import PartRefused, ServerParts
from sage_adapter import odbc_string
from sage_adapter.odbc_string import MICROSOFT_18, database_named_in, parse, render, value_of, with_value


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


# --- what is accepted ------------------------------------------------------------------------------

GOOD = "SERVER=sage,14330;DATABASE=Harbor Point;UID=reader;PWD=secret-word"


@pytest.mark.parametrize(
    "string",
    [
        f"DRIVER={{ODBC Driver 18 for SQL Server}};{GOOD};Encrypt=strict;HostnameInCertificate=sage.example",
        f"DRIVER=ODBC Driver 18 for SQL Server;{GOOD};Encrypt=yes;TrustServerCertificate=yes;APP=Plumbline",
        f"driver=freetds;{GOOD};Port=1433;TDS_Version=7.4;ClientCharset=UTF-8;Encryption=require",
        f"{GOOD};MARS_Connection=no;Trusted_Connection=no;ApplicationIntent=ReadOnly;ConnectRetryCount=1",
        "DRIVER=SQLite3;DATABASE=/books/company.sqlite;Timeout=100",
        "DRIVER={PostgreSQL Unicode};Servername=db;PORT=5432;DATABASE=x;UID=a;PWD=b;SSLmode=require",
    ],
)
def test_what_our_drivers_need_is_accepted(string: str) -> None:
    odbc_string.check(string)


@pytest.mark.parametrize(
    ("part", "keyword"),
    [
        ("DRIVER=/tmp/libevil.so", "DRIVER"),
        ("DRIVER={Some Other Driver}", "DRIVER"),
        ("DRIVER=/nowhere/libmsodbcsql-18.6.so.1.1", "DRIVER"),
        ("DRIVER=", "DRIVER"),
        ("Trusted_Connection=yes", "Trusted_Connection"),
        ("trusted_connection={Yes}", "trusted_connection"),
        ("MARS_Connection=yes", "MARS_Connection"),
        ("DSN=other", "DSN"),
        ("FILEDSN=/tmp/x.dsn", "FILEDSN"),
        ("SAVEFILE=/tmp/x.dsn", "SAVEFILE"),
        ("LoadExt=/tmp/evil.so", "LoadExt"),
        ("ConnSettings=DELETE FROM dbo.prmchg", "ConnSettings"),
        ("AttachDBFileName=x", "AttachDBFileName"),
        ("Authentication=ActiveDirectoryMsi", "Authentication"),
        ("APP=A name of more than thirty letters", "APP"),
        ("Encrypt=maybe", "Encrypt"),
        ("TDS_Version=4.2", "TDS_Version"),
        ("ClientCharset=CP1252", "ClientCharset"),
        ("server=another", "server"),
        ("WSID={a\x00b}", "WSID"),
    ],
)
def test_what_is_not_on_the_list_is_refused_with_the_keywords_name_and_no_value(
    part: str, keyword: str
) -> None:
    with pytest.raises(ValueError, match=f"keyword {keyword} ") as refused:
        odbc_string.check(f"{GOOD};{part}")
    assert "secret-word" not in str(refused.value)
    value = part.partition("=")[2].strip("{}")
    assert not value or value.casefold() == "yes" or value not in str(refused.value)


def test_a_keyword_that_may_be_a_piece_of_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="that cannot be read") as refused:
        odbc_string.check("SERVER=x;PWD=abc;d$f!gh=1;DATABASE=y")
    assert "d$f" not in str(refused.value)


def test_microsofts_library_is_accepted_by_the_full_path_of_a_file_that_is_there(tmp_path: Path) -> None:
    library = tmp_path / "libmsodbcsql-18.6.so.1.1"
    with pytest.raises(odbc_string.DriverNotKnown):
        odbc_string.check(f"DRIVER={library};{GOOD}")
    library.touch()
    odbc_string.check(f"DRIVER={{{library}}};{GOOD}")
    other = tmp_path / "libevil.so"
    other.touch()
    with pytest.raises(odbc_string.DriverNotKnown):
        odbc_string.check(f"DRIVER={other};{GOOD}")


# --- building --------------------------------------------------------------------------------------

HARD = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f"), max_size=30)


@given(HARD, HARD, HARD)
def test_whatever_stands_in_a_field_is_what_the_driver_gets(database: str, login: str, password: str) -> None:
    assume(database.strip() and login.strip())
    built = odbc_string.build(server="sage", port=1433, database=database, login=login, password=password)
    pairs = parse(built)
    assert database_named_in(built) == database.strip()
    assert value_of(pairs, "UID") == login.strip()
    assert value_of(pairs, "PWD") == password
    assert value_of(pairs, "SERVER") == "sage"


def test_encryption_is_on_unless_it_is_said_to_be_off() -> None:
    fields = {"server": "sage", "database": "x", "login": "a", "password": "b"}
    assert value_of(parse(odbc_string.build(**fields)), "Encrypt") == "yes"  # type: ignore[arg-type]
    assert value_of(parse(odbc_string.build(**fields)), "TrustServerCertificate") == ""  # type: ignore[arg-type]
    trusting = parse(odbc_string.build(**fields, trust_certificate=True))  # type: ignore[arg-type]
    assert value_of(trusting, "TrustServerCertificate") == "yes"
    assert value_of(parse(odbc_string.build(**fields, encrypt=False)), "Encrypt") == "no"  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["server", "database", "login"])
def test_a_field_that_must_be_there_is_asked_for(missing: str) -> None:
    fields = {"server": "sage", "database": "x", "login": "a", "password": "b"} | {missing: " "}
    with pytest.raises(ValueError, match=missing):
        odbc_string.build(**fields)  # type: ignore[arg-type]


# --- drivers ---------------------------------------------------------------------------------------


def test_microsofts_driver_is_chosen_before_freetds() -> None:
    assert odbc_string.preferred_driver(["FreeTDS", "SQLite3", MICROSOFT_18]) == MICROSOFT_18
    assert odbc_string.preferred_driver(["SQLite3", "freetds"]) == "freetds"
    assert odbc_string.preferred_driver(["SQLite3", "ODBC Driver 13 for SQL Server"]) is None


def test_each_driver_gets_the_server_and_the_encryption_in_its_own_words() -> None:
    fields = parse("SERVER=tcp:sage,14330;DATABASE=x;Encrypt=yes;TrustServerCertificate=yes")
    freetds = odbc_string.for_driver(odbc_string.with_driver(fields, "FreeTDS"))
    assert dict(freetds) == {
        "DRIVER": "FreeTDS",
        "SERVER": "sage",
        "PORT": "14330",
        "DATABASE": "x",
        "Encryption": "require",
        "TDS_Version": "7.4",
        "ClientCharset": "UTF-8",
    }
    fields = parse("SERVER=sage;PORT=14330;DATABASE=x;Encrypt=yes;TDS_Version=7.4")
    microsoft = odbc_string.for_driver(odbc_string.with_driver(fields, MICROSOFT_18))
    assert dict(microsoft) == {
        "DRIVER": MICROSOFT_18,
        "DATABASE": "x",
        "Encrypt": "yes",
        "SERVER": "sage,14330",
    }


def test_one_server_is_one_server_however_it_is_written() -> None:
    written = (
        "SERVER=tcp:Sage,1433",
        "SERVER=sage;PORT=1433",
        "Servername=SAGE;Port=1433",
        "SERVER=sage, 1433",
    )
    assert {odbc_string.server_of(parse(one)) for one in written} == {"sage,1433"}


# --- as the parts of a form ------------------------------------------------------------------------

PARTS = st.builds(
    ServerParts,
    server=HARD.map(str.strip).filter(lambda server: server and "," not in server and server[:4] != "tcp:"),
    database=HARD.map(str.strip).filter(bool),
    login=HARD.map(str.strip).filter(bool),
    password=HARD,
    port=st.none() | st.integers(1, 65_535),
    driver=st.sampled_from(["", MICROSOFT_18]),
    encrypt=st.just(value=True),
    trust_certificate=st.booleans(),
    certificate_host=HARD.map(str.strip),
    application_name=HARD.map(str.strip).filter(lambda name: not name.casefold().startswith("sage")),
)


@given(PARTS)
def test_parts_come_back_as_they_were_written(parts: ServerParts) -> None:
    assert odbc_string.parts_of(odbc_string.string_of(parts)) == parts


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("SERVER=tcp:sage,14330;DATABASE=x;UID=a;PWD=b", {"port": 14330}),
        ("SERVER=sage;PORT=14330;DATABASE=x;UID=a;PWD=b;Encrypt=Mandatory", {"port": 14330}),
        ("SERVER=sage;DATABASE=x;UID=a;PWD=b;Encrypt=no;TrustServerCertificate=yes", {"encrypt": False}),
        ("SERVER=sage;DATABASE=x;UID=a;PWD=b;Encryption=require", {}),
        ("SERVER=sage;DATABASE=x;UID=a;PWD=b;Encrypt=strict", {"others": ("Encrypt",)}),
        (
            "SERVER=sage;DATABASE=x;UID=a;PWD=b;KeepAlive=3;a-b=1",
            {"others": ("KeepAlive", "that cannot be read")},
        ),
    ],
)
def test_what_a_command_stored_is_shown_in_parts_and_the_rest_is_named(
    written: str, changed: dict[str, Any]
) -> None:
    plain = ServerParts(server="sage", database="x", login="a", password="b")
    assert odbc_string.parts_of(written) == dataclasses.replace(plain, **changed)


def test_a_server_in_a_file_of_the_driver_is_no_server_of_the_form() -> None:
    """Its name leads elsewhere than the same name as a host would."""
    parts = odbc_string.parts_of("Servername=sage;DATABASE=x;UID=a;PWD=b")
    assert (parts.server, parts.others) == ("", ("Servername",))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("driver", "/opt/evil.so"),
        ("server", "sage\nPWD=x"),
        ("application_name", "sage.100.contractor"),
        ("application_name", "x" * 31),
        ("password", "secret};"),
        ("certificate_host", "\x7f"),
    ],
)
def test_a_part_that_cannot_be_is_named_without_its_value(part: str, value: str) -> None:
    parts = ServerParts(server="sage", database="x", login="a", password="b", driver="FreeTDS")
    wanted: dict[str, Any] = {part: value}
    with pytest.raises(PartRefused) as refused:
        odbc_string.string_of(dataclasses.replace(parts, **wanted))
    assert refused.value.part == part
    assert value not in str(refused.value)

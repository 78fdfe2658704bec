"""The script for the Sage administrator: whatever stands in a name, it can be nothing but a name."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sage_adapter.login_script import login_script

STATEMENTS = """\
USE [];
IF DB_ID(N'') IS NULL THROW 50000, N'', 1;
IF SUSER_ID(N'') IS NULL CREATE LOGIN [] WITH PASSWORD = N'', CHECK_POLICY = ON;
USE [];
IF USER_ID(N'') IS NULL CREATE USER [] FOR LOGIN [];
ALTER ROLE [] ADD MEMBER [];
GRANT VIEW DEFINITION TO [];
"""
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=20)


def bare(script: str) -> str:
    """The statements as T-SQL reads them: without comments, and with every name and text left empty."""
    read = re.sub(
        r"--[^\n]*|\[(?:[^\]]|\]\])*\]|N'(?:[^']|'')*'",
        lambda found: {"-": "", "[": "[]", "N": "N''"}[found[0][0]],
        script,
    )
    return " ".join(read.split())


@given(NAMES, NAMES)
def test_no_name_becomes_a_statement(database: str, login: str) -> None:
    assert bare(login_script(database=database, login=login)) == " ".join(STATEMENTS.split())


def test_it_gives_reading_and_nothing_more() -> None:
    script = login_script(database="O'Brien [North]", login="plumbline_reader")

    assert "USE [O'Brien [North]]];" in script
    assert "N'O''Brien [North]'" in script
    assert "ALTER ROLE [db_datareader] ADD MEMBER [plumbline_reader];" in script
    for right in ("db_owner", "db_datawriter", "sysadmin", "CONTROL", "INSERT", "UPDATE", "DELETE"):
        assert right not in script

"""The script with which the Sage administrator makes Plumbline's login: made to be read, run by a person."""

_PLACEHOLDER = "put a long password of your own here"

_SCRIPT = """\
-- Makes a login that can read one company and nothing else. It changes nothing in Sage's data.
-- Run it in SQL Server Management Studio as an administrator; twice does no harm.
-- First put a password of your own between the quotes behind PASSWORD.
USE [master];
IF DB_ID(N{database_text}) IS NULL
    THROW 50000, N'There is no database of this name on this server. Nothing was made.', 1;

IF SUSER_ID(N{login_text}) IS NULL
    CREATE LOGIN {login} WITH PASSWORD = N{password}, CHECK_POLICY = ON;

USE {database};
IF USER_ID(N{login_text}) IS NULL
    CREATE USER {login} FOR LOGIN {login};

-- Reads all tables of this company, Sage's history of changes (dbo_Audit) included.
ALTER ROLE [db_datareader] ADD MEMBER {login};

-- Shows whether a security policy hides rows. Gives no right to read or change data.
GRANT VIEW DEFINITION TO {login};
"""


def login_script(*, database: str, login: str) -> str:
    """T-SQL for SQL Server 2012 and later, with both names quoted so that they can be nothing but names.

    The password is a placeholder: Plumbline never writes one down.
    """
    return _SCRIPT.format(
        database=_name(database),
        database_text=_text(database),
        login=_name(login),
        login_text=_text(login),
        password=_text(_PLACEHOLDER),
    )


def _name(name: str) -> str:
    """As QUOTENAME writes it."""
    return "[" + name.replace("]", "]]") + "]"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

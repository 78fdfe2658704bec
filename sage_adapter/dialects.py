"""What differs between the database servers that a connection may lead to: data, nothing else."""

from dataclasses import dataclass

LOCK_WAIT_MILLISECONDS = 3000
"""How long a question waits for somebody who is saving, before it gives up and asks again."""
LOCK_WAIT_SHARE = 0.8
"""At most this share of the time that is left: the rest is for what is said before and after."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server. `{…}` in `start` is filled in by the session."""

    handshake: str
    """The query of `sql/` that asks the server about itself and us; without its answer there is no look."""
    more: tuple[str, ...] = ()
    """Queries that every look asks too, and that a server of another make may not understand."""
    report: tuple[str, ...] = ()
    """The same, for the report on a connection only."""
    start: tuple[str, ...] = ()
    """Statements that begin every connection: limits and isolation, never data."""
    start_plain: tuple[str, ...] = ()
    """What begins it where the server does not know one of `start`."""
    transaction: str = ""
    """Begins the transaction that makes a whole look see one moment."""
    transaction_first: bool = False
    """Whether it can always be had, and so begins before the handshake; else where the handshake says so."""
    statement_timeout: bool = False
    """Whether the driver ends a statement that takes too long when it is told to."""
    has_logins: bool = True


_LIMITS = "SET NOCOUNT ON; SET LOCK_TIMEOUT {lock_wait}; SET TRANSACTION ISOLATION LEVEL READ COMMITTED"

SQL_SERVER = Dialect(
    handshake="handshake.sqlserver",
    more=("rights.sqlserver", "recovery.sqlserver"),
    report=("roles.sqlserver", "filters.sqlserver", "capabilities.sqlserver"),
    # A reader waits for a writer's row lock here (READ_COMMITTED_SNAPSHOT is off unless switched on), and
    # without a limit it waits for ever. LOW lets the people in Sage win a deadlock.
    start=(_LIMITS + "; SET DEADLOCK_PRIORITY LOW",),
    start_plain=(_LIMITS,),
    transaction="SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION",
    statement_timeout=True,
)

POSTGRESQL = Dialect(
    handshake="handshake.postgresql",
    # The driver knows no statement time-out (psqlODBC refuses Connection.timeout: HY000), the server does.
    start=(
        "SET default_transaction_read_only = on",
        "SET lock_timeout = {lock_wait}",
        "SET statement_timeout = {statement_wait}",
    ),
    transaction="START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    transaction_first=True,
)

SQLITE = Dialect(
    handshake="handshake.sqlite",
    start=(
        "ATTACH DATABASE '{company}' AS dbo",
        "ATTACH DATABASE '{audit}' AS dbo_Audit",
        "PRAGMA query_only = 1",
    ),
    # No transaction: SQLite's would keep the accountant waiting for as long as a look lasts, and what decides
    # is counted in one statement.
    has_logins=False,
)

SANDBOX = Dialect(handshake="handshake.sqlite", statement_timeout=True, has_logins=False)
"""The embedded practice company: its connection comes with everything attached and closed to writing."""


ALL = (SQL_SERVER, POSTGRESQL, SQLITE, SANDBOX)


def dialect_named(dbms_name: str) -> Dialect | None:
    """The dialect behind what a driver calls its server (ODBC: SQL_DBMS_NAME); None for one not supported."""
    name = dbms_name.casefold()
    known = {"sql server": SQL_SERVER, "postgresql": POSTGRESQL, "sqlite": SQLITE}
    return next((dialect for words, dialect in known.items() if words in name), None)

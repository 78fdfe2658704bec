"""What drivers say becomes a fault that says who can mend it. The triples were recorded from real drivers."""

import sqlite3
from pathlib import Path

import pytest

from erp_integrations.ports import FaultKind, Misconfigured, Unavailable, Unexpected, error_for
from sage_adapter.faults import FAULTS, fault, fault_of, without_a_reason

MS = "[Microsoft][ODBC Driver 18 for SQL Server]"
TDS = "[FreeTDS][SQL Server]"

# (class name, SQLSTATE, message, code)
RECORDED = [
    # nothing listens
    ("OperationalError", "HYT00", f"[HYT00] {MS}Login timeout expired (0) (SQLDriverConnect)", "unreachable"),
    (
        "OperationalError",
        "08S01",
        f"[08S01] {TDS}Unable to connect: Adaptive Server is unavailable or does not exist "
        "(20009) (SQLDriverConnect)",
        "unreachable",
    ),
    (
        "OperationalError",
        "08001",
        '[08001] connection to server at "10.0.0.9", port 1 failed: Connection refused\n '
        "(101) (SQLDriverConnect)",
        "unreachable",
    ),
    (
        "Error",
        "08001",
        f"[08001] {TDS}Unable to connect to data source (0) (SQLDriverConnect)",
        "unreachable",
    ),
    (
        "Error",
        "08001",
        f"[08001] {MS}TCP Provider: Error code 0x274D (10061) (SQLDriverConnect)",
        "unreachable",
    ),
    # refused at the door
    (
        "InterfaceError",
        "28000",
        f"[28000] {MS}[SQL Server]Login failed for user 'books-login'. (18456) (SQLDriverConnect)",
        "login-refused",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}Login failed for user 'books-login'. (18456) (SQLDriverConnect)",
        "login-refused",
    ),
    (
        "OperationalError",
        "08001",
        '[08001] connection to server failed: FATAL:  password authentication failed for user "books-login"\n'
        " (101) (SQLDriverConnect)",
        "login-refused",
    ),
    (
        "InterfaceError",
        "28P01",
        "[28P01] password authentication failed (7) (SQLDriverConnect)",
        "login-refused",
    ),
    (
        "InterfaceError",
        "42000",
        f"[42000] {MS}[SQL Server]Logon failed for login 'books-login' due to trigger "
        "execution. (17892) (SQLDriverConnect)",
        "application-refused",
    ),
    (
        "Error",
        "28000",
        f"[28000] {MS}[SQL Server]Logon failed for login 'books-login' due to trigger execution. (17892) "
        f"(SQLDriverConnect); [28000] {MS}[SQL Server]SAGE ERROR 50004 application is not "
        "allowed to connect (50004)",
        "application-refused",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}application is not allowed to connect (50004) (SQLDriverConnect)",
        "application-refused",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {MS}[SQL Server]Cannot open database (4060) (SQLDriverConnect)",
        "database-missing",
    ),
    (
        "InterfaceError",
        "28000",
        f"[28000] {MS}[SQL Server]Login failed for user 'books-login'. (18456) (SQLDriverConnect); "
        f"[42000] {MS}[SQL Server]Cannot open database requested by the login. (4060)",
        "database-missing",
    ),
    ("Error", "08004", f"[08004] {TDS}Database does not exist (911) (SQLDriverConnect)", "database-missing"),
    (
        "OperationalError",
        "08001",
        '[08001] connection to server failed: FATAL:  database "nowhere" does not exist\n '
        "(101) (SQLDriverConnect)",
        "database-missing",
    ),
    ("Error", "HY000", "[HY000] [SQLite]connect failed (14) (SQLDriverConnect)", "database-missing"),
    (
        "OperationalError",
        "08001",
        f"[08001] {MS}SSL Provider: [error:0A000086:SSL routines::certificate verify failed] "
        "(-1) (SQLDriverConnect)",
        "encryption-refused",
    ),
    (
        "OperationalError",
        "08001",
        f"[08001] {MS}Client unable to establish connection: TLS (0) (SQLDriverConnect)",
        "encryption-refused",
    ),
    # TLS that is too old, with which a certificate that is named too has nothing to do
    *(
        (
            "OperationalError",
            "08001",
            f"[08001] {MS}SSL Provider: {words} (-1) (SQLDriverConnect)",
            "tls-too-old",
        )
        for words in (
            "[error:0A000102:SSL routines::unsupported protocol]",
            "[error:0A000102:SSL routines::unsupported protocol][error:0A0000C7:SSL routines::peer did not "
            "return a certificate]",
            "[error:1425F102:SSL routines:ssl_choose_client_version:unsupported protocol]",
            "[error:0A00010B:SSL routines::wrong version number]",
            "[error:0A0000BF:SSL routines::no protocols available]",
            "[error:0A000152:SSL routines::unsafe legacy renegotiation disabled]",
            "[error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70]",
        )
    ),
    (
        "OperationalError",
        "08001",
        f"[08001] {MS}SSL Provider: Error code 0x2746 (10054) (SQLDriverConnect); [08001] {MS}Client unable "
        "to establish connection (10054)",
        "tls-too-old",
    ),
    (
        "OperationalError",
        "08001",
        f"[08001] {MS}SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed "
        "certificate] (-1) (SQLDriverConnect)",
        "encryption-refused",
    ),
    (
        "OperationalError",
        "08001",
        f"[08001] {MS}Encryption not supported on SQL Server. (20) (SQLDriverConnect)",
        "encryption-not-offered",
    ),
    (
        "OperationalError",
        "08001",
        '[08001] connection to server at "10.0.0.9", port 5432 failed: server does not support SSL, but SSL '
        "was required\n (101) (SQLDriverConnect)",
        "encryption-not-offered",
    ),
    # the server closes the connection before the sign-in is complete
    *(
        ("OperationalError", state, f"[{state}] {MS}{words} (SQLDriverConnect)", "sign-in-cut")
        for state in ("08001", "08S01")
        for words in ("TCP Provider: Error code 0x2746 (10054)", "TCP Provider: Error code 0x68 (104)")
    ),
    (
        "OperationalError",
        "08S01",
        f"[08S01] {TDS}Unexpected EOF from the server (20017) (SQLDriverConnect)",
        "sign-in-cut",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}SQL Server is not ready to accept new client connections. (17187) (SQLDriverConnect)",
        "server-starting",
    ),
    (
        "ProgrammingError",
        "42000",
        f'[42000] {MS}[SQL Server]role "books-login" is not permitted to log in (33557097) '
        "(SQLDriverConnect)",
        "login-refused",
    ),
    (
        "Error",
        "01000",
        "[01000] [unixODBC][Driver Manager]Can't open lib 'Nope' : file not found (0) (SQLDriverConnect)",
        "driver-missing",
    ),
    (
        "InterfaceError",
        "IM002",
        "[IM002] [unixODBC][Driver Manager]Data source name not found and no default driver specified (0) "
        "(SQLDriverConnect)",
        "driver-missing",
    ),
    ("Error", "HY000", f"[HY000] {MS}Protocol error in TDS stream (0) (SQLDriverConnect)", "server-starting"),
    (
        "OperationalError",
        "08001",
        "[08001] connection to server failed: FATAL:  the database system is starting up\n "
        "(101) (SQLDriverConnect)",
        "server-starting",
    ),
    # rights, tables and columns
    (
        "ProgrammingError",
        "42000",
        f"[42000] {MS}[SQL Server]The SELECT permission was denied on the object 'prmchg'. "
        "(229) (SQLExecDirectW)",
        "no-rights",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}The server principal is not able to access the database (916) (SQLExecDirectW)",
        "no-rights",
    ),
    (
        "Error",
        "42501",
        "[42501] ERROR: permission denied for table prmchg;\nError while executing the query "
        "(7) (SQLExecDirectW)",
        "no-rights",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}permission denied for table prmchg (33557097) (SQLExecDirectW)",
        "no-rights",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {MS}[SQL Server]Snapshot isolation transaction failed accessing database 'books' because "
        "snapshot isolation is not allowed in this database. (3952) (SQLExecDirectW)",
        "data-moved",
    ),
    (
        "ProgrammingError",
        "42S02",
        f"[42S02] {MS}[SQL Server]Invalid object name 'dbo.prmchg'. (208) (SQLExecDirectW)",
        "table-missing",
    ),
    (
        "ProgrammingError",
        "42S02",
        f"[42S02] {TDS}Invalid object name 'dbo.prmchg'. (208) (SQLExecDirectW)",
        "table-missing",
    ),
    (
        "ProgrammingError",
        "42P01",
        '[42P01] ERROR: relation "dbo.prmchg" does not exist (7) (SQLExecDirectW)',
        "table-missing",
    ),
    ("Error", "HY000", "[HY000] [SQLite]no such table: dbo.nope (1) (1) (SQLExecDirectW)", "table-missing"),
    (
        "ProgrammingError",
        "42S22",
        f"[42S22] {MS}[SQL Server]Invalid column name 'x'. (207) (SQLExecDirectW)",
        "column-missing",
    ),
    (
        "ProgrammingError",
        "42703",
        "[42703] ERROR: column does not exist (7) (SQLExecDirectW)",
        "column-missing",
    ),
    ("Error", "HY000", "[HY000] [SQLite]no such column: nocol (1) (1) (SQLExecDirectW)", "column-missing"),
    # slow, locked, lost
    ("OperationalError", "HYT00", f"[HYT00] {MS}Query timeout expired (0) (SQLExecDirectW)", "timed-out"),
    ("OperationalError", "HYT00", f"[HYT00] {TDS}Timeout expired (20003) (SQLExecDirectW)", "timed-out"),
    (
        "OperationalError",
        "HYT01",
        f"[HYT01] {MS}Connection timeout expired (0) (SQLExecDirectW)",
        "timed-out",
    ),
    (
        "Error",
        "57014",
        "[57014] ERROR: canceling statement due to statement timeout (7) (SQLExecDirectW)",
        "timed-out",
    ),
    *(
        (
            "ProgrammingError",
            "42000",
            f"[42000] {driver}canceling statement due to {cause} (33557097) (SQLExecDirectW)",
            code,
        )
        for driver in (f"{MS}[SQL Server]", TDS)
        for cause, code in (
            ("user request", "timed-out"),
            ("statement timeout", "timed-out"),
            ("lock timeout", "locked"),
            ("conflict with recovery", "data-moved"),
        )
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {MS}[SQL Server]Lock request time out period exceeded. (1222) (SQLExecDirectW)",
        "locked",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}Lock request time out period exceeded. (1222) (SQLExecDirectW)",
        "locked",
    ),
    (
        "Error",
        "55P03",
        "[55P03] ERROR: canceling statement due to lock timeout (7) (SQLExecDirectW)",
        "locked",
    ),
    ("Error", "HY000", "[HY000] [SQLite]database is locked (5) (5) (SQLExecDirectW)", "locked"),
    (
        "Error",
        "40001",
        f"[40001] {MS}[SQL Server]Transaction was deadlocked. (1205) (SQLExecDirectW)",
        "deadlock",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}Transaction was deadlocked. (1205) (SQLExecDirectW)",
        "deadlock",
    ),
    (
        "Error",
        "25000",
        f"[25000] {TDS}ROLLBACK has no corresponding BEGIN TRANSACTION. (3903) (SQLEndTran)",
        "deadlock",
    ),
    ("Error", "40P01", "[40P01] ERROR: deadlock detected (7) (SQLExecDirectW)", "deadlock"),
    (
        "Error",
        "HY000",
        f"[HY000] {MS}[SQL Server]Could not continue scan due to data movement. (601) (SQLExecDirectW)",
        "data-moved",
    ),
    (
        "OperationalError",
        "08S01",
        f"[08S01] {MS}TCP Provider: Error code 0x2746 (10054) (SQLExecDirectW)",
        "link-lost",
    ),
    (
        "OperationalError",
        "08S01",
        f"[08S01] {MS}TCP Provider: Error code 0x68 (104) (SQLExecDirectW)",
        "link-lost",
    ),
    ("Error", "01000", f"[01000] {TDS}Unexpected EOF from the server (20017) (SQLExecDirectW)", "link-lost"),
    ("Error", "HY000", f"[HY000] {TDS}Unknown error (0) (SQLExecDirectW)", "link-lost"),
    ("Error", "HY000", "The driver did not supply an error!", "link-lost"),
    (
        "OperationalError",
        "08S01",
        f"[08S01] {MS}Communication link failure (0) (SQLExecDirectW)",
        "link-lost",
    ),
    ("OperationalError", "08S01", "[08S01] no connection to the server (35) (SQLExecDirectW)", "link-lost"),
    (
        "Error",
        "57P01",
        "[57P01] FATAL: terminating connection due to administrator command (7) (SQLExecDirectW)",
        "link-lost",
    ),
    ("Error", "08003", f"[08003] {TDS}Connection not open (0) (SQLExecDirectW)", "link-lost"),
    # ours
    (
        "Error",
        "07002",
        f"[07002] {MS}COUNT field incorrect or syntax error (0) (SQLExecDirectW)",
        "too-many-parameters",
    ),
    (
        "ProgrammingError",
        "42000",
        f"[42000] {TDS}Too many parameters were provided (8003) (SQLExecDirectW)",
        "too-many-parameters",
    ),
    (
        "Error",
        "HY000",
        f"[HY000] {MS}Connection is busy with results for another command (0) (SQLExecDirectW)",
        "result-open",
    ),
    ("Error", "24000", f"[24000] {TDS}Invalid cursor state (0) (SQLExecDirectW)", "result-open"),
    # unknown
    (
        "ProgrammingError",
        "42000",
        f"[42000] {MS}[SQL Server]Something new. (99999) (SQLExecDirectW)",
        "unknown-error",
    ),
    ("Error", "HY000", f"[HY000] {MS}Something new (0) (SQLExecDirectW)", "unknown-error"),
]


@pytest.mark.parametrize(("name", "state", "message", "code"), RECORDED)
def test_a_recorded_error_is_told_by_number_and_state_never_by_its_class(
    name: str, state: str, message: str, code: str
) -> None:
    for class_name in {name, "Error", "DataError"}:
        error = type(class_name, (Exception,), {})(state, message)
        assert fault_of(error).code == code


@pytest.mark.parametrize(("_name", "state", "message", "_code"), RECORDED)
def test_no_word_of_the_driver_reaches_the_page(_name: str, state: str, message: str, _code: str) -> None:
    shown = fault_of(Exception(state, message))
    for secret in ("books-login", "10.0.0.9", "nowhere", "[", "SQLDriverConnect"):
        assert secret not in shown.what + shown.advice


def test_the_error_of_sqlite_itself_is_told_by_its_code() -> None:
    books = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.Error) as caught:
        books.execute("SELECT 1 FROM prmchg")
    assert fault_of(caught.value).code == "table-missing"
    with pytest.raises(sqlite3.Error) as caught:
        sqlite3.connect("file:/nowhere/company.sqlite?mode=ro", uri=True)
    assert fault_of(caught.value).code == "database-missing"


def test_a_number_in_the_middle_of_the_words_is_not_the_errors_number() -> None:
    error = Exception(
        "42000", f"[42000] {MS}[SQL Server]Invalid value (208) in column. (99999) (SQLExecDirectW)"
    )
    assert fault_of(error).code == "unknown-error"


def test_small_numbers_mean_sqlites_codes_only_when_sqlite_speaks() -> None:
    assert (
        fault_of(Exception("HY000", "[HY000] [FreeTDS]something (5) (SQLExecDirectW)")).code
        == "unknown-error"
    )


def test_what_no_database_raised_is_our_own_fault() -> None:
    assert fault_of(ZeroDivisionError("division by zero")).code == "internal-error"
    assert fault_of(KeyError("recnum")).code == "internal-error"
    assert fault_of(ValueError()).code == "internal-error"


def test_our_own_errors_keep_their_fault() -> None:
    known = fault("locked")
    assert fault_of(error_for(known)) is known


@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_says_what_happened_and_who_can_mend_it(code: str) -> None:
    known = FAULTS[code]
    assert known.what.endswith(".")
    assert known.advice.endswith(".")
    assert known.retry is False or known.kind is FaultKind.UNAVAILABLE
    family = {
        FaultKind.UNAVAILABLE: Unavailable,
        FaultKind.MISCONFIGURED: Misconfigured,
        FaultKind.UNEXPECTED: Unexpected,
    }
    assert type(error_for(known)) is family[known.kind]


@pytest.mark.parametrize("code", FAULTS)
def test_no_fault_says_that_nothing_was_changed_since_the_message_around_it_does(code: str) -> None:
    known = FAULTS[code]
    assert "nothing was" not in f"{known.what} {known.advice}".lower()


def test_old_tls_is_told_with_what_to_switch_on_and_not_with_the_certificate() -> None:
    advice = fault("tls-too-old").advice
    assert "TLS 1.2" in advice
    assert "MinProtocol" in advice
    assert "check the server's certificate" not in advice


@pytest.mark.parametrize(
    ("message", "without"),
    [
        (f"[08001] {TDS}Unable to connect to data source (0) (SQLDriverConnect)", True),
        (f"[08S01] {TDS}Unable to connect: Adaptive Server is unavailable (20009) (SQLDriverConnect)", False),
        (f"[08001] {MS}Encryption not supported on SQL Server. (20) (SQLDriverConnect)", False),
    ],
)
def test_only_freetds_gives_no_reason(message: str, *, without: bool) -> None:
    assert without_a_reason(Exception(message[1:6], message)) is without


def test_a_refused_application_name_says_where_it_is_approved() -> None:
    advice = fault("application-refused").advice
    assert "application name Plumbline" in advice
    assert (
        "Database Administration → Advanced Settings → Advanced SQL Server Settings → Edit Approvals"
        in advice
    )


def test_a_detail_ends_the_first_sentence() -> None:
    assert fault("table-missing", "dbo.prmchg").what.endswith("(dbo.prmchg)")


@pytest.mark.parametrize("code", FAULTS)
def test_the_how_to_explains_every_fault_in_its_own_words(code: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "what-each-error-means.md").read_text()
    known = FAULTS[code]
    tried = "yes" if known.retry else "no"
    assert f"| `{code}` | {known.what} | {known.advice} | {tried} |" in page


@pytest.mark.parametrize("number", [17892, 18456, 4060, 208, 207, 229, 916, 1222, 1205])
def test_the_how_to_knows_the_numbers_that_an_administrator_meets(number: int) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "what-each-error-means.md").read_text()
    assert str(number) in page.partition("From SQL Server")[2]

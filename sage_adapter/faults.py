"""From what a driver says to a `Fault` that says who can mend it.

Drivers raise the same event as different exception classes and under different SQLSTATEs, so the
server's own error number decides first, then telling words of the driver, then the SQLSTATE; the
exception class never does. What is in no table is Unexpected, and never means that a record is gone.

Sources: Microsoft, "Database Engine events and errors" (numbers); the ODBC reference, appendix A, and
PostgreSQL, appendix A (SQLSTATEs); SQLite, "Result and Error Codes"; Sage 100 Contractor, "Database and
Company Administration Guide" (application approvals, error 50004); the rest was measured with Microsoft's
driver 18, FreeTDS, psqlODBC and SQLite ODBC.
"""

import re
from dataclasses import dataclass, replace

from erp_integrations.ports import ErpError, Fault, FaultKind

_WAIT = FaultKind.UNAVAILABLE
_ADMINISTRATOR = FaultKind.MISCONFIGURED
_MAKERS = FaultKind.UNEXPECTED

_TELL_US = "Please tell support; the details are in Plumbline's log."
"""Like every advice without "Nothing was changed": the message that shows a fault says so once."""

_FAULTS: tuple[Fault, ...] = (
    # --- wait ---
    Fault(
        _WAIT,
        "unreachable",
        "Sage's database server cannot be reached.",
        "Try again in a few minutes. If it stays so, the Sage administrator can check that the server is on, "
        "accepts connections from other machines and is not in maintenance.",
        retry=True,
    ),
    Fault(
        _WAIT,
        "link-lost",
        "The connection to Sage's database was lost in the middle of a question.",
        "Try again. If it happens often, the Sage administrator can look at the network and the server.",
        retry=True,
    ),
    Fault(
        _WAIT,
        "server-starting",
        "Sage's database server is starting, stopping or recovering.",
        "Try again in a few minutes, when the Sage administrator's maintenance is over.",
    ),
    Fault(
        _WAIT,
        "database-in-maintenance",
        "Sage's company database is being restored or is reserved for maintenance.",
        "Try again when the Sage administrator's maintenance is over.",
    ),
    Fault(
        _WAIT,
        "timed-out",
        "Sage's database did not answer a question in time.",
        "Try again. If it stays so, the Sage administrator can see what keeps the server busy.",
        retry=True,
    ),
    Fault(
        _WAIT,
        "deadline",
        "Sage did not answer in time.",
        "Try again. If it stays so, the Sage administrator can see what keeps the server busy.",
    ),
    Fault(
        _WAIT,
        "locked",
        "A user is saving in Sage, and the records asked for are locked until that is done.",
        "Try again in a moment.",
        retry=True,
    ),
    Fault(
        _WAIT,
        "deadlock",
        "Sage's database ended the question (a deadlock): a Sage user was saving at the same time.",
        "Try again in a moment.",
        retry=True,
    ),
    Fault(
        _WAIT,
        "data-moved",
        "The records moved while Sage's database was reading them.",
        "Try again in a moment.",
        retry=True,
    ),
    Fault(
        _WAIT,
        "server-full",
        "Sage's database server has no room for another question now.",
        "Try again in a few minutes; the Sage administrator can see what fills the server.",
    ),
    Fault(
        _WAIT,
        "busy",
        "Plumbline is already asking this Sage server as many questions as it may at once.",
        "Try again in a moment.",
    ),
    Fault(
        _WAIT,
        "sage-changing",
        "Sage is changing: two looks, one after the other, did not see the same.",
        "Try again.",
    ),
    # --- an administrator ---
    Fault(
        _ADMINISTRATOR,
        "application-refused",
        "Sage's database server refuses applications that are not approved, and Plumbline is not.",
        "The Sage administrator must approve the application name Plumbline under Database Administration → "
        "Advanced Settings → Advanced SQL Server Settings → Edit Approvals.",
    ),
    Fault(
        _ADMINISTRATOR,
        "application-imitated",
        "The connection calls itself by the name of one of Sage's own programs.",
        "An ERP admin must remove APP= from the connection string; the Sage administrator then approves the "
        "application name Plumbline.",
    ),
    Fault(
        _ADMINISTRATOR,
        "login-refused",
        "Sage's database server refuses the login of the connection.",
        "The Sage administrator can check the login and its password; an ERP admin then stores the "
        "connection again.",
    ),
    Fault(
        _ADMINISTRATOR,
        "sign-in-cut",
        "Sage's database server was reached, and closed the connection before the sign-in was complete.",
        "Where the server is starting or busy, try again in a few minutes. Else the Sage administrator can "
        "check that it accepts TLS 1.2 and connections from Plumbline's server; SQL Server's error log says "
        "why it closed this one.",
    ),
    Fault(
        _ADMINISTRATOR,
        "login-may-write",
        "The login of the connection may change data in Sage, so Plumbline does not use it.",
        "The Sage administrator must give a login that can only read: db_datareader on the company database "
        "and nothing else.",
    ),
    Fault(
        _ADMINISTRATOR,
        "database-missing",
        "The company database is not there, or not open to the login of the connection.",
        "The Sage administrator can check the name of the database, that the login is a user in it, and that "
        "it is not being restored or moved.",
    ),
    Fault(
        _ADMINISTRATOR,
        "database-damaged",
        "The company database's file cannot be read as a database.",
        "The Sage administrator must restore it; then an ERP admin checks the connection.",
    ),
    Fault(
        _ADMINISTRATOR,
        "wrong-database",
        "Another database answered than the one this connection is for.",
        "An ERP admin must correct the database in the connection.",
    ),
    Fault(
        _ADMINISTRATOR,
        "other-incarnation",
        "This is not the database that was accepted: it may be a restored copy or another company under the "
        "same name.",
        "An ERP admin must check which database this is and accept it on the Connection page, with a reason.",
    ),
    Fault(
        _ADMINISTRATOR,
        "connection-unchecked",
        "No ERP admin has accepted the database behind this connection yet.",
        "An ERP admin must check and accept it on the Connection page.",
    ),
    Fault(
        _ADMINISTRATOR,
        "empty-database",
        "The company database holds no jobs at all, so nothing can be said about what is missing from it.",
        "The Sage administrator can check that this is the right database and that it is complete.",
    ),
    Fault(
        _ADMINISTRATOR,
        "no-control",
        "Nothing that should be there is there: of the other linked records, too many are missing from Sage.",
        "The Sage administrator can check that this database is complete. Where it is, ERP admins state that "
        "the record was deleted.",
    ),
    Fault(
        _ADMINISTRATOR,
        "history-silent",
        "The record is gone, and Sage's history knows of no deletion.",
        "The Sage administrator can find out how it was lost. Where it was deleted, ERP admins state so.",
    ),
    Fault(
        _ADMINISTRATOR,
        "deletion-of-closed-job",
        "The record was deleted while its job is closed, which archiving does too.",
        "If the job was not archived, set it to Current in Sage and unlink again; or ERP admins state that "
        "the record was deleted.",
    ),
    Fault(
        _ADMINISTRATOR,
        "no-rights",
        "The login of the connection may not read what is needed in Sage.",
        "The Sage administrator must give it db_datareader on the company database.",
    ),
    Fault(
        _ADMINISTRATOR,
        "table-missing",
        "A table that Plumbline reads is not in this database, or the login may not see it.",
        "The Sage administrator can check that this is a Sage 100 Contractor company and that the login has "
        "db_datareader there.",
    ),
    Fault(
        _ADMINISTRATOR,
        "column-missing",
        "A column that Plumbline reads is not in this database.",
        "The Sage administrator can check the version of Sage 100 Contractor; support can say which versions "
        "Plumbline reads.",
    ),
    Fault(
        _ADMINISTRATOR,
        "function-missing",
        "The server lacks a function of SQL Server that Plumbline asks with.",
        "The Sage administrator can check that the connection leads to Microsoft SQL Server 2012 or later.",
    ),
    Fault(
        _ADMINISTRATOR,
        "table-not-real",
        "A table that Plumbline reads is not a real table of Sage but a view, which may hide rows.",
        "The Sage administrator must point the connection at Sage's own company database.",
    ),
    Fault(
        _ADMINISTRATOR,
        "row-filter",
        "A security policy of the database may hide rows from the login of the connection.",
        "The Sage administrator must remove the policy, or exempt the login, before Plumbline can tell "
        "what is missing.",
    ),
    Fault(
        _ADMINISTRATOR,
        "row-filter-unknown",
        "The login of the connection may not see whether a security policy hides rows from it.",
        "The Sage administrator must GRANT VIEW DEFINITION to the login's user in the company database. It "
        "gives no right to read or change data.",
    ),
    Fault(
        _ADMINISTRATOR,
        "encryption-refused",
        "Plumbline and Sage's database server could not agree on an encrypted connection.",
        "The Sage administrator can check the server's certificate; an ERP admin then sets encryption in the "
        "connection string to match it.",
    ),
    Fault(
        _ADMINISTRATOR,
        "encryption-not-offered",
        "The connection asks for encryption, and Sage's database server was reached but offers none that the "
        "driver accepts.",
        "The Sage administrator can switch on encryption with TLS 1.2 on the server. Where it has none at "
        "all and the network is trusted, an ERP admin can switch encryption off in the connection. A server "
        "that is only starting answers in a few minutes.",
    ),
    Fault(
        _ADMINISTRATOR,
        "tls-too-old",
        "Sage's database server speaks only an old version of TLS, which the driver refuses.",
        "The Sage administrator must switch on TLS 1.2 on the server: SQL Server 2012, 2014 and 2016 may "
        "need Microsoft's update for it. Until then Plumbline's administrator can lower MinProtocol in "
        "OpenSSL's settings on Plumbline's server. The certificate is not the cause.",
    ),
    Fault(
        _ADMINISTRATOR,
        "driver-missing",
        "The connection's ODBC driver is not installed on Plumbline's server, or none that Plumbline uses.",
        "Plumbline's administrator must install the driver, or an ERP admin names one that is installed.",
    ),
    Fault(
        _ADMINISTRATOR,
        "connection-string",
        "The connection string cannot be understood, names no database, or has a part that is not accepted.",
        "An ERP admin must store the connection again.",
    ),
    Fault(
        _ADMINISTRATOR,
        "server-not-supported",
        "The connection leads to a kind of database server that Sage 100 Contractor does not use.",
        "An ERP admin must correct the connection.",
    ),
    Fault(
        _ADMINISTRATOR,
        "sandbox-missing",
        "The Sage sandbox of this connection does not exist.",
        "Plumbline's administrator can make it again or correct the connection.",
    ),
    # --- us ---
    Fault(
        _MAKERS, "unknown-error", "Sage's database answered with an error Plumbline does not know.", _TELL_US
    ),
    Fault(_MAKERS, "internal-error", "Plumbline could not work out Sage's answer.", _TELL_US),
    Fault(
        _MAKERS,
        "row-not-understood",
        "Sage's database holds a value Plumbline does not understand.",
        "The Sage administrator can correct it. If it is right as it stands, please tell support; the "
        "details are in Plumbline's log.",
    ),
    Fault(_MAKERS, "no-count", "Sage's database answered a question with nothing at all.", _TELL_US),
    Fault(_MAKERS, "too-many-rows", "Sage's database gave more rows than there can be.", _TELL_US),
    Fault(_MAKERS, "too-many-parameters", "Plumbline asked Sage's database for too much at once.", _TELL_US),
    Fault(
        _MAKERS,
        "result-open",
        "Plumbline asked a second question before it had read the first answer.",
        _TELL_US,
    ),
)

FAULTS: dict[str, Fault] = {known.code: known for known in _FAULTS}
"""Every fault this adapter can report, by its code."""


def fault(code: str, detail: str = "") -> Fault:
    """The fault of that code; `detail`, names of tables and never of hosts or logins, ends its first part."""
    known = FAULTS[code]
    return replace(known, what=f"{known.what} ({detail})") if detail else known


_NUMBERS: dict[int, str] = {
    # The order matters where a driver reports several at once: the first of this table that is among them.
    17892: "application-refused",  # logon failed due to trigger execution
    50004: "application-refused",  # Sage's own words inside that trigger
    4060: "database-missing",  # cannot open database requested by the login
    4064: "database-missing",  # cannot open the login's default database
    911: "database-missing",
    916: "no-rights",  # the login is no user of the database
    921: "database-in-maintenance",  # not recovered yet
    922: "database-in-maintenance",  # being recovered
    924: "database-in-maintenance",  # single-user
    927: "database-in-maintenance",  # in the middle of a restore
    942: "database-in-maintenance",  # offline
    945: "database-in-maintenance",
    18456: "login-refused",
    18452: "login-refused",
    18470: "login-refused",  # disabled
    18486: "login-refused",  # locked out
    18487: "login-refused",  # password expired
    18488: "login-refused",  # password must be changed
    17187: "server-starting",  # not ready to accept new client connections
    208: "table-missing",
    207: "column-missing",
    229: "no-rights",
    230: "no-rights",  # on a column
    262: "no-rights",
    297: "no-rights",
    300: "no-rights",
    1222: "locked",
    1205: "deadlock",
    3903: "deadlock",  # FreeTDS: the rollback after a deadlock finds no transaction
    601: "data-moved",
    3952: "data-moved",  # snapshots were switched off meanwhile
    3953: "data-moved",  # the database was not recovered when the snapshot began
    3954: "data-moved",  # snapshots are being switched off
    3955: "data-moved",  # recovery was skipped
    3956: "data-moved",  # snapshots are being switched on
    3957: "data-moved",  # snapshots were off when this one began
    3958: "data-moved",  # the version of a row is no longer kept
    3960: "data-moved",
    3961: "data-moved",  # a table was changed during the transaction
    3966: "data-moved",  # the versions of rows are no longer kept
    195: "function-missing",
    4121: "function-missing",
    701: "server-full",
    1204: "server-full",
    17809: "server-full",
    6005: "server-starting",  # shutdown in progress
    17142: "server-starting",  # paused
    8003: "too-many-parameters",
    20009: "unreachable",  # FreeTDS: nothing listens
    20017: "link-lost",  # FreeTDS: unexpected end of file from the server
    20006: "link-lost",  # FreeTDS: write to the server failed
    20003: "timed-out",  # FreeTDS: connection timed out
    20047: "link-lost",  # FreeTDS: connection is dead
    64: "link-lost",
    233: "link-lost",
    596: "link-lost",  # killed
    10053: "link-lost",
    10054: "link-lost",
    104: "link-lost",  # the same from Linux, where Microsoft's driver gives the system's own number
    10060: "unreachable",
    10061: "unreachable",
}
"""SQL Server's, FreeTDS's and the operating system's own error numbers."""

_SQLITE_NUMBERS: dict[int, str] = {
    5: "locked",  # SQLITE_BUSY
    6: "locked",  # SQLITE_LOCKED
    11: "database-damaged",  # SQLITE_CORRUPT
    14: "database-missing",  # SQLITE_CANTOPEN
    26: "database-damaged",  # SQLITE_NOTADB
}
"""SQLite's result codes: looked at only when SQLite spoke, since they are small numbers."""

_ANY = ""
_OLD_TLS: tuple[str, ...] = (
    # OpenSSL's words, behind "SSL Provider:" in Microsoft's driver and in those of psqlODBC.
    "unsupported protocol",
    "wrong version number",
    "no protocols available",
    "unsafe legacy renegotiation disabled",  # the server knows no RFC 5746: Windows without updates
    "alert protocol version",
)
"""At sign-in. Further words of the same error may name a certificate, which has nothing to do with it."""

_WORDS: tuple[tuple[str, str, str], ...] = (
    # (SQLSTATE or any, words, code): for drivers that put different events under one SQLSTATE.
    ("01000", "can't open lib", "driver-missing"),
    (_ANY, "specified driver could not be loaded", "driver-missing"),
    ("08001", "encryption not supported", "encryption-not-offered"),
    ("08001", "does not support ssl, but ssl was required", "encryption-not-offered"),
    ("08001", "certificate", "encryption-refused"),
    ("08001", "ssl", "encryption-refused"),
    ("08001", "tls", "encryption-refused"),
    ("08001", "encrypt", "encryption-refused"),
    ("08S01", "certificate", "encryption-refused"),
    ("HY000", "certificate verify failed", "encryption-refused"),
    ("08001", "password authentication failed", "login-refused"),
    ("08001", "no password supplied", "login-refused"),
    ("08001", "no pg_hba.conf entry", "login-refused"),
    ("08001", 'role "', "login-refused"),
    ("08001", "permission denied for database", "database-missing"),
    ("08001", 'database "', "database-missing"),
    ("08001", "the database system is", "server-starting"),
    ("08001", "too many clients", "server-full"),
    ("08001", "remaining connection slots", "server-full"),
    ("HYT00", "login timeout", "unreachable"),
    ("HY000", "protocol error in tds stream", "server-starting"),
    ("HY000", "connection is busy", "result-open"),
    ("HY000", "no such table", "table-missing"),
    ("HY000", "no such column", "column-missing"),
    # Babelfish sends PostgreSQL's words under one number of its own, 33557097 (its error_mapping.txt).
    (_ANY, "is not permitted to log in", "login-refused"),
    (_ANY, "permission denied for", "no-rights"),
    (_ANY, "canceling statement due to lock timeout", "locked"),
    (_ANY, "canceling statement due to conflict", "data-moved"),
    (_ANY, "canceling statement due to", "timed-out"),  # statement timeout, user request
    (_ANY, "terminating connection due to", "link-lost"),
    (_ANY, "too many clients", "server-full"),
    ("HY000", "unknown error", "link-lost"),
    ("HY000", "did not supply an error", "link-lost"),
)

_STATES: dict[str, str] = {
    "07002": "too-many-parameters",
    "08001": "unreachable",
    "08003": "link-lost",
    "08004": "unreachable",
    "08006": "link-lost",
    "08007": "link-lost",
    "08S01": "link-lost",
    "24000": "result-open",
    "28000": "login-refused",
    "28P01": "login-refused",
    "3D000": "database-missing",
    "3F000": "table-missing",
    "40001": "deadlock",
    "40P01": "deadlock",
    "42501": "no-rights",
    "42703": "column-missing",
    "42883": "function-missing",
    "42P01": "table-missing",
    "42S02": "table-missing",
    "42S22": "column-missing",
    "53200": "server-full",
    "53300": "server-full",
    "55P03": "locked",
    "57014": "timed-out",
    "57P01": "link-lost",
    "57P02": "link-lost",
    "57P03": "server-starting",
    "HYT00": "timed-out",
    "HYT01": "timed-out",
    "IM002": "driver-missing",
    "IM003": "driver-missing",
    "IM004": "driver-missing",
    "IM005": "driver-missing",
}

_NUMBER = re.compile(r"\((-?\d+)\)(?=\s*(?:\(SQL\w+\)|;|\(-?\d+\)|$))")
"""A native number stands in brackets at the end of a diagnostic, before the name of the ODBC function."""

_STATE = re.compile(r"[0-9A-Z]{5}")
_LEADING_STATE = re.compile(r"\s*\[([0-9A-Z]{5})\]")


@dataclass(frozen=True, slots=True)
class _Diagnostic:
    state: str
    words: str
    numbers: frozenset[int]
    from_sqlite: bool

    @property
    def at_sign_in(self) -> bool:
        """Whether the connection was being opened: drivers name the ODBC function at the end."""
        return "(sqldriverconnect)" in self.words


def fault_of(exc: BaseException) -> Fault:
    """The fault behind an exception of a driver, or of the sandbox.

    Unknown is `unknown-error`; what no database raised is `internal-error`. Words of the driver never
    come through, since they name hosts and logins.
    """
    if isinstance(exc, ErpError):
        return exc.fault
    diagnostic = _diagnostic_of(exc)
    return FAULTS[_code_of(diagnostic) if diagnostic else "internal-error"]


def without_a_reason(exc: BaseException) -> bool:
    """Whether it is FreeTDS's only word for every sign-in that failed, and for a host that is not known.

    Measured with 1.3.17: no encryption where it is demanded, TLS that is too old, a connection that the
    server closed. Nothing that listens (20009) and a silent server (HYT00) have words of their own.
    """
    diagnostic = _diagnostic_of(exc)
    return (
        diagnostic is not None
        and diagnostic.at_sign_in
        and "[freetds]" in diagnostic.words
        and "unable to connect to data source" in diagnostic.words
    )


def _code_of(diagnostic: _Diagnostic) -> str:
    if diagnostic.at_sign_in and any(words in diagnostic.words for words in _OLD_TLS):
        return "tls-too-old"
    code = _by_number(diagnostic) or _by_words(diagnostic) or _STATES.get(diagnostic.state) or "unknown-error"
    if diagnostic.at_sign_in and code == "link-lost":
        # Nothing was open yet that could be lost: the server closed the door. Behind it "SSL Provider" means
        # that it did so while TLS was agreed on, as Windows does where no version suits both.
        return "tls-too-old" if "ssl provider" in diagnostic.words else "sign-in-cut"
    return code


def _by_number(diagnostic: _Diagnostic) -> str | None:
    known = _SQLITE_NUMBERS if diagnostic.from_sqlite else _NUMBERS
    return next((code for number, code in known.items() if number in diagnostic.numbers), None)


def _by_words(diagnostic: _Diagnostic) -> str | None:
    return next(
        (
            code
            for state, words, code in _WORDS
            if state in (_ANY, diagnostic.state) and words in diagnostic.words
        ),
        None,
    )


def _diagnostic_of(exc: BaseException) -> _Diagnostic | None:
    """What a DB-API exception says; None for an exception that is none.

    pyodbc and the sandbox give `(SQLSTATE, message)`; sqlite3 gives a message and a `sqlite_errorcode`.
    """
    sqlite_code = getattr(exc, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        # Extended codes carry the plain one in their lowest eight bits (SQLite, "Result and Error Codes").
        return _Diagnostic("HY000", str(exc).lower(), frozenset({sqlite_code & 0xFF}), from_sqlite=True)
    texts = [arg for arg in exc.args if isinstance(arg, str)]
    if not texts:
        return None
    message = texts[-1]
    if len(texts) > 1 and _STATE.fullmatch(texts[0]):
        state = texts[0]
    elif leading := _LEADING_STATE.match(message):
        state = leading.group(1)
    else:
        return None
    numbers = frozenset(int(number) for number in _NUMBER.findall(message))
    return _Diagnostic(state, message.lower(), numbers, from_sqlite="[sqlite]" in message.lower())

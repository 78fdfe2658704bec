"""The faults that can be switched on in a practice company, and the small file that remembers them.

A fault is on for everybody who reaches the company from outside, or for whoever asks about one change
order. The accountant never feels one: he sits at Sage itself. A writer of ours feels all that a reader feels,
and two faults of its own. Errors carry the number and the words that Microsoft's driver and SQL Server would
give, so that the adapter's own table of errors is what reads them.
"""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

FAULTS_FILE = "faults.json"

NONE = "none"
SLOW = "slow"


class SandboxError(Exception):
    """What a driver would raise: `args` are the SQLSTATE and the message with the native number in it."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(sqlstate, message)
        self.sqlstate = sqlstate
        self.message = message


def driver_error(sqlstate: str, native: int, text: str, *, call: str = "SQLExecDirectW") -> SandboxError:
    """An error worded as a driver words it, native number and ODBC call at the end."""
    return SandboxError(sqlstate, f"[{sqlstate}] [Plumbline][Sandbox]{text} ({native}) ({call})")


@dataclass(frozen=True, slots=True)
class Strike:
    """What a fault raises: SQLSTATE, native number (Microsoft error list), words."""

    sqlstate: str
    native: int
    text: str

    def error(self, *, call: str = "SQLExecDirectW") -> SandboxError:
        return driver_error(self.sqlstate, self.native, self.text, call=call)


AT_THE_DOOR: dict[str, Strike] = {
    "offline": Strike("HYT00", 0, "Login timeout expired"),
    "login-refused": Strike("28000", 18456, "Login failed."),
    "app-refused": Strike("42000", 17892, "Logon failed for login due to trigger execution."),
}
"""Faults that refuse the connection; for one record they strike the statement that asks about it."""

AT_THE_RECORDS: dict[str, Strike] = {
    "locked": Strike("42000", 1222, "Lock request time out period exceeded."),
    "deadlock": Strike(
        "40001", 1205, "Transaction was deadlocked on lock resources and has been chosen as the victim."
    ),
    "drops": Strike("08S01", 10054, "TCP Provider: Error code 0x2746; Communication link failure"),
}
"""Faults that strike statements on change orders; `drops` ends the connection too."""

DENIED: dict[str, Strike] = {
    "no-rights": Strike("42000", 229, "The SELECT permission was denied on the object."),
    "no-audit": Strike("42000", 229, "The SELECT permission was denied on the object, schema 'dbo_Audit'."),
}
"""Rights taken away: really, by the connection's authorizer, or for one record by the statement."""

HALF_WRITTEN = "half-written"
AFTER_WRITING: dict[str, Strike] = {
    HALF_WRITTEN: Strike("08S01", 10054, "TCP Provider: Error code 0x2746; Communication link failure"),
    "unanswered": Strike("HYT00", 0, "Query timeout expired"),
}
"""Faults that strike only who writes: after the header alone was saved, or after everything was."""

ANOTHER_COMPANY = (
    "wrong-database",
    "restored",
    "missing-table",
    "missing-column",
    "emptied",
    "half-restored",
    "rebuilt-ids",
    "archiving",
)
"""Faults made real by attaching a doctored copy of the company; they cannot be limited to one record."""

NAMES = (
    "offline",
    "slow:SECONDS",
    "login-refused",
    "app-refused",
    "no-rights",
    "no-audit",
    *ANOTHER_COMPANY,
    "locked",
    "deadlock",
    "drops",
    *AFTER_WRITING,
    NONE,
)
"""Every fault, in the order in which they are offered."""


def slow_seconds(fault: str) -> float | None:
    """The seconds of `slow:SECONDS`; None for another fault. Raises `ValueError` where they make no sense."""
    name, _, seconds = fault.partition(":")
    if name != SLOW:
        return None
    try:
        value = float(seconds)
    except ValueError:
        value = -1.0
    if not 0 < value <= 3600:
        raise ValueError(f"slow needs seconds between 0 and 3600, as in slow:3, not {fault!r}")
    return value


def check(fault: str, *, for_one_record: bool) -> None:
    """Raises `ValueError` for a name that is not known, or cannot be limited to one record."""
    if slow_seconds(fault) is not None:
        return
    if fault not in NAMES:
        raise ValueError(f"{fault!r} is not a fault; known are {', '.join(NAMES)}")
    if for_one_record and fault in (*ANOTHER_COMPANY, *AFTER_WRITING):
        raise ValueError(f"{fault} can only be switched on for the whole company")


@dataclass(frozen=True, slots=True)
class Faults:
    """What is switched on in one company."""

    company: str = NONE
    records: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Record number -> (fault, `_idnum` in upper case)."""


def read(folder: Path) -> Faults:
    """What is switched on now. No file: nothing."""
    try:
        stored = json.loads((folder / FAULTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Faults()
    records = {number: (str(fault), str(row_id)) for number, (fault, row_id) in stored["records"].items()}
    return Faults(company=str(stored["company"]), records=records)


def write(folder: Path, faults: Faults) -> None:
    """Remembers what is switched on; a reader sees the old file or the new one, never half of it."""
    text = json.dumps({"company": faults.company, "records": faults.records}, indent=1)
    handle, name = tempfile.mkstemp(dir=folder, prefix=FAULTS_FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(folder / FAULTS_FILE)

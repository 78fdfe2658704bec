"""Asks one question of a server in a process of its own, and says what came of it and what it cost.

`python -m tests.contract.hostile DRIVER PORT SECONDS`, where DRIVER is a name or a full path.
"""

import json
import os
import resource
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal

from erp_integrations.erp import calls
from erp_integrations.ports import ChangeOrderReference, ConnectionSpec, Deadline
from sage_adapter import odbc_string
from sage_adapter.reader import open_reader

MOST_SECONDS_BEYOND = 10
"""After which a question that nobody waits for has ended, on however busy a machine."""

DATABASE = "Harbor Point Builders"

REFERENCE = ChangeOrderReference(
    row_id=uuid.UUID(int=1),
    record_number="701",
    number="12",
    job_record_number="2601",
    job_row_id=uuid.UUID(int=2),
    phase="0",
    subcontract_record_number="1201",
    sub_change_number="12",
    amount=Decimal("100.00"),
    last_seen_at=datetime(2026, 11, 20, tzinfo=UTC),
)


def spec(driver: str, port: int, **changed: str) -> ConnectionSpec:
    fields = {"database": DATABASE, "login": "sage_reader", "password": "let me; read"} | changed
    return ConnectionSpec(
        kind="sage-100-contractor",
        database=DATABASE,
        accepted_incarnation="accepted",
        odbc_string=odbc_string.build(
            driver=driver,
            server="127.0.0.1",
            port=port,
            encrypt=False,
            database=fields["database"],
            login=fields["login"],
            password=fields["password"],
        ),
        login_timeout_seconds=1,
        second_look_seconds=0.02,
    )


def ask(driver: str, port: int, seconds: float) -> dict[str, object]:
    """The verdict, its code, the seconds it took, how many megabytes it cost, and who goes on asking."""
    reader = open_reader(spec(driver, port))
    before, began = _megabytes(), time.monotonic()
    finding = calls.lookup(
        reader, REFERENCE, deadline=Deadline.after(seconds), clock=lambda: datetime.now(UTC)
    )
    took = time.monotonic() - began
    for thread in threading.enumerate():
        if thread.name == "erp-question":
            thread.join(timeout=MOST_SECONDS_BEYOND)
    return {
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "proves_absence": finding.proves_absence,
        "seconds": took,
        "megabytes": _megabytes() - before,
        "still_asking": [thread.name for thread in threading.enumerate() if thread.name == "erp-question"],
    }


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))) + "\n")
    sys.stdout.flush()
    # Whatever the driver still waits for has nobody who waits for it.
    os._exit(0)

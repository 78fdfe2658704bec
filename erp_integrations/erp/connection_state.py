"""Stores on the connection what a call to the ERP shows: success or failure, clock and history mark."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    F,
    Field,
    PositiveIntegerField,
    Q,
    TextField,
    Value,
    When,
)

from companies.clock import StatementClock
from erp_integrations.models import Connection
from erp_integrations.ports import (
    Fault,
    Finding,
    HistoryMark,
)

CLOCK_STEP = timedelta(minutes=1)
"""Smaller differences between two readings of the server's clock are the duration of a call."""


def _clock_columns(server_clock: timedelta | None) -> dict[str, Any]:
    """The columns for the server's clock, and for the last change of its difference to ours."""
    if server_clock is None:
        return {}
    changed = Q(server_clock__lt=server_clock - CLOCK_STEP) | Q(server_clock__gt=server_clock + CLOCK_STEP)
    return {
        "server_clock": Case(
            When(changed | Q(server_clock=None), then=Value(server_clock)), default=F("server_clock")
        ),
        "clock_changed_at": Case(When(changed, then=StatementClock()), default=F("clock_changed_at")),
    }


def note_history_mark(connection_id: int, mark: HistoryMark | None) -> None:
    """Stores the newest known entry of the ERP's history."""
    if mark is None:
        return
    at = mark_as_text(mark)
    older = Q(history_mark_at="") | Q(history_mark_at__lt=at)
    Connection.objects.filter(older, pk=connection_id).update(
        history_mark_record=mark.record_number, history_mark_at=at
    )


def note_answer(
    connection: Connection,
    fault: Fault | None,
    *,
    now: datetime | StatementClock,
    asked_at: datetime | None = None,
    server_clock: timedelta | None = None,
) -> None:
    """Stores the connection's last success or failure, in the caller's transaction; locks the connection.

    `asked_at` is the time of the failed call: it does not replace a newer success. `server_clock` is the
    server's local time minus ours, when known.
    """
    mine, clock = Connection.objects.filter(pk=connection.pk), _clock_columns(server_clock)
    if fault is None:
        mine.update(last_success_at=now, failures_in_a_row=0, **clock)
        return
    failed: dict[str, tuple[Any, Field[Any, Any]]] = {
        "last_failure_at": (now, DateTimeField()),
        "last_failure_words": (Value(fault.what), TextField()),
        "last_failure_code": (Value(fault.code), CharField()),
        "failures_in_a_row": (F("failures_in_a_row") + 1, PositiveIntegerField()),
    }
    newer = Q(pk__in=[]) if asked_at is None else Q(last_success_at__gt=asked_at)
    kept = {
        name: Case(When(newer, then=F(name)), default=value, output_field=kind)
        for name, (value, kind) in failed.items()
    }
    mine.update(**kept, **clock)


def note_findings(connection: Connection, findings: Sequence[Finding], fault: Fault | None) -> None:
    """`note_answer` for a lookup of records; `fault` is None when the ERP answered."""
    note_answer(
        connection,
        fault,
        now=StatementClock(),
        asked_at=max((one.told_at for one in findings if one.told_at is not None), default=None),
        server_clock=next((one.server_ahead for one in findings if one.server_ahead is not None), None),
    )


def mark_as_text(mark: HistoryMark) -> str:
    """The time of the mark as text that sorts by time."""
    return mark.at.isoformat(timespec="microseconds")

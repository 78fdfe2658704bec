"""The events of both books as rows of a file, streamed, oldest first."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any, Literal

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from erp_integrations.ledger.descriptions import KINDS, outcome_of
from erp_integrations.ledger.queries import DIRECTORY, DIRECTORY_EVIDENCE, EventFilter, Key, event_filter_of
from erp_integrations.listing import csv_cells
from erp_integrations.listing.streaming import AT_ONCE, one_by_one

logger = structlog.get_logger(__name__)

Format = Literal["csv", "jsonl"]
FORMATS: dict[str, str] = {"csv": "CSV", "jsonl": "JSON Lines"}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}

NOT_COMPLETE = "THIS FILE IS NOT COMPLETE: Plumbline failed here. Export it again."
"""The last row of a file whose events could not all be read."""

COLUMNS = (
    *("event", "at", "company_id", "company", "kind", "kind_in_words", "outcome"),
    *("subject_kind", "subject_id", "subject", "project_number", "link_id", "attempt_id"),
    *("actor_id", "actor_name", "via", "operating_system_user", "rights", "reason", "evidence", "request_id"),
)

Row = dict[str, Any]


class LedgerNotComplete(Exception):
    """Not all events could be read; the last row of the file says so."""


def file_of(chosen: EventFilter, form: Format) -> Iterator[bytes]:
    """The file in chunks, all rows from one snapshot of the database.

    Raises `LedgerNotComplete` after the last chunk when not all events could be read. Holds a transaction
    open until it is exhausted or closed.
    """
    write = _as_csv if form == "csv" else _as_json_lines
    if form == "csv":
        yield "\ufeff".encode()  # without it Excel assumes another encoding
        yield csv_cells.csv_lines([COLUMNS])
    count = 0
    try:
        for rows in _rows(chosen):
            yield write(rows)
            count += len(rows)
    except Exception as error:
        logger.exception("ledger_not_complete", company_id=chosen.company_id, rows=count)
        last = _as_json_lines([{"not_complete": NOT_COMPLETE}])
        yield csv_cells.csv_lines([[NOT_COMPLETE]]) if form == "csv" else last
        raise LedgerNotComplete from error
    logger.info("ledger_exported", company_id=chosen.company_id, rows=count)


def _rows(chosen: EventFilter) -> Iterator[list[Row]]:
    with _snapshot(), ExitStack() as cursors:
        books = [
            map(
                partial(_with_all_columns, book),
                cursors.enter_context(one_by_one(_oldest_first(rows), AT_ONCE)),
            )
            for book, rows in event_filter_of(chosen).items()
        ]
        events = merge(*books, key=_key)
        while chunk := list(islice(events, AT_ONCE)):
            yield [_row(event) for event in chunk]


@contextmanager
def _snapshot() -> Iterator[None]:
    """A transaction with one snapshot for all its statements; inside another one, that one's snapshot."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _oldest_first(rows: QuerySet[Any]) -> QuerySet[Any, Row]:
    return rows.order_by("at", "id").values()


def _with_all_columns(book: str, event: Row) -> Row:
    """The same columns for both books; other columns of the Directory's book become evidence."""
    if book == DIRECTORY:
        event = event | {
            "subject_kind": "entry",
            "subject_id": event["membership_id"],
            "subject_label": event["person_name"],
            "project_number": "",
            "link_id": None,
            "attempt_id": None,
            "via": "",
            "operating_system_user": "",
            "evidence": {name: event[name] for name in DIRECTORY_EVIDENCE},
        }
    return event | {"book": book}


def _key(event: Row) -> Key:
    return Key(event["at"], event["book"], event["id"])


def _row(event: Row) -> Row:
    kind = event["kind"]
    values = event | {
        "event": _key(event).name,
        "at": _moment(event["at"]),
        "company": event["company_slug"],
        "kind_in_words": KINDS.get(kind, kind),
        "outcome": outcome_of(kind).value,
        "subject": event["subject_label"],
    }
    return {name: values[name] for name in COLUMNS}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _as_csv(rows: list[Row]) -> bytes:
    return csv_cells.csv_lines([[_cell(row[name]) for name in COLUMNS] for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _as_json_lines(rows: list[Row]) -> bytes:
    """Escaped to ASCII, so that no character inside a text is taken for a line end."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()

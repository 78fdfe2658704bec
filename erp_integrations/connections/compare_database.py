"""Before another database is accepted: which of the active links' records it holds.

Calls the database that answers, which is not the accepted one. Records nothing about links.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from companies.clock import database_now
from companies.queue import defer_once
from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import PLUMBLINE, Actor
from erp_integrations.ledger.events import append_event_of_connection
from erp_integrations.models import ChangeOrderLink, Connection, EventKind
from erp_integrations.ports import Deadline, ErpError, Fault
from erp_integrations.workflow.errors import NothingToAccept

TASK = "erp_integrations.tasks.compare_database"
LONGEST_SECONDS = 3_600
"""The time limit for all keys of a company, on the queue."""
BLOCK_SECONDS = 60
MOST_NAMED = 50
"""Most missing records that are named."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Counted:
    links: int
    there: int
    missing: tuple[dict[str, Any], ...]
    """The first missing links as JSON: change_order_id, label, record_number."""


def compare_database(*, connection_id: int, actor: Actor, rights: str) -> Connection:
    """Compares within the deadline of a click; on the queue when that is too short.

    The result is stored on the connection as `comparison`, also the fault when the database could not be
    compared. Must not be called inside a transaction. Raises `NothingToAccept` when no other database waits.
    """
    connection = _waiting(connection_id)
    counted, fault = _ask(connection, seconds=settings.SAGE_DEADLINE_SECONDS)
    if fault is not None and fault.code == calls.NO_ANSWER_IN_TIME.code:
        return _queue(connection)
    return _keep(connection, counted, fault, actor=actor, rights=rights)


def compare_database_on_the_queue(connection_id: int) -> None:
    """Compares without the deadline of a click; does nothing when no other database waits any more."""
    try:
        connection = _waiting(connection_id)
    except NothingToAccept:
        return
    counted, fault = _ask(connection, seconds=LONGEST_SECONDS)
    _keep(connection, counted, fault, actor=PLUMBLINE, rights="")


def _waiting(connection_id: int) -> Connection:
    connection = Connection.objects.select_related("company").get(pk=connection_id)
    if not connection.accepted_incarnation or connection.seen_incarnation in (
        "",
        connection.accepted_incarnation,
    ):
        raise NothingToAccept
    return connection


# --- outside any transaction ----------------------------------------------------------------------


def _ask(connection: Connection, *, seconds: float) -> tuple[_Counted | None, Fault | None]:
    """Which of the active links' records the waiting database holds, or the fault."""
    deadline = Deadline.after(seconds)
    links = Counter[bytes](
        row_id.bytes
        for row_id in ChangeOrderLink.objects.filter(connection=connection, unlinked_at=None)
        .values_list("row_id", flat=True)
        .iterator()
    )
    missing = set(links)
    try:
        # Accepts exactly the database that was seen at the last check, and no third one.
        spec = dataclasses.replace(
            registry.spec_of(connection),
            accepted_incarnation=connection.handshake["incarnation"],
            history_mark=None,
        )
        with calls.keys(registry.reader_for(spec), deadline=deadline, block_seconds=BLOCK_SECONDS) as stream:
            for block in stream.blocks:
                missing.difference_update(_rows(block.change_orders.columns[0]))
    except ErpError as error:
        return None, error.fault
    total = links.total()
    return (
        _Counted(
            links=total,
            there=total - sum(links[row] for row in missing),
            missing=_named(connection, missing),
        ),
        None,
    )


def _rows(row_keys: Iterable[str]) -> Iterable[bytes]:
    return (bytes.fromhex(key.replace("-", "")) for key in row_keys)


def _named(connection: Connection, missing: set[bytes]) -> tuple[dict[str, Any], ...]:
    some = [UUID(bytes=row) for row in islice(missing, MOST_NAMED)]
    links = ChangeOrderLink.objects.filter(connection=connection, unlinked_at=None, row_id__in=some).order_by(
        "project_number", "commitment_number", "cco_number", "pk"
    )
    return tuple(
        {
            "change_order_id": link.change_order_id,
            "label": f"CCO {link.cco_number} {link.cco_title} ({link.project_name})",
            "record_number": link.record_number,
        }
        for link in links[:MOST_NAMED]
    )


# --- storing the result --------------------------------------------------------------------------


@transaction.atomic(durable=True)
def _queue(read: Connection) -> Connection:
    now = database_now()
    connection = _lock(read)
    if connection is None:
        return read
    connection.comparison = {"incarnation": read.seen_incarnation, "at": now.isoformat(), "queued": True}
    connection.save(update_fields=["comparison"])
    defer_once(TASK, lock=f"compare-database-{connection.pk}", connection_id=connection.pk)
    return connection


@transaction.atomic(durable=True)
def _keep(
    read: Connection, counted: _Counted | None, fault: Fault | None, *, actor: Actor, rights: str
) -> Connection:
    connection = _lock(read)
    if connection is None:
        return read
    now = database_now()
    connection.comparison = {
        "incarnation": read.seen_incarnation,
        "at": now.isoformat(),
        **(dataclasses.asdict(counted) if counted else {}),
        **({"fault": dataclasses.asdict(fault)} if fault else {}),
    }
    connection.save(update_fields=["comparison"])
    append_event_of_connection(
        connection,
        EventKind.INCARNATION_COMPARED,
        actor=actor,
        now=now,
        rights=rights,
        reason=fault.code if fault else "",
        evidence=_evidence(connection, now=now),
    )
    return connection


def _lock(read: Connection) -> Connection | None:
    """The locked connection, unless it was changed or another database waits now."""
    connection = Connection.objects.select_for_update(of=("self",)).select_related("company").get(pk=read.pk)
    same = (connection.revision, connection.seen_incarnation) == (read.revision, read.seen_incarnation)
    return connection if same else None


def _evidence(connection: Connection, *, now: datetime) -> dict[str, Any]:
    comparison = connection.comparison
    counts = {name: comparison[name] for name in ("links", "there") if name in comparison}
    return {"incarnation": comparison["incarnation"], "compared_at": now.isoformat(), **counts}

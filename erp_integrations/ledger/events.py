"""Appends events to the ledger, in the transaction of the change they describe."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NotRequired, TypedDict, Unpack

import structlog
from django.db import transaction

from commitments.models import CommitmentChangeOrder
from companies.models import Company
from erp_integrations.ledger.actors import Actor
from erp_integrations.models import ChangeOrderLink, Connection, EventKind, LinkEvent, Via

log = structlog.get_logger(__name__)

RIGHTS_WITHOUT_PERSON = {
    Via.QUEUE: "Plumbline by itself",
    Via.COMMAND: "a command on the server",
    Via.DEMO: "the demo",
}
"""The rights recorded for an event without a person."""


class NewEvent(TypedDict):
    """The values of an event."""

    kind: EventKind
    company: Company
    subject_kind: str
    subject_id: int
    subject_label: str
    actor: Actor
    now: datetime
    project_number: NotRequired[str]
    """The project of the subject; empty for a connection, which belongs to all projects."""
    rights: NotRequired[str]
    reason: NotRequired[str]
    evidence: NotRequired[dict[str, Any] | None]
    link_id: NotRequired[int | None]
    attempt_id: NotRequired[int | None]


def event_of(**values: Unpack[NewEvent]) -> LinkEvent:
    """An unsaved event."""
    company, actor = values["company"], values["actor"]
    rights = values.get("rights", "")
    if not rights and actor.user_id is None:
        rights = RIGHTS_WITHOUT_PERSON.get(actor.via, "")
    return LinkEvent(
        at=values["now"],
        company_id=company.pk,
        company_slug=company.slug,
        subject_kind=values["subject_kind"],
        subject_id=values["subject_id"],
        subject_label=values["subject_label"],
        project_number=values.get("project_number", ""),
        link_id=values.get("link_id"),
        attempt_id=values.get("attempt_id"),
        kind=values["kind"],
        actor_id=actor.user_id,
        actor_name=actor.name,
        via=actor.via,
        operating_system_user=actor.operating_system_user,
        rights=rights,
        reason=values.get("reason", ""),
        evidence=values.get("evidence") or {},
        request_id=actor.request_id,
    )


def append_event(**values: Unpack[NewEvent]) -> LinkEvent:
    """Appends one event. Raises `TransactionManagementError` outside a transaction."""
    _require_a_transaction()
    event = event_of(**values)
    event.save(force_insert=True)
    transaction.on_commit(partial(_log, event))
    return event


def append_event_of_connection(
    connection: Connection,
    kind: EventKind,
    *,
    actor: Actor,
    now: datetime,
    rights: str = "",
    reason: str = "",
    evidence: dict[str, Any] | None = None,
) -> LinkEvent:
    """Appends one event about a connection, with its company; like `append_event`."""
    return append_event(
        kind=kind,
        company=connection.company,
        subject_kind="connection",
        subject_id=connection.pk,
        subject_label=str(connection),
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence=evidence,
    )


def append_events(events: Sequence[LinkEvent]) -> None:
    """Appends these events with one statement; like `append_event`."""
    _require_a_transaction()
    if not events:
        return
    lines = [{name: getattr(event, name) for name in _COLUMNS} for event in events]
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(_APPEND, [json.dumps(lines, default=datetime.isoformat)])
        ids = cursor.fetchall()
    for event, (event_id,) in zip(events, ids, strict=True):
        event.pk = event_id
        transaction.on_commit(partial(_log, event))


_MODEL = LinkEvent._meta  # noqa: SLF001  (Django's documented way to a model's columns)
_COLUMNS = [field.attname for field in _MODEL.concrete_fields if not field.primary_key]
_TABLE = _MODEL.db_table
_APPEND = f"""
    INSERT INTO {_TABLE} ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM jsonb_populate_recordset(NULL::{_TABLE}, %s::jsonb)
    RETURNING id"""  # noqa: S608  (names of our own)
"""One JSON parameter: a parameter per column and event is slow for the 10,000 events of a reconciliation."""


def _log(event: LinkEvent) -> None:
    """Logs the event by ids, after the commit."""
    log.info(
        "ledger_event",
        event_id=event.pk,
        company_id=event.company_id,
        outcome=event.kind,
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        link_id=event.link_id,
        attempt_id=event.attempt_id,
        actor_id=event.actor_id,
        via=event.via,
    )


def _require_a_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an event needs a transaction")


def label_of_change_order(change_order: CommitmentChangeOrder) -> str:
    """The label of a CCO without a link. Its commitment and project must be loaded."""
    commitment = change_order.commitment
    return (
        f'CCO {change_order.number} "{change_order.title}" ({commitment.project.name}, {commitment.number})'
    )


def label_of(link: ChangeOrderLink) -> str:
    """The ledger's label of a CCO: number, title, project and commitment, as they were."""
    return f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}, {link.commitment_number})'


def record_of(link: ChangeOrderLink) -> dict[str, Any]:
    """Evidence: the record that a CCO is or was linked to, so that the event can be checked alone."""
    return {"record_number": link.record_number, "number": link.number, "row_id": str(link.row_id)}

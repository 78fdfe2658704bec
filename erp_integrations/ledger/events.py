"""Writing the ledger: one event, in the transaction of the change it tells of."""

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

RIGHTS_OF_NOBODY = {
    Via.QUEUE: "Plumbline by itself",
    Via.COMMAND: "a command on the server",
    Via.DEMO: "the demo",
}
"""With which rights something was done that no person of the company did."""


class NewEvent(TypedDict):
    """What an event tells."""

    kind: EventKind
    company: Company
    subject_kind: str
    subject_id: int
    subject_label: str
    actor: Actor
    now: datetime
    project_number: NotRequired[str]
    """Of the project that the subject belongs to; not of a connection, which belongs to all."""
    rights: NotRequired[str]
    reason: NotRequired[str]
    evidence: NotRequired[dict[str, Any] | None]
    link_id: NotRequired[int | None]
    attempt_id: NotRequired[int | None]


def event_of(**told: Unpack[NewEvent]) -> LinkEvent:
    """The line, not written yet."""
    company, actor = told["company"], told["actor"]
    rights = told.get("rights", "")
    if not rights and actor.user_id is None:
        rights = RIGHTS_OF_NOBODY.get(actor.via, "")
    return LinkEvent(
        at=told["now"],
        company_id=company.pk,
        company_slug=company.slug,
        subject_kind=told["subject_kind"],
        subject_id=told["subject_id"],
        subject_label=told["subject_label"],
        project_number=told.get("project_number", ""),
        link_id=told.get("link_id"),
        attempt_id=told.get("attempt_id"),
        kind=told["kind"],
        actor_id=actor.user_id,
        actor_name=actor.name,
        via=actor.via,
        operating_system_user=actor.operating_system_user,
        rights=rights,
        reason=told.get("reason", ""),
        evidence=told.get("evidence") or {},
        request_id=actor.request_id,
    )


def append_event(**told: Unpack[NewEvent]) -> LinkEvent:
    """Appends one line. Refuses to run outside a transaction: an event without its change is a lie."""
    _require_a_transaction()
    event = event_of(**told)
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
    """Appends one line about a connection, with its company; as `append_event` does."""
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
    """Appends those lines, with one statement; as `append_event` does."""
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
"""As one document, because a reconciliation may tell of ten thousand records that are gone: a parameter for
every column of every event is most of its time."""


def _log(event: LinkEvent) -> None:
    """The same for the log, by ids: once it is true, and not before."""
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
        raise transaction.TransactionManagementError("an event needs the transaction of its change")


def label_of_change_order(change_order: CommitmentChangeOrder) -> str:
    """The same for a CCO that is not tied to anything. Its commitment and project must be there."""
    commitment = change_order.commitment
    return (
        f'CCO {change_order.number} "{change_order.title}" ({commitment.project.name}, {commitment.number})'
    )


def label_of(link: ChangeOrderLink) -> str:
    """What the ledger calls a CCO: number, title, project and commitment, as they were."""
    return f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}, {link.commitment_number})'


def record_of(link: ChangeOrderLink) -> dict[str, Any]:
    """For the evidence: the record that a CCO is or was tied to. The event can be checked by itself."""
    return {"record_number": link.record_number, "number": link.number, "row_id": str(link.row_id)}

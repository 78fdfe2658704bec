"""Records findings about links without cutting any.

A finding never replaces a newer one that was stored during the lookup.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.db import transaction

from companies.models import Company
from erp_integrations.deletions.confirm_deletion import end_seen_deletions
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_events, event_of, label_of, record_of
from erp_integrations.ledger.serialization import as_json
from erp_integrations.models import ChangeOrderLink, Connection, EventKind, LinkEvent
from erp_integrations.ports import FaultKind, Finding, Verdict
from erp_integrations.workflow.link_status import (
    LinkStatus,
    apply_status,
    columns_of,
    is_older,
    note_sight,
    status_of_finding,
)

ROW_NOT_UNDERSTOOD = "row-not-understood"
"""The fault of a record that cannot be read, on a connection that answers."""
OF_ONE_RECORD = ("sage-changing", "history-silent", "deletion-of-closed-job", ROW_NOT_UNDERSTOOD)
"""Faults of one record and not of the connection, although Plumbline cannot fix them."""


class Recorded(StrEnum):
    CHANGED = "changed"
    SAME = "same"
    OLDER = "older"
    """Something newer is stored already."""
    NO_ANSWER = "no answer"
    """There was no answer about the record, or the connection was changed meanwhile."""
    ENDED = "ended"
    """The link was cut meanwhile."""


def record_findings(
    found: Mapping[int, Finding],
    *,
    connection_id: int,
    connection_revision: int,
    actor: Actor,
    now: datetime,
    amounts: Mapping[int, Decimal | None] | None = None,
    by_person: bool = False,
    silent: Collection[int] = (),
    missed: Collection[int] = (),
    missed_at: datetime | None = None,
    rights: str = "",
) -> dict[int, Recorded]:
    """Stores findings about active links, and appends an event for each that changes what is stored.

    Returns what became of each finding, by link id. Runs in the caller's transaction; locks the links in the
    order of their ids, then the connection. When nothing changed, only a person's check (`by_person`) is
    written, for its time. Only answers of the accepted database are stored, and only while the connection has
    the revision `connection_revision`, for which the ERP was called. `amounts` are the sums of the records'
    lines on our subcontracts, when those were read. The links in `silent` are stored as UNKNOWN: their
    records alone gave no answer, on a connection that answers. Those in `missed` were not among the keys of
    the reconciliation that began at `missed_at`.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("findings are recorded in a transaction of the caller")
    links = list(ChangeOrderLink.objects.select_for_update().filter(pk__in=found).order_by("pk"))
    connection = (
        Connection.objects.select_for_update(no_key=True, of=("self",))
        .select_related("company")
        .get(pk=connection_id)
    )
    recorded: dict[int, Recorded] = {}
    stored, events = [], []
    for link in links:
        finding = found[link.pk]
        status = status_of_finding(link, finding, (amounts or {}).get(link.pk))
        recorded[link.pk] = became = _judge(
            link,
            finding,
            status,
            connection=connection,
            connection_revision=connection_revision,
            silent=link.pk in silent,
        )
        if became is Recorded.CHANGED:
            events.append(_event(link, finding, status, connection.company, actor, now, rights))
        if became is Recorded.CHANGED or (became is Recorded.SAME and by_person):
            looked_at = finding.told_at or now
            apply_status(link, status, finding, connection=connection, checked_at=looked_at)
            if link.pk in missed and finding.evidence.header is None:
                link.missed_at = missed_at
            stored.append(link)
        elif became in (Recorded.SAME, Recorded.OLDER) and note_sight(link, finding, connection):
            stored.append(link)
    _save(stored)
    append_events(events)
    seen = {
        link.row_id
        for link in links
        if found[link.pk].evidence.header is not None
        and recorded[link.pk] in (Recorded.CHANGED, Recorded.SAME, Recorded.OLDER)
    }
    end_seen_deletions(connection, seen, now, actor=actor)
    return recorded


def _judge(
    link: ChangeOrderLink,
    finding: Finding,
    status: LinkStatus,
    *,
    connection: Connection,
    connection_revision: int,
    silent: bool,
) -> Recorded:
    if not link.is_active:
        return Recorded.ENDED
    if link.connection_id != connection.pk or connection.revision != connection_revision:
        return Recorded.NO_ANSWER
    answered = tells_of_the_record(finding) and finding.incarnation == connection.accepted_incarnation
    if not silent and (finding.told_at is None or not answered):
        return Recorded.NO_ANSWER
    if is_older(finding, link, connection):
        return Recorded.OLDER
    stored = (link.presence, link.drift, link.seen)
    return Recorded.SAME if stored == columns_of(status) else Recorded.CHANGED


def _event(
    link: ChangeOrderLink,
    finding: Finding,
    status: LinkStatus,
    company: Company,
    actor: Actor,
    now: datetime,
    rights: str,
) -> LinkEvent:
    presence, drift, seen = columns_of(status)
    before = {"presence": link.presence, "drift": link.drift}
    return event_of(
        kind=EventKind.PRESENCE_CHANGED,
        company=company,
        subject_kind="change-order",
        subject_id=link.change_order_id or 0,
        subject_label=label_of(link),
        project_number=link.project_number,
        actor=actor,
        now=now,
        rights=rights,
        reason=finding.reason,
        evidence={
            **as_json(finding),
            **record_of(link),
            "before": before,
            "presence": presence,
            "drift": drift,
            "seen": seen,
        },
        link_id=link.pk,
    )


def tells_of_the_record(finding: Finding) -> bool:
    """Whether the finding is about this record, and not a fault of the connection."""
    if finding.verdict is not Verdict.UNKNOWN:
        return True
    fault = finding.fault
    return fault is not None and (fault.kind is FaultKind.UNEXPECTED or fault.code in OF_ONE_RECORD)


_SAVE = """
    UPDATE erp_integrations_changeorderlink link
    SET presence = new.presence, presence_checked_at = new.presence_checked_at, drift = new.drift,
        seen = new.seen, last_seen_at = new.last_seen_at, last_seen_clock = new.last_seen_clock,
        touched_subcontracts = new.touched_subcontracts, missed_at = new.missed_at
    FROM jsonb_to_recordset(%s::jsonb) AS new (
        id bigint, presence text, presence_checked_at timestamptz, drift text[], seen jsonb,
        last_seen_at timestamptz, last_seen_clock interval, touched_subcontracts text[],
        missed_at timestamptz)
    WHERE link.id = new.id"""


def _as_interval(span: timedelta | None) -> str | None:
    return None if span is None else f"{span.total_seconds():.6f} seconds"


def _save(links: Sequence[ChangeOrderLink]) -> None:
    """Saves all links in one statement, since a reconciliation may find 10,000 changes."""
    if not links:
        return
    rows = [
        {
            "id": link.pk,
            "presence": link.presence,
            "presence_checked_at": link.presence_checked_at,
            "drift": link.drift,
            "seen": link.seen,
            "last_seen_at": link.last_seen_at,
            "last_seen_clock": _as_interval(link.last_seen_clock),
            "touched_subcontracts": link.touched_subcontracts,
            "missed_at": link.missed_at,
        }
        for link in links
    ]
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(_SAVE, [json.dumps(rows, default=datetime.isoformat)])

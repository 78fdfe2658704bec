"""Ignores a record that a CCO's link was moved from, or stops ignoring it."""

from datetime import datetime

from django.db import transaction

from companies.clock import database_now
from companies.errors import require_reason
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event, label_of
from erp_integrations.links.left_records import LeftRecordLine, LeftState, left_record_lines
from erp_integrations.links.move_link import NOT_IN_THE_ADMIN
from erp_integrations.models import ChangeOrderLink, EventKind, IgnoredRecord
from erp_integrations.policies import may_move_link
from erp_integrations.workflow.errors import NotAllowed, RecordNotLeft
from erp_integrations.workflow.transitions import access_of, require


@transaction.atomic(durable=True)
def ignore_left_record(
    *, company_id: int, change_order_id: int, former_link_id: int, reason: str, actor: Actor
) -> IgnoredRecord:
    """Ignores a record that the CCO's link was moved from: it no longer keeps the CCO from being unlinked.

    Raises `ReasonMissing`, `NotAllowed`, `RecordNotLeft` when the record is linked or ignored already,
    or was not left by this CCO.
    """
    reason = require_reason(reason)
    link, line, rights = _lock(company_id, change_order_id, former_link_id, actor)
    if line.state is not LeftState.OPEN:
        raise RecordNotLeft
    assert actor.user_id is not None, "anonymous actors were refused above"
    former = ChangeOrderLink.objects.get(pk=former_link_id)
    now = database_now()
    ignored: IgnoredRecord = IgnoredRecord.objects.create(
        connection_id=link.connection_id,
        row_id=former.row_id,
        record_number=former.record_number,
        reason=reason,
        ignored_at=now,
        ignored_by_id=actor.user_id,
        ignored_by_name=actor.name,
    )
    _record_event(EventKind.RECORD_IGNORED, link, ignored, actor=actor, now=now, rights=rights, reason=reason)
    return ignored


@transaction.atomic(durable=True)
def stop_ignoring_left_record(
    *, company_id: int, change_order_id: int, former_link_id: int, actor: Actor
) -> IgnoredRecord:
    """Stops ignoring the record. Raises `NotAllowed`, `RecordNotLeft`."""
    link, line, rights = _lock(company_id, change_order_id, former_link_id, actor)
    if line.ignored is None:
        raise RecordNotLeft
    ignored = IgnoredRecord.objects.select_for_update().get(pk=line.ignored.pk)
    if ignored.ended_at is not None:
        raise RecordNotLeft
    now = database_now()
    ignored.ended_at, ignored.ended_by_id, ignored.ended_by_name = now, actor.user_id, actor.name
    ignored.save(update_fields=["ended_at", "ended_by_id", "ended_by_name"])
    _record_event(EventKind.RECORD_NOT_IGNORED, link, ignored, actor=actor, now=now, rights=rights)
    return ignored


def _lock(
    company_id: int, change_order_id: int, former_link_id: int, actor: Actor
) -> tuple[ChangeOrderLink, LeftRecordLine, str]:
    """The CCO's active link, so that no unlink is settled meanwhile; the record that it left; the rights."""
    link = (
        ChangeOrderLink.objects.select_for_update(of=("self",))
        .select_related("connection__company", "change_order__commitment__project")
        .filter(change_order_id=change_order_id, connection__company_id=company_id, unlinked_at=None)
        .first()
    )
    if actor.is_staff:
        raise NotAllowed(NOT_IN_THE_ADMIN.missing)
    access = access_of(actor, company_id=company_id)
    if link is None or link.change_order is None:
        raise RecordNotLeft
    project = link.change_order.commitment.project
    rights = require(may_move_link(access, project_id=project.pk, project_name=project.name))
    lines = {line.link_id: line for line in left_record_lines(link)}
    if former_link_id not in lines:
        raise RecordNotLeft
    return link, lines[former_link_id], rights


def _record_event(
    kind: EventKind,
    link: ChangeOrderLink,
    ignored: IgnoredRecord,
    *,
    actor: Actor,
    now: datetime,
    rights: str,
    reason: str = "",
) -> None:
    append_event(
        kind=kind,
        company=link.connection.company,
        subject_kind="change-order",
        subject_id=link.change_order_id or 0,
        subject_label=label_of(link),
        project_number=link.project_number,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence={"record_number": ignored.record_number, "row_id": str(ignored.row_id)},
        link_id=link.pk,
    )

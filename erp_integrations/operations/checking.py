"""Recording what a look found, without cutting anything.

A look that is meant to tell and not to cut is one look, and older by the time it is written down than
whatever was found meanwhile: what is newer stays.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from erp_integrations.actors import Actor
from erp_integrations.evidence import as_json
from erp_integrations.models import ChangeOrderLink, Connection, EventKind
from erp_integrations.operations.ledger import append_event, label_of
from erp_integrations.ports import FaultKind, Finding, Verdict
from erp_integrations.presence import SEEN, Standing, seen_at, standing_of

OF_ONE_RECORD = ("sage-changing",)
"""Faults that say nothing about the connection although somebody else can mend them."""


class Recorded(StrEnum):
    CHANGED = "changed"
    SAME = "same"
    OLDER = "older"
    """Something newer is stored already."""
    NO_ANSWER = "no answer"
    """Nothing was looked at, or the connection is not the one that was asked."""
    ENDED = "ended"
    """The link was cut meanwhile."""


def record_findings(
    found: Mapping[int, Finding],
    *,
    connection_id: int,
    connection_revision: int,
    actor: Actor,
    now: datetime,
    amounts: Mapping[int, Decimal] | None = None,
    by_person: bool = False,
    rights: str = "",
) -> dict[int, Recorded]:
    """What became of each finding, by the id of its link; all in the caller's transaction.

    `connection_revision` is that of the connection that was asked. `amounts` are the sums of the records'
    lines on our subcontracts, where those were read. Locks the links in the order of their ids, then the
    connection: as everybody does. See `record_finding`.
    """
    links = list(ChangeOrderLink.objects.select_for_update().filter(pk__in=found).order_by("pk"))
    connection = Connection.objects.select_for_update(no_key=True).select_related(None).get(pk=connection_id)
    recorded = {}
    for link in links:
        recorded[link.pk] = record_finding(
            link,
            found[link.pk],
            connection=connection,
            connection_revision=connection_revision,
            actor=actor,
            now=now,
            amount=(amounts or {}).get(link.pk),
            by_person=by_person,
            rights=rights,
        )
    return recorded


def record_finding(
    link: ChangeOrderLink,
    finding: Finding,
    *,
    connection: Connection,
    connection_revision: int,
    actor: Actor,
    now: datetime,
    amount: Decimal | None = None,
    by_person: bool = False,
    rights: str = "",
) -> Recorded:
    """Stores what was found of an active link, and tells the ledger where that is something new.

    Link and connection must be locked and fresh. Writes nothing where nothing changed; a person's check
    writes its time all the same. Only what the accepted database said, on the connection as it still is.
    """
    looked_at = finding.second_looked_at or finding.first_looked_at
    if not link.is_active:
        return Recorded.ENDED
    if (
        looked_at is None
        or not tells_of_the_record(finding)
        or link.connection_id != connection.pk
        or connection.revision != connection_revision
        or finding.incarnation != connection.accepted_incarnation
    ):
        return Recorded.NO_ANSWER
    if link.presence_checked_at is not None and looked_at < link.presence_checked_at:
        return Recorded.OLDER
    standing = standing_of(link, finding, amount)
    changed = _differs(link, standing)
    before = {"presence": link.presence, "drift": link.drift}
    if changed or by_person:
        store(link, standing, connection=connection, looked_at=looked_at, checked_at=looked_at)
    if not changed:
        return Recorded.SAME
    append_event(
        kind=EventKind.PRESENCE_CHANGED,
        company=connection.company,
        subject_kind="change-order",
        subject_id=link.change_order_id or 0,
        subject_label=label_of(link),
        actor=actor,
        now=now,
        rights=rights,
        reason=finding.reason,
        evidence={
            **as_json(finding),
            "before": before,
            "presence": link.presence,
            "drift": link.drift,
            "seen": link.seen,
        },
        link_id=link.pk,
    )
    return Recorded.CHANGED


def tells_of_the_record(finding: Finding) -> bool:
    """Whether it is an answer about this very record, and not the connection's trouble."""
    if finding.verdict is not Verdict.UNKNOWN:
        return True
    fault = finding.fault
    return fault is not None and (fault.kind is FaultKind.UNEXPECTED or fault.code in OF_ONE_RECORD)


STORED = ("presence", "presence_checked_at", "drift", "seen", "last_seen_at")
"""What `stand` puts into a link."""


def store(
    link: ChangeOrderLink,
    standing: Standing,
    *,
    connection: Connection,
    looked_at: datetime | None,
    checked_at: datetime,
) -> None:
    """Writes presence and drift into a locked link: see `stand`."""
    stand(link, standing, connection=connection, looked_at=looked_at, checked_at=checked_at)
    link.save(update_fields=STORED)


def stand(
    link: ChangeOrderLink,
    standing: Standing,
    *,
    connection: Connection,
    looked_at: datetime | None,
    checked_at: datetime,
) -> None:
    """Puts presence and drift into a link, not written yet, and never forgets when its record was last there.

    What a complete run has seen is told by the connection only as long as the link says that its record is
    there: it is kept with the link before the link says anything else.
    """
    link.last_seen_at = seen_at(link, connection)
    if standing.presence in SEEN and looked_at is not None:
        link.last_seen_at = max(link.last_seen_at, looked_at)
    link.presence = standing.presence
    link.presence_checked_at = checked_at
    link.drift = [one.value for one in standing.drift]
    link.seen = dict(standing.seen)


def _differs(link: ChangeOrderLink, standing: Standing) -> bool:
    return (link.presence, link.drift, link.seen) != (
        standing.presence,
        [one.value for one in standing.drift],
        dict(standing.seen),
    )

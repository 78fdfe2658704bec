"""A reconciliation's second half: looks at what seems otherwise, and records what it sees."""

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from erp_integrations import asking
from erp_integrations.clock import database_now
from erp_integrations.models import ChangeOrderLink, Connection, PresenceKey
from erp_integrations.operations.checking import Recorded, record_findings, tells_of_the_record
from erp_integrations.operations.reconcile_runs import (
    Claim,
    note_progress,
    renew,
    require_same_connection,
)
from erp_integrations.operations.sifting import Sifted
from erp_integrations.ports import (
    MOST_LOOKED_UP_AT_ONCE,
    Deadline,
    ErpReader,
    Fault,
    Finding,
    error_for,
)
from erp_integrations.presence import reference_to

SINGLY = 3
"""How many records of a batch that got no answer may fail alone before the connection is held to be down."""
NEVER_CHECKED_AT_ONCE = 5_000


def confirm(claim: Claim, reader: ErpReader, sifted: Sifted) -> Fault | None:
    """Looks at every suspect and records what was found; why some got no answer, None where all did.

    Raises `ErpError` where the connection is down; what was recorded by then stands.
    """
    unanswered = None
    for amounts in sifted.suspects.chunks(MOST_LOOKED_UP_AT_ONCE):
        found, fault = _glance(claim, reader, list(amounts))
        unanswered = fault or unanswered
        _record(claim, sifted, found, amounts)
    _note_never_checked(claim, sifted)
    return unanswered


def _glance(claim: Claim, reader: ErpReader, ids: list[int]) -> tuple[dict[int, Finding], Fault | None]:
    """What one look says of each link, and the fault of those that got no answer."""
    links = list(ChangeOrderLink.objects.filter(pk__in=ids, unlinked_at=None).order_by("pk"))
    shared = _shared(claim.connection, links)
    references = {
        link.pk: reference_to(link, claim.connection, header_shared=link.row_id in shared) for link in links
    }

    def ask(some: list[int]) -> dict[int, Finding]:
        findings = asking.glance_many(
            reader,
            [references[link_id] for link_id in some],
            deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS),
            clock=claim.clock,
        )
        return dict(zip(some, findings, strict=True))

    found = ask(list(references))
    failed = [link_id for link_id, finding in found.items() if not tells_of_the_record(finding)]
    if not failed:
        return found, None
    fault = found[failed[0]].fault
    assert fault is not None, "no answer has its fault"
    still = 0
    for link_id in failed if len(references) > 1 else []:
        # One record may spoil the batch for all: somebody saves it in the ERP right now.
        found |= ask([link_id])
        still += not tells_of_the_record(found[link_id])
        renew(claim)
        if still >= SINGLY:
            raise error_for(fault)
    unanswered = [finding.fault for finding in found.values() if not tells_of_the_record(finding)]
    return found, unanswered[0] if unanswered else None


def _shared(connection: Connection, links: list[ChangeOrderLink]) -> set[object]:
    """The headers among these to which more than one active link is tied."""
    row_ids = ChangeOrderLink.objects.filter(
        connection=connection, unlinked_at=None, row_id__in=[link.row_id for link in links]
    ).values_list("row_id", flat=True)
    once: set[object] = set()
    return {row_id for row_id in row_ids if row_id in once or once.add(row_id)}  # type: ignore[func-returns-value]


def _record(
    claim: Claim, sifted: Sifted, found: Mapping[int, Finding], amounts: Mapping[int, Decimal | None]
) -> None:
    with transaction.atomic(durable=True):
        recorded = record_findings(
            found,
            connection_id=claim.connection.pk,
            connection_revision=claim.connection.revision,
            actor=claim.actor,
            now=database_now(),
            amounts=amounts,
        )
        require_same_connection(claim)
        claim.changed += sum(became is Recorded.CHANGED for became in recorded.values())
        note_progress(claim)
    # What somebody found since counts as they found it.
    now = ChangeOrderLink.objects.filter(pk__in=list(amounts), unlinked_at=None)
    for presence, drift in now.values_list("presence", "drift"):
        sifted.count(presence, drifted=bool(drift))


def _note_never_checked(claim: Claim, sifted: Sifted) -> None:
    """Links that came without any look, and whose records are there: no news, and therefore no events."""
    ids = sifted.never_checked
    for start in range(0, len(ids), NEVER_CHECKED_AT_ONCE):
        with transaction.atomic(durable=True):
            part = ids[start : start + NEVER_CHECKED_AT_ONCE].tolist()
            links = ChangeOrderLink.objects.filter(
                pk__in=part, unlinked_at=None, presence=PresenceKey.UNCHECKED
            )
            locked = list(links.select_for_update().order_by("pk").values_list("pk", flat=True))
            require_same_connection(claim)
            ChangeOrderLink.objects.filter(pk__in=locked).update(
                presence=PresenceKey.PRESENT,
                presence_checked_at=claim.started_at,
                last_seen_at=Greatest(F("last_seen_at"), claim.started_at),
            )
            note_progress(claim)

"""A reconciliation's second half: looks at what seems otherwise, and records what it sees."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from companies.clock import database_now
from erp_integrations.erp import calls
from erp_integrations.links.brake import missing_untold
from erp_integrations.links.look_question import question_for
from erp_integrations.links.record_findings import Recorded, record_findings, tells_of_the_record
from erp_integrations.models import ChangeOrderLink, PresenceKey
from erp_integrations.ports import (
    MOST_LOOKED_UP_QUICKLY,
    ChangeOrderReference,
    Controls,
    Deadline,
    ErpReader,
    Finding,
    error_for,
)
from erp_integrations.reconciliation.diff import DiffResult
from erp_integrations.reconciliation.run_lease import RunLease, note_progress, renew, require_same_connection

MOST_SILENT = 20
"""So many records may give no answer on a connection that answers: of those alone, nobody is sure."""
RECORDED_AT_ONCE = MOST_LOOKED_UP_QUICKLY
NEVER_CHECKED_AT_ONCE = 5_000
GONE_LOOKED_AT_AGAIN = MOST_LOOKED_UP_QUICKLY // 4
"""So many of the records that were gone before are looked for again in each run, because somebody may have
taken their numbers: all of them where links are unlinked in good time, and never more than a part of a batch.
"""


class _Asked(NamedTuple):
    """A batch of suspects whose looks are under way."""

    looks: "Future[dict[int, Finding]]"
    amounts: Mapping[int, Decimal | None]


def confirm_suspects(claim: RunLease, reader: ErpReader, sifted: DiffResult) -> None:
    """Looks at every suspect and records what was found.

    While one batch is recorded, the next is looked at. Raises `ErpError` where the connection is down, or is
    no longer the one that was asked; what was recorded by then stands.
    """
    sifted.suspect_gone(GONE_LOOKED_AT_AGAIN)
    waiting: deque[_Asked] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="erp-looks") as looking:
        for amounts in sifted.suspects.chunks(RECORDED_AT_ONCE):
            links = _links(amounts)
            question = question_for(links, claim.connection)
            looks = looking.submit(
                copy_context().run, _look, claim, reader, question.references, question.controls
            )
            waiting.append(_Asked(looks, amounts))
            if len(waiting) > 1:
                _record_next(claim, sifted, waiting)
        while waiting:
            _record_next(claim, sifted, waiting)
    _note_never_checked(claim, sifted)


def count_untold(
    claim: RunLease, reader: ErpReader, sifted: DiffResult, *, enough: Callable[[int], bool]
) -> int:
    """How many of the suspects are missing without anything that tells of their deletion.

    Stops at as many as are enough; records nothing. Raises `ErpError`.
    """
    untold = 0
    for amounts in sifted.suspects.chunks(RECORDED_AT_ONCE):
        links = _links(amounts)
        question = question_for(links, claim.connection)
        found = _look(claim, reader, question.references, question.controls)
        untold += sum(missing_untold(list(found.values())))
        renew(claim)
        if enough(untold):
            break
    return untold


def _record_next(claim: RunLease, sifted: DiffResult, waiting: deque[_Asked]) -> None:
    looks, amounts = waiting.popleft()
    while not looks.done():
        wait([looks], timeout=1)
        renew(claim)
    _record(claim, sifted, looks.result(), amounts)


def _links(ids: Iterable[int]) -> list[ChangeOrderLink]:
    return list(ChangeOrderLink.objects.filter(pk__in=list(ids), unlinked_at=None).order_by("pk"))


# --- in a thread of their own, which never touches our database ---------------------------------------


def _look(
    claim: RunLease,
    reader: ErpReader,
    references: Mapping[int, ChangeOrderReference],
    controls: Controls,
) -> dict[int, Finding]:
    """What one look says of each link. Raises `ErpError` where the connection is down."""
    found: dict[int, Finding] = {}
    ids = list(references)
    for start in range(0, len(ids), MOST_LOOKED_UP_QUICKLY):
        batch = ids[start : start + MOST_LOOKED_UP_QUICKLY]
        found |= _quick_lookup(claim, reader, references, batch, controls)
        spoilt = [link_id for link_id in batch if not tells_of_the_record(found[link_id])]
        if spoilt:
            found |= _look_up_singly(claim, reader, references, spoilt, controls)
    return found


def _quick_lookup(
    claim: RunLease,
    reader: ErpReader,
    references: Mapping[int, ChangeOrderReference],
    ids: Sequence[int],
    controls: Controls,
) -> dict[int, Finding]:
    findings = calls.quick_lookup_many(
        reader,
        [references[link_id] for link_id in ids],
        deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS),
        clock=claim.clock,
        controls=controls,
    )
    return dict(zip(ids, findings, strict=True))


def _look_up_singly(
    claim: RunLease,
    reader: ErpReader,
    references: Mapping[int, ChangeOrderReference],
    spoilt: Sequence[int],
    controls: Controls,
) -> dict[int, Finding]:
    """One record may spoil the batch for all: somebody saves it in the ERP right now.

    Raises `ErpError` where the connection is down, or where it is too many records.
    """
    _require_answering(reader)
    found: dict[int, Finding] = {}
    for link_id in spoilt:
        found |= _quick_lookup(claim, reader, references, [link_id], controls)
        finding = found[link_id]
        if tells_of_the_record(finding):
            continue
        claim.silent.add(link_id)
        if len(claim.silent) > MOST_SILENT:
            assert finding.fault is not None, "no answer has its fault"
            raise error_for(finding.fault)
    return found


def _require_answering(reader: ErpReader) -> None:
    """Raises `ErpError` where the trouble is the connection's."""
    greeting = calls.handshake(reader, deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS))
    if greeting.problems:
        raise error_for(greeting.problems[0])


# --- our database --------------------------------------------------------------------------------


def _record(
    claim: RunLease, sifted: DiffResult, found: Mapping[int, Finding], amounts: Mapping[int, Decimal | None]
) -> None:
    with transaction.atomic(durable=True):
        recorded = record_findings(
            found,
            connection_id=claim.connection.pk,
            connection_revision=claim.connection.revision,
            actor=claim.actor,
            now=database_now(),
            amounts=amounts,
            silent=claim.silent - sifted.again,  # they are gone as before, as the keys have said
            missed=sifted.missed,
            missed_at=claim.started_at,
        )
        require_same_connection(claim)
        claim.changed += sum(became is Recorded.CHANGED for became in recorded.values())
        note_progress(claim)
    # What somebody found since counts as they found it.
    now = ChangeOrderLink.objects.filter(pk__in=list(amounts), unlinked_at=None)
    for presence, drift in now.values_list("presence", "drift"):
        sifted.count(presence, drifted=bool(drift))


def _note_never_checked(claim: RunLease, sifted: DiffResult) -> None:
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
                last_seen_clock=claim.server_clock,
            )
            note_progress(claim)

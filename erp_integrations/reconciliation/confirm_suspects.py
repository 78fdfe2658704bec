"""Confirms the suspects of a reconciliation with a look, and records the findings."""

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
from erp_integrations.links.brake import missing_unexplained
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
"""Most records that may give no answer on a connection that answers; beyond that, the run fails."""
RECORDED_AT_ONCE = MOST_LOOKED_UP_QUICKLY
NEVER_CHECKED_AT_ONCE = 5_000
GONE_SAMPLE = MOST_LOOKED_UP_QUICKLY // 4
"""How many already-missing links each run re-checks, because another record may have taken their number.

That is all of them when links are unlinked promptly, and never more than a part of a batch.
"""


class _Batch(NamedTuple):
    """A batch of suspects whose look is running."""

    looks: "Future[dict[int, Finding]]"
    amounts: Mapping[int, Decimal | None]


def confirm_suspects(lease: RunLease, reader: ErpReader, diff: DiffResult) -> None:
    """Looks up every suspect and records the findings.

    While one batch is recorded, the next is looked up. Raises `ErpError` when the connection is down or was
    changed; findings recorded by then stay.
    """
    diff.sample_gone(GONE_SAMPLE)
    waiting: deque[_Batch] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="erp-looks") as executor:
        for amounts in diff.suspects.chunks(RECORDED_AT_ONCE):
            links = _links(amounts)
            question = question_for(links, lease.connection)
            looks = executor.submit(
                copy_context().run, _look, lease, reader, question.references, question.controls
            )
            waiting.append(_Batch(looks, amounts))
            if len(waiting) > 1:
                _record_next(lease, diff, waiting)
        while waiting:
            _record_next(lease, diff, waiting)
    _note_never_checked(lease, diff)


def count_unexplained(
    lease: RunLease, reader: ErpReader, diff: DiffResult, *, enough: Callable[[int], bool]
) -> int:
    """How many of the suspects are missing without an explanation.

    Stops when `enough` says so; records nothing. Raises `ErpError`.
    """
    unexplained = 0
    for amounts in diff.suspects.chunks(RECORDED_AT_ONCE):
        links = _links(amounts)
        question = question_for(links, lease.connection)
        found = _look(lease, reader, question.references, question.controls)
        unexplained += sum(missing_unexplained(list(found.values())))
        renew(lease)
        if enough(unexplained):
            break
    return unexplained


def _record_next(lease: RunLease, diff: DiffResult, waiting: deque[_Batch]) -> None:
    looks, amounts = waiting.popleft()
    while not looks.done():
        wait([looks], timeout=1)
        renew(lease)
    _record(lease, diff, looks.result(), amounts)


def _links(ids: Iterable[int]) -> list[ChangeOrderLink]:
    return list(ChangeOrderLink.objects.filter(pk__in=list(ids), unlinked_at=None).order_by("pk"))


# --- in the worker thread, which never touches our database --------------------------------------------


def _look(
    lease: RunLease,
    reader: ErpReader,
    references: Mapping[int, ChangeOrderReference],
    controls: Controls,
) -> dict[int, Finding]:
    """One look at each link. Raises `ErpError` when the connection is down."""
    found: dict[int, Finding] = {}
    ids = list(references)
    for start in range(0, len(ids), MOST_LOOKED_UP_QUICKLY):
        batch = ids[start : start + MOST_LOOKED_UP_QUICKLY]
        found |= _quick_lookup(lease, reader, references, batch, controls)
        unanswered = [link_id for link_id in batch if not tells_of_the_record(found[link_id])]
        if unanswered:
            found |= _look_up_singly(lease, reader, references, unanswered, controls)
    return found


def _quick_lookup(
    lease: RunLease,
    reader: ErpReader,
    references: Mapping[int, ChangeOrderReference],
    ids: Sequence[int],
    controls: Controls,
) -> dict[int, Finding]:
    findings = calls.quick_lookup_many(
        reader,
        [references[link_id] for link_id in ids],
        deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS),
        clock=lease.clock,
        controls=controls,
    )
    return dict(zip(ids, findings, strict=True))


def _look_up_singly(
    lease: RunLease,
    reader: ErpReader,
    references: Mapping[int, ChangeOrderReference],
    unanswered: Sequence[int],
    controls: Controls,
) -> dict[int, Finding]:
    """Looks up each record alone, because one that is being saved in the ERP may fail the whole batch.

    Raises `ErpError` when the connection is down, or when there are too many such records.
    """
    _require_answering(reader)
    found: dict[int, Finding] = {}
    for link_id in unanswered:
        found |= _quick_lookup(lease, reader, references, [link_id], controls)
        finding = found[link_id]
        if tells_of_the_record(finding):
            continue
        lease.silent.add(link_id)
        if len(lease.silent) > MOST_SILENT:
            assert finding.fault is not None, "no answer has its fault"
            raise error_for(finding.fault)
    return found


def _require_answering(reader: ErpReader) -> None:
    """Raises `ErpError` when the connection is down."""
    report = calls.handshake(reader, deadline=Deadline.after(settings.SAGE_DEADLINE_SECONDS))
    if report.problems:
        raise error_for(report.problems[0])


# --- our database --------------------------------------------------------------------------------


def _record(
    lease: RunLease, diff: DiffResult, found: Mapping[int, Finding], amounts: Mapping[int, Decimal | None]
) -> None:
    with transaction.atomic(durable=True):
        recorded = record_findings(
            found,
            connection_id=lease.connection.pk,
            connection_revision=lease.connection.revision,
            actor=lease.actor,
            now=database_now(),
            amounts=amounts,
            silent=lease.silent - diff.sampled,  # still missing according to the keys
            missed=diff.missed,
            missed_at=lease.started_at,
        )
        require_same_connection(lease)
        lease.changed += sum(became is Recorded.CHANGED for became in recorded.values())
        note_progress(lease)
    # Counts the current status, which a newer finding may have changed.
    now = ChangeOrderLink.objects.filter(pk__in=list(amounts), unlinked_at=None)
    for presence, drift in now.values_list("presence", "drift"):
        diff.count(presence, drifted=bool(drift))


def _note_never_checked(lease: RunLease, diff: DiffResult) -> None:
    """Stores PRESENT for links that were never checked and whose records are there; without events."""
    ids = diff.never_checked
    for start in range(0, len(ids), NEVER_CHECKED_AT_ONCE):
        with transaction.atomic(durable=True):
            part = ids[start : start + NEVER_CHECKED_AT_ONCE].tolist()
            links = ChangeOrderLink.objects.filter(
                pk__in=part, unlinked_at=None, presence=PresenceKey.UNCHECKED
            )
            locked = list(links.select_for_update().order_by("pk").values_list("pk", flat=True))
            require_same_connection(lease)
            ChangeOrderLink.objects.filter(pk__in=locked).update(
                presence=PresenceKey.PRESENT,
                presence_checked_at=lease.started_at,
                last_seen_at=Greatest(F("last_seen_at"), lease.started_at),
                last_seen_clock=lease.server_clock,
            )
            note_progress(lease)

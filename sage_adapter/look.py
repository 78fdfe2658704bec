"""One look at Sage, over one connection: which questions, in which order, for which step of the verdict."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from erp_integrations.ports import (
    ChangeOrderReference,
    ErpError,
    HeaderSeen,
    HistoryEntry,
    error_for,
)
from sage_adapter import history, rows, verdict
from sage_adapter.faults import fault
from sage_adapter.handshake import Greeting
from sage_adapter.session import Session

_MOST_ROWS = 20_000
"""More than any job or subcontract of Sage can hold; beyond it something is wrong."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a look asks by: Sage's numeric keys as numbers, row ids as upper-case text."""

    job: int
    job_row_id: str
    record: int
    row_id: str
    subcontract: int

    @classmethod
    def of(cls, reference: ChangeOrderReference) -> "Keys":
        """Raises `Unexpected` where the link holds a record number that is none."""
        return cls(
            job=key(reference.job_record_number),
            job_row_id=_bound(reference.job_row_id),
            record=key(reference.record_number),
            row_id=_bound(reference.row_id),
            subcontract=key(reference.subcontract_record_number),
        )


def key(record_number: str) -> int:
    """A record number as Sage's numeric key. Raises `Unexpected` for what is none."""
    with rows.refused_unless_understood():
        return int(rows.record_number(record_number))


def _bound(row_id: uuid.UUID) -> str:
    return str(row_id).upper()


@dataclass(slots=True)
class LookInProgress:
    """A look's own connection, and what it has heard so far."""

    session: Session
    reference: ChangeOrderReference
    greeting: Greeting
    seen: verdict.Look
    counts: rows.Presence


def begin(
    session: Session, reference: ChangeOrderReference, greeting: Greeting, asked_at: datetime
) -> LookInProgress:
    """Steps 2 to 4, over a connection whose handshake was good. `asked_at` is when its handshake began.

    Raises `ErpError`: what is wrong with the connection, or with an answer.
    """
    keys = Keys.of(reference)
    counts = rows.presence(
        session.ask(
            "presence",
            (
                keys.job,
                keys.job,
                keys.job_row_id,
                keys.row_id,
                keys.record,
                keys.subcontract,
                keys.subcontract,
            ),
        ).rows
    )
    if counts.jobs == 0:
        raise error_for(fault("empty-database"))
    header = _header(session, keys, reference) if counts.headers else None
    seen = verdict.Look(
        observation=verdict.Observation(
            jobs_with_number=counts.jobs_with_number,
            jobs_same_row=counts.jobs_same_row,
            headers=counts.headers,
            header=header,
            lines=counts.lines,
        ),
        asked_at=asked_at,
        incarnation=greeting.handshake.incarnation,
        subcontract_present=counts.subcontracts == 1,
        history_readable=greeting.handshake.history_readable,
        history_since=greeting.handshake.history_since,
    )
    looking = LookInProgress(session, reference, greeting, seen, counts)
    if not counts.jobs_same_row:
        _ask_history(looking)
    return looking


def ask_who_carries_the_number(looking: LookInProgress) -> verdict.Carriers:
    """Step 6, over the connection of the second look, with the evidence that is shown beside the answer."""
    keys = Keys.of(looking.reference)
    if looking.counts.jobs_same_row and not looking.counts.headers:
        _ask_history(looking)
    found = looking.session.ask("carriers", (keys.job, keys.subcontract), limit=_MOST_ROWS).rows
    carriers = [rows.carrier(row) for row in found]
    to_our_clock = looking.greeting.to_our_clock
    return verdict.Carriers(
        on_job=tuple(
            verdict.OnJob(
                row_id=one.row_id,
                record_number=one.record_number,
                number=one.number,
                phase=one.phase,
                inserted_at=to_our_clock(one.inserted_at) if one.inserted_at else None,
            )
            for one in carriers
            if not one.by_line and one.row_id is not None
        ),
        on_subcontract=tuple(
            verdict.OnSubcontract(
                row_id=one.row_id,
                record_number=one.record_number,
                number=one.number,
                sub_change_number=one.sub_change_number,
                amount=one.amount,
                inserted_at=to_our_clock(one.inserted_at) if one.inserted_at else None,
            )
            for one in carriers
            if one.by_line
        ),
        subcontract_changes_total=_changes_total(looking.session, keys)
        if looking.counts.subcontracts
        else None,
    )


def _header(session: Session, keys: Keys, reference: ChangeOrderReference) -> HeaderSeen:
    found = session.ask("header", (keys.row_id,)).rows
    if not found:  # it was counted a moment ago
        raise error_for(fault("sage-changing"))
    return rows.header_seen(found[0], reference.row_id)


def _ask_history(looking: LookInProgress) -> None:
    """Adds the deletion of our record to the look. A history that may not be read costs proof, no verdict."""
    if not looking.greeting.handshake.history_readable:
        return
    deletion, readable = _deletion(looking)
    looking.seen = replace(
        looking.seen,
        deletion=deletion,
        history_readable=readable,
        history_since=looking.seen.history_since if readable else None,
    )


def _deletion(looking: LookInProgress) -> tuple[HistoryEntry | None, bool]:
    keys = Keys.of(looking.reference)
    try:
        answer = looking.session.ask("history", (keys.record,), limit=_MOST_ROWS)
    except ErpError as error:
        # Refused rights leave the connection as it was; anything else may have broken it.
        if error.fault.code != "no-rights":
            raise
        return None, False
    return history.deletion_in(answer, looking.reference.row_id, looking.greeting.to_our_clock), True


def _changes_total(session: Session, keys: Keys) -> Decimal:
    return sum(
        rows.amounts(session.ask("subcontract_changes", (keys.subcontract,), limit=_MOST_ROWS).rows),
        Decimal("0.00"),
    )

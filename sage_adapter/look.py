"""One look at Sage, over one connection: which questions, in which order, for which step of the verdict.

A look is about one record or about a page of them: the same questions, in files for one and for many. What
cannot be understood of one record is that record's fault; what goes wrong with the connection is everybody's.
"""

import functools
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from erp_integrations.ports import ChangeOrderReference, ErpError, HeaderSeen, error_for
from sage_adapter import history, rows, verdict
from sage_adapter.faults import fault
from sage_adapter.handshake import Greeting
from sage_adapter.session import Answer, Session

AT_ONCE, COUNTED_AT_ONCE = 50, 10
"""How many keys the files for many take."""

_MOST_ROWS = 20_000
"""More than any job or subcontract of Sage can hold; beyond it something is wrong."""
MOST_ROWS_OF_MANY = 100_000

T = TypeVar("T")
Key = int | str
Row = tuple[Any, ...]


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


_LARGEST_KEY = 2**63 - 1
"""A bigint, which is what Sage's record numbers are."""


def key(record_number: str) -> int:
    """A record number as Sage's numeric key. Raises `Unexpected` for what is none."""
    with rows.refused_unless_understood():
        known = int(rows.record_number(record_number))
        if known > _LARGEST_KEY:
            raise rows.NotUnderstood("a record number too large")
        return known


def _bound(row_id: uuid.UUID) -> str:
    return str(row_id).upper()


@dataclass(slots=True)
class Seen:
    """What a look has heard of one record so far."""

    reference: ChangeOrderReference
    keys: Keys
    counts: rows.Presence
    look: verdict.Look


Outcome = Seen | ErpError
"""What a look heard of one record, or why it could not be understood."""


def begin(
    session: Session, references: Sequence[ChangeOrderReference], greeting: Greeting, asked_at: datetime
) -> list[Outcome]:
    """Steps 2 to 4, over a connection whose handshake was good. `asked_at` is when its handshake began.

    Raises `ErpError`: what is wrong with the connection, or with an answer as a whole.
    """
    keys = [or_fault(Keys.of, reference) for reference in references]
    counts = iter(_counts(session, [one for one in keys if isinstance(one, Keys)]))
    outcomes: list[Outcome] = [
        one
        if isinstance(one, ErpError)
        else or_fault(_counted, reference, one, next(counts), greeting, asked_at)
        for reference, one in zip(references, keys, strict=True)
    ]
    outcomes = with_headers(session, outcomes)
    _ask_history(session, greeting, [one for one in _understood(outcomes) if not one.counts.jobs_same_row])
    return outcomes


def ask_who_carries_the_number(
    session: Session, seen: Sequence[Seen], greeting: Greeting
) -> list[verdict.Carriers | ErpError]:
    """Step 6, over the connection of the second look, with the evidence that is shown beside the answer.

    History comes last: where it may not be read, the question may have ended the transaction.
    """
    found = ask_carriers(session, seen, greeting)
    unasked = [one for one in seen if one.counts.jobs_same_row and not one.counts.headers]
    _ask_history(session, greeting, unasked)
    return found


def ask_carriers(
    session: Session, seen: Sequence[Seen], greeting: Greeting
) -> list[verdict.Carriers | ErpError]:
    """Who may carry the number of each now."""
    found = _carriers(session, seen, greeting)
    return [or_fault(_carriers_of, one, found) for one in seen]


def or_fault(make: Callable[..., T], *given: object) -> T | ErpError:
    """What it makes, or the fault that is of one record only."""
    try:
        return make(*given)
    except ErpError as error:
        return error


def _understood(outcomes: Sequence[Outcome]) -> list[Seen]:
    return [one for one in outcomes if isinstance(one, Seen)]


def ask_history(session: Session, seen: Sequence[Seen], greeting: Greeting) -> None:
    """Adds to each look what the history tells of the record's deletion, where it may be read."""
    if not _ask_history(session, greeting, seen):
        session.end_transaction()  # being refused may have spoiled it: what follows is asked outside of one


# --- presence and header -------------------------------------------------------------------------


def _counts(session: Session, keys: Sequence[Keys]) -> list[Row]:
    """The counts of each record: one row for every one that was asked about, or none at all."""
    if len(keys) == 1:
        return rows.presence_by_place(session.ask("presence", _asked_by(keys[0])).rows, 1)
    found: list[Row] = []
    for start in range(0, len(keys), COUNTED_AT_ONCE):
        part = keys[start : start + COUNTED_AT_ONCE]
        params = [param for one in padded(part, COUNTED_AT_ONCE) for param in _asked_by(one)]
        answer = session.ask("presence_many", params, limit=COUNTED_AT_ONCE).rows
        found += rows.presence_by_place(answer, COUNTED_AT_ONCE)[: len(part)]
    return found


def _asked_by(keys: Keys) -> tuple[Key, ...]:
    """The parameters of presence.sql, in their order."""
    of_job = (keys.job, keys.job, keys.job_row_id)
    return (*of_job, keys.row_id, keys.record, keys.subcontract, keys.subcontract)


def padded(keys: Sequence[T], size: int) -> list[T]:
    """As many keys as a file takes: the last one again and again where there are fewer."""
    return [*keys, *[keys[-1]] * (size - len(keys))]


def _counted(
    reference: ChangeOrderReference, keys: Keys, row: Row, greeting: Greeting, asked_at: datetime
) -> Seen:
    return seen(reference, keys, rows.presence(row), greeting, asked_at)


def seen(
    reference: ChangeOrderReference,
    keys: Keys,
    counts: rows.Presence,
    greeting: Greeting,
    asked_at: datetime,
) -> Seen:
    """What the counts say of one record. Raises `empty-database` for a company without jobs."""
    if counts.jobs == 0:
        raise error_for(fault("empty-database"))
    look = verdict.Look(
        observation=verdict.Observation(
            jobs_with_number=counts.jobs_with_number,
            jobs_same_row=counts.jobs_same_row,
            headers=counts.headers,
            header=None,
            lines=counts.lines,
        ),
        asked_at=asked_at,
        incarnation=greeting.handshake.incarnation,
        subcontract_present=counts.subcontracts == 1,
        history_readable=greeting.handshake.history_readable,
    )
    return Seen(reference, keys, counts, look)


def with_headers(session: Session, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, with the header of each record that was counted."""
    wanted = list(dict.fromkeys(one.keys.row_id for one in _understood(outcomes) if one.counts.headers))
    if not wanted:
        return list(outcomes)
    by_row_id: dict[uuid.UUID | ErpError, Row] = {}
    for row in _ask(session, "header", wanted, limit=1).rows:
        by_row_id[or_fault(rows.row_id_of, row)] = row
    return [or_fault(_with_header, one, by_row_id) if isinstance(one, Seen) else one for one in outcomes]


def _with_header(seen: Seen, by_row_id: dict[uuid.UUID | ErpError, Row]) -> Seen:
    if not seen.counts.headers:
        return seen
    row = by_row_id.get(seen.reference.row_id)
    if row is None:  # it was counted a moment ago
        unread = (one for one in by_row_id if isinstance(one, ErpError))
        raise next(unread, error_for(fault("sage-changing")))
    header: HeaderSeen = rows.header_seen(row, seen.reference.row_id)
    seen.look = replace(seen.look, observation=replace(seen.look.observation, header=header))
    return seen


def _ask(session: Session, name: str, keys: Sequence[Key], *more: Sequence[Key], limit: int) -> Answer:
    """Asks the file for one where there is one of each key, else the file for many."""
    given = (keys, *more)
    if all(len(one) == 1 for one in given):
        return session.ask(name, [one[0] for one in given], limit=limit)
    params = [one for keys_of_one_kind in given for one in padded(keys_of_one_kind, AT_ONCE)]
    return session.ask(f"{name}_many", params, limit=AT_ONCE if limit == 1 else MOST_ROWS_OF_MANY)


# --- history ---------------------------------------------------------------------------------------


def _ask_history(session: Session, greeting: Greeting, seen: Sequence[Seen]) -> bool:
    """Adds the deletion of each record to its look. History that may not be read costs proof, no verdict.

    False where reading it was refused.
    """
    if not seen or not greeting.handshake.history_readable:
        return True
    records = list(dict.fromkeys(one.keys.record for one in seen))
    try:
        answer = _ask(session, "history", records, limit=_MOST_ROWS)
    except ErpError as error:
        # Refused rights leave the connection as it was; anything else may have broken it.
        if error.fault.code != "no-rights":
            raise
        for one in seen:
            one.look = replace(one.look, history_readable=False)
        return False
    told = history.read(answer, greeting.to_our_clock)
    for one in seen:
        one.look = replace(
            one.look,
            deletion=told.deletion_of(one.reference.row_id),
            history_since=told.since,
        )
    return True


# --- who carries the number now --------------------------------------------------------------------


class _Found:
    """The rows of carriers.sql, by kind and by the job or subcontract asked about; each is read once."""

    def __init__(self, answer: Sequence[Row], to_our_clock: Callable[[datetime], datetime]) -> None:
        self._rows: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for row in answer:
            self._rows[rows.carrier_kind(row)].append(row)
        self._to_our_clock = to_our_clock
        self.on_job = functools.cache(self._on_job)
        self.on_subcontract = functools.cache(self._on_subcontract)
        self.changes = functools.cache(self._changes)

    def _carriers(self, kind: int, asked: int) -> list[rows.Carrier]:
        return [rows.carrier(row) for row in self._rows.get((kind, str(asked)), ())]

    def _inserted(self, one: rows.Carrier) -> datetime | None:
        return self._to_our_clock(one.inserted_at) if one.inserted_at else None

    def _on_job(self, job: int) -> tuple[verdict.OnJob, ...]:
        return tuple(
            verdict.OnJob(
                row_id=one.row_id,
                record_number=one.record_number,
                number=one.number,
                phase=one.phase,
                inserted_at=self._inserted(one),
            )
            for one in self._carriers(rows.BY_JOB, job)
            if one.row_id is not None
        )

    def _on_subcontract(self, subcontract: int) -> tuple[verdict.OnSubcontract, ...]:
        return tuple(
            verdict.OnSubcontract(
                row_id=one.row_id,
                record_number=one.record_number,
                number=one.number,
                sub_change_number=one.sub_change_number,
                amount=one.amount,
                inserted_at=self._inserted(one),
            )
            for one in self._carriers(rows.BY_LINE, subcontract)
        )

    def _changes(self, subcontract: int) -> Decimal:
        changes = self._rows.get((rows.SUBCONTRACT_LINE, str(subcontract)), ())
        return sum(map(rows.subcontract_change, changes), Decimal("0.00"))


def _carriers(session: Session, seen: Sequence[Seen], greeting: Greeting) -> _Found:
    jobs = list(dict.fromkeys(one.keys.job for one in seen))
    subcontracts = list(dict.fromkeys(one.keys.subcontract for one in seen))
    answer = _ask(session, "carriers", jobs, subcontracts, subcontracts, limit=_MOST_ROWS)
    return _Found(answer.rows, greeting.to_our_clock)


def _carriers_of(seen: Seen, found: _Found) -> verdict.Carriers:
    return verdict.Carriers(
        on_job=found.on_job(seen.keys.job),
        on_subcontract=found.on_subcontract(seen.keys.subcontract),
        subcontract_changes_total=found.changes(seen.keys.subcontract) if seen.counts.subcontracts else None,
    )

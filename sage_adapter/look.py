"""One look at Sage over one connection: what is asked, in which order, and what comes back for each record.

A look is about one record or about a page of them, with the same statements. What steps 2 to 5 of the
verdict count is one statement with the controls in it; what stands in a record's place and what history tells
is asked afterwards, only about records that were not found, and history last, because a server that refuses
it may end the transaction. What cannot be understood of one record is that record's fault; what goes wrong
with the connection is a fault of all.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from erp_integrations.ports import (
    CONTROLS_AT_RANDOM,
    CONTROLS_OF_THE_JOB,
    ChangeOrderReference,
    Control,
    Controls,
    ErpError,
    FaultKind,
    HistoryMark,
    error_for,
)
from sage_adapter import history, rows, verdict
from sage_adapter.answers import CarriersAnswer, LookAnswer
from sage_adapter.faults import fault
from sage_adapter.handshake import ServerGreeting
from sage_adapter.session import Session, check_deadline

AT_ONCE = 50
"""Records of one statement."""
MOST_PARAMETERS = 2_100
"""SQL Server takes no more in one statement (Microsoft: Maximum capacity specifications)."""

_SIZES = (1, 2, 5, 16, 50, 100, 250, 400)
"""How many keys a list has: few different statements to compile and to remember."""
_MOST_REFUSALS = 20
"""After so many refusals history is taken for closed: two records among fifty cost fewer."""
_MOST_ROWS = 200_000
"""More than all lines of the records of a page; beyond it something is wrong."""

Key = int | str


@dataclass(slots=True)
class Seen:
    """What a look has found out about one record so far."""

    reference: ChangeOrderReference
    look: verdict.Look


Outcome = Seen | ErpError
"""What a look found out about one record, or why it could not be understood."""


def key(record_number: str) -> int:
    """A record number as Sage's numeric key. Raises `Unexpected` for what is none."""
    with rows.refused_unless_understood():
        known = int(rows.record_number(record_number))
        if known > _LARGEST_KEY:
            raise rows.NotUnderstood("a record number too large")
        return known


_LARGEST_KEY = 2**63 - 1
"""A bigint, which is what Sage's record numbers are."""


def padded(keys: Sequence[Key]) -> list[Key]:
    """As many keys as a list of the next size takes: the last one again and again."""
    size = next((one for one in _SIZES if one >= len(keys)), len(keys))
    return [*keys, *[keys[-1]] * (size - len(keys))]


# --- steps 2 to 5 --------------------------------------------------------------------------------


def begin(
    session: Session,
    references: Sequence[ChangeOrderReference],
    controls: Controls,
    greeting: ServerGreeting,
    asked_at: datetime,
) -> list[Outcome]:
    """What is there of each record, in their order. `asked_at` is when the handshake of this look began.

    Raises `ErpError`: what is wrong with the connection, or with an answer as a whole.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(references), AT_ONCE):
        part = references[start : start + AT_ONCE]
        keys = [_or_fault(reference) for reference in part]
        known = [one for one in keys if isinstance(one, _Keys)]
        if known:
            answer = _ask(session, known, controls, greeting)
        for one in keys:
            try:
                outcomes.append(
                    one if isinstance(one, ErpError) else _seen(one, answer, controls, greeting, asked_at)
                )
            except ErpError as error:
                outcomes.append(error)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Keys:
    """What a record is asked for by: Sage's numeric keys as numbers, row ids as upper-case text."""

    reference: ChangeOrderReference
    record: int
    job: int
    subcontract: int

    @property
    def row_id(self) -> str:
        return _bound(self.reference.row_id)

    @property
    def job_row_id(self) -> str:
        return _bound(self.reference.job_row_id)


def _or_fault(reference: ChangeOrderReference) -> "_Keys | ErpError":
    try:
        return _Keys(
            reference,
            record=key(reference.record_number),
            job=key(reference.job_record_number),
            subcontract=key(reference.subcontract_record_number),
        )
    except ErpError as error:
        return error


def _bound(row_id: uuid.UUID) -> str:
    return str(row_id).upper()


def _all_of(controls: Controls) -> tuple[Control, ...]:
    return (*controls.at_random, *controls.of_jobs, *controls.of_the_bulk)


def _ask(
    session: Session, asked: Sequence[_Keys], controls: Controls, greeting: ServerGreeting
) -> LookAnswer:
    every = _all_of(controls)
    # By its row id alone: a record that was left keeps the link under whatever number.
    of_left = _different([_bound(record.row_id) for one in asked for record in one.reference.left_records])
    left = padded(of_left) if of_left else []
    records = _different(
        [*(one.record for one in asked), *_numbers(control.record_number for control in every)]
    )
    jobs = _different(
        [
            *(one.job for one in asked),
            *_numbers(one.reference.last_job_record_number for one in asked),
            *_numbers(control.job_record_number for control in every),
        ]
    )
    of_asked = padded([one.record for one in asked])
    row_ids = padded([one.row_id for one in asked])
    job_numbers, job_row_ids = padded([one.job for one in asked]), padded([one.job_row_id for one in asked])
    different, different_jobs = len(set(row_ids)), len(set(job_row_ids))
    records, jobs = padded(records), padded(jobs)
    has_row_id_of_header = "_idref" in greeting.line_columns
    params: list[Key] = [*of_asked, *row_ids, *job_numbers, *job_row_ids]
    params += [*records, *row_ids, different, *left, *jobs, *job_row_ids, different_jobs, *of_asked]
    if has_row_id_of_header:
        params += [*row_ids, different]
    params += [*padded([one.subcontract for one in asked]), *job_numbers]
    assert len(params) < MOST_PARAMETERS, "a look asks for more than SQL Server takes"
    answer = session.ask(
        "look",
        params,
        limit=_MOST_ROWS,
        sizes={"asked": len(of_asked), "records": len(records), "left": len(left), "jobs": len(jobs)},
        without=[
            part for part, asked_for in (("idref", has_row_id_of_header), ("left", left)) if not asked_for
        ],
    )
    return LookAnswer.of(answer.rows)


def _numbers(record_numbers: Iterable[str]) -> list[Key]:
    """Those that are numbers of Sage's: one that is none belongs to a link that cannot be a control."""
    return [int(number) for number in record_numbers if number.isdecimal() and int(number) <= _LARGEST_KEY]


def _different(keys: Sequence[Key]) -> list[Key]:
    return list(dict.fromkeys(keys))


def _seen(
    keys: _Keys, answer: LookAnswer, controls: Controls, greeting: ServerGreeting, asked_at: datetime
) -> Seen:
    reference = keys.reference
    header = answer.header_of(reference.row_id)
    observation = verdict.Observation(
        job=answer.job_of(reference.job_row_id) if header is None else answer.jobs.get(reference.job_row_id),
        header=header,
        bearer=answer.bearer_of(keys.record, reference.row_id) if header is None else None,
        lines=answer.lines_of(keys.record, reference.row_id),
        left_records=tuple(one for one in reference.left_records if answer.is_there(one.row_id)),
        last_job=answer.job_numbered(reference.last_job_record_number) if header is None else None,
    )
    look = verdict.Look(
        observation=observation,
        asked_at=asked_at,
        incarnation=greeting.handshake.incarnation,
        server_ahead=greeting.server_ahead,
        subcontract_present=keys.subcontract in answer.subcontracts,
        others_of_job=answer.others_of_job(observation.job.record_number if observation.job else ""),
        lowest_inserted_at=answer.lowest_inserted_at,
        controls=tuple(
            verdict.ControlSeen(
                control,
                is_there=answer.is_there(control.row_id),
                job=answer.jobs.get(control.job_row_id),
            )
            for control in controls_of(reference, controls)
        ),
    )
    return Seen(reference, look)


def controls_of_try(controls: Controls, tried: int) -> Controls:
    """The controls of one try: other ones than of the tries before it, as long as there are others."""
    jobs: dict[uuid.UUID, list[Control]] = defaultdict(list)
    for one in controls.of_jobs:
        jobs[one.job_row_id].append(one)
    return Controls(
        at_random=_turned(controls.at_random, tried, CONTROLS_AT_RANDOM)[: CONTROLS_AT_RANDOM + 1],
        of_jobs=tuple(
            one
            for of_job in jobs.values()
            for one in _turned(of_job, tried, CONTROLS_OF_THE_JOB)[: CONTROLS_OF_THE_JOB + 1]
        ),
        of_the_bulk=controls.of_the_bulk,
    )


def _turned(drawn: Sequence[Control], tried: int, size: int) -> tuple[Control, ...]:
    start = tried * size % len(drawn) if drawn else 0
    return (*drawn[start:], *drawn[:start])


def controls_of(reference: ChangeOrderReference, controls: Controls) -> tuple[Control, ...]:
    """The controls of one record: ten at random, three of its job, and every other record of its bulk."""

    def others(drawn: Iterable[Control]) -> list[Control]:
        return [control for control in drawn if control.row_id != reference.row_id]

    at_random = others(controls.at_random)[:CONTROLS_AT_RANDOM]
    of_its_job = others(one for one in controls.of_jobs if one.job_row_id == reference.job_row_id)
    chosen = [*at_random, *of_its_job[:CONTROLS_OF_THE_JOB], *others(controls.of_the_bulk)]
    return tuple({control.row_id: control for control in chosen}.values())


# --- what stands in its place --------------------------------------------------------------------


def ask_carriers(session: Session, seen: Sequence[Seen]) -> list[verdict.Carriers]:
    """What may stand in the place of each record now, with what is shown of its subcontract."""
    found: list[verdict.Carriers] = []
    for start in range(0, len(seen), AT_ONCE):
        part = seen[start : start + AT_ONCE]
        asked = [(_job_number(one), key(one.reference.subcontract_record_number)) for one in part]
        jobs = padded(_different([job for job, _ in asked]))
        subcontracts = padded(_different([subcontract for _, subcontract in asked]))
        answer = session.ask(
            "carriers",
            [*jobs, *subcontracts, *subcontracts],
            limit=_MOST_ROWS,
            sizes={"jobs": len(jobs), "subcontracts": len(subcontracts)},
        )
        carriers = CarriersAnswer(answer.rows)
        for (job, subcontract), one in zip(asked, part, strict=True):
            found.append(
                verdict.Carriers(
                    on_job=carriers.on_job(job),
                    on_subcontract=carriers.on_subcontract(subcontract),
                    subcontract=carriers.sums(subcontract) if one.look.subcontract_present else None,
                )
            )
    return found


def _job_number(seen: Seen) -> int:
    """The job by the number it has now; by the one that the link remembers where it is not there."""
    job = seen.look.observation.job
    return key(job.record_number if job else seen.reference.job_record_number)


# --- history -------------------------------------------------------------------------------------


def ask_history(
    session: Session,
    seen: Sequence[Seen],
    carriers: Sequence[verdict.Carriers],
    greeting: ServerGreeting,
    mark: HistoryMark | None,
) -> None:
    """Adds to each look what history tells about its record, its controls and what stands in its place.

    `carriers` are those of `seen`, in their order, or none. Trouble in reading history costs proof, never the
    verdict, and takes nothing from the other records. Raises `ErpError` where the deadline has passed, and
    `other-incarnation` where history has lost the newest entry that was ever seen.
    """
    if not seen or not greeting.handshake.history_readable:
        return
    records, jobs = _told_about(seen, carriers)
    if mark is not None:
        records = _different([int(mark.record_number), *records])
    read = history.History()
    _read_what_can_be(session, read, records, jobs if greeting.job_history_readable else [])
    check_deadline(session.deadline)
    if mark is not None and _was_put_back(session, read, mark):
        raise error_for(fault("other-incarnation"))
    for one in seen:
        ours = key(one.reference.record_number) in read.read_records
        one.look = replace(one.look, history=read, our_history_was_read=ours)


def ask_reach(session: Session, seen: Sequence[Seen]) -> None:
    """Adds to each look whose history was read how far back that reaches."""
    seen = [one for one in seen if one.look.history is not None and one.look.our_history_was_read]
    reach = _read_reach(session) if seen else None
    for one in seen:
        one.look = replace(one.look, reach=reach)


def _told_about(seen: Sequence[Seen], carriers: Sequence[verdict.Carriers]) -> tuple[list[Key], list[Key]]:
    """The record numbers and the job numbers that history is asked for."""
    records: list[Key] = [key(one.reference.record_number) for one in seen]
    jobs: list[Key] = []
    for one in seen:
        if one.look.observation.job is None or one.look.observation.job.status in verdict.ENDED:
            jobs += _numbers([one.reference.job_record_number])
        for missing in (control for control in one.look.controls if not control.is_there):
            records += _numbers([missing.control.record_number])
            jobs += _numbers([missing.control.job_record_number])
    for one, carried in zip(seen, carriers, strict=False):
        places = verdict.places(one.look, carried, one.reference)
        records += _numbers(place.record_number for place in places)
    return _different(records), _different(jobs)


def _read_history(
    session: Session, read: history.History, records: Sequence[Key], jobs: Sequence[Key]
) -> None:
    for start in range(0, len(records), _SIZES[-1]):
        asked = padded(records[start : start + _SIZES[-1]])
        of_jobs = padded(jobs[: _SIZES[-1]]) if jobs else []
        answer = session.ask(
            "history",
            [*asked, *of_jobs],
            limit=_MOST_ROWS,
            sizes={"records": len(asked), "jobs": len(of_jobs)},
            without=() if jobs else ("jobs",),
        )
        read.add(answer, [int(one) for one in asked])


def _read_what_can_be(
    session: Session, read: history.History, records: Sequence[Key], jobs: Sequence[Key]
) -> None:
    """All of it; where that is refused, the records in halves, until what is refused is alone, then the jobs.

    A refused question may have ended the transaction: what follows is asked outside of one. Gives up after
    `_MOST_REFUSALS`, and where the server is in trouble: what was not read tells nothing.
    """
    refusals = 0

    def is_refused(part: Sequence[Key], of_jobs: Sequence[Key]) -> bool:
        nonlocal refusals
        try:
            _read_history(session, read, part, of_jobs)
        except ErpError as error:
            if error.fault.kind is FaultKind.UNAVAILABLE:
                raise
            session.end_transaction()
            refusals += 1
            return True
        return False

    with suppress(ErpError):
        if not is_refused(records, jobs):
            return
        parts = [records] if jobs else _halves(records)
        while parts and refusals < _MOST_REFUSALS:
            part = parts.pop()
            if is_refused(part, ()):
                parts += _halves(part)
        if jobs and read.read_records:  # beside a record whose own history can be read
            is_refused([min(read.read_records)], jobs)


def _halves(part: Sequence[Key]) -> list[Sequence[Key]]:
    middle = len(part) // 2
    return [part[middle:], part[:middle]] if middle else []


def _was_put_back(session: Session, read: history.History, mark: HistoryMark) -> bool:
    """Whether history has lost its newest entry although it reaches back beyond it: a restored backup's."""
    if int(mark.record_number) not in read.read_records or read.holds(mark):
        return False
    reach = _read_reach(session)
    return reach is not None and reach.oldest is not None and reach.oldest <= mark.at


def _read_reach(session: Session) -> history.Reach | None:
    try:
        return history.reach_of(session.ask("history_reach"))
    except ErpError:
        check_deadline(session.deadline)
        return None

"""From what two looks saw to one answer. Pure: no clock, no connection, no driver.

The order of the steps and what each means are the product's; every path ends in a reason. Only two looks that
saw the same, neither of them the record, can say that it is gone, and only on a connection that showed in the
same statement that it sees records known to be there.

Sage's moments are compared with Sage's own clock at the look that last saw the record, never with ours.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from companies.text import comparison_key, is_same_number
from erp_integrations.ports import (
    SWEEP,
    ChangeOrderReference,
    Control,
    Evidence,
    Fault,
    Finding,
    HeaderSeen,
    LeftRecord,
    OtherRecord,
    Proof,
    Verdict,
    same_phase,
)
from sage_adapter.answers import JobSeen, Line, OnJob, OnSubcontract, RecordHolder, SubcontractSums
from sage_adapter.faults import fault
from sage_adapter.history import Entry, History, Reach

NOT_EFFECTIVE = ("Void", "Rejected")

IN_PROGRESS = ("Bid", "Contract", "Current", "Complete")
"""Job statuses with which no job is archived. Closed, Refused and a status that the company added may be."""
ENDED = ("Closed", "Refused")
"""Job statuses with which a job that is there is no sign of life: an archive may be removing it."""

LIVED_ON = timedelta(hours=1)
"""A job that was saved so long after a deletion outlived it: an archive takes its job away with it."""
KEYED_AFTER = timedelta(minutes=1)
"""How long before a deletion the record that takes its record number may be dated: clocks of one server."""
CLOCK_STEP = timedelta(minutes=1)
"""A difference between two readings of the server's clock that is no longer the time a question takes."""
DOUBT = timedelta(hours=1)
"""What a clock that was changed makes uncertain: daylight saving moves it by an hour."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a look saw of our record, its lines and its job. Two looks agree when these are equal."""

    job: JobSeen | None
    """Our job, under whatever number."""
    header: HeaderSeen | None
    """Our record, under whatever number."""
    bearer: RecordHolder | None = None
    """Another record that has our record number."""
    lines: tuple[Line, ...] = ()
    """Lines with our record number, or with our row id as that of their header."""
    left_records: tuple[LeftRecord, ...] = ()
    """Those of the records that the link was moved from which are there."""
    last_job: JobSeen | None = None
    """The job that our record was last seen on, where that is another than ours."""


@dataclass(frozen=True, slots=True)
class ControlSeen:
    control: Control
    is_there: bool
    job: JobSeen | None
    """The control's job, under the number that its link remembers."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what it saw, and where and when."""

    observation: Observation
    asked_at: datetime
    incarnation: str
    server_ahead: timedelta
    """The server's local time minus ours."""
    subcontract_present: bool = True
    others_of_job: int = 0
    """Change orders that our job holds, where it is not in progress."""
    lowest_inserted_at: datetime | None = None
    """When the change order with the lowest record number was inserted."""
    controls: tuple[ControlSeen, ...] = ()
    history: History | None = None
    """None where it was not asked, or cannot be asked on this connection."""
    our_history_was_read: bool = True
    """False where history could be read, but not of our record."""
    reach: Reach | None = None
    """None where that was not asked, or could not be read."""

    def to_our_clock(self, moment: datetime) -> datetime:
        """A moment in the server's local time as an aware one."""
        return (moment - self.server_ahead).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Carriers:
    """Everything that may stand in the place of a record, and what its subcontract adds up to."""

    on_job: tuple[OnJob, ...] = ()
    on_subcontract: tuple[OnSubcontract, ...] = ()
    subcontract: SubcontractSums | None = None


NO_CARRIERS = Carriers()


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the steps ended."""

    verdict: Verdict
    reason: str
    other_records: tuple[OtherRecord, ...] = ()
    """The one to be told comes first."""
    proof: Proof | None = None
    fault: Fault | None = None
    moved_to_subcontract: str = ""
    lines_left: int | None = None
    left_record: LeftRecord | None = None


# --- equal to a person -----------------------------------------------------------------------------


def _carries(number: str, ours: str) -> bool:
    """Whether a number is ours; a blank one matches nothing."""
    return bool(comparison_key(ours)) and is_same_number(number, ours)


# --- Sage's clock ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SeenByServer:
    """When a record was last seen, by the server's clock, and how far that may be wrong."""

    at: datetime
    doubt: timedelta

    @classmethod
    def of(cls, record: ChangeOrderReference | Control, server_ahead: timedelta) -> "_SeenByServer":
        ours = record.last_seen_at.astimezone(UTC).replace(tzinfo=None)
        then = record.last_seen_clock
        if then is None:
            return cls(ours + server_ahead, DOUBT)
        moved = abs(server_ahead - then)
        if moved < CLOCK_STEP and not record.clock_in_doubt:
            return cls(ours + then, timedelta(0))
        return cls(ours + then, max(DOUBT, moved))

    def is_before(self, moment: datetime) -> bool:
        """Whether the moment certainly came later."""
        return moment > self.at + self.doubt

    def may_be_after(self, moment: datetime) -> bool:
        return moment < self.at + self.doubt


def _seen(record: ChangeOrderReference | Control, look: Look) -> _SeenByServer:
    return _SeenByServer.of(record, look.server_ahead)


# --- what history tells ----------------------------------------------------------------------------


def deletion_told(look: Look, record: ChangeOrderReference | Control, job: JobSeen | None) -> Entry | None:
    """The deletion of a record that history tells, while its job lived on; else None.

    The job's own deletion is no sign of life: archiving deletes a job with all that it holds, and may leave
    entries for every one of them.
    """
    if look.history is None:
        return None
    deletion = look.history.deletion_of(record.row_id)
    if deletion is None or not _seen(record, look).is_before(deletion.at):
        return None
    saved_at = look.history.job_saved_at(record.job_row_id)
    lived_on = (job is not None and job.status not in ENDED) or (
        saved_at is not None and saved_at >= deletion.at + LIVED_ON
    )
    return deletion if lived_on else None


def our_deletion(look: Look, reference: ChangeOrderReference) -> Entry | None:
    """What history tells of our record's deletion."""
    if not look.our_history_was_read or _last_job_may_be_archived(look, reference):
        return None
    return deletion_told(look, reference, look.observation.job)


def _last_job_may_be_archived(look: Look, reference: ChangeOrderReference) -> bool:
    """Whether the job that our record was moved to is gone or not in progress: its archive may hold ours."""
    job, last_job = look.observation.job, look.observation.last_job
    if not reference.last_job_record_number or (
        job is not None and job.record_number == reference.last_job_record_number
    ):
        return False
    return last_job is None or last_job.status not in IN_PROGRESS


def _is_in_a_sweep(look: Look, row_id: uuid.UUID, deletion: Entry) -> bool:
    assert look.history is not None, "a deletion comes from history"
    return any(other != row_id and abs(at - deletion.at) <= SWEEP for other, at in look.history.deletions())


def _is_told(look: Look, one: ControlSeen) -> bool:
    """Whether a control that is not there was deleted, as history or two persons say."""
    if one.control.deletion_confirmed:
        return True
    deletion = deletion_told(look, one.control, one.job)
    return deletion is not None and not _is_in_a_sweep(look, one.control.row_id, deletion)


# --- steps 2 to 5, of one look -----------------------------------------------------------------------


def step_of_one_look(look: Look, reference: ChangeOrderReference) -> Answer | None:
    """What one look says alone; None when it found nothing, so that the next step must follow."""
    seen = look.observation
    if seen.header is not None:
        return _of_header(seen, seen.header, reference)
    return (
        _of_job(look, reference)
        or _of_lines(look, reference)
        or _of_controls(look, reference)
        or _of_ended_job(look, reference)
        or _of_silence(look, reference)
    )


def is_gone(look: Look, reference: ChangeOrderReference) -> bool:
    """Whether the look did not find our record, or found it without our part."""
    seen = look.observation
    return seen.header is None or _of_header(seen, seen.header, reference) is None


def _of_header(seen: Observation, header: HeaderSeen, reference: ChangeOrderReference) -> Answer | None:
    if _moved(header, reference):
        return Answer(Verdict.RENUMBERED, "header-renumbered")
    if header.status in NOT_EFFECTIVE:
        return Answer(Verdict.PRESENT_NOT_EFFECTIVE, f"header-{header.status.lower()}")
    now = {line.subcontract for line in seen.lines if line.subcontract}
    if reference.subcontract_record_number in now:
        return Answer(Verdict.PRESENT, "header-found")
    shared = {*reference.shared_subcontracts}
    touched = {*reference.touched_subcontracts, reference.subcontract_record_number, *shared}
    if new := sorted(now - touched, key=lambda number: (len(number), number)):
        return Answer(Verdict.AMBIGUOUS, "moved-to-another-subcontract", moved_to_subcontract=new[0])
    if now & shared:
        return None
    return Answer(Verdict.PRESENT, "header-without-our-lines")


def _moved(header: HeaderSeen, reference: ChangeOrderReference) -> bool:
    return not (
        is_same_number(header.number, reference.number)
        and header.record_number.strip() == reference.record_number.strip()
        and header.job_record_number.strip() == reference.job_record_number.strip()
        and same_phase(header.phase, reference.phase)
    )


def _of_job(look: Look, reference: ChangeOrderReference) -> Answer | None:
    if reference.deletion_confirmed:
        return None
    if _last_job_may_be_archived(look, reference):
        return Answer(Verdict.JOB_MISSING, "last-job-not-in-progress")
    if look.observation.job is not None or our_deletion(look, reference) is not None:
        return None
    return Answer(Verdict.JOB_MISSING, "job-not-found")


def _of_lines(look: Look, reference: ChangeOrderReference) -> Answer | None:
    """Lines that outlived their header. Others with our number are those of the record that has it now."""
    seen, last_seen = look.observation, _seen(reference, look)

    def is_left(line: Line) -> bool:
        if line.header_row_id == reference.row_id or seen.bearer is None:
            return True
        # Without the row id of its header, a line is that of the living record only if it came after ours.
        return line.header_row_id is None and not (
            line.inserted_at is not None and last_seen.is_before(line.inserted_at)
        )

    left = [line for line in seen.lines if is_left(line)]
    if left:
        return Answer(Verdict.AMBIGUOUS, "lines-without-header", lines_left=len(left))
    return None


def _of_controls(look: Look, reference: ChangeOrderReference) -> Answer | None:
    if reference.deletion_confirmed or _shows_that_it_sees(look, reference):
        return None
    return _unknown("no-control")


def _shows_that_it_sees(look: Look, reference: ChangeOrderReference) -> bool:
    """Whether the connection showed records that should be there, in the statement that did not show ours."""
    deletion = our_deletion(look, reference)
    is_told = deletion is not None and not _is_in_a_sweep(look, reference.row_id, deletion)
    if not look.controls:
        lowest = look.lowest_inserted_at
        return is_told or (lowest is not None and _was_there_before(lowest, reference, look))
    there = sum(one.is_there for one in look.controls)
    untold = len(_untold(look))
    # None there and none untold is no sight of anything: then our own deletion must be told too.
    return there >= untold if there else is_told and not untold


def _was_there_before(inserted_at: datetime, reference: ChangeOrderReference, look: Look) -> bool:
    last_seen = _seen(reference, look)
    return inserted_at + last_seen.doubt < last_seen.at


def _untold(look: Look) -> list[ControlSeen]:
    return [one for one in look.controls if not one.is_there and not _is_told(look, one)]


def _of_ended_job(look: Look, reference: ChangeOrderReference) -> Answer | None:
    """A job that is not in progress may be half archived."""
    job = look.observation.job
    if job is None or job.status in IN_PROGRESS or reference.deletion_confirmed or look.others_of_job:
        return None
    if our_deletion(look, reference) is not None:
        return None
    return Answer(Verdict.JOB_MISSING, "job-closed-and-empty")


def _of_silence(look: Look, reference: ChangeOrderReference) -> Answer | None:
    """History that knows of deletions, and reaches back beyond our last sight, should know of ours."""
    if not needs_reach(look, reference) or look.reach is None:
        return None
    oldest = look.reach.oldest
    if not look.reach.holds_deletions or oldest is None or not _seen(reference, look).may_be_after(oldest):
        return None
    assert look.history is not None, "history that needs its reach was read"
    knows_it = look.history.deletion_of(reference.row_id) is not None
    return _unknown("deletion-of-closed-job" if knows_it and _job_ended(look) else "history-silent")


def _job_ended(look: Look) -> bool:
    return look.observation.job is not None and look.observation.job.status in ENDED


def needs_reach(look: Look, reference: ChangeOrderReference) -> bool:
    """Whether silence of history about our record would count."""
    return (
        look.observation.header is None
        and look.history is not None
        and look.our_history_was_read
        and not reference.deletion_confirmed
        and our_deletion(look, reference) is None
    )


# --- two looks: steps 6 and 7 ------------------------------------------------------------------------


def step_of_two_looks(
    first: Look, second: Look, carriers: Carriers, reference: ChangeOrderReference
) -> Answer:
    """What two looks say together. Anything but the same twice is "Sage is changing"."""
    if first.observation != second.observation:
        return _changing()
    before, now = step_of_one_look(first, reference), step_of_one_look(second, reference)
    if now is not None and now.fault is not None:
        return now  # controls and history may differ from look to look, and say themselves what is wrong
    if before != now:
        return _changing()
    return now or _of_place(second, carriers, reference)


def _of_place(look: Look, carriers: Carriers, reference: ChangeOrderReference) -> Answer:
    """Step 7: what stands in its place now."""
    if _met_ours(look.observation, carriers, reference):
        return _changing()
    if look.observation.left_records:
        left = look.observation.left_records[0]
        return Answer(Verdict.AMBIGUOUS, "left-record-still-there", left_record=left)
    found = places(look, carriers, reference)
    if not found:
        return Answer(Verdict.ABSENT, _how_it_is_gone(look))
    unproven = [one for one in found if not _is_proven(one, look, reference)]
    others = tuple(dict.fromkeys(one.as_evidence(look) for one in (*unproven, *found)))
    if unproven:
        return Answer(Verdict.REPLACED, "replaced-without-proof", others)
    if not any(one.by_number or one.lines_inserted_at or one.is_on_our_job for one in found):
        return Answer(Verdict.ABSENT, "record-number-used-on-another-job", others)
    if our_deletion(look, reference) is not None:
        return Answer(Verdict.REPLACED, "replaced-after-deletion", others, Proof.HISTORY)
    return Answer(Verdict.REPLACED, "replaced-later", others, Proof.INSERTED_LATER)


def _how_it_is_gone(look: Look) -> str:
    if look.observation.header is not None:
        return "our-part-of-shared-header-gone"
    return "not-found-twice" if look.observation.job is not None else "deleted-before-its-job"


def _met_ours(seen: Observation, carriers: Carriers, reference: ChangeOrderReference) -> bool:
    """Whether the last question met our record, which the counts before it did not."""
    on_job = seen.header is None and any(one.row_id == reference.row_id for one in carriers.on_job)
    orphan = seen.bearer is None and any(
        one.row_id is None and one.record_number == reference.record_number for one in carriers.on_subcontract
    )
    return on_job or orphan or any(one.row_id == reference.row_id for one in carriers.on_subcontract)


@dataclass(slots=True)
class Place:
    """A record that stands in the place of ours, and in which ways."""

    row_id: uuid.UUID | None
    record_number: str
    number: str
    job_record_number: str
    is_on_our_job: bool
    by_number: bool = False
    by_record_number: bool = False
    header_inserted_at: datetime | None = None
    lines_inserted_at: list[datetime | None] = field(default_factory=list)
    """Of its lines that carry our sub change number."""

    def as_evidence(self, look: Look) -> OtherRecord:
        inserted_at = self.header_inserted_at or next(iter(self.lines_inserted_at), None)
        return OtherRecord(
            record_number=self.record_number,
            number=self.number,
            inserted_at=look.to_our_clock(inserted_at) if inserted_at else None,
            job_record_number=self.job_record_number,
            has_our_record_number=self.by_record_number,
        )


def places(look: Look, carriers: Carriers, reference: ChangeOrderReference) -> list[Place]:
    """Every record that has our number, our record number or our sub change number; each once.

    Not one that another active link held already when ours was last seen: both were there side by side.
    """
    job = look.observation.job
    our_job = job.record_number if job else reference.job_record_number
    found: dict[tuple[uuid.UUID | None, str], Place] = {}

    def place(row_id: uuid.UUID | None, record_number: str, number: str, its_job: str) -> Place:
        made = Place(row_id, record_number, number, its_job, is_on_our_job=its_job == our_job)
        return found.setdefault((row_id, record_number), made)

    for one in carriers.on_job:
        if one.row_id == reference.row_id or not same_phase(one.phase, reference.phase):
            continue
        if _carries(one.number, reference.number):
            mine = place(one.row_id, one.record_number, one.number, one.job_record_number)
            mine.by_number, mine.header_inserted_at = True, one.inserted_at
    bearer = look.observation.bearer
    if bearer is not None and look.observation.header is None:
        mine = place(bearer.row_id, bearer.record_number, bearer.number, bearer.job_record_number)
        mine.by_record_number, mine.header_inserted_at = True, bearer.inserted_at
    for line in carriers.on_subcontract:
        if _carries(line.sub_change_number, reference.sub_change_number):
            number = line.number or line.sub_change_number
            mine = place(line.row_id, line.record_number, number, line.job_record_number)
            mine.lines_inserted_at.append(line.inserted_at)
    return [one for one in found.values() if one.row_id not in reference.held_by_others]


def _is_proven(place: Place, look: Look, reference: ChangeOrderReference) -> bool:
    """Whether it is certain that the record came after ours had gone, in every way that it stands there."""
    deletion, by_history = our_deletion(look, reference), _inserted_by_history(place, look)
    header_inserted_at = place.header_inserted_at or by_history
    header_is_later = _came_later(header_inserted_at, look, reference)
    if place.by_number and not (header_is_later or deletion):
        return False
    lines_are_later = all(_came_later(at or by_history, look, reference) for at in place.lines_inserted_at)
    if place.lines_inserted_at and not (lines_are_later or deletion):
        return False
    # Record numbers are unique: an older record that has ours is ours, keyed anew.
    keyed_after = (
        deletion is not None
        and header_inserted_at is not None
        and header_inserted_at >= deletion.at - KEYED_AFTER
    )
    return not place.by_record_number or header_is_later or keyed_after


def _inserted_by_history(place: Place, look: Look) -> datetime | None:
    if look.history is None or place.row_id is None:
        return None
    return look.history.inserted_at(place.row_id)


def _came_later(inserted_at: datetime | None, look: Look, reference: ChangeOrderReference) -> bool:
    """Whether it was inserted after our last sight, while our job's other records do not all miss untold."""
    if inserted_at is None or not _seen(reference, look).is_before(inserted_at):
        return False
    of_its_job = [one for one in look.controls if one.control.job_row_id == reference.job_row_id]
    return not of_its_job or any(one.is_there or _is_told(look, one) for one in of_its_job)


def _changing() -> Answer:
    return _unknown("sage-changing")


def _unknown(code: str) -> Answer:
    found = fault(code)
    return Answer(Verdict.UNKNOWN, found.code, fault=found)


# --- the finding -------------------------------------------------------------------------------------


def finding_of_one_look(look: Look, reference: ChangeOrderReference) -> Finding | None:
    """The finding of a look that ends the asking; None when a second look must follow."""
    answer = step_of_one_look(look, reference)
    if answer is None:
        return None
    return _finding(answer, look, _evidence(answer, look, reference), first=look)


def finding_of_two_looks(
    first: Look, second: Look, carriers: Carriers, reference: ChangeOrderReference
) -> Finding:
    """The finding of two looks. All evidence is the second's, so that it is of one connection."""
    answer = step_of_two_looks(first, second, carriers, reference)
    evidence = _evidence(answer, second, reference, carriers)
    agreed = None if answer.verdict is Verdict.UNKNOWN else second.asked_at
    return replace(_finding(answer, second, evidence, first=first), second_looked_at=agreed)


def finding_of_a_quick_lookup(look: Look, carriers: Carriers, reference: ChangeOrderReference) -> Finding:
    """What one look says by the same rules: to be known and shown, and never proof."""
    answer = step_of_one_look(look, reference) or _of_place(look, carriers, reference)
    if answer.reason == "not-found-twice":
        told = our_deletion(look, reference) is not None
        answer = replace(answer, reason="deleted-in-history" if told else "not-found-once")
    return _finding(answer, look, _evidence(answer, look, reference, carriers), first=look)


def finding_of_fault(
    found: Fault,
    *,
    incarnation: str = "",
    first_looked_at: datetime | None = None,
    server_ahead: timedelta | None = None,
) -> Finding:
    """UNKNOWN, with the fault that says why."""
    return Finding(
        Verdict.UNKNOWN,
        found.code,
        incarnation=incarnation,
        first_looked_at=first_looked_at,
        server_ahead=server_ahead,
        fault=found,
    )


def _finding(answer: Answer, look: Look, evidence: Evidence, *, first: Look) -> Finding:
    return Finding(
        verdict=answer.verdict,
        reason=answer.reason,
        evidence=evidence,
        incarnation=look.incarnation,
        first_looked_at=first.asked_at,
        server_ahead=first.server_ahead,
        proof=answer.proof,
        fault=answer.fault,
    )


def _evidence(
    answer: Answer, look: Look, reference: ChangeOrderReference, carriers: Carriers = NO_CARRIERS
) -> Evidence:
    seen, sums = look.observation, carriers.subcontract
    ours = reference.subcontract_record_number
    deletion = our_deletion(look, reference)
    untold = _untold(look)
    there = [one for one in look.controls if one.is_there]
    told = [one for one in look.controls if not one.is_there and one not in untold]
    oldest = look.reach.oldest if look.reach else None
    return Evidence(
        header=seen.header,
        touched_subcontracts=_touched(seen) if seen.header else (),
        lines_on_subcontract=sum(line.subcontract == ours for line in seen.lines),
        other_record=answer.other_records[0] if answer.other_records else None,
        other_records=answer.other_records,
        deletion=deletion.as_evidence(look.to_our_clock) if deletion else None,
        history_readable=look.history is not None and look.our_history_was_read,
        history_since=look.to_our_clock(oldest) if oldest else None,
        subcontract_present=look.subcontract_present,
        same_number_phases=_same_number_phases(carriers, reference),
        same_amount_records=_same_amount_records(carriers, reference),
        subcontract_changes_total=sums.changes if sums else None,
        billed_beyond=sums.billed_beyond if sums else None,
        moved_to_subcontract=answer.moved_to_subcontract,
        lines_left=answer.lines_left,
        job_status=seen.job.status if seen.job else "",
        controls_there=_record_numbers(there),
        controls_missing=_record_numbers(untold),
        controls_told=_record_numbers(told),
        deletion_confirmed=True if reference.deletion_confirmed and seen.header is None else None,
        left_record=answer.left_record,
    )


def _touched(seen: Observation) -> tuple[str, ...]:
    return tuple(sorted({line.subcontract for line in seen.lines if line.subcontract}))


def _record_numbers(controls: Iterable[ControlSeen]) -> tuple[str, ...]:
    return tuple(one.control.record_number for one in controls)


def _same_number_phases(carriers: Carriers, reference: ChangeOrderReference) -> tuple[str, ...]:
    phases = {
        one.phase
        for one in carriers.on_job
        if _carries(one.number, reference.number) and not same_phase(one.phase, reference.phase)
    }
    return tuple(sorted(phases))


def _same_amount_records(carriers: Carriers, reference: ChangeOrderReference) -> tuple[str, ...]:
    """Other records whose lines on our subcontract add up to our amount; an amount of zero says nothing."""
    sums: dict[str, Decimal] = {}
    for one in carriers.on_subcontract:
        sums[one.record_number] = sums.get(one.record_number, Decimal(0)) + one.amount
    same: Sequence[str] = [
        record_number
        for record_number, amount in sums.items()
        if amount == reference.amount != 0 and record_number != reference.record_number
    ]
    return tuple(sorted(same))

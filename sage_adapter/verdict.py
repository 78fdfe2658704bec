"""From what two looks saw to one answer. Pure: no clock, no connection, no driver.

The order of the steps and what each means are the product's; every path ends in a reason. Only two looks
that saw the same, neither of them the record, can say that it is gone.
"""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from erp_integrations.ports import (
    ChangeOrderReference,
    Evidence,
    Fault,
    Finding,
    HeaderSeen,
    HistoryEntry,
    OtherRecord,
    Proof,
    Verdict,
)
from sage_adapter.faults import fault

NOT_EFFECTIVE = ("Void", "Rejected")


@dataclass(frozen=True, slots=True)
class Observation:
    """What a look saw of the job, the header and the lines. Two looks agree when these are equal."""

    jobs_with_number: int
    jobs_same_row: int
    headers: int
    header: HeaderSeen | None
    lines: int
    """Lines with our record number on our subcontract."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what it saw, and where and when."""

    observation: Observation
    asked_at: datetime
    incarnation: str
    subcontract_present: bool
    deletion: HistoryEntry | None = None
    """The deletion of our very record, when that is the newest entry of its history."""
    history_readable: bool = False
    history_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnJob:
    """A change order of our job, any phase."""

    row_id: uuid.UUID
    record_number: str
    number: str
    phase: str
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True)
class OnSubcontract:
    """A line on our subcontract, with what its header says; `row_id` is None where it has lost it."""

    row_id: uuid.UUID | None
    record_number: str
    number: str
    sub_change_number: str
    amount: Decimal
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Carriers:
    """Everything that may carry the number now, and what the subcontract says of its changes."""

    on_job: tuple[OnJob, ...] = ()
    on_subcontract: tuple[OnSubcontract, ...] = ()
    subcontract_changes_total: Decimal | None = None


NOBODY = Carriers()


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the steps ended."""

    verdict: Verdict
    reason: str
    other_record: OtherRecord | None = None
    proof: Proof | None = None
    fault: Fault | None = field(default=None)


def same_number(one: str, other: str) -> bool:
    """Whether two numbers are the same to a person: trimmed, without case."""
    return one.strip().casefold() == other.strip().casefold()


def same_phase(one: str, other: str) -> bool:
    """Whether two phases are the same; none is phase 0."""
    return (one.strip() or "0") == (other.strip() or "0")


# --- one look: steps 2 to 4 ----------------------------------------------------------------------


def step_of_one_look(look: Look, reference: ChangeOrderReference) -> Answer | None:
    """What one look says alone; None when it found nothing, so that a second look must follow."""
    return _of_job(look) or _of_header(look.observation, reference) or _of_lines(look.observation)


def _of_job(look: Look) -> Answer | None:
    if look.observation.jobs_same_row == 1:
        return None
    if look.deletion is not None:
        return None
    if look.observation.jobs_with_number == 0:
        return Answer(Verdict.JOB_MISSING, "job-not-found")
    return Answer(Verdict.JOB_MISSING, "job-number-used-again")


def _of_header(seen: Observation, reference: ChangeOrderReference) -> Answer | None:
    if seen.headers == 0 and seen.header is None:
        return None
    if seen.header is None:
        return _changing()
    if _moved(seen.header, reference):
        return Answer(Verdict.RENUMBERED, "header-renumbered")
    if seen.header.status in NOT_EFFECTIVE:
        return Answer(Verdict.PRESENT_NOT_EFFECTIVE, f"header-{seen.header.status.lower()}")
    if seen.lines > 0:
        return Answer(Verdict.PRESENT, "header-found")
    if reference.header_shared:
        return None
    return Answer(Verdict.PRESENT, "header-without-our-lines")


def _moved(header: HeaderSeen, reference: ChangeOrderReference) -> bool:
    return not (
        same_number(header.number, reference.number)
        and header.job_record_number.strip() == reference.job_record_number.strip()
        and same_phase(header.phase, reference.phase)
    )


def _of_lines(seen: Observation) -> Answer | None:
    if seen.lines > 0:
        return Answer(Verdict.AMBIGUOUS, "lines-without-header")
    return None


# --- two looks: steps 5 and 6 --------------------------------------------------------------------


def step_of_two_looks(
    first: Look, second: Look, carriers: Carriers, reference: ChangeOrderReference, clock_slack: timedelta
) -> Answer:
    """What two looks say together. Anything but the same twice is "Sage is changing"."""
    alone = step_of_one_look(second, reference)
    if first.observation != second.observation or alone != step_of_one_look(first, reference):
        return _changing()
    if alone is not None:
        return alone
    return _of_carriers(second, carriers, reference, clock_slack)


def _of_carriers(look: Look, carriers: Carriers, reference: ChangeOrderReference, slack: timedelta) -> Answer:
    if _ours_after_all(look.observation, carriers, reference):
        return _changing()
    others = _others_with_our_number(carriers, reference)
    if others:
        return _replaced(others, look, reference, slack)
    if look.observation.headers:
        return Answer(Verdict.ABSENT, "our-part-of-shared-header-gone")
    if look.observation.jobs_same_row == 0:
        return Answer(Verdict.ABSENT, "deleted-before-its-job")
    return Answer(Verdict.ABSENT, "not-found-twice")


def _ours_after_all(seen: Observation, carriers: Carriers, reference: ChangeOrderReference) -> bool:
    """Whether the last question met our record, which the counts before it did not."""
    header = seen.headers == 0 and any(one.row_id == reference.row_id for one in carriers.on_job)
    line = any(
        one.row_id == reference.row_id or one.record_number == reference.record_number
        for one in carriers.on_subcontract
    )
    return header or line


def _others_with_our_number(carriers: Carriers, reference: ChangeOrderReference) -> tuple[OtherRecord, ...]:
    """Other records that carry our number on the job and phase, or our sub change number on a line.

    A number that is left blank is nobody's: records without one do not replace each other.
    """
    on_job = [
        OtherRecord(one.record_number, one.number, one.inserted_at)
        for one in carriers.on_job
        if one.row_id != reference.row_id
        and _carries(one.number, reference.number)
        and same_phase(one.phase, reference.phase)
    ]
    on_subcontract = [
        OtherRecord(one.record_number, one.number or one.sub_change_number, one.inserted_at)
        for one in carriers.on_subcontract
        if _carries(one.sub_change_number, reference.sub_change_number)
    ]
    return tuple(dict.fromkeys([*on_job, *on_subcontract]))


def _carries(number: str, ours: str) -> bool:
    return bool(ours.strip()) and same_number(number, ours)


def _replaced(
    others: tuple[OtherRecord, ...], second: Look, reference: ChangeOrderReference, clock_slack: timedelta
) -> Answer:
    if second.deletion is not None:
        return Answer(Verdict.REPLACED, "replaced-after-deletion", others[0], Proof.HISTORY)
    unproven = [other for other in others if not _inserted_later(other, reference, clock_slack)]
    if unproven:
        return Answer(Verdict.REPLACED, "replaced-without-proof", unproven[0])
    return Answer(Verdict.REPLACED, "replaced-later", others[0], Proof.INSERTED_LATER)


def _inserted_later(other: OtherRecord, reference: ChangeOrderReference, clock_slack: timedelta) -> bool:
    return (
        other.record_number != reference.record_number
        and other.inserted_at is not None
        and other.inserted_at > reference.last_seen_at + clock_slack
    )


def _changing() -> Answer:
    changing = fault("sage-changing")
    return Answer(Verdict.UNKNOWN, changing.code, fault=changing)


# --- the finding ---------------------------------------------------------------------------------


def finding_of_one_look(look: Look, reference: ChangeOrderReference) -> Finding | None:
    """The finding of a look that ends the asking; None when a second look must follow."""
    answer = step_of_one_look(look, reference)
    if answer is None:
        return None
    return _finding(answer, look, _evidence(look, reference), first_looked_at=look.asked_at)


def finding_of_two_looks(
    first: Look, second: Look, carriers: Carriers, reference: ChangeOrderReference, clock_slack: timedelta
) -> Finding:
    """The finding of two looks. All evidence is the second's, so that it is of one connection."""
    answer = step_of_two_looks(first, second, carriers, reference, clock_slack)
    return _finding(
        answer,
        second,
        _evidence(second, reference, answer.other_record, carriers),
        first_looked_at=first.asked_at,
        second_looked_at=None if answer.verdict is Verdict.UNKNOWN else second.asked_at,
    )


def told_by_history(look: Look) -> bool:
    """Whether history alone says that the record, which the look did not find, is gone."""
    return look.deletion is not None and look.observation.headers == 0


def finding_of_a_glance(
    look: Look, carriers: Carriers, reference: ChangeOrderReference, clock_slack: timedelta
) -> Finding:
    """What one look says that found nothing: to be known and shown, and never proof.

    Carriers are of no account where the deletion is told by history.
    """
    if told_by_history(look):
        answer = Answer(Verdict.ABSENT, "deleted-in-history")
    else:
        answer = _of_carriers(look, carriers, reference, clock_slack)
        if answer.reason == "not-found-twice":
            answer = replace(answer, reason="not-found-once")
    evidence = _evidence(look, reference, answer.other_record, carriers)
    return _finding(answer, look, evidence, first_looked_at=look.asked_at)


def finding_of_fault(
    found: Fault, *, incarnation: str = "", first_looked_at: datetime | None = None
) -> Finding:
    """UNKNOWN, with the fault that says why."""
    return Finding(
        Verdict.UNKNOWN,
        found.code,
        incarnation=incarnation,
        first_looked_at=first_looked_at,
        fault=found,
    )


def _finding(
    answer: Answer,
    look: Look,
    evidence: Evidence,
    *,
    first_looked_at: datetime,
    second_looked_at: datetime | None = None,
) -> Finding:
    return Finding(
        verdict=answer.verdict,
        reason=answer.reason,
        evidence=evidence,
        incarnation=look.incarnation,
        first_looked_at=first_looked_at,
        second_looked_at=second_looked_at,
        proof=answer.proof,
        fault=answer.fault,
    )


def _evidence(
    look: Look,
    reference: ChangeOrderReference,
    other_record: OtherRecord | None = None,
    carriers: Carriers = NOBODY,
) -> Evidence:
    return Evidence(
        header=look.observation.header,
        lines_on_subcontract=look.observation.lines,
        other_record=other_record,
        deletion=look.deletion,
        history_readable=look.history_readable,
        history_since=look.history_since,
        subcontract_present=look.subcontract_present,
        same_number_phases=_same_number_phases(carriers, reference),
        same_amount_records=_same_amount_records(carriers, reference),
        subcontract_changes_total=carriers.subcontract_changes_total,
    )


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
    same = [
        record_number
        for record_number, amount in sums.items()
        if amount == reference.amount != 0 and record_number != reference.record_number
    ]
    return tuple(sorted(same))

"""The verdict, sentence by sentence as the product promises it: no connection, no clock.

Each group of tests is one step. What a look saw is written down as values; the steps are the product's own.
"""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.ports import (
    ChangeOrderReference,
    Control,
    Finding,
    HeaderSeen,
    LeftRecord,
    Proof,
    Verdict,
)
from sage_adapter import verdict
from sage_adapter.answers import JobSeen, Line, OnJob, OnSubcontract, RecordHolder
from sage_adapter.history import History, Reach
from sage_adapter.session import Rows
from sage_adapter.verdict import Carriers, ControlSeen, Look, Observation

AHEAD = timedelta(hours=-5)
"""The server's local time minus ours."""
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
LAST_SEEN = NOW - timedelta(days=3)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def there(moment: datetime, ahead: timedelta = AHEAD) -> datetime:
    """A moment as Sage writes it: naive, in the server's local time."""
    return (moment + ahead).replace(tzinfo=None)


SEEN_THERE, DELETED_AT = there(LAST_SEEN), there(NOW - DAY)
OURS, ANOTHER, THIRD = (uuid.UUID(int=number) for number in (1, 2, 3))
JOB_ROW, OTHER_JOB_ROW = uuid.UUID(int=9), uuid.UUID(int=8)

REFERENCE = ChangeOrderReference(
    row_id=OURS,
    record_number="712",
    number="CO-12",
    job_record_number="2611",
    job_row_id=JOB_ROW,
    phase="1",
    subcontract_record_number="1201",
    sub_change_number="850-1",
    amount=Decimal("1250.00"),
    last_seen_at=LAST_SEEN,
    last_seen_clock=AHEAD,
    touched_subcontracts=("1201",),
)
SHARED = replace(REFERENCE, shared_subcontracts=("1202",), touched_subcontracts=("1201", "1202"))
CONFIRMED = replace(REFERENCE, deletion_confirmed=True)

JOB = JobSeen("2611", "Current")
HEADER = HeaderSeen("712", "CO-12", "2611", "1", "Approved")


def line(
    subcontract: str = "1201",
    *,
    record: int = 712,
    header: uuid.UUID | None = OURS,
    at: datetime | None = SEEN_THERE - DAY,
    number: int = 1,
) -> Line:
    return Line(record, number, subcontract, header, at)


def bearer(
    row_id: uuid.UUID = ANOTHER,
    *,
    number: str = "CO-99",
    job: str = "2611",
    at: datetime | None = None,
) -> RecordHolder:
    """Another record that has our record number."""
    return RecordHolder(row_id, "712", number, job, "1", at)


NOBODY = Carriers()
GONE = Observation(job=JOB, header=None)
THERE = Observation(job=JOB, header=HEADER, lines=(line(),))
JOBLESS = replace(GONE, job=None)
PART_GONE = replace(THERE, lines=(line("1202"),))
"""A header that is shared with a link whose line is there; ours is not."""


# --- controls, history, looks ---


def control(
    number: int,
    *,
    is_there: bool = True,
    job: JobSeen | None = JOB,
    of_our_job: bool = False,
    **changed: object,
) -> ControlSeen:
    made = Control(
        row_id=uuid.UUID(int=100 + number),
        record_number=str(100 + number),
        job_record_number="2611",
        job_row_id=JOB_ROW if of_our_job else OTHER_JOB_ROW,
        last_seen_at=LAST_SEEN,
        last_seen_clock=AHEAD,
    )
    return ControlSeen(replace(made, **changed), is_there, job)  # type: ignore[arg-type]


def missing(
    number: int, *, job: JobSeen | None = JOB, of_our_job: bool = False, **changed: object
) -> ControlSeen:
    return control(number, is_there=False, job=job, of_our_job=of_our_job, **changed)


Entry = tuple[uuid.UUID, str, datetime]


def history(*entries: Entry, job_saved_at: datetime | None = None, job_row: uuid.UUID = JOB_ROW) -> History:
    rows: list[tuple[object, ...]] = [
        (0, 712, str(row_id).upper(), at, action, "ACCT2", "Sage") for row_id, action, at in entries
    ]
    if job_saved_at is not None:
        rows.append((1, 2611, str(job_row).upper(), job_saved_at, None, None, None))
    read = History()
    read.add(Rows((), tuple(rows)), [712])
    return read


OUR_DELETION: Entry = (OURS, "delete", DELETED_AT)
TOLD = history(OUR_DELETION)
SILENT = history()
CONTROL_THERE = (control(1),)
OLD_ENOUGH = Reach(oldest=SEEN_THERE - DAY, holds_deletions=True)
"""History that should know of a deletion after our last sight."""


def look(
    seen: Observation = GONE,
    *,
    told: History | None = None,
    reach: Reach | None = None,
    controls: tuple[ControlSeen, ...] = CONTROL_THERE,
    others_of_job: int = 0,
    lowest: datetime | None = None,
    ahead: timedelta = AHEAD,
) -> Look:
    return Look(
        seen,
        NOW,
        "incarnation",
        server_ahead=ahead,
        controls=controls,
        history=told,
        reach=reach,
        others_of_job=others_of_job,
        lowest_inserted_at=lowest,
    )


def one(seen: Look, reference: ChangeOrderReference = REFERENCE) -> Finding | None:
    return verdict.finding_of_one_look(seen, reference)


def ended(seen: Look, reference: ChangeOrderReference = REFERENCE) -> Finding:
    """What one look says that ends the asking; it cuts nothing."""
    found = one(seen, reference)
    assert found is not None
    assert not found.proves_absence
    return found


def two(
    first: Look | None = None,
    second: Look | None = None,
    carriers: Carriers = NOBODY,
    *,
    reference: ChangeOrderReference = REFERENCE,
) -> Finding:
    """What two looks say; the second is as the first unless it is given."""
    first = first or look()
    second = replace(second or first, asked_at=NOW + SECOND)
    return verdict.finding_of_two_looks(first, second, carriers, reference)


def assert_unknown(found: Finding, code: str) -> None:
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, code)
    assert found.fault is not None
    assert found.fault.code == code
    assert found.second_looked_at is None
    assert not found.proves_absence


def assert_cut(found: Finding, reason: str) -> None:
    assert found.reason == reason
    assert found.proves_absence


def on_job(
    row_id: uuid.UUID | None = ANOTHER,
    record: str = "900",
    number: str = "CO-12",
    phase: str = "1",
    at: datetime | None = None,
) -> OnJob:
    return OnJob(row_id, record, number, "2611", phase, at)


def on_subcontract(
    row_id: uuid.UUID | None = ANOTHER,
    record: str = "900",
    sub_number: str = "850-1",
    amount: str = "10.00",
    at: datetime | None = None,
    number: str = "CO-99",
) -> OnSubcontract:
    return OnSubcontract(row_id, record, number, "2611", sub_number, Decimal(amount), at)


LATER, EARLIER = SEEN_THERE + HOUR, SEEN_THERE - HOUR


# --- step 2: the header, before the job and whatever history says ---


def test_the_record_is_there() -> None:
    found = ended(look(THERE))
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-found")
    assert found.evidence.header == HEADER
    assert found.evidence.lines_on_subcontract == 1
    assert found.first_looked_at == NOW
    assert found.second_looked_at is None
    assert found.incarnation == "incarnation"
    assert found.server_ahead == AHEAD


def test_a_header_that_is_there_is_found_before_its_job_is_missed() -> None:
    """Our row id on another job while the old job is gone: it is there, under another job."""
    elsewhere = replace(THERE, job=None, header=replace(HEADER, job_record_number="2612"))
    assert ended(look(elsewhere)).verdict is Verdict.RENUMBERED
    assert ended(look(replace(THERE, job=None))).verdict is Verdict.PRESENT


def test_a_header_that_is_there_wins_over_a_deletion_in_history() -> None:
    assert ended(look(replace(THERE, job=None), told=TOLD)).verdict is Verdict.PRESENT
    assert ended(look(THERE, told=TOLD)).verdict is Verdict.PRESENT


def test_a_header_that_is_there_wins_over_a_confirmed_deletion() -> None:
    found = ended(look(THERE), CONFIRMED)
    assert found.verdict is Verdict.PRESENT
    assert not found.evidence.deletion_confirmed


@pytest.mark.parametrize("controls", [(), (missing(1), missing(2))])
def test_a_header_that_is_there_needs_no_control(controls: tuple[ControlSeen, ...]) -> None:
    assert ended(look(THERE, controls=controls)).verdict is Verdict.PRESENT


@pytest.mark.parametrize(
    "moved",
    [
        {"number": "CO-13"},
        {"job_record_number": "2612"},
        {"phase": "2"},
        {"job_record_number": ""},
        {"record_number": "900"},
    ],
)
def test_another_number_job_or_phase_is_renumbered(moved: dict[str, str]) -> None:
    found = ended(look(replace(THERE, header=replace(HEADER, **moved))))
    assert (found.verdict, found.reason) == (Verdict.RENUMBERED, "header-renumbered")
    assert found.evidence.header == replace(HEADER, **moved)


@pytest.mark.parametrize(
    "number", ["co-12", " CO-12 ", "CO-12  ", "CO-\uff11\uff12", "CO\u200b-12", "\ufeffCO-12\u200e"]
)
def test_case_blanks_compatibility_forms_and_invisible_signs_do_not_renumber(number: str) -> None:
    found = ended(look(replace(THERE, header=replace(HEADER, number=number))))
    assert found.verdict is Verdict.PRESENT


@pytest.mark.parametrize(("none", "nought"), [("", "0"), ("0", ""), (" 0", "0")])
def test_no_phase_is_phase_nought(none: str, nought: str) -> None:
    found = ended(look(replace(THERE, header=replace(HEADER, phase=none))), replace(REFERENCE, phase=nought))
    assert found.verdict is Verdict.PRESENT


@pytest.mark.parametrize(("status", "reason"), [("Void", "header-void"), ("Rejected", "header-rejected")])
def test_void_and_rejected_are_there_but_not_effective(status: str, reason: str) -> None:
    for lines in ((), (line(),)):
        found = ended(look(replace(THERE, header=replace(HEADER, status=status), lines=lines)))
        assert (found.verdict, found.reason) == (Verdict.PRESENT_NOT_EFFECTIVE, reason)


@pytest.mark.parametrize("status", ["Approved", "Open", "Review", "Disputed"])
def test_every_other_status_is_there(status: str) -> None:
    found = ended(look(replace(THERE, header=replace(HEADER, status=status))))
    assert found.verdict is Verdict.PRESENT


def test_renumbered_is_said_before_void() -> None:
    found = ended(look(replace(THERE, header=replace(HEADER, number="CO-13", status="Void"))))
    assert found.verdict is Verdict.RENUMBERED


def test_a_header_without_our_lines_is_there_and_says_so() -> None:
    found = ended(look(replace(THERE, lines=())))
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-without-our-lines")
    assert found.evidence.lines_on_subcontract == 0


def test_a_header_with_nothing_but_budget_lines_is_there_and_says_so() -> None:
    found = ended(look(replace(THERE, lines=(line(""),))), SHARED)
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-without-our-lines")


def test_our_part_of_a_shared_header_is_gone_while_the_other_link_finds_its_lines() -> None:
    seen = look(PART_GONE)
    assert one(seen, SHARED) is None
    found = two(seen, carriers=Carriers(on_job=(on_job(OURS, "712"),)), reference=SHARED)
    assert found.verdict is Verdict.ABSENT
    assert_cut(found, "our-part-of-shared-header-gone")


def test_our_part_of_a_shared_header_needs_neither_a_job_nor_a_control() -> None:
    """The header itself shows that the connection sees: it goes on at the second look."""
    for seen in (
        look(replace(PART_GONE, job=None)),
        look(replace(PART_GONE, job=replace(JOB, status="Closed"))),
        look(PART_GONE, controls=(missing(1), missing(2))),
        look(PART_GONE, told=SILENT, reach=OLD_ENOUGH),
    ):
        assert two(seen, reference=SHARED).proves_absence


def test_a_shared_header_without_any_of_the_known_lines_is_there() -> None:
    """The other link was moved to another record: nothing shows that our lines were deleted."""
    found = ended(look(replace(THERE, lines=())), SHARED)
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-without-our-lines")


def test_a_header_with_lines_of_a_subcontract_that_no_other_link_holds_is_there() -> None:
    touched = replace(REFERENCE, touched_subcontracts=("1201", "1202"))
    found = ended(look(PART_GONE), touched)
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-without-our-lines")


def test_a_line_on_a_subcontract_that_the_record_did_not_touch_was_moved_there() -> None:
    for reference, lines in (
        (REFERENCE, (line("1203"),)),
        (SHARED, (line("1202"), line("1203", number=2))),
        (SHARED, (line("1203"),)),
    ):
        found = ended(look(replace(THERE, lines=lines)), reference)
        assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, "moved-to-another-subcontract")
        assert found.evidence.moved_to_subcontract == "1203"


def test_what_was_touched_and_not_kept_is_our_own_subcontract_and_those_of_the_other_links() -> None:
    forgotten = replace(SHARED, touched_subcontracts=())
    assert one(look(PART_GONE), forgotten) is None
    assert ended(look(replace(THERE, lines=(line("1203"),))), forgotten).verdict is Verdict.AMBIGUOUS


def test_a_new_line_beside_ours_is_no_doubt() -> None:
    assert ended(look(replace(THERE, lines=(line(), line("1203", number=2))))).verdict is Verdict.PRESENT


def test_a_shared_header_with_our_lines_is_there() -> None:
    assert ended(look(THERE), SHARED).verdict is Verdict.PRESENT


@pytest.mark.parametrize("changed", [{"number": "CO-13"}, {"status": "Void"}])
def test_a_shared_header_that_was_renumbered_or_voided_keeps_the_link(changed: dict[str, str]) -> None:
    found = ended(look(replace(PART_GONE, header=replace(HEADER, **changed))), SHARED)
    assert found.verdict in (Verdict.RENUMBERED, Verdict.PRESENT_NOT_EFFECTIVE)


# --- step 3: the job ---


def test_without_its_job_nothing_is_said_about_the_record() -> None:
    for seen in (look(JOBLESS), look(replace(JOBLESS, lines=(line(),))), look(JOBLESS, told=SILENT)):
        found = ended(seen)
        assert (found.verdict, found.reason) == (Verdict.JOB_MISSING, "job-not-found")


def test_a_job_under_another_number_is_our_job() -> None:
    assert two(look(replace(GONE, job=JobSeen("9999", "Current")))).proves_absence


def test_a_deletion_while_the_job_lived_on_looks_past_a_missing_job() -> None:
    told = history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR)
    seen = look(JOBLESS, told=told)
    assert one(seen) is None
    found = two(seen)
    assert found.verdict is Verdict.ABSENT
    assert_cut(found, "deleted-before-its-job")
    assert found.evidence.deletion is not None
    assert found.evidence.deletion.user == "ACCT2"


def test_a_confirmed_deletion_looks_past_a_missing_job() -> None:
    """A mistaken job that was deleted with everything under it within the hour has this way out."""
    archived_or_mistaken = look(JOBLESS, told=history(OUR_DELETION))
    assert ended(archived_or_mistaken).verdict is Verdict.JOB_MISSING
    found = two(archived_or_mistaken, reference=CONFIRMED)
    assert found.verdict is Verdict.ABSENT
    assert found.proves_absence
    assert found.evidence.deletion_confirmed


# --- history tells ---


@pytest.mark.parametrize("status", ["Bid", "Contract", "Current", "Complete"])
def test_history_tells_a_deletion_while_the_job_is_there(status: str) -> None:
    seen = look(replace(GONE, job=JobSeen("2611", status)), told=TOLD, controls=())
    assert verdict.our_deletion(seen, REFERENCE) is not None


@pytest.mark.parametrize("status", ["Closed", "Refused"])
def test_a_closed_job_is_no_sign_of_life(status: str) -> None:
    """An archive that is still running deletes the record first and its closed job last."""
    ended_job = replace(GONE, job=JobSeen("2611", status))
    assert verdict.our_deletion(look(ended_job, told=TOLD), REFERENCE) is None
    lived_on = history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR)
    assert verdict.our_deletion(look(ended_job, told=lived_on), REFERENCE) is not None


@pytest.mark.parametrize("after", [-DAY, timedelta(0), HOUR - SECOND])
def test_a_job_saved_less_than_an_hour_after_the_deletion_shows_no_life(after: timedelta) -> None:
    seen = look(JOBLESS, told=history(OUR_DELETION, job_saved_at=DELETED_AT + after))
    assert verdict.our_deletion(seen, REFERENCE) is None
    assert ended(seen).verdict is Verdict.JOB_MISSING


def test_another_jobs_history_under_our_jobs_number_shows_no_life() -> None:
    told = history(OUR_DELETION, job_saved_at=DELETED_AT + DAY, job_row=OTHER_JOB_ROW)
    assert verdict.our_deletion(look(JOBLESS, told=told), REFERENCE) is None


@pytest.mark.parametrize("at", [SEEN_THERE - DAY, SEEN_THERE])
def test_a_deletion_that_is_not_later_than_our_last_sight_tells_nothing(at: datetime) -> None:
    """The record was seen since: it came back, and what took it away now left no entry."""
    assert verdict.our_deletion(look(told=history((OURS, "delete", at))), REFERENCE) is None


def test_a_deletion_of_another_row_id_tells_nothing_about_ours() -> None:
    assert verdict.our_deletion(look(told=history((ANOTHER, "delete", DELETED_AT))), REFERENCE) is None


def test_whatever_came_after_the_deletion_or_at_its_moment_undoes_it() -> None:
    for action in ("insert", "update"):
        for at in (DELETED_AT, DELETED_AT + DAY):
            told = history(OUR_DELETION, (OURS, action, at))
            assert verdict.our_deletion(look(told=told), REFERENCE) is None


# --- Sage's own clock ---


def test_sages_moments_are_compared_with_sages_clock_and_not_with_ours() -> None:
    """Sage's server is five hours behind ours, and its moments with it."""
    just_after = history((OURS, "delete", SEEN_THERE + SECOND))
    assert verdict.our_deletion(look(told=just_after), REFERENCE) is not None
    by_our_clock = history((OURS, "delete", LAST_SEEN.replace(tzinfo=None) - HOUR))
    assert verdict.our_deletion(look(told=by_our_clock), REFERENCE) is not None
    before = history((OURS, "delete", SEEN_THERE - SECOND))
    assert verdict.our_deletion(look(told=before), REFERENCE) is None


@pytest.mark.parametrize("ahead", [timedelta(0), HOUR, -HOUR, timedelta(hours=9, minutes=30)])
def test_a_server_whose_clock_is_wrong_by_whatever_is_believed_by_its_own(ahead: timedelta) -> None:
    reference = replace(REFERENCE, last_seen_clock=ahead)
    for after, is_told in ((-SECOND, False), (SECOND, True)):
        told = history((OURS, "delete", there(LAST_SEEN, ahead) + after))
        assert (verdict.our_deletion(look(told=told, ahead=ahead), reference) is not None) == is_told


def in_doubt() -> list[tuple[ChangeOrderReference, timedelta]]:
    """A link, and how the server's clock stands now, where an hour of doubt is left."""
    return [
        (replace(REFERENCE, last_seen_clock=None), AHEAD),
        (replace(REFERENCE, clock_in_doubt=True), AHEAD),
        (REFERENCE, AHEAD + HOUR),
        (REFERENCE, AHEAD - HOUR),
    ]


@pytest.mark.parametrize(("reference", "ahead"), in_doubt())
def test_over_a_change_of_the_servers_clock_an_hour_is_in_doubt(
    reference: ChangeOrderReference, ahead: timedelta
) -> None:
    for after, is_told in ((SECOND, False), (HOUR, False), (HOUR + SECOND, True)):
        told = history((OURS, "delete", SEEN_THERE + after))
        seen = look(told=told, ahead=ahead)
        assert (verdict.our_deletion(seen, reference) is not None) == is_told
        carriers = Carriers(on_job=(on_job(at=SEEN_THERE + after),))
        found = two(look(ahead=ahead), carriers=carriers, reference=reference)
        assert (found.proof is Proof.INSERTED_LATER) == is_told


def test_a_deletion_in_the_hour_that_autumn_repeats_is_not_later_than_a_sight_in_it() -> None:
    """Deleted at 1:50, restored, seen at 1:10 by the clock that was put back since: not deleted again."""
    seen_again = replace(REFERENCE, clock_in_doubt=True)
    before_in_truth = history((OURS, "delete", SEEN_THERE + timedelta(minutes=40)))
    assert verdict.our_deletion(look(told=before_in_truth), seen_again) is None


def test_a_clock_that_moved_by_more_than_an_hour_is_in_doubt_by_as_much() -> None:
    told = history((OURS, "delete", SEEN_THERE + 4 * HOUR))
    assert verdict.our_deletion(look(told=told, ahead=AHEAD + 5 * HOUR), REFERENCE) is None
    assert verdict.our_deletion(look(told=told, ahead=AHEAD + 3 * HOUR), REFERENCE) is not None


def test_the_seconds_that_a_question_takes_are_no_change_of_the_clock() -> None:
    told = history((OURS, "delete", SEEN_THERE + MINUTE))
    assert verdict.our_deletion(look(told=told, ahead=AHEAD + 30 * SECOND), REFERENCE) is not None


# --- step 4: lines left behind ---


@pytest.mark.parametrize("subcontract", ["1201", "1202", ""])
def test_lines_with_our_row_id_are_half_deleted_on_whatever_subcontract(subcontract: str) -> None:
    for told in (None, TOLD):
        found = ended(
            look(replace(GONE, lines=(line(subcontract, number=1), line(subcontract, number=2))), told=told)
        )
        assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, "lines-without-header")
        assert found.evidence.lines_left == 2


@pytest.mark.parametrize("header", [None, ANOTHER])
def test_lines_with_our_record_number_are_half_deleted_while_no_header_bears_it(
    header: uuid.UUID | None,
) -> None:
    found = ended(look(replace(GONE, lines=(line(header=header, at=LATER),))))
    assert found.verdict is Verdict.AMBIGUOUS


def test_lines_left_behind_win_over_a_deletion_in_history_and_over_a_confirmed_one() -> None:
    told = history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR)
    assert ended(look(replace(JOBLESS, lines=(line(),)), told=told)).verdict is Verdict.AMBIGUOUS
    assert ended(look(replace(JOBLESS, lines=(line(),))), CONFIRMED).verdict is Verdict.AMBIGUOUS


def test_the_lines_of_the_record_that_has_our_number_now_are_not_left_behind() -> None:
    """The everyday correction: deleted and keyed in again at once, under the same record number."""
    keyed_again = replace(GONE, bearer=bearer(at=LATER), lines=(line(header=ANOTHER, at=LATER),))
    assert one(look(keyed_again)) is None


def test_lines_of_ours_beside_a_record_that_has_our_number_now_are_left_behind() -> None:
    both = replace(
        GONE, bearer=bearer(at=LATER), lines=(line(header=OURS), line(header=ANOTHER, at=LATER, number=2))
    )
    found = ended(look(both))
    assert found.verdict is Verdict.AMBIGUOUS
    assert found.evidence.lines_left == 1


@pytest.mark.parametrize(("at", "left"), [(None, True), (EARLIER, True), (SEEN_THERE, True), (LATER, False)])
def test_without_a_row_id_of_their_header_lines_belong_to_the_living_record_if_they_came_later(
    at: datetime | None, *, left: bool
) -> None:
    seen = look(replace(GONE, bearer=bearer(at=LATER), lines=(line(header=None, at=at),)))
    assert (one(seen) is not None) == left
    if left:
        assert ended(seen).verdict is Verdict.AMBIGUOUS


def test_lines_left_behind_are_said_before_a_control_is_missed() -> None:
    found = ended(look(replace(GONE, lines=(line(),)), controls=(missing(1),)))
    assert found.verdict is Verdict.AMBIGUOUS


# --- step 5: controls ---


def test_as_many_controls_there_as_missing_untold_are_good() -> None:
    for controls in (
        (control(1),),
        (control(1), missing(2)),
        (control(1), control(2), missing(3), missing(4)),
    ):
        assert one(look(controls=controls)) is None


def test_more_controls_missing_untold_than_there_are_no_answer() -> None:
    """Half of the rows are lost, or the table was loaded anew: what is missing proves nothing."""
    for controls in ((missing(1),), (control(1), missing(2), missing(3))):
        for told in (None, TOLD):
            found = ended(look(controls=controls, told=told))
            assert_unknown(found, "no-control")
            assert found.evidence.controls_missing == tuple(
                seen.control.record_number for seen in controls if not seen.is_there
            )


def told_deletions(*numbers: int, apart: timedelta = MINUTE, ours: bool = True) -> History:
    """Deletions by an accountant, ours first, one after the other."""
    entries = [
        (uuid.UUID(int=100 + number), "delete", DELETED_AT + apart * at)
        for at, number in enumerate(numbers, 1)
    ]
    return history(*([OUR_DELETION] if ours else []), *entries)


def test_controls_whose_deletion_history_tells_do_not_count_against_it() -> None:
    """An honest accountant deletes them all in one afternoon: history tells each."""
    controls = (missing(1), missing(2), missing(3))
    found = two(look(controls=controls, told=told_deletions(1, 2, 3)))
    assert found.verdict is Verdict.ABSENT
    assert found.proves_absence
    assert found.evidence.controls_told == ("101", "102", "103")
    assert found.evidence.controls_missing == ()


def test_with_no_control_there_history_must_tell_our_own_deletion_too() -> None:
    controls = (missing(1), missing(2))
    assert_unknown(ended(look(controls=controls, told=told_deletions(1, 2, ours=False))), "no-control")
    assert one(look(controls=(*controls, control(3)), told=told_deletions(1, 2, ours=False))) is None


@pytest.mark.parametrize("apart", [timedelta(0), SECOND, 2 * SECOND])
def test_deletions_within_two_seconds_of_each_other_are_a_sweep_and_untold(apart: timedelta) -> None:
    """Delete rows of all in one sweep are what a table that is emptied leaves behind, and an archive."""
    controls = (missing(1), missing(2))
    found = ended(look(controls=controls, told=told_deletions(1, 2, apart=apart)))
    assert_unknown(found, "no-control")
    assert found.evidence.controls_missing == ("101", "102")


def test_our_own_deletion_in_a_sweep_does_not_stand_for_a_control() -> None:
    for told in (
        told_deletions(1, apart=2 * SECOND),
        history(
            OUR_DELETION,
            (ANOTHER, "delete", DELETED_AT - SECOND),
            (uuid.UUID(int=101), "delete", DELETED_AT + DAY / 2),
        ),
    ):
        assert_unknown(ended(look(controls=(missing(1),), told=told)), "no-control")
    apart = told_deletions(1, apart=2 * SECOND + timedelta(milliseconds=1))
    assert one(look(controls=(missing(1),), told=apart)) is None


def test_our_own_deletion_in_a_sweep_is_believed_beside_controls_that_are_there() -> None:
    told = history(OUR_DELETION, (ANOTHER, "delete", DELETED_AT))
    assert one(look(told=told)) is None


def test_a_control_that_was_seen_after_its_deletion_is_missing_untold() -> None:
    seen_since = missing(1, last_seen_at=NOW - HOUR)
    assert_unknown(ended(look(controls=(seen_since,), told=told_deletions(1))), "no-control")


@pytest.mark.parametrize("job", [None, JobSeen("2611", "Closed"), JobSeen("2611", "Refused")])
def test_a_control_that_went_with_its_job_is_missing_untold(job: JobSeen | None) -> None:
    controls = (missing(1, job=job), missing(2, job=job), control(3))
    assert_unknown(ended(look(controls=controls, told=told_deletions(1, 2))), "no-control")


def test_a_control_whose_deletion_was_confirmed_counts_as_told() -> None:
    controls = (missing(1, deletion_confirmed=True), missing(2, deletion_confirmed=True), control(3))
    assert one(look(controls=controls)) is None
    without_any = controls[:2]
    assert_unknown(ended(look(controls=without_any)), "no-control")
    assert one(look(controls=without_any, told=TOLD)) is None


def test_history_that_cannot_be_read_tells_of_no_control() -> None:
    assert_unknown(ended(look(controls=(missing(1),), told=None)), "no-control")


def test_a_confirmed_deletion_stands_in_for_controls() -> None:
    assert two(look(controls=(missing(1), missing(2))), reference=CONFIRMED).proves_absence
    assert two(look(controls=()), reference=CONFIRMED).proves_absence


# --- a company with a single link ---


def test_a_single_link_needs_a_change_order_that_was_there_before_our_last_sight() -> None:
    """Green without anybody's word, with history or without."""
    assert one(look(controls=(), lowest=EARLIER)) is None
    assert two(look(controls=(), lowest=EARLIER)).proves_absence


@pytest.mark.parametrize("lowest", [None, SEEN_THERE, LATER])
def test_a_single_link_in_an_empty_or_a_new_table_is_no_answer(lowest: datetime | None) -> None:
    assert_unknown(ended(look(controls=(), lowest=lowest)), "no-control")


def test_a_single_link_is_gone_where_history_tells_it() -> None:
    assert two(look(controls=(), told=TOLD)).proves_absence


def test_a_single_link_that_went_in_a_sweep_is_no_answer() -> None:
    told = history(OUR_DELETION, (ANOTHER, "delete", DELETED_AT + SECOND))
    assert_unknown(ended(look(controls=(), told=told)), "no-control")


@pytest.mark.parametrize(("reference", "ahead"), in_doubt())
def test_a_single_link_beside_a_record_within_the_hour_of_doubt_is_no_answer(
    reference: ChangeOrderReference, ahead: timedelta
) -> None:
    within, beyond = SEEN_THERE - HOUR / 2, SEEN_THERE - 2 * HOUR
    assert_unknown(ended(look(controls=(), lowest=within, ahead=ahead), reference), "no-control")
    assert one(look(controls=(), lowest=beyond, ahead=ahead), reference) is None


# --- a job that may be half archived ---

CLOSED = replace(GONE, job=JobSeen("2611", "Closed"))


@pytest.mark.parametrize("status", ["Closed", "Refused", "7", "unknown"])
def test_a_job_that_is_not_in_progress_and_empty_is_no_answer(status: str) -> None:
    seen = look(replace(GONE, job=JobSeen("2611", status)))
    found = ended(seen)
    assert (found.verdict, found.reason) == (Verdict.JOB_MISSING, "job-closed-and-empty")
    assert found.evidence.job_status == status


def test_another_change_order_of_a_closed_job_shows_that_it_was_not_archived() -> None:
    assert one(look(CLOSED, others_of_job=1)) is None


def test_history_that_tells_our_deletion_stands_in_for_another_change_order_of_a_closed_job() -> None:
    lived_on = history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR)
    assert one(look(CLOSED, told=lived_on)) is None
    assert ended(look(CLOSED, told=TOLD)).verdict is Verdict.JOB_MISSING


def test_a_job_of_a_status_of_the_companys_own_needs_no_other_change_order_where_history_tells() -> None:
    assert one(look(replace(GONE, job=JobSeen("2611", "7")), told=TOLD)) is None


def test_a_confirmed_deletion_stands_in_for_another_change_order_of_a_closed_job() -> None:
    assert two(look(CLOSED), reference=CONFIRMED).proves_absence


def test_the_controls_are_asked_before_the_closed_job() -> None:
    assert_unknown(ended(look(CLOSED, controls=(missing(1),))), "no-control")


# --- silence that should speak ---


def test_history_that_should_know_and_does_not_is_no_answer() -> None:
    for told in (SILENT, history((ANOTHER, "delete", DELETED_AT)), history((OURS, "insert", EARLIER))):
        found = two(look(told=told, reach=OLD_ENOUGH))
        assert_unknown(found, "history-silent")
        assert found.evidence.history_since is not None


@pytest.mark.parametrize(
    "reach",
    [
        None,
        Reach(oldest=None, holds_deletions=False),
        Reach(oldest=SEEN_THERE - DAY, holds_deletions=False),
        Reach(oldest=LATER, holds_deletions=True),
        Reach(oldest=SEEN_THERE, holds_deletions=True),
    ],
)
def test_history_that_knows_of_no_deletions_or_was_purged_since_says_nothing_by_silence(
    reach: Reach | None,
) -> None:
    assert two(look(told=SILENT, reach=reach)).proves_absence


def test_history_that_cannot_be_read_says_nothing_by_silence() -> None:
    assert two(look(told=None, reach=OLD_ENOUGH)).proves_absence


@pytest.mark.parametrize(("reference", "ahead"), in_doubt())
def test_within_the_hour_of_doubt_history_may_reach_back_far_enough(
    reference: ChangeOrderReference, ahead: timedelta
) -> None:
    within = Reach(oldest=SEEN_THERE + HOUR / 2, holds_deletions=True)
    assert_unknown(two(look(told=SILENT, reach=within, ahead=ahead), reference=reference), "history-silent")


def test_history_that_tells_our_deletion_is_not_silent() -> None:
    assert two(look(told=TOLD, reach=OLD_ENOUGH)).proves_absence


def test_a_confirmed_deletion_stands_in_for_what_history_does_not_say() -> None:
    assert two(look(told=SILENT, reach=OLD_ENOUGH), reference=CONFIRMED).proves_absence


def test_a_deletion_that_a_closed_job_does_not_let_count_is_named_as_such() -> None:
    seen = look(CLOSED, told=TOLD, reach=OLD_ENOUGH, others_of_job=1)
    assert_unknown(two(seen), "deletion-of-closed-job")


# --- step 6: the second look ---


def test_nothing_found_once_is_no_answer() -> None:
    assert one(look()) is None


def test_nothing_found_twice_is_absent() -> None:
    found = two()
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-twice")
    assert found.first_looked_at == NOW
    assert found.second_looked_at == NOW + SECOND
    assert found.proof is None
    assert found.fault is None
    assert found.proves_absence


@pytest.mark.parametrize(
    "second",
    [
        THERE,
        replace(GONE, lines=(line(),)),
        JOBLESS,
        replace(GONE, job=JobSeen("2611", "Closed")),
        replace(GONE, job=JobSeen("9999", "Current")),
        replace(GONE, bearer=bearer(at=LATER)),
        replace(GONE, left_records=(LeftRecord(THIRD, "704", NOW - DAY),)),
    ],
)
def test_two_looks_that_differ_are_doubt(second: Observation) -> None:
    for found in (two(look(), look(second)), two(look(second), look())):
        assert_unknown(found, "sage-changing")
        assert found.fault is not None
        assert found.fault.retry is False


def test_two_looks_that_differ_are_doubt_even_where_each_alone_would_go_on() -> None:
    told = history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR)
    assert two(look(told=told), look(JOBLESS, told=told)).reason == "sage-changing"
    assert two(look(JOBLESS, told=told), look(told=told)).reason == "sage-changing"
    assert two(look(THERE), look(replace(THERE, lines=(line(), line(number=2))))).reason == "sage-changing"
    assert two(look(PART_GONE), look(), reference=SHARED).reason == "sage-changing"


def test_a_deletion_that_only_one_look_saw_is_doubt_where_the_job_is_missing() -> None:
    told = history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR)
    assert two(look(JOBLESS, told=told), look(JOBLESS)).reason == "sage-changing"
    assert two(look(JOBLESS), look(JOBLESS, told=told)).reason == "sage-changing"


def test_another_change_order_of_a_closed_job_that_only_one_look_saw_is_doubt() -> None:
    with_it, without = look(CLOSED, others_of_job=1), look(CLOSED)
    assert two(with_it, without).reason == "sage-changing"
    assert two(without, with_it).reason == "sage-changing"


def test_two_looks_that_agree_on_something_there_say_so() -> None:
    assert two(look(THERE)).verdict is Verdict.PRESENT
    assert two(look(replace(GONE, lines=(line(),)))).verdict is Verdict.AMBIGUOUS


def test_controls_may_differ_if_both_times_they_are_good() -> None:
    before, now = look(controls=(control(1), control(2))), look(controls=(control(1), missing(2)))
    assert two(before, now).proves_absence
    assert two(now, before).proves_absence


def test_controls_that_are_good_only_once_are_no_answer() -> None:
    assert_unknown(two(look(), look(controls=(missing(1),))), "no-control")


def test_all_evidence_is_of_the_second_look() -> None:
    found = two(look(controls=(control(1), control(2))), look(controls=(control(1), missing(2))))
    assert found.evidence.controls_there == ("101",)
    assert found.evidence.controls_missing == ("102",)


@pytest.mark.parametrize(
    "carriers",
    [
        Carriers(on_job=(on_job(OURS, "712"),)),
        Carriers(on_job=(on_job(OURS, "999", number="other", phase="9"),)),
        Carriers(on_subcontract=(on_subcontract(OURS, "999", "other"),)),
        Carriers(on_subcontract=(on_subcontract(None, "712", "other"),)),
    ],
)
def test_our_own_record_met_by_the_last_question_is_doubt(carriers: Carriers) -> None:
    for told in (None, TOLD):
        assert_unknown(two(look(told=told), carriers=carriers), "sage-changing")
    assert_unknown(two(carriers=carriers, reference=CONFIRMED), "sage-changing")


# --- step 7: what stands in its place ---


def test_another_record_with_our_number_that_is_older_is_no_proof() -> None:
    found = two(carriers=Carriers(on_job=(on_job(at=EARLIER),)))
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-without-proof")
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == "900"
    assert found.proof is None
    assert not found.proves_absence


def test_another_record_inserted_after_we_saw_ours_is_proof() -> None:
    found = two(carriers=Carriers(on_job=(on_job(at=LATER),)))
    assert found.verdict is Verdict.REPLACED
    assert_cut(found, "replaced-later")
    assert found.proof is Proof.INSERTED_LATER


@pytest.mark.parametrize("at", [None, SEEN_THERE, EARLIER])
def test_no_time_or_no_later_time_is_no_proof(at: datetime | None) -> None:
    for carriers in (Carriers(on_job=(on_job(at=at),)), Carriers(on_subcontract=(on_subcontract(at=at),))):
        assert two(carriers=carriers).reason == "replaced-without-proof"


def test_without_a_time_of_its_own_its_insert_in_history_is_proof() -> None:
    inserted_later = history((ANOTHER, "insert", LATER), (ANOTHER, "update", LATER + DAY))
    inserted_earlier = history((ANOTHER, "insert", EARLIER), (ANOTHER, "insert", LATER))
    for carriers in (Carriers(on_job=(on_job(),)), Carriers(on_subcontract=(on_subcontract(),))):
        assert two(look(told=inserted_later), carriers=carriers).proof is Proof.INSERTED_LATER
        assert two(look(told=inserted_earlier), carriers=carriers).proof is None
    only_changed = history((ANOTHER, "update", LATER))
    assert two(look(told=only_changed), carriers=Carriers(on_job=(on_job(),))).proof is None


def test_a_record_that_came_later_is_no_proof_while_all_of_its_job_is_missing_untold() -> None:
    """Someone keys in again what a broken import lost: the job's other records are missing too."""
    carriers = Carriers(on_job=(on_job(at=LATER),))
    lost = (missing(1, of_our_job=True), missing(2, of_our_job=True))
    elsewhere = (control(3), control(4))
    assert two(look(controls=(*lost, *elsewhere)), carriers=carriers).proof is None
    one_there = (control(1, of_our_job=True), lost[1])
    assert two(look(controls=(*one_there, *elsewhere)), carriers=carriers).proof is Proof.INSERTED_LATER
    told = history((uuid.UUID(int=101), "delete", DELETED_AT))
    assert two(look(controls=(*lost, *elsewhere), told=told), carriers=carriers).proof is Proof.INSERTED_LATER


def test_history_that_tells_our_deletion_needs_no_control_of_the_job_for_the_number() -> None:
    controls = (missing(1, of_our_job=True), control(2))
    found = two(look(controls=controls, told=TOLD), carriers=Carriers(on_job=(on_job(at=LATER),)))
    assert found.proof is Proof.HISTORY


@pytest.mark.parametrize(
    "carriers",
    [
        Carriers(on_job=(on_job(),)),
        Carriers(on_job=(on_job(at=EARLIER),)),
        Carriers(on_subcontract=(on_subcontract(),)),
        Carriers(on_subcontract=(on_subcontract(at=EARLIER),)),
    ],
)
def test_history_proves_that_the_replaced_record_died(carriers: Carriers) -> None:
    found = two(look(told=TOLD), carriers=carriers)
    assert found.verdict is Verdict.REPLACED
    assert_cut(found, "replaced-after-deletion")
    assert found.proof is Proof.HISTORY
    assert found.evidence.deletion is not None


def test_a_confirmed_deletion_proves_nothing_about_what_stands_in_its_place() -> None:
    found = two(carriers=Carriers(on_job=(on_job(at=EARLIER),)), reference=CONFIRMED)
    assert found.reason == "replaced-without-proof"
    assert not found.proves_absence


def test_every_other_record_must_be_proven_and_the_first_that_is_not_is_named() -> None:
    carriers = Carriers(on_job=(on_job(at=LATER), on_job(THIRD, "901", at=EARLIER)))
    found = two(carriers=carriers)
    assert found.proof is None
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == "901"
    assert {other.record_number for other in found.evidence.other_records} == {"900", "901"}


def test_a_record_that_stands_there_in_two_ways_must_be_proven_in_both() -> None:
    header_later_line_earlier = Carriers(
        on_job=(on_job(at=LATER),), on_subcontract=(on_subcontract(at=EARLIER),)
    )
    assert two(carriers=header_later_line_earlier).reason == "replaced-without-proof"
    both_later = Carriers(on_job=(on_job(at=LATER),), on_subcontract=(on_subcontract(at=LATER),))
    found = two(carriers=both_later)
    assert found.proof is Proof.INSERTED_LATER
    assert len(found.evidence.other_records) == 1


def test_every_line_with_our_sub_change_number_must_have_come_later() -> None:
    carriers = Carriers(on_subcontract=(on_subcontract(at=LATER), on_subcontract(at=EARLIER)))
    assert two(carriers=carriers).reason == "replaced-without-proof"


@pytest.mark.parametrize("number", ["co-12", " CO-12", "CO-\uff11\uff12", "CO-1\u200b2", "CO-12\u00a0"])
def test_the_number_is_compared_as_a_person_compares_it(number: str) -> None:
    found = two(carriers=Carriers(on_job=(on_job(number=number),)))
    assert found.reason == "replaced-without-proof"
    line_of_another = on_subcontract(sub_number=number.replace("CO-", "850-").replace("12", "1"))
    reference = replace(REFERENCE, sub_change_number=line_of_another.sub_change_number.upper())
    assert two(carriers=Carriers(on_subcontract=(line_of_another,)), reference=reference).verdict is (
        Verdict.REPLACED
    )


@pytest.mark.parametrize("other", [on_job(number="CO-13"), on_job(phase="2"), on_job(phase="0")])
def test_another_number_or_phase_does_not_replace(other: OnJob) -> None:
    assert two(carriers=Carriers(on_job=(other,))).verdict is Verdict.ABSENT


def test_a_line_of_another_record_with_our_sub_change_number_replaces() -> None:
    found = two(carriers=Carriers(on_subcontract=(on_subcontract(sub_number=" 850-1", at=LATER),)))
    assert (found.verdict, found.proof) == (Verdict.REPLACED, Proof.INSERTED_LATER)
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.number == "CO-99"


def test_a_line_that_lost_its_header_replaces_without_proof() -> None:
    found = two(carriers=Carriers(on_subcontract=(on_subcontract(None, number=""),)))
    assert found.reason == "replaced-without-proof"
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.number == "850-1"


def test_another_sub_change_number_does_not_replace() -> None:
    carriers = Carriers(on_subcontract=(on_subcontract(sub_number="850-2"),))
    assert two(carriers=carriers).verdict is Verdict.ABSENT


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\t"])
def test_a_blank_number_matches_nothing(blank: str) -> None:
    carriers = Carriers(
        on_job=(on_job(number=blank), on_job(THIRD, "901", number=blank, phase="2")),
        on_subcontract=(on_subcontract(sub_number=blank),),
    )
    found = two(carriers=carriers, reference=replace(REFERENCE, number=blank, sub_change_number=blank))
    assert found.verdict is Verdict.ABSENT
    assert found.evidence.same_number_phases == ()


def test_a_record_that_another_link_held_when_ours_was_seen_stood_beside_it_and_not_in_its_place() -> None:
    """Two records with one number that always existed side by side."""
    side_by_side = replace(REFERENCE, held_by_others=frozenset({ANOTHER}))
    carriers = Carriers(on_job=(on_job(at=EARLIER),), on_subcontract=(on_subcontract(at=EARLIER),))
    assert two(carriers=carriers).reason == "replaced-without-proof"
    found = two(carriers=carriers, reference=side_by_side)
    assert found.verdict is Verdict.ABSENT
    assert found.proves_absence
    a_third = Carriers(on_job=(on_job(at=EARLIER), on_job(THIRD, "901", at=EARLIER)))
    assert two(carriers=a_third, reference=side_by_side).reason == "replaced-without-proof"


def test_the_header_that_is_shared_with_us_is_not_another_record() -> None:
    carriers = Carriers(on_job=(on_job(OURS, "712"), on_job()))
    found = two(look(PART_GONE), carriers=carriers, reference=SHARED)
    assert found.verdict is Verdict.REPLACED
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == "900"


# --- step 7 (b): our record number under another row id ---


@pytest.mark.parametrize("job", ["2611", "2612", ""])
@pytest.mark.parametrize("at", [None, EARLIER, SEEN_THERE])
def test_an_older_record_that_has_our_record_number_is_ours_keyed_anew(job: str, at: datetime | None) -> None:
    """Record numbers are unique: it is ours under a rebuilt row id, or the link named the wrong one."""
    found = two(look(replace(GONE, bearer=bearer(job=job, at=at))))
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-without-proof")
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.has_our_record_number
    assert not found.proves_absence


@pytest.mark.parametrize("at", [None, EARLIER, SEEN_THERE])
def test_history_alone_does_not_prove_our_record_number_under_an_older_record(at: datetime | None) -> None:
    found = two(look(replace(GONE, bearer=bearer(at=at)), told=TOLD))
    assert found.reason == "replaced-without-proof"


def test_the_everyday_correction_is_green_and_names_the_other_record() -> None:
    """Deleted and keyed in again at once: highest number and 1 is the number that ours had."""
    keyed_again = replace(
        GONE,
        bearer=bearer(number="CO-12", at=DELETED_AT + MINUTE),
        lines=(line(header=ANOTHER, at=DELETED_AT + MINUTE),),
    )
    carriers = Carriers(
        on_job=(on_job(record="712", at=DELETED_AT + MINUTE),),
        on_subcontract=(on_subcontract(record="712", at=DELETED_AT + MINUTE, number="CO-12"),),
    )
    for told, reason in ((TOLD, "replaced-after-deletion"), (None, "replaced-later")):
        found = two(look(keyed_again, told=told), carriers=carriers)
        assert found.verdict is Verdict.REPLACED
        assert_cut(found, reason)
        assert len(found.evidence.other_records) == 1
        assert found.evidence.other_record is not None
        assert found.evidence.other_record.record_number == "712"


def test_a_record_keyed_within_a_minute_before_the_deletion_by_the_clock_took_the_number_after_it() -> None:
    """Proven by the deletion although the job's other records are all missing."""
    controls = (missing(1, of_our_job=True), control(2))
    for before, is_proven in ((MINUTE, True), (MINUTE + SECOND, False)):
        seen = look(replace(GONE, bearer=bearer(at=DELETED_AT - before)), told=TOLD, controls=controls)
        assert two(seen).proves_absence == is_proven


def test_our_record_number_on_our_job_with_proof_is_replaced() -> None:
    found = two(look(replace(GONE, bearer=bearer(at=LATER))))
    assert found.verdict is Verdict.REPLACED
    assert_cut(found, "replaced-later")


def test_our_record_number_on_another_job_with_proof_is_absent_and_named() -> None:
    found = two(look(replace(GONE, bearer=bearer(job="2612", at=LATER))))
    assert found.verdict is Verdict.ABSENT
    assert_cut(found, "record-number-used-on-another-job")
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.job_record_number == "2612"
    assert found.evidence.other_record.has_our_record_number


def test_our_record_number_on_another_job_beside_one_with_our_number_is_replaced() -> None:
    seen = look(replace(GONE, bearer=bearer(job="2612", at=LATER)))
    found = two(seen, carriers=Carriers(on_job=(on_job(THIRD, at=LATER),)))
    assert found.verdict is Verdict.REPLACED
    assert found.proves_absence
    assert {other.record_number for other in found.evidence.other_records} == {"712", "900"}


# --- a link that was moved ---


def test_a_record_that_the_link_left_and_that_is_still_there_keeps_it() -> None:
    left = LeftRecord(THIRD, "704", NOW - 20 * DAY)
    found = two(look(replace(GONE, left_records=(left,))))
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, "left-record-still-there")
    assert found.evidence.left_record == left
    assert not found.proves_absence


def test_a_record_that_the_link_left_is_no_matter_while_ours_is_there() -> None:
    left = LeftRecord(THIRD, "704", NOW - 20 * DAY)
    assert ended(look(replace(THERE, left_records=(left,)))).verdict is Verdict.PRESENT


def test_a_record_that_the_link_left_counts_whatever_history_or_persons_say() -> None:
    left = LeftRecord(THIRD, "704", NOW - 20 * DAY)
    seen = look(replace(GONE, left_records=(left,)), told=TOLD)
    assert two(seen).verdict is Verdict.AMBIGUOUS
    assert two(seen, reference=CONFIRMED).verdict is Verdict.AMBIGUOUS


# --- never ---

moments = st.none() | st.sampled_from([EARLIER, SEEN_THERE, LATER, DELETED_AT])
headers = st.builds(
    HeaderSeen,
    record_number=st.sampled_from(["712", "900"]),
    number=st.sampled_from(["CO-12", "co-12 ", "CO-13"]),
    job_record_number=st.sampled_from(["2611", "2612", ""]),
    phase=st.sampled_from(["1", "0", "2"]),
    status=st.sampled_from(["Approved", "Open", "Review", "Disputed", "Void", "Rejected"]),
)
observations = st.builds(
    Observation,
    job=st.none()
    | st.builds(JobSeen, st.sampled_from(["2611", "9999"]), st.sampled_from(["Current", "Closed", "7"])),
    header=st.none() | headers,
    bearer=st.none()
    | st.builds(
        RecordHolder,
        row_id=st.sampled_from([ANOTHER, THIRD]),
        record_number=st.just("712"),
        number=st.sampled_from(["CO-12", "CO-13"]),
        job_record_number=st.sampled_from(["2611", "2612"]),
        phase=st.just("1"),
        inserted_at=moments,
    ),
    lines=st.lists(
        st.builds(
            Line,
            record_number=st.just(712),
            line=st.just(1),
            subcontract=st.sampled_from(["1201", "1202", "1203", ""]),
            header_row_id=st.sampled_from([None, OURS, ANOTHER]),
            inserted_at=moments,
        ),
        max_size=2,
    ).map(tuple),
)
carriers_of_anything = st.builds(
    Carriers,
    on_job=st.lists(
        st.builds(
            OnJob,
            row_id=st.sampled_from([OURS, ANOTHER, THIRD, None]),
            record_number=st.sampled_from(["712", "900"]),
            number=st.sampled_from(["CO-12", "CO-13"]),
            job_record_number=st.just("2611"),
            phase=st.sampled_from(["1", "2"]),
            inserted_at=moments,
        ),
        max_size=3,
    ).map(tuple),
    on_subcontract=st.lists(
        st.builds(
            OnSubcontract,
            row_id=st.none() | st.sampled_from([OURS, ANOTHER]),
            record_number=st.sampled_from(["712", "900"]),
            number=st.sampled_from(["", "CO-12"]),
            job_record_number=st.just("2611"),
            sub_change_number=st.sampled_from(["", "850-1", "850-2"]),
            amount=st.just(Decimal("1.00")),
            inserted_at=moments,
        ),
        max_size=3,
    ).map(tuple),
)
histories = st.sampled_from(
    [
        None,
        SILENT,
        TOLD,
        history(OUR_DELETION, job_saved_at=DELETED_AT + HOUR),
        history((OURS, "delete", EARLIER)),
        history(OUR_DELETION, (ANOTHER, "delete", DELETED_AT)),
    ]
)
looks = st.builds(
    look,
    observations,
    told=histories,
    reach=st.sampled_from([None, OLD_ENOUGH, Reach(LATER, holds_deletions=True)]),
    controls=st.sampled_from([(), CONTROL_THERE, (missing(1),), (control(1), missing(2), missing(3))]),
    others_of_job=st.integers(0, 1),
    lowest=moments,
)
references = st.sampled_from([REFERENCE, SHARED, CONFIRMED, replace(REFERENCE, clock_in_doubt=True)])


@given(first=looks, second=looks, same=st.booleans(), carriers=carriers_of_anything, reference=references)
def test_nothing_that_is_there_and_no_doubt_ever_proves_absence(
    *, first: Look, second: Look, same: bool, carriers: Carriers, reference: ChangeOrderReference
) -> None:
    alone = one(first, reference)
    assert alone is None or not alone.proves_absence

    second = first if same else second
    found = two(first, second, carriers, reference=reference)
    assert found.reason
    assert (found.fault is not None) == (found.verdict is Verdict.UNKNOWN)
    if not found.proves_absence:
        return
    seen = second.observation
    assert first.observation == seen
    part_gone = reference is SHARED and any(line.subcontract == "1202" for line in seen.lines)
    assert seen.header is None or part_gone
    if seen.header is not None:
        return
    told = verdict.our_deletion(second, reference) is not None
    confirmed = reference.deletion_confirmed
    assert seen.job is not None or told or confirmed
    assert not any(line.header_row_id == OURS for line in seen.lines)
    assert not seen.lines or seen.bearer is not None
    assert all(one.row_id != OURS for one in carriers.on_job)
    assert all(one.row_id != OURS for one in carriers.on_subcontract)
    assert confirmed or told or not second.controls or any(one.is_there for one in second.controls)
    assert seen.bearer is None or found.evidence.other_record is not None


@given(looks)
def test_every_look_ends_in_words_or_asks_again(seen: Look) -> None:
    found = one(seen)
    assert found is None or found.reason


# --- a quick lookup: what is shown, and never proves ---


def glanced(
    seen: Look | None = None,
    carriers: Carriers = NOBODY,
    *,
    reference: ChangeOrderReference = REFERENCE,
) -> Finding:
    found = verdict.finding_of_a_quick_lookup(seen or look(), carriers, reference)
    assert (found.first_looked_at, found.second_looked_at) == (NOW, None)
    assert not found.proves_absence
    assert found.incarnation == "incarnation"
    return found


def test_what_one_look_does_not_find_is_absent_for_now() -> None:
    found = glanced()
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-once")
    assert found.evidence.lines_on_subcontract == 0


@given(seen=looks, carriers=carriers_of_anything, reference=references)
def test_a_quick_lookup_says_deleted_only_where_two_looks_would_cut(
    seen: Look, carriers: Carriers, reference: ChangeOrderReference
) -> None:
    """A list never says Deleted where the click would not."""
    once, twice = (
        glanced(seen, carriers, reference=reference),
        two(seen, carriers=carriers, reference=reference),
    )
    assert (once.verdict, once.proof, once.fault) == (twice.verdict, twice.proof, twice.fault)
    of_one_look = "deleted-in-history" if once.evidence.deletion else "not-found-once"
    assert once.reason == (of_one_look if twice.reason == "not-found-twice" else twice.reason)
    assert once.evidence == twice.evidence


def test_what_stands_in_the_place_counts_at_a_quick_lookup_too() -> None:
    found = glanced(carriers=Carriers(on_job=(on_job(at=LATER),)))
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-later")
    assert found.proof is Proof.INSERTED_LATER
    assert found.evidence.other_record is not None
    within = Carriers(on_job=(on_job(at=SEEN_THERE + HOUR),))
    in_doubt = replace(REFERENCE, clock_in_doubt=True)
    assert glanced(carriers=within, reference=in_doubt).reason == "replaced-without-proof"
    assert glanced(look(told=TOLD), within).reason == "replaced-after-deletion"


def test_a_record_that_the_last_question_met_after_all_is_doubt_at_a_quick_lookup_too() -> None:
    found = glanced(carriers=Carriers(on_job=(on_job(OURS, "712"),)))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")
    assert found.fault is not None


def test_our_part_of_a_shared_header_is_not_told_by_the_deletion_of_a_header() -> None:
    carriers = Carriers(on_job=(on_job(OURS, "712"),))
    found = glanced(look(PART_GONE, told=TOLD), carriers, reference=SHARED)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "our-part-of-shared-header-gone")

"""The verdict, line by line as the product promises it: only two looks that saw nothing prove absence."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.ports import (
    ChangeOrderReference,
    Finding,
    HeaderSeen,
    HistoryEntry,
    Proof,
    Verdict,
)
from sage_adapter import verdict
from sage_adapter.verdict import Carriers, Look, Observation, OnJob, OnSubcontract

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
LAST_SEEN = NOW - timedelta(days=3)
OURS, ANOTHER, THIRD = (uuid.UUID(int=number) for number in (1, 2, 3))
HOUR = timedelta(hours=1)

REFERENCE = ChangeOrderReference(
    row_id=OURS,
    record_number="712",
    number="CO-12",
    job_record_number="2611",
    job_row_id=uuid.UUID(int=9),
    phase="1",
    subcontract_record_number="1201",
    sub_change_number="850-1",
    amount=Decimal("1250.00"),
    last_seen_at=LAST_SEEN,
    header_shared=False,
)
SHARED = replace(REFERENCE, header_shared=True)
HEADER = HeaderSeen("712", "CO-12", "2611", "1", "Approved")
NOBODY = Carriers()
GONE = Observation(jobs_with_number=1, jobs_same_row=1, headers=0, header=None, lines=0)
THERE = replace(GONE, headers=1, header=HEADER, lines=1)
DELETION = HistoryEntry("delete", NOW - timedelta(days=1), "ACCT2", "Sage")


def look(seen: Observation, *, deletion: HistoryEntry | None = None, at: datetime = NOW) -> Look:
    return Look(seen, at, "incarnation", subcontract_present=True, deletion=deletion, history_readable=True)


def one(
    seen: Observation,
    reference: ChangeOrderReference = REFERENCE,
    *,
    deletion: HistoryEntry | None = None,
) -> Finding | None:
    return verdict.finding_of_one_look(look(seen, deletion=deletion), reference)


def two(
    first: Observation = GONE,
    second: Observation = GONE,
    carriers: Carriers = NOBODY,
    *,
    reference: ChangeOrderReference = REFERENCE,
    first_deletion: HistoryEntry | None = None,
    deletion: HistoryEntry | None = None,
    slack: timedelta = timedelta(0),
) -> Finding:
    return verdict.finding_of_two_looks(
        look(first, deletion=first_deletion),
        look(second, deletion=deletion, at=NOW + timedelta(seconds=1)),
        carriers,
        reference,
        slack,
    )


def on_job(
    row_id: uuid.UUID = ANOTHER,
    record: str = "900",
    number: str = "CO-12",
    phase: str = "1",
    inserted_at: datetime | None = NOW,
) -> OnJob:
    return OnJob(row_id, record, number, phase, inserted_at)


def on_subcontract(
    row_id: uuid.UUID | None = ANOTHER,
    record: str = "900",
    sub_number: str = "850-1",
    amount: str = "10.00",
    inserted_at: datetime | None = NOW,
) -> OnSubcontract:
    return OnSubcontract(row_id, record, "CO-99", sub_number, Decimal(amount), inserted_at)


# --- step 2: the job ---


@pytest.mark.parametrize(("with_number", "reason"), [(0, "job-not-found"), (1, "job-number-used-again")])
def test_without_its_job_nothing_is_said_about_the_record(with_number: int, reason: str) -> None:
    for seen in (GONE, THERE, replace(GONE, lines=2)):
        found = one(replace(seen, jobs_with_number=with_number, jobs_same_row=0))
        assert found is not None
        assert (found.verdict, found.reason) == (Verdict.JOB_MISSING, reason)
        assert not found.proves_absence


def test_a_deletion_in_history_looks_past_a_missing_job() -> None:
    jobless = replace(GONE, jobs_with_number=0, jobs_same_row=0)
    assert one(jobless, deletion=DELETION) is None
    found = two(jobless, jobless, first_deletion=DELETION, deletion=DELETION)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "deleted-before-its-job")
    assert found.evidence.deletion is DELETION
    assert found.proves_absence


def test_a_header_that_is_there_wins_over_a_deletion_in_history() -> None:
    found = one(replace(THERE, jobs_with_number=0, jobs_same_row=0), deletion=DELETION)
    assert found is not None
    assert found.verdict is Verdict.PRESENT


def test_lines_left_behind_win_over_a_deletion_in_history() -> None:
    found = one(replace(GONE, jobs_with_number=0, jobs_same_row=0, lines=1), deletion=DELETION)
    assert found is not None
    assert found.verdict is Verdict.AMBIGUOUS


# --- step 3: the header ---


def test_the_record_is_there() -> None:
    found = one(THERE)
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-found")
    assert found.evidence.header == HEADER
    assert found.evidence.lines_on_subcontract == 1
    assert found.first_looked_at == NOW
    assert found.second_looked_at is None
    assert found.incarnation == "incarnation"


@pytest.mark.parametrize(
    "moved", [{"number": "CO-13"}, {"job_record_number": "2612"}, {"phase": "2"}, {"job_record_number": ""}]
)
def test_another_number_job_or_phase_is_renumbered(moved: dict[str, str]) -> None:
    found = one(replace(THERE, header=replace(HEADER, **moved)))
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.RENUMBERED, "header-renumbered")


@pytest.mark.parametrize("number", ["co-12", " CO-12 ", "CO-12  "])
def test_case_and_blanks_do_not_renumber(number: str) -> None:
    found = one(replace(THERE, header=replace(HEADER, number=number)))
    assert found is not None
    assert found.verdict is Verdict.PRESENT


def test_full_width_digits_do() -> None:
    # SQL Server's own comparison would not see them.
    found = one(replace(THERE, header=replace(HEADER, number="CO-\uff11\uff12")))
    assert found is not None
    assert found.verdict is Verdict.RENUMBERED


@pytest.mark.parametrize(("none", "nought"), [("", "0"), ("0", ""), (" 0", "0")])
def test_no_phase_is_phase_nought(none: str, nought: str) -> None:
    found = one(replace(THERE, header=replace(HEADER, phase=none)), replace(REFERENCE, phase=nought))
    assert found is not None
    assert found.verdict is Verdict.PRESENT


@pytest.mark.parametrize(("status", "reason"), [("Void", "header-void"), ("Rejected", "header-rejected")])
def test_void_and_rejected_are_there_but_not_effective(status: str, reason: str) -> None:
    for lines in (0, 1):
        found = one(replace(THERE, header=replace(HEADER, status=status), lines=lines))
        assert found is not None
        assert (found.verdict, found.reason) == (Verdict.PRESENT_NOT_EFFECTIVE, reason)


@pytest.mark.parametrize("status", ["Approved", "Open", "Review", "Disputed"])
def test_every_other_status_is_there(status: str) -> None:
    found = one(replace(THERE, header=replace(HEADER, status=status)))
    assert found is not None
    assert found.verdict is Verdict.PRESENT


def test_renumbered_is_said_before_void() -> None:
    found = one(replace(THERE, header=replace(HEADER, number="CO-13", status="Void")))
    assert found is not None
    assert found.verdict is Verdict.RENUMBERED


def test_a_header_without_our_lines_is_there_and_says_so() -> None:
    found = one(replace(THERE, lines=0))
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-without-our-lines")


def test_our_part_of_a_shared_header_can_be_gone() -> None:
    shared = replace(THERE, lines=0)
    assert one(shared, SHARED) is None
    found = two(shared, shared, Carriers(on_job=(on_job(OURS, "712"),)), reference=SHARED)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "our-part-of-shared-header-gone")
    assert found.proves_absence


def test_a_shared_header_with_our_lines_is_there() -> None:
    found = one(THERE, SHARED)
    assert found is not None
    assert found.verdict is Verdict.PRESENT


@pytest.mark.parametrize("changed", [{"number": "CO-13"}, {"status": "Void"}])
def test_a_shared_header_that_was_renumbered_or_voided_keeps_the_link(changed: dict[str, str]) -> None:
    found = one(replace(THERE, header=replace(HEADER, **changed), lines=0), SHARED)
    assert found is not None
    assert not found.proves_absence


def test_a_header_that_was_counted_but_not_read_is_doubt() -> None:
    found = one(replace(GONE, headers=1))
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")
    assert found.fault is not None


# --- step 4: lines left behind ---


def test_lines_without_their_header_are_half_deleted() -> None:
    found = one(replace(GONE, lines=2))
    assert found is not None
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, "lines-without-header")
    assert found.evidence.lines_on_subcontract == 2


# --- step 5: the second look ---


def test_nothing_found_once_is_no_answer() -> None:
    assert one(GONE) is None


def test_nothing_found_twice_is_absent() -> None:
    found = two()
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-twice")
    assert found.first_looked_at == NOW
    assert found.second_looked_at == NOW + timedelta(seconds=1)
    assert found.proof is None
    assert found.fault is None
    assert found.proves_absence


@pytest.mark.parametrize(
    "second",
    [
        THERE,
        replace(GONE, lines=1),
        replace(GONE, jobs_with_number=0, jobs_same_row=0),
        replace(GONE, jobs_same_row=0),
        replace(GONE, headers=1),
    ],
)
def test_two_looks_that_differ_are_doubt(second: Observation) -> None:
    for found in (two(GONE, second), two(second, GONE)):
        assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")
        assert found.fault is not None
        assert found.fault.code == "sage-changing"
        assert found.fault.retry is False
        assert found.second_looked_at is None
        assert not found.proves_absence


def test_two_looks_that_differ_are_doubt_even_where_each_alone_would_go_on() -> None:
    jobless = replace(GONE, jobs_with_number=0, jobs_same_row=0)
    assert two(GONE, jobless, first_deletion=DELETION, deletion=DELETION).reason == "sage-changing"
    assert two(jobless, GONE, first_deletion=DELETION, deletion=DELETION).reason == "sage-changing"
    assert two(THERE, replace(THERE, lines=2)).reason == "sage-changing"
    shared = replace(THERE, lines=0)
    assert two(shared, GONE, reference=SHARED).reason == "sage-changing"


def test_a_header_that_was_read_is_there_whatever_was_counted() -> None:
    found = one(replace(THERE, headers=0))
    assert found is not None
    assert found.verdict is Verdict.PRESENT


def test_a_deletion_that_only_one_look_saw_is_doubt_where_the_job_is_missing() -> None:
    jobless = replace(GONE, jobs_with_number=0, jobs_same_row=0)
    assert two(jobless, jobless, first_deletion=DELETION).reason == "sage-changing"
    assert two(jobless, jobless, deletion=DELETION).reason == "sage-changing"


def test_two_looks_that_agree_on_something_there_say_so() -> None:
    assert two(THERE, THERE).verdict is Verdict.PRESENT
    assert two(replace(GONE, lines=1), replace(GONE, lines=1)).verdict is Verdict.AMBIGUOUS


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
    found = two(carriers=carriers)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")


# --- step 6: who carries the number now ---


def test_another_record_with_our_number_is_replaced_without_proof_when_it_is_older() -> None:
    found = two(carriers=Carriers(on_job=(on_job(inserted_at=LAST_SEEN - HOUR),)))
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-without-proof")
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == "900"
    assert found.proof is None
    assert not found.proves_absence


def test_another_record_inserted_after_we_saw_ours_is_proof() -> None:
    found = two(carriers=Carriers(on_job=(on_job(inserted_at=LAST_SEEN + HOUR),)))
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-later")
    assert found.proof is Proof.INSERTED_LATER
    assert found.proves_absence


@pytest.mark.parametrize("inserted_at", [None, LAST_SEEN, LAST_SEEN - HOUR])
def test_no_time_or_no_later_time_is_no_proof(inserted_at: datetime | None) -> None:
    found = two(carriers=Carriers(on_job=(on_job(inserted_at=inserted_at),)))
    assert found.reason == "replaced-without-proof"


def test_a_clock_that_may_have_moved_must_be_beaten() -> None:
    within, at, beyond = (LAST_SEEN + HOUR * part for part in (0.5, 1, 1.5))
    assert two(carriers=Carriers(on_job=(on_job(inserted_at=within),)), slack=HOUR).proof is None
    assert two(carriers=Carriers(on_job=(on_job(inserted_at=at),)), slack=HOUR).proof is None
    assert (
        two(carriers=Carriers(on_job=(on_job(inserted_at=beyond),)), slack=HOUR).proof is Proof.INSERTED_LATER
    )


def test_a_record_number_used_again_is_no_proof() -> None:
    found = two(carriers=Carriers(on_job=(on_job(record="712"),)))
    assert found.reason == "replaced-without-proof"
    assert not found.proves_absence


def test_history_proves_that_the_replaced_record_died() -> None:
    older = Carriers(on_job=(on_job(inserted_at=None),))
    found = two(carriers=older, deletion=DELETION)
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-after-deletion")
    assert found.proof is Proof.HISTORY
    assert found.evidence.deletion is DELETION
    assert found.proves_absence


def test_every_other_record_must_be_proven_and_the_first_that_is_not_is_named() -> None:
    carriers = Carriers(on_job=(on_job(), on_job(THIRD, "901", inserted_at=LAST_SEEN - HOUR)))
    found = two(carriers=carriers)
    assert found.proof is None
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == "901"


@pytest.mark.parametrize("number", ["co-12", " CO-12"])
def test_the_number_is_compared_without_case_and_blanks(number: str) -> None:
    assert two(carriers=Carriers(on_job=(on_job(number=number),))).verdict is Verdict.REPLACED


@pytest.mark.parametrize("other", [on_job(number="CO-13"), on_job(phase="2"), on_job(phase="0")])
def test_another_number_or_phase_does_not_replace(other: OnJob) -> None:
    assert two(carriers=Carriers(on_job=(other,))).verdict is Verdict.ABSENT


def test_the_same_number_in_another_phase_is_shown() -> None:
    carriers = Carriers(
        on_job=(on_job(phase="3"), on_job(THIRD, phase="2"), on_job(THIRD, phase="4", number="x"), on_job())
    )
    assert two(carriers=carriers).evidence.same_number_phases == ("2", "3")


def test_a_line_of_another_record_with_our_sub_change_number_replaces() -> None:
    found = two(carriers=Carriers(on_subcontract=(on_subcontract(sub_number=" 850-1"),)))
    assert (found.verdict, found.proof) == (Verdict.REPLACED, Proof.INSERTED_LATER)
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.number == "CO-99"


def test_a_line_that_lost_its_header_replaces_without_proof() -> None:
    carriers = Carriers(on_subcontract=(OnSubcontract(None, "900", "", "850-1", Decimal("1.00"), None),))
    found = two(carriers=carriers)
    assert found.reason == "replaced-without-proof"
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.number == "850-1"


def test_another_sub_change_number_does_not_replace() -> None:
    assert (
        two(carriers=Carriers(on_subcontract=(on_subcontract(sub_number="850-2"),))).verdict is Verdict.ABSENT
    )


def test_an_empty_sub_change_number_is_nobodys() -> None:
    carriers = Carriers(on_subcontract=(on_subcontract(sub_number=""),))
    assert (
        two(carriers=carriers, reference=replace(REFERENCE, sub_change_number="")).verdict is Verdict.ABSENT
    )


def test_an_empty_number_is_nobodys() -> None:
    carriers = Carriers(on_job=(on_job(number=" "), on_job(THIRD, "901", number="", phase="2")))
    found = two(carriers=carriers, reference=replace(REFERENCE, number=""))
    assert found.verdict is Verdict.ABSENT
    assert found.evidence.same_number_phases == ()


def test_the_header_that_is_shared_with_us_is_not_another_record() -> None:
    shared = replace(THERE, lines=0)
    carriers = Carriers(on_job=(on_job(OURS, "712"), on_job(inserted_at=None)))
    found = two(shared, shared, carriers, reference=SHARED)
    assert found.verdict is Verdict.REPLACED
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.record_number == "900"


def test_other_records_with_the_same_amount_are_shown() -> None:
    carriers = Carriers(
        on_subcontract=(
            on_subcontract(record="900", sub_number="1", amount="1000.00"),
            on_subcontract(record="900", sub_number="1", amount="250.00"),
            on_subcontract(record="800", sub_number="2", amount="1250.00"),
            on_subcontract(record="700", sub_number="3", amount="1249.99"),
        ),
        subcontract_changes_total=Decimal("7.00"),
    )
    found = two(carriers=carriers)
    assert found.evidence.same_amount_records == ("800", "900")
    assert found.evidence.subcontract_changes_total == Decimal("7.00")
    nothing = two(carriers=carriers, reference=replace(REFERENCE, amount=Decimal(0)))
    assert nothing.evidence.same_amount_records == ()


# --- never ---

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
    jobs_with_number=st.integers(0, 1),
    jobs_same_row=st.integers(0, 1),
    headers=st.integers(0, 1),
    header=st.none() | headers,
    lines=st.integers(0, 2),
)
moments = st.none() | st.sampled_from([LAST_SEEN - HOUR, LAST_SEEN, NOW])
carriers_of_anything = st.builds(
    Carriers,
    on_job=st.lists(
        st.builds(
            OnJob,
            row_id=st.sampled_from([OURS, ANOTHER, THIRD]),
            record_number=st.sampled_from(["712", "900"]),
            number=st.sampled_from(["CO-12", "CO-13"]),
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
            sub_change_number=st.sampled_from(["", "850-1", "850-2"]),
            amount=st.just(Decimal("1.00")),
            inserted_at=moments,
        ),
        max_size=3,
    ).map(tuple),
)
deletions = st.sampled_from([None, DELETION])


@given(
    first=observations,
    second=observations,
    carriers=carriers_of_anything,
    first_deletion=deletions,
    deletion=deletions,
    shared=st.booleans(),
)
def test_nothing_that_is_there_and_no_doubt_ever_proves_absence(
    *,
    first: Observation,
    second: Observation,
    carriers: Carriers,
    first_deletion: HistoryEntry | None,
    deletion: HistoryEntry | None,
    shared: bool,
) -> None:
    reference = replace(REFERENCE, header_shared=shared)
    alone = verdict.finding_of_one_look(look(first, deletion=first_deletion), reference)
    assert alone is None or not alone.proves_absence

    found = two(
        first, second, carriers, reference=reference, first_deletion=first_deletion, deletion=deletion
    )
    assert found.reason
    assert (found.fault is not None) == (found.verdict is Verdict.UNKNOWN)
    if not found.proves_absence:
        return
    assert first == second
    assert second.lines == 0
    assert second.jobs_same_row == 1 or (first_deletion is not None and deletion is not None)
    assert shared or (second.headers == 0 and second.header is None)
    assert all(one.row_id != OURS for one in carriers.on_job) or shared
    assert all(one.row_id != OURS and one.record_number != "712" for one in carriers.on_subcontract)


@given(observations)
def test_every_look_ends_in_words_or_asks_again(seen: Observation) -> None:
    found = one(seen)
    assert found is None or found.reason


# --- a glance: what is shown, and never proves ---


def glanced(
    seen: Observation = GONE,
    carriers: Carriers = NOBODY,
    *,
    reference: ChangeOrderReference = REFERENCE,
    deletion: HistoryEntry | None = None,
    slack: timedelta = timedelta(0),
) -> Finding:
    found = verdict.finding_of_a_glance(look(seen, deletion=deletion), carriers, reference, slack)
    assert (found.first_looked_at, found.second_looked_at) == (NOW, None)
    assert not found.proves_absence
    assert found.incarnation == "incarnation"
    return found


def test_what_one_look_does_not_find_is_absent_for_now() -> None:
    found = glanced()
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-once")
    assert found.evidence.lines_on_subcontract == 0


def test_a_deletion_in_history_is_told_whoever_carries_the_number() -> None:
    for carriers in (NOBODY, Carriers(on_job=(on_job(),))):
        found = glanced(carriers=carriers, deletion=DELETION)
        assert (found.verdict, found.reason) == (Verdict.ABSENT, "deleted-in-history")
        assert found.evidence.deletion is DELETION
        assert found.evidence.other_record is None


def test_without_it_who_carries_the_number_counts() -> None:
    found = glanced(carriers=Carriers(on_job=(on_job(inserted_at=LAST_SEEN + HOUR),)))
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-later")
    assert found.proof is Proof.INSERTED_LATER
    assert found.evidence.other_record is not None
    within = Carriers(on_job=(on_job(inserted_at=LAST_SEEN + HOUR),))
    assert glanced(carriers=within, slack=HOUR).reason == "replaced-without-proof"


def test_a_record_that_the_last_question_met_after_all_is_doubt_at_a_glance_too() -> None:
    found = glanced(carriers=Carriers(on_job=(on_job(OURS, "712"),)))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")
    assert found.fault is not None


def test_our_part_of_a_shared_header_is_not_told_by_the_deletion_of_a_header() -> None:
    shared = replace(THERE, lines=0)
    found = glanced(shared, Carriers(on_job=(on_job(OURS, "712"),)), reference=SHARED, deletion=DELETION)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "our-part-of-shared-header-gone")

"""Where a rule of the verdict turns: the last sight's job, the clock's step, and what stands elsewhere."""

import uuid
from dataclasses import replace

import pytest

from erp_integrations.ports import Verdict
from sage_adapter import verdict
from sage_adapter.answers import CarriersAnswer, JobSeen
from sage_adapter.history import History
from sage_adapter.session import Rows
from sage_adapter.verdict import Carriers
from tests.adapter.test_answers import JOB as JOB_OF_ROW
from tests.adapter.test_answers import answer, job
from tests.adapter.test_verdict import (
    AHEAD,
    ANOTHER,
    DELETED_AT,
    GONE,
    HOUR,
    JOB,
    LAST_SEEN,
    MINUTE,
    NOW,
    OLD_ENOUGH,
    OURS,
    PART_GONE,
    REFERENCE,
    SEEN_THERE,
    SHARED,
    THERE,
    TOLD,
    assert_cut,
    bearer,
    ended,
    history,
    line,
    look,
    on_subcontract,
    one,
    there,
    two,
)

ON_ANOTHER_JOB = replace(REFERENCE, last_job_record_number="2612")
"""A record that was seen on another job than the link's."""


# --- the job of the last sight ---


@pytest.mark.parametrize("last_job", [None, JobSeen("2612", "Closed"), JobSeen("2612", "9")])
@pytest.mark.parametrize("of_the_link", [JOB, None])
def test_a_record_that_was_on_a_job_which_may_be_archived_is_not_called_gone(
    last_job: JobSeen | None, of_the_link: JobSeen | None
) -> None:
    seen = replace(GONE, job=of_the_link, last_job=last_job)

    found = ended(look(seen, told=TOLD), ON_ANOTHER_JOB)

    assert (found.verdict, found.reason) == (Verdict.JOB_MISSING, "last-job-not-in-progress")
    assert verdict.our_deletion(look(seen, told=TOLD), ON_ANOTHER_JOB) is None


def test_a_record_that_was_on_a_job_in_progress_is_judged_as_any_other() -> None:
    seen = replace(GONE, last_job=JobSeen("2612", "Current"))

    assert one(look(seen), ON_ANOTHER_JOB) is None
    assert verdict.our_deletion(look(seen, told=TOLD), ON_ANOTHER_JOB) is not None


def test_the_job_of_the_last_sight_may_be_our_job_under_its_new_number() -> None:
    seen = replace(GONE, job=JobSeen("2612", "Current"))

    assert one(look(seen), ON_ANOTHER_JOB) is None


def test_history_that_was_not_read_of_our_record_tells_no_deletion() -> None:
    assert verdict.our_deletion(replace(look(told=TOLD), our_history_was_read=False), REFERENCE) is None


# --- what a look did not find ---


def test_a_record_is_gone_that_was_not_found_or_of_which_our_part_was_not() -> None:
    assert verdict.is_gone(look(GONE), REFERENCE)
    assert verdict.is_gone(look(PART_GONE), SHARED)
    assert not verdict.is_gone(look(THERE), REFERENCE)
    assert not verdict.is_gone(look(PART_GONE), REFERENCE)


def test_of_several_subcontracts_that_are_new_the_lowest_number_is_named() -> None:
    seen = replace(THERE, lines=tuple(line(number) for number in ("1300", "77", "1205", "9", "88", "12")))

    assert ended(look(seen)).evidence.moved_to_subcontract == "9"


def test_a_lookup_that_found_no_header_names_no_subcontract_as_touched() -> None:
    seen = replace(GONE, bearer=bearer(at=there(NOW)), lines=(line("1202", header=ANOTHER, at=there(NOW)),))

    assert two(look(seen, told=TOLD)).evidence.touched_subcontracts == ()


# --- the clock, and silence ---


def test_a_clock_that_was_changed_by_a_minute_is_in_doubt() -> None:
    soon = there(LAST_SEEN + 30 * MINUTE)
    told = history((OURS, "delete", soon))
    stepped = replace(REFERENCE, last_seen_clock=AHEAD - MINUTE)

    assert verdict.our_deletion(look(told=told), REFERENCE) is not None
    assert verdict.our_deletion(look(told=told), stepped) is None


def test_a_deletion_before_our_last_sight_is_silence_whatever_the_job() -> None:
    earlier = history((OURS, "delete", SEEN_THERE - HOUR))

    assert ended(look(told=earlier, reach=OLD_ENOUGH)).reason == "history-silent"


def test_a_quick_lookup_says_by_what_it_knows_that_the_record_is_deleted() -> None:
    def reason(**more: History) -> str:
        return verdict.finding_of_a_quick_lookup(look(**more), Carriers(), REFERENCE).reason  # type: ignore[arg-type]

    assert (reason(told=TOLD), reason()) == ("deleted-in-history", "not-found-once")


# --- what stands elsewhere ---


def test_a_record_with_our_number_on_our_renumbered_job_stands_in_our_place() -> None:
    seen = replace(GONE, job=JobSeen("2700", "Current"), bearer=bearer(job="2700", at=there(NOW)))

    found = two(look(seen))

    assert_cut(found, "replaced-later")
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.number == "CO-99"


def test_a_line_with_our_sub_change_number_stands_in_our_place_on_whatever_job() -> None:
    carrier = replace(on_subcontract(at=there(NOW)), job_record_number="2612")

    assert_cut(two(carriers=Carriers(on_subcontract=(carrier,))), "replaced-later")


# --- answers and history as they are read ---


def test_a_job_is_found_by_the_number_it_has_now() -> None:
    jobs = answer(job(2611), job(2612, str(uuid.UUID(int=8)).upper(), 1))

    assert jobs.job_numbered("2612") == JobSeen("2612", "Bid")
    assert jobs.job_numbered("2611") == jobs.jobs[JOB_OF_ROW]
    assert jobs.job_numbered("2613") is None
    assert answer(job(-5)).job_numbered("") is None


def test_a_subcontract_without_change_orders_has_none() -> None:
    assert CarriersAnswer(()).on_subcontract(1201) == ()


def test_history_that_is_read_in_parts_is_one_history() -> None:
    read = History()
    read.add(Rows((), ((0, 712, str(OURS).upper(), DELETED_AT, "delete", "ACCT2", None),)), [712])
    read.add(Rows((), ()), [713])

    assert read.read_records == {712, 713}
    deletion = read.deletion_of(OURS)
    assert deletion is not None
    assert (deletion.at, deletion.application) == (DELETED_AT, "")

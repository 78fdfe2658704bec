"""What a finding shows beside its verdict: whole, of the look it names, and invented nowhere."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from erp_integrations.ports import ErpHistoryEntry, Evidence, Finding, OtherRecord, Proof, Verdict
from sage_adapter import verdict
from sage_adapter.answers import JobSeen, SubcontractSums
from sage_adapter.faults import fault
from sage_adapter.history import Reach
from sage_adapter.verdict import Carriers
from tests.adapter.test_verdict import (
    AHEAD,
    CONTROL_THERE,
    DAY,
    DELETED_AT,
    GONE,
    HEADER,
    LAST_SEEN,
    LATER,
    NOW,
    OUR_DELETION,
    REFERENCE,
    SILENT,
    THERE,
    THIRD,
    TOLD,
    control,
    history,
    look,
    missing,
    on_job,
    on_subcontract,
    two,
)

OTHER_ON_JOB = on_job(number="co-12", at=LATER)
OTHER_ON_SUBCONTRACT = on_subcontract(THIRD, "901", at=LATER)
LATER_BY_OUR_CLOCK = LAST_SEEN + timedelta(hours=1)


@pytest.mark.parametrize("known", [True, False])
def test_the_evidence_says_what_the_look_saw_besides_the_record(*, known: bool) -> None:
    reach = Reach(DELETED_AT - 400 * DAY, holds_deletions=True) if known else None
    seen = replace(look(THERE, told=SILENT if known else None, reach=reach), subcontract_present=known)

    found = verdict.finding_of_one_look(seen, REFERENCE)

    assert found is not None
    assert found.evidence == Evidence(
        header=HEADER,
        lines_on_subcontract=1,
        subcontract_present=known,
        history_readable=known,
        history_since=NOW - 401 * DAY if known else None,
        job_status="Current",
        controls_there=("101",),
        touched_subcontracts=("1201",),
    )


def test_moments_of_the_server_are_shown_by_our_clock() -> None:
    found = two(look(told=TOLD))

    assert found.evidence.deletion == ErpHistoryEntry("delete", NOW - DAY, "ACCT2", "Sage")
    assert found.server_ahead == AHEAD


def test_a_deletion_that_tells_nothing_is_not_shown_as_one() -> None:
    seen_since = replace(REFERENCE, last_seen_at=NOW - timedelta(hours=1))

    assert two(look(told=TOLD), reference=seen_since).evidence.deletion is None


def test_the_record_that_carries_the_number_on_the_job_is_named_as_sage_names_it() -> None:
    found = two(carriers=Carriers(on_job=(OTHER_ON_JOB,)))

    assert found.evidence.other_record == OtherRecord("900", "co-12", LATER_BY_OUR_CLOCK, "2611")
    assert found.evidence.other_records == (found.evidence.other_record,)


def test_the_record_that_carries_the_number_on_the_subcontract_is_named_as_sage_names_it() -> None:
    found = two(carriers=Carriers(on_subcontract=(OTHER_ON_SUBCONTRACT,)))

    assert found.evidence.other_record == OtherRecord("901", "CO-99", LATER_BY_OUR_CLOCK, "2611")


def test_who_replaced_a_deleted_record_is_named_so_that_nobody_links_it_by_mistake() -> None:
    found = two(look(told=TOLD), carriers=Carriers(on_job=(OTHER_ON_JOB,)))

    assert (found.verdict, found.proof) == (Verdict.REPLACED, Proof.HISTORY)
    assert found.evidence.other_record == OtherRecord("900", "co-12", LATER_BY_OUR_CLOCK, "2611")


def test_which_controls_were_there_missing_and_told_is_shown() -> None:
    told = history(OUR_DELETION, (missing(2).control.row_id, "delete", DELETED_AT + DAY / 2))
    found = two(look(told=told, controls=(control(1), missing(2), missing(3))))

    assert found.evidence.controls_there == ("101",)
    assert found.evidence.controls_told == ("102",)
    assert found.evidence.controls_missing == ("103",)


def test_the_status_of_the_job_is_shown_and_none_where_there_is_no_job() -> None:
    closed = two(look(replace(GONE, job=JobSeen("2611", "Closed")), others_of_job=1))
    jobless = verdict.finding_of_one_look(look(replace(GONE, job=None)), REFERENCE)

    assert closed.evidence.job_status == "Closed"
    assert jobless is not None
    assert jobless.evidence.job_status == ""


@pytest.mark.parametrize(("amount", "shown"), [("1.00", ("901",)), ("0.00", ()), ("-1.00", ("901",))])
def test_the_same_amount_is_shown_unless_it_is_zero(amount: str, shown: tuple[str, ...]) -> None:
    line = replace(OTHER_ON_SUBCONTRACT, sub_change_number="850-2", amount=Decimal(amount))

    found = two(
        carriers=Carriers(on_subcontract=(line,)), reference=replace(REFERENCE, amount=Decimal(amount))
    )

    assert found.verdict is Verdict.ABSENT
    assert found.evidence.same_amount_records == shown


def test_other_records_with_the_same_amount_are_shown() -> None:
    carriers = Carriers(
        on_subcontract=(
            on_subcontract(record="900", sub_number="1", amount="1000.00"),
            on_subcontract(record="900", sub_number="1", amount="250.00"),
            on_subcontract(record="800", sub_number="2", amount="1250.00"),
            on_subcontract(record="700", sub_number="3", amount="1249.99"),
        )
    )

    assert two(carriers=carriers).evidence.same_amount_records == ("800", "900")


def test_the_same_number_in_another_phase_is_shown() -> None:
    carriers = Carriers(
        on_job=(on_job(phase="3"), on_job(THIRD, phase="2"), on_job(THIRD, phase="4", number="x"), on_job())
    )

    assert two(carriers=carriers).evidence.same_number_phases == ("2", "3")


@pytest.mark.parametrize(
    ("billed", "beyond"), [("1107.00", None), ("1107.01", Decimal("0.01")), ("0.00", None)]
)
def test_totals_of_the_subcontract_are_shown_and_what_is_billed_beyond_them(
    billed: str, beyond: Decimal | None
) -> None:
    sums = SubcontractSums(Decimal("1100.00"), Decimal("7.00"), Decimal(billed))

    evidence = two(carriers=Carriers(subcontract=sums)).evidence

    assert evidence.subcontract_changes_total == Decimal("7.00")
    assert evidence.billed_beyond == beyond


def test_a_fault_is_doubt_with_its_own_words_and_claims_no_database_and_no_look() -> None:
    offline = fault("sage-changing")

    assert verdict.finding_of_fault(offline) == Finding(
        Verdict.UNKNOWN,
        "sage-changing",
        evidence=Evidence(),
        incarnation="",
        first_looked_at=None,
        second_looked_at=None,
        server_ahead=None,
        proof=None,
        fault=offline,
    )


def test_a_fault_after_the_first_look_says_which_database_was_looked_at_and_when() -> None:
    found = verdict.finding_of_fault(
        fault("sage-changing"), incarnation="incarnation", first_looked_at=LAST_SEEN, server_ahead=AHEAD
    )

    assert (found.incarnation, found.first_looked_at) == ("incarnation", LAST_SEEN)
    assert found.server_ahead == AHEAD
    assert found.second_looked_at is None
    assert not found.proves_absence


def test_nothing_is_shown_of_records_that_were_not_asked_for() -> None:
    found = two(look(controls=CONTROL_THERE))

    assert found.evidence.other_record is None
    assert found.evidence.other_records == ()
    assert found.evidence.same_number_phases == ()
    assert found.evidence.same_amount_records == ()
    assert found.evidence.subcontract_changes_total is None
    assert found.evidence.billed_beyond is None
    assert found.evidence.left_record is None
    assert not found.evidence.deletion_confirmed

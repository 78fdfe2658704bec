"""What a finding shows beside its verdict: whole, of the look it names, and invented nowhere."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from erp_integrations.ports import Evidence, Finding, OtherRecord, Proof, Verdict
from sage_adapter import verdict
from sage_adapter.faults import fault
from sage_adapter.verdict import Carriers, Look, OnJob, OnSubcontract
from tests.adapter.test_verdict import (
    ANOTHER,
    DELETION,
    GONE,
    HEADER,
    LAST_SEEN,
    NOW,
    REFERENCE,
    THERE,
    THIRD,
    two,
)

OTHER_ON_JOB = OnJob(ANOTHER, "900", "co-12", "1", NOW)
OTHER_ON_SUBCONTRACT = OnSubcontract(THIRD, "901", "CO-99", "850-1", Decimal("10.00"), NOW)


@pytest.mark.parametrize("known", [True, False])
def test_the_evidence_says_what_the_look_saw_besides_the_record(*, known: bool) -> None:
    since = NOW - timedelta(days=400) if known else None
    seen = Look(
        THERE, NOW, "incarnation", subcontract_present=known, history_readable=known, history_since=since
    )

    found = verdict.finding_of_one_look(seen, REFERENCE)

    assert found is not None
    assert found.evidence == Evidence(
        header=HEADER,
        lines_on_subcontract=1,
        subcontract_present=known,
        history_readable=known,
        history_since=since,
    )


def test_the_record_that_carries_the_number_on_the_job_is_named_as_sage_names_it() -> None:
    found = two(carriers=Carriers(on_job=(OTHER_ON_JOB,)))

    assert found.evidence.other_record == OtherRecord("900", "co-12", NOW)


def test_the_record_that_carries_the_number_on_the_subcontract_is_named_as_sage_names_it() -> None:
    found = two(carriers=Carriers(on_subcontract=(OTHER_ON_SUBCONTRACT,)))

    assert found.evidence.other_record == OtherRecord("901", "CO-99", NOW)


def test_who_replaced_a_deleted_record_is_named_so_that_nobody_links_it_by_mistake() -> None:
    found = two(carriers=Carriers(on_job=(OTHER_ON_JOB,)), deletion=DELETION, first_deletion=DELETION)

    assert (found.verdict, found.proof) == (Verdict.REPLACED, Proof.HISTORY)
    assert found.evidence.other_record == OtherRecord("900", "co-12", NOW)


@pytest.mark.parametrize(("amount", "shown"), [("1.00", ("901",)), ("0.00", ()), ("-1.00", ("901",))])
def test_the_same_amount_is_shown_unless_it_is_zero(amount: str, shown: tuple[str, ...]) -> None:
    line = replace(OTHER_ON_SUBCONTRACT, sub_change_number="850-2", amount=Decimal(amount))

    found = two(
        carriers=Carriers(on_subcontract=(line,)), reference=replace(REFERENCE, amount=Decimal(amount))
    )

    assert found.verdict is Verdict.ABSENT
    assert found.evidence.same_amount_records == shown


def test_a_fault_is_doubt_with_its_own_words_and_claims_no_database_and_no_look() -> None:
    offline = fault("sage-changing")

    assert verdict.finding_of_fault(offline) == Finding(
        Verdict.UNKNOWN,
        "sage-changing",
        evidence=Evidence(),
        incarnation="",
        first_looked_at=None,
        second_looked_at=None,
        proof=None,
        fault=offline,
    )


def test_a_fault_after_the_first_look_says_which_database_was_looked_at_and_when() -> None:
    found = verdict.finding_of_fault(
        fault("sage-changing"), incarnation="incarnation", first_looked_at=LAST_SEEN
    )

    assert (found.incarnation, found.first_looked_at) == ("incarnation", LAST_SEEN)
    assert found.second_looked_at is None
    assert not found.proves_absence


def test_nothing_is_shown_of_records_that_were_not_asked_for() -> None:
    found = two(GONE, GONE)

    assert found.evidence.other_record is None
    assert found.evidence.same_number_phases == ()
    assert found.evidence.same_amount_records == ()
    assert found.evidence.subcontract_changes_total is None

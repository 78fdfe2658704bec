"""The validation catalogue: each rule by itself, all that are broken at once, each with its place."""

import dataclasses
from typing import Any

import pytest
from django.conf import settings

from commitments.models import ChangeOrderStatus, CommitmentKind
from erp_integrations.drafts.validation import (
    NOT_OURS,
    RULES,
    TIE_RULES,
    BrokenRule,
    CommitmentToLink,
    ExportSubject,
    RulePlace,
    RuleSeverity,
    RuleStage,
    broken_rules,
    notices,
    notices_of_link,
)

GOOD = ExportSubject(
    number="004",
    title="Added steel at grid C",
    status=ChangeOrderStatus.APPROVED,
    kind=CommitmentKind.SUBCONTRACT,
    lines=1,
    contract_company="Ironside Steel",
    commitment="SC-2040-001 Structural steel",
    project="Harbor Tower",
    connected=True,
    job_linked=True,
    vendor_linked=True,
    commitment_linked=True,
    erp_number="004",
)

BREAKS = [
    ("subcontract", {"kind": CommitmentKind.PURCHASE_ORDER}, "purchase orders are not sent"),
    ("number-length", {"number": "1234567890123"}, "The number 1234567890123 is too long"),
    ("title-length", {"title": "T" * 31}, "at most 30 characters"),
    ("description-length", {"description": "d" * 1_001}, "longer than the 1,000 characters"),
    ("approved", {"status": ChangeOrderStatus.DRAFT}, "Its status is Draft"),
    ("lines", {"lines": 0}, "It has no lines"),
    ("cost-codes-updated", {"added_codes": ("3310.000",)}, "Update the cost codes of the job first"),
    ("connected", {"connected": False}, "not connected to its books"),
    ("job-linked", {"job_linked": False}, "The project Harbor Tower is not tied to its job"),
    ("vendor-linked", {"vendor_linked": False}, "Ironside Steel is not tied to its vendor"),
    ("commitment-linked", {"commitment_linked": False}, "SC-2040-001 Structural steel is not tied"),
    ("line-linked", {"lines_not_linked": (2, 3)}, "It changes line 2 of the commitment, which is not tied"),
    ("line-in-erp", {"lines_gone": (2,)}, "It changes line 2 of the commitment. The line of the subcontract"),
    ("erp-number-present", {"erp_number": "  "}, "can't be blank"),
    ("erp-number-length", {"erp_number": "1" * 21}, "cannot be more than 20 characters"),
    ("number-not-in-erp", {"same_number": ("57",)}, "Record 57 on this job carries this number already."),
    ("amount-not-in-erp", {"same_amount": ("57", "58")}, "Each of the records 57, 58 has the same amount"),
]
BY_CODE = {rule.code: rule for rule in RULES}


def told(subject: ExportSubject, code: str) -> tuple[BrokenRule, ...]:
    """Whatever is said of the subject where that rule applies."""
    when = RuleStage.ACCEPT if RuleStage.ACCEPT in BY_CODE[code].when else RuleStage.SIGN_OFF
    return (*broken_rules(subject, when), *notices(subject, when))


@pytest.mark.parametrize("when", RuleStage)
def test_a_good_cco_breaks_nothing(when: RuleStage) -> None:
    assert broken_rules(GOOD, when) == ()
    assert notices(GOOD, when) == ()


@pytest.mark.parametrize(("code", "change", "words"), BREAKS)
def test_each_rule_is_broken_by_itself_and_says_so(code: str, change: dict[str, Any], words: str) -> None:
    [broken] = told(dataclasses.replace(GOOD, **change), code)

    assert broken.code == code
    assert words in broken.words


def test_every_rule_is_tried_here() -> None:
    assert [rule.code for rule in RULES] == [code for code, _, _ in BREAKS]


@pytest.mark.parametrize("status", [one for one in ChangeOrderStatus if one != ChangeOrderStatus.APPROVED])
def test_only_an_approved_cco_is_sent(status: ChangeOrderStatus) -> None:
    [broken] = broken_rules(dataclasses.replace(GOOD, status=status), RuleStage.SEND)

    assert broken.code == "approved"
    assert status.label in broken.words


def test_all_that_is_broken_is_told_at_once_each_with_its_place() -> None:
    everything = dataclasses.replace(
        GOOD, number="1" * 13, title="T" * 31, lines=0, job_linked=False, vendor_linked=False
    )

    assert [(broken.code, broken.place) for broken in broken_rules(everything, RuleStage.SEND)] == [
        ("number-length", RulePlace.CHANGE_ORDER),
        ("title-length", RulePlace.CHANGE_ORDER),
        ("lines", RulePlace.CHANGE_ORDER),
        ("job-linked", RulePlace.JOB_LINK),
        ("vendor-linked", RulePlace.VENDOR_LINK),
    ]


def test_a_notice_stops_nothing() -> None:
    noticed = dataclasses.replace(GOOD, description="d" * 1_001, added_codes=("3310.000",))

    for when in (RuleStage.SEND, RuleStage.ACCEPT):
        assert broken_rules(noticed, when) == ()
        assert [notice.code for notice in notices(noticed, when)] == [
            "description-length",
            "cost-codes-updated",
        ]


def test_a_record_with_the_number_outweighs_one_with_the_amount_which_the_approver_may_wave_through() -> None:
    both = dataclasses.replace(GOOD, same_number=("57",), same_amount=("58",))
    amount = dataclasses.replace(GOOD, same_amount=("58",))

    assert [broken.code for broken in broken_rules(both, RuleStage.SIGN_OFF)] == ["number-not-in-erp"]
    assert [broken.code for broken in broken_rules(amount, RuleStage.SIGN_OFF)] == ["amount-not-in-erp"]
    for waved, code in ((both, ["number-not-in-erp"]), (amount, [])):
        said = dataclasses.replace(waved, same_amount_is_another=True)
        assert [broken.code for broken in broken_rules(said, RuleStage.SIGN_OFF)] == code


@pytest.mark.parametrize(
    ("erp_number", "codes"), [("SC-7", []), (" sc-7 ", []), ("2611-01", ["begun-here"]), ("", ["begun-here"])]
)
def test_a_subcontract_of_another_number_may_have_been_begun_in_sage(
    erp_number: str, codes: list[str]
) -> None:
    said = notices_of_link(CommitmentToLink(number="SC-7", erp_number=erp_number))

    assert [notice.code for notice in said] == codes
    assert all("Commitments originate here, never in Sage" in notice.words for notice in said)


def test_the_how_to_has_the_whole_catalogue() -> None:
    """Which entry covers which rule; and each rule this version has no use for, with the reason."""
    page = " ".join((settings.BASE_DIR / "docs/how-to/export-a-cco.md").read_text().split())

    ours = [(rule.code, rule.weight) for rule in RULES] + [(rule.code, rule.weight) for rule in TIE_RULES]
    for code, weight in ours:
        assert f"`{code}`" in page, code
        assert weight is RuleSeverity.STOPS or f"`{code}` (notice)" in page, code
    for rule_of_theirs, why in NOT_OURS.items():
        assert f"| {rule_of_theirs} |" in page, rule_of_theirs
        assert why in page, rule_of_theirs


def test_the_change_number_is_asked_of_the_approver_only() -> None:
    assert broken_rules(dataclasses.replace(GOOD, erp_number=""), RuleStage.SEND) == ()


@pytest.mark.parametrize(("field", "longest"), [("number", 12), ("title", 30), ("erp_number", 20)])
def test_the_very_limit_is_still_good(field: str, longest: int) -> None:
    fits: dict[str, Any] = {field: "7" * longest}
    too_long: dict[str, Any] = {field: "7" * (longest + 1)}

    at_the_limit = dataclasses.replace(GOOD, **fits)
    beyond = dataclasses.replace(GOOD, **too_long)

    assert broken_rules(at_the_limit, RuleStage.ACCEPT) == ()
    assert len(broken_rules(beyond, RuleStage.ACCEPT)) == 1

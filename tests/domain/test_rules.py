"""The validation catalogue: each rule by itself, all that are broken at once, each with its place."""

import dataclasses
from typing import Any

import pytest

from commitments.models import ChangeOrderStatus, CommitmentKind
from erp_integrations.rules import RULES, Place, Subject, When, broken_rules

GOOD = Subject(
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
    ("approved", {"status": ChangeOrderStatus.DRAFT}, "Its status is Draft"),
    ("lines", {"lines": 0}, "It has no lines"),
    ("connected", {"connected": False}, "not connected to its books"),
    ("job-linked", {"job_linked": False}, "The project Harbor Tower is not tied to its job"),
    ("vendor-linked", {"vendor_linked": False}, "Ironside Steel is not tied to its vendor"),
    ("commitment-linked", {"commitment_linked": False}, "SC-2040-001 Structural steel is not tied"),
    ("erp-number-present", {"erp_number": "  "}, "can't be blank"),
    ("erp-number-length", {"erp_number": "1" * 21}, "cannot be more than 20 characters"),
]


@pytest.mark.parametrize("when", When)
def test_a_good_cco_breaks_nothing(when: When) -> None:
    assert broken_rules(GOOD, when) == ()


@pytest.mark.parametrize(("code", "change", "words"), BREAKS)
def test_each_rule_is_broken_by_itself_and_says_so(code: str, change: dict[str, Any], words: str) -> None:
    [broken] = broken_rules(dataclasses.replace(GOOD, **change), When.ACCEPT)

    assert broken.code == code
    assert words in broken.words


def test_every_rule_is_tried_here() -> None:
    assert [rule.code for rule in RULES] == [code for code, _, _ in BREAKS]


@pytest.mark.parametrize("status", [one for one in ChangeOrderStatus if one != ChangeOrderStatus.APPROVED])
def test_only_an_approved_cco_is_sent(status: ChangeOrderStatus) -> None:
    [broken] = broken_rules(dataclasses.replace(GOOD, status=status), When.SEND)

    assert broken.code == "approved"
    assert status.label in broken.words


def test_all_that_is_broken_is_told_at_once_each_with_its_place() -> None:
    everything = dataclasses.replace(
        GOOD, number="1" * 13, title="T" * 31, lines=0, job_linked=False, vendor_linked=False
    )

    assert [(broken.code, broken.place) for broken in broken_rules(everything, When.SEND)] == [
        ("number-length", Place.CHANGE_ORDER),
        ("title-length", Place.CHANGE_ORDER),
        ("lines", Place.CHANGE_ORDER),
        ("job-linked", Place.JOB_LINK),
        ("vendor-linked", Place.VENDOR_LINK),
    ]


def test_the_change_number_is_asked_of_the_approver_only() -> None:
    assert broken_rules(dataclasses.replace(GOOD, erp_number=""), When.SEND) == ()


@pytest.mark.parametrize(("field", "longest"), [("number", 12), ("title", 30), ("erp_number", 20)])
def test_the_very_limit_is_still_good(field: str, longest: int) -> None:
    fits: dict[str, Any] = {field: "7" * longest}
    too_long: dict[str, Any] = {field: "7" * (longest + 1)}

    at_the_limit = dataclasses.replace(GOOD, **fits)
    beyond = dataclasses.replace(GOOD, **too_long)

    assert broken_rules(at_the_limit, When.ACCEPT) == ()
    assert len(broken_rules(beyond, When.ACCEPT)) == 1

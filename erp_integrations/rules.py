"""What must hold before a CCO may be sent, and before it may be exported: one rule, one entry.

The rules are those of the reference product's validation catalogue for Sage 100 Contractor. All that are
broken are shown at once, each with the place where it is mended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from commitments.models import ChangeOrderStatus, CommitmentKind


class When(StrEnum):
    SEND = "send"
    ACCEPT = "accept"


class Place(StrEnum):
    """Where a broken rule is mended."""

    CHANGE_ORDER = "change-order"
    COMMITMENT_LINK = "commitment-link"
    VENDOR_LINK = "vendor-link"
    JOB_LINK = "job-link"
    CONNECTION = "connection"
    ACCEPT_FORM = "accept-form"


MOST_IN_NUMBER = 12
MOST_IN_TITLE = 30
MOST_IN_ERP_NUMBER = 20
"""Sage's own width of a change number."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A CCO with everything it hangs on, as plain values."""

    number: str
    title: str
    status: ChangeOrderStatus
    kind: CommitmentKind
    lines: int
    contract_company: str
    commitment: str
    project: str
    connected: bool
    """Whether the company has a connection whose database was accepted."""
    job_linked: bool
    vendor_linked: bool
    commitment_linked: bool
    erp_number: str = ""
    """The change number it is to get; asked of the accounting approver."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`words` says what is wrong, with the subject's values as `{s.…}`."""

    code: str
    field: str
    when: frozenset[When]
    place: Place
    holds: Callable[[Subject], bool]
    words: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold, in words."""

    code: str
    field: str
    place: Place
    words: str


BOTH = frozenset(When)
ACCEPT_ONLY = frozenset({When.ACCEPT})

RULES: tuple[Rule, ...] = (
    Rule(
        "subcontract",
        "commitment",
        BOTH,
        Place.CHANGE_ORDER,
        lambda s: s.kind == CommitmentKind.SUBCONTRACT,
        "Change orders of purchase orders are not sent to Sage in this version: Sage's change orders are of "
        "subcontracts.",
    ),
    Rule(
        "number-length",
        "number",
        BOTH,
        Place.CHANGE_ORDER,
        lambda s: len(s.number) <= MOST_IN_NUMBER,
        f"The number {{s.number}} is too long: Sage takes at most {MOST_IN_NUMBER} characters.",
    ),
    Rule(
        "title-length",
        "title",
        BOTH,
        Place.CHANGE_ORDER,
        lambda s: len(s.title) <= MOST_IN_TITLE,
        f"The title is too long: Sage takes at most {MOST_IN_TITLE} characters.",
    ),
    Rule(
        "approved",
        "status",
        BOTH,
        Place.CHANGE_ORDER,
        lambda s: s.status == ChangeOrderStatus.APPROVED,
        "Its status is {s.status.label}; only an Approved CCO is sent.",
    ),
    Rule(
        "lines",
        "lines",
        BOTH,
        Place.CHANGE_ORDER,
        lambda s: s.lines > 0,
        "It has no lines; it needs at least one, with cost code and cost type.",
    ),
    Rule(
        "connected",
        "connection",
        BOTH,
        Place.CONNECTION,
        lambda s: s.connected,
        "The company is not connected to its books, or the connection was not checked yet.",
    ),
    Rule(
        "job-linked",
        "project",
        BOTH,
        Place.JOB_LINK,
        lambda s: s.job_linked,
        "The project {s.project} is not tied to its job in Sage.",
    ),
    Rule(
        "vendor-linked",
        "contract company",
        BOTH,
        Place.VENDOR_LINK,
        lambda s: s.vendor_linked,
        "The contract company {s.contract_company} is not tied to its vendor in Sage.",
    ),
    Rule(
        "commitment-linked",
        "commitment",
        BOTH,
        Place.COMMITMENT_LINK,
        lambda s: s.commitment_linked,
        "The commitment {s.commitment} is not tied to its subcontract in Sage.",
    ),
    Rule(
        "erp-number-present",
        "erp_number",
        ACCEPT_ONLY,
        Place.ACCEPT_FORM,
        lambda s: bool(s.erp_number.strip()),
        "The Sage change number can't be blank.",
    ),
    Rule(
        "erp-number-length",
        "erp_number",
        ACCEPT_ONLY,
        Place.ACCEPT_FORM,
        lambda s: len(s.erp_number.strip()) <= MOST_IN_ERP_NUMBER,
        f"The Sage change number cannot be more than {MOST_IN_ERP_NUMBER} characters.",
    ),
)


def broken_rules(subject: Subject, when: When) -> tuple[Broken, ...]:
    """Every rule that does not hold, in the catalogue's order."""
    return tuple(
        Broken(rule.code, rule.field, rule.place, rule.words.format(s=subject))
        for rule in RULES
        if when in rule.when and not rule.holds(subject)
    )

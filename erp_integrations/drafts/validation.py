"""What must hold before a CCO may be sent, and before it may be exported: one rule, one entry.

The rules are those of the reference product's validation catalogue for Sage 100 Contractor. All that are
broken are shown at once, each with the place where it is mended. `NOT_OURS` names the rules of the catalogue
that this version has no use for, and why; docs/how-to/export-a-cco.md has the whole catalogue as a table.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from commitments.models import ChangeOrderStatus, CommitmentKind
from companies.text import is_same_number

S = TypeVar("S")


class RuleStage(StrEnum):
    SEND = "send"
    ACCEPT = "accept"
    SIGN_OFF = "sign-off"
    """Once the ERP has been asked what it holds already."""
    TIE = "tie"
    """When a commitment is to be linked to its record."""


class RuleSeverity(StrEnum):
    """What it means that a rule does not hold."""

    STOPS = "stops"
    NOTICE = "notice"
    """Worth knowing, and nothing is refused for it."""


class RulePlace(StrEnum):
    """Where a broken rule is mended."""

    CHANGE_ORDER = "change-order"
    COMMITMENT_LINK = "commitment-link"
    VENDOR_LINK = "vendor-link"
    JOB_LINK = "job-link"
    CONNECTION = "connection"
    ACCEPT_FORM = "accept-form"


MOST_IN_NUMBER = 12
MOST_IN_TITLE = 30
MOST_IN_DESCRIPTION = 1_000
"""What Sage's field Scope takes of it."""
MOST_IN_ERP_NUMBER = 20
"""Sage's own width of a change number."""


@dataclass(frozen=True, slots=True)
class ExportSubject:
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
    description: str = ""
    added_codes: tuple[str, ...] = ()
    """The cost codes of its lines that add a line to the subcontract."""
    lines_not_linked: tuple[int, ...] = ()
    """The positions of the commitment's lines that it changes and that are not tied to a line in Sage."""
    lines_gone: tuple[int, ...] = ()
    """The same of lines that are tied to a line which the subcontract does not hold any more."""
    erp_number: str = ""
    """The change number it is to get; asked of the accounting approver."""
    same_number: tuple[str, ...] = ()
    """The records in the ERP that carry the change number on the job."""
    same_amount: tuple[str, ...] = ()
    """The records with the same amount on the subcontract, which are tied to no other CCO."""
    same_amount_is_another: bool = False
    """The approver says that those are other change orders."""

    @property
    def alike(self) -> str:
        """Those records, for a sentence."""
        return _records(self.same_number or self.same_amount)


@dataclass(frozen=True, slots=True)
class CommitmentToLink:
    """A commitment beside the subcontract that it is to be linked to."""

    number: str
    erp_number: str


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """`words` says what is wrong, with the subject's values as `{s.…}`."""

    code: str
    field: str
    when: frozenset[RuleStage]
    place: RulePlace
    holds: Callable[[S], bool]
    words: str
    weight: RuleSeverity = RuleSeverity.STOPS


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that does not hold, in words."""

    code: str
    field: str
    place: RulePlace
    words: str


BOTH = frozenset({RuleStage.SEND, RuleStage.ACCEPT})
ACCEPT_ONLY = frozenset({RuleStage.ACCEPT})
SIGN_OFF_ONLY = frozenset({RuleStage.SIGN_OFF})

RULES: tuple[Rule[ExportSubject], ...] = (
    Rule(
        "subcontract",
        "commitment",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: s.kind == CommitmentKind.SUBCONTRACT,
        "Change orders of purchase orders are not sent to Sage in this version: Sage's change orders are of "
        "subcontracts.",
    ),
    Rule(
        "number-length",
        "number",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: len(s.number) <= MOST_IN_NUMBER,
        f"The number {{s.number}} is too long: Sage takes at most {MOST_IN_NUMBER} characters.",
    ),
    Rule(
        "title-length",
        "title",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: len(s.title) <= MOST_IN_TITLE,
        f"The title is too long: Sage takes at most {MOST_IN_TITLE} characters.",
    ),
    Rule(
        "description-length",
        "description",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: len(s.description) <= MOST_IN_DESCRIPTION,
        f"The description is longer than the {MOST_IN_DESCRIPTION:,} characters of Sage's field Scope. Sage "
        "gets the beginning; the full text stays here.",
        RuleSeverity.NOTICE,
    ),
    Rule(
        "approved",
        "status",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: s.status == ChangeOrderStatus.APPROVED,
        "Its status is {s.status.label}; only an Approved CCO is sent.",
    ),
    Rule(
        "lines",
        "lines",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: s.lines > 0,
        "It has no lines; it needs at least one, with cost code and cost type.",
    ),
    Rule(
        "cost-codes-updated",
        "lines",
        BOTH,
        RulePlace.CHANGE_ORDER,
        lambda s: not s.added_codes,
        "It adds a line to the subcontract, with cost code {s.added_codes[0]}. Update the cost codes of the "
        "job first: Sage must know the code before the line is keyed in.",
        RuleSeverity.NOTICE,
    ),
    Rule(
        "connected",
        "connection",
        BOTH,
        RulePlace.CONNECTION,
        lambda s: s.connected,
        "The company is not connected to its books, or the connection was not checked yet.",
    ),
    Rule(
        "job-linked",
        "project",
        BOTH,
        RulePlace.JOB_LINK,
        lambda s: s.job_linked,
        "The project {s.project} is not tied to its job in Sage.",
    ),
    Rule(
        "vendor-linked",
        "contract company",
        BOTH,
        RulePlace.VENDOR_LINK,
        lambda s: s.vendor_linked,
        "The contract company {s.contract_company} is not tied to its vendor in Sage.",
    ),
    Rule(
        "commitment-linked",
        "commitment",
        BOTH,
        RulePlace.COMMITMENT_LINK,
        lambda s: s.commitment_linked,
        "The commitment {s.commitment} is not tied to its subcontract in Sage.",
    ),
    Rule(
        "line-linked",
        "lines",
        BOTH,
        RulePlace.COMMITMENT_LINK,
        lambda s: not s.commitment_linked or not s.lines_not_linked,
        "It changes line {s.lines_not_linked[0]} of the commitment, which is not tied to a line of the "
        "subcontract in Sage. Once the line is in Sage, tie it on the Commitments tab; or let the CCO add a "
        "line.",
    ),
    Rule(
        "line-in-erp",
        "lines",
        ACCEPT_ONLY,
        RulePlace.COMMITMENT_LINK,
        lambda s: not s.lines_gone,
        "It changes line {s.lines_gone[0]} of the commitment. The line of the subcontract that this is tied "
        "to is not in Sage any more. It is not turned into a new line: move the commitment's link, or let "
        "the CCO add a line.",
    ),
    Rule(
        "erp-number-present",
        "erp_number",
        ACCEPT_ONLY,
        RulePlace.ACCEPT_FORM,
        lambda s: bool(s.erp_number.strip()),
        "The Sage change number can't be blank.",
    ),
    Rule(
        "erp-number-length",
        "erp_number",
        ACCEPT_ONLY,
        RulePlace.ACCEPT_FORM,
        lambda s: len(s.erp_number.strip()) <= MOST_IN_ERP_NUMBER,
        f"The Sage change number cannot be more than {MOST_IN_ERP_NUMBER} characters.",
    ),
    Rule(
        "number-not-in-erp",
        "erp_number",
        SIGN_OFF_ONLY,
        RulePlace.ACCEPT_FORM,
        lambda s: not s.same_number,
        "{s.alike} on this job carries this number already. If it is this CCO, link to it. If it is another "
        "one, choose another change number.",
    ),
    Rule(
        "amount-not-in-erp",
        "same_amount_is_another",
        SIGN_OFF_ONLY,
        RulePlace.ACCEPT_FORM,
        lambda s: bool(s.same_number) or not s.same_amount or s.same_amount_is_another,
        "{s.alike} has the same amount on the subcontract. If it is this CCO, link to it. If it is another "
        "one, say so below and accept again.",
    ),
)

TIE_RULES: tuple[Rule[CommitmentToLink], ...] = (
    Rule(
        "begun-here",
        "commitment",
        frozenset({RuleStage.TIE}),
        RulePlace.COMMITMENT_LINK,
        lambda s: is_same_number(s.number, s.erp_number),
        "Sage calls it {s.erp_number}; here it is {s.number}. Commitments originate here, never in Sage: "
        "make sure that this subcontract was keyed in for this commitment.",
        RuleSeverity.NOTICE,
    ),
)

NOT_OURS: dict[str, str] = {
    "Commitment number at most 12 characters": "This version links commitments to subcontracts that are in "
    "Sage. It never exports one, so nothing of a commitment is cut.",
    "Commitment title at most 30 characters": "As the commitment's number: it is linked, never exported.",
    "Company name at most 30 characters": "This version links contract companies to vendors that are in "
    "Sage. It never exports one, so the name may be as long as it is here.",
}
"""Rules of the catalogue that this version has no use for, and why."""


def broken_rules(subject: ExportSubject, when: RuleStage) -> tuple[BrokenRule, ...]:
    """Every rule that does not hold and stops the CCO, in the catalogue's order."""
    return _broken(RULES, subject, when, RuleSeverity.STOPS)


def notices(subject: ExportSubject, when: RuleStage) -> tuple[BrokenRule, ...]:
    """What is worth knowing about the CCO; nothing is refused for it."""
    return _broken(RULES, subject, when, RuleSeverity.NOTICE)


def notices_of_link(subject: CommitmentToLink) -> tuple[BrokenRule, ...]:
    """What is worth knowing before a commitment is linked to its record."""
    return _broken(TIE_RULES, subject, RuleStage.TIE, RuleSeverity.NOTICE)


def _broken(
    rules: Iterable[Rule[S]], subject: S, when: RuleStage, weight: RuleSeverity
) -> tuple[BrokenRule, ...]:
    return tuple(
        BrokenRule(rule.code, rule.field, rule.place, rule.words.format(s=subject))
        for rule in rules
        if when in rule.when and weight is rule.weight and not rule.holds(subject)
    )


def _records(numbers: tuple[str, ...]) -> str:
    return f"Record {numbers[0]}" if len(numbers) == 1 else f"Each of the records {', '.join(numbers)}"

"""Refusals of the Commitments tool. Each means that nothing was changed.

The class holds the data, the words for the page (`str`) and the HTTP status of its response.
"""

from dataclasses import dataclass
from datetime import datetime

from commitments.messages import (
    LOCKED_WORDS,
    NOT_APPROVED,
    SYNCED,
    edit_conflict_words,
    has_change_orders_words,
    later_words,
    line_in_use_words,
    linked_words,
    locked_company_words,
)
from commitments.models import ErpStatus


class CommitmentsRefused(Exception):
    """Base class."""

    status = 409


class CommitmentsNotAllowed(CommitmentsRefused):
    """The person lacks requirements."""

    status = 403

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(". ".join(missing) + ".")
        self.missing = missing


class ChangeOrderLocked(CommitmentsRefused):
    """The ERP status of the CCO locks it, or the part of it that was to be changed."""

    def __init__(self, erp_status: ErpStatus) -> None:
        super().__init__(LOCKED_WORDS[erp_status])
        self.erp_status = erp_status


class CommitmentLocked(CommitmentsRefused):
    """Accounting holds CCOs of the commitment, so its contract company stays."""

    def __init__(self, change_orders: tuple[str, ...]) -> None:
        super().__init__(locked_company_words(change_orders))
        self.change_orders = change_orders


class EditConflict(CommitmentsRefused):
    """Another user saved after the form was opened. `by` and `at` are of the last change, where known."""

    def __init__(self, by: str, at: datetime | None, revision: int) -> None:
        super().__init__(edit_conflict_words(by, at))
        self.by = by
        self.at = at
        self.revision = revision


class NumberTaken(CommitmentsRefused):
    """Another CCO of the commitment, or commitment of the project, has the number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"The number {number} is taken already. Choose another one.")
        self.number = number


class CommitmentNotApproved(CommitmentsRefused):
    """Only an Approved commitment gets change orders."""

    def __init__(self) -> None:
        super().__init__(NOT_APPROVED)


class NotOfThisCompany(CommitmentsRefused):
    """The contract company, cost code, cost type or line does not exist for this commitment."""

    def __init__(self) -> None:
        super().__init__("Something that was chosen is not there any more. Choose again.")


class WrongStatus(CommitmentsRefused):
    """Commitments of this kind do not have the status."""

    def __init__(self) -> None:
        super().__init__("Choose a status of this kind of commitment.")


class LineInUse(CommitmentsRefused):
    """CCOs change that line of the commitment."""

    def __init__(self, line: str, change_orders: tuple[str, ...]) -> None:
        super().__init__(line_in_use_words(line, change_orders))
        self.line = line
        self.change_orders = change_orders


class CommitmentHasChangeOrders(CommitmentsRefused):
    """A commitment is deleted after its CCOs."""

    def __init__(self, change_orders: tuple[str, ...]) -> None:
        super().__init__(has_change_orders_words(change_orders))
        self.change_orders = change_orders


class CommitmentLinked(CommitmentsRefused):
    """It is tied to its record in the ERP. `locked` is what would have changed; empty for a deletion."""

    def __init__(self, locked: str = "") -> None:
        super().__init__(linked_words(locked) if locked else SYNCED)
        self.locked = locked


@dataclass(frozen=True, slots=True)
class LaterChangeOrder:
    """A CCO of the same commitment that was approved later."""

    change_order_id: int
    number: str
    title: str
    erp_status: ErpStatus
    approved_at: datetime


class LaterChangeOrdersApproved(CommitmentsRefused):
    """CCOs are un-approved in reverse order of approval; `later` come first, the last approved first."""

    def __init__(self, later: tuple[LaterChangeOrder, ...]) -> None:
        super().__init__(later_words([one.number for one in later]))
        self.later = later

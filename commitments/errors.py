"""Why an operation refused. Nothing was changed then, whichever it is."""

from dataclasses import dataclass
from datetime import datetime

from commitments.models import ErpStatus


class CommitmentsRefused(Exception):
    """The family."""


class NotAllowed(CommitmentsRefused):
    """The person lacks requirements."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


class ChangeOrderLocked(CommitmentsRefused):
    """Accounting holds the CCO, or the part of it that was to be changed."""

    def __init__(self, erp_status: ErpStatus) -> None:
        super().__init__(erp_status.label)
        self.erp_status = erp_status


class CommitmentLocked(CommitmentsRefused):
    """Accounting holds CCOs of it, so its contract company stays."""

    def __init__(self, change_orders: tuple[str, ...]) -> None:
        super().__init__(", ".join(change_orders))
        self.change_orders = change_orders


class ChangedMeanwhile(CommitmentsRefused):
    """Somebody saved a change after the form was opened; `by` and `at` are of the last one, where known."""

    def __init__(self, by: str, at: datetime | None, revision: int) -> None:
        super().__init__(by)
        self.by = by
        self.at = at
        self.revision = revision


class NumberTaken(CommitmentsRefused):
    """Another one of the same commitment, or project, carries the number."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class CommitmentNotApproved(CommitmentsRefused):
    """Only an Approved commitment gets change orders."""


class NotOfThisCompany(CommitmentsRefused):
    """A contract company, cost code, cost type or line that was chosen is not there for this commitment."""


class WrongStatus(CommitmentsRefused):
    """The status is none of this kind of commitment."""


class LineInUse(CommitmentsRefused):
    """CCOs change that line of the commitment."""

    def __init__(self, line: str, change_orders: tuple[str, ...]) -> None:
        super().__init__(line)
        self.line = line
        self.change_orders = change_orders


class CommitmentHasChangeOrders(CommitmentsRefused):
    """A commitment is deleted after its CCOs."""

    def __init__(self, change_orders: tuple[str, ...]) -> None:
        super().__init__(", ".join(change_orders))
        self.change_orders = change_orders


class CommitmentLinked(CommitmentsRefused):
    """It is tied to its record in the ERP. `locked` is what would have changed; empty for a deletion."""

    def __init__(self, locked: str = "") -> None:
        super().__init__(locked)
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
    """CCOs are un-approved in the reverse order of approval; `later` are in the way, the last one first."""

    def __init__(self, later: tuple[LaterChangeOrder, ...]) -> None:
        super().__init__(", ".join(one.number for one in later))
        self.later = later

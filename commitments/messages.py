"""What happened, in words: why an operation refused, and what to do next. Nothing here decides."""

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime

from commitments.errors import (
    ChangedMeanwhile,
    ChangeOrderLocked,
    CommitmentHasChangeOrders,
    CommitmentLinked,
    CommitmentLocked,
    CommitmentNotApproved,
    CommitmentsRefused,
    LaterChangeOrder,
    LaterChangeOrdersApproved,
    LineInUse,
    NotOfThisCompany,
    NumberTaken,
    WrongStatus,
)
from commitments.locks import LOCKED_WORDS

NOT_APPROVED = "Only an Approved commitment gets change orders."
TIED = "It is tied to its record in the books. Accounting has to unlink it first."


def refusal_words(refusal: CommitmentsRefused) -> str:
    return WORDS[type(refusal)](refusal)


def locked_company_words(change_orders: Sequence[str]) -> str:
    return (
        f"The contract company stays while accounting holds {_ccos(change_orders)}: it has to be retrieved, "
        "rejected or unlinked first."
    )


def linked_words(locked: str) -> str:
    if not locked:
        return TIED
    return (
        f"Its {locked} stay as Sage holds them while it is tied to its record there. Accounting has to "
        "unlink it first. New lines may be added."
    )


def has_change_orders_words(change_orders: Sequence[str]) -> str:
    return f"It has change orders: delete {_ccos(change_orders)} first."


def later_words(later: Sequence[LaterChangeOrder]) -> str:
    numbers = [one.number for one in later]
    return (
        f"CCOs are un-approved in the reverse order of approval: first {_ccos(numbers)}, "
        f"{'which was' if len(numbers) == 1 else 'which were'} approved later."
    )


def _ccos(numbers: Sequence[str]) -> str:
    """`CCO 003`, `CCO 003 and 002`, `CCO 003, 002 and 4 others`."""
    if len(numbers) == 1:
        return f"CCO {numbers[0]}"
    if len(numbers) > 3:
        return f"CCO {', '.join(numbers[:2])} and {len(numbers) - 2} others"
    return f"CCO {', '.join(numbers[:-1])} and {numbers[-1]}"


def _changed_meanwhile(refusal: ChangedMeanwhile) -> str:
    when = f" on {format_date(localtime(refusal.at), 'M j, g:i A')}" if refusal.at else ""
    return f"{refusal.by or 'Another user'} changed it{when}, after you opened this page."


def _line_in_use(refusal: LineInUse) -> str:
    verb = "changes" if len(refusal.change_orders) == 1 else "change"
    return f"The line “{refusal.line}” cannot be removed: {_ccos(refusal.change_orders)} {verb} it."


WORDS: dict[type[CommitmentsRefused], Callable[[Any], str]] = {
    ChangeOrderLocked: lambda refusal: LOCKED_WORDS[refusal.erp_status],
    ChangedMeanwhile: _changed_meanwhile,
    NumberTaken: lambda refusal: f"The number {refusal.number} is taken already. Choose another one.",
    CommitmentNotApproved: lambda _: NOT_APPROVED,
    CommitmentLocked: lambda refusal: locked_company_words(refusal.change_orders),
    CommitmentHasChangeOrders: lambda refusal: has_change_orders_words(refusal.change_orders),
    CommitmentLinked: lambda refusal: linked_words(refusal.locked),
    LineInUse: _line_in_use,
    LaterChangeOrdersApproved: lambda refusal: later_words(refusal.later),
    NotOfThisCompany: lambda _: "Something that was chosen is not there any more. Choose again.",
    WrongStatus: lambda _: "Choose a status of this kind of commitment.",
}

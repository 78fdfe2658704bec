"""Messages of the Commitments tool: why something is refused or locked, and what to do next."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime

from commitments.models import CommitmentChangeOrder, ErpStatus

NOT_APPROVED = "Only an Approved commitment gets change orders."
SYNCED = "It is tied to its record in the books. Accounting has to unlink it first."

LOCKED_WORDS = {
    ErpStatus.READY_TO_EXPORT: "It waits for accounting. Retrieve it, or ask accounting to reject it.",
    ErpStatus.EXPORTING: "Accounting is exporting it. Accounting can give it back if that fails.",
    ErpStatus.FAILED_TO_EXPORT: "Its export failed, and accounting has to decide: try again or give it back.",
    ErpStatus.SYNCED: SYNCED,
}
"""Why the ERP status locks a CCO, and what unlocks it."""


def locked_words(change_order: CommitmentChangeOrder) -> str:
    """Empty when the CCO is not locked."""
    return LOCKED_WORDS.get(ErpStatus(change_order.erp_status), "")


def locked_company_words(change_orders: Sequence[str]) -> str:
    return (
        f"The contract company stays while accounting holds {_ccos(change_orders)}: it has to be retrieved, "
        "rejected or unlinked first."
    )


def linked_words(locked: str) -> str:
    return (
        f"Its {locked} stay as Sage holds them while it is tied to its record there. Accounting has to "
        "unlink it first. New lines may be added."
    )


def has_change_orders_words(change_orders: Sequence[str]) -> str:
    return f"It has change orders: delete {_ccos(change_orders)} first."


def later_words(numbers: Sequence[str]) -> str:
    """`numbers` are those of the CCOs that were approved later."""
    return (
        f"CCOs are un-approved in the reverse order of approval: first {_ccos(numbers)}, "
        f"{'which was' if len(numbers) == 1 else 'which were'} approved later."
    )


def edit_conflict_words(by: str, at: datetime | None) -> str:
    when = f" on {format_date(localtime(at), 'M j, g:i A')}" if at else ""
    return f"{by or 'Another user'} changed it{when}, after you opened this page."


def line_in_use_words(line: str, change_orders: Sequence[str]) -> str:
    verb = "changes" if len(change_orders) == 1 else "change"
    return f"The line “{line}” cannot be removed: {_ccos(change_orders)} {verb} it."


def _ccos(numbers: Sequence[str]) -> str:
    """`CCO 003`, `CCO 003 and 002`, `CCO 003, 002 and 4 others`."""
    if len(numbers) == 1:
        return f"CCO {numbers[0]}"
    if len(numbers) > 3:
        return f"CCO {', '.join(numbers[:2])} and {len(numbers) - 2} others"
    return f"CCO {', '.join(numbers[:-1])} and {numbers[-1]}"

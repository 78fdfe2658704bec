"""Which parts of a CCO, and of its commitment, accounting holds: what the triggers keep, in words."""

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus

FREE = {ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED}
"""ERP statuses in which the CCO is the project team's."""

HELD = set(ErpStatus) - FREE

FREE_WHILE_SYNCED = ("description",)
"""What may still be edited of a CCO that is tied to its record."""

LOCKED_WORDS = {
    ErpStatus.READY_TO_EXPORT: "It waits for accounting. Retrieve it, or ask accounting to reject it.",
    ErpStatus.EXPORTING: "Accounting is exporting it. Accounting can give it back if that fails.",
    ErpStatus.FAILED_TO_EXPORT: "Its export failed, and accounting has to decide: try again or give it back.",
    ErpStatus.SYNCED: "It is tied to its record in the books. Accounting has to unlink it first.",
}
"""Why it is locked, and what would unlock it."""


def locked_words(change_order: CommitmentChangeOrder) -> str:
    """Empty where it is free."""
    return LOCKED_WORDS.get(ErpStatus(change_order.erp_status), "")


def held_parts_of(commitment: Commitment) -> tuple[str, ...]:
    """The numbers of its CCOs that accounting holds: while there are any, contract company and kind stay."""
    held = commitment.change_orders.filter(erp_status__in=HELD)
    return tuple(held.order_by("number", "id").values_list("number", flat=True))

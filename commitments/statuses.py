"""Which business statuses there are for what, and what they mean for the money."""

from commitments.models import ChangeOrderStatus, CommitmentKind
from commitments.models import CommitmentStatus as Status

STATUSES_OF: dict[CommitmentKind, tuple[Status, ...]] = {
    CommitmentKind.SUBCONTRACT: (
        Status.DRAFT,
        Status.OUT_FOR_BID,
        Status.OUT_FOR_SIGNATURE,
        Status.APPROVED,
        Status.COMPLETE,
        Status.TERMINATED,
        Status.VOID,
    ),
    CommitmentKind.PURCHASE_ORDER: (
        Status.DRAFT,
        Status.PROCESSING,
        Status.SUBMITTED,
        Status.PARTIALLY_RECEIVED,
        Status.RECEIVED,
        Status.APPROVED,
        Status.CLOSED,
    ),
}
"""As the reference product offers them."""

PENDING = (
    ChangeOrderStatus.PENDING_IN_REVIEW,
    ChangeOrderStatus.PENDING_REVISED,
    ChangeOrderStatus.PENDING_PRICING,
    ChangeOrderStatus.PENDING_NOT_PRICING,
    ChangeOrderStatus.PENDING_PROCEEDING,
    ChangeOrderStatus.PENDING_NOT_PROCEEDING,
)
"""What counts as pending changes; Approved ones are approved changes, the others are neither."""

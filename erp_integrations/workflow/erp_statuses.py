"""The ERP status of a CCO, and the only ways from one to another. The database holds the same table."""

from enum import StrEnum

from commitments.models import ErpStatus


class Step(StrEnum):
    """What happens to a CCO on accounting's side."""

    SEND = "send"
    RETRIEVE = "retrieve"
    REJECT = "reject"
    RESEND = "re-send"
    ACCEPT = "accept"
    LINK = "link to a record that is in the ERP"
    FIND = "found in the ERP and read back equal"
    FAIL = "failed"
    RETRY = "retry"
    GIVE_BACK = "back to the project team"
    UNLINK = "unlink"
    MOVE = "move to another record"
    RELINK = "relink"


TRANSITIONS: dict[tuple[ErpStatus, Step], ErpStatus] = {
    (ErpStatus.NOT_IN_ERP, Step.SEND): ErpStatus.READY_TO_EXPORT,
    (ErpStatus.READY_TO_EXPORT, Step.RETRIEVE): ErpStatus.NOT_IN_ERP,
    (ErpStatus.READY_TO_EXPORT, Step.REJECT): ErpStatus.REJECTED,
    (ErpStatus.REJECTED, Step.RESEND): ErpStatus.READY_TO_EXPORT,
    (ErpStatus.READY_TO_EXPORT, Step.ACCEPT): ErpStatus.EXPORTING,
    (ErpStatus.READY_TO_EXPORT, Step.LINK): ErpStatus.SYNCED,
    (ErpStatus.EXPORTING, Step.FIND): ErpStatus.SYNCED,
    (ErpStatus.EXPORTING, Step.LINK): ErpStatus.SYNCED,
    (ErpStatus.FAILED_TO_EXPORT, Step.LINK): ErpStatus.SYNCED,
    (ErpStatus.EXPORTING, Step.FAIL): ErpStatus.FAILED_TO_EXPORT,
    (ErpStatus.FAILED_TO_EXPORT, Step.RETRY): ErpStatus.EXPORTING,
    (ErpStatus.FAILED_TO_EXPORT, Step.GIVE_BACK): ErpStatus.REJECTED,
    (ErpStatus.EXPORTING, Step.GIVE_BACK): ErpStatus.REJECTED,
    (ErpStatus.SYNCED, Step.UNLINK): ErpStatus.NOT_IN_ERP,
    (ErpStatus.SYNCED, Step.MOVE): ErpStatus.SYNCED,
    (ErpStatus.NOT_IN_ERP, Step.RELINK): ErpStatus.SYNCED,
}
"""(from, step) -> to. What is not here is not possible."""

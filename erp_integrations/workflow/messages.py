"""Messages for operations that succeeded. `erp` is the ERP's name as it stands on the screen."""

from commitments.models import CommitmentChangeOrder
from erp_integrations.models import ChangeOrderLink, ConfirmedDeletion, Export, IgnoredRecord
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.unlink_messages import format_moment


def record_linked_message(what: str, record_number: str, *, erp: str) -> Message:
    """A project, vendor or commitment."""
    return Message("success", f"{what} is linked to record {record_number}", (f"It was read in {erp}.",))


def record_unlinked_message(what: str, record: str, record_number: str, *, erp: str) -> Message:
    """A project, vendor or commitment."""
    return Message(
        "success",
        "Successfully Unlinked",
        (f"{what} is no longer linked to {record} {record_number}, which stays in {erp} as it is.",),
    )


def accepted_message(export: Export, change_order: CommitmentChangeOrder, *, erp: str) -> Message:
    """Accepted, to be keyed in by hand."""
    return Message(
        "success",
        f"CCO {change_order.number} is accepted",
        (
            f"Key it into {erp} as change number {export.erp_number}, exactly as it stands below. "
            'Then click "I have entered it": Plumbline looks, compares and links it.',
        ),
    )


def synced_message(link: ChangeOrderLink, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    return Message(
        "success",
        f"CCO {link.cco_number} is synced: record {link.record_number}, change number {link.number.strip()}",
        (f'"{link.cco_title}" ({link.project_name}) is tied to its record in {erp}.',),
        next_steps,
    )


def relinked_message(link: ChangeOrderLink, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    return Message(
        "success",
        f"CCO {link.cco_number} is linked again: record {link.record_number}",
        (f"The same record is back in {erp}. The CCO is Synced and locked again.",),
        next_steps,
    )


def moved_message(link: ChangeOrderLink, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    former = link.moved_from
    assert former is not None, "a moved link knows where it was moved from"
    return Message(
        "success",
        f"CCO {link.cco_number} is linked to record {link.record_number} now",
        (
            f"It was linked to record {former.record_number} before. While that one is in {erp}, this CCO is "
            "unlinked only after record "
            f"{former.record_number} was linked to another CCO, ignored with a reason, or deleted there.",
        ),
        next_steps,
    )


def ignored_message(ignored: IgnoredRecord, *, next_steps: tuple[NextStep, ...] = ()) -> Message:
    return Message(
        "success",
        f"Record {ignored.record_number} is ignored",
        ("Unlinking the CCO no longer waits for it. The reason is kept in the ledger.",),
        next_steps,
    )


def not_ignored_message(ignored: IgnoredRecord) -> Message:
    return Message(
        "success",
        f"Record {ignored.record_number} is no longer ignored",
        ("While it is in Sage and not linked, the CCO is not unlinked.",),
    )


def stated_message(records: int) -> Message:
    what = "1 record" if records == 1 else f"{records} records"
    return Message(
        "success",
        f"The deletion of {what} is stated",
        (
            "It counts once another ERP admin has confirmed it here, for seven days. Where there is no "
            "other, it counts 24 hours after every administrator was told by mail. Sage is still asked at "
            "each unlink.",
        ),
    )


def confirmed_message(deletion: ConfirmedDeletion) -> Message:
    assert deletion.ends_at is not None, "a confirmed statement ends"
    return Message(
        "success",
        "The deletion is confirmed",
        (
            f"It was stated by {deletion.stated_by_name} and counts until {format_moment(deletion.ends_at)}. "
            "Unlink the CCOs: Sage is asked once more about each.",
        ),
    )


def withdrawn_message() -> Message:
    return Message("success", "The statement is withdrawn", ("It no longer counts for any of its records.",))


def rejected_message(change_order: CommitmentChangeOrder) -> Message:
    return Message("success", f"CCO {change_order.number} is rejected", (_back_with_the_team(change_order),))


def given_back_message(change_order: CommitmentChangeOrder) -> Message:
    return Message(
        "success",
        f"CCO {change_order.number} is back with the project team",
        (_back_with_the_team(change_order),),
    )


def _back_with_the_team(change_order: CommitmentChangeOrder) -> str:
    project = change_order.commitment.project
    return (
        f'"{change_order.title}" ({project.name}) can be corrected and sent again. The reason goes with it.'
    )

"""Messages for export outcomes: the green and the amber ones.

Words only; nothing here decides. `erp` is the ERP's name as the kind of connection spells it. Red is kept for
"still in the ERP", which none of these is.
"""

from datetime import datetime

from django.utils.timezone import localtime

from commitments.models import CommitmentChangeOrder
from erp_integrations.models import ChangeOrderLink, ConfirmedDeletion, Export, IgnoredRecord
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.errors import (
    AlreadyLinkedToRecord,
    AnotherRecord,
    BeingUnlinked,
    ChangedSince,
    CouldNotAsk,
    DatabaseNotAccepted,
    Differs,
    DiffersFromOurs,
    DuplicateInErp,
    ExportFailed,
    ExportInProgress,
    ExportRefused,
    FoundInErp,
    MayBeThere,
    NeverUnlinked,
    NoRecord,
    NotAllowed,
    NotAsShown,
    NotLinkedRecords,
    NotPossibleNow,
    NotThereYet,
    NumberInUse,
    OfAnother,
    OnlySubcontracts,
    OwnStatement,
    PreviewChanged,
    ReasonNeeded,
    RecordElsewhere,
    RecordNotBack,
    RecordNotEffective,
    RecordNotLeft,
    RecordSeen,
    RecordTaken,
    RulesBroken,
    SameRecord,
    StatementOver,
    TakenOver,
    TooManyRecords,
)

UNTOUCHED = "Nothing was changed."


# --- green ---------------------------------------------------------------------------------------


def record_linked_message(what: str, record_number: str, *, erp: str) -> Message:
    """A project, vendor or commitment."""
    return Message("success", f"{what} is linked to record {record_number}", (f"It was read in {erp}.",))


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
            f"It was stated by {deletion.stated_by_name} and counts until {_day(deletion.ends_at)}. "
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


def _day(at: datetime) -> str:
    local = localtime(at)
    return f"{local:%b} {local.day}, {local:%I:%M %p}".replace(", 0", ", ")


# --- amber ---------------------------------------------------------------------------------------


def refused_message(refusal: ExportRefused, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    """What happened, what it means, who can mend it and what to do next."""
    title, *details = _words(refusal, erp)
    return Message("warning", title, tuple(details), next_steps)


def _words(refusal: ExportRefused, erp: str) -> tuple[str, ...]:
    match refusal:
        case NotAllowed():
            return _not_allowed(refusal)
        case RulesBroken():
            return ("It cannot be exported as it is", *(one.words for one in refusal.broken), UNTOUCHED)
        case DuplicateInErp():
            return _duplicate(refusal, erp)
        case Differs():
            return _differs(refusal, erp)
        case CouldNotAsk(fault=fault) if UNTOUCHED in fault.advice:
            return (fault.what, fault.advice)
        case _:
            return tuple(words.format(refusal=refusal, erp=erp) for words in WORDS[type(refusal)])


WORDS: dict[type[ExportRefused], tuple[str, ...]] = {
    NotPossibleNow: (
        "It is {refusal.erp_status.label} by now",
        "Another user changed it first, or the page was out of date. Nothing was changed. This page shows "
        "its present state.",
    ),
    NumberInUse: (
        "Change number {refusal.number} is taken",
        "Another CCO on the same job is being exported under it. Nothing was accepted. Choose another "
        "number.",
    ),
    CouldNotAsk: ("{refusal.fault.what}", "{refusal.fault.advice}", UNTOUCHED),
    ExportFailed: ("It was not exported", "{refusal.words}"),
    MayBeThere: ("It stays in accounting", "{refusal.words}"),
    FoundInErp: (
        "{erp} holds it as record {refusal.record_number}",
        "A CCO with a record in {erp} cannot go back to the project team. Nothing was changed. Link it by "
        "looking again, or have the record deleted there first.",
    ),
    NoRecord: (
        "{erp} holds no record {refusal.record_number} of this kind",
        "Nothing was linked. Look the record number up there.",
    ),
    OfAnother: (
        "That subcontract belongs to {refusal.what} {refusal.theirs}",
        "This commitment's {refusal.what} is linked to {refusal.ours}. Nothing was linked. Look for the "
        "subcontract that belongs to both.",
    ),
    ReasonNeeded: ("Say why", "The project team needs the reason to correct it. Nothing was changed."),
    PreviewChanged: (
        "This is not what you were shown",
        "The change number, the way it gets into {erp}, or its subcontract there has changed since. Nothing "
        "was accepted. Read the preview below, then accept it.",
    ),
    ExportInProgress: (
        "Its export is under way",
        "Another user asked {erp} about it a moment ago. Nothing was changed by your click. Wait a few "
        "seconds, then look at the list again.",
    ),
    TakenOver: (
        "The answer came too late",
        "Something changed while {erp} was asked. Nothing was saved. Try again: Plumbline looks first, so "
        "nothing is exported twice.",
    ),
    NotThereYet: (
        "It is not in {erp} yet",
        "No change order with its number was found on its job. It stays Exporting. Key it in from the "
        "worksheet and save it there, then try again.",
    ),
    RecordElsewhere: (
        "That record is not this CCO's",
        "The record is not in {erp}, not on the CCO's job, or has no line on the CCO's subcontract. Nothing "
        "was changed. Look the record number up in {erp}.",
    ),
    DiffersFromOurs: (
        "Record {refusal.record.record_number} differs from this CCO",
        "Nothing was linked. Compare the two, then say whether it is this CCO's record all the same.",
    ),
    SameRecord: (
        "It is linked to record {refusal.record_number} already",
        "Nothing was changed. Name the record that it belongs to instead.",
    ),
    RecordNotEffective: (
        "Record {refusal.record_number} is {refusal.status} in {erp}",
        "This CCO is not, so its link is not moved to that record. Nothing was changed. Name another record, "
        "or have that one reopened there.",
    ),
    BeingUnlinked: (
        "This CCO is being unlinked",
        "{refusal.by} asked {erp} about it, alone or with others. Its link was not moved. Wait until that is "
        "decided, then look at it again.",
    ),
    NotAsShown: (
        "This is not what you were shown",
        "The CCO or one of the records was changed meanwhile. Its link was not moved. Look at both as they "
        "are below, then say yes again.",
    ),
    RecordNotLeft: (
        "This CCO does not answer for that record now",
        "Another user was faster, or the page was out of date: the record is linked or ignored by now, or "
        "the CCO's link was moved again. Nothing was changed. This page shows its present state.",
    ),
    RecordTaken: (
        "That record is linked to something else here",
        "One record can be linked once only. Nothing was changed. Unlink the other first, if that link is "
        "wrong.",
    ),
    TooManyRecords: (
        "One statement takes {refusal.most} records",
        "Nothing was stated. Name the others in another statement.",
    ),
    NotLinkedRecords: (
        "No CCO is linked to record {refusal.named}",
        "Deletions can be stated for linked records only, each by its record number. Nothing was stated. "
        "Correct the numbers, then try again.",
    ),
    RecordSeen: (
        "Record {refusal.record_number} was in {erp} when Plumbline looked last, or was never looked for",
        "Only a record that was not found can be stated as deleted. Nothing was stated. Click Unlink, or "
        "Check now, for its CCO first.",
    ),
    DatabaseNotAccepted: (
        "The accepted database is another one",
        "A stated deletion counts for the database that was accepted when it was stated. Nothing was "
        "changed. An ERP admin accepts a database on the Connection tab; then state it anew.",
    ),
    OwnStatement: (
        "Another ERP admin must confirm it",
        "The ERP admin who stated a deletion cannot confirm it. Nothing was changed. Where the company has "
        "no other ERP admin, it counts 24 hours after every administrator was told by mail.",
    ),
    StatementOver: (
        "That statement is decided already",
        "It was confirmed or withdrawn, or it ended because a record is in {erp}. Nothing was changed. This "
        "page shows its present state.",
    ),
    AlreadyLinkedToRecord: (
        "It is linked already",
        "Another user linked it first, or the page was out of date. Nothing was changed.",
    ),
    AnotherRecord: (
        "Another record has this number by now",
        "It is not the one that you were shown. Nothing was linked. Look it up again.",
    ),
    OnlySubcontracts: (
        "Purchase orders are not linked in this version",
        "Change orders in {erp} are of subcontracts. Nothing was changed.",
    ),
    NeverUnlinked: (
        "There is nothing to link again",
        "This CCO was never unlinked. Nothing was changed.",
    ),
    ChangedSince: (
        "The CCO was changed after it was unlinked",
        "Linking it again would tie other content to the record. Nothing was changed. Send it to accounting "
        "again instead, or put it back as it was.",
    ),
    RecordNotBack: (
        "The record is not back in {erp}",
        "Only the very record that was unlinked is linked again. Nothing was changed. Send the CCO to "
        "accounting again instead.",
    ),
}
"""Title and details of the refusals that hold no list."""


def _not_allowed(refusal: NotAllowed) -> tuple[str, ...]:
    return (
        "You may not do this",
        *(f"{words}." for words in refusal.missing),
        f"{UNTOUCHED} Company administrators give levels on tools; support gives Can Push to Accounting.",
    )


def _duplicate(refusal: DuplicateInErp, erp: str) -> tuple[str, ...]:
    numbers = [one.record_number for one in (*refusal.same_number, *refusal.same_amount)]
    there = f"record {numbers[0]}" if len(numbers) == 1 else f"records {' and '.join(numbers)}"
    alike = "the same change number" if refusal.same_number else "the same amount on the subcontract"
    return (
        f"{erp} holds {there} already, with {alike}",
        "Nothing was accepted, so that it is not exported twice.",
        *(one.words for one in refusal.broken),
    )


def _differs(refusal: Differs, erp: str) -> tuple[str, ...]:
    return (
        f"Record {refusal.record_number} is not as it was accepted",
        *(f"{one.what}: {one.found} in {erp}, accepted was {one.signed_off}." for one in refusal.differences),
        f"It was not linked. An accountant can correct the record in {erp}; then look again. If the record "
        "is right and the CCO is wrong, have the record deleted there and give the CCO back.",
    )

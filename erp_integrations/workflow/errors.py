"""Refusals: why an operation changed nothing. Each class holds its data, its HTTP status and its words."""

import dataclasses
import hashlib
import json
from datetime import datetime
from typing import ClassVar, Literal

from commitments.models import ErpStatus
from erp_integrations.drafts.comparison import ComparedValue, Difference
from erp_integrations.drafts.context import Preview
from erp_integrations.drafts.side_by_side import SideBySide
from erp_integrations.drafts.validation import BrokenRule
from erp_integrations.models import AttemptState, ChangeOrderLink
from erp_integrations.ports import (
    ErpChangeOrder,
    ErpChangeOrderFound,
    Fault,
    Finding,
    Verdict,
)
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.unlink_messages import (
    MEANWHILE,
    format_moment,
    format_time,
    no_answer_sentences,
    still_in_erp_sentences,
)

UNCHANGED = "Nothing was changed."
CONFIRMABLE = frozenset(
    {
        "job-not-found",
        "job-closed-and-empty",
        "last-job-not-in-progress",
        "no-control",
        "history-silent",
        "deletion-of-closed-job",
    }
)
"""Reasons to keep a link for which a confirmed deletion stands in."""


class Refused(Exception):
    """An operation was refused. Nothing was changed, unless the class says otherwise.

    `title` and `details` are format strings: `{refusal}` is the instance, `{erp}` the ERP's name.
    """

    status: ClassVar[int] = 409
    level: ClassVar[Literal["error", "warning"]] = "warning"
    """Red is kept for a record that is still in the ERP."""
    title: ClassVar[str] = ""
    details: ClassVar[tuple[str, ...]] = ()
    may_state_deletion: bool = False
    """Whether a confirmed deletion would answer what kept the link."""
    record_to_move_to: str = ""
    """The number of the record that the CCO may belong to now: it carries the link's number, without proof
    that it came later.
    """
    preview: Preview | None = None
    """What the ERP would hold, where the approver was to sign it off: worth another look."""

    def sentences(self, erp: str) -> tuple[str, ...]:
        """The title, then the details: what happened, what it means and what to do next."""
        return tuple(words.format(refusal=self, erp=erp) for words in (self.title, *self.details))

    def message(self, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
        title, *details = self.sentences(erp)
        return Message(self.level, title, tuple(details), next_steps)


class NotAllowed(Refused):
    """The person lacks permissions, when asking or when the ERP had answered."""

    status = 403
    title = "You may not do this"

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing

    def sentences(self, erp: str) -> tuple[str, ...]:  # noqa: ARG002
        return (
            self.title,
            *(f"{words}." for words in self.missing),
            f"{UNCHANGED} Company administrators give levels on tools; support gives Can Push to Accounting.",
        )


class NotPossibleNow(Refused):
    """The CCO's ERP status does not allow the step."""

    title = "It is {refusal.erp_status.label} by now"
    details = (
        "Another user changed it first, or the page was out of date. Nothing was changed. This page shows "
        "its present state.",
    )

    def __init__(self, *, step: Step, erp_status: ErpStatus) -> None:
        super().__init__(f"{step} while {erp_status.label}")
        self.step = step
        self.erp_status = erp_status


class CouldNotAsk(Refused):
    """The ERP gave no trustworthy answer before anything was done."""

    status = 503

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault

    def sentences(self, erp: str) -> tuple[str, ...]:  # noqa: ARG002
        sentences = (self.fault.what, self.fault.advice)
        return sentences if UNCHANGED in self.fault.advice else (*sentences, UNCHANGED)


class TakenOver(Refused):
    """The connection, link or CCO changed while the ERP was asked, or the lease ended. Nothing was saved."""

    status = 503
    title = "The answer came too late"
    details = (
        "Something changed while {erp} was asked. Nothing was saved. Try again: Plumbline looks first, so "
        "nothing is exported twice.",
    )


# --- exports -------------------------------------------------------------------------------------


class RulesBroken(Refused):
    """The CCO breaks export rules; all that are broken are listed."""

    status = 422
    title = "It cannot be exported as it is"

    def __init__(self, broken: tuple[BrokenRule, ...]) -> None:
        super().__init__("; ".join(one.words for one in broken))
        self.broken = broken

    def sentences(self, erp: str) -> tuple[str, ...]:  # noqa: ARG002
        return (self.title, *(one.words for one in self.broken), UNCHANGED)


class PreviewChanged(Refused):
    """What the ERP would hold differs from what the approver was shown."""

    title = "This is not what you were shown"
    details = (
        "The change number, the way it gets into {erp}, or its subcontract there has changed since. Nothing "
        "was accepted. Read the preview below, then accept it.",
    )


class NumberInUse(Refused):
    """Another CCO on the same job is being exported under that number."""

    title = "Change number {refusal.number} is taken"
    details = (
        "Another CCO on the same job is being exported under it. Nothing was accepted. Choose another "
        "number.",
    )

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class DuplicateInErp(Refused):
    """The ERP holds a record with that number on the job, or with the same amount on the subcontract.

    `broken` are the rules that say so.
    """

    def __init__(
        self,
        *,
        broken: tuple[BrokenRule, ...],
        same_number: tuple[ErpChangeOrderFound, ...],
        same_amount: tuple[ErpChangeOrderFound, ...],
    ) -> None:
        super().__init__("; ".join(one.words for one in broken))
        self.broken = broken
        self.same_number = same_number
        self.same_amount = same_amount

    def sentences(self, erp: str) -> tuple[str, ...]:
        numbers = [one.record_number for one in (*self.same_number, *self.same_amount)]
        there = f"record {numbers[0]}" if len(numbers) == 1 else f"records {' and '.join(numbers)}"
        same = "the same change number" if self.same_number else "the same amount on the subcontract"
        return (
            f"{erp} holds {there} already, with {same}",
            "Nothing was accepted, so that it is not exported twice.",
            *(one.words for one in self.broken),
        )


class ExportInProgress(Refused):
    """Another export of the CCO, or a look for its record, is in progress."""

    title = "Its export is under way"
    details = (
        "Another user asked {erp} about it a moment ago. Nothing was changed by your click. Wait a few "
        "seconds, then look at the list again.",
    )


class NotThereYet(Refused):
    """Keyed in by hand: the ERP holds no record with the number yet. The CCO stays Exporting."""

    title = "It is not in {erp} yet"
    details = (
        "No change order with its number was found on its job. It stays Exporting. Key it in from the "
        "worksheet and save it there, then try again.",
    )


class Differs(Refused):
    """The record is there, but differs from what was signed off; it was not linked."""

    def __init__(self, *, record_number: str, differences: tuple[Difference, ...]) -> None:
        super().__init__(record_number)
        self.record_number = record_number
        self.differences = differences

    def sentences(self, erp: str) -> tuple[str, ...]:
        return (
            f"Record {self.record_number} is not as it was accepted",
            *(
                f"{one.what}: {one.found} in {erp}, accepted was {one.signed_off}."
                for one in self.differences
            ),
            f"It was not linked. An accountant can correct the record in {erp}; then look again. If it "
            "differs for a good reason, link the CCO to it as it is, from the worksheet. If the record is "
            "right and the CCO is wrong, have the record deleted there and give the CCO back.",
        )


class ExportFailed(Refused):
    """The CCO is Failed to Export now; `words` say why and what to do."""

    title = "It was not exported"
    details = ("{refusal.words}",)

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class MayBeThere(ExportFailed):
    """The CCO cannot go back to the project team: whether the ERP holds it is not known."""

    status = 503
    title = "It stays in accounting"


class FoundInErp(Refused):
    """The CCO cannot go back to the project team: the ERP holds a record of it."""

    title = "{erp} holds it as record {refusal.record_number}"
    details = (
        "A CCO with a record in {erp} cannot go back to the project team. Nothing was changed. Link it by "
        "looking again, or have the record deleted there first.",
    )

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


# --- linking a CCO, a commitment, a vendor or a project to its record ----------------------------


class RecordElsewhere(Refused):
    """The record is not on the CCO's job, has no line on its subcontract, or does not exist."""

    title = "That record is not this CCO's"
    details = (
        "The record is not in {erp}, not on the CCO's job, or has no line on the CCO's subcontract. Nothing "
        "was changed. Look the record number up in {erp}.",
    )


class DiffersFromOurs(Refused):
    """The record to link to differs from the CCO, and the person has not confirmed the differences."""

    title = "Record {refusal.record.record_number} differs from this CCO"
    details = ("Nothing was linked. Compare the two, then say whether it is this CCO's record all the same.",)

    def __init__(self, record: ErpChangeOrder, compared: tuple[ComparedValue, ...]) -> None:
        super().__init__(record.record_number)
        self.record = record
        self.compared = compared

    @property
    def token(self) -> str:
        """Hash of what was shown: the record's row id and everything that was compared."""
        shown = json.dumps([str(self.record.row_id), [dataclasses.asdict(one) for one in self.compared]])
        return hashlib.sha256(shown.encode()).hexdigest()


class RecordTaken(Refused):
    """The record is linked already."""

    title = "That record is linked to something else here"
    details = (
        "One record can be linked once only. Nothing was changed. Unlink the other first, if that link is "
        "wrong.",
    )


class LinkInUse(Refused):
    """Something is linked under the project, vendor or commitment whose link was to be ended."""

    title = "It was not unlinked"

    def __init__(self, in_the_way: tuple[str, ...]) -> None:
        super().__init__("; ".join(in_the_way))
        self.in_the_way = in_the_way

    def sentences(self, erp: str) -> tuple[str, ...]:  # noqa: ARG002
        return (
            self.title,
            *(f"{words}." for words in self.in_the_way),
            f"Unlink that first. {UNCHANGED}",
        )


class RecordNotLinked(Refused):
    """The project, vendor or commitment is not linked (any more)."""

    title = "It is not linked"
    details = ("Another user unlinked it first, or the page was out of date. Nothing was changed.",)


class AlreadyLinkedToRecord(Refused):
    """The project, vendor or commitment is linked already; the ERP was not asked."""

    title = "It is linked already"
    details = ("Another user linked it first, or the page was out of date. Nothing was changed.",)


class NoRecord(Refused):
    """The ERP holds no record of that number."""

    title = "{erp} holds no record {refusal.record_number} of this kind"
    details = ("Nothing was linked. Look the record number up there.",)

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class AnotherRecord(Refused):
    """The number belongs to another record than the one that was shown."""

    title = "Another record has this number by now"
    details = ("It is not the one that you were shown. Nothing was linked. Look it up again.",)


class OfAnother(Refused):
    """The subcontract's record belongs to another job or vendor than the commitment is linked to."""

    title = "That subcontract belongs to {refusal.what} {refusal.theirs}"
    details = (
        "This commitment's {refusal.what} is linked to {refusal.ours}. Nothing was linked. Look for the "
        "subcontract that belongs to both.",
    )

    def __init__(self, what: str, *, theirs: str, ours: str) -> None:
        super().__init__(f"{what} {theirs}, not {ours}")
        self.what = what
        self.theirs = theirs
        self.ours = ours


class OnlySubcontracts(Refused):
    """Purchase orders are not linked in this version."""

    title = "Purchase orders are not linked in this version"
    details = ("Change orders in {erp} are of subcontracts. Nothing was changed.",)


# --- unlinking -----------------------------------------------------------------------------------


class UnlinkInProgress(Refused):
    """An attempt to unlink the CCO is being checked."""

    title = "This CCO is being checked"

    def __init__(self, *, by: str, since: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.since = since

    def sentences(self, erp: str) -> tuple[str, ...]:
        return (
            self.title,
            f"{self.by} asked {erp} about it at {format_time(self.since)}. Nothing was changed by your "
            "click. Wait a few seconds, then look at the list again.",
        )


class AlreadyUnlinked(Refused):
    """The CCO's link has ended."""

    title = "This CCO was unlinked already"

    def __init__(self, *, by: str, at: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.at = at

    def sentences(self, erp: str) -> tuple[str, ...]:  # noqa: ARG002
        return (
            self.title,
            f"{self.by} unlinked it on {format_moment(self.at)}. Nothing is left to do here.",
        )


class NeverLinked(Refused):
    """The CCO has no link, and never had one."""

    title = "This CCO is not tied to {erp}"
    details = ("There is nothing to unlink.",)


class StillInErp(Refused):
    """The ERP holds the record. The only refusal in red."""

    level = "error"

    def __init__(self, *, link: ChangeOrderLink, finding: Finding) -> None:
        super().__init__(finding.verdict)
        self.link = link
        self.finding = finding

    def sentences(self, erp: str) -> tuple[str, ...]:
        return still_in_erp_sentences(self.finding, self.link, erp=erp)


class NoTrustworthyAnswer(Refused):
    """The ERP could not be asked, gave no clear answer, or something changed while it was asked.

    `reason` is the finding's, or one of `unlink_messages.MEANWHILE`.
    """

    status = 503

    def __init__(self, *, link: ChangeOrderLink, finding: Finding, reason: str) -> None:
        super().__init__(reason)
        self.link = link
        self.finding = finding
        self.reason = reason
        self.may_state_deletion = reason in CONFIRMABLE
        other = finding.evidence.other_record
        if finding.verdict is Verdict.REPLACED and other and reason not in MEANWHILE:
            self.record_to_move_to = other.record_number

    def sentences(self, erp: str) -> tuple[str, ...]:
        return no_answer_sentences(self.finding, self.link, self.reason, erp=erp)


class NothingToUnlink(Refused):
    """None of the selected CCOs is linked."""

    status = 422
    title = "Nothing was selected that could be unlinked"
    details = ("Select CCOs that are tied to Sage, then try again.",)


class TooManyToUnlink(Refused):
    """More CCOs were selected than one bulk unlink takes."""

    status = 422
    title = "More than {refusal.most:,} CCOs are too many to unlink at once"
    details = ("Nothing was changed. Narrow the list down, and unlink part after part.",)

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class LeaseHolds(Refused):
    """Staff cannot end the attempt: its lease is not over, so the question may still be answered."""

    title = "Its lease is not over"
    details = ("The question may still be answered. Wait a few seconds. Nothing was changed.",)

    def __init__(self, *, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class AttemptEnded(Refused):
    """Staff cannot end the attempt: it has ended."""

    title = "It has ended meanwhile: {refusal.state_in_words}"
    details = (UNCHANGED,)

    def __init__(self, state: AttemptState) -> None:
        super().__init__(state)
        self.state = state

    @property
    def state_in_words(self) -> str:
        return self.state.label.lower()


# --- relinking -----------------------------------------------------------------------------------


class NeverUnlinked(Refused):
    """The CCO has no former link."""

    title = "There is nothing to link again"
    details = ("This CCO was never unlinked. Nothing was changed.",)


class ChangedSince(Refused):
    """The CCO was changed after it was unlinked; relinking would tie other content to the record."""

    title = "The CCO was changed after it was unlinked"
    details = (
        "Linking it again would tie other content to the record. Nothing was changed. Send it to accounting "
        "again instead, or put it back as it was.",
    )


class RecordNotBack(Refused):
    """The ERP does not hold the record that the CCO was linked to."""

    title = "The record is not back in {erp}"
    details = (
        "Only the very record that was unlinked is linked again. Nothing was changed. Send the CCO to "
        "accounting again instead.",
    )


# --- moving a link to another record -------------------------------------------------------------


class SameRecord(Refused):
    """The CCO is linked to that record already."""

    title = "It is linked to record {refusal.record_number} already"
    details = ("Nothing was changed. Name the record that it belongs to instead.",)

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class RecordNotEffective(Refused):
    """The record, or a line of it, is Void or Rejected in the ERP, and the CCO is not."""

    title = "Record {refusal.record_number} is {refusal.record_status} in {erp}"
    details = (
        "This CCO is not, so it is not linked to that record. Nothing was changed. Name another record, or "
        "have that one reopened there.",
    )

    def __init__(self, record_number: str, record_status: str) -> None:
        super().__init__(f"{record_number} is {record_status}")
        self.record_number = record_number
        self.record_status = record_status


class BeingUnlinked(Refused):
    """An unlink of the CCO is being decided, or waits in a bulk unlink."""

    title = "This CCO is being unlinked"
    details = (
        "{refusal.by} asked {erp} about it, alone or with others. Its link was not moved. Wait until that is "
        "decided, then look at it again.",
    )

    def __init__(self, *, by: str, since: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.since = since


class RecordNotLeft(Refused):
    """The CCO's link was not moved from that record, or the record is linked or ignored now."""

    title = "This CCO does not answer for that record now"
    details = (
        "Another user was faster, or the page was out of date: the record is linked or ignored by now, or "
        "the CCO's link was moved again. Nothing was changed. This page shows its present state.",
    )


class NotAsShown(Refused):
    """One of the records, or the CCO, differs from what the person was shown. `now` is the current state."""

    title = "This is not what you were shown"
    details = (
        "The CCO or one of the records was changed meanwhile. Its link was not moved. Look at both as they "
        "are below, then say yes again.",
    )

    def __init__(self, now: SideBySide) -> None:
        super().__init__(now.record_number)
        self.now = now


# --- stated deletions ----------------------------------------------------------------------------


class TooManyRecords(Refused):
    """More records were named than one statement takes."""

    title = "One statement takes {refusal.most} records"
    details = ("Nothing was stated. Name the others in another statement.",)

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class NotLinkedRecords(Refused):
    """No CCO of the company is linked to these records."""

    title = "No CCO is linked to record {refusal.named}"
    details = (
        "Deletions can be stated for linked records only, each by its record number. Nothing was stated. "
        "Correct the numbers, then try again.",
    )

    def __init__(self, record_numbers: tuple[str, ...]) -> None:
        super().__init__(", ".join(record_numbers))
        self.record_numbers = record_numbers

    @property
    def named(self) -> str:
        return ", ".join(self.record_numbers) or "of that number"


class RecordSeen(Refused):
    """The last look found the record, or there was no look: its deletion cannot be stated."""

    title = "Record {refusal.record_number} was in {erp} when Plumbline looked last, or was never looked for"
    details = (
        "Only a record that was not found can be stated as deleted. Nothing was stated. Click Unlink, or "
        "Check now, for its CCO first.",
    )

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class DatabaseNotAccepted(Refused):
    """No database is accepted, or another than the one that the statement is about."""

    title = "The accepted database is another one"
    details = (
        "A stated deletion counts for the database that was accepted when it was stated. Nothing was "
        "changed. An ERP admin accepts a database on the Connection tab; then state it anew.",
    )


class OwnStatement(Refused):
    """The person who stated a deletion cannot confirm it."""

    title = "Another ERP admin must confirm it"
    details = (
        "The ERP admin who stated a deletion cannot confirm it. Nothing was changed. Where the company has "
        "no other ERP admin, it counts 24 hours after every administrator was told by mail.",
    )


class StatementOver(Refused):
    """The statement was confirmed, withdrawn or ended already."""

    title = "That statement is decided already"
    details = (
        "It was confirmed or withdrawn, or it ended because a record is in {erp}. Nothing was changed. This "
        "page shows its present state.",
    )


# --- the connection ------------------------------------------------------------------------------


class ReconcileInProgress(Refused):
    """Another reconciliation of the connection holds its lease; none was begun."""

    title = "Another reconciliation is running"
    details = ("Nothing was done. Wait until it ends.",)

    def __init__(self, *, since: datetime) -> None:
        super().__init__("a reconciliation is running")
        self.since = since


class ConnectionChanged(Refused):
    """The connection is not the one that the person was shown."""

    title = "The connection was changed meanwhile. Nothing was stored."
    details = ("Check the current settings, then try again.",)


class PasswordNeeded(Refused):
    """There is no stored password that could be kept."""

    title = "The password is needed"
    details = ("None is stored for this server and login. Nothing was changed.",)


class NothingToAccept(Refused):
    """No other database waits for acceptance, or another one than the person was shown."""

    title = "That database does not wait to be accepted any more"
    details = (UNCHANGED,)

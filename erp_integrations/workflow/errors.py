"""All refusals of ERP Integrations: of unlinks, exports, links and connections.

Every one means: nothing half done remains.
"""

import dataclasses
import hashlib
import json
from datetime import datetime

from commitments.models import ErpStatus
from erp_integrations.drafts.comparison import ComparedValue, Difference
from erp_integrations.drafts.context import Preview
from erp_integrations.drafts.side_by_side import SideBySide
from erp_integrations.drafts.validation import BrokenRule
from erp_integrations.models import ChangeOrderLink
from erp_integrations.ports import (
    ErpChangeOrder,
    ErpChangeOrderFound,
    Fault,
    Finding,
)
from erp_integrations.workflow.erp_statuses import Step


class ExportRefused(Exception):
    """The CCO is where it was, or where the refusal says."""

    preview: Preview | None = None
    """What the ERP would hold, where the approver was to sign it off: worth another look."""


class NotAllowed(ExportRefused):
    """The person lacks requirements; nothing was changed."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


class NotPossibleNow(ExportRefused):
    """The CCO's ERP status has no such step: another user acted first, or the page is outdated."""

    def __init__(self, *, step: Step, erp_status: ErpStatus) -> None:
        super().__init__(f"{step} while {erp_status.label}")
        self.step = step
        self.erp_status = erp_status


class RulesBroken(ExportRefused):
    """Rules of the catalogue do not hold; all of them at once."""

    def __init__(self, broken: tuple[BrokenRule, ...]) -> None:
        super().__init__("; ".join(one.words for one in broken))
        self.broken = broken


class ReasonNeeded(ExportRefused):
    """The reason was empty or blanks."""


class PreviewChanged(ExportRefused):
    """What the ERP would hold is no longer what the approver was shown."""


class NumberInUse(ExportRefused):
    """Another CCO on the same job is being exported under that number."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class DuplicateInErp(ExportRefused):
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


class CouldNotAsk(ExportRefused):
    """The ERP gave no trustworthy answer before anything was done."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class ExportInProgress(ExportRefused):
    """Another export or lookup of this CCO is under way."""


class TakenOver(ExportRefused):
    """The answer came too late, or something changed meanwhile. Nothing was saved."""


class NotThereYet(ExportRefused):
    """By hand: the ERP holds no record with the number yet. The CCO stays Exporting."""


class Differs(ExportRefused):
    """The record is there, but not as signed off; it was not linked."""

    def __init__(self, *, record_number: str, differences: tuple[Difference, ...]) -> None:
        super().__init__(record_number)
        self.record_number = record_number
        self.differences = differences


class ExportFailed(ExportRefused):
    """The CCO is Failed to Export now; `words` say why and what to do."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class MayBeThere(ExportFailed):
    """It cannot go back to the project team: whether the ERP holds it is not known. It is where it was."""


class FoundInErp(ExportRefused):
    """It cannot go back to the project team: the ERP holds a record of it."""

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class RecordElsewhere(ExportRefused):
    """The record is not on the CCO's job, or has no line on its subcontract, or is not there at all."""


class DiffersFromOurs(ExportRefused):
    """The record to link to differs from the CCO, and the differences are not confirmed yet."""

    def __init__(self, record: ErpChangeOrder, compared: tuple[ComparedValue, ...]) -> None:
        super().__init__(record.record_number)
        self.record = record
        self.compared = compared

    @property
    def token(self) -> str:
        """Names exactly what was shown: this very record, and everything that was compared."""
        shown = json.dumps([str(self.record.row_id), [dataclasses.asdict(one) for one in self.compared]])
        return hashlib.sha256(shown.encode()).hexdigest()


class RecordTaken(ExportRefused):
    """The record is linked to another CCO."""


class NeverUnlinked(ExportRefused):
    """There is no former record to relink."""


class ChangedSince(ExportRefused):
    """The CCO was changed after it was unlinked; relinking would tie other content to the record."""


class RecordNotBack(ExportRefused):
    """The record that the CCO was linked to is not in the ERP."""


# --- moving a link to another record -------------------------------------------------------------


class SameRecord(ExportRefused):
    """The CCO is linked to that record already."""

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class RecordNotEffective(ExportRefused):
    """The record is Void or Rejected in the ERP, and the CCO is not."""

    def __init__(self, record_number: str, status: str) -> None:
        super().__init__(f"{record_number} is {status}")
        self.record_number = record_number
        self.status = status


class BeingUnlinked(ExportRefused):
    """An unlink of the CCO is being decided, or waits in a bulk unlink."""

    def __init__(self, *, by: str, since: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.since = since


class RecordNotLeft(ExportRefused):
    """The CCO's link was not moved from that record, or the record is linked, ignored or not by now."""


class NotAsShown(ExportRefused):
    """One of the records, or the CCO, is no longer what the person was shown. `now` is what is there now."""

    def __init__(self, now: SideBySide) -> None:
        super().__init__(now.record_number)
        self.now = now


# --- stated deletions ----------------------------------------------------------------------------


class TooManyRecords(ExportRefused):
    """More records were named than one statement takes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class NotLinkedRecords(ExportRefused):
    """No CCO of the company is linked to these records."""

    def __init__(self, record_numbers: tuple[str, ...]) -> None:
        super().__init__(", ".join(record_numbers))
        self.record_numbers = record_numbers

    @property
    def named(self) -> str:
        return ", ".join(self.record_numbers) or "of that number"


class RecordSeen(ExportRefused):
    """The last look has seen the record, or there was none: nothing says that it is gone."""

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class DatabaseNotAccepted(ExportRefused):
    """No database is accepted, or another one than that which the statement is about."""


class OwnStatement(ExportRefused):
    """The person who stated a deletion cannot confirm it."""


class StatementOver(ExportRefused):
    """The statement was confirmed, withdrawn or ended already."""


# --- what a CCO hangs on -------------------------------------------------------------------------


class AlreadyLinkedToRecord(ExportRefused):
    """It is linked to a record already; the ERP was not asked."""


class NoRecord(ExportRefused):
    """The ERP holds no record of that number."""

    def __init__(self, record_number: str) -> None:
        super().__init__(record_number)
        self.record_number = record_number


class AnotherRecord(ExportRefused):
    """Another record answers to the number than the one that was shown."""


class OfAnother(ExportRefused):
    """The subcontract's record belongs to another job or vendor than the commitment."""

    def __init__(self, what: str, *, theirs: str, ours: str) -> None:
        super().__init__(f"{what} {theirs}, not {ours}")
        self.what = what
        self.theirs = theirs
        self.ours = ours


class OnlySubcontracts(ExportRefused):
    """Purchase orders are not linked in this version."""


class UnlinkRefused(Exception):
    """The link was left alone."""


class UnlinkNotAllowed(UnlinkRefused):
    """The person lacks requirements, before the question or by the time of its answer."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


class UnlinkInProgress(UnlinkRefused):
    """Another attempt asks the ERP about this link."""

    def __init__(self, *, by: str, since: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.since = since


class AlreadyUnlinked(UnlinkRefused):
    """There is no active link any more."""

    def __init__(self, *, by: str, at: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.at = at


class NeverLinked(UnlinkRefused):
    """The CCO has no link, and never had one."""


class StillInErp(UnlinkRefused):
    """The ERP holds the record."""

    def __init__(self, *, link: ChangeOrderLink, finding: Finding) -> None:
        super().__init__(finding.verdict)
        self.link = link
        self.finding = finding


class NoTrustworthyAnswer(UnlinkRefused):
    """The ERP could not be asked, did not answer clearly, or something changed while it was asked.

    `reason` is the finding's, or one of `expired`, `attempt-taken-over`, `evidence-too-old`,
    `connection-changed`, `link-changed`.
    """

    def __init__(self, *, link: ChangeOrderLink, finding: Finding, reason: str) -> None:
        super().__init__(reason)
        self.link = link
        self.finding = finding
        self.reason = reason


class NothingToUnlink(UnlinkRefused):
    """None of the chosen CCOs is linked to the ERP."""


class TooManyToUnlink(UnlinkRefused):
    """More CCOs were chosen than one bulk unlink takes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class ConnectionRefused(Exception):
    """The connection is as it was."""


class ConnectionChanged(ConnectionRefused):
    """The connection is not the one the person was shown; nothing was changed."""


class PasswordNeeded(ConnectionRefused):
    """There is no stored password that could be kept; nothing was changed."""


class NothingToAccept(ConnectionRefused):
    """No other database waits, or another one than the person was shown."""

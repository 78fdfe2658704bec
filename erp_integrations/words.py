"""What happened, in words: the green, the red and the amber messages.

Words only; nothing here decides. `erp` is the ERP's name as the kind of connection spells it.
"""

from datetime import datetime

from django.utils.timezone import localtime

from erp_integrations.models import ChangeOrderLink
from erp_integrations.operations.refusals import (
    AlreadyUnlinked,
    NeverLinked,
    NothingToUnlink,
    NoTrustworthyAnswer,
    StillInErp,
    TooManyToUnlink,
    UnlinkInProgress,
    UnlinkNotAllowed,
    UnlinkRefused,
)
from erp_integrations.operations.unlinking import Unlinked
from erp_integrations.pages import Message, NextStep
from erp_integrations.ports import Evidence, Finding, Verdict

SUCCESS = "Successful Unlinked"
STILL_THERE = "The CCO is still in {erp}. Please delete it before retrying"


def unlinked_message(unlinked: Unlinked, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    """Green."""
    link, finding = unlinked.link, unlinked.finding
    details = [f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}) is no longer tied to {erp}.']
    details += _evidence_of_death(finding.evidence, erp=erp)
    if unlinked.confirmed:
        by = unlinked.confirmed
        details.append(
            f"{by.stated_by} stated that it was deleted there ({by.reason}), confirmed by {by.confirmed_by}."
        )
    if finding.verdict is Verdict.REPLACED and finding.evidence.other_record:
        details.append(
            f"Record {finding.evidence.other_record.record_number} carries its number now: it is another "
            "record, do not link this CCO to it by mistake."
        )
    return Message("success", SUCCESS, tuple(details), next_steps)


def refusal_message(refusal: UnlinkRefused, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    """Red for "still in the ERP" and for nothing else; amber for everything else."""
    match refusal:
        case StillInErp():
            return Message(
                "error",
                STILL_THERE.format(erp=erp),
                (_of(refusal.link), _how_it_is_still_there(refusal.finding, refusal.link)),
                next_steps,
            )
        case NoTrustworthyAnswer():
            title, *rest = _no_answer(refusal, erp=erp)
            return Message("warning", title, (*rest, f"Nothing was changed: {_of(refusal.link)}"), next_steps)
        case UnlinkInProgress():
            return Message(
                "warning",
                "This CCO is being checked",
                (
                    f"{refusal.by} asked {erp} about it at {_clock(refusal.since)}. Nothing was changed by "
                    "your click. Wait a few seconds, then look at the list again.",
                ),
                next_steps,
            )
        case AlreadyUnlinked():
            return Message(
                "warning",
                "This CCO was unlinked already",
                (f"{refusal.by} unlinked it on {_day(refusal.at)}. Nothing is left to do here.",),
                next_steps,
            )
        case NeverLinked():
            return Message(
                "warning", f"This CCO is not tied to {erp}", ("There is nothing to unlink.",), next_steps
            )
        case NothingToUnlink():
            return Message(
                "warning",
                "Nothing was selected that could be unlinked",
                ("Select CCOs that are tied to Sage, then try again.",),
                next_steps,
            )
        case TooManyToUnlink():
            return Message(
                "warning",
                f"More than {refusal.most:,} CCOs are too many to unlink at once",
                ("Nothing was changed. Narrow the list down, and unlink part after part.",),
                next_steps,
            )
        case UnlinkNotAllowed():
            return Message(
                "warning",
                "You may not unlink this CCO",
                (
                    *(f"{words}." for words in refusal.missing),
                    "Nothing was changed. Company administrators give levels on tools; support gives "
                    "Can Push to Accounting.",
                ),
                next_steps,
            )
        case _:
            raise TypeError(f"no words for {type(refusal).__name__}")


CONFIRMABLE = frozenset(
    {"job-not-found", "job-closed-and-empty", "no-control", "history-silent", "deletion-of-closed-job"}
)
"""Reasons for which a confirmed deletion stands in."""


def may_state_deletion_after(refusal: UnlinkRefused) -> bool:
    """Whether a confirmed deletion would be an answer to what kept the link."""
    return isinstance(refusal, NoTrustworthyAnswer) and refusal.reason in CONFIRMABLE


def record_to_move_to(refusal: UnlinkRefused) -> str:
    """The record that stands in the place of ours without proof, so that the CCO may belong to it."""
    if not isinstance(refusal, NoTrustworthyAnswer) or refusal.reason in MEANWHILE:
        return ""
    finding = refusal.finding
    other = finding.evidence.other_record
    return other.record_number if finding.verdict is Verdict.REPLACED and other else ""


# --- still there ---------------------------------------------------------------------------------


def _how_it_is_still_there(finding: Finding, link: ChangeOrderLink) -> str:
    header = finding.evidence.header
    match finding.verdict:
        case Verdict.PRESENT_NOT_EFFECTIVE if header:
            return f"It is marked {header.status} in Sage; delete it there to unlink."
        case Verdict.RENUMBERED if header:
            return _renumbered(header.number, header.job_record_number, header.phase, link)
        case _ if finding.evidence.lines_on_subcontract == 0:
            return (
                f"Record {link.record_number} is there, but without a line on subcontract "
                f"{link.subcontract_record_number}. Delete the whole change order in Sage, "
                "or restore its line."
            )
        case _:
            return f"Record {link.record_number}, change number {link.number}."


def _renumbered(number: str, job: str, phase: str, link: ChangeOrderLink) -> str:
    """The new number, job or phase; whichever changed."""
    changes = [
        f"its {what} is {now or 'empty'} (it was {before or 'empty'})"
        for what, now, before in (
            ("number", number.strip(), link.number.strip()),
            ("job", job, link.job_record_number),
            ("phase", phase, link.phase),
        )
        if now != before
    ]
    return (
        f"Record {link.record_number} was changed in Sage: {', '.join(changes)}. Delete it there to unlink."
    )


# --- gone ----------------------------------------------------------------------------------------


def _evidence_of_death(evidence: Evidence, *, erp: str) -> list[str]:
    words = []
    if evidence.deletion:
        words.append(f"Deleted there by {evidence.deletion.user} on {_day(evidence.deletion.at)}.")
    elif not evidence.history_readable:
        words.append(f"{erp}'s own history could not be read, so it is not known who deleted it.")
    if evidence.subcontract_present is False:
        words.append("Its subcontract is gone from Sage too.")
    return words


# --- no trustworthy answer -----------------------------------------------------------------------


def _no_answer(refusal: NoTrustworthyAnswer, *, erp: str) -> tuple[str, ...]:
    finding, evidence = refusal.finding, refusal.finding.evidence
    if refusal.reason in MEANWHILE:
        return MEANWHILE[refusal.reason]
    if left := evidence.left_record:
        return (
            f"Record {left.record_number}, which this CCO was linked to until {_date(left.left_at)}, is "
            "still in Sage. Link or ignore it first.",
            "This CCO's link was moved from that record. Link the CCO that belongs to it, have it deleted in "
            "Sage, or ignore it with a reason; then try again.",
        )
    match finding.verdict:
        case Verdict.REPLACED if evidence.other_record and finding.proof is None:
            record = evidence.other_record.record_number
            return (
                f"Record {record} carries the same number",
                "Plumbline cannot tell whether it is the old record in a new place. Delete or renumber it in "
                "Sage, or move this CCO's link to it.",
            )
        case Verdict.AMBIGUOUS:
            return (
                "It is half deleted in Sage",
                f"The change order is gone, but {_lines(evidence.lines_on_subcontract)} with record number "
                f"{refusal.link.record_number} on subcontract {refusal.link.subcontract_record_number}. "
                "Ask your Sage administrator to finish the deletion, then try again.",
            )
        case Verdict.JOB_MISSING:
            return (
                "The job itself is not in Sage (archived or deleted). The link stays.",
                f"Job {refusal.link.job_record_number} is not in this Sage company, so its change orders "
                "cannot be judged. Ask your Sage administrator whether the job was archived.",
            )
        case _ if finding.fault:
            return (finding.fault.what, finding.fault.advice)
        case _:
            return (f"{erp} gave no trustworthy answer", "Try again.")


MEANWHILE: dict[str, tuple[str, ...]] = {
    "expired": ("The answer came too late", "Your click took too long to be settled. Try again."),
    "attempt-taken-over": (
        "The answer came too late",
        "Somebody else asked about this CCO in the meantime. Look at the list again.",
    ),
    "evidence-too-old": ("The answer came too late", "What was found had grown too old. Try again."),
    "clock-moved": ("The database's clock was set back meanwhile", "Try again."),
    "connection-changed": (
        "The connection was changed meanwhile",
        "The answer came from another connection than the one that counts now. Try again.",
    ),
    "link-changed": (
        "The link was changed meanwhile",
        "Somebody changed what this CCO is tied to while it was checked. Look at the list again.",
    ),
}


def _lines(count: int | None) -> str:
    return "1 line is left" if count == 1 else f"{count or 'some'} lines are left"


# --- small words ---------------------------------------------------------------------------------


def _of(link: ChangeOrderLink) -> str:
    return f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}) is still linked.'


def _day(at: datetime) -> str:
    local = localtime(at)
    return f"{local:%b} {local.day}, {local:%I:%M %p}".replace(", 0", ", ")


def _date(at: datetime) -> str:
    local = localtime(at)
    return f"{local:%b} {local.day}"


def _clock(at: datetime) -> str:
    return f"{localtime(at):%I:%M:%S %p}".lstrip("0")

"""Messages for unlink outcomes: the green, the red and the amber ones.

Words only; nothing here decides. `erp` is the ERP's name as the kind of connection spells it.
"""

from collections.abc import Iterator
from datetime import datetime

from django.utils.timezone import localtime

from erp_integrations.ledger.descriptions import UNNAMED_USER
from erp_integrations.links.unlink import Unlinked
from erp_integrations.models import ChangeOrderLink
from erp_integrations.ports import ErpHistoryEntry, Evidence, Finding, HeaderSeen, OtherRecord, Verdict
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.errors import (
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

SUCCESS = "Successful Unlinked"
UNCHANGED = "Nothing was changed"
STILL_THERE = "The CCO is still in {erp}. Please delete it before retrying"


def unlinked_message(unlinked: Unlinked, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    """Green."""
    link, finding = unlinked.link, unlinked.finding
    details = [f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}) is no longer tied to {erp}.']
    details += _evidence_of_death(finding.evidence, erp=erp)
    if unlinked.confirmed:
        by = unlinked.confirmed
        details.append(
            f"{by.stated_by} stated that it was deleted there ({by.reason.rstrip('. ')}), confirmed by "
            f"{by.confirmed_by}."
        )
    details += [_another(other) for other in finding.evidence.other_records]
    return Message("success", SUCCESS, tuple(details), next_steps)


def refusal_message(refusal: UnlinkRefused, *, erp: str, next_steps: tuple[NextStep, ...] = ()) -> Message:
    """Red for "still in the ERP" and for nothing else; amber for everything else."""
    match refusal:
        case StillInErp():
            return Message(
                "error",
                STILL_THERE.format(erp=erp),
                (_of(refusal.link), *_how_it_is_still_there(refusal.finding, refusal.link)),
                next_steps,
            )
        case NoTrustworthyAnswer():
            title, *rest = _no_answer(refusal, erp=erp)
            told = any(UNCHANGED in words for words in (title, *rest))
            still_linked = _of(refusal.link) if told else f"{UNCHANGED}: {_of(refusal.link)}"
            return Message("warning", title, (*rest, still_linked), next_steps)
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
    {
        "job-not-found",
        "job-closed-and-empty",
        "last-job-not-in-progress",
        "no-control",
        "history-silent",
        "deletion-of-closed-job",
    }
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


def _how_it_is_still_there(finding: Finding, link: ChangeOrderLink) -> Iterator[str]:
    """What Sage holds now, what it was where that is another, and what is to be done about it."""
    header = finding.evidence.header
    if header is None:
        yield f"Record {link.record_number}, number {link.number.strip() or 'empty'}, was found there."
        return
    now, before = _names_of(header), _names_of(link)
    yield (
        f"Record {now['record number']} in Sage: number {now['number']}, job {now['job']}, "
        f"phase {now['phase']}."
    )
    changes = [
        f"its {what} is {value} (it was {before[what]})"
        for what, value in now.items()
        if value != before[what]
    ]
    without_lines = finding.evidence.lines_on_subcontract == 0
    if changes:
        last = finding.verdict is not Verdict.PRESENT_NOT_EFFECTIVE and not without_lines
        delete = " Delete it there to unlink." if last else ""
        yield f"It was changed in Sage: {', '.join(changes)}.{delete}"
    if finding.verdict is Verdict.PRESENT_NOT_EFFECTIVE:
        yield f"It is marked {header.status} in Sage; delete it there to unlink."
    elif without_lines:
        yield (
            f"It is there, but without a line on subcontract {link.subcontract_record_number}. "
            "Delete the whole change order in Sage, or restore its line."
        )


def _names_of(record: HeaderSeen | ChangeOrderLink) -> dict[str, str]:
    """By what a person finds the record in Sage."""
    return {
        "record number": record.record_number,
        "number": record.number.strip() or "empty",
        "job": record.job_record_number,
        "phase": record.phase.strip() or "0",
    }


def _another(other: OtherRecord) -> str:
    """A record that came after ours, and is easily taken for it."""
    number = f" (number {other.number.strip()})" if other.number.strip() else ""
    what = "has its record number now" if other.has_our_record_number else "carries its number now"
    return (
        f"Record {other.record_number}{number} {what}: it is another change order, do not link this CCO to "
        "it by mistake."
    )


# --- gone ----------------------------------------------------------------------------------------


def _evidence_of_death(evidence: Evidence, *, erp: str) -> list[str]:
    words = []
    if evidence.deletion:
        words.append(_deleted(evidence.deletion))
    elif not evidence.history_readable:
        words.append(f"{erp}'s own history could not be read, so it is not known who deleted it.")
    if evidence.subcontract_present is False:
        words.append("Its subcontract is gone from Sage too.")
    if evidence.billed_beyond:
        words.append(f"Its subcontract is billed {evidence.billed_beyond:,.2f} beyond its value now.")
    return words


def _deleted(deletion: ErpHistoryEntry) -> str:
    if user := deletion.user.strip():
        return f"Deleted there by {user} on {_day(deletion.at)}."
    return f"Deleted there on {_day(deletion.at)}, by {UNNAMED_USER}."


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
                f"Record {record} carries the same number. Delete or renumber it in Sage, or move this CCO's "
                "link to it.",
            )
        case Verdict.AMBIGUOUS if evidence.moved_to_subcontract:
            return (
                f"It was moved to subcontract {evidence.moved_to_subcontract} in Sage",
                f"Record {refusal.link.record_number} is there, with a line on a subcontract that it did not "
                "change before, and none on its own. Move the line back in Sage, or delete the change order "
                "there, then try again.",
            )
        case Verdict.AMBIGUOUS:
            return (
                "It is half deleted in Sage",
                f"The change order is gone, but {_lines(evidence.lines_left)} of record "
                f"{refusal.link.record_number}. Ask your Sage administrator to finish the deletion, then try "
                "again.",
            )
        case Verdict.JOB_MISSING if finding.reason == "job-closed-and-empty":
            return (
                "The job is closed and nothing of it is there",
                "If it was not archived, set it to Current in Sage and unlink again. If it was, the link "
                "stays.",
            )
        case Verdict.JOB_MISSING if finding.reason == "last-job-not-in-progress":
            return (
                "The job that the record was moved to is closed or not in Sage. The link stays.",
                f"Record {refusal.link.record_number} was last seen on job "
                f"{refusal.link.seen.get('job', '')}. If that job was archived, the record was archived with "
                "it. If not, the Sage administrator sets the job to Current, then unlink again.",
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
    "expired": ("The answer came too late", "Your click took too long, so nothing was decided. Try again."),
    "attempt-taken-over": (
        "The answer came too late",
        "Another user asked about this CCO meanwhile. Look at the list again.",
    ),
    "evidence-too-old": ("The answer came too late", "What was found had grown too old. Try again."),
    "clock-moved": ("The database's clock was set back meanwhile", "Try again."),
    "connection-changed": (
        "The connection was changed meanwhile",
        "The answer came from another connection than the one that counts now. Try again.",
    ),
    "link-changed": (
        "The link was changed meanwhile",
        "Another user changed what this CCO is linked to while it was checked. Look at the list again.",
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

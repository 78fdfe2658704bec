"""Messages for unlink outcomes, and how moments are written in messages.

`erp` is the ERP's name as it stands on the screen.
"""

from collections.abc import Iterator
from datetime import datetime

from django.utils.timezone import localtime

from erp_integrations.ledger.descriptions import UNNAMED_USER
from erp_integrations.models import ChangeOrderLink, ConfirmedDeletion
from erp_integrations.ports import ErpHistoryEntry, Evidence, Finding, HeaderSeen, OtherRecord, Verdict

SUCCESS = "Successful Unlinked"
STILL_THERE = "The CCO is still in {erp}. Please delete it before retrying"
UNCHANGED = "Nothing was changed"

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
"""Title and details by reason, for reasons that come from Plumbline and not from the ERP's answer."""


# --- the link was cut ----------------------------------------------------------------------------


def unlinked_sentences(
    finding: Finding, link: ChangeOrderLink, confirmed: ConfirmedDeletion | None, *, erp: str
) -> tuple[str, ...]:
    """The title, then what shows that the record is gone, and what may be taken for it."""
    details = [f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}) is no longer tied to {erp}.']
    details += _describe_evidence(finding.evidence, erp=erp)
    if confirmed:
        details.append(
            f"{confirmed.stated_by_name} stated that it was deleted there "
            f"({confirmed.reason.rstrip('. ')}), confirmed by {confirmed.confirmed_by_name}."
        )
    details += [_describe_other(other) for other in finding.evidence.other_records]
    return (SUCCESS, *details)


def _describe_other(other: OtherRecord) -> str:
    """A record that came later, and is easily taken for the one that is gone."""
    number = f" (number {other.number.strip()})" if other.number.strip() else ""
    what = "has its record number now" if other.has_our_record_number else "carries its number now"
    return (
        f"Record {other.record_number}{number} {what}: it is another change order, do not link this CCO to "
        "it by mistake."
    )


def _describe_evidence(evidence: Evidence, *, erp: str) -> list[str]:
    words = []
    if evidence.deletion:
        words.append(_describe_deletion(evidence.deletion))
    elif not evidence.history_readable:
        words.append(f"{erp}'s own history could not be read, so it is not known who deleted it.")
    if evidence.subcontract_present is False:
        words.append("Its subcontract is gone from Sage too.")
    if evidence.billed_beyond:
        words.append(f"Its subcontract is billed {evidence.billed_beyond:,.2f} beyond its value now.")
    return words


def _describe_deletion(deletion: ErpHistoryEntry) -> str:
    if user := deletion.user.strip():
        return f"Deleted there by {user} on {format_moment(deletion.at)}."
    return f"Deleted there on {format_moment(deletion.at)}, by {UNNAMED_USER}."


# --- the record is still there -------------------------------------------------------------------


def still_in_erp_sentences(finding: Finding, link: ChangeOrderLink, *, erp: str) -> tuple[str, ...]:
    """The title, then what the ERP holds now, what it was where that differs, and what to do."""
    return (STILL_THERE.format(erp=erp), _still_linked(link), *_how_it_is_there(finding, link))


def _how_it_is_there(finding: Finding, link: ChangeOrderLink) -> Iterator[str]:
    header = finding.evidence.header
    if header is None:
        yield f"Record {link.record_number}, number {link.number.strip() or 'empty'}, was found there."
        return
    now, before = _identity_of(header), _identity_of(link)
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


def _identity_of(record: HeaderSeen | ChangeOrderLink) -> dict[str, str]:
    """The values by which a person finds the record in Sage."""
    return {
        "record number": record.record_number,
        "number": record.number.strip() or "empty",
        "job": record.job_record_number,
        "phase": record.phase.strip() or "0",
    }


# --- no trustworthy answer -----------------------------------------------------------------------


def no_answer_sentences(finding: Finding, link: ChangeOrderLink, reason: str, *, erp: str) -> tuple[str, ...]:
    """The title, then why there is no answer, what to do, and that the CCO is still linked."""
    sentences = MEANWHILE.get(reason) or _why_no_answer(finding, link, erp=erp)
    still_linked = _still_linked(link)
    if not any(UNCHANGED in words for words in sentences):
        still_linked = f"{UNCHANGED}: {still_linked}"
    return (*sentences, still_linked)


def _why_no_answer(finding: Finding, link: ChangeOrderLink, *, erp: str) -> tuple[str, ...]:
    evidence = finding.evidence
    if left := evidence.left_record:
        return (
            f"Record {left.record_number}, which this CCO was linked to until {_format_day(left.left_at)}, "
            "is still in Sage. Link or ignore it first.",
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
                f"Record {link.record_number} is there, with a line on a subcontract that it did not "
                "change before, and none on its own. Move the line back in Sage, or delete the change order "
                "there, then try again.",
            )
        case Verdict.AMBIGUOUS:
            lines = evidence.lines_left
            remaining = "1 line is left" if lines == 1 else f"{lines or 'some'} lines are left"
            return (
                "It is half deleted in Sage",
                f"The change order is gone, but {remaining} of record {link.record_number}. Ask your Sage "
                "administrator to finish the deletion, then try again.",
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
                f"Record {link.record_number} was last seen on job {link.seen.get('job', '')}. If that job "
                "was archived, the record was archived with it. If not, the Sage administrator sets the job "
                "to Current, then unlink again.",
            )
        case Verdict.JOB_MISSING:
            return (
                "The job itself is not in Sage (archived or deleted). The link stays.",
                f"Job {link.job_record_number} is not in this Sage company, so its change orders "
                "cannot be judged. Ask your Sage administrator whether the job was archived.",
            )
        case _ if finding.fault:
            return (finding.fault.what, finding.fault.advice)
        case _:
            return (f"{erp} gave no trustworthy answer", "Try again.")


def _still_linked(link: ChangeOrderLink) -> str:
    return f'CCO {link.cco_number} "{link.cco_title}" ({link.project_name}) is still linked.'


# --- moments -------------------------------------------------------------------------------------


def format_moment(at: datetime) -> str:
    """Day and time, as "Nov 20, 12:05 PM"."""
    local = localtime(at)
    return f"{local:%b} {local.day}, {local:%I:%M %p}".replace(", 0", ", ")


def format_time(at: datetime) -> str:
    """Time with seconds, as "12:05:00 PM"."""
    return f"{localtime(at):%I:%M:%S %p}".lstrip("0")


def _format_day(at: datetime) -> str:
    local = localtime(at)
    return f"{local:%b} {local.day}"

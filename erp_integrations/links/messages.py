"""The message for a link that was cut, and what to offer after a refusal."""

from erp_integrations.ledger.descriptions import UNNAMED_USER
from erp_integrations.links.unlink import Unlinked
from erp_integrations.ports import Evidence, HistoryEntry, OtherRecord, Verdict
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow.errors import NoTrustworthyAnswer, Refused
from erp_integrations.workflow.finding_messages import MEANWHILE, format_moment

SUCCESS = "Successful Unlinked"


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


def may_state_deletion_after(refusal: Refused) -> bool:
    """Whether a confirmed deletion would be an answer to what kept the link."""
    return isinstance(refusal, NoTrustworthyAnswer) and refusal.reason in CONFIRMABLE


def record_to_move_to(refusal: Refused) -> str:
    """The record that stands in the place of ours without proof, so that the CCO may belong to it."""
    if not isinstance(refusal, NoTrustworthyAnswer) or refusal.reason in MEANWHILE:
        return ""
    finding = refusal.finding
    other = finding.evidence.other_record
    return other.record_number if finding.verdict is Verdict.REPLACED and other else ""


def _another(other: OtherRecord) -> str:
    """A record that came after ours, and is easily taken for it."""
    number = f" (number {other.number.strip()})" if other.number.strip() else ""
    what = "has its record number now" if other.has_our_record_number else "carries its number now"
    return (
        f"Record {other.record_number}{number} {what}: it is another change order, do not link this CCO to "
        "it by mistake."
    )


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


def _deleted(deletion: HistoryEntry) -> str:
    if user := deletion.user.strip():
        return f"Deleted there by {user} on {format_moment(deletion.at)}."
    return f"Deleted there on {format_moment(deletion.at)}, by {UNNAMED_USER}."

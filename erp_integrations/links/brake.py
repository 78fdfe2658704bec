"""The brake: how many records may be missing at once without an explanation.

Reconciliation and bulk unlink share it. A deletion in the ERP's history and a confirmed deletion are
explanations; deletions that follow each other within `SWEEP` are not.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from erp_integrations.models import BulkUnlink, ChangeOrderLink, Connection, UnlinkAttempt
from erp_integrations.models.attempts import AttemptState
from erp_integrations.policies import ALWAYS_PLAUSIBLE, find_implausible
from erp_integrations.ports import SWEEP, Fault, FaultKind, Finding, Verdict

IMPLAUSIBLE = "implausible"
"""The code of the fault of a result that too many missing records make implausible."""


def fault_for(reason: str) -> Fault:
    """The fault for which nothing is recorded or unlinked; `reason` say how many records are missing."""
    return Fault(
        FaultKind.MISCONFIGURED,
        IMPLAUSIBLE,
        reason,
        "The Sage administrator can check that this is the right database and that it is complete. Where it "
        "is, an ERP admin sets the most that may go missing at once to 100 % on the Connection tab, and back "
        "once the CCOs whose records are gone are unlinked.",
    )


def missing_unexplained(findings: Sequence[Finding]) -> list[bool]:
    """For each finding: whether its record is missing without an explanation."""
    moments = sorted(one.evidence.deletion.at for one in findings if one.evidence.deletion)
    swept = {
        at for earlier, later in pairwise(moments) if later - earlier <= SWEEP for at in (earlier, later)
    }
    return [_is_missing(one) and not _is_explained(one, swept) for one in findings]


def _is_missing(finding: Finding) -> bool:
    gone = (Verdict.ABSENT, Verdict.REPLACED, Verdict.JOB_MISSING)
    return finding.evidence.header is None and finding.verdict in gone


def _is_explained(finding: Finding, swept: set[datetime]) -> bool:
    deletion = finding.evidence.deletion
    return bool(finding.evidence.deletion_confirmed) or (deletion is not None and deletion.at not in swept)


def brake_of_bulk(connection: Connection, bulk: BulkUnlink, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of one turn of a bulk unlink, with UNKNOWN in the place of those that the brake stops.

    Counts the links that the whole bulk unlink has cut so far without an explanation.
    """
    unexplained = missing_unexplained(findings)
    cut = UnlinkAttempt.objects.filter(bulk_item__bulk=bulk, state=AttemptState.UNLINKED)
    before = cut.exclude(evidence__evidence__has_any_keys=["deletion", "deletion_confirmed"]).count()
    missing = before + sum(unexplained)
    if missing <= ALWAYS_PLAUSIBLE:
        return list(findings)
    active = ChangeOrderLink.objects.filter(connection=connection, unlinked_at=None).count()
    reason = find_implausible(
        links=active + cut.count(),
        missing=missing,
        change_orders=1,
        change_orders_before=1,
        most_missing_percent=connection.most_missing_percent,
    )
    if not reason:
        return list(findings)
    fault = fault_for(reason)
    return [
        Finding(
            Verdict.UNKNOWN,
            fault.code,
            incarnation=one.incarnation,
            first_looked_at=one.first_looked_at,
            server_ahead=one.server_ahead,
            fault=fault,
        )
        if is_unexplained
        else one
        for one, is_unexplained in zip(findings, unexplained, strict=True)
    ]

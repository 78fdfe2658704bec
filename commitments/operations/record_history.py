"""Writing the change history: in the transaction of the change it tells of."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from commitments.models import Commitment, CommitmentChangeOrder, HistoryEntry
from companies.models import User


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, from what, to what, in words."""

    what: str
    before: str = ""
    after: str = ""


def record_history(
    subject: Commitment | CommitmentChangeOrder, changes: Iterable[Change], *, by: User
) -> None:
    """Appends one entry for each change. The CCO's commitment, and its project, must be there.

    Refuses to run outside a transaction: an entry without its change is a lie.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("tell needs the transaction of its change")
    if isinstance(subject, CommitmentChangeOrder):
        kind, commitment = HistoryEntry.Subject.CHANGE_ORDER, subject.commitment
        label = f"{subject} ({commitment.number})"
    else:
        kind, commitment, label = HistoryEntry.Subject.COMMITMENT, subject, str(subject)
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            at=Now(),
            company_id=commitment.project.company_id,
            subject_kind=kind,
            subject_id=subject.pk,
            subject_label=label,
            actor_id=by.pk,
            actor_name=by.name,
            what=change.what,
            before=change.before,
            after=change.after,
        )
        for change in changes
    )

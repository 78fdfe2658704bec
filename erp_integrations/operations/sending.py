"""The project team's side: send a CCO to accounting, and take it back before accounting has it."""

from datetime import datetime

from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from erp_integrations.actors import Actor
from erp_integrations.clock import database_now
from erp_integrations.drafts import papers_of, subject_of
from erp_integrations.models import EventKind, Export, ExportOutcome
from erp_integrations.operations.export_refusals import RulesBroken
from erp_integrations.operations.ledger import append_event, label_of_change_order
from erp_integrations.operations.walking import access_of, lock_change_order, open_export, require, take
from erp_integrations.policies import may_send
from erp_integrations.rules import When, broken_rules
from erp_integrations.transitions import Step


@transaction.atomic(durable=True)
def send_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> Export:
    """Hands the CCO to accounting, for the first time or again after a rejection.

    Raises `NotAllowed`, `NotPossibleNow`, `RulesBroken` with every rule that does not hold.
    """
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = _require_team(change_order, actor, company_id=company_id)
    papers = papers_of(change_order)
    again = change_order.erp_status == ErpStatus.REJECTED
    take(Step.RESEND if again else Step.SEND, change_order)
    if broken := broken_rules(subject_of(papers), When.SEND):
        raise RulesBroken(broken)
    assert papers.connection is not None, "the rules hold"
    now = database_now()
    export = Export.objects.create(
        connection=papers.connection,
        change_order=change_order,
        sent_at=now,
        sent_by_id=actor.user_id,
        sent_by_name=actor.name,
    )
    tell(EventKind.SENT, change_order, actor=actor, now=now, rights=rights)
    return export


@transaction.atomic(durable=True)
def retrieve_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> None:
    """Takes the CCO back before an approver has accepted or rejected it.

    Raises `NotAllowed`, `NotPossibleNow`.
    """
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = _require_team(change_order, actor, company_id=company_id)
    take(Step.RETRIEVE, change_order)
    now = database_now()
    end_round(change_order, ExportOutcome.RETRIEVED, actor=actor, now=now)
    tell(EventKind.RETRIEVED, change_order, actor=actor, now=now, rights=rights)


def end_round(
    change_order: CommitmentChangeOrder,
    outcome: ExportOutcome,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    link_id: int | None = None,
) -> Export | None:
    """Ends the CCO's open round, where it has one: a CCO may have been waiting before there were rounds."""
    export = open_export(change_order)
    if export is None:
        return None
    export.ended_at = max(now, export.sent_at)
    export.ended_by_id = actor.user_id
    export.ended_by_name = actor.name
    export.outcome = outcome
    export.reason = reason
    export.writing_until = None
    export.link_id = link_id
    export.save()
    return export


def tell(
    kind: EventKind,
    change_order: CommitmentChangeOrder,
    *,
    actor: Actor,
    now: datetime,
    rights: str = "",
    reason: str = "",
    evidence: dict[str, object] | None = None,
) -> None:
    """One line of the ledger about a CCO."""
    append_event(
        kind=kind,
        company=change_order.commitment.project.company,
        subject_kind="change-order",
        subject_id=change_order.pk,
        subject_label=label_of_change_order(change_order),
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence=evidence,
    )


def _require_team(change_order: CommitmentChangeOrder, actor: Actor, *, company_id: int) -> str:
    project = change_order.commitment.project
    access = access_of(actor, company_id=company_id)
    return require(may_send(access, project_id=project.pk, project_name=project.name))

"""The project team's side: send a CCO to accounting, and take it back before accounting has it."""

from django.db import transaction

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from erp_integrations.drafts.context import export_context_of, subject_of
from erp_integrations.drafts.validation import RuleStage, broken_rules
from erp_integrations.ledger.actors import Actor
from erp_integrations.models import EventKind, Export, ExportOutcome
from erp_integrations.policies import may_send
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import RulesBroken
from erp_integrations.workflow.transitions import (
    access_of,
    apply_step,
    end_export_round,
    lock_change_order,
    record_event,
    require,
    require_possible,
)


@transaction.atomic(durable=True)
def send_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> Export:
    """Hands the CCO to accounting, for the first time or again after a rejection.

    Raises `NotAllowed`, `NotPossibleNow`, `RulesBroken` with every rule that does not hold.
    """
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = _require_team(change_order, actor, company_id=company_id)
    step = Step.RESEND if change_order.erp_status == ErpStatus.REJECTED else Step.SEND
    require_possible(change_order, step)
    papers = export_context_of(change_order)
    if broken := broken_rules(subject_of(papers), RuleStage.SEND):
        raise RulesBroken(broken)
    assert papers.connection is not None, "the rules hold"
    apply_step(step, change_order)
    now = database_now()
    export = Export.objects.create(
        connection=papers.connection,
        change_order=change_order,
        sent_at=now,
        sent_by_id=actor.user_id,
        sent_by_name=actor.name,
    )
    record_event(EventKind.SENT, change_order, actor=actor, now=now, rights=rights)
    return export


@transaction.atomic(durable=True)
def retrieve_change_order(*, company_id: int, change_order_id: int, actor: Actor) -> None:
    """Takes the CCO back before an approver has accepted or rejected it.

    Raises `NotAllowed`, `NotPossibleNow`.
    """
    change_order = lock_change_order(company_id=company_id, change_order_id=change_order_id)
    rights = _require_team(change_order, actor, company_id=company_id)
    apply_step(Step.RETRIEVE, change_order)
    now = database_now()
    end_export_round(change_order, ExportOutcome.RETRIEVED, actor=actor, now=now)
    record_event(EventKind.RETRIEVED, change_order, actor=actor, now=now, rights=rights)


def _require_team(change_order: CommitmentChangeOrder, actor: Actor, *, company_id: int) -> str:
    project = change_order.commitment.project
    access = access_of(actor, company_id=company_id)
    return require(may_send(access, project_id=project.pk, project_name=project.name))

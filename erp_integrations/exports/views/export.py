"""An export as the pages run it: after accepting, as a retry, and after an accountant has entered it."""

from dataclasses import dataclass

from commitments.models import CommitmentChangeOrder
from companies.decorators import MemberRequest
from erp_integrations.change_orders.responses import at_the_act, erp_of, page_of
from erp_integrations.exports import run_export
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import Differs, Refused


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What came of it, in words; `refusal` is None where the CCO is Synced now."""

    message: Message
    status: int
    refusal: Refused | None = None


def export_and_describe(
    request: MemberRequest, change_order: CommitmentChangeOrder, *, side_by_side: str = ""
) -> ExportResult:
    """Brings an accepted CCO into the ERP; its ERP status is read anew afterwards.

    `side_by_side` is where differences are shown, on another page than the person is on.
    """
    erp = erp_of(request)
    try:
        with at_the_act():
            link = run_export.export_change_order(
                company_id=request.company.pk,
                change_order_id=change_order.pk,
                actor=actor_on_page(request.user),
            )
    except Refused as refusal:
        with at_the_act():
            change_order.refresh_from_db(fields=["erp_status"])
        shown = side_by_side and isinstance(refusal, Differs)
        steps = (NextStep("Show side by side", side_by_side),) if shown else ()
        message = refusal.message(erp=erp, next_steps=steps)
        return ExportResult(message, refusal.status, refusal)
    history = NextStep("View history", page_of(request, change_order, "change-order-history"))
    return ExportResult(workflow_messages.synced_message(link, erp=erp, next_steps=(history,)), 200)

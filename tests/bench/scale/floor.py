"""What cannot be done with less in Django: the list and the unlink, bare, behind the same door.

The same session, the same rights, the same queries for the rows, and the page written with an f-string. The
same rows locked and written in the same two transactions, and one word for an answer.
"""

from datetime import timedelta

from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.forms import ListQueryForm
from erp_integrations.change_orders.queries import ids_on_page, links_of
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Connection,
    EventKind,
    LinkEvent,
    PresenceKey,
    UnlinkAttempt,
)
from erp_integrations.policies import may_see_erp_integrations, may_unlink


@company_member
@require_GET
def page(request: MemberRequest) -> HttpResponse:
    """One page of the list."""
    if not may_see_erp_integrations(request.access):
        return HttpResponse(status=403)
    ids, _page = ids_on_page(request.company, ListQueryForm(request.GET).parse())
    rows = "".join(
        f"<tr><td>{one.project_name}<td>{one.commitment_number}<td>{one.contract_company}<td>{one.cco_number}"
        f"<td>{one.cco_title}<td>{one.cco_amount}<td>{one.number}<td>{one.record_number}<td>{one.linked_at}"
        f"<td>{one.linked_by_name}<td>{one.presence}<td>{one.presence_checked_at}"
        for one in links_of(ids)
    )
    return HttpResponse(f"<!doctype html><title>CCOs</title><table>{rows}</table>")


@company_member
@require_POST
def unlink(request: MemberRequest, link_id: int) -> HttpResponse:
    """Both transactions of an unlink, with nothing asked between them and nothing shown after."""
    with transaction.atomic(durable=True):
        link = (
            ChangeOrderLink.objects.select_for_update(of=("self",))
            .select_related("change_order__commitment__project")
            .get(pk=link_id, unlinked_at=None)
        )
        change_order = link.change_order
        assert change_order is not None
        project = change_order.commitment.project
        ruling = may_unlink(request.access, project_id=project.pk, project_name=project.name)
        assert ruling
        now = database_now()
        attempt = UnlinkAttempt.objects.create(
            link=link,
            started_at=now,
            expires_at=now + timedelta(seconds=30),
            actor_id=request.user.pk,
            actor_name=request.user.name,
            via="PAGE",
            connection_revision=1,
        )
    with transaction.atomic(durable=True):
        ChangeOrderLink.objects.select_for_update().get(pk=link_id)
        Connection.objects.select_for_update().get(pk=link.connection_id)
        first = database_now()
        UnlinkAttempt.objects.filter(pk=attempt.pk).update(
            state=AttemptState.UNLINKED,
            verdict="absent",
            reason="not-found-twice",
            first_looked_at=first,
            second_looked_at=first,
            ended_at=first,
        )
        ChangeOrderLink.objects.filter(pk=link_id).update(
            presence=PresenceKey.ABSENT,
            presence_checked_at=first,
            unlinked_at=first,
            unlinked_by_id=request.user.pk,
            unlinked_by_name=request.user.name,
        )
        CommitmentChangeOrder.objects.filter(pk=change_order.pk).update(erp_status=ErpStatus.NOT_IN_ERP)
        Connection.objects.filter(pk=link.connection_id).update(last_success_at=first)
        LinkEvent.objects.create(
            at=first,
            company_id=request.company.pk,
            company_slug=request.company.slug,
            subject_kind="change-order",
            subject_id=change_order.pk,
            subject_label=f"CCO {link.cco_number}",
            link_id=link.pk,
            attempt_id=attempt.pk,
            kind=EventKind.UNLINKED,
            actor_id=request.user.pk,
            actor_name=request.user.name,
            via="PAGE",
            rights=ruling.rights,
        )
    return HttpResponse("Successful Unlinked")

"""An accepted CCO: its worksheet, the look whether it is in the ERP, and the way back to the project team."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commitments.models import CommitmentChangeOrder
from companies.decorators import MemberRequest, company_member
from erp_integrations.change_orders.history import facts_of, round_of
from erp_integrations.change_orders.responses import (
    answer_in_row,
    answer_on_page,
    came_from,
    change_order_for,
    erp_of,
    list_of,
    page_of,
    require,
)
from erp_integrations.change_orders.waiting_rows import accepted_export, view_of
from erp_integrations.drafts.context import prepared_from_json
from erp_integrations.erp.queries import find_connection
from erp_integrations.exports import run_export
from erp_integrations.exports.views.export import export_and_describe
from erp_integrations.exports.views.reason_form import reason_form_view
from erp_integrations.listing import csv_cells
from erp_integrations.models import Export
from erp_integrations.policies import may_accept, may_reject, may_use_sandbox
from erp_integrations.web.tabs import is_practice
from erp_integrations.workflow import messages as workflow_messages


@company_member
@require_POST
def export(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """Brings it into the ERP: a retry, or the look after an accountant has entered it."""
    change_order = change_order_for(request, change_order_id)
    worksheet = page_of(request, change_order, "worksheet")
    back = came_from(request, list_of(request, view=view_of(change_order.erp_status)), worksheet)
    result = export_and_describe(
        request, change_order, side_by_side="" if back == worksheet else f"{worksheet}#differences"
    )
    if request.htmx:
        return answer_in_row(request, change_order, result.message, status=result.status)
    if result.refusal is None and back == worksheet:
        back = list_of(request, view="exporting")
    return answer_on_page(request, result.message, location=back)


@company_member
@require_http_methods(["GET", "POST"])
def give_back(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """Gives a CCO that is Exporting or Failed to Export back to the project team, with a reason."""
    change_order = change_order_for(request, change_order_id)
    require(may_reject(request.access))
    return reason_form_view(
        request,
        change_order,
        operation=run_export.give_back_change_order,
        done=workflow_messages.given_back_message,
        heading=f"Give CCO {change_order.number} {change_order.title} back",
        intro="The project team can correct it and send it again. "
        f"Plumbline looks in {erp_of(request)} first: a CCO that is there does not go back.",
        button="Give back",
    )


@company_member
@require_GET
def worksheet(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """Exactly what to key in, for the screen and for paper."""
    change_order = change_order_for(request, change_order_id)
    accepted = _accepted(change_order)
    context = {
        "change_order": facts_of(change_order),
        "round": round_of(accepted),
        "erp_name": erp_of(request),
        "missing": may_accept(request.access).missing,
        "practice": is_practice(find_connection(request.company)) and may_use_sandbox(request.access),
        "back": list_of(request, view=view_of(change_order.erp_status)),
    }
    return render(request, "erp_integrations/exports/worksheet.html", context)


@company_member
@require_GET
def worksheet_csv(request: MemberRequest, change_order_id: int) -> HttpResponse:
    """The same as a file: the header's fields one below the other, then the grid."""
    change_order = change_order_for(request, change_order_id)
    prepared = prepared_from_json(_accepted(change_order).prepared)
    rows: list[list[str]] = [
        ["Window", prepared.window],
        *([field.label, field.value] for field in prepared.header),
        [],
        ["Grid", prepared.grid],
        ["Line", *(field.label for field in prepared.lines[0].cells)],
        *([str(line.line_number), *(field.value for field in line.cells)] for line in prepared.lines),
        ["Total", f"{prepared.total:.2f}"],
    ]
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="worksheet-{change_order.pk}.csv"'
    response.write("\ufeff")  # without it Excel takes the text for another encoding
    response.write(csv_cells.csv_lines(rows))
    return response


def _accepted(change_order: CommitmentChangeOrder) -> Export:
    """The round that was accepted last; what was signed off stays to be seen when it has ended, too."""
    found = accepted_export(change_order)
    if found is None:
        raise Http404
    return found

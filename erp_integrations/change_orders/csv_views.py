"""The list as a CSV file, streamed."""

from collections.abc import Iterator

import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from companies.access import Access
from companies.decorators import MemberRequest, company_member
from companies.models import Company
from erp_integrations.change_orders.csv_rows import head_and_rows
from erp_integrations.change_orders.list_filters import list_query_of
from erp_integrations.change_orders.list_query import ListQuery
from erp_integrations.listing import csv_cells
from erp_integrations.policies import may_see_erp_integrations

logger = structlog.get_logger(__name__)

NOT_COMPLETE = "THIS FILE IS NOT COMPLETE: Plumbline failed here. Download it again."
"""The last row of a file whose rows could not all be read."""


@company_member
@require_GET
def change_orders_csv(request: MemberRequest) -> HttpResponseBase:
    """The rows of the view with its search and filters, all pages, in its order."""
    if not may_see_erp_integrations(request.access):
        raise PermissionDenied
    query = list_query_of(request.company, request.GET)
    response = StreamingHttpResponse(
        _written(request.company, request.access, query), content_type="text/csv; charset=utf-8"
    )
    name = f"{request.company.slug}-{query.view}-{timezone.localdate().isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _written(company: Company, access: Access, query: ListQuery) -> Iterator[bytes]:
    yield "\ufeff".encode()  # without it Excel assumes another encoding
    try:
        for rows in head_and_rows(company, access, query):
            yield csv_cells.csv_lines(rows)
    except Exception:
        # The response has begun, so only a last row can report the error.
        logger.exception("csv_not_complete", company=company.slug, view=query.view)
        yield csv_cells.csv_lines([[NOT_COMPLETE]])

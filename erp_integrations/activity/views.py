"""The Activity tab: the events of both books that the viewer may see, and the same as a file."""

from collections.abc import Iterator
from contextlib import suppress

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from companies.decorators import MemberRequest, company_member
from erp_integrations.activity.activity_query import (
    FILTERS,
    ActivityQuery,
    activity_url,
    filtered_by,
    query_of,
)
from erp_integrations.activity.filters import choices_of, kinds_visible_to, resolve_query
from erp_integrations.activity.forms import ActivityQueryForm
from erp_integrations.activity.queries import find_detail, page_of_events
from erp_integrations.change_orders.forms import LOST
from erp_integrations.change_orders.list_filters import chips_of
from erp_integrations.change_orders.responses import require
from erp_integrations.erp import registry
from erp_integrations.erp.queries import connection_of, freshness_of
from erp_integrations.ledger.file_rows import CONTENT_TYPES, FORMATS, Format, LedgerNotComplete, file_of
from erp_integrations.ledger.queries import EventFilter
from erp_integrations.policies import may_see_erp_integrations
from erp_integrations.web.tabs import tabs_for

HEADING = "Activity - What Was Done and Asked"


@company_member
@require_GET
def activity(request: MemberRequest) -> HttpResponse:
    """The events, newest first."""
    require(may_see_erp_integrations(request.access))
    query = _query(request)
    connection = connection_of(request.company)
    erp = registry.erp_name(connection.kind if connection else registry.ODBC)
    rows, page = page_of_events(request.company, request.access, query)
    choices = choices_of(request.company, request.access, query)
    context = {
        "tabs": tabs_for(request, connection, current="activity"),
        "freshness": freshness_of(connection, erp=erp),
        "heading": HEADING,
        "choices": choices,
        "chips": chips_of(choices, query, lambda name: activity_url(request.company, query.without(name))),
        "clear_url": activity_url(request.company, query.without(*FILTERS, "exact")),
        "notes": (*query.notes, LOST) if page.key_is_lost else query.notes,
        "rows": rows,
        "page": page,
        "filtered": bool(query.filters),
        "files": tuple(
            (
                words,
                reverse(f"activity-{form}", args=[request.company.slug]) + query_of(query.without("exact")),
            )
            for form, words in FORMATS.items()
        ),
    }
    return render(request, "erp_integrations/activity/activity.html", context)


@company_member
@require_GET
def event(request: MemberRequest, name: str) -> HttpResponse:
    """One event with its evidence."""
    require(may_see_erp_integrations(request.access))
    detail = find_detail(request.company, request.access, name)
    if detail is None:
        raise Http404
    return render(request, "erp_integrations/activity/event.html", {"detail": detail})


@company_member
@require_GET
def activity_file(request: MemberRequest, form: Format) -> HttpResponseBase:
    """The events of the tab with its filters, all pages; oldest first."""
    require(may_see_erp_integrations(request.access))
    chosen = filtered_by(_query(request), request.access, request.company)
    return file_answer(chosen, form, name=request.company.slug)


def file_answer(chosen: EventFilter, form: Format, *, name: str) -> StreamingHttpResponse:
    """The events as a file download."""
    response = StreamingHttpResponse(_as_far_as_it_goes(chosen, form), content_type=CONTENT_TYPES[form])
    file = f"{name}-ledger-{timezone.localdate().isoformat()}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _as_far_as_it_goes(chosen: EventFilter, form: Format) -> Iterator[bytes]:
    # The response has begun; the file's last row reports the error.
    with suppress(LedgerNotComplete):
        yield from file_of(chosen, form)


def _query(request: MemberRequest) -> ActivityQuery:
    form = ActivityQueryForm(request.GET, kinds=kinds_visible_to(request.access, request.company))
    return resolve_query(request.company, request.access, form.parse())

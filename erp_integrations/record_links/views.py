"""The tabs Commitments, Jobs and Vendors: what is tied to its record, and tying the rest."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commitments.models import Commitment
from companies.access import Access, Ruling
from companies.decorators import MemberRequest, company_member
from companies.queries import find_missing_privilege
from erp_integrations.change_orders.responses import (
    answer_on_page,
    at_the_act,
    came_from,
    erp_of,
    require,
)
from erp_integrations.drafts.validation import CommitmentToLink, notices_of_link
from erp_integrations.erp import registry
from erp_integrations.erp.queries import find_connection, freshness_of
from erp_integrations.ledger.actors import actor_on_page
from erp_integrations.links.forms import RecordForm
from erp_integrations.models.links import Link
from erp_integrations.policies import may_link_records, may_see_erp_integrations, may_unlink_records
from erp_integrations.ports import ErpJob, ErpSubcontract, ErpVendor
from erp_integrations.record_links import operations as record_links
from erp_integrations.record_links.forms import RecordLinkQueryForm
from erp_integrations.record_links.queries import (
    COMMITMENTS,
    JOBS,
    LINKED,
    NOT_LINKED,
    VENDORS,
    RecordKind,
    find_subject,
    record_link_rows,
)
from erp_integrations.record_links.unlink_record import (
    take_back_commitment_link,
    unlink_job,
    unlink_vendor,
)
from erp_integrations.web.flash import flash_message
from erp_integrations.web.tabs import tabs_for
from erp_integrations.workflow import messages as workflow_messages
from erp_integrations.workflow.errors import NotAllowed, Refused


@dataclass(frozen=True, slots=True)
class RecordPreview:
    """A record as the person is shown it, to say whether it is the one."""

    record_number: str
    row_id: uuid.UUID
    words: tuple[str, ...]
    notices: tuple[str, ...] = ()
    """Worth knowing before it is linked."""


def _job(record: ErpJob) -> tuple[str, ...]:
    return (record.name, record.status)


def _vendor(record: ErpVendor) -> tuple[str, ...]:
    return (record.name,)


def _subcontract(record: ErpSubcontract) -> tuple[str, ...]:
    return (
        f"{record.number} {record.description}",
        f"job {record.job_record_number}",
        f"vendor {record.vendor_record_number}",
        record.status,
    )


UNLINK: dict[str, Callable[..., object]] = {
    JOBS.key: unlink_job,
    VENDORS.key: unlink_vendor,
    COMMITMENTS.key: take_back_commitment_link,
}
"""Ends the link of a row of the kind."""

ACTS: dict[str, tuple[Callable[..., object], Callable[..., tuple[str, ...]], Callable[..., object]]] = {
    JOBS.key: (record_links.read_job, _job, record_links.link_job),
    VENDORS.key: (record_links.read_vendor, _vendor, record_links.link_vendor),
    COMMITMENTS.key: (record_links.read_subcontract, _subcontract, record_links.link_commitment),
}
"""Reads a record of the kind, says what it is, ties it."""


@company_member
@require_GET
def records(request: MemberRequest, kind: RecordKind) -> HttpResponse:
    """What is tied to its record, and what is not."""
    require(may_see_erp_integrations(request.access))
    connection = find_connection(request.company)
    erp = registry.erp_name(connection.kind if connection else registry.ODBC)
    asked = RecordLinkQueryForm(request.GET).asked()
    views, view, rows, page = record_link_rows(request.company, kind, asked)
    context = {
        "tabs": tabs_for(request, connection, current=kind.key),
        "freshness": freshness_of(connection, erp=erp),
        "kind": kind,
        "views": views,
        "q": asked.q,
        "heading": kind.heading.format(erp=erp) if view == LINKED else f"{kind.plural} - Not Yet Linked",
        "linked": view == LINKED,
        "rows": rows,
        "page": page,
        "missing": (may_link_records if view == NOT_LINKED else _may_unlink(kind))(request.access).missing,
        "missing_privilege": find_missing_privilege(request.company, request.access),
    }
    return render(request, "erp_integrations/record_links/records.html", context)


def _may_unlink(kind: RecordKind) -> Callable[[Access], Ruling]:
    """What the tab can tell; a commitment's project is asked about at the act."""
    return may_link_records if kind is COMMITMENTS else may_unlink_records


@company_member
@require_POST
def unlink(request: MemberRequest, subject_id: int, kind: RecordKind) -> HttpResponse:
    """Ends the link of a job or vendor; takes back a commitment's."""
    require(may_see_erp_integrations(request.access))
    subject = find_subject(request.company, kind, subject_id)
    if subject is None:
        raise Http404
    try:
        with at_the_act():
            ended = UNLINK[kind.key](**{kind.subject: subject}, actor=actor_on_page(request.user))
    except Refused as refusal:
        message = refusal.message(erp=erp_of(request))
    else:
        assert isinstance(ended, Link)
        number, name, _ = kind.facts(subject)
        message = workflow_messages.record_unlinked_message(
            f"{number} {name}", kind.record, ended.record_number, erp=erp_of(request)
        )
    back = f"{reverse(kind.key, args=[request.company.slug])}?view={LINKED}"
    return answer_on_page(request, message, location=came_from(request, back))


@company_member
@require_http_methods(["GET", "POST"])
def link(request: MemberRequest, subject_id: int, kind: RecordKind) -> HttpResponse:
    """Looks a record up and asks whether it is the one; a POST links it."""
    require(may_see_erp_integrations(request.access))
    subject = find_subject(request.company, kind, subject_id)
    if subject is None:
        raise Http404
    require(may_link_records(request.access))
    if request.method == "POST":
        form = RecordForm(request.POST)
    else:
        form = RecordForm(request.GET if "record_number" in request.GET else None)
    seen, status = None, 422 if form.is_bound and not form.is_valid() else 200
    if form.is_bound and form.is_valid():
        number = form.cleaned_data["record_number"]
        try:
            if request.method == "POST":
                return _link(request, kind, subject, number)
            seen = _look(request, kind, subject, number)
        except NotAllowed:
            raise PermissionDenied from None
        except ObjectDoesNotExist:
            raise Http404 from None
        except Refused as refusal:
            flash_message(request, refusal.message(erp=erp_of(request)))
            status = refusal.status
    our_number, name, beside = kind.facts(subject)
    context = {
        "kind": kind,
        "ours": f"{our_number} {name}",
        "beside": beside,
        "form": form,
        "seen": seen,
        "erp_name": erp_of(request),
        "back": reverse(kind.key, args=[request.company.slug]),
    }
    return render(request, "erp_integrations/record_links/link_record.html", context, status=status)


def _look(request: MemberRequest, kind: RecordKind, subject: object, record_number: str) -> RecordPreview:
    read, say_it, _ = ACTS[kind.key]
    record = read(company=request.company, record_number=record_number)
    assert isinstance(record, ErpJob | ErpVendor | ErpSubcontract)
    notices: tuple[str, ...] = ()
    if isinstance(subject, Commitment) and isinstance(record, ErpSubcontract):
        beside = CommitmentToLink(number=subject.number, erp_number=record.number)
        notices = tuple(notice.words for notice in notices_of_link(beside))
    return RecordPreview(record.record_number, record.row_id, tuple(filter(None, say_it(record))), notices)


def _link(request: MemberRequest, kind: RecordKind, subject: object, record_number: str) -> HttpResponse:
    tie = ACTS[kind.key][2]
    tie(
        **{kind.subject: subject},
        record_number=record_number,
        seen=_uuid(request.POST.get("row_id", "")),
        actor=actor_on_page(request.user),
    )
    number, name, _ = kind.facts(subject)
    message = workflow_messages.record_linked_message(f"{number} {name}", record_number, erp=erp_of(request))
    return answer_on_page(request, message, location=reverse(kind.key, args=[request.company.slug]))


def _uuid(text: str) -> uuid.UUID:
    """What was shown; what is none matches no record."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)

"""Projects, vendors and commitments, and the records in the ERP that they are tied to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.urls import reverse

from commitments.models import Commitment, CommitmentKind, Vendor
from companies.models import Company, Project
from companies.view_models import Page
from erp_integrations.listing import keyset
from erp_integrations.models import CommitmentLink, JobLink, VendorLink
from erp_integrations.models.links import Link
from erp_integrations.view_models import RecordLinkRow, Tab


@dataclass(frozen=True, slots=True)
class RecordKind:
    """What is tied to one kind of record, and how its tab shows it."""

    key: str
    """Of the tab, and of the address."""
    plural: str
    heading: str
    """Of what is linked; `{erp}` is the ERP's name."""
    record: str
    """What a record of the kind is called in the ERP."""
    unlink: str
    """The words on the button that ends a link."""
    beside: str
    """The column of what it belongs to; empty for none."""
    link: type[JobLink | VendorLink | CommitmentLink]
    subject: str
    """The link's field that points at our row."""
    sort: tuple[str, ...]
    searched: tuple[str, ...]
    rows: Callable[[Company], QuerySet[Any]]
    """Ours that can be tied, with what is shown of them."""
    facts: Callable[[Any], tuple[str, str, str]]
    """(number, name, what it belongs to)"""


JOBS = RecordKind(
    key="erp-jobs",
    plural="Jobs",
    heading="Jobs - Synced with {erp}",
    record="job",
    unlink="Unlink",
    beside="",
    link=JobLink,
    subject="project",
    sort=("number", "id"),
    searched=("number", "name"),
    rows=lambda company: Project.objects.filter(company=company),
    facts=lambda project: (project.number, project.name, ""),
)
VENDORS = RecordKind(
    key="erp-vendors",
    plural="Vendors",
    heading="Vendors - Synced with {erp}",
    record="vendor",
    unlink="Unlink",
    beside="",
    link=VendorLink,
    subject="vendor",
    sort=("number", "id"),
    searched=("number", "name"),
    rows=lambda company: Vendor.objects.filter(company=company),
    facts=lambda vendor: (vendor.number, vendor.name, ""),
)
COMMITMENTS = RecordKind(
    key="erp-commitments",
    plural="Commitments",
    heading="Commitments - Synced with {erp}",
    record="subcontract",
    unlink="Take the link back",
    beside="Belongs to",
    link=CommitmentLink,
    subject="commitment",
    sort=("project__number", "number", "id"),
    searched=("number", "title", "project__number", "project__name", "vendor__name"),
    rows=lambda company: Commitment.objects.filter(
        project__company=company, kind=CommitmentKind.SUBCONTRACT
    ).select_related("project", "vendor"),
    facts=lambda one: (one.number, one.title, f"{one.project.name}, {one.vendor.name}"),
)

LINKED, NOT_LINKED = "linked", "not-linked"
LABELS = {NOT_LINKED: "Not linked", LINKED: "Linked"}


@dataclass(frozen=True, slots=True)
class RecordLinkQuery:
    """What the address asks for; an empty view is the one with something left to do."""

    view: str = ""
    q: str = ""
    after: int | None = None
    before: int | None = None


def record_link_rows(
    company: Company, kind: RecordKind, asked: RecordLinkQuery
) -> tuple[tuple[Tab, ...], str, tuple[RecordLinkRow, ...], Page]:
    """The views with their counts, the one that is shown, and a page of it."""
    everything = kind.rows(company)
    active = kind.link.objects.filter(unlinked_at=None)
    is_tied = Exists(active.filter(**{kind.subject: OuterRef("pk")}))
    sides = {LINKED: everything.filter(is_tied), NOT_LINKED: everything.filter(~is_tied)}
    counts = {view: rows.count() for view, rows in sides.items()}
    view = asked.view or (NOT_LINKED if counts[NOT_LINKED] else LINKED)
    shown, page = keyset.one_page(
        _searched(sides[view], kind, asked.q),
        order=keyset.Order(kind.sort),
        known=everything,
        wanted=keyset.Wanted(after=asked.after, before=asked.before, exact=True),
        url=lambda side, row_id: _url(company, kind, view=view, q=asked.q, **{side: row_id}),
    )
    links = {
        getattr(link, f"{kind.subject}_id"): link
        for link in active.filter(**{f"{kind.subject}__in": shown})
        if view == LINKED
    }
    tabs = tuple(
        Tab(key, label, _url(company, kind, view=key), current=key == view, count=counts[key])
        for key, label in LABELS.items()
    )
    return tabs, view, tuple(_row(company, kind, one, links.get(one.pk)) for one in shown), page


def find_subject(company: Company, kind: RecordKind, subject_id: int) -> Any | None:
    """The company's row of that id; None also where it is another company's."""
    return kind.rows(company).filter(pk=subject_id).first()


def _searched(rows: QuerySet[Any], kind: RecordKind, q: str) -> QuerySet[Any]:
    for word in q.split():
        anywhere = Q()
        for name in kind.searched:
            anywhere |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(anywhere)
    return rows


def _row(company: Company, kind: RecordKind, subject: Model, link: Link | None) -> RecordLinkRow:
    number, name, beside = kind.facts(subject)
    return RecordLinkRow(
        subject_id=subject.pk,
        number=number,
        name=name,
        beside=beside,
        erp_record=link.record_number if link else "",
        linked_at=link.linked_at if link else None,
        linked_by=link.linked_by_name if link else "",
        link_url=reverse(f"{kind.key}-link", args=[company.slug, subject.pk]),
        unlink_url=reverse(f"{kind.key}-unlink", args=[company.slug, subject.pk]),
    )


def _url(company: Company, kind: RecordKind, **words: str) -> str:
    asked = urlencode({name: value for name, value in words.items() if value})
    return f"{reverse(kind.key, args=[company.slug])}?{asked}"

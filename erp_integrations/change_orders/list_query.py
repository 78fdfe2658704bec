"""The query of the list, and URLs of the list with a changed query."""

from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from commitments.models import ErpStatus
from companies.models import Company
from erp_integrations.listing.keyset import Order, Wanted

VIEWS: dict[str, tuple[str, ErpStatus]] = {
    "ready-to-export": ("Ready to Export", ErpStatus.READY_TO_EXPORT),
    "exporting": ("Exporting", ErpStatus.EXPORTING),
    "failed-to-export": ("Failed to Export", ErpStatus.FAILED_TO_EXPORT),
    "rejected": ("Rejected", ErpStatus.REJECTED),
    "synced": ("Successfully Synced", ErpStatus.SYNCED),
    "deleted-in-sage": ("Deleted in Sage", ErpStatus.SYNCED),
}
"""View key -> its label and the ERP status that it shows."""

LINK_VIEWS = ("synced", "deleted-in-sage")
"""The views of links; the other views show CCOs on their way to the ERP."""

BY_PROJECT = ("project_number", "commitment_number", "cco_number", "id")
SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "project": ("Project", BY_PROJECT),
    "company": ("Contract company", ("contract_company", *BY_PROJECT)),
    "amount": ("Amount", ("cco_amount", "id")),
    "number": ("Sage number", ("erp_number_order", "id")),
    "linked": ("Linked", ("linked_at", "id")),
}
"""Sort key -> its label and the columns of a link, in the order of an index."""

FILTERS = {
    "project": "Project",
    "company": "Contract company",
    "presence": "Sage says",
    "drift": "Changed in Sage",
    "amount_from": "Amount from",
    "amount_to": "Amount to",
    "linked_from": "Linked from",
    "linked_to": "Linked to",
    "linked_by": "Linked by",
}
"""Filter -> its label."""

FILTERS_OF_WAITING = ("project", "company", "amount_from", "amount_to")
"""Filters of a CCO that is not linked."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The parsed query string. Unknown values are ignored, and `notes` say so."""

    view: str = "synced"
    q: str = ""
    sort: str = "project"
    descending: bool = False
    project: str = ""
    """The project's number."""
    company: str = ""
    presence: str = ""
    drift: str = ""
    """A value of `Drift`, or `any`."""
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    linked_from: date | None = None
    linked_to: date | None = None
    """The whole day is included."""
    linked_by: str = ""
    after: int | None = None
    before: int | None = None
    exact: bool = False
    """Whether to count all rows, however long that takes."""
    notes: tuple[str, ...] = ()
    """What was ignored in the query string, and what is shown instead."""

    @property
    def shows_links(self) -> bool:
        return self.view in LINK_VIEWS

    @property
    def grouped(self) -> bool:
        return self.sort == "project"

    @property
    def order(self) -> Order:
        """The order of links."""
        return Order(SORTS[self.sort][1], self.descending)

    @property
    def wanted(self) -> Wanted:
        return Wanted(after=self.after, before=self.before, exact=self.exact)

    @property
    def filters(self) -> dict[str, str | Decimal | date]:
        """The filters that are set."""
        values = {name: getattr(self, name) for name in FILTERS}
        return {name: value for name, value in values.items() if value not in ("", None)}

    def in_view(self, view: str) -> "ListQuery":
        """The same search and filters in another view, without those that it does not have."""
        lost = () if view in LINK_VIEWS else (*(set(FILTERS) - set(FILTERS_OF_WAITING)), "sort", "descending")
        return replace(self.without(*lost, "exact"), view=view)

    def without(self, *names: str) -> "ListQuery":
        """The query without these parameters, at the first page."""
        blank = {field.name: field.default for field in fields(ListQuery) if field.name in names}
        return replace(self, after=None, before=None, notes=(), **blank)  # type: ignore[arg-type]


def query_of(query: ListQuery, **more: str) -> str:
    """A query string without default values, starting with `?`, for the first page.

    `more` is appended: `after`, `before`, `count`.
    """
    words: dict[str, str] = {"view": query.view, "q": query.q}
    if query.sort != "project" or query.descending:
        words["sort"] = ("-" if query.descending else "") + query.sort
    words |= {name: str(value) for name, value in query.filters.items()}
    if query.exact:
        words["count"] = "all"
    if more.get("count"):
        for side in ("after", "before"):
            if getattr(query, side) is not None:
                words[side] = str(getattr(query, side))
    words |= more
    return "?" + urlencode({name: value for name, value in words.items() if value})


def list_url(company: Company, query: ListQuery, **more: str) -> str:
    """The URL of the list with this query; the first page, unless `more` names another."""
    return reverse("change-orders", args=[company.slug]) + query_of(query, **more)

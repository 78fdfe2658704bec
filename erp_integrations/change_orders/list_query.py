"""What the address of the list asks for, and the addresses of the same list asked otherwise."""

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
"""View key -> the words on its tab and the ERP status of what it shows."""

OF_LINKS = ("synced", "deleted-in-sage")
"""The views of what is tied to the ERP; the others show what is on its way."""

BY_PROJECT = ("project_number", "commitment_number", "cco_number", "id")
SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "project": ("Project", BY_PROJECT),
    "company": ("Contract company", ("contract_company", *BY_PROJECT)),
    "amount": ("Amount", ("cco_amount", "id")),
    "number": ("Sage number", ("erp_number_order", "id")),
    "linked": ("Linked", ("linked_at", "id")),
}
"""Sort key -> its words and the columns of a link, each of which an index of its own walks."""

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
"""Filter -> its words."""

FILTERS_OF_WAITING = ("project", "company", "amount_from", "amount_to")
"""What a CCO has before it is tied to the ERP."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What the address asks for. Anything unknown in it counts as not asked, and `notes` say so."""

    view: str = "synced"
    q: str = ""
    sort: str = "project"
    descending: bool = False
    project: str = ""
    """Its number."""
    company: str = ""
    presence: str = ""
    drift: str = ""
    """One of `Drift`, or `any`."""
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    linked_from: date | None = None
    linked_to: date | None = None
    """The whole day counts."""
    linked_by: str = ""
    after: int | None = None
    before: int | None = None
    exact: bool = False
    """Whether everything is counted, however long that takes."""
    notes: tuple[str, ...] = ()
    """What of the address was not used, and what is shown instead."""

    @property
    def of_links(self) -> bool:
        return self.view in OF_LINKS

    @property
    def grouped(self) -> bool:
        return self.sort == "project"

    @property
    def order(self) -> Order:
        """Of links."""
        return Order(SORTS[self.sort][1], self.descending)

    @property
    def wanted(self) -> Wanted:
        return Wanted(after=self.after, before=self.before, exact=self.exact)

    @property
    def filters(self) -> dict[str, str | Decimal | date]:
        """The ones that are set."""
        values = {name: getattr(self, name) for name in FILTERS}
        return {name: value for name, value in values.items() if value not in ("", None)}

    def in_view(self, view: str) -> "ListQuery":
        """The same search and filters in another view, as far as they mean something there."""
        lost = () if view in OF_LINKS else (*(set(FILTERS) - set(FILTERS_OF_WAITING)), "sort", "descending")
        return replace(self.without(*lost, "exact"), view=view)

    def without(self, *names: str) -> "ListQuery":
        """As if these had not been asked, from the first page."""
        blank = {field.name: field.default for field in fields(ListQuery) if field.name in names}
        return replace(self, after=None, before=None, notes=(), **blank)  # type: ignore[arg-type]


def query_of(asked: ListQuery, **more: str) -> str:
    """For an address, from the question mark on: what is not as it is anyway, and of the first page.

    `more` goes to the end: `after`, `before`, `count`.
    """
    words: dict[str, str] = {"view": asked.view, "q": asked.q}
    if asked.sort != "project" or asked.descending:
        words["sort"] = ("-" if asked.descending else "") + asked.sort
    words |= {name: str(value) for name, value in asked.filters.items()}
    if asked.exact:
        words["count"] = "all"
    if more.get("count"):
        for side in ("after", "before"):
            if getattr(asked, side) is not None:
                words[side] = str(getattr(asked, side))
    words |= more
    return "?" + urlencode({name: value for name, value in words.items() if value})


def list_url(company: Company, asked: ListQuery, **more: str) -> str:
    """The address of the list that was asked for; of its first page, where `more` says nothing else."""
    return reverse("change-orders", args=[company.slug]) + query_of(asked, **more)

"""The search, filters, chips and sort links above the list."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from django.http import QueryDict
from django.utils.dateformat import format as format_date

from commitments.models import Vendor
from companies.models import Company, Project
from erp_integrations.change_orders.forms import ListQueryForm
from erp_integrations.change_orders.link_filters import active_links, connection_id_of
from erp_integrations.change_orders.list_query import FILTERS, FILTERS_OF_WAITING, SORTS, ListQuery, list_url
from erp_integrations.listing.distinct_values import distinct_values
from erp_integrations.models import Drift, PresenceKey

MOST_CHOICES = 100
"""Longest list of choices; with more, the filter is a text field."""

COMPACT = ("project", "presence")
"""The filters that are always visible."""

PRESENCES = tuple((key.value, key.label) for key in PresenceKey)
DRIFTS = (("any", "Anything"), *((one.value, one.label) for one in Drift))


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """A filter as a form field: a select, or a text field without options."""

    name: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    kind: str = "text"
    """The type of a text field: `text`, `date` or `money`."""


@dataclass(frozen=True, slots=True)
class FilterChip:
    """An active filter, and the URL of the list without it."""

    label: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class SortLink:
    """A sortable column heading. `direction` is empty unless the list is sorted by it."""

    label: str
    url: str
    direction: str
    """The value of `aria-sort`: `ascending` or `descending`."""


@dataclass(frozen=True, slots=True)
class ListFilters:
    q: str
    compact: tuple[FilterChoice, ...]
    more: tuple[FilterChoice, ...]
    more_in_force: int
    """How many of `more` are set."""
    chips: tuple[FilterChip, ...]
    clear_url: str
    """The URL of the view without search and filters."""
    sort: str
    sorts: tuple[tuple[str, str], ...]
    """(key, label) of each sort; empty when the view has one order."""


def list_query_of(company: Company, address: QueryDict) -> ListQuery:
    """The query of a URL, with names resolved."""
    return resolve_query(company, ListQueryForm(address).parse())


def resolve_query(company: Company, query: ListQuery) -> ListQuery:
    """Replaces typed names by stored names or numbers. An unknown name is not used, and a note says so."""
    notes = []
    if query.project:
        number = number_of_project(company, query.project)
        if number is None:
            notes.append(f"No project is called “{query.project}”. That filter was not used.")
        query = replace(query, project=number or "")
    if query.company:
        name = _name_of_company(company, query)
        if name is None:
            notes.append(f"No contract company is called “{query.company}”. That filter was not used.")
        query = replace(query, company=name or "")
    if query.linked_by and query.linked_by not in (names := _linkers(company)):
        alike = [name for name in names if name.lower() == query.linked_by.lower()]
        if not alike:
            notes.append(f"No person called “{query.linked_by}” has linked a CCO. That filter was not used.")
        query = replace(query, linked_by=alike[0] if alike else "")
    return replace(query, notes=(*query.notes, *notes))


def list_filters_of(company: Company, query: ListQuery) -> ListFilters:
    """Three queries at most, however many CCOs there are."""
    names = FILTERS if query.shows_links else FILTERS_OF_WAITING
    choices = [_choice(company, query, name) for name in names]
    more = tuple(choice for choice in choices if choice.name not in COMPACT)
    return ListFilters(
        q=query.q,
        compact=tuple(choice for choice in choices if choice.name in COMPACT),
        more=more,
        more_in_force=sum(1 for choice in more if choice.value),
        chips=_chips(company, query, choices),
        clear_url=list_url(company, query.without("q", *FILTERS)),
        sort=("-" if query.descending else "") + query.sort,
        sorts=_sorts() if query.shows_links else (),
    )


def sort_links(company: Company, query: ListQuery) -> dict[str, SortLink]:
    """The sort links by key. The active one reverses the direction; amounts start with the largest."""
    links = {}
    for key, (label, _) in SORTS.items():
        in_force = key == query.sort
        descending = not query.descending if in_force else key in ("amount", "linked")
        links[key] = SortLink(
            label=label,
            url=list_url(company, replace(query.without(), sort=key, descending=descending)),
            direction=("descending" if query.descending else "ascending") if in_force else "",
        )
    return links


def _sorts() -> tuple[tuple[str, str], ...]:
    ways = {
        "project": ("first to last", "last to first"),
        "company": ("A to Z", "Z to A"),
        "amount": ("smallest first", "largest first"),
        "number": ("lowest first", "highest first"),
        "linked": ("oldest first", "newest first"),
    }
    return tuple(
        (sign + key, f"{label}, {words}")
        for key, (label, _) in SORTS.items()
        for sign, words in zip(("", "-"), ways[key], strict=True)
    )


def _choice(company: Company, query: ListQuery, name: str) -> FilterChoice:
    options: tuple[tuple[str, str], ...] = ()
    kind = {"amount": "money", "linked": "date"}.get(name.removesuffix("_from").removesuffix("_to"), "text")
    if name == "project":
        options = projects_to_choose(company)
    elif name == "company":
        options = _companies(company, query)
    elif name == "linked_by":
        options = tuple((one, one) for one in _linkers(company))
    elif name == "presence":
        options = PRESENCES
    elif name == "drift":
        options = DRIFTS
    return choice_of(name, FILTERS[name], getattr(query, name), options, kind)


def choice_of(
    name: str, label: str, value: object, options: tuple[tuple[str, str], ...], kind: str = "text"
) -> FilterChoice:
    """The filter as a form field: a text field when there are no options, or too many."""
    text = "" if value is None else str(value)
    if len(options) > MOST_CHOICES:
        options = ()
    elif options and text and text not in dict(options):
        options = (*options, (text, text))
    return FilterChoice(name, label, text, options, kind)


def _chips(company: Company, query: ListQuery, choices: list[FilterChoice]) -> tuple[FilterChip, ...]:
    search = FilterChip("Search", f"“{query.q}”", list_url(company, query.without("q")))
    filters = chips_of(choices, query, lambda name: list_url(company, query.without(name)))
    return (search, *filters) if query.q else filters


def chips_of(
    choices: Iterable[FilterChoice], query: object, url_without: Callable[[str], str]
) -> tuple[FilterChip, ...]:
    """A chip for each active filter; `query` holds the values by name."""
    return tuple(
        FilterChip(
            choice.label,
            dict(choice.options).get(choice.value) or _format_value(getattr(query, choice.name)),
            url_without(choice.name),
        )
        for choice in choices
        if choice.value
    )


def _format_value(value: object) -> str:
    match value:
        case Decimal():
            return f"{value:,.2f}"
        case date():
            return format_date(value, "M j, Y")
        case _:
            return str(value)


# --- choices ------------------------------------------------------------------------------------


def projects_to_choose(company: Company) -> tuple[tuple[str, str], ...]:
    found = Project.objects.filter(company=company).order_by("number").values_list("number", "name")
    return tuple((number, f"{number} {name}") for number, name in found[: MOST_CHOICES + 1])


def _companies(company: Company, query: ListQuery) -> tuple[tuple[str, str], ...]:
    """Links store the name of the contract company."""
    if query.shows_links:
        return tuple((name, name) for name in _different(company, "contract_company"))
    found = Vendor.objects.filter(company=company).order_by("name").values_list("name", flat=True).distinct()
    return tuple((name, name) for name in found[: MOST_CHOICES + 1])


def _linkers(company: Company) -> list[str]:
    return _different(company, "linked_by_name")


def _different(company: Company, column: Literal["linked_by_name", "contract_company"]) -> list[str]:
    return distinct_values(
        "erp_integrations_changeorderlink",
        column,
        kept="connection_id = %(connection)s AND unlinked_at IS NULL",
        most=MOST_CHOICES + 1,
        values={"connection": connection_id_of(company)},
    )


def number_of_project(company: Company, typed: str) -> str | None:
    """The number of the project with this number or name."""
    projects = Project.objects.filter(company=company).values_list("number", flat=True)
    return projects.filter(number=typed).first() or projects.filter(name__iexact=typed).first()


def _name_of_company(company: Company, query: ListQuery) -> str | None:
    vendors = Vendor.objects.filter(company=company).values_list("name", flat=True)
    if query.shows_links and active_links(company).filter(contract_company=query.company).exists():
        return query.company
    return vendors.filter(name=query.company).first() or vendors.filter(name__iexact=query.company).first()

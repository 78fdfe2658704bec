"""What stands above the list: its search, its filters with what can be chosen, and what is in force."""

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
"""What a list to choose from may hold; a longer one is a field to type into."""

COMPACT = ("project", "presence")
"""The filters that are always in sight."""

PRESENCES = tuple((key.value, key.label) for key in PresenceKey)
DRIFTS = (("any", "Anything"), *((one.value, one.label) for one in Drift))


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """A filter as a field of the form: a list to choose from, or one to type into where there is none."""

    name: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    kind: str = "text"
    """Of what is typed: `text`, `date` or `money`."""


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that is in force, and the list without it."""

    label: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class SortLink:
    """The head of a column by which the list can be sorted. `direction` is empty where it is not now."""

    label: str
    url: str
    direction: str
    """For `aria-sort`: `ascending` or `descending`."""


@dataclass(frozen=True, slots=True)
class ListFilters:
    q: str
    compact: tuple[FilterChoice, ...]
    more: tuple[FilterChoice, ...]
    more_in_force: int
    """How many of `more` are set."""
    chips: tuple[FilterChip, ...]
    clear_url: str
    """The view without search and filters."""
    sort: str
    sorts: tuple[tuple[str, str], ...]
    """(key, words) to choose from; empty where the view has one order."""


def list_query_of(company: Company, address: QueryDict) -> ListQuery:
    """What an address of the list asks for, with names as they are kept."""
    return resolve_query(company, ListQueryForm(address).asked())


def resolve_query(company: Company, asked: ListQuery) -> ListQuery:
    """What was typed as a name becomes the number or the name as it is kept. What is nowhere is not used."""
    notes = []
    if asked.project:
        number = number_of_project(company, asked.project)
        if number is None:
            notes.append(f"No project is called “{asked.project}”. That filter was not used.")
        asked = replace(asked, project=number or "")
    if asked.company:
        name = _name_of_company(company, asked)
        if name is None:
            notes.append(f"No contract company is called “{asked.company}”. That filter was not used.")
        asked = replace(asked, company=name or "")
    if asked.linked_by and asked.linked_by not in (names := _linkers(company)):
        alike = [name for name in names if name.lower() == asked.linked_by.lower()]
        if not alike:
            notes.append(f"No person called “{asked.linked_by}” has linked a CCO. That filter was not used.")
        asked = replace(asked, linked_by=alike[0] if alike else "")
    return replace(asked, notes=(*asked.notes, *notes))


def list_filters_of(company: Company, asked: ListQuery) -> ListFilters:
    """Three queries at most, however many CCOs there are."""
    names = FILTERS if asked.of_links else FILTERS_OF_WAITING
    choices = [_choice(company, asked, name) for name in names]
    more = tuple(choice for choice in choices if choice.name not in COMPACT)
    return ListFilters(
        q=asked.q,
        compact=tuple(choice for choice in choices if choice.name in COMPACT),
        more=more,
        more_in_force=sum(1 for choice in more if choice.value),
        chips=_chips(company, asked, choices),
        clear_url=list_url(company, asked.without("q", *FILTERS)),
        sort=("-" if asked.descending else "") + asked.sort,
        sorts=_sorts() if asked.of_links else (),
    )


def sort_links(company: Company, asked: ListQuery) -> dict[str, SortLink]:
    """By sort key. The one in force leads to the other direction; amounts begin with the largest."""
    links = {}
    for key, (label, _) in SORTS.items():
        in_force = key == asked.sort
        descending = not asked.descending if in_force else key in ("amount", "linked")
        links[key] = SortLink(
            label=label,
            url=list_url(company, replace(asked.without(), sort=key, descending=descending)),
            direction=("descending" if asked.descending else "ascending") if in_force else "",
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


def _choice(company: Company, asked: ListQuery, name: str) -> FilterChoice:
    options: tuple[tuple[str, str], ...] = ()
    kind = {"amount": "money", "linked": "date"}.get(name.removesuffix("_from").removesuffix("_to"), "text")
    if name == "project":
        options = projects_to_choose(company)
    elif name == "company":
        options = _companies(company, asked)
    elif name == "linked_by":
        options = tuple((one, one) for one in _linkers(company))
    elif name == "presence":
        options = PRESENCES
    elif name == "drift":
        options = DRIFTS
    return choice_of(name, FILTERS[name], getattr(asked, name), options, kind)


def choice_of(
    name: str, label: str, value: object, options: tuple[tuple[str, str], ...], kind: str = "text"
) -> FilterChoice:
    """The filter as a field: to type into where there is nothing to choose from, or too much."""
    text = "" if value is None else str(value)
    if len(options) > MOST_CHOICES:
        options = ()
    elif options and text and text not in dict(options):
        options = (*options, (text, text))
    return FilterChoice(name, label, text, options, kind)


def _chips(company: Company, asked: ListQuery, choices: list[FilterChoice]) -> tuple[FilterChip, ...]:
    search = FilterChip("Search", f"“{asked.q}”", list_url(company, asked.without("q")))
    filters = chips_of(choices, asked, lambda name: list_url(company, asked.without(name)))
    return (search, *filters) if asked.q else filters


def chips_of(
    choices: Iterable[FilterChoice], asked: object, url_without: Callable[[str], str]
) -> tuple[FilterChip, ...]:
    """The filters that are in force; `asked` holds their values by name."""
    return tuple(
        FilterChip(
            choice.label,
            dict(choice.options).get(choice.value) or _words_of_value(getattr(asked, choice.name)),
            url_without(choice.name),
        )
        for choice in choices
        if choice.value
    )


def _words_of_value(value: object) -> str:
    match value:
        case Decimal():
            return f"{value:,.2f}"
        case date():
            return format_date(value, "M j, Y")
        case _:
            return str(value)


# --- what there is to choose from ----------------------------------------------------------------


def projects_to_choose(company: Company) -> tuple[tuple[str, str], ...]:
    found = Project.objects.filter(company=company).order_by("number").values_list("number", "name")
    return tuple((number, f"{number} {name}") for number, name in found[: MOST_CHOICES + 1])


def _companies(company: Company, asked: ListQuery) -> tuple[tuple[str, str], ...]:
    """Of links by the name they were made with."""
    if asked.of_links:
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
    """Of the project that has this number or this name."""
    projects = Project.objects.filter(company=company).values_list("number", flat=True)
    return projects.filter(number=typed).first() or projects.filter(name__iexact=typed).first()


def _name_of_company(company: Company, asked: ListQuery) -> str | None:
    vendors = Vendor.objects.filter(company=company).values_list("name", flat=True)
    if asked.of_links and active_links(company).filter(contract_company=asked.company).exists():
        return asked.company
    return vendors.filter(name=asked.company).first() or vendors.filter(name__iexact=asked.company).first()

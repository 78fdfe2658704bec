"""Reads both books of the ledger as one, by time: for the Activity tab, the exports and the command.

The link events and the Directory's events are two tables, because one app may not know the other. Here an
event has one name, `link-12` or `directory-7`, and one position: by time, then by name. A page reads no more
rows of either table than it shows.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from companies.clock import midnight
from companies.models import DirectoryEvent, DirectoryEventKind
from companies.view_models import Page
from erp_integrations.listing import keyset
from erp_integrations.listing.keyset import Order, Wanted
from erp_integrations.models import EventKind, LinkEvent

DIRECTORY, LINK = "directory", "link"
"""The books, in the order of their events with the same time."""

DIRECTORY_EVIDENCE = ("person_id", "what", "before", "after")
"""The columns that only the Directory's book has; exported as evidence."""

Event = DirectoryEvent | LinkEvent

_ROWS: dict[str, Callable[[], QuerySet[Any]]] = {
    DIRECTORY: DirectoryEvent.objects.all,
    LINK: LinkEvent.objects.all,
}
_KINDS = {DIRECTORY: frozenset(DirectoryEventKind.values), LINK: frozenset(EventKind.values)}
_NEWEST_FIRST = Order(("at", "id"), descending=True)
NAME = re.compile(rf"({DIRECTORY}|{LINK})-([1-9][0-9]{{0,17}})\Z")
"""The name of an event: its book and its id."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Filters for events. Days are whole days in the current time zone."""

    company_id: int | None = None
    """None for all companies."""
    directory: bool = True
    """Whether to include the Directory's events."""
    kinds: frozenset[str] | None = None
    """None for all kinds."""
    project: str = ""
    """The project's number. The Directory's events belong to no project."""
    actor: str = ""
    """The name at the time of the event."""
    since: date | None = None
    until: date | None = None


class Key(NamedTuple):
    """The position of an event; keys sort oldest first."""

    at: datetime
    book: str
    id: int

    @property
    def name(self) -> str:
        return f"{self.book}-{self.id}"


@dataclass(frozen=True, slots=True)
class _Source:
    """The filtered events of one book; `kinds` when an index is read once per kind."""

    book: str
    rows: QuerySet[Any]
    kinds: tuple[str, ...] = ()

    @property
    def all(self) -> QuerySet[Any]:
        return self.rows.filter(kind__in=self.kinds) if self.kinds else self.rows

    def nearest(self, key: Key | None, *, backwards: bool, most: int) -> QuerySet[Any]:
        """The first events beyond the key. With several kinds, reads so many of each and merges them."""
        rows = self.rows if key is None else self.rows.filter(_beyond(self.book, key, backwards=backwards))
        terms = _NEWEST_FIRST.terms(backwards=backwards)
        if not self.kinds:
            return rows.order_by(*terms)[:most]
        first, *others = (rows.filter(kind=kind).order_by(*terms)[:most] for kind in self.kinds)
        return first.union(*others, all=True).order_by(*terms)[:most] if others else first


def kinds_among(chosen: EventFilter) -> frozenset[str]:
    """The kinds that the filtered events can have."""
    books = (book for book in _KINDS if book == LINK or chosen.directory)
    return frozenset().union(*(_KINDS[book] for book in books))


def event_filter_of(chosen: EventFilter) -> dict[str, QuerySet[Any]]:
    """The filtered events of each book that has any, unordered."""
    return {source.book: source.all for source in _sources(chosen)}


def find_event(chosen: EventFilter, name: str) -> Event | None:
    """The event of that name; None when the filter excludes it."""
    named = NAME.match(name)
    rows = event_filter_of(chosen).get(named[1]) if named else None
    return rows.filter(pk=int(named[2])).first() if named and rows is not None else None


def key_of(event: Event) -> Key:
    return Key(event.at, DIRECTORY if isinstance(event, DirectoryEvent) else LINK, event.pk)


def one_page(
    chosen: EventFilter, wanted: Wanted, *, known: EventFilter, url: Callable[[str, str], str]
) -> tuple[list[Event], Page]:
    """Newest first; like `keyset.one_page`, with an event's name for the id."""
    sources = _sources(chosen)
    event = find_event(known, str(wanted.key)) if wanted.key is not None else None
    return keyset.read_page(
        key_of(event) if event else None,
        wanted,
        read=lambda key, backwards: _nearest(sources, key, backwards=backwards),
        count=lambda first: _counts(sources, first),
        count_all=lambda: sum(source.all.count() for source in sources),
        key_of=key_of,
        name_of=lambda event: key_of(event).name,
        url=url,
    )


def _sources(chosen: EventFilter) -> list[_Source]:
    conditions = Q()
    if chosen.company_id is not None:
        conditions &= Q(company_id=chosen.company_id)
    if chosen.actor:
        conditions &= Q(actor_name=chosen.actor)
    if chosen.since is not None:
        conditions &= Q(at__gte=midnight(chosen.since))
    if chosen.until is not None:
        conditions &= Q(at__lt=midnight(chosen.until + timedelta(days=1)))
    found = []
    for book, every_row in _ROWS.items():
        kinds = _KINDS[book] if chosen.kinds is None else _KINDS[book] & chosen.kinds
        if not kinds or (book == DIRECTORY and (chosen.project or not chosen.directory)):
            continue
        rows = every_row().filter(conditions)
        if chosen.project:
            rows = rows.filter(project_number=chosen.project)
        found.append(_Source(book, rows, () if chosen.kinds is None else tuple(sorted(kinds))))
    return found


def _nearest(sources: Sequence[_Source], key: Key | None, *, backwards: bool) -> tuple[list[Event], bool]:
    """Events in page order, one statement per book; and whether there are more on that side."""
    most = keyset.PAGE_SIZE + 1
    found: list[Event] = [
        event for source in sources for event in source.nearest(key, backwards=backwards, most=most)
    ]
    found.sort(key=key_of, reverse=not backwards)
    shown = found[: keyset.PAGE_SIZE]
    if backwards:
        shown.reverse()
    return shown, len(found) > keyset.PAGE_SIZE


def _beyond(book: str, key: Key, *, backwards: bool) -> Any:
    """The events of a book before or after the key, which may be of the other book."""
    if book == key.book:
        return _NEWEST_FIRST.beyond((key.at, key.id), backwards=backwards)
    or_equal = "e" if (book > key.book) == backwards else ""
    return Q(**{f"at__{'gt' if backwards else 'lt'}{or_equal}": key.at})


def _counts(sources: Sequence[_Source], first: Key) -> tuple[int, int]:
    """How many events come before the key, and how many there are; each as in `keyset.capped_counts`."""
    before = [source.all.filter(_beyond(source.book, first, backwards=True)) for source in sources]
    counts = keyset.capped_counts(*before, *(source.all for source in sources))
    return sum(counts[: len(sources)]), sum(counts[len(sources) :])

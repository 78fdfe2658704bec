"""Both books as one: every event once, in one order, also where many happened in the same microsecond."""

from datetime import date, timedelta

import pytest

from companies.models import DirectoryEvent, DirectoryEventKind
from erp_integrations.ledger.descriptions import (
    KINDS,
    OUTCOMES,
    EventOutcome,
    describe_change,
    describe_event,
    evidence_facts,
    kinds_of,
    outcome_of,
)
from erp_integrations.ledger.queries import (
    EventFilter,
    event_filter_of,
    find_event,
    key_of,
    one_page,
)
from erp_integrations.listing import keyset
from erp_integrations.listing.keyset import Wanted
from erp_integrations.models import EventKind, LinkEvent
from tests.ledger import NOON, directory_event, link_event
from tests.world import World

A_MOMENT = timedelta(microseconds=1)


def names(chosen: EventFilter, *, after: str = "", before: str = "") -> tuple[list[str], str, str]:
    """Of a page: its events, and the keys of the pages before and after it."""
    wanted = Wanted(after=after or None, before=before or None)
    events, page = one_page(chosen, wanted, known=EventFilter(chosen.company_id), url=lambda side, name: name)
    return [key_of(event).name for event in events], page.previous_url, page.next_url


@pytest.fixture
def books(world: World) -> list[str]:
    """Seven events of one microsecond in two books, with one before and one after; newest first."""
    before = link_event(world, NOON - A_MOMENT)
    of_links = [link_event(world, kind=kind) for kind in ("LINKED", "UNLINKED", "LINKED", "SENT")]
    of_directory = [directory_event(world) for _ in range(3)]
    after = directory_event(world, NOON + A_MOMENT)
    moment = [key_of(one).name for one in reversed(of_links)] + [
        key_of(one).name for one in reversed(of_directory)
    ]
    return [key_of(after).name, *moment, key_of(before).name]


@pytest.mark.parametrize("size", [1, 3])
def test_whatever_the_page_every_event_comes_once_and_back_again(
    world: World, books: list[str], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(keyset, "PAGE_SIZE", size)
    chosen = EventFilter(world.company.pk, since=date(2026, 3, 2), until=date(2026, 3, 2))

    forwards, (shown, previous, following) = [], names(chosen)
    assert not previous
    forwards += shown
    while following:
        shown, previous, following = names(chosen, after=following)
        assert previous
        forwards += shown
    backwards = shown
    while previous:
        shown, previous, following = names(chosen, before=previous)
        assert following
        backwards = shown + backwards

    assert forwards == backwards == books


def test_several_kinds_are_walked_as_one(
    world: World, books: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "PAGE_SIZE", 2)
    kinds = frozenset({"LINKED", "SENT", "LEVEL_CHANGED"})
    chosen = EventFilter(world.company.pk, kinds=kinds, since=date(2026, 3, 2), until=date(2026, 3, 2))
    wanted = [name for name in books if find_event(chosen, name)]

    found, following = [], ""
    while True:
        shown, _, following = names(chosen, after=following)
        found += shown
        if not following:
            break

    assert found == wanted
    assert len(wanted) == len(books) - 1


def test_days_count_whole_and_a_project_has_no_events_of_the_directory(world: World) -> None:
    link_event(world, NOON - timedelta(days=1), project_number="2611")
    mine = link_event(world, project_number="2611")
    directory_event(world)

    chosen = EventFilter(world.company.pk, project="2611", since=date(2026, 3, 2))

    assert {book: list(rows) for book, rows in event_filter_of(chosen).items()} == {"link": [mine]}


def test_a_name_that_is_none_finds_nothing(world: World) -> None:
    for name in ("link-0", "link-99999999", "Link-1", "person-1", "link-1\n", "link-1-1", "1"):
        assert find_event(EventFilter(world.company.pk), name) is None


def test_every_kind_has_its_words_and_one_outcome() -> None:
    assert set(KINDS) == {*EventKind.values, *DirectoryEventKind.values}
    assert len(KINDS) == len(EventKind) + len(DirectoryEventKind), "no kind is in both books"
    told = [kind for outcome in OUTCOMES for kind in kinds_of(outcome)]
    assert sorted(told) == sorted(KINDS)
    assert outcome_of("UNLINKED") == EventOutcome.UNLINKED
    assert {kind for kind in KINDS if outcome_of(kind) == EventOutcome.UNLINKED} == {"UNLINKED"}


def test_no_event_points_at_what_may_be_deleted() -> None:
    for model in (LinkEvent, DirectoryEvent):
        assert not [field.name for field in model._meta.get_fields() if field.is_relation]


def test_the_words_of_an_event_need_nothing_that_sage_may_leave_empty(world: World) -> None:
    """An event is for good: one that had no words would keep its page from opening for ever."""
    gaps = {"evidence": {"header": {"record_number": "7"}, "deletion": {"at": "2026-03-02T12:00:00+00:00"}}}
    event = link_event(world, kind="STILL_IN_ERP", evidence=gaps | {"verdict": "present"})
    bare = link_event(world, kind="PRESENCE_CHANGED")

    assert describe_change(event) == (
        "Record 7, number empty",
        "Deleted by a user that Sage does not name",
    )
    assert [fact.label for fact in evidence_facts(event.evidence)] == ["Verdict", "Deleted in Sage"]
    assert describe_event(bare).startswith("CCO 001")

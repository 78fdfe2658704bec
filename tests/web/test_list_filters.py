"""Sorting and filtering the list: what the page offers, what is in force, and what nonsense gets."""

from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.test import Client

from commitments.models import ErpStatus
from companies.models import Level
from erp_integrations.listing import filtered_page, keyset
from erp_integrations.models import ChangeOrderLink
from tests import factories
from tests.web.many import commitments_in_projects, many_synced
from tests.web.pages import Element, page_of
from tests.web.people import browser_of, click, list_address, range_in
from tests.web.varied import varied_links
from tests.world import World


def opened(client: Client, world: World, **asked: Any) -> Element:
    return page_of(client.get(list_address(world, "?" + urlencode(asked))))


def notes_on(page: Element) -> list[str]:
    return [words for notes in page.all("#notes") for words in notes.texts("p")]


def chips_on(page: Element) -> dict[str, str]:
    """Words -> address of the list without it."""
    return {chip.text: chip["href"] for chip in page.all("a.chip")}


def titles_on(page: Element) -> list[str]:
    return page.one("#panel").texts("td.row-title")


# --- sorts ---------------------------------------------------------------------------------------


def test_a_head_sorts_by_its_column_and_once_more_the_other_way(world: World) -> None:
    varied_links(world, 6)
    client = browser_of(world.person())

    page = opened(client, world)
    assert page.one("th.num")["aria-sort" if "aria-sort" in page.one("th.num") else "class"] == "num"
    largest = page_of(client.get(_sort(page, "Amount ($)")))
    smallest = page_of(client.get(_sort(largest, "Amount ($)")))

    amounts = largest.one("#panel").texts("td.num")
    assert largest.one("th.num")["aria-sort"] == "descending"
    assert smallest.one("th.num")["aria-sort"] == "ascending"
    by_amount = ChangeOrderLink.objects.order_by("-cco_amount", "-id").values_list("cco_title", flat=True)
    assert titles_on(largest) == list(by_amount)
    assert titles_on(smallest) == list(reversed(by_amount))
    assert len(amounts) == 6
    assert page.all("tr.group")
    assert not largest.all("tr.group"), "flat, each row names its project"
    assert all(cell.text.startswith("Pier ") for cell in largest.all("td.row-project"))


def _sort(page: Element, label: str) -> str:
    [link] = [link for link in page.all("a.sort") if link.text.startswith(label)]
    return link["href"]


def test_sage_numbers_are_sorted_as_people_count(world: World) -> None:
    many_synced(world, 4, commitments=[world.commitment])
    for link, number in zip(
        ChangeOrderLink.objects.order_by("id"), ("14-10", "14-2", "9-3", "A 1"), strict=True
    ):
        ChangeOrderLink.objects.filter(pk=link.pk).update(number=number)

    page = opened(browser_of(world.person()), world, sort="number")

    shown = [cell.text for cell in page.one("#panel").all("td") if cell.get("data-label") == "Sage #"]
    assert shown == ["9-3", "14-2", "14-10", "A 1"]


# --- filters -------------------------------------------------------------------------------------


def test_what_is_in_force_is_shown_and_goes_one_by_one(world: World) -> None:
    varied_links(world, 12)
    client = browser_of(world.person())

    page = opened(
        client, world, project="3101", presence="present", amount_from="-100", q="grid", sort="-linked"
    )

    chips = chips_on(page)
    assert list(chips) == [
        "Search “grid”, remove",
        "Project 3101 Pier 01, remove",
        "Sage says Present, remove",
        "Amount from -100.00, remove",
    ]
    without = parse_qs(chips["Project 3101 Pier 01, remove"].partition("?")[2])
    assert without == {
        "view": ["synced"],
        "q": ["grid"],
        "sort": ["-linked"],
        "presence": ["present"],
        "amount_from": ["-100"],
    }
    fewer, more = (
        len(titles_on(page)),
        len(titles_on(page_of(client.get(chips["Project 3101 Pier 01, remove"])))),
    )
    assert fewer < more
    assert "More filters (1)" in page.one("summary").text
    assert parse_qs(page.one("a.chips-clear")["href"].partition("?")[2]) == {
        "view": ["synced"],
        "sort": ["-linked"],
    }
    chosen = [one["value"] for one in page.one("form.toolbar").all("option") if "selected" in one]
    assert chosen == ["3101", "present", "-linked"]


def test_the_filters_are_kept_from_view_to_view_and_on_the_next_page(world: World) -> None:
    many_synced(world, keyset.PAGE_SIZE + 3, commitments=commitments_in_projects(world, 1))
    page = opened(browser_of(world.person()), world, project="3100", presence="unchecked")

    addresses = {link.text.rsplit(" ", 1)[0]: link["href"] for link in page.one("#views").all("a")}
    assert "project=3100&presence=unchecked" in addresses["Deleted in Sage"]
    assert "project=3100" in addresses["Rejected"]
    assert "presence" not in addresses["Rejected"], "it means nothing there"
    assert "project=3100&presence=unchecked&after=" in page.one(".pages").one("a")["href"]
    assert page.one("a.export-csv")["href"].endswith(".csv?view=synced&project=3100&presence=unchecked")


def test_an_unlinked_rows_answer_counts_within_the_filters(world: World) -> None:
    gone, others = world.synced_cco("twin"), [world.synced_cco(), world.synced_cco("plain-01")]
    world.delete_in_sage(gone)
    ChangeOrderLink.objects.exclude(change_order=others[1]).update(cco_title="Deeper footings")

    answer = page_of(click(browser_of(world.person()), world, gone, "?q=footings"))

    ranges = [part for part in answer.all("div") if part.get("hx-swap-oob") == "innerHTML:#range"]
    assert [range_in(part) for part in ranges] == ["1-1 of 1"]
    assert "1 CCO" in answer.one("tr.group").text
    views = [part for part in answer.all("div") if part.get("hx-swap-oob") == "innerHTML:#views"]
    assert all("q=footings" in link["href"] for link in views[0].all("a"))


def test_the_waiting_views_are_filtered_by_what_their_ccos_have(world: World) -> None:
    small = world.free_cco(erp_status=ErpStatus.REJECTED, amount="5.00")
    world.free_cco(erp_status=ErpStatus.REJECTED, amount="500.00")
    client = browser_of(world.person())

    page = opened(client, world, view="rejected", amount_to="10", presence="present", sort="-amount")

    assert [row["id"] for row in page.one("#panel").all("tr") if row.get("id")] == [f"cco-{small.pk}"]
    assert notes_on(page) == [
        "The filter Sage says is only for what is tied to Sage and was not used.",
        "This view is always sorted by project.",
    ]


@pytest.mark.parametrize("typed", ["2611", "harbor tower"])
def test_a_project_is_found_by_its_number_or_its_name(world: World, typed: str) -> None:
    cco = world.synced_cco()
    many_synced(world, 1, commitments=commitments_in_projects(world, 1))

    page = opened(browser_of(world.person()), world, project=typed)

    assert [row["id"] for row in page.all("tr") if "data-presence" in row] == [f"cco-{cco.pk}"]


# --- nonsense ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("?sort=password", "The list cannot be sorted by “password”. It is sorted by project."),
        ("?view=nonsense", "There is no view “nonsense”. This is Successfully Synced."),
        ("?presence=happy", "The filter Sage says cannot be “happy” and was not used."),
        ("?drift=%27%3B--", "The filter Changed in Sage cannot be “';--” and was not used."),
        ("?amount_from=1e400", "The filter Amount from cannot be “1e400” and was not used."),
        ("?amount_to=NaN", "The filter Amount to cannot be “NaN” and was not used."),
        ("?linked_from=0001-01-01", "The filter Linked from cannot be “0001-01-01” and was not used."),
        ("?linked_to=9999-12-31", "The filter Linked to cannot be “9999-12-31” and was not used."),
        ("?linked_by=Nobody", "No person called “Nobody” has linked a CCO. That filter was not used."),
        ("?project=%27%20OR%201", "No project is called “' OR 1”. That filter was not used."),
        ("?company=%F0%9F%8F%97", "No contract company is called “🏗”. That filter was not used."),
        ("?colour=red", "The list knows nothing of “colour”; that was not used."),
        ("?count=few", "The rows cannot be counted as “few”."),
        ("?after=abc", "That page of the list is not known. This is the first one."),
        ("?before=987654321", "That page of the list is not known. This is the first one."),
        (
            "?q=" + "x" * 101,
            "The search was not used: it is longer than 100 characters, or holds one that cannot be.",
        ),
    ],
)
def test_what_cannot_be_is_not_used_and_said(world: World, query: str, note: str) -> None:
    cco = world.synced_cco()

    page = page_of(browser_of(world.person()).get(list_address(world, query)))

    assert notes_on(page) == [note]
    assert [row["id"] for row in page.all("tr") if "data-presence" in row] == [f"cco-{cco.pk}"]


def test_what_was_typed_is_words_in_a_note(world: World) -> None:
    answer = browser_of(world.person()).get(list_address(world, "?sort=%3Cscript%3Ealert(1)%3C/script%3E"))

    assert b"<script>alert" not in answer.content


def test_a_key_of_another_company_is_as_unknown_as_one_that_never_was(world: World) -> None:
    many_synced(world, 3, commitments=[world.commitment])
    ridgeline = factories.CompanyFactory.create(slug="ridgeline", name="Ridgeline Civil")
    membership = factories.MembershipFactory.create(company=ridgeline, user__username="outsider")
    membership.company_levels.create(tool="ERP_INTEGRATIONS", level=Level.STANDARD)
    theirs = ChangeOrderLink.objects.order_by("id")[0]
    address = f"/companies/ridgeline/erp-integrations/commitment-change-orders/?after={theirs.pk}"

    page = page_of(browser_of(membership.user).get(address))

    assert notes_on(page) == ["That page of the list is not known. This is the first one."]
    assert theirs.project_name not in page.text


# --- counting ------------------------------------------------------------------------------------


def test_a_count_ends_and_goes_on_when_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (keyset, filtered_page):
        monkeypatch.setattr(module, "MOST_COUNTED", 20)
        monkeypatch.setattr(module, "PAGE_SIZE", 10)
    many_synced(world, 45, commitments=commitments_in_projects(world, 2))
    client = browser_of(world.person())

    page = opened(client, world)
    assert range_in(page.one("#range")) == "1-10 of 20+"
    assert "Successfully Synced 20+" in page.one("#views").text
    for _ in range(3):
        [following] = [link["href"] for link in page.one(".pages").all("a") if link.get("rel") == "next"]
        page = page_of(client.get(following))
    assert range_in(page.one("#range")) == "10 after the first 20 of 20+"

    [count] = [link["href"] for link in page.one(".pages").all("a") if link.text == "Count all"]
    counted = page_of(client.get(count))
    assert titles_on(counted) == titles_on(page), "the same page"
    assert range_in(counted.one("#range")) == "10 after the first 20 of 45"


def test_signs_that_no_index_knows_are_looked_for_so_far_and_no_further(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtered_page, "MOST_WITHOUT_INDEX", 5)
    many_synced(world, 8, commitments=[world.commitment])
    ChangeOrderLink.objects.filter(cco_number__in=("002", "007")).update(cco_title="100 % sealed")

    page = opened(browser_of(world.person()), world, q="%")

    assert titles_on(page) == ["100 % sealed"]
    assert notes_on(page) == [
        "Only the first 5 CCOs were searched: signs alone cannot be looked up. "
        "Search for a word of three letters or more, too."
    ]


def test_a_short_word_is_found_as_a_whole_word(world: World) -> None:
    many_synced(world, 3, commitments=[world.commitment])
    titles = ("At grid C", "Concrete", "C")
    for link, title in zip(ChangeOrderLink.objects.order_by("id"), titles, strict=True):
        ChangeOrderLink.objects.filter(pk=link.pk).update(cco_title=title)

    assert titles_on(opened(browser_of(world.person()), world, q="c")) == ["At grid C", "C"]

"""The list of CCOs: what it shows, to whom, in which order, and what bad addresses get."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus
from companies.models import Level
from erp_integrations.listing.keyset import PAGE_SIZE
from erp_integrations.models import ChangeOrderLink
from tests import factories
from tests.web.many import commitments_in_projects, many_synced
from tests.web.pages import Element, page_of
from tests.web.people import browser_of, list_address, range_in
from tests.world import World

HEADING = "Change Orders - Successfully Synced with Sage 100 Contractor®"


def open_list(client: Client, world: World, **asked: Any) -> Element:
    answer = client.get(list_address(world, "?" + urlencode(asked)))
    assert answer.status_code == 200
    return page_of(answer)


def rows_on(page: Element) -> list[str]:
    """The ids of the rows, in the order of the page."""
    return [row["id"] for row in page.one("#panel").all("tr") if (row.get("id") or "").startswith("cco-")]


def row_of(cco: CommitmentChangeOrder) -> str:
    return f"cco-{cco.pk}"


# --- what it shows -------------------------------------------------------------------------------


def test_the_page_has_the_exact_heading_the_steps_and_each_cco_with_its_facts(world: World) -> None:
    cco = world.synced_cco()
    page = open_list(browser_of(world.person()), world)

    assert page.texts("h1") == ["ERP Integrations"]
    assert page.one("#panel").texts("h2") == [HEADING]
    assert page.one("#panel")["aria-labelledby"] == page.one("h2")["id"]
    assert page.one(".unlink-steps").text.startswith(
        "1. Delete the change order in Sage 100 Contractor. 2. Unlink it here. "
        "3. Set it to Draft, then delete or correct it."
    )
    row = page.one(f"#cco-{cco.pk}")
    link = world.link_of(cco)
    facts = {cell["data-label"]: cell.text for cell in row.everything() if "data-label" in cell}
    assert facts["CCO"] == cco.number
    assert facts["Title"] == cco.title
    assert facts["Contract company"] == world.commitment.vendor.name
    assert facts["Amount ($)"] == "100.00"
    assert facts["Sage #"] == link.number.strip()
    assert facts["Record"] == link.record_number
    assert facts["Linked"].endswith("Loader")
    assert facts["Sage says now"].startswith("Present")
    assert row["data-presence"] == "present"
    button = row.one("button.unlink")
    assert button.text == "Unlink"
    assert button["aria-label"] == f"Unlink CCO {cco.number}"
    assert "disabled" not in button


def test_rows_are_grouped_by_project_and_commitment_with_count_and_total(world: World) -> None:
    piers = commitments_in_projects(world, 2)
    many_synced(world, 5, commitments=piers)

    page = open_list(browser_of(world.person()), world)

    groups = [
        (group.one(".project").text, group.one(".group-count").text, group.one(".num").text)
        for group in page.all("tr.group")
    ]
    assert groups == [("Pier 00", "3 CCOs", "9.00"), ("Pier 01", "2 CCOs", "6.00")]


def test_a_groups_count_and_total_are_of_all_its_rows_on_whatever_page(world: World) -> None:
    many_synced(world, PAGE_SIZE + 5, commitments=[world.commitment])
    client = browser_of(world.person())

    first = open_list(client, world)
    second = page_of(client.get(next_of(first)))

    total = f"{sum(range(1, PAGE_SIZE + 6)):,}.00"
    for page in (first, second):
        group = page.one("tr.group")
        assert f"{PAGE_SIZE + 5} CCOs" in group.text
        assert group.one(".num").text == total


def test_credits_stand_in_parentheses_and_are_spoken_as_minus(world: World) -> None:
    cco = world.free_cco(amount="-3150.00", erp_status=ErpStatus.REJECTED)

    page = open_list(browser_of(world.person()), world, view="rejected")

    amount = page.one(f"#cco-{cco.pk}").one(".num")
    assert [part.text for part in amount.all("span")] == ["(3,150.00)", "minus 3,150.00"]


def test_views_have_counts_and_show_only_their_own(world: World) -> None:
    ready = world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
    failed = world.free_cco(erp_status=ErpStatus.FAILED_TO_EXPORT)
    synced, approver = world.synced_cco(), world.person()
    world.free_cco()
    client = browser_of(approver)

    page = open_list(client, world)

    assert page.one("#views").texts("li") == [
        "Ready to Export 1",
        "Exporting 0",
        "Failed to Export 1",
        "Rejected 0",
        "Successfully Synced 1",
        "Deleted in Sage 0",
    ]
    assert rows_on(page) == [row_of(synced)]
    current = [link.text for link in page.one("#views").all("a") if link.get("aria-current") == "page"]
    assert current == ["Successfully Synced 1"]
    assert rows_on(open_list(client, world, view="ready-to-export")) == [row_of(ready)]
    assert rows_on(open_list(client, world, view="failed-to-export")) == [row_of(failed)]
    for view in ("exporting", "rejected", "deleted-in-sage"):
        page = open_list(client, world, view=view)
        assert rows_on(page) == []
        assert page.one(".empty").text


def test_deleted_in_sage_shows_what_a_look_did_not_find(world: World) -> None:
    cco, present = world.synced_cco("twin"), world.synced_cco()
    ChangeOrderLink.objects.filter(change_order=cco).update(presence="absent")
    client = browser_of(world.person())

    page = open_list(client, world, view="deleted-in-sage")

    assert rows_on(page) == [row_of(cco)]
    assert "Deleted in Sage 1" in page.one("#views").text
    assert rows_on(open_list(client, world)) == [row_of(cco), row_of(present)]


def test_an_empty_list_says_what_it_means_and_where_to_go(world: World) -> None:
    client = browser_of(world.person())

    page = open_list(client, world)
    assert page.one(".empty").text == (
        "No CCO is tied to Sage yet. They appear here after accounting accepts an export. "
        "See what waits for accounting"
    )
    assert page.one(".empty").one("a")["href"].endswith("?view=ready-to-export")
    assert open_list(client, world, q="nothing-like-it").one(".empty").text == (
        "Nothing matches your search. Show all"
    )


def test_a_company_without_a_connection_has_an_empty_list_and_a_connection_page_that_says_so(
    db: None,
) -> None:
    company = factories.CompanyFactory.create(slug="brand-new", name="Brand New")
    membership = factories.MembershipFactory.create(company=company, user__username="first")
    membership.company_levels.create(tool="ERP_INTEGRATIONS", level=Level.ADMIN)
    client = browser_of(membership.user)

    page = page_of(client.get("/companies/brand-new/erp-integrations/commitment-change-orders/"))
    assert page.texts("h2") == [HEADING]
    assert "is not connected" in page.one("#freshness").text
    connection_page = client.get("/companies/brand-new/erp-integrations/connection/")
    assert "Brand New has no connection to an ERP yet" in page_of(connection_page).one("#main").text
    assert client.post("/companies/brand-new/erp-integrations/connection/check/").status_code == 404
    assert client.get("/companies/brand-new/sage-sandbox/").status_code == 404


# --- search --------------------------------------------------------------------------------------


@pytest.fixture
def two_to_find(world: World) -> tuple[World, CommitmentChangeOrder]:
    """Two synced CCOs that share nothing searched for; the second one is the one to find."""
    world.synced_cco()
    vendor = factories.VendorFactory.create(company=world.company, name="Cascade Glazing")
    project = factories.ProjectFactory.create(company=world.company, number="8800", name="Library Annex")
    other: Commitment = factories.CommitmentFactory.create(
        project=project, number="PZ-77", title="Curtain wall", vendor=vendor
    )
    [cco] = many_synced(world, 1, commitments=[other])
    ChangeOrderLink.objects.filter(change_order=cco).update(
        cco_number="X-41", cco_title="Skylight 100% sealed_twice", number="77-2"
    )
    return world, cco


@pytest.mark.parametrize(
    "q",
    [
        "X-41",  # CCO number
        "skylight",  # title, whatever the case
        "PZ-77",  # commitment
        "curtain WALL",
        "cascade",  # vendor
        "Library",  # project
        "8800",
        "77-2",  # Sage number
        "90000",  # Sage record
        "glazing annex skylight",  # words from three places
        "  X-41  ",
        "100%",
        "sealed_twice",
    ],
)
def test_search_finds_a_cco_by_everything_the_row_says(
    two_to_find: tuple[World, CommitmentChangeOrder], q: str
) -> None:
    world, cco = two_to_find
    page = open_list(browser_of(world.person()), world, q=q)

    assert rows_on(page) == [row_of(cco)]
    assert range_in(page.one("#range")) == "1-1 of 1"
    assert page.one("#q")["value"].strip() == q.strip()


@pytest.mark.parametrize("q", ["100_", "X%41", "glazing nowhere", "\\", "' OR 1=1 --", '"', "🏗", "%", "_%"])
def test_signs_with_a_meaning_elsewhere_are_only_letters_here(
    two_to_find: tuple[World, CommitmentChangeOrder], q: str
) -> None:
    world, cco = two_to_find
    found = rows_on(open_list(browser_of(world.person()), world, q=q))

    assert found == ([row_of(cco)] if q == "%" else [])


def test_search_in_the_other_views_finds_by_the_same_words(world: World) -> None:
    found = world.free_cco(erp_status=ErpStatus.REJECTED)
    CommitmentChangeOrder.objects.filter(pk=found.pk).update(title="Formwork at dock")
    world.free_cco(erp_status=ErpStatus.REJECTED)
    client = browser_of(world.person())

    for q in ("formwork", f"{found.number} dock"):
        assert rows_on(open_list(client, world, view="rejected", q=q)) == [row_of(found)]
    assert len(rows_on(open_list(client, world, view="rejected", q="harbor tower"))) == 2
    assert len(rows_on(open_list(client, world, view="rejected", q=world.project.number))) == 2


# --- addresses that cannot be right --------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "?view=nonsense",
        "?view=",
        "?view=synced&view=rejected-not",
        "?view[]=synced",
        "?after=abc",
        "?after=-1",
        "?after=0",
        "?after=99999999999999999999999",
        "?after=1e3",
        "?before=%00",
        "?before=nope&after=nope",
        "?q=%00",
        "?q=a%00b",
        "?q=%F0%9F",
        "?q=" + "x" * 10_000,
        "?q=" + "a%20" * 3_000,
        "?sort=password",
        "?" + "&".join(f"p{n}=1" for n in range(500)),
    ],
)
def test_a_part_of_the_address_that_cannot_be_right_counts_as_not_asked(world: World, query: str) -> None:
    cco = world.synced_cco()
    answer = browser_of(world.person()).get(list_address(world, query))

    assert answer.status_code == 200
    assert page_of(answer).one("#panel").texts("h2")[0].startswith("Change Orders - ")
    if "%F0%9F" not in query:
        assert rows_on(page_of(answer)) == [row_of(cco)]


def test_what_was_searched_for_is_shown_as_words(world: World) -> None:
    nasty = '"><script>alert(1)</script>'
    answer = browser_of(world.person()).get(list_address(world, "?" + urlencode({"q": nasty})))

    assert b"<script>alert" not in answer.content
    assert page_of(answer).one("#q")["value"] == nasty


# --- paging --------------------------------------------------------------------------------------


def next_of(page: Element) -> str:
    return next(link["href"] for link in page.one(".pages").all("a") if link["rel"] == "next")


def previous_of(page: Element) -> str:
    return next(link["href"] for link in page.one(".pages").all("a") if link["rel"] == "prev")


def test_paging_forwards_and_backwards_shows_every_row_once_in_the_same_order(world: World) -> None:
    count = 2 * PAGE_SIZE + 7
    many_synced(world, count, commitments=commitments_in_projects(world, 3))
    client = browser_of(world.person())

    page, pages, ranges = open_list(client, world), [], []
    while True:
        pages.append(rows_on(page))
        ranges.append(range_in(page.one("#range")))
        if "Next" not in page.one(".pages").text:
            break
        page = page_of(client.get(next_of(page)))

    assert ranges == [f"1-50 of {count}", f"51-100 of {count}", f"101-107 of {count}"]
    everything = [row for rows in pages for row in rows]
    assert len(everything) == len(set(everything)) == count

    back = []
    while "Previous" in page.one(".pages").text:
        page = page_of(client.get(previous_of(page)))
        back.append(rows_on(page))
        assert range_in(page.one("#range")) == ranges[len(pages) - 1 - len(back)]
    assert back == [pages[1], pages[0]]
    assert "Previous" not in page.one(".pages").text


def test_paging_keeps_the_search(world: World) -> None:
    [first, second] = commitments_in_projects(world, 2)
    many_synced(world, 2 * (PAGE_SIZE + 1), commitments=[first, second])
    client = browser_of(world.person())

    page = page_of(client.get(next_of(open_list(client, world, q="SC-01"))))

    assert range_in(page.one("#range")) == f"51-51 of {PAGE_SIZE + 1}"
    assert page.one("#q")["value"] == "SC-01"


def test_exactly_one_page_has_no_neighbours(world: World) -> None:
    many_synced(world, PAGE_SIZE, commitments=[world.commitment])
    page = open_list(browser_of(world.person()), world)

    assert range_in(page.one(".pages")) == f"1-{PAGE_SIZE} of {PAGE_SIZE}"


def test_a_key_that_is_another_companys_tells_nothing_and_changes_nothing(world: World) -> None:
    many_synced(world, 3, commitments=[world.commitment])
    ridgeline = factories.CompanyFactory.create(slug="ridgeline", name="Ridgeline Civil")
    membership = factories.MembershipFactory.create(company=ridgeline, user__username="outsider")
    membership.company_levels.create(tool="ERP_INTEGRATIONS", level=Level.STANDARD)
    client = browser_of(membership.user)
    address = "/companies/ridgeline/erp-integrations/commitment-change-orders/"
    theirs = ChangeOrderLink.objects.order_by("id")[0].pk

    plain = client.get(address)
    for query in (f"?after={theirs}", f"?before={theirs}"):
        assert rows_on(page_of(client.get(address + query))) == rows_on(page_of(plain)) == []
    home = browser_of(world.person())
    assert len(rows_on(open_list(home, world, after=987654))) == 3


def test_a_key_whose_row_has_left_the_view_still_marks_its_place(world: World) -> None:
    """Unlinked since, by somebody else: the page after it is still the page after it."""
    cco, rest, approver = world.synced_cco(), world.synced_cco("plain-01"), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    page = open_list(browser_of(approver), world, after=world.link_of(cco).pk)

    assert rows_on(page) == [row_of(rest)]
    assert range_in(page.one("#range")) == "1-1 of 1"


# --- rights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "levels", "words"),
    [
        (
            "erp-read-only",
            {"erp_integrations": Level.READ_ONLY},
            "Needs 'Standard' or 'Admin' on ERP Integrations; you have 'Read Only'",
        ),
        (
            "commitments-standard",
            {"commitments": Level.STANDARD},
            "Needs 'Admin' on Commitments in Harbor Tower; you have 'Standard'",
        ),
        (
            "no-privilege",
            {"can_push_to_accounting": False},
            "Needs Can Push to Accounting, which support grants",
        ),
    ],
)
def test_who_may_not_unlink_sees_the_list_with_disabled_buttons_that_say_why(
    world: World, username: str, levels: dict[str, Any], words: str
) -> None:
    cco = world.synced_cco()

    row = open_list(browser_of(world.person(username, **levels)), world).one(f"#cco-{cco.pk}")

    button = row.one("button.unlink")
    assert "disabled" in button
    assert button["aria-label"] == f"Unlink CCO {cco.number}"
    assert words in row.one(f"#{button['aria-describedby']}").text
    assert [form for form in row.all("form") if "/unlink/" in form["action"]] == []
    assert row.all("input[type=checkbox]") == []


@pytest.mark.parametrize("commitments", [Level.ADMIN, Level.NONE])
def test_who_has_no_level_on_erp_integrations_gets_403(world: World, commitments: Level) -> None:
    cco = world.synced_cco()
    person = world.person("company-admin", commitments=commitments, erp_integrations=Level.NONE)
    client = browser_of(person)

    for address in (list_address(world), list_address(world) + f"{cco.pk}/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert cco.title.encode() not in answer.content
        assert "You may not open this page" in page_of(answer).one("h1").text


def test_an_outsider_gets_404(world: World) -> None:
    cco = world.synced_cco()
    outsider = factories.MembershipFactory.create(user__username="outsider").user

    for address in (list_address(world), list_address(world) + f"{cco.pk}/", "/companies/harbor-point/"):
        answer = browser_of(outsider).get(address)
        assert answer.status_code == 404
        assert b"Harbor" not in answer.content


def test_rights_that_were_taken_away_count_at_once_in_an_open_session(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    client, membership = browser_of(approver), approver.memberships.get()
    assert "disabled" not in open_list(client, world).one("button.unlink")

    membership.can_push_to_accounting = False
    membership.save()
    assert "disabled" in open_list(client, world).one("button.unlink")
    assert client.post(list_address(world) + f"{cco.pk}/unlink/").status_code == 303

    membership.company_levels.update(level=Level.NONE)
    assert client.get(list_address(world)).status_code == 403

    membership.is_active = False
    membership.save()
    assert client.get(list_address(world)).status_code == 404
    assert client.post(list_address(world) + f"{cco.pk}/unlink/").status_code == 404
    assert client.get("/").status_code == 200, "still signed in, in no company"

    assert world.link_of(cco).is_active
    assert world.attempts(cco) == []


# --- history -------------------------------------------------------------------------------------


def test_the_history_tells_who_did_what_and_what_sage_said(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    client = browser_of(approver)
    client.post(list_address(world) + f"{cco.pk}/unlink/")
    world.delete_in_sage(cco)
    client.post(list_address(world) + f"{cco.pk}/unlink/")

    words = page_of(client.get(list_address(world) + f"{cco.pk}/")).one("#main").text

    for expected in (
        f"CCO {cco.number} {cco.title}",
        str(world.link_of(cco).row_id).upper(),
        "Still in Sage",
        "Unlinked",
        "ACCT2",
        "approver",
        "Loader",
    ):
        assert expected in words


# --- cost ----------------------------------------------------------------------------------------


def queries_for(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_list_costs_the_same_number_of_queries_for_1_row_and_50(world: World) -> None:
    many_synced(world, 1, commitments=[world.commitment])
    client = browser_of(world.person())
    for_one = queries_for(client, list_address(world))

    many_synced(world, PAGE_SIZE - 1, commitments=commitments_in_projects(world, 12))
    assert len(rows_on(open_list(client, world))) == PAGE_SIZE
    for_fifty = queries_for(client, list_address(world))

    assert for_one == for_fifty
    assert for_one <= 15


def test_the_list_costs_the_same_for_a_viewer_of_few_and_of_many_projects(world: World) -> None:
    many_synced(world, 4, commitments=commitments_in_projects(world, 4))
    of_many = world.person("approver")
    of_none = world.person("erp-admin", erp_integrations=Level.ADMIN)
    of_none.memberships.get().project_levels.all().delete()

    assert queries_for(browser_of(of_many), list_address(world)) == queries_for(
        browser_of(of_none), list_address(world)
    )


def test_another_page_costs_the_same_wherever_it_is(world: World) -> None:
    many_synced(world, 2 * PAGE_SIZE + 10, commitments=commitments_in_projects(world, 2))
    client = browser_of(world.person())
    second = next_of(open_list(client, world))
    third = next_of(page_of(client.get(second)))

    assert queries_for(client, second) == queries_for(client, third)
    assert queries_for(client, second) <= queries_for(client, list_address(world)) + 2


@pytest.mark.parametrize("view", ["ready-to-export", "rejected"])
def test_the_other_views_cost_the_same_for_1_row_and_many(world: World, view: str) -> None:
    client, address = browser_of(world.person()), list_address(world, f"?view={view}")
    status = {"ready-to-export": ErpStatus.READY_TO_EXPORT, "rejected": ErpStatus.REJECTED}[view]
    world.free_cco(erp_status=status)
    for_one = queries_for(client, address)

    for _ in range(11):
        world.free_cco(erp_status=status)

    assert len(rows_on(page_of(client.get(address)))) == 12
    assert queries_for(client, address) == for_one

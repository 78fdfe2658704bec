"""The company's home: what needs attention, and the money behind what Sage says."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from erp_integrations.listing import keyset
from erp_integrations.models import ChangeOrderLink
from tests.web.many import commitments_in_projects, many_synced
from tests.web.pages import Element, page_of
from tests.web.people import browser_of
from tests.world import World


def home(client: Client, query: str = "") -> Element:
    return page_of(client.get(reverse("company-home", args=["harbor-point"]) + query))


def lines(page: Element, key: str) -> list[list[str]]:
    """(word, count, money) of a table."""
    [table] = [one for one in page.all("table.status-summary") if one["aria-labelledby"] == f"{key}-heading"]
    return [[cell.text for cell in row.all("th") + row.all("td")] for row in table.all("tr")[1:]]


@pytest.fixture
def five(world: World) -> World:
    """Worth 1 to 5: 1 and 2 are there, 2 with another amount; 3 is deleted, 4 not sure, 5 renumbered."""
    many_synced(world, 5, commitments=[world.commitment])
    now = ChangeOrderLink.objects.values_list("linked_at", flat=True)[0]
    for amount, presence, drift in (
        (1, "present", []),
        (2, "present", ["amount"]),
        (3, "absent", []),
        (4, "unknown", []),
        (5, "renumbered", ["number", "amount"]),
    ):
        ChangeOrderLink.objects.filter(cco_amount=Decimal(amount)).update(
            presence=presence, drift=drift, presence_checked_at=now
        )
    return world


def test_money_and_count_by_what_sage_says_and_by_what_has_changed_there(five: World) -> None:
    page = home(browser_of(five.person()))

    assert lines(page, "presence") == [
        ["Present", "2", "3.00"],
        ["Renumbered", "1", "5.00"],
        ["Deleted", "1", "3.00"],
        ["Not sure", "1", "4.00"],
    ]
    assert lines(page, "drift") == [["Number", "1", "5.00"], ["Amount", "2", "7.00"]]
    assert "Deleted in Sage 1" in page.one("ul.choices").text


def test_each_line_leads_to_its_ccos(five: World) -> None:
    client = browser_of(five.person())
    for table in home(client).all("table.status-summary"):
        for row in table.all("tr")[1:]:
            shown = page_of(client.get(row.one("a")["href"]))
            assert (
                str(len([one for one in shown.all("tr") if "data-presence" in one])) == row.all("td")[0].text
            )


def test_more_than_can_be_counted_in_a_moment_is_counted_when_asked(
    five: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "MOST_COUNTED", 1)
    client = browser_of(five.person())

    page = home(client)
    assert lines(page, "presence")[0] == ["Present", "1+", "not added up"]
    [count] = [link["href"] for link in page.all("a") if link.text == "Count all and add them up"]
    assert lines(home(client, count), "presence")[0] == ["Present", "2", "3.00"]


def test_home_costs_the_same_however_many_ccos_there_are(world: World) -> None:
    client = browser_of(world.person())
    costs = []
    for more in (1, 20):
        many_synced(
            world, more, commitments=[world.commitment] if more == 1 else commitments_in_projects(world, 1)
        )
        with CaptureQueriesContext(connection) as queries:
            home(client)
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 12

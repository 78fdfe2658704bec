"""The page that moves a CCO's link: name the record, see both, say yes; with HTMX and without JavaScript."""

from typing import Any

import pytest
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import User
from erp_integrations.models import EventKind
from tests.sendable import status_of
from tests.web.pages import Element, page_of
from tests.web.people import AMBER, GREEN, answered_message, browser_of, htmx
from tests.web.test_accept_pages import fields_of
from tests.world import World


@pytest.fixture
def cco(world: World) -> CommitmentChangeOrder:
    return world.synced_cco()


@pytest.fixture
def approver(world: World, cco: CommitmentChangeOrder) -> User:
    return world.person()


def address(world: World, cco: CommitmentChangeOrder, record: str = "") -> str:
    url = reverse("move", args=[world.company.slug, cco.pk])
    return f"{url}?record={record}" if record else url


def yes(page: Element, reason: str = "Chosen by mistake", **changed: str) -> dict[str, str]:
    """What the page's own form sends."""
    return fields_of(page.one("form.move")) | {"reason": reason} | changed


def nothing_was_moved(world: World, cco: CommitmentChangeOrder) -> bool:
    return world.record_of(cco) == "702" and world.events(kind=EventKind.LINK_MOVED) == []


def test_the_page_asks_for_the_record(world: World, cco: CommitmentChangeOrder, approver: User) -> None:
    answer = browser_of(approver).get(address(world, cco))

    page = page_of(answer)
    assert answer.status_code == 200
    assert "It is linked to record 702, change number 11-2." in page.text
    assert page.all("form.move") == []


def test_both_records_stand_side_by_side_with_their_differences(
    world: World, cco: CommitmentChangeOrder, approver: User
) -> None:
    answer = browser_of(approver).get(address(world, cco, "703"))

    assert answer.status_code == 200
    rows = {row.one("th").text: row.texts("td") for row in page_of(answer).one("tbody").all("tr")}
    assert rows["Record number"] == ["", "702", "703", ""]
    assert rows["Title"] == ["Added steel at grid C", "Approved in Sage", "Extra wall ties", "≠ differs"]
    assert rows["Job"] == ["2611", "2611", "2611", "the same"]
    assert rows["Amount on subcontract 1201"][2:] == ["2,395.00", "≠ differs"]


def test_a_linked_record_that_is_gone(world: World, cco: CommitmentChangeOrder, approver: User) -> None:
    world.delete_in_sage(cco)

    page = page_of(browser_of(approver).get(address(world, cco, "703")))

    assert "not found in Sage" in page.text
    assert "is still in Sage" not in page.text


@pytest.mark.parametrize("headers", [{}, htmx("https://testserver/")], ids=["plain", "htmx"])
def test_yes_moves_the_link(
    world: World, cco: CommitmentChangeOrder, approver: User, headers: dict[str, Any]
) -> None:
    client = browser_of(approver)
    page = page_of(client.get(address(world, cco, "703")))

    answer = client.post(address(world, cco), yes(page), headers=headers)

    history = reverse("change-order-history", args=[world.company.slug, cco.pk])
    assert (answer.status_code, answer.headers["Location"]) == (303, history)
    shown = client.get(history)
    colour, title, _ = answered_message(shown)
    assert (colour, title) == (GREEN, f"CCO {cco.number} is linked to record 703 now")
    assert "moved to record 703" in page_of(shown).text
    assert (world.record_of(cco), status_of(cco)) == ("703", ErpStatus.SYNCED)


def test_a_record_that_was_changed_meanwhile_is_shown_again(
    world: World, cco: CommitmentChangeOrder, approver: User
) -> None:
    client = browser_of(approver)
    page = page_of(client.get(address(world, cco, "703")))
    world.sage.renumber("703", "99-9", user="ACCT2")

    answer = client.post(address(world, cco), yes(page))

    assert answer.status_code == 409
    assert answered_message(answer)[:2] == (AMBER, "This is not what you were shown")
    again = page_of(answer)
    assert "99-9" in again.one("tbody").text
    assert "Chosen by mistake" in again.one("form.move").text
    assert nothing_was_moved(world, cco)
    assert client.post(address(world, cco), yes(again)).status_code == 303


def test_without_a_reason_both_are_shown_again(
    world: World, cco: CommitmentChangeOrder, approver: User
) -> None:
    client = browser_of(approver)
    page = page_of(client.get(address(world, cco, "703")))

    answer = client.post(address(world, cco), yes(page, reason=" "))

    assert answer.status_code == 422
    assert "Say why this CCO belongs to the other record." in page_of(answer).one("form.move").text
    assert nothing_was_moved(world, cco)


def test_a_yes_to_nothing_that_was_shown(world: World, cco: CommitmentChangeOrder, approver: User) -> None:
    client = browser_of(approver)

    answers = [
        client.post(address(world, cco), {"record": "703", "reason": "Because"}),
        client.post(
            address(world, cco), {"record": "703", "subcontract": "1201", "reason": "Because", "shown": "x"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [422, 409]
    assert nothing_was_moved(world, cco)


@pytest.mark.parametrize("record", ["x", "", "1" * 19, "٣"])
def test_what_is_no_record_number(
    world: World, cco: CommitmentChangeOrder, approver: User, record: str
) -> None:
    answer = browser_of(approver).get(f"{address(world, cco)}?record={record}")

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("record", "title"),
    [
        ("702", "It is linked to record 702 already"),
        ("706", "That record is not this CCO's"),
        ("999999", "That record is not this CCO's"),
    ],
)
def test_a_record_it_cannot_be_moved_to(
    world: World, cco: CommitmentChangeOrder, approver: User, record: str, title: str
) -> None:
    answer = browser_of(approver).get(address(world, cco, record))

    assert answer.status_code == 409
    assert answered_message(answer)[:2] == (AMBER, title)


def test_a_sage_that_does_not_answer(world: World, cco: CommitmentChangeOrder, approver: User) -> None:
    client = browser_of(approver)
    page = page_of(client.get(address(world, cco, "703")))
    world.sage.set_fault("offline")

    answers = [client.get(address(world, cco, "703")), client.post(address(world, cco), yes(page))]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert {answered_message(answer)[0] for answer in answers} == {AMBER}
    assert nothing_was_moved(world, cco)


def test_a_cco_that_is_not_synced_has_nothing_to_move(world: World, approver: User) -> None:
    free = world.free_cco()

    answer = browser_of(approver).get(address(world, free, "703"))

    assert answer.status_code == 409
    assert "It is not linked to a record now" in page_of(answer).text


def test_who_may_not_unlink_may_not_move(world: World, cco: CommitmentChangeOrder) -> None:
    client = browser_of(world.person("no-privilege", can_push_to_accounting=False))

    assert client.get(address(world, cco, "703")).status_code == 403
    assert client.post(address(world, cco), {"record": "703"}).status_code == 403


def test_another_companys_cco_is_not_found(world: World, cco: CommitmentChangeOrder, approver: User) -> None:
    client = browser_of(approver)
    url = reverse("move", args=["ridgeline", cco.pk])

    assert client.get(url).status_code == 404


def test_the_history_of_a_synced_cco_leads_to_it(
    world: World, cco: CommitmentChangeOrder, approver: User
) -> None:
    history = reverse("change-order-history", args=[world.company.slug, cco.pk])
    reader = world.person("reader", can_push_to_accounting=False)

    links = [one.get("href") for one in page_of(browser_of(approver).get(history)).all("a")]

    assert address(world, cco) in links
    assert "Move its link" not in page_of(browser_of(reader).get(history)).text

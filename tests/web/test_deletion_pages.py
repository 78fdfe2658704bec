"""Stated deletions on the pages: state one, see it on the Connection tab, confirm and withdraw it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from companies.models import Level
from erp_integrations.models import ConfirmedDeletion
from tests.domain.test_confirm_deletion import Stated
from tests.web.pages import Element, page_of
from tests.web.people import AMBER, GREEN, answered_message, browser_of
from tests.world import World


@pytest.fixture
def stated(world: World) -> Stated:
    return Stated(world)


def address(stated: Stated, name: str = "deletion-state", *arguments: int) -> str:
    return reverse(name, args=[stated.world.company.slug, *arguments])


def post(client: Client, stated: Stated, **data: str) -> Any:
    values = {"record_numbers": "702\n703", "reason": "Deleted with its job"}
    return client.post(address(stated), values | data)


def section(client: Client, stated: Stated) -> Element:
    return page_of(client.get(address(stated, "connection"))).one("#deletions")


def test_the_form_names_the_record_of_the_cco_one_comes_from(stated: Stated) -> None:
    client = browser_of(stated.first)

    page = page_of(client.get(f"{address(stated)}?cco={stated.ccos[0].pk}"))
    strange = [client.get(f"{address(stated)}?cco={asked}") for asked in ("x", "999999", "-1", "٣", "1" * 30)]

    assert page.all("textarea")[0].text == "702"
    assert [answer.status_code for answer in strange] == [200] * 5


def test_a_statement_waits_on_the_connection_tab_for_the_second_admin(stated: Stated) -> None:
    first, second = browser_of(stated.first), browser_of(stated.second)

    answer = post(first, stated)

    assert answer.status_code == 303
    assert answer.headers["Location"] == address(stated, "connection") + "#deletions"
    assert answered_message(first.get(address(stated, "connection")))[:2] == (
        GREEN,
        "The deletion of 2 records is stated",
    )
    own, others = section(first, stated), section(second, stated)
    assert "It waits for another ERP admin to confirm it." in own.text
    assert [button.text for button in own.all("button")] == ["Withdraw"]
    assert [button.text for button in others.all("button")] == ["Confirm: they were deleted", "Withdraw"]
    assert "record 702: CCO" in others.text
    assert "Deleted with its job" in others.text


def test_the_second_admins_home_says_that_it_waits(stated: Stated) -> None:
    post(browser_of(stated.first), stated)
    home = reverse("company-home", args=[stated.world.company.slug])

    told = [
        "Stated deletions that wait for you to confirm 1" in page_of(browser_of(person).get(home)).text
        for person in (stated.first, stated.second, stated.world.person())
    ]

    assert told == [False, True, False]


def test_confirm_and_withdraw(stated: Stated) -> None:
    first, second = browser_of(stated.first), browser_of(stated.second)
    post(first, stated)
    deletion = ConfirmedDeletion.objects.get()

    second.post(address(stated, "deletion-confirm", deletion.pk))

    assert answered_message(second.get(address(stated, "connection")))[:2] == (
        GREEN,
        "The deletion is confirmed",
    )
    assert "by second-admin. It counts until" in section(second, stated).text
    assert stated.counting() == {"702", "703"}
    first.post(address(stated, "deletion-withdraw", deletion.pk))
    assert stated.counting() == set()
    assert "No deletion is stated now." in section(first, stated).text


def test_one_person_alone_confirms_nothing(stated: Stated) -> None:
    client = browser_of(stated.first)
    post(client, stated)
    client.get(address(stated, "connection"))

    client.post(address(stated, "deletion-confirm", ConfirmedDeletion.objects.get().pk))

    colour, title, _ = answered_message(client.get(address(stated, "connection")))
    assert (colour, title) == (AMBER, "Another ERP admin must confirm it")
    assert stated.counting() == set()


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        ({"reason": " "}, 422, "Say how you know that they were deleted."),
        ({"record_numbers": "702 x"}, 422, "digits only"),
        ({"record_numbers": ""}, 422, "Name each record"),
        ({"record_numbers": "702 999"}, 409, "No CCO is linked to record 999"),
    ],
)
def test_what_cannot_be_stated_is_said_and_what_was_typed_stays(
    stated: Stated, data: dict[str, str], status: int, words: str
) -> None:
    answer = post(browser_of(stated.first), stated, **data)

    assert answer.status_code == status
    assert words in page_of(answer).text
    if "reason" not in data:
        assert "Deleted with its job" in page_of(answer).text
    assert not ConfirmedDeletion.objects.exists()


def test_who_is_no_erp_admin_states_confirms_and_withdraws_nothing(stated: Stated) -> None:
    post(browser_of(stated.first), stated)
    deletion = ConfirmedDeletion.objects.get()
    client = browser_of(stated.world.person("standard", directory=Level.ADMIN))

    answers = [
        client.get(address(stated)),
        post(client, stated),
        client.post(address(stated, "deletion-confirm", deletion.pk)),
        client.post(address(stated, "deletion-withdraw", deletion.pk)),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert section(client, stated).all("button") == []
    assert (ConfirmedDeletion.objects.count(), stated.counting()) == (1, set())


def test_a_statement_that_is_not_there(stated: Stated) -> None:
    client = browser_of(stated.first)

    assert client.post(address(stated, "deletion-confirm", 999)).status_code == 404
    assert client.post(address(stated, "deletion-withdraw", 999)).status_code == 404


def test_the_history_of_a_cco_that_no_look_finds_leads_an_erp_admin_to_it(stated: Stated) -> None:
    history = reverse("change-order-history", args=[stated.world.company.slug, stated.ccos[0].pk])
    words = "State that it was deleted"

    assert words in page_of(browser_of(stated.first).get(history)).text
    assert words not in page_of(browser_of(stated.world.person()).get(history)).text

"""The page of the records that a CCO's link was moved from."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from erp_integrations.models import IgnoredRecord
from tests.domain.test_left_records import Moved
from tests.web.pages import page_of
from tests.web.people import AMBER, GREEN, answered_message, browser_of
from tests.world import World


@pytest.fixture
def moved(world: World) -> Moved:
    return Moved(world)


def address(moved: Moved) -> str:
    return reverse("left-records", args=[moved.world.company.slug, moved.cco.pk])


def post(client: Client, moved: Moved, **data: Any) -> Any:
    return client.post(address(moved), {"link": moved.former.pk, "act": "ignore", "reason": "Twice"} | data)


def test_it_lists_what_was_left(moved: Moved) -> None:
    page = page_of(browser_of(moved.approver).get(address(moved)))

    assert "Record 702" in page.texts("h2")
    assert "Neither linked nor ignored." in page.text
    assert [button.text for button in page.all("button.btn")] == ["Ignore record 702"]


def test_a_record_is_ignored_and_no_longer(moved: Moved) -> None:
    client = browser_of(moved.approver)

    answer = post(client, moved)

    assert (answer.status_code, answer.headers["Location"]) == (303, address(moved))
    shown = client.get(address(moved))
    assert answered_message(shown)[:2] == (GREEN, "Record 702 is ignored")
    assert "Ignored since" in page_of(shown).text
    assert post(client, moved, act="stop", reason="").status_code == 303
    assert answered_message(client.get(address(moved)))[1] == "Record 702 is no longer ignored"
    assert IgnoredRecord.objects.get().ended_at is not None


def test_without_a_reason_it_is_asked_for(moved: Moved) -> None:
    answer = post(browser_of(moved.approver), moved, reason=" ")

    assert answer.status_code == 422
    assert "Say why this record needs no CCO." in page_of(answer).text
    assert not IgnoredRecord.objects.exists()


def test_what_is_ignored_already(moved: Moved) -> None:
    client = browser_of(moved.approver)
    post(client, moved)
    client.get(address(moved))

    answer = post(client, moved)

    assert answer.status_code == 409
    assert answered_message(answer)[:2] == (AMBER, "This CCO does not answer for that record now")
    assert IgnoredRecord.objects.count() == 1


def test_who_only_sees_gets_no_button_and_no_act(moved: Moved) -> None:
    client = browser_of(moved.world.person("reader", can_push_to_accounting=False))

    page = page_of(client.get(address(moved)))

    assert page.all("button.btn") == []
    assert "Needs Can Push to Accounting" in page.text
    assert post(client, moved).status_code == 403
    assert not IgnoredRecord.objects.exists()


def test_the_history_of_a_moved_cco_leads_to_it(moved: Moved) -> None:
    history = reverse("change-order-history", args=[moved.world.company.slug, moved.cco.pk])

    links = [one.get("href") for one in page_of(browser_of(moved.approver).get(history)).all("a")]

    assert address(moved) in links

"""What the project team does with a CCO once it is free, and what it may not do before."""

from typing import Any

import pytest
from django.test import Client

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from companies.models import Level
from erp_integrations.models import ChangeOrderLink, LinkEvent
from tests import factories
from tests.web.pages import page_of
from tests.web.people import browser_of, click
from tests.world import World

LIST = "/companies/harbor-point/projects/2611/commitments/"


def of(cco: CommitmentChangeOrder) -> str:
    return f"{LIST}change-orders/{cco.pk}/"


def status_of(cco: CommitmentChangeOrder) -> str | None:
    """None once it is deleted."""
    return CommitmentChangeOrder.objects.filter(pk=cco.pk).values_list("status", flat=True).first()


def buttons_on(client: Client, cco: CommitmentChangeOrder) -> dict[str, bool]:
    """The page's buttons and whether they may be pressed."""
    page = page_of(client.get(of(cco)))
    return {button.text: "disabled" not in button for button in page.one(".actions").all("button")}


def test_the_list_and_the_page_show_both_statuses_apart(world: World) -> None:
    cco = world.synced_cco()
    client = browser_of(world.person())

    words = page_of(client.get(LIST)).one("#panel").text
    assert "Approved" in words
    assert "Synced" in words
    page = page_of(client.get(of(cco))).one("#main").text
    assert f"CCO {cco.number} {cco.title}" in page
    assert "100.00" in page


@pytest.mark.parametrize("erp_status", [ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED])
def test_a_free_cco_is_set_to_draft_and_deleted(world: World, erp_status: ErpStatus) -> None:
    cco, client = world.free_cco(erp_status=erp_status), None
    client = browser_of(world.person())
    assert buttons_on(client, cco) == {"Set to Draft": True, "Delete": True}

    assert client.post(of(cco) + "set-to-draft/").status_code == 302
    assert status_of(cco) == ChangeOrderStatus.DRAFT
    assert page_of(client.get(of(cco))).one("#messages").text == "Set to Draft."

    answer = client.post(of(cco) + "delete/")
    assert answer["Location"] == LIST
    assert status_of(cco) is None
    assert "The CCO was deleted." in page_of(client.get(LIST)).one("#messages").text
    assert client.get(of(cco)).status_code == 404


@pytest.mark.parametrize(
    ("erp_status", "words"),
    [
        (ErpStatus.READY_TO_EXPORT, "It waits for accounting."),
        (ErpStatus.EXPORTING, "Accounting is sending it to the ERP."),
        (ErpStatus.FAILED_TO_EXPORT, "Its export failed"),
    ],
)
def test_what_accounting_holds_is_locked_and_says_why(
    world: World, erp_status: ErpStatus, words: str
) -> None:
    cco = world.free_cco(erp_status=erp_status)
    client = browser_of(world.person())

    assert buttons_on(client, cco) == {"Set to Draft": False, "Delete": False}
    assert words in page_of(client.get(of(cco))).one("#locked").text
    for act in ("set-to-draft/", "delete/"):
        client.post(of(cco) + act)
        assert "Nothing was changed." in page_of(client.get(of(cco))).one("#messages").text
    assert status_of(cco) == ChangeOrderStatus.APPROVED


def test_a_synced_cco_can_be_neither_set_to_draft_nor_deleted(world: World) -> None:
    cco = world.synced_cco()
    client, before = browser_of(world.person()), world.before(cco)

    for act in ("set-to-draft/", "delete/"):
        client.post(of(cco) + act)
        words = page_of(client.get(of(cco))).one("#messages").text
        assert words == (
            "It is tied to its record in the ERP. Accounting has to unlink it first. Nothing was changed."
        )
    assert status_of(cco) == ChangeOrderStatus.APPROVED
    assert world.before(cco) == before


def test_after_the_unlink_it_is_set_to_draft_and_deleted_and_its_story_stays(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    client = browser_of(world.person())
    events = len(world.events())
    assert click(client, world, cco).status_code == 200

    client.post(of(cco) + "set-to-draft/")
    client.post(of(cco) + "delete/")

    assert status_of(cco) is None
    [link] = ChangeOrderLink.objects.all()
    assert link.change_order_id is None
    assert (link.cco_number, link.cco_title) == (cco.number, cco.title)
    assert LinkEvent.objects.filter(company_id=world.company.pk).count() == events + 1


@pytest.mark.parametrize("level", [Level.READ_ONLY, Level.STANDARD])
def test_who_may_only_look_gets_the_words_and_403(world: World, level: Level) -> None:
    cco = world.free_cco()
    client = browser_of(world.person("commitments-standard", commitments=level))

    assert not any(buttons_on(client, cco).values())
    assert (
        f"Needs 'Admin' on Commitments in Harbor Tower; you have '{level.label}'"
        in page_of(client.get(of(cco))).one("#locked").text
    )
    for act in ("set-to-draft/", "delete/"):
        assert client.post(of(cco) + act).status_code == 403
    assert status_of(cco) == ChangeOrderStatus.APPROVED


def test_no_level_on_this_project_gets_403(world: World) -> None:
    cco = world.free_cco()
    client = browser_of(world.person("company-admin", commitments=Level.NONE))

    for address in (LIST, of(cco)):
        assert client.get(address).status_code == 403
    assert client.post(of(cco) + "delete/").status_code == 403
    assert status_of(cco) == ChangeOrderStatus.APPROVED


def _another_project(world: World) -> str:
    project: Any = factories.ProjectFactory.create(company=world.company, number="7777")
    return f"/companies/harbor-point/projects/{project.number}/commitments/"


def test_a_cco_is_found_in_its_own_project_and_company_only(world: World) -> None:
    cco = world.free_cco()
    elsewhere = _another_project(world)
    client = browser_of(world.person())
    outsider = browser_of(
        factories.MembershipFactory.create(company__slug="ridgeline", user__username="outsider").user
    )
    wrong = (
        (client, f"{elsewhere}change-orders/{cco.pk}/"),
        (client, f"/companies/harbor-point/projects/none/commitments/change-orders/{cco.pk}/"),
        (client, f"{LIST}change-orders/999999/"),
        (client, f"{LIST}change-orders/{'9' * 200}/"),
        (client, f"{LIST}change-orders/abc/"),
        (outsider, of(cco)),
        (outsider, f"/companies/ridgeline/projects/2611/commitments/change-orders/{cco.pk}/"),
    )
    for browser, address in wrong:
        assert browser.get(address).status_code == 404, address
        for act in ("set-to-draft/", "delete/"):
            assert browser.post(address + act).status_code == 404, address + act
    assert outsider.get(LIST).status_code == 404
    assert status_of(cco) == ChangeOrderStatus.APPROVED


@pytest.mark.parametrize("act", ["set-to-draft/", "delete/"])
def test_acts_are_post_only(world: World, act: str) -> None:
    cco = world.free_cco()

    assert browser_of(world.person()).get(of(cco) + act).status_code == 405
    assert status_of(cco) == ChangeOrderStatus.APPROVED

"""The accountant's pages: only for a practice company, only in the demo."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from companies.models import Level
from erp_integrations import registry
from erp_integrations.operations import connecting
from tests import factories
from tests.web.pages import Element, page_of
from tests.web.people import SUCCESS, answered_message, browser_of, click
from tests.world import LINKER, World

SANDBOX = "/companies/harbor-point/sage-sandbox/"


def act(client: Client, record: str, what: str) -> Any:
    return client.post(f"{SANDBOX}{record}/act/", {"act": what})


def row(client: Client, record: str) -> Element:
    answer = client.get(SANDBOX)
    assert answer.status_code == 200
    return page_of(answer).one(f"#record-{record}")


def test_every_change_order_is_listed_and_can_be_opened(world: World) -> None:
    client = browser_of(world.person())
    page = page_of(client.get(SANDBOX))

    assert len([r for r in page.all("tr") if "id" in r]) == len(world.sage.change_orders())
    assert "practice Sage company, not Plumbline" in page.one(".practice-band").text
    present = world.scenarios["present"]
    assert present.title in row(client, present.record_number).text
    opened = client.get(f"{SANDBOX}{present.record_number}/")
    assert opened.status_code == 200
    assert present.title in page_of(opened).one("h1").text
    assert present.subcontract_record_number in page_of(opened).one("#main").text


def test_the_accountants_acts_are_done_and_told(world: World) -> None:
    client, record = browser_of(world.person()), world.scenarios["present"].record_number
    for what, status in (
        ("void", "Void"),
        ("restore", "Approved"),
        ("reject", "Rejected"),
        ("delete", "Deleted"),
    ):
        answer = act(client, record, what)
        assert answer.status_code == 302
        assert answer["Location"] == SANDBOX
        page = page_of(client.get(SANDBOX))
        assert f"Record {record} was" in page.one("#messages").text
        [cell] = [c for c in page.one(f"#record-{record}").all("td") if c.get("data-label") == "Status"]
        assert cell.text == status
    assert client.get(f"{SANDBOX}{record}/").status_code == 404, "what is deleted cannot be opened"

    numbers = {r.record_number for r in world.sage.change_orders()}
    act(client, record, "recreate")
    [new] = {r.record_number for r in world.sage.change_orders()} - numbers
    assert new != record


def test_deleting_here_makes_unlink_go_green(world: World) -> None:
    cco = world.synced_cco()
    client = browser_of(world.person())
    assert click(client, world, cco).status_code == 409

    act(client, world.record_of(cco), "delete")

    assert answered_message(click(client, world, cco))[1] == SUCCESS


def test_an_act_that_is_not_possible_changes_nothing_and_says_so(world: World) -> None:
    client, record = browser_of(world.person()), world.scenarios["present"].record_number
    before = world.sage.change_orders()

    act(client, record, "recreate")

    assert "Nothing was changed." in page_of(client.get(SANDBOX)).one("#messages").text
    assert world.sage.change_orders() == before


@pytest.mark.parametrize(
    "what", ["", "create", "play", "set_fault", "__class__", "restore_backup", "renumber", "DELETE"]
)
def test_an_unknown_act_is_not_found(world: World, what: str) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()

    assert act(client, world.scenarios["present"].record_number, what).status_code == 404
    assert world.sage.change_orders() == before


@pytest.mark.parametrize("record", ["999999", "abc", "0", "-1", "7 01", "%00", "701'", "9" * 300])
def test_a_record_that_is_not_there_is_not_found(world: World, record: str) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()

    assert client.get(f"{SANDBOX}{record}/").status_code == 404
    assert act(client, record, "delete").status_code == 302
    assert "Nothing was changed." in page_of(client.get(SANDBOX)).one("#messages").text
    assert world.sage.change_orders() == before


def test_faults_are_switched_on_and_off(world: World) -> None:
    client = browser_of(world.person())

    client.post(f"{SANDBOX}fault/", {"fault": "offline"})
    assert world.sage.fault() == "offline"
    page = page_of(client.get(SANDBOX))
    assert [o["value"] for o in page.one("#fault").all("option") if "selected" in o] == ["offline"]
    client.post(f"{SANDBOX}fault/", {"fault": "none"})
    assert world.sage.fault() == "none"


@pytest.mark.parametrize("fault", ["", "no-such-fault", "slow:", "slow:nan", "slow:1e9", "\x00"])
def test_a_fault_that_does_not_exist_is_not_switched_on(world: World, fault: str) -> None:
    client = browser_of(world.person())

    client.post(f"{SANDBOX}fault/", {"fault": fault})

    assert world.sage.fault() == "none"
    assert "There is no such fault" in page_of(client.get(SANDBOX)).one("#messages").text


def test_restoring_the_backup_makes_it_another_database(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    client = browser_of(world.person())

    assert client.post(f"{SANDBOX}restore-backup/").status_code == 302

    answer = click(client, world, cco)
    assert answer.status_code == 503
    assert world.link_of(cco).is_active


@pytest.mark.parametrize("address", ["701/act/", "fault/", "restore-backup/"])
def test_what_changes_the_practice_company_is_post_only(world: World, address: str) -> None:
    before = world.sage.change_orders()

    assert browser_of(world.person()).get(SANDBOX + address).status_code == 405
    assert world.sage.change_orders() == before


ADDRESSES = [
    ("get", ""),
    ("get", "702/"),
    ("post", "702/act/"),
    ("post", "fault/"),
    ("post", "restore-backup/"),
]
WORDS = {"act": "delete", "fault": "offline"}


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
@pytest.mark.parametrize("level", [Level.READ_ONLY, Level.NONE])
def test_who_may_only_read_may_not_act_as_the_accountant(
    world: World, method: str, address: str, level: Level
) -> None:
    client, before = browser_of(world.person("reader", erp_integrations=level)), world.sage.change_orders()

    assert getattr(client, method)(SANDBOX + address, WORDS).status_code == 403
    assert world.sage.change_orders() == before
    assert world.sage.fault() == "none"


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_there_is_no_practice_company_outside_the_demo(
    world: World, settings: Settings, method: str, address: str
) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()
    settings.DEMO = False

    assert getattr(client, method)(SANDBOX + address, WORDS).status_code == 404
    assert world.sage.change_orders() == before
    assert (
        "sage-sandbox"
        not in client.get("/companies/harbor-point/erp-integrations/connection/").content.decode()
    )


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_there_is_no_practice_company_where_the_books_are_real(
    world: World, method: str, address: str
) -> None:
    connecting.set_connection(
        company=world.company,
        address=connecting.Address(
            kind=registry.ODBC, database="Books", odbc_string="DRIVER={None};DATABASE=Books"
        ),
        actor=LINKER,
    )

    assert getattr(browser_of(world.person()), method)(SANDBOX + address, WORDS).status_code == 404
    assert world.sage.fault() == "none"


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_another_companys_practice_company_is_not_found(world: World, method: str, address: str) -> None:
    outsider = factories.MembershipFactory.create(user__username="outsider").user
    before = world.sage.change_orders()

    assert getattr(browser_of(outsider), method)(SANDBOX + address, WORDS).status_code == 404
    assert world.sage.change_orders() == before

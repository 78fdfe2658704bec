"""The accountant's pages: only for a practice company, only in the demo."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from companies.models import Level
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.ports import SandboxRecord
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


def test_a_deleted_record_and_the_one_with_its_number_stand_in_rows_of_their_own(world: World) -> None:
    client = browser_of(world.person())
    record = max((r.record_number for r in world.sage.change_orders()), key=int)
    row_id = str(world.sage.change_order(record).row_id)
    act(client, record, "delete")
    act(client, record, "recreate")

    page = page_of(client.get(SANDBOX))
    there, deleted = page.one(f"#record-{record}"), page.one(f"#record-{row_id}")
    assert "Approved" in there.text
    assert "Deleted · its number was given again" in deleted.text
    assert [f["action"] for f in deleted.all("form")] == [f"{SANDBOX}{row_id}/act/"] * 2

    act(client, row_id, "restore")
    told = page_of(client.get(SANDBOX)).one("#messages").text
    assert f"Record number {record} is taken by another change order now" in told
    assert "Nothing was changed." in told
    assert str(world.sage.change_order(record).row_id) != row_id

    act(client, record, "delete")
    act(client, row_id, "restore")
    assert str(world.sage.change_order(record).row_id) == row_id


def test_a_closed_job_is_archived_and_no_other(world: World) -> None:
    client = browser_of(world.person())
    page = page_of(client.get(SANDBOX))
    offered = [f["action"] for f in page.all("form") if f["action"].endswith("/archive/")]
    closed = [job.record_number for job in world.books.jobs if job.status == "Closed"]
    assert offered == [f"{SANDBOX}jobs/{job}/archive/" for job in closed]

    assert client.post(f"{SANDBOX}jobs/2609/archive/")["Location"] == SANDBOX
    page = page_of(client.get(SANDBOX))
    assert "Job 2609 was archived in the practice company." in page.one("#messages").text
    assert "2609" not in {job.record_number for job in world.sage.company_now().jobs}
    assert "Old Cannery Lofts" not in page.one("#main").text, "nor do its change orders stand in the list"

    for job in ("2611", "2609", "x", "9" * 300):
        before = world.sage.company_now()
        client.post(f"{SANDBOX}jobs/{job}/archive/")
        assert "Nothing was changed." in page_of(client.get(SANDBOX)).one("#messages").text
        assert world.sage.company_now() == before


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


@pytest.mark.parametrize("address", ["701/act/", "fault/", "restore-backup/", "jobs/2609/archive/"])
def test_what_changes_the_practice_company_is_post_only(world: World, address: str) -> None:
    before = world.sage.change_orders()

    assert browser_of(world.person()).get(SANDBOX + address).status_code == 405
    assert world.sage.change_orders() == before


# --- a new change order ----------------------------------------------------------------------------

NEW = f"{SANDBOX}new/"
HEADER = {
    "number": "11-90",
    "dated": "2026-03-09",
    "job_record_number": "2611",
    "phase": "1",
    "description": "Deeper footings at grid C",
    "scope": "As discussed on site.\nTwice.",
    "lines-TOTAL_FORMS": "3",
    "lines-INITIAL_FORMS": "0",
}
COLUMNS = {
    "vendor_record_number": "301",
    "subcontract_record_number": "1201",
    "subcontract_line": "1",
    "sub_change_number": "01-90",
    "description": "Deeper footings",
    "cost_code": "3310",
    "cost_type": "4",
    "amount": "1250.50",
}


def line(place: int, **changed: str) -> dict[str, str]:
    return {f"lines-{place}-{name}": value for name, value in (COLUMNS | changed).items()}


def new_records(world: World, before: tuple[SandboxRecord, ...]) -> list[str]:
    known = {record.record_number for record in before}
    return [r.record_number for r in world.sage.change_orders() if r.record_number not in known]


def values_of(page: Element) -> dict[str, str]:
    """What stands in the form, but for its token."""
    typed = {e["name"]: e.get("value") or "" for e in page.one("#main").all("input")}
    typed |= {e["name"]: e.text for e in page.one("#main").all("textarea")}
    typed.pop("csrfmiddlewaretoken")
    return typed


def errors_of(page: Element) -> dict[str, str]:
    """What is said, by the field it stands at."""
    return {
        e["id"].removeprefix("id_").removesuffix("_error"): e.text
        for e in page.one("#main").all("ul.errorlist")
        if "id" in e
    }


def test_a_change_order_is_keyed_in_by_hand(world: World) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()
    page = page_of(client.get(SANDBOX))
    assert NEW in [a["href"] for a in page.all("a.btn")]

    empty = values_of(page_of(client.get(NEW)))
    assert empty["lines-TOTAL_FORMS"] == "3"
    answer = client.post(NEW, empty | HEADER | line(0) | line(2, subcontract_line="", amount="-50"))

    [saved] = new_records(world, before)
    assert answer["Location"] == f"{SANDBOX}{saved}/"
    order = world.sage.change_order(saved)
    assert (order.number, order.status, order.description) == ("11-90", "Approved", HEADER["description"])
    assert [(one.subcontract_line, str(one.amount)) for one in order.lines] == [
        ("1", "1250.50"),
        ("", "-50.00"),
    ]
    assert f"Record {saved} was saved" in page_of(client.get(answer["Location"])).one("#messages").text


def test_another_line_keeps_what_was_typed_and_judges_nothing_yet(world: World) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()
    typed = HEADER | {"dated": "soon", "job_record_number": ""} | line(1, amount="a lot", cost_code="")

    page = page_of(client.post(NEW, typed | {"add-line": "1"}))

    assert errors_of(page) == {}
    there = values_of(page)
    assert there["lines-TOTAL_FORMS"] == "4"
    assert {name: there[name] for name in typed if name != "lines-TOTAL_FORMS"} == {
        name: value.replace("\n", " ") for name, value in typed.items() if name != "lines-TOTAL_FORMS"
    }
    assert new_records(world, before) == []

    client.post(NEW, there | HEADER | {"lines-TOTAL_FORMS": "4"} | line(1) | line(3, subcontract_line="2"))
    [saved] = new_records(world, before)
    assert len(world.sage.change_order(saved).lines) == 2


def test_lines_are_added_up_to_a_limit(world: World) -> None:
    client = browser_of(world.person())
    for asked, there in (("49", "50"), ("50", "50"), ("4000", "50")):
        page = page_of(client.post(NEW, HEADER | {"lines-TOTAL_FORMS": asked, "add-line": "1"}))
        assert values_of(page)["lines-TOTAL_FORMS"] == there


REFUSALS = {
    "no date": ({"dated": ""}, "dated", "This field is required."),
    "a date that is none": ({"dated": "2026-02-30"}, "dated", "Enter a valid date."),
    "a long number": ({"number": "x" * 21}, "number", "at most 20 characters"),
    "no job": ({"job_record_number": ""}, "job_record_number", "required"),
    "an unknown job": ({"job_record_number": "9999"}, "job_record_number", "There is no job 9999."),
    "another vendor": (line(2, vendor_record_number="302"), "lines-2-vendor_record_number", "vendor 301"),
    "three decimals": (line(2, amount="1.005"), "lines-2-amount", "no more than 2 decimal places"),
    "an amount in words": (line(2, amount="=1+1"), "lines-2-amount", "Enter a number."),
    "an amount without end": (line(2, amount="Infinity"), "lines-2-amount", "Enter a number."),
    "no cost code": (line(2, cost_code=""), "lines-2-cost_code", "required"),
    "an unknown cost type": (line(2, cost_type="0"), "lines-2-cost_type", "There is no cost type 0."),
    "the same line twice": (line(2), "lines-2-subcontract_line", "changed a second time"),
    "half a subcontract": (line(2, vendor_record_number=""), "lines-2-vendor_record_number", "together"),
    "nul": ({"description": "steel\x00beam"}, "description", "Null characters are not allowed."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_saved_is_said_at_its_field_and_nothing_typed_is_lost(world: World, case: str) -> None:
    changed, field, words = REFUSALS[case]
    client, before = browser_of(world.person()), world.sage.change_orders()
    typed = HEADER | line(0) | changed

    answer = client.post(NEW, typed)

    assert answer.status_code == 200
    page = page_of(answer)
    [(place, said)] = errors_of(page).items()
    assert place == field
    assert words in said
    assert (
        values_of(page).items() >= {name: value.replace("\n", " ") for name, value in typed.items()}.items()
    )
    [told] = [e for e in page.all("input") if e.get("id") == f"id_{field}"]
    assert told["aria-invalid"] == "true"
    assert told["aria-describedby"] == f"id_{field}_error"
    assert world.sage.change_orders() == before


@pytest.mark.parametrize("total", ["", "x", "1e9", "51"])
def test_a_form_that_was_tampered_with_is_refused(world: World, total: str) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()
    answer = client.post(NEW, HEADER | line(0) | {"lines-TOTAL_FORMS": total})
    assert answer.status_code == 200
    assert world.sage.change_orders() == before


def test_words_are_words_whatever_they_are(world: World) -> None:
    client, before = browser_of(world.person()), world.sage.change_orders()
    nasty = "<b>%s</b> 🏗 \u202egnp.exe '\"` =1+1"
    client.post(NEW, HEADER | {"description": nasty} | line(0, description=nasty))
    [saved] = new_records(world, before)
    assert world.sage.change_order(saved).description == nasty
    assert nasty in page_of(client.get(f"{SANDBOX}{saved}/")).one("#main").text


ADDRESSES = [
    ("get", ""),
    ("get", "new/"),
    ("post", "new/"),
    ("get", "702/"),
    ("post", "702/act/"),
    ("post", "fault/"),
    ("post", "restore-backup/"),
    ("post", "jobs/2609/archive/"),
]
WORDS = {"act": "delete", "fault": "offline", **HEADER, **line(0)}


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
    connect.set_connection(
        company=world.company,
        address=connect.Address(
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

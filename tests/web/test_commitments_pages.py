"""The project team's pages: the list, a commitment, a CCO, and the forms that write them."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commitments.models import (
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    CommitmentStatus,
    ErpStatus,
    HistoryEntry,
)
from companies.models import Level
from erp_integrations.models import ChangeOrderLink, LinkEvent
from erp_integrations.record_links import operations as record_links
from tests import factories, sendable
from tests.domain.test_locks import HELD, cco_in
from tests.web.pages import Element, page_of
from tests.web.people import browser_of, click
from tests.web.sheets import fields_on, open_and_send, problems_on
from tests.world import LINKER, World

PROJECTS = "/companies/harbor-point/projects/"
LIST = f"{PROJECTS}2611/commitments/"
RLO = "\u202egnp.exe \u0645\u0631\u062d\u0628\u0627"


@pytest.fixture
def team(world: World) -> Client:
    """The browser of somebody of the project team, who has nothing to do with accounting."""
    assert world.commitment.pk
    return browser_of(
        world.person("project-manager", erp_integrations=Level.NONE, can_push_to_accounting=False)
    )


@pytest.fixture
def codes(world: World) -> tuple[str, str]:
    code = factories.CostCodeFactory.create(company=world.company, code="5100.000", name="Steel")
    kind = factories.CostTypeFactory.create(company=world.company)
    return str(code.pk), str(kind.pk)


def of(row: CommitmentChangeOrder | Commitment) -> str:
    return f"{LIST}{'change-orders/' if isinstance(row, CommitmentChangeOrder) else ''}{row.pk}/"


def fresh(cco: CommitmentChangeOrder) -> CommitmentChangeOrder:
    return CommitmentChangeOrder.objects.get(pk=cco.pk)


def status_of(cco: CommitmentChangeOrder) -> str | None:
    """None once it is deleted."""
    return CommitmentChangeOrder.objects.filter(pk=cco.pk).values_list("status", flat=True).first()


def buttons_on(page: Element) -> dict[str, bool]:
    """The acts of a page and whether they may be pressed."""
    acts = page.one("#acts")
    return {button.text: "disabled" not in button for button in acts.all("button.btn") + acts.all("a.btn")}


def words_on(client: Client, address: str) -> str:
    return page_of(client.get(address)).one("#messages").text


def line(
    codes: tuple[str, str], amount: str = "100.00", row: int = 0, description: str = "Steel"
) -> dict[str, str]:
    code, kind = codes
    return {
        f"line{row}_description": description,
        f"line{row}_cost_code": code,
        f"line{row}_cost_type": kind,
        f"line{row}_amount": amount,
    }


# --- the lists ------------------------------------------------------------------------------------


def test_projects_are_those_whose_commitments_one_may_see(world: World, team: Client) -> None:
    factories.ProjectFactory.create(company=world.company, number="7777", name="Hidden Pier")

    page = page_of(team.get(PROJECTS))

    assert "Harbor Tower" in page.one("#main").text
    assert "Hidden Pier" not in page.one("#main").text
    assert {link.text: link["href"] for link in page.one("nav").all("a")}["Projects"] == PROJECTS
    nobody = browser_of(world.person("company-admin", commitments=Level.NONE))
    assert "There is no project" in page_of(nobody.get(PROJECTS)).one("#main").text
    assert "Projects" not in page_of(nobody.get("/companies/harbor-point/")).texts("nav a")


def test_the_list_tells_money_and_both_statuses(world: World, team: Client) -> None:
    commitment = world.commitment
    code = factories.CostCodeFactory.create(company=world.company)
    kind = factories.CostTypeFactory.create(company=world.company)
    for position, amount in ((1, "1000.00"), (2, "500.50")):
        commitment.lines.create(
            position=position, description="Steel", cost_code=code, cost_type=kind, amount=amount
        )
    for status, amount in (
        (ChangeOrderStatus.APPROVED, "100.00"),
        (ChangeOrderStatus.APPROVED, "-300.00"),
        (ChangeOrderStatus.PENDING_PRICING, "40.00"),
        (ChangeOrderStatus.PENDING_IN_REVIEW, "2.00"),
        (ChangeOrderStatus.DRAFT, "7.00"),
        (ChangeOrderStatus.VOID, "9.00"),
    ):
        CommitmentChangeOrder.objects.filter(pk=world.free_cco(amount=amount).pk).update(status=status)
    record_links.link_commitment(commitment=commitment, record_number="1201", actor=LINKER)

    row = page_of(team.get(LIST)).one("tbody").text

    assert row == (
        f"{commitment.number} Structural steel Subcontract {commitment.vendor.name} Approved Synced "
        "1,500.50 (200.00)minus 200.00 1,300.50 42.00"
    )
    page = page_of(team.get(of(commitment))).one("#main").text
    for money in ("1,500.50", "(200.00)", "1,300.50", "42.00"):
        assert money in page


def test_search_and_kind_find(world: World, team: Client) -> None:
    cco = world.free_cco()
    order = factories.CommitmentFactory.create(
        project=world.project, kind=CommitmentKind.PURCHASE_ORDER, number="PO-77", title="Anchor bolts"
    )

    def found(query: str) -> list[str]:
        return [row.one("th").text for row in page_of(team.get(LIST + query)).one("#main").all("tr")[1:]]

    assert found("?q=bolts") == found("?kind=PURCHASE_ORDER") == ["PO-77"]
    assert found(f"?q={cco.title.split()[0]}+grid") == [world.commitment.number]
    assert found(f"?q={order.vendor.name.replace(' ', '+')}&kind=SUBCONTRACT") == []
    assert len(found("?kind=<script>&page=9999999999&q=")) == 2
    assert "Nothing matches" in page_of(team.get(LIST + "?q=%00%25")).one("#main").text


def test_fifty_rows_cost_as_many_queries_as_one(world: World, team: Client) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert team.get(address).status_code == 200
        return len(asked)

    cco = world.free_cco()
    team.get(LIST)
    pages = (LIST, of(world.commitment), of(cco), f"{of(cco)}edit/", PROJECTS)
    few = [queries(page) for page in pages]
    for number in range(50):
        factories.CommitmentFactory.create(
            project=world.project, number=f"X-{number:02}", vendor=world.commitment.vendor
        )
        factories.ChangeOrderLineFactory.create(
            change_order=factories.ChangeOrderFactory.create(commitment=world.commitment)
        )
        factories.ChangeOrderLineFactory.create(change_order=cco, position=100 + number)

    assert [queries(page) for page in pages] == few
    page = page_of(team.get(LIST))
    assert len(page.one("tbody").all("tr")) == 50
    assert page.one(".range").text == "1\N{EN DASH}50 of 51"


# --- commitments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status"), [("subcontract", "OUT_FOR_BID"), ("purchase-order", "PARTIALLY_RECEIVED")]
)
def test_a_commitment_is_created_edited_and_deleted(
    world: World, team: Client, codes: tuple[str, str], kind: str, status: str
) -> None:
    vendor = world.commitment.vendor
    answer = open_and_send(
        team,
        f"{LIST}new/{kind}/",
        number="C-900",
        title="Curtain wall",
        vendor=str(vendor.pk),
        status=status,
        **line(codes, "1,250.00"),
        **line(codes, "(50.25)", row=1, description="Credit"),
    )
    made = Commitment.objects.get(number="C-900")
    assert answer["Location"] == of(made)
    assert (made.status, [str(one.amount) for one in made.lines.order_by("position")]) == (
        status,
        ["1250.00", "-50.25"],
    )

    answer = open_and_send(team, f"{of(made)}edit/", title="Curtain walls", **{"lines-1-DELETE": "on"})
    assert answer.status_code == 302
    page = page_of(team.get(of(made)))
    assert "Curtain walls" in page.one("#main").text
    assert made.lines.get().amount == 1250
    history = page.all("tbody")[-1].text
    assert "project-manager Title Curtain wall Curtain walls" in history

    assert team.post(f"{of(made)}delete/")["Location"] == LIST
    assert not Commitment.objects.filter(pk=made.pk).exists()


def test_statuses_are_offered_by_kind(world: World, team: Client) -> None:
    def offered(kind: str) -> list[str]:
        return page_of(team.get(f"{LIST}new/{kind}/")).one("#id_status").texts("option")

    assert offered("subcontract") == [
        "Draft", "Out For Bid", "Out For Signature", "Approved", "Complete", "Terminated", "Void",
    ]  # fmt: skip
    assert offered("purchase-order") == [
        "Draft", "Processing", "Submitted", "Partially Received", "Received", "Approved", "Closed",
    ]  # fmt: skip
    assert team.get(f"{LIST}new/lease/").status_code == 404
    answer = open_and_send(
        team,
        f"{LIST}new/subcontract/",
        number="1",
        title="x",
        vendor=str(world.commitment.vendor_id),
        status="CLOSED",
    )
    assert answer.status_code == 422
    assert not Commitment.objects.filter(number="1").exists()


def test_a_commitment_with_change_orders_is_not_deleted_and_says_why(world: World, team: Client) -> None:
    cco = world.free_cco()
    assert f"delete CCO {cco.number} first" in page_of(team.get(of(world.commitment))).one("#why-delete").text
    team.post(f"{of(world.commitment)}delete/")
    assert words_on(team, of(world.commitment)) == (
        f"It has change orders: delete CCO {cco.number} first. Nothing was changed."
    )
    assert Commitment.objects.filter(pk=world.commitment.pk).exists()


@pytest.mark.parametrize("status", HELD)
def test_the_contract_company_is_locked_while_accounting_holds_a_cco(
    world: World, team: Client, status: ErpStatus
) -> None:
    cco = cco_in(world, status)
    other = factories.VendorFactory.create(company=world.company)
    address = f"{of(world.commitment)}edit/"

    page = page_of(team.get(address))
    assert "disabled" in page.one("#id_vendor")
    assert f"accounting holds CCO {cco.number}" in page.one("#id_vendor_helptext").text
    assert open_and_send(team, address, vendor=str(other.pk), title="Renamed").status_code == 302
    now = Commitment.objects.get(pk=world.commitment.pk)
    assert (now.vendor_id, now.title) == (world.commitment.vendor_id, "Renamed")


# --- CCOs: written --------------------------------------------------------------------------------


def test_a_cco_is_created_with_lines_that_change_the_commitments(
    world: World, team: Client, codes: tuple[str, str]
) -> None:
    code, kind = codes
    there = world.commitment.lines.create(
        position=1, description="Frame", cost_code_id=code, cost_type_id=kind, amount=900
    )
    address = f"{of(world.commitment)}change-orders/new/"
    assert fields_on(page_of(team.get(address)))["number"] == "001"

    answer = open_and_send(
        team, address, title="Added steel", **line(codes), line0_commitment_line=str(there.pk)
    )

    cco = CommitmentChangeOrder.objects.get()
    assert answer["Location"] == of(cco)
    assert (cco.number, cco.status, str(cco.amount)) == ("001", "DRAFT", "100.00")
    assert cco.lines.get().commitment_line == there
    assert fields_on(page_of(team.get(address)))["number"] == "002"


def test_add_a_line_keeps_what_was_typed_and_judges_nothing(
    world: World, team: Client, codes: tuple[str, str]
) -> None:
    address = f"{of(world.commitment)}change-orders/new/"
    typed = fields_on(page_of(team.get(address))) | {
        "title": "",
        "lines-0-description": "Half typed",
        "lines-0-amount": "abc",
        "lines-0-cost_code": codes[0],
        "lines-1-DELETE": "on",
        "add-line": "1",
    }

    answer = team.post(address, typed)

    page = page_of(answer)
    assert answer.status_code == 200
    assert not page.all("#problems")
    fields = fields_on(page)
    assert (fields["lines-TOTAL_FORMS"], fields["lines-0-amount"]) == ("3", "abc")
    assert (fields["lines-0-description"], fields["lines-0-cost_code"]) == ("Half typed", codes[0])
    assert "checked" in page.one("#id_lines-1-DELETE")
    assert "autofocus" in page.one("#id_lines-2-description")
    assert not CommitmentChangeOrder.objects.exists()


WRONG = {
    "no number": ({"number": " "}, "id_number", "Enter the number."),
    "no title": ({"title": ""}, "id_title", "Enter the title."),
    "NUL": ({"title": "a\0b"}, "id_title", "The title holds a character that cannot be kept. Type it anew."),
    "number much too long": (
        {"number": "9" * 31},
        "id_number",
        "The number can be at most 30 characters; this is 31.",
    ),
    "description without end": (
        {"description": "x" * 10_001},
        "id_description",
        "The description can be at most 10,000 characters; this is 10001.",
    ),
    "three decimals": (
        {"line0_amount": "1.005"},
        "id_lines-0-amount",
        "Line 1: Write the amount with at most two decimals. It is never rounded.",
    ),
    "no amount": ({"line0_amount": ""}, "id_lines-0-amount", "Line 1: Enter the amount."),
    "too much": (
        {"line0_amount": "10000000000"},
        "id_lines-0-amount",
        "Line 1: The amount can be at most 9,999,999,999.99.",
    ),
    **{
        f"amount {amount!r}": (
            {"line0_amount": amount},
            "id_lines-0-amount",
            "Line 1: Write the amount as a number, like 1250.00 or -300.",
        )
        for amount in ("ten", "1,25", "1.250,00", "1e5", "NaN", "-", "$", "\u0661\u0662", "=1+1", "1 00")
    },
    "no cost code": ({"line0_cost_code": ""}, "id_lines-0-cost_code", "Line 1: Choose the cost code."),
    "no cost type": ({"line0_cost_type": ""}, "id_lines-0-cost_type", "Line 1: Choose the cost type."),
    "no description of a line": (
        {"line0_description": ""},
        "id_lines-0-description",
        "Line 1: Enter the description.",
    ),
    "a cost code of nobody": (
        {"line0_cost_code": "999999"},
        "id_lines-0-cost_code",
        "Line 1: Choose the cost code from the list.",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_told_at_its_field_and_nothing_typed_is_lost(
    world: World, team: Client, codes: tuple[str, str], wrong: tuple[dict[str, str], str, str]
) -> None:
    changes, anchor, words = wrong
    address = f"{of(world.commitment)}change-orders/new/"
    typed: dict[str, Any] = {"title": "Added steel", "description": "Mind the gap", **line(codes)} | changes

    answer = open_and_send(team, address, **typed)

    assert answer.status_code == 422
    page = page_of(answer)
    assert problems_on(page) == {anchor: words}
    field = page.one(f"#{anchor}")
    assert field["aria-invalid"] == "true"
    assert page.one(f"#{field['aria-describedby'].split()[-1]}").text in words
    kept = fields_on(page)
    if "description" not in changes:
        assert kept["description"] == "Mind the gap"
    assert kept["lines-0-amount"] == typed["line0_amount"]
    assert not CommitmentChangeOrder.objects.exists()
    assert not HistoryEntry.objects.exists()


def test_what_sage_would_not_take_is_saved_and_hinted_at(
    world: World, team: Client, codes: tuple[str, str]
) -> None:
    open_and_send(
        team,
        f"{of(world.commitment)}change-orders/new/",
        number="1234567890123",
        title="A title of more than thirty characters",
        description="x" * 1001,
        **line(codes),
    )
    cco = CommitmentChangeOrder.objects.get()

    assert "at most 30 characters" in page_of(team.get(of(cco))).one("#erp").text
    page = page_of(team.get(f"{of(cco)}edit/"))
    assert "Sage takes at most 12 characters" in page.one("#id_number_helptext").text
    assert "Sage takes at most 30 characters" in page.one("#id_title_helptext").text
    assert "longer than the 1,000 characters" in page.one("#id_description_helptext").text


def test_a_notice_is_told_and_stands_in_the_way_of_nothing(
    world: World, team: Client, codes: tuple[str, str]
) -> None:
    cco = sendable.approved_cco(sendable.tied_commitment(world))
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(description="x" * 1001)

    card = page_of(team.get(of(cco))).one("#erp")

    assert card.texts("h3") == ["Worth knowing before it is sent"]
    assert "the full text stays here" in card.text
    [send] = [button for button in card.all("button") if button.text == "Send to ERP"]
    assert "disabled" not in send


@pytest.mark.parametrize(
    "text", ["🏗️ crane", RLO, "'\"; DROP TABLE x; --", "<script>alert(1)</script>", "100 % {{ 7 }}"]
)
def test_any_text_is_kept_and_shown_as_words(
    world: World, team: Client, codes: tuple[str, str], text: str
) -> None:
    open_and_send(
        team,
        f"{of(world.commitment)}change-orders/new/",
        title=text,
        description=text,
        **line(codes, description=text),
    )
    cco = CommitmentChangeOrder.objects.get()
    assert (cco.title, cco.description, cco.lines.get().description) == (text, text, text)
    for address in (of(cco), f"{of(cco)}edit/", of(world.commitment), LIST):
        markup = team.get(address).content.decode()
        assert "<script>alert" not in markup
        page_of(team.get(address))


def test_a_number_that_is_taken_is_told_at_the_field(world: World, team: Client) -> None:
    cco = world.free_cco()
    answer = open_and_send(team, f"{of(world.commitment)}change-orders/new/", number=cco.number, title="Mine")
    assert answer.status_code == 422
    assert problems_on(page_of(answer)) == {
        "id_number": f"The number {cco.number} is taken already. Choose another one. Nothing was saved."
    }
    assert CommitmentChangeOrder.objects.count() == 1


def test_a_form_that_is_too_old_is_refused_and_loses_nothing(world: World, team: Client) -> None:
    cco = world.free_cco()
    old = fields_on(page_of(team.get(f"{of(cco)}edit/"))) | {"title": "Mine"}
    colleague = browser_of(world.person("colleague", erp_integrations=Level.NONE))
    colleague_typed = old | {"title": "Theirs"}
    assert colleague.post(f"{of(cco)}edit/", colleague_typed).status_code == 302

    answer = team.post(f"{of(cco)}edit/", old)

    page = page_of(answer)
    assert answer.status_code == 422
    assert "colleague changed it on" in page.one("#problems").text
    assert fresh(cco).title == "Theirs"
    fields = fields_on(page)
    assert fields["title"] == "Mine"
    assert team.post(f"{of(cco)}edit/", fields).status_code == 302
    assert fresh(cco).title == "Mine"


def test_only_an_approved_commitment_gets_change_orders(world: World, team: Client) -> None:
    address = f"{of(world.commitment)}change-orders/new/"
    typed = fields_on(page_of(team.get(address))) | {"title": "Mine"}
    Commitment.objects.filter(pk=world.commitment.pk).update(status=CommitmentStatus.COMPLETE)

    assert "Only an Approved" in page_of(team.get(of(world.commitment))).one("#why-new-change-order").text
    assert team.get(address)["Location"] == of(world.commitment)
    answer = team.post(address, typed)
    assert answer.status_code == 422
    assert fields_on(page_of(answer))["title"] == "Mine"
    assert not CommitmentChangeOrder.objects.exists()


# --- CCOs: the business status --------------------------------------------------------------------


def test_the_page_shows_both_statuses_apart_and_the_story(world: World, team: Client) -> None:
    cco = world.synced_cco()

    page = page_of(team.get(of(cco)))

    facts = page.one("dl.facts").texts("dd")
    assert facts[:2] == ["Approved", "Synced"]
    assert page.one("#erp").one(".state").text == "Synced"
    assert "ERP status Not in ERP" in page.all("tbody")[-1].text


@pytest.mark.parametrize("erp_status", [ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED])
def test_a_free_cco_is_set_to_draft_approved_and_deleted(
    world: World, team: Client, erp_status: ErpStatus
) -> None:
    cco = world.free_cco(erp_status=erp_status)
    assert buttons_on(page_of(team.get(of(cco)))) == {
        "Edit": True, "Un-approve": True, "Set to Draft": True, "Delete": True, "Change status": True,
    }  # fmt: skip
    for act, words, status in (
        ("set-to-draft/", "Set to Draft.", ChangeOrderStatus.DRAFT),
        ("approve/", "Approved.", ChangeOrderStatus.APPROVED),
        ("un-approve/", "Back in review.", ChangeOrderStatus.PENDING_IN_REVIEW),
    ):
        assert team.post(of(cco) + act, {"revision": fresh(cco).revision}).status_code == 302
        assert status_of(cco) == status
        assert words_on(team, of(cco)) == words

    assert team.post(of(cco) + "delete/")["Location"] == of(world.commitment)
    assert status_of(cco) is None
    assert team.get(of(cco)).status_code == 404


@pytest.mark.parametrize("status", ChangeOrderStatus)
def test_every_business_status_can_be_chosen(world: World, team: Client, status: ChangeOrderStatus) -> None:
    cco = world.free_cco()
    assert status.label in page_of(team.get(of(cco))).one("#status").texts("option")
    team.post(of(cco) + "status/", {"status": status.value, "revision": "0"})
    assert status_of(cco) == status


def test_what_one_has_not_seen_is_not_approved(world: World, team: Client) -> None:
    cco = world.free_cco()
    team.post(of(cco) + "set-to-draft/")
    for act, data in (("approve/", {"revision": "0"}), ("status/", {"revision": "0", "status": "APPROVED"})):
        team.post(of(cco) + act, data)
        assert "project-manager changed it on" in words_on(team, of(cco))
    team.post(of(cco) + "status/", {"status": "SYNCED"})
    assert words_on(team, of(cco)) == "Choose a status from the list. Nothing was changed."
    assert status_of(cco) == ChangeOrderStatus.DRAFT


def test_ccos_are_unapproved_in_the_reverse_order_and_the_page_says_so(world: World, team: Client) -> None:
    first, second = world.free_cco(), world.free_cco()
    for act in ("set-to-draft/", "approve/"):
        for cco in (first, second):
            team.post(of(cco) + act)
    words = f"first CCO {second.number}, which was approved later."

    page = page_of(team.get(of(first)))
    assert words in page.one("#later").text
    [plan] = [link["href"] for link in page.all("a") if "unwind-plan" in link["href"]]
    steps = page_of(team.get(plan)).one(".plan").all("li")
    assert [second.number in step.text for step in steps] == [True, False]
    assert [step.texts("button") for step in steps] == [["Set to Draft"], []]
    assert buttons_on(page) == {"Edit": True, "Un-approve": False, "Set to Draft": False, "Delete": True}
    for act, data in (("un-approve/", {}), ("set-to-draft/", {}), ("status/", {"status": "VOID"})):
        team.post(of(first) + act, data)
        assert f"{words} Nothing was changed." in words_on(team, of(first))
    assert status_of(first) == ChangeOrderStatus.APPROVED

    for cco in (second, first):
        team.post(of(cco) + "set-to-draft/")
        assert status_of(cco) == ChangeOrderStatus.DRAFT


# --- CCOs: locked ---------------------------------------------------------------------------------

LOCKED = {
    ErpStatus.READY_TO_EXPORT: "It waits for accounting.",
    ErpStatus.EXPORTING: "Accounting is exporting it.",
    ErpStatus.FAILED_TO_EXPORT: "Its export failed",
    ErpStatus.SYNCED: "It is tied to its record in the books. Accounting has to unlink it first.",
}


@pytest.mark.parametrize(("erp_status", "words"), LOCKED.items())
def test_what_accounting_holds_is_locked_and_says_why(
    world: World, team: Client, erp_status: ErpStatus, words: str
) -> None:
    typed = fields_on(page_of(team.get(f"{of(world.free_cco())}edit/")))
    cco = cco_in(world, erp_status)
    page = page_of(team.get(of(cco)))
    synced = erp_status == ErpStatus.SYNCED
    assert buttons_on(page) == {"Edit": synced, "Un-approve": False, "Set to Draft": False, "Delete": False}
    assert words in page.one("#locked").text
    before = (fresh(cco), list(cco.lines.values()))
    for act in ("set-to-draft/", "approve/", "un-approve/", "delete/", "status/"):
        team.post(of(cco) + act, {"status": "VOID"})
        said = words_on(team, of(cco))
        assert words in said
        assert "Nothing was changed." in said
    if not synced:
        assert team.get(f"{of(cco)}edit/")["Location"] == of(cco)
        assert team.post(f"{of(cco)}edit/", typed | {"title": "Mine"}).status_code == 422
    assert (fresh(cco), list(cco.lines.values())) == before
    assert fresh(cco).title == cco.title


def test_while_it_is_synced_only_the_description_is_edited(world: World, team: Client) -> None:
    cco = world.synced_cco()
    address = f"{of(cco)}edit/"
    page = page_of(team.get(address))
    for name in ("number", "title"):
        assert "disabled" in page.one(f"#id_{name}")
        assert "Accounting has to unlink it first" in page.one(f"#id_{name}_helptext").text

    answer = open_and_send(
        team, address, description="As built", title="Mine", number="9", **{"lines-TOTAL_FORMS": "0"}
    )

    assert answer.status_code == 302
    now = fresh(cco)
    assert (now.description, now.title, now.number) == ("As built", cco.title, cco.number)
    assert now.lines.count() == 1


def test_after_the_unlink_it_is_set_to_draft_and_deleted_and_its_story_stays(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    client = browser_of(world.person())
    events = len(world.events())
    assert click(client, world, cco).status_code == 200
    assert "It was unlinked from Sage." in page_of(client.get(of(cco))).one("#erp").text

    client.post(of(cco) + "set-to-draft/")
    client.post(of(cco) + "delete/")

    assert status_of(cco) is None
    [link] = ChangeOrderLink.objects.all()
    assert link.change_order_id is None
    assert (link.cco_number, link.cco_title) == (cco.number, cco.title)
    assert LinkEvent.objects.filter(company_id=world.company.pk).count() == events + 1


def test_what_stands_in_the_way_leads_to_where_it_is_mended(world: World, team: Client) -> None:
    cco = factories.ChangeOrderFactory.create(
        commitment=world.commitment, title="A title of more than thirty characters", status="DRAFT"
    )

    ways = page_of(team.get(of(cco))).one("#erp").one("ul.problems")

    edit = f"{of(cco)}edit/"
    assert [link["href"] for link in ways.all("a")] == [
        f"{edit}#id_title", f"{of(cco)}#acts", f"{edit}#lines-heading",
    ]  # fmt: skip
    assert ways.texts("li")[-1].endswith("is not tied to its subcontract in Sage. Ask accounting to mend it.")
    reader = browser_of(world.person("reader", commitments=Level.READ_ONLY, erp_integrations=Level.NONE))
    assert not page_of(reader.get(of(cco))).one("#erp").one("ul.problems").all("a")
    accounting = page_of(browser_of(world.person()).get(of(cco))).one("#erp").one("ul.problems")
    assert accounting.all("a")[-1]["href"].endswith("/erp-integrations/commitments/")


def test_a_purchase_orders_cco_says_why_it_is_not_sent(world: World, team: Client) -> None:
    order = factories.CommitmentFactory.create(project=world.project, kind=CommitmentKind.PURCHASE_ORDER)
    cco = factories.ChangeOrderFactory.create(commitment=order)
    assert "Change orders of purchase orders are not sent" in page_of(team.get(of(cco))).one("#erp").text


# --- who, and whose -------------------------------------------------------------------------------

ACTS = ("approve/", "un-approve/", "set-to-draft/", "status/", "delete/", "edit/")


@pytest.mark.parametrize("level", [Level.READ_ONLY, Level.STANDARD])
def test_who_may_only_look_gets_the_words_and_403(world: World, level: Level) -> None:
    cco = world.free_cco()
    client = browser_of(world.person("commitments-standard", commitments=level, erp_integrations=Level.NONE))
    words = f"Needs 'Admin' on Commitments in Harbor Tower; you have '{level.label}'"

    page = page_of(client.get(of(cco)))
    assert not any(buttons_on(page).values())
    assert words in page.one("#acts").text
    assert "Change history" not in page.one("#main").text
    addresses = [of(cco) + act for act in ACTS]
    addresses += [f"{of(world.commitment)}{act}" for act in ("edit/", "delete/", "change-orders/new/")]
    addresses.append(f"{LIST}new/subcontract/")
    for address in addresses:
        answer = client.post(address, {"status": "VOID"})
        assert answer.status_code == 403, address
        assert words in page_of(answer).one("#missing").text
    assert status_of(cco) == ChangeOrderStatus.APPROVED
    assert not HistoryEntry.objects.exists()


def test_no_level_on_this_project_gets_403(world: World) -> None:
    cco = world.free_cco()
    client = browser_of(world.person("company-admin", commitments=Level.NONE))

    for address in (LIST, of(cco), of(world.commitment), f"{LIST}new/subcontract/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "Needs 'Read Only' or more on Commitments in Harbor Tower" in answer.content.decode().replace(
            "&#x27;", "'"
        )
    for act in ACTS:
        assert client.post(of(cco) + act, {"status": "VOID"}).status_code == 403
    assert status_of(cco) == ChangeOrderStatus.APPROVED


def test_rows_are_found_in_their_own_project_and_company_only(world: World, team: Client) -> None:
    cco = world.free_cco()
    other = factories.ProjectFactory.create(company=world.company, number="7777")
    membership = factories.MembershipFactory.create(company__slug="ridgeline", user__username="outsider")
    factories.ProjectFactory.create(company=membership.company, number="2611")
    outsider, elsewhere = browser_of(membership.user), browser_of(world.person("elsewhere"))
    wrong: list[tuple[Client, str]] = [
        (elsewhere, f"{PROJECTS}{other.number}/commitments/{tail}")
        for tail in (f"{world.commitment.pk}/", f"change-orders/{cco.pk}/")
    ]
    wrong += [
        (team, f"{PROJECTS}none/commitments/change-orders/{cco.pk}/"),
        (team, f"{LIST}change-orders/999999/"),
        (team, f"{LIST}change-orders/{'9' * 200}/"),
        (team, f"{LIST}{'9' * 200}/"),
        (team, f"{LIST}change-orders/abc/"),
        (outsider, of(cco)),
        (outsider, of(world.commitment)),
    ]
    for browser, address in wrong:
        assert browser.get(address).status_code == 404, address
        for act in ("edit/", "delete/"):
            assert browser.post(address + act).status_code == 404, address + act
    for address in (LIST, PROJECTS, f"{LIST}new/subcontract/"):
        assert outsider.get(address).status_code == 404
    assert status_of(cco) == ChangeOrderStatus.APPROVED


@pytest.mark.parametrize("act", [act for act in ACTS if act != "edit/"])
def test_acts_are_post_only(world: World, team: Client, act: str) -> None:
    cco = world.free_cco()
    assert team.get(of(cco) + act).status_code == 405
    assert status_of(cco) == ChangeOrderStatus.APPROVED


def test_a_form_that_does_not_arrive_whole_saves_nothing(world: World, team: Client) -> None:
    cco = world.free_cco()
    broken: tuple[dict[str, str], ...] = (
        {},
        {"number": "1", "title": "Mine"},
        {
            "number": "1",
            "title": "Mine",
            "revision": "0",
            "lines-TOTAL_FORMS": "1000000",
            "lines-INITIAL_FORMS": "-1",
        },
        {"add-line": "1", "lines-TOTAL_FORMS": "many"},
    )
    for data in broken:
        assert team.post(f"{of(cco)}edit/", data).status_code in (200, 422), data
    assert (fresh(cco).title, fresh(cco).lines.count()) == (cco.title, 1)


def test_a_form_without_its_fields_does_not_empty_a_synced_cco(world: World, team: Client) -> None:
    cco = world.synced_cco()
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(description="As built")
    answer = team.post(f"{of(cco)}edit/", {})
    assert answer.status_code == 422
    assert "The form did not arrive whole" in page_of(answer).one("#problems").text
    assert fresh(cco).description == "As built"

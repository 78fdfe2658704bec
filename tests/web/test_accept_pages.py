"""Accept, Reject and Link: what the approver sees, signs off and is refused."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import Level
from erp_integrations.exports import submit
from erp_integrations.models import ChangeOrderLink, Export
from tests import factories, sendable
from tests.sendable import approved_cco, books_of, status_of, tied_commitment
from tests.web.pages import Element, page_of
from tests.web.people import AMBER, GREEN, answered_message, browser_of, list_address
from tests.web.test_hostile_hands import NASTY
from tests.world import World


class Waiting:
    """A CCO that was sent, and an approver's browser."""

    def __init__(self, world: World, *amounts: str, number: str = "900", **cco: str) -> None:
        self.world = world
        self.commitment = tied_commitment(world)
        self.cco = approved_cco(self.commitment, *amounts, number=number, **cco)
        self.approver = world.person()
        sendable.send(world, self.cco, by=self.approver)
        self.client = browser_of(self.approver)

    def address(self, name: str) -> str:
        return address(self.world, self.cco, name)

    def open(self) -> Element:
        answer = self.client.get(self.address("accept"))
        assert answer.status_code == 200, answer.content.decode()
        return page_of(answer)

    def post(self, page: Element, **changed: str) -> Any:
        """Submits the form of the page as it stands, with what was typed over it."""
        return self.client.post(self.address("accept"), fields_of(page.one("form.accept")) | changed)


def address(world: World, cco: CommitmentChangeOrder, name: str) -> str:
    return reverse(name, args=[world.company.slug, cco.pk])


def fields_of(form: Element) -> dict[str, str]:
    """What a browser would send without a click on a button."""
    fields = {
        field["name"]: field.get("value") or ""
        for field in form.all("input")
        if field.get("type") != "checkbox" and field["name"] != "csrfmiddlewaretoken"
    }
    for choice in form.all("select"):
        chosen = [option for option in choice.all("option") if "selected" in option]
        fields[choice["name"]] = (chosen or choice.all("option"))[0]["value"]
    return fields


def retrieve(waiting: Waiting) -> None:
    submit.retrieve_change_order(
        company_id=waiting.world.company.pk,
        change_order_id=waiting.cco.pk,
        actor=sendable.actor(waiting.approver),
    )


@pytest.fixture
def waiting(world: World) -> Waiting:
    return Waiting(world)


# --- what is shown -------------------------------------------------------------------------------


def test_the_preview_shows_what_sage_will_hold_and_what_is_cut(world: World) -> None:
    waiting = Waiting(world, title="A title of just thirty letters")
    page = waiting.open()

    assert page.texts("h1") == ["Accept CCO 900 A title of just thirty letters"]
    held = {row.one("th").text: row.all("td")[0].text for row in page.one("table.erp-fields").all("tr")[1:]}
    assert held["Change#"] == "900"
    assert held["Job"] == waiting.commitment.project.number
    assert held["Description"] == "A title of just thirty letters"
    assert page.one("#id_erp_number")["value"] == "900"
    assert [option["value"] for option in page.one("#id_writer").all("option")] == ["worksheet", "sandbox"]


def test_five_lines_become_one_with_their_sum(world: World) -> None:
    page = Waiting(world, "100.00", "250.00", "-40.50", "75.00", "1.25").open()

    assert "5 lines of the CCO become 1 line in Sage." in page.text
    ours, theirs = page.one(".side-by-side").all("table")
    assert len(ours.all("tr")) == 7
    assert [cell.text for cell in theirs.all("tr")[1].all("td")][-2:] == ["385.75", "1, 2, 3, 4, 5"]
    assert [table.all("tr")[-1].one(".num").text for table in (ours, theirs)] == ["385.75", "385.75"]


def test_what_sage_cuts_is_marked_beside_the_full_text(world: World) -> None:
    commitment = tied_commitment(world)
    cco = approved_cco(commitment)
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(description="d" * 1_001)
    approver = world.person()
    sendable.send(world, cco, by=approver)

    page = page_of(browser_of(approver).get(address(world, cco, "accept")))

    [cut] = page.all("tr.shortened")
    assert cut.one("th").text == "Scope"
    held, full = (cell.text for cell in cut.all("td"))
    assert held == "d" * 1_000
    assert full == "shortened " + "d" * 1_001


# --- accept --------------------------------------------------------------------------------------


def test_accept_by_hand_leads_to_the_worksheet(waiting: Waiting) -> None:
    answer = waiting.post(waiting.open(), writer="worksheet")
    assert answer.status_code == 303
    page = waiting.client.get(answer["Location"])
    colour, title, _ = answered_message(page)
    assert (colour, title) == (GREEN, "CCO 900 is accepted")
    assert status_of(waiting.cco) == ErpStatus.EXPORTING


def test_accept_straight_into_the_practice_company(waiting: Waiting) -> None:
    shown = page_of(waiting.post(waiting.open(), writer="sandbox", show="1"))
    answer = waiting.post(shown)

    assert answer.status_code == 303
    assert answer["Location"] == list_address(waiting.world, "?view=ready-to-export")
    link = ChangeOrderLink.objects.get(change_order=waiting.cco)
    colour, title, _ = answered_message(waiting.client.get(answer["Location"]))
    assert (colour, title) == (GREEN, f"CCO 900 is synced: record {link.record_number}, change number 900")
    assert status_of(waiting.cco) == ErpStatus.SYNCED


def test_another_number_than_the_one_shown_is_not_accepted_but_shown(waiting: Waiting) -> None:
    answer = waiting.post(waiting.open(), erp_number="901")

    assert answer.status_code == 409
    colour, title, _ = answered_message(answer)
    assert (colour, title) == (AMBER, "This is not what you were shown")
    page = page_of(answer)
    assert page.one("#id_erp_number")["value"] == "901"
    assert "Accept as change number 901" in page.texts("button")
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    assert waiting.post(page).status_code == 303
    assert Export.objects.get().erp_number == "901"


def test_show_again_accepts_nothing(waiting: Waiting) -> None:
    answer = waiting.post(waiting.open(), erp_number="0012", show="1")

    assert answer.status_code == 200
    assert "Accept as change number 0012" in page_of(answer).texts("button")
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT


@pytest.mark.parametrize(
    ("number", "words"),
    [("", "can't be blank"), ("1" * 21, "cannot be more than 20 characters"), ("n\x00", "Null characters")],
)
def test_a_number_that_cannot_be_is_told_at_the_field_and_kept(
    waiting: Waiting, number: str, words: str
) -> None:
    answer = waiting.post(waiting.open(), erp_number=number)

    assert answer.status_code == 422
    page = page_of(answer)
    assert words in page.one(".errorlist").text
    assert (page.one("#id_erp_number").get("value") or "") == number
    assert page.one("#id_erp_number")["aria-invalid"] == "true"
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    assert Export.objects.get().accepted_at is None


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_hostile_numbers_are_only_words(waiting: Waiting, text: str) -> None:
    typed = text.encode("utf-8", "surrogatepass").decode("latin-1")

    answer = waiting.post(waiting.open(), erp_number=typed, writer=typed, token=typed)

    assert answer.status_code in (409, 422)
    assert "<script>alert(1)" not in answer.content.decode()
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT


def test_nothing_is_accepted_while_sage_cannot_be_asked(waiting: Waiting) -> None:
    page = waiting.open()
    waiting.world.sage.set_fault("offline")

    answer = waiting.post(page)

    assert answer.status_code == 503
    assert answered_message(answer)[0] == AMBER
    assert page_of(answer).one("#id_erp_number")["value"] == "900"
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    assert waiting.client.get(waiting.address("accept")).status_code == 503


def test_what_was_retrieved_meanwhile_is_not_accepted(waiting: Waiting) -> None:
    page = waiting.open()
    retrieve(waiting)

    answer = waiting.post(page)

    assert answer.status_code == 409
    assert answered_message(answer)[1] == "It is Not in ERP by now"
    assert status_of(waiting.cco) == ErpStatus.NOT_IN_ERP
    project = waiting.commitment.project.number
    team = page_of(
        waiting.client.get(
            reverse("commitment-change-order", args=[waiting.world.company.slug, project, waiting.cco.pk])
        )
    ).one("#erp")
    assert team.one(".state").text == "Retrieved"
    assert "It was taken back from accounting." in team.text


def test_after_a_failed_export_the_message_leads_to_the_retry(waiting: Waiting) -> None:
    shown = page_of(waiting.post(waiting.open(), writer="sandbox", show="1"))
    waiting.world.sage.set_fault("half-written")

    answer = waiting.post(shown)

    assert answer["Location"] == list_address(waiting.world, "?view=failed-to-export")
    listed = waiting.client.get(answer["Location"])
    assert answered_message(listed)[:2] == (AMBER, "It was not exported")
    row = page_of(listed).one(f"#cco-{waiting.cco.pk}")
    assert row.one(".fact-refused").text
    assert [button.text for button in row.all("button")] == ["Retry"]


# --- what is in Sage already ---------------------------------------------------------------------


def taken_number(world: World) -> str:
    """The change number of the record of the scenario `present`, on the same job."""
    record = world.scenarios["present"].record_number
    return next(number for known, number in books_of(world) if known == record).strip()


def test_a_number_that_sage_holds_stops_it_and_offers_the_link(waiting: Waiting) -> None:
    number, record = taken_number(waiting.world), waiting.world.scenarios["present"].record_number

    answer = waiting.post(waiting.open(), erp_number=number, show="1")
    page = page_of(answer)

    assert f"Link to record {record}" in page.texts("button")
    assert not [words for words in page.texts("button") if words.startswith("Accept")]
    forced = waiting.post(page)
    assert forced.status_code == 409
    assert f"Record {record} on this job carries this number already." in forced.content.decode()
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    asked = waiting.client.post(waiting.address("link"), {"record_number": record})
    assert asked.status_code == 409
    assert answered_message(asked)[:2] == (
        AMBER,
        f"Record {record} differs from this CCO",
    )
    beside = page_of(asked)
    rows = {row.one("th").text: row.texts("td") for row in beside.one(".rows").one("tbody").all("tr")}
    assert rows["Job"] == [waiting.world.project.number] * 2 + ["the same"]
    assert rows["Change number"] == ["900", number, "≠ differs"]
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    [yes] = [form for form in beside.all("form") if form["action"] == waiting.address("link")]
    assert yes.texts("button") == ["Yes, link CCO 900 to it as it is"]
    linked = waiting.client.post(yes["action"], fields_of(yes))
    assert linked.status_code == 303
    assert status_of(waiting.cco) == ErpStatus.SYNCED
    assert ChangeOrderLink.objects.get(change_order=waiting.cco).record_number == record


def test_the_same_amount_must_be_said_to_be_another(world: World) -> None:
    scenario = world.scenarios["present"]
    record = next(one for one in world.books.change_orders if one.record_number == scenario.record_number)
    amount = sum(
        line.amount
        for line in record.lines
        if line.subcontract_record_number == scenario.subcontract_record_number
    )
    waiting = Waiting(world, str(amount))
    page = waiting.open()
    assert f"Link to record {record.record_number}" in page.texts("button")

    refused = waiting.post(page)
    assert refused.status_code == 409
    assert "already, with the same amount" in answered_message(refused)[1]
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT

    assert waiting.post(page, same_amount_is_another="on").status_code == 303
    assert status_of(waiting.cco) == ErpStatus.EXPORTING


@pytest.mark.parametrize("record_number", ["99999", "abc", "", "9" * 30, "<script>", "7\x00"])
def test_a_record_that_is_not_its_own_is_not_linked(waiting: Waiting, record_number: str) -> None:
    answer = waiting.client.post(waiting.address("link"), {"record_number": record_number})

    assert answer.status_code == 303
    colour, title, _ = answered_message(waiting.client.get(answer["Location"]))
    assert (colour, title) == (AMBER, "That record is not this CCO's")
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    assert not ChangeOrderLink.objects.exists()


# --- reject --------------------------------------------------------------------------------------


def test_a_rejection_goes_back_with_its_reason(waiting: Waiting) -> None:
    asked = page_of(waiting.client.get(waiting.address("reject")))
    assert asked.texts("h1") == ["Reject CCO 900 Added steel at grid C"]

    answer = waiting.client.post(waiting.address("reject"), {"reason": "Wrong cost code on line 1"})

    assert answer.status_code == 303
    assert answered_message(waiting.client.get(answer["Location"]))[:2] == (GREEN, "CCO 900 is rejected")
    assert status_of(waiting.cco) == ErpStatus.REJECTED
    page = page_of(waiting.client.get(list_address(waiting.world, "?view=rejected")))
    facts = {
        cell["data-label"]: cell.text for cell in page.one("#panel").everything() if "data-label" in cell
    }
    assert facts["Reason"] == "Wrong cost code on line 1"
    assert facts["Rejected"].endswith(waiting.approver.name)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001, "no\x00"])
def test_a_reason_that_says_nothing_rejects_nothing(waiting: Waiting, reason: str) -> None:
    answer = waiting.client.post(waiting.address("reject"), {"reason": reason})

    assert answer.status_code == 422
    page = page_of(answer)
    assert page.one(".errorlist").text
    assert page.one("textarea").text == reason.strip()
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT
    assert Export.objects.get().ended_at is None


def test_a_late_rejection_keeps_the_reason(waiting: Waiting) -> None:
    retrieve(waiting)

    answer = waiting.client.post(waiting.address("reject"), {"reason": "Too <b>late</b>"})

    assert answer.status_code == 409
    assert page_of(answer).one("textarea").text == "Too <b>late</b>"
    assert "<b>late" not in answer.content.decode()
    assert status_of(waiting.cco) == ErpStatus.NOT_IN_ERP


# --- who -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rights", [{"can_push_to_accounting": False}, {"erp_integrations": Level.READ_ONLY}])
def test_without_the_rights_the_list_says_which_are_missing_and_no_page_opens(
    waiting: Waiting, rights: dict[str, Any]
) -> None:
    world = waiting.world
    client = browser_of(world.person("other", **rights))
    row = page_of(client.get(list_address(world, "?view=ready-to-export"))).one(f"#cco-{waiting.cco.pk}")

    assert ["disabled" in button for button in row.all("button.btn")] == [True, True]
    assert row.one(f"#why-{waiting.cco.pk}").text.startswith("Needs ")
    for name in ("accept", "reject"):
        assert client.get(waiting.address(name)).status_code == 403
        assert client.post(waiting.address(name), {"reason": "no"}).status_code == 403
    assert client.post(waiting.address("link"), {"record_number": "701"}).status_code == 403
    assert status_of(waiting.cco) == ErpStatus.READY_TO_EXPORT


def test_another_companys_cco_is_not_found(waiting: Waiting) -> None:
    theirs = factories.ChangeOrderFactory.create()

    for name in ("accept", "reject", "worksheet", "worksheet-csv", "give-back", "unwind-plan"):
        assert waiting.client.get(address(waiting.world, theirs, name)).status_code == 404
    for name in ("accept", "reject", "link", "export", "give-back", "relink"):
        assert waiting.client.post(address(waiting.world, theirs, name)).status_code == 404


# --- the list ------------------------------------------------------------------------------------


def test_fifty_rows_cost_no_more_queries_than_one(waiting: Waiting) -> None:
    def queries(client: Client) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(list_address(waiting.world, "?view=ready-to-export")).status_code == 200
        return len(asked)

    one = queries(waiting.client)
    for number in range(60):
        cco = approved_cco(waiting.commitment, number=f"{number:03}")
        sendable.send(waiting.world, cco, by=waiting.approver)

    page = page_of(waiting.client.get(list_address(waiting.world, "?view=ready-to-export")))
    assert queries(waiting.client) == one
    assert len(page.one("#panel").one("tbody").all("tr")) == 50
    [following] = [link for link in page.all("a") if link.get("rel") == "next"]
    assert len(page_of(waiting.client.get(following["href"])).one("tbody").all("tr")) == 11

"""The worksheet, the look after it was keyed in, the retry, the way back, relink, the plan of unwinding."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_htmx.middleware import HtmxDetails
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.access import Access
from companies.decorators import MemberRequest
from companies.models import Level
from erp_integrations.change_orders.responses import answer_in_row
from erp_integrations.drafts.context import prepared_from_json
from erp_integrations.models import ChangeOrderLink, Export
from erp_integrations.ports import ChangeOrderEntry, EntryLine
from erp_integrations.view_models import Message
from tests import sendable
from tests.sendable import approved_cco, books_of, status_of, tied_commitment
from tests.web.pages import Element, page_of
from tests.web.people import AMBER, GREEN, answered_message, browser_of, htmx, list_address
from tests.web.test_accept_pages import address
from tests.world import World

EXPORTING = "?view=exporting"


class Accepted:
    """A CCO that was accepted for one of the writers, and an approver's browser."""

    def __init__(self, world: World, *, writer: str = "worksheet", **cco: str) -> None:
        self.world = world
        self.commitment = tied_commitment(world)
        self.cco = approved_cco(self.commitment, **cco)
        self.approver = world.person()
        sendable.send(world, self.cco, by=self.approver)
        sendable.accept(world, self.cco, by=self.approver, writer=writer)
        self.client = browser_of(self.approver)

    def address(self, name: str) -> str:
        return address(self.world, self.cco, name)

    def key_in(self, *, amount: str | None = None) -> str:
        """What an accountant keys into Sage from the worksheet; an amount may be wrong."""
        prepared = prepared_from_json(Export.objects.get(change_order=self.cco).prepared)
        header = {field.label: field.value for field in prepared.header}
        return self.world.sage.key_in(
            ChangeOrderEntry(
                number=prepared.number,
                dated=timezone.localdate(),
                job_record_number=prepared.job_record_number,
                phase=prepared.phase,
                description=header["Description"],
                scope=header["Scope"],
                lines=tuple(
                    EntryLine(
                        vendor_record_number=prepared.vendor_record_number,
                        description=line.description,
                        subcontract_record_number=prepared.subcontract_record_number,
                        subcontract_line=line.subcontract_line,
                        sub_change_number=prepared.number,
                        cost_code=line.cost_code,
                        cost_type=line.cost_type,
                        amount=Decimal(amount) if amount else line.amount,
                    )
                    for line in prepared.lines
                ),
            ),
            user="ACCT2",
        )

    def entered(self, **headers: str) -> Any:
        """Clicks "I have entered it"."""
        return self.client.post(self.address("export"), headers=headers)


@pytest.fixture
def accepted(world: World) -> Accepted:
    return Accepted(world)


# --- the worksheet -------------------------------------------------------------------------------


def test_the_worksheet_holds_exactly_what_to_key_in_in_sages_order(accepted: Accepted) -> None:
    page = page_of(accepted.client.get(accepted.address("worksheet")))

    header, grid = page.all("table.fields-to-enter")
    assert [(row.one("th").text, row.one("td").text) for row in header.all("tr")[1:3]] == [
        ("Change#", "9-1"),
        ("Date", timezone.localtime(accepted.cco.created_at).strftime("%m/%d/%Y")),
    ]
    assert [row.one("th").text for row in header.all("tr")[1:]] == [
        "Change#", "Date", "Job", "Phase", "Description", "Status", "Scope",
    ]  # fmt: skip
    cells = {cell["data-label"]: cell.text for cell in grid.all("tr")[1].all("td")}
    assert cells["Budget amount"] == "1234.50"
    assert cells["Change#"] == "9-1"


def test_the_worksheet_leads_to_the_practice_company_only_where_there_is_one(
    accepted: Accepted, settings: Settings
) -> None:
    def way() -> list[Element]:
        page = page_of(accepted.client.get(accepted.address("worksheet")))
        return [link for link in page.all("a") if link["href"].endswith("/sage-sandbox/new/")]

    assert way()
    settings.DEMO = False
    assert not way()


def test_the_file_holds_the_same(accepted: Accepted) -> None:
    answer = accepted.client.get(accepted.address("worksheet-csv"))

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="worksheet-{accepted.cco.pk}.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert ["Window", "6-4-1 Change Orders"] in rows
    assert ["Change#", "9-1"] in rows
    assert rows[-2][-1] == "1234.50"
    assert rows[-1] == ["Total", "1234.50"]


def test_no_cell_of_the_file_is_a_formula_and_no_word_of_the_page_is_markup(world: World) -> None:
    commitment = tied_commitment(world)
    cco = approved_cco(commitment, "-50.00", title="=1+1 <script>alert(1)</script>"[:30])
    cco.lines.update(description='=HYPERLINK("http://x.example","y")')
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(description="@SUM(1)\r\n\u202e%s {{ 7 * 7 }} 🏗️")
    approver = world.person()
    sendable.send(world, cco, by=approver)
    sendable.accept(world, cco, by=approver, number="+9", writer="worksheet")
    client = browser_of(approver)

    rows = list(csv.reader(io.StringIO(client.get(address(world, cco, "worksheet-csv")).content.decode())))
    page = client.get(address(world, cco, "worksheet")).content.decode()

    cells = [cell for row in rows for cell in row]
    assert "'+9" in cells
    assert "-50.00" in cells, "a negative amount stays a number"
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert "<script>alert(1)" not in page
    assert "{{ 7 * 7 }}" in page


def test_a_cco_that_was_never_accepted_has_no_worksheet(world: World) -> None:
    cco = world.free_cco()
    client = browser_of(world.person())

    assert client.get(address(world, cco, "worksheet")).status_code == 404
    assert client.get(address(world, cco, "worksheet-csv")).status_code == 404


# --- I have entered it ---------------------------------------------------------------------------


def test_what_was_keyed_in_as_accepted_is_linked(accepted: Accepted) -> None:
    record = accepted.key_in()

    answer = accepted.entered(referer=f"http://testserver{accepted.address('worksheet')}")

    assert answer.status_code == 303
    assert answer["Location"] == list_address(accepted.world, EXPORTING)
    colour, title, _ = answered_message(accepted.client.get(answer["Location"]))
    assert (colour, title) == (GREEN, f"CCO 900 is synced: record {record}, change number 9-1")
    assert status_of(accepted.cco) == ErpStatus.SYNCED


def test_a_wrong_amount_is_shown_side_by_side_and_nothing_is_linked(accepted: Accepted) -> None:
    record = accepted.key_in(amount="1243.50")

    answer = accepted.entered(referer=f"http://testserver{accepted.address('worksheet')}")

    assert answer["Location"] == accepted.address("worksheet")
    shown = accepted.client.get(answer["Location"])
    colour, title, words = answered_message(shown)
    assert (colour, title) == (AMBER, f"Record {record} is not as it was accepted")
    assert "1,243.50" in words
    [row] = page_of(shown).one("#differences").one("tbody").all("tr")
    assert [cell.text for cell in row.all("td")] == ["1,234.50", "1,243.50"]
    assert status_of(accepted.cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.exists()


def test_a_record_that_differs_is_linked_from_the_worksheet_after_both_were_shown(accepted: Accepted) -> None:
    record = accepted.key_in(amount="1243.50")
    accepted.client.post(accepted.address("export"))
    sheet = page_of(accepted.client.get(accepted.address("worksheet")))
    field = sheet.one("#id_record_number")
    assert field["value"] == record

    shown = accepted.client.post(accepted.address("link"), {"record_number": f" {record[0]}{record[1:]} "})

    assert (shown.status_code, status_of(accepted.cco)) == (409, ErpStatus.EXPORTING)
    page = page_of(shown)
    assert "1,243.50" in page.text
    [seen] = [one for one in page.all("input") if one.get("name") == "seen"]
    done = accepted.client.post(accepted.address("link"), {"record_number": record, "seen": seen["value"]})
    assert (done.status_code, status_of(accepted.cco)) == (303, ErpStatus.SYNCED)
    assert ChangeOrderLink.objects.get(change_order=accepted.cco).record_number == record


def test_what_nobody_keyed_in_yet_stays_exporting(accepted: Accepted) -> None:
    answer = accepted.entered()

    assert answer["Location"] == list_address(accepted.world, EXPORTING)
    colour, title, _ = answered_message(accepted.client.get(answer["Location"]))
    assert (colour, title) == (AMBER, "It is not in Sage 100 Contractor® yet")
    assert status_of(accepted.cco) == ErpStatus.EXPORTING


def test_with_htmx_the_row_leaves_and_the_rest_is_brought_up_to_date(accepted: Accepted) -> None:
    page = htmx(list_address(accepted.world, EXPORTING))

    early = accepted.client.post(accepted.address("export"), headers=page)
    assert early.status_code == 409
    assert len(page_of(early).all(f"#cco-{accepted.cco.pk}")) == 1
    accepted.key_in()
    answer = accepted.client.post(accepted.address("export"), headers=page)

    assert answer.status_code == 200
    fragment = page_of(answer)
    assert fragment.all(f"#cco-{accepted.cco.pk}") == []
    assert answered_message(answer)[0] == GREEN
    assert "Exporting 0" in fragment.text
    assert "Successfully Synced 1" in fragment.text


def test_the_rows_answer_knows_a_project_by_its_typed_name_as_the_list_does(accepted: Accepted) -> None:
    address_of_list = list_address(accepted.world, f"{EXPORTING}&project=harbor+tower")
    tabs = [tab["href"] for tab in page_of(accepted.client.get(address_of_list)).one("#views").all("a")]
    assert all("project=2611" in tab for tab in tabs)

    answer = accepted.client.post(accepted.address("export"), headers=htmx(address_of_list))

    assert answer.status_code == 409
    assert [tab["href"] for tab in page_of(answer).all("a") if "view=" in tab["href"]] == [
        tab for tab in tabs if "view=" in tab
    ]


def test_the_rows_answer_keeps_its_code_for_whoever_lost_the_list_meanwhile(accepted: Accepted) -> None:
    request = cast(MemberRequest, RequestFactory().post(accepted.address("export"), headers=htmx("/")))
    request.htmx, request.company = HtmxDetails(request), accepted.world.company
    request.access = Access(
        company_id=accepted.world.company.pk, user_id=accepted.approver.pk, can_push_to_accounting=True
    )

    answer = answer_in_row(request, accepted.cco, Message("warning", "It is not there yet"), status=409)

    assert answer.status_code == 409
    assert answer["HX-Reswap"] == "none"
    assert page_of(answer).all(f"#cco-{accepted.cco.pk}") == []


@pytest.mark.parametrize("rights", [{"can_push_to_accounting": False}, {"erp_integrations": Level.READ_ONLY}])
def test_without_the_rights_nothing_is_looked_for(accepted: Accepted, rights: dict[str, Any]) -> None:
    accepted.key_in()
    client = browser_of(accepted.world.person("other", **rights))

    assert client.post(accepted.address("export")).status_code == 403
    assert client.post(accepted.address("export"), headers=htmx("/")).status_code == 403
    assert client.post(accepted.address("give-back"), {"reason": "no"}).status_code == 403
    sheet = page_of(client.get(accepted.address("worksheet")))
    assert "I have entered it" not in sheet.texts("button")
    assert status_of(accepted.cco) == ErpStatus.EXPORTING


# --- retry, and the way back ---------------------------------------------------------------------


def test_a_failed_export_is_tried_again_and_written_once(world: World) -> None:
    accepted = Accepted(world, writer="sandbox")
    world.sage.set_fault("offline")
    assert accepted.entered(**htmx(list_address(world, EXPORTING))).status_code == 409
    assert status_of(accepted.cco) == ErpStatus.FAILED_TO_EXPORT
    world.sage.set_fault("none")

    answer = accepted.entered(**htmx(list_address(world, "?view=failed-to-export")))

    assert answer.status_code == 200
    assert page_of(answer).all(f"#cco-{accepted.cco.pk}") == []
    assert status_of(accepted.cco) == ErpStatus.SYNCED
    assert [number for _, number in books_of(world)].count("9-1") == 1


def test_a_cco_goes_back_with_a_reason_when_sage_does_not_hold_it(accepted: Accepted) -> None:
    assert accepted.client.post(accepted.address("give-back"), {"reason": " "}).status_code == 422
    assert status_of(accepted.cco) == ErpStatus.EXPORTING

    answer = accepted.client.post(accepted.address("give-back"), {"reason": "Wrong subcontract"})

    assert answer.status_code == 303
    title = answered_message(accepted.client.get(answer["Location"]))[1]
    assert title == "CCO 900 is back with the project team"
    assert status_of(accepted.cco) == ErpStatus.REJECTED


def test_a_cco_that_sage_holds_does_not_go_back_and_the_reason_is_kept(accepted: Accepted) -> None:
    record = accepted.key_in()

    answer = accepted.client.post(accepted.address("give-back"), {"reason": "Wrong subcontract"})

    assert answer.status_code == 409
    assert answered_message(answer)[1] == f"Sage 100 Contractor® holds it as record {record}"
    assert page_of(answer).one("textarea").text == "Wrong subcontract"
    assert status_of(accepted.cco) == ErpStatus.EXPORTING


def test_a_cco_that_may_be_in_sage_does_not_go_back_either(accepted: Accepted) -> None:
    accepted.world.sage.set_fault("offline")

    answer = accepted.client.post(accepted.address("give-back"), {"reason": "Wrong subcontract"})

    assert answer.status_code == 503
    assert answered_message(answer)[:2] == (AMBER, "It stays in accounting")
    assert page_of(answer).one("textarea").text == "Wrong subcontract"
    assert status_of(accepted.cco) == ErpStatus.EXPORTING


# --- relink --------------------------------------------------------------------------------------


def test_undo_beside_the_green_message_links_the_same_record_again(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    client = browser_of(approver)
    client.post(address(world, cco, "unlink"))
    steps = page_of(client.get(list_address(world))).one("#messages").one(".message-next")
    assert steps.texts("li") == ["Set to Draft", "View history", "Undo"]
    history = page_of(client.get(address(world, cco, "change-order-history")))
    assert f"It was Sage record {world.record_of(cco)}" in history.text
    assert f"Relink to record {world.record_of(cco)}" in history.texts("button")

    gone = client.post(address(world, cco, "relink"))
    assert answered_message(client.get(gone["Location"]))[:2] == (
        AMBER,
        "The record is not back in Sage 100 Contractor®",
    )
    assert status_of(cco) == ErpStatus.NOT_IN_ERP

    world.sage.restore(world.record_of(cco), user="ACCT2")
    back = client.post(address(world, cco, "relink"))
    assert back.status_code == 303
    assert answered_message(client.get(back["Location"]))[0] == GREEN
    assert status_of(cco) == ErpStatus.SYNCED
    assert [link.is_active for link in ChangeOrderLink.objects.order_by("id")] == [False, True]


# --- the plan ------------------------------------------------------------------------------------


def test_the_plan_names_every_step_from_the_last_approved_on(accepted: Accepted) -> None:
    world = accepted.world
    accepted.key_in()
    accepted.entered()
    later = approved_cco(accepted.commitment, number="901", title="Later")
    latest = approved_cco(accepted.commitment, number="902", title="Latest")
    now = timezone.now()
    for minutes, cco in enumerate((later, latest)):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(approved_at=now + timedelta(minutes=minutes))
    sendable.send(world, latest, by=accepted.approver)
    record = world.record_of(accepted.cco)

    def plan() -> list[tuple[str, list[str]]]:
        page = page_of(accepted.client.get(accepted.address("unwind-plan")))
        return [(step.texts("p")[0], step.texts("button")) for step in page.one(".plan").all("li")]

    assert plan()[1:] == [
        ("Retrieve CCO 902 from accounting.", ["Retrieve from ERP"]),
        ("Set CCO 902 to Draft.", []),
        ("Set CCO 901 to Draft.", []),
        (f"Delete change order 9-1 (record {record}) of CCO 900 in Sage.", []),
        ("Unlink CCO 900.", ["Unlink"]),
        ("Set CCO 900 to Draft.", []),
    ]
    assert plan()[0][0].startswith("Check the invoices on subcontract")


def test_the_plan_costs_the_same_however_long_it_is(accepted: Accepted) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert accepted.client.get(accepted.address("unwind-plan")).status_code == 200
        return len(asked)

    one = queries()
    for number in range(10):
        cco = approved_cco(accepted.commitment, number=f"{number:03}")
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(approved_at=timezone.now())

    assert queries() == one


def test_the_plan_names_a_few_people_and_counts_the_rest(accepted: Accepted) -> None:
    for number in range(6):
        accepted.world.person(f"approver-{number}")

    page = page_of(accepted.client.get(accepted.address("unwind-plan")))

    assert "Who may: approver, approver-0, approver-1, approver-2 and 3 more" in page.one(".plan").text


# --- the history ---------------------------------------------------------------------------------


def test_the_history_tells_each_round_with_what_was_signed_off(accepted: Accepted) -> None:
    accepted.client.post(accepted.address("give-back"), {"reason": "Wrong <b>line</b>"})

    answer = accepted.client.get(accepted.address("change-order-history"))

    [round_] = page_of(answer).all(".round")
    assert "as change number 9-1" in round_.text
    assert "Wrong <b>line</b>" in round_.text
    assert "<b>line" not in answer.content.decode()
    assert round_.one("summary").text == "What was signed off"
    assert "1234.50" in round_.one("details").text


def test_rounds_cost_no_query_each(accepted: Accepted) -> None:
    world = accepted.world

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert accepted.client.get(accepted.address("change-order-history")).status_code == 200
        return len(asked)

    one = queries()
    for _ in range(3):
        accepted.client.post(accepted.address("give-back"), {"reason": "Once more"})
        sendable.send(world, accepted.cco, by=accepted.approver)
        sendable.accept(world, accepted.cco, by=accepted.approver, writer="worksheet")

    assert queries() == one

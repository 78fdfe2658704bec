"""A CCO's whole life, by those whose business it is: project team, accounting, and Sage's accountant."""

from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.conftest import Visit
from tests.browser.pages import fact, write_line
from tests.browser.served import Served
from tests.browser.watch import Watch

COMMITMENTS = f"{pages.COMPANY}projects/2617/commitments/"
SUBCONTRACT = "1217"
"""Of the practice company, of its job 2617 and vendor 304; nothing here is tied to it."""
COST_CODE, COST_TYPE = "16100.000 Wiring and raceways", "Subcontract"
TITLE = "Conduit moved to corridor"
REASON = "The signed change order says 4,250.00. Please correct the amount."
WORKSHEET = "Keyed in by hand, from a worksheet"
AT_ONCE = "By Plumbline, into the practice company"
SPELLED = {"Change#": "Change #", "Budget amount": "Budget amount ($)"}
"""Labels of the worksheet that the practice company's window spells in another way."""
ALREADY_THERE = ("Date", "Status")
"""Fields of the window that are filled in when it opens."""


# --- the project team ----------------------------------------------------------------------------


def write_commitment(team: Page) -> None:
    team.goto(COMMITMENTS)
    team.get_by_role("link", name="New subcontract").click()
    team.get_by_label("Number").fill("SC-9100")
    team.get_by_label("Title").fill("Electrical")
    team.get_by_label("Contract company").select_option(label="Beacon Electric (304)")
    team.get_by_label("Status").select_option("Approved")
    write_line(team, 1, description="Wiring", amount="87,200.00", cost_code=COST_CODE, cost_type=COST_TYPE)
    team.get_by_role("button", name="Save").click()
    expect(team.get_by_role("heading", level=1)).to_have_text("SC-9100 Electrical")


def write_cco(team: Page, *, amount: str) -> None:
    team.get_by_role("link", name="New change order").click()
    team.get_by_label("Title").fill(TITLE)
    write_line(team, 1, description="Conduit", amount=amount, cost_code=COST_CODE, cost_type=COST_TYPE)
    team.get_by_label("Changes line").first.select_option("1. Wiring")
    team.get_by_role("button", name="Save").click()
    expect(team.get_by_role("heading", level=1)).to_have_text(f"CCO 001 {TITLE}")


def correct(team: Page, *, amount: str) -> None:
    team.get_by_role("link", name="Edit").click()
    team.get_by_role("group", name="Line 1", exact=True).get_by_label("Amount").fill(amount)
    team.get_by_role("button", name="Save").click()
    assert fact(team, "Amount ($)") == amount


def press(page: Page, button: str, *, erp_status: str, status: str = "Approved") -> None:
    """Presses a button of the CCO's page and expects what its two statuses are then."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#messages .message-success")).to_have_count(1)
    assert (fact(page, "Status"), fact(page, "ERP status")) == (status, erp_status)


# --- accounting ----------------------------------------------------------------------------------


def link_commitment(accounting: Page) -> None:
    accounting.goto(f"{pages.COMPANY}erp-integrations/commitments/")
    accounting.get_by_label("Record number in Sage for SC-9100").fill(SUBCONTRACT)
    accounting.get_by_role("button", name="Link SC-9100").click()
    accounting.get_by_role("button", name="Yes, link SC-9100 Electrical to it").click()
    pages.says(accounting, f"SC-9100 Electrical is linked to record {SUBCONTRACT}", level="success")


def open_waiting(accounting: Page, act: str) -> None:
    accounting.goto(f"{pages.LIST}?view=ready-to-export")
    pages.row_of(accounting, TITLE).get_by_role("link", name=act).click()


def reject(accounting: Page) -> None:
    open_waiting(accounting, "Reject")
    accounting.get_by_label("Reason").fill(REASON)
    accounting.get_by_role("button", name="Reject CCO 001").click()
    pages.says(accounting, "CCO 001 is rejected", level="success")


def accept(accounting: Page, *, writer: str, amount: str) -> None:
    open_waiting(accounting, "Accept")
    expect(accounting.get_by_label("Sage change number")).to_have_value("001")
    accounting.get_by_label("How it gets into Sage").select_option(label=writer)
    accounting.get_by_role("button", name="Show again").click()
    expect(accounting.get_by_role("table", name="The lines in Sage")).to_contain_text(amount)
    accounting.get_by_role("button", name="Accept as change number 001").click()


def export_at_once(accounting: Page, *, amount: str) -> str:
    """Returns the record's number."""
    accept(accounting, writer=AT_ONCE, amount=amount)
    synced = accounting.locator("#messages .message-success .message-title")
    expect(synced).to_contain_text("CCO 001 is synced: record ")
    return synced.inner_text().split("record ")[1].split(",")[0]


def unlink(accounting: Page) -> None:
    accounting.goto(f"{pages.LIST}?q={TITLE}")
    pages.unlink_button(pages.row_of(accounting, TITLE)).click()


def delete_in_sage(accounting: Page, record: str) -> None:
    accounting.goto(pages.SANDBOX)
    accounting.get_by_role("button", name=f"Delete record {record}").click()
    expect(accounting.locator(f"#record-{record}")).to_contain_text("Deleted")


# --- Sage's accountant ---------------------------------------------------------------------------


def to_key_in(worksheet: Page) -> list[tuple[str, str]]:
    """What an accountant reads off the worksheet: labels of the window's fields, and what to type."""
    header = worksheet.get_by_role("table", name="6-4-1 Change Orders").locator("tbody tr").all()
    grid = worksheet.get_by_role("table", name="Budget and Sub Change Details").locator("td").all()
    read = [(row.locator("th").inner_text(), "", row.locator("td")) for row in header]
    read += [(str(cell.get_attribute("data-label")), ", line 1", cell) for cell in grid]
    return [
        (f"{SPELLED.get(label, label)}{line}", cell.inner_text().replace("(leave empty)", ""))
        for label, line, cell in read
        if label not in ALREADY_THERE
    ]


def key_in(accountant: Page, fields: list[tuple[str, str]]) -> str:
    """Returns the new record's number."""
    accountant.goto(pages.SANDBOX_NEW)
    for label, text in fields:
        accountant.get_by_label(label, exact=True).fill(text)
    accountant.get_by_role("button", name="Save").click()
    expect(accountant.locator("#messages")).to_contain_text("was saved in the practice company")
    return accountant.url.rstrip("/").rpartition("/")[2]


# --- what is kept of it --------------------------------------------------------------------------


def link_rows(demo: Served) -> list[tuple[str, bool]]:
    """The record of each link of the CCO, and whether the link holds."""
    return demo.ask(
        "SELECT record_number, unlinked_at IS NULL FROM erp_integrations_changeorderlink"
        f" WHERE cco_title = '{TITLE}' ORDER BY linked_at"
    )


def mails_to(demo: Served, person: str) -> list[str]:
    """The subjects of the mails about CCO 001 of SC-9100 that were queued for the person."""
    found = demo.ask(
        "SELECT subject FROM companies_outgoingmail"
        f" WHERE to_name = '{person}' AND subject LIKE '%CCO 001 of SC-9100' ORDER BY id"
    )
    return [subject for (subject,) in found]


def story(team: Page) -> list[list[str]]:
    """The lines of the change history, oldest first: by whom, what, from, to."""
    lines = team.get_by_role("table", name="Change history").locator("tbody tr").all()
    return [line.locator("td").all_inner_texts() for line in lines]


def line_of(amount: str) -> str:
    return f"Conduit · 16100.000 · Subcontract · {amount} · changes line 1"


TEAM, ACCOUNTING, STATUS, ERP_STATUS = "project-manager", "approver", "Status", "ERP status"
STORY = [
    [TEAM, "Created", "", f"CCO 001 {TITLE}"],
    [TEAM, "Line 1", "", line_of("4,520.00")],
    [TEAM, STATUS, "Draft", "Approved"],
    [TEAM, ERP_STATUS, "Not in ERP", "Ready to Export"],
    [ACCOUNTING, ERP_STATUS, "Ready to Export", "Rejected"],
    [ACCOUNTING, "Rejected Message", "", REASON],
    [TEAM, "Line 1", line_of("4,520.00"), line_of("4,250.00")],
    [TEAM, ERP_STATUS, "Rejected", "Ready to Export"],
    [ACCOUNTING, ERP_STATUS, "Ready to Export", "Exporting"],
    [ACCOUNTING, ERP_STATUS, "Exporting", "Synced"],
    [ACCOUNTING, ERP_STATUS, "Synced", "Not in ERP"],
    [TEAM, STATUS, "Approved", "Draft"],
    [TEAM, "Line 1", line_of("4,250.00"), line_of("3,980.00")],
    [TEAM, STATUS, "Draft", "Approved"],
    [TEAM, ERP_STATUS, "Not in ERP", "Ready to Export"],
    [ACCOUNTING, ERP_STATUS, "Ready to Export", "Exporting"],
    [ACCOUNTING, ERP_STATUS, "Exporting", "Synced"],
]
"""What the change history tells of the first test, in order."""


def test_a_cco_goes_to_sage_comes_back_and_goes_again(visit: Visit, watch: Watch, demo: Served) -> None:
    watch.expects(409)  # the refused unlink
    team, accounting = visit("project-manager"), visit("approver")
    write_commitment(team)
    write_cco(team, amount="4,520.00")
    expect(team.get_by_role("button", name="Send to ERP", exact=True)).to_be_disabled()
    in_the_way = team.locator("#erp .problems")
    expect(in_the_way).to_contain_text("only an Approved CCO is sent")
    expect(in_the_way).to_contain_text("is not tied to its subcontract in Sage. Ask accounting to mend it.")
    link_commitment(accounting)
    team.reload()
    press(team, "Approve", erp_status="Not in ERP")
    press(team, "Send to ERP", erp_status="Ready to Export")

    reject(accounting)
    team.reload()
    expect(team.locator("#erp")).to_contain_text(f"Rejected by approver: {REASON}")
    correct(team, amount="4,250.00")
    press(team, "Re-send to ERP", erp_status="Ready to Export")
    record = export_at_once(accounting, amount="4,250.00")

    team.reload()
    assert fact(team, "ERP status") == "Synced"
    expect(team.get_by_role("button", name="Delete", exact=True)).to_be_disabled()
    unlink(accounting)
    pages.says(accounting, pages.RED, level="error")
    delete_in_sage(accounting, record)
    unlink(accounting)
    pages.says(accounting, pages.GREEN, level="success")

    team.reload()
    expect(team.locator("#erp")).to_contain_text(f"Its former record in Sage: {record}, change number 001.")
    press(team, "Set to Draft", status="Draft", erp_status="Not in ERP")
    correct(team, amount="3,980.00")
    press(team, "Approve", erp_status="Not in ERP")
    press(team, "Send to ERP", erp_status="Ready to Export")
    again = export_at_once(accounting, amount="3,980.00")

    assert link_rows(demo) == [(record, False), (again, True)]
    team.reload()
    assert story(team) == STORY
    assert mails_to(demo, "project-manager") == ["ERP CCO Rejection Notification: CCO 001 of SC-9100"]


def test_a_cco_is_keyed_in_by_hand_first_with_a_wrong_amount(visit: Visit, demo: Served) -> None:
    team, accounting, accountant = visit("project-manager"), visit("approver"), visit("approver")
    write_commitment(team)
    link_commitment(accounting)
    write_cco(team, amount="4,250.00")
    press(team, "Approve", erp_status="Not in ERP")
    press(team, "Send to ERP", erp_status="Ready to Export")
    accept(accounting, writer=WORKSHEET, amount="4,250.00")
    expect(accounting.get_by_role("heading", level=1)).to_have_text(f"Worksheet: CCO 001 {TITLE}")

    as_accepted = to_key_in(accounting)
    wrong = key_in(accountant, [*as_accepted, ("Budget amount ($), line 1", "4520")])
    accounting.get_by_role("button", name="I have entered it").click()
    pages.says(accounting, f"Record {wrong} is not as it was accepted", level="warning")
    differences = accounting.get_by_role("table", name="Otherwise in Sage than accepted").locator("tbody tr")
    assert [line.locator("td").all_inner_texts() for line in differences.all()] == [["4,250.00", "4,520.00"]]
    assert link_rows(demo) == []
    team.reload()
    assert fact(team, "ERP status") == "Exporting"

    delete_in_sage(accountant, wrong)
    right = key_in(accountant, as_accepted)
    accounting.get_by_role("button", name="I have entered it").click()
    pages.says(accounting, f"CCO 001 is synced: record {right}, change number 001", level="success")
    assert link_rows(demo) == [(right, True)]
    team.reload()
    assert fact(team, "ERP status") == "Synced"

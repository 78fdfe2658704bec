"""Writing a commitment and a CCO, as the project team does it: with JavaScript and without."""

from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Scheme, Visit
from tests.browser.pages import fact, tab_to, write_line
from tests.browser.test_access import BOTH_SCHEMES
from tests.browser.test_procedure import BOTH_WAYS
from tests.browser.watch import Watch

COMMITMENTS = f"{pages.COMPANY}projects/2614/commitments/"
IN_ORDER = "Sprinkler heads at lobby"


@BOTH_WAYS
def test_a_commitment_and_a_cco_are_written_corrected_and_approved(
    visit: Visit, watch: Watch, *, javascript: bool
) -> None:
    watch.expects(422)
    page = visit("project-manager", javascript=javascript)
    page.goto(pages.COMPANY)
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="Projects").click()
    page.locator(f"a[href='{COMMITMENTS}']").click()
    page.get_by_role("link", name="New subcontract").click()
    page.get_by_label("Number").fill("SC-9000")
    page.get_by_label("Title").fill("Curtain wall")
    page.get_by_label("Contract company").select_option(index=1)
    page.get_by_label("Status").select_option("Approved")
    write_line(page, 1, description="Glass", amount="12,000.00")
    page.get_by_role("button", name="Add a line").click()
    expect(page.get_by_label("Title")).to_have_value("Curtain wall")
    write_line(page, 3, description="Seals", amount="ten")
    page.get_by_role("button", name="Save").click()

    problem = page.get_by_role("alert").get_by_role("link")
    expect(problem).to_have_text("Line 3: Write the amount as a number, like 1250.00 or -300.")
    problem.click()
    amount = page.get_by_role("group", name="Line 3", exact=True).get_by_label("Amount")
    expect(amount).to_have_value("ten")
    amount.fill("500")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("SC-9000 Curtain wall")
    assert fact(page, "Original amount") == "12,500.00"

    page.get_by_role("link", name="New change order").click()
    expect(page.get_by_label("Number")).to_have_value("001")
    page.get_by_label("Title").fill("Thicker glass")
    write_line(page, 1, description="Glass", amount="-300.50")
    page.get_by_label("Changes line").first.select_option("1. Glass")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("CCO 001 Thicker glass")
    assert (fact(page, "Status"), fact(page, "ERP status")) == ("Draft", "Not in ERP")
    page.get_by_role("button", name="Approve").click()
    assert fact(page, "Status") == "Approved"
    expect(page.get_by_role("table", name="Change history")).to_contain_text("Draft")


def test_what_was_approved_later_stands_in_the_way(visit: Visit) -> None:
    page = visit("project-manager")
    page.goto(f"{COMMITMENTS}?q=Fire+protection")
    page.get_by_role("link", name="Fire protection").click()
    page.get_by_role("link", name=IN_ORDER).click()

    expect(page.get_by_role("button", name="Un-approve", exact=True)).to_be_disabled()
    tab_to(page, ".reasons-sign")
    expect(page.locator(".with-reasons:focus-within .reasons")).to_contain_text("reverse order of approval")


def addresses(page: Page) -> list[str]:
    """Every kind of page there is here."""
    page.goto(f"{COMMITMENTS}?q=Fire+protection")
    commitment = str(page.get_by_role("link", name="Fire protection").get_attribute("href"))
    page.goto(commitment)
    ccos = [
        str(link.get_attribute("href"))
        for link in page.get_by_role("table", name="Change orders").get_by_role("link").all()
    ]
    return [
        f"{pages.COMPANY}projects/",
        COMMITMENTS,
        commitment,
        f"{commitment}edit/",
        f"{commitment}change-orders/new/",
        f"{COMMITMENTS}new/purchase-order/",
        ccos[0],
        ccos[-1],
        f"{ccos[-1]}edit/",
    ]


@BOTH_SCHEMES
def test_axe_finds_nothing_grave(visit: Visit, watch: Watch, scheme: Scheme) -> None:
    watch.expects(422)
    page = visit("project-manager", scheme=scheme)
    found = []
    for address in addresses(page):
        page.goto(address)
        found += findings(page)
    page.goto(f"{COMMITMENTS}new/subcontract/")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").get_by_role("link").first).to_be_visible()
    found += findings(page)
    assert found == []


def test_on_320_pixels_nothing_needs_scrolling_sideways(visit: Visit) -> None:
    page = visit("project-manager", width=320, height=640)
    for address in addresses(page):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, page.url


def test_the_first_problem_is_read_aloud_first(visit: Visit, watch: Watch) -> None:
    watch.expects(422)
    page = visit("project-manager")
    page.goto(f"{COMMITMENTS}new/subcontract/")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#problems")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Number")).to_be_focused()

"""By keyboard, read aloud, on a narrow screen and in the dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.conftest import Scheme, Visit
from tests.browser.watch import Watch

BOTH_SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


# --- by keyboard alone ---


def test_by_keyboard_a_green_answer_leads_to_the_next_rows_button(visit: Visit) -> None:
    page = visit()
    page.goto(f"{pages.LIST}?q=Anchor+Concrete")
    row = pages.row_of(page, "Deleted in Sage")
    following = pages.row_of(page, "Elevator pit waterproofing")

    pages.tab_to(page, f"#{row.get_attribute('id')} button.unlink")
    page.keyboard.press("Enter")

    pages.says(page, pages.GREEN, level="success")
    expect(pages.unlink_button(following)).to_be_focused()
    expect(pages.unlink_button(following)).to_be_in_viewport()


def test_by_keyboard_a_red_answer_leaves_the_focus_on_the_button(visit: Visit, watch: Watch) -> None:
    watch.expects(409)
    page = visit()
    page.goto(f"{pages.LIST}?q=Anchor+Concrete")
    row = pages.row_of(page, "Approved in Sage")

    pages.tab_to(page, f"#{row.get_attribute('id')} button.unlink")
    page.keyboard.press("Enter")

    pages.says(page, pages.RED, level="error")
    expect(pages.unlink_button(row)).to_be_focused()


def test_by_keyboard_the_last_row_leads_to_the_heading(visit: Visit) -> None:
    page = visit()
    page.goto(f"{pages.LIST}?q=Garden+walls")

    pages.tab_to(page, "button.unlink")
    page.keyboard.press("Enter")

    pages.says(page, pages.GREEN, level="success")
    expect(page.locator("#panel-heading")).to_be_focused()


# --- narrow ---


def history(page: Page) -> None:
    page.goto(f"{pages.LIST}?q=Approved+in+Sage")
    pages.unlink_button(pages.row_of(page, "Approved in Sage")).click()
    pages.says(page, pages.RED, level="error").get_by_role("link", name="View history").click()
    expect(page.get_by_role("table", name="Tries to unlink")).to_be_visible()


def record(page: Page) -> None:
    page.goto(pages.SANDBOX)
    page.get_by_role("link", name="Open record").first.click()
    expect(page.get_by_role("heading", name="Lines")).to_be_visible()


def opens(address: str) -> Callable[[Page], None]:
    def open_it(page: Page) -> None:
        page.goto(address)

    return open_it


@pytest.mark.parametrize("username", ["approver", "no-privilege"])
def test_on_320_pixels_nothing_needs_scrolling_sideways(visit: Visit, watch: Watch, username: str) -> None:
    watch.expects(409, 404)
    page = visit(username, width=320, height=640)
    addresses = (pages.LIST, f"{pages.LIST}?view=rejected", pages.ACTIVITY, pages.CONNECTION, pages.COMPANY)
    others = (pages.SANDBOX, pages.HOW_TO, "/companies/nowhere/")
    ways = [opens(address) for address in (*addresses, *others)]
    for way in (*ways, record, *([history] if username == "approver" else [])):
        way(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, page.url
    page = visit(None, width=320, height=640)
    page.goto(pages.SIGN_IN)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_on_320_pixels_the_longest_word_of_sage_stays_in_its_card(visit: Visit) -> None:
    page = visit(width=320, height=640)
    page.goto(f"{pages.LIST}?q=Void+in+Sage")
    row = pages.row_of(page, "Void in Sage")
    row.get_by_role("button", name="Check").click()
    expect(row).to_contain_text("Void or Rejected · ")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_on_320_pixels_a_row_is_a_card_with_a_wide_button_at_its_end(visit: Visit) -> None:
    page = visit(width=320, height=640)
    page.goto(f"{pages.LIST}?q=Approved+in+Sage")
    row = pages.row_of(page, "Approved in Sage")
    assert row.evaluate("element => getComputedStyle(element).display") == "block"
    card, button = row.bounding_box(), pages.unlink_button(row).bounding_box()
    facts = row.locator("[data-label]").last.bounding_box()
    assert card
    assert button
    assert facts
    assert button["width"] > 0.85 * card["width"]
    assert button["y"] > facts["y"]


# --- the support desk, which is Django's own ---


@BOTH_SCHEMES
def test_the_admin_works_under_the_same_content_security_policy(visit: Visit, scheme: Scheme) -> None:
    page = visit("support", scheme=scheme)
    for rows in ("erp_integrations/changeorderlink", "companies/membership", "commitments/commitment"):
        page.goto(f"/admin/{rows}/")
        page.locator("#result_list tbody th a").first.click()
        expect(page.locator("#content h2").first).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Support desk")).to_be_visible()

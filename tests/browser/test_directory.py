"""The Directory in a browser: levels, and the whole way to Can Push to Accounting."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Scheme, Visit
from tests.browser.pages import tab_to
from tests.browser.served import Served
from tests.browser.test_access import BOTH_SCHEMES
from tests.browser.watch import Watch


def entry_of(page: Page, name: str) -> None:
    page.goto(pages.DIRECTORY)
    page.get_by_role("link", name=name, exact=True).click()


@BOTH_SCHEMES
def test_axe_finds_nothing_grave_in_the_directory(visit: Visit, scheme: Scheme) -> None:
    page = visit("company-admin", scheme=scheme)
    page.goto(pages.DIRECTORY)
    found = findings(page)
    entry_of(page, "no-privilege")
    found += findings(page)
    page.get_by_label("ERP Integrations").select_option("Admin")
    page.get_by_role("button", name="Change levels").click()
    expect(page.locator("#messages .message-success")).to_contain_text("1 level changed.")
    found += findings(page)
    page = visit("no-privilege", scheme=scheme)
    page.goto(f"{pages.DIRECTORY}own/")
    found += findings(page)
    assert found == []


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_disabled_button_to_the_first_unlink(
    visit: Visit,
    demo: Served,
    javascript: bool,  # noqa: FBT001
) -> None:
    """Asked for by keyboard, granted by support with words; the same open page unlinks after a reload.

    The person's history tells who asked and who granted, and the ledger with which rights it was unlinked.
    """
    page = visit("no-privilege", javascript=javascript)
    page.goto(f"{pages.LIST}?q=Garden+walls")
    tab_to(page, ".reasons-sign")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Request Can Push to Accounting")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Why is it needed?").fill("I take over from a colleague")
    page.get_by_role("button", name="Request Can Push to Accounting").click()
    expect(page.locator("#can-push-to-accounting")).to_contain_text("Requested on")
    page.goto(f"{pages.LIST}?q=Garden+walls")
    expect(page.locator(".reasons")).to_contain_text("Requested on")

    desk = visit("support")
    desk.goto("/admin/")
    waiting = desk.get_by_role("region", name="Requests for Can Push to Accounting")
    expect(waiting).to_contain_text("I take over from a colleague")
    waiting.get_by_role("link", name="no-privilege").click()
    desk.get_by_role("link", name="Grant").click()
    desk.get_by_label("Why?").fill("Confirmed by the controller")
    desk.get_by_role("button", name="Grant").click()
    expect(desk.locator(".messagelist")).to_contain_text("Decided.")
    desk.goto("/admin/")
    expect(waiting).to_contain_text("No request waits for an answer.")

    page.reload()
    pages.unlink_button(pages.rows(page)).click()
    pages.says(page, pages.GREEN, level="success")
    page.goto(f"{pages.DIRECTORY}own/")
    history = page.get_by_role("table", name="Changes of the entry").locator("tbody tr")
    expect(history).to_have_count(2)
    expect(history.last).to_contain_text("I take over from a colleague")
    expect(history.first).to_contain_text("Confirmed by the controller")
    _ledger_tells_the_unlink(desk, demo)


def _ledger_tells_the_unlink(desk: Page, demo: Served) -> None:
    """Support finds the CCO from the one box, by its record number in Sage."""
    [(record, title)] = demo.ask(
        "SELECT record_number, cco_title FROM erp_integrations_changeorderlink"
        " ORDER BY unlinked_at DESC NULLS LAST LIMIT 1"
    )
    desk.get_by_label("CCO, Sage or record number").fill(record)
    desk.get_by_role("button", name="Search").click()
    desk.get_by_role("link", name=title).first.click()
    event = desk.get_by_role("region", name="Events").locator("tbody tr").first
    expect(event).to_contain_text("no-privilege")
    expect(event).to_contain_text("Unlinked")
    expect(event).to_contain_text("Can Push to Accounting")


def test_on_a_narrow_screen_nothing_of_the_directory_is_cut_off(visit: Visit, watch: Watch) -> None:
    page = visit("company-admin", width=320)
    for name in (None, "approver"):
        if name:
            entry_of(page, name)
        else:
            page.goto(pages.DIRECTORY)
        assert page.evaluate("document.documentElement.scrollWidth") == 320

"""An export as people do it: with scripts, without them, and by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.conftest import Visit
from tests.browser.test_access import tab_to
from tests.browser.watch import Watch

READY = f"{pages.LIST}?view=ready-to-export"
FAILED = f"{pages.LIST}?view=failed-to-export"
CCO = "Winter protection"


def accept(page: Page, *, writer: str) -> None:
    page.goto(READY)
    pages.row_of(page, CCO).get_by_role("link", name="Accept").click()
    page.get_by_label("Sage change number").fill("11-95")
    page.get_by_label("How it gets into Sage").select_option(writer)
    page.get_by_role("button", name="Show again").click()
    page.get_by_role("button", name="Accept as change number 11-95").click()


@pytest.mark.parametrize("javascript", [True, False])
def test_accept_exports_into_the_practice_company_and_unlink_undoes_it(
    visit: Visit, *, javascript: bool
) -> None:
    page = visit(javascript=javascript)
    accept(page, writer="sandbox")
    title = page.locator("#messages .message-success .message-title")
    expect(title).to_contain_text("is synced: record ")
    record = title.inner_text().split("record ")[1].split(",")[0]
    page.goto(f"{pages.SANDBOX}{record}/")
    page.get_by_role("button", name="Delete record").click()
    page.goto(f"{pages.LIST}?q=Winter+protection")
    pages.unlink_button(pages.row_of(page, CCO)).click()
    message = pages.says(page, pages.GREEN, level="success")
    message.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages .message-warning .message-title")).to_have_text(
        "The record is not back in Sage 100 Contractor®"
    )


def test_a_retry_by_keyboard_takes_the_row_away_and_leaves_the_focus_in_the_list(visit: Visit) -> None:
    page = visit()
    page.goto(FAILED)
    row = pages.row_of(page, "Embed plates revised")

    tab_to(page, f"#{row.get_attribute('id')} .act form button")
    page.keyboard.press("Enter")

    expect(page.locator("#messages .message-success .message-title")).to_contain_text("is synced")
    expect(row).to_have_count(0)
    assert pages.count_of(page, "Failed to Export") == 0
    expect(page.locator("#panel-heading")).to_be_focused()


def test_what_is_not_entered_yet_keeps_its_row_and_the_focus(visit: Visit, watch: Watch) -> None:
    watch.expects(409)
    page = visit()
    accept(page, writer="worksheet")
    page.goto(f"{pages.LIST}?view=exporting")
    row = pages.row_of(page, CCO)

    row.get_by_role("button", name="I have entered it").click()

    pages.says(page, "It is not in Sage 100 Contractor® yet", level="warning")
    expect(row.get_by_role("button", name="I have entered it")).to_be_focused()

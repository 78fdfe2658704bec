"""Several rows at once, and rows that say by themselves what Sage said."""

import re

from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.served import Served


def a_row_that_is_there(page: Page) -> tuple[str, str]:
    """Its id, and the number of its record in Sage."""
    row = page.locator("#panel tr[id^=cco-]").filter(has=page.get_by_role("link", name="Approved in Sage"))
    return str(row.get_attribute("id")), row.locator('[data-label="Record"]').inner_text()


def test_rows_are_selected_by_keyboard_and_stay_so_while_sage_is_asked(visit: Visit, demo: Served) -> None:
    page = visit()
    page.goto(pages.LIST)
    row_id, record = a_row_that_is_there(page)
    box = page.locator(f"#{row_id} input[name=cco]")
    box.focus()
    page.keyboard.press("Space")
    expect(page.locator("#selected")).to_have_text("1 selected")
    demo.sage().delete(record, user="ACCT2")

    page.locator(f"#{row_id}").get_by_role("button", name=re.compile("Check CCO")).click()

    expect(page.locator(f"#{row_id}")).to_have_attribute("data-presence", "absent")
    expect(box).to_be_checked()
    expect(page.locator("#messages-status")).to_contain_text("checked")
    page.get_by_label("Select all CCOs on this page").check()
    expect(page.locator("#selected")).to_have_text(re.compile(r"\d+ selected"))
    assert findings(page) == []


def test_an_open_page_says_by_itself_what_was_found_meanwhile(visit: Visit, demo: Served) -> None:
    page, other = visit(), visit("erp-admin")
    page.goto(pages.LIST)
    row_id, record = a_row_that_is_there(page)
    button = page.locator(f"#{row_id} button.unlink")
    button.focus()
    demo.sage().delete(record, user="ACCT2")
    other.goto(pages.LIST)
    other.locator(f"#{row_id}").get_by_role("button", name=re.compile("Check CCO")).click()
    expect(other.locator(f"#{row_id}")).to_have_attribute("data-presence", "absent")

    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator(f"#{row_id}")).to_have_attribute("data-presence", "absent")
    expect(page.locator(f"#{row_id}")).to_contain_text("Deleted")
    expect(button).to_be_focused()


def test_many_are_unlinked_without_javascript_too(visit: Visit) -> None:
    page = visit(javascript=False, width=320)
    page.goto(pages.LIST)
    row_id, _ = a_row_that_is_there(page)
    page.locator(f"#{row_id} input[name=cco]").check()
    page.get_by_role("button", name="Unlink selected").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unlink 1 CCO?")
    page.get_by_role("button", name="Unlink those that are gone").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bulk unlink")
    expect(page.get_by_text("0 of 1 done")).to_be_visible()
    page.get_by_role("button", name="Cancel the rest").click()
    expect(page.get_by_role("table")).to_contain_text("Cancelled")

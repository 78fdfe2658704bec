"""Several rows at once, and rows that say by themselves what Sage said."""

import re

from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.pages import tab_to
from tests.browser.served import Served
from tests.browser.watch import Watch


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


def test_a_dialog_says_what_will_happen_and_gives_the_focus_back(visit: Visit, watch: Watch) -> None:
    watch.expects(422)
    page = visit(width=320, scheme="dark")
    page.goto(pages.LIST)
    dialog, button = page.get_by_role("dialog"), page.get_by_role("button", name="Unlink selected")
    button.press("Enter")
    expect(page.locator("#messages-alert")).to_contain_text("Nothing was selected that could be unlinked")
    expect(dialog).to_be_hidden()
    row_id, _ = a_row_that_is_there(page)
    page.locator(f"#{row_id} input[name=cco]").check()

    for leave in ("Escape", "Cancel"):
        button.press("Enter")
        expect(dialog.get_by_role("heading", name="Unlink 1 CCO?")).to_be_focused()
        if leave == "Escape":
            assert findings(page) == []
            page.keyboard.press("Escape")
        else:
            tab_to(page, "dialog [formmethod=dialog]")
            page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
    expect(page.locator(f"#{row_id} input[name=cco]")).to_be_checked()
    button.press("Enter")
    dialog.get_by_role("button", name="Unlink those that are gone").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Bulk unlink")
    expect(page.get_by_text("0 of 1 done")).to_be_visible()


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

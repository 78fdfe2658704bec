"""What the list shows without a reload: by itself, with a real worker; and by the page's own button."""

from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.conftest import Visit
from tests.browser.served import Served
from tests.browser.test_many_rows import a_row_that_is_there

ROW = 40
LATEST_MS = 45_000
"""The promise is a minute. It takes less than half of this: a worker that starts sees to a tick at once."""


def test_a_record_deleted_in_sage_turns_its_row_by_itself(visit: Visit, demo: Served) -> None:
    page = visit()
    page.goto(pages.LIST)
    row_id, record = a_row_that_is_there(page)
    row, before = page.locator(f"#{row_id}"), pages.count_of(page, "Deleted in Sage")
    row.locator("input[name=cco]").check()
    row.locator("button.unlink").focus()
    demo.sage().delete(record, user="ACCT2")

    with demo.worker():
        expect(row).to_have_attribute("data-presence", "absent", timeout=LATEST_MS)

    expect(row).to_contain_text("Deleted")
    expect(row).to_contain_text("Ready to unlink")
    assert pages.count_of(page, "Deleted in Sage") > before
    expect(row.locator("input[name=cco]")).to_be_checked()
    expect(row.locator("button.unlink")).to_be_focused()


def test_check_this_page_now_keeps_place_selection_and_focus(visit: Visit, demo: Served) -> None:
    page = visit(height=400)
    page.goto(f"{pages.LIST}?company=Anchor+Concrete")  # none of which makes Sage hesitate
    row_id, record = a_row_that_is_there(page)
    row, button = page.locator(f"#{row_id}"), page.get_by_role("button", name="Check this page now")
    row.locator("input[name=cco]").check()
    button.focus()
    page.evaluate("scrollTo(0, 60)")
    place = row.evaluate("row => row.getBoundingClientRect().top")
    demo.sage().delete(record, user="ACCT2")

    page.keyboard.press("Enter")

    expect(page.locator("#messages-status")).to_contain_text("CCOs checked")
    expect(row).to_have_attribute("data-presence", "absent")
    expect(row.locator("input[name=cco]")).to_be_checked()
    expect(button).to_be_focused()
    moved = row.evaluate("row => row.getBoundingClientRect().top") - place
    # Less than a pixel is how the browser rounds the height of a row with other words in it.
    assert -1 < moved < ROW, "rows above may say more now than before, and nothing else moves"

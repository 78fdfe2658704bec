"""The whole job, as a person does it: refused, deleted in Sage, unlinked, deleted here."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.conftest import Visit
from tests.browser.watch import Watch

TITLE = "Deeper footings at grid C"
BOTH_WAYS = pytest.mark.parametrize("javascript", [True, False], ids=["with HTMX", "without JavaScript"])


@BOTH_WAYS
def test_a_cco_is_refused_then_deleted_in_sage_then_unlinked_then_deleted_here(
    visit: Visit, watch: Watch, *, javascript: bool
) -> None:
    if javascript:
        watch.expects(409)
    page = visit(None, javascript=javascript)
    page.goto(pages.COMPANY)
    pages.sign_in(page, "approver")
    page.get_by_role("navigation", name="Tools").get_by_role("link", name="ERP Integrations").click()
    tabs = page.get_by_role("navigation", name="ERP Integrations")
    expect(tabs.locator("[aria-current=page]")).to_have_text("Commitment Change Orders")
    row = pages.panel(page).locator("tr").filter(has_text=TITLE)
    expect(row).to_have_count(1)
    record = pages.record_of(row)

    pages.unlink_button(row).click()
    pages.says(page, pages.RED, level="error")
    expect(pages.row_of(page, TITLE)).to_have_attribute("data-presence", "present")

    page.get_by_role("link", name="Sage sandbox").click()
    page.get_by_role("button", name=f"Delete record {record}").click()
    expect(page.locator(f"#record-{record}")).to_contain_text("Deleted")
    page.get_by_role("link", name="Back to Plumbline").click()

    pages.unlink_button(pages.row_of(page, TITLE)).click()
    green = pages.says(page, pages.GREEN, level="success")
    expect(green).to_contain_text(TITLE)
    expect(green).to_contain_text("Deleted there by ACCT1")
    expect(pages.row_of(page, TITLE)).to_have_count(0)
    history_address = green.get_by_role("link", name="View history").get_attribute("href")
    assert history_address

    green.get_by_role("button", name="Set to Draft").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLE)
    expect(page.locator(".facts").first).to_contain_text("Draft")
    expect(page.locator(".facts").first).to_contain_text("Not in ERP")
    commitments_page = page.url

    page.goto(history_address)
    tries = page.get_by_role("table", name="Tries to unlink").locator("tbody tr")
    expect(tries).to_have_count(2)
    expect(page.get_by_role("table", name="Links")).to_contain_text("approver")
    expect(page.get_by_role("table", name="Events")).to_contain_text("Can Push to Accounting")

    page.goto(commitments_page)
    page.get_by_role("main").get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text("The CCO was deleted.")
    expect(page.get_by_role("table", name="Change orders of")).not_to_contain_text(TITLE)
    expect(page.get_by_role("table", name="Change history")).to_contain_text(TITLE)


@pytest.mark.parametrize("width", [320, 1440])
def test_the_whole_job_by_keyboard_alone(visit: Visit, watch: Watch, width: int) -> None:
    watch.expects(409)
    page = visit(None, width=width, height=720)
    keys = page.keyboard

    def follow(selector: str, *, back: bool = False) -> None:
        pages.tab_to(page, selector, back=back)
        keys.press("Enter")

    page.goto(pages.COMPANY)
    pages.tab_to(page, "#id_login")
    keys.type("approver")
    pages.tab_to(page, "#id_password")
    keys.type(pages.PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    follow("nav[aria-label=Tools] a[href$='/erp-integrations/']")
    expect(page.locator("#panel-heading")).to_have_text(pages.HEADING)
    pages.tab_to(page, "input[name=q]")
    keys.type(TITLE)
    keys.press("Enter")
    row = pages.row_of(page, TITLE)
    expect(pages.rows(page)).to_have_count(1)
    record = pages.record_of(row)
    unlink = f"#{row.get_attribute('id')} button.unlink"

    follow(unlink)
    pages.says(page, pages.RED, level="error")
    expect(pages.unlink_button(row)).to_be_focused()

    follow("a[href$='/sage-sandbox/']", back=True)
    expect(page.get_by_role("heading", level=1)).to_contain_text("practice")
    follow(f"#record-{record} button[aria-label^='Delete']")
    expect(page.locator(f"#record-{record}")).to_contain_text("Deleted")
    follow(f"aside a[href='{pages.LIST}']", back=True)
    expect(page.locator("#panel-heading")).to_have_text(pages.HEADING)

    pages.tab_to(page, "input[name=q]")
    keys.type(TITLE)
    keys.press("Enter")
    expect(pages.rows(page)).to_have_count(1)
    follow(unlink)
    pages.says(page, pages.GREEN, level="success")
    expect(page.locator("#panel-heading")).to_be_focused()

    follow("#messages form[action$='/set-to-draft/'] button", back=True)
    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLE)
    expect(page.locator(".facts").first).to_contain_text("Draft")
    follow("form[action$='/delete/'] button")
    expect(page.locator("#messages")).to_contain_text("The CCO was deleted.")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@BOTH_WAYS
def test_a_change_order_that_is_deleted_and_keyed_in_again_at_once_is_unlinked(
    visit: Visit, *, javascript: bool
) -> None:
    """Sage gives the new one the record number of the old: the everyday correction."""
    title = "Older backup restored"
    page, found = visit(javascript=javascript), f"{pages.LIST}?q=Older+backup"
    page.goto(found)
    record = int(pages.record_of(pages.row_of(page, title)))
    page.goto(pages.SANDBOX)
    there = page.get_by_role("button", name=re.compile(r"^Delete record \d+$"))
    numbers = sorted(int(name.split()[-1]) for name in there.evaluate_all(LABELS))
    for number in reversed([one for one in numbers if one >= record]):
        page.get_by_role("button", name=f"Delete record {number}", exact=True).click()
        expect(page.locator("#messages .message-success")).to_contain_text(str(number))
    below = max(one for one in numbers if one < record)
    for _ in range(record - below):
        pages.key_in(page, job="2611", vendor="301")
        expect(page.locator("#messages")).to_contain_text("was saved in the practice company")

    page.goto(found)
    pages.unlink_button(pages.row_of(page, title)).click()

    green = pages.says(page, pages.GREEN, level="success")
    expect(green).to_contain_text(f"Record {record} (number 11-90) has its record number now")
    expect(pages.row_of(page, title)).to_have_count(0)


LABELS = "buttons => buttons.map(button => button.getAttribute('aria-label') || button.innerText)"


@BOTH_WAYS
def test_a_sage_that_is_off_is_amber_and_trying_again_works_when_it_is_on(
    visit: Visit, watch: Watch, *, javascript: bool
) -> None:
    if javascript:
        watch.expects(503)
    title = "Deleted in Sage"
    page = visit(javascript=javascript)
    pages.switch_fault(page, "offline")
    page.goto(pages.LIST)

    pages.unlink_button(pages.row_of(page, title)).click()
    amber = page.locator("#messages .message")
    expect(amber).to_have_class("message message-warning")
    expect(amber).to_contain_text("Nothing was changed")
    expect(amber.locator(".message-title")).not_to_have_text(pages.GREEN)
    expect(amber.locator(".message-title")).not_to_have_text(pages.RED)
    expect(pages.row_of(page, title)).to_have_attribute("data-presence", "unknown")

    other_window = page.context.new_page()
    pages.switch_fault(other_window, "none")
    amber.get_by_role("button", name="Try again").click()

    pages.says(page, pages.GREEN, level="success")
    expect(pages.row_of(page, title)).to_have_count(0)

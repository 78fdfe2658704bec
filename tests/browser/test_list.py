"""What the list does when one row of it is unlinked, and what scripts and people hold on to."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.conftest import Scheme, Visit
from tests.browser.served import Served
from tests.browser.watch import Watch

PRESENCES = {
    *("present", "absent", "not-effective", "renumbered", "replaced"),
    *("ambiguous", "job-missing", "unknown", "unchecked"),
}
GONE, THERE, JOB_GONE = "Deleted in Sage", "Approved in Sage", "Job archived away"


def unlink(page: Page, title: str) -> None:
    pages.unlink_button(pages.row_of(page, title)).click()


def test_the_handles_are_where_the_contract_says(visit: Visit) -> None:
    page = visit()
    page.goto(pages.LIST)

    expect(pages.panel(page)).to_have_id("panel")
    expect(page.locator("#messages")).to_have_count(1)
    for row in pages.rows(page).all():
        assert re.fullmatch(r"cco-\d+", row.get_attribute("id") or "")
        assert row.get_attribute("data-presence") in PRESENCES
        number = row.locator("th").inner_text()
        button = pages.unlink_button(row)
        expect(button).to_have_text("Unlink")
        expect(button).to_have_accessible_name(f"Unlink CCO {number}")


def test_the_row_leaves_and_counts_and_totals_follow(visit: Visit) -> None:
    page = visit()
    page.goto(pages.LIST)
    synced = pages.count_of(page, "Successfully Synced")
    group_row = pages.row_of(page, GONE).locator("xpath=../tr[@class='group']")
    group = page.locator(f"#{group_row.get_attribute('id')}")
    expect(group).to_contain_text("7 CCOs")
    expect(group).to_contain_text("58,065.75")
    expect(page.locator("#range")).to_contain_text(f"50 of {synced}")

    unlink(page, GONE)

    pages.says(page, pages.GREEN, level="success")
    expect(pages.row_of(page, GONE)).to_have_count(0)
    expect(group).to_contain_text("6 CCOs")
    expect(group).to_contain_text("49,865.75")
    expect(page.locator("#range")).to_contain_text(f"49 of {synced - 1}")
    assert pages.count_of(page, "Successfully Synced") == synced - 1
    page.reload()
    expect(pages.row_of(page, GONE)).to_have_count(0)
    assert pages.count_of(page, "Successfully Synced") == synced - 1


def test_the_last_row_of_a_group_takes_the_group_with_it(visit: Visit) -> None:
    page = visit()
    page.goto(f"{pages.LIST}?q=Garden+walls")
    expect(page.locator("tr.group")).to_have_count(1)

    unlink(page, "Subcontract deleted too")

    pages.says(page, pages.GREEN, level="success")
    expect(page.locator("tr.group")).to_have_count(0)
    expect(page.get_by_text("Nothing is left on this page.")).to_be_visible()


def test_a_refused_row_stays_with_what_sage_says_now(visit: Visit, watch: Watch) -> None:
    watch.expects(409, 503)
    page = visit()
    page.goto(pages.LIST)
    synced = pages.count_of(page, "Successfully Synced")

    unlink(page, "Void in Sage")
    message = pages.says(page, pages.RED, level="error")
    expect(message).to_contain_text("It is marked Void in Sage; delete it there to unlink.")
    expect(pages.row_of(page, "Void in Sage")).to_have_attribute("data-presence", "not-effective")

    unlink(page, JOB_GONE)
    expect(page.locator("#messages .message-warning")).to_be_visible()
    expect(page.locator("#messages .message")).to_have_count(1)
    expect(pages.row_of(page, JOB_GONE)).to_have_attribute("data-presence", "job-missing")
    assert pages.count_of(page, "Successfully Synced") == synced


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_three_answers_are_green_red_and_amber(visit: Visit, watch: Watch, scheme: Scheme) -> None:
    watch.expects(409, 503)
    page = visit(scheme=scheme)
    page.goto(pages.LIST)
    hues = []
    for title, level in ((GONE, "success"), (THERE, "error"), (JOB_GONE, "warning")):
        unlink(page, title)
        words = page.locator(f"#messages .message-{level} .message-title")
        expect(words).to_be_visible()
        hues.append(pages.hue(words.evaluate("element => getComputedStyle(element).color")))
    green, red, amber = hues
    assert 90 <= green <= 160
    assert red <= 15 or red >= 345
    assert 30 <= amber <= 55


def test_the_answer_is_in_sight_from_far_down_the_list(visit: Visit) -> None:
    page = visit()
    page.goto(pages.LIST)
    row = pages.row_of(page, "Number only on the line")
    page.evaluate("scrollTo(0, 800)")
    row.scroll_into_view_if_needed()
    assert page.evaluate("scrollY") > 500

    pages.unlink_button(row).click()

    expect(pages.says(page, pages.GREEN, level="success")).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") > 500


def test_a_read_message_can_be_closed(visit: Visit) -> None:
    page = visit()
    page.goto(pages.LIST)
    unlink(page, GONE)
    pages.says(page, pages.GREEN, level="success").get_by_role("button", name="Close this message").click()
    expect(page.locator("#messages .message")).to_have_count(0)


def test_that_sage_is_being_asked_is_shown_and_said(visit: Visit, demo: Served) -> None:
    demo.sage().set_fault("slow:1")
    page = visit()
    page.goto(pages.LIST)
    number = pages.row_of(page, GONE).locator("th").inner_text()
    button = pages.unlink_button(pages.row_of(page, GONE))

    button.click()

    expect(page.locator("#asking")).to_have_text(f"Asking Sage about CCO {number}…")
    expect(button).to_be_disabled()
    pages.says(page, pages.GREEN, level="success")
    expect(page.locator("#asking")).to_be_empty()


def test_a_server_that_went_away_is_not_met_with_silence(visit: Visit, watch: Watch) -> None:
    page = visit()
    page.goto(pages.LIST)
    page.route("**/unlink/", lambda route: route.abort())
    for words in ("net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"):
        watch.forgives(words)

    unlink(page, GONE)

    expect(page.locator("#messages .message-warning .message-title")).to_have_text("Plumbline did not answer")
    expect(pages.row_of(page, GONE)).to_have_count(1)


def test_somebody_who_signed_out_elsewhere_signs_in_and_is_back_on_the_list(visit: Visit) -> None:
    page = visit(None)
    page.goto(pages.SIGN_IN)
    pages.sign_in(page, "approver")
    page.goto(f"{pages.LIST}?q=grid")
    other_window = page.context.new_page()
    other_window.goto(pages.COMPANY)
    other_window.get_by_role("button", name="Sign out").click()
    expect(other_window.get_by_label("Username")).to_be_visible()

    unlink(page, "Deeper footings at grid C")

    expect(page.get_by_label("Username")).to_be_visible()
    pages.sign_in(page, "approver")
    expect(page).to_have_url(re.compile(re.escape(f"{pages.LIST}?q=grid") + "$"))
    expect(pages.row_of(page, "Deeper footings at grid C")).to_have_count(1)


def test_a_lost_csrf_cookie_loads_the_page_again_and_then_it_works(visit: Visit, watch: Watch) -> None:
    watch.expects(403)
    page = visit()
    page.goto(pages.LIST)
    page.context.clear_cookies(name="csrftoken")

    with page.expect_navigation():
        unlink(page, GONE)
    expect(pages.row_of(page, GONE)).to_have_count(1)

    unlink(page, GONE)
    pages.says(page, pages.GREEN, level="success")


def test_without_javascript_a_lost_csrf_cookie_is_explained(visit: Visit, watch: Watch) -> None:
    watch.expects(403)
    page = visit(javascript=False)
    page.goto(pages.LIST)
    page.context.clear_cookies(name="csrftoken")

    unlink(page, GONE)

    expect(page.get_by_role("main")).to_contain_text("Nothing was changed.")


def test_who_may_not_unlink_reads_what_is_missing_beside_the_button(visit: Visit) -> None:
    page = visit("no-privilege")
    page.goto(pages.LIST)
    row = pages.row_of(page, GONE)
    button = pages.unlink_button(row)

    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description(re.compile("Needs Can Push to Accounting"))
    words = page.locator(f"#{button.get_attribute('aria-describedby')}")
    expect(words).to_be_hidden()
    row.get_by_role("button", name="Why").focus()
    expect(words).to_be_visible()
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()


def test_the_list_is_narrowed_and_widened_again_without_scripts(visit: Visit) -> None:
    page = visit(javascript=False)
    page.goto(pages.LIST)
    before = pages.rows(page).count()

    page.get_by_label("Project").select_option(index=1)
    page.get_by_text("More filters").click()
    page.get_by_label("Sort by").select_option("-amount")
    page.get_by_role("button", name="Apply").click()

    assert 0 < pages.rows(page).count() < before
    expect(page.get_by_role("columnheader", name="Amount")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("link", name=re.compile("^Project .*, remove$")).click()
    expect(page.locator("a.chip")).to_have_count(0)
    assert pages.rows(page).count() == before

"""By keyboard, read aloud, on a narrow screen and in the dark."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.conftest import Scheme, Visit
from tests.browser.watch import Watch

GRAVE = {"serious", "critical"}
BOTH_SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def findings(page: Page) -> list[str]:
    """What axe holds against the page, as lines to read."""
    return [
        f"{page.url}: {violation['id']}: {node['html'][:160]} {node['any'][:1]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the focus is on what the selector names."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab does not reach {selector}")


# --- axe ---


@BOTH_SCHEMES
def test_axe_finds_nothing_grave_on_the_pages_of_an_approver(
    visit: Visit, watch: Watch, scheme: Scheme
) -> None:
    watch.expects(403, 404)
    page = visit(scheme=scheme)
    page.goto(f"{pages.LIST}?q=Approved+in+Sage")
    row = pages.row_of(page, "Approved in Sage")
    record, history = pages.record_of(row), row.get_by_role("link", name="History").get_attribute("href")
    of_the_project_team = row.locator(".row-title a").get_attribute("href")
    found = []
    for address in (
        *(pages.LIST, f"{pages.LIST}?view=rejected", f"{pages.LIST}?q=no+such+words"),
        *(
            pages.SANDBOX,
            f"{pages.SANDBOX}{record}/",
            pages.SANDBOX_NEW,
            pages.CONNECTION,
            pages.COMPANY,
            pages.HOW_TO,
        ),
        *(history, of_the_project_team, "/companies/ridgeline/"),
    ):
        page.goto(str(address))
        found += findings(page)
    assert found == []


def exporting(page: Page) -> Iterator[str]:
    """Goes from page to page of a CCO that is accepted, and of one that is rejected; says where it is."""
    for view in ("ready-to-export", "failed-to-export", "rejected"):
        page.goto(f"{pages.LIST}?view={view}")
        yield view
    page.goto(f"{pages.LIST}?view=ready-to-export")
    pages.row_of(page, "Overtime for slab pour").get_by_role("link", name="Reject").click()
    yield "reject"
    page.goto(f"{pages.LIST}?view=ready-to-export")
    pages.row_of(page, "Winter protection").get_by_role("link", name="Accept").click()
    page.get_by_label("Sage change number").fill("11-1")
    page.get_by_role("button", name="Show again").click()
    yield "accept, with a number that Sage holds"
    page.get_by_label("Sage change number").fill("11-95")
    page.get_by_role("button", name="Show again").click()
    page.get_by_role("button", name="Accept as change number 11-95").click()
    page.get_by_role("button", name="I have entered it").click()
    yield "worksheet, not in Sage yet"
    page.goto(f"{pages.LIST}?view=exporting")
    yield "exporting"
    pages.row_of(page, "Winter protection").get_by_role("link", name="Winter protection").click()
    page.locator("summary").click()
    yield "history"
    page.get_by_role("link", name="How to unwind it").click()
    yield "plan"
    for tab in ("commitments", "jobs", "vendors"):
        page.goto(f"{pages.COMPANY}erp-integrations/{tab}/")
        yield tab


@BOTH_SCHEMES
def test_axe_finds_nothing_grave_on_the_way_of_an_export(visit: Visit, scheme: Scheme) -> None:
    page = visit(scheme=scheme)
    assert [finding for _ in exporting(page) for finding in findings(page)] == []


def test_on_320_pixels_the_way_of_an_export_needs_no_scrolling_sideways(visit: Visit) -> None:
    page = visit(width=320, height=640)
    wide = [
        where for where in exporting(page) if page.evaluate("document.documentElement.scrollWidth") != 320
    ]
    assert wide == []


@BOTH_SCHEMES
def test_axe_finds_nothing_grave_on_the_pages_of_others(visit: Visit, watch: Watch, scheme: Scheme) -> None:
    watch.expects(403)
    page = visit(None, scheme=scheme)
    page.goto(pages.SIGN_IN)
    found = findings(page)
    page = visit("no-privilege", scheme=scheme)
    page.goto(f"{pages.LIST}?q=grid")
    page.get_by_role("button", name="Why").first.focus()
    found += findings(page)
    page = visit("project-manager", scheme=scheme)
    page.goto(pages.LIST)
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not open this page")
    found += findings(page)
    page = visit("support", scheme=scheme)
    page.goto("/")
    found += findings(page)
    assert found == []


@BOTH_SCHEMES
def test_axe_finds_nothing_grave_beside_the_three_answers(visit: Visit, watch: Watch, scheme: Scheme) -> None:
    watch.expects(409, 503)
    page = visit(scheme=scheme)
    page.goto(pages.LIST)
    found = []
    for title, level in (
        ("Deleted in Sage", "success"),
        ("Approved in Sage", "error"),
        ("Job archived away", "warning"),
    ):
        pages.unlink_button(pages.row_of(page, title)).click()
        expect(page.locator(f"#messages .message-{level}")).to_be_visible()
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        found += findings(page)
    assert found == []


@BOTH_SCHEMES
def test_axe_finds_nothing_grave_where_a_change_order_is_refused(visit: Visit, scheme: Scheme) -> None:
    page = visit(scheme=scheme)
    pages.key_in(page, job="2611", vendor="302")
    expect(page.locator("#main")).to_contain_text("is with vendor 301, not 302")
    assert findings(page) == []


# --- by keyboard alone ---


def test_by_keyboard_a_green_answer_leads_to_the_next_rows_button(visit: Visit) -> None:
    page = visit()
    page.goto(f"{pages.LIST}?q=Anchor+Concrete")
    row = pages.row_of(page, "Deleted in Sage")
    following = pages.row_of(page, "Elevator pit waterproofing")

    tab_to(page, f"#{row.get_attribute('id')} button.unlink")
    page.keyboard.press("Enter")

    pages.says(page, pages.GREEN, level="success")
    expect(pages.unlink_button(following)).to_be_focused()
    expect(pages.unlink_button(following)).to_be_in_viewport()


def test_by_keyboard_a_red_answer_leaves_the_focus_on_the_button(visit: Visit, watch: Watch) -> None:
    watch.expects(409)
    page = visit()
    page.goto(f"{pages.LIST}?q=Anchor+Concrete")
    row = pages.row_of(page, "Approved in Sage")

    tab_to(page, f"#{row.get_attribute('id')} button.unlink")
    page.keyboard.press("Enter")

    pages.says(page, pages.RED, level="error")
    expect(pages.unlink_button(row)).to_be_focused()


def test_by_keyboard_the_last_row_leads_to_the_heading(visit: Visit) -> None:
    page = visit()
    page.goto(f"{pages.LIST}?q=Garden+walls")

    tab_to(page, "button.unlink")
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
    addresses = (pages.LIST, f"{pages.LIST}?view=rejected", pages.SANDBOX, pages.CONNECTION, pages.COMPANY)
    ways = [opens(address) for address in (*addresses, pages.HOW_TO, "/companies/nowhere/")]
    for way in (*ways, record, *([history] if username == "approver" else [])):
        way(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, page.url
    page = visit(None, width=320, height=640)
    page.goto(pages.SIGN_IN)
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

"""Takes the pictures of the documentation: `docs/pictures/take`. Not run with the other tests."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from config.dev_environment import ROOT
from tests.browser import pages
from tests.browser.conftest import Visit
from tests.browser.served import Served
from tests.browser.watch import Watch

FOLDER = ROOT / "docs" / "pictures"
MOST_BYTES = 250_000
ANSWERS = {"Deleted in Sage": "success", "Approved in Sage": "error", "Job archived away": "warning"}


def unlink(page: Page, title: str) -> None:
    pages.unlink_button(pages.row_of(page, title)).click()
    expect(page.locator("#messages .message")).to_have_class(f"message message-{ANSWERS[title]}")
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    page.mouse.move(0, 0)
    page.evaluate("() => { scrollTo({ top: 0, behavior: 'instant' }); document.activeElement.blur() }")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    file = Path(FOLDER / f"{name}.png")
    page.screenshot(path=file, animations="disabled", full_page=whole)
    assert file.stat().st_size < MOST_BYTES


def after(*titles: str) -> Callable[[Page], None]:
    """The list after these CCOs were unlinked, or were not."""

    def open_it(page: Page) -> None:
        page.goto(pages.LIST)
        for title in titles:
            unlink(page, title)

    return open_it


def history(page: Page) -> None:
    page.locator("#messages").get_by_role("link", name="View history").click()
    expect(page.get_by_role("table", name="Events")).to_be_visible()


def compared(page: Page, demo: Served) -> None:
    """Waits until a reconciliation has found what is deleted in the practice company, so that rows say it."""
    with demo.worker():
        page.goto(pages.LIST)
        count = page.locator("#views").get_by_role("link", name="Deleted in Sage").locator(".count")
        expect(count).not_to_have_text("0", timeout=90_000)


def test_pictures(visit: Visit, watch: Watch, demo: Served) -> None:
    watch.expects(409, 503)
    page = visit(width=1440, height=900)
    compared(page, demo)
    after("Job archived away", "Approved in Sage")(page)
    page.reload()  # without the message
    picture(page, "list")
    unlink(page, "Deleted in Sage")
    picture(page, "green")
    history(page)
    picture(page, "history")
    after("Approved in Sage")(page)
    picture(page, "red")
    after("Job archived away")(page)
    expect(page.locator("#messages")).to_contain_text("archived")
    picture(page, "amber")
    page.goto(pages.SANDBOX)
    picture(page, "sandbox")
    page.goto(f"{pages.LIST}?view=ready-to-export")
    pages.row_of(page, "Winter protection").get_by_role("link", name="Accept").click()
    picture(page, "accept", whole=True)

    page = visit(width=1440, height=900, scheme="dark")
    after("Approved in Sage")(page)
    picture(page, "dark")

    page = visit(width=320, height=720)
    page.goto(f"{pages.LIST}?q=Approved+in+Sage")
    picture(page, "narrow", whole=True)

    page = visit("erp-admin", width=1100, height=1200)
    page.goto(pages.CONNECTION)
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#messages .message-success")).to_be_visible()
    page.goto(pages.CONNECTION)  # without the message
    page.locator("#change summary").click()
    picture(page, "connection")

    page = visit(None, width=1440, height=900)
    page.goto(pages.SIGN_IN)
    picture(page, "sign-in")

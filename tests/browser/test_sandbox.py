"""The accountant's window for a new change order, without JavaScript and on a narrow screen."""

from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.conftest import Visit


def test_a_change_order_is_keyed_in_without_javascript(visit: Visit) -> None:
    page = visit(javascript=False)
    pages.key_in(page, job="2611", vendor="301")
    expect(page.locator("#messages")).to_contain_text("was saved in the practice company")
    expect(page.get_by_role("table", name="Lines of record")).to_contain_text("1,250.50")


def test_the_window_for_a_new_change_order_fits_on_320_pixels(visit: Visit) -> None:
    page = visit(width=320, height=640)
    pages.key_in(page, job="9999", vendor="301")
    expect(page.get_by_label("Job", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#main")).to_contain_text("There is no job 9999.")
    assert page.evaluate("document.documentElement.scrollWidth") == 320

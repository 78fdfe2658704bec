"""An ERP admin connects a company to its books, by keyboard alone, and reads what the check found."""

import pytest
from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Scheme, Visit
from tests.browser.pages import tab_to
from tests.browser.watch import Watch

TYPED = {
    "server": "127.0.0.1",
    "port": "1",
    "database": "O'Brien & Sons [North]",
    "login": "plumbline_reader",
    "password": "a; hard} one",
}
"""Nothing listens on that port, so the answer comes at once."""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_by_keyboard_from_an_empty_form_to_the_report(
    visit: Visit, watch: Watch, scheme: Scheme, width: int
) -> None:
    watch.expects(422)
    page = visit("erp-admin", scheme=scheme, width=width)
    page.goto(pages.CONNECTION)
    tab_to(page, "#change summary")
    page.keyboard.press("Enter")
    for field, value in TYPED.items():
        tab_to(page, f"#id_{field}")
        page.keyboard.type(value if field != "port" else "many")
    page.keyboard.press("Enter")
    expect(page.locator("#id_port_error")).to_have_text("Enter a whole number.")
    expect(page.locator("#id_port")).to_be_focused()
    expect(page.locator("#id_port")).to_be_in_viewport()
    assert findings(page) == []
    for field, value in TYPED.items():
        expect(page.locator(f"#id_{field}")).to_have_value({"port": "many", "password": ""}.get(field, value))
    page.locator("#id_port").fill(TYPED["port"])
    page.locator("#id_password").fill(TYPED["password"])

    page.locator("#id_password").press("Enter")

    expect(page.locator("#messages .message-success")).to_contain_text("The connection was stored")
    expect(page.locator("#login-script")).to_contain_text("USE [O'Brien & Sons [North]]];")
    tab_to(page, "form[hx-post] button")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .message-warning")).to_be_visible()
    expect(page.get_by_role("button", name="Check now")).to_be_focused()
    red = page.locator(".check-refused")
    expect(red).to_contain_text("Sage's database server cannot be reached.")
    expect(page.locator("#connection-facts")).to_contain_text("people's own clicks")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert TYPED["password"] not in page.content()
    red.get_by_role("link", name="What this means").click()
    expect(page.locator("#unreachable")).to_be_in_viewport()
    assert findings(page) == []


def test_the_script_can_be_copied(visit: Visit) -> None:
    page = visit("erp-admin")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(pages.CONNECTION)

    page.get_by_role("button", name="Copy").click()

    expect(page.locator("#asking")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#login-script").text_content()
    assert "GRANT VIEW DEFINITION TO [plumbline_reader];" in copied

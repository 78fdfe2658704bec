"""Where things are on the pages, by the words and handles that people and scripts hold on to."""

import colorsys
import re

from playwright.sync_api import Locator, Page, expect

PASSWORD = "plumbline-demo"
COMPANY = "/companies/harbor-point/"
LIST = f"{COMPANY}erp-integrations/commitment-change-orders/"
CONNECTION = f"{COMPANY}erp-integrations/connection/"
ACTIVITY = f"{COMPANY}erp-integrations/activity/"
DIRECTORY = f"{COMPANY}directory/"
SANDBOX = f"{COMPANY}sage-sandbox/"
SANDBOX_NEW = f"{SANDBOX}new/"
SIGN_IN = "/sign-in/"
MOST_TABS = 400
"""Past every control of the longest page."""
HOW_TO = "/how-to/unlink-a-cco/"

HEADING = "Change Orders - Successfully Synced with Sage 100 Contractor®"
GREEN = "Successful Unlinked"
RED = "The CCO is still in Sage 100 Contractor®. Please delete it before retrying"


def sign_in(page: Page, username: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def tab_to(page: Page, selector: str, *, back: bool = False) -> None:
    """Presses Tab, or Shift+Tab, until the focus is on what the selector names, where it can be seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    focused = page.locator(":focus")
    expect(focused).to_be_in_viewport()
    assert focused.evaluate("element => element.matches(':focus-visible')")
    assert focused.evaluate("element => getComputedStyle(element).outlineStyle") != "none", selector
    assert focused.evaluate("(element, selector) => element.matches(selector)", selector), selector


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name=HEADING, exact=True)


def row_of(page: Page, title: str) -> Locator:
    """The row of the CCO with exactly this title."""
    words = page.locator(".row-title").get_by_text(title, exact=True)
    return page.locator("#panel tr[id^='cco-']").filter(has=words)


def rows(page: Page) -> Locator:
    return page.locator("#panel tr[id^='cco-']")


def unlink_button(row: Locator) -> Locator:
    return row.get_by_role("button", name=re.compile(r"^Unlink CCO "))


def record_of(row: Locator) -> str:
    """The Sage record number that the row shows."""
    return row.locator("[data-label='Record']").inner_text().strip()


def write_line(
    page: Page, number: int, *, description: str, amount: str, cost_code: str = "", cost_type: str = ""
) -> None:
    """Fills in a line of a commitment or a CCO; takes the first cost code and type where none is named."""
    line = page.get_by_role("group", name=f"Line {number}", exact=True)
    line.get_by_label("Description").fill(description)
    for label, choice in (("Cost code", cost_code), ("Cost type", cost_type)):
        field = line.get_by_label(label)
        field.select_option(label=choice) if choice else field.select_option(index=1)
    line.get_by_label("Amount").fill(amount)


def fact(page: Page, name: str) -> str:
    return page.locator(f"dl.facts dt:has-text('{name}') + dd").first.inner_text().strip()


def key_in(page: Page, *, job: str, vendor: str) -> None:
    """Keys a change order of one line into the practice company, line 2 of the form."""
    page.goto(SANDBOX_NEW)
    page.get_by_role("button", name="Add a line").click()
    for label, value in (("Change #", "11-90"), ("Job", job), ("Phase", "1")):
        page.get_by_label(label, exact=True).fill(value)
    for label, value in (
        ("Vendor", vendor),
        ("Subcontract", "1201"),
        ("Subcontract line", "1"),
        ("Change #", "01-90"),
        ("Cost code", "3310"),
        ("Cost type", "4"),
        ("Budget amount ($)", "1250.50"),
    ):
        page.get_by_label(f"{label}, line 2", exact=True).fill(value)
    page.get_by_role("button", name="Save").click()


def says(page: Page, title: str, *, level: str) -> Locator:
    """Expects exactly one message, with exactly these words alone in their element; returns it."""
    message = page.locator("#messages .message")
    expect(message).to_have_count(1)
    expect(message).to_have_class(f"message message-{level}")
    expect(message.locator(".message-title")).to_have_count(1)
    expect(message.locator(".message-title")).to_have_text(title, use_inner_text=True)
    assert message.locator(".message-title").text_content() == title
    return message


def switch_fault(page: Page, fault: str) -> None:
    """Switches a fault of the practice company on, as a person does; `none` switches it off."""
    page.goto(SANDBOX)
    page.get_by_label("Fault of the server").select_option(fault)
    page.get_by_role("button", name="Switch").click()
    expect(page.locator("#messages .message-success")).to_be_visible()


def count_of(page: Page, view: str) -> int:
    words = page.locator("#views").get_by_role("link", name=view).locator(".count").inner_text()
    return int(words.replace(",", ""))


def hue(colour: str) -> float:
    """Degrees on the colour wheel of what the browser computed, `rgb(19, 115, 51)`."""
    red, green, blue = (float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3])
    return colorsys.rgb_to_hsv(red, green, blue)[0] * 360

"""The pages of an export: accept, reject, worksheet, what waits and what failed."""

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.test_a_whole_life import key_in, to_key_in
from tests.browser.watch import Watch


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
    another = key_in(page, [*to_key_in(page), ("Change #", "11-96")])
    page.goto(f"{pages.LIST}?view=ready-to-export")
    pages.row_of(page, "Overtime for slab pour").get_by_role("link", name="Accept").click()
    page.get_by_label("Record number in Sage").fill(another)
    page.get_by_role("button", name="Link to this record").click()
    expect(page.get_by_role("table", name="The CCO beside the record")).to_contain_text("differs")
    yield "linking to what differs"
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


def test_axe_finds_nothing_on_the_way_of_an_export_in_either_scheme(visit: Visit, watch: Watch) -> None:
    watch.expects(409)  # what differs is not linked without a yes
    page = visit()
    found = []
    for where in exporting(page):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
            found += [f"{where}, {scheme}: {line}" for line in findings(page)]
    assert not found, "\n".join(found)


def test_on_no_screen_the_way_of_an_export_needs_scrolling_sideways(visit: Visit, watch: Watch) -> None:
    watch.expects(409)
    page = visit()
    wide = []
    for where in exporting(page):
        for width in (320, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 640})
            if page.evaluate("document.documentElement.scrollWidth") != width:
                wide.append(f"{where}, {width}")
    assert wide == []

"""Axe is silent: on every page and in every state of one, in light and dark."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.axe import findings
from tests.browser.conftest import Visit
from tests.browser.served import Served
from tests.browser.watch import Watch

COMMITMENTS = f"{pages.COMPANY}projects/2611/commitments/"
VIEWS = ("ready-to-export", "exporting", "failed-to-export", "rejected", "deleted-in-sage", "synced")
ANSWERS = {"Deleted in Sage": "success", "Approved in Sage": "error", "Job archived away": "warning"}


@dataclass(frozen=True, slots=True)
class State:
    """A page as somebody can meet it. `reach` takes a window to it."""

    name: str
    reach: Callable[[Page], object]
    who: str | None = "approver"


def at(address: str) -> Callable[[Page], object]:
    return lambda page: page.goto(address)


def settled(page: Page) -> None:
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def answer(title: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        page.goto(f"{pages.LIST}?q={title}")
        pages.unlink_button(pages.row_of(page, title)).click()
        expect(page.locator(f"#messages .message-{ANSWERS[title]}")).to_be_visible()
        settled(page)

    return reach


def filters_open(page: Page) -> None:
    page.goto(f"{pages.LIST}?sort=-amount&presence=present&amount_from=10&q=in&colour=red")
    page.get_by_text("More filters").click()
    expect(page.get_by_label("Contract company")).to_be_visible()


def no_answer(page: Page) -> None:
    page.goto(f"{pages.LIST}?q=Approved in Sage")
    page.route("**/unlink/", lambda route: route.abort())
    pages.unlink_button(pages.row_of(page, "Approved in Sage")).click()
    expect(page.locator("#messages .message-warning")).to_contain_text("did not answer")
    settled(page)
    page.unroute("**/unlink/")


def first(page: Page, role: Literal["button", "link"], words: str) -> None:
    page.get_by_role("main").get_by_role(role, name=words).first.click()


def record(page: Page) -> None:
    page.goto(pages.SANDBOX)
    page.get_by_role("link", name="Open record").first.click()


def record_deleted(page: Page) -> None:
    page.goto(pages.SANDBOX)
    page.get_by_role("button", name="Delete record").first.click()
    expect(page.locator("#messages .message")).to_be_visible()


def wrong_password(page: Page) -> None:
    page.goto(pages.SIGN_IN)
    page.get_by_label("Username").fill("approver")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="password")).to_be_visible()


def why(page: Page) -> None:
    page.goto(f"{pages.LIST}?q=grid")
    page.get_by_role("button", name="Why").first.focus()


def too_old(page: Page) -> None:
    page.goto(pages.CONNECTION)
    page.context.clear_cookies(name="csrftoken")
    with page.expect_navigation():  # the answer loads the page anew
        page.get_by_role("button", name="Check now").click()


def checked(page: Page) -> None:
    page.goto(pages.CONNECTION)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("heading", name="What was found last")).to_be_visible()


def problems(page: Page) -> None:
    pages.switch_fault(page, "no-rights")
    checked(page)
    expect(page.get_by_label("Not well:").first).to_be_visible()
    pages.switch_fault(page, "none")
    page.goto(pages.CONNECTION)


def waits_for_acceptance(page: Page) -> None:
    page.goto(pages.SANDBOX)
    page.get_by_role("button", name="Restore the last backup").click()
    checked(page)
    expect(page.get_by_role("heading", name="Another database answers")).to_be_visible()


def without_a_reason(page: Page) -> None:
    page.goto(pages.CONNECTION)
    page.get_by_role("button", name="Compare first").click()
    page.get_by_label("Why is it the right one?").fill("   ")
    page.get_by_role("button", name="Accept this database").click()
    expect(page.locator("#messages .message")).to_be_visible()


def evidence(page: Page) -> None:
    page.goto(f"{pages.ACTIVITY}?outcome=unlinked")
    first(page, "link", "Evidence")
    page.get_by_text("All that was kept, as JSON").click()
    expect(page.get_by_role("region", name="Evidence as JSON")).to_contain_text('"verdict": "absent"')


STATES = (
    State("sign-in", at(pages.SIGN_IN), None),
    State("sign-in refused", wrong_password, None),
    State("nothing at this address, nobody", at("/nowhere/"), None),
    State("home", at(pages.COMPANY)),
    *(State(f"list: {view}", at(f"{pages.LIST}?view={view}")) for view in VIEWS),
    *(State(f"list, empty: {view}", at(f"{pages.LIST}?view={view}&q=no+such+words")) for view in VIEWS),
    State("list, filtered and flat, with notes", filters_open),
    State("amber", answer("Job archived away")),
    State("red", answer("Approved in Sage")),
    State("history", lambda page: first(page, "link", "View history")),
    State("green, and nothing is left", answer("Deleted in Sage")),
    State("set to draft", lambda page: first(page, "button", "Set to Draft")),
    State("no answer from us", no_answer),
    State("commitments", at(COMMITMENTS)),
    State("a commitment", lambda page: first(page, "link", "Concrete")),
    State("a locked CCO", lambda page: first(page, "link", "Approved in Sage")),
    State("activity, with notes and chips", at(f"{pages.ACTIVITY}?outcome=unlinked&colour=red")),
    State("an event with its evidence", evidence),
    State("activity, nothing matches", at(f"{pages.ACTIVITY}?person=approver&at_to=2020-01-01")),
    State("how-to", at(pages.HOW_TO)),
    State("sandbox", at(pages.SANDBOX)),
    State("sandbox, a record", record),
    State("sandbox, a record deleted", record_deleted),
    State("connection, never checked", at(pages.CONNECTION)),
    State("connection, all well", checked),
    State("connection, with problems", problems),
    State("connection, waits for acceptance", waits_for_acceptance),
    State("connection, may accept", at(pages.CONNECTION), "erp-admin"),
    State("connection, no reason given", without_a_reason, "erp-admin"),
    State("the page was too old", too_old),
    State("not theirs", at("/companies/ridgeline/")),
    State("sign-out", at("/sign-out/")),
    State("why a button is off", why, "no-privilege"),
    State("may not open", at(pages.LIST), "project-manager"),
    State("no company", at("/"), "support"),
)


def companies_to_choose_from(demo: Served) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        demo.run(
            "INSERT INTO companies_membership (company_id, user_id, is_active, can_push_to_accounting)"
            " SELECT company.id, person.id, true, false FROM companies_company company, companies_user person"
            " WHERE person.username = 'support'"
        )
        page.goto("/")
        expect(page.get_by_role("main").get_by_role("link")).to_have_count(2)

    return reach


def broken(demo: Served) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        demo.run("ALTER TABLE companies_company RENAME TO companies_missing")
        page.goto(pages.COMPANY)
        demo.run("ALTER TABLE companies_missing RENAME TO companies_company")
        expect(page.get_by_role("heading", level=1)).to_have_text("Something went wrong in Plumbline")

    return reach


def every_state(demo: Served) -> tuple[State, ...]:
    return (
        *STATES,
        State("companies to choose from", companies_to_choose_from(demo), "support"),
        State("something went wrong", broken(demo)),
    )


def test_axe_finds_nothing_on_any_page_in_any_state(visit: Visit, watch: Watch, demo: Served) -> None:
    watch.expects(403, 404, 409, 500, 503)
    for words in ("net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"):  # of the answer that never came
        watch.forgives(words)
    windows: dict[str | None, Page] = {}
    found = []
    for state in every_state(demo):
        page = windows.get(state.who) or windows.setdefault(state.who, visit(state.who))
        state.reach(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
            found += [f"{state.name}, {scheme}: {line}" for line in findings(page)]
    assert not found, "\n".join(found)

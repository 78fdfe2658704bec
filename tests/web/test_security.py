"""What every answer carries for the browser's sake, and pages for when things go wrong."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from companies.models import Level
from tests import factories
from tests.web.pages import Element, page_of
from tests.web.people import browser_of, click, list_address, submit
from tests.world import World

CSP = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
LOCAL = re.compile(r"^(/(?!/)|\?|#|$)")


def harden(answer: Any, address: str) -> None:
    """Fails where an answer lacks what every answer must have."""
    policy = {directive.strip() for directive in answer["Content-Security-Policy"].split(";")}
    assert policy == CSP, address
    assert answer["X-Frame-Options"] == "DENY", address
    assert answer["X-Content-Type-Options"] == "nosniff", address
    assert answer["Referrer-Policy"] == "same-origin", address
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin", address
    for name, cookie in answer.cookies.items():
        assert cookie["samesite"] == "Lax", (address, name)
    if "plumbline_session" in answer.cookies:
        assert answer.cookies["plumbline_session"]["httponly"], address


def nothing_inline(page: Element, address: str) -> None:
    """Fails where a page of ours holds what its own policy forbids, or loads from elsewhere."""
    for element in page.everything():
        where = (address, element.tag, element.attributes)
        assert element.tag not in ("style", "base", "iframe", "object", "embed"), where
        assert element.tag != "script" or ("src" in element and not element.text), where
        for name, value in element.attributes.items():
            assert name != "style", where
            assert not name.startswith("on"), where
            assert not name.startswith("hx-on"), where
            if name in ("src", "action", "formaction", "hx-post", "hx-get") or (
                name == "href" and element.tag != "use"
            ):
                assert LOCAL.match(value), where
    ids = [element["id"] for element in page.everything() if "id" in element]
    assert len(ids) == len(set(ids)), (address, sorted(i for i in ids if ids.count(i) > 1))
    for element in page.everything():
        for name in ("aria-describedby", "aria-labelledby", "for"):
            for target in (element.get(name) or "").split():
                assert target in ids or target.endswith("_helptext"), (address, name, target)


@pytest.fixture
def pages(world: World) -> dict[str, Callable[[], Any]]:
    """Every kind of page of ours, in the states that look different."""
    cco, second, free = world.synced_cco(), world.synced_cco("plain-01"), world.free_cco()
    admin = browser_of(world.person("erp-admin", erp_integrations=Level.ADMIN))
    reader = browser_of(world.person("erp-read-only", erp_integrations=Level.READ_ONLY))
    without = browser_of(world.person("project-manager", erp_integrations=Level.NONE))
    nobody, forger = Client(), browser_of(world.person("forger"), enforce_csrf_checks=True)
    two = world.person("two-companies")
    factories.MembershipFactory.create(user=two)
    company = "/companies/harbor-point/"
    erp, projects = f"{company}erp-integrations/", f"{company}projects/2611/commitments/"

    def after_red() -> Any:
        return admin.get(submit(admin, world, cco)["Location"])

    def after_amber() -> Any:
        world.sage.set_fault("offline")
        answer = admin.get(submit(admin, world, cco)["Location"])
        world.sage.set_fault("none")
        return answer

    def check_that_fails() -> Any:
        world.sage.set_fault("no-rights")
        admin.post(f"{erp}connection/check/")
        world.sage.set_fault("none")
        return admin.get(f"{erp}connection/")

    def after_green() -> Any:
        world.delete_in_sage(second)
        return admin.get(submit(admin, world, second)["Location"])

    def another_database() -> Any:
        world.sage.restore_backup()
        admin.post(f"{erp}connection/check/")
        return admin.get(f"{erp}connection/")

    return {
        "sign-in": lambda: nobody.get("/sign-in/"),
        "sign-in refused": lambda: nobody.post("/sign-in/", {"login": "x", "password": "y"}),
        "sign-out": lambda: admin.get("/sign-out/"),
        "inactive": lambda: nobody.get("/account/inactive/"),
        "password": lambda: admin.get("/account/password/"),
        "picker": lambda: browser_of(two).get("/"),
        "how-to": lambda: admin.get("/how-to/unlink-a-cco/"),
        "home": lambda: admin.get(company),
        "home without": lambda: without.get(company),
        "list": lambda: admin.get(list_address(world)),
        "list read-only": lambda: reader.get(list_address(world)),
        "list found nothing": lambda: admin.get(list_address(world, "?q=nothing-of-this")),
        "list plain": lambda: admin.get(list_address(world, "?view=rejected")),
        "history": lambda: admin.get(f"{list_address(world)}{cco.pk}/"),
        "connection": lambda: admin.get(f"{erp}connection/"),
        "422 connection": lambda: admin.post(f"{erp}connection/", {"port": "many"}),
        "connection failed": check_that_fails,
        "errors": lambda: admin.get("/how-to/what-each-error-means/"),
        "connection read-only": lambda: reader.get(f"{erp}connection/"),
        "commitments": lambda: admin.get(projects),
        "change order": lambda: admin.get(f"{projects}change-orders/{cco.pk}/"),
        "free change order": lambda: admin.get(f"{projects}change-orders/{free.pk}/"),
        "sandbox": lambda: admin.get(f"{company}sage-sandbox/"),
        "sandbox record": lambda: admin.get(f"{company}sage-sandbox/702/"),
        "403": lambda: without.get(list_address(world)),
        "403 csrf": lambda: submit(forger, world, cco),
        "404": lambda: admin.get("/no-such-page/"),
        "404 signed out": lambda: nobody.get("/no-such-page/"),
        "404 company": lambda: admin.get("/companies/nobody/"),
        "405": lambda: admin.get(f"{list_address(world)}{cco.pk}/unlink/"),
        "after red": after_red,
        "after amber": after_amber,
        "after green": after_green,
        "history after": lambda: admin.get(f"{list_address(world)}{second.pk}/"),
        "another database": another_database,
    }


def test_every_page_carries_the_policy_and_holds_nothing_inline(
    pages: dict[str, Callable[[], Any]],
) -> None:
    statuses = {}
    for name, open_page in pages.items():
        answer = open_page()
        statuses[name] = answer.status_code
        harden(answer, name)
        page = page_of(answer)
        nothing_inline(page, name)
        if answer.status_code != 405:
            assert len(page.all("h1")) == 1, name
            assert page.one("title").text.endswith("· Plumbline"), name
            assert page.one("html")["lang"] == "en", name
    expected = {name: int(name[:3]) if name[:3].isdigit() else 200 for name in pages}
    assert statuses == expected


def test_fragments_carry_the_policy_and_hold_nothing_inline(world: World) -> None:
    cco, client = world.synced_cco(), browser_of(world.person())
    for fault, status in (("none", 409), ("offline", 503)):
        world.sage.set_fault(fault)
        answer = click(client, world, cco)
        assert answer.status_code == status
        checked = client.post(
            "/companies/harbor-point/erp-integrations/connection/check/", headers={"HX-Request": "true"}
        )
        for fragment in (answer, checked):
            harden(fragment, fault)
            nothing_inline(page_of(fragment), fault)


def test_redirects_carry_the_policy_too(world: World) -> None:
    for answer in (Client().get(list_address(world)), browser_of(world.person()).get("/")):
        assert answer.status_code == 302
        harden(answer, answer["Location"])


def test_the_admin_carries_the_policy(world: World) -> None:
    desk = browser_of(factories.UserFactory.create(username="support", is_staff=True, is_superuser=True))
    for address in ("/admin/", "/admin/companies/membership/", "/admin/companies/membership/add/"):
        answer = desk.get(address)
        assert answer.status_code == 200
        harden(answer, address)


def test_static_files_are_served_with_nosniff(db: None) -> None:
    for file in ("css/tokens.css", "js/app.js", "bootstrap/css/bootstrap.min.css", "img/plumbline.svg"):
        answer = Client().get(f"/static/{file}")
        assert answer.status_code == 200, file
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_not_for_scripts_or_other_sites(world: World) -> None:
    person = world.person()
    person.set_password("a-password-of-theirs")
    person.save()

    answer = Client().post("/sign-in/", {"login": "approver", "password": "a-password-of-theirs"})

    cookie = answer.cookies["plumbline_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    harden(answer, "sign-in")


def test_a_mistake_of_ours_gets_a_page_that_helps_and_tells_nothing(world: World, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.web.urls_with_a_mistake"
    client = browser_of(world.person(), raise_request_exception=False)

    answer = client.get("/mistake/")

    assert answer.status_code == 500
    harden(answer, "500")
    page = page_of(answer)
    nothing_inline(page, "500")
    assert page.texts("h1") == ["Something went wrong in Plumbline"]
    assert "it has been written to the log" in page.one("main").text
    assert b"secret words" not in answer.content
    assert b"ZeroDivisionError" not in answer.content


@pytest.mark.parametrize(
    ("name", "heading", "words"),
    [
        ("404", "There is nothing at this address", "may have been deleted"),
        ("403", "You may not open this page", "A company administrator can give you the level"),
        ("403 csrf", "This page was too old to act on", "load the page again"),
    ],
)
def test_pages_of_refusal_say_what_to_do_next(
    pages: dict[str, Callable[[], Any]], name: str, heading: str, words: str
) -> None:
    page = page_of(pages[name]())

    assert page.texts("h1") == [heading]
    assert words in page.one("#main").text
    assert "/" in [link.get("href") for link in page.one("#main").all("a")]


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "'"])
def test_another_host_name_is_refused(world: World, host: str) -> None:
    answer = browser_of(world.person()).get("/", headers={"Host": host})

    assert answer.status_code == 400
    assert host.encode() not in answer.content

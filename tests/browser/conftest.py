"""A browser, the demo to look at with it, and an eye on everything that goes wrong meanwhile."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
from playwright.sync_api import Browser, Page, StorageState
from pytest_playwright import CreateContextCallback

from tests.browser import pages
from tests.browser.served import Served, demo_served
from tests.browser.watch import Watch

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIGNED_IN = ("approver", "erp-admin", "no-privilege", "project-manager", "support", "company-admin")
Scheme = Literal["light", "dark"]


class Visit(Protocol):
    """Opens a browser window of its own, signed in as somebody of the demo, or as nobody."""

    def __call__(
        self,
        username: str | None = "approver",
        *,
        javascript: bool = True,
        scheme: Scheme = "light",
        width: int = 1280,
        height: int = 900,
    ) -> Page: ...


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: while Playwright runs, Django refuses this thread its database."""
    here = Path(__file__).parent
    items.sort(key=lambda item: here in item.path.parents)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's browser where there is one, Playwright's own otherwise."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    own = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **own, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def kept_sessions() -> dict[str, StorageState]:
    """What a browser keeps of a sign-in, by username."""
    return {}


@pytest.fixture(scope="session")
def demo(
    browser: Browser, kept_sessions: dict[str, StorageState], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder = tmp_path_factory.mktemp("served")
    with demo_served(os.environ["DATABASE_URL"], folder, name=worker) as served:
        for username in SIGNED_IN:
            context = browser.new_context(base_url=served.address)
            page = context.new_page()
            page.goto("/sign-in/")
            pages.sign_in(page, username)
            kept_sessions[username] = context.storage_state()
            context.close()
        served.keep()
        yield served


@pytest.fixture(scope="session")
def base_url(demo: Served) -> str:
    """Addresses that begin with a slash are the demo's."""
    return demo.address


@pytest.fixture(autouse=True)
def as_loaded(demo: Served) -> None:
    """Each test finds the demo as it was loaded."""
    demo.start_over()


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert watch.unexpected() == []


@pytest.fixture
def visit(watch: Watch, new_context: CreateContextCallback, kept_sessions: dict[str, StorageState]) -> Visit:
    def visit(
        username: str | None = "approver",
        *,
        javascript: bool = True,
        scheme: Scheme = "light",
        width: int = 1280,
        height: int = 900,
    ) -> Page:
        context = new_context(
            storage_state=kept_sessions[username] if username else None,
            java_script_enabled=javascript,
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            locale="en-US",
        )
        context.set_default_timeout(10_000)
        watch.over(context)
        return context.new_page()

    return visit

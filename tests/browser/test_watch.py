"""The eye that the other tests rely on sees what it should see."""

import pytest
from playwright.sync_api import Page, expect
from pytest_playwright import CreateContextCallback

from tests.browser import pages
from tests.browser.watch import Watch


def watched(new_context: CreateContextCallback, watch: Watch, *, javascript: bool = True) -> Page:
    context = new_context(java_script_enabled=javascript)
    watch.over(context)
    return context.new_page()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_it_sees_what_the_content_security_policy_refuses(
    new_context: CreateContextCallback, *, javascript: bool
) -> None:
    watch = Watch()
    page = watched(new_context, watch, javascript=javascript)
    page.goto(pages.SIGN_IN)
    assert watch.unexpected() == []
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("() => document.body.setAttribute('style', 'color: red')")
    assert any("Content Security Policy" in line for line in watch.unexpected())


def test_it_sees_errors_of_scripts(new_context: CreateContextCallback) -> None:
    watch = Watch()
    page = watched(new_context, watch)
    page.goto(pages.SIGN_IN)
    with page.expect_event("pageerror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('on purpose') }) }")
    assert ["on purpose" in line for line in watch.unexpected()] == [True]


def test_it_sees_answers_that_nobody_expects(new_context: CreateContextCallback) -> None:
    watch = Watch()
    page = watched(new_context, watch)
    page.goto("/nowhere/")
    expect(page.get_by_role("main")).to_be_visible()
    assert {line.partition(":")[0] for line in watch.unexpected()} == {"answer 404"}
    watch.expects(404)
    assert watch.unexpected() == []

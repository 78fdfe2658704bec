"""What axe holds against a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS_HAVE_CHANGED = """async () => {
  const changing = () => document.getAnimations().filter(
    (one) => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity
  );
  const atMost = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const until = performance.now() + 3000;
  do {
    await Promise.race([new Promise(requestAnimationFrame), atMost(100)]);
    await Promise.race([Promise.allSettled(changing().map((one) => one.finished)), atMost(500)]);
  } while (changing().length && performance.now() < until);
}"""
"""What turns for good, as the sign of being busy does, is not waited for; nor is a browser that draws nothing
while nobody looks, for longer than a moment."""


def findings(page: Page) -> list[str]:
    """Of whatever weight, as lines to read; once the colours stand still."""
    page.evaluate(COLOURS_HAVE_CHANGED)
    found = []
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"]:
            reason = [check["message"] for check in (*node["any"], *node["all"], *node["none"])]
            found.append(f"{violation['id']}: {node['html'][:160]} {reason[:1]}")
    return found

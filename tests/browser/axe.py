"""What axe holds against a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS_HAVE_CHANGED = """async () => {
  const changing = () => document.getAnimations().filter(
    (one) => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity
  );
  do {
    await new Promise(requestAnimationFrame);
    await Promise.allSettled(changing().map((one) => one.finished));
  } while (changing().length);
}"""
"""What turns for good, as the sign of being busy does, is not waited for."""


def findings(page: Page) -> list[str]:
    """Of whatever weight, as lines to read; once the colours stand still."""
    page.evaluate(COLOURS_HAVE_CHANGED)
    found = []
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"]:
            reason = [check["message"] for check in (*node["any"], *node["all"], *node["none"])]
            found.append(f"{violation['id']}: {node['html'][:160]} {reason[:1]}")
    return found

"""Sees what goes wrong in a browser without anybody noticing."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, WebError

FAILED_TO_LOAD = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
"""The browser's own line for an answer that is not a success."""

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`Content Security Policy: ${event.violatedDirective} refused ${event.blockedURI}`);
});
"""


@dataclass
class Watch:
    """Collects what went wrong in the pages of a context.

    That is: refusals of the content security policy, errors of scripts, errors in the console, and answers
    that are not successes. A test names the answers it provokes; everything else fails it.
    """

    wrong: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    forgiven: set[str] = field(default_factory=set)

    def expects(self, *statuses: int) -> None:
        self.expected.update(statuses)

    def forgives(self, words: str) -> None:
        """Lets lines with these words pass: the test causes them, and looks at what comes of it."""
        self.forgiven.add(words)

    def over(self, context: BrowserContext) -> None:
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("response", self._response)

    def unexpected(self) -> list[str]:
        """What went wrong, as lines to read."""
        fine = {f"answer {status}" for status in self.expected}
        return [
            line
            for line in self.wrong
            if line.partition(":")[0] not in fine and not any(words in line for words in self.forgiven)
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        failed = FAILED_TO_LOAD.match(message.text)
        kind = f"answer {failed[1]}" if failed else "console"
        self.wrong.append(f"{kind}: {message.text} {_address(message.page)}")

    def _error(self, error: WebError) -> None:
        self.wrong.append(f"error of a script: {error.error} {_address(error.page)}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"answer {response.status}: {response.url}")


def _address(page: Page | None) -> str:
    return f"on {page.url}" if page else ""

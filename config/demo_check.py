"""`bin/demo --check`: unlinks CCOs as a browser without JavaScript does.

Signs in as `approver` through the sign-in form, unlinks a CCO whose record is deleted in Sage, tries one
whose record is still there, and prints the messages of the pages.
"""

import http.cookiejar
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPMessage
from typing import IO

SYNCED = "/companies/harbor-point/erp-integrations/commitment-change-orders/"
HEADING = "Change Orders - Successfully Synced with Sage 100 Contractor®"

GONE, GREEN = "Deleted in Sage", "Successful Unlinked"
PRESENT = "Approved in Sage"
RED = "The CCO is still in Sage 100 Contractor®. Please delete it before retrying"

VOID_ELEMENTS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
LONGER_THAN_ANY_LOOK_SECONDS = 60


class CheckFailed(Exception):
    """A page was not as expected. The text says what it shows."""


def run(address: str) -> int:
    """Returns 0 when both messages are right, else 1; prints the messages or the failure."""
    try:
        browser = _Browser(address)
        _sign_in(browser)
        first = browser.get(SYNCED)
        if HEADING not in first.words:
            raise CheckFailed(f"The synced page does not have the heading {HEADING!r}.")
        _unlink(browser, GONE, level="success", title=GREEN, row_stays=False)
        _unlink(browser, PRESENT, level="error", title=RED, row_stays=True)
    except CheckFailed as error:
        print(f"Not as promised: {error}", file=sys.stderr)
        return 1
    return 0


def _sign_in(browser: "_Browser") -> None:
    page = browser.get("/sign-in/")
    answer = browser.post(
        "/sign-in/",
        {"csrfmiddlewaretoken": page.token, "login": "approver", "password": "plumbline-demo"},
    )
    if answer.status not in {302, 303}:
        raise CheckFailed(f"Signing in as approver was answered {answer.status}.")


def _unlink(browser: "_Browser", cco_title: str, *, level: str, title: str, row_stays: bool) -> None:
    page = browser.get(_search(cco_title))
    row = _row_of(page, cco_title)
    answer = browser.post(row.unlink_url, {"csrfmiddlewaretoken": page.token})
    if answer.status != 303:
        raise CheckFailed(f"Unlink of {cco_title!r} was answered {answer.status} instead of 303.")
    after = browser.get(answer.location)
    for message in after.messages:
        print(f"{cco_title}: {' '.join(message.title)}", flush=True)
    titles = [(message.level, " ".join(message.title)) for message in after.messages]
    if titles != [(level, title)]:
        raise CheckFailed(f"{cco_title!r} was answered {titles} instead of {[(level, title)]}.")
    stays = any(other.id == row.id for other in browser.get(_search(cco_title)).rows)
    if stays != row_stays:
        raise CheckFailed(f"{cco_title!r} is {'still' if stays else 'no longer'} in the synced list.")


def _search(words: str) -> str:
    return f"{SYNCED}?{urllib.parse.urlencode({'q': words})}"


def _row_of(page: "_Page", cco_title: str) -> "_Row":
    rows = [row for row in page.rows if cco_title in row.words]
    if len(rows) != 1 or not rows[0].unlink_url:
        raise CheckFailed(f"There is not exactly one CCO {cco_title!r} with a button to unlink it.")
    return rows[0]


# --- a browser without JavaScript ----------------------------------------------------------------


@dataclass
class _Message:
    level: str
    title: list[str] = field(default_factory=list)


@dataclass
class _Row:
    id: str
    words: list[str] = field(default_factory=list)
    unlink_url: str = ""


@dataclass
class _Answer:
    status: int
    location: str
    text: str


class _Page(HTMLParser):
    """Parses the text, CSRF token, CCO rows and messages of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.token = ""
        self.rows: list[_Row] = []
        self.messages: list[_Message] = []
        self._open: list[tuple[str, str, set[str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes, element_id = set(values.get("class", "").split()), values.get("id", "")
        if tag == "input" and values.get("name") == "csrfmiddlewaretoken":
            self.token = values.get("value", "")
        if tag == "tr" and element_id.startswith("cco-"):
            self.rows.append(_Row(element_id))
        if tag == "form" and self._inside(row=True) and values.get("action", "").endswith("/unlink/"):
            self.rows[-1].unlink_url = values["action"]
        if "message" in classes and self._inside(element_id="messages"):
            level = next((name for name in classes if name.startswith("message-")), "message-")
            self.messages.append(_Message(level.removeprefix("message-")))
        if tag not in VOID_ELEMENTS:
            self._open.append((tag, element_id, classes))

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _, _ in self._open):
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        words = data.strip()
        if not words:
            return
        self.words.append(words)
        if self._inside(row=True):
            self.rows[-1].words.append(words)
        if self._inside(element_id="messages") and self._inside(class_name="message-title"):
            self.messages[-1].title.append(words)

    def _inside(self, *, row: bool = False, element_id: str = "", class_name: str = "") -> bool:
        return any(
            (row and tag == "tr" and an_id.startswith("cco-"))
            or (element_id and an_id == element_id)
            or class_name in classes
            for tag, an_id, classes in self._open
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Returns a redirect instead of following it."""

    def redirect_request(  # signature given
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


class _Browser:
    """An HTTP client that keeps cookies and sends forms."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),  # the demo is on this very machine
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            _NoRedirects(),
        )

    def get(self, path: str) -> _Page:
        answer = self._send(urllib.request.Request(self._url(path)))  # noqa: S310  (our own address)
        if answer.status != 200:
            raise CheckFailed(f"{path} answered {answer.status} instead of a page.")
        return _Page(answer.text)

    def post(self, path: str, fields: dict[str, str]) -> _Answer:
        body = urllib.parse.urlencode(fields).encode()
        headers = {"Referer": self._address}
        return self._send(urllib.request.Request(self._url(path), data=body, headers=headers))  # noqa: S310

    def _url(self, path: str) -> str:
        return urllib.parse.urljoin(self._address, path)

    def _send(self, request: urllib.request.Request) -> _Answer:
        try:
            with self._opener.open(request, timeout=LONGER_THAN_ANY_LOOK_SECONDS) as response:
                return _Answer(response.status, "", response.read().decode())
        except urllib.error.HTTPError as error:
            return _Answer(error.code, error.headers.get("Location", ""), error.read().decode())
        except OSError as error:
            raise CheckFailed(f"The demo does not answer: {error}.") from None

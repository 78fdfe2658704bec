"""What asking Sage costs: in statements, against one record or a bare cursor, in memory, over distance."""

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from erp_integrations.ports import ConnectionSpec, Deadline, Verdict
from sage_adapter.reader import open_reader
from sage_adapter.session import CHUNK, Session, open_session
from tests.bench.books import Server, controls, references, server
from tests.bench.measures import AT_LEAST, AT_MOST, Measure, Options, measure, ms
from tests.bench.proxy import Proxy, proxy_to

FEW = 10_000
SOME = 100_000
BARE = (
    'SELECT recnum, "_idnum" FROM dbo.actrec ORDER BY recnum',
    'SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status FROM dbo.prmchg ORDER BY recnum',
    "SELECT recnum, vndctc, chgnum, bdgprc FROM dbo.sbcgln WHERE vndctc IS NOT NULL ORDER BY recnum",
)
"""All keys of a company with nothing around them: what the stream is measured against."""

LATENCIES = (0.001, 0.020, 0.080)
NEAREST = 0.0001
"""The latency to compare with: not none, so that both sides pay for the proxy's own sleeping and waking."""
PATIENCE = 600.0


def look(_options: Options) -> list[Measure]:
    """Both looks are eight statements at most, of a page of fifty fourteen; it costs three times one at most.

    Each with as many controls as it draws.
    """
    with server() as books:
        spec = books.company(FEW)
        return [
            _statements("statements of a look", spec, 1, 1, most=4),
            _statements("statements of two looks", spec, FEW + 1, 1, most=8),
            _statements("statements of two looks, page of 50", spec, FEW + 1, 50, most=14),
            _page("page of 50 that are there, against one", spec, 1),
            _page("page of 50 that are gone, against one", spec, FEW + 1),
        ]


def _ask(spec: ConnectionSpec, first: int, count: int) -> Callable[[], None]:
    asked, there = references(first, count), first <= FEW
    drawn = controls(asked)

    def act() -> None:
        found = open_reader(spec).lookup_many(
            asked, deadline=Deadline.after(PATIENCE), clock=lambda: datetime.now(UTC), controls=drawn
        )
        expected = Verdict.PRESENT if there else Verdict.ABSENT
        assert {one.verdict for one in found} == {expected}, found[0]

    return act


def _statements(what: str, spec: ConnectionSpec, first: int, count: int, *, most: int) -> Measure:
    sessions: list[Session] = []
    begin = Session.__init__

    def counted(self: Session, *given: object, **named: object) -> None:
        sessions.append(self)
        begin(self, *given, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Session, "__init__", counted)
        _ask(spec, first, count)()
    asked = sum(one.statements for one in sessions)
    return measure(what, ours=str(asked), limit=str(most), ratio=asked / most, sense=AT_MOST, goal=1)


def _page(what: str, spec: ConnectionSpec, first: int) -> Measure:
    for count in (1, 50):
        _ask(spec, first, count)()
    one, fifty, ratio = _in_turns(_ask(spec, first, 1), _ask(spec, first, 50), turns=15)
    return measure(what, ours=ms(fifty), peer=ms(one), ratio=ratio, sense=AT_MOST, goal=3)


def stream(options: Options) -> list[Measure]:
    """All keys of a company, against a bare cursor over the same rows through the same driver."""
    links = min(options.links, SOME)
    with server() as books:
        spec = books.company(links)

        def ours() -> None:
            with open_reader(spec).stream_keys(deadline=Deadline.after(PATIENCE)) as keys:
                for block in keys.blocks:
                    deque(block.change_orders, maxlen=0)
                    deque(block.lines, maxlen=0)

        def bare() -> None:
            with open_session(spec, Deadline.after(PATIENCE), streaming=True) as opened:
                for query in BARE:
                    with closing(opened._connection.cursor()) as cursor:
                        cursor.execute(query)
                        while cursor.fetchmany(CHUNK):
                            pass

        peer, took, ratio = _in_turns(bare, ours, turns=11)
    rows = 2 * links
    return [
        measure(
            f"keys streamed, {rows:,} rows",
            ours=f"{rows / took:,.0f}/s",
            peer=f"{rows / peer:,.0f}/s (fetchmany)",
            ratio=1 / ratio,
            sense=AT_LEAST,
            goal=0.7,
        )
    ]


def memory(options: Options) -> list[Measure]:
    """The memory of a process that streams a company does not grow with the company."""
    with server() as books:
        few, many = _peak(books, FEW), _peak(books, options.links)
    return [
        measure(
            f"memory, {options.links:,} links against {FEW:,}",
            ours=f"{many:.0f} MB",
            peer=f"{few:.0f} MB",
            ratio=many / few,
            sense=AT_MOST,
            goal=1.1,
        )
    ]


def _peak(books: Server, links: int) -> float:
    """The highest memory, in megabytes, of a process of its own that streams the company."""
    spec = books.company(links)
    given = {"odbc": spec.odbc_string, "database": spec.database, "incarnation": spec.accepted_incarnation}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.streaming_process"],
        cwd=Path(__file__).parents[2],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["rows"] >= 2 * links
    return float(told["megabytes"])


def latency(_options: Options) -> list[Measure]:
    """Over distance a look costs its round trips and little else."""
    measures = []
    with server() as books:
        spec = books.company(FEW)
        port = books.postgres.port
        with proxy_to(port) as proxy:
            through = replace(spec, odbc_string=spec.odbc_string.replace(str(port), str(proxy.port)))
            for what, first, count in (
                ("look", 1, 1),
                ("two looks", FEW + 1, 1),
                ("page of 50, two looks", FEW + 1, 50),
            ):
                act = _ask(through, first, count)
                proxy.latency = NEAREST
                act()  # a process's first connection says more than the next ones
                proxy.round_trips = 0
                act()
                trips = proxy.round_trips
                for seconds in LATENCIES:
                    allowed = trips * (seconds - NEAREST) * 1.2
                    near, far, ratio = _near_and_far(proxy, act, seconds, allowed)
                    measures.append(
                        measure(
                            f"{what} at {seconds * 1000:g} ms, {trips} round trips",
                            ours=ms(far),
                            peer=f"{ms(near)} (at {NEAREST * 1000:g} ms)",
                            limit=ms(near + allowed),
                            ratio=ratio,
                            sense=AT_MOST,
                            goal=1,
                        )
                    )
    return measures


def _near_and_far(
    proxy: Proxy, act: Callable[[], None], seconds: float, allowed: float
) -> tuple[float, float, float]:
    """The time through the same proxy with next to no latency, with it, and against what is allowed more."""

    def at(latency: float) -> Callable[[], None]:
        def asked() -> None:
            proxy.latency = latency
            act()

        return asked

    return _in_turns(at(NEAREST), at(seconds), turns=25 if seconds < 0.01 else 3, allowed=allowed)


def _in_turns(
    peer: Callable[[], None], ours: Callable[[], None], *, turns: int, allowed: float = 0.0
) -> tuple[float, float, float]:
    """The middle times of both, and the middle of ours against the peer's, and what is allowed, of that turn.

    In turns, so that whatever else the machine does falls on both.
    """
    times = [(_once(peer), _once(ours)) for _turn in range(turns)]
    return (
        median(peers for peers, _ in times),
        median(own for _, own in times),
        median(own / (peers + allowed) for peers, own in times),
    )


def _once(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began

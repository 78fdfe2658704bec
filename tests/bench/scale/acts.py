"""What is done to many links: one unlink, a thousand, a reconciliation, the file, and two workers."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from tests.bench.measures import AT_LEAST, AT_MOST, Measure, Options, measure, ms, sizes
from tests.bench.scale.bases import ROOT, SLUG, Company, company
from tests.bench.scale.sage import publish, sage_server
from tests.bench.scale.serving import LIST, beside, served
from tests.contract.engines import PostgresServer

QUIET = {"BENCH_QUIET": "1"}
UNLINKS = 30
OPERATION_AT_MOST, REQUEST_AT_MOST = 17, 25
BULK, SINGLES = 1_000, 40
MOST_MEGABYTES = 150
FIRST_BYTE_SECONDS = 1.0
CONNECTIONS, LINKS_OF_EACH, LATENCY = 40, 1_000, 0.020


def unlink(options: Options) -> list[Measure]:
    """Request to response without Sage's own time, against a bare view with the same two transactions."""
    with company(options.links) as one:
        lost = one.inside("gone", count=2 * UNLINKS + 2)
        assert len(lost) >= 4, "too few links for this benchmark: --links 400 is the least"
        (counted, change_order), (_, other), *rest = lost
        counts = one.inside(
            "statements_of_unlink", QUIET, link=counted, change_order=change_order, other=other
        )
        ours, floor = [], []
        with served(one, environment=QUIET) as server:
            visitor = server.visitor()
            visitor.get(f"{LIST}/")
            for (_, mine), (bare, _) in zip(rest[::2], rest[1::2], strict=False):
                seconds, page = visitor.post(f"{LIST}/{mine}/unlink/", page=f"{LIST}/")
                assert "Successful Unlinked" in page
                ours.append(seconds)
                floor.append(visitor.post(f"/bench/{SLUG}/unlink/{bare}/", page=f"{LIST}/")[0])
        took, bare_took = median(ours), median(floor)
    return [
        measure(
            f"unlink at {options.links:,} links, without Sage's time",
            ours=ms(took),
            limit=ms(bare_took),
            ratio=took / bare_took,
            sense=AT_MOST,
            goal=6,
        ),
        *(
            measure(
                f"statements of an unlink, in the {what}",
                ours=str(counts[what]),
                limit=str(most),
                ratio=counts[what] / most,
                sense=AT_MOST,
                goal=1,
            )
            for what, most in (("operation", OPERATION_AT_MOST), ("request", REQUEST_AT_MOST))
        ),
    ]


def reconcile(options: Options) -> list[Measure]:
    """All links through psqlODBC, one in a hundred gone, against the same keys and links read bare."""
    _few, some, many = sizes(options.links)
    peaks = {}
    with sage_server() as server:
        for links in (some, many):
            with company(links) as one:
                _move(server, one, server.port)
                floor = [one.inside("floor_of_reconcile")]
                first = one.inside("reconcile")
                floor.append(one.inside("floor_of_reconcile"))
                again = one.inside("reconcile")
                peaks[links] = first["peak"] - first["idle"]
                assert first["absent"] == links // 100
                assert again["changed"] == 0
    bare = sum(floor) / len(floor)
    return [
        measure(
            f"reconcile {many:,} links, {first['changed']:,} of them gone",
            ours=f"{first['seconds']:.1f} s",
            limit=f"{bare:.1f} s",
            ratio=first["seconds"] / bare,
            sense=AT_MOST,
            goal=2,
        ),
        measure(
            f"reconcile {many:,} links again, nothing new",
            ours=f"{again['seconds']:.1f} s",
            limit=f"{bare:.1f} s",
            ratio=again["seconds"] / bare,
            sense=AT_MOST,
            goal=2,
        ),
        measure(
            f"memory of that beyond an idle worker, {many:,} links",
            ours=f"{peaks[many]:.0f} MB",
            limit=f"{MOST_MEGABYTES} MB",
            ratio=peaks[many] / MOST_MEGABYTES,
            sense=AT_MOST,
            goal=1,
        ),
        measure(
            f"memory of that, {many:,} links against {some:,}",
            ours=f"{peaks[many]:.0f} MB",
            peer=f"{peaks[some]:.0f} MB",
            ratio=peaks[many] / peaks[some],
            sense=AT_MOST,
            goal=1.1,
        ),
    ]


def bulk_unlink(options: Options) -> list[Measure]:
    """A thousand at once by one worker, against single requests, each with its second look and its wait."""
    with company(options.links) as one:
        lost = one.inside("gone", count=BULK + SINGLES)
        singles, many = lost[:SINGLES], lost[SINGLES:]
        assert len(many) >= SINGLES, "too few links for this benchmark: --links 8000 is the least"
        with served(one) as server:
            visitor = server.visitor()
            taken = [
                visitor.post(f"{LIST}/{change_order}/unlink/", page=f"{LIST}/")[0]
                for _link, change_order in singles
            ]
        done = one.inside("bulk_unlink", change_orders=[change_order for _link, change_order in many])
    assert done["attempts"] == done["events"] == len(many)
    single, each = sum(taken) / len(taken), done["seconds"] / len(many)
    return [
        measure(
            f"bulk unlink of {len(many):,}, against as many single requests ({len(singles)} measured)",
            ours=f"{done['seconds']:.1f} s",
            peer=f"{single * len(many):.0f} s",
            ratio=single / each,
            sense=AT_LEAST,
            goal=4,
        )
    ]


def csv(options: Options) -> list[Measure]:
    """All rows of the view as a file."""
    _few, some, many = sizes(options.links)
    peaks = {}
    for links in (some, many):
        with company(links) as one, served(one) as server:
            visitor = server.visitor()
            visitor.get(f"{LIST}/")
            first, whole, lines = visitor.download(f"{LIST}.csv")
            peaks[links] = server.memory()
            assert lines >= links, lines
    return [
        measure(
            f"CSV of {many:,} rows, first byte ({whole:.0f} s to the last)",
            ours=ms(first),
            limit=ms(FIRST_BYTE_SECONDS),
            ratio=first / FIRST_BYTE_SECONDS,
            sense=AT_MOST,
            goal=1,
        ),
        measure(
            f"memory of the server for that, {many:,} rows against {some:,}",
            ours=f"{peaks[many]:.0f} MB",
            peer=f"{peaks[some]:.0f} MB",
            ratio=peaks[many] / peaks[some],
            sense=AT_MOST,
            goal=1.1,
        ),
    ]


def workers(options: Options) -> list[Measure]:
    """Forty connections to reconcile, each behind 20 ms of network: by one worker, and by two."""
    links = max(100, min(LINKS_OF_EACH, options.links // 100))
    took = {}
    with sage_server() as server:
        for count in (1, 2):
            with company(links, companies=CONNECTIONS) as one, _far_away(one, server.port) as port:
                _move(server, one, port)
                took[count] = _reconciled_by(one, count)
    return [
        measure(
            f"{CONNECTIONS} connections of {links:,} links at {LATENCY * 1000:g} ms, 2 workers against 1",
            ours=f"{took[2]:.1f} s",
            peer=f"{took[1]:.1f} s",
            ratio=took[1] / took[2],
            sense=AT_LEAST,
            goal=1.7,
        )
    ]


def _move(server: PostgresServer, one: Company, port: int) -> None:
    """Puts the company's practice Sage onto the server, and points its connections there, by that port."""
    database = f"Sage of {one.database}"
    publish(server, one.sandbox, database)
    odbc = server.odbc_string(database, PORT=str(port))
    one.inside("move_to_server", odbc=odbc, database=database)


def _reconciled_by(one: Company, count: int) -> float:
    """The seconds that so many workers need, who wait already when the jobs come."""
    with ExitStack() as ends:
        for _ in range(count):
            ends.enter_context(beside(one, ["manage.py", "procrastinate", "worker"]))
        time.sleep(8)  # until they listen
        began = time.perf_counter()
        one.inside("queue_reconciles")
        while one.inside("reconciled") < CONNECTIONS:
            time.sleep(0.2)
            assert time.perf_counter() - began < 600, "the workers do not come to an end"
        return float(one.inside("seconds_of_reconciles"))


@contextmanager
def _far_away(one: Company, port: int) -> Iterator[int]:
    """The server's address behind the network, by a process of its own."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.bench.scale.inside", "proxy"),
            json.dumps({"port": port, "latency": LATENCY}),
        ],
        cwd=ROOT,
        env=one.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()

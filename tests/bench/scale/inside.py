"""What a benchmark does in a process of its own: `python -m tests.bench.scale.inside ACT JSON`.

The last line that is printed is what it says, as JSON.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from tests.bench.scale.filling import attempts, desk_pages

MEGABYTE = 1024


def load(*, links: int, companies: int, missing: float) -> float:
    """The companies, the people who sign in there, and how many seconds the loading took."""
    from django.core.management import call_command

    from companies.models import User
    from tests.bench.load.load_company import load_company

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    began = time.perf_counter()
    for at in range(companies):
        slug = "scale" if at == 0 else f"scale-{at}"
        load_company(slug, links=links, missing_percent=missing, folder=settings.SANDBOX_FOLDER / slug)
    took = time.perf_counter() - began
    User.objects.create_superuser("peer")
    return took


def sign_in(*, username: str) -> str:
    """The cookie of a session of that person's."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from companies.models import User

    user, session = User.objects.get(username=username), SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def deepest() -> int:
    """The link after which the last fifty of the list come."""
    from erp_integrations.models import ChangeOrderLink

    by_project = ("project_number", "commitment_number", "cco_number", "id")
    last = ChangeOrderLink.objects.filter(unlinked_at=None).order_by(*(f"-{name}" for name in by_project))
    return last.values_list("id", flat=True)[50]


def gone(*, count: int) -> list[list[int]]:
    """The first links, and their CCOs, whose record Sage has lost, each of them once in the list's order."""
    from erp_integrations.erp import registry
    from erp_integrations.models import ChangeOrderLink, Connection

    connection = Connection.objects.get(company__slug="scale")
    there = _records_in_sage(Path(registry.spec_of(connection).sandbox_path or ""))
    found = (
        ChangeOrderLink.objects.filter(connection=connection, unlinked_at=None)
        .order_by("id")
        .values_list("id", "change_order_id", "record_number")
    )
    lost = [[link, cco] for link, cco, record in found.iterator() if record not in there]
    return lost[:count]


def _records_in_sage(folder: Path) -> set[str]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "company.sqlite")) as books:
        return {str(record) for (record,) in books.execute("SELECT recnum FROM prmchg")}


def move_to_server(*, odbc: str, database: str) -> None:
    """Points every connection at a server that holds what its practice company holds."""
    from erp_integrations.erp import registry
    from erp_integrations.erp.encryption import encrypt
    from erp_integrations.models import Connection
    from erp_integrations.ports import Deadline

    Connection.objects.update(
        kind=registry.ODBC, database=database, odbc_string_encrypted=encrypt(odbc), sandbox_path=""
    )
    connection = Connection.objects.order_by("pk").first()
    assert connection is not None
    unaccepted = replace(registry.spec_of(connection), accepted_incarnation="")
    reader = registry.reader_for(unaccepted)
    handshake = reader.handshake(deadline=Deadline.after(60))
    assert handshake.good, handshake.problems
    Connection.objects.update(accepted_incarnation=handshake.incarnation)


def reconcile() -> dict[str, float]:
    """One run, as a worker does it: its seconds, what it counted, and its memory, idle and at most."""
    import erp_integrations.tasks  # noqa: F401  (what an idle worker holds, too)
    from erp_integrations.ledger.actors import Actor
    from erp_integrations.models import Connection, Via
    from erp_integrations.reconciliation.reconcile import reconcile as run_once

    connection = Connection.objects.get(company__slug="scale")
    actor = Actor(user_id=None, name="Plumbline", via=Via.QUEUE)
    idle = _memory("VmRSS")
    began = time.perf_counter()
    run = run_once(connection_id=connection.pk, actor=actor)
    seconds = time.perf_counter() - began
    assert run.state == "COMPLETE", (run.state, run.fault_code, run.fault_words)
    return {
        "seconds": seconds,
        "checked": run.checked,
        "absent": run.absent,
        "changed": run.changed,
        "idle": idle,
        "peak": _memory("VmHWM"),
    }


def floor_of_reconcile() -> float:
    """The seconds of two bare loops: the same keys through pyodbc, and the same links through psycopg."""
    import psycopg
    import pyodbc  # type: ignore[import-not-found]

    from erp_integrations.erp.encryption import decrypt
    from erp_integrations.models import Connection
    from tests.bench.adapter import BARE

    connection = Connection.objects.get(company__slug="scale")
    string = decrypt(connection.odbc_string_encrypted) + "Protocol=7.4-0;UseDeclareFetch=1;Fetch=2000;"
    began = time.perf_counter()
    with pyodbc.connect(string, autocommit=True) as books:
        for query in BARE:
            cursor = books.execute(query)
            while cursor.fetchmany(2_000):
                pass
            cursor.close()
    with psycopg.connect(os.environ["DATABASE_URL"]) as ours, ours.cursor("links") as links:
        links.itersize = 20_000
        links.execute(
            "SELECT id, row_id, record_number, number, job_record_number, job_row_id, phase,"
            " subcontract_record_number, erp_amount, presence FROM erp_integrations_changeorderlink"
            " WHERE connection_id = %s AND unlinked_at IS NULL",
            [connection.pk],
        )
        while links.fetchmany(20_000):
            pass
    return time.perf_counter() - began


def statements_of_unlink(*, link: int, change_order: int, other: int) -> dict[str, int]:
    """How many statements the operation takes, and the whole request; BEGIN and COMMIT are not counted."""
    from django.db import connection as database
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from companies.models import User
    from erp_integrations.ledger.actors import actor_on_page
    from erp_integrations.links.unlink import unlink_change_order
    from erp_integrations.models import ChangeOrderLink, Connection

    assert ChangeOrderLink.objects.filter(pk=link, change_order=change_order).exists()
    user = User.objects.get(username="approver")
    company_id = Connection.objects.get(company__slug="scale").company_id
    with CaptureQueriesContext(database) as told:
        unlink_change_order(company_id=company_id, change_order_id=change_order, actor=actor_on_page(user))
    operation = _count(told)
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    address = "/companies/scale/erp-integrations/commitment-change-orders/"
    page = f"http://localhost{address}"
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    with CaptureQueriesContext(database) as told:
        answer = client.post(f"{address}{other}/unlink/", headers=headers)
    assert answer.status_code == 200, answer.content[:500]
    return {"operation": operation, "request": _count(told)}


_NOT_COUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


def _count(told: Any) -> int:
    return sum(not one["sql"].startswith(_NOT_COUNTED) for one in told.captured_queries)


def bulk_unlink(*, change_orders: list[int]) -> dict[str, float]:
    """The seconds from asking for it to its end, by one worker, and what it left behind for each."""
    from companies.models import User
    from erp_integrations.ledger.actors import actor_on_page
    from erp_integrations.models import Connection, LinkEvent, UnlinkAttempt

    unlinking = import_module("erp_integrations.bulk_unlink.operations")
    company_id = Connection.objects.get(company__slug="scale").company_id
    actor = actor_on_page(User.objects.get(username="approver"))
    began = time.perf_counter()
    bulk = unlinking.start_bulk_unlink(company_id=company_id, change_order_ids=change_orders, actor=actor)
    unlinking.work_on(bulk.pk)
    seconds = time.perf_counter() - began
    ended = UnlinkAttempt.objects.filter(link__change_order__in=change_orders, state="UNLINKED")
    told = LinkEvent.objects.filter(attempt_id__in=ended.values("pk"), kind="UNLINKED")
    return {"seconds": seconds, "attempts": ended.count(), "events": told.count()}


def queue_reconciles() -> None:
    """One job for every connection, as the tick of the minute puts it there."""
    from companies.queue import defer_once
    from erp_integrations.models import Connection

    for pk in Connection.objects.order_by("pk").values_list("pk", flat=True):
        defer_once("erp_integrations.tasks.reconcile", lock=f"reconcile-{pk}", connection_id=pk)


def reconciled() -> int:
    """How many connections have a complete run."""
    from erp_integrations.models import ReconcileRun

    return ReconcileRun.objects.filter(state="COMPLETE").values("connection").distinct().count()


def seconds_of_reconciles() -> float:
    """From the beginning of the first run to the end of the last."""
    from django.db.models import Max, Min

    from erp_integrations.models import ReconcileRun

    took = ReconcileRun.objects.aggregate(began=Min("started_at"), ended=Max("ended_at"))
    return float((took["ended"] - took["began"]).total_seconds())


def proxy(*, port: int, latency: float) -> None:
    """Latency in front of a server; says its own port, and ends with standard input."""
    from tests.bench.proxy import proxy_to

    with proxy_to(port) as standing:
        standing.latency = latency
        _say(standing.port)
        sys.stdin.read()


def _say(words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _memory(name: str) -> float:
    """Megabytes, of this process."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
    line = next(one for one in status.read_text().splitlines() if one.startswith(name))
    return int(line.split()[1]) / MEGABYTE


ACTS: dict[str, Callable[..., Any]] = {
    act.__name__: act
    for act in (
        *(load, sign_in, deepest, attempts, desk_pages, gone, move_to_server, reconcile, floor_of_reconcile),
        *(statements_of_unlink, bulk_unlink, queue_reconciles, reconciled, seconds_of_reconciles),
        proxy,
    )
}

if __name__ == "__main__":
    django.setup()
    _say(ACTS[sys.argv[1]](**json.loads(sys.argv[2])))

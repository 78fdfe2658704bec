"""A worker that dies in the middle of a reconciliation: the next run goes on, and nothing is told twice."""

import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from erp_integrations.models import LinkEvent, ReconcileRun, ReconcileState
from erp_integrations.reconciliation import run_lease
from erp_integrations.reconciliation.reconcile import reconcile
from tests.domain.test_reconciling import BY_ITSELF, told
from tests.invariants import assert_promise_kept
from tests.proof.forked import start_click
from tests.proof.points import RECONCILE_POINTS, watch_reconcile
from tests.proof.worker import wait_until, worker
from tests.world import World

KEYS = ("present", "plain-01", "plain-02")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("point", RECONCILE_POINTS)
def test_a_run_that_was_killed_is_begun_again_and_tells_nothing_twice(
    committed_world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    world = committed_world
    ccos = [world.synced_cco(key) for key in KEYS]
    for cco in ccos:
        world.delete_in_sage(cco)
    monkeypatch.setattr(run_lease, "LEASE", timedelta(seconds=0.2))
    of_company = world.connection.pk

    killed = start_click(
        lambda: reconcile(connection_id=of_company, actor=BY_ITSELF),
        stop_at=point,
        with_signal=signal.SIGKILL,
        watching=watch_reconcile,
    ).was_killed()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.25)")
    made = reconcile(connection_id=of_company, actor=BY_ITSELF)

    assert killed
    assert (made.state, made.absent) == (ReconcileState.COMPLETE, 3)
    assert [told(world, cco) for cco in ccos] == [["deleted-in-history"]] * 3
    assert not ReconcileRun.objects.filter(state=ReconcileState.RUNNING).exists()
    assert world.fresh_connection().reconciled_at == made.started_at
    assert_promise_kept()


def test_a_real_worker_notices_by_itself_what_was_deleted(committed_world: World, tmp_path: Path) -> None:
    """Nobody asks: the worker's own clock puts the job into the queue."""
    world = committed_world
    gone, there = world.synced_cco(), world.synced_cco("plain-01")
    world.delete_in_sage(gone)

    with worker(tmp_path, mail_to="console:"):
        wait_until(lambda: world.link_of(gone).presence == "absent", "nobody noticed")
        wait_until(
            lambda: ReconcileRun.objects.filter(state=ReconcileState.COMPLETE).exists(), "it did not end"
        )

    [made] = ReconcileRun.objects.all()
    assert (made.actor_name, made.via, made.checked, made.absent) == ("Plumbline", "QUEUE", 2, 1)
    assert world.link_of(there).presence == "present"
    assert told(world, gone) == ["deleted-in-history"]


def test_two_workers_compare_each_company_once(committed_world: World, tmp_path: Path) -> None:
    world = committed_world
    others = [World(world.place, slug=f"company-{number}") for number in range(4)]
    gone = [one.synced_cco() for one in (world, *others)]
    world.delete_in_sage(gone[0])  # they share their books, and that record

    with worker(tmp_path, mail_to="console:"), worker(tmp_path, mail_to="console:"):
        wait_until(
            lambda: ReconcileRun.objects.filter(state=ReconcileState.COMPLETE).count() >= 5,
            "not every company was compared",
        )

    companies = ReconcileRun.objects.values_list("connection_id", flat=True)
    assert len(set(companies)) == 5
    events = LinkEvent.objects.filter(kind="PRESENCE_CHANGED").values_list("link_id", flat=True)
    assert len(events) == len(set(events)) == 5

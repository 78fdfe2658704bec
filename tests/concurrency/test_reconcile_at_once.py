"""Reconcile beside everything else: one compares, nothing is told twice, nobody's act is disturbed."""

from collections import Counter
from typing import Any

import pytest

from companies.clock import database_now
from erp_integrations import tasks
from erp_integrations.connections.connect import Address, set_connection
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import relink
from erp_integrations.links.unlink import Unlinked
from erp_integrations.models import ReconcileRun, Via
from erp_integrations.reconciliation import confirm_suspects
from erp_integrations.reconciliation.reconcile import reconcile
from tests.concurrency.crowd import all_at_once
from tests.domain.readers import Moments
from tests.domain.test_reconciling import BY_ITSELF, told
from tests.world import LINKER, World


def run(world: World) -> ReconcileRun:
    return reconcile(connection_id=world.connection.pk, actor=BY_ITSELF)


def test_of_many_workers_with_the_same_connection_one_compares(committed_world: World) -> None:
    world = committed_world
    cco = world.synced_cco()
    world.delete_in_sage(cco)

    outcomes = Counter(type(one).__name__ for one in all_at_once([lambda: run(world)] * 12))

    assert outcomes["ReconcileRun"] >= 1
    assert outcomes["ReconcileRun"] + outcomes["ReconcileInProgress"] == 12
    assert told(world, cco) == ["deleted-in-history"]
    assert not ReconcileRun.objects.filter(state="RUNNING").exists()
    assert ReconcileRun.objects.count() == outcomes["ReconcileRun"]


def test_two_workers_with_the_same_job_compare_once(committed_world: World) -> None:
    world = committed_world
    cco = world.synced_cco()
    world.delete_in_sage(cco)

    all_at_once([lambda: tasks.reconcile(world.connection.pk)] * 2)

    assert [made.state for made in ReconcileRun.objects.all()] == ["COMPLETE"]
    assert told(world, cco) == ["deleted-in-history"]


def test_a_run_beside_an_unlink_does_not_disturb_it(committed_world: World, moments: Moments) -> None:
    """It compares, records and completes while the click waits between its looks."""
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    other = world.synced_cco("plain-01")
    world.delete_in_sage(cco)
    moments.between_looks = lambda: run(world)

    world.unlink(cco, by=approver)

    assert not world.link_of(cco).is_active
    [made] = ReconcileRun.objects.all()
    assert (made.state, made.checked, made.absent) == ("COMPLETE", 2, 1)
    assert told(world, cco) == ["deleted-in-history"]
    assert world.link_of(other).presence == "present"


def test_a_link_that_is_cut_between_look_and_record_is_not_written_to(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    record = confirm_suspects._record

    def cut_first(*given: Any) -> None:
        [outcome] = all_at_once([lambda: world.unlink(cco, by=approver)])
        assert isinstance(outcome, Unlinked)
        record(*given)

    monkeypatch.setattr(confirm_suspects, "_record", cut_first)

    made = run(world)

    link = world.link_of(cco)
    assert not link.is_active
    assert (made.state, made.changed) == ("COMPLETE", 0)
    assert told(world, cco) == []


def test_a_relink_beside_a_run_makes_a_link_that_the_run_does_not_date(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    record = world.record_of(cco)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    world.sage.restore(record, user="ACCT1")
    began = database_now()

    all_at_once(
        [
            lambda: run(world),
            lambda: relink.relink_change_order(
                company_id=world.company.pk,
                change_order_id=cco.pk,
                actor=Actor(approver.pk, approver.name, Via.PAGE),
            ),
        ]
    )

    link = world.link_of(cco)
    assert link.is_active
    assert link.presence == "present"
    assert link.last_seen_at >= began


def test_checks_and_runs_at_once_tell_of_each_change_once(committed_world: World) -> None:
    world = committed_world
    ccos = [world.synced_cco(key) for key in ("present", "plain-01", "plain-02")]
    for cco in ccos:
        world.delete_in_sage(cco)

    all_at_once([lambda: run(world)] * 4 + [lambda: tasks.reconcile(world.connection.pk)] * 4)

    assert [told(world, cco) for cco in ccos] == [["deleted-in-history"]] * 3


def test_a_connection_that_is_set_anew_beside_a_run_is_never_dated_by_it(committed_world: World) -> None:
    world = committed_world
    world.synced_cco()

    def anew() -> None:
        set_connection(
            company=world.company,
            address=Address(
                kind=world.connection.kind, database=world.connection.database, sandbox_path=world.place
            ),
            actor=LINKER,
        )

    all_at_once([lambda: run(world), anew])

    [made] = ReconcileRun.objects.all()
    connection = world.fresh_connection()
    assert made.state in ("COMPLETE", "NO_ANSWER")
    assert (connection.reconciled_at == made.started_at) == (made.state == "COMPLETE")

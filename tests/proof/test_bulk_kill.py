"""A worker that is killed or paused anywhere in a bulk unlink: each item ends once, and tells the truth."""

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder
from erp_integrations.bulk_unlink import operations as bulk_unlink
from erp_integrations.bulk_unlink.operations import process_bulk_unlink, start_bulk_unlink
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import unlink
from erp_integrations.models import BulkUnlink, UnlinkAttempt, Via
from tests.concurrency.crowd import all_at_once
from tests.invariants import assert_promise_kept
from tests.proof.forked import start_click
from tests.proof.points import Reached, Replace, _around, watch
from tests.proof.worker import wait_until
from tests.world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

SCENARIOS = ("padded", "recreated", "void")
POINTS = (
    "after taking",
    "after the claim",
    "between the looks",
    "before settling",
    "inside settling",
    "after settling",
    "after recording",
)


def watch_bulk(reached: Reached, replace: Replace = setattr) -> None:
    watch(reached, replace)
    _around(reached, replace, bulk_unlink, "_take", after="after taking")
    _around(reached, replace, bulk_unlink, "_record", after="after recording")


@pytest.fixture(autouse=True)
def short_leases(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.SAGE_DEADLINE_SECONDS = 60
    monkeypatch.setattr(unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=1.5 - 60))
    monkeypatch.setattr(bulk_unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=2.0 - 60))
    yield
    assert_promise_kept()


@pytest.fixture
def bulk(committed_world: World) -> BulkUnlink:
    world = committed_world
    ccos: list[CommitmentChangeOrder] = [world.synced_cco(key) for key in SCENARIOS]
    approver = world.person()
    world.sage.play()
    return start_bulk_unlink(
        company_id=world.company.pk,
        change_order_ids=[cco.pk for cco in ccos],
        actor=Actor(user_id=approver.pk, name=approver.name, via=Via.PAGE),
    )


def leases_are_over() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM erp_integrations_bulkunlinkitem WHERE state = 'CHECKING'"
            " AND expires_at > clock_timestamp()) AND NOT EXISTS (SELECT FROM"
            " erp_integrations_unlinkattempt WHERE state = 'CHECKING' AND expires_at > clock_timestamp())"
        )
        return bool(cursor.fetchone()[0])


def assert_each_ended_once(bulk: BulkUnlink) -> None:
    assert sorted(bulk.items.values_list("state", flat=True)) == ["STILL_IN_ERP", "UNLINKED", "UNLINKED"]
    bulk.refresh_from_db()
    assert bulk.ended_at is not None
    for item in bulk.items.all():
        ended = [one.state for one in UnlinkAttempt.objects.filter(link=item.link_id).order_by("id")]
        assert ended[-1] == item.state
        assert ended.count("UNLINKED") == (item.state == "UNLINKED")
        assert "CHECKING" not in ended


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_point_leaves_each_item_to_end_once(point: str, bulk: BulkUnlink) -> None:
    worker = start_click(
        lambda: process_bulk_unlink(bulk.pk), stop_at=point, with_signal=signal.SIGKILL, watching=watch_bulk
    )
    assert worker.was_killed()
    wait_until(leases_are_over, "the leases ran out")

    process_bulk_unlink(bulk.pk)

    assert_each_ended_once(bulk)


@pytest.mark.parametrize("point", ["after taking", "after the claim", "before settling", "after settling"])
def test_a_worker_that_slept_through_its_lease_ends_nothing_a_second_time(
    point: str, bulk: BulkUnlink
) -> None:
    worker = start_click(
        lambda: process_bulk_unlink(bulk.pk), stop_at=point, with_signal=signal.SIGSTOP, watching=watch_bulk
    )
    assert worker.stops()
    wait_until(leases_are_over, "the leases ran out")
    process_bulk_unlink(bulk.pk)
    assert_each_ended_once(bulk)
    before = list(bulk.items.order_by("pk").values())

    worker.goes_on()

    assert list(bulk.items.order_by("pk").values()) == before


def test_workers_with_the_same_bulk_unlink_share_it(
    bulk: BulkUnlink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=5))
    monkeypatch.setattr(bulk_unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=30))
    monkeypatch.setattr(bulk_unlink, "MOST_LOOKED_UP_AT_ONCE", 1)
    lock = threading.Lock()
    taken: list[int] = []
    real = bulk_unlink._take

    def take(bulk_id: int) -> bulk_unlink.Taken:
        mine = real(bulk_id)
        with lock:
            taken.extend(mine)
        return mine

    monkeypatch.setattr(bulk_unlink, "_take", take)

    assert all_at_once([lambda: process_bulk_unlink(bulk.pk)] * 4) == [None] * 4

    assert sorted(taken) == sorted(bulk.items.values_list("change_order_id", flat=True))
    assert_each_ended_once(bulk)

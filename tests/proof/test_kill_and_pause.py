"""A process that is killed or paused anywhere on the path leaves the link as it was."""

from pathlib import Path

import pytest

from companies.models import Membership
from erp_integrations.models import AttemptState
from erp_integrations.operations import connecting
from erp_integrations.operations.refusals import UnlinkInProgress
from tests.invariants import assert_promise_kept
from tests.proof.points import POINTS, UNTIL_THE_CUT
from tests.proof.server import server_that_stops, wait_until_the_lease_is_over
from tests.world import LINKER, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("point", POINTS)
def test_a_server_killed_at_any_point_cuts_nothing_by_halves(
    point: str, committed_world: World, tmp_path: Path
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    with server_that_stops(point, tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        server.kill()

    cut = not world.link_of(cco).is_active
    assert cut == (point not in UNTIL_THE_CUT)
    assert_promise_kept()
    if not cut:
        wait_until_the_lease_is_over(cco.pk)
        world.unlink(cco, by=approver)
        assert not world.link_of(cco).is_active
        assert_promise_kept()


PAUSED = [point for point in UNTIL_THE_CUT if point not in ("before the claim", "inside the claim")]


@pytest.mark.parametrize("point", PAUSED)
def test_a_server_paused_past_its_lease_settles_nothing_although_the_record_is_gone(
    point: str, committed_world: World, tmp_path: Path
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    with server_that_stops(point, tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        wait_until_the_lease_is_over(cco.pk)
        if point == "inside settling":
            # Everything was judged in time and only the commit was late: it may stand.
            server.go_on()
        else:
            world.sage.restore(world.record_of(cco), user="ACCT1")
            status, body = server.go_on()
            assert status == 503
            assert "message-warning" in body
            assert world.link_of(cco).is_active
    assert_promise_kept()


def test_a_colleague_takes_over_an_expired_lease_and_the_late_one_tells_nothing(
    committed_world: World, tmp_path: Path
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    colleague = world.person("colleague")
    world.delete_in_sage(cco)

    with server_that_stops("before settling", tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        with pytest.raises(UnlinkInProgress):
            world.unlink(cco, by=colleague)
        wait_until_the_lease_is_over(cco.pk)
        world.unlink(cco, by=colleague)
        status, _ = server.go_on()

    assert status == 503
    assert world.link_of(cco).unlinked_by_name == "colleague"
    assert [a.state for a in world.attempts(cco)] == [AttemptState.NO_ANSWER, AttemptState.UNLINKED]
    assert_promise_kept()


def test_a_privilege_revoked_during_the_pause_counts(committed_world: World, tmp_path: Path) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    with server_that_stops("before settling", tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        Membership.objects.filter(user=approver).update(can_push_to_accounting=False)
        status, _ = server.go_on()

    assert status == 403
    assert world.link_of(cco).is_active
    assert world.attempts(cco)[-1].state == AttemptState.NOT_ALLOWED
    assert_promise_kept()


def test_a_connection_pointed_elsewhere_during_the_pause_counts(
    committed_world: World, tmp_path: Path
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    with server_that_stops("before settling", tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        connecting.set_connection(
            company=world.company,
            address=connecting.Address(
                kind=world.connection.kind,
                database=world.connection.database,
                sandbox_path=Path(world.connection.sandbox_path),
            ),
            actor=LINKER,
        )
        status, _ = server.go_on()

    assert status == 503
    assert world.link_of(cco).is_active
    assert world.attempts(cco)[-1].reason == "connection-changed"
    assert_promise_kept()


def test_a_record_restored_between_the_looks_is_seen(committed_world: World, tmp_path: Path) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    with server_that_stops("between the looks", tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        world.sage.restore(world.record_of(cco), user="ACCT1")
        status, _ = server.go_on()

    assert status in (409, 503)
    assert world.link_of(cco).is_active
    assert_promise_kept()

"""A process that is killed or paused anywhere on the path leaves the link as it was."""

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from companies.models import Membership, User
from erp_integrations.connections import connect
from erp_integrations.links import unlink
from erp_integrations.models import AttemptState
from erp_integrations.workflow.errors import UnlinkInProgress
from tests.invariants import assert_promise_kept
from tests.proof.forked import start_click
from tests.proof.points import POINTS, UNHELD, UNTIL_THE_CUT, WHILE_SAGE_COUNTS
from tests.proof.server import server_that_stops, wait_until_the_lease_is_over
from tests.world import LINKER, World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("next_door")]

without_threads_of_its_own = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


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
        assert AttemptState.CHECKING not in [attempt.state for attempt in world.attempts(cco)]


# --- paused, while the world changes ---


def restored(world: World, record: str, approver: User, elsewhere: Path) -> None:
    world.sage.restore(record, user="ACCT1")


def revoked(world: World, record: str, approver: User, elsewhere: Path) -> None:
    Membership.objects.filter(user=approver).update(can_push_to_accounting=False)


def pointed_elsewhere(world: World, record: str, approver: User, elsewhere: Path) -> None:
    address = connect.Address(
        kind=world.connection.kind, database=world.connection.database, sandbox_path=elsewhere
    )
    connect.set_connection(company=world.company, address=address, actor=LINKER)


Change = Callable[[World, str, User, Path], None]
CHANGES: tuple[Change, ...] = (restored, revoked, pointed_elsewhere)

BEFORE_THE_CLAIM = POINTS[0]
BETWEEN, SECOND, SETTLING = "between the looks", "inside the second question", "before settling"
FREE = [
    (change, point)
    for change in CHANGES
    for point in UNHELD
    if (change, point) != (restored, WHILE_SAGE_COUNTS)  # nobody can save there
]
OTHERWISE: dict[Change, str] = {
    restored: "StillInErp",
    revoked: "NotAllowed",
    pointed_elsewhere: "NoTrustworthyAnswer connection-changed",
}
OUTCOMES: dict[tuple[Change, str], str] = {
    (pointed_elsewhere, BEFORE_THE_CLAIM): "NoTrustworthyAnswer other-incarnation",
    (restored, BETWEEN): "NoTrustworthyAnswer sage-changing",
    (restored, SECOND): "NoTrustworthyAnswer sage-changing",
    # Sage had just said so, twice, when it was restored: no question can end after its own answer.
    (restored, SETTLING): "Unlinked",
}
"""What a click is told that goes on within its lease; `OTHERWISE` where it is not named here."""


@without_threads_of_its_own
@pytest.mark.parametrize(("change", "point"), [*FREE, *((change, BEFORE_THE_CLAIM) for change in CHANGES)])
def test_what_changed_during_a_pause_counts(
    change: Change, point: str, committed_world: World, elsewhere: Path, settings: Settings
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    settings.SAGE_DEADLINE_SECONDS = 60

    click = start_click(lambda: world.unlink(cco, by=approver), stop_at=point, with_signal=signal.SIGSTOP)
    assert click.stops()
    change(world, world.record_of(cco), approver, elsewhere)
    told = click.goes_on()

    expected = OUTCOMES.get((change, point), OTHERWISE[change])
    assert told.startswith(expected)
    assert world.link_of(cco).is_active == (expected != "Unlinked")


@pytest.fixture
def short_lease(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Leases that are over long before the deadline, so that they alone can refuse; as usual once called."""
    settings.SAGE_DEADLINE_SECONDS = 60
    monkeypatch.setattr(unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=0.3 - 60))
    return lambda: monkeypatch.setattr(unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=5))


@without_threads_of_its_own
@pytest.mark.parametrize(("change", "point"), FREE)
def test_a_click_that_slept_through_its_lease_settles_nothing_although_sage_said_gone(
    change: Change, point: str, committed_world: World, elsewhere: Path, short_lease: Callable[[], None]
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    click = start_click(lambda: world.unlink(cco, by=approver), stop_at=point, with_signal=signal.SIGSTOP)
    assert click.stops()
    wait_until_the_lease_is_over(cco.pk)
    change(world, world.record_of(cco), approver, elsewhere)

    assert click.goes_on() == "NoTrustworthyAnswer expired"
    assert world.link_of(cco).is_active
    assert [attempt.state for attempt in world.attempts(cco)] == [AttemptState.NO_ANSWER]


@without_threads_of_its_own
@pytest.mark.parametrize("point", UNHELD)
def test_a_colleague_waits_for_a_lease_and_then_takes_over_and_the_late_one_tells_nothing(
    point: str, committed_world: World, short_lease: Callable[[], None]
) -> None:
    world = committed_world
    cco, approver, colleague = world.synced_cco(), world.person(), world.person("colleague")
    world.delete_in_sage(cco)

    click = start_click(lambda: world.unlink(cco, by=approver), stop_at=point, with_signal=signal.SIGSTOP)
    assert click.stops()
    short_lease()
    wait_until_the_lease_is_over(cco.pk)
    world.unlink(cco, by=colleague)

    assert click.goes_on() == "NoTrustworthyAnswer attempt-taken-over"
    assert world.link_of(cco).unlinked_by_name == "colleague"
    assert [a.state for a in world.attempts(cco)] == [AttemptState.NO_ANSWER, AttemptState.UNLINKED]


@without_threads_of_its_own
@pytest.mark.parametrize("point", UNHELD)
def test_a_colleague_is_told_to_wait_while_the_lease_holds(
    point: str, committed_world: World, settings: Settings
) -> None:
    world = committed_world
    cco, approver, colleague = world.synced_cco(), world.person(), world.person("colleague")
    world.delete_in_sage(cco)
    settings.SAGE_DEADLINE_SECONDS = 60

    click = start_click(lambda: world.unlink(cco, by=approver), stop_at=point, with_signal=signal.SIGSTOP)
    assert click.stops()
    with pytest.raises(UnlinkInProgress) as raised:
        world.unlink(cco, by=colleague)

    assert raised.value.by == "approver"
    assert click.goes_on() == "Unlinked"
    assert [a.state for a in world.attempts(cco)] == [AttemptState.UNLINKED]


@without_threads_of_its_own
def test_a_cut_that_was_judged_in_time_stands_although_its_commit_was_late(
    committed_world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    settings.SAGE_DEADLINE_SECONDS = 60
    monkeypatch.setattr(unlink, "LEASE_BEYOND_DEADLINE", timedelta(seconds=3 - 60))

    click = start_click(
        lambda: world.unlink(cco, by=approver), stop_at="inside settling", with_signal=signal.SIGSTOP
    )
    assert click.stops()
    wait_until_the_lease_is_over(cco.pk)

    assert click.goes_on() == "Unlinked"
    assert not world.link_of(cco).is_active


def test_a_server_paused_past_its_lease_says_so_to_the_person(committed_world: World, tmp_path: Path) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    with server_that_stops(SETTLING, tmp_path) as server:
        server.click_unlink(world, cco.pk, by=approver)
        wait_until_the_lease_is_over(cco.pk)
        world.sage.restore(world.record_of(cco), user="ACCT1")
        status, body = server.go_on()

    assert status == 503
    assert "message-warning" in body
    assert world.link_of(cco).is_active

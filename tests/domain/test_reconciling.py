"""Reconcile: what is recorded of the links, when, and what is not believed."""

import pytest

from commitments.models import CommitmentChangeOrder
from erp_integrations.actors import Actor
from erp_integrations.models import ChangeOrderLink, PresenceKey, ReconcileRun, ReconcileState, Via
from erp_integrations.operations.reconciling import reconcile
from tests.world import World

BY_ITSELF = Actor(user_id=None, name="Plumbline", via=Via.QUEUE)


def run(world: World) -> ReconcileRun:
    return reconcile(connection_id=world.connection.pk, actor=BY_ITSELF)


def counts(run: ReconcileRun) -> dict[str, int]:
    names = ("checked", "present", "absent", "drifted", "unknown", "changed")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


def stored(link: ChangeOrderLink) -> tuple[str, list[str], dict[str, str]]:
    return (link.presence, link.drift, link.seen)


def told(world: World, cco: CommitmentChangeOrder) -> list[str]:
    return [event.reason for event in world.events(kind="PRESENCE_CHANGED", subject=cco)]


def test_links_that_are_as_they_were_are_dated_and_not_written(world: World) -> None:
    cco = world.synced_cco()
    before = ChangeOrderLink.objects.filter(change_order=cco).values().get()

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert counts(made) == {"checked": 1, "present": 1}
    assert ChangeOrderLink.objects.filter(change_order=cco).values().get() == before
    assert world.fresh_connection().reconciled_at == made.started_at
    assert told(world, cco) == []


CASES: dict[str, tuple[PresenceKey, list[str], str]] = {
    "deleted": (PresenceKey.ABSENT, [], ""),
}


@pytest.mark.parametrize("scenario", CASES)
def test_what_is_otherwise_is_recorded_once(world: World, scenario: str) -> None:
    cco = world.synced_cco(scenario)
    world.sage.play()

    run(world)
    first = world.link_of(cco)
    again = run(world)

    print(stored(first), told(world, cco), first.seen, counts(again))
    assert len(told(world, cco)) == 1

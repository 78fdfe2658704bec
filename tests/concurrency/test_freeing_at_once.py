"""Several of support free the same stuck attempt while its CCO is clicked: it ends once, and nobody waits."""

from commitments.models import ErpStatus
from erp_integrations.ledger.actors import actor_in_admin
from erp_integrations.links.release_attempt import release_attempt
from erp_integrations.links.unlink import Unlinked
from erp_integrations.workflow.errors import AttemptEnded
from tests.concurrency.crowd import all_at_once
from tests.invariants import assert_promise_kept
from tests.web.desk import staff, stuck
from tests.world import World


def test_an_attempt_that_many_free_and_somebody_takes_over_ends_once(committed_world: World) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    attempt = stuck(world, cco)
    desk = [actor_in_admin(staff("Support lead", f"lead-{number}")) for number in range(3)]

    def frees(number: int) -> None:
        release_attempt(attempt_id=attempt.pk, reason="It is stuck", actor=desk[number])

    *freed, clicked = all_at_once(
        [
            *(lambda number=number: frees(number) for number in range(3)),
            lambda: world.unlink(cco, by=approver),
        ]
    )

    assert isinstance(clicked, Unlinked)
    told = [one for one in freed if one is not None]
    assert all(isinstance(one, AttemptEnded) for one in told)
    assert len(world.events(kind="ATTEMPT_FREED")) == 3 - len(told) <= 1
    assert [one.state for one in world.attempts(cco)] == ["NO_ANSWER", "UNLINKED"]
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.NOT_IN_ERP
    assert_promise_kept()

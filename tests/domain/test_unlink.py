"""Unlink: what cuts a link, and what leaves it alone."""

import pytest

from commitments.models import ErpStatus
from erp_integrations.models import AttemptState
from erp_integrations.operations.refusals import NoTrustworthyAnswer, StillInErp
from tests.world import World


def test_a_record_that_is_gone_from_sage_is_unlinked(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    unlinked = world.unlink(cco, by=approver)

    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.NOT_IN_ERP
    assert not world.link_of(cco).is_active
    assert world.link_of(cco).unlinked_by_name == "approver"
    assert unlinked.finding.evidence.deletion is not None
    assert unlinked.finding.evidence.deletion.user == "ACCT2"
    [attempt] = world.attempts(cco)
    assert attempt.state == AttemptState.UNLINKED
    [event] = world.events(kind="UNLINKED")
    assert event.attempt_id == attempt.pk
    assert "Can Push to Accounting" in event.rights


def test_a_record_that_is_still_in_sage_keeps_its_link(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    before = world.before(cco)

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    assert [event.kind for event in world.events()][-1] == "STILL_IN_ERP"


def test_a_sage_that_does_not_answer_keeps_the_link(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.sage.set_fault("offline")
    before = world.before(cco)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert world.before(cco) == before

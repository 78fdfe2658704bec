"""Failures in a row are counted by whoever asks, and forgotten with the first answer."""

from datetime import timedelta

import pytest

from erp_integrations.operations import connecting
from erp_integrations.operations.refusals import NoTrustworthyAnswer, StillInErp
from erp_integrations.policies import rests_until
from tests.world import LINKER, World


def test_checks_and_clicks_count_failures_until_an_answer(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault("offline")
    for expected in (1, 2):
        connecting.check_connection(connection_id=world.connection.pk, actor=LINKER)
        assert world.fresh_connection().failures_in_a_row == expected
    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)
    connection = world.fresh_connection()
    assert connection.failures_in_a_row == 3
    assert connection.last_failure_at
    assert rests_until(connection) == connection.last_failure_at + timedelta(minutes=4)

    world.sage.set_fault("none")
    with pytest.raises(StillInErp):  # a click is not held back
        world.unlink(cco, by=approver)
    assert world.fresh_connection().failures_in_a_row == 0

    world.sage.set_fault("no-rights")
    connecting.check_connection(connection_id=world.connection.pk, actor=LINKER)
    assert world.fresh_connection().failures_in_a_row == 1
    world.sage.set_fault("none")
    connecting.check_connection(connection_id=world.connection.pk, actor=LINKER)
    assert world.fresh_connection().failures_in_a_row == 0

"""A server in trouble is left in peace by everything but people's clicks."""

from datetime import UTC, datetime, timedelta

import pytest

from erp_integrations.models import Connection
from erp_integrations.operations import connecting
from erp_integrations.operations.refusals import NoTrustworthyAnswer, StillInErp
from erp_integrations.policies import rests_until
from tests.world import LINKER, World

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (2**31 - 1, 30)]
)
def test_each_failure_doubles_the_rest_up_to_half_an_hour(failures: int, minutes: int) -> None:
    connection = Connection(failures_in_a_row=failures, last_failure_at=AT)
    assert rests_until(connection) == AT + timedelta(minutes=minutes)


def test_there_is_no_rest_while_the_last_answer_was_good() -> None:
    assert rests_until(Connection(failures_in_a_row=0, last_failure_at=AT)) is None
    assert rests_until(Connection()) is None


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

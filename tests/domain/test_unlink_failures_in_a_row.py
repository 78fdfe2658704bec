"""Failures in a row are counted by whoever asks, and forgotten with the first answer."""

from datetime import timedelta

import pytest

from companies.clock import database_now
from erp_integrations.connections import connect
from erp_integrations.erp.calls import NO_ANSWER_IN_TIME
from erp_integrations.policies import rests_until
from erp_integrations.ports import Finding, Verdict
from erp_integrations.workflow.errors import NoTrustworthyAnswer, StillInErp
from tests.domain.readers import Moments
from tests.world import LINKER, World


def test_checks_and_clicks_count_failures_until_an_answer(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault("offline")
    for expected in (1, 2):
        connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
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
    connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
    assert world.fresh_connection().failures_in_a_row == 1
    world.sage.set_fault("none")
    connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
    assert world.fresh_connection().failures_in_a_row == 0


def test_a_question_that_failed_does_not_hide_an_answer_that_came_after_it_was_asked(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    moments.after_looks = lambda: connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
    moments.told = lambda finding: Finding(
        Verdict.UNKNOWN, "deadline", fault=NO_ANSWER_IN_TIME, asked_at=began
    )

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    connection = world.fresh_connection()
    assert connection.last_success_at is not None
    assert connection.last_success_at > began
    assert (connection.last_failure_at, connection.last_failure_code) == (None, "")
    assert connection.failures_in_a_row == 0


def test_sage_changing_is_an_answer_and_no_failure_of_the_connection(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    world.delete_in_sage(cco)
    moments.between_looks = lambda: world.sage.restore(world.record_of(cco), user="ACCT2")

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)

    connection = world.fresh_connection()
    assert refusal.value.reason == "sage-changing"
    assert connection.last_failure_at is None
    assert connection.last_success_at is not None
    assert connection.last_success_at > began

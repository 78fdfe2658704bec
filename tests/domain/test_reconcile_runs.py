"""Reconcile: one run at a time, how each ends, what is not believed, and when the next is due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils.timezone import localtime

from companies.clock import database_now
from erp_integrations import tasks
from erp_integrations.connections import connect
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Connection,
    ReconcileRun,
    ReconcileState,
    UnlinkAttempt,
    Via,
)
from erp_integrations.reconciliation import confirm_suspects, reconcile, schedule
from erp_integrations.reconciliation.run_lease import claim_run, end_run, note_progress
from erp_integrations.workflow.errors import ReconcileInProgress, TakenOver
from sage_adapter.sandbox.company import BETWEEN_DELETIONS
from sage_adapter.sandbox.writer import open_books
from tests.domain.test_reconciling import BY_ITSELF, counts, run, stored, told
from tests.domain.test_unlink import FAULTS
from tests.jobs import waiting, work
from tests.world import LINKER, World


def set_connection(world: World, **columns: Any) -> None:
    Connection.objects.filter(pk=world.connection.pk).update(**columns)


def a_run(world: World, **columns: Any) -> ReconcileRun:
    """A run as it would stand there."""
    now = database_now()
    made: ReconcileRun = ReconcileRun.objects.create(
        connection=world.connection,
        actor_name="Plumbline",
        via=Via.QUEUE,
        connection_revision=world.connection.revision,
        **{"started_at": now, "expires_at": now + timedelta(minutes=2), **columns},
    )
    return made


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "slow:2"])
def test_without_a_trustworthy_answer_nothing_is_recorded_and_nothing_dated(world: World, fault: str) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    world.sage.set_fault(fault)
    code, kind = FAULTS[fault]

    made = run(world)

    assert made.fault_code == code
    assert made.state == ("MISCONFIGURED" if kind.value == "misconfigured" else "NO_ANSWER")
    assert made.fault_words
    assert made.fault_advice
    assert stored(world.link_of(cco)) == ("present", [], {})
    assert told(world, cco) == []
    connection = world.fresh_connection()
    assert connection.reconciled_at is None
    assert connection.failures_in_a_row == 1


def test_a_connection_that_nobody_accepted_is_not_compared(world: World) -> None:
    set_connection(world, accepted_incarnation="", accepted_at=None, accepted_by_name="")

    made = run(world)

    assert (made.state, made.fault_code) == (ReconcileState.MISCONFIGURED, "connection-unchecked")


def test_sage_going_away_in_the_middle_keeps_what_was_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ccos = [world.synced_cco(key) for key in ("present", "plain-01", "plain-02")]
    for cco in ccos:
        world.delete_in_sage(cco)
    monkeypatch.setattr(confirm_suspects, "RECORDED_AT_ONCE", 1)
    recording = confirm_suspects._record

    def record_then_sage_goes_away(*given: Any) -> None:
        recording(*given)
        world.sage.set_fault("offline")

    monkeypatch.setattr(confirm_suspects, "_record", record_then_sage_goes_away)

    made = run(world)

    assert (made.state, made.fault_code) == (ReconcileState.NO_ANSWER, "unreachable")
    assert made.changed >= 1
    assert world.link_of(ccos[0]).presence == "absent"
    assert world.link_of(ccos[2]).presence == "present"
    assert world.fresh_connection().reconciled_at is None

    world.sage.set_fault("none")
    monkeypatch.undo()
    again = run(world)

    assert again.state == ReconcileState.COMPLETE
    assert made.changed + again.changed == 3
    assert [told(world, cco) for cco in ccos] == [["deleted-in-history"]] * 3


def test_too_many_records_without_an_answer_end_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm_suspects, "MOST_SILENT", 1)
    for key in ("present", "plain-01"):
        cco = world.synced_cco(key)
        record = world.record_of(cco)
        world.sage.delete(record, user="ACCT2")
        world.sage.set_fault("deadlock", record_number=record)

    made = run(world)

    assert (made.state, made.fault_code) == (ReconcileState.NO_ANSWER, "deadlock")
    assert made.changed == 0


def test_what_plumbline_itself_gets_wrong_ends_the_run_and_is_raised(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reconcile, "confirm_suspects", broken)

    with pytest.raises(ZeroDivisionError):
        run(world)

    [made] = ReconcileRun.objects.all()
    assert (made.state, made.fault_code) == (ReconcileState.NO_ANSWER, "not-understood")


# --- the connection is changed meanwhile -----------------------------------------------------------


@pytest.mark.parametrize("moment", ["_compare", "confirm_suspects"])
def test_a_connection_that_is_changed_meanwhile_is_not_dated(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    act: Callable[..., Any] = getattr(reconcile, moment)

    def then_it_is_set_anew(*given: Any) -> Any:
        answer = act(*given)
        connect.set_connection(
            company=world.company,
            address=connect.Address(
                kind=world.connection.kind, database=world.connection.database, sandbox_path=world.place
            ),
            actor=LINKER,
        )
        return answer

    monkeypatch.setattr(reconcile, moment, then_it_is_set_anew)

    made = run(world)

    assert (made.state, made.fault_code) == (ReconcileState.NO_ANSWER, "connection-changed")
    assert world.fresh_connection().reconciled_at is None
    assert told(world, cco) == ([] if moment == "_compare" else ["deleted-in-history"])


# --- not believed --------------------------------------------------------------------------------


def test_a_company_whose_change_orders_are_all_gone_is_not_believed(world: World) -> None:
    cco = world.synced_cco()
    for record in world.sage.change_orders():
        if not record.deleted:
            world.sage.delete(record.record_number, user="ACCT2")

    first, second = run(world), run(world)

    for made in (first, second):
        assert (made.state, made.fault_code) == (ReconcileState.IMPLAUSIBLE, "implausible")
        assert "no change orders at all" in made.fault_words
        assert "ERP admin" in made.fault_advice
    assert stored(world.link_of(cco)) == ("present", [], {})
    assert told(world, cco) == []
    connection = world.fresh_connection()
    assert (connection.reconciled_at, connection.failures_in_a_row) == (None, 0)
    [event] = world.events(kind="RECONCILE_REFUSED")
    assert event.reason == first.fault_words


def test_it_is_believed_once_an_erp_admin_says_so(world: World) -> None:
    cco = world.synced_cco()
    with open_books(world.place, pace=BETWEEN_DELETIONS) as books:
        for record in world.sage.change_orders():
            books.delete(record.record_number, user="ACCT2")
    run(world)
    set_connection(world, most_missing_percent=100)

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert stored(world.link_of(cco)) == ("absent", [], {})


def test_a_database_that_is_ten_times_smaller_is_not_believed(world: World) -> None:
    world.synced_cco()
    size = run(world).change_orders
    a_run(
        world,
        state=ReconcileState.COMPLETE,
        ended_at=database_now() + timedelta(seconds=1),
        change_orders=10 * size + 1,
    )

    made = run(world)

    assert made.state == ReconcileState.IMPLAUSIBLE
    assert f"{size:,} change orders" in made.fault_words


# --- the lease -----------------------------------------------------------------------------------


def test_nobody_compares_while_a_run_holds(world: World) -> None:
    holding = a_run(world)

    with pytest.raises(ReconcileInProgress) as refused:
        run(world)

    assert refused.value.since == holding.started_at
    assert list(ReconcileRun.objects.all()) == [holding]


def test_a_run_of_another_company_holds_nobody_up(world: World) -> None:
    a_run(world)

    assert run(World(world.place, slug="ridgeline")).state == ReconcileState.COMPLETE


def test_a_run_whose_worker_died_is_ended_and_the_next_begins_anew(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    now = database_now()
    dead = a_run(world, started_at=now - timedelta(minutes=3), expires_at=now - timedelta(seconds=1))

    made = run(world)

    dead.refresh_from_db()
    assert (dead.state, dead.fault_code) == (ReconcileState.ABANDONED, "abandoned")
    assert dead.ended_at is not None
    assert made.state == ReconcileState.COMPLETE
    assert counts(made) == {"checked": 1, "absent": 1, "changed": 1}


def test_a_run_that_was_taken_over_records_nothing_more(world: World) -> None:
    claim = claim_run(connection_id=world.connection.pk, actor=BY_ITSELF)
    ReconcileRun.objects.filter(pk=claim.run_id).update(
        expires_at=claim.started_at + timedelta(seconds=0.001)
    )
    other = claim_run(connection_id=world.connection.pk, actor=BY_ITSELF)

    with pytest.raises(TakenOver):
        note_progress(claim)
    end_run(claim, None, None)

    assert ReconcileRun.objects.get(pk=claim.run_id).state == ReconcileState.ABANDONED
    assert ReconcileRun.objects.get(pk=other.run_id).state == ReconcileState.RUNNING
    assert world.fresh_connection().reconciled_at is None


def test_a_run_that_works_keeps_its_lease(world: World) -> None:
    claim = claim_run(connection_id=world.connection.pk, actor=BY_ITSELF)
    ReconcileRun.objects.filter(pk=claim.run_id).update(
        expires_at=claim.started_at + timedelta(seconds=0.001)
    )

    note_progress(claim)

    with pytest.raises(ReconcileInProgress):
        claim_run(connection_id=world.connection.pk, actor=BY_ITSELF)


def test_the_database_keeps_runs_as_they_ended_and_one_at_a_time(world: World) -> None:
    ended = run(world)
    refused: list[Callable[[], object]] = [
        lambda: ReconcileRun.objects.filter(pk=ended.pk).update(absent=7),
        lambda: (a_run(world), a_run(world)),
        lambda: a_run(world, state=ReconcileState.NO_ANSWER, ended_at=database_now() + timedelta(seconds=1)),
        lambda: a_run(world, state=ReconcileState.COMPLETE),
    ]
    for act in refused:
        with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
            act()


# --- by itself -----------------------------------------------------------------------------------


def test_every_connection_whose_time_has_come_gets_one_job(world: World) -> None:
    other = World(world.place, slug="ridgeline")
    set_connection(other, reconcile_every_minutes=0)

    tasks.queue_due_reconciles(0)
    tasks.queue_due_reconciles(0)

    assert waiting("reconcile") == [{"connection_id": world.connection.pk}]


def test_the_job_compares_once_however_often_it_runs(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    tasks.queue_due_reconciles(0)

    work()
    tasks.reconcile(world.connection.pk)

    [made] = ReconcileRun.objects.all()
    assert made.state == ReconcileState.COMPLETE
    assert stored(world.link_of(cco)) == ("absent", [], {})
    tasks.queue_due_reconciles(0)
    assert waiting("reconcile") == []


def test_a_job_that_comes_while_another_run_holds_is_done(world: World) -> None:
    now = database_now()
    a_run(world, started_at=now - timedelta(minutes=90), expires_at=now + timedelta(minutes=2))

    tasks.reconcile(world.connection.pk)

    assert ReconcileRun.objects.count() == 1


def test_a_job_of_a_connection_that_is_gone_is_done(world: World) -> None:
    tasks.reconcile(world.connection.pk + 1)

    assert not ReconcileRun.objects.exists()


def test_the_window_is_in_the_time_zone_of_the_settings(world: World) -> None:
    here = localtime(database_now())
    set_connection(
        world,
        rests_from=(here - timedelta(minutes=5)).time(),
        rests_to=(here + timedelta(minutes=5)).time(),
    )

    tasks.queue_due_reconciles(0)

    assert waiting("reconcile") == []


def test_old_runs_are_forgotten_but_the_last_complete_one(world: World) -> None:
    long_ago = database_now() - timedelta(days=8)

    def old(state: str, fault: str) -> ReconcileRun:
        return a_run(
            world,
            state=state,
            fault_code=fault,
            started_at=long_ago,
            expires_at=long_ago,
            ended_at=long_ago + timedelta(seconds=1),
        )

    old("COMPLETE", "")
    kept = old("COMPLETE", "")
    old("NO_ANSWER", "unreachable")
    holding = a_run(world, started_at=long_ago)

    tasks.tidy_up_leases(0)

    assert set(ReconcileRun.objects.all()) == {kept, holding}


def test_an_attempt_whose_asker_did_not_come_back_gets_its_end(world: World) -> None:
    cco = world.synced_cco()
    now = database_now()

    def attempt(link: ChangeOrderLink, expires_at: datetime) -> UnlinkAttempt:
        made: UnlinkAttempt = UnlinkAttempt.objects.create(
            link=link,
            started_at=now - timedelta(minutes=1),
            expires_at=expires_at,
            actor_id=1,
            actor_name="approver",
            via=Via.PAGE,
            connection_revision=1,
        )
        return made

    expired = attempt(world.link_of(cco), now - timedelta(seconds=1))
    holding = attempt(world.link_of(world.synced_cco("plain-01")), now + timedelta(minutes=1))

    schedule.end_expired_attempts(database_now())

    expired.refresh_from_db()
    holding.refresh_from_db()
    assert (expired.state, expired.reason) == (AttemptState.NO_ANSWER, "expired")
    assert holding.state == AttemptState.CHECKING
    [event] = world.events(kind="NO_ANSWER")
    assert event.attempt_id == expired.pk

"""Unlink: what may happen in the world while Sage is asked. Every doubt that it brings keeps the link."""

import dataclasses
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from commitments.errors import ChangeOrderLocked
from commitments.models import CommitmentChangeOrder, ErpStatus
from commitments.operations.edit_change_order import delete_change_order
from companies import clock
from companies.clock import database_now
from erp_integrations.connections import connect
from erp_integrations.erp.calls import NO_ANSWER_IN_TIME
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.descriptions import evidence_facts
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Connection,
    LinkEvent,
    PresenceKey,
    UnlinkAttempt,
    Via,
)
from erp_integrations.ports import Finding, Proof, Verdict
from erp_integrations.workflow.errors import NoTrustworthyAnswer, StillInErp, UnlinkInProgress
from tests.domain.conftest import DatabaseClock
from tests.domain.readers import Moments
from tests.world import LINKER, World


def assert_left_alone(
    world: World, cco: CommitmentChangeOrder, reason: str, *, state: AttemptState = AttemptState.NO_ANSWER
) -> None:
    """The link is active, the CCO synced, and attempt and event say the same."""
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.SYNCED
    assert world.link_of(cco).is_active
    assert world.events(kind="UNLINKED") == []
    attempt = world.attempts(cco)[-1]
    assert (attempt.state, attempt.reason) == (state, reason)
    [event] = LinkEvent.objects.filter(attempt_id=attempt.pk)
    assert (event.kind, event.reason) == (state, reason)


# --- in Sage -------------------------------------------------------------------------------------


def test_a_record_that_comes_back_between_the_looks_keeps_its_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    record = world.record_of(cco)
    world.delete_in_sage(cco)
    moments.between_looks = lambda: world.sage.restore(record, user="ACCT2")

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "sage-changing")


def test_a_record_that_is_deleted_after_the_first_look_is_still_there_for_now(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    moments.after_looks = lambda: world.delete_in_sage(cco)

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "header-found", state=AttemptState.STILL_IN_ERP)


def test_a_backup_restored_between_the_looks_keeps_the_link(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.between_looks = world.sage.restore_backup

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "other-incarnation")


@pytest.mark.parametrize(
    ("fault", "reason"), [("offline", "unreachable"), ("emptied", "sage-changing"), ("locked", "locked")]
)
def test_trouble_that_begins_between_the_looks_keeps_the_link(
    world: World, moments: Moments, fault: str, reason: str
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_first_connection = lambda: world.sage.set_fault(fault)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, reason)


# --- the connection ------------------------------------------------------------------------------


def set_the_same_connection_again(world: World) -> None:
    connection = world.fresh_connection()
    connect.set_connection(
        company=world.company,
        address=connect.Address(kind=connection.kind, database=connection.database, sandbox_path=world.place),
        actor=LINKER,
    )


def accept_a_restored_backup(world: World) -> None:
    world.sage.restore_backup()
    checked = connect.check_connection(connection_id=world.connection.pk, actor=LINKER)
    admin = world.erp_admin()
    connect.accept_database(
        connection_id=world.connection.pk,
        incarnation=checked.connection.seen_incarnation,
        actor=Actor(user_id=admin.pk, name=admin.name, via=Via.PAGE),
        reason="The server's disk was replaced.",
    )


@pytest.mark.parametrize(
    "change", [set_the_same_connection_again, accept_a_restored_backup], ids=lambda act: act.__name__
)
def test_an_answer_of_a_connection_that_was_changed_meanwhile_keeps_the_link(
    committed_world: World, moments: Moments, change: Callable[[World], None]
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: change(world)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "connection-changed")


def test_a_connection_that_is_only_checked_meanwhile_is_the_same_connection(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: connect.check_connection(connection_id=world.connection.pk, actor=LINKER)

    world.unlink(cco, by=approver)

    assert not world.link_of(cco).is_active


# --- the link ------------------------------------------------------------------------------------


def test_a_header_that_becomes_shared_meanwhile_keeps_the_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco("shared-deleted"), world.person()
    record = world.record_of(cco)
    world.delete_in_sage(cco)

    def another_cco_is_tied_to_the_other_part() -> None:
        world.sage.restore(record, user="ACCT2")
        world.synced_cco("shared-kept")

    moments.after_looks = another_cco_is_tied_to_the_other_part

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def test_a_record_that_was_seen_by_somebody_else_meanwhile_keeps_its_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: ChangeOrderLink.objects.filter(change_order=cco).update(
        last_seen_at=timezone.now()
    )

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def complete_a_run(world: World, *, began: datetime) -> None:
    """A reconciliation that has seen all records and began then."""
    Connection.objects.filter(pk=world.connection.pk).update(reconciled_at=began)


def test_a_run_that_saw_the_record_before_the_looks_does_not_keep_the_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    time.sleep(0.01)  # the books hold milliseconds
    world.delete_in_sage(cco)
    moments.after_looks = lambda: complete_a_run(world, began=began)

    world.unlink(cco, by=approver)

    assert moments.asked[0].last_seen_at < began
    assert not world.link_of(cco).is_active


def test_a_run_that_saw_the_record_after_the_looks_keeps_the_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: complete_a_run(world, began=database_now())

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def test_a_run_that_began_at_the_very_moment_of_the_first_look_keeps_the_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    def at_that_moment(finding: Finding) -> Finding:
        assert finding.first_looked_at
        complete_a_run(world, began=finding.first_looked_at)
        return finding

    moments.told = at_that_moment

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def read_on_until_now(world: World, *, began: datetime) -> None:
    """A reconciliation that began then, has seen all records, and ends now."""
    Connection.objects.filter(pk=world.connection.pk).update(
        reconciled_at=began, reconciled_until=database_now()
    )


def stored_as_gone(world: World, cco: CommitmentChangeOrder, *, at: datetime) -> None:
    ChangeOrderLink.objects.filter(change_order=cco).update(
        presence=PresenceKey.ABSENT, presence_checked_at=at
    )


def test_a_run_that_read_on_after_the_looks_may_have_seen_the_record_and_keeps_the_link(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: read_on_until_now(world, began=began)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def test_a_run_that_read_on_found_no_record_of_a_link_that_was_gone_from_the_claim_on(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    world.delete_in_sage(cco)
    stored_as_gone(world, cco, at=database_now())
    moments.after_looks = lambda: read_on_until_now(world, began=began)

    world.unlink(cco, by=approver)

    assert not world.link_of(cco).is_active


def test_an_older_answer_that_is_stored_meanwhile_says_nothing_of_a_run_that_read_on(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    asked = database_now()
    time.sleep(0.01)
    began = database_now()
    world.delete_in_sage(cco)

    def the_run_ends_and_the_late_answer_is_stored() -> None:
        stored_as_gone(world, cco, at=asked)
        read_on_until_now(world, began=began)

    moments.after_looks = the_run_ends_and_the_late_answer_is_stored

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def test_what_the_look_saw_otherwise_is_stored_with_the_time_of_the_look(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.sage.void(world.record_of(cco), user="ACCT2")

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    link, [attempt] = world.link_of(cco), world.attempts(cco)
    assert (link.presence, link.drift, link.seen) == ("not-effective", ["status"], {"status": "Void"})
    assert link.presence_checked_at == attempt.first_looked_at
    assert world.events(kind="PRESENCE_CHANGED") == []


def found_meanwhile(world: World, cco: CommitmentChangeOrder, moments: Moments, presence: str) -> datetime:
    """Lets somebody else find the record so, and store it, after our looks. When the click began."""
    began = database_now()

    def somebody_looks() -> None:
        ChangeOrderLink.objects.filter(change_order=cco).update(
            presence=presence, presence_checked_at=database_now()
        )

    moments.after_looks = somebody_looks
    return began


def test_what_was_found_after_our_looks_stays_when_they_are_settled(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = found_meanwhile(world, cco, moments, "ambiguous")

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    link = world.link_of(cco)
    assert link.presence == "ambiguous"
    assert link.presence_checked_at is not None
    assert link.presence_checked_at > began
    assert world.attempts(cco)[0].verdict == "present"
    assert world.events(kind="PRESENCE_CHANGED") == []
    [event] = world.events(kind="STILL_IN_ERP")
    facts = {fact.label: fact.words for fact in evidence_facts(event.evidence)}
    assert facts["What the list says"] == "stays as it was: something newer was known already"


def test_a_question_that_timed_out_does_not_overwrite_what_was_found_after_it_began(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = found_meanwhile(world, cco, moments, "absent")
    moments.told = lambda finding: Finding(
        Verdict.UNKNOWN, "deadline", fault=NO_ANSWER_IN_TIME, asked_at=began
    )

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    link = world.link_of(cco)
    assert (link.presence, link.is_active) == ("absent", True)
    assert_left_alone(world, cco, "deadline")
    assert world.events(kind="PRESENCE_CHANGED") == []


def test_what_a_run_found_after_a_question_began_stays_too(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    moments.after_looks = lambda: complete_a_run(world, began=database_now())
    moments.told = lambda finding: Finding(
        Verdict.UNKNOWN, "deadline", fault=NO_ANSWER_IN_TIME, asked_at=began
    )

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert world.link_of(cco).presence == "present"


def test_a_run_that_saw_the_record_after_its_successor_came_keeps_the_link(
    committed_world: World, moments: Moments
) -> None:
    """The proof that the other record came later was judged by when ours was last seen before."""
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    moments.told = lambda finding: dataclasses.replace(
        finding, verdict=Verdict.REPLACED, reason="replaced", proof=Proof.INSERTED_LATER
    )
    world.delete_in_sage(cco)
    moments.after_looks = lambda: complete_a_run(world, began=began)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "link-changed")


def test_the_look_knows_when_the_last_complete_run_saw_the_record(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    complete_a_run(world, began=began)

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    assert [reference.last_seen_at for reference in moments.asked] == [began]


def test_what_a_complete_run_has_seen_is_not_forgotten_when_the_record_is_not_found(
    committed_world: World, moments: Moments
) -> None:
    """Or the next look would take what came before that run for a successor."""
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    began = database_now()
    complete_a_run(world, began=began)
    world.sage.set_fault("offline")

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert world.link_of(cco).last_seen_at == began


def test_the_cco_cannot_be_deleted_while_sage_is_asked(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    refused = []

    def delete_the_cco() -> None:
        try:
            delete_change_order(company_id=world.company.pk, change_order_id=cco.pk, user_id=approver.pk)
        except ChangeOrderLocked as locked:
            refused.append(locked.erp_status)

    moments.after_looks = delete_the_cco

    world.unlink(cco, by=approver)

    assert refused == [ErpStatus.SYNCED]
    assert CommitmentChangeOrder.objects.filter(pk=cco.pk).exists()


# --- the finding ---------------------------------------------------------------------------------


def without_second_look(finding: Finding) -> Finding:
    return dataclasses.replace(finding, second_looked_at=None)


def without_any_look(finding: Finding) -> Finding:
    return dataclasses.replace(finding, first_looked_at=None, second_looked_at=None)


def of_no_database(finding: Finding) -> Finding:
    return dataclasses.replace(finding, incarnation="")


def of_another_database(finding: Finding) -> Finding:
    return dataclasses.replace(finding, incarnation="another")


def replaced_without_proof(finding: Finding) -> Finding:
    return dataclasses.replace(finding, verdict=Verdict.REPLACED, reason="replaced-without-proof", proof=None)


def from_before_the_click(finding: Finding) -> Finding:
    assert finding.first_looked_at
    return dataclasses.replace(finding, first_looked_at=finding.first_looked_at - timedelta(minutes=1))


def with_looks_in_wrong_order(finding: Finding) -> Finding:
    return dataclasses.replace(
        finding, first_looked_at=finding.second_looked_at, second_looked_at=finding.first_looked_at
    )


def from_the_future(finding: Finding) -> Finding:
    assert finding.second_looked_at
    return dataclasses.replace(finding, second_looked_at=finding.second_looked_at + timedelta(minutes=1))


FINDINGS: dict[Callable[[Finding], Finding], str] = {
    without_second_look: "not-found-twice",
    without_any_look: "not-found-twice",
    of_no_database: "connection-changed",
    of_another_database: "connection-changed",
    replaced_without_proof: "replaced-without-proof",
    from_before_the_click: "clock-moved",
    with_looks_in_wrong_order: "clock-moved",
    from_the_future: "clock-moved",
}


@pytest.mark.parametrize("told", FINDINGS, ids=lambda told: told.__name__)
def test_a_finding_with_a_hole_in_it_keeps_the_link(
    world: World, moments: Moments, told: Callable[[Finding], Finding]
) -> None:
    """Whatever a reader says: what is not proved twice, here and now, cuts nothing."""
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.told = told

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, FINDINGS[told])


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.ABSENT])
def test_no_other_verdict_than_absent_cuts_without_proof(
    world: World, moments: Moments, verdict: Verdict
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.told = lambda finding: dataclasses.replace(finding, verdict=verdict, proof=None)

    with pytest.raises((NoTrustworthyAnswer, StillInErp)):
        world.unlink(cco, by=approver)

    assert world.link_of(cco).is_active


@pytest.mark.parametrize(
    "verdict", [verdict for verdict in Verdict if verdict not in (Verdict.ABSENT, Verdict.REPLACED)]
)
def test_a_proof_beside_another_verdict_proves_nothing(
    world: World, moments: Moments, verdict: Verdict
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.told = lambda finding: dataclasses.replace(finding, verdict=verdict, proof=Proof.HISTORY)

    with pytest.raises((NoTrustworthyAnswer, StillInErp)):
        world.unlink(cco, by=approver)

    assert world.link_of(cco).is_active


def test_a_reader_that_breaks_keeps_the_link(world: World, moments: Moments) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    def breaks() -> None:
        raise RuntimeError("out of order")

    moments.after_looks = breaks

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "not-understood")
    assert "out of order" not in str(world.attempts(cco)[0].evidence)


# --- time ----------------------------------------------------------------------------------------


def test_an_answer_after_the_deadline_settles_nothing(
    committed_world: World, moments: Moments, settings: Settings
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    settings.SAGE_DEADLINE_SECONDS = 0.2
    may_go_on = threading.Event()
    questions: list[threading.Thread] = []

    def hangs() -> None:
        questions.append(threading.current_thread())
        may_go_on.wait()

    moments.before_looks = hangs

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)
    assert_left_alone(world, cco, "deadline")
    may_go_on.set()
    questions[0].join()

    assert_left_alone(world, cco, "deadline")
    assert len(world.attempts(cco)) == 1


def test_evidence_older_than_the_deadline_by_the_databases_clock_keeps_the_link(
    world: World, moments: Moments, database_clock: DatabaseClock
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: database_clock.moves(seconds=7)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "evidence-too-old")


def test_evidence_older_than_the_deadline_by_the_process_own_clock_keeps_the_link(
    world: World, moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's clock was set back just as much as the process had been paused: nothing to see there."""
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    paused_for = [0.0]

    class PausedTime:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + paused_for[0]

    monkeypatch.setattr(clock, "time", PausedTime)
    moments.after_looks = lambda: paused_for.__setitem__(0, 7.0)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "evidence-too-old")


def test_a_clock_that_is_set_back_keeps_the_link(
    world: World, moments: Moments, database_clock: DatabaseClock
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: database_clock.moves(hours=-1)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "clock-moved")
    [attempt] = world.attempts(cco)
    assert attempt.ended_at is not None
    assert attempt.ended_at >= attempt.started_at


def test_who_comes_back_after_the_lease_ran_out_settles_nothing(
    world: World, moments: Moments, database_clock: DatabaseClock
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: database_clock.moves(seconds=11)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert_left_alone(world, cco, "expired")


# --- the lease -----------------------------------------------------------------------------------


def open_attempt(
    world: World, cco: CommitmentChangeOrder, *, began: timedelta, lasts: timedelta
) -> UnlinkAttempt:
    """What a process leaves behind that asked and never came back."""
    now = timezone.now()
    return UnlinkAttempt.objects.create(
        link=world.link_of(cco),
        started_at=now - began,
        expires_at=now - began + lasts,
        actor_id=4711,
        actor_name="colleague",
        via=Via.COMMAND,
        connection_revision=world.fresh_connection().revision,
    )


def test_while_somebody_asks_sage_is_not_asked_again(world: World, moments: Moments) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    theirs = open_attempt(world, cco, began=timedelta(seconds=1), lasts=timedelta(seconds=15))
    before, events = world.before(cco), len(world.events())

    with pytest.raises(UnlinkInProgress) as refusal:
        world.unlink(cco, by=approver)

    assert (refusal.value.by, refusal.value.since) == ("colleague", theirs.started_at)
    assert world.before(cco) == before
    assert moments.asked == []
    [attempt] = world.attempts(cco)
    assert attempt.state == AttemptState.CHECKING
    assert len(world.events()) == events


def test_a_lease_that_ran_out_is_ended_in_the_askers_name_and_the_click_goes_on(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    open_attempt(world, cco, began=timedelta(seconds=60), lasts=timedelta(seconds=15))

    world.unlink(cco, by=approver)

    theirs, ours = world.attempts(cco)
    assert (theirs.state, theirs.verdict, theirs.reason) == ("NO_ANSWER", "unknown", "expired")
    assert ours.state == AttemptState.UNLINKED
    [told] = world.events(kind="NO_ANSWER")
    assert (told.attempt_id, told.reason) == (theirs.pk, "expired")
    assert (told.actor_id, told.actor_name, told.via) == (4711, "colleague", "COMMAND")
    [unlinked] = world.events(kind="UNLINKED")
    assert (unlinked.attempt_id, unlinked.actor_name) == (ours.pk, "approver")


@pytest.mark.parametrize("second_finds", ["gone", "back"])
def test_who_was_taken_over_settles_nothing_and_tells_nothing_twice(
    committed_world: World, moments: Moments, database_clock: DatabaseClock, second_finds: str
) -> None:
    """The first asker's process sleeps past its lease with "gone" in hand; a second one asks meanwhile."""
    world = committed_world
    cco, first, second = world.synced_cco(), world.person("first"), world.person("second")
    record = world.record_of(cco)
    world.delete_in_sage(cco)

    def second_click() -> None:
        database_clock.moves(seconds=11)
        if second_finds == "gone":
            world.unlink(cco, by=second)
            return
        world.sage.restore(record, user="ACCT2")
        with pytest.raises(StillInErp):
            world.unlink(cco, by=second)

    moments.after_looks = second_click

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=first)

    assert refusal.value.reason == "attempt-taken-over"
    assert refusal.value.finding.proves_absence
    theirs, ours = world.attempts(cco)
    assert (theirs.actor_name, theirs.state, theirs.reason) == ("first", "NO_ANSWER", "expired")
    assert ours.actor_name == "second"
    assert LinkEvent.objects.filter(attempt_id=theirs.pk).count() == 1
    assert LinkEvent.objects.filter(attempt_id=ours.pk).count() == 1
    link = world.link_of(cco)
    if second_finds == "gone":
        assert link.unlinked_by_name == "second"
    else:
        assert link.is_active
        assert world.events(kind="UNLINKED") == []


def test_another_ccos_open_attempt_is_in_nobodys_way(world: World) -> None:
    cco, other, approver = world.synced_cco("deleted"), world.synced_cco("present"), world.person()
    open_attempt(world, other, began=timedelta(seconds=1), lasts=timedelta(seconds=15))
    world.delete_in_sage(cco)

    world.unlink(cco, by=approver)

    assert not world.link_of(cco).is_active

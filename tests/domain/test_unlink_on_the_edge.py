"""Unlink, where one moment, one row or one word further it would be another answer."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder, ErpStatus
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import record_of
from erp_integrations.links import settle_attempts, unlink, unlink_decision
from erp_integrations.models import AttemptState, UnlinkAttempt, Via
from erp_integrations.ports import ChangeOrderReference, Finding, Verdict
from erp_integrations.workflow.errors import AlreadyUnlinked, NeverLinked, NoTrustworthyAnswer, StillInErp
from tests import factories
from tests.domain.conftest import DatabaseClock
from tests.domain.readers import Moments
from tests.domain.test_unlink_meanwhile import open_attempt
from tests.world import World

# --- whose name ---------------------------------------------------------------------------------


def test_a_name_longer_than_the_ledger_keeps_is_cut_and_hinders_nobody(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    approver.first_name, approver.last_name = "A" * 150, "B" * 150
    approver.save()
    world.delete_in_sage(cco)

    world.unlink(cco, by=approver)

    assert world.link_of(cco).unlinked_by_name == "A" * 150
    [told] = world.events(kind="UNLINKED")
    assert told.actor_name == "A" * 150


# --- whose link ----------------------------------------------------------------------------------


def test_another_ccos_unlink_is_not_told_as_ours(world: World) -> None:
    unlinked, never_linked, approver = world.synced_cco(), world.free_cco(), world.person()
    world.delete_in_sage(unlinked)
    world.unlink(unlinked, by=approver)

    with pytest.raises(NeverLinked):
        world.unlink(never_linked, by=approver)


def test_of_two_unlinks_the_last_is_told(world: World) -> None:
    cco, first, second = world.synced_cco(), world.person("first"), world.person("second")
    world.delete_in_sage(cco)
    world.unlink(cco, by=first)
    world.sage.restore(world.record_of(cco), user="ACCT2")
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=ErpStatus.READY_TO_EXPORT)
    world.link_again(cco)
    world.delete_in_sage(cco)
    world.unlink(cco, by=second)

    with pytest.raises(AlreadyUnlinked) as refusal:
        world.unlink(cco, by=first)

    assert (refusal.value.by, refusal.value.at) == ("second", world.link_of(cco).unlinked_at)


def test_a_header_in_another_companys_books_is_not_shared_with_ours(
    world: World, practice_template: Path, tmp_path: Path
) -> None:
    """A copy of the books holds the same ids; what hangs on them there must not loosen anything here."""
    elsewhere = shutil.copytree(practice_template, tmp_path / "ridgeline")
    theirs = World(elsewhere, slug="ridgeline")
    cco, their_cco = world.synced_cco("line-removed"), theirs.synced_cco("line-removed")
    assert world.link_of(cco).row_id == theirs.link_of(their_cco).row_id
    approver = world.person()
    world.sage.play()

    with pytest.raises(StillInErp) as refusal:
        world.unlink(cco, by=approver)

    assert refusal.value.finding.reason == "header-without-our-lines"
    assert world.link_of(cco).is_active


def test_of_a_cco_that_has_just_been_linked_again_the_unlink_before_is_told(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    unlinked = world.unlink(cco, by=approver)
    world.sage.restore(world.record_of(cco), user="ACCT2")
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=ErpStatus.READY_TO_EXPORT)
    world.link_again(cco)

    told = unlink._why_no_active_link(company_id=world.company.pk, change_order_id=cco.pk)

    assert isinstance(told, AlreadyUnlinked)
    assert (told.by, told.at) == ("approver", unlinked.link.unlinked_at)


def test_another_companys_link_is_not_found_and_not_locked(world: World) -> None:
    cco = world.synced_cco()
    elsewhere = factories.CompanyFactory.create(slug="ridgeline")

    assert not unlink._lock_active_links(company_id=elsewhere.pk, change_order_ids=[cco.pk])
    assert unlink._lock_active_links(company_id=world.company.pk, change_order_ids=[cco.pk])


def test_what_another_company_unlinked_is_not_told(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    elsewhere = factories.CompanyFactory.create(slug="ridgeline")

    told = unlink._why_no_active_link(company_id=elsewhere.pk, change_order_id=cco.pk)

    assert isinstance(told, NeverLinked)


# --- what is asked, and what is told -------------------------------------------------------------


def test_sage_is_asked_about_all_that_the_link_remembers(world: World, moments: Moments) -> None:
    cco, approver = world.synced_cco(), world.person()
    link = world.link_of(cco)

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    assert moments.asked == [
        ChangeOrderReference(
            row_id=link.row_id,
            record_number=link.record_number,
            number=link.number,
            job_record_number=link.job_record_number,
            job_row_id=link.job_row_id,
            phase=link.phase,
            subcontract_record_number=link.subcontract_record_number,
            sub_change_number=link.sub_change_number,
            amount=link.erp_amount,
            last_seen_at=link.last_seen_at,
            last_seen_clock=link.last_seen_clock,
            touched_subcontracts=(link.subcontract_record_number,),
        )
    ]


def test_red_and_amber_name_the_link_they_left_alone(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()

    with pytest.raises(StillInErp) as red:
        world.unlink(cco, by=approver)
    world.sage.set_fault("offline")
    with pytest.raises(NoTrustworthyAnswer) as amber:
        world.unlink(cco, by=approver)

    assert red.value.link == amber.value.link == world.link_of(cco)


def test_who_was_taken_over_is_told_of_the_same_link(
    committed_world: World, moments: Moments, database_clock: DatabaseClock
) -> None:
    world = committed_world
    cco, first, second = world.synced_cco(), world.person("first"), world.person("second")
    world.delete_in_sage(cco)

    def second_click() -> None:
        database_clock.moves(seconds=11)
        world.unlink(cco, by=second)

    moments.after_looks = second_click

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=first)

    assert refusal.value.reason == "attempt-taken-over"
    assert refusal.value.link == world.link_of(cco)


def test_the_connection_remembers_when_it_last_answered_and_when_it_did_not(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)
    world.sage.set_fault("offline")
    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    answered, silent = world.attempts(cco)
    connection = world.fresh_connection()
    for noted, attempt in (
        (connection.last_success_at, answered),
        (connection.last_failure_at, silent),
    ):
        assert noted is not None
        assert attempt.ended_at is not None
        assert attempt.started_at < noted <= attempt.ended_at


# --- transactions --------------------------------------------------------------------------------


def test_unlink_refuses_to_run_inside_somebody_elses_transaction(
    committed_world: World, moments: Moments
) -> None:
    """It would hold locks, and a transaction, across the wire to Sage; and what it says could be undone."""
    world = committed_world
    cco, approver = world.synced_cco(), world.person()

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        world.unlink(cco, by=approver)

    assert moments.asked == []
    assert world.attempts(cco) == []


def test_the_answer_is_not_settled_inside_somebody_elses_transaction(committed_world: World) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    actor = Actor(user_id=approver.pk, name=approver.name, via=Via.PAGE)
    chunk, _ = unlink._claim(company_id=world.company.pk, change_order_ids=[cco.pk], actor=actor, items={})
    assert chunk is not None
    findings = unlink._ask(chunk)

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        settle_attempts.settle(chunk, findings, actor=actor)

    [attempt] = world.attempts(cco)
    assert attempt.state == AttemptState.CHECKING


# --- what is kept of a lease that ran out --------------------------------------------------------


def test_the_story_of_a_lease_that_ran_out_claims_nothing_but_that(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    open_attempt(world, cco, began=timedelta(seconds=60), lasts=timedelta(seconds=15))

    world.unlink(cco, by=approver)

    theirs, _ours = world.attempts(cco)
    assert theirs.evidence == {
        "verdict": "unknown",
        "reason": "expired",
        "evidence": {"history_readable": False},
    }
    [told] = world.events(kind="NO_ANSWER")
    assert (told.evidence, told.rights) == ({**theirs.evidence, **record_of(theirs.link)}, "")


# --- moments -------------------------------------------------------------------------------------

BEGAN = timezone.now()
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("first", "second", "now", "inside"),
    [
        (BEGAN, BEGAN + SECOND, BEGAN + SECOND, True),
        (BEGAN - timedelta(microseconds=1), BEGAN + SECOND, BEGAN + SECOND, False),
        (BEGAN, BEGAN + SECOND, BEGAN + SECOND - timedelta(microseconds=1), False),
        (BEGAN + SECOND, BEGAN, BEGAN + SECOND, False),
        (BEGAN, BEGAN, BEGAN + SECOND, False),
    ],
)
def test_looks_lie_inside_the_attempt_from_its_first_moment_to_now(
    first: datetime, second: datetime, now: datetime, *, inside: bool
) -> None:
    finding = Finding(Verdict.ABSENT, "not-found-twice", first_looked_at=first, second_looked_at=second)
    attempt = UnlinkAttempt(state=AttemptState.CHECKING, started_at=BEGAN)

    assert unlink_decision.looks_lie_inside(finding, attempt=attempt, now=now) is inside


def test_at_its_last_moment_a_lease_is_over_and_frees_the_link(
    world: World, database_clock: DatabaseClock
) -> None:
    cco, approver = world.synced_cco(), world.person()
    theirs = open_attempt(world, cco, began=timedelta(seconds=1), lasts=timedelta(seconds=15))
    database_clock.real = lambda: theirs.expires_at

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)

    theirs.refresh_from_db()
    assert (theirs.state, theirs.reason, theirs.ended_at) == ("NO_ANSWER", "expired", theirs.expires_at)


def test_at_the_last_moment_of_the_lease_it_is_too_late_to_cut(
    world: World, moments: Moments, database_clock: DatabaseClock, settings: Settings
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    began = timezone.now()
    database_clock.real = lambda: began
    ends = began + timedelta(seconds=settings.SAGE_DEADLINE_SECONDS) + unlink.LEASE_BEYOND_DEADLINE

    def the_lease_ends(finding: Finding) -> Finding:
        database_clock.real = lambda: ends
        return finding

    moments.told = the_lease_ends

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)

    assert refusal.value.reason == "expired"
    assert world.link_of(cco).is_active
    [attempt] = world.attempts(cco)
    assert attempt.expires_at == attempt.ended_at == ends


@pytest.mark.parametrize(("later", "cut"), [(timedelta(0), True), (timedelta(microseconds=1), False)])
def test_evidence_counts_for_as_long_as_the_deadline_and_not_a_moment_longer(
    world: World,
    moments: Moments,
    database_clock: DatabaseClock,
    settings: Settings,
    later: timedelta,
    *,
    cut: bool,
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    def time_passes(finding: Finding) -> Finding:
        assert finding.second_looked_at is not None
        then = finding.second_looked_at + timedelta(seconds=settings.SAGE_DEADLINE_SECONDS) + later
        database_clock.real = lambda: then
        return finding

    moments.told = time_passes

    if cut:
        world.unlink(cco, by=approver)
    else:
        with pytest.raises(NoTrustworthyAnswer) as refusal:
            world.unlink(cco, by=approver)
        assert refusal.value.reason == "evidence-too-old"
    assert world.link_of(cco).is_active is not cut

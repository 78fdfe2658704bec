"""Bulk unlink: each CCO judged alone, by the single button's own operation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import Membership, User
from erp_integrations.bulk_unlink import operations as bulk_unlink
from erp_integrations.bulk_unlink.operations import (
    cancel_bulk_unlink,
    process_bulk_unlink,
    queue_unfinished,
    start_bulk_unlink,
)
from erp_integrations.ledger.actors import Actor
from erp_integrations.links.unlink import Unlinked, unlink_change_orders
from erp_integrations.models import (
    AttemptState,
    BulkUnlink,
    ChangeOrderLink,
    ItemState,
    UnlinkAttempt,
    Via,
)
from erp_integrations.workflow.errors import NeverLinked, NotAllowed, NothingToUnlink, TooManyToUnlink
from sage_adapter.sandbox.writer import open_books
from tests import factories, jobs
from tests.domain.readers import Moments
from tests.invariants import assert_promise_kept
from tests.world import World

DELETED = ("deleted", "padded", "recreated")
ALL = (*DELETED, "void", "half-deleted", "present")


def actor_of(person: User) -> Actor:
    return Actor(user_id=person.pk, name=person.name, via=Via.PAGE, request_id="r-1")


def start(world: World, ccos: Sequence[CommitmentChangeOrder], person: User) -> BulkUnlink:
    return start_bulk_unlink(
        company_id=world.company.pk,
        change_order_ids=[cco.pk for cco in ccos],
        actor=actor_of(person),
    )


def states(bulk: BulkUnlink) -> dict[int, str]:
    return dict(bulk.items.values_list("change_order_id", "state"))


def test_each_is_judged_alone_with_an_attempt_and_an_event_of_its_own(world: World) -> None:
    ccos, approver = {key: world.synced_cco(key) for key in ALL}, world.person()
    world.sage.play()

    bulk = start(world, list(ccos.values()), approver)
    assert jobs.waiting("work_on_bulk_unlink") == [{"bulk_id": bulk.pk}]
    jobs.work()

    assert states(bulk) == {
        **{ccos[key].pk: "UNLINKED" for key in DELETED},
        ccos["void"].pk: "STILL_IN_ERP",
        ccos["present"].pk: "STILL_IN_ERP",
        ccos["half-deleted"].pk: "NO_ANSWER",
    }
    for cco in ccos.values():
        [attempt] = world.attempts(cco)
        assert attempt.bulk_item is not None
        assert attempt.bulk_item.state == attempt.state
        assert attempt.bulk_item.ended_at == attempt.ended_at
        [event] = [one for one in world.events(subject=cco) if one.attempt_id]
        assert (event.attempt_id, event.actor_name, event.request_id) == (attempt.pk, "approver", "r-1")
    bulk.refresh_from_db()
    assert bulk.ended_at is not None
    [began] = world.events(kind="BULK_UNLINK_STARTED")
    assert (began.subject_id, began.evidence) == (bulk.pk, {"ccos": 6, "to_ask": 6})
    assert_promise_kept()


def test_one_question_is_asked_for_all(world: World, moments: Moments) -> None:
    ccos, approver = [world.synced_cco(key) for key in ALL], world.person()
    meetings: list[int] = []
    moments.everybody_meets = lambda: meetings.append(1)

    start(world, ccos, approver)
    jobs.work()

    assert len(moments.asked) == len(ALL)
    assert len(meetings) == 1


def test_two_parts_of_a_header_that_is_gone_are_both_cut(world: World) -> None:
    ours, others = world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")
    approver = world.person()
    world.delete_in_sage(ours)

    bulk = start(world, [ours, others], approver)
    jobs.work()

    assert list(states(bulk).values()) == ["UNLINKED", "UNLINKED"]


def test_three_parts_of_a_header_that_is_gone_are_all_cut(world: World) -> None:
    two = [world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")]
    with open_books(Path(world.place)) as books:
        part = books.lines(int(world.record_of(two[0])))[0]
        line = max(one["linnum"] for one in books.lines(part["recnum"])) + 1
        third = {**part, "vndctc": 1201, "linnum": line}
        third.pop("_idnum")
        books.insert("sbcgln", third, user="ACCT1")
    cco = world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
    world.link(cco, "shared-deleted", subcontract="1201")
    world.delete_in_sage(two[0])

    bulk = start(world, [*two, cco], world.person())
    jobs.work()

    assert states(bulk) == {two[0].pk: "UNLINKED", two[1].pk: "UNLINKED", cco.pk: "UNLINKED"}


@contextmanager
def refused_by_the_database(link: ChangeOrderLink) -> Iterator[None]:
    """Nobody cuts that link, whatever they found."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE erp_integrations_changeorderlink ADD CONSTRAINT refuses_one"
            f" CHECK (id <> {link.pk} OR unlinked_at IS NULL)"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE erp_integrations_changeorderlink DROP CONSTRAINT refuses_one")


def test_one_that_the_database_refuses_is_nothing_to_the_others(committed_world: World) -> None:
    world = committed_world
    good, bad = world.synced_cco("padded"), world.synced_cco("recreated")
    approver = world.person()
    world.sage.play()

    with refused_by_the_database(world.link_of(bad)):
        bulk = start(world, [good, bad], approver)
        jobs.work()

    assert states(bulk) == {good.pk: "UNLINKED", bad.pk: "CHECKING"}
    assert world.link_of(bad).is_active


def test_of_one_that_the_database_refuses_nothing_is_said_but_in_the_log(
    committed_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = committed_world
    never, bad, good = world.free_cco(), world.synced_cco("recreated"), world.synced_cco("padded")
    world.sage.play()

    with refused_by_the_database(world.link_of(bad)):
        outcomes = unlink_change_orders(
            company_id=world.company.pk,
            change_order_ids=[never.pk, bad.pk, good.pk],
            actor=actor_of(world.person()),
        )

    assert {one: type(outcome) for one, outcome in outcomes.items()} == {
        never.pk: NeverLinked,
        good.pk: Unlinked,
    }
    [attempt] = world.attempts(bad)
    told: list[Any] = [one.msg for one in caplog.records if one.levelname == "ERROR"]
    assert [(line["event"], line["attempt_id"]) for line in told] == [("unlink_not_settled", attempt.pk)]


def test_a_page_is_fifty_and_no_more(world: World, moments: Moments) -> None:
    approver = actor_of(world.person())
    fifty = range(1, 51)

    outcomes = unlink_change_orders(company_id=world.company.pk, change_order_ids=fifty, actor=approver)
    assert {type(outcome) for outcome in outcomes.values()} == {NotAllowed}
    assert set(outcomes) == set(fifty)

    with pytest.raises(ValueError, match="at most 50 CCOs are unlinked at once"):
        unlink_change_orders(company_id=world.company.pk, change_order_ids=range(1, 52), actor=approver)
    assert moments.asked == []


@pytest.mark.parametrize("scenario", ["locked", "deadlock", "drops"])
def test_the_trouble_of_one_is_not_everybodys(world: World, scenario: str) -> None:
    troubled, gone, there = (world.synced_cco(key) for key in (scenario, "padded", "void"))
    approver = world.person()
    world.sage.play()

    bulk = start(world, [troubled, gone, there], approver)
    jobs.work()

    assert states(bulk) == {troubled.pk: "NO_ANSWER", gone.pk: "UNLINKED", there.pk: "STILL_IN_ERP"}
    noted = world.fresh_connection()
    assert noted.last_success_at is not None, "Sage answered the others"
    assert (noted.last_failure_at, noted.failures_in_a_row) == (None, 0)


# --- rights --------------------------------------------------------------------------------------


def test_what_a_person_may_not_unlink_is_told_so_and_never_asked(world: World, moments: Moments) -> None:
    mine, approver = world.synced_cco("padded"), world.person()
    elsewhere = factories.ProjectFactory.create(company=world.company, number="2612", name="Elsewhere")
    not_mine = world.synced_cco("recreated")
    with connection.cursor() as cursor:  # a project of its own; the trigger keeps a synced one where it is
        cursor.execute("SET session_replication_role = replica")
        other = factories.CommitmentFactory.create(project=elsewhere)
        CommitmentChangeOrder.objects.filter(pk=not_mine.pk).update(commitment=other)
        cursor.execute("SET session_replication_role = DEFAULT")
    world.sage.play()

    bulk = start(world, [mine, not_mine], approver)
    jobs.work()

    assert states(bulk) == {mine.pk: "UNLINKED", not_mine.pk: "NOT_ALLOWED"}
    refused = bulk.items.get(state="NOT_ALLOWED")
    assert refused.reason == "Needs 'Admin' on Commitments in Elsewhere; you have 'None'"
    assert len(moments.asked) == 1


def test_who_may_unlink_none_of_them_starts_nothing(world: World) -> None:
    cco, person = world.synced_cco(), world.person(can_push_to_accounting=False)

    with pytest.raises(NotAllowed) as refusal:
        start(world, [cco], person)

    assert refusal.value.missing == ("Needs Can Push to Accounting, which support grants",)
    assert not BulkUnlink.objects.exists()
    assert jobs.waiting("work_on_bulk_unlink") == []


def test_somebody_deactivated_in_the_middle_unlinks_nothing_more(
    world: World, moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_unlink, "MOST_LOOKED_UP_AT_ONCE", 1)
    first, second = world.synced_cco("padded"), world.synced_cco("recreated")
    approver = world.person()
    world.sage.play()
    meetings: list[int] = []

    def first_is_settled() -> None:
        meetings.append(1)

    moments.everybody_meets = first_is_settled
    bulk = start(world, [first, second], approver)
    real = bulk_unlink._record

    def record_and_deactivate(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        Membership.objects.filter(user=approver).update(is_active=False)

    monkeypatch.setattr(bulk_unlink, "_record", record_and_deactivate)
    jobs.work()

    assert sorted(states(bulk).values()) == ["NOT_ALLOWED", "UNLINKED"]
    assert len(meetings) == 1
    assert "active entry" in bulk.items.get(state="NOT_ALLOWED").reason


def test_rights_lost_while_sage_is_asked_keep_the_link(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver = world.synced_cco("padded"), world.person()
    world.sage.play()
    moments.after_looks = lambda: Membership.objects.filter(user=approver).update(
        can_push_to_accounting=False
    )

    bulk = start(world, [cco], approver)
    jobs.work()

    assert states(bulk) == {cco.pk: "NOT_ALLOWED"}
    assert world.link_of(cco).is_active


# --- what is chosen ------------------------------------------------------------------------------


def test_nothing_and_too_many_and_other_peoples_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cco, approver = world.synced_cco(), world.person()
    free = world.free_cco()
    stranger = factories.CompanyFactory.create(slug="ridgeline")

    with pytest.raises(NothingToUnlink):
        start(world, [], approver)
    with pytest.raises(NothingToUnlink):
        start(world, [free], approver)
    with pytest.raises(NotAllowed):
        start_bulk_unlink(company_id=stranger.pk, change_order_ids=[cco.pk], actor=actor_of(approver))
    monkeypatch.setattr(bulk_unlink, "MOST_AT_ONCE", 1)
    with pytest.raises(TooManyToUnlink):
        start(world, [cco, free], approver)
    assert not BulkUnlink.objects.exists()


# --- while it runs -------------------------------------------------------------------------------


def test_what_a_colleague_unlinked_meanwhile_is_told_as_theirs(world: World) -> None:
    cco, approver, colleague = world.synced_cco("padded"), world.person(), world.person("colleague")
    world.sage.play()
    bulk = start(world, [cco], approver)
    world.unlink(cco, by=colleague)

    jobs.work()

    [item] = bulk.items.all()
    assert (item.state, item.reason) == ("ALREADY", "colleague had unlinked it before.")


def test_when_sage_is_silent_the_rest_is_not_asked(
    world: World, moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_unlink, "MOST_LOOKED_UP_AT_ONCE", 2)
    ccos, approver = [world.synced_cco(key) for key in ALL], world.person()
    world.sage.play()
    world.sage.set_fault("offline")

    bulk = start(world, ccos, approver)
    jobs.work()

    assert set(states(bulk).values()) == {"NO_ANSWER"}
    assert len(moments.asked) == 2
    assert bulk.items.filter(reason=bulk_unlink.NOT_ASKED).count() == len(ALL) - 2
    assert UnlinkAttempt.objects.count() == 2


def test_cancelling_ends_what_waits_and_tells_who_did(world: World) -> None:
    ccos, approver = [world.synced_cco(key) for key in DELETED], world.person()
    world.sage.play()
    bulk = start(world, ccos, approver)

    assert cancel_bulk_unlink(company_id=world.company.pk, bulk_id=bulk.pk, actor=actor_of(approver))
    jobs.work()

    assert set(states(bulk).values()) == {"CANCELLED"}
    assert UnlinkAttempt.objects.count() == 0
    bulk.refresh_from_db()
    assert (bulk.cancelled_by_name, bulk.ended_at is not None) == ("approver", True)
    assert not cancel_bulk_unlink(company_id=world.company.pk, bulk_id=bulk.pk, actor=actor_of(approver))
    stranger = world.person("stranger")
    with pytest.raises(NotAllowed):
        cancel_bulk_unlink(company_id=world.company.pk, bulk_id=bulk.pk, actor=actor_of(stranger))
    [began], [ended] = (world.events(kind=f"BULK_UNLINK_{what}") for what in ("STARTED", "CANCELLED"))
    assert began.rights == (
        "Admin on Commitments in Harbor Tower, Standard on ERP Integrations, Can Push to Accounting"
    )
    assert ended.rights == "Standard on ERP Integrations"
    assert began.request_id == ended.request_id == "r-1"


def test_working_on_it_twice_changes_nothing(world: World) -> None:
    cco, approver = world.synced_cco("padded"), world.person()
    world.sage.play()
    bulk = start(world, [cco], approver)
    jobs.work()
    before = list(bulk.items.values())

    process_bulk_unlink(bulk.pk)

    assert list(bulk.items.values()) == before
    assert len(world.attempts(cco)) == 1


# --- leases, by the database's clock -------------------------------------------------------------


def left_behind(bulk: BulkUnlink, *, over: bool = True, tries: int = 1) -> None:
    now = timezone.now()
    bulk.items.update(
        state=ItemState.CHECKING, tries=tries, expires_at=now + timedelta(seconds=-1 if over else 60)
    )


def test_an_item_whose_worker_did_not_come_back_is_taken_again(world: World) -> None:
    cco, approver = world.synced_cco("padded"), world.person()
    world.sage.play()
    bulk = start(world, [cco], approver)
    left_behind(bulk)

    process_bulk_unlink(bulk.pk)

    assert states(bulk) == {cco.pk: "UNLINKED"}
    assert bulk.items.get().tries == 2


def test_an_item_that_is_another_workers_is_left_alone(world: World, moments: Moments) -> None:
    cco, approver = world.synced_cco("padded"), world.person()
    bulk = start(world, [cco], approver)
    left_behind(bulk, over=False)

    process_bulk_unlink(bulk.pk)

    assert moments.asked == []
    bulk.refresh_from_db()
    assert bulk.ended_at is None


def test_an_item_that_never_comes_to_an_end_is_given_up(world: World, moments: Moments) -> None:
    cco, approver = world.synced_cco("padded"), world.person()
    bulk = start(world, [cco], approver)
    left_behind(bulk, tries=bulk_unlink.MOST_TRIES)

    process_bulk_unlink(bulk.pk)

    [item] = bulk.items.all()
    assert (item.state, item.reason) == ("NO_ANSWER", bulk_unlink.GIVEN_UP)
    assert moments.asked == []


def test_every_minute_what_nobody_works_on_is_queued_again(world: World) -> None:
    first, second = world.synced_cco("padded"), world.synced_cco("recreated")
    approver = world.person()
    forgotten, held = start(world, [first], approver), start(world, [second], approver)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    left_behind(forgotten)
    left_behind(held, over=False)

    queue_unfinished(timezone.now())
    queue_unfinished(timezone.now())

    assert jobs.waiting("work_on_bulk_unlink") == [{"bulk_id": forgotten.pk}]


# --- what the database refuses -------------------------------------------------------------------


def test_the_database_keeps_items_as_they_ended(world: World) -> None:
    cco, approver = world.synced_cco("void"), world.person()
    bulk = start(world, [cco], approver)
    with pytest.raises(IntegrityError, match="attempt of its own"), transaction.atomic():
        bulk.items.update(state=ItemState.UNLINKED, ended_at=timezone.now())
    jobs.work()

    with pytest.raises(IntegrityError, match="ends once"), transaction.atomic():
        bulk.items.update(state=ItemState.WAITING, ended_at=None)
    with pytest.raises(IntegrityError, match="ends once"), transaction.atomic():
        connection.cursor().execute("DELETE FROM erp_integrations_bulkunlinkitem")


# --- what it costs -------------------------------------------------------------------------------


def test_one_unlink_takes_seventeen_statements_and_many_no_more(world: World) -> None:
    one, approver = world.synced_cco("padded"), world.person()
    many = [world.synced_cco(key) for key in ("deleted", "recreated", "corrected")]
    world.sage.play()

    for ccos in ([one], many):
        with CaptureQueriesContext(connection) as statements:
            outcomes = unlink_change_orders(
                company_id=world.company.pk,
                change_order_ids=[cco.pk for cco in ccos],
                actor=actor_of(approver),
            )
        assert all(isinstance(outcome, Unlinked) for outcome in outcomes.values())
        asked = [
            one["sql"] for one in statements if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))
        ]
        assert len(asked) <= 17, "\n".join(asked)
    assert UnlinkAttempt.objects.filter(state=AttemptState.UNLINKED).count() == 4

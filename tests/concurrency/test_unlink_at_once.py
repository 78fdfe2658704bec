"""Many people, one CCO: one asks Sage, one cuts the link, once."""

import shutil
import threading
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from commitments.errors import ChangeOrderLocked
from commitments.models import CommitmentChangeOrder, ErpStatus
from commitments.operations.edit_change_order import delete_change_order
from companies.clock import database_now
from companies.models import Membership
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.links.unlink import Unlinked
from erp_integrations.models import ChangeOrderLink, LinkEvent, UnlinkAttempt
from erp_integrations.workflow.errors import (
    AlreadyUnlinked,
    NotAllowed,
    NoTrustworthyAnswer,
    StillInErp,
    UnlinkInProgress,
)
from sage_adapter.sandbox.writer import open_books
from tests.concurrency.crowd import all_at_once
from tests.domain.readers import Moments
from tests.world import LINKER, World, give_privilege

CROWD = 50
ROUNDS = 6


@pytest.fixture(autouse=True)
def patience(settings: Settings) -> None:
    """Fifty threads on two cores take their time, and that is not what is tested."""
    settings.SAGE_DEADLINE_SECONDS = 60


def tell(outcomes: list[object]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes)


def assert_unlinked_once(world: World, cco: CommitmentChangeOrder, moments: Moments) -> None:
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.NOT_IN_ERP
    assert not world.link_of(cco).is_active
    assert len(moments.asked) == 1
    [attempt] = world.attempts(cco)
    assert attempt.state == "UNLINKED"
    [event] = world.events(kind="UNLINKED")
    assert event.attempt_id == attempt.pk
    assert [event.kind for event in world.events() if event.attempt_id] == ["UNLINKED"]


def test_fifty_at_once_cut_one_link_once(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    told = tell(all_at_once([lambda: world.unlink(cco, by=approver)] * CROWD))

    assert told["Unlinked"] == 1
    assert told["UnlinkInProgress"] + told["AlreadyUnlinked"] == CROWD - 1
    assert_unlinked_once(world, cco, moments)


def test_while_one_asks_all_the_others_are_told_so(committed_world: World, moments: Moments) -> None:
    """The one whose question is open waits until everybody else has got an answer."""
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    refused = threading.Semaphore(0)

    def others_have_their_answer() -> None:
        for _ in range(CROWD - 1):
            assert refused.acquire(timeout=60)

    moments.after_looks = others_have_their_answer

    def click() -> Unlinked:
        try:
            return world.unlink(cco, by=approver)
        except UnlinkInProgress:
            refused.release()
            raise

    outcomes = all_at_once([click] * CROWD)

    assert tell(outcomes) == {"Unlinked": 1, "UnlinkInProgress": CROWD - 1}
    assert {outcome.by for outcome in outcomes if isinstance(outcome, UnlinkInProgress)} == {"approver"}
    assert_unlinked_once(world, cco, moments)


def test_fifty_requests_at_once_get_one_success_and_49_conflicts(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    address = reverse("unlink", args=[world.company.slug, cco.pk])
    browser = Client()
    browser.force_login(approver)

    def click() -> int:
        client = Client(headers={"HX-Request": "true"})
        client.cookies = browser.cookies
        return client.post(address).status_code

    assert Counter(all_at_once([click] * CROWD)) == {200: 1, 409: CROWD - 1}
    assert_unlinked_once(world, cco, moments)


def test_fifty_at_once_about_a_record_that_is_still_there_cut_nothing(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    before = world.before(cco)

    told = tell(all_at_once([lambda: world.unlink(cco, by=approver)] * CROWD))

    assert set(told) <= {"StillInErp", "UnlinkInProgress"}
    assert told["StillInErp"] >= 1
    assert world.before(cco) == before
    assert len(moments.asked) == len(world.attempts(cco)) == told["StillInErp"]
    assert LinkEvent.objects.filter(attempt_id__isnull=False).count() == told["StillInErp"]


def test_two_ccos_at_once_are_in_nobodys_way(committed_world: World, moments: Moments) -> None:
    """Both questions are open at the same time, and both are settled."""
    world = committed_world
    ccos = [world.synced_cco("present"), world.synced_cco("void")]
    approver = world.person()
    for cco in ccos:
        world.delete_in_sage(cco)
    moments.everybody_meets = threading.Barrier(2, timeout=60).wait

    first, second = ccos
    outcomes = all_at_once(
        [lambda: world.unlink(first, by=approver), lambda: world.unlink(second, by=approver)]
    )

    assert tell(outcomes) == {"Unlinked": 2}
    assert not ChangeOrderLink.objects.filter(unlinked_at=None).exists()
    assert len(world.events(kind="UNLINKED")) == 2


def test_an_unlink_and_a_delete_at_once(committed_world: World) -> None:
    """The CCO is deleted after its unlink or not at all, and the link's story stays either way."""
    world = committed_world
    scenarios = ["present", "void", "rejected", "padded", "twin", "deleted"][:ROUNDS]
    ccos = [world.synced_cco(scenario) for scenario in scenarios]
    approver = world.person()
    for cco in ccos:
        world.delete_in_sage(cco)

        def unlink(cco: CommitmentChangeOrder = cco) -> object:
            return world.unlink(cco, by=approver)

        def delete(number: int = cco.pk) -> None:
            delete_change_order(company_id=world.company.pk, change_order_id=number, user_id=approver.pk)

        def delete_by_orm(number: int = cco.pk) -> None:
            CommitmentChangeOrder.objects.get(pk=number).delete()

        unlinked, *deleted = all_at_once([unlink, delete, delete_by_orm])

        assert isinstance(unlinked, Unlinked)
        gone = not CommitmentChangeOrder.objects.filter(pk=cco.pk).exists()
        assert gone == (None in deleted)
        if isinstance(deleted[0], ChangeOrderLocked):
            assert deleted[0].erp_status == ErpStatus.SYNCED
        link = ChangeOrderLink.objects.get(pk=unlinked.link.pk)
        assert link.unlinked_by_name == "approver"
        assert link.cco_title == cco.title
        assert LinkEvent.objects.filter(kind="UNLINKED", link_id=link.pk).count() == 1


def test_an_unlink_and_a_revoke_at_once(committed_world: World) -> None:
    """Either the privilege was there when the link was cut, and the ledger says so, or nothing was cut."""
    world = committed_world
    ccos = [world.synced_cco(scenario) for scenario in ("present", "void", "rejected", "padded", "twin")]
    approver = world.person()
    entry = Membership.objects.filter(user=approver)
    for cco in ccos:
        world.delete_in_sage(cco)
        give_privilege(approver)

        def unlink(cco: CommitmentChangeOrder = cco) -> object:
            return world.unlink(cco, by=approver)

        unlinked, _ = all_at_once([unlink, lambda: entry.update(can_push_to_accounting=False)])

        link = world.link_of(cco)
        if isinstance(unlinked, Unlinked):
            [event] = LinkEvent.objects.filter(kind="UNLINKED", link_id=link.pk)
            assert "Can Push to Accounting" in event.rights
        else:
            assert isinstance(unlinked, NotAllowed)
            assert link.is_active
        assert not UnlinkAttempt.objects.filter(link=link, state="CHECKING").exists()


def test_an_unlink_and_a_restore_at_once(committed_world: World) -> None:
    """Who cut the link asked Sage for the second time before the record was back; all others left it."""
    world = committed_world
    ccos = [world.synced_cco(scenario) for scenario in ("present", "void", "rejected", "padded", "twin")]
    approver = world.person()
    for cco in ccos:
        world.delete_in_sage(cco)

        def unlink(cco: CommitmentChangeOrder = cco) -> object:
            return world.unlink(cco, by=approver)

        def restore(record: str = world.record_of(cco)) -> datetime:
            world.sage.restore(record, user="ACCT1")
            return database_now()

        unlinked, back_at = all_at_once([unlink, restore])

        assert isinstance(back_at, datetime)
        [attempt] = world.attempts(cco)
        if isinstance(unlinked, Unlinked):
            assert attempt.second_looked_at is not None
            assert attempt.second_looked_at < back_at
        else:
            assert isinstance(unlinked, StillInErp | NoTrustworthyAnswer)
            assert world.link_of(cco).is_active


def test_an_unlink_and_a_change_of_the_connection_at_once(committed_world: World, tmp_path: Path) -> None:
    """Either the link was cut before the connection was changed, and the ledger says so, or it was not."""
    world = committed_world
    ccos = [world.synced_cco(scenario) for scenario in ("present", "void", "rejected", "padded", "twin")]
    approver = world.person()
    elsewhere = tmp_path / "elsewhere" / world.place.name
    shutil.copytree(world.place, elsewhere)
    registry.sandbox_at(elsewhere).restore_backup()

    def point_to(place: Path) -> object:
        address = connect.Address(
            kind=world.connection.kind, database=world.connection.database, sandbox_path=place
        )
        return connect.set_connection(company=world.company, address=address, actor=LINKER)

    for cco in ccos:
        world.delete_in_sage(cco)

        def unlink(cco: CommitmentChangeOrder = cco) -> object:
            return world.unlink(cco, by=approver)

        unlinked, changed = all_at_once([unlink, partial(point_to, elsewhere)])

        assert not isinstance(changed, Exception)
        if isinstance(unlinked, Unlinked):
            told = [event.kind for event in world.events() if event.kind in ("UNLINKED", "CONNECTION_SET")]
            assert told[-2:] == ["UNLINKED", "CONNECTION_SET"]
        else:
            assert isinstance(unlinked, NoTrustworthyAnswer)
            assert unlinked.reason in ("connection-changed", "other-incarnation")
            assert world.link_of(cco).is_active
        point_to(world.place)


def test_two_companies_that_share_a_record_at_once_each_cut_their_own_link_only(
    committed_world: World, moments: Moments
) -> None:
    """Both questions are open at the same time, and somebody reaches over the fence meanwhile."""
    ours, theirs = committed_world, World(committed_world.place, slug="next-door")
    our_cco, their_cco = ours.synced_cco(), theirs.synced_cco()
    our_approver, their_approver = ours.person(), theirs.person("their approver")
    ours.delete_in_sage(our_cco)
    moments.everybody_meets = threading.Barrier(2, timeout=60).wait

    first, second, *reaching_over = all_at_once(
        [
            lambda: ours.unlink(our_cco, by=our_approver),
            lambda: theirs.unlink(their_cco, by=their_approver),
            *[lambda: ours.unlink(their_cco, by=our_approver)] * 5,
            *[lambda: theirs.unlink(their_cco, by=our_approver)] * 5,
        ]
    )

    assert tell([first, second]) == {"Unlinked": 2}
    assert tell(reaching_over) == {"NotAllowed": 10}
    for world, cco, approver in (
        (ours, our_cco, our_approver),
        (theirs, their_cco, their_approver),
    ):
        assert world.link_of(cco).unlinked_by_name == approver.name
        [event] = world.events(kind="UNLINKED")
        assert (event.link_id, event.actor_id) == (world.link_of(cco).pk, approver.pk)


def test_two_ccos_that_share_a_record_are_not_both_cut_while_it_is_there(
    committed_world: World, moments: Moments
) -> None:
    """Each part is gone, and neither link holds the header that stayed: each answers for it.

    Both answers are in hand before either is settled.
    """
    world = committed_world
    ours, others = world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")
    approver = world.person()
    with open_books(world.place) as books:
        for subcontract in ("1203", "1204"):
            books.delete_part(world.record_of(ours), subcontract, user="ACCT2")
    moments.everybody_meets = threading.Barrier(2, timeout=60).wait

    outcomes = all_at_once(
        [lambda: world.unlink(ours, by=approver), lambda: world.unlink(others, by=approver)]
    )

    assert tell(outcomes) == {"StillInErp": 2}
    assert all(world.link_of(cco).is_active for cco in (ours, others))
    assert world.events(kind="UNLINKED") == []


def test_two_ccos_that_share_a_record_that_is_gone_are_both_cut(
    committed_world: World, moments: Moments
) -> None:
    world = committed_world
    ours, others = world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")
    approver = world.person()
    world.delete_in_sage(ours)
    moments.everybody_meets = threading.Barrier(2, timeout=60).wait

    outcomes = all_at_once(
        [lambda: world.unlink(ours, by=approver), lambda: world.unlink(others, by=approver)]
    )

    assert tell(outcomes) == {"Unlinked": 2}
    assert not any(world.link_of(cco).is_active for cco in (ours, others))
    assert len(world.events(kind="UNLINKED")) == 2


def test_only_the_part_that_is_gone_is_cut(committed_world: World) -> None:
    world = committed_world
    ours, others = world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")
    approver = world.person()
    world.sage.play()

    outcomes = all_at_once(
        [lambda: world.unlink(ours, by=approver), lambda: world.unlink(others, by=approver)]
    )

    assert isinstance(outcomes[0], Unlinked)
    assert isinstance(outcomes[1], StillInErp)
    assert world.link_of(others).is_active


def test_a_lease_that_ran_out_is_taken_over_by_one_only(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO erp_integrations_unlinkattempt (link_id, state, started_at, expires_at, actor_id,"
            " actor_name, via, connection_revision, verdict, reason, proof, evidence)"
            " VALUES (%s, 'CHECKING', now() - interval '1 minute', now() - interval '30 seconds', 1,"
            " 'colleague', 'PAGE', 1, '', '', '', '{}')",
            [world.link_of(cco).pk],
        )

    told = tell(all_at_once([lambda: world.unlink(cco, by=approver)] * 10))

    assert told["Unlinked"] == 1
    assert told["UnlinkInProgress"] + told["AlreadyUnlinked"] == 9
    assert len(moments.asked) == 1
    assert [attempt.state for attempt in world.attempts(cco)] == ["NO_ANSWER", "UNLINKED"]
    assert [event.actor_name for event in world.events(kind="NO_ANSWER")] == ["colleague"]


def test_who_comes_after_is_told_by_whom(committed_world: World) -> None:
    world = committed_world
    cco, approver, colleague = world.synced_cco(), world.person(), world.person("colleague")
    world.delete_in_sage(cco)

    outcomes = all_at_once([lambda: world.unlink(cco, by=approver), lambda: world.unlink(cco, by=colleague)])

    winner = world.link_of(cco).unlinked_by_name
    [refusal] = [one for one in outcomes if isinstance(one, UnlinkInProgress | AlreadyUnlinked)]
    assert refusal.by == winner

"""Moving a CCO's link to another record: after seeing both, as they were shown, and never for staff."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.errors import ReasonMissing
from companies.models import Level, Membership, User
from erp_integrations.bulk_unlink.operations import process_bulk_unlink, start_bulk_unlink
from erp_integrations.drafts.side_by_side import NOT_FOUND, SideBySide
from erp_integrations.ledger.actors import Actor, actor_in_admin
from erp_integrations.links import move_link
from erp_integrations.models import (
    AttemptState,
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    Connection,
    EventKind,
    ItemState,
    UnlinkAttempt,
    Via,
)
from erp_integrations.workflow.errors import (
    BeingUnlinked,
    CouldNotAsk,
    NotAllowed,
    NotAsShown,
    NotPossibleNow,
    RecordElsewhere,
    RecordNotEffective,
    RecordTaken,
    SameRecord,
    TakenOver,
)
from tests.invariants import assert_promise_kept
from tests.sendable import (
    actor,
    approved_cco,
    link_as_it_is,
    send,
    status_of,
    take_number_over,
    tied_commitment,
)
from tests.world import World

OTHER = "plain-02"
"""Another record on the subcontract and job of "present"."""


def show(world: World, cco: CommitmentChangeOrder, record: str) -> SideBySide:
    return move_link.show_both_records(
        company_id=world.company.pk, change_order_id=cco.pk, record_number=record
    )


def move(
    world: World,
    cco: CommitmentChangeOrder,
    record: str,
    *,
    by: User | Actor,
    shown: SideBySide | None = None,
    reason: str = "Chosen by mistake",
) -> ChangeOrderLink:
    """Says yes to what is shown now, or to what was shown before."""
    return move_link.move_change_order_link(
        company_id=world.company.pk,
        change_order_id=cco.pk,
        record_number=record,
        subcontract_record_number="",
        shown=(shown or show(world, cco, record)).token,
        actor=by if isinstance(by, Actor) else actor(by),
        reason=reason,
    )


def sides(shown: SideBySide) -> dict[str, tuple[str, str, str, bool]]:
    return {side.what: (side.ours, side.linked, side.other, side.differs) for side in shown.sides}


def nothing_was_moved(world: World, cco: CommitmentChangeOrder, former: ChangeOrderLink) -> bool:
    return (
        ChangeOrderLink.objects.filter(change_order=cco, unlinked_at=None).get() == former
        and status_of(cco) == ErpStatus.SYNCED
        and world.events(kind=EventKind.LINK_MOVED) == []
    )


@pytest.fixture
def cco(world: World) -> CommitmentChangeOrder:
    return world.synced_cco()


@pytest.fixture
def approver(world: World, cco: CommitmentChangeOrder) -> User:
    return world.person()


@pytest.fixture
def other(world: World) -> str:
    return world.scenarios[OTHER].record_number


# --- what is shown -------------------------------------------------------------------------------


def test_both_records_are_shown_beside_the_cco(world: World, cco: CommitmentChangeOrder, other: str) -> None:
    shown = show(world, cco, other)

    told = sides(shown)
    assert (shown.linked_record_number, shown.record_number) == ("702", "703")
    assert told["Record number"] == ("", "702", "703", False)
    assert told["Title"] == ("Added steel at grid C", "Approved in Sage", "Extra wall ties", True)
    assert told["Job"] == ("2611", "2611", "2611", False)
    assert told["Phase"][3] is False
    assert told["Status"] == ("Approved", "Approved", "Approved", False)
    assert told["Amount on subcontract 1201"] == ("100.00", "12,450.00", "2,395.00", True)
    assert told["Lines with cost code 3310.000, cost type 4"] == ("no line", "12,450.00", "2,395.00", True)
    assert told["Lines on other subcontracts, or on none"] == ("", "0", "0", False)


def test_a_linked_record_that_is_gone_is_said_not_to_be_found(
    world: World, cco: CommitmentChangeOrder, other: str
) -> None:
    world.delete_in_sage(cco)

    shown = show(world, cco, other)

    assert not shown.linked_is_there
    assert {side.linked for side in shown.sides} == {NOT_FOUND}


def test_another_record_under_the_same_record_number_is_not_the_linked_one(
    world: World, cco: CommitmentChangeOrder
) -> None:
    take_number_over(world, "prmchg")

    shown = show(world, cco, world.record_of(cco))

    assert not shown.linked_is_there
    assert shown.row_id != world.link_of(cco).row_id


def test_a_cco_equal_to_the_record_differs_in_nothing(world: World) -> None:
    commitment = tied_commitment(world)
    cco = approved_cco(commitment, "2395.00", number="11-3", title="Extra wall ties")
    approver = world.person()
    send(world, cco, by=approver)
    link_as_it_is(world, cco, "702", by=approver)

    shown = show(world, cco, "703")

    assert [side.what for side in shown.sides if side.differs] == []


# --- the move ------------------------------------------------------------------------------------


def test_the_link_is_moved_and_the_cco_stays_synced(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    former = world.link_of(cco)

    made = move(world, cco, other, by=approver)

    former.refresh_from_db()
    assert status_of(cco) == ErpStatus.SYNCED
    assert (made.record_number, made.is_active, made.moved_from_id) == ("703", True, former.pk)
    assert (former.unlinked_at, former.unlinked_by_name) == (made.linked_at, approver.name)
    [event] = world.events(kind=EventKind.LINK_MOVED)
    assert (event.link_id, event.reason) == (made.pk, "Chosen by mistake")
    assert "Can Push to Accounting" in event.rights
    assert event.evidence["record_number"] == "703"
    assert event.evidence["moved_from"]["record_number"] == "702"
    assert event.evidence["moved_from"]["was_there"] is True
    assert {one["what"] for one in event.evidence["compared"]} >= {"Change number", "Title", "Status"}
    assert_promise_kept()


def test_a_link_is_moved_to_the_record_that_took_the_place_of_a_deleted_one(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    world.delete_in_sage(cco)

    made = move(world, cco, other, by=approver)

    assert made.record_number == other
    [event] = world.events(kind=EventKind.LINK_MOVED)
    assert event.evidence["moved_from"]["was_there"] is False


def test_a_link_is_moved_there_and_back(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    first = world.record_of(cco)
    move(world, cco, other, by=approver)

    back = move(world, cco, first, by=approver)

    assert (back.record_number, ChangeOrderLink.objects.filter(change_order=cco).count()) == (first, 3)
    assert_promise_kept()


def test_another_cco_is_linked_to_the_record_that_was_left(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    move(world, cco, other, by=approver)

    assert world.link_of(world.synced_cco()).record_number == "702"


# --- what is refused -----------------------------------------------------------------------------


CHANGES: dict[str, Callable[[World, CommitmentChangeOrder, str], object]] = {
    "the other record is voided": lambda world, _, other: world.sage.void(other, user="ACCT2"),
    "the other record is renumbered": lambda world, _, other: world.sage.renumber(
        other, "99-9", user="ACCT2"
    ),
    "the other record is deleted": lambda world, _, other: world.sage.delete(other, user="ACCT2"),
    "the linked record is deleted": lambda world, cco, _: world.delete_in_sage(cco),
    "the linked record is renumbered": lambda world, cco, _: world.sage.renumber(
        world.record_of(cco), "99-9", user="ACCT2"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_no_longer_as_shown_is_not_moved(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str, change: str
) -> None:
    former, shown = world.link_of(cco), show(world, cco, other)
    CHANGES[change](world, cco, other)

    with pytest.raises((NotAsShown, RecordElsewhere, RecordNotEffective)):
        move(world, cco, other, by=approver, shown=shown)

    assert nothing_was_moved(world, cco, former)


def test_a_refusal_holds_what_is_there_now(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    shown = show(world, cco, other)
    world.sage.renumber(other, "99-9", user="ACCT2")

    with pytest.raises(NotAsShown) as refusal:
        move(world, cco, other, by=approver, shown=shown)

    assert refusal.value.now == show(world, cco, other)


@pytest.mark.parametrize("word", ["void", "reject"])
def test_a_record_that_counts_no_more_is_not_linked_to_a_cco_that_counts(
    world: World, cco: CommitmentChangeOrder, other: str, word: str
) -> None:
    getattr(world.sage, word)(other, user="ACCT2")

    with pytest.raises(RecordNotEffective):
        show(world, cco, other)


def test_a_void_cco_is_moved_to_a_void_record(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    world.sage.void(other, user="ACCT2")
    link = world.link_of(cco)
    # As an import makes one: a Synced CCO's status is locked for the project team.
    with_status(cco, ChangeOrderStatus.VOID)

    assert move(world, cco, other, by=approver).moved_from_id == link.pk


def with_status(cco: CommitmentChangeOrder, status: ChangeOrderStatus) -> None:
    """Past the triggers that lock a Synced CCO."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(status=status)
        cursor.execute("SET session_replication_role = DEFAULT")


def test_the_record_it_is_linked_to_already(world: World, cco: CommitmentChangeOrder) -> None:
    with pytest.raises(SameRecord):
        show(world, cco, world.record_of(cco))


def test_a_record_that_another_cco_holds(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    shown, former = show(world, cco, other), world.link_of(cco)
    world.synced_cco(OTHER)

    with pytest.raises(RecordTaken):
        move(world, cco, other, by=approver, shown=shown)

    assert nothing_was_moved(world, cco, former)


@pytest.mark.parametrize("record", ["999999", "706"], ids=["not there", "on another subcontract"])
def test_a_record_elsewhere(world: World, cco: CommitmentChangeOrder, record: str) -> None:
    with pytest.raises(RecordElsewhere):
        show(world, cco, record)


def test_the_subcontract_of_another_commitment_is_refused(
    world: World, cco: CommitmentChangeOrder, approver: User
) -> None:
    former = world.link_of(cco)

    with pytest.raises(RecordElsewhere):
        move_link.move_change_order_link(
            company_id=world.company.pk,
            change_order_id=cco.pk,
            record_number="706",
            subcontract_record_number="1202",
            shown="",
            actor=actor(approver),
            reason="Chosen by mistake",
        )

    assert nothing_was_moved(world, cco, former)


@pytest.mark.parametrize("status", [status for status in ErpStatus if status != ErpStatus.SYNCED])
def test_only_a_synced_cco_has_a_link_to_move(world: World, other: str, status: ErpStatus) -> None:
    free = world.free_cco(erp_status=status)

    with pytest.raises(NotPossibleNow):
        show(world, free, other)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str, reason: str
) -> None:
    former = world.link_of(cco)

    with pytest.raises(ReasonMissing):
        move(world, cco, other, by=approver, reason=reason)

    assert nothing_was_moved(world, cco, former)


LACKS: dict[str, dict[str, Any]] = {
    "Needs 'Admin' on Commitments": {"commitments": Level.STANDARD},
    "Needs 'Standard' or 'Admin' on ERP Integrations": {"erp_integrations": Level.READ_ONLY},
    "Needs Can Push to Accounting": {"can_push_to_accounting": False},
}


@pytest.mark.parametrize("missing", LACKS)
def test_it_needs_all_that_an_unlink_needs(
    world: World, cco: CommitmentChangeOrder, other: str, missing: str
) -> None:
    former = world.link_of(cco)

    with pytest.raises(NotAllowed, match=missing):
        move(world, cco, other, by=world.person("somebody", **LACKS[missing]))

    assert nothing_was_moved(world, cco, former)


def test_rights_lost_while_sage_was_read_count(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, read = world.link_of(cco), move_link._read_both

    def read_then_lose(*arguments: Any) -> Any:
        found = read(*arguments)
        Membership.objects.filter(user=approver).update(can_push_to_accounting=False)
        return found

    shown = show(world, cco, other)
    monkeypatch.setattr(move_link, "_read_both", read_then_lose)
    with pytest.raises(NotAllowed):
        move(world, cco, other, by=approver, shown=shown)

    assert nothing_was_moved(world, cco, former)


def test_a_connection_that_was_changed_while_sage_was_read(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, shown, read = world.link_of(cco), show(world, cco, other), move_link._read_both

    def read_then_change(*arguments: Any) -> Any:
        found = read(*arguments)
        connection = Connection.objects.get(pk=world.connection.pk)
        connection.revision += 1
        connection.save()
        return found

    monkeypatch.setattr(move_link, "_read_both", read_then_change)
    with pytest.raises(TakenOver):
        move(world, cco, other, by=approver, shown=shown)

    assert nothing_was_moved(world, cco, former)


def test_staff_in_the_admin_move_nothing(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    former = world.link_of(cco)
    User.objects.filter(pk=approver.pk).update(is_staff=True, is_superuser=True)
    approver.refresh_from_db()

    with pytest.raises(NotAllowed, match="staff of the admin move no link"):
        move(world, cco, other, by=actor_in_admin(approver))

    assert nothing_was_moved(world, cco, former)


@pytest.mark.parametrize("fault", ["offline", "no-rights", "wrong-database", "restored", "missing-table"])
def test_a_sage_in_trouble_moves_nothing(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str, fault: str
) -> None:
    former, shown = world.link_of(cco), show(world, cco, other)
    world.sage.set_fault(fault)

    with pytest.raises(CouldNotAsk):
        move(world, cco, other, by=approver, shown=shown)

    assert nothing_was_moved(world, cco, former)


# --- beside an unlink ----------------------------------------------------------------------------


def open_attempt(world: World, cco: CommitmentChangeOrder, *, seconds: float) -> UnlinkAttempt:
    now = database_now()
    attempt: UnlinkAttempt = UnlinkAttempt.objects.create(
        link=world.link_of(cco),
        started_at=now - timedelta(minutes=1),
        expires_at=now + timedelta(seconds=seconds),
        actor_id=4711,
        actor_name="colleague",
        via=Via.PAGE,
        connection_revision=1,
    )
    return attempt


def test_an_unlink_that_is_being_decided_keeps_its_link(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    former, attempt = world.link_of(cco), open_attempt(world, cco, seconds=30)

    with pytest.raises(BeingUnlinked):
        move(world, cco, other, by=approver)

    attempt.refresh_from_db()
    assert attempt.state == AttemptState.CHECKING
    assert nothing_was_moved(world, cco, former)


def test_an_attempt_whose_lease_is_over_is_ended_and_the_link_moved(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    attempt = open_attempt(world, cco, seconds=-1)

    move(world, cco, other, by=approver)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.reason) == (AttemptState.NO_ANSWER, "expired")
    assert_promise_kept()


def test_a_link_that_waits_in_a_bulk_unlink_is_not_moved(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    former = world.link_of(cco)
    start_bulk_unlink(company_id=world.company.pk, change_order_ids=[cco.pk], actor=actor(approver))

    with pytest.raises(BeingUnlinked):
        move(world, cco, other, by=approver)

    assert nothing_was_moved(world, cco, former)


def test_a_bulk_unlink_leaves_a_cco_alone_whose_link_has_ended_meanwhile(
    committed_world: World,
) -> None:
    world = committed_world
    cco = world.synced_cco()
    approver = world.person()
    former = world.link_of(cco)
    move(world, cco, world.scenarios[OTHER].record_number, by=approver)
    # Written down at the very moment of the move, by somebody who saw the former link.
    bulk = BulkUnlink.objects.create(
        company=world.company, started_at=database_now(), actor_id=approver.pk, actor_name=approver.name
    )
    item = BulkUnlinkItem.objects.create(bulk=bulk, link=former, change_order_id=cco.pk)
    world.sage.delete("703", user="ACCT2")

    process_bulk_unlink(bulk.pk)

    item.refresh_from_db()
    assert item.state == ItemState.ALREADY
    assert status_of(cco) == ErpStatus.SYNCED
    assert world.attempts(cco) == []


def test_the_moved_link_is_unlinked_by_its_own_record(
    world: World, cco: CommitmentChangeOrder, approver: User, other: str
) -> None:
    first = world.record_of(cco)
    move(world, cco, other, by=approver)
    world.sage.delete(first, user="ACCT2")
    world.sage.delete(other, user="ACCT2")

    world.unlink(cco, by=approver)

    assert status_of(cco) == ErpStatus.NOT_IN_ERP
    assert_promise_kept()

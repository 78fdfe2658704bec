"""Undo of an unlink: only to the very record, only where the CCO is what it was."""

import pytest

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus, HistoryEntry
from companies.clock import database_now
from companies.models import User
from erp_integrations.links.relink import relink_change_order
from erp_integrations.models import ChangeOrderLink, EventKind
from erp_integrations.workflow.errors import (
    ChangedSince,
    CouldNotAsk,
    NeverUnlinked,
    NotAllowed,
    NotPossibleNow,
    RecordNotBack,
)
from tests.sendable import actor, status_of, take_number_over
from tests.world import World


def _relink(world: World, cco: CommitmentChangeOrder, *, by: User) -> ChangeOrderLink:
    return relink_change_order(company_id=world.company.pk, change_order_id=cco.pk, actor=actor(by))


@pytest.fixture
def unlinked(world: World) -> CommitmentChangeOrder:
    """A CCO whose record was deleted in Sage and whose link was cut."""
    cco = world.synced_cco()
    person = world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=person)
    return cco


@pytest.fixture
def approver(unlinked: CommitmentChangeOrder) -> User:
    return User.objects.get(username="approver")


def test_the_same_record_is_back_and_a_new_link_stands_beside_the_old(
    world: World, unlinked: CommitmentChangeOrder, approver: User
) -> None:
    former = world.link_of(unlinked)
    world.sage.restore(former.record_number, user="ACCT1")

    link = _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.SYNCED
    assert (link.row_id, link.pk != former.pk, link.is_active) == (former.row_id, True, True)
    assert not ChangeOrderLink.objects.get(pk=former.pk).is_active
    [event] = world.events(kind=EventKind.RELINKED)
    assert (event.link_id, "Can Push to Accounting" in event.rights) == (link.pk, True)


def test_a_record_that_is_not_back_is_not_tied(
    world: World, unlinked: CommitmentChangeOrder, approver: User
) -> None:
    with pytest.raises(RecordNotBack):
        _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP
    assert world.events(kind=EventKind.RELINKED) == []


def test_another_record_with_the_same_number_is_not_tied(
    world: World, unlinked: CommitmentChangeOrder, approver: User
) -> None:
    world.sage.recreate(world.link_of(unlinked).record_number, user="ACCT1")

    with pytest.raises(RecordNotBack):
        _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP


@pytest.mark.parametrize("table", ["prmchg", "actrec"])
def test_another_record_or_job_under_the_same_record_number_is_not_tied(
    world: World, unlinked: CommitmentChangeOrder, approver: User, table: str
) -> None:
    world.sage.restore(world.link_of(unlinked).record_number, user="ACCT1")
    take_number_over(world, table)

    with pytest.raises(RecordNotBack):
        _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP
    assert ChangeOrderLink.objects.filter(change_order=unlinked).count() == 1


def test_a_cco_that_was_changed_since_is_not_tied(
    world: World, unlinked: CommitmentChangeOrder, approver: User
) -> None:
    world.sage.restore(world.link_of(unlinked).record_number, user="ACCT1")
    CommitmentChangeOrder.objects.filter(pk=unlinked.pk).update(status=ChangeOrderStatus.DRAFT)

    with pytest.raises(ChangedSince):
        _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP


def test_a_cco_that_was_edited_and_approved_again_is_not_tied(
    world: World, unlinked: CommitmentChangeOrder, approver: User
) -> None:
    world.sage.restore(world.link_of(unlinked).record_number, user="ACCT1")
    HistoryEntry.objects.create(
        at=database_now(),
        company_id=world.company.pk,
        subject_kind=HistoryEntry.Subject.CHANGE_ORDER,
        subject_id=unlinked.pk,
        subject_label="CCO",
        actor_name="project-manager",
        what="Title",
        before="Steel",
        after="More steel",
    )

    with pytest.raises(ChangedSince):
        _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP


def test_relinking_needs_what_unlinking_needs(world: World, unlinked: CommitmentChangeOrder) -> None:
    world.sage.restore(world.link_of(unlinked).record_number, user="ACCT1")

    with pytest.raises(NotAllowed, match="Needs Can Push to Accounting"):
        _relink(world, unlinked, by=world.person("somebody", can_push_to_accounting=False))

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP


@pytest.mark.parametrize("fault", ["offline", "restored", "emptied", "wrong-database"])
def test_a_sage_in_trouble_ties_nothing(
    world: World, unlinked: CommitmentChangeOrder, approver: User, fault: str
) -> None:
    world.sage.restore(world.link_of(unlinked).record_number, user="ACCT1")
    world.sage.set_fault(fault)

    with pytest.raises((CouldNotAsk, RecordNotBack)):
        _relink(world, unlinked, by=approver)

    assert status_of(unlinked) == ErpStatus.NOT_IN_ERP


def test_what_was_never_unlinked_has_nothing_to_relink(world: World) -> None:
    cco = world.free_cco()

    with pytest.raises(NeverUnlinked):
        _relink(world, cco, by=world.person())

    assert status_of(cco) == ErpStatus.NOT_IN_ERP


def test_a_synced_cco_is_not_relinked(world: World) -> None:
    cco = world.synced_cco()

    with pytest.raises(NotPossibleNow):
        _relink(world, cco, by=world.person())

    assert ChangeOrderLink.objects.filter(change_order=cco).count() == 1

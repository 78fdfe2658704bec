"""What the project team does with a CCO: set it to Draft, delete it; and when it may not."""

from collections.abc import Callable

import pytest

from commitments.errors import ChangeOrderLocked, CommitmentsNotAllowed
from commitments.models import FREE, ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from commitments.operations.change_status import set_to_draft
from commitments.operations.edit_change_order import delete_change_order
from companies.models import Level, User
from tests import factories
from tests.world import World

LOCKED = [status for status in ErpStatus if status not in FREE]
Operation = Callable[..., None]
OPERATIONS = [set_to_draft, delete_change_order]


def act(operation: Operation, world: World, cco: CommitmentChangeOrder, by: User) -> None:
    operation(company_id=world.company.pk, change_order_id=cco.pk, user_id=by.pk)


def cco_in(world: World, status: ErpStatus) -> CommitmentChangeOrder:
    return world.synced_cco() if status == ErpStatus.SYNCED else world.free_cco(erp_status=status)


def assert_unchanged(cco: CommitmentChangeOrder) -> None:
    now = CommitmentChangeOrder.objects.get(pk=cco.pk)
    assert (now.status, now.erp_status, now.amount) == (cco.status, cco.erp_status, cco.amount)
    assert now.status == ChangeOrderStatus.APPROVED
    assert now.lines.count() == 1


@pytest.mark.parametrize("status", FREE)
def test_a_free_cco_is_set_to_draft(world: World, status: ErpStatus) -> None:
    cco = cco_in(world, status)

    act(set_to_draft, world, cco, world.person())

    cco.refresh_from_db()
    assert (cco.status, cco.erp_status) == (ChangeOrderStatus.DRAFT, status)


@pytest.mark.parametrize("status", FREE)
def test_a_free_cco_is_deleted_with_its_lines(world: World, status: ErpStatus) -> None:
    cco = cco_in(world, status)

    act(delete_change_order, world, cco, world.person())

    assert not CommitmentChangeOrder.objects.filter(pk=cco.pk).exists()
    assert cco.lines.count() == 0


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("status", LOCKED)
def test_a_cco_that_accounting_holds_is_locked(world: World, status: ErpStatus, operation: Operation) -> None:
    cco = cco_in(world, status)

    with pytest.raises(ChangeOrderLocked) as refusal:
        act(operation, world, cco, world.person())

    assert refusal.value.erp_status == status
    assert_unchanged(cco)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("level", [level for level in Level if level < Level.ADMIN])
def test_less_than_admin_on_commitments_changes_nothing(
    world: World, level: Level, operation: Operation
) -> None:
    cco = world.free_cco()
    person = world.person(commitments=level)

    with pytest.raises(CommitmentsNotAllowed) as refusal:
        act(operation, world, cco, person)

    assert refusal.value.missing == (
        f"Needs 'Admin' on Commitments in Harbor Tower; you have '{level.label}'",
    )
    assert_unchanged(cco)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_project_team_needs_no_rights_of_accounting(world: World, operation: Operation) -> None:
    cco = world.free_cco()
    person = world.person(erp_integrations=Level.NONE, can_push_to_accounting=False)

    act(operation, world, cco, person)

    left = CommitmentChangeOrder.objects.filter(pk=cco.pk).first()
    assert left is None or left.status == ChangeOrderStatus.DRAFT


@pytest.mark.parametrize("operation", OPERATIONS)
def test_strangers_change_nothing(world: World, operation: Operation) -> None:
    cco = world.free_cco()

    with pytest.raises(CommitmentsNotAllowed):
        act(operation, world, cco, factories.UserFactory.create())

    assert_unchanged(cco)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_companys_cco_is_not_there(world: World, operation: Operation) -> None:
    approver = world.person()
    cco = factories.ChangeOrderFactory.create()
    factories.ChangeOrderLineFactory.create(change_order=cco)
    cco.refresh_from_db()

    with pytest.raises(CommitmentChangeOrder.DoesNotExist):
        act(operation, world, cco, approver)

    assert_unchanged(cco)


def test_the_whole_way_back(world: World) -> None:
    """Deleted in Sage, unlinked here, set to Draft, deleted here."""
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    act(set_to_draft, world, cco, approver)
    act(delete_change_order, world, cco, approver)

    assert not CommitmentChangeOrder.objects.exists()
    assert len(world.events(kind="UNLINKED")) == 1

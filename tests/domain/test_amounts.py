"""A CCO's amount is the sum of its lines, whoever changes them and however."""

from decimal import Decimal

import pytest
from django.db.models import F

from commitments.models import ChangeOrderLine, CommitmentChangeOrder
from tests import factories
from tests.domain.refusing import refused_by, run
from tests.world import World

LINE = "commitments_changeorderline"


@pytest.fixture
def cco(world: World) -> CommitmentChangeOrder:
    """With lines of 100.00, 20.00 and -5.50."""
    cco = world.free_cco(amount="100.00")
    for amount in ("20.00", "-5.50"):
        factories.ChangeOrderLineFactory.create(change_order=cco, amount=amount)
    return cco


def amount_of(cco: CommitmentChangeOrder) -> Decimal:
    return CommitmentChangeOrder.objects.get(pk=cco.pk).amount


def test_a_cco_without_lines_amounts_to_nothing(world: World) -> None:
    assert amount_of(factories.ChangeOrderFactory.create(commitment=world.commitment)) == Decimal("0.00")


def test_lines_added_one_by_one(cco: CommitmentChangeOrder) -> None:
    assert amount_of(cco) == Decimal("114.50")


def test_lines_added_all_at_once(cco: CommitmentChangeOrder, world: World) -> None:
    other = world.free_cco(amount="7.00")
    model = cco.lines.first()
    assert model is not None
    ChangeOrderLine.objects.bulk_create(
        ChangeOrderLine(
            change_order=owner,
            position=1000 + place,
            description="Steel",
            cost_code=model.cost_code,
            cost_type=model.cost_type,
            amount=Decimal("0.25"),
        )
        for owner in (cco, other)
        for place in range(10)
    )
    assert (amount_of(cco), amount_of(other)) == (Decimal("117.00"), Decimal("9.50"))


def test_a_line_changed(cco: CommitmentChangeOrder) -> None:
    line = cco.lines.get(amount="20.00")
    line.amount = Decimal("30.10")
    line.save()
    assert amount_of(cco) == Decimal("124.60")


def test_lines_changed_in_bulk(cco: CommitmentChangeOrder) -> None:
    lines = list(cco.lines.all())
    for line in lines:
        line.amount *= 2
    ChangeOrderLine.objects.bulk_update(lines, ["amount"])
    assert amount_of(cco) == Decimal("229.00")
    cco.lines.update(amount=F("amount") / 2)
    assert amount_of(cco) == Decimal("114.50")


def test_lines_changed_in_a_shell(cco: CommitmentChangeOrder) -> None:
    run(f"UPDATE {LINE} SET amount = amount + 1 WHERE change_order_id = %s", cco.pk)
    assert amount_of(cco) == Decimal("117.50")
    run(f"DELETE FROM {LINE} WHERE change_order_id = %s AND amount < 0", cco.pk)
    assert amount_of(cco) == Decimal("122.00")


def test_a_line_deleted(cco: CommitmentChangeOrder) -> None:
    cco.lines.get(amount="100.00").delete()
    assert amount_of(cco) == Decimal("14.50")
    cco.lines.all().delete()
    assert amount_of(cco) == Decimal("0.00")


def test_a_line_moved_to_another_cco(cco: CommitmentChangeOrder, world: World) -> None:
    other = world.free_cco(amount="7.00")
    cco.lines.filter(amount="20.00").update(change_order=other)
    assert (amount_of(cco), amount_of(other)) == (Decimal("94.50"), Decimal("27.00"))


def test_what_is_rolled_back_did_not_happen(cco: CommitmentChangeOrder) -> None:
    with refused_by("change_order_line_position_once"):
        cco.lines.update(amount=1)
        cco.lines.update(position=1)
    assert amount_of(cco) == Decimal("114.50")


def test_nobody_writes_the_amount_itself(cco: CommitmentChangeOrder, world: World) -> None:
    with refused_by("change_order_amount_is_the_sum"):
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(amount=1)
    with refused_by("change_order_amount_is_the_sum"):
        cco.amount = Decimal("1.00")
        cco.save()
    with refused_by("change_order_amount_is_the_sum"):
        run("UPDATE commitments_commitmentchangeorder SET amount = amount + 1")
    with refused_by("change_order_amount_is_the_sum"):
        factories.ChangeOrderFactory.create(commitment=world.commitment, amount="5.00")
    assert amount_of(cco) == Decimal("114.50")

"""The project team, two at a time: one number, one lock, one order of approval."""

from collections import Counter
from functools import partial

from commitments.errors import LaterChangeOrdersApproved
from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    ErpStatus,
)
from commitments.operations.change_status import approve_change_order, set_to_draft
from commitments.operations.edit_change_order import create_change_order
from commitments.operations.edit_commitment import create_commitment
from commitments.operations.form_values import WrittenChangeOrder, WrittenCommitment
from tests import factories
from tests.concurrency.crowd import all_at_once
from tests.world import World


def test_two_ccos_of_one_number_at_once(committed_world: World) -> None:
    world = committed_world
    commitment_id = world.commitment.pk
    person = world.person("project-manager")

    def create() -> object:
        return create_change_order(
            company_id=world.company.pk,
            commitment_id=commitment_id,
            user_id=person.pk,
            written=WrittenChangeOrder("001", "Added steel"),
        )

    told = Counter(type(outcome).__name__ for outcome in all_at_once([create] * 4))

    assert told == {"CommitmentChangeOrder": 1, "NumberTaken": 3}
    assert CommitmentChangeOrder.objects.filter(number="001").count() == 1


def test_two_commitments_of_one_number_at_once(committed_world: World) -> None:
    world = committed_world
    written = WrittenCommitment("SC-900", "Curtain wall", world.commitment.vendor_id, "DRAFT")
    person = world.person("project-manager")

    def create() -> object:
        return create_commitment(
            company_id=world.company.pk,
            project_id=world.project.pk,
            user_id=person.pk,
            kind=CommitmentKind.SUBCONTRACT,
            written=written,
        )

    told = Counter(type(outcome).__name__ for outcome in all_at_once([create] * 4))

    assert told == {"Commitment": 1, "NumberTaken": 3}
    assert Commitment.objects.filter(number="SC-900").count() == 1


def test_two_approvals_at_once_have_an_order_and_an_unapproval_keeps_it(committed_world: World) -> None:
    world = committed_world
    ccos = [world.free_cco() for _ in range(3)]
    person = world.person("project-manager")
    CommitmentChangeOrder.objects.update(status=ChangeOrderStatus.DRAFT)
    which = [
        {"company_id": world.company.pk, "change_order_id": cco.pk, "user_id": person.pk} for cco in ccos
    ]

    all_at_once([partial(approve_change_order, **one) for one in which])

    approved = list(CommitmentChangeOrder.objects.order_by("approved_at"))
    assert len({cco.approved_at for cco in approved}) == 3
    last = approved[-1].pk
    outcomes = all_at_once([partial(set_to_draft, **one) for one in which])
    for one, outcome in zip(which, outcomes, strict=True):
        assert outcome is None or isinstance(outcome, LaterChangeOrdersApproved)
        if one["change_order_id"] == last:
            assert outcome is None
    left = CommitmentChangeOrder.objects.exclude(approved_at=None).order_by("approved_at")
    assert [cco.pk for cco in left] == [cco.pk for cco in approved[: len(left)]]


def test_a_line_and_a_step_to_accounting_at_once(committed_world: World) -> None:
    """The line is there before the CCO waits for accounting, or not at all; also one of no amount."""
    world = committed_world
    for _ in range(5):
        cco = world.free_cco()
        line = cco.lines.get()

        def add(line: ChangeOrderLine = line) -> None:
            ChangeOrderLine.objects.create(
                change_order_id=line.change_order_id,
                position=2,
                description="Bolts",
                cost_code_id=line.cost_code_id,
                cost_type_id=line.cost_type_id,
                amount=0,
            )

        added, _sent = all_at_once([add, partial(factories.walk_to, cco, ErpStatus.READY_TO_EXPORT)])

        cco.refresh_from_db()
        assert cco.erp_status == ErpStatus.READY_TO_EXPORT
        assert cco.lines.count() == (2 if added is None else 1)
        if added is not None:
            assert type(added).__name__ == "IntegrityError"

"""A commitment that is tied to its subcontract: what Sage holds of it is locked, in the database."""

from decimal import Decimal
from typing import Any

import pytest

from commitments.errors import CommitmentLinked
from commitments.models import Commitment, CommitmentLine, CommitmentStatus, CostCode, CostType
from commitments.operations.edit_commitment import edit_commitment
from commitments.operations.form_values import WrittenCommitment, WrittenLine
from erp_integrations.models import CommitmentLineLink
from erp_integrations.record_links import operations as record_links
from tests import factories
from tests.domain.refusing import refused_by, run
from tests.world import LINKER, World

LINE = "commitments_commitmentline"
COMMITMENT = "commitments_commitment"
RECORD = "1201"
"""Line 1: Foundations and walls, 3310.000, 486,000.00. Line 2: Finishing, 3350.500, 58,200.00."""


@pytest.fixture
def held(world: World) -> CommitmentLine:
    """A line that Sage holds, as its line 2."""
    code = factories.CostCodeFactory.create(company=world.company, code="3350.500")
    kind = CostType.objects.filter(company=world.company, code="4").first() or (
        factories.CostTypeFactory.create(company=world.company, code="4")
    )
    return CommitmentLine.objects.create(
        commitment=world.commitment,
        position=50,
        description="Finishing",
        cost_code=code,
        cost_type=kind,
        amount=Decimal("58200.00"),
    )


@pytest.fixture
def waiting(world: World, held: CommitmentLine) -> CommitmentLine:
    """A line that Sage does not hold."""
    code = factories.CostCodeFactory.create(company=world.company, code="9999.000")
    return CommitmentLine.objects.create(
        commitment=world.commitment,
        position=51,
        description="Not keyed in yet",
        cost_code=code,
        cost_type=held.cost_type,
        amount=Decimal("10.00"),
    )


@pytest.fixture
def linked(world: World, held: CommitmentLine, waiting: CommitmentLine) -> Commitment:
    assert {held.commitment_id, waiting.commitment_id} == {world.commitment.pk}
    record_links.link_commitment(commitment=world.commitment, record_number=RECORD, actor=LINKER)
    return world.commitment


def test_a_line_is_tied_to_the_very_line_of_the_subcontract(
    linked: Commitment, held: CommitmentLine, waiting: CommitmentLine
) -> None:
    tied = CommitmentLineLink.objects.get(commitment_line=held)

    assert (tied.line_number, tied.description, tied.cost_code) == (2, "Finishing", "3350.500")
    assert tied.amount == Decimal("58200.00")
    assert not CommitmentLineLink.objects.filter(commitment_line=waiting).exists()
    assert tied.link.commitment == linked


@pytest.mark.parametrize("change", ["number = '900'", "status = 'TERMINATED'"])
def test_number_and_status_of_a_linked_commitment_stay(linked: Commitment, change: str) -> None:
    with refused_by("linked_commitment_keeps_its_record"):
        run(f"UPDATE {COMMITMENT} SET {change} WHERE id = %s", linked.pk)


def test_its_title_is_free(linked: Commitment) -> None:
    assert run(f"UPDATE {COMMITMENT} SET title = 'Concrete' WHERE id = %s", linked.pk) == 1


@pytest.mark.parametrize("change", ["amount = 1.00", "cost_code_id = %(code)s", "cost_type_id = %(kind)s"])
def test_amount_and_codes_of_a_line_that_sage_holds_stay(
    world: World, linked: Commitment, held: CommitmentLine, change: str
) -> None:
    assert held.commitment_id == linked.pk
    code = factories.CostCodeFactory.create(company=world.company, code="1000.000")
    kind = factories.CostTypeFactory.create(company=world.company, code="9")
    change = change % {"code": code.pk, "kind": kind.pk}
    with refused_by("linked_line_stays"):
        run(f"UPDATE {LINE} SET {change} WHERE id = %s", held.pk)


def test_a_line_that_sage_holds_is_not_deleted(linked: Commitment, held: CommitmentLine) -> None:
    with refused_by("linked_line_stays"):
        run(f"DELETE FROM {LINE} WHERE id = %s", held.pk)
    assert linked.lines.filter(pk=held.pk).exists()


def test_its_description_and_a_line_that_sage_does_not_hold_are_free(
    linked: Commitment, held: CommitmentLine, waiting: CommitmentLine
) -> None:
    assert linked.pk
    assert run(f"UPDATE {LINE} SET description = 'Finish' WHERE id = %s", held.pk) == 1
    assert run(f"UPDATE {LINE} SET amount = 11.00 WHERE id = %s", waiting.pk) == 1
    assert run(f"DELETE FROM {LINE} WHERE id = %s", waiting.pk) == 1


def test_what_a_line_was_tied_to_never_changes(linked: Commitment, held: CommitmentLine) -> None:
    assert linked.pk
    table = "erp_integrations_commitmentlinelink"
    for change in (
        f"UPDATE {table} SET line_number = 1 WHERE commitment_line_id = %s",
        f"UPDATE {table} SET commitment_line_id = NULL WHERE commitment_line_id = %s",
        f"DELETE FROM {table} WHERE commitment_line_id = %s",
    ):
        with refused_by("line_link_is_history"):
            run(change, held.pk)


def test_once_the_link_is_closed_everything_is_free_again_and_the_line_link_lets_go(
    linked: Commitment, held: CommitmentLine
) -> None:
    run(
        "UPDATE erp_integrations_commitmentlink SET unlinked_at = clock_timestamp(),"
        " unlinked_by_name = 'approver' WHERE commitment_id = %s",
        linked.pk,
    )

    assert run(f"UPDATE {COMMITMENT} SET status = 'TERMINATED' WHERE id = %s", linked.pk) == 1
    assert run(f"DELETE FROM {LINE} WHERE id = %s", held.pk) == 1
    assert CommitmentLineLink.objects.get(line_number=2).commitment_line is None


def test_a_line_of_another_commitment_is_never_tied(world: World, linked: Commitment) -> None:
    tied = CommitmentLineLink.objects.filter(link__commitment=linked).first()
    assert tied is not None
    other = factories.CommitmentFactory.create(project=world.project)
    line = CommitmentLine.objects.create(
        commitment=other,
        position=1,
        description="Other",
        cost_code=CostCode.objects.filter(company=world.company)[0],
        cost_type=CostType.objects.filter(company=world.company)[0],
        amount=Decimal("1.00"),
    )
    with refused_by("line_link_begins_well"):
        CommitmentLineLink.objects.create(
            link=tied.link,
            commitment_line=line,
            row_id="00000000-0000-0000-0000-000000000001",
            line_number=9,
            amount=Decimal("1.00"),
        )


@pytest.mark.parametrize(
    ("changes", "amount", "locked"),
    [
        ({"status": CommitmentStatus.TERMINATED}, "58200.00", "number and status"),
        ({"number": "900"}, "58200.00", "number and status"),
        ({}, "1.00", "lines' amounts, cost codes and cost types"),
    ],
)
def test_the_form_says_what_is_locked_and_changes_nothing(
    world: World,
    linked: Commitment,
    held: CommitmentLine,
    changes: dict[str, Any],
    amount: str,
    locked: str,
) -> None:
    before = list(Commitment.objects.values()), list(CommitmentLine.objects.order_by("id").values())
    person = world.person()
    lines = tuple(
        WrittenLine(
            line.description,
            line.cost_code_id,
            line.cost_type_id,
            Decimal(amount) if line == held else line.amount,
            line_id=line.pk,
        )
        for line in linked.lines.order_by("position")
    )
    written = WrittenCommitment(
        **{
            "number": linked.number,
            "title": "Concrete",
            "vendor_id": linked.vendor_id,
            "status": linked.status,
            "lines": lines,
            **changes,
        }
    )

    with pytest.raises(CommitmentLinked) as refused:
        edit_commitment(
            company_id=world.company.pk,
            commitment_id=linked.pk,
            user_id=person.pk,
            revision=linked.revision,
            written=written,
        )

    assert refused.value.locked == locked
    after = list(Commitment.objects.values()), list(CommitmentLine.objects.order_by("id").values())
    assert after == before

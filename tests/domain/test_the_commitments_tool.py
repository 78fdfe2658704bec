"""Writing commitments and CCOs: what is kept, what is told, and what is refused with nothing half done."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from commitments.errors import (
    ChangeOrderLocked,
    CommitmentHasChangeOrders,
    CommitmentLinked,
    CommitmentLocked,
    CommitmentNotApproved,
    CommitmentsNotAllowed,
    CommitmentsRefused,
    EditConflict,
    LaterChangeOrdersApproved,
    LineInUse,
    NotOfThisCompany,
    NumberTaken,
    WrongStatus,
)
from commitments.models import (
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    CommitmentStatus,
    ErpStatus,
    HistoryEntry,
)
from commitments.operations.change_status import approve_change_order, change_status, unapprove_change_order
from commitments.operations.edit_change_order import (
    create_change_order,
    delete_change_order,
    edit_change_order,
    propose_number,
)
from commitments.operations.edit_commitment import create_commitment, delete_commitment, edit_commitment
from commitments.operations.form_values import WrittenChangeOrder, WrittenCommitment, WrittenLine
from companies.models import Level, User
from erp_integrations.record_links import operations as record_links
from tests import factories
from tests.domain.test_locks import HELD, cco_in
from tests.world import LINKER, World


class Desk:
    """A person of the project team, and what they write."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.commitment = world.commitment
        self.person: User = world.person()
        self.code = factories.CostCodeFactory.create(company=world.company, code="5100.000")
        self.type = factories.CostTypeFactory.create(company=world.company)

    def line(self, amount: str = "100.00", description: str = "Steel", **more: Any) -> WrittenLine:
        return WrittenLine(description, self.code.pk, self.type.pk, Decimal(amount), **more)

    def create(self, number: str = "001", *lines: WrittenLine) -> CommitmentChangeOrder:
        made = create_change_order(
            company_id=self.world.company.pk,
            commitment_id=self.commitment.pk,
            user_id=self.person.pk,
            written=WrittenChangeOrder(number, "Added steel", "At grid C", lines or (self.line(),)),
        )
        return CommitmentChangeOrder.objects.get(pk=made.pk)

    def approved(self, number: str) -> CommitmentChangeOrder:
        cco = self.create(number)
        self.act(approve_change_order, cco)
        cco.refresh_from_db()
        return cco

    def act(self, operation: Callable[..., Any], cco: CommitmentChangeOrder, **more: Any) -> None:
        operation(company_id=self.world.company.pk, change_order_id=cco.pk, user_id=self.person.pk, **more)

    def edit(self, cco: CommitmentChangeOrder, written: WrittenChangeOrder, **more: Any) -> None:
        self.act(edit_change_order, cco, **{"revision": cco.revision, "written": written} | more)

    def commit(
        self, written: WrittenCommitment, kind: CommitmentKind = CommitmentKind.SUBCONTRACT
    ) -> Commitment:
        made = create_commitment(
            company_id=self.world.company.pk,
            project_id=self.world.project.pk,
            user_id=self.person.pk,
            kind=kind,
            written=written,
        )
        return Commitment.objects.get(pk=made.pk)

    def edit_commitment(self, commitment: Commitment, written: WrittenCommitment, **more: Any) -> None:
        edit_commitment(
            company_id=self.world.company.pk,
            commitment_id=commitment.pk,
            user_id=self.person.pk,
            written=written,
            revision=more.get("revision", commitment.revision),
        )

    def subcontract(self, *lines: WrittenLine, **changes: Any) -> WrittenCommitment:
        written = WrittenCommitment(
            "SC-900", "Curtain wall", self.commitment.vendor_id, CommitmentStatus.APPROVED, lines
        )
        return replace(written, **changes)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def as_written(cco: CommitmentChangeOrder) -> WrittenChangeOrder:
    return WrittenChangeOrder(cco.number, cco.title, cco.description, lines_of(cco))


def lines_of(row: CommitmentChangeOrder | Commitment) -> tuple[WrittenLine, ...]:
    return tuple(
        WrittenLine(
            line.description,
            line.cost_code_id,
            line.cost_type_id,
            line.amount,
            line_id=line.pk,
            commitment_line_id=getattr(line, "commitment_line_id", None),
        )
        for line in row.lines.order_by("position")
    )


def told(row: CommitmentChangeOrder | Commitment) -> list[tuple[str, str, str]]:
    kind = "commitment" if isinstance(row, Commitment) else "change-order"
    entries = HistoryEntry.objects.filter(subject_kind=kind, subject_id=row.pk).order_by("id")
    return list(entries.values_list("what", "before", "after"))


def everything() -> list[Any]:
    """All rows that a refusal must leave as they are."""
    rows: list[Any] = []
    for model in (Commitment, CommitmentChangeOrder, HistoryEntry):
        rows += model.objects.order_by("pk").values_list()
    for commitment in Commitment.objects.order_by("pk"):
        rows += lines_of(commitment)
    for cco in CommitmentChangeOrder.objects.order_by("pk"):
        rows += lines_of(cco)
    return rows


# --- CCOs: written --------------------------------------------------------------------------------


def test_a_cco_is_created_in_draft_with_its_lines_and_told(desk: Desk) -> None:
    cco = desk.create("001", desk.line("100.00"), desk.line("-30.50", "Credit"))

    assert (cco.status, cco.erp_status) == (ChangeOrderStatus.DRAFT, ErpStatus.NOT_IN_ERP)
    assert (cco.amount, cco.created_by_name) == (Decimal("69.50"), desk.person.name)
    assert told(cco) == [
        ("Created", "", "CCO 001 Added steel"),
        ("Line 1", "", "Steel · 5100.000 · Subcontract · 100.00"),
        ("Line 2", "", "Credit · 5100.000 · Subcontract · -30.50"),
    ]
    assert ("Change order", "", "CCO 001 Added steel") in told(desk.commitment)


def test_numbers_are_proposed_after_the_highest(desk: Desk) -> None:
    assert propose_number(desk.commitment) == "001"
    for number in ("002", "A-17", "9", "٣"):
        desk.create(number)
    assert propose_number(desk.commitment) == "010"
    desk.create("99999999999")
    assert propose_number(desk.commitment) == "100000000000"


def test_an_edit_is_told_field_by_field_and_line_by_line(desk: Desk) -> None:
    cco = desk.create("001", desk.line("100.00"), desk.line("20.00", "Bolts"))
    first, second = lines_of(cco)
    there = desk.commitment.lines.create(
        position=3, description="Frame", cost_code=desk.code, cost_type=desk.type, amount=1
    )
    before = len(told(cco))

    desk.edit(
        cco,
        WrittenChangeOrder(
            "001A",
            "Added steel",
            "At grid D",
            (
                replace(second, amount=Decimal("25.00"), commitment_line_id=there.pk),
                desk.line("1.00", "Nuts"),
            ),
        ),
    )

    assert told(cco)[before:] == [
        ("Number", "001", "001A"),
        ("Description", "At grid C", "At grid D"),
        ("Line 1", "Steel · 5100.000 · Subcontract · 100.00", ""),
        (
            "Line 2",
            "Bolts · 5100.000 · Subcontract · 20.00",
            "Bolts · 5100.000 · Subcontract · 25.00 · changes line 3",
        ),
        ("Line 3", "", "Nuts · 5100.000 · Subcontract · 1.00"),
    ]
    cco.refresh_from_db()
    assert (cco.amount, cco.revision) == (Decimal("26.00"), 1)
    assert lines_of(cco)[0].line_id == second.line_id
    assert first.line_id not in [line.line_id for line in lines_of(cco)]


def test_an_edit_that_changes_nothing_tells_nothing(desk: Desk) -> None:
    cco = desk.create()
    before = everything()
    desk.edit(cco, as_written(cco))
    assert everything() == before


def test_deleting_keeps_the_story(desk: Desk) -> None:
    cco = desk.create()
    desk.act(delete_change_order, cco)
    assert told(cco)[-2:] == [
        ("Deleted", "CCO 001 Added steel, Draft, 100.00", ""),
        ("Line 1", "Steel · 5100.000 · Subcontract · 100.00", ""),
    ]
    assert told(desk.commitment)[-1] == ("Change order", "CCO 001 Added steel, Draft, 100.00", "deleted")


def test_the_description_is_free_while_it_is_synced(desk: Desk) -> None:
    cco = desk.world.synced_cco()
    desk.edit(cco, replace(as_written(cco), description="As built"))
    cco.refresh_from_db()
    assert (cco.description, cco.erp_status) == ("As built", ErpStatus.SYNCED)
    assert told(cco) == [("Description", "", "As built")]


# --- CCOs: refused --------------------------------------------------------------------------------


def test_only_an_approved_commitment_gets_change_orders(desk: Desk) -> None:
    Commitment.objects.filter(pk=desk.commitment.pk).update(status=CommitmentStatus.COMPLETE)
    before = everything()
    with pytest.raises(CommitmentNotApproved):
        desk.create()
    assert everything() == before


def test_a_number_is_given_once(desk: Desk) -> None:
    desk.create("001")
    other = desk.create("002")
    before = everything()
    with pytest.raises(NumberTaken):
        desk.create("001")
    with pytest.raises(NumberTaken):
        desk.edit(other, replace(as_written(other), number="001"))
    assert everything() == before


@pytest.mark.parametrize(
    ("status", "field"),
    [
        (status, field)
        for status, field in product(HELD, ("number", "title", "lines", "description"))
        if (status, field) != (ErpStatus.SYNCED, "description")
    ],
)
def test_what_accounting_holds_is_not_edited(desk: Desk, status: ErpStatus, field: str) -> None:
    cco = cco_in(desk.world, status)
    change: dict[str, Any] = {"lines": ()} if field == "lines" else {field: "Changed"}
    before = everything()
    with pytest.raises(ChangeOrderLocked) as refusal:
        desk.edit(cco, replace(as_written(cco), **change))
    assert refusal.value.erp_status == status
    assert everything() == before


def test_a_form_older_than_the_last_change_overwrites_nothing(desk: Desk) -> None:
    cco, colleague = desk.create(), desk.world.person("colleague")
    old = cco.revision
    desk.edit(cco, replace(as_written(cco), title="Steel at grid C"))
    desk.person = colleague
    before = everything()
    with pytest.raises(EditConflict) as refusal:
        desk.edit(cco, replace(as_written(cco), title="Mine"), revision=old)
    with pytest.raises(EditConflict):
        desk.act(approve_change_order, cco, revision=old)
    assert refusal.value.by == "approver"
    assert everything() == before


def test_lines_name_what_the_company_and_the_commitment_have(desk: Desk) -> None:
    stranger = factories.CostCodeFactory.create()
    other = factories.CommitmentFactory.create(project=desk.world.project)
    their_line = other.lines.create(
        position=1, description="Steel", cost_code=desk.code, cost_type=desk.type, amount=1
    )
    before = everything()
    for wrong in (
        replace(desk.line(), cost_code_id=stranger.pk),
        replace(desk.line(), cost_type_id=0),
        replace(desk.line(), commitment_line_id=their_line.pk),
    ):
        with pytest.raises(NotOfThisCompany):
            desk.create("001", desk.line(), wrong)
    assert everything() == before


@pytest.mark.parametrize("amount", ["0.001", "1.005", "-3.999"])
def test_an_amount_is_never_rounded(desk: Desk, amount: str) -> None:
    with pytest.raises(ValueError, match="two places"):
        desk.line(amount)


# --- approval -------------------------------------------------------------------------------------


def test_ccos_are_unapproved_in_the_reverse_order_of_approval(desk: Desk) -> None:
    second, first, third = (desk.approved(number) for number in ("002", "001", "003"))
    before = everything()
    with pytest.raises(LaterChangeOrdersApproved) as refusal:
        desk.act(unapprove_change_order, second)
    assert [one.number for one in refusal.value.later] == ["003", "001"]
    assert [one.change_order_id for one in refusal.value.later] == [third.pk, first.pk]
    with pytest.raises(LaterChangeOrdersApproved):
        desk.act(change_status, first, status=ChangeOrderStatus.VOID)
    assert everything() == before

    for cco in (third, first, second):
        desk.act(unapprove_change_order, cco)
        cco.refresh_from_db()
        assert (cco.status, cco.approved_at) == (ChangeOrderStatus.PENDING_IN_REVIEW, None)


def test_one_whose_time_of_approval_is_not_known_came_first_and_blocks_nobody(desk: Desk) -> None:
    old, known = desk.world.free_cco(), desk.approved("900")
    assert (old.status, old.approved_at) == (ChangeOrderStatus.APPROVED, None)
    with pytest.raises(LaterChangeOrdersApproved):
        desk.act(unapprove_change_order, old)
    desk.act(unapprove_change_order, known)
    desk.act(unapprove_change_order, old)
    assert not CommitmentChangeOrder.objects.filter(status=ChangeOrderStatus.APPROVED).exists()


def test_another_commitments_approvals_do_not_matter(desk: Desk) -> None:
    cco = desk.approved("001")
    desk.commitment = factories.CommitmentFactory.create(project=desk.world.project)
    desk.approved("001")
    desk.act(unapprove_change_order, cco)


@pytest.mark.parametrize("status", ChangeOrderStatus)
def test_every_business_status_is_reached_and_told(desk: Desk, status: ChangeOrderStatus) -> None:
    cco = desk.create()
    desk.act(change_status, cco, status=status)
    cco.refresh_from_db()
    assert cco.status == status
    assert (cco.approved_at is not None) == (status == ChangeOrderStatus.APPROVED)
    changed = status != ChangeOrderStatus.DRAFT
    assert (("Status", "Draft", status.label) in told(cco)) == changed


@pytest.mark.parametrize("status", HELD)
def test_what_accounting_holds_keeps_its_business_status(desk: Desk, status: ErpStatus) -> None:
    cco = cco_in(desk.world, status)
    before = everything()
    for operation in (unapprove_change_order, delete_change_order):
        with pytest.raises(ChangeOrderLocked):
            desk.act(operation, cco)
    assert everything() == before


# --- commitments ----------------------------------------------------------------------------------


def test_a_commitment_is_created_edited_told_and_deleted(desk: Desk) -> None:
    made = desk.commit(desk.subcontract(desk.line("1000.00")))
    assert (made.kind, made.status) == (CommitmentKind.SUBCONTRACT, CommitmentStatus.APPROVED)
    vendor = factories.VendorFactory.create(company=desk.world.company, name="Glassworks")
    lines = (replace(lines_of(made)[0], amount=Decimal("1100.00")), desk.line("5.00", "Seals"))

    desk.edit_commitment(made, desk.subcontract(*lines, vendor_id=vendor.pk, title="Curtain walls"))

    assert told(made) == [
        ("Created", "", "Subcontract SC-900 Curtain wall"),
        ("Line 1", "", "Steel · 5100.000 · Subcontract · 1,000.00"),
        ("Title", "Curtain wall", "Curtain walls"),
        ("Contract company", desk.commitment.vendor.name, "Glassworks"),
        ("Line 1", "Steel · 5100.000 · Subcontract · 1,000.00", "Steel · 5100.000 · Subcontract · 1,100.00"),
        ("Line 2", "", "Seals · 5100.000 · Subcontract · 5.00"),
    ]
    delete_commitment(company_id=desk.world.company.pk, commitment_id=made.pk, user_id=desk.person.pk)
    assert not Commitment.objects.filter(pk=made.pk).exists()
    assert told(made)[-1] == ("Deleted", "SC-900 Curtain walls, Glassworks", "")


def test_statuses_are_those_of_the_kind(desk: Desk) -> None:
    before = everything()
    with pytest.raises(WrongStatus):
        desk.commit(desk.subcontract(status=CommitmentStatus.RECEIVED))
    with pytest.raises(WrongStatus):
        desk.commit(desk.subcontract(status=CommitmentStatus.VOID), CommitmentKind.PURCHASE_ORDER)
    assert everything() == before


def test_commitments_refuse_what_does_not_fit(desk: Desk) -> None:
    made = desk.commit(desk.subcontract(desk.line()))
    stranger = factories.VendorFactory.create()
    before = everything()
    with pytest.raises(NumberTaken):
        desk.commit(desk.subcontract())
    with pytest.raises(NumberTaken):
        desk.edit_commitment(made, desk.subcontract(number=desk.commitment.number))
    with pytest.raises(NotOfThisCompany):
        desk.edit_commitment(made, desk.subcontract(vendor_id=stranger.pk))
    with pytest.raises(EditConflict):
        desk.edit_commitment(made, desk.subcontract(title="Mine"), revision=made.revision - 1)
    assert everything() == before


@pytest.mark.parametrize("status", HELD)
def test_a_commitment_keeps_its_contract_company_while_accounting_holds_a_cco(
    desk: Desk, status: ErpStatus
) -> None:
    cco = cco_in(desk.world, status)
    vendor = factories.VendorFactory.create(company=desk.world.company)
    written = WrittenCommitment(
        desk.commitment.number, "Steel and deck", vendor.pk, CommitmentStatus.APPROVED, ()
    )
    before = everything()
    with pytest.raises(CommitmentLocked) as refusal:
        desk.edit_commitment(desk.commitment, written)
    assert refusal.value.change_orders == (cco.number,)
    assert everything() == before
    desk.edit_commitment(desk.commitment, replace(written, vendor_id=desk.commitment.vendor_id))
    assert Commitment.objects.get(pk=desk.commitment.pk).title == "Steel and deck"


def test_a_line_that_ccos_change_is_not_taken_away(desk: Desk) -> None:
    made = desk.commit(desk.subcontract(desk.line()))
    desk.commitment = made
    [line] = lines_of(made)
    desk.create("001", desk.line(commitment_line_id=line.line_id))
    before = everything()
    with pytest.raises(LineInUse) as refusal:
        desk.edit_commitment(made, desk.subcontract())
    assert refusal.value.change_orders == ("001",)
    assert everything() == before


def test_a_commitment_with_ccos_or_a_link_is_not_deleted(desk: Desk) -> None:
    def delete() -> None:
        delete_commitment(
            company_id=desk.world.company.pk, commitment_id=desk.commitment.pk, user_id=desk.person.pk
        )

    cco = desk.create()
    before = everything()
    with pytest.raises(CommitmentHasChangeOrders) as refusal:
        delete()
    assert refusal.value.change_orders == ("001",)
    assert everything() == before

    desk.act(delete_change_order, cco)
    record_links.link_commitment(commitment=desk.commitment, record_number="1201", actor=LINKER)
    before = everything()
    with pytest.raises(CommitmentLinked):
        delete()
    assert everything() == before


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [level for level in Level if level < Level.ADMIN])
def test_less_than_admin_writes_nothing(desk: Desk, level: Level) -> None:
    cco = desk.create()
    desk.person = desk.world.person("colleague", commitments=level)
    written = as_written(cco)
    before = everything()
    acts: tuple[Callable[[], object], ...] = (
        lambda: desk.create("002"),
        lambda: desk.edit(cco, replace(written, title="Mine")),
        lambda: desk.act(approve_change_order, cco),
        lambda: desk.act(delete_change_order, cco),
        lambda: desk.commit(desk.subcontract()),
        lambda: desk.edit_commitment(desk.commitment, desk.subcontract()),
    )
    for act in acts:
        with pytest.raises(CommitmentsNotAllowed) as refusal:
            act()
        assert refusal.value.missing == (
            f"Needs 'Admin' on Commitments in Harbor Tower; you have '{level.label}'",
        )
    assert everything() == before


def test_another_companys_rows_are_not_there(desk: Desk) -> None:
    theirs = factories.ChangeOrderFactory.create()
    before = everything()
    with pytest.raises(CommitmentChangeOrder.DoesNotExist):
        desk.act(approve_change_order, theirs)
    with pytest.raises(Commitment.DoesNotExist):
        desk.edit_commitment(theirs.commitment, desk.subcontract())
    desk.commitment = theirs.commitment
    with pytest.raises(Commitment.DoesNotExist):
        desk.create()
    assert everything() == before
    assert issubclass(CommitmentsNotAllowed, CommitmentsRefused)

"""A record in Sage that is not as it was accepted: shown, and linked only with a yes to exactly that."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.models import User
from erp_integrations.exports import review
from erp_integrations.models import ChangeOrderLink, EventKind, Export
from erp_integrations.ports import ChangeOrderEntry, EntryLine
from erp_integrations.workflow.errors import (
    Differs,
    DiffersFromOurs,
    ExportInProgress,
    RecordNotEffective,
)
from tests.sendable import (
    accept,
    actor,
    approved_cco,
    export,
    key_in,
    key_in_too_early,
    link_as_it_is,
    send,
    status_of,
    tied_commitment,
)
from tests.world import World

BUDGET_ONLY = EntryLine(
    vendor_record_number="",
    description="Own crew",
    subcontract_record_number="",
    subcontract_line="",
    sub_change_number="",
    cost_code="3310.000",
    cost_type="2",
    amount=Decimal("300.00"),
)


def _with_a_budget_line(entry: ChangeOrderEntry) -> ChangeOrderEntry:
    return replace(entry, lines=(*entry.lines, BUDGET_ONLY))


def _with_another_title(entry: ChangeOrderEntry) -> ChangeOrderEntry:
    return replace(entry, description="Keyed in otherwise")


@pytest.fixture
def commitment(world: World) -> Commitment:
    return tied_commitment(world)


@pytest.fixture
def approver(world: World, commitment: Commitment) -> User:
    assert commitment.project.company == world.company
    return world.person()


@pytest.fixture
def exporting(world: World, commitment: Commitment, approver: User) -> CommitmentChangeOrder:
    """Accepted, and to be keyed in by hand."""
    cco = approved_cco(commitment, "116.50")
    send(world, cco, by=approver)
    accept(world, cco, by=approver, writer="worksheet")
    return cco


def _link(
    world: World, cco: CommitmentChangeOrder, record_number: str, *, by: User, seen: str = ""
) -> ChangeOrderLink:
    return review.link_to_existing(
        company_id=world.company.pk,
        change_order_id=cco.pk,
        record_number=record_number,
        actor=actor(by),
        seen=seen,
    )


def test_a_budget_only_line_in_the_same_record_is_a_fact_and_no_difference(
    world: World, approver: User, exporting: CommitmentChangeOrder
) -> None:
    key_in(world, exporting, change=_with_a_budget_line)

    export(world, exporting, by=approver)

    assert status_of(exporting) == ErpStatus.SYNCED
    [event] = world.events(kind=EventKind.LINKED, subject=exporting)
    facts = [one for one in event.evidence["compared"] if not one["compared"]]
    assert [one["found"] for one in facts] == ["1 of 2"]


def test_what_differs_is_linked_from_exporting_with_a_yes_to_exactly_that(
    world: World, approver: User, exporting: CommitmentChangeOrder
) -> None:
    record = key_in(world, exporting, change=_with_another_title)
    with pytest.raises(Differs):
        export(world, exporting, by=approver)
    assert Export.objects.get(change_order=exporting).differing_record_number == record

    with pytest.raises(DiffersFromOurs) as shown:
        _link(world, exporting, record, by=approver)
    assert [(one.what, one.found) for one in shown.value.compared if not one.same] == [
        ("Title", "Keyed in otherwise")
    ]
    with pytest.raises(DiffersFromOurs):
        _link(world, exporting, record, by=approver, seen="0" * 64)
    assert (status_of(exporting), ChangeOrderLink.objects.count()) == (ErpStatus.EXPORTING, 0)

    link = _link(world, exporting, record, by=approver, seen=shown.value.token)

    assert (link.record_number, status_of(exporting)) == (record, ErpStatus.SYNCED)
    [event] = world.events(kind=EventKind.LINKED, subject=exporting)
    assert {"what": "Title", "same": False}.items() <= next(
        one for one in event.evidence["compared"] if one["what"] == "Title"
    ).items()


def test_what_failed_is_linked_too(world: World, approver: User, exporting: CommitmentChangeOrder) -> None:
    record = key_in(world, exporting, change=_with_another_title)
    CommitmentChangeOrder.objects.filter(pk=exporting.pk).update(erp_status=ErpStatus.FAILED_TO_EXPORT)
    with pytest.raises(DiffersFromOurs) as shown:
        _link(world, exporting, record, by=approver)

    _link(world, exporting, record, by=approver, seen=shown.value.token)

    assert status_of(exporting) == ErpStatus.SYNCED
    assert Export.objects.get(change_order=exporting).outcome == "SYNCED"


@pytest.mark.parametrize("act", ["void", "reject"])
@pytest.mark.parametrize("accepted", [False, True])
def test_a_void_or_rejected_record_is_never_linked_whatever_is_said(
    world: World, commitment: Commitment, approver: User, act: str, *, accepted: bool
) -> None:
    cco = approved_cco(commitment, "116.50")
    send(world, cco, by=approver)
    if accepted:
        accept(world, cco, by=approver, writer="worksheet")
    record = (key_in if accepted else key_in_too_early)(world, cco)
    getattr(world.sage, act)(record, user="ACCT1")
    before = status_of(cco)

    with pytest.raises(RecordNotEffective) as refused:
        link_as_it_is(world, cco, record, by=approver)

    assert refused.value.record_status == {"void": "Void", "reject": "Rejected"}[act]
    assert (status_of(cco), ChangeOrderLink.objects.count()) == (before, 0)
    if accepted:
        with pytest.raises(Differs):
            export(world, cco, by=approver)
        assert ChangeOrderLink.objects.count() == 0


def test_while_somebody_looks_for_the_export_nothing_is_linked(
    world: World, approver: User, exporting: CommitmentChangeOrder
) -> None:
    record = key_in(world, exporting)
    Export.objects.filter(change_order=exporting).update(writing_until=database_now() + timedelta(seconds=30))

    with pytest.raises(ExportInProgress):
        _link(world, exporting, record, by=approver)

    assert (status_of(exporting), ChangeOrderLink.objects.count()) == (ErpStatus.EXPORTING, 0)


def test_a_line_on_an_existing_line_of_the_subcontract_is_no_added_line(
    world: World, approver: User, exporting: CommitmentChangeOrder
) -> None:
    key_in(
        world,
        exporting,
        change=lambda entry: replace(
            entry, lines=tuple(replace(line, subcontract_line="2") for line in entry.lines)
        ),
    )

    with pytest.raises(Differs) as refused:
        export(world, exporting, by=approver)

    assert [one.found for one in refused.value.differences] == ["no line", "116.50"]
    assert status_of(exporting) == ErpStatus.EXPORTING

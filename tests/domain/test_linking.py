"""A link is made only by reading the record in Sage."""

from decimal import Decimal
from typing import Any

import pytest

from commitments.models import CommitmentChangeOrder, CommitmentKind, ErpStatus
from erp_integrations.erp import calls
from erp_integrations.links import create_link
from erp_integrations.models import (
    ChangeOrderLink,
    CommitmentLink,
    Connection,
    JobLink,
    LinkEvent,
    PresenceKey,
)
from erp_integrations.ports import ErpError, Misconfigured, NotInErp, Unavailable
from erp_integrations.record_links import operations as record_links
from erp_integrations.workflow.errors import NoRecord, NotPossibleNow, RecordTaken, TakenOver
from tests import factories
from tests.world import LINKER, World


def waiting_cco(world: World) -> CommitmentChangeOrder:
    return world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)


def assert_nothing_was_linked(world: World, cco: CommitmentChangeOrder, *, status: ErpStatus) -> None:
    cco.refresh_from_db()
    assert cco.erp_status == status
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()
    assert world.events(kind="LINKED") == []


# --- change orders --------------------------------------------------------------------------------


def test_a_link_holds_what_sage_holds(world: World) -> None:
    cco = waiting_cco(world)
    record = world.sage.change_order(world.scenarios["present"].record_number)
    job = next(job for job in world.books.jobs if job.record_number == record.job_record_number)

    made = world.link(cco, "present")

    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.SYNCED
    assert (made.row_id, made.record_number, made.number) == (
        record.row_id,
        record.record_number,
        record.number,
    )
    assert (made.job_record_number, made.job_row_id, made.phase) == (
        record.job_record_number,
        job.row_id,
        record.phase,
    )
    assert made.subcontract_record_number == "1201"
    assert made.sub_change_number == record.lines[0].sub_change_number
    assert made.erp_amount == Decimal("12450.00")
    assert made.presence == PresenceKey.PRESENT
    assert made.linked_at == made.last_seen_at == made.presence_checked_at
    assert (made.linked_by_name, made.unlinked_at, made.unlinked_by_name) == ("Loader", None, "")


def test_a_link_keeps_what_it_was_called_here(world: World) -> None:
    cco = waiting_cco(world)
    made = world.link(cco, "present")
    assert (made.cco_number, made.cco_title) == (cco.number, cco.title)
    assert (made.project_number, made.project_name) == ("2611", "Harbor Tower")
    assert (made.commitment_number, made.commitment_title) == (
        world.commitment.number,
        world.commitment.title,
    )
    assert made.contract_company == world.commitment.vendor.name


def test_the_ledger_tells_of_the_link(world: World) -> None:
    cco = waiting_cco(world)
    made = world.link(cco, "present")
    [event] = world.events(kind="LINKED")
    assert (event.link_id, event.subject_kind, event.subject_id) == (made.pk, "change-order", cco.pk)
    assert event.evidence == {
        "record_number": made.record_number,
        "number": made.number,
        "row_id": str(made.row_id),
    }
    assert (event.project_number, event.rights) == ("2611", "the demo")
    assert (event.actor_id, event.actor_name, event.at) == (None, "Loader", made.linked_at)


def test_several_lines_on_the_subcontract_are_summed(world: World) -> None:
    assert world.link(waiting_cco(world), "summed").erp_amount == Decimal("4029.75")


def test_only_the_part_on_the_subcontract_counts(world: World) -> None:
    ours, others = (
        world.link(waiting_cco(world), "shared-deleted"),
        world.link(waiting_cco(world), "shared-kept"),
    )
    assert ours.row_id == others.row_id
    assert (ours.erp_amount, others.erp_amount) == (Decimal("5230.00"), Decimal("8470.00"))


@pytest.mark.parametrize("status", [ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED])
def test_only_a_cco_that_accounting_holds_is_linked(world: World, status: ErpStatus) -> None:
    cco = world.free_cco(erp_status=status)
    with pytest.raises(NotPossibleNow):
        world.link(cco, "present")
    assert_nothing_was_linked(world, cco, status=status)


def test_a_synced_cco_is_not_linked_again(world: World) -> None:
    cco = world.synced_cco()
    with pytest.raises(NotPossibleNow):
        world.link(cco, "void")
    assert ChangeOrderLink.objects.get().record_number == world.scenarios["present"].record_number


def test_a_record_that_is_not_in_sage_is_not_linked(world: World) -> None:
    cco = waiting_cco(world)
    world.sage.delete(world.scenarios["present"].record_number, user="ACCT2")
    with pytest.raises(NotInErp):
        world.link(cco, "present")
    with pytest.raises(NotInErp):
        create_link.link_change_order(
            change_order_id=cco.pk,
            record_number="99999",
            subcontract_record_number="1201",
            actor=LINKER,
        )
    assert_nothing_was_linked(world, cco, status=ErpStatus.READY_TO_EXPORT)


def test_a_record_without_a_line_on_the_subcontract_is_not_linked(world: World) -> None:
    cco = waiting_cco(world)
    with pytest.raises(NotInErp):
        world.link(cco, "present", subcontract="1202")
    assert_nothing_was_linked(world, cco, status=ErpStatus.READY_TO_EXPORT)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("offline", Unavailable),
        ("locked", Unavailable),
        ("restored", Misconfigured),
        ("wrong-database", Misconfigured),
        ("no-rights", Misconfigured),
    ],
)
def test_a_sage_in_trouble_links_nothing(world: World, fault: str, error: type[ErpError]) -> None:
    cco = waiting_cco(world)
    world.sage.set_fault(fault)
    with pytest.raises(error):
        world.link(cco, "present")
    assert_nothing_was_linked(world, cco, status=ErpStatus.READY_TO_EXPORT)


def test_a_connection_that_nobody_accepted_links_nothing(world: World) -> None:
    cco = waiting_cco(world)
    Connection.objects.update(accepted_incarnation="", accepted_at=None, accepted_by_name="")
    with pytest.raises(Misconfigured):
        world.link(cco, "present")
    assert_nothing_was_linked(world, cco, status=ErpStatus.READY_TO_EXPORT)


def test_a_record_that_is_tied_already_is_not_tied_twice(world: World) -> None:
    world.synced_cco("present")
    cco = waiting_cco(world)
    with pytest.raises(RecordTaken):
        world.link(cco, "present")
    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.READY_TO_EXPORT
    assert ChangeOrderLink.objects.count() == len(world.events(kind="LINKED")) == 1


def test_a_purchase_orders_cco_is_never_linked(world: World) -> None:
    order = factories.CommitmentFactory.create(project=world.project, kind=CommitmentKind.PURCHASE_ORDER)
    cco = factories.ChangeOrderFactory.create(commitment=order)
    factories.walk_to(cco, ErpStatus.READY_TO_EXPORT)
    with pytest.raises(NotPossibleNow):
        world.link(cco, "present")
    assert_nothing_was_linked(world, cco, status=ErpStatus.READY_TO_EXPORT)


# --- jobs and commitments -------------------------------------------------------------------------


def test_a_project_is_tied_to_its_job(world: World) -> None:
    job = world.books.jobs[0]
    made = record_links.link_job(project=world.project, record_number=job.record_number, actor=LINKER)
    assert (made.row_id, made.record_number) == (job.row_id, job.record_number)
    [event] = world.events(kind="LINKED")
    assert (event.subject_kind, event.subject_id, event.link_id) == ("project", world.project.pk, made.pk)


def test_a_subcontract_is_tied_to_its_record(world: World) -> None:
    contract = world.books.subcontracts[0]
    made = record_links.link_commitment(
        commitment=world.commitment, record_number=contract.record_number, actor=LINKER
    )
    assert (made.row_id, made.record_number, made.number) == (
        contract.row_id,
        contract.record_number,
        contract.number,
    )
    [event] = world.events(kind="LINKED")
    assert (event.subject_kind, event.subject_id) == ("commitment", world.commitment.pk)


def test_what_is_not_in_sage_ties_nothing(world: World) -> None:
    with pytest.raises(NoRecord):
        record_links.link_job(project=world.project, record_number="99999", actor=LINKER)
    with pytest.raises(NoRecord):
        record_links.link_commitment(commitment=world.commitment, record_number="99999", actor=LINKER)
    assert not JobLink.objects.exists()
    assert not CommitmentLink.objects.exists()
    assert not LinkEvent.objects.filter(kind="LINKED").exists()


def test_a_connection_set_anew_while_sage_answers_ties_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_to = calls.answer_to

    def answered_too_late(*args: Any, **options: Any) -> object:
        answer = answer_to(*args, **options)
        Connection.objects.update(revision=99)
        return answer

    monkeypatch.setattr(calls, "answer_to", answered_too_late)

    with pytest.raises(TakenOver):
        record_links.link_job(
            project=world.project, record_number=world.books.jobs[0].record_number, actor=LINKER
        )

    assert not JobLink.objects.exists()
    assert world.events(kind="LINKED") == []

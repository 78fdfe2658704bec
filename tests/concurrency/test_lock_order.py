"""One order of locks: no two acts wait for each other in a ring."""

from functools import partial
from typing import Any

from commitments.models import ErpStatus
from erp_integrations.bulk_unlink.operations import cancel_bulk_unlink, process_bulk_unlink, start_bulk_unlink
from erp_integrations.connections.connect import Address, set_connection
from erp_integrations.erp import registry
from erp_integrations.exports import run_export
from erp_integrations.exports.review import reject_change_order
from erp_integrations.ledger.actors import PLUMBLINE
from erp_integrations.links.check_now import check_change_orders
from erp_integrations.links.relink import relink_change_order
from erp_integrations.links.unlink import Unlinked
from erp_integrations.models import ChangeOrderLink, Connection, Export
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.errors import NotPossibleNow, TakenOver
from erp_integrations.workflow.lock_order import ORDER
from tests.concurrency.crowd import all_at_once
from tests.concurrency.locks import Meeting, Transactions
from tests.sendable import accept, actor, approved_cco, key_in, send, status_of, tied_commitment
from tests.world import LINKER, World

CCO = "commitments_commitmentchangeorder"
CONNECTION = "erp_integrations_connection"


def test_an_export_that_comes_late_and_an_unlink_do_not_wait_for_each_other(
    committed_world: World,
) -> None:
    """The export was taken over, and linked by somebody else; its CCO is unlinked just as it settles."""
    world = committed_world
    tied_commitment(world)
    approver = world.person()
    cco = approved_cco(world.project.commitments.get())
    send(world, cco, by=approver)
    accept(world, cco, by=approver, writer="worksheet")
    key_in(world, cco)
    late = run_export._claim(company_id=world.company.pk, change_order_id=cco.pk, actor=actor(approver))
    found = run_export._bring_in_time(late)
    Export.objects.filter(pk=late.export_id).update(writing_until=None)
    run_export.export_change_order(company_id=world.company.pk, change_order_id=cco.pk, actor=PLUMBLINE)
    world.delete_in_sage(cco)
    meeting = Meeting()

    settled, unlinked = all_at_once(
        [
            meeting.after(CCO, partial(run_export._settle, late, found, actor=actor(approver))),
            meeting.after(CONNECTION, partial(world.unlink, cco, by=approver)),
        ]
    )

    assert isinstance(unlinked, Unlinked), unlinked
    assert isinstance(settled, TakenOver), settled
    assert status_of(cco) == ErpStatus.NOT_IN_ERP


def test_linking_and_sending_do_not_wait_for_each_other(committed_world: World) -> None:
    """Sending refers to the connection when it commits, while linking holds it and waits for the CCO."""
    world = committed_world
    tied_commitment(world)
    approver = world.person()
    cco = approved_cco(world.project.commitments.get())
    meeting = Meeting()

    sent, linked = all_at_once(
        [
            meeting.after(CCO, partial(send, world, cco, by=approver)),
            meeting.after(CONNECTION, partial(world.link, cco, "present")),
        ]
    )

    assert isinstance(sent, Export), sent
    assert isinstance(linked, ChangeOrderLink | NotPossibleNow), linked
    assert status_of(cco) in (ErpStatus.READY_TO_EXPORT, ErpStatus.SYNCED)


def test_every_act_takes_its_locks_in_the_one_order(committed_world: World) -> None:
    world, seen = committed_world, Transactions()
    keys: dict[str, Any] = {"company_id": world.company.pk}
    with seen.recorded():
        tied_commitment(world)
        approver = world.person()
        by = actor(approver)
        cco, rejected = (approved_cco(world.project.commitments.get(), number=one) for one in ("900", "901"))
        send(world, cco, by=approver)
        send(world, rejected, by=approver)
        reject_change_order(**keys, change_order_id=rejected.pk, reason="Too much", actor=by)
        accept(world, cco, by=approver, writer="sandbox")
        run_export.export_change_order(**keys, change_order_id=cco.pk, actor=by)
        linked = world.synced_cco()
        check_change_orders(**keys, change_order_ids=[cco.pk, linked.pk], actor=by)
        reconcile(connection_id=world.connection.pk, actor=LINKER)
        record = world.record_of(linked)
        world.delete_in_sage(linked)
        reconcile(connection_id=world.connection.pk, actor=LINKER)
        world.unlink(linked, by=approver)
        world.sage.restore(record, user="ACCT2")
        relink_change_order(**keys, change_order_id=linked.pk, actor=by)
        world.delete_in_sage(linked)
        bulk = start_bulk_unlink(**keys, change_order_ids=[linked.pk, cco.pk], actor=by)
        process_bulk_unlink(bulk.pk)
        cancel_bulk_unlink(**keys, bulk_id=bulk.pk, actor=by)
        address = Address(kind=registry.SANDBOX, database=world.books.name, sandbox_path=world.place)
        set_connection(company=world.company, address=address, actor=LINKER)

    rank = {table: place for place, table in enumerate(ORDER)}
    assert {table for one in seen.finished for table in one} >= set(rank)
    for locked in seen.finished:
        ranks = [rank[table] for table in locked if table in rank]
        assert ranks == sorted(ranks), locked


def test_the_order_names_tables_that_there_are() -> None:
    assert Connection._meta.db_table in ORDER
    assert len(set(ORDER)) == len(ORDER)

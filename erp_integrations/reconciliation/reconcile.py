"""Reconcile: compares a company's active links with its records in the ERP, and records differences.

The keys of the whole company are read once and compared as they arrive. A look by key confirms each
difference before it is recorded, in batches, each in one short transaction; no transaction is open during a
call to the ERP. A run is a lease: after a crash a new run starts from the beginning, since recorded findings
stay and are not recorded twice.
"""

from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.links.brake import fault_for
from erp_integrations.models import ReconcileRun
from erp_integrations.policies import find_implausible
from erp_integrations.ports import Deadline, ErpError, ErpReader, error_for
from erp_integrations.reconciliation.confirm_suspects import confirm_suspects, count_unexplained
from erp_integrations.reconciliation.diff import DiffResult, LinkDiffer
from erp_integrations.reconciliation.run_lease import (
    RunLease,
    claim_run,
    end_run,
    log,
    renew,
)
from erp_integrations.workflow.errors import TakenOver

BLOCK_SECONDS = 60
"""The longest wait for the next block of keys; less than the lease."""
LONGEST_SECONDS = 3_600
"""The time limit for all keys of a company."""


def reconcile(*, connection_id: int, actor: Actor) -> ReconcileRun:
    """One complete run; its row records how it ended.

    Must not be called inside a transaction. Raises `ReconcileInProgress`. When the ERP gives no trustworthy
    answer, or an implausible one, the row says so and nothing is raised.
    """
    lease = claim_run(connection_id=connection_id, actor=actor)
    diff: DiffResult | None = None
    try:
        reader = registry.reader_for(registry.spec_of(lease.connection))
        diff = _compare(lease, reader)
        _refuse_implausible(lease, reader, diff)
        confirm_suspects(lease, reader, diff)
    except ErpError as error:
        end_run(lease, diff, error.fault)
    except TakenOver:
        log.warning("reconcile_taken_over", run_id=lease.run_id)
    except Exception:
        end_run(lease, diff, calls.NOT_UNDERSTOOD)
        raise
    else:
        end_run(lease, diff, None)
    return ReconcileRun.objects.get(pk=lease.run_id)


def _compare(lease: RunLease, reader: ErpReader) -> DiffResult:
    """Raises `ErpError`."""
    deadline = Deadline.after(LONGEST_SECONDS)
    with calls.keys(reader, deadline=deadline, block_seconds=BLOCK_SECONDS) as stream:
        if stream.incarnation != lease.connection.accepted_incarnation:
            raise error_for(registry.faults()["other-incarnation"])
        lease.server_clock, lease.history_mark = stream.server_ahead, stream.history_mark
        differ = LinkDiffer(lease.connection.pk, stream.jobs, stream.odd_jobs)
        for block in stream.blocks:
            differ.compare_block(block)
            lease.change_orders = differ.result.change_orders
            renew(lease)
        lease.read_until = lease.clock()
        differ.compare_rest()
    return differ.result


def _refuse_implausible(lease: RunLease, reader: ErpReader, diff: DiffResult) -> None:
    """Called before anything is recorded. Raises `Misconfigured`, and `ErpError` without an answer.

    When too many records are missing, they are looked up: explained deletions do not count.
    """

    def reason(missing: int) -> str:
        return find_implausible(
            links=diff.links,
            missing=missing,
            change_orders=diff.change_orders,
            change_orders_before=lease.change_orders_before,
            most_missing_percent=lease.connection.most_missing_percent,
        )

    missing = diff.missing
    if reason(missing) and not reason(0):
        missing = count_unexplained(lease, reader, diff, enough=lambda unexplained: bool(reason(unexplained)))
    if refused := reason(missing):
        raise error_for(fault_for(refused))

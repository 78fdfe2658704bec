"""Reconcile: compare a company's active links with its books, and record what is otherwise.

The keys of the whole company are read once and compared as they come. Whatever differs is looked at by its
key before it is recorded, in batches, each in one short transaction; no transaction is open while the books
are asked. A run is a lease: one that was killed is not continued but begun again, since what it recorded
stands, and what is stored already is not recorded twice.
"""

from erp_integrations.erp import calls, registry
from erp_integrations.ledger.actors import Actor
from erp_integrations.links.brake import fault_for
from erp_integrations.models import ReconcileRun
from erp_integrations.policies import find_implausible
from erp_integrations.ports import Deadline, ErpError, ErpReader, error_for
from erp_integrations.reconciliation.confirm_suspects import confirm_suspects, count_untold
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
"""The longest that a run waits for the next keys: less than its lease."""
LONGEST_SECONDS = 3_600
"""For all keys of a company."""


def reconcile(*, connection_id: int, actor: Actor) -> ReconcileRun:
    """One run, from its beginning to its end; whatever happened, the row says it.

    Must not be called inside a transaction. Raises `ReconcileInProgress`; where the books gave no
    trustworthy answer, or an implausible one, the run says so and nothing is raised.
    """
    claim = claim_run(connection_id=connection_id, actor=actor)
    sifted: DiffResult | None = None
    try:
        reader = registry.reader_for(registry.spec_of(claim.connection))
        sifted = _compare(claim, reader)
        _refuse_implausible(claim, reader, sifted)
        confirm_suspects(claim, reader, sifted)
    except ErpError as error:
        end_run(claim, sifted, error.fault)
    except TakenOver:
        log.warning("reconcile_taken_over", run_id=claim.run_id)
    except Exception:
        end_run(claim, sifted, calls.NOT_UNDERSTOOD)
        raise
    else:
        end_run(claim, sifted, None)
    return ReconcileRun.objects.get(pk=claim.run_id)


def _compare(claim: RunLease, reader: ErpReader) -> DiffResult:
    """Raises `ErpError`."""
    deadline = Deadline.after(LONGEST_SECONDS)
    with calls.keys(reader, deadline=deadline, block_seconds=BLOCK_SECONDS) as stream:
        if stream.incarnation != claim.connection.accepted_incarnation:
            raise error_for(registry.faults()["other-incarnation"])
        claim.server_clock, claim.history_mark = stream.server_ahead, stream.history_mark
        sieve = LinkDiffer(claim.connection.pk, stream.jobs, stream.odd_jobs)
        for block in stream.blocks:
            sieve.sift(block)
            claim.change_orders = sieve.sifted.change_orders
            renew(claim)
        claim.read_until = claim.clock()
        sieve.sift_rest()
    return sieve.sifted


def _refuse_implausible(claim: RunLease, reader: ErpReader, sifted: DiffResult) -> None:
    """Before anything is recorded. Raises `Misconfigured`, and `ErpError` where the books do not answer.

    Where too many are missing, they are looked at: those whose deletion history tells do not count.
    """

    def words(missing: int) -> str:
        return find_implausible(
            links=sifted.links,
            missing=missing,
            change_orders=sifted.change_orders,
            change_orders_before=claim.change_orders_before,
            most_missing_percent=claim.connection.most_missing_percent,
        )

    missing = sifted.missing
    if words(missing) and not words(0):
        missing = count_untold(claim, reader, sifted, enough=lambda untold: bool(words(untold)))
    if refused := words(missing):
        raise error_for(fault_for(refused))

"""What is asked of an ERP."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from erp_integrations.ports.connections import Handshake
from erp_integrations.ports.deadlines import Clock, Deadline
from erp_integrations.ports.findings import NO_CONTROLS, ChangeOrderReference, Controls, Finding
from erp_integrations.ports.keys import KeyStream
from erp_integrations.ports.records import (
    ChangeOrdersFound,
    ErpChangeOrder,
    ErpJob,
    ErpSubcontract,
    ErpVendor,
)

MOST_LOOKED_UP_AT_ONCE = 50
"""How many records one call of `lookup_many` may ask about: a page's worth."""

MOST_LOOKED_UP_QUICKLY = 200
"""How many records one call of `quick_lookup_many` may ask about, so that the connection is not the cost."""


class ErpReader(Protocol):
    """Asks one company's books. Reads only; holds no connection between calls.

    Every method runs in the caller's thread and may block until its deadline and, with a driver that
    cannot be interrupted, beyond it: callers who must not wait use a thread of their own.
    """

    def handshake(self, *, deadline: Deadline) -> Handshake:
        """What the server says of itself. Problems are reported, not raised.

        Raises `ErpError` when there is no server to talk to.
        """
        ...

    def lookup(
        self,
        reference: ChangeOrderReference,
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> Finding:
        """Whether the record is still there. Never raises for the ERP's sake: doubt is UNKNOWN.

        Without `controls` the connection has no other active link.
        """
        ...

    def lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        """What `lookup` would find for each, in their order, at the cost of a few looks.

        At most `MOST_LOOKED_UP_AT_ONCE` references, else `ValueError`. A fault of the connection is the
        finding of every record that had none yet; a value that is not understood only of the record it
        belongs to. Never raises for the ERP's sake.
        """
        ...

    def quick_lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        """What one look says of each, in their order, by the rules of `lookup_many`: never enough to cut.

        `second_looked_at` is None in every finding. At most `MOST_LOOKED_UP_QUICKLY`; else as `lookup_many`:
        the same faults, and never raises for the ERP's sake.
        """
        ...

    def stream_keys(self, *, deadline: Deadline) -> AbstractContextManager[KeyStream]:
        """All jobs, then all change orders with their lines on subcontracts, in blocks by record number.

        From the accepted database, over one connection that ends with the context, in memory that does not
        grow with the company, without a cursor or a lock that lasts from one block to the next. Only a stream
        that was read to its end is complete; a key that is missing from it is no proof that the record is
        gone: confirm it with a look. A row that cannot be read is named among the odd and left out; rows that
        are out of order or of another width are trouble of the whole. Raises `ErpError` on entering, and in
        the middle; what the context's own block raises passes unchanged.
        """
        ...

    def read_job(self, record_number: str, *, deadline: Deadline) -> ErpJob:
        """Raises `NotInErp`, `ErpError`."""
        ...

    def read_subcontract(self, record_number: str, *, deadline: Deadline) -> ErpSubcontract:
        """With its lines. Raises `NotInErp`, `ErpError`."""
        ...

    def read_vendor(self, record_number: str, *, deadline: Deadline) -> ErpVendor:
        """Raises `NotInErp`, `ErpError`."""
        ...

    def read_change_order(self, record_number: str, *, deadline: Deadline) -> ErpChangeOrder:
        """With its lines. Raises `NotInErp`, `ErpError`."""
        ...

    def find_change_orders(
        self, *, job_record_number: str, subcontract_record_number: str, deadline: Deadline
    ) -> ChangeOrdersFound:
        """Every change order of the job, and every other with a line on the subcontract.

        Raises `ErpError`. None at all is an answer too, and no proof of anything: it is read once. Lines that
        have lost their header are no change order, and are not here. One that cannot be read is among the
        odd, and keeps none of the others from being found.
        """
        ...

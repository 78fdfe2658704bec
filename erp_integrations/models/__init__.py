"""Connections, links, attempts, exports and events: the rows behind the promise.

`links.sql` beside `links.py` holds the rules of its tables that a Django constraint cannot state, and so on.
`change_orders.sql` holds those for `commitments.models`.
"""

from erp_integrations.models.attempts import AttemptState, UnlinkAttempt, Via
from erp_integrations.models.bulk_unlinks import UNFINISHED, BulkUnlink, BulkUnlinkItem, ItemState
from erp_integrations.models.confirmed_deletions import (
    ConfirmedDeletion,
    ConfirmedDeletionRecord,
    DeletionEnd,
)
from erp_integrations.models.connections import APPLICATION_NAME, Connection
from erp_integrations.models.events import EventKind, LinkEvent
from erp_integrations.models.exports import Export, ExportOutcome
from erp_integrations.models.ignored_records import IgnoredRecord
from erp_integrations.models.links import (
    ChangeOrderLink,
    CommitmentLineLink,
    CommitmentLink,
    Drift,
    JobLink,
    PresenceKey,
    VendorLink,
)
from erp_integrations.models.reconcile_runs import ReconcileRun, ReconcileState

__all__ = [
    "APPLICATION_NAME",
    "UNFINISHED",
    "AttemptState",
    "BulkUnlink",
    "BulkUnlinkItem",
    "ChangeOrderLink",
    "CommitmentLineLink",
    "CommitmentLink",
    "ConfirmedDeletion",
    "ConfirmedDeletionRecord",
    "Connection",
    "DeletionEnd",
    "Drift",
    "EventKind",
    "Export",
    "ExportOutcome",
    "IgnoredRecord",
    "ItemState",
    "JobLink",
    "LinkEvent",
    "PresenceKey",
    "ReconcileRun",
    "ReconcileState",
    "UnlinkAttempt",
    "VendorLink",
    "Via",
]

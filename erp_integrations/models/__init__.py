"""Connections, links, attempts, exports and events: the rows behind the promise."""

from erp_integrations.models.attempts import AttemptState, UnlinkAttempt, Via
from erp_integrations.models.connections import APPLICATION_NAME, Connection
from erp_integrations.models.events import EventKind, LinkEvent
from erp_integrations.models.exports import Export, ExportOutcome
from erp_integrations.models.links import (
    ChangeOrderLink,
    CommitmentLink,
    JobLink,
    PresenceKey,
    VendorLink,
)

__all__ = [
    "APPLICATION_NAME",
    "AttemptState",
    "ChangeOrderLink",
    "CommitmentLink",
    "Connection",
    "EventKind",
    "Export",
    "ExportOutcome",
    "JobLink",
    "LinkEvent",
    "PresenceKey",
    "UnlinkAttempt",
    "VendorLink",
    "Via",
]

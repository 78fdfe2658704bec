"""Connections, links, attempts and events: the rows behind the promise."""

from erp_integrations.models.attempts import AttemptState, UnlinkAttempt, Via
from erp_integrations.models.connections import Connection
from erp_integrations.models.events import EventKind, LinkEvent
from erp_integrations.models.links import ChangeOrderLink, CommitmentLink, JobLink, PresenceKey

__all__ = [
    "AttemptState",
    "ChangeOrderLink",
    "CommitmentLink",
    "Connection",
    "EventKind",
    "JobLink",
    "LinkEvent",
    "PresenceKey",
    "UnlinkAttempt",
    "Via",
]

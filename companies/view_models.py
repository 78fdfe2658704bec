"""Plain values for the Directory's templates, so that no query can hide in one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One entry in the list."""

    name: str
    username: str
    email: str
    url: str
    is_active: bool
    is_approver: bool
    """'Standard' or 'Admin' on ERP Integrations together with Can Push to Accounting."""
    directory: str
    erp_integrations: str
    commitments: str
    """Of all projects: `Admin on 3 projects, Standard on 1`."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page of a list stands; of every list there is."""

    first: int
    last: int
    total: int
    previous_url: str = ""
    next_url: str = ""
    at_least: bool = False
    """Whether there are more than `total`: nobody counted further."""
    beyond: int = 0
    """Where `first` and `last` are not known: how many rows at least stand before the page."""
    shown: int = 0
    """How many rows are on it, where they were not counted by `first` and `last`."""
    count_url: str = ""
    """The same page with everything counted; empty where everything is."""
    looked_through: int = 0
    """Where not 0: only so many rows were looked through for what was searched."""
    key_is_lost: bool = False
    """Whether the page that was asked for is not known, and this is the first one instead."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """The head of a person's page."""

    name: str
    username: str
    email: str
    is_active: bool
    is_own: bool
    is_approver: bool
    can_push_to_accounting: bool
    subscribed_to_digest: bool


@dataclass(frozen=True, slots=True)
class LevelLine:
    tool: str
    level: str


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that waits for support."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class EntryEvent:
    at: datetime
    by: str
    kind: str
    what: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class MissingPrivilege:
    """For a person without Can Push to Accounting: where to ask for it, or since when they have asked."""

    url: str
    requested_at: datetime | None

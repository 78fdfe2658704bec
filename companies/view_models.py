"""Plain values for the Directory's templates, so that templates run no queries."""

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
    """The levels on all projects: `Admin on 3 projects, Standard on 1`."""


@dataclass(frozen=True, slots=True)
class Page:
    """The position of a page in its list; used by all lists."""

    first: int
    last: int
    total: int
    previous_url: str = ""
    next_url: str = ""
    at_least: bool = False
    """Whether there are more than `total` rows, where counting stopped."""
    beyond: int = 0
    """The least number of rows before the page, when `first` and `last` are not known."""
    shown: int = 0
    """The number of rows on the page, when `first` and `last` are not known."""
    count_url: str = ""
    """The URL of the same page with everything counted; empty when everything is."""
    looked_through: int = 0
    """If not 0, only so many rows were searched."""
    key_is_lost: bool = False
    """Whether the requested page does not exist and the first page is shown instead."""


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
    """A request that support has not decided."""

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
    """For a person without Can Push to Accounting: where to request it, or when it was requested."""

    url: str
    requested_at: datetime | None

"""Plain values for the templates, so that no query can hide in one.

Queries and views build them; templates only print them. Money is `Decimal` in the company's currency,
times are aware.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from erp_integrations.ports import PreparedChangeOrder

Tone = Literal["good", "refused", "doubt", "waiting"]


@dataclass(frozen=True, slots=True)
class Tab:
    """A link in a row of links: a tab of the tool, or a view of the list."""

    key: str
    label: str
    url: str
    current: bool
    count: int | None = None
    at_least: bool = False
    """Whether there are more than `count`: nobody counted further."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """A quiet link under a message; `post` ones are small forms."""

    label: str
    url: str
    post: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The answer to an act. `title` stands alone; `details` belong to the case."""

    level: Literal["success", "error", "warning"]
    title: str
    details: tuple[str, ...] = ()
    next_steps: tuple[NextStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Presence:
    """What the ERP said last, and when."""

    key: str
    """For `data-presence`: `present absent not-effective renumbered …  unchecked`."""
    word: str
    tone: Tone
    checked_at: datetime | None
    drift: tuple[str, ...] = ()
    """What of the record is otherwise in the ERP now: `Number`, `Amount` …"""
    next_step: str = ""
    """What that means for the link, in a word or two; empty where nothing is to be done."""


@dataclass(frozen=True, slots=True)
class SyncedRow:
    change_order_id: int
    number: str
    title: str
    url: str
    project: str
    commitment: str
    contract_company: str
    amount: Decimal
    erp_number: str
    erp_record: str
    linked_at: datetime
    linked_by: str
    presence: Presence
    unlink_url: str
    missing: tuple[str, ...]
    """The requirements the viewer lacks, in words; empty when they may unlink."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of one commitment; `key` is for element ids.

    `count` and `total` are of all its rows in the view, on whatever page they stand.
    """

    key: str
    project: str
    commitment: str
    total: Decimal | None
    """None where there are more than are added up."""
    rows: tuple[SyncedRow, ...]
    count: int = 0
    """How many CCOs there are, where `rows` does not hold them all; 0 means: as many as `rows`."""
    at_least: bool = False
    """Whether there are more than `count`."""


@dataclass(frozen=True, slots=True)
class BulkActions:
    """What can be done with several rows of the list."""

    query: str
    """The list's address after the question mark: which view of it the act is about."""
    may_unlink: bool
    """Whether the viewer may unlink any row of the page."""
    may_check: bool
    gone: str
    """How many of the view are deleted in the ERP: `12`, `10,000+`; empty for none."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A cell of a row whose columns depend on the view: words, or a time and whose it is, or both."""

    label: str
    words: str
    at: datetime | None = None
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class RowAct:
    """Something to do with a row: a page to open, or a small form that posts."""

    label: str
    url: str
    said: str = ""
    """The label for who cannot see the row: it says which CCO. Empty where the label is enough."""
    post: bool = False
    free: bool = False
    """Whether everybody may who sees the row."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A CCO that is on its way through accounting."""

    change_order_id: int
    number: str
    title: str
    url: str
    project: str
    commitment: str
    contract_company: str
    amount: Decimal
    facts: tuple[Fact, ...]
    acts: tuple[RowAct, ...]
    missing: tuple[str, ...]
    """The requirements the viewer lacks for the acts, in words."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The line at the top right: when the ERP last answered."""

    tone: Tone
    words: str
    at: datetime | None = None
    answered_at: datetime | None = None
    """Of a failure: when the ERP answered last, before it."""


# --- history of one CCO --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeOrderFacts:
    """The head of a page about one CCO."""

    change_order_id: int
    number: str
    title: str
    project: str
    commitment: str
    contract_company: str
    amount: Decimal
    erp_status: str
    url: str = ""
    """The project team's page, for those who may see it."""


@dataclass(frozen=True, slots=True)
class LinkPeriod:
    """One link, from when to when."""

    linked_at: datetime
    linked_by: str
    unlinked_at: datetime | None
    unlinked_by: str
    erp_record: str
    erp_number: str
    row_id: str
    link_id: int
    moved_to: str = ""
    """The record that the CCO's link was moved to, where that is how this one ended."""


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One try to unlink, and what came of it."""

    attempt_id: int
    started_at: datetime
    ended_at: datetime | None
    actor: str
    verdict_word: str
    outcome: str
    details: tuple[str, ...] = ()
    tone: Tone = "waiting"


@dataclass(frozen=True, slots=True)
class EventLine:
    event_id: int
    at: datetime
    actor: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class RoundLine:
    """One round through accounting: from sending to what came of it."""

    sent_at: datetime
    sent_by: str
    accepted_at: datetime | None
    accepted_by: str
    writer: str
    erp_number: str
    failed_at: datetime | None
    failure_words: str
    looked_at: datetime | None
    differences: tuple[tuple[str, str, str], ...]
    """(what, as accepted, as found) by the last look."""
    differing_record_number: str
    """The record that the differences are of; empty where there are none."""
    ended_at: datetime | None
    ended_by: str
    outcome: str
    reason: str
    prepared: PreparedChangeOrder | None
    """What was signed off."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of unwinding, in order; `act` where the viewer can take it now."""

    words: str
    who: tuple[str, ...]
    """The people who may, a few of them; or who it is for, where it is not done here."""
    more: int = 0
    """How many others may."""
    act: RowAct | None = None


# --- what is tied to the ERP ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordLinkRow:
    """A project, vendor or commitment, and its record in the ERP where it is tied to one."""

    subject_id: int
    number: str
    name: str
    beside: str
    """What it belongs to: a commitment's project and contract company."""
    erp_record: str
    linked_at: datetime | None
    linked_by: str
    link_url: str
    unlink_url: str


# --- connection ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One thing that was looked at. `waiting` means: not known, which is neither well nor wrong."""

    tone: Literal["good", "refused", "waiting"]
    words: str
    advice: str = ""
    """Who can mend it and how; empty where there is nothing to mend."""
    at: datetime | None = None
    """Ends the words."""
    fault: str = ""
    """The code under which the page of errors explains more."""


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """The connection without its secrets; the login and the connection string are never in here."""

    erp_name: str
    database: str
    server: str
    application_name: str
    status: str
    tone: Tone
    lines: tuple[ReportLine, ...]
    """What the last check found."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure_words: str
    failures_in_a_row: int
    rests_until: datetime | None
    """Until then only people's clicks ask; None when it is not left in peace."""
    check_url: str
    accept_url: str
    may_check: bool
    may_change: bool
    practice: bool
    """Whether it is a practice company."""
    compare_url: str
    comparison: "DatabaseComparison | None"
    """Of the database that waits; None where it was not compared yet."""
    waiting_incarnation: str
    """Another database answers to the name: the ERP admin may accept it, with a reason. Empty for none."""


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """A link whose record is not in the database that waits."""

    label: str
    record_number: str
    url: str


@dataclass(frozen=True, slots=True)
class DatabaseComparison:
    """What a database that waits to be accepted holds of the active links' records."""

    at: datetime
    under_way: bool
    """Whether the queue is comparing; the counts are not known yet."""
    why_not: str
    """Why it could not be compared, and what to do; empty where it was."""
    links: int = 0
    there: int = 0
    missing: tuple[MissingRecord, ...] = ()
    """The first of them."""

    @property
    def missing_count(self) -> int:
        return self.links - self.there


@dataclass(frozen=True, slots=True)
class RunLine:
    """One comparison of all links with the books."""

    state: str
    word: str
    tone: Tone
    started_at: datetime
    actor: str
    seconds: str
    """Empty while it runs."""
    checked: int
    present: int
    absent: int
    drifted: int
    unknown: int
    changed: int
    odd: int
    """Records in the books that cannot be read."""
    words: str
    advice: str


@dataclass(frozen=True, slots=True)
class OddLine:
    """A record in the books that cannot be read."""

    table: str
    record: str
    """Its number, or its row id where the number is what cannot be read; empty for neither."""
    column: str
    shown: str


@dataclass(frozen=True, slots=True)
class ReconciliationPanel:
    """How the links of a connection are compared by themselves, and how that went lately."""

    how_often: str
    last_complete_at: datetime | None
    why_stale: str
    """Why not every link was compared since the last complete run; empty where the last run was that."""
    runs: tuple[RunLine, ...]
    url: str
    odd: int
    """How many records the last complete run could not read."""
    odd_lines: tuple[OddLine, ...]
    """The first of them."""

"""Plain values for templates, so that templates run no queries.

Queries and views build them; templates only print them. Money is `Decimal` in the company's currency, times
are aware.
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
    """Whether there are more than `count`, where counting stopped."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """A quiet link under a message; `post` ones are small forms."""

    label: str
    url: str
    post: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The answer to an action. `title` stands alone; `details` belong to the case."""

    level: Literal["success", "error", "warning"]
    title: str
    details: tuple[str, ...] = ()
    next_steps: tuple[NextStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Presence:
    """What the ERP last said about the record, and when."""

    key: str
    """For `data-presence`: `present absent not-effective renumbered …  unchecked`."""
    word: str
    tone: Tone
    checked_at: datetime | None
    drift: tuple[str, ...] = ()
    """The values that differ in the ERP: `Number`, `Amount` …"""
    next_step: str = ""
    """What to do about it, in a word or two; empty when there is nothing to do."""


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
    """The requirements that the viewer lacks; empty when they may unlink."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of one commitment; `key` is for element ids.

    `count` and `total` cover all its rows in the view, on all pages.
    """

    key: str
    project: str
    commitment: str
    total: Decimal | None
    """None when there are too many to add up."""
    rows: tuple[SyncedRow, ...]
    count: int = 0
    """The number of CCOs when `rows` does not hold all of them; 0 means as many as `rows`."""
    at_least: bool = False
    """Whether there are more than `count`."""


@dataclass(frozen=True, slots=True)
class BulkActions:
    """What can be done with the selected rows of the list."""

    query: str
    """The query string of the list, which names the view."""
    may_unlink: bool
    """Whether the viewer may unlink any row of the page."""
    may_check: bool
    gone: str
    """The number of CCOs in the view whose record is deleted in the ERP: `12`, `10,000+`; empty for none."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A cell of a row whose columns depend on the view: text, or a time and a name, or both."""

    label: str
    words: str
    at: datetime | None = None
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class RowAct:
    """A button of a row: a page to open, or a form that posts."""

    label: str
    url: str
    said: str = ""
    """The accessible label, which names the CCO. Empty when `label` is enough."""
    post: bool = False
    free: bool = False
    """Whether everyone who sees the row may use it."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A CCO between the project team and the ERP."""

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
    """The requirements that the viewer lacks for the actions."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The line at the top right: when the ERP last answered."""

    tone: Tone
    words: str
    at: datetime | None = None
    answered_at: datetime | None = None
    """After a failure: the time of the last answer."""


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
    """The URL of the project team's page, for people who may see it."""


@dataclass(frozen=True, slots=True)
class LinkPeriod:
    """One link, with its beginning and end."""

    linked_at: datetime
    linked_by: str
    unlinked_at: datetime | None
    unlinked_by: str
    erp_record: str
    erp_number: str
    row_id: str
    link_id: int
    moved_to: str = ""
    """The record to which the link was moved, when it ended by a move."""


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt to unlink, and its result."""

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
    """One export round, from submission to its end."""

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
    """What the approver signed off."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of an unwind plan, in order; `act` when the viewer can take it now."""

    words: str
    who: tuple[str, ...]
    """Some of the people who may take it; or the role, when it is not done in Plumbline."""
    more: int = 0
    """How many other people may."""
    act: RowAct | None = None


# --- record links --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordLinkRow:
    """A project, vendor or commitment, and its record in the ERP when it is linked."""

    subject_id: int
    number: str
    name: str
    beside: str
    """The parent: a commitment's project and contract company."""
    erp_record: str
    linked_at: datetime | None
    linked_by: str
    link_url: str
    unlink_url: str


# --- connection ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of a report. `waiting` means unknown, neither good nor refused."""

    tone: Literal["good", "refused", "waiting"]
    words: str
    advice: str = ""
    """Who can fix it and how; empty when there is nothing to fix."""
    at: datetime | None = None
    """The time at the end of the line."""
    fault: str = ""
    """The fault's code on the page that explains errors."""


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """The connection without its secrets: neither login nor connection string."""

    erp_name: str
    database: str
    server: str
    application_name: str
    status: str
    tone: Tone
    lines: tuple[ReportLine, ...]
    """Findings of the last check."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure_words: str
    failures_in_a_row: int
    rests_until: datetime | None
    """Until then only clicks call the ERP; None when background tasks call it, too."""
    check_url: str
    accept_url: str
    may_check: bool
    may_change: bool
    practice: bool
    """Whether it is the connection of a practice company."""
    compare_url: str
    comparison: "DatabaseComparison | None"
    """Of the database that waits for acceptance; None when it was not compared yet."""
    waiting_incarnation: str
    """The incarnation of another database that answers and that an ERP admin may accept. Empty for none."""


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """A link whose record is not in the database that waits for acceptance."""

    label: str
    record_number: str
    url: str


@dataclass(frozen=True, slots=True)
class DatabaseComparison:
    """Which records of the active links a database that waits for acceptance holds."""

    at: datetime
    under_way: bool
    """Whether a comparison is queued; the counts are not known yet."""
    why_not: str
    """Why it could not be compared, and what to do; empty when it was."""
    links: int = 0
    there: int = 0
    missing: tuple[MissingRecord, ...] = ()
    """The first of the missing records."""

    @property
    def missing_count(self) -> int:
        return self.links - self.there


@dataclass(frozen=True, slots=True)
class RunLine:
    """One reconciliation."""

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
    """Records in Sage that cannot be read."""
    words: str
    advice: str


@dataclass(frozen=True, slots=True)
class OddLine:
    """A record in Sage that cannot be read."""

    table: str
    record: str
    """Its number, or its row id when the number cannot be read; empty for neither."""
    column: str
    shown: str


@dataclass(frozen=True, slots=True)
class ReconciliationPanel:
    """The schedule of reconciliations and their results."""

    how_often: str
    last_complete_at: datetime | None
    why_stale: str
    """Why some links were not compared since the last complete run; empty when that was the last run."""
    runs: tuple[RunLine, ...]
    url: str
    odd: int
    """How many records the last complete run could not read."""
    odd_lines: tuple[OddLine, ...]
    """The first of them."""

"""The port: what Plumbline asks of an ERP, in plain Python.

Everything that crosses the border between the product and an ERP is declared here: the questions
(`ErpReader`), the writing (`ErpWriter`), the practice company (`ErpSandbox`), the values they exchange and
the errors they raise. All values are frozen. Row ids are `uuid.UUID`; record numbers and change numbers
come from another system and are therefore text; money is `Decimal` in the company's currency, two places;
every `datetime` is aware.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar, overload

Clock = Callable[[], datetime]
"""Says what time it is, aware. A look stamps its questions with the clock of whoever asked."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which an answer is no longer wanted, on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0


# --- errors ------------------------------------------------------------------------------------


class FaultKind(StrEnum):
    """Who can mend a fault."""

    UNAVAILABLE = "unavailable"
    """Nobody needs to: wait and ask again."""
    MISCONFIGURED = "misconfigured"
    """An administrator, of Plumbline or of the ERP."""
    UNEXPECTED = "unexpected"
    """The makers of Plumbline."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no trustworthy answer, in words fit for the page.

    The words never hold a host, a login, a database password or a driver's own text.
    """

    kind: FaultKind
    code: str
    """Stable, for logs, tests and metrics: `login-refused`."""
    what: str
    """What happened, one sentence."""
    advice: str
    """Who can mend it and how, one or two sentences."""
    retry: bool = False
    """Whether asking again at once, inside the same deadline, may help."""


class ErpError(Exception):
    """The ERP gave no trustworthy answer. Carries the `Fault` that says why."""

    kind: FaultKind

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Unavailable(ErpError):
    """Wait: the server is off, busy, locked or slow."""


class Misconfigured(ErpError):
    """An administrator must act: login, rights, database, application name, driver."""


class Unexpected(ErpError):
    """Plumbline does not understand what it was told. Logged with its traceback."""


_ERRORS: dict[FaultKind, type[ErpError]] = {
    FaultKind.UNAVAILABLE: Unavailable,
    FaultKind.MISCONFIGURED: Misconfigured,
    FaultKind.UNEXPECTED: Unexpected,
}


def error_for(fault: Fault) -> ErpError:
    """The exception of the family that `fault.kind` names."""
    return _ERRORS[fault.kind](fault)


class NotInErp(Exception):
    """The record asked for is not there. Raised by `read_…` only, never used as proof of absence."""


# --- the connection ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """How to reach one company's books. Frozen, so that a look cannot be pointed elsewhere midway."""

    kind: str
    database: str
    """The name the database must answer to, compared without case."""
    accepted_incarnation: str
    """The incarnation an ERP admin accepted; empty while the connection is unchecked."""
    application_name: str = "Plumbline"
    odbc_string: str = field(default="", repr=False)
    sandbox_path: Path | None = None
    login_timeout_seconds: int = 5
    second_look_seconds: float = 1.0


class PartRefused(ValueError):
    """A part of a connection cannot be as it is. The words say why and never repeat it."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(why)
        self.part = part
        """The name of a field of `ServerParts`."""


@dataclass(frozen=True, slots=True, repr=False)
class ServerParts:
    """A database server and how to sign in there, in the parts that a person fills in. Empty: not said."""

    server: str
    database: str
    login: str
    password: str
    port: int | None = None
    driver: str = ""
    """An ODBC driver's name; empty for whichever is installed."""
    encrypt: bool = True
    trust_certificate: bool = False
    """Takes any certificate, a self-made one too."""
    certificate_host: str = ""
    """The name in the certificate, where it is not the server's."""
    application_name: str = ""
    others: tuple[str, ...] = ()
    """The names of what was stored beside these by a command, which a form cannot show."""


@dataclass(frozen=True, slots=True)
class Right:
    """A role or right of our login that the server was asked about."""

    name: str
    """As the ERP's administrator knows it: `db_owner`, `read dbo.prmchg`, `write dbo.prmchg`."""
    held: bool | None
    """None where the server does not tell: not known, which is never "no"."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the server said about itself and about us. Empty and None mean: not known."""

    database: str
    server: str
    version: str
    login: str
    application_name: str
    incarnation: str
    """Names this very database: changes when another one, or a restored copy, answers to the same name."""
    history_readable: bool
    history_since: datetime | None
    """The oldest entry of the ERP's own history of change orders; None when unreadable or empty."""
    tables: tuple[str, ...]
    """The tables found, each with the columns needed."""
    problems: tuple[Fault, ...]
    """Everything that keeps a verdict from being given; empty when all is well."""
    compatibility_level: str = ""
    """The database's compatibility level, `150`."""
    read_committed_snapshot: bool | None = None
    """Whether a reader sees the last committed row instead of waiting for whoever saves."""
    snapshot: bool | None = None
    """Whether a look may be one transaction that sees one moment."""
    collation: str = ""
    rights: tuple[Right, ...] = ()
    """Roles and rights of our login, those that matter here."""
    driver: str = ""
    """The name and version of the driver through which the server was reached."""

    @property
    def good(self) -> bool:
        return not self.problems


# --- the question and the answer ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeOrderReference:
    """What a link remembers of the record it is tied to."""

    row_id: uuid.UUID
    """The header's `_idnum`: the only thing that names a row for good."""
    record_number: str
    number: str
    job_record_number: str
    job_row_id: uuid.UUID
    phase: str
    subcontract_record_number: str
    sub_change_number: str
    """The subcontract's own change number, on the lines; may be empty."""
    amount: Decimal
    """Sum of the record's lines on the subcontract when it was linked. Evidence only."""
    last_seen_at: datetime
    """When a look last found the record."""
    header_shared: bool
    """Whether another active link of the connection is tied to the same header."""


class Verdict(StrEnum):
    ABSENT = "absent"
    PRESENT = "present"
    PRESENT_NOT_EFFECTIVE = "not-effective"
    RENUMBERED = "renumbered"
    REPLACED = "replaced"
    AMBIGUOUS = "ambiguous"
    JOB_MISSING = "job-missing"
    UNKNOWN = "unknown"


class Proof(StrEnum):
    """What shows that a replaced record really died."""

    HISTORY = "history"
    """The ERP's history holds its deletion."""
    INSERTED_LATER = "inserted-later"
    """The other record has another record number and was inserted after ours was last seen."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of the ERP's own history."""

    action: str
    """`insert`, `update` or `delete`."""
    at: datetime
    user: str
    application: str


@dataclass(frozen=True, slots=True)
class HeaderSeen:
    """The change order as the ERP holds it now."""

    record_number: str
    number: str
    job_record_number: str
    phase: str
    status: str
    """The ERP's word: Approved, Open, Review, Disputed, Void, Rejected."""


@dataclass(frozen=True, slots=True)
class OtherRecord:
    """Another record that carries our number now."""

    record_number: str
    number: str
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, kept beside the verdict; only what `product.md` §5 names decides."""

    header: HeaderSeen | None = None
    lines_on_subcontract: int | None = None
    """Lines with our record number on our subcontract; None when not asked."""
    other_record: OtherRecord | None = None
    deletion: HistoryEntry | None = None
    """The history's deletion of our very record."""
    history_readable: bool = False
    history_since: datetime | None = None
    subcontract_present: bool | None = None
    """None when not asked."""
    same_number_phases: tuple[str, ...] = ()
    """Other phases of the job that carry the same number: normal, shown only."""
    same_amount_records: tuple[str, ...] = ()
    """Record numbers of other change orders with the same amount on the subcontract: shown only."""
    subcontract_changes_total: Decimal | None = None
    """The subcontract's running total of changes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. Every path through the verdict gives a `reason`."""

    verdict: Verdict
    reason: str
    """Stable code of the path taken, `header-found`; for UNKNOWN the fault's code."""
    evidence: Evidence = Evidence()
    incarnation: str = ""
    """Of the database that answered; empty when none did."""
    first_looked_at: datetime | None = None
    second_looked_at: datetime | None = None
    """Set only when the second look agreed with the first."""
    proof: Proof | None = None
    fault: Fault | None = None
    """Set exactly when the verdict is UNKNOWN."""

    @property
    def proves_absence(self) -> bool:
        """Whether this finding may cut a link: ABSENT, or REPLACED with proof, seen twice."""
        died = self.verdict is Verdict.ABSENT or (self.verdict is Verdict.REPLACED and self.proof is not None)
        return died and self.first_looked_at is not None and self.second_looked_at is not None


# --- records, as read --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ErpJob:
    row_id: uuid.UUID
    record_number: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class ErpVendor:
    row_id: uuid.UUID
    record_number: str
    name: str


@dataclass(frozen=True, slots=True)
class ErpSubcontractLine:
    line_number: int
    description: str
    cost_code: str
    cost_type: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ErpSubcontract:
    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    vendor_record_number: str
    description: str
    status: str
    lines: tuple[ErpSubcontractLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ErpChangeOrderLine:
    line_number: int
    description: str
    vendor_record_number: str
    subcontract_record_number: str
    """Empty on a pure budget change."""
    subcontract_line: str
    """Empty when the change adds a line to the subcontract."""
    sub_change_number: str
    status: str
    cost_code: str
    cost_type: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ErpChangeOrder:
    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    description: str
    status: str
    date: date | None
    lines: tuple[ErpChangeOrderLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ErpChangeOrderFound:
    """A change order of a job or a subcontract, with as much as tells whether it is the one looked for."""

    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    status: str
    key: str
    """What stands in the field into which an export writes its key; empty for none."""
    sub_change_numbers: tuple[str, ...]
    """Of its lines on the subcontract asked about."""
    amount: Decimal | None
    """Sum of its lines on the subcontract asked about; None where it has none there."""


# --- the keys of a whole company, streamed -------------------------------------------------------


class ChangeOrderKeys(NamedTuple):
    """One change order's header, as it is streamed."""

    row_key: str
    """The row id as `str(row_id).upper()` writes it: compared a million times, and a UUID is slow at that."""
    record_number: str
    number: str
    job_record_number: str
    """Empty for none."""
    phase: str
    status: str
    """The ERP's word: Approved, Open, Review, Disputed, Void, Rejected."""

    @property
    def row_id(self) -> uuid.UUID:
        return uuid.UUID(self.row_key)


class SubcontractChangeKeys(NamedTuple):
    """What one line of a change order adds to a subcontract, as it is streamed."""

    record_number: str
    """The change order's."""
    subcontract_record_number: str
    number: str
    """The subcontract's own change number; may be empty."""
    amount: Decimal


Keys = TypeVar("Keys", ChangeOrderKeys, SubcontractChangeKeys)


class KeyRows(Sequence[Keys]):
    """Keys, held by column: a row is made when it is asked for.

    What goes over all of them does best with the columns themselves, `zip(*rows.columns)`: of rows that live
    long, the garbage collector's walks cost more than anything else.
    """

    def __init__(self, kind: type[Keys], columns: Sequence[Sequence[Any]] = ()) -> None:
        self._kind: type[Keys] = kind
        self.columns = columns or ((),) * len(kind._fields)
        """One for each field of a key, in their order, all of one length."""

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, at: int) -> Keys: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Keys]: ...
    def __getitem__(self, at: int | slice) -> Keys | Sequence[Keys]:
        if isinstance(at, slice):
            return KeyRows(self._kind, [column[at] for column in self.columns])
        row: Keys = self._kind(*(column[at] for column in self.columns))
        return row

    def __iter__(self) -> Iterator[Keys]:
        return map(tuple.__new__, repeat(self._kind), zip(*self.columns, strict=True))


class KeyBlock(NamedTuple):
    """What one range of record numbers holds, some 20,000 change orders; either part may be empty."""

    upto: str
    """Every record up to and including this number is in this block or in an earlier one."""
    change_orders: KeyRows[ChangeOrderKeys]
    """By record number."""
    lines: KeyRows[SubcontractChangeKeys]
    """All lines on subcontracts of the same range, by record number; also those that lost their header."""


LARGEST_RECORD_NUMBER = str(2**63 - 1)
"""Where the last block of a stream ends, whatever the company's last record is."""


@dataclass(frozen=True, slots=True)
class KeyStream:
    """The keys of a whole company, as one connection gives them."""

    incarnation: str
    """Of the database that answers."""
    jobs: Mapping[str, str]
    """Every job: its record number and its row id, written as in `ChangeOrderKeys`. Never empty."""
    blocks: Iterator[KeyBlock]
    """In ascending order, without gap or overlap. Raises `ErpError` where the connection fails midway."""


MOST_LOOKED_UP_AT_ONCE = 50
"""How many records one call of `look_up_many` may ask about: a page's worth."""

MOST_GLANCED_AT_ONCE = 200
"""How many records one call of `glance_many` may ask about: enough that the connection is not the cost."""


# --- reading -----------------------------------------------------------------------------------


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

    def look_up(self, reference: ChangeOrderReference, *, deadline: Deadline, clock: Clock) -> Finding:
        """Whether the record is still there. Never raises for the ERP's sake: doubt is UNKNOWN."""
        ...

    def look_up_many(
        self, references: Sequence[ChangeOrderReference], *, deadline: Deadline, clock: Clock
    ) -> tuple[Finding, ...]:
        """What `look_up` would find for each, in their order, at the cost of a few looks.

        At most `MOST_LOOKED_UP_AT_ONCE` references, else `ValueError`. A fault of the connection is the
        finding of every record that had none yet; a value that is not understood only of the record it
        belongs to. Never raises for the ERP's sake.
        """
        ...

    def glance_many(
        self, references: Sequence[ChangeOrderReference], *, deadline: Deadline, clock: Clock
    ) -> tuple[Finding, ...]:
        """What one look says of each, in their order: enough to know, never enough to cut.

        `second_looked_at` is None in every finding. Who carries the number now is asked only where the ERP's
        own history does not show the deletion; where it does, the finding is ABSENT (`deleted-in-history`)
        whoever carries it. At most `MOST_GLANCED_AT_ONCE`; else as `look_up_many`: the same faults, and never
        raises for the ERP's sake.
        """
        ...

    def stream_keys(self, *, deadline: Deadline) -> AbstractContextManager[KeyStream]:
        """All jobs, then all change orders with their lines on subcontracts, in blocks by record number.

        From the accepted database, over one connection that ends with the context, in memory that does not
        grow with the company, without a cursor or a lock that lasts from one block to the next. Only a stream
        that was read to its end is complete; a key that is missing from it is no proof that the record is
        gone: confirm it with a look. Raises `ErpError` on entering, and in the middle; what the context's own
        block raises passes unchanged.
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
    ) -> tuple[ErpChangeOrderFound, ...]:
        """Every change order of the job, and every other with a line on the subcontract; by record number.

        Raises `ErpError`. None at all is an answer too, and no proof of anything: it is read once. Lines that
        have lost their header are no change order, and are not here.
        """
        ...


# --- writing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line of a CCO, in our own words."""

    position: int
    description: str
    cost_code: str
    cost_type: str
    subcontract_line: str
    """The line of the subcontract it changes; empty where it adds one."""
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ChangeOrderDraft:
    """A CCO as it is handed to a writer: whole, in our own words, addressed to the ERP's records."""

    key: uuid.UUID
    """Of the export. Written along where the ERP has room for it, so that a retry finds what it wrote."""
    number: str
    """The change number it is to carry in the ERP."""
    dated: date
    title: str
    description: str
    job_record_number: str
    phase: str
    subcontract_record_number: str
    vendor_record_number: str
    lines: tuple[DraftLine, ...]


@dataclass(frozen=True, slots=True)
class PreparedField:
    """One field of the ERP's window: what it will hold, and what it was before it was cut to fit."""

    label: str
    value: str
    full: str

    @property
    def is_cut(self) -> bool:
        return self.value != self.full


@dataclass(frozen=True, slots=True)
class PreparedLine:
    """One line of the ERP's grid."""

    line_number: int
    description: str
    cost_code: str
    cost_type: str
    subcontract_line: str
    """Empty where it adds a line to the subcontract."""
    amount: Decimal
    made_of: tuple[int, ...]
    """The positions of the CCO's lines that it sums up."""
    cells: tuple[PreparedField, ...]
    """The same as it is keyed in, in the order of the grid's columns; every line has the same columns."""


@dataclass(frozen=True, slots=True)
class PreparedChangeOrder:
    """Exactly what the ERP will hold: to be signed off, keyed in or written, and compared afterwards."""

    window: str
    """Where the accountant keys it in: `6-4-1 Change Orders`."""
    grid: str
    """The part of that window which takes the lines."""
    number: str
    job_record_number: str
    phase: str
    subcontract_record_number: str
    vendor_record_number: str
    header: tuple[PreparedField, ...]
    lines: tuple[PreparedLine, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))


class ErpWriter(Protocol):
    """Brings a CCO into the ERP, by itself or by an accountant's hands."""

    @property
    def by_hand(self) -> bool:
        """Whether a person keys in what was prepared; then `write` is never called."""
        ...

    def prepare(self, draft: ChangeOrderDraft) -> PreparedChangeOrder:
        """What the ERP will hold. Asks nobody; the same for the same draft."""
        ...

    def write(self, draft: ChangeOrderDraft, *, deadline: Deadline) -> str:
        """Writes what was prepared, and gives the new record's number. Raises `ErpError`, `WriteRefused`.

        Where a record carries the draft's key already, gives that one's number and writes nothing: whether
        it is whole is for the caller to read. After an `ErpError` it is not known whether anything was
        written: look before writing again.
        """
        ...


class WriteRefused(Exception):
    """The ERP did not take the change order, and holds nothing of it. The text says why, in plain words."""

    def __init__(self, words: str, *, field: str = "", line: int = 0) -> None:
        super().__init__(words)
        self.field = field
        """The field of `ChangeOrderEntry`, or of its line, that it is about; empty for the whole."""
        self.line = line
        """Counted from 1; 0 for the header."""


# --- the sandbox -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SandboxVendor:
    record_number: str
    name: str


@dataclass(frozen=True, slots=True)
class SandboxScenario:
    """One change order of the sandbox, and what its title says it shows."""

    key: str
    record_number: str
    subcontract_record_number: str
    title: str
    """At most 30 characters, as Sage's integrations require."""
    description: str


@dataclass(frozen=True, slots=True)
class SandboxCompany:
    """Everything a demo company needs to mirror, as it was when all links were made."""

    name: str
    cost_codes: tuple[tuple[str, str], ...]
    """(code, name)"""
    cost_types: tuple[tuple[str, str], ...]
    """(number, name)"""
    vendors: tuple[SandboxVendor, ...]
    jobs: tuple[ErpJob, ...]
    subcontracts: tuple[ErpSubcontract, ...]
    change_orders: tuple[ErpChangeOrder, ...]
    scenarios: tuple[SandboxScenario, ...]
    """One per link to make: record and subcontract."""


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """A change order as the accountant's list shows it; `deleted` ones can be restored."""

    record_number: str
    row_id: uuid.UUID
    job_record_number: str
    job_name: str
    number: str
    description: str
    status: str
    amount: Decimal
    deleted: bool
    fault: str
    """The fault that strikes whoever asks about this record; empty for none."""


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One line of the grid of window 6-4-1, as an accountant keys it in."""

    vendor_record_number: str
    """Empty on a pure budget change, as is the rest of what names a subcontract."""
    description: str
    subcontract_record_number: str
    """Empty on a pure budget change."""
    subcontract_line: str
    """Empty adds a line to the subcontract."""
    sub_change_number: str
    cost_code: str
    cost_type: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ChangeOrderEntry:
    """A change order as an accountant keys it in: header and grid."""

    number: str
    dated: date
    job_record_number: str
    phase: str
    description: str
    scope: str
    lines: tuple[EntryLine, ...]


class NoSuchRecord(Exception):
    """The sandbox holds no such change order, or not in the state the act needs. Says which."""


class BulkRecord(NamedTuple):
    """One change order with one line on a subcontract, as it is entered by the hundred thousand."""

    record_number: str
    row_key: str
    """As in `ChangeOrderKeys`."""
    number: str
    job_record_number: str
    subcontract_record_number: str
    vendor_record_number: str
    sub_change_number: str
    description: str
    amount: Decimal
    inserted_at: datetime
    deleted_at: datetime | None
    """When an accountant deleted it again; None for one that is there."""


class ErpBulkSandbox(Protocol):
    """A practice company of any size, made once; afterwards it is an `ErpSandbox` without scenarios."""

    def make(
        self,
        name: str,
        *,
        jobs: Sequence[ErpJob],
        vendors: Sequence[ErpVendor],
        subcontracts: Sequence[ErpSubcontract],
    ) -> None:
        """Makes the company anew, with what change orders hang on. Forgets what was there."""
        ...

    def fill(self, records: Iterable[BulkRecord]) -> None:
        """Enters the change orders, and what history tells of those that were deleted; once, after `make`."""
        ...


class ErpSandbox(Protocol):
    """An embedded practice company: what an accountant does in the ERP, and faults to switch on.

    Acts take the record number and the name of the ERP user who does them; they raise `NoSuchRecord`.
    """

    def create(self) -> None:
        """Makes the company anew, before anything happened to its records. Forgets what was there."""
        ...

    def company(self) -> SandboxCompany: ...

    def play(self) -> None:
        """Does to the records what the scenarios say happened to them after they were linked."""
        ...

    def change_orders(self) -> tuple[SandboxRecord, ...]:
        """Ordered by record number, deleted ones included."""
        ...

    def change_order(self, record_number: str) -> ErpChangeOrder: ...

    def key_in(self, entry: ChangeOrderEntry, *, user: str) -> str:
        """Saves a new change order, Approved; returns its record number. Raises `WriteRefused`."""
        ...

    def delete(self, record_number: str, *, user: str) -> None: ...

    def void(self, record_number: str, *, user: str) -> None: ...

    def reject(self, record_number: str, *, user: str) -> None: ...

    def restore(self, record_number: str, *, user: str) -> None:
        """Brings a deleted record back with the same row id, or a void or rejected one to Approved."""
        ...

    def recreate(self, record_number: str, *, user: str) -> str:
        """Makes a new record with the number of a deleted one; returns its record number."""
        ...

    def renumber(self, record_number: str, number: str, *, user: str) -> None: ...

    def restore_backup(self) -> None:
        """Puts the company back to its last backup: another incarnation."""
        ...

    def faults(self) -> tuple[str, ...]:
        """The names that `set_fault` knows, with `slow:SECONDS` spelt so."""
        ...

    def fault(self) -> str:
        """The fault that is switched on for the whole company, or `none`."""
        ...

    def set_fault(self, fault: str, *, record_number: str | None = None) -> None:
        """Switches a fault on, for everybody or for whoever asks about one record; `none` ends it.

        Raises `ValueError` for a name it does not know.
        """
        ...

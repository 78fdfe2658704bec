"""What Plumbline asks Sage 100 Contractor: the `ErpReader` of this adapter."""

import itertools
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import stamina

from erp_integrations.ports import (
    MOST_LOOKED_UP_AT_ONCE,
    MOST_LOOKED_UP_QUICKLY,
    NO_CONTROLS,
    ChangeOrderReference,
    ChangeOrdersFound,
    Clock,
    ConnectionSpec,
    Controls,
    Deadline,
    ErpChangeOrder,
    ErpError,
    ErpJob,
    ErpReader,
    ErpSubcontract,
    ErpVendor,
    Fault,
    FaultKind,
    Finding,
    Handshake,
    HistoryMark,
    KeyBlock,
    KeyStream,
    NotInErp,
    error_for,
)
from sage_adapter import handshake, look, rows, stream, verdict
from sage_adapter.faults import fault
from sage_adapter.handshake import ServerGreeting
from sage_adapter.session import Session, check_deadline, open_session

logger = logging.getLogger(__name__)

TRIES = 3
WAIT_SECONDS = 0.1
"""Before the second try; twice as long before the third, and a little more or less by chance."""
LONGEST_WAIT_SECONDS = 0.5

_MOST_LINES = 5_000
_MOST_FOUND = 20_000
"""Change orders of one job, or lines on one subcontract; beyond it something is wrong."""

T = TypeVar("T")


def open_reader(spec: ConnectionSpec) -> ErpReader:
    """A reader of the books that `spec` names. Opens nothing yet."""
    return SageReader(spec)


@dataclass(slots=True)
class _Tracks:
    """What an unfinished question leaves behind: the database it talked to, when, and what is settled."""

    first_looked_at: datetime | None = None
    incarnation: str = ""
    server_ahead: timedelta | None = None
    findings: dict[int, Finding] = field(default_factory=dict)
    """By the place of the reference. Each is of looks that were completed in time."""

    def unknown(self, fault: Fault) -> Finding:
        return verdict.finding_of_fault(
            fault,
            incarnation=self.incarnation,
            first_looked_at=self.first_looked_at,
            server_ahead=self.server_ahead,
        )


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, until when, and whose clock stamps it."""

    references: Sequence[ChangeOrderReference]
    controls: Controls
    deadline: Deadline
    clock: Clock


@dataclass(frozen=True, slots=True)
class SageReader:
    """Reads one Sage company. Holds no connection between calls; one for each look, one for each reading."""

    spec: ConnectionSpec

    def handshake(self, *, deadline: Deadline) -> Handshake:
        """What the server says of itself, with everything that is wrong.

        A database that nobody has accepted yet is no problem here, since this is what acceptance is decided
        on. Raises `ErpError` when there is no server to talk to.
        """

        def ask() -> Handshake:
            with open_session(self.spec, deadline) as session:
                return handshake.greet_for_report(session, self.spec, datetime.now(UTC))

        with _logged("sage.handshake.unexpected"):
            return self._tried(ask, deadline, least_seconds=0.0)

    def lookup(
        self,
        reference: ChangeOrderReference,
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> Finding:
        """Whether the record is still in Sage. Never raises for Sage's sake: doubt is UNKNOWN.

        Each retry begins the whole look again, on new connections, so that no evidence of two is mixed.
        """
        return self.lookup_many((reference,), deadline=deadline, clock=clock, controls=controls)[0]

    def lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        """What `lookup` would find for each, in their order: one first look at all, one second at the rest.

        Raises `ValueError` for more than `MOST_LOOKED_UP_AT_ONCE`.
        """
        _refuse_more(references, than=MOST_LOOKED_UP_AT_ONCE)
        question = _Question(references, controls, deadline, clock)
        return self._settled(question, self._look_twice, least_seconds=self.spec.second_look_seconds)

    def quick_lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        """What one look at each says, in their order, over one connection. Never proof that a record is gone.

        Raises `ValueError` for more than `MOST_LOOKED_UP_QUICKLY`.
        """
        _refuse_more(references, than=MOST_LOOKED_UP_QUICKLY)
        question = _Question(references, controls, deadline, clock)
        return self._settled(question, self._quick_lookup, least_seconds=0.0)

    @contextmanager
    def stream_keys(self, *, deadline: Deadline) -> Iterator[KeyStream]:
        """All jobs, then all change orders and lines in blocks by record number, over one connection.

        From the accepted database only. Never retried, since what was handed out cannot be taken back.
        Raises `ErpError`.
        """
        with ExitStack() as ends:
            with _logged("sage.stream.unexpected"):
                handshake.require_accepted(self.spec)
                session = ends.enter_context(open_session(self.spec, deadline, streaming=True))
                greeting = self._greeted(session, datetime.now(UTC))
                jobs, odd_jobs = stream.jobs(session)
                mark = self._history_mark(session, greeting)
            blocks = _told(stream.blocks(session))
            ends.callback(blocks.close)
            yield KeyStream(
                incarnation=greeting.handshake.incarnation,
                jobs=jobs,
                blocks=blocks,
                odd_jobs=odd_jobs,
                server_ahead=greeting.server_ahead,
                history_mark=mark,
            )

    def read_job(self, record_number: str, *, deadline: Deadline) -> ErpJob:
        """The job of that record number. Raises `NotInErp`, `ErpError`."""

        def ask(session: Session) -> ErpJob:
            return rows.job(_only(session, "job", record_number))

        return self._read(ask, deadline)

    def read_subcontract(self, record_number: str, *, deadline: Deadline) -> ErpSubcontract:
        """The subcontract of that record number, with its lines. Raises `NotInErp`, `ErpError`."""

        def ask(session: Session) -> ErpSubcontract:
            header = _only(session, "subcontract", record_number)
            lines = session.ask("subcontract_lines", (look.key(record_number),), limit=_MOST_LINES)
            return rows.subcontract(header, lines.rows)

        return self._read(ask, deadline)

    def read_vendor(self, record_number: str, *, deadline: Deadline) -> ErpVendor:
        """The vendor of that record number. Raises `NotInErp`, `ErpError`."""

        def ask(session: Session) -> ErpVendor:
            return rows.vendor(_only(session, "vendor", record_number))

        return self._read(ask, deadline)

    def read_change_order(self, record_number: str, *, deadline: Deadline) -> ErpChangeOrder:
        """The change order of that record number, with its lines. Raises `NotInErp`, `ErpError`."""

        def ask(session: Session) -> ErpChangeOrder:
            header = rows.change_order_header(_only(session, "change_order", record_number))
            found = session.ask("change_order_lines", (look.key(record_number),), limit=_MOST_LINES)
            lines = sorted(
                (rows.change_order_line(row, header.record_number) for row in found.rows),
                key=lambda line: line.line_number,
            )
            return ErpChangeOrder(
                row_id=header.row_id,
                record_number=header.record_number,
                number=header.number,
                job_record_number=header.job_record_number,
                phase=header.phase,
                description=header.description,
                status=header.status,
                date=header.date,
                scope=header.scope,
                lines=tuple(lines),
                server_ahead=session.server_ahead,
            )

        return self._read(ask, deadline)

    def find_change_orders(
        self, *, job_record_number: str, subcontract_record_number: str, deadline: Deadline
    ) -> ChangeOrdersFound:
        """The change orders of the job and those with a line on the subcontract. Raises `ErpError`."""

        def ask(session: Session) -> ChangeOrdersFound:
            job, subcontract = look.key(job_record_number), look.key(subcontract_record_number)
            headers = session.ask("change_orders_of_job", (job,), limit=_MOST_FOUND)
            changes = session.ask("change_orders_of_subcontract", (subcontract,), limit=_MOST_FOUND)
            found = rows.change_orders_found(headers.rows, changes.rows)
            # "None" lets an export go on: not from a company that shows us nothing at all.
            if (
                not headers.rows
                and not changes.rows
                and not rows.single_count(session.ask("jobs_count").rows)
            ):
                raise error_for(fault("empty-database"))
            return found

        return self._read(ask, deadline)

    # --- how ---

    def _settled(
        self,
        asked: _Question,
        settle: Callable[[_Question, Sequence[int], _Tracks], None],
        *,
        least_seconds: float,
    ) -> tuple[Finding, ...]:
        """The finding of each, in their order; what is not settled when the asking ends is UNKNOWN."""
        tracks = _Tracks()
        tries = itertools.count()

        def ask() -> None:
            question = replace(asked, controls=look.controls_of_try(asked.controls, next(tries)))
            tracks.first_looked_at, tracks.incarnation, tracks.server_ahead = None, "", None
            settle(
                question, [at for at in range(len(question.references)) if at not in tracks.findings], tracks
            )

        if not asked.references:
            return ()
        try:
            with _logged("sage.lookup.unexpected"):
                self._tried(ask, asked.deadline, least_seconds=least_seconds)
            rest = fault("internal-error")  # for no record: each has its finding
        except ErpError as error:
            # A question that was cut off because the time was up is the deadline's doing.
            late = asked.deadline.passed and error.fault.code == "timed-out"
            rest = fault("deadline") if late else error.fault
        unknown = tracks.unknown(rest)
        return tuple(tracks.findings.get(at, unknown) for at in range(len(asked.references)))

    def _quick_lookup(self, question: _Question, pending: Sequence[int], tracks: _Tracks) -> None:
        """Settles what is pending by one look. Raises where the connection fails."""
        handshake.require_accepted(self.spec)
        with open_session(self.spec, question.deadline) as session:
            seen, greeting = self._look(session, question, pending, tracks)
            gone = [at for at, one in seen.items() if verdict.is_gone(one.look, one.reference)]
            carriers = self._ask_the_rest(session, [seen[at] for at in gone], greeting)
        check_deadline(question.deadline)
        carried = dict(zip(gone, carriers, strict=True))
        for at, one in seen.items():
            tracks.findings[at] = verdict.finding_of_a_quick_lookup(
                one.look, carried.get(at, verdict.NO_CARRIERS), one.reference
            )

    def _look_twice(self, question: _Question, pending: Sequence[int], tracks: _Tracks) -> None:
        """Settles what is pending: by the first look alone, or by two. Raises where the connection fails."""
        handshake.require_accepted(self.spec)
        with open_session(self.spec, question.deadline) as session:
            first, greeting = self._look(session, question, pending, tracks)
            gone = [one for one in first.values() if verdict.is_gone(one.look, one.reference)]
            look.ask_history(session, gone, (), greeting, self.spec.history_mark)
        check_deadline(question.deadline)
        for at, one in list(first.items()):
            if finding := verdict.finding_of_one_look(one.look, one.reference):
                tracks.findings[at] = finding
                del first[at]
        if not first:
            return
        _wait(self.spec.second_look_seconds, question.deadline)
        with open_session(self.spec, question.deadline) as session:
            second, greeting = self._look(session, question, list(first), tracks)
            gone_still = [at for at, one in second.items() if verdict.is_gone(one.look, one.reference)]
            carriers = self._ask_the_rest(session, [second[at] for at in gone_still], greeting)
        check_deadline(question.deadline)
        carried = dict(zip(gone_still, carriers, strict=True))
        for at, one in second.items():
            tracks.findings[at] = verdict.finding_of_two_looks(
                first[at].look, one.look, carried.get(at, verdict.NO_CARRIERS), one.reference
            )

    def _look(
        self, session: Session, question: _Question, pending: Sequence[int], tracks: _Tracks
    ) -> tuple[dict[int, look.Seen], ServerGreeting]:
        """What one look sees of the records that can be understood, by their places; settles the others."""
        asked_at = question.clock()
        if tracks.first_looked_at is None:
            tracks.first_looked_at = asked_at
        greeting = self._greeted(session, asked_at, tracks)
        references = [question.references[at] for at in pending]
        outcomes = look.begin(session, references, question.controls, greeting, asked_at)
        check_deadline(question.deadline)
        seen: dict[int, look.Seen] = {}
        for at, outcome in zip(pending, outcomes, strict=True):
            if isinstance(outcome, ErpError):
                tracks.findings[at] = _not_understood(outcome, tracks)
            else:
                seen[at] = outcome
        return seen, greeting

    def _ask_the_rest(
        self, session: Session, gone: Sequence[look.Seen], greeting: ServerGreeting
    ) -> list[verdict.Carriers]:
        """What stands in the place of records that were not found, and what history tells of them.

        In that order: where history may not be read, the question may have ended the transaction.
        """
        carriers = look.ask_carriers(session, gone)
        look.ask_history(session, gone, carriers, greeting, self.spec.history_mark)
        look.ask_reach(session, gone)
        return carriers

    def _greeted(self, session: Session, asked_at: datetime, tracks: _Tracks | None = None) -> ServerGreeting:
        """A good handshake with the accepted database, and from here on one moment where that can be had."""
        greeting = handshake.greet(session, self.spec, asked_at)
        session.server_ahead = greeting.server_ahead
        if tracks is not None:
            tracks.incarnation = greeting.handshake.incarnation
            tracks.server_ahead = greeting.server_ahead
        handshake.require_good(greeting.handshake, self.spec)
        if greeting.handshake.snapshot:
            session.begin_transaction()
        return greeting

    def _history_mark(self, session: Session, greeting: ServerGreeting) -> HistoryMark | None:
        """The newest entry of history. Raises `other-incarnation` where one was seen that is newer."""
        if not greeting.handshake.history_readable:
            return None
        try:
            mark = handshake.newest_of_history(session)
        except ErpError:
            check_deadline(session.deadline)
            session.end_transaction()  # being refused may have spoiled it
            return None
        if handshake.went_back(mark, self.spec.history_mark):
            raise error_for(fault("other-incarnation"))
        return mark

    def _read(self, question: Callable[[Session], T], deadline: Deadline) -> T:
        """Reads from the accepted database only: what is read here is what links are made of."""

        def ask() -> T:
            handshake.require_accepted(self.spec)
            with open_session(self.spec, deadline) as session:
                self._greeted(session, datetime.now(UTC))
                return question(session)

        with _logged("sage.read.unexpected"):
            return self._tried(ask, deadline, least_seconds=0.0)

    def _tried(self, ask: Callable[[], T], deadline: Deadline, *, least_seconds: float) -> T:
        """Asks at most three times, while the fault may pass by itself and another try still fits.

        Where a later try runs into the deadline, the fault before it is the one that is raised: it says
        more.
        """
        told: list[ErpError] = []

        def worth_another(error: Exception) -> bool:
            if not (isinstance(error, ErpError) and error.fault.retry):
                return False
            told.append(error)
            connecting = self.spec.login_timeout_seconds if error.fault.code == "unreachable" else 0
            return deadline.remaining() > least_seconds + connecting + LONGEST_WAIT_SECONDS

        try:
            for attempt in stamina.retry_context(
                on=worth_another,
                attempts=TRIES,
                timeout=None,
                wait_initial=WAIT_SECONDS,
                wait_max=LONGEST_WAIT_SECONDS,
                wait_jitter=WAIT_SECONDS,
            ):
                with attempt:
                    return ask()
        except ErpError as error:
            late = error.fault.code in ("deadline", "busy") or (deadline.passed and error.fault.retry)
            if told and late:
                raise told[0] from error
            raise
        raise error_for(fault("internal-error"))  # stamina raises the last error, so this is never reached


def _refuse_more(references: Sequence[ChangeOrderReference], *, than: int) -> None:
    if len(references) > than:
        raise ValueError(f"at most {than} records can be looked up at once")


def _not_understood(error: ErpError, tracks: _Tracks) -> Finding:
    """UNKNOWN about one record: something of it could not be understood, and nobody else's is touched."""
    if error.fault.kind is FaultKind.UNEXPECTED:
        logger.error("sage.lookup.unexpected", exc_info=error)
    return tracks.unknown(error.fault)


def _wait(seconds: float, deadline: Deadline) -> None:
    """Waits for the second look. Raises `Unavailable` (`deadline`) at once where it could not fit."""
    if seconds >= deadline.remaining():
        raise error_for(fault("deadline"))
    time.sleep(seconds)


def _only(session: Session, query: str, record_number: str) -> tuple[Any, ...]:
    found = session.ask(query, (look.key(record_number),)).rows
    if not found:
        raise NotInErp
    return found[0]


def _told(blocks: Iterator[KeyBlock]) -> Generator[KeyBlock]:
    """The same blocks; what goes wrong on the way is logged, and is of our family of errors."""
    with _logged("sage.stream.unexpected"):
        yield from blocks


@contextmanager
def _logged(event: str) -> Iterator[None]:
    """Logs what is our own fault, with its traceback, and gives what nobody foresaw a place in the family."""
    try:
        yield
    except NotInErp:
        raise
    except ErpError as error:
        if error.fault.kind is FaultKind.UNEXPECTED:
            logger.exception(event)
        raise
    except Exception as error:
        logger.exception(event)
        raise error_for(fault("internal-error")) from error

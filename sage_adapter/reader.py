"""What Plumbline asks Sage 100 Contractor: the `ErpReader` of this adapter."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import stamina

from erp_integrations.ports import (
    ChangeOrderReference,
    Clock,
    ConnectionSpec,
    Deadline,
    ErpChangeOrder,
    ErpError,
    ErpJob,
    ErpReader,
    ErpSubcontract,
    FaultKind,
    Finding,
    Handshake,
    NotInErp,
    error_for,
)
from sage_adapter import handshake, look, rows, verdict
from sage_adapter.faults import fault
from sage_adapter.session import Session, check_deadline, open_session

logger = logging.getLogger(__name__)

TRIES = 3
WAIT_SECONDS = 0.1
"""Before the second try; twice as long before the third, and a little more or less by chance."""
LONGEST_WAIT_SECONDS = 0.5

_MOST_LINES = 5_000

T = TypeVar("T")


def open_reader(spec: ConnectionSpec) -> ErpReader:
    """A reader of the books that `spec` names. Opens nothing yet."""
    return SageReader(spec)


@dataclass(slots=True)
class _Tracks:
    """What an unfinished look leaves behind for the finding: which database it talked to, and when."""

    first_looked_at: datetime | None = None
    incarnation: str = ""


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
                greeting = handshake.greet(session, self.spec, datetime.now(UTC))
                return handshake.with_jobs_counted(greeting, session)

        with _logged("sage.handshake.unexpected"):
            return self._tried(ask, deadline, least_seconds=0.0)

    def look_up(self, reference: ChangeOrderReference, *, deadline: Deadline, clock: Clock) -> Finding:
        """Whether the record is still in Sage. Never raises for Sage's sake: doubt is UNKNOWN.

        Each retry begins the whole look again, on new connections, so that no evidence of two is mixed.
        """
        tracks = _Tracks()

        def ask() -> Finding:
            tracks.first_looked_at, tracks.incarnation = None, ""
            finding = self._look_twice(reference, deadline, clock, tracks)
            check_deadline(deadline)
            return finding

        try:
            with _logged("sage.look_up.unexpected"):
                return self._tried(ask, deadline, least_seconds=self.spec.second_look_seconds)
        except ErpError as error:
            # A question that was cut off because the time was up is the deadline's doing.
            late = deadline.passed and error.fault.kind is FaultKind.UNAVAILABLE
            return verdict.finding_of_fault(
                fault("deadline") if late else error.fault,
                incarnation=tracks.incarnation,
                first_looked_at=tracks.first_looked_at,
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

    def read_change_order(self, record_number: str, *, deadline: Deadline) -> ErpChangeOrder:
        """The change order of that record number, with its lines. Raises `NotInErp`, `ErpError`."""

        def ask(session: Session) -> ErpChangeOrder:
            header = rows.change_order_header(_only(session, "change_order", record_number))
            found = session.ask("change_order_lines", (look.key(record_number),), limit=_MOST_LINES)
            lines = sorted(
                (rows.change_order_line(row) for row in found.rows), key=lambda line: line.line_number
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
                lines=tuple(lines),
            )

        return self._read(ask, deadline)

    # --- how ---

    def _look_twice(
        self, reference: ChangeOrderReference, deadline: Deadline, clock: Clock, tracks: _Tracks
    ) -> Finding:
        handshake.require_accepted(self.spec)
        with open_session(self.spec, deadline) as session:
            tracks.first_looked_at = clock()
            first = self._begin(session, reference, tracks.first_looked_at, tracks).seen
        finding = verdict.finding_of_one_look(first, reference)
        if finding is not None:
            return finding
        _wait(self.spec.second_look_seconds, deadline)
        with open_session(self.spec, deadline) as session:
            second = self._begin(session, reference, clock(), tracks)
            if verdict.finding_of_one_look(second.seen, reference) is None:
                carriers = look.ask_who_carries_the_number(second)
            else:
                carriers = verdict.Carriers()
            slack = session.dialect.clock_slack
        return verdict.finding_of_two_looks(first, second.seen, carriers, reference, slack)

    def _begin(
        self, session: Session, reference: ChangeOrderReference, asked_at: datetime, tracks: _Tracks
    ) -> look.LookInProgress:
        greeting = handshake.greet(session, self.spec, asked_at)
        tracks.incarnation = greeting.handshake.incarnation
        handshake.require_good(greeting.handshake, self.spec)
        return look.begin(session, reference, greeting, asked_at)

    def _read(self, question: Callable[[Session], T], deadline: Deadline) -> T:
        """Reads from the accepted database only: what is read here is what links are made of."""

        def ask() -> T:
            handshake.require_accepted(self.spec)
            with open_session(self.spec, deadline) as session:
                greeting = handshake.greet(session, self.spec, datetime.now(UTC), ask_history=False)
                handshake.require_good(greeting.handshake, self.spec)
                return question(session)

        with _logged("sage.read.unexpected"):
            return self._tried(ask, deadline, least_seconds=0.0)

    def _tried(self, ask: Callable[[], T], deadline: Deadline, *, least_seconds: float) -> T:
        """Asks at most three times, while the fault may pass by itself and another try still fits."""

        def worth_another(error: Exception) -> bool:
            return (
                isinstance(error, ErpError)
                and error.fault.retry
                and deadline.remaining() > least_seconds + LONGEST_WAIT_SECONDS
            )

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
        raise error_for(fault("internal-error"))  # stamina raises the last error, so this is never reached


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

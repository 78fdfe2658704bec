"""Calls to the ERP that never wait longer than their deadline.

Each call runs in its own thread. At the deadline the caller continues with UNKNOWN; the thread is abandoned
and its late answer is dropped.

The reader gets a slightly earlier deadline than the caller. A reader that runs out of time knows why: the
record is locked, the server is busy. With one deadline for both, the caller would give up before the reader
reports that, and the person would read "no answer" instead of the reason.
"""

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from queue import Empty, Full, Queue, SimpleQueue
from typing import TypeVar

import structlog

from erp_integrations.ports import (
    NO_CONTROLS,
    ChangeOrderReference,
    Clock,
    Controls,
    Deadline,
    ErpError,
    ErpReader,
    Fault,
    FaultKind,
    Finding,
    Handshake,
    KeyBlock,
    KeyStream,
    NotInErp,
    Unavailable,
    Unexpected,
    Verdict,
    WriteRefused,
)

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)

REPORT_SECONDS = 0.5
"""How much earlier the reader's deadline is: time to close the connection and report."""
REPORT_SHARE = 0.1
"""The same as a share of the time left, for short deadlines."""

RETRIED_IN_HALVES = ("locked", "deadlock", "link-lost")
"""Faults by which one record of a batch can fail the whole call."""

NO_ANSWER_IN_TIME = Fault(
    FaultKind.UNAVAILABLE,
    "deadline",
    "Sage did not answer in time.",
    "Try again, or ask the Sage administrator to check that the server is on and not busy.",
)
NOT_CONNECTED = Fault(
    FaultKind.MISCONFIGURED,
    "not-connected",
    "The company is not connected to its books.",
    "An ERP admin sets the connection on the Connection tab.",
)
NOT_UNDERSTOOD = Fault(
    FaultKind.UNEXPECTED,
    "not-understood",
    "Plumbline did not understand what happened while it asked Sage.",
    "Please tell Plumbline's support what you did and when.",
)


def subcontract_gone(missing: str = "") -> Fault:
    """The fault when a commitment's job or subcontract is not in the ERP; `missing` names it: "Job 2601"."""
    return Fault(
        FaultKind.MISCONFIGURED,
        "subcontract-gone",
        f"{missing or 'The job or the subcontract'}, which this commitment is linked to, is not in Sage, or "
        "another record has its number now.",
        "The Sage administrator can say whether it was deleted, archived or entered anew, and restore it. If "
        "it stays gone, give the CCO back to the project team, to be moved to another commitment.",
    )


def lookup(
    reader: ErpReader,
    reference: ChangeOrderReference,
    *,
    deadline: Deadline,
    clock: Clock,
    controls: Controls = NO_CONTROLS,
) -> Finding:
    """The reader's finding, or UNKNOWN when the deadline has passed or the call failed.

    A finding without a look carries the time at which the call began.
    """
    began = clock()
    try:
        finding = call_with_deadline(
            lambda earlier: reader.lookup(reference, deadline=earlier, clock=clock, controls=controls),
            deadline=deadline,
        )
    except ErpError as error:
        return _no_answer(error.fault, began)
    return _dated(finding, began)


def lookup_many(
    reader: ErpReader,
    references: Sequence[ChangeOrderReference],
    *,
    deadline: Deadline,
    clock: Clock,
    controls: Controls = NO_CONTROLS,
) -> tuple[Finding, ...]:
    """The finding of `lookup` for each reference, in order; the same UNKNOWN for each when the call failed.

    When one record may have failed the whole call, each half is called separately, within the deadline.
    """
    question = partial(reader.lookup_many, clock=clock, controls=controls)
    return _findings(question, references, deadline, clock)


def quick_lookup_many(
    reader: ErpReader,
    references: Sequence[ChangeOrderReference],
    *,
    deadline: Deadline,
    clock: Clock,
    controls: Controls = NO_CONTROLS,
) -> tuple[Finding, ...]:
    """Like `lookup_many`, with one look instead of two: such a finding never cuts a link."""
    question = partial(reader.quick_lookup_many, clock=clock, controls=controls)
    return _findings(question, references, deadline, clock)


def _findings(
    question: Callable[..., tuple[Finding, ...]],
    references: Sequence[ChangeOrderReference],
    deadline: Deadline,
    clock: Clock,
) -> tuple[Finding, ...]:
    began = clock()
    try:
        findings = call_with_deadline(
            lambda earlier: question(references, deadline=earlier), deadline=deadline
        )
        if len(findings) != len(references):
            raise Unexpected(NOT_UNDERSTOOD)
    except ErpError as error:
        return (_no_answer(error.fault, began),) * len(references)
    if len(references) > 1 and not deadline.passed and all(map(_may_be_fault_of_one, findings)):
        half = len(references) // 2
        again = (
            *_findings(question, references[:half], deadline, clock),
            *_findings(question, references[half:], deadline, clock),
        )
        # No time was left for this half; its stored status is more useful than UNKNOWN.
        findings = tuple(
            known if new.reason == NO_ANSWER_IN_TIME.code else new
            for known, new in zip(findings, again, strict=True)
        )
    return tuple(_dated(finding, began) for finding in findings)


def _no_answer(fault: Fault, began: datetime) -> Finding:
    return Finding(Verdict.UNKNOWN, fault.code, fault=fault, asked_at=began)


def _dated(finding: Finding, began: datetime) -> Finding:
    """Dates a finding without a look, so that it never counts as newer than a later finding."""
    if finding.verdict is Verdict.UNKNOWN and finding.told_at is None:
        return replace(finding, asked_at=began)
    return finding


def _may_be_fault_of_one(finding: Finding) -> bool:
    """Whether one record may have failed the whole call."""
    return finding.fault is not None and finding.fault.code in RETRIED_IN_HALVES


def handshake(reader: ErpReader, *, deadline: Deadline) -> Handshake:
    """The server's report about itself. Raises `ErpError`."""
    return call_with_deadline(lambda earlier: reader.handshake(deadline=earlier), deadline=deadline)


def answer_to(question: Callable[[Deadline], Answer], *, deadline: Deadline) -> Answer:
    """Any other call to the ERP: `question` gets the reader's deadline.

    Raises `NotInErp` and `WriteRefused` as the question does, and `ErpError`.
    """
    return call_with_deadline(question, deadline=deadline, answers=(NotInErp, WriteRefused))


def _for_the_reader(deadline: Deadline) -> Deadline:
    """The reader's deadline for a caller that waits until `deadline`."""
    return Deadline(deadline.at - min(REPORT_SECONDS, REPORT_SHARE * deadline.remaining()))


def call_with_deadline(
    question: Callable[[Deadline], Answer], *, deadline: Deadline, answers: tuple[type[Exception], ...] = ()
) -> Answer:
    """The answer. Raises the exceptions in `answers` as they are, and `ErpError` for everything else."""
    answered: SimpleQueue[Answer | Exception] = SimpleQueue()
    earlier = _for_the_reader(deadline)

    def ask() -> None:
        try:
            answered.put(question(earlier))
        except Exception as error:  # noqa: BLE001  (passed to the caller's thread)
            answered.put(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(ask,), name="erp-question", daemon=True).start()
    try:
        answer = answered.get(timeout=deadline.remaining())
    except Empty:
        raise Unavailable(NO_ANSWER_IN_TIME) from None
    return _answer(answer, answers)


def _answer(answer: Answer | Exception, answers: tuple[type[Exception], ...] = ()) -> Answer:
    if not isinstance(answer, Exception):
        return answer
    if isinstance(answer, (ErpError, *answers)):
        raise answer
    log.error("erp_question_failed", exc_info=answer)
    raise Unexpected(NOT_UNDERSTOOD) from answer


# --- keys of a company ---------------------------------------------------------------------------


class _Left(Exception):
    """The caller stopped reading the keys."""


class _Ahead:
    """Reads a company's keys in a thread, one block ahead of the caller."""

    def __init__(self, reader: ErpReader, deadline: Deadline) -> None:
        self._reader, self._deadline = reader, deadline
        self._readers_deadline = _for_the_reader(deadline)
        self._read: Queue[KeyStream | KeyBlock | Exception | None] = Queue(maxsize=1)
        self._left = threading.Event()

    def begin(self) -> None:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._all,), name="erp-keys", daemon=True).start()

    def take(self, seconds: float) -> KeyStream | KeyBlock | None:
        """The stream, then each block, then None. Raises `ErpError`."""
        try:
            item = self._read.get(timeout=min(seconds, self._deadline.remaining()))
        except Empty:
            raise Unavailable(NO_ANSWER_IN_TIME) from None
        return _answer(item)

    def leave(self) -> None:
        self._left.set()

    def _all(self) -> None:
        with suppress(_Left):
            try:
                with self._reader.stream_keys(deadline=self._readers_deadline) as stream:
                    self._give(stream)
                    for block in stream.blocks:
                        self._give(block)
                self._give(None)
            except _Left:
                raise
            except Exception as error:  # noqa: BLE001  (passed to the caller's thread)
                self._give(error)

    def _give(self, item: KeyStream | KeyBlock | Exception | None) -> None:
        while not self._left.is_set():
            with suppress(Full):
                return self._read.put(item, timeout=1)
        raise _Left


@contextmanager
def keys(reader: ErpReader, *, deadline: Deadline, block_seconds: float) -> Iterator[KeyStream]:
    """The reader's keys; waits at most `block_seconds` for a block. Raises `ErpError`, also midway."""
    ahead = _Ahead(reader, deadline)

    def blocks() -> Iterator[KeyBlock]:
        while isinstance(block := ahead.take(block_seconds), KeyBlock):
            yield block

    ahead.begin()
    try:
        begun = ahead.take(block_seconds)
        assert isinstance(begun, KeyStream), "a stream begins with what it is"
        yield replace(begun, blocks=blocks())
    finally:
        ahead.leave()

"""Asking the ERP without ever waiting longer than the deadline.

The question runs in a thread of its own. At the deadline the asker goes on with UNKNOWN; the thread is
abandoned and its late answer falls on the floor: it has no way to settle anything.
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
    ChangeOrderReference,
    Clock,
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

TROUBLE_OF_ONE = ("locked", "deadlock", "link-lost")
"""Faults by which one record of many can take the answer from all."""

NO_ANSWER_IN_TIME = Fault(
    FaultKind.UNAVAILABLE,
    "deadline",
    "Sage did not answer in time.",
    "Try again, or ask the Sage administrator to check that the server is on and not busy.",
)
SUBCONTRACT_GONE = Fault(
    FaultKind.MISCONFIGURED,
    "subcontract-gone",
    "The job or the subcontract that this commitment is tied to was not found in Sage.",
    "Ask the Sage administrator whether it was deleted, archived or put in anew. Nothing was changed.",
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


def look_up(
    reader: ErpReader, reference: ChangeOrderReference, *, deadline: Deadline, clock: Clock
) -> Finding:
    """The reader's finding, or UNKNOWN once the deadline has passed or anything at all went wrong.

    A finding without a look carries the moment at which the question began.
    """
    began = clock()
    try:
        finding = _in_time(
            lambda: reader.look_up(reference, deadline=deadline, clock=clock), deadline=deadline
        )
    except ErpError as error:
        return _no_answer(error.fault, began)
    return _dated(finding, began)


def look_up_many(
    reader: ErpReader, references: Sequence[ChangeOrderReference], *, deadline: Deadline, clock: Clock
) -> tuple[Finding, ...]:
    """What `look_up` would say of each, in their order; where all went wrong, the same UNKNOWN for each.

    Where one record's trouble may have been everybody's, each half is asked by itself, within the deadline.
    """
    return _findings(
        partial(reader.look_up_many, deadline=deadline, clock=clock), references, deadline, clock
    )


def glance_many(
    reader: ErpReader, references: Sequence[ChangeOrderReference], *, deadline: Deadline, clock: Clock
) -> tuple[Finding, ...]:
    """What one look says of each, never enough to cut; in the manner of `look_up_many`."""
    return _findings(partial(reader.glance_many, deadline=deadline, clock=clock), references, deadline, clock)


def _findings(
    question: Callable[[Sequence[ChangeOrderReference]], tuple[Finding, ...]],
    references: Sequence[ChangeOrderReference],
    deadline: Deadline,
    clock: Clock,
) -> tuple[Finding, ...]:
    began = clock()
    try:
        findings = _in_time(partial(question, references), deadline=deadline)
        if len(findings) != len(references):
            raise Unexpected(NOT_UNDERSTOOD)
    except ErpError as error:
        return (_no_answer(error.fault, began),) * len(references)
    if len(references) > 1 and not deadline.passed and all(map(_may_be_anothers_trouble, findings)):
        half = len(references) // 2
        return (
            *_findings(question, references[:half], deadline, clock),
            *_findings(question, references[half:], deadline, clock),
        )
    return tuple(_dated(finding, began) for finding in findings)


def _no_answer(fault: Fault, began: datetime) -> Finding:
    return Finding(Verdict.UNKNOWN, fault.code, fault=fault, asked_at=began)


def _dated(finding: Finding, began: datetime) -> Finding:
    """Dates a finding without a look, so that it never counts as newer than what was found meanwhile."""
    if finding.verdict is Verdict.UNKNOWN and finding.told_at is None:
        return replace(finding, asked_at=began)
    return finding


def _may_be_anothers_trouble(finding: Finding) -> bool:
    """Whether one record alone can have kept the whole question from an answer: then the others ask anew."""
    return finding.fault is not None and finding.fault.code in TROUBLE_OF_ONE


def handshake(reader: ErpReader, *, deadline: Deadline) -> Handshake:
    """What the server says of itself. Raises `ErpError`."""
    return _in_time(lambda: reader.handshake(deadline=deadline), deadline=deadline)


def answer_to(question: Callable[[], Answer], *, deadline: Deadline) -> Answer:
    """Whatever else is asked of the ERP. Raises `NotInErp` and `WriteRefused` as it does, and `ErpError`."""
    return _in_time(question, deadline=deadline, answers=(NotInErp, WriteRefused))


def _in_time(
    question: Callable[[], Answer], *, deadline: Deadline, answers: tuple[type[Exception], ...] = ()
) -> Answer:
    """The answer, or what is an answer too where it is raised. Everything else is an `ErpError`."""
    answered: SimpleQueue[Answer | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answered.put(question())
        except Exception as error:  # noqa: BLE001  (handed over and judged by the asker)
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


# --- a whole company -----------------------------------------------------------------------------


class _Left(Exception):
    """Whoever wanted the keys went away."""


class _Ahead:
    """Reads a company's keys in a thread, one block ahead of whoever takes them."""

    def __init__(self, reader: ErpReader, deadline: Deadline) -> None:
        self._reader, self._deadline = reader, deadline
        self._read: Queue[KeyStream | KeyBlock | Exception | None] = Queue(maxsize=1)
        self._left = threading.Event()

    def begin(self) -> None:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._all,), name="erp-keys", daemon=True).start()

    def take(self, seconds: float) -> KeyStream | KeyBlock | None:
        """What the stream is, then each block, then None. Raises `ErpError`."""
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
                with self._reader.stream_keys(deadline=self._deadline) as stream:
                    self._give(stream)
                    for block in stream.blocks:
                        self._give(block)
                self._give(None)
            except _Left:
                raise
            except Exception as error:  # noqa: BLE001  (handed over and judged by the asker)
                self._give(error)

    def _give(self, item: KeyStream | KeyBlock | Exception | None) -> None:
        while not self._left.is_set():
            with suppress(Full):
                return self._read.put(item, timeout=1)
        raise _Left


@contextmanager
def keys(reader: ErpReader, *, deadline: Deadline, block_seconds: float) -> Iterator[KeyStream]:
    """The reader's keys; waits for no block longer than `block_seconds`. Raises `ErpError`, midway too."""
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

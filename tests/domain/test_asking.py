"""Asking never waits longer than the deadline, and whatever goes wrong is an answer: not sure."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
import structlog

from erp_integrations.erp import calls
from erp_integrations.ports import (
    NO_CONTROLS,
    ChangeOrderKeys,
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
    KeyRows,
    KeyStream,
    Misconfigured,
    NotInErp,
    SubcontractChangeKeys,
    Unavailable,
    Unexpected,
    Verdict,
)

LONG = 30.0
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
REFERENCE = ChangeOrderReference(
    row_id=uuid.UUID(int=1),
    record_number="701",
    number="1",
    job_record_number="2611",
    job_row_id=uuid.UUID(int=2),
    phase="1",
    subcontract_record_number="1201",
    sub_change_number="",
    amount=Decimal("1.00"),
    last_seen_at=NOW,
)
HANDSHAKE = Handshake(
    database="Books",
    server="server",
    version="1",
    login="reader",
    application_name="Plumbline",
    incarnation="one",
    history_readable=False,
    history_since=None,
    tables=(),
    problems=(),
)
FAULT = Fault(FaultKind.MISCONFIGURED, "login-refused", "The login is refused.", "Check it.")


@dataclass(frozen=True)
class Reader:
    """As much of an `ErpReader` as is asked here; its whole answer is what `answer` does."""

    answer: Callable[[], object]

    def lookup(
        self,
        reference: ChangeOrderReference,
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> Finding:
        answer = self.answer()
        assert isinstance(answer, Finding)
        return answer

    def lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        answer = self.answer()
        assert isinstance(answer, tuple)
        return answer

    def handshake(self, *, deadline: Deadline) -> Handshake:
        answer = self.answer()
        assert isinstance(answer, Handshake)
        return answer


def lookup(reader: Reader, seconds: float = LONG) -> Finding:
    return calls.lookup(
        cast(ErpReader, reader), REFERENCE, deadline=Deadline.after(seconds), clock=lambda: NOW
    )


def lookup_many(reader: Reader, seconds: float = LONG, count: int = 3) -> tuple[Finding, ...]:
    return calls.lookup_many(
        cast(ErpReader, reader), [REFERENCE] * count, deadline=Deadline.after(seconds), clock=lambda: NOW
    )


def shake_hands(reader: Reader, seconds: float = LONG) -> Handshake:
    return calls.handshake(cast(ErpReader, reader), deadline=Deadline.after(seconds))


@pytest.fixture
def silent() -> Iterator[Reader]:
    """Answers nothing while the test runs."""
    test_is_over = threading.Event()
    yield Reader(test_is_over.wait)
    test_is_over.set()


def raising(error: Exception) -> Reader:
    def answer() -> object:
        raise error

    return Reader(answer)


def test_a_finding_comes_back_as_it_is() -> None:
    finding = Finding(Verdict.PRESENT, "header-found", incarnation="one", first_looked_at=NOW)
    assert lookup(Reader(lambda: finding)) is finding


def test_the_question_runs_in_a_thread_of_its_own_with_the_askers_context() -> None:
    seen: list[object] = []

    def answer() -> Finding:
        seen.append(threading.current_thread() is not asker)
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        return Finding(Verdict.PRESENT, "header-found")

    asker = threading.current_thread()
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        lookup(Reader(answer))
    assert seen == [True, "r-1"]


def test_at_the_deadline_the_asker_goes_on_and_the_late_answer_is_lost() -> None:
    may_answer, answered = threading.Event(), threading.Event()

    def answer() -> Finding:
        may_answer.wait()
        answered.set()
        return Finding(Verdict.ABSENT, "not-found-twice", first_looked_at=NOW, second_looked_at=NOW)

    finding = lookup(Reader(answer), seconds=0.05)
    assert not answered.is_set()
    assert (finding.verdict, finding.reason) == (Verdict.UNKNOWN, "deadline")
    assert finding.fault is not None
    assert finding.fault.kind is FaultKind.UNAVAILABLE
    assert not finding.proves_absence
    may_answer.set()
    assert answered.wait(LONG)
    assert finding.verdict is Verdict.UNKNOWN


def test_a_deadline_that_has_passed_gives_no_answer(silent: Reader) -> None:
    finding = lookup(silent, seconds=0.0)
    assert finding.reason == "deadline"


def test_a_fault_is_not_sure_and_says_why() -> None:
    finding = lookup(raising(Misconfigured(FAULT)))
    assert (finding.verdict, finding.reason, finding.fault) == (Verdict.UNKNOWN, "login-refused", FAULT)
    assert not finding.proves_absence


def test_no_answer_carries_the_time_at_which_the_question_began(silent: Reader) -> None:
    times = iter((NOW, NOW + timedelta(seconds=9)))

    def clock() -> datetime:
        return next(times)

    timed_out = calls.lookup(cast(ErpReader, silent), REFERENCE, deadline=Deadline.after(0.05), clock=clock)

    assert timed_out.told_at == NOW
    assert (timed_out.first_looked_at, timed_out.second_looked_at) == (None, None)
    assert lookup(raising(Misconfigured(FAULT))).told_at == NOW
    assert {one.told_at for one in lookup_many(raising(RuntimeError()))} == {NOW}


def test_a_finding_without_an_answer_of_the_readers_own_is_stamped_too() -> None:
    unknown = Finding(Verdict.UNKNOWN, "login-refused", fault=FAULT)
    assert lookup(Reader(lambda: unknown)).told_at == NOW
    looked = Finding(Verdict.UNKNOWN, "locked", fault=FAULT, first_looked_at=NOW - timedelta(seconds=1))
    assert lookup(Reader(lambda: looked)) is looked


@pytest.mark.parametrize("error", [RuntimeError("host books"), KeyError("x"), NotInErp(), TimeoutError()])
def test_anything_else_that_goes_wrong_is_not_sure_either(error: Exception) -> None:
    """Also `NotInErp`: it says what could not be read, and never that a record is gone."""
    finding = lookup(raising(error))
    assert (finding.verdict, finding.reason) == (Verdict.UNKNOWN, "not-understood")
    assert finding.fault is not None
    assert finding.fault.kind is FaultKind.UNEXPECTED
    assert "books" not in str(finding)
    assert not finding.proves_absence


# --- many at once --------------------------------------------------------------------------------

PRESENT = Finding(Verdict.PRESENT, "header-found", incarnation="one", first_looked_at=NOW)


def test_the_findings_of_many_come_back_in_their_order() -> None:
    gone = Finding(Verdict.ABSENT, "not-found-twice", first_looked_at=NOW, second_looked_at=NOW)
    assert lookup_many(Reader(lambda: (PRESENT, gone, PRESENT))) == (PRESENT, gone, PRESENT)
    assert lookup_many(Reader(tuple), count=0) == ()


def test_many_are_asked_in_a_thread_of_its_own_with_the_askers_context() -> None:
    seen: list[object] = []

    def answer() -> tuple[Finding, ...]:
        seen.append(threading.current_thread() is not asker)
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        return (PRESENT,)

    asker = threading.current_thread()
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        lookup_many(Reader(answer), count=1)
    assert seen == [True, "r-1"]


def test_at_the_deadline_not_one_of_many_is_answered_and_the_late_answers_are_lost() -> None:
    may_answer, answered = threading.Event(), threading.Event()

    def answer() -> tuple[Finding, ...]:
        may_answer.wait()
        answered.set()
        return (Finding(Verdict.ABSENT, "not-found-twice", first_looked_at=NOW, second_looked_at=NOW),) * 3

    findings = lookup_many(Reader(answer), seconds=0.05)
    assert not answered.is_set()
    assert [(one.verdict, one.reason) for one in findings] == [(Verdict.UNKNOWN, "deadline")] * 3
    may_answer.set()
    assert answered.wait(LONG)
    assert not any(one.proves_absence for one in findings)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Misconfigured(FAULT), "login-refused"),
        (RuntimeError("host books"), "not-understood"),
        (ValueError("at most 50"), "not-understood"),
        (NotInErp(), "not-understood"),
    ],
)
def test_whatever_goes_wrong_none_of_many_is_sure(error: Exception, reason: str) -> None:
    findings = lookup_many(raising(error))
    assert [(one.verdict, one.reason) for one in findings] == [(Verdict.UNKNOWN, reason)] * 3
    assert all(one.fault is not None and not one.proves_absence for one in findings)
    assert "books" not in str(findings)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_fewer_or_more_findings_than_records_say_nothing_of_any(count: int) -> None:
    """Whose finding is whose would be a guess."""
    findings = lookup_many(Reader(lambda: (PRESENT,) * count))
    assert [(one.verdict, one.reason) for one in findings] == [(Verdict.UNKNOWN, "not-understood")] * 3


@pytest.mark.parametrize(("seconds", "earlier"), [(10.0, 0.5), (1.0, 0.1), (0.2, 0.02)])
def test_the_reader_has_a_little_less_time_than_the_asker(seconds: float, earlier: float) -> None:
    """So that what it says when its time is up is heard."""
    deadline, given = Deadline.after(seconds), list[Deadline]()
    calls.answer_to(given.append, deadline=deadline)
    assert deadline.at - given[0].at == pytest.approx(earlier, abs=0.01)


LOCKED = Fault(FaultKind.UNAVAILABLE, "locked", "It is locked.", "Try again.", retry=True)


@dataclass(frozen=True)
class LockedReader(Reader):
    """Tells the lock when all of its time is up, or nothing where it has no time."""

    def lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        known = calls.NO_ANSWER_IN_TIME if deadline.remaining() < 0.05 else LOCKED
        threading.Event().wait(deadline.remaining())
        return (Finding(Verdict.UNKNOWN, known.code, fault=known),) * len(references)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_lock_that_lasts_until_the_deadline_is_told_as_a_lock(count: int) -> None:
    """Also where no time is left to ask about each half by itself."""
    findings = lookup_many(LockedReader(lambda: None), seconds=0.4, count=count)
    assert [(one.verdict, one.fault) for one in findings] == [(Verdict.UNKNOWN, LOCKED)] * count


@pytest.mark.parametrize("missing", ["Job 2611", "Subcontract 1201", ""])
def test_a_commitment_whose_record_is_gone_is_told_by_its_name_and_with_what_to_do(missing: str) -> None:
    gone = calls.subcontract_gone(missing)
    assert gone.what.startswith(missing or "The job or the subcontract")
    assert "Sage administrator" in gone.advice
    assert "give the CCO back" in gone.advice


FAULTS = (calls.NO_ANSWER_IN_TIME, calls.subcontract_gone(), calls.NOT_CONNECTED, calls.NOT_UNDERSTOOD)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
def test_no_fault_says_that_nothing_was_changed_since_the_message_around_it_does(fault: Fault) -> None:
    assert "nothing was" not in f"{fault.what} {fault.advice}".lower()


def test_the_how_to_explains_a_commitment_whose_record_is_gone() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "what-each-error-means.md").read_text()
    gone = calls.subcontract_gone()
    assert f"| `{gone.code}` | {gone.what} | {gone.advice} | no |" in page


def test_a_handshake_comes_back_or_its_error_is_raised(silent: Reader) -> None:
    assert shake_hands(Reader(lambda: HANDSHAKE)) is HANDSHAKE
    with pytest.raises(Misconfigured):
        shake_hands(raising(Misconfigured(FAULT)))
    with pytest.raises(Unexpected):
        shake_hands(raising(RuntimeError()))
    with pytest.raises(Unavailable) as late:
        shake_hands(silent, seconds=0.05)
    assert late.value.fault.code == "deadline"


# --- a company's keys ----------------------------------------------------------------------------


def empty_block(upto: int) -> KeyBlock:
    return KeyBlock(str(upto), KeyRows(ChangeOrderKeys), KeyRows(SubcontractChangeKeys))


def blocks(*numbers: int) -> Iterator[KeyBlock]:
    return (empty_block(number) for number in numbers)


@dataclass
class Books:
    """Streams these blocks, and says when it is left."""

    blocks: Iterator[KeyBlock]
    left: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def stream_keys(self, *, deadline: Deadline) -> Iterator[KeyStream]:
        try:
            yield KeyStream("one", {"2611": "X"}, self.blocks)
        finally:
            self.left.set()


def keys(books: Books, seconds: float = LONG) -> AbstractContextManager[KeyStream]:
    return calls.keys(cast(ErpReader, books), deadline=Deadline.after(LONG), block_seconds=seconds)


def test_keys_come_as_they_are_read() -> None:
    books = Books(blocks(1, 2, 3))

    with keys(books) as stream:
        assert (stream.incarnation, stream.jobs) == ("one", {"2611": "X"})
        assert [block.upto for block in stream.blocks] == ["1", "2", "3"]

    assert books.left.wait(LONG)


def test_whoever_leaves_early_lets_the_reader_go() -> None:
    books = Books(blocks(*range(1_000)))

    with keys(books) as stream:
        next(stream.blocks)

    assert books.left.wait(LONG)


def failing(error: Exception) -> Iterator[KeyBlock]:
    yield empty_block(1)
    raise error


@pytest.mark.parametrize(
    ("error", "code"), [(Misconfigured(FAULT), FAULT.code), (ZeroDivisionError(), "not-understood")]
)
def test_what_goes_wrong_midway_is_raised_where_it_is_taken(error: Exception, code: str) -> None:
    with keys(Books(failing(error))) as stream:
        assert next(stream.blocks).upto == "1"
        with pytest.raises(ErpError) as raised:
            next(stream.blocks)

    assert raised.value.fault.code == code


def test_no_block_is_waited_for_longer_than_was_said() -> None:
    ends = threading.Event()

    def hangs() -> Iterator[KeyBlock]:
        ends.wait(LONG)
        yield empty_block(1)

    with keys(Books(hangs()), seconds=0.05) as stream, pytest.raises(Unavailable) as raised:
        next(stream.blocks)
    ends.set()

    assert raised.value.fault.code == "deadline"

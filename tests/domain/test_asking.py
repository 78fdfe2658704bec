"""Asking never waits longer than the deadline, and whatever goes wrong is an answer: not sure."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

import pytest
import structlog

from erp_integrations import asking
from erp_integrations.ports import (
    ChangeOrderReference,
    Clock,
    Deadline,
    ErpReader,
    Fault,
    FaultKind,
    Finding,
    Handshake,
    Misconfigured,
    NotInErp,
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
    header_shared=False,
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

    def look_up(self, reference: ChangeOrderReference, *, deadline: Deadline, clock: Clock) -> Finding:
        answer = self.answer()
        assert isinstance(answer, Finding)
        return answer

    def handshake(self, *, deadline: Deadline) -> Handshake:
        answer = self.answer()
        assert isinstance(answer, Handshake)
        return answer


def look_up(reader: Reader, seconds: float = LONG) -> Finding:
    return asking.look_up(
        cast(ErpReader, reader), REFERENCE, deadline=Deadline.after(seconds), clock=lambda: NOW
    )


def shake_hands(reader: Reader, seconds: float = LONG) -> Handshake:
    return asking.handshake(cast(ErpReader, reader), deadline=Deadline.after(seconds))


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
    assert look_up(Reader(lambda: finding)) is finding


def test_the_question_runs_in_a_thread_of_its_own_with_the_askers_context() -> None:
    seen: list[object] = []

    def answer() -> Finding:
        seen.append(threading.current_thread() is not asker)
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        return Finding(Verdict.PRESENT, "header-found")

    asker = threading.current_thread()
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        look_up(Reader(answer))
    assert seen == [True, "r-1"]


def test_at_the_deadline_the_asker_goes_on_and_the_late_answer_is_lost() -> None:
    may_answer, answered = threading.Event(), threading.Event()

    def answer() -> Finding:
        may_answer.wait()
        answered.set()
        return Finding(Verdict.ABSENT, "not-found-twice", first_looked_at=NOW, second_looked_at=NOW)

    finding = look_up(Reader(answer), seconds=0.05)
    assert not answered.is_set()
    assert (finding.verdict, finding.reason) == (Verdict.UNKNOWN, "deadline")
    assert finding.fault is not None
    assert finding.fault.kind is FaultKind.UNAVAILABLE
    assert not finding.proves_absence
    may_answer.set()
    assert answered.wait(LONG)
    assert finding.verdict is Verdict.UNKNOWN


def test_a_deadline_that_has_passed_gives_no_answer(silent: Reader) -> None:
    finding = look_up(silent, seconds=0.0)
    assert finding.reason == "deadline"


def test_a_fault_is_not_sure_and_says_why() -> None:
    finding = look_up(raising(Misconfigured(FAULT)))
    assert (finding.verdict, finding.reason, finding.fault) == (Verdict.UNKNOWN, "login-refused", FAULT)
    assert not finding.proves_absence


@pytest.mark.parametrize("error", [RuntimeError("host books"), KeyError("x"), NotInErp(), TimeoutError()])
def test_anything_else_that_goes_wrong_is_not_sure_either(error: Exception) -> None:
    """Also `NotInErp`: it says what could not be read, and never that a record is gone."""
    finding = look_up(raising(error))
    assert (finding.verdict, finding.reason) == (Verdict.UNKNOWN, "not-understood")
    assert finding.fault is not None
    assert finding.fault.kind is FaultKind.UNEXPECTED
    assert "books" not in str(finding)
    assert not finding.proves_absence


def test_a_handshake_comes_back_or_its_error_is_raised(silent: Reader) -> None:
    assert shake_hands(Reader(lambda: HANDSHAKE)) is HANDSHAKE
    with pytest.raises(Misconfigured):
        shake_hands(raising(Misconfigured(FAULT)))
    with pytest.raises(Unexpected):
        shake_hands(raising(RuntimeError()))
    with pytest.raises(Unavailable) as late:
        shake_hands(silent, seconds=0.05)
    assert late.value.fault.code == "deadline"

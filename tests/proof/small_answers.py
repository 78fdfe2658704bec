"""What the adapter says of a small world, by its own code from the rows of its statements to the verdict.

`Reading` stands where an open connection stands and gives the rows that the statements of `sql/` give. That
it gives the same as a database is shown by the worlds that are asked through `SageReader` too.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, cast

from erp_integrations.ports import (
    ChangeOrderReference,
    Control,
    Controls,
    Deadline,
    ErpError,
    Fault,
    Finding,
    Handshake,
    HistoryMark,
    Verdict,
)
from sage_adapter import look, verdict
from sage_adapter.handshake import ServerGreeting
from sage_adapter.session import Rows, Session
from tests.proof.small_books import (
    BID,
    JOB,
    NOW,
    OUR_JOB,
    OUR_NUMBER,
    OUR_PHASE,
    OUR_RECORD,
    OUR_SUB_NUMBER,
    OUR_SUBCONTRACT,
    OURS,
    Books,
    Link,
    Question,
)

LAST_SEEN = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=NOW)
"""In real time, because a database that is asked about the same worlds tells its own."""
_NAIVE = LAST_SEEN.replace(tzinfo=None)
_IN_PROGRESS = (BID, 3, 4, 5)
_NEVER = Deadline.after(1e9)
_NO_AMOUNT = Decimal("0.00")


@cache
def uuid_of(row_id: int) -> uuid.UUID:
    return uuid.UUID(int=row_id)


@cache
def moment(seconds: int) -> datetime:
    """A moment of the books, in the server's local time."""
    return _NAIVE + timedelta(seconds=seconds)


def _id(row_id: int | None) -> uuid.UUID | None:
    """As some drivers give it; a database that is asked too gives text."""
    return None if row_id is None else uuid_of(row_id)


@cache
def _uuid(text: str) -> uuid.UUID:
    return uuid.UUID(text)


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


class Reading:
    """The books as one connection shows them: rows as the drivers give them."""

    deadline = _NEVER

    def __init__(self, books: Books, server_ahead: timedelta) -> None:
        self.books = books
        self.server_ahead: timedelta | None = server_ahead

    def ask(
        self,
        name: str,
        params: Sequence[Any] = (),
        *,
        limit: int = 0,
        sizes: dict[str, int] | None = None,
        without: Sequence[str] = (),
    ) -> Rows:
        """Raises `KeyError` for a statement that a look does not have."""
        rows = {
            "look": self._look,
            "carriers": self._carriers,
            "history": self._history,
            "history_reach": self._reach,
        }[name](list(params), sizes or {}, without)
        return Rows((), tuple(rows))

    def _look(
        self, params: list[Any], sizes: dict[str, int], without: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        assert sizes["asked"] == 1, "one record is asked for at a time here"
        record, job = params[0], params[2]
        row_id, job_row_id = _uuid(params[1]), _uuid(params[3])
        at = 4
        records = set(params[at : at + sizes["records"]])
        at += sizes["records"] + 2
        jobs = set(params[at : at + sizes["jobs"]])
        books = self.books
        out: list[tuple[Any, ...]] = []
        found = any(one.record_number == record and _id(one.row_id) == row_id for one in books.headers)
        found_job = any(one.record_number == job and _id(one.row_id) == job_row_id for one in books.jobs)
        for header in books.headers:
            row: tuple[Any, ...] = (
                1,
                header.record_number,
                _id(header.row_id),
                header.number,
                header.job,
                header.phase,
                header.status,
                _at(header.inserted),
                header.job,
                _id(header.row_id),
                header.status,
            )
            out += [row] * ((header.record_number in records) + (not found and row[2] == row_id))
        for one in books.jobs:
            row = (2, one.record_number, _id(one.row_id), None, None, None, one.status, *[None] * 4)
            out += [row] * ((one.record_number in jobs) + (not found_job and row[2] == job_row_id))
        for line in books.lines:
            header_id = _id(line.header) if books.has_idref else None
            inserted = _at(line.inserted)
            row = (3, line.record_number, *[None] * 5, inserted, line.subcontract, header_id, line.line)
            by_header = "idref" not in without and not found and header_id == row_id
            out += [row] * ((line.record_number == record) + by_header)
        counts = [sum(row[0] == kind for row in out) for kind in (1, 2, 3)]
        out.append((4, OUR_SUBCONTRACT, *[None] * 9))
        if books.headers:
            lowest = min(books.headers, key=lambda one: one.record_number)
            out.append(
                (5, lowest.record_number, _id(lowest.row_id), *[None] * 4, _at(lowest.inserted), *[None] * 3)
            )
        for one in books.jobs:
            others = sum(header.job == one.record_number for header in books.headers)
            if one.record_number == job and one.status not in _IN_PROGRESS and others:
                out.append((6, others, None, None, one.record_number, *[None] * 6))
        out.append((7, counts[0], None, None, counts[1], counts[2], *[None] * 5))
        return out

    def _carriers(
        self, params: list[Any], sizes: dict[str, int], _without: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        jobs = set(params[: sizes["jobs"]])
        subcontracts = set(params[sizes["jobs"] : sizes["jobs"] + sizes["subcontracts"]])
        out: list[tuple[Any, ...]] = [
            (
                0,
                one.job,
                one.record_number,
                _id(one.row_id),
                one.number,
                one.job,
                one.phase,
                _at(one.inserted),
                one.number,
                one.job,
                one.job,
                one.job,
            )
            for one in self.books.headers
            if one.job in jobs
        ]
        headers = {one.record_number: one for one in self.books.headers}
        for line in self.books.lines:
            if line.subcontract in subcontracts:
                its = headers.get(line.record_number)
                of_header = (_id(its.row_id), its.number, its.job, its.phase) if its else (None,) * 4
                inserted = _at(line.inserted)
                out.append(
                    (
                        1,
                        line.subcontract,
                        line.record_number,
                        *of_header,
                        inserted,
                        line.sub_number,
                        10,
                        None,
                        None,
                    )
                )
        return out

    def _history(
        self, params: list[Any], sizes: dict[str, int], without: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        records, jobs = set(params[: sizes["records"]]), set(params[sizes["records"] :])
        out: list[tuple[Any, ...]] = [
            (0, one.record_number, _id(one.row_id), moment(one.at), one.action, "ACCT2", "Sage")
            for one in self.books.history or ()
            if one.record_number in records
        ]
        if "jobs" in without:
            return out
        saved: dict[tuple[int, int], int] = {}
        for one in self.books.job_history or ():
            if one.record_number in jobs and one.action != "delete":
                key = one.record_number, one.row_id
                saved[key] = max(one.at, saved.get(key, one.at))
        out += [(1, number, _id(row_id), moment(at), *[None] * 3) for (number, row_id), at in saved.items()]
        return out

    def _reach(
        self, _params: list[Any], _sizes: dict[str, int], _without: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        history = self.books.history or ()
        oldest = min((one.at for one in history), default=None)
        return [(_at(oldest), int(any(one.action == "delete" for one in history)))]


# --- what is asked -------------------------------------------------------------------------------


def clock_of(link: Link) -> tuple[timedelta | None, bool]:
    """The server's clock at the last sight, and whether it is in doubt."""
    return (None if link.clock == "not kept" else timedelta(0)), link.clock == "in doubt"


@cache
def reference_of(link: Link) -> ChangeOrderReference:
    if link.reference is not None:
        return replace(link.reference, deletion_confirmed=link.is_confirmed)
    then, in_doubt = clock_of(link)
    return ChangeOrderReference(
        row_id=uuid_of(OURS),
        record_number=str(OUR_RECORD),
        number=OUR_NUMBER,
        job_record_number=str(OUR_JOB),
        job_row_id=uuid_of(JOB),
        phase=str(OUR_PHASE),
        subcontract_record_number=str(OUR_SUBCONTRACT),
        sub_change_number=OUR_SUB_NUMBER,
        amount=_NO_AMOUNT,
        last_seen_at=LAST_SEEN,
        last_seen_clock=then,
        clock_in_doubt=in_doubt,
        touched_subcontracts=(str(OUR_SUBCONTRACT), *map(str, link.shared)),
        shared_subcontracts=tuple(map(str, link.shared)),
        held_by_others=frozenset(map(uuid_of, link.held)),
        deletion_confirmed=link.is_confirmed,
    )


@cache
def controls_of(link: Link) -> Controls:
    then, in_doubt = clock_of(link)
    every = [
        Control(
            row_id=uuid_of(one.row_id),
            record_number=str(one.record_number),
            job_record_number=str(one.job),
            job_row_id=uuid_of(one.job_row_id),
            last_seen_at=LAST_SEEN,
            last_seen_clock=then,
            clock_in_doubt=in_doubt,
            deletion_confirmed=one.is_confirmed,
        )
        for one in link.controls
    ]
    return Controls(
        at_random=tuple(every), of_jobs=tuple(one for one in every if one.job_row_id == uuid_of(JOB))
    )


def mark_of(link: Link) -> HistoryMark | None:
    return HistoryMark(str(link.mark.record_number), moment(link.mark.at)) if link.mark else None


_HANDSHAKE = Handshake(
    database="",
    server="",
    version="",
    login="",
    application_name="",
    incarnation="accepted",
    history_readable=True,
    history_since=None,
    tables=(),
    problems=(),
)


@cache
def _greeting(*, history: bool, jobs: bool, idref: bool, ahead: int) -> ServerGreeting:
    return ServerGreeting(
        replace(_HANDSHAKE, history_readable=history),
        timedelta(seconds=ahead),
        line_columns=frozenset({"_idref"} if idref else ()),
        job_history_readable=jobs,
    )


def _greeted(books: Books, question: Question) -> ServerGreeting:
    return _greeting(
        history=books.history is not None,
        jobs=books.job_history is not None,
        idref=books.has_idref,
        ahead=question.ahead,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What two looks saw, or the fault that ended the asking."""

    reference: ChangeOrderReference
    first: verdict.Look | None = None
    second: verdict.Look | None = None
    carriers: verdict.Carriers = verdict.NO_CARRIERS
    fault: Fault | None = None


def ask(question: Question) -> Asked:
    """The two looks of `SageReader`; a record with a deletion in history is asked for to the end."""
    reference = reference_of(question.link)
    try:
        first = _begin(question.first, question)
        if not (verdict.is_gone(first.look, reference) or _was_deleted(question.first)):
            return Asked(reference, first.look, first.look)
        _ask_history(question.first, question, first, ())
        is_same = question.first is question.second is question.place
        second = look.Seen(reference, first.look) if is_same else _begin(question.second, question)
        carriers = look.ask_carriers(_session(question.place, question), [second])
        # The same books are not read twice, nor their history where nothing more is asked of it.
        if not is_same or look._told_about([second], carriers) != look._told_about([first], ()):
            second.look = replace(second.look, history=None)
            _ask_history(question.place, question, second, carriers)
        look.ask_reach(_session(question.place, question), [second])
    except ErpError as error:
        return Asked(reference, fault=error.fault)
    return Asked(reference, first.look, second.look, carriers[0])


def _was_deleted(books: Books) -> bool:
    return any((one.row_id, one.action) == (OURS, "delete") for one in books.history or ())


def _session(books: Books, question: Question) -> Session:
    return cast("Session", Reading(books, timedelta(seconds=question.ahead)))


def asked_at(question: Question) -> datetime:
    return LAST_SEEN + timedelta(seconds=question.at)


def _begin(books: Books, question: Question) -> look.Seen:
    outcome = look.begin(
        _session(books, question),
        [reference_of(question.link)],
        controls_of(question.link),
        _greeted(books, question),
        asked_at(question),
    )[0]
    if isinstance(outcome, ErpError):
        raise outcome
    return outcome


def _ask_history(
    books: Books, question: Question, seen: look.Seen, carriers: Sequence[verdict.Carriers]
) -> None:
    mark = mark_of(question.link) if verdict.is_gone(seen.look, seen.reference) else None
    look.ask_history(_session(books, question), [seen], carriers, _greeted(books, question), mark)


class Said(NamedTuple):
    """The answer, as far as a rule decides it."""

    verdict: Verdict
    reason: str
    is_cut: bool
    others: tuple[str, ...] = ()
    """Record numbers of the records in its place."""


def say(asked: Asked) -> Said:
    """What the steps of the verdict say. The finding made of it is compared where a database is asked."""
    if asked.first is None or asked.second is None:
        assert asked.fault is not None, "an asking that ended early says why"
        return Said(Verdict.UNKNOWN, asked.fault.code, is_cut=False)
    answer = verdict.step_of_one_look(asked.first, asked.reference) or verdict.step_of_two_looks(
        asked.first, asked.second, asked.carriers, asked.reference
    )
    is_cut = answer.verdict is Verdict.ABSENT or (
        answer.verdict is Verdict.REPLACED and answer.proof is not None
    )
    return Said(
        answer.verdict, answer.reason, is_cut, tuple(one.record_number for one in answer.other_records)
    )


def find(question: Question, asked: Asked, *, is_glance: bool = False) -> Finding:
    """The finding that a click gets; or that one look gives, as a reconciliation takes it."""
    reference = asked.reference
    if asked.first is None or asked.second is None:
        assert asked.fault is not None, "an asking that ended early says why"
        return verdict.finding_of_fault(
            asked.fault,
            incarnation=_HANDSHAKE.incarnation,
            first_looked_at=asked_at(question),
            server_ahead=timedelta(seconds=question.ahead),
        )
    if is_glance:
        return verdict.finding_of_a_quick_lookup(asked.second, asked.carriers, reference)
    return verdict.finding_of_one_look(asked.first, reference) or verdict.finding_of_two_looks(
        asked.first, asked.second, asked.carriers, reference
    )

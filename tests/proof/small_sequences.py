"""Looks at one record that changes: what one sight stores in the link, and what the next look makes of it.

A state is how our record is in the books, or how it went; in a sequence each state is made of the books of
the one before, and then asked for. What a look stores is stored by the product's own code, in a link and a
connection that have no row in a database.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

from erp_integrations.connections import connect
from erp_integrations.links import look_question, record_findings, settle_attempts
from erp_integrations.models import ChangeOrderLink, Connection, UnlinkAttempt
from erp_integrations.models.links import PresenceKey
from erp_integrations.ports import ChangeOrderReference, Finding, Verdict
from erp_integrations.workflow import link_status
from erp_integrations.workflow.link_status import status_of_finding
from tests.proof.small_answers import LAST_SEEN, Asked, Said, find, uuid_of
from tests.proof.small_books import (
    CLOSED,
    CURRENT,
    DAY,
    HOUR,
    JOB,
    MINUTE,
    NEW,
    NEW_SUBCONTRACT,
    OTHER_JOB,
    OTHER_JOB_NUMBER,
    OUR_JOB,
    OUR_NUMBER,
    OUR_PHASE,
    OUR_RECORD,
    OUR_SUB_NUMBER,
    OUR_SUBCONTRACT,
    OURS,
    THEIR_SUBCONTRACT,
    TWIN,
    Books,
    Company,
    Entry,
    Header,
    Job,
    Line,
    NotHereError,
    Question,
    Setup,
)

LAST_SUBCONTRACT = 1204
"""A fourth one, that the record never touched."""
AFTER = 6 * HOUR
"""How long after a change the record is asked for; asked again, an hour later."""

# --- what a link remembers -------------------------------------------------------------------------


_ATTEMPT = UnlinkAttempt(connection_revision=1)
"""A click; the connection of a sequence stays as it was when it was asked."""


@dataclass(slots=True)
class Memory:
    """Our link and its connection, unsaved, and the other active links that a question reads."""

    link: ChangeOrderLink
    connection: Connection
    others: tuple[look_question._Other, ...]

    @classmethod
    def begun(cls, *, is_shared: bool) -> "Memory":
        """As the link was made, when the record had lines of ours and, in a shared one, of another CCO."""
        connection = Connection(accepted_incarnation="accepted", server_clock=timedelta(0))
        subcontracts = [OUR_SUBCONTRACT, *([THEIR_SUBCONTRACT] if is_shared else [])]
        link = ChangeOrderLink(
            connection=connection,
            row_id=uuid_of(OURS),
            record_number=str(OUR_RECORD),
            number=OUR_NUMBER,
            job_record_number=str(OUR_JOB),
            job_row_id=uuid_of(JOB),
            phase=str(OUR_PHASE),
            subcontract_record_number=str(OUR_SUBCONTRACT),
            sub_change_number=OUR_SUB_NUMBER,
            erp_amount=0,
            touched_subcontracts=[str(one) for one in subcontracts],
            linked_at=LAST_SEEN,
            last_seen_at=LAST_SEEN,
            last_seen_clock=timedelta(0),
            presence=PresenceKey.PRESENT,
            presence_checked_at=LAST_SEEN,
        )
        tied = [look_question._Other(link.row_id, str(one), LAST_SEEN) for one in subcontracts]
        return cls(link, connection, tuple(tied))

    def copied(self) -> "Memory":
        return Memory(copy.copy(self.link), copy.copy(self.connection), self.others)

    def tied(self, row_id: int, subcontract: int, at: int) -> None:
        """Another CCO was linked to a record."""
        other = look_question._Other(uuid_of(row_id), str(subcontract), LAST_SEEN + timedelta(seconds=at))
        self.others = (*self.others, other)

    def reference(self) -> ChangeOrderReference:
        return look_question.reference_to(
            self.link,
            self.connection,
            shared_subcontracts=look_question._shared(self.link, self.others),
            held_by_others=look_question._held(self.link, self.others, self.connection),
        )

    def clicked(self, finding: Finding) -> None:
        """Stores what a click that did not cut the link has found, as its settlement does."""
        self._answered(finding)
        if settle_attempts._counts(finding, attempt=_ATTEMPT, link=self.link, connection=self.connection):
            assert finding.told_at is not None
            link_status.apply_status(
                self.link,
                status_of_finding(self.link, finding),
                finding,
                connection=self.connection,
                checked_at=finding.told_at,
            )

    def glanced(self, finding: Finding) -> None:
        """Stores what one look has found, as a check or a reconciliation does."""
        self._answered(finding)
        standing = status_of_finding(self.link, finding)
        became = record_findings._judge(
            self.link,
            finding,
            standing,
            connection=self.connection,
            connection_revision=self.connection.revision,
            silent=False,
        )
        if became is record_findings.Recorded.CHANGED:
            assert finding.told_at is not None
            link_status.apply_status(
                self.link, standing, finding, connection=self.connection, checked_at=finding.told_at
            )
        elif became in (record_findings.Recorded.SAME, record_findings.Recorded.OLDER):
            link_status.note_sight(self.link, finding, self.connection)

    def _answered(self, finding: Finding) -> None:
        assert finding.told_at is not None
        connect._keep_clock(self.connection, finding.server_ahead, now=finding.told_at)


_OUR_PLACES, _THEIRS = (1, 3), 2
"""Line numbers of ours, and of the other CCO's line in a shared record."""
_OUR_JOB = Job(OUR_JOB, JOB, CURRENT)

# --- the states ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Life:
    """The books of one sequence, and what Plumbline remembers."""

    company: Company
    memory: Memory
    is_shared: bool
    at: int = 0
    """When the change happens, by our clock."""
    seen: int = 0
    """When a look found our record last, by our clock."""
    ahead: int = 0
    """Seconds by which the server's clock is ahead of ours."""
    header: Header | None = None
    """Of our record, as it was last there."""
    seconds: tuple[Books, Books] | None = None
    """The books at the second look, and at its last questions, where they are others."""

    @classmethod
    def begun(cls, setup: Setup, *, is_shared: bool) -> "Life":
        life = cls(Company.begun(setup), Memory.begun(is_shared=is_shared), is_shared)
        life.header = life.company.headers[OURS]
        life.be()
        return life

    def copied(self) -> "Life":
        kept = copy.copy(self)
        kept.memory, kept.company = self.memory.copied(), copy.copy(self.company)
        for name in ("jobs", "headers", "lines", "history", "job_history", "links"):
            setattr(kept.company, name, copy.copy(getattr(self.company, name)))
        return kept

    @property
    def now(self) -> int:
        """The moment of the change, by the server's clock."""
        return self.at + self.ahead

    def be(self, *subcontracts: int, lines_at: int = -30 * DAY, **changes: Any) -> None:
        """Our record is there, with a line on each of the subcontracts, and otherwise as it was linked."""
        company, header = self.company, self.header
        assert header is not None
        is_new = OURS not in company.headers
        header = header._replace(
            number=OUR_NUMBER, job=OUR_JOB, phase=OUR_PHASE, record_number=OUR_RECORD, status=1
        )._replace(**changes)
        taken = {one.record_number for row_id, one in company.headers.items() if row_id != OURS}
        _needs(be_so=header.record_number not in taken)
        if company.headers.get(OURS, header) != header:
            company.history.append(Entry(company.headers[OURS].record_number, OURS, self.now, "update"))
        elif is_new:
            company.history.append(Entry(header.record_number, OURS, self.now, "insert"))
        if not subcontracts:
            subcontracts = (OUR_SUBCONTRACT, THEIR_SUBCONTRACT) if self.is_shared else (OUR_SUBCONTRACT,)
        if JOB not in company.jobs or company.jobs[JOB].status != CURRENT:
            company.jobs[JOB] = company.jobs.get(JOB, _OUR_JOB)._replace(status=CURRENT)
            company.job_history.append(Entry(OUR_JOB, JOB, self.now, "update"))
        self.without_lines()
        company.headers[OURS] = self.header = header
        idref = OURS if company.setup.idref == "filled" else None
        company.lines += [
            Line(
                header.record_number,
                place,
                subcontract,
                idref,
                OUR_SUB_NUMBER if place in _OUR_PLACES else f"85{place - 1}-1",
                lines_at,
            )
            for place, subcontract in enumerate(subcontracts, start=1)
            if subcontract
        ]

    def without_lines(self, *places: int) -> None:
        """Takes out lines of our record; all where no place is named."""
        assert self.header is not None
        number = self.header.record_number
        self.company.lines = [
            one
            for one in self.company.lines
            if one.record_number != number or (places and one.line not in places)
        ]

    def our_header(self) -> Header:
        _needs(be_so=OURS in self.company.headers)
        return self.company.headers[OURS]

    def asked(self, at: int) -> Question:
        books = self.company.shown()
        second, place = self.seconds or (books, books)
        link = self.company.link()._replace(reference=self.memory.reference(), shared=(), held=())
        return Question(link, books, second, place, at=at, ahead=self.ahead)


def _needs(*, be_so: bool) -> None:
    if not be_so:
        raise NotHereError


Act = Callable[[Life], None]
GONE, THERE = True, False


@dataclass(frozen=True)
class State:
    name: str
    is_gone: bool
    """Whether our record, or our part of a shared one, was really deleted."""
    act: Act
    says: frozenset[Verdict] = frozenset()
    """Of a record that is found by its row id: what may be said of it, whatever was seen of it before."""
    passes: bool = False
    """Whether it is over before the next change: the books are then as they were before."""


STATES: list[State] = []
_HERE = frozenset({Verdict.PRESENT})
_ELSEWHERE = frozenset({Verdict.RENUMBERED})
_DOUBT = frozenset({Verdict.AMBIGUOUS, Verdict.PRESENT})
"""In doubt, or there without a line of ours where the record was seen on that subcontract before."""


def _state(name: str, **how: Any) -> Callable[[Act], Act]:
    def keep(act: Act) -> Act:
        STATES.append(State(name, act=act, **how))
        return act

    return keep


# --- our record is there ---


def _appearing(
    life: Life, *, subcontracts: Sequence[int] = (), is_shared: bool | None = None, **how: Any
) -> None:
    _needs(be_so=is_shared is None or is_shared == life.is_shared)
    life.be(*subcontracts, **how)


_OF_ONE: dict[str, tuple[tuple[int, ...], frozenset[Verdict]]] = {
    "its line on a third subcontract": ((NEW_SUBCONTRACT,), _DOUBT),
    "its line on a fourth subcontract": ((LAST_SUBCONTRACT,), _DOUBT),
    "one line of two on a third subcontract": ((OUR_SUBCONTRACT, NEW_SUBCONTRACT), _HERE),
    "both lines on a third subcontract": ((NEW_SUBCONTRACT, NEW_SUBCONTRACT), _DOUBT),
    "no line": ((0,), _HERE),
}
_OF_TWO: dict[str, tuple[tuple[int, ...], frozenset[Verdict]]] = {
    "our line on a third subcontract": ((NEW_SUBCONTRACT, THEIR_SUBCONTRACT), _DOUBT),
    "our line on a fourth subcontract": ((LAST_SUBCONTRACT, THEIR_SUBCONTRACT), _DOUBT),
    "our line on theirs": ((THEIR_SUBCONTRACT, THEIR_SUBCONTRACT), frozenset()),
    "the lines of both changed about": ((THEIR_SUBCONTRACT, OUR_SUBCONTRACT), _HERE),
    "one more line of ours on a third subcontract": (
        (OUR_SUBCONTRACT, THEIR_SUBCONTRACT, NEW_SUBCONTRACT),
        _HERE,
    ),
    "two lines of ours on a third subcontract": (
        (NEW_SUBCONTRACT, THEIR_SUBCONTRACT, NEW_SUBCONTRACT),
        _DOUBT,
    ),
    "a line of another CCO on a third subcontract": (
        (OUR_SUBCONTRACT, THEIR_SUBCONTRACT, 0, NEW_SUBCONTRACT),
        _HERE,
    ),
    "their line on a third subcontract": ((OUR_SUBCONTRACT, NEW_SUBCONTRACT), _HERE),
    "the lines of both on a third subcontract": ((NEW_SUBCONTRACT, NEW_SUBCONTRACT), _DOUBT),
    "no line of either": ((0,), _HERE),
}
LINES = ("as it was", *_OF_TWO)
"""States that differ in the lines of a shared record only."""

_state("as it was", is_gone=THERE, says=_HERE)(_appearing)
for _is_shared, _appearances in ((False, _OF_ONE), (True, _OF_TWO)):
    for _name, (_subcontracts, _says) in _appearances.items():
        _state(_name, is_gone=THERE, says=_says)(
            partial(_appearing, subcontracts=_subcontracts, is_shared=_is_shared)
        )
_RENUMBERED: dict[str, dict[str, Any]] = {
    "another number": {"number": "CO-13"},
    "another phase": {"phase": 2},
    "another record number": {"record_number": 1715},
    "another job": {"job": OTHER_JOB_NUMBER},
    "another job and no line": {"job": OTHER_JOB_NUMBER, "subcontracts": (0,)},
    "another number and a third subcontract": {"number": "CO-13", "subcontracts": (NEW_SUBCONTRACT,)},
}
for _name, _changes in _RENUMBERED.items():
    _state(_name, is_gone=THERE, says=_ELSEWHERE)(partial(_appearing, **_changes))
_state("void", is_gone=THERE, says=frozenset({Verdict.PRESENT_NOT_EFFECTIVE}))(partial(_appearing, status=5))


@_state("its lines saved anew", is_gone=THERE, says=_HERE)
def _(life: Life) -> None:
    life.be(lines_at=life.now)


def _beside(life: Life, *, is_linked: bool) -> None:
    """Another record gets our number while ours is there."""
    _needs(be_so=TWIN not in life.company.headers)
    life.be()
    life.company.key(TWIN, OUR_NUMBER, life.now)
    if is_linked:
        life.memory.tied(TWIN, OUR_SUBCONTRACT, life.at + HOUR)


_state("beside another with its number", is_gone=THERE, says=_HERE)(partial(_beside, is_linked=False))
_state("beside a linked one with its number", is_gone=THERE, says=_HERE)(partial(_beside, is_linked=True))


@_state("there, the server's clock an hour ahead", is_gone=THERE, says=_HERE)
def _(life: Life) -> None:
    life.be()
    life.ahead = HOUR


@_state("there on a closed job", is_gone=THERE, says=_HERE)
def _(life: Life) -> None:
    life.be()
    life.company.save_job(life.now, status=CLOSED)


# --- our record is not to be seen, and was not deleted ---


def _is_missing(life: Life, *, which: str, lines: bool = False) -> None:
    life.our_header()
    taken = {
        "ours": [OURS],
        "job": life.company.on_job(life.our_header().job),
        "all": list(life.company.headers),
    }[which]
    life.company.lose_all(taken, lines=not lines)


for _which, _words in {"ours": "its row", "job": "its job's rows", "all": "all rows"}.items():
    _state(f"{_words} lost", is_gone=THERE, passes=True)(partial(_is_missing, which=_which))
_state("its row lost, lines left", is_gone=THERE, passes=True)(partial(_is_missing, which="ours", lines=True))


def _loaded_anew(life: Life, *, sees: str) -> None:
    """The table is loaded while the record is asked for: it comes, or goes."""
    life.our_header()
    whole = life.company.shown()
    if sees == "second":
        life.company.lose(OURS)
        life.seconds = whole, whole
    else:
        without = life.copied()
        without.company.lose(OURS)
        life.seconds = without.company.shown(), without.company.shown()


_state("seen by the second look only", is_gone=THERE, passes=True)(partial(_loaded_anew, sees="second"))
_state("seen by the first look only", is_gone=THERE, passes=True)(partial(_loaded_anew, sees="first"))


def _archive(life: Life, *, job: int, entries: bool, is_finished: bool) -> None:
    """The archive of our job, or of the other one, on which our record may be."""
    company = life.company
    number = {JOB: OUR_JOB, OTHER_JOB: OTHER_JOB_NUMBER}[job]
    _needs(be_so=life.our_header().job == number)
    company.save_job(life.now - HOUR, row_id=job, status=CLOSED)
    for place, one in enumerate(company.on_job(number)):
        company.delete(one, life.now + place * 5 * MINUTE, told=entries)
    if is_finished:
        del company.jobs[job]
        if entries:
            company.job_history.append(Entry(number, job, life.now + HOUR, "delete"))


for _job, _entries, _is_finished in product((JOB, OTHER_JOB), (False, True), (True, False)):
    _state(
        f"{'its' if _job == JOB else 'the other'} job archived{'' if _is_finished else ' in part'}"
        f"{', with entries' if _entries else ''}",
        is_gone=THERE,
        passes=True,
    )(partial(_archive, job=_job, entries=_entries, is_finished=_is_finished))


def _keyed_anew(life: Life, *, dated: str, by: int) -> None:
    """A program gives the record another row id: dated as before, or shortly before our last sight."""
    life.our_header()
    before = life.seen - HOUR + life.ahead
    life.company.rebuild(
        OURS,
        inserted=before if dated == "before the last sight" else None,
        record=life.our_header().record_number + by if by else None,
    )


for _dated, _by in product(("as before", "before the last sight"), (0, 1200)):
    _state(
        f"another row id, dated {_dated}{', another record number' if _by else ''}",
        is_gone=THERE,
        passes=True,
    )(partial(_keyed_anew, dated=_dated, by=_by))


# --- our record was deleted ---


def _delete(life: Life, *, told: bool = True, lines: bool = True, keyed: bool = False) -> None:
    life.our_header()
    life.company.delete(OURS, life.now, told=told, lines=lines)
    if keyed:
        life.company.key(NEW, OUR_NUMBER, life.now + MINUTE)


_DELETED: dict[str, dict[str, Any]] = {
    "deleted": {},
    "deleted, untold": {"told": False},
    "deleted without its lines": {"lines": False},
    "deleted and keyed again": {"keyed": True},
    "deleted and keyed again, untold": {"keyed": True, "told": False},
}
for _name, _how in _DELETED.items():
    _state(_name, is_gone=GONE)(partial(_delete, **_how))


@_state("deleted, and its job closed", is_gone=GONE)
def _(life: Life) -> None:
    _delete(life)
    life.company.save_job(life.now + HOUR, status=CLOSED)


@_state("deleted with all of its job", is_gone=GONE)
def _(life: Life) -> None:
    _needs(be_so=life.our_header().job == OUR_JOB)
    life.company.delete_job(life.now)


def _delete_part(life: Life, *, then: str = "") -> None:
    """Our lines of a shared record are deleted, wherever they are, and theirs is left where it was linked."""
    number = life.our_header().record_number
    theirs = (number, _THEIRS, THEIR_SUBCONTRACT)
    _needs(be_so=life.is_shared and any(one[:3] == theirs for one in life.company.lines))
    life.without_lines(*_OUR_PLACES)
    if then == "keyed again":
        life.company.key(NEW, "CO-14", life.now + MINUTE)
    elif then == "another line of theirs":
        idref = OURS if life.company.setup.idref == "filled" else None
        life.company.lines.append(Line(number, 1, THEIR_SUBCONTRACT, idref, OUR_SUB_NUMBER, -30 * DAY))


_state("our part deleted", is_gone=GONE)(_delete_part)
_state("our part deleted and keyed again", is_gone=GONE)(partial(_delete_part, then="keyed again"))
_state("our part deleted, and another line of theirs", is_gone=GONE)(
    partial(_delete_part, then="another line of theirs")
)

# --- the sequences ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One look of a sequence."""

    names: tuple[str, ...]
    """Of the states that were asked for, this one last."""
    state: State
    question: Question
    said: Said
    finding: Finding
    reference_after: ChangeOrderReference
    """What the next look is asked, where the link is kept."""
    is_glance: bool = False


Ask = Callable[[Question], tuple[Asked, Said]]


def sequences(setup: Setup, ask: Ask, *, is_shared: bool) -> Iterator[Told]:
    """Each state after each other: the first looked at by a click, by two, by a check; the second by two."""
    begun = Life.begun(setup, is_shared=is_shared)
    for first in STATES:
        before = _changed(begun, first, DAY)
        if before is None:
            continue
        for looks in ("click", "click again", "check"):
            life, names = before.copied(), list[str]()
            for place in range(2 if looks == "click again" else 1):
                told = _look(life, first, DAY + AFTER + place * HOUR, ask, names, is_glance=looks == "check")
                yield told
                if told.said.is_cut and not told.is_glance:
                    break
            else:
                start = begun.copied() if first.passes else life
                start.memory, start.seen = life.memory, life.seen
                for second in STATES:
                    yield from _looked_at_twice(start, second, 2 * DAY, ask, names)


def sequences_of_lines(setup: Setup, ask: Ask) -> Iterator[Told]:
    """Three states of a shared record's lines, one after the other, each looked at by a click."""
    begun = Life.begun(setup, is_shared=True)
    by_name = {one.name: one for one in STATES}
    lines = [by_name[name] for name in LINES]
    for first in lines:
        life, names = _changed(begun, first, DAY), list[str]()
        if life is None or _look(life, first, DAY + AFTER, ask, names).said.is_cut:
            continue
        for second in lines:
            after, then = _changed(life, second, 2 * DAY), names.copy()
            if after is None or _look(after, second, 2 * DAY + AFTER, ask, then).said.is_cut:
                continue
            for third in (*lines, *(one for one in STATES if one.name.startswith("our part"))):
                yield from _looked_at_twice(after, third, 3 * DAY, ask, then)


def _changed(life: Life, state: State, at: int) -> Life | None:
    """What comes of it; None where the state fits no such books."""
    changed = life.copied()
    changed.at, changed.seconds = at, None
    try:
        state.act(changed)
    except (NotHereError, KeyError):
        return None
    return changed


def _looked_at_twice(life: Life, state: State, at: int, ask: Ask, names: Sequence[str]) -> Iterator[Told]:
    changed, told_of = _changed(life, state, at), list(names)
    if changed is None:
        return
    for place in range(2):
        told = _look(changed, state, at + AFTER + place * HOUR, ask, told_of)
        yield told
        if told.said.is_cut:
            return


def _look(life: Life, state: State, at: int, ask: Ask, names: list[str], *, is_glance: bool = False) -> Told:
    """Asks for our record, and stores what was found; not what cuts the link."""
    names.append(state.name)
    question = life.asked(at)
    asked, said = ask(question)
    finding = find(question, asked, is_glance=is_glance)
    if is_glance:
        life.memory.glanced(finding)
    elif not said.is_cut:
        life.memory.clicked(finding)
    if finding.evidence.header is not None:
        life.seen = at
    return Told(tuple(names), state, question, said, finding, life.memory.reference(), is_glance)

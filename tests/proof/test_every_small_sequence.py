"""Sequences of looks at one record that changes, exhaustively: no sight teaches what a later look cuts by.

Each state of our record after each other, with what the product stores in the link after each look. The
answers are held to what those of single worlds are held to. Each rule of what a sight stores, taken away,
is noticed.
"""

import copy
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.ports import Finding
from erp_integrations.workflow import link_status
from erp_integrations.workflow.link_status import LinkStatus
from sage_adapter import verdict
from tests.conftest import tell_of_small_worlds
from tests.proof import small_sequences
from tests.proof.small_answers import Asked, Said
from tests.proof.small_books import ELSEWHERE, FARTHER, SAME_JOB, Question, Setup
from tests.proof.small_sequences import STATES, Told, sequences, sequences_of_lines
from tests.proof.test_every_small_world import NO_HISTORY, Worlds

MOVED = (
    "our line moved to a subcontract that the shared record touched before",
    "Our line deleted, and one of the other part keyed, leaves the same rows.",
)
LISTED: dict[str, tuple[str, str]] = {
    "our line on theirs": MOVED,
    "our line on a third subcontract": MOVED,
    "two lines of ours on a third subcontract": MOVED,
    "its row lost": NO_HISTORY,
    "its row lost, lines left": NO_HISTORY,
    "its job's rows lost": NO_HISTORY,
    "another row id, dated as before, another record number": NO_HISTORY,
    "another row id, dated before the last sight, another record number": NO_HISTORY,
}
"""The states of our record being there that may be cut, each with its kind and the reason.

Lines are left by a record only where it had one; a record with another row id and record number is found by
nothing where it has no line and is on another job.
"""
WRONG_CUTS = {MOVED[0]: 58, NO_HISTORY[0]: 56}
"""Distinct answers of each kind that are cut."""

MOST = Setup((SAME_JOB, ELSEWHERE, FARTHER), history="with deletions")
LEAST = Setup((SAME_JOB,), idref="missing", history="unreadable")


@dataclass(slots=True)
class Played:
    """All sequences, by the rules as they are or with one taken away."""

    worlds: Worlds = field(default_factory=lambda: Worlds(0, []))
    ways: dict[Question, str | None] = field(default_factory=dict)

    def all(self) -> Iterator[tuple[str, Told]]:
        """Every look of every sequence, and of which books it is."""
        shared = partial(sequences, ask=self._ask, is_shared=True)
        for name, looks in (
            ("lines", sequences_of_lines(MOST, self._ask)),
            ("shared, with history", shared(MOST)),
            ("shared, without history", shared(MOST._replace(history="unreadable"))),
            ("alone, without history", sequences(LEAST, self._ask, is_shared=False)),
        ):
            for told in looks:
                yield name, told

    def _ask(self, question: Question) -> tuple[Asked, Said]:
        said = self.worlds.say(question)
        return self.worlds.asked[question], said

    def way_out(self, question: Question) -> str | None:
        if question not in self.ways:
            self.ways[question] = self.worlds.way_out(question)
        return self.ways[question]

    def what_is_wrong(self, told: Told) -> str:
        """How a look breaks what is promised, whatever was seen before; empty where it does not."""
        is_found = told.finding.evidence.header is not None
        if not is_found and told.reference_after != told.question.link.reference:
            return "a look that did not find the record changes what the next one is asked"
        if told.state.is_gone:
            is_stuck = not told.said.is_cut and self.way_out(told.question) is None
            return "an honest deletion is stuck" if is_stuck else ""
        if told.said.is_cut and not told.is_glance and told.state.name not in LISTED:
            return "a wrong cut"
        is_denied = is_found and told.state.says and told.said.verdict not in told.state.says
        return "a record that is there is denied" if is_denied and not told.said.is_cut else ""


# --- the rules as they are -------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    played: Played
    looks: list[tuple[str, Told]]
    seconds: float


@pytest.fixture(scope="module")
def as_they_are() -> Outcome:
    """All sequences by the rules as they are."""
    began = time.process_time()
    played = Played()
    return Outcome(played, list(played.all()), time.process_time() - began)


def test_no_sight_teaches_what_a_later_look_cuts_wrongly_by(as_they_are: Outcome) -> None:
    played = as_they_are.played
    cut_though_there: dict[Question, str] = {}
    gone: set[Question] = set()
    ways: Counter[str] = Counter()
    for _, told in as_they_are.looks:
        assert not played.what_is_wrong(told), (played.what_is_wrong(told), told)
        if told.is_glance:
            continue
        if told.state.is_gone:
            if not told.said.is_cut and told.question not in gone:
                ways[played.way_out(told.question) or ""] += 1
            gone.add(told.question)
        elif told.said.is_cut:
            cut_though_there[told.question] = told.state.name
    wrong = Counter(LISTED[name][0] for name in cut_though_there.values())
    tell_of_small_worlds(
        [
            f"looks in small sequences: {len(as_they_are.looks):,}; distinct questions: "
            f"{len(played.worlds.asked):,}; cut wrongly beyond those listed: 0; "
            f"{as_they_are.seconds:.0f} seconds",
            *(
                f"cut, and not to be told from an honest deletion: {n:,} ({kind})"
                for kind, n in wrong.items()
            ),
            *(f"honest deletion refused: {n:,} ({way})" for way, n in ways.most_common()),
        ]
    )
    assert dict(wrong) == WRONG_CUTS
    told_of = {told.state.name for _, told in as_they_are.looks}
    assert told_of == {one.name for one in STATES}, "a state that fits no books shows nothing"
    assert set(cut_though_there.values()) == LISTED.keys()
    moved = {question for question, name in cut_though_there.items() if LISTED[name] is MOVED}
    assert moved & gone, "the honest twin of a part that was moved gives the very same question"


# --- each rule of what a sight stores taken away ---------------------------------------------------

Taking = Callable[[pytest.MonkeyPatch], None]
_note_sight = link_status.note_sight


def _noting(change: Callable[[ChangeOrderLink, ChangeOrderLink, Finding], None]) -> Taking:
    """Another rule of what a sight stores: what `change` makes of the link as it is stored and as it was."""

    def note_sight(link: ChangeOrderLink, finding: Finding, connection: Connection) -> bool:
        before = copy.copy(link)
        is_new = _note_sight(link, finding, connection)
        change(link, before, finding)
        return is_new

    return lambda patch: patch.setattr(link_status, "note_sight", note_sight)


def _learns_without_our_line(link: ChangeOrderLink, _before: ChangeOrderLink, finding: Finding) -> None:
    if finding.evidence.header is not None:
        link.touched_subcontracts = list(finding.evidence.touched_subcontracts)


def _learns_nothing(link: ChangeOrderLink, before: ChangeOrderLink, _finding: Finding) -> None:
    link.touched_subcontracts = before.touched_subcontracts


def _does_not_date_a_sight(link: ChangeOrderLink, before: ChangeOrderLink, _finding: Finding) -> None:
    link.last_seen_at, link.last_seen_clock = before.last_seen_at, before.last_seen_clock


def _dates_a_look_without_a_sight(link: ChangeOrderLink, _before: ChangeOrderLink, finding: Finding) -> None:
    if finding.first_looked_at is not None:
        link.last_seen_at = finding.first_looked_at


def _takes_over_what_it_sees(link: ChangeOrderLink, _before: ChangeOrderLink, finding: Finding) -> None:
    if (header := finding.evidence.header) is not None:
        link.number, link.phase = header.number, header.phase
        link.job_record_number = header.job_record_number


def _forgets_the_last_job(patch: pytest.MonkeyPatch) -> None:
    def status_of_finding(link: ChangeOrderLink, finding: Finding) -> LinkStatus:
        found = link_status.status_of_finding(link, finding)
        return found if finding.evidence.header is not None else LinkStatus(found.presence)

    patch.setattr(small_sequences, "status_of_finding", status_of_finding)


def _asks_for_no_last_job(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "_last_job_may_be_archived", lambda *_: False)


RULES: dict[str, Taking] = {
    "a subcontract is learnt only beside a line of ours": _noting(_learns_without_our_line),
    "a subcontract beside a line of ours is learnt": _noting(_learns_nothing),
    "a sight is dated": _noting(_does_not_date_a_sight),
    "a look without a sight is not": _noting(_dates_a_look_without_a_sight),
    "what the link was made with stays": _noting(_takes_over_what_it_sees),
    "the job of the last sight is kept until the next": _forgets_the_last_job,
    "the job of the last sight is asked for": _asks_for_no_last_job,
}


@pytest.mark.parametrize("name", RULES)
def test_each_rule_of_a_sight_taken_away_is_noticed(
    name: str, as_they_are: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_before = {(books, told.names) for books, told in as_they_are.looks if _is_cut_though_there(told)}
    RULES[name](monkeypatch)
    played = Played()

    assert any(
        played.what_is_wrong(told) or (_is_cut_though_there(told) and (books, told.names) not in cut_before)
        for books, told in played.all()
    )


def _is_cut_though_there(told: Told) -> bool:
    return told.said.is_cut and not told.is_glance and not told.state.is_gone

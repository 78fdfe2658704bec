"""The verdict, exhaustively: in all small worlds of Sage's books, no link is cut wrongly and none is stuck.

The worlds are grouped by the answers that the adapter gets. A group that is cut although it holds a world in
which our record is there is a wrong cut, unless no rule can tell that world from an honest deletion; those
are listed by name. A group that holds an honest deletion and is refused has a way out. Each rule of the
verdict, taken away, breaks one or the other.
"""

import itertools
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.ports import ConnectionSpec, Deadline, Finding, Verdict
from sage_adapter import verdict
from sage_adapter.history import DELETE, Entry, History
from sage_adapter.reader import open_reader
from sage_adapter.sandbox.connection import AUDIT_FILE, COMPANY_FILE, schema_text
from tests.conftest import tell_of_small_worlds
from tests.proof import small_answers, small_worlds
from tests.proof.small_answers import Asked, Said, ask, moment, say, uuid_of
from tests.proof.small_books import (
    CURRENT,
    JOB,
    OUR_JOB,
    OUR_NUMBER,
    OUR_PHASE,
    OUR_RECORD,
    OURS,
    Books,
    Line,
    Question,
    World,
)

# --- worlds that no rule can tell from an honest deletion -----------------------------------------

NO_HISTORY = (
    "rows lost, and no history to miss a deletion in",
    "Where no history is kept, or where it knows of no deletion at all, a deletion leaves the same rows.",
)
BACKUP = (
    "an older backup, unnoticed",
    "The database answers as the accepted one and has no history that could show it.",
)
IN_HISTORY = (
    "a deletion in Sage's own history",
    "A program wrote the entries that a person's deletion writes, while the job lived on.",
)
NEIGHBOURS = (
    "an archive that has taken ours and not yet its neighbours",
    "No history: a record deleted from a closed job leaves the same rows.",
)
REOPENED = (
    "an archive that broke off, and the job set to Current",
    "To set the job to Current is what a person does who says that it was not archived.",
)
OWN_STATUS = (
    "an archive of a job with a status of the company's own",
    "Sage archives jobs that are Closed or Refused; such a job counts as one that lives on.",
)
KEYED_ANEW = (
    "all change orders of a job keyed anew by a program",
    "Without another link on the job it looks like one deleted and keyed again.",
)

_REBUILT_WITH_ENTRIES = [
    f"row ids of {which} rebuilt, dated {dated}, _idref follows, with entries{by}"
    for which, dated, by in (
        ("ours", "as before", ", other record numbers"),
        ("ours", "unknown", ""),
        ("ours", "unknown", ", other record numbers"),
        ("job", "as before", ", other record numbers"),
        ("all", "as before", ", other record numbers"),
    )
]

LISTED: dict[str, tuple[str, str]] = {
    "one row lost": NO_HISTORY,
    "our job's rows lost": NO_HISTORY,
    "all linked rows lost": NO_HISTORY,
    "half restored": NO_HISTORY,
    "saved in two steps, then lost": NO_HISTORY,
    "all others with a confirmed deletion, and ours lost": NO_HISTORY,
    "deleted and restored before our last sight, then one row lost": NO_HISTORY,
    "deleted and restored before our last sight, then our job's rows lost": NO_HISTORY,
    "saved again, header lost, its record number used by the next": NO_HISTORY,
    "older backup in place": BACKUP,
    "younger backup in place": BACKUP,
    "our job's rows lost, entries in a sweep": IN_HISTORY,
    **dict.fromkeys(_REBUILT_WITH_ENTRIES, IN_HISTORY),
    **dict.fromkeys(
        [
            f"ours re-keyed, dated as before, other record number, {what}, with entries"
            for what in ("another number", "another job", "another job and number", "another phase")
        ],
        IN_HISTORY,
    ),
    "ours re-keyed with another record number, lines none, with an entry": IN_HISTORY,
    "ours re-keyed with another record number, lines without a sub change number, with an entry": IN_HISTORY,
    **{
        f"archive unfinished, entries {entries}, neighbours there": NEIGHBOURS
        for entries in ("none", "in a sweep", "apart")
    },
    **{f"archive reopened, entries {entries}": REOPENED for entries in ("none", "in a sweep", "apart")},
    **{
        f"archive unfinished, entries {entries}, status of the company's own": OWN_STATUS
        for entries in ("in a sweep", "apart")
    },
    **{
        f"row ids of job rebuilt, dated anew, _idref follows{entries}{by}": KEYED_ANEW
        for entries, by in itertools.product(("", ", with entries"), ("", ", other record numbers"))
    },
}
"""The stories of our record being there that may be cut, each with its kind and the reason."""

WRONG_CUTS = {
    IN_HISTORY[0]: 814,
    NO_HISTORY[0]: 696,
    KEYED_ANEW[0]: 234,
    REOPENED[0]: 129,
    BACKUP[0]: 86,
    OWN_STATUS[0]: 68,
    NEIGHBOURS[0]: 58,
}
"""Distinct answers of each kind that are cut."""


# --- all answers -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Group:
    """All worlds that give the same answers."""

    question: Question
    there: set[str] = field(default_factory=set)
    """The stories in which our record is there."""
    gone: set[str] = field(default_factory=set)

    @property
    def is_found(self) -> bool:
        """Whether our record is found by its row id, by both looks."""
        return all(
            any(one.row_id == OURS for one in books.headers)
            for books in (self.question.first, self.question.second)
        )


@dataclass(slots=True)
class Worlds:
    worlds: int
    groups: list[Group]
    asked: dict[Question, Asked] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    """By the rules as they are, of each group."""

    @classmethod
    def of(cls, worlds: Iterable[World]) -> "Worlds":
        count, groups = 0, dict[Question, Group]()
        for world in worlds:
            count += 1
            group = groups.setdefault(world.question, Group(world.question))
            (group.gone if world.is_gone else group.there).add(world.story)
        return cls(count, list(groups.values()))

    def say(self, question: Question) -> Said:
        if question not in self.asked:
            self.asked[question] = ask(question)
        return say(self.asked[question])

    def say_confirmed(self, question: Question) -> Said:
        """What is said once two people have stated that the record was deleted."""
        self.say(question)
        asked = self.asked[question]
        return say(replace(asked, reference=replace(asked.reference, deletion_confirmed=True)))

    # --- what may not be ---

    def is_cut_wrongly(self, group: Group, said: Said) -> bool:
        return said.is_cut and bool(group.there - LISTED.keys())

    def is_denied(self, group: Group, said: Said) -> bool:
        """Whether a record that is found by its row id is not told to be there."""
        told = (Verdict.PRESENT, Verdict.RENUMBERED, Verdict.PRESENT_NOT_EFFECTIVE)
        return (
            group.is_found
            and bool(group.there)
            and said.verdict not in told
            and said.reason != "moved-to-another-subcontract"
        )

    def way_out(self, question: Question, *, steps: int = 4) -> str | None:
        """The first step to a cut where the record was really deleted; None where there is none.

        Each step is done to the books, or stated, and the verdict asked again.
        """
        said = self.say(question)
        if said.is_cut:
            return "none needed"
        if not steps:
            return None
        for name, after in self._steps(question, said):
            if after is None or self.way_out(after, steps=steps - 1):
                return name
        return None

    def _steps(self, question: Question, said: Said) -> Iterable[tuple[str, Question | None]]:
        link, books = question.link, question.second
        if said.verdict is Verdict.AMBIGUOUS and said.reason == "lines-without-header":
            lines = tuple(one for one in books.lines if not _is_left(one, books))
            if lines != books.lines:
                yield "finish the deletion in Sage", _asked_of(question, books._replace(lines=lines))
        if said.verdict is Verdict.REPLACED:
            others = {int(one) for one in said.others}
            linked = {one.row_id for one in link.controls}
            if not any(one.record_number in others and one.row_id in linked for one in books.headers):
                rest = books._replace(
                    headers=tuple(one for one in books.headers if one.record_number not in others),
                    lines=tuple(one for one in books.lines if one.record_number not in others),
                )
                yield "delete or renumber the other record, or move the link to it", _asked_of(question, rest)
        if said.verdict in (Verdict.RENUMBERED, Verdict.PRESENT_NOT_EFFECTIVE):
            yield "give the record its number, job and status again", _asked_of(question, _as_linked(books))
        if said.reason in ("job-closed-and-empty", "deletion-of-closed-job"):
            jobs = tuple(one._replace(status=CURRENT) if one.row_id == JOB else one for one in books.jobs)
            yield "set the job to Current", _asked_of(question, books._replace(jobs=jobs))
        may_be_confirmed = (
            "job-not-found",
            "job-closed-and-empty",
            "last-job-not-in-progress",
            "deletion-of-closed-job",
            "no-control",
            "history-silent",
        )
        if said.reason in may_be_confirmed and not link.is_confirmed:
            confirmed = question._replace(link=link._replace(is_confirmed=True))
            yield "a confirmed deletion", confirmed


def _is_left(line: Line, books: Books) -> bool:
    """Whether a person may delete the line as one of ours: not one that belongs to a record that is there."""
    if line.header == OURS:
        return True
    its = next((one for one in books.headers if one.record_number == line.record_number), None)
    if line.record_number != OUR_RECORD or (its and line.header == its.row_id):
        return False
    return its is None or line.inserted is None or line.inserted <= 0


def _as_linked(books: Books) -> Books:
    """Our record as it was linked, and its lines as they are now."""
    ours = next(one for one in books.headers if one.row_id == OURS)
    number = ours.record_number
    as_linked = ours._replace(
        record_number=OUR_RECORD, number=OUR_NUMBER, job=OUR_JOB, phase=OUR_PHASE, status=1
    )
    return books._replace(
        headers=tuple(as_linked if one is ours else one for one in books.headers),
        lines=tuple(
            one._replace(record_number=OUR_RECORD) if one.record_number == number else one
            for one in books.lines
        ),
    )


def _asked_of(question: Question, books: Books) -> Question:
    return question._replace(first=books, second=books, place=books)


# --- the rules as they are -------------------------------------------------------------------------


def test_no_small_world_is_cut_wrongly_and_no_honest_deletion_is_stuck() -> None:
    began = time.process_time()
    worlds = Worlds.of(small_worlds.every_world())
    wrong: Counter[str] = Counter()
    ways: Counter[str] = Counter()
    cuts = 0
    cut_though_there: set[str] = set()
    for group in worlds.groups:
        said = worlds.say(group.question)
        assert not worlds.is_denied(group, said), (said, group)
        assert not worlds.is_cut_wrongly(group, said), (said, group)
        cuts += said.is_cut
        if said.is_cut:
            wrong.update({LISTED[one][0] for one in group.there})
            cut_though_there |= group.there
        elif said.verdict in _NEVER_CONFIRMED:
            assert not worlds.say_confirmed(group.question).is_cut, (said, group)
        if group.gone and not said.is_cut:
            way = worlds.way_out(group.question)
            assert way, (said, group)
            ways[way] += 1
    _tell(worlds, cuts, wrong, ways, time.process_time() - began)
    assert dict(wrong) == WRONG_CUTS
    told = {story for group in worlds.groups for story in group.there | group.gone}
    assert {one.name for one in small_worlds.STORIES} <= told, "a story that fits no books shows nothing"
    assert cut_though_there == LISTED.keys(), "a story that is listed and never cut would hide a wrong cut"


_NEVER_CONFIRMED = (
    Verdict.PRESENT,
    Verdict.PRESENT_NOT_EFFECTIVE,
    Verdict.RENUMBERED,
    Verdict.REPLACED,
    Verdict.AMBIGUOUS,
)
"""What no two people's word overrules."""


def _tell(worlds: Worlds, cuts: int, wrong: Counter[str], ways: Counter[str], seconds: float) -> None:
    lines = [
        f"small worlds: {worlds.worlds:,}; distinct answers: {len(worlds.groups):,}; cut: {cuts:,}; "
        f"cut wrongly beyond those listed: 0; {seconds:.0f} seconds",
        *(
            f"cut, and not to be told from an honest deletion: {count:,} ({kind})"
            for kind, count in wrong.most_common()
        ),
        *(f"honest deletion refused: {count:,} ({way})" for way, count in ways.most_common()),
        "honest deletion refused without a way out: 0",
    ]
    tell_of_small_worlds(lines)


# --- through a database ----------------------------------------------------------------------------

MOST_ASKED_OF_A_DATABASE = 300


def test_a_database_gives_the_same_answers(tmp_path: Path) -> None:
    """A sample of the worlds, kept as rows of real books and asked for by `SageReader`."""
    groups = [
        group
        for group in Worlds.of(small_worlds.few_worlds()).groups
        if group.question.first is group.question.second is group.question.place
    ]
    sample = groups[:: max(1, len(groups) // MOST_ASKED_OF_A_DATABASE)]
    assert len(sample) >= MOST_ASKED_OF_A_DATABASE
    books = _RealBooks(tmp_path)
    cuts = 0
    for group in sample:
        said, found = say(ask(group.question)), books.lookup(group.question)
        assert (found.verdict, found.reason, found.proves_absence) == said[:3], group
        others = tuple(one.record_number for one in found.evidence.other_records)
        assert others == said.others, group
        cuts += said.is_cut
    assert cuts > MOST_ASKED_OF_A_DATABASE / 20


class _RealBooks:
    """Practice companies whose tables take any value, each filled with one world at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lookup(self, question: Question) -> Finding:
        link, books = question.link, question.second
        folder = self._made(books)
        _fill(folder, books)
        spec = ConnectionSpec(
            kind="sandbox",
            database="Small World",
            accepted_incarnation="accepted",
            history_mark=small_answers.mark_of(link),
            sandbox_path=folder,
            second_look_seconds=0.0,
        )
        return open_reader(spec).lookup(
            small_answers.reference_of(link),
            deadline=Deadline.after(60),
            clock=lambda: datetime.now(UTC),
            controls=small_answers.controls_of(link),
        )

    def _made(self, books: Books) -> Path:
        history = "none" if books.history is None else "no-jobs" if books.job_history is None else "all"
        folder = self._folder / f"{history}-{books.has_idref}"
        if folder.exists():
            return folder
        folder.mkdir()
        for file, schema in ((COMPANY_FILE, "dbo"), (AUDIT_FILE, "dbo_Audit")):
            with closing(sqlite3.connect(folder / file)) as connection:
                text = re.sub(r"(?<! IS) NOT NULL| CHECK \(status BETWEEN 1 AND 6\)", "", schema_text(schema))
                connection.executescript(text)
                if schema == "dbo":
                    row = ("Small World", "accepted", "small-world")
                    connection.execute(
                        "INSERT INTO sandbox_identity (database_name, incarnation, company) VALUES (?, ?, ?)",
                        row,
                    )
                    if not books.has_idref:
                        connection.execute("ALTER TABLE sbcgln DROP COLUMN _idref")
                else:
                    for table in {"none": ("prmchg", "actrec"), "no-jobs": ("actrec",)}.get(history, ()):
                        connection.execute(f"DROP TABLE {table}")
                connection.commit()
        return folder


def _fill(folder: Path, books: Books) -> None:
    with closing(sqlite3.connect(folder / COMPANY_FILE)) as connection:
        put = _putting(connection)
        put("actrec", "recnum _idnum status", [(one[0], _id(one[1]), one[2]) for one in books.jobs])
        put(
            "prmchg",
            "recnum _idnum chgnum jobnum phsnum status insdte",
            [(one[0], _id(one.row_id), *one[2:6], _at(one.inserted)) for one in books.headers],
        )
        lines = [
            (
                one.record_number,
                one.line,
                one.subcontract,
                one.sub_number,
                10,
                _id(place + 10_000),
                _at(one.inserted),
                *([_id(one.header)] if books.has_idref else []),
            )
            for place, one in enumerate(books.lines)
        ]
        columns = "recnum linnum vndctc chgnum bdgprc _idnum insdte"
        put("sbcgln", columns + (" _idref" if books.has_idref else ""), lines)
        connection.commit()
    with closing(sqlite3.connect(folder / AUDIT_FILE)) as connection:
        put = _putting(connection)
        for table, entries in (("prmchg", books.history), ("actrec", books.job_history)):
            if entries is not None:
                put(
                    table,
                    "recnum _idnum _Date _Action _User _Application",
                    [(one[0], _id(one[1]), _at(one.at), one.action, "ACCT2", "Sage") for one in entries],
                )
        connection.commit()


def _putting(connection: sqlite3.Connection) -> Callable[[str, str, Sequence[tuple[Any, ...]]], None]:
    def put(table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        names = columns.split()
        connection.execute(f"DELETE FROM {table}")
        places = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows)

    return put


def _id(row_id: int | None) -> str | None:
    return None if row_id is None else str(uuid_of(row_id)).upper()


def _at(seconds: int | None) -> str | None:
    return None if seconds is None else f"{moment(seconds):%Y-%m-%d %H:%M:%S}.000"


# --- each rule taken away --------------------------------------------------------------------------

Taking = Callable[[pytest.MonkeyPatch], None]
RULES: dict[str, Taking] = {}


def rule(name: str) -> Callable[[Taking], Taking]:
    def keep(take: Taking) -> Taking:
        RULES[name] = take
        return take

    return keep


def _swap(name: str, instead: object) -> Taking:
    def take(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(verdict, name, instead)

    return take


def _nothing(*_anything: object) -> None:
    """A step that finds nothing."""


for _step, _rule in {
    "_of_job": "the job is asked for",
    "_of_lines": "lines left behind are asked for",
    "_of_controls": "controls are asked for",
    "_of_ended_job": "a job that may be half archived shows another change order",
    "_of_silence": "silence of history counts",
}.items():
    RULES[_rule] = _swap(_step, _nothing)
RULES |= {
    "deletions of one moment are a sweep": _swap("_is_in_a_sweep", lambda *_: False),
    "a Closed or Refused job is no sign of life": _swap("ENDED", ()),
    "a status of the company's own may be that of an archived job": _swap(
        "IN_PROGRESS", (*verdict.IN_PROGRESS, "9", "Closed")
    ),
    "a job outlives a deletion by an hour": _swap("LIVED_ON", timedelta(0)),
    "the clocks of one server differ by a minute at most": _swap("KEYED_AFTER", timedelta(days=400)),
}


@rule("the job lived on after the deletion")
def _(patch: pytest.MonkeyPatch) -> None:
    def told(look: verdict.Look, record: Any, _job: object) -> Entry | None:
        deletion = look.history.deletion_of(record.row_id) if look.history else None
        return deletion if deletion and verdict._seen(record, look).is_before(deletion.at) else None

    patch.setattr(verdict, "deletion_told", told)


@rule("a deletion counts only after the last sight")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict.deletion_told

    def told(look: verdict.Look, record: Any, job: Any) -> Entry | None:
        long_ago = record.last_seen_at - timedelta(days=1_000)
        return real(look, replace(record, last_seen_at=long_ago), job)

    patch.setattr(verdict, "deletion_told", told)


@rule("a deletion is the newest entry")
def _(patch: pytest.MonkeyPatch) -> None:
    def any_deletion(history: History, row_id: Any) -> Entry | None:
        entries = (one for one in history._entries.get(row_id, ()) if one and one.action == DELETE)
        return max(entries, key=lambda one: one.at, default=None)

    patch.setattr(History, "deletion_of", any_deletion)


@rule("nothing else stands at the moment of a deletion")
def _(patch: pytest.MonkeyPatch) -> None:
    def last_deletion(history: History, row_id: Any) -> Entry | None:
        entries = [one for one in history._entries.get(row_id, ()) if one]
        newest = max((one.at for one in entries), default=None)
        return next((one for one in entries if one.at == newest and one.action == DELETE), None)

    patch.setattr(History, "deletion_of", last_deletion)


def _with_controls(judge: Callable[[int, int, bool], bool]) -> Taking:
    """Other rules for controls: how many are there, are missing untold, and whether our deletion is told."""

    def shows(look: verdict.Look, reference: Any) -> bool:
        deletion = verdict.our_deletion(look, reference)
        there = sum(one.is_there for one in look.controls)
        if not look.controls:
            return _real_shows(look, reference)
        return judge(there, len(verdict._untold(look)), deletion is not None)

    return _swap("_shows_that_it_sees", shows)


_real_shows = verdict._shows_that_it_sees
RULES |= {
    "at least one control is there": _with_controls(lambda there, untold, _told: there >= untold),
    "as many controls are there as are missing": _with_controls(lambda there, _untold, _told: there > 0),
    "where all controls were deleted, our own deletion is no part of a sweep": _with_controls(
        lambda there, untold, told: there >= untold and (there > 0 or told)
    ),
}


@rule("without other links, the lowest record was there before")
def _(patch: pytest.MonkeyPatch) -> None:
    def shows(look: verdict.Look, reference: Any) -> bool:
        return not look.controls or _real_shows(look, reference)

    patch.setattr(verdict, "_shows_that_it_sees", shows)


@rule("the lowest record was inserted before the last sight")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "_was_there_before", lambda *_: True)


@rule("the header is asked for whatever history says")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict.step_of_one_look

    def history_first(look: verdict.Look, reference: Any) -> verdict.Answer | None:
        if verdict.our_deletion(look, reference) is not None:
            look = replace(look, observation=replace(look.observation, header=None))
        return real(look, reference)

    patch.setattr(verdict, "step_of_one_look", history_first)


@rule("the header is asked for before the job")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict.step_of_one_look

    def job_first(look: verdict.Look, reference: Any) -> verdict.Answer | None:
        return verdict._of_job(look, reference) or real(look, reference)

    patch.setattr(verdict, "step_of_one_look", job_first)


def _of_header_as(change: Callable[[Any, Any, Any, Any], Any]) -> Taking:
    real = verdict._of_header

    def of_header(seen: Any, header: Any, reference: Any) -> verdict.Answer | None:
        answer: verdict.Answer | None = change(real(seen, header, reference), seen, header, reference)
        return answer

    return _swap("_of_header", of_header)


RULES |= {
    "a header without our lines is there": _of_header_as(
        lambda answer, *_: None if answer and answer.reason == "header-without-our-lines" else answer
    ),
    "lines on a new subcontract were moved": _of_header_as(
        lambda answer, *_: None if answer and answer.reason == "moved-to-another-subcontract" else answer
    ),
    "our part of a shared record can be gone": _of_header_as(
        lambda answer, *_: answer or verdict.Answer(Verdict.PRESENT, "header-without-our-lines")
    ),
}


def _lines_as(change: Callable[[Any, Any], Any]) -> Taking:
    """Changes what is seen of our record before the lines are judged."""

    def take(patch: pytest.MonkeyPatch) -> None:
        real = verdict._of_lines

        def of_lines(look: verdict.Look, reference: Any) -> verdict.Answer | None:
            lines = tuple(change(one, reference) for one in look.observation.lines)
            seen = replace(look.observation, lines=tuple(one for one in lines if one))
            return real(replace(look, observation=seen), reference)

        patch.setattr(verdict, "_of_lines", of_lines)

    return take


RULES |= {
    "the row id of a line's header counts": _lines_as(lambda one, _: replace(one, header_row_id=None)),
    "lines are found by the row id of their header": _lines_as(
        lambda one, reference: one if str(one.record_number) == reference.record_number else None
    ),
    "lines of a living record are its own": _lines_as(
        lambda one, reference: replace(one, header_row_id=reference.row_id)
    ),
    "a line without a row id is the living record's only if it came later": _lines_as(
        lambda one, _: one if one.header_row_id else None
    ),
}


def _places_as(change: Callable[[verdict.Place], verdict.Place | None]) -> Taking:
    def take(patch: pytest.MonkeyPatch) -> None:
        real = verdict.places

        def places(*arguments: Any) -> list[verdict.Place]:
            changed = [change(one) for one in real(*arguments)]
            return [
                one
                for one in changed
                if one and (one.by_number or one.by_record_number or one.lines_inserted_at)
            ]

        patch.setattr(verdict, "places", places)

    return take


RULES |= {
    "(a) a record with our number stands in its place": _places_as(lambda one: replace(one, by_number=False)),
    "(b) a record with our record number stands in its place": _places_as(
        lambda one: replace(one, by_record_number=False)
    ),
    "(b) on whatever job": _places_as(
        lambda one: one if one.is_on_our_job else replace(one, by_record_number=False)
    ),
    "(c) a line with our sub change number stands in its place": _places_as(
        lambda one: replace(one, lines_inserted_at=[])
    ),
}


@rule("records that others held when ours was seen are not in its place")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict.places

    def places(look: Any, carriers: Any, reference: Any) -> list[verdict.Place]:
        return real(look, carriers, replace(reference, held_by_others=frozenset()))

    patch.setattr(verdict, "places", places)


def _proof_as(change: Callable[[verdict.Place, bool, Any, Any], bool]) -> Taking:
    def take(patch: pytest.MonkeyPatch) -> None:
        real = verdict._is_proven

        def is_proven(place: verdict.Place, look: Any, reference: Any) -> bool:
            return change(place, real(place, look, reference), look, reference)

        patch.setattr(verdict, "_is_proven", is_proven)

    return take


RULES |= {
    "what stands in its place is proven": _proof_as(lambda *_: True),
    "a deletion proves nothing about our record number": _proof_as(
        lambda _place, is_proven, look, reference: is_proven or bool(verdict.our_deletion(look, reference))
    ),
}


@rule("a later record counts only where a control of the job is there")
def _(patch: pytest.MonkeyPatch) -> None:
    def came_later(at: Any, look: Any, reference: Any) -> bool:
        return at is not None and verdict._seen(reference, look).is_before(at)

    patch.setattr(verdict, "_came_later", came_later)


@rule("an unknown date proves nothing")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict._came_later
    patch.setattr(verdict, "_came_later", lambda at, *others: at is None or real(at, *others))


@rule("a later date proves a record")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "_came_later", lambda at, *_: at is not None)


@rule("a clock that was changed leaves an hour of doubt")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict._SeenByServer.of
    sure = staticmethod(lambda *arguments: replace(real(*arguments), doubt=timedelta(0)))
    patch.setattr(verdict._SeenByServer, "of", sure)


@rule("two looks agree")
def _(patch: pytest.MonkeyPatch) -> None:
    def one_look(first: Any, second: Any, carriers: Any, reference: Any) -> verdict.Answer:
        return verdict.step_of_one_look(first, reference) or verdict._of_place(first, carriers, reference)

    patch.setattr(verdict, "step_of_two_looks", one_look)


@rule("our record met by the last question is there")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "_met_ours", lambda *_: False)


@rule("a confirmed deletion is a way out")
def _(patch: pytest.MonkeyPatch) -> None:
    real = verdict.step_of_one_look
    patch.setattr(
        verdict,
        "step_of_one_look",
        lambda look, reference: real(look, replace(reference, deletion_confirmed=False)),
    )


@pytest.fixture(scope="module")
def few() -> Worlds:
    """Fewer worlds, asked once for all rules."""
    worlds = Worlds.of(small_worlds.few_worlds())
    worlds.said = [worlds.say(group.question) for group in worlds.groups]
    return worlds


@pytest.mark.parametrize("name", RULES)
def test_each_rule_taken_away_breaks_the_promise(
    name: str, few: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    RULES[name](monkeypatch)
    assert any(_breaks(few, group, before) for group, before in zip(few.groups, few.said, strict=True)), name


def _breaks(worlds: Worlds, group: Group, before: Said) -> bool:
    said = worlds.say(group.question)
    if said == before:
        # What was refused stays refused: a way out that leads on by the rules as they are is followed anew.
        return bool(group.gone) and not said.is_cut and worlds.way_out(group.question) is None
    if said.is_cut and not before.is_cut and group.there:
        return True
    if worlds.is_denied(group, said):
        return True
    return bool(group.gone) and not said.is_cut and worlds.way_out(group.question) is None

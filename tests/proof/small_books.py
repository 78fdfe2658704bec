"""Sage's books in a few rows, and how they change: what people do there, and what happens to a database.

Moments are whole seconds from the look that last saw our record; row ids are small numbers. A `Company`
changes; `Company.shown` gives its rows as `Books`, which can be compared and kept in a set.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from erp_integrations.ports import ChangeOrderReference

MINUTE, HOUR, DAY = 60, 3600, 86_400
NOW = 3 * DAY
"""When the record is asked for."""
DELETED = DAY
"""When most deletions happen."""

OURS, SAME_JOB, ELSEWHERE, FARTHER, LOWEST, MATE, LATER, TWIN, NEW, STRANGER = range(1, 11)
REBUILT = 50
"""Added to a row id that was made anew."""
JOB, OTHER_JOB, NEW_JOB = 100, 101, 102

OUR_RECORD, OUR_JOB, OUR_PHASE, OUR_NUMBER, OUR_SUB_NUMBER = 712, 2611, 1, "CO-12", "850-1"
OUR_SUBCONTRACT, THEIR_SUBCONTRACT, NEW_SUBCONTRACT = 1201, 1202, 1203
OTHER_JOB_NUMBER = 2600

BID, CURRENT, CLOSED, OWN_STATUS = 1, 4, 6, 9


class Job(NamedTuple):
    record_number: int
    row_id: int
    status: int | None


class Header(NamedTuple):
    record_number: int
    row_id: int | None
    number: str | None
    job: int
    phase: int
    status: int
    inserted: int | None


class Line(NamedTuple):
    record_number: int
    line: int
    subcontract: int | None
    header: int | None
    """`_idref`; None for empty."""
    sub_number: str
    inserted: int | None


class Entry(NamedTuple):
    """One entry of Sage's history."""

    record_number: int
    row_id: int
    at: int
    action: str


class Books(NamedTuple):
    """Everything that can be asked for."""

    jobs: tuple[Job, ...]
    headers: tuple[Header, ...]
    lines: tuple[Line, ...]
    history: tuple[Entry, ...] | None
    """None where it cannot be read."""
    job_history: tuple[Entry, ...] | None
    has_idref: bool


HISTORIES = ("unreadable", "empty", "kept", "with deletions", "purged after", "purged before", "without jobs")
"""Sage's history: cannot be read; was never written; holds everything since the books began; and a deletion
of a stranger too; was purged after the usual moment of a deletion; between our last sight and that moment;
holds everything of change orders and cannot be read of jobs."""


class Setup(NamedTuple):
    """The books at our last sight, as far as they vary."""

    links: tuple[int, ...] = (SAME_JOB, ELSEWHERE, FARTHER)
    """The records of the connection's other links."""
    idref: str = "filled"
    is_highest: bool = True
    """Whether ours has the highest record number, so that the next one keyed after its deletion takes it."""
    status: int = CURRENT
    history: str = "kept"


@dataclass
class Company:
    setup: Setup
    jobs: dict[int, Job] = field(default_factory=dict)
    headers: dict[int, Header] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    history: list[Entry] = field(default_factory=list)
    job_history: list[Entry] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    held: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()
    clock: str = "kept"
    mark: Entry | None = None
    confirmed: tuple[int, ...] = ()
    """Other links' records with a confirmed deletion."""

    @classmethod
    def begun(cls, setup: Setup) -> "Company":
        made = cls(setup, links=list(setup.links))
        for row_id, number, status in ((JOB, OUR_JOB, setup.status), (OTHER_JOB, OTHER_JOB_NUMBER, CURRENT)):
            made.jobs[row_id] = Job(number, row_id, status)
            made.job_history.append(Entry(number, row_id, -500 * DAY, "insert"))
        made.key(LOWEST, "CO-1", -400 * DAY, job=OTHER_JOB_NUMBER, record=1)
        if ELSEWHERE in setup.links:
            made.key(ELSEWHERE, "CO-2", -60 * DAY, job=OTHER_JOB_NUMBER, record=706)
        if FARTHER in setup.links:
            made.key(FARTHER, "CO-3", -50 * DAY, job=OTHER_JOB_NUMBER, record=707)
        made.key(OURS, OUR_NUMBER, -30 * DAY, record=OUR_RECORD)
        if SAME_JOB in setup.links:
            made.key(SAME_JOB, "CO-11", -20 * DAY, record=705, sub_number="850-0")
        made.key(LATER, "CO-4", -10 * DAY, job=OTHER_JOB_NUMBER, record=711 if setup.is_highest else 750)
        if setup.history == "with deletions":
            made.history.append(Entry(600, STRANGER, -100 * DAY, "delete"))
        if setup.history not in ("unreadable", "empty"):
            made.mark = max(made.history, key=lambda one: (one.at, one.record_number))
        return made

    # --- what people do ---

    def key(
        self,
        row_id: int,
        number: str,
        at: int,
        *,
        job: int = OUR_JOB,
        phase: int = OUR_PHASE,
        record: int | None = None,
        sub_number: str | None = None,
    ) -> None:
        """Keys a change order, with a line where it is on our job. Sage gives highest number + 1."""
        if record is None:
            record = max((one.record_number for one in self.headers.values()), default=0) + 1
        self.headers[row_id] = Header(record, row_id, number, job, phase, 1, at)
        if job == OUR_JOB:
            header = row_id if self.setup.idref == "filled" else None
            sub_number = OUR_SUB_NUMBER if sub_number is None else sub_number
            self.lines.append(Line(record, 1, OUR_SUBCONTRACT, header, sub_number, at))
        self.history.append(Entry(record, row_id, at, "insert"))

    def delete(self, row_id: int, at: int, *, told: bool = True, lines: bool = True) -> None:
        """Deletes a change order in Sage, with an entry in history and with its lines or without."""
        if told:
            self.history.append(Entry(self.headers[row_id].record_number, row_id, at, "delete"))
        self.lose(row_id, lines=lines)

    def change(self, row_id: int, at: int | None = None, **changes: Any) -> None:
        header = self.headers[row_id]
        self.headers[row_id] = header._replace(**changes)
        if at is not None:
            self.history.append(Entry(header.record_number, row_id, at, "update"))

    def save_job(self, at: int, *, row_id: int = JOB, **changes: Any) -> None:
        job = self.jobs[row_id]
        self.jobs[row_id] = job._replace(**changes)
        self.job_history.append(Entry(job.record_number, row_id, at, "update"))

    def delete_job(self, at: int, *, told: bool = True) -> None:
        """Deletes our job with everything on it, a second for each record."""
        job = self.jobs.pop(JOB)
        for place, one in enumerate(self.on_job(job.record_number)):
            self.delete(one, at + place, told=told)
        if told:
            self.job_history.append(Entry(job.record_number, JOB, at, "delete"))

    def on_job(self, job: int = OUR_JOB) -> list[int]:
        return [row_id for row_id, one in self.headers.items() if one.job == job]

    # --- what happens to a database ---

    def lose(self, row_id: int, *, lines: bool = True) -> None:
        """A row is not there any more, and no history says so."""
        header = self.headers.pop(row_id)
        if lines:
            self.lines = [one for one in self.lines if one.record_number != header.record_number]

    def lose_all(self, which: Iterable[int], *, lines: bool = True) -> None:
        for row_id in list(which):
            self.lose(row_id, lines=lines)

    def rebuild(
        self,
        row_id: int,
        *,
        inserted: int | None = None,
        record: int | None = None,
        header: str = "follows",
        **changes: Any,
    ) -> None:
        """The same record under another row id; `inserted` where it is dated anew.

        `header`: whether the lines' `_idref` follows, keeps the old row id or is emptied.
        """
        old = self.headers.pop(row_id)
        new = old._replace(
            row_id=row_id + REBUILT,
            record_number=record or old.record_number,
            inserted=old.inserted if inserted is None else inserted,
        )
        self.headers[row_id + REBUILT] = new._replace(**changes)
        idref = {"follows": row_id + REBUILT, "keeps": row_id, "empty": None}[header]
        self.lines = [
            one._replace(
                record_number=new.record_number,
                header=idref if one.header is not None else None,
                inserted=one.inserted if inserted is None else inserted,
            )
            if one.record_number == old.record_number
            else one
            for one in self.lines
        ]

    def put_back(self, at: int) -> None:
        """An older backup stands in the books' place."""

        def is_younger(one: Header) -> bool:
            return one.inserted is not None and one.inserted > at

        self.lose_all([row_id for row_id, one in self.headers.items() if is_younger(one)])
        self.history = [one for one in self.history if one.at <= at]
        self.job_history = [one for one in self.job_history if one.at <= at]

    # --- what is shown ---

    def shown(self) -> Books:
        history: tuple[Entry, ...] | None = tuple(sorted(self.history))
        job_history: tuple[Entry, ...] | None = tuple(sorted(self.job_history))
        since = {"empty": 10 * NOW, "purged after": 2 * DAY, "purged before": DELETED // 2}
        if (oldest := since.get(self.setup.history)) is not None:
            history = tuple(one for one in history or () if one.at >= oldest)
            job_history = tuple(one for one in job_history or () if one.at >= oldest)
        if self.setup.history == "unreadable":
            history = job_history = None
        elif self.setup.history == "without jobs":
            job_history = None
        return _with_plain_ids(
            self.links,
            Books(
                jobs=tuple(sorted(self.jobs.values())),
                headers=tuple(
                    sorted(self.headers.values(), key=lambda one: (one.record_number, one.row_id or 0))
                ),
                lines=tuple(sorted(self.lines, key=lambda one: one[:2])),
                history=history,
                job_history=job_history,
                has_idref=self.setup.idref != "missing",
            ),
        )

    def link(self) -> "Link":
        """What our link and the others remember."""
        numbers = _NUMBERS
        return Link(
            controls=tuple(ControlOf(one, *numbers[one], one in self.confirmed) for one in self.links),
            shared=self.shared,
            held=self.held,
            clock=self.clock,
            mark=self.mark,
            is_confirmed=False,
        )


def _with_plain_ids(links: Iterable[int], books: Books) -> Books:
    """The same books, with the row ids that no link knows numbered as they come: they tell no story."""
    known: dict[int | None, int | None] = {one: one for one in (OURS, None, *links)}

    def plain(row_id: int | None) -> int | None:
        return known.setdefault(row_id, 200 + len(known))

    def entries(history: tuple[Entry, ...] | None) -> tuple[Entry, ...] | None:
        return history and tuple(one._replace(row_id=plain(one.row_id) or 0) for one in history)

    return books._replace(
        headers=tuple(one._replace(row_id=plain(one.row_id)) for one in books.headers),
        lines=tuple(one._replace(header=plain(one.header)) for one in books.lines),
        history=entries(books.history),
    )


_NUMBERS = {
    SAME_JOB: (705, OUR_JOB, JOB),
    ELSEWHERE: (706, OTHER_JOB_NUMBER, OTHER_JOB),
    FARTHER: (707, OTHER_JOB_NUMBER, OTHER_JOB),
    TWIN: (690, OUR_JOB, JOB),
}
"""What the other links remember of their records."""


class ControlOf(NamedTuple):
    row_id: int
    record_number: int
    job: int
    job_row_id: int
    is_confirmed: bool


class Link(NamedTuple):
    """What the links remember: ours, and those whose records are its controls."""

    controls: tuple[ControlOf, ...]
    shared: tuple[int, ...]
    held: tuple[int, ...]
    clock: str
    """Of the server at our last sight: `kept`; `not kept`; `in doubt`, changed about that time."""
    mark: Entry | None
    """The newest entry of history at our last sight."""
    is_confirmed: bool
    reference: ChangeOrderReference | None = None
    """What our link remembers after it was looked for; None for what it remembered at our last sight."""


class Question(NamedTuple):
    """Everything that decides the answer: what links remember, and the books at each reading."""

    link: Link
    first: Books
    second: Books
    """At the second look."""
    place: Books
    """At the second look's last questions."""
    at: int = NOW
    """When it is asked."""
    ahead: int = 0
    """Seconds by which the server's clock is ahead of ours."""


class World(NamedTuple):
    story: str
    is_gone: bool
    """Whether our record was really deleted; else it is in Sage, or would be had the database kept it."""
    question: Question


class NotHereError(Exception):
    """The story needs something that these books do not have."""

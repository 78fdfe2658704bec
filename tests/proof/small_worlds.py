"""All small worlds: each is a story of our record, told in books that vary, and what they show at the end.

A story ends with our record gone, by what a person did in Sage, or there: also where the database has lost,
hidden or re-keyed it, or an archive has taken it away.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from tests.proof.small_books import (
    CLOSED,
    CURRENT,
    DAY,
    DELETED,
    ELSEWHERE,
    FARTHER,
    HISTORIES,
    HOUR,
    JOB,
    LOWEST,
    MATE,
    MINUTE,
    NEW,
    NEW_JOB,
    NEW_SUBCONTRACT,
    OTHER_JOB_NUMBER,
    OUR_JOB,
    OUR_NUMBER,
    OUR_RECORD,
    OUR_SUBCONTRACT,
    OURS,
    OWN_STATUS,
    REBUILT,
    SAME_JOB,
    THEIR_SUBCONTRACT,
    TWIN,
    Company,
    Entry,
    Job,
    Line,
    NotHereError,
    Question,
    Setup,
    World,
)

GONE, THERE = True, False
Act = Callable[[Company], None]


@dataclass(frozen=True)
class Story:
    name: str
    is_gone: bool
    act: Act


STORIES: list[Story] = []


def story(name: str, *, is_gone: bool) -> Callable[[Act], Act]:
    def keep(act: Act) -> Act:
        STORIES.append(Story(name, is_gone, act))
        return act

    return keep


def _needs(*, be_so: bool) -> None:
    if not be_so:
        raise NotHereError


# --- honest deletions ----------------------------------------------------------------------------


def _deleted(c: Company, *, told: bool = True) -> None:
    c.delete(OURS, DELETED, told=told)


story("deleted", is_gone=GONE)(_deleted)
story("deleted, and history knows nothing", is_gone=GONE)(partial(_deleted, told=False))


@story("deleted without its lines", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED, lines=False)


def _keyed_again(
    c: Company, *, told: bool = True, after: int = MINUTE, number: str = OUR_NUMBER, **how: Any
) -> None:
    c.delete(OURS, DELETED, told=told)
    c.key(NEW, number, DELETED + after, **how)


_HOW: dict[str, dict[str, Any]] = {
    "": {},
    " in the same second": {"after": 0},
    " dated half a minute before": {"after": -30},
    " under another number": {"number": "CO-13", "sub_number": "850-2"},
    " under another number and the same sub change number": {"number": "CO-13"},
    " in lower case": {"number": "co-12 "},
    " on another phase": {"phase": 2},
}
for _name, _how in _HOW.items():
    for _told in (True, False):
        story(f"deleted and keyed again{_name}{'' if _told else ', untold'}", is_gone=GONE)(
            partial(_keyed_again, told=_told, **_how)
        )


@story("deleted, keyed again and deleted again", is_gone=GONE)
def _(c: Company) -> None:
    _keyed_again(c)
    c.delete(NEW, DELETED + HOUR)


@story("keyed again, then deleted", is_gone=GONE)
def _(c: Company) -> None:
    c.key(NEW, OUR_NUMBER, DELETED - 2 * HOUR)
    c.delete(OURS, DELETED)


@story("deleted, and the next one is of another job", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED)
    c.key(NEW, "CO-5", DELETED + HOUR, job=OTHER_JOB_NUMBER)


@story("deleted, and the next one is of another job, untold", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED, told=False)
    c.key(NEW, "CO-5", DELETED + HOUR, job=OTHER_JOB_NUMBER)


def _number_to_an_older(c: Company, *, told: bool) -> None:
    c.key(MATE, "CO-9", -45 * DAY, record=640, sub_number="850-9")
    c.delete(OURS, DELETED, told=told)
    c.change(MATE, DELETED + HOUR, number=OUR_NUMBER)


story("deleted, and an older record got its number", is_gone=GONE)(partial(_number_to_an_older, told=True))
story("deleted, and an older record got its number, untold", is_gone=GONE)(
    partial(_number_to_an_older, told=False)
)


def _twin(c: Company, *, is_held: bool, told: bool) -> None:
    c.key(TWIN, OUR_NUMBER, -40 * DAY, record=690)
    if is_held:
        c.links.append(TWIN)
        c.held = (TWIN,)
    c.delete(OURS, DELETED, told=told)


for _held, _told in product((True, False), repeat=2):
    _name = f"deleted beside a {'linked' if _held else 'strange'} record of one number"
    story(f"{_name}{'' if _told else ', untold'}", is_gone=GONE)(partial(_twin, is_held=_held, told=_told))


def _with_controls(c: Company, which: tuple[int, ...], *, told: bool, apart: int) -> None:
    c.delete(OURS, DELETED)
    for place, one in enumerate((one for one in which if one in c.headers), start=1):
        c.delete(one, DELETED + place * apart, told=told)


_ALL = (SAME_JOB, ELSEWHERE, FARTHER)
for _name, _others in {"its neighbour": (SAME_JOB,), "another": (ELSEWHERE,), "all others": _ALL}.items():
    for _how_told, (_told, _apart) in {
        "": (True, 10 * MINUTE),
        " in one sweep": (True, 1),
        ", untold": (False, 0),
    }.items():
        story(f"deleted with {_name}{_how_told}", is_gone=GONE)(
            partial(_with_controls, which=_others, told=_told, apart=_apart)
        )


@story("deleted, all others with a confirmed deletion", is_gone=GONE)
def _(c: Company) -> None:
    c.confirmed = tuple(c.links)
    _with_controls(c, _ALL, told=False, apart=0)


@story("deleted, and keyed again after all others were deleted", is_gone=GONE)
def _(c: Company) -> None:
    _with_controls(c, _ALL, told=True, apart=10 * MINUTE)
    c.key(NEW, OUR_NUMBER, DELETED + HOUR)


def _then_the_job(
    c: Company, *, saved: bool, told: bool = True, after: int = 5 * HOUR, takes_number: bool = False
) -> None:
    c.delete(OURS, DELETED)
    if saved:
        c.save_job(DELETED + after // 2, status=CLOSED)
    c.delete_job(DELETED + after, told=told)
    if takes_number:
        c.jobs[NEW_JOB] = Job(OUR_JOB, NEW_JOB, CURRENT)


story("deleted, and the job was closed and deleted later", is_gone=GONE)(partial(_then_the_job, saved=True))
story("deleted, and the job was deleted later", is_gone=GONE)(partial(_then_the_job, saved=False))
story("deleted, and the job was archived later", is_gone=GONE)(partial(_then_the_job, saved=True, told=False))
story("deleted, and another job has the job's number", is_gone=GONE)(
    partial(_then_the_job, saved=True, takes_number=True)
)
story("deleted, and the job within the hour", is_gone=GONE)(
    partial(_then_the_job, saved=True, after=40 * MINUTE)
)


@story("the job was deleted with everything on it", is_gone=GONE)
def _(c: Company) -> None:
    c.delete_job(DELETED)


@story("deleted, and the job was renumbered", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED)
    _renumber_job(c)


@story("deleted and keyed again on the renumbered job", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED)
    _renumber_job(c)
    c.key(NEW, OUR_NUMBER, DELETED + 3 * HOUR, job=2699)
    c.lines.append(Line(c.headers[NEW].record_number, 1, OUR_SUBCONTRACT, None, "850-1", DELETED + 3 * HOUR))


def _renumber_job(c: Company) -> None:
    c.save_job(DELETED + 2 * HOUR, record_number=2699)
    for one in c.on_job():
        c.change(one, job=2699)


@story("deleted, and the job was closed", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED)
    c.save_job(DELETED + 5 * HOUR, status=CLOSED)


@story("deleted, and the job was closed at once", is_gone=GONE)
def _(c: Company) -> None:
    c.delete(OURS, DELETED)
    c.save_job(DELETED + MINUTE, status=CLOSED)


@story("our part of a shared record was deleted", is_gone=GONE)
def _(c: Company) -> None:
    _share(c)
    c.lines = [
        one for one in c.lines if one.subcontract != OUR_SUBCONTRACT or one.record_number != OUR_RECORD
    ]


def _share(c: Company) -> None:
    c.shared = (THEIR_SUBCONTRACT,)
    header = OURS if c.setup.idref == "filled" else None
    c.lines.append(Line(OUR_RECORD, 2, THEIR_SUBCONTRACT, header, "851-1", -30 * DAY))


@story("a shared record was deleted", is_gone=GONE)
def _(c: Company) -> None:
    _share(c)
    c.delete(OURS, DELETED)


# --- our record is there -------------------------------------------------------------------------


def _changed(c: Company, **changes: Any) -> None:
    c.change(OURS, DELETED, **changes)


_CHANGED: dict[str, dict[str, Any]] = {
    "there": {},
    "there under another number": {"number": "CO-13"},
    "there on another job": {"job": OTHER_JOB_NUMBER},
    "there on another phase": {"phase": 2},
    "there and void": {"status": 5},
    "there under another record number": {"record_number": 715},
}
for _name, _changes in _CHANGED.items():
    story(_name, is_gone=THERE)(partial(_changed, **_changes))


@story("there without lines", is_gone=THERE)
def _(c: Company) -> None:
    c.lines = [one for one in c.lines if one.record_number != OUR_RECORD]


def _moved_lines(c: Company, *, shared: bool) -> None:
    if shared:
        _share(c)
    c.lines = [
        one._replace(subcontract=NEW_SUBCONTRACT)
        if (one.record_number, one.subcontract) == (OUR_RECORD, OUR_SUBCONTRACT)
        else one
        for one in c.lines
    ]


story("there with its lines on another subcontract", is_gone=THERE)(partial(_moved_lines, shared=False))
story("there, shared, with its lines on another subcontract", is_gone=THERE)(
    partial(_moved_lines, shared=True)
)


@story("deleted, and there again from a backup, on another job", is_gone=THERE)
def _(c: Company) -> None:
    header = c.headers[OURS]
    c.delete(OURS, DELETED)
    c.headers[OURS] = header._replace(job=OTHER_JOB_NUMBER, number="CO-50", record_number=790)


@story("there on another job, and its job is gone", is_gone=THERE)
def _(c: Company) -> None:
    c.change(OURS, DELETED, job=OTHER_JOB_NUMBER)
    c.save_job(DELETED + 2 * HOUR, status=CLOSED)
    c.delete_job(DELETED + 3 * HOUR)


def _archive(
    c: Company,
    *,
    entries: str,
    ends: str,
    status: int = CLOSED,
    lines: bool = False,
    siblings: bool = True,
    saved: int | None = None,
) -> None:
    """The archive of our job: `ends` says how far it came."""
    c.save_job(DELETED - 5 * HOUR, status=status)
    apart = {"none": 0, "in a sweep": 1, "apart": 5 * MINUTE}[entries]
    taken = sorted(c.on_job(), key=lambda one: one != OURS) if siblings else [OURS]
    for place, one in enumerate(taken):
        c.delete(one, DELETED + place * apart, told=entries != "none", lines=not lines)
    if saved is not None:
        c.save_job(DELETED + saved)
    if ends == "finished":
        del c.jobs[JOB]
        if entries != "none":
            c.job_history.append(Entry(OUR_JOB, JOB, DELETED + 20 * MINUTE, "delete"))
    elif ends == "reopened":
        c.save_job(DELETED + DAY, status=CURRENT)


for _entries, _ends in product(("none", "in a sweep", "apart"), ("finished", "unfinished", "reopened")):
    _tell = partial(_archive, entries=_entries, ends=_ends)
    _name = f"archive {_ends}, entries {_entries}"
    story(_name, is_gone=THERE)(_tell)
    story(f"{_name}, lines left", is_gone=THERE)(partial(_tell, lines=True))
    if _ends != "reopened":
        story(f"{_name}, job saved meanwhile", is_gone=THERE)(partial(_tell, saved=10 * MINUTE))
    if _ends == "unfinished":
        story(f"{_name}, neighbours there", is_gone=THERE)(partial(_tell, siblings=False))
        story(f"{_name}, status of the company's own", is_gone=THERE)(partial(_tell, status=OWN_STATUS))


@story("archived, and another job has the job's number", is_gone=THERE)
def _(c: Company) -> None:
    _archive(c, entries="none", ends="finished")
    c.jobs[NEW_JOB] = Job(OUR_JOB, NEW_JOB, CURRENT)


def _emptied(c: Company, *, lines: bool, entries: bool, which: str = "all") -> None:
    taken = list(c.headers) if which == "all" else c.on_job()
    for one in taken:
        c.delete(one, DELETED, told=entries, lines=not lines)


for _left, _told in product((False, True), repeat=2):
    _name = f"{', lines left' if _left else ''}{', entries in a sweep' if _told else ''}"
    story(f"table emptied{_name}", is_gone=THERE)(partial(_emptied, lines=_left, entries=_told))
    story(f"our job's rows lost{_name}", is_gone=THERE)(
        partial(_emptied, lines=_left, entries=_told, which="job")
    )


@story("all others with a confirmed deletion, and ours lost", is_gone=THERE)
def _(c: Company) -> None:
    c.confirmed = tuple(c.links)
    c.lose_all(_no_links(c))


@story("all others with a confirmed deletion, and the table emptied, entries in a sweep", is_gone=THERE)
def _(c: Company) -> None:
    c.confirmed = tuple(c.links)
    _emptied(c, lines=False, entries=True)


@story("table emptied, and the next record keyed", is_gone=THERE)
def _(c: Company) -> None:
    _emptied(c, lines=False, entries=False)
    c.key(NEW, OUR_NUMBER, 2 * DAY, record=OUR_RECORD)


def _lost(c: Company, which: Callable[[Company], list[int]], *, lines: bool = True) -> None:
    taken = which(c)
    _needs(be_so=OURS in taken)
    c.lose_all(taken, lines=lines)


def _high_half(c: Company) -> list[int]:
    return [row_id for row_id, one in c.headers.items() if one.record_number >= 706]


def _no_links(c: Company) -> list[int]:
    return [OURS, *(one for one in c.links if one in c.headers)]


for _name, _taken in {
    "one row lost": lambda _: [OURS],
    "half restored": _high_half,
    "all linked rows lost": _no_links,
}.items():
    story(_name, is_gone=THERE)(partial(_lost, which=_taken))
    story(f"{_name}, lines left", is_gone=THERE)(partial(_lost, which=_taken, lines=False))


@story("a row filter hides our job", is_gone=THERE)
def _(c: Company) -> None:
    c.lose_all(c.on_job())
    c.jobs.pop(JOB)


def _lost_after_an_older_deletion(c: Company, which: Callable[[Company], list[int]], action: str) -> None:
    """History's newest entry of ours is from before our last sight: it was deleted, and restored."""
    c.history.append(Entry(OUR_RECORD, OURS, -2 * HOUR, action))
    if SAME_JOB in c.headers:
        c.history.append(Entry(705, SAME_JOB, -2 * HOUR, "delete"))
    c.lose_all(which(c))


for _name, _taken in {
    "one row": lambda _: [OURS],
    "all rows": lambda c: list(c.headers),
    "our job's rows": Company.on_job,
}.items():
    story(f"deleted and restored before our last sight, then {_name} lost", is_gone=THERE)(
        partial(
            _lost_after_an_older_deletion,
            which=_taken,
            action="delete",
        )
    )


def _saved_in_two_steps(c: Company, *, job_is_gone: bool) -> None:
    """Saved as a delete and an insert at one moment, and hidden since."""
    c.history += [Entry(OUR_RECORD, OURS, DELETED, action) for action in ("delete", "insert")]
    c.lose(OURS)
    if job_is_gone:
        c.save_job(DELETED + 5 * HOUR)
        c.delete_job(DELETED + 6 * HOUR, told=False)


story("saved in two steps, then lost", is_gone=THERE)(partial(_saved_in_two_steps, job_is_gone=False))
story("saved in two steps, then its job was archived", is_gone=THERE)(
    partial(_saved_in_two_steps, job_is_gone=True)
)


@story("deleted and entered again from a backup, then lost", is_gone=THERE)
def _(c: Company) -> None:
    c.history += [
        Entry(OUR_RECORD, OURS, DELETED, "delete"),
        Entry(OUR_RECORD, OURS, DELETED + HOUR, "insert"),
    ]
    c.save_job(DELETED + 5 * HOUR)
    c.delete_job(DELETED + 6 * HOUR, told=False)


@story("older backup in place", is_gone=THERE)
def _(c: Company) -> None:
    c.put_back(-40 * DAY)


@story("younger backup in place", is_gone=THERE)
def _(c: Company) -> None:
    """Of the day before our last sight, with the record entered by hand that night."""
    c.change(OURS, None, inserted=-12 * HOUR)
    c.history = [
        one._replace(at=-12 * HOUR) if (one.row_id, one.action) == (OURS, "insert") else one
        for one in c.history
    ]
    c.mark = Entry(OUR_RECORD, OURS, -12 * HOUR, "insert") if c.mark else None
    c.put_back(-DAY)


def _rebuilt(
    c: Company, *, which: str, dated: str, header: str, entries: bool = False, by: int = 0, **changes: Any
) -> None:
    """Other row ids for the same records: of all, of our job's, of ours alone; `by`: and record numbers."""
    if header != "follows":
        _needs(be_so=c.setup.idref == "filled")
    taken = {"all": list(c.headers), "job": c.on_job(), "ours": [OURS]}[which]
    inserted = DELETED + MINUTE if dated == "anew" else None
    if which == "ours" and by:
        by = max(one.record_number for one in c.headers.values()) + 1 - OUR_RECORD
    for one in taken:
        old = c.headers[one]
        if entries:
            c.history.append(Entry(old.record_number, one, DELETED, "delete"))
        mine = changes if one == OURS else {}
        c.rebuild(one, inserted=inserted, record=old.record_number + by, header=header, **mine)
        if dated == "unknown":
            c.headers[one + REBUILT] = c.headers[one + REBUILT]._replace(inserted=None)
            c.lines = [x._replace(inserted=None) if x.header == one + REBUILT else x for x in c.lines]
        if entries:
            c.history.append(Entry(old.record_number + by, one + REBUILT, DELETED + MINUTE, "insert"))


for _which, _dated, _header, _told, _by in product(
    ("all", "job", "ours"), ("as before", "anew", "unknown"), ("follows", "keeps"), (False, True), (0, 200)
):
    if (_header == "keeps" and _told) or (_dated == "unknown" and _which != "ours"):
        continue
    _name = (
        f"row ids of {_which} rebuilt, dated {_dated}, _idref {_header}"
        f"{', with entries' if _told else ''}{', other record numbers' if _by else ''}"
    )
    # A record keyed by itself after ours is what "delete and key it again" leaves, whatever it bears.
    story(_name, is_gone=(_which, _dated, _header) == ("ours", "anew", "follows"))(
        partial(_rebuilt, which=_which, dated=_dated, header=_header, entries=_told, by=_by)
    )

_REKEYED: dict[str, dict[str, Any]] = {
    "another number": {"number": "CO-13"},
    "another job": {"job": OTHER_JOB_NUMBER},
    "another job and number": {"job": OTHER_JOB_NUMBER, "number": "CO-44"},
    "another phase": {"phase": 2},
}
for _dated, _by in product(("as before", "anew"), (0, 200)):
    for _name, _changes in _REKEYED.items():
        for _told in (False, True):
            story(
                f"ours re-keyed, dated {_dated}{', other record number' if _by else ''}, {_name}"
                f"{', with entries' if _told else ''}",
                is_gone=_dated == "anew",
            )(
                partial(
                    _rebuilt, which="ours", dated=_dated, header="follows", entries=_told, by=_by, **_changes
                )
            )


def _rekeyed_without_lines(c: Company, *, told: bool, lines: str, **changes: Any) -> None:
    if told:
        c.history.append(Entry(OUR_RECORD, OURS, DELETED, "delete"))
    c.rebuild(OURS, **changes)
    number = c.headers[OURS + REBUILT].record_number
    c.lines = [
        one._replace(sub_number="") if one.record_number == number else one
        for one in c.lines
        if one.record_number != number or lines != "none"
    ]


_WITHOUT_LINES: dict[str, dict[str, Any]] = {
    "the same record number and another number": {"number": "CO-13"},
    "the same record number on another job": {"number": "CO-13", "job": OTHER_JOB_NUMBER},
    "another record number": {"record": 912},
}
for _told, _lines in product((False, True), ("none", "without a sub change number")):
    for _name, _changes in _WITHOUT_LINES.items():
        story(
            f"ours re-keyed with {_name}, lines {_lines}{', with an entry' if _told else ''}", is_gone=THERE
        )(partial(_rekeyed_without_lines, told=_told, lines=_lines, **_changes))


@story("saved again, header lost, its record number used by the next", is_gone=THERE)
def _(c: Company) -> None:
    c.lines = [
        one._replace(inserted=HOUR) if one.record_number == OUR_RECORD else one._replace() for one in c.lines
    ]
    c.lose(OURS, lines=False)
    c.headers[NEW] = c.headers[LOWEST]._replace(
        record_number=OUR_RECORD, row_id=NEW, number="CO-14", inserted=2 * HOUR
    )


@story("header lost, its lines under another record number", is_gone=THERE)
def _(c: Company) -> None:
    _needs(be_so=c.setup.idref == "filled")
    c.lines = [
        one._replace(record_number=999, sub_number="") if one.record_number == OUR_RECORD else one
        for one in c.lines
    ]
    c.lose(OURS, lines=False)


def _in_another_hour(c: Company, *, is_gone: bool, clock: str) -> None:
    """The clock was set back by an hour between an insert and our last sight, or we did not keep it."""
    c.clock = clock
    if is_gone:
        c.delete(OURS, DELETED, told=False)
        c.key(NEW, OUR_NUMBER, DELETED + HOUR)
    else:
        c.rebuild(OURS, inserted=30 * MINUTE, record=912)


for _clock in ("in doubt", "not kept"):
    story(f"deleted and keyed again, clock {_clock}", is_gone=GONE)(
        partial(_in_another_hour, is_gone=True, clock=_clock)
    )
    story(f"ours re-keyed in the hour before our last sight, clock {_clock}", is_gone=THERE)(
        partial(_in_another_hour, is_gone=False, clock=_clock)
    )


def _deleted_in_doubt(c: Company, *, is_gone: bool, at: int) -> None:
    c.clock = "in doubt"
    c.history.append(Entry(OUR_RECORD, OURS, at, "delete"))
    c.lose(OURS)
    c.save_job(at + 2 * HOUR)
    c.delete_job(at + 3 * HOUR, told=False)


story("deleted within the hour of doubt, and the job archived", is_gone=GONE)(
    partial(_deleted_in_doubt, is_gone=True, at=30 * MINUTE)
)
story("restored within the hour of doubt, and archived with its job", is_gone=THERE)(
    partial(_deleted_in_doubt, is_gone=False, at=30 * MINUTE)
)


# --- what others do meanwhile ----------------------------------------------------------------------


def _nothing(_c: Company) -> None:
    """Others do nothing."""


def _neighbour_deleted(c: Company) -> None:
    _needs(be_so=SAME_JOB in c.headers)
    c.delete(SAME_JOB, DELETED + 2 * HOUR)


def _another_deleted(c: Company) -> None:
    _needs(be_so=ELSEWHERE in c.headers)
    c.delete(ELSEWHERE, DELETED + 2 * HOUR)


def _another_lost(c: Company) -> None:
    _needs(be_so=ELSEWHERE in c.headers)
    c.lose(ELSEWHERE)


def _next_keyed(c: Company) -> None:
    _needs(be_so=JOB in c.jobs and c.jobs[JOB].status == CURRENT)  # archiving needs all users out
    c.key(STRANGER_NEXT, "CO-30", 2 * DAY, job=OUR_JOB, sub_number="850-30")


def _lowest_deleted(c: Company) -> None:
    _needs(be_so=LOWEST in c.headers)
    c.delete(LOWEST, DELETED + 2 * HOUR)


def _neighbour_confirmed(c: Company) -> None:
    _needs(be_so=SAME_JOB in c.headers)
    c.delete(SAME_JOB, DELETED + 2 * HOUR, told=False)
    c.confirmed = (SAME_JOB,)


STRANGER_NEXT = 30
AROUND: tuple[Act, ...] = (
    _neighbour_deleted,
    _another_deleted,
    _another_lost,
    _next_keyed,
    _lowest_deleted,
    _neighbour_confirmed,
)

# --- every record beside ours ----------------------------------------------------------------------

BYSTANDER = 31


def _bystander(
    c: Company, *, number: str | None, record: int, phase: int, at: int | None, sub_number: str | None
) -> None:
    """One more record on our job, with each value ours, another's or odd."""
    taken = {one.record_number for one in c.headers.values()}
    _needs(be_so=record not in taken)
    c.key(BYSTANDER, number or "", at or 0, record=record, phase=phase, sub_number=sub_number or "")
    c.headers[BYSTANDER] = c.headers[BYSTANDER]._replace(number=number, inserted=at)
    if sub_number is None:
        c.lines = [one for one in c.lines if one.record_number != record]
    else:
        c.lines = [one._replace(inserted=at) if one.record_number == record else one for one in c.lines]
    c.history = [one for one in c.history if one.row_id != BYSTANDER]


BYSTANDERS: tuple[tuple[bool, Act], ...] = tuple(
    (
        at is None or at < 0,
        partial(_bystander, number=number, record=record, phase=phase, at=at, sub_number=sub_number),
    )
    for number, record, phase, at, sub_number in product(
        (OUR_NUMBER, "CO-77", None),
        (OUR_RECORD, 740),
        (1, 2),
        (-35 * DAY, DELETED + 2 * DAY, None),
        (None, "850-1", "850-77"),
    )
)

# --- the worlds ------------------------------------------------------------------------------------

LINKS = ((), (SAME_JOB,), (ELSEWHERE, FARTHER), (SAME_JOB, ELSEWHERE, FARTHER))
SHAPES = (("filled", True), ("filled", False), ("empty", True), ("missing", True))
"""How `_idref` is, and whether ours has the highest record number."""


def _world(setup: Setup, one: Story, *, before: Act | None = None, after: Act | None = None) -> World | None:
    company = Company.begun(setup)
    try:
        for act in (before, one.act, after):
            if act is not None:
                act(company)
    except (NotHereError, KeyError):
        return None
    books = company.shown()
    return World(one.name, one.is_gone, Question(company.link(), books, books, books))


def _changing() -> Iterator[World]:
    """The books change while they are asked: a table that is loaded anew, a record that is moved."""
    there = Story("loaded anew while it is asked for", THERE, _nothing)
    for links, (idref, is_highest), history in product(LINKS, SHAPES, HISTORIES):
        setup = Setup(links, idref, is_highest, CURRENT, history)
        company = Company.begun(setup)
        whole = company.shown()
        company.lose(OURS)
        without = company.shown()
        moved = Company.begun(setup)
        moved.rebuild(OURS, record=912)
        elsewhere = Company.begun(setup)
        elsewhere.change(OURS, job=OTHER_JOB_NUMBER, number="CO-44")
        elsewhere.lines = [one for one in elsewhere.lines if one.record_number != OUR_RECORD]
        renumbered = Company.begun(setup)
        renumbered.change(OURS, number="CO-44")
        renumbered.lines = elsewhere.lines
        link = company.link()
        for first, second, place in (
            (without, whole, whole),
            (whole, without, without),
            (without, without, whole),
            (without, moved.shown(), moved.shown()),
            (without, without, moved.shown()),
            (without, elsewhere.shown(), elsewhere.shown()),
            (without, without, renumbered.shown()),
        ):
            yield World(there.name, THERE, Question(link, first, second, place))


_MOST = ("unreadable", "kept", "with deletions", "purged after")


def _setups() -> Iterator[Setup]:
    for links, (idref, is_highest) in product(LINKS, SHAPES):
        for history in HISTORIES:
            yield Setup(links, idref, is_highest, CURRENT, history)
        if idref == "missing" or (idref, is_highest) == SHAPES[0]:
            for history in _MOST:
                yield Setup(links, idref, is_highest, CLOSED, history)
        if (idref, is_highest) == SHAPES[0]:
            for history in _MOST[:2]:
                yield Setup(links, idref, is_highest, OWN_STATUS, history)


def few_worlds() -> Iterator[World]:
    """Every story in the books that matter most."""
    in_progress = [
        Setup(links, idref, history=history)
        for links, idref, history in product(LINKS, ("filled", "missing"), ("unreadable", "with deletions"))
    ]
    ended = [Setup(links, status=CLOSED, history="with deletions") for links in LINKS[2:]]
    for setup in (*in_progress, *ended, Setup(_ALL, status=OWN_STATUS, history="unreadable")):
        for one in STORIES:
            if world := _world(setup, one):
                yield world
    yield from _changing()


def every_world() -> Iterator[World]:
    for setup in _setups():
        for one in STORIES:
            if world := _world(setup, one):
                yield world
    for links, history, around in product(LINKS[2:], ("unreadable", "with deletions"), AROUND):
        for one in STORIES:
            if world := _world(Setup(links, history=history), one, after=around):
                yield world
    plain = [one for one in STORIES if one.name in BESIDE]
    for links, idref, history, (is_older, beside) in product(
        (LINKS[0], LINKS[3]), ("filled", "missing"), ("unreadable", "kept"), BYSTANDERS
    ):
        acts = {"before" if is_older else "after": beside}
        for one in plain:
            if world := _world(Setup(links, idref, history=history), one, **acts):
                yield world
    yield from _changing()


BESIDE = (
    "deleted",
    "deleted, and history knows nothing",
    "there",
    "there under another number",
    "one row lost",
    "table emptied",
    "our job's rows lost",
)
"""The stories that are told beside every record that there may be."""

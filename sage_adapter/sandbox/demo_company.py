"""The practice companies: believable books, and one change order for every thing that can happen to one.

`fill` enters a company as it was when its change orders were linked; `play` does what happened afterwards.
A scenario's title says in plain words what it shows. Record numbers of jobs, vendors, subcontracts and
change orders come from ranges that do not overlap, so that a fault of one record strikes only that record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from erp_integrations.ports import ChangeOrderEntry, EntryLine
from sage_adapter.sandbox.enter_change_order import add_subcontract_line, enter
from sage_adapter.sandbox.writer import OPEN, REJECTED, VOID, Books, Value

ACCOUNTANT = "ACCT1"
"""Who entered the books."""
OTHER_ACCOUNTANT = "ACCT2"
"""Who did what happened afterwards."""


@dataclass(frozen=True, slots=True)
class DemoLine:
    """A line of a change order on a subcontract. `to_line` None adds a line to the subcontract."""

    subcontract: int | None
    amount: str
    to_line: int | None = 1
    sub_number: str | None = None
    """None takes the subcontract's next one."""
    text: str = ""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class DemoChange:
    """A change order to enter, and the link to make with it."""

    key: str
    title: str
    lines: tuple[DemoLine, ...]
    shows: str = "Nothing happened to it in Sage."
    number: str | None = None
    """None takes the job's next one."""
    status: int = 1
    links: tuple[tuple[str, int, str, str], ...] = ()
    """(key, subcontract, title, what it shows) where one record carries several links."""
    linked: bool = True
    after_backup: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    record_number: int
    number: str
    job: int
    phase: int
    vendor: int
    text: str
    lines: tuple[tuple[str, str, int, str], ...]
    """(description, cost code, cost type, amount)"""


@dataclass(frozen=True, slots=True)
class DemoStory:
    """One practice company."""

    database_name: str
    first_change: int
    """The record number of its first change order."""
    jobs: tuple[tuple[int, str, str, int, tuple[tuple[int, str], ...]], ...]
    """(record number, name, short name, status, phases)"""
    vendors: tuple[tuple[int, str], ...]
    contracts: tuple[Contract, ...]
    changes: tuple[DemoChange, ...]
    play: Callable[[Books, dict[str, str]], None]
    torn: tuple[str, ...] = ()
    """Scenarios whose header is deleted after `play` while the lines stay."""
    faults: tuple[tuple[str, str], ...] = ()
    """(scenario, fault) that strikes whoever asks about its record, from `play` on."""
    invoices: tuple[tuple[int, int, str, str], ...] = ()
    """(subcontract, line, amount, invoice number)"""


COST_CODES = (
    ("2200.000", "Site preparation"),
    ("2630.000", "Storm drainage"),
    ("3310.000", "Structural concrete"),
    ("3350.500", "Concrete finishing"),
    ("4220.000", "Concrete masonry"),
    ("5120.000", "Structural steel"),
    ("5310.250", "Steel deck"),
    ("7500.000", "Membrane roofing"),
    ("8800.000", "Glazing"),
    ("9250.000", "Gypsum board"),
    ("9910.000", "Painting"),
    ("15100.000", "Plumbing piping"),
    ("15300.000", "Fire protection"),
    ("15700.000", "Heating and cooling"),
    ("16100.000", "Wiring and raceways"),
    ("16500.000", "Lighting"),
)
COST_TYPES = (
    (1, "Material"), (2, "Labor"), (3, "Equipment"), (4, "Subcontract"), (5, "Other"),
    (6, "Permits"), (7, "Rental"), (8, "Freight"), (9, "Bond"),
)  # fmt: skip
CHANGE_TYPES = ((1, "Owner request"), (2, "Field directive"), (3, "Budget transfer"))


def _plain(titles: tuple[tuple[str, int, str], ...], prefix: str = "plain") -> tuple[DemoChange, ...]:
    return tuple(
        DemoChange(f"{prefix}-{place:02d}", title, (DemoLine(subcontract, amount),))
        for place, (title, subcontract, amount) in enumerate(titles, start=1)
    )


def _one(
    key: str,
    title: str,
    subcontract: int,
    amount: str,
    shows: str,
    *,
    number: str | None = None,
    sub_number: str | None = None,
    to_line: int | None = 1,
    status: int = 1,
    linked: bool = True,
    after_backup: bool = False,
) -> DemoChange:
    line = DemoLine(subcontract, amount, to_line, sub_number)
    return DemoChange(key, title, (line,), shows, number, status, linked=linked, after_backup=after_backup)


_HARBOR_CONTRACTS = (
    Contract(1201, "2611-01", 2611, 1, 301, "Concrete", (
        ("Foundations and walls", "3310.000", 4, "486000.00"), ("Finishing", "3350.500", 4, "58200.00"))),
    Contract(1202, "2611-02", 2611, 1, 302, "Structural steel", (
        ("Frame", "5120.000", 4, "734500.00"), ("Deck", "5310.250", 4, "121900.00"))),
    Contract(1203, "2611-03", 2611, 2, 303, "Drywall and framing", (
        ("Framing and board", "9250.000", 4, "268400.00"), ("Finishing", "9250.000", 2, "74150.00"))),
    Contract(1204, "2611-04", 2611, 2, 304, "Electrical", (
        ("Rough-in", "16100.000", 4, "312000.00"), ("Fixtures", "16500.000", 1, "96700.00"))),
    Contract(1205, "2612-01", 2612, 0, 305, "Site work and utilities", (
        ("Earthwork", "2200.000", 4, "189300.00"), ("Storm drainage", "2630.000", 4, "84700.00"))),
    Contract(1206, "2612-02", 2612, 0, 306, "Masonry", (("Walls", "4220.000", 4, "243750.00"),)),
    Contract(1207, "2612-03", 2612, 0, 307, "Heating and cooling", (
        ("Rooftop units", "15700.000", 4, "398000.00"), ("Controls", "15700.000", 5, "61500.00"))),
    Contract(1208, "2614-01", 2614, 0, 308, "Roofing", (("Membrane roof", "7500.000", 4, "156800.00"),)),
    Contract(1209, "2614-02", 2614, 0, 304, "Electrical", (("Wiring", "16100.000", 4, "142600.00"),)),
    # The same subcontract number again: keyed in twice by mistake, and Sage lets it.
    Contract(1210, "2614-02", 2614, 0, 309, "Fire protection", (("Sprinklers", "15300.000", 4, "88900.00"),)),
    Contract(1211, "2617-01", 2617, 0, 310, "Plumbing", (
        ("Piping", "15100.000", 4, "174300.00"), ("Medical gas", "15100.000", 5, "46200.00"))),
    Contract(1212, "2617-02", 2617, 0, 303, "Interiors", (
        ("Board", "9250.000", 4, "131200.00"), ("Painting", "9910.000", 4, "38400.00"))),
    Contract(1213, "2617-03", 2617, 0, 306, "Garden walls", (("Walls", "4220.000", 4, "27800.00"),)),
    Contract(1214, "2609-01", 2609, 0, 302, "Steel repairs", (("Repairs", "5120.000", 4, "64900.00"),)),
    Contract(1215, "2608-01", 2608, 0, 301, "Ramp repairs", (("Repairs", "3310.000", 4, "52300.00"),)),
    # No change order is on these yet.
    Contract(1216, "2611-05", 2611, 2, 306, "Masonry", (("Partitions", "4220.000", 4, "38600.00"),)),
    Contract(1217, "2617-04", 2617, 0, 304, "Electrical", (("Wiring", "16100.000", 4, "87200.00"),)),
    Contract(1218, "2607-01", 2607, 0, 304, "Dock lighting", (("Fixtures", "16500.000", 1, "31900.00"),)),
    Contract(1219, "2606-01", 2606, 0, 310, "Plumbing repairs", (("Piping", "15100.000", 4, "22650.00"),)),
    Contract(1220, "2605-01", 2605, 0, 308, "Roof repairs", (("Membrane", "7500.000", 4, "47100.00"),)),
    Contract(1221, "2604-01", 2604, 0, 305, "Playground drainage", (
        ("Storm drainage", "2630.000", 4, "36800.00"),)),
)  # fmt: skip

_HARBOR_SCENARIOS = (
    _one("present", "Approved in Sage", 1201, "12450.00", "It is in Sage, approved, as it was sent."),
    _one("deleted", "Deleted in Sage", 1201, "8200.00", "Deleted in Sage; the history shows by whom."),
    _one("void", "Void in Sage", 1202, "15300.00", "Marked Void: the record is still there."),
    _one("rejected", "Rejected in Sage", 1202, "-4100.00", "Marked Rejected, header and lines."),
    _one("rejected-lines-open", "Rejected, lines still Open", 1203, "3975.50",
         "The header is Rejected while its lines were left Open."),
    _one("open-line-approved", "Open header, Approved line", 1203, "6240.00",
         "The header is Open, its line Approved.", status=OPEN),
    _one("deleted-purged", "Gone, history silent", 1204, "9890.25",
         "Gone, and the history, which reaches back far enough, knows of no deletion."),
    _one("two-phases-deleted", "Same number in two phases", 1202, "5600.00",
         "Deleted; phase 2 has another change order with the same number, which is normal.", number="11-P"),
    _one("two-phases-kept", "Same number, other phase", 1204, "7120.00",
         "The one of phase 2: still there.", number="11-P"),
    _one("two-jobs-deleted", "Same number in two jobs", 1205, "2310.00",
         "Deleted; another job has a change order with the same number, which is normal.", number="CO-9"),
    _one("two-jobs-kept", "Same number, other job", 1208, "4480.00",
         "The one of the other job: still there.", number="CO-9"),
    _one("line-number-deleted", "Number only on the line", 1206, "1875.00",
         "Deleted; its header had no number at all, only its line.", number="", sub_number="850-1"),
    _one("line-number-kept", "Number only on line, kept", 1206, "2640.00",
         "Its header has no number, only its line: still there.", number="", sub_number="850-2"),
    _one("header-number-differs", "Header number differs", 1207, "11200.00",
         "Header and line carry different numbers: still there.", number="PCO-31", sub_number="03-31A"),
    _one("renumbered", "Number edited after sync", 1207, "3350.00", "The same record under another number."),
    _one("padded", "Padded and lower case number", 1208, "2925.00",
         "Deleted and keyed in anew, with blanks and small letters in the number.", number="14-7A"),
    _one("line-removed", "Line removed, header kept", 1209, "1980.00", "Only its line was removed."),
    _one("half-deleted", "Header gone, line left behind", 1209, "5415.00", "Half deleted: a line outlived it."),
    _one("recreated", "Re-created, same number", 1211, "7760.00",
         "Deleted and keyed in anew under the same number: another record."),
    _one("recreated-purged", "Re-created, history silent", 1211, "3120.00",
         "Keyed in anew under the same number, but the history knows of no deletion of ours."),
    _one("twin", "Twin number, history silent", 1212, "4050.00",
         "Gone without history; an older record carries the same number.",
         number="17-T"),
    _one("sub-number-reused", "Sub change number used again", 1212, "2205.00",
         "Deleted; another record on the subcontract carries the sub change number now.", sub_number="02-90"),
    _one("archived", "Job archived away", 1214, "6900.00", "The job moved to the archive company with all it had."),
    _one("job-deleted-too", "Deleted, then its job too", 1215, "1450.00",
         "Deleted, and within the hour its job: archiving would look the same."),
    DemoChange("shared-deleted", "Two contracts, one change",
           (DemoLine(1203, "5230.00", text="Two contracts, one change"), DemoLine(1204, "8470.00", 1, text="Its other part")),
           links=(("shared-deleted", 1203, "Two contracts, one change",
                   "One record on two subcontracts; the part of this one was removed."),
                  ("shared-kept", 1204, "Two contracts, other part",
                   "The part on the other subcontract is still there."))),
    _one("duplicate-contract", "Duplicate subcontract number", 1210, "3660.00",
         "Deleted; another subcontract with the same number has a line with the same sub change number.",
         sub_number="02-44"),
    _one("new-line", "Adds a subcontract line", 1205, "14800.00",
         "Its line names no subcontract line, so that Sage adds one.", to_line=None),
    DemoChange("summed", "Several lines summed",
           (DemoLine(1207, "4200.00", 1, "03-50"), DemoLine(1207, "-1150.25", 2, "03-50"), DemoLine(1207, "980.00", None, "03-50")),
           "Three lines, one sum."),
    _one("moved", "Moved to another phase", 1201, "2780.00", "The same record on another phase."),
    _one("no-audit", "History not readable", 1203, "4310.00",
         "Deleted; the login may not read the history of this one."),
    _one("locked", "Locked by a Sage user", 1204, "6655.00", "A Sage user holds a lock on it."),
    _one("deadlock", "Deadlock in Sage", 1205, "3945.00", "Deleted, but asking ends in a deadlock."),
    _one("drops", "Connection drops", 1206, "5085.00", "Deleted, but the connection drops while asking."),
    _one("contract-deleted", "Subcontract deleted too", 1213, "2150.00",
         "Deleted together with its mistaken subcontract."),
    _one("invoiced", "Deleted after its invoice", 1211, "6300.00",
         "Its invoice was deleted first, then the change order."),
    _one("restored", "Deleted, then restored", 1208, "7420.00", "Deleted, and brought back: the same record."),
    _one("archived-history", "Job archived, history tells", 1218, "2240.00",
         "The job was archived, which left delete rows in the history: no proof of a deletion."),
    _one("closed-deleted", "Deleted, its job is closed", 1219, "1130.00",
         "Deleted on a closed job that may be half archived; others of the job are there."),
    _one("closed-empty", "Closed job, nothing left", 1220, "5480.00",
         "The only change order of a closed job is gone: archiving begins like that."),
    _one("job-replaced", "On another job, old job gone", 1221, "4905.00",
         "Moved with its subcontract to the right job; the job it was on was deleted."),
    _one("moved-subcontract", "Moved to another subcontract", 1203, "3375.00",
         "The record is there; its line is on another subcontract now."),
    _one("half-deleted-elsewhere", "Line left on other subcontract", 1209, "2790.00",
         "The line was moved to another subcontract, then the header was lost."),
    _one("number-older", "Older row, our record number", 1203, "1960.00",
         "Deleted; a row with its record number, older than our link, is on the job: it may be ours."),
)  # fmt: skip

_HARBOR_PLAIN = _plain((
    ("Deeper footings at grid C", 1201, "18640.00"),
    ("Extra wall ties", 1201, "2395.00"),
    ("Elevator pit waterproofing", 1201, "9120.75"),
    ("Beam penetrations level 4", 1202, "5480.00"),
    ("Credit for deck substitution", 1202, "-3750.00"),
    ("Stair stringer revision", 1202, "7215.00"),
    ("Corridor soffit framing", 1203, "4860.00"),
    ("Shaft wall rating change", 1203, "11340.00"),
    ("Added blocking at casework", 1203, "1725.50"),
    ("Lobby lighting upgrade", 1204, "16930.00"),
    ("Delete floor boxes", 1204, "-2840.00"),
    ("Emergency circuit relocation", 1204, "6175.00"),
    ("Rock excavation", 1205, "22400.00"),
    ("Reroute storm line", 1205, "8935.00"),
    ("Import fill, north lot", 1205, "5610.00"),
    ("Bond beam revision", 1206, "3290.00"),
    ("Credit for face brick", 1206, "-4425.00"),
    ("Gymnasium control joints", 1206, "1560.00"),
    ("Larger kitchen exhaust fan", 1207, "7845.00"),
    ("Controls for bleacher room", 1207, "2980.00"),
    ("Roof curb for unit 7", 1208, "1890.00"),
    ("Walkway pads", 1208, "2245.00"),
    ("Dock leveler power", 1209, "5370.00"),
    ("High bay fixture change", 1209, "9615.00"),
    ("Sprinkler head relocation", 1210, "3105.00"),
    ("Exam room sinks", 1211, "6480.00"),
    ("Credit for copper size", 1211, "-1935.00"),
    ("Backflow preventer", 1211, "2710.00"),
    ("Acoustic board, consult rooms", 1212, "4975.00"),
    ("Accent paint", 1212, "1280.00"),
    ("Column plate repairs", 1214, "3840.00"),
    ("Second floor cleanouts", 1219, "870.00"),
    ("Credit for pipe hangers", 1219, "-415.00"),
))  # fmt: skip

_HARBOR_AFTER_BACKUP = (
    _one("older-backup", "Older backup restored", 1209, "4260.00",
         "Entered after the last backup: restoring that backup takes it away, though no user deleted it.",
         after_backup=True),
    # The last ones: their record numbers are given again once they are deleted.
    _one("number-reused", "Record number used elsewhere", 1207, "2615.00",
         "Deleted; its record number was given to a change order of another job.", after_backup=True),
    _one("corrected", "Deleted, keyed in again", 1201, "4480.00",
         "Deleted and keyed in again at once under other numbers: the same record number, another record.",
         after_backup=True),
    _one("corrected-same-number", "Keyed in again, same number", 1202, "6130.00",
         "Deleted and keyed in again at once: the same number and record number, another record.",
         after_backup=True),
)  # fmt: skip

_HARBOR_UNLINKED = (
    # Carries the number of `twin` from the start, on the same job and phase.
    _one("twin-other", "Nurse station partition", 1211, "2890.00", "", number="17-T", linked=False),
    # The subcontract that shares its number with that of `duplicate-contract`, and its sub change number.
    _one("duplicate-other", "Panel upgrade", 1209, "6020.00", "", sub_number="02-44", linked=False),
    DemoChange("budget-only", "Budget transfer", (DemoLine(None, "1500.00"),), linked=False),
    # Archived together with `archived-history`, so that there is a sweep.
    _one("archived-other", "Credit for pole bases", 1218, "-660.00", "", linked=False),
)


def _play_harbor(books: Books, records: dict[str, str]) -> None:
    user = OTHER_ACCOUNTANT
    _give_the_last_record_numbers_again(books, records, user)
    for key in (
        "deleted", "two-phases-deleted", "two-jobs-deleted", "line-number-deleted", "duplicate-contract",
        "no-audit", "deadlock", "drops",
    ):  # fmt: skip
        books.delete(records[key], user=user)
    books.set_status(records["void"], VOID, user=user)
    books.set_status(records["rejected"], REJECTED, user=user)
    books.set_status(records["rejected-lines-open"], REJECTED, user=user, header_only=True)
    books.update("sbcgln", "recnum = ?", (int(records["rejected-lines-open"]),), {"chgsts": OPEN}, user=user)
    books.renumber(records["renumbered"], "12-77", user=user)
    books.move_to_phase(records["moved"], 2, user=user)
    books.delete_part(records["line-removed"], "1209", user=user)
    books.delete_part(records["shared-deleted"], "1203", user=user)

    books.move_part(records["moved-subcontract"], "1203", "1204", user=user)
    books.move_part(records["half-deleted-elsewhere"], "1209", "1208", user=user)
    _put_an_older_row_in_place_of(books, records["number-older"], user)

    for key in ("deleted-purged", "twin", "recreated-purged"):
        books.delete(records[key], user=user, history=False)
    books.recreate(records["recreated-purged"], user=user)

    books.delete(records["padded"], user=user)
    books.recreate(records["padded"], number=" 14-7a ", user=user)
    books.delete(records["sub-number-reused"], user=user)
    books.recreate(records["sub-number-reused"], number="17-91", user=user)
    books.delete(records["recreated"], user=user)
    books.recreate(records["recreated"], user=user)

    books.delete(records["restored"], user=user)
    books.restore(records["restored"], user=user)

    books.delete_invoice("PL-2207", 1211, 1, user=user)
    books.delete(records["invoiced"], user=user)
    books.delete(records["contract-deleted"], user=user)
    books.delete_subcontract("1213", user=user)

    books.delete(records["closed-deleted"], user=user)
    books.delete(records["closed-empty"], user=user)
    _move_to_the_right_job(books, records["job-replaced"], subcontract=1221, job=2612, user=user)
    books.delete_job("2604", user=user)
    books.delete(records["job-deleted-too"], user=user)
    books.delete_job("2608", user=user)
    books.archive_job("2609", history=False)
    books.archive_job("2607", history=True)


def _give_the_last_record_numbers_again(books: Books, records: dict[str, str], user: str) -> None:
    """Deletes the three last change orders, and keys three in, which get their record numbers in that order."""
    keys = ("number-reused", "corrected", "corrected-same-number")
    for key in reversed(keys):
        books.delete(records[key], user=user)
    line = EntryLine(
        vendor_record_number="308",
        description="Roof hatch",
        subcontract_record_number="1208",
        subcontract_line="1",
        sub_change_number="01-70",
        cost_code="7500.000",
        cost_type="4",
        amount=Decimal("3480.00"),
    )
    entry = ChangeOrderEntry(
        number="14-70",
        dated=datetime.now(UTC).date(),
        job_record_number="2614",
        phase="0",
        description="Roof hatch",
        scope="",
        lines=(line,),
    )
    given = (
        enter(books, entry, user=user),
        books.recreate(records["corrected"], user=user, number="11-80", sub_number="01-80"),
        books.recreate(records["corrected-same-number"], user=user),
    )
    assert given == tuple(records[key] for key in keys), "they are the last ones"


def _put_an_older_row_in_place_of(books: Books, record_number: str, user: str) -> None:
    """Deletes the record; a row with its record number and an older date of entry is there instead.

    So rows look that a repair of the database has put in anew. It has no line on a subcontract.
    """
    header = books.header(record_number)
    books.delete(record_number, user=user)
    same = {name: header[name] for name in ("recnum", "jobnum", "phsnum", "status")}
    older = datetime.now(UTC) - timedelta(days=60)
    books.insert(
        "prmchg", {**same, "chgnum": "11-O", "dscrpt": "Allowance transfer"}, user=ACCOUNTANT, at=older
    )
    line: dict[str, Value] = {"recnum": header["recnum"], "linnum": 1, "bdgprc": "900.00", "chgsts": 1}
    books.insert("sbcgln", line | {"cstcde": "9250.000", "csttyp": 4}, user=ACCOUNTANT, at=older)


def _move_to_the_right_job(
    books: Books, record_number: str, *, subcontract: int, job: int, user: str
) -> None:
    """Corrects the job of a subcontract and of its change order."""
    for table, number in (("subcon", subcontract), ("prmchg", int(record_number))):
        books.update(table, "recnum = ?", (number,), {"jobnum": job, "phsnum": 0}, user=user)


HARBOR_POINT = DemoStory(
    database_name="Harbor Point Builders",
    first_change=701,
    jobs=(
        (2611, "Harbor Tower", "Harbor Tower", 4, ((1, "Core and shell"), (2, "Interiors"))),
        (2612, "Mariner Middle School", "Mariner School", 4, ()),
        (2614, "Pier 9 Warehouse", "Pier 9", 4, ()),
        (2617, "Lakeside Clinic", "Lakeside Clinic", 3, ()),
        (2609, "Old Cannery Lofts", "Old Cannery", 6, ()),
        (2608, "Ferry Street Garage", "Ferry Garage", 6, ()),
        (2607, "Harbor Lights Marina", "Harbor Lights", 6, ()),
        (2606, "Boat Yard Offices", "Boat Yard", 6, ()),
        (2605, "Signal House", "Signal House", 6, ()),
        (2604, "Mariner School, west wing", "Mariner West", 4, ()),
    ),
    vendors=(
        (301, "Anchor Concrete"),
        (302, "Ironbridge Steel Erectors"),
        (303, "Northgate Drywall"),
        (304, "Beacon Electric"),
        (305, "Tidewater Excavating"),
        (306, "Granite Bay Masonry"),
        (307, "Summit Mechanical"),
        (308, "Overcoat Roofing"),
        (309, "Bluewater Fire Protection"),
        (310, "Clearline Plumbing"),
    ),
    contracts=_HARBOR_CONTRACTS,
    # Between each other, so that a list in order of entry shows both kinds.
    changes=tuple(
        change
        for place in range(max(len(_HARBOR_SCENARIOS), len(_HARBOR_PLAIN)))
        for group in (_HARBOR_PLAIN, _HARBOR_SCENARIOS)
        for change in group[place : place + 1]
    )
    + _HARBOR_UNLINKED
    + _HARBOR_AFTER_BACKUP,
    play=_play_harbor,
    torn=("half-deleted", "half-deleted-elsewhere"),
    faults=(("no-audit", "no-audit"), ("locked", "locked"), ("deadlock", "deadlock"), ("drops", "drops")),
    invoices=(
        (1201, 1, "96000.00", "AC-5518"),
        (1205, 1, "41200.00", "TW-0931"),
        (1211, 1, "6300.00", "PL-2207"),
    ),
)


def _play_ridgeline(books: Books, records: dict[str, str]) -> None:
    """Its history was purged in between, so that it reaches back to no link's last sight of its record."""
    user = OTHER_ACCOUNTANT
    for key in ("deleted-purged", "twin", "closed-deleted", "recreated-purged"):
        books.delete(records[key], user=user)
    books.recreate(records["recreated-purged"], user=user)
    books.purge_history(older_than=timedelta(0))
    books.delete(records["deleted"], user=user)
    books.set_status(records["void"], VOID, user=user)
    books.delete(records["recreated"], user=user)
    books.recreate(records["recreated"], user=user)


RIDGELINE = DemoStory(
    database_name="Ridgeline Civil",
    first_change=701,  # record numbers of another company are the same numbers
    jobs=(
        (2601, "Mill Creek Bridge", "Mill Creek", 4, ()),
        (2602, "Quarry Road Widening", "Quarry Road", 4, ()),
        (2603, "Old Mill Weir", "Old Mill Weir", 6, ()),
    ),
    vendors=((301, "Stonefield Paving"), (302, "Crossbeam Bridgeworks"), (303, "Highline Surveying")),
    contracts=(
        Contract(1201, "2601-01", 2601, 0, 302, "Girders", (("Girders", "5120.000", 4, "412000.00"),)),
        Contract(1202, "2602-01", 2602, 0, 301, "Paving", (("Paving", "2200.000", 4, "236000.00"),)),
        Contract(1203, "2602-02", 2602, 0, 303, "Survey", (("Staking", "2200.000", 5, "28400.00"),)),
        Contract(1204, "2603-01", 2603, 0, 302, "Weir gates", (("Gates", "5120.000", 4, "58700.00"),)),
    ),
    changes=(
        _one("present", "Approved in Sage", 1201, "15200.00", "It is in Sage, approved, as it was sent."),
        _one("deleted", "Deleted in Sage", 1201, "6750.00", "Deleted in Sage; the history shows by whom."),
        _one("void", "Void in Sage", 1202, "4300.00", "Marked Void: the record is still there."),
        _one("recreated", "Re-created, same number", 1202, "8125.00",
             "Deleted and keyed in anew under the same number: another record."),
        _one("deleted-purged", "Deleted, history purged", 1201, "2960.00",
             "Deleted; the history was purged since and tells nothing before."),
        _one("recreated-purged", "Re-created, history purged", 1203, "1475.00",
             "Keyed in anew; the history is purged, but the new record was entered after ours was last seen."),
        _one("twin", "Twin number, history purged", 1202, "5240.00",
             "Deleted; the history is purged, and an older record carries the same number.", number="02-T"),
        _one("closed-deleted", "Deleted, its job is closed", 1204, "1820.00",
             "Deleted on a closed job; the history is purged, others of the job are there."),
        *_plain((("Bearing pad change", 1201, "3480.00"), ("Extra control points", 1203, "1190.00"),
                 ("Shoulder widening", 1202, "7350.00"), ("Gate seals", 1204, "940.00"))),
        # Carries the number of `twin` from the start, on the same job and phase.
        _one("twin-other", "Guard rail ends", 1203, "2105.00", "", number="02-T", linked=False),
    ),
    play=_play_ridgeline,
)  # fmt: skip

STORIES = {"harbor-point": HARBOR_POINT, "ridgeline": RIDGELINE}
"""The practice companies by the name that `open_sandbox` takes."""


def fill(books: Books, story: DemoStory, *, now: datetime, after_backup: bool) -> None:
    """Enters the company: all but what came after its last backup, or (`after_backup`) only that."""
    began = now - timedelta(days=84)
    if not after_backup:
        _enter_lists(books, story, began)
        _enter_contracts(books, story, began)
    chosen = [change for change in story.changes if change.after_backup == after_backup]
    # The last 75 days, oldest first; what came after the backup is of the last few hours.
    step = timedelta(days=74) / max(1, len(chosen))
    first = now - timedelta(hours=3) if after_backup else now - timedelta(days=75)
    for place, change in enumerate(chosen):
        at = first + (timedelta(minutes=place) if after_backup else step * place)
        _enter_change(books, story, change, at)
    if not after_backup:
        books.count_totals()
        for subcontract, line, amount, number in story.invoices:
            books.invoice(subcontract, line, amount, number, user=ACCOUNTANT, at=now - timedelta(days=5))
    else:
        books.count_totals()


def _enter_lists(books: Books, story: DemoStory, at: datetime) -> None:
    for code, name in COST_CODES:
        books.insert(
            "cstcde", {"recnum": code, "cdenme": name, "divnum": int(code[:-6])}, user=ACCOUNTANT, at=at
        )
    for number, name in COST_TYPES:
        books.insert("csttyp", {"recnum": number, "typnme": name}, user=ACCOUNTANT, at=at)
    for number, name in CHANGE_TYPES:
        books.insert("chgtyp", {"recnum": number, "typnme": name}, user=ACCOUNTANT, at=at)
    books.insert("jobtyp", {"recnum": 1, "typnme": "Commercial"}, user=ACCOUNTANT, at=at)
    books.insert("vndtyp", {"recnum": 1, "typnme": "Subcontractor"}, user=ACCOUNTANT, at=at)
    for number, name in story.vendors:
        vendor: dict[str, Value] = {"recnum": number, "vndnme": name, "shtnme": name[:30], "vndtyp": 1}
        books.insert("actpay", vendor, user=ACCOUNTANT, at=at)
    for number, name, short, status, phases in story.jobs:
        job: dict[str, Value] = {
            "recnum": number,
            "jobnme": name,
            "shtnme": short,
            "status": status,
            "jobtyp": 1,
        }
        books.insert("actrec", job, user=ACCOUNTANT, at=at)
        for phase, phase_name in phases:
            books.insert(
                "jobphs", {"recnum": number, "phsnum": phase, "phsnme": phase_name}, user=ACCOUNTANT, at=at
            )


def _enter_contracts(books: Books, story: DemoStory, at: datetime) -> None:
    for contract in story.contracts:
        books.insert(
            "subcon",
            {
                "recnum": contract.record_number,
                "ctcnum": contract.number,
                "vndnum": contract.vendor,
                "jobnum": contract.job,
                "phsnum": contract.phase,
                "dscrpt": contract.text,
                "status": 4,
                "condte": at.date().isoformat(),
            },
            user=ACCOUNTANT,
            at=at,
        )
        for place, (text, code, cost_type, amount) in enumerate(contract.lines, start=1):
            line: dict[str, Value] = {"dscrpt": text, "cstcde": code, "csttyp": cost_type, "amount": amount}
            books.insert(
                "sbcnln", {"recnum": contract.record_number, "linnum": place, **line}, user=ACCOUNTANT, at=at
            )


def _enter_change(books: Books, story: DemoStory, change: DemoChange, at: datetime) -> None:
    contracts = {contract.record_number: contract for contract in story.contracts}
    named = [contracts[line.subcontract] for line in change.lines if line.subcontract is not None]
    job, phase = (named[0].job, named[0].phase) if named else (story.jobs[0][0], 1)
    recnum = books.next_number("prmchg", first=story.first_change)
    day = at.date().isoformat()
    total = f"{sum(float(line.amount) for line in change.lines):.2f}"
    books.insert(
        "prmchg",
        {
            "recnum": recnum,
            "chgnum": _next_of_job(books, job) if change.number is None else change.number,
            "chgdte": day,
            "jobnum": job,
            "phsnum": phase,
            "dscrpt": change.title,
            "reason": "Field condition",
            "status": change.status,
            "chgtyp": 2,
            "subdte": day,
            "aprdte": day if change.status == 1 else None,
            "reqamt": total,
            "appamt": total,
            "cstamt": total,
            "entdte": day,
            "usrnme": ACCOUNTANT,
        },
        user=ACCOUNTANT,
        at=at,
    )
    for place, line in enumerate(change.lines, start=1):
        _enter_line(books, change, recnum, place, line, contracts, at)
    first = named[0].record_number if named else 0
    links = change.links or ((change.key, first, change.title, change.shows),)
    for key, subcontract, title, shows in links if change.linked else ():
        books.run(
            "INSERT INTO dbo.sandbox_scenario (key, recnum, vndctc, title, description) VALUES (?, ?, ?, ?, ?)",
            key, recnum, subcontract, title, shows,
        )  # fmt: skip


def _enter_line(
    books: Books,
    change: DemoChange,
    recnum: int,
    place: int,
    line: DemoLine,
    contracts: dict[int, Contract],
    at: datetime,
) -> None:
    values: dict[str, Value] = {
        "recnum": recnum,
        "linnum": place,
        "dscrpt": line.text or change.title,
        "bdgprc": line.amount,
        "chgsts": 1 if line.status is None else line.status,
        "chgdte": at.date().isoformat(),
        "cstcde": "2200.000",
        "csttyp": 4,
    }
    if line.subcontract is not None:
        contract = contracts[line.subcontract]
        _text, code, cost_type, _amount = contract.lines[(line.to_line or 1) - 1]
        values |= {
            "vndnum": contract.vendor,
            "vndctc": line.subcontract,
            "ctclin": line.to_line,
            "chgnum": line.sub_number or _next_of_contract(books, contract),
            "cstcde": code,
            "csttyp": cost_type,
        }
        if line.to_line is None:
            adds: dict[str, Value] = {
                "dscrpt": line.text or change.title,
                "cstcde": code,
                "csttyp": cost_type,
            }
            values["linref"] = add_subcontract_line(books, line.subcontract, adds, user=ACCOUNTANT, at=at)
    books.insert("sbcgln", values, user=ACCOUNTANT, at=at)


def _next_of_job(books: Books, job: int) -> str:
    """`14-3`: the third change order of job 2614."""
    taken = books.rows("SELECT COUNT(*) AS count FROM dbo.prmchg WHERE jobnum = ?", job)
    return f"{job % 100:02d}-{int(taken[0]['count']) + 1}"


def _next_of_contract(books: Books, contract: Contract) -> str:
    """`01-3`: the third change of subcontract 2614-01."""
    taken = books.rows("SELECT COUNT(*) AS count FROM dbo.sbcgln WHERE vndctc = ?", contract.record_number)
    return f"{contract.number[-2:]}-{int(taken[0]['count']) + 1}"

"""The data of a test company of any size, for Plumbline and for its sandbox. Deterministic.

One job per ten change orders, at most 500, with five subcontracts each. Titles are built from few words, so
that a search can use a word that most titles have and a word that seven titles have.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import NamedTuple

from erp_integrations.ports import ErpJob, ErpSubcontract, ErpSubcontractLine, ErpVendor
from tests.bench.load.sage_company import BulkRecord

COMMON_WORD, RARE_WORD = "additional", "theodolite"
"""Of most titles, and of `RARE_TITLES`."""
RARE_TITLES = 7

COST_CODE, COST_TYPE = "3310.000", "4"
"""Of every line."""

_MOST_JOBS, _LINKS_PER_JOB = 500, 10
_SUBCONTRACTS_PER_JOB = 5
_FIRST_JOB, _FIRST_VENDOR, _FIRST_SUBCONTRACT, _FIRST_RECORD = 10_001, 2_001, 30_001, 1_001
_DAYS = 700
"""Over which the links were made, up to yesterday."""

_PLACES = (
    *(
        "Harbor",
        "Ridge",
        "Mill Creek",
        "Lakeside",
        "Union",
        "Cedar",
        "Summit",
        "Prairie",
        "Granite",
        "Bayview",
    ),
    *("Foundry", "Orchard", "Canal", "Airport", "Depot", "Garden", "Quarry", "Stadium", "Museum", "Terminal"),
)
_BUILDINGS = (
    *("Tower", "Clinic", "Garage", "School", "Library", "Bridge", "Plaza", "Warehouse", "Labs", "Hall"),
    *("Annex", "Courthouse", "Theater", "Market", "Station", "Campus", "Hotel", "Arena", "Works", "Pavilion"),
    *("Depot", "Residences", "Exchange", "Gallery", "Yard"),
)
_TRADES = (
    *(
        "Concrete",
        "Structural Steel",
        "Electrical",
        "Plumbing",
        "Mechanical",
        "Drywall",
        "Roofing",
        "Masonry",
    ),
    *("Glazing", "Painting", "Flooring", "Fire Protection", "Earthwork", "Paving", "Elevators"),
)
_FIRMS = ("Contractors", "Company", "Brothers", "Partners", "Systems", "Group")
_WHAT = (
    *("formwork", "rebar", "conduit", "ductwork", "piping", "anchors", "framing", "insulation", "sealant"),
    *("grout", "flashing", "blocking", "supports", "sleeves", "fixtures", "panels", "hangers", "coating"),
    *("trenching", "shoring", "dewatering", "scaffold", "overtime", "testing", "patching", "demolition"),
)
_WHERE = (
    *("at level 1", "at level 2", "at level 3", "at level 4", "at the loading dock", "at grid line A"),
    *("at grid line D", "at stair B", "in the lobby", "in the basement", "on the roof", "at the north wall"),
    *("at the south wall", "at the elevator pit", "in the mechanical room", "along the east side"),
)
_WHY = (
    "",
    *(
        " per RFI",
        " per site instruction",
        " for revised drawings",
        " after inspection",
        " for late delivery",
    ),
)


class BulkChangeOrder(NamedTuple):
    """One CCO, and its record."""

    record: BulkRecord
    title: str
    number: str
    commitment: int
    """The place of its subcontract among those of the company."""
    linked_at: datetime
    linked_by: str


@dataclass(frozen=True, slots=True)
class BulkCompany:
    """What change orders hang on."""

    jobs: Sequence[ErpJob]
    vendors: Sequence[ErpVendor]
    subcontracts: Sequence[ErpSubcontract]


def bulk_company(links: int) -> BulkCompany:
    """The company for so many links."""
    draw = random.Random(f"company of {links}")  # noqa: S311  (the same every time, and nobody's secret)
    names = cycle(f"{place} {building}" for building in _BUILDINGS for place in _PLACES)
    jobs = [
        ErpJob(_row_id(draw), str(_FIRST_JOB + at), name, "Current")
        for at, name in enumerate(islice(names, max(1, min(_MOST_JOBS, links // _LINKS_PER_JOB))))
    ]
    firms = [f"{place} {trade} {firm}" for place in _PLACES for trade in _TRADES for firm in _FIRMS]
    draw.shuffle(firms)
    vendors = [
        ErpVendor(_row_id(draw), str(_FIRST_VENDOR + at), name)
        for at, name in enumerate(firms[: max(5, len(jobs) // 2)])
    ]
    subcontracts = []
    for at in range(len(jobs) * _SUBCONTRACTS_PER_JOB):
        vendor, record_number = draw.choice(vendors), str(_FIRST_SUBCONTRACT + at)
        amount = Decimal(draw.randrange(20_000, 2_000_000))
        trade = next(one for one in _TRADES if one in vendor.name)
        line = ErpSubcontractLine(1, trade, COST_CODE, COST_TYPE, amount)
        job = jobs[at // _SUBCONTRACTS_PER_JOB].record_number
        subcontracts.append(
            ErpSubcontract(
                row_id=_row_id(draw),
                record_number=record_number,
                number=f"S-{record_number}",
                job_record_number=job,
                phase="0",
                vendor_record_number=vendor.record_number,
                description=trade,
                status="Current",
                lines=(line,),
            )
        )
    return BulkCompany(jobs, vendors, subcontracts)


_BETWEEN_DELETIONS = timedelta(seconds=3)
"""Deletions closer to each other than two seconds look like an archive's."""


def bulk_change_orders(
    company: BulkCompany, links: int, *, missing_percent: float, people: Sequence[str], now: datetime
) -> Iterator[BulkChangeOrder]:
    """The CCOs in the order of their record numbers, which is the order in which they were linked.

    Those that Sage has lost were deleted there within the last day, one after the other, as people do it.
    """
    draw = random.Random(f"change orders of {links}")  # noqa: S311  (the same every time)
    numbers, on_job = [0] * len(company.subcontracts), [0] * len(company.jobs)
    began, step = now - timedelta(days=_DAYS + 1), timedelta(days=_DAYS) / links
    gone, between = (
        0,
        min(_BETWEEN_DELETIONS, timedelta(hours=22) / max(1, int(links * missing_percent / 100))),
    )
    rare = {links * one // RARE_TITLES for one in range(RARE_TITLES)}
    for at in range(links):
        commitment = draw.randrange(len(numbers))
        subcontract, job = company.subcontracts[commitment], commitment // _SUBCONTRACTS_PER_JOB
        numbers[commitment] += 1
        on_job[job] += 1
        linked_at = began + step * at
        is_gone = int((at + 1) * missing_percent / 100) > int(at * missing_percent / 100)
        gone += is_gone
        title = _title(draw, is_rare=at in rare)
        record = BulkRecord(
            record_number=str(_FIRST_RECORD + at),
            row_key=_key(draw),
            number=str(on_job[job]),
            job_record_number=subcontract.job_record_number,
            subcontract_record_number=subcontract.record_number,
            vendor_record_number=subcontract.vendor_record_number,
            sub_change_number=str(numbers[commitment]),
            description=title,
            amount=Decimal(draw.randrange(-500_000, 8_000_000)).scaleb(-2) or Decimal("1.00"),
            inserted_at=linked_at - timedelta(hours=1),
            deleted_at=now - timedelta(hours=1) - between * gone if is_gone else None,
        )
        number = f"{numbers[commitment]:03}"
        yield BulkChangeOrder(record, title, number, commitment, linked_at, people[at % len(people)])


def _title(draw: random.Random, *, is_rare: bool) -> str:
    what, where = draw.choice(_WHAT), draw.choice(_WHERE)
    words = f"{COMMON_WORD} {what}" if draw.random() < 0.7 else what
    if is_rare:
        words = f"{RARE_WORD} and {what}"
    return f"{words[0].upper()}{words[1:]} {where}{draw.choice(_WHY)}"


def _key(draw: random.Random) -> str:
    digits = f"{draw.getrandbits(128):032X}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-A{digits[17:20]}-{digits[20:]}"


def _row_id(draw: random.Random) -> uuid.UUID:
    return uuid.UUID(_key(draw))

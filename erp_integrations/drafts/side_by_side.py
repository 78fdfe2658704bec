"""A CCO beside the record it is linked to and the record its link may be moved to. Pure."""

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from companies.text import is_same_number
from erp_integrations.ports import ErpChangeOrder, ErpChangeOrderLine, same_phase

NOT_FOUND = "not found in Sage"
SHORTEST_CUT_TITLE = 30
"""Sage's own integrations cut a title after so many characters (see `SandboxScenario.title`)."""


@dataclass(frozen=True, slots=True)
class OurValues:
    """The CCO as it stands here."""

    number: str
    title: str
    status: str
    job_record_number: str
    phase: str
    subcontract_record_number: str
    amounts: Mapping[tuple[str, str], Decimal]
    """By cost code and cost type, in the company's currency."""


@dataclass(frozen=True, slots=True)
class Side:
    """One thing of the CCO and of both records."""

    what: str
    ours: str
    linked: str
    other: str
    differs: bool
    """Whether the other record is not as the CCO."""
    compared: bool = True
    """False for a fact that is shown and not compared."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What a person is shown before a link is moved, and says yes to."""

    link_id: int
    linked_record_number: str
    linked_row_id: uuid.UUID
    linked_is_there: bool
    record_number: str
    """Of the record to move to."""
    row_id: uuid.UUID
    subcontract_record_number: str
    sides: tuple[Side, ...]

    @property
    def token(self) -> str:
        """Names exactly what was shown: this link, both records, and every value on the page."""
        shown = json.dumps(dataclasses.asdict(self), default=str, sort_keys=True)
        return hashlib.sha256(shown.encode()).hexdigest()


def compare_records(
    ours: OurValues,
    other: ErpChangeOrder,
    *,
    link_id: int,
    linked_record_number: str,
    linked_row_id: uuid.UUID,
    linked: ErpChangeOrder | None,
) -> SideBySide:
    """`linked` is the record the CCO is linked to, as it is now; None where it was not found."""
    subcontract = ours.subcontract_record_number
    return SideBySide(
        link_id=link_id,
        linked_record_number=linked_record_number,
        linked_row_id=linked_row_id,
        linked_is_there=linked is not None,
        record_number=other.record_number,
        row_id=other.row_id,
        subcontract_record_number=subcontract,
        sides=(
            *_of_the_header(ours, linked, other),
            *_of_the_lines(ours, _lines_on(linked, subcontract), _lines_on(other, subcontract), linked),
            _elsewhere(subcontract, linked, other),
        ),
    )


def _of_the_header(ours: OurValues, linked: ErpChangeOrder | None, other: ErpChangeOrder) -> Iterable[Side]:
    yield Side(
        "Record number",
        "",
        linked.record_number if linked else NOT_FOUND,
        other.record_number,
        differs=False,
        compared=False,
    )
    for what, wanted, name, equal in (
        ("Change number", ours.number, "number", is_same_number),
        ("Title", ours.title, "description", _same_title),
        ("Job", ours.job_record_number, "job_record_number", is_same_number),
        ("Phase", ours.phase, "phase", same_phase),
        ("Status", ours.status, "status", is_same_number),
    ):
        held = getattr(other, name).strip()
        yield Side(
            what,
            wanted.strip(),
            getattr(linked, name).strip() if linked else NOT_FOUND,
            held,
            differs=not equal(wanted, held),
        )


def _of_the_lines(
    ours: OurValues,
    linked: Mapping[tuple[str, str], list[Decimal]],
    other: Mapping[tuple[str, str], list[Decimal]],
    linked_record: ErpChangeOrder | None,
) -> Iterable[Side]:
    subcontract = ours.subcontract_record_number
    for code, cost_type in sorted({*ours.amounts, *linked, *other}):
        place = (code, cost_type)
        wanted, held = ours.amounts.get(place), other.get(place, [])
        yield Side(
            f"Lines with cost code {code}, cost type {cost_type}",
            "no line" if wanted is None else f"{wanted:,.2f}",
            _said(linked.get(place, [])) if linked_record else NOT_FOUND,
            _said(held),
            differs=(wanted is None) != (not held) or (wanted or Decimal()) != sum(held, Decimal()),
        )
    total = sum(ours.amounts.values(), Decimal())
    yield Side(
        f"Amount on subcontract {subcontract}",
        f"{total:,.2f}",
        f"{_total(linked):,.2f}" if linked_record else NOT_FOUND,
        f"{_total(other):,.2f}",
        differs=total != _total(other),
    )


def _elsewhere(subcontract: str, linked: ErpChangeOrder | None, other: ErpChangeOrder) -> Side:
    """What else is in the records is a fact and no difference: a record may change several subcontracts."""

    def count(record: ErpChangeOrder) -> str:
        return str(sum(line.subcontract_record_number != subcontract for line in record.lines))

    return Side(
        "Lines on other subcontracts, or on none",
        "",
        count(linked) if linked else NOT_FOUND,
        count(other),
        differs=False,
        compared=False,
    )


def _lines_on(record: ErpChangeOrder | None, subcontract: str) -> dict[tuple[str, str], list[Decimal]]:
    amounts: dict[tuple[str, str], list[Decimal]] = {}
    lines: tuple[ErpChangeOrderLine, ...] = record.lines if record else ()
    for line in lines:
        if line.subcontract_record_number == subcontract:
            amounts.setdefault((line.cost_code, line.cost_type), []).append(line.amount)
    return amounts


def _total(lines: Mapping[tuple[str, str], list[Decimal]]) -> Decimal:
    return sum((amount for amounts in lines.values() for amount in amounts), Decimal())


def _said(amounts: list[Decimal]) -> str:
    if not amounts:
        return "no line"
    total = f"{sum(amounts, Decimal()):,.2f}"
    return total if len(amounts) == 1 else f"{total} in {len(amounts)} lines"


def _same_title(ours: str, held: str) -> bool:
    """The same, or ours cut after at least `SHORTEST_CUT_TITLE` characters."""
    wanted, found = ours.strip().casefold(), held.strip().casefold()
    return wanted == found or (len(found) >= SHORTEST_CUT_TITLE and wanted.startswith(found))

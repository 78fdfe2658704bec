"""What was signed off, beside what the ERP holds. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from erp_integrations.ports import (
    ErpChangeOrder,
    ErpChangeOrderFound,
    ErpChangeOrderLine,
    OddChangeOrder,
    PreparedChangeOrder,
    PreparedLine,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is otherwise than signed off, for showing side by side."""

    what: str
    signed_off: str
    found: str


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """One thing of ours beside the same thing in the ERP."""

    what: str
    ours: str
    found: str
    same: bool


def differences(prepared: PreparedChangeOrder, found: ErpChangeOrder) -> tuple[Difference, ...]:
    """What of `compare` is not the same; none means: equal."""
    return tuple(
        Difference(one.what, one.ours, one.found) for one in compare(prepared, found) if not one.same
    )


def compare(prepared: PreparedChangeOrder, found: ErpChangeOrder) -> tuple[ComparedValue, ...]:
    """Number, job, phase, subcontract, vendor, and the amount of every line.

    Lines are told apart by the line of the subcontract they change. The ERP gives a line that adds one a
    number of its own when it is saved, so those are matched by cost code and type.
    """
    mine = [
        line for line in found.lines if line.subcontract_record_number == prepared.subcontract_record_number
    ]
    pairs = [
        ("Change number", prepared.number, found.number),
        ("Job", prepared.job_record_number, found.job_record_number),
        ("Phase", prepared.phase, found.phase),
        *(("Vendor", prepared.vendor_record_number, vendor) for vendor in _vendors(mine)),
    ]
    told = [ComparedValue(what, wanted, held, is_same_value(wanted, held)) for what, wanted, held in pairs]
    elsewhere = len(found.lines) - len(mine)
    if elsewhere:
        words = f"{elsewhere} of {len(found.lines)}"
        told.append(ComparedValue("Lines on other subcontracts, or on none", "none", words, same=False))
    return (*told, *_compare_lines(prepared, mine))


def is_same_value(one: str, other: str) -> bool:
    """Whether two numbers are the same to Sage: blanks around them and case do not count."""
    return one.strip().casefold() == other.strip().casefold()


def _vendors(lines: Iterable[ErpChangeOrderLine]) -> list[str]:
    return sorted({line.vendor_record_number for line in lines})


def _compare_lines(
    prepared: PreparedChangeOrder, found: Sequence[ErpChangeOrderLine]
) -> Iterable[ComparedValue]:
    lines_there = {line.subcontract_line for line in prepared.lines if line.subcontract_line}
    wanted, held = Counter[str](), Counter[str]()
    wanted_amounts: dict[str, Decimal] = {}
    held_amounts: dict[str, Decimal] = {}
    for line in prepared.lines:
        place = _place_of(line, line.subcontract_line)
        wanted[place] += 1
        wanted_amounts[place] = wanted_amounts.get(place, Decimal()) + line.amount
    for found_line in found:
        changes = found_line.subcontract_line if found_line.subcontract_line in lines_there else ""
        place = _place_of(found_line, changes)
        held[place] += 1
        held_amounts[place] = held_amounts.get(place, Decimal()) + found_line.amount
    for place in dict.fromkeys((*wanted, *held)):
        yield ComparedValue(
            place,
            _said(wanted[place], wanted_amounts.get(place)),
            _said(held[place], held_amounts.get(place)),
            same=wanted[place] == held[place] and wanted_amounts.get(place) == held_amounts.get(place),
        )


def _place_of(line: PreparedLine | ErpChangeOrderLine, changes: str) -> str:
    if changes:
        return f"Amount of subcontract line {changes}"
    return f"Amount of a new subcontract line, cost code {line.cost_code}, cost type {line.cost_type}"


def _said(lines: int, amount: Decimal | None) -> str:
    if not lines or amount is None:
        return "no line"
    return f"{amount:,.2f}" if lines == 1 else f"{amount:,.2f} in {lines} lines"


# --- which record is it? -------------------------------------------------------------------------


def written_by(key: str, found: Iterable[ErpChangeOrderFound]) -> tuple[ErpChangeOrderFound, ...]:
    """The records that carry the export's key: what an earlier try has written."""
    return tuple(record for record in found if is_same_value(record.key, key))


def carrying(
    number: str, job: str, phase: str, found: Iterable[ErpChangeOrderFound]
) -> tuple[ErpChangeOrderFound, ...]:
    """The records with that number on the same job and phase."""
    return tuple(
        record
        for record in found
        if is_same_value(record.number, number)
        and is_same_value(record.job_record_number, job)
        and is_same_value(record.phase, phase)
    )


def with_the_amount(amount: Decimal, found: Iterable[ErpChangeOrderFound]) -> tuple[ErpChangeOrderFound, ...]:
    """The records with the same amount on the same subcontract."""
    return tuple(record for record in found if record.amount == amount)


# --- and which that cannot be read? --------------------------------------------------------------


def odd_written_by(key: str, odd: Iterable[OddChangeOrder]) -> tuple[OddChangeOrder, ...]:
    """The records that carry the export's key, although they cannot be read in everything."""
    return tuple(one for one in odd if one.key is not None and is_same_value(one.key, key))


def odd_carrying(
    number: str, job: str, phase: str, odd: Iterable[OddChangeOrder]
) -> tuple[OddChangeOrder, ...]:
    """The records with that number on the job and phase, as far as job and phase can be read."""
    return tuple(
        one
        for one in odd
        if one.number is not None
        and is_same_value(one.number, number)
        and (one.job_record_number is None or is_same_value(one.job_record_number, job))
        and (one.phase is None or is_same_value(one.phase, phase))
    )

"""What was signed off, beside what the ERP holds. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from companies.text import comparison_key, is_same_number, is_same_text
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
    compared: bool = True
    """False for a fact that is shown and never a difference."""


def differences(prepared: PreparedChangeOrder, found: ErpChangeOrder) -> tuple[Difference, ...]:
    """What of `compare` is not the same; none means: equal."""
    return tuple(
        Difference(one.what, one.ours, one.found) for one in compare(prepared, found) if not one.same
    )


def compare(
    prepared: PreparedChangeOrder, found: ErpChangeOrder, *, dated: bool = True
) -> tuple[ComparedValue, ...]:
    """The header's fields as they were prepared, and every line on our subcontract.

    Lines are told apart by the line of the subcontract that they change. The ERP gives a line that adds one a
    number of its own when it is saved, so those are matched by cost code and type. A line that changes an
    existing line is never taken for one that adds a line. What else is in the record (lines of the budget,
    lines on other subcontracts) is a fact and no difference. So is the date without `dated`: where the record
    was not made for the CCO.
    """
    mine = [
        line for line in found.lines if line.subcontract_record_number == prepared.subcontract_record_number
    ]
    ours = prepared.vendor_record_number
    values = [
        *_compare_header(prepared, found, dated=dated),
        *(
            ComparedValue("Vendor", ours, vendor, is_same_number(ours, vendor))
            for vendor in sorted({line.vendor_record_number for line in mine})
        ),
    ]
    if elsewhere := len(found.lines) - len(mine):
        words = f"{elsewhere} of {len(found.lines)}"
        values.append(
            ComparedValue("Lines on other subcontracts, or on none", "", words, same=True, compared=False)
        )
    return (*values, *_compare_lines(prepared, mine))


def _compare_header(
    prepared: PreparedChangeOrder, found: ErpChangeOrder, *, dated: bool
) -> Iterable[ComparedValue]:
    fields = {field.label: field.value for field in prepared.header}
    found_date = f"{found.date:%m/%d/%Y}" if found.date else ""
    numbers = [
        ("Change number", prepared.number, found.number),
        ("Job", prepared.job_record_number, found.job_record_number),
        ("Phase", prepared.phase, found.phase),
        ("Status", _status(fields.get("Status")), found.status),
    ]
    texts = [
        ("Title", fields.get("Description"), found.description),
        ("Scope", fields.get("Scope"), found.scope),
    ]
    if "Date" in fields:
        same = fields["Date"] == found_date or not dated
        yield ComparedValue("Date", fields["Date"], found_date, same, compared=dated)
    for values, is_same in ((numbers, is_same_number), (texts, is_same_text)):
        for what, wanted, held in values:
            if wanted is not None:  # an export that was signed off before it was compared in full
                yield ComparedValue(what, wanted, held, is_same(wanted, held))


def _status(prepared: str | None) -> str | None:
    """The word of `1-Approved`."""
    return None if prepared is None else prepared.partition("-")[2]


@dataclass(slots=True)
class _LinesOfPlace:
    """The lines that change one line of the subcontract, or add lines of one cost code and type."""

    amounts: list[Decimal] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    statuses: set[str] = field(default_factory=set)
    sub_change_numbers: set[str] = field(default_factory=set)

    def add(self, line: PreparedLine | ErpChangeOrderLine) -> None:
        self.amounts.append(line.amount)
        self.codes.add(line.cost_code)
        self.types.add(line.cost_type)

    @property
    def total(self) -> str:
        if not self.amounts:
            return "no line"
        total = f"{sum(self.amounts):,.2f}"
        return total if len(self.amounts) == 1 else f"{total} in {len(self.amounts)} lines"


def _compare_lines(
    prepared: PreparedChangeOrder, found: Sequence[ErpChangeOrderLine]
) -> Iterable[ComparedValue]:
    changed = {line.subcontract_line for line in prepared.lines if line.subcontract_line}
    known_lines = changed | set(prepared.lines_there)
    wanted: dict[str, _LinesOfPlace] = defaultdict(_LinesOfPlace)
    held: dict[str, _LinesOfPlace] = defaultdict(_LinesOfPlace)
    for line in prepared.lines:
        cells = {cell.label: cell.value for cell in line.cells}
        one = wanted[_place_of(line, line.subcontract_line)]
        one.add(line)
        if cells:
            one.statuses.add(_status(cells["Status"]) or "")
            one.sub_change_numbers.add(cells["Change#"])
    for found_line in found:
        changes = found_line.subcontract_line if found_line.subcontract_line in known_lines else ""
        one = held[_place_of(found_line, changes)]
        one.add(found_line)
        one.statuses.add(found_line.status)
        one.sub_change_numbers.add(found_line.sub_change_number)
    shown = {
        _place_of(line, line.subcontract_line): f" ({line.subcontract_line_words})"
        for line in prepared.lines
        if line.subcontract_line_words
    }
    for place in dict.fromkeys((*wanted, *held)):
        ours, theirs = wanted[place], held[place]
        same = len(ours.amounts) == len(theirs.amounts) and sum(ours.amounts) == sum(theirs.amounts)
        label = place + shown.get(place, "")
        yield ComparedValue(f"Amount of {label}", ours.total, theirs.total, same)
        if not ours.amounts or not theirs.amounts:
            continue
        for what, wanted_values, held_values in (
            ("Cost code", ours.codes, theirs.codes),
            ("Cost type", ours.types, theirs.types),
            ("Status", ours.statuses, theirs.statuses),
            ("Change number", ours.sub_change_numbers, theirs.sub_change_numbers),
        ):
            if wanted_values and not _are_same_numbers(wanted_values, held_values):
                yield ComparedValue(
                    f"{what} of {label}", _joined(wanted_values), _joined(held_values), same=False
                )


def _are_same_numbers(ours: set[str], theirs: set[str]) -> bool:
    return {comparison_key(one) for one in ours} == {comparison_key(one) for one in theirs}


def _joined(values: set[str]) -> str:
    return ", ".join(sorted(values))


def _place_of(line: PreparedLine | ErpChangeOrderLine, changes: str) -> str:
    if changes:
        return f"subcontract line {changes}"
    return f"a new subcontract line, cost code {line.cost_code}, cost type {line.cost_type}"


# --- which record is it? -------------------------------------------------------------------------


def written_by(key: str, found: Iterable[ErpChangeOrderFound]) -> tuple[ErpChangeOrderFound, ...]:
    """The records that carry the export's key: what an earlier try has written."""
    return tuple(record for record in found if is_same_number(record.key, key))


def carrying(
    number: str, job: str, phase: str, found: Iterable[ErpChangeOrderFound]
) -> tuple[ErpChangeOrderFound, ...]:
    """The records with that number on the same job and phase."""
    return tuple(
        record
        for record in found
        if is_same_number(record.number, number)
        and is_same_number(record.job_record_number, job)
        and is_same_number(record.phase, phase)
    )


def with_the_amount(amount: Decimal, found: Iterable[ErpChangeOrderFound]) -> tuple[ErpChangeOrderFound, ...]:
    """The records with the same amount on the same subcontract."""
    return tuple(record for record in found if record.amount == amount)


# --- and which that cannot be read? --------------------------------------------------------------


def odd_written_by(key: str, odd: Iterable[OddChangeOrder]) -> tuple[OddChangeOrder, ...]:
    """The records that carry the export's key, although they cannot be read in everything."""
    return tuple(one for one in odd if one.key is not None and is_same_number(one.key, key))


def odd_carrying(
    number: str, job: str, phase: str, odd: Iterable[OddChangeOrder]
) -> tuple[OddChangeOrder, ...]:
    """The records with that number on the job and phase, as far as job and phase can be read."""
    return tuple(
        one
        for one in odd
        if one.number is not None
        and is_same_number(one.number, number)
        and (one.job_record_number is None or is_same_number(one.job_record_number, job))
        and (one.phase is None or is_same_number(one.phase, phase))
    )

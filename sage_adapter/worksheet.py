"""What Sage will hold of a CCO: window 6-4-1, field by field, cut to its widths, one line per change.

Pure: a draft comes in, and the same draft always gives the same. The worksheet, the practice company's
writer and the comparison afterwards all go by it.

Where it comes from: the fields are those of window 6-4-1 and of its tab "Budget and Sub Change Details" (Sage
help, Entering change orders, Entering sub changes). Widths: change number 20 and description 50, as reporting
warehouses mirror `prmchg.chgnum`, `prmchg.dscrpt` and `sbcgln.dscrpt`; Scope 1,000, by integrators' help.
A subcontract's line can be changed once per change order, so what a CCO does to one line is summed (the same,
Export a CCO). A line that names no subcontract line adds one when it is saved (Sage help, Entering sub
changes); nothing says that two of those become one, so each stays a line, with the same code or another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from erp_integrations.ports import (
    ChangeOrderDraft,
    ConnectionSpec,
    Deadline,
    DraftLine,
    ErpWriter,
    PreparedChangeOrder,
    PreparedField,
    PreparedLine,
    WriteRefused,
)

WINDOW = "6-4-1 Change Orders"
GRID = "Budget and Sub Change Details"
APPROVED = "1-Approved"

NUMBER_WIDTH = 20
DESCRIPTION_WIDTH = 50
SCOPE_WIDTH = 1_000
"""Characters as `nvarchar` counts them: UTF-16 units, two for an emoji."""


def prepare(draft: ChangeOrderDraft) -> PreparedChangeOrder:
    """Exactly what Sage will hold of the draft. Every line of it is in exactly one prepared line."""
    number = _cut("Change#", draft.number, NUMBER_WIDTH)
    groups = _by_subcontract_line(draft.lines)
    return PreparedChangeOrder(
        window=WINDOW,
        grid=GRID,
        number=number.value,
        job_record_number=draft.job_record_number,
        phase=draft.phase,
        subcontract_record_number=draft.subcontract_record_number,
        vendor_record_number=draft.vendor_record_number,
        header=(
            number,
            _whole("Date", f"{draft.dated:%m/%d/%Y}"),
            _whole("Job", draft.job_record_number),
            _whole("Phase", draft.phase),
            _cut("Description", draft.title, DESCRIPTION_WIDTH),
            _whole("Status", APPROVED),
            _cut("Scope", draft.description, SCOPE_WIDTH),
        ),
        lines=tuple(_line(draft, place, lines) for place, lines in enumerate(groups, start=1)),
        lines_there=draft.lines_there,
    )


def _by_subcontract_line(lines: Sequence[DraftLine]) -> list[list[DraftLine]]:
    """The lines that become one, each where the first of them stands."""
    groups: dict[object, list[DraftLine]] = {}
    for place, line in enumerate(lines):
        one_of = line.subcontract_line or place  # what adds a line stays alone
        groups.setdefault(one_of, []).append(line)
    return list(groups.values())


def _line(draft: ChangeOrderDraft, place: int, lines: Sequence[DraftLine]) -> PreparedLine:
    amount = sum((line.amount for line in lines), Decimal("0.00"))
    description = _cut("Description", _joined("; ", (line.description for line in lines)), DESCRIPTION_WIDTH)
    # A line of Sage holds one code: where those that it sums up do not agree, the rest shows as cut off.
    cost_code = PreparedField(
        "Cost code", lines[0].cost_code, _joined(", ", (one.cost_code for one in lines))
    )
    cost_type = PreparedField(
        "Cost type", lines[0].cost_type, _joined(", ", (one.cost_type for one in lines))
    )
    subcontract_line = lines[0].subcontract_line
    return PreparedLine(
        line_number=place,
        description=description.value,
        cost_code=cost_code.value,
        cost_type=cost_type.value,
        subcontract_line=subcontract_line,
        amount=amount,
        made_of=tuple(line.position for line in lines),
        cells=(
            _whole("Vendor", draft.vendor_record_number),
            _whole("Subcontract", draft.subcontract_record_number),
            _whole("Subcontract line", subcontract_line),
            _cut("Change#", draft.number, NUMBER_WIDTH),
            _whole("Status", APPROVED),
            description,
            cost_code,
            cost_type,
            _whole("Budget amount", f"{amount:.2f}"),
        ),
        subcontract_line_words=lines[0].subcontract_line_words,
    )


def _joined(between: str, texts: Iterable[str]) -> str:
    """Each text once, in their order."""
    return between.join(dict.fromkeys(filter(None, (text.strip() for text in texts))))


def _whole(label: str, value: str) -> PreparedField:
    return PreparedField(label, value, value)


def _cut(label: str, text: str, width: int) -> PreparedField:
    full = text.strip()
    kept = full.encode("utf-16-le")[: 2 * width].decode("utf-16-le", "ignore")  # never half an emoji
    return PreparedField(label, kept.rstrip(), full)


# --- the writer whose hands are an accountant's --------------------------------------------------


def open_worksheet_writer(_spec: ConnectionSpec) -> ErpWriter:
    """The writer for any books: it says what to key in, and touches nothing."""
    return WorksheetWriter()


@dataclass(frozen=True, slots=True)
class WorksheetWriter:
    by_hand: bool = True

    def prepare(self, draft: ChangeOrderDraft) -> PreparedChangeOrder:
        """What the accountant keys into window 6-4-1."""
        return prepare(draft)

    def write(self, draft: ChangeOrderDraft, *, deadline: Deadline) -> str:  # noqa: ARG002  (the port's)
        """Raises `WriteRefused`, always."""
        raise WriteRefused(f"Change order {draft.number} is keyed into Sage by hand; nothing was written.")

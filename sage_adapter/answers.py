"""What the statements of a look say, row by row, as values that the verdict compares.

Our own record is read strictly: a value of it that means nothing is refused and named. Of other records only
that they are there matters, and what they are called: a value of theirs that cannot be read is none, which
never proves anything. All moments are naive, in the server's local time.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from erp_integrations.ports import HeaderSeen, error_for
from sage_adapter import rows
from sage_adapter.faults import fault

_NO_ROW_ID = uuid.UUID(int=0)
"""What an empty uniqueidentifier is filled with."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A job that is there."""

    record_number: str
    status: str
    """Sage's word, or the number of a status that the company added; `unknown` for NULL."""


@dataclass(frozen=True, slots=True)
class RecordHolder:
    """Another change order that has our record number."""

    row_id: uuid.UUID
    record_number: str
    number: str
    job_record_number: str
    phase: str
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line with our record number, or with our row id as that of its header."""

    record_number: int
    line: int
    subcontract: str
    """Empty for a pure budget change."""
    header_row_id: uuid.UUID | None
    """None where the column is missing, or empty."""
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True)
class OnJob:
    """A change order of our job, any phase."""

    row_id: uuid.UUID | None
    record_number: str
    number: str
    job_record_number: str
    phase: str
    inserted_at: datetime | None


@dataclass(frozen=True, slots=True)
class OnSubcontract:
    """A line on our subcontract, with what its header says; `row_id` is None where it has lost it."""

    row_id: uuid.UUID | None
    record_number: str
    number: str
    job_record_number: str
    sub_change_number: str
    amount: Decimal
    inserted_at: datetime | None
    """The line's own."""


@dataclass(frozen=True, slots=True)
class SubcontractSums:
    """What a subcontract's lines add up to, in the company's currency."""

    original: Decimal
    changes: Decimal
    billed: Decimal

    @property
    def billed_beyond(self) -> Decimal | None:
        beyond = self.billed - self.original - self.changes
        return beyond if beyond > 0 else None


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _number_of(value: object) -> str:
    """A record number, or a phase; empty for none and for what is none."""
    return rows.or_none(rows.record_number, value) or ""


# --- look.sql ------------------------------------------------------------------------------------

_HEADER, _JOB, _LINE, _SUBCONTRACT, _LOWEST, _OF_JOB, _COUNTS = range(1, 8)


@dataclass(slots=True)
class LookAnswer:
    """The rows of look.sql by what they are."""

    _headers: dict[int | None, list[Row]] = field(default_factory=lambda: defaultdict(list))
    """By record number, which is the table's key; None for one that means nothing."""
    _there: dict[uuid.UUID, list[Row]] = field(default_factory=lambda: defaultdict(list))
    jobs: dict[uuid.UUID, JobSeen] = field(default_factory=dict)
    """By row id; without a record number where theirs means nothing."""
    _lines: list[Row] = field(default_factory=list)
    subcontracts: set[int] = field(default_factory=set)
    lowest_inserted_at: datetime | None = None
    """When the change order with the lowest record number was inserted; None where there is none."""
    _of_job: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Sequence[Row]) -> "LookAnswer":
        """Raises `no-count` where the counts did not come back, `sage-changing` where rows are missing."""
        made, found, counts = cls(), [0, 0, 0], list[Row]()
        with rows.refused_unless_understood():
            for row in answer:
                kind = rows.whole(row[0])
                if kind == _COUNTS:
                    counts.append(row)
                    continue
                if kind <= _LINE:
                    found[kind - 1] += 1
                made._take(kind, row)
            if len(counts) != 1:
                raise error_for(fault("no-count"))
            said = [rows.count(counts[0][at]) for at in (1, 4, 5)]
        if said != found:
            raise error_for(fault("sage-changing"))
        return made

    def _take(self, kind: int, row: Row) -> None:
        match kind:
            case 1:
                recnum, row_id = rows.or_none(rows.whole, row[1]), rows.or_none(rows.row_id, row[2])
                if row in self._headers[recnum]:  # found by its record number and by its row id
                    return
                self._headers[recnum].append(row)
                if row_id is not None:
                    self._there[row_id].append(row)
            case 2:
                row_id = rows.or_none(rows.row_id, row[2])
                if row_id is not None:
                    self.jobs[row_id] = JobSeen(_number_of(row[1]), _job_status(row[6]))
            case 3:
                self._lines.append(row)
            case 4:
                self.subcontracts.add(rows.whole(row[1]))
            case 5:
                self.lowest_inserted_at = rows.or_none(rows.moment, row[7])
            case 6:
                self._of_job[_number_of(row[4])] = rows.count(row[1])
            case _:
                raise rows.NotUnderstood("a kind of row that was not asked for")

    def is_there(self, row_id: uuid.UUID) -> bool:
        return row_id in self._there

    def job_of(self, row_id: uuid.UUID) -> JobSeen | None:
        """Our job, under whatever number. Raises `row-not-understood` for a number that means nothing."""
        job = self.jobs.get(row_id)
        if job is not None and not job.record_number:
            raise error_for(fault("row-not-understood", "actrec, recnum, not the number of a job"))
        return job

    def job_numbered(self, record_number: str) -> JobSeen | None:
        """The job that has that number now; None for "", which also stands for a number of no meaning."""
        if not record_number:
            return None
        return next((one for one in self.jobs.values() if one.record_number == record_number), None)

    def others_of_job(self, job_record_number: str) -> int:
        """How many change orders a job has that is not in progress; 0 for one that is."""
        return self._of_job.get(job_record_number, 0)

    def header_of(self, row_id: uuid.UUID) -> HeaderSeen | None:
        """Our header. Raises `row-not-understood` for a value of it that means nothing."""
        found = self._there.get(row_id, ())
        if not found:
            return None
        _, recnum, _, number, job, phase, status, *_ = found[0]
        with rows.refused_unless_understood(recnum):
            if len(found) > 1:
                raise rows.NotUnderstood("prmchg._idnum, a row id that is there more than once")
            return HeaderSeen(
                record_number=rows.at("prmchg.recnum", rows.record_number, recnum),
                number=rows.at("prmchg.chgnum", rows.number, number),
                job_record_number=rows.at("prmchg.jobnum", rows.reference, job),
                phase=rows.at("prmchg.phsnum", rows.phase, phase),
                status=rows.at("prmchg.status", rows.change_order_status, status),
            )

    def bearer_of(self, record: int, row_id: uuid.UUID) -> RecordHolder | None:
        """The other change order that has our record number.

        Raises `row-not-understood` for one without a row id: it may be ours.
        """
        found = self._headers.get(record, ())
        if not found:
            return None
        _, recnum, other, number, job, phase, _, inserted, *_ = found[0]
        with rows.refused_unless_understood(recnum):
            if len(found) > 1:
                raise rows.NotUnderstood("prmchg.recnum, a record number that is there more than once")
            its_row_id = rows.at("prmchg._idnum", rows.row_id, other)
        if its_row_id == row_id:
            return None
        return RecordHolder(
            row_id=its_row_id,
            record_number=str(record),
            number=_text(number),
            job_record_number=_number_of(job),
            phase=_number_of(phase),
            inserted_at=rows.or_none(rows.moment, inserted),
        )

    def lines_of(self, record: int, row_id: uuid.UUID) -> tuple[Line, ...]:
        """The lines with our record number or our row id, each once, in their order."""
        found: set[Line] = set()
        for _, recnum, _, _, _, _, _, inserted, subcontract, header_row_id, line in self._lines:
            header = rows.or_none(rows.row_id, header_row_id)
            if header == _NO_ROW_ID:
                header = None
            if rows.or_none(rows.whole, recnum) != record and header != row_id:
                continue
            with rows.refused_unless_understood(recnum):
                found.add(
                    Line(
                        record_number=rows.at("sbcgln.recnum", rows.whole, recnum),
                        line=rows.or_none(rows.whole, line) or 0,
                        subcontract=rows.at("sbcgln.vndctc", rows.reference, subcontract),
                        header_row_id=header,
                        inserted_at=rows.or_none(rows.moment, inserted),
                    )
                )
        return tuple(sorted(found, key=lambda one: (one.record_number, one.line, one.subcontract)))


def _job_status(value: object) -> str:
    code = rows.or_none(rows.whole, value)
    return "unknown" if code is None else rows.JOB_STATUS.get(code, str(code))


# --- carriers.sql --------------------------------------------------------------------------------


class CarriersAnswer:
    """The rows of carriers.sql by the job or subcontract that they were asked for."""

    def __init__(self, answer: Sequence[Row]) -> None:
        self._on_job: dict[str, list[OnJob]] = defaultdict(list)
        self._on_subcontract: dict[str, list[OnSubcontract]] = defaultdict(list)
        self._sums: dict[str, SubcontractSums] = {}
        with rows.refused_unless_understood():
            for kind, asked, *row in answer:
                (self._take_header, self._take_line, self._take_subcontract)[rows.whole(kind)](
                    rows.record_number(asked), row
                )

    def _take_header(self, job: str, row: list[Any]) -> None:
        recnum, row_id, number, _, phase, inserted, *_ = row
        self._on_job[job].append(
            OnJob(
                row_id=rows.or_none(rows.row_id, row_id),
                record_number=_number_of(recnum),
                number=_text(number),
                job_record_number=job,
                phase=_number_of(phase),
                inserted_at=rows.or_none(rows.moment, inserted),
            )
        )

    def _take_line(self, subcontract: str, row: list[Any]) -> None:
        recnum, row_id, number, job, _, inserted, sub_number, amount, *_ = row
        self._on_subcontract[subcontract].append(
            OnSubcontract(
                row_id=rows.or_none(rows.row_id, row_id),
                record_number=_number_of(recnum),
                number=_text(number),
                job_record_number=_number_of(job),
                sub_change_number=_text(sub_number),
                amount=rows.or_none(rows.amount, amount) or Decimal("0.00"),
                inserted_at=rows.or_none(rows.moment, inserted),
            )
        )

    def _take_subcontract(self, subcontract: str, row: list[Any]) -> None:
        before = self._sums.get(subcontract, SubcontractSums(*[Decimal("0.00")] * 3))
        original, changes, billed = (
            rows.or_none(rows.amount, value) or Decimal("0.00") for value in row[-3:]
        )
        self._sums[subcontract] = SubcontractSums(
            before.original + original, before.changes + changes, before.billed + billed
        )

    def on_job(self, job: int) -> tuple[OnJob, ...]:
        return tuple(self._on_job.get(str(job), ()))

    def on_subcontract(self, subcontract: int) -> tuple[OnSubcontract, ...]:
        return tuple(self._on_subcontract.get(str(subcontract), ()))

    def sums(self, subcontract: int) -> SubcontractSums:
        return self._sums.get(str(subcontract), SubcontractSums(*[Decimal("0.00")] * 3))

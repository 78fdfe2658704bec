"""The rows of a look become values; what is odd is the trouble of the record that it is of, and named."""

import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from erp_integrations.ports import ErpError, HeaderSeen
from sage_adapter.answers import (
    CarriersAnswer,
    JobSeen,
    Line,
    LookAnswer,
    OnJob,
    OnSubcontract,
    RecordHolder,
    SubcontractSums,
)

OURS, ANOTHER, JOB = (uuid.UUID(int=number) for number in (1, 2, 9))
MOMENT = datetime.fromisoformat("2026-11-20T14:03:07.123")
AT = "2026-11-20 14:03:07.123"

Row = tuple[Any, ...]


def key(row_id: uuid.UUID | None) -> str | None:
    return None if row_id is None else str(row_id).upper()


def header(
    record: object = 712,
    row_id: object = key(OURS),
    number: object = "CO-12 ",
    job: object = 2611,
    phase: object = None,
    status: object = 1,
    at: object = AT,
) -> Row:
    return (1, record, row_id, number, job, phase, status, at, job, row_id, status)


def job(record: object = 2611, row_id: object = key(JOB), status: object = 4) -> Row:
    return (2, record, row_id, None, None, None, status, None, None, None, None)


def line(
    record: object = 712,
    subcontract: object = 1201,
    header_row_id: object = key(OURS),
    number: object = 1,
    at: object = AT,
) -> Row:
    return (3, record, None, None, None, None, None, at, subcontract, header_row_id, number)


def subcontract(record: object = 1201) -> Row:
    return (4, record, *[None] * 9)


def lowest(at: object = AT) -> Row:
    return (5, 1, key(ANOTHER), None, None, None, None, at, None, None, None)


def of_job(count: object, number: object = 2611) -> Row:
    return (6, count, None, None, number, None, None, None, None, None, None)


def counts(headers: object, jobs: object, lines: object) -> Row:
    return (7, headers, None, None, jobs, lines, None, None, None, None, None)


def answer(*rows: Row) -> LookAnswer:
    """An answer that came back whole."""
    of_kind = [sum(row[0] == kind for row in rows) for kind in (1, 2, 3)]
    return LookAnswer.of((*rows, counts(*of_kind)))


def refused(read: Callable[[], object]) -> str:
    """What is said of a value that is not understood."""
    with pytest.raises(ErpError) as raised:
        read()
    assert raised.value.fault.code == "row-not-understood"
    return raised.value.fault.what


# --- absence is a zero that came back ---


def test_nothing_there_is_a_row_of_zeros() -> None:
    empty = answer()
    assert empty.header_of(OURS) is None
    assert empty.bearer_of(712, OURS) is None
    assert empty.lines_of(712, OURS) == ()
    assert empty.job_of(JOB) is None
    assert empty.lowest_inserted_at is None
    assert empty.others_of_job("2611") == 0
    assert not empty.is_there(OURS)
    assert empty.subcontracts == set()


@pytest.mark.parametrize("rows", [[], [header()], [counts(0, 0, 0), counts(0, 0, 0)]])
def test_an_answer_without_its_counts_is_no_answer(rows: list[Row]) -> None:
    with pytest.raises(ErpError) as raised:
        LookAnswer.of(rows)
    assert raised.value.fault.code == "no-count"


@pytest.mark.parametrize("said", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 1, 1)])
def test_rows_that_were_counted_and_did_not_come_are_doubt(said: tuple[int, int, int]) -> None:
    with pytest.raises(ErpError) as raised:
        LookAnswer.of([counts(*said)])
    assert raised.value.fault.code == "sage-changing"


@pytest.mark.parametrize("row", [(8, *[None] * 10), (None, *[None] * 10), counts(None, 0, 0)])
def test_a_row_of_no_known_kind_is_refused(row: Row) -> None:
    assert refused(lambda: LookAnswer.of([row]))


# --- our header ---


def test_our_header_is_read_under_whatever_number() -> None:
    seen = answer(header(), header(900, key(ANOTHER), "x", 2612, 3, 5))
    assert seen.header_of(OURS) == HeaderSeen("712", "CO-12", "2611", "0", "Approved")
    assert seen.header_of(ANOTHER) == HeaderSeen("900", "x", "2612", "3", "Void")
    assert seen.is_there(OURS)


@pytest.mark.parametrize("written", [key(OURS), str(OURS), f"{{{key(OURS)}}}", OURS])
def test_a_row_id_is_known_however_it_is_written(written: object) -> None:
    assert answer(header(row_id=written)).header_of(OURS) is not None


@pytest.mark.parametrize("written", [712, "712", 712.0, Decimal("712.00")])
def test_a_record_number_is_known_however_it_is_written(written: object) -> None:
    seen = answer(header(written), header(written, key(ANOTHER)), line(written))
    assert seen.header_of(OURS) is not None
    assert len(seen.lines_of(712, OURS)) == 1
    refused(lambda: seen.bearer_of(712, uuid.UUID(int=3)))  # two records under one number


def test_a_row_found_by_its_record_number_and_by_its_row_id_is_one() -> None:
    assert answer(header(), header()).header_of(OURS) is not None


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (header(status=7), "record 712, prmchg.status, a status outside the list: 7"),
        (header(status=0), "record 712, prmchg.status, a status outside the list: 0"),
        (header(status=None), "record 712, prmchg.status, not a number: NULL"),
        (header(number=None), "record 712, prmchg.chgnum, not text: NULL"),
        (header(number="9" * 24), "record 712, prmchg.chgnum, a number too long"),
        (header(job=-5), "record 712, prmchg.jobnum, a negative record number: -5"),
        (header(phase=-1), "record 712, prmchg.phsnum, a negative record number: -1"),
        (header(-712), "record -712, prmchg.recnum, a negative record number: -712"),
        (header(None), "prmchg.recnum, not a number: NULL"),
    ],
)
def test_an_odd_value_of_our_record_names_table_record_and_column(row: Row, column: str) -> None:
    seen = answer(row, header(713, key(ANOTHER)))
    assert column in refused(lambda: seen.header_of(OURS))
    assert seen.header_of(ANOTHER) is not None  # nobody else's trouble


def test_a_row_id_that_is_there_twice_is_named() -> None:
    seen = answer(header(712), header(713))
    assert "_idnum, a row id that is there more than once" in refused(lambda: seen.header_of(OURS))


# --- a record that has our record number ---


def test_a_record_that_has_our_record_number_is_told_with_when_it_came() -> None:
    seen = answer(header(row_id=key(ANOTHER), phase=2))
    assert seen.bearer_of(712, OURS) == RecordHolder(ANOTHER, "712", "CO-12", "2611", "2", MOMENT)
    assert seen.bearer_of(712, ANOTHER) is None
    assert seen.bearer_of(713, OURS) is None


def test_what_is_odd_of_a_record_that_has_our_number_is_no_proof_and_no_trouble() -> None:
    odd = header(row_id=key(ANOTHER), number=None, job=-1, phase="x", status=9, at="yesterday")
    assert answer(odd).bearer_of(712, OURS) == RecordHolder(ANOTHER, "712", "", "", "", None)


@pytest.mark.parametrize("row_id", [None, "not one"])
def test_a_record_with_our_number_and_no_row_id_may_be_ours_and_is_named(row_id: object) -> None:
    seen = answer(header(row_id=row_id), header(713, key(ANOTHER)))
    assert "record 712, prmchg._idnum, not a row id" in refused(lambda: seen.bearer_of(712, OURS))
    assert seen.bearer_of(713, OURS) is not None


# --- lines ---


def test_lines_are_those_with_our_record_number_or_our_row_id_each_once() -> None:
    by_number, by_row_id = line(header_row_id=None, number=2), line(900, None, number=1)
    seen = answer(by_number, by_row_id, by_row_id, line(901, 1202, key(ANOTHER)), line())
    assert seen.lines_of(712, OURS) == (
        Line(712, 1, "1201", OURS, MOMENT),
        Line(712, 2, "1201", None, MOMENT),
        Line(900, 1, "", OURS, MOMENT),
    )


@pytest.mark.parametrize("empty", [None, "", "00000000-0000-0000-0000-000000000000"])
def test_an_empty_row_id_of_a_header_is_none(empty: object) -> None:
    [found] = answer(line(header_row_id=empty)).lines_of(712, OURS)
    assert found.header_row_id is None


def test_an_odd_line_of_ours_names_table_record_and_column_and_troubles_nobody_else() -> None:
    seen = answer(line(subcontract=-3), line(713, header_row_id=key(ANOTHER)))
    said = refused(lambda: seen.lines_of(712, OURS))
    assert "record 712, sbcgln.vndctc, a negative record number: -3" in said
    assert len(seen.lines_of(713, ANOTHER)) == 1


def test_a_line_without_a_moment_or_a_number_is_there_all_the_same() -> None:
    [found] = answer(line(number=None, at=None)).lines_of(712, OURS)
    assert (found.line, found.inserted_at) == (0, None)


# --- jobs, and what shows that the connection sees ---


def test_a_job_is_found_by_its_row_id_under_whatever_number() -> None:
    assert answer(job(9999)).job_of(JOB) == JobSeen("9999", "Current")
    assert answer(job(row_id=key(ANOTHER))).job_of(JOB) is None


@pytest.mark.parametrize(
    ("status", "word"), [(1, "Bid"), (6, "Closed"), (2, "Refused"), (7, "7"), (None, "unknown")]
)
def test_a_status_of_the_companys_own_is_its_number(status: object, word: str) -> None:
    found = answer(job(status=status)).job_of(JOB)
    assert found is not None
    assert found.status == word


@pytest.mark.parametrize("number", [-5, None])
def test_a_job_of_ours_with_a_number_that_is_none_is_named(number: object) -> None:
    seen = answer(job(number))
    assert "actrec" in refused(lambda: seen.job_of(JOB))
    assert JOB in seen.jobs


def test_change_orders_of_a_job_and_the_lowest_of_the_company_are_kept() -> None:
    seen = answer(of_job(3), of_job(1, 2612), lowest(), subcontract(), subcontract(1202))
    assert (seen.others_of_job("2611"), seen.others_of_job("2612"), seen.others_of_job("2613")) == (3, 1, 0)
    assert seen.lowest_inserted_at == MOMENT
    assert seen.subcontracts == {1201, 1202}


@pytest.mark.parametrize("at", [None, "yesterday"])
def test_a_lowest_record_without_a_moment_shows_nothing(at: object) -> None:
    assert answer(lowest(at)).lowest_inserted_at is None


# --- what stands in its place ---


def on_job(
    record: object = 900, row_id: object = key(ANOTHER), number: object = "CO-12", **odd: object
) -> Row:
    phase, at = odd.get("phase", 1), odd.get("at", AT)
    return (0, 2611, record, row_id, number, 2611, phase, at, number, 2611, 2611, 2611)


def change(
    record: object = 900, row_id: object = key(ANOTHER), sub: object = "850-1", amount: object = "9.5"
) -> Row:
    return (1, 1201, record, row_id, "CO-9", 2611, 1, AT, sub, amount, None, None)


def contract_line(amount: object, change: object, billed: object) -> Row:
    return (2, 1201, 1201, None, None, None, None, None, None, amount, change, billed)


def test_every_change_order_of_the_job_and_every_line_on_the_subcontract_may_stand_there() -> None:
    found = CarriersAnswer([on_job(), change(), change(901, None)])
    assert found.on_job(2611) == (OnJob(ANOTHER, "900", "CO-12", "2611", "1", MOMENT),)
    assert found.on_job(2612) == ()
    assert found.on_subcontract(1201) == (
        OnSubcontract(ANOTHER, "900", "CO-9", "2611", "850-1", Decimal("9.50"), MOMENT),
        OnSubcontract(None, "901", "CO-9", "2611", "850-1", Decimal("9.50"), MOMENT),
    )


def test_what_is_odd_of_another_record_is_none_and_stops_nobody() -> None:
    found = CarriersAnswer(
        [on_job(-1, "not one", None, phase="x", at="yesterday"), change(sub=None, amount="a lot"), on_job()]
    )
    assert found.on_job(2611)[0] == OnJob(None, "", "", "2611", "", None)
    assert len(found.on_job(2611)) == 2
    [of_line] = found.on_subcontract(1201)
    assert (of_line.sub_change_number, of_line.amount) == ("", Decimal("0.00"))


def test_totals_of_a_subcontract_are_summed_over_its_lines() -> None:
    found = CarriersAnswer([contract_line(100, "10.10", 20.5), contract_line("50", None, 0)])
    assert found.sums(1201) == SubcontractSums(Decimal("150.00"), Decimal("10.10"), Decimal("20.50"))
    assert found.sums(1202).billed_beyond is None

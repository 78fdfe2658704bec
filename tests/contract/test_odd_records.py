"""A row that cannot be read is named by every engine, and takes nothing else with it."""

import pytest

from erp_integrations.ports import Deadline, KeyBlock, KeyStream, OddRecord
from tests.contract.engines import PATIENCE_SECONDS, Books
from tests.odd import damage


@pytest.fixture
def damaged(books: Books) -> Books:
    """A company with an odd record of every kind that all engines can hold: in SQL Server keys are keys."""
    if books.engine not in ("sandbox", "sqlite-odbc", "psqlodbc"):
        pytest.skip("its tables hold what Sage's own columns hold")
    return books


def streamed(books: Books) -> tuple[KeyStream, list[KeyBlock]]:
    with books.reader().stream_keys(deadline=Deadline.after(PATIENCE_SECONDS)) as keys:
        return keys, list(keys.blocks)


def named(odd: tuple[OddRecord, ...]) -> set[tuple[str, str, str]]:
    return {(one.table, one.record_number, one.column) for one in odd}


def test_a_stream_names_odd_rows_and_delivers_all_others(damaged: Books) -> None:
    keys_before, [before] = streamed(damaged)
    last_job = max(keys_before.jobs, key=int)
    numbers = [one.record_number for one in before.change_orders]
    zero, seven, nine, unnumbered, negative, no_id, of_job, of_phase, no_number = numbers[:9]
    line_amount, line_number, line_subcontract = numbers[9:12]
    damage(
        damaged.folder,
        f"UPDATE prmchg SET status = 0 WHERE recnum = {zero}",
        f"UPDATE prmchg SET status = 7 WHERE recnum = {seven}",
        f"UPDATE prmchg SET status = 9 WHERE recnum = {nine}",
        f"UPDATE prmchg SET recnum = NULL WHERE recnum = {unnumbered}",
        f"UPDATE prmchg SET recnum = -recnum WHERE recnum = {negative}",
        f"UPDATE prmchg SET _idnum = NULL WHERE recnum = {no_id}",
        f"UPDATE prmchg SET jobnum = -5 WHERE recnum = {of_job}",
        f"UPDATE prmchg SET phsnum = -1 WHERE recnum = {of_phase}",
        f"UPDATE prmchg SET chgnum = NULL WHERE recnum = {no_number}",
        f"UPDATE sbcgln SET bdgprc = NULL WHERE recnum = {line_amount}",
        f"UPDATE sbcgln SET chgnum = NULL WHERE recnum = {line_number}",
        f"UPDATE sbcgln SET vndctc = -1 WHERE recnum = {line_subcontract} AND vndctc IS NOT NULL",
        f"UPDATE actrec SET _idnum = NULL WHERE recnum = {last_job}",
    )
    damaged.publish()

    keys, [after] = streamed(damaged)

    assert named(after.odd_change_orders) == {
        *(("prmchg", number, "status") for number in (zero, seven, nine)),
        ("prmchg", "", "recnum"),
        ("prmchg", no_id, "_idnum"),
        ("prmchg", of_job, "jobnum"),
        ("prmchg", of_phase, "phsnum"),
        ("prmchg", no_number, "chgnum"),
    }
    assert len(after.odd_change_orders) == 9
    assert named(after.odd_lines) == {
        ("sbcgln", line_amount, "bdgprc"),
        ("sbcgln", line_number, "chgnum"),
        ("sbcgln", line_subcontract, "vndctc"),
    }
    assert named(keys.odd_jobs) == {("actrec", last_job, "_idnum")}
    assert list(after.change_orders) == [
        one for one in before.change_orders if one.record_number not in numbers[:9]
    ]
    untouched = [one for one in before.lines if one.record_number not in numbers[9:12]]
    assert [one for one in after.lines if one.record_number not in numbers[9:12]] == untouched
    assert keys.jobs == {number: key for number, key in keys_before.jobs.items() if number != last_job}


def test_the_row_id_of_a_record_without_a_number_is_told(damaged: Books) -> None:
    _keys, [before] = streamed(damaged)
    first = before.change_orders[0]
    damage(damaged.folder, f"UPDATE prmchg SET recnum = NULL WHERE recnum = {first.record_number}")
    damaged.publish()

    _keys, [after] = streamed(damaged)

    [odd] = after.odd_change_orders
    assert (odd.record_number, odd.row_key, odd.shown) == ("", first.row_key, "NULL")


@pytest.mark.parametrize("change", ["status = 9", "_idnum = NULL", "chgnum = NULL", "recnum = NULL"])
def test_change_orders_are_found_beside_an_odd_one(damaged: Books, change: str) -> None:
    reference = damaged.references()["present"]
    asked = {
        "job_record_number": reference.job_record_number,
        "subcontract_record_number": reference.subcontract_record_number,
    }
    deadline = Deadline.after(PATIENCE_SECONDS)
    before = damaged.reader().find_change_orders(deadline=deadline, **asked)
    damage(damaged.folder, f"UPDATE prmchg SET {change} WHERE recnum = {reference.record_number}")
    damaged.publish()

    after = damaged.reader().find_change_orders(deadline=deadline, **asked)

    assert before.odd == ()
    assert after.found == tuple(one for one in before.found if one.record_number != reference.record_number)
    [odd] = after.odd
    assert (odd.odd.table, odd.odd.column) == ("prmchg", change.split(" ", maxsplit=1)[0])
    assert odd.number == (None if change.startswith("chgnum") else reference.number)

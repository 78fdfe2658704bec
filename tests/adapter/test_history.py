"""Sage's history: only the newest entry of our very record, and only a deletion, tells one."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from erp_integrations.ports import ErpError, ErpHistoryEntry, HistoryMark
from sage_adapter import history
from sage_adapter.history import Entry, History, Reach
from sage_adapter.session import Rows

ROW, JOB = uuid.UUID(int=1), uuid.UUID(int=9)
OURS, ANOTHER = str(ROW).upper(), str(uuid.UUID(int=2)).upper()
MONDAY, TUESDAY = "2026-11-16 09:00:00.000", "2026-11-17 09:00:00.000"
ON_MONDAY, ON_TUESDAY = (datetime.fromisoformat(day) for day in (MONDAY, TUESDAY))


def entry(
    action: object,
    at: object = TUESDAY,
    row_id: object = OURS,
    user: object = "ACCT2",
    record: object = 712,
) -> tuple[Any, ...]:
    return (0, record, row_id, at, action, user, "Sage 100 Contractor")


def job_saved(at: object, row_id: object = str(JOB).upper()) -> tuple[Any, ...]:
    return (1, 2611, row_id, at, None, None, None)


def read(*rows: tuple[Any, ...]) -> History:
    told = History()
    told.add(Rows((), rows), [712])
    return told


def deletion(*rows: tuple[Any, ...]) -> Entry | None:
    return read(*rows).deletion_of(ROW)


@pytest.mark.parametrize("word", ["delete", "DELETE", "Delete ", "D", "d"])
def test_a_deletion_is_told_with_who_and_when(word: str) -> None:
    found = deletion(entry("insert", MONDAY), entry(word))
    assert found == Entry("delete", ON_TUESDAY, "ACCT2", "Sage 100 Contractor")
    shown = found.as_evidence(lambda moment: (moment + timedelta(hours=5)).replace(tzinfo=UTC))
    assert shown == ErpHistoryEntry(
        "delete", datetime(2026, 11, 17, 14, tzinfo=UTC), "ACCT2", "Sage 100 Contractor"
    )


@pytest.mark.parametrize("word", ["insert", "update", "I", "U"])
def test_what_came_after_the_deletion_undoes_it(word: str) -> None:
    assert deletion(entry("delete", MONDAY), entry(word)) is None
    assert deletion(entry(word), entry("delete", MONDAY)) is None


def test_at_the_same_moment_there_is_no_telling_which_was_last() -> None:
    assert deletion(entry("delete"), entry("insert")) is None
    assert deletion(entry("delete"), entry("delete")) is not None


def test_no_history_is_no_proof() -> None:
    assert deletion() is None


@pytest.mark.parametrize("row_id", [ANOTHER, None])
def test_another_record_under_the_same_number_says_nothing(row_id: object) -> None:
    assert deletion(entry("delete", row_id=row_id)) is None
    assert deletion(entry("delete", MONDAY), entry("insert", row_id=row_id)) is not None


@pytest.mark.parametrize("row_id", [OURS.lower(), f"{{{OURS}}}", uuid.UUID(int=1)])
def test_our_row_id_is_known_however_it_is_written(row_id: object) -> None:
    assert deletion(entry("delete", row_id=row_id)) is not None


@pytest.mark.parametrize("row", [entry("purge"), entry(None), entry("delete", "yesterday"), entry(7)])
def test_an_entry_of_ours_that_is_not_understood_costs_the_proof(row: tuple[Any, ...]) -> None:
    assert deletion(entry("delete"), row) is None


def test_an_entry_of_another_record_that_is_not_understood_costs_ours_nothing() -> None:
    assert deletion(entry("delete"), entry("purge", row_id=ANOTHER)) is not None


def test_an_entry_that_may_be_anybodys_is_refused_and_nothing_counts_as_read() -> None:
    told = History()
    with pytest.raises(ErpError) as raised:
        told.add(Rows((), (entry("delete", row_id="not one"),)), [712])
    assert raised.value.fault.code == "row-not-understood"
    assert "dbo_Audit.prmchg" in raised.value.fault.what
    assert told.read_records == set()


def test_what_was_read_is_known_even_where_nothing_was_found() -> None:
    assert read().read_records == {712}


def test_no_user_is_no_name() -> None:
    found = deletion(entry("delete", user=None))
    assert found is not None
    assert found.user == ""


def test_the_first_insert_is_when_a_record_was_entered() -> None:
    told = read(entry("insert", TUESDAY), entry("insert", MONDAY), entry("update", "2026-11-15"))
    assert told.inserted_at(ROW) == ON_MONDAY
    assert read(entry("update", MONDAY)).inserted_at(ROW) is None
    assert read().inserted_at(ROW) is None


def test_a_job_was_saved_last_when_its_history_says() -> None:
    assert read(job_saved(MONDAY)).job_saved_at(JOB) == ON_MONDAY
    assert read(job_saved(MONDAY, row_id=ANOTHER)).job_saved_at(JOB) is None


@pytest.mark.parametrize("row", [job_saved(None), job_saved("yesterday"), job_saved(MONDAY, row_id=None)])
def test_a_job_whose_history_is_not_understood_shows_no_life_and_costs_nobody_else(
    row: tuple[Any, ...],
) -> None:
    told = read(row, entry("delete"))
    assert told.job_saved_at(JOB) is None
    assert told.deletion_of(ROW) is not None


def test_every_deletion_that_was_read_is_known_by_its_record() -> None:
    told = read(entry("delete", MONDAY), entry("insert"), entry("delete", row_id=ANOTHER), entry(None))
    assert told.deletions() == [(ROW, ON_MONDAY), (uuid.UUID(int=2), ON_TUESDAY)]


def test_columns_are_found_by_name_without_case() -> None:
    columns = ("recnum", "chgnum", "_idnum", "_date", "_ACTION", "_User", "_Application")
    assert history.has_columns(columns)
    for missing in ("recnum", "_idnum", "_date", "_ACTION", "_User", "_Application"):
        assert not history.has_columns([one for one in columns if one != missing])


# --- how far it reaches, and its newest entry ---


@pytest.mark.parametrize(
    ("row", "reach"),
    [
        ((MONDAY, 1), Reach(ON_MONDAY, holds_deletions=True)),
        ((MONDAY, 0), Reach(ON_MONDAY, holds_deletions=False)),
        ((None, 0), Reach(None, holds_deletions=False)),
    ],
)
def test_history_says_how_far_it_reaches_and_whether_it_holds_deletions(
    row: tuple[Any, ...], reach: Reach
) -> None:
    assert history.reach_of(Rows((), (row,))) == reach


@pytest.mark.parametrize("rows", [(), ((MONDAY, 1), (MONDAY, 1))])
def test_how_far_history_reaches_is_one_row(rows: tuple[tuple[Any, ...], ...]) -> None:
    with pytest.raises(ErpError) as raised:
        history.reach_of(Rows((), rows))
    assert raised.value.fault.code == "no-count"


def test_the_newest_entry_is_the_mark_and_the_highest_record_among_those_of_its_moment() -> None:
    assert history.newest_of(Rows((), ((9, TUESDAY), (12, TUESDAY), (700, MONDAY)))) == HistoryMark(
        "12", ON_TUESDAY
    )
    assert history.newest_of(Rows((), ())) is None


def test_history_holds_a_mark_only_with_its_record_and_its_moment() -> None:
    told = read(entry("update", MONDAY), entry("delete", row_id=ANOTHER, record=713))
    assert told.holds(HistoryMark("712", ON_MONDAY))
    assert told.holds(HistoryMark("713", ON_TUESDAY))
    assert not told.holds(HistoryMark("712", ON_TUESDAY))
    assert not told.holds(HistoryMark("713", ON_MONDAY))

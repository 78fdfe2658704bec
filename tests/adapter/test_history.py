"""Sage's history: only the newest entry of our very record, and only a deletion, is proof."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from erp_integrations.ports import HistoryEntry
from sage_adapter import history
from sage_adapter.session import Answer

OURS, ANOTHER = str(uuid.UUID(int=1)).upper(), str(uuid.UUID(int=2)).upper()
COLUMNS = ("oldest", "recnum", "chgnum", "_idnum", "_date", "_ACTION", "_User", "_Application")
MONDAY, TUESDAY = "2026-11-16 09:00:00.000", "2026-11-17 09:00:00.000"


def entry(
    action: object, at: object = TUESDAY, row_id: object = OURS, user: object = "ACCT2"
) -> tuple[Any, ...]:
    return (MONDAY, 712, "CO-12", row_id, at, action, user, "Sage 100 Contractor")


def deletion(*rows: tuple[Any, ...], columns: tuple[str, ...] = COLUMNS) -> HistoryEntry | None:
    told = history.read(Answer(columns, rows), lambda moment: moment.replace(tzinfo=UTC))
    return told.deletion_of(uuid.UUID(int=1))


@pytest.mark.parametrize("word", ["delete", "DELETE", "Delete ", "D", "d"])
def test_a_deletion_is_proof_and_says_who_and_when(word: str) -> None:
    found = deletion(entry("insert", MONDAY), entry(word))
    assert found == HistoryEntry(
        "delete", datetime(2026, 11, 17, 9, tzinfo=UTC), "ACCT2", "Sage 100 Contractor"
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
    assert deletion((None, None, None, None, None, None, None, None)) is None


def test_how_far_back_it_reaches_is_told_in_every_row() -> None:
    only_that = (MONDAY, None, None, None, None, None, None, None)
    told = history.read(Answer(COLUMNS, (only_that,)), lambda moment: moment.replace(tzinfo=UTC))
    assert told.since == datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.mark.parametrize("row_id", [ANOTHER, None])
def test_another_record_under_the_same_number_says_nothing(row_id: object) -> None:
    assert deletion(entry("delete", row_id=row_id)) is None
    assert deletion(entry("delete", MONDAY), entry("insert", row_id=row_id)) is not None


@pytest.mark.parametrize("row_id", [OURS.lower(), f"{{{OURS}}}", uuid.UUID(int=1)])
def test_our_row_id_is_known_however_it_is_written(row_id: object) -> None:
    assert deletion(entry("delete", row_id=row_id)) is not None


@pytest.mark.parametrize(
    "row", [entry("purge"), entry(None), entry("delete", "yesterday"), entry("delete", row_id="not one")]
)
def test_an_entry_that_is_not_understood_costs_the_proof(row: tuple[Any, ...]) -> None:
    assert deletion(entry("delete"), row) is None


def test_a_missing_column_costs_the_proof() -> None:
    assert (
        deletion(
            entry("delete"), columns=("oldest", "recnum", "chgnum", "_idnum", "_date", "what", "who", "with")
        )
        is None
    )


def test_no_user_is_no_name() -> None:
    found = deletion(entry("delete", user=None))
    assert found is not None
    assert found.user == ""


def test_columns_are_found_by_name_without_case() -> None:
    assert history.has_columns(COLUMNS)
    assert not history.has_columns(COLUMNS[2:])

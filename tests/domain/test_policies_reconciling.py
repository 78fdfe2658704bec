"""When a comparison with the ERP begins by itself, and whether its result is believed."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from erp_integrations.models import Connection
from erp_integrations.policies import find_implausible, in_maintenance, is_due, reconciles_every

NOON = datetime.fromisoformat("2026-11-25T12:00:00+00:00")


@pytest.mark.parametrize(
    ("columns", "minutes_ago", "practice", "due"),
    [
        ({}, None, False, True),
        ({}, 4.8, False, False),
        ({}, 4 + 50 / 60, False, True),
        ({}, 4.9, False, True),
        ({}, 9 / 60, True, False),
        ({}, 11 / 60, True, True),
        ({"reconcile_every_minutes": 1}, 49 / 60, True, False),
        ({"reconcile_every_minutes": 30}, 29.8, True, False),
        ({"reconcile_every_minutes": 30}, 29.9, True, True),
        ({"reconcile_every_minutes": 0}, None, True, False),
        ({"accepted_incarnation": ""}, None, False, False),
        ({"failures_in_a_row": 3, "last_failure_at": NOON - timedelta(minutes=3)}, 60, False, False),
        ({"failures_in_a_row": 3, "last_failure_at": NOON - timedelta(minutes=4)}, 60, False, True),
        ({"failures_in_a_row": 3, "last_failure_at": NOON - timedelta(minutes=5)}, 60, False, True),
        ({"rests_from": time(11), "rests_to": time(12, 1)}, None, False, False),
        ({"rests_from": time(11), "rests_to": time(12)}, None, False, True),
        ({"rests_from": time(12), "rests_to": time(2)}, None, False, False),
        ({"rests_from": time(22), "rests_to": time(12, 30)}, None, False, False),
        ({"rests_from": time(22), "rests_to": time(4)}, None, False, True),
    ],
)
def test_when_a_run_is_due(
    columns: dict[str, Any], minutes_ago: float | None, *, practice: bool, due: bool
) -> None:
    connection = Connection(**{"accepted_incarnation": "x", **columns})
    began = None if minutes_ago is None else NOON - timedelta(minutes=minutes_ago)

    assert is_due(connection, began, NOON, practice=practice) == due


@pytest.mark.parametrize(
    ("minutes", "practice", "every"),
    [
        (None, False, timedelta(minutes=5)),
        (None, True, timedelta(seconds=20)),
        (7, False, timedelta(minutes=7)),
        (7, True, timedelta(minutes=7)),
        (0, True, None),
    ],
)
def test_how_often_it_begins(minutes: int | None, every: timedelta | None, *, practice: bool) -> None:
    assert reconciles_every(Connection(reconcile_every_minutes=minutes), practice=practice) == every


@pytest.mark.parametrize(
    ("begins", "ends", "inside", "outside"),
    [
        (time(11), time(12), (time(11), time(11, 59)), (time(10, 59), time(12))),
        (time(22), time(4), (time(22), time(23, 59), time(0), time(3, 59)), (time(4), time(21, 59))),
        (time(5), time(5), (time(5), time(0), time(4, 59), time(23)), ()),
        (None, time(12), (), (time(0), time(11))),
        (time(11), None, (), (time(11), time(23))),
    ],
)
def test_a_window_of_maintenance(
    begins: time | None, ends: time | None, inside: tuple[time, ...], outside: tuple[time, ...]
) -> None:
    connection = Connection(rests_from=begins, rests_to=ends)

    assert [in_maintenance(connection, at) for at in inside] == [True] * len(inside)
    assert [in_maintenance(connection, at) for at in outside] == [False] * len(outside)


PLAUSIBLE = {"links": 1000, "missing": 0, "change_orders": 900, "change_orders_before": 9000}


@pytest.mark.parametrize(
    ("facts", "believed"),
    [
        ({}, True),
        ({"missing": 100}, True),
        ({"missing": 101}, False),
        ({"missing": 101, "most_missing_percent": 11}, True),
        ({"links": 20, "missing": 20}, True),
        ({"links": 21, "missing": 21}, False),
        ({"change_orders": 899}, False),
        ({"change_orders": 899, "most_missing_percent": 100}, True),
        ({"change_orders": 0, "change_orders_before": 0}, False),
        ({"change_orders": 0, "change_orders_before": 0, "links": 0}, True),
        ({"missing": 1000, "most_missing_percent": 100}, True),
        ({"missing": 1000, "most_missing_percent": 99}, False),
    ],
)
def test_what_is_believed(facts: dict[str, int], *, believed: bool) -> None:
    words = find_implausible(**{"most_missing_percent": 10, **PLAUSIBLE, **facts})

    assert (words == "") == believed


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"change_orders": 0, "change_orders_before": 0},
            "The company database holds no change orders at all.",
        ),
        (
            {"change_orders": 899},
            "The company database holds 899 change orders; at the last complete run it held 9,000.",
        ),
        (
            {"links": 10_000, "missing": 1_001},
            "The records of 1,001 of 10,000 linked CCOs are missing at once, which is more than 10 %.",
        ),
    ],
)
def test_why_it_is_not_believed(facts: dict[str, int], words: str) -> None:
    assert find_implausible(**{"most_missing_percent": 10, **PLAUSIBLE, **facts}) == words

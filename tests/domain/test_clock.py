"""One clock for everybody: the database's."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from companies import clock
from companies.clock import clock_from, database_now


@pytest.mark.django_db
def test_the_databases_time_is_aware_and_about_now() -> None:
    now = database_now()
    assert now.utcoffset() is not None
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.django_db
def test_time_goes_on_inside_a_transaction() -> None:
    with transaction.atomic():
        readings = [database_now() for _ in range(3)]
    assert readings == sorted(set(readings))


def test_a_clock_begins_with_the_time_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = [100.0]

    class Counter:
        @staticmethod
        def monotonic() -> float:
            return counter[0]

    monkeypatch.setattr(clock, "time", Counter)
    began = datetime(2026, 11, 20, 12, tzinfo=UTC)
    reading = clock_from(began)
    assert reading() == began
    counter[0] += 2.5
    assert reading() == began + timedelta(seconds=2.5)


def test_a_clock_is_not_turned_back_with_the_systems_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = clock_from(datetime(2026, 11, 20, 12, tzinfo=UTC))
    first = reading()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert reading() >= first

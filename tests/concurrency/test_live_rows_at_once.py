"""An open page learns of every event, in whatever order they become visible."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections, transaction

from companies.clock import database_now
from erp_integrations.change_orders import live_updates
from erp_integrations.ledger.events import append_event
from erp_integrations.models import EventKind
from tests.world import LINKER, World


def tell(world: World, kind: EventKind) -> None:
    with transaction.atomic():
        append_event(
            kind=kind,
            company=world.company,
            subject_kind="connection",
            subject_id=world.connection.pk,
            subject_label="Connection",
            actor=LINKER,
            now=database_now(),
        )


@contextmanager
def told_and_not_committed(world: World) -> Iterator[threading.Event]:
    """Another database connection has written an event, and commits it once the event is set."""
    written, commits = threading.Event(), threading.Event()

    def slowly() -> None:
        try:
            with transaction.atomic():
                tell(world, EventKind.RECONCILE_SET)
                written.set()
                commits.wait(60)
        finally:
            connections.close_all()

    slow = threading.Thread(target=slowly)
    slow.start()
    assert written.wait(60)
    try:
        yield commits
    finally:
        commits.set()
        slow.join(60)


@pytest.fixture
def state(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    monkeypatch.setattr(live_updates, "AGE_STEP", timedelta(days=36_500))
    return lambda: live_updates.page_etag(
        committed_world.company, committed_world.fresh_connection(), database_now()
    )


def test_an_event_that_is_committed_late_is_news(committed_world: World, state: Callable[[], str]) -> None:
    with told_and_not_committed(committed_world) as commits:
        before = state()
        tell(committed_world, EventKind.CHECKED)  # written later, and visible at once
        told = state()
        assert told != before
        assert state() == told
        commits.set()
    assert state() not in (before, told)

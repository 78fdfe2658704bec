"""The watched reader and the database's clock, for tests of what happens meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from companies.access import Access, find_access
from companies.clock import database_now
from erp_integrations.links import settle_attempts
from tests.domain.readers import moments

__all__ = ["moments"]


@dataclass
class DatabaseClock:
    """The database's clock, which a test may move as an administrator of the server could."""

    real: Callable[[], datetime]
    moved: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.real() + self.moved

    def moves(self, **how_far: float) -> None:
        self.moved += timedelta(**how_far)


@pytest.fixture
def database_clock(monkeypatch: pytest.MonkeyPatch) -> DatabaseClock:
    clock = DatabaseClock(database_now)

    def find_access_at_that_time(*, user_id: int, company_id: int) -> Access | None:
        access = find_access(user_id=user_id, company_id=company_id)
        return access and replace(access, read_at=clock.now())

    monkeypatch.setattr(settle_attempts, "database_now", clock.now)
    monkeypatch.setattr(settle_attempts, "find_access", find_access_at_that_time)
    return clock

"""The real reader of Sage, with moments before, between and after its looks where a test may do something.

The questions and answers are Sage's own; a test only chooses what happens in the world meanwhile. What it
does runs in the thread that asks, over a database connection of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from django.db import connections
from pytest_django import Settings

from erp_integrations.erp import registry
from erp_integrations.ports import (
    NO_CONTROLS,
    ChangeOrderReference,
    Clock,
    ConnectionSpec,
    Controls,
    Deadline,
    ErpReader,
    Finding,
    Handshake,
)
from sage_adapter import drivers
from sage_adapter.reader import SageReader

Act = Callable[[], object]


def _nothing() -> None:
    pass


def _as_found(finding: Finding) -> Finding:
    return finding


@dataclass
class Moments:
    """What happens while Sage is asked, and what was asked. Each act is done once, by the first."""

    before_looks: Act = _nothing
    after_first_connection: Act = _nothing
    """What is switched on or off now, the second look's connection feels first."""
    between_looks: Act = _nothing
    after_looks: Act = _nothing
    after_handshake: Act = _nothing
    told: Callable[[Finding], Finding] = _as_found
    """Changes the finding on its way home."""
    everybody_meets: Act = _nothing
    """Done after the looks by everybody who asked: a barrier's `wait`."""
    asked: list[ChangeOrderReference] = field(default_factory=list)

    def once(self, moment: str) -> None:
        act: Act = getattr(self, moment)
        setattr(self, moment, _nothing)
        act()


_moments = Moments()


@dataclass(frozen=True)
class WatchedReader(SageReader):
    """The reader of the connection, watched while it shakes hands and while it looks."""

    moments: Moments

    def handshake(self, *, deadline: Deadline) -> Handshake:
        try:
            said = super().handshake(deadline=deadline)
            self.moments.once("after_handshake")
            return said
        finally:
            connections.close_all()

    def lookup_many(
        self,
        references: Sequence[ChangeOrderReference],
        *,
        deadline: Deadline,
        clock: Clock,
        controls: Controls = NO_CONTROLS,
    ) -> tuple[Finding, ...]:
        readings = 0

        def watched_clock() -> datetime:
            nonlocal readings
            readings += 1
            self.moments.once("after_first_connection" if readings == 1 else "between_looks")
            return clock()

        self.moments.asked.extend(references)
        try:
            self.moments.once("before_looks")
            findings = super().lookup_many(
                references, deadline=deadline, clock=watched_clock, controls=controls
            )
            self.moments.once("after_looks")
            self.moments.everybody_meets()
            return tuple(map(self.moments.told, findings))
        finally:
            connections.close_all()


def open_reader(spec: ConnectionSpec) -> ErpReader:
    return WatchedReader(spec, _moments)


WATCHED_ODBC = replace(drivers.ODBC, open_reader=open_reader)
WATCHED_SANDBOX = replace(drivers.SANDBOX, open_reader=open_reader)


@pytest.fixture
def moments(settings: Settings) -> Iterator[Moments]:
    """Puts the watched reader in the place of the real one, and says what happens meanwhile."""
    global _moments  # noqa: PLW0603  (the registry knows drivers by a dotted path only)
    settings.ERP_KINDS = {
        registry.ODBC: f"{__name__}.WATCHED_ODBC",
        registry.SANDBOX: f"{__name__}.WATCHED_SANDBOX",
    }
    _moments = Moments()
    yield _moments
    _moments = Moments()

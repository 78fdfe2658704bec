"""Row locks as they are taken: what is locked when, and two transactions that meet in the middle."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

_LOCKING_READ = re.compile(r' FROM "(?P<table>\w+)".* FOR (?:NO KEY )?UPDATE(?P<of>.*)$', re.DOTALL)
_OF = re.compile(r'"(?P<table>\w+)"')
_UPDATE = re.compile(r'^\s*UPDATE "?(?P<table>\w+)"?')


def locked_by(sql: str) -> tuple[str, ...]:
    """The tables whose rows the statement locks, in its order."""
    if found := _UPDATE.match(sql):
        return (found["table"],)
    if found := _LOCKING_READ.search(sql):
        return tuple(one["table"] for one in _OF.finditer(found["of"])) or (found["table"],)
    return ()


@contextmanager
def watched(see: Callable[[str], None]) -> Iterator[None]:
    """Calls `see` with each table whose rows this thread's database connection has just locked."""

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        answer = execute(sql, params, many, context)
        for table in locked_by(sql):
            see(table)
        return answer

    with connection.execute_wrapper(wrapper):
        yield


class Meeting:
    """Each side waits, once it holds a row of its table, until the other holds one of its own.

    Or for a moment: where one side waits for the other's lock, they cannot meet.
    """

    def __init__(self, *, seconds: float = 1.5) -> None:
        self._met = threading.Barrier(2, timeout=seconds)

    def after(self, table: str, act: Callable[[], object]) -> Callable[[], object]:
        def meets() -> object:
            waited = False

            def see(locked: str) -> None:
                nonlocal waited
                if locked == table and not waited:
                    waited = True
                    with suppress(threading.BrokenBarrierError):
                        self._met.wait()

            with watched(see):
                return act()

        return meets


class Transactions:
    """The tables that each transaction of this thread locked rows of, each named when it was first."""

    def __init__(self) -> None:
        self.finished: list[tuple[str, ...]] = []
        self._now: list[str] = []

    @contextmanager
    def recorded(self) -> Iterator[None]:
        database: BaseDatabaseWrapper = connection
        ends = {name: getattr(database, name) for name in ("commit", "rollback")}
        try:
            for name, end in ends.items():
                setattr(database, name, self._ending(end))
            with watched(self._see):
                yield
        finally:
            for name in ends:
                delattr(database, name)

    def _see(self, table: str) -> None:
        if connection.in_atomic_block and table not in self._now:
            self._now.append(table)

    def _ending(self, end: Callable[[], None]) -> Callable[[], None]:
        def ends() -> None:
            end()
            if self._now:
                self.finished.append(tuple(self._now))
            self._now = []

        return ends

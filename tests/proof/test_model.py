"""The model of the protocol in docs/model: SPIN visits every state, and the code it stands for is there."""

import ast
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "docs" / "model" / "unlink.pml"
README = MODEL.parent / "README.md"

SEARCHES = {
    "clicks": ("RUNS=0",),
    "sightings": ("CLICKS=1", "LAST=5"),
    "checks": ("CLICKS=1", "CHECKS=1", "LINKS=1", "CHANGES=0", "LAST=4"),
    "together": ("LINKS=1", "CHANGES=0", "LAST=5"),
    "moved anyway": ("CLICKS=1", "RUNS=0", "MOVES_ANYWAY"),
    "old evidence": ("CLICKS=1", "RUNS=0", "LEASE=5"),
}
"""The searches that find no error, by what is much of in them; README.md says what each is about."""

FAULTS = {
    "NO_LEASE_CHECK": ("clicks", "now<(attempt[me].started+"),
    "ONE_LOOK": ("clicks", "first_gone&&second_gone"),
    "NO_REVISION_CHECK": ("clicks", "revision==attempt[me].revision"),
    "NO_HANDSHAKE": ("clicks", "first_database==accepted"),
    "NO_LINK_CHECK": ("moved anyway", "link[l].holds"),
    "NO_SIGHTING_CHECK": ("sightings", "link[l].sighted<first"),
    "NO_RUN_CHECK": ("sightings", "link[l].sighted<first"),
    "GONE_AT_ANY_TIME": ("checks", "link[l].sighted<first"),
    "NO_SIGHT_NOTED": ("sightings", "link[l].sighted<first"),
    "OLD_EVIDENCE": ("old evidence", "now-second"),
    "STORES_OF_FORMER": ("clicks", "revision==attempt[me].revision"),
    "STORES_OLDER": ("sightings", "link[l].told"),
    "STORES_OF_ENDED": ("moved anyway", "link[l].holds"),
    "MOVES_ANYWAY": ("clicks", "link[attempt[i].link].holds"),
    "TAKEN_OVER": ("clicks", "attempt[me].state==1"),
    "NEVER_FREED": ("clicks", "got"),
}
"""What is taken out of the model on purpose -> the search that must notice, and the assertion that fails."""

NOT_KEPT = {
    "NEVER_CUTS": ("clicks", "l==0"),
    "NEVER_CUTS_WHAT_WAS_GONE": ("sightings", "reconciled_until<first"),
    "NEVER_CUTS_WHAT_WAS_MISSED": ("sightings", "reconciled_until<first"),
    "STORED_IS_NEWER_THAN_KEYS": ("sightings", "link[l].told"),
}
"""What the code does not promise, see "What the model found" in README.md: each has a counterexample."""

STEP = re.compile(r"\b[A-Z]\d\b")
ROW = re.compile(r"^\| (?P<step>[A-Z]\d) \| .* \| (?P<named>[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(?P<file>[\w/]+\.(?:py|sql))::(?P<name>\w+)`")


@dataclass(frozen=True)
class Search:
    """What the verifier said."""

    errors: int
    states: int
    transitions: int
    depth: int
    complete: bool
    failed: str
    """The assertion that failed, as the verifier writes it."""
    seconds: float
    trail: bool

    def __str__(self) -> str:
        return (
            f"{self.states:,} states, {self.transitions:,} transitions, depth {self.depth:,}, "
            f"{self.seconds:.1f} s, errors: {self.errors}"
        )


def search(folder: Path, *defines: str) -> Search:
    """Visits every state of the model, with nothing approximated; ends at the first error.

    States are not compressed and the verifier is not optimised: either would take longer than it saves.
    """
    for program in ("spin", "gcc"):
        if not shutil.which(program):
            pytest.fail(f"{program} is missing: apt-get install {program}")
    began = time.monotonic()
    shutil.copy(MODEL, folder)
    _run(folder, "spin", *[f"-D{one}" for one in defines], "-a", MODEL.name)
    _run(folder, "gcc", "-O0", "-w", "-DSAFETY", "-DMEMLIM=1024", "-o", "pan", "pan.c")
    # A process that stands still is a paused or killed one, and no error: -E.
    told = _run(folder, "./pan", "-E", "-m10000", "-w22")
    seconds = time.monotonic() - began
    failed = re.search(r"assertion violated (.*) \(at depth", told)
    return Search(
        errors=_figure(r"errors: (\d+)", told),
        states=_figure(r"(\d+) states, stored", told),
        transitions=_figure(r"(\d+) transitions", told),
        depth=_figure(r"depth reached (\d+)", told),
        complete="Full statespace search" in told and not re.search("not completed|max search depth", told),
        failed=failed[1] if failed else "",
        seconds=seconds,
        trail=(folder / f"{MODEL.name}.trail").exists(),
    )


def _run(folder: Path, *command: str) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _figure(pattern: str, told: str) -> int:
    found = re.search(pattern, told)
    assert found, told
    return int(found[1])


def show(capsys: pytest.CaptureFixture[str], name: str, found: Search) -> None:
    with capsys.disabled():
        print(f"\nmodel, {name}: {found}")  # noqa: T201  (the figures are what a reader of the run wants)


@pytest.mark.parametrize("name", SEARCHES)
def test_no_state_of_the_model_breaks_a_property(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = search(tmp_path, *SEARCHES[name])

    show(capsys, name, found)
    assert found.complete
    assert (found.errors, found.failed, found.trail) == (0, "", False)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_put_into_the_model_is_found(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, assertion = FAULTS[fault]

    found = search(tmp_path, *SEARCHES[name], f"FAULT_{fault}")

    show(capsys, f"with the fault {fault}", found)
    assert found.errors == 1
    assert assertion in found.failed
    assert found.trail


@pytest.mark.parametrize("claim", NOT_KEPT)
def test_what_the_protocol_does_not_promise_has_a_counterexample(
    claim: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the code comes to promise one of them, the model follows, and it moves to the searches above."""
    name, assertion = NOT_KEPT[claim]

    found = search(tmp_path, *SEARCHES[name], f"PROPERTY_{claim}")

    show(capsys, f"asked for {claim}", found)
    assert found.errors == 1
    assert assertion in found.failed
    assert found.trail


def test_every_switch_of_the_model_is_tried() -> None:
    switches = set(re.findall(r"\b((?:FAULT|PROPERTY)_\w+)", MODEL.read_text()))

    assert switches == {f"FAULT_{one}" for one in FAULTS} | {f"PROPERTY_{one}" for one in NOT_KEPT}


def test_the_code_map_names_every_step_of_the_model() -> None:
    steps = [row["step"] for row in ROW.finditer(README.read_text())]

    assert len(steps) == len(set(steps))
    assert set(steps) == set(STEP.findall(MODEL.read_text()))


def test_every_function_that_the_code_map_names_exists() -> None:
    stale = []
    for row in ROW.finditer(README.read_text()):
        named = list(NAMED.finditer(row["named"]))
        if not named:
            stale.append(row["step"])
        stale += [one.group() for one in named if one["name"] not in _functions(ROOT / one["file"])]

    assert not stale, "the model stands for code that is no longer there: look at both, then at docs/model"


def _functions(file: Path) -> set[str]:
    """The functions of a Python module, or those that an SQL file creates."""
    if not file.is_file():
        return set()
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".sql":
        return set(re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)\(", text, re.MULTILINE))
    return {
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }

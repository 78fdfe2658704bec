"""What a benchmark says: one row of the table."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

AT_MOST, AT_LEAST = "≤", "≥"


@dataclass(frozen=True, slots=True)
class Measure:
    """One row. `ratio` is what the goal is about."""

    what: str
    ours: str
    peer: str
    """What others do, or the same without us; empty for none."""
    limit: str
    """The floor: what cannot be beaten, or may not be passed; empty for none."""
    ratio: float
    goal: str
    holds: bool


def measure(
    what: str, *, ours: str, ratio: float, sense: str, goal: float, peer: str = "", limit: str = ""
) -> Measure:
    """A row whose goal is that `ratio` is at most, or at least, `goal`."""
    holds = ratio <= goal if sense == AT_MOST else ratio >= goal
    return Measure(what, ours, peer, limit, round(ratio, 3), f"{sense} {goal:g}", holds)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    links: int


def sizes(links: int) -> tuple[int, int, int]:
    """A small company, one in between, and the large one: 1,000, 100,000 and 1,000,000 of a million."""
    return max(200, links // 1_000), max(500, links // 10), max(1_000, links)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


Benchmark = Callable[[Options], list[Measure]]


def table(measures: Sequence[Measure]) -> str:
    """The rows in columns that line up."""
    head = ("what", "ours", "peer", "limit", "ratio", "goal", "holds")
    lines = [head]
    lines += [
        (one.what, one.ours, one.peer, one.limit, f"{one.ratio:g}", one.goal, "yes" if one.holds else "NO")
        for one in measures
    ]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def write_json(measures: Sequence[Measure], file: Path) -> None:
    """A list of objects with the table's columns as keys."""
    file.write_text(json.dumps([asdict(one) for one in measures], indent=1, ensure_ascii=False) + "\n")

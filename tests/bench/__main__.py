"""`bin/bench [NAME…] [--links N] [--json FILE]`."""

import argparse
import sys
from pathlib import Path

from tests.bench import adapter
from tests.bench.measures import Benchmark, Measure, Options, table, write_json

BENCHMARKS: dict[str, Benchmark] = {
    "look": adapter.look,
    "stream": adapter.stream,
    "memory": adapter.memory,
    "latency": adapter.latency,
}


def main(arguments: list[str]) -> int:
    """Runs what was named, or all; 1 where a goal does not hold."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="Runs the benchmarks.")
    parser.add_argument(
        "name", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all of them where none is named"
    )
    parser.add_argument("--links", type=int, default=1_000_000, help="size of the large company")
    parser.add_argument("--json", type=Path, help="also write the table to this file, as JSON")
    given = parser.parse_args(arguments)
    if unknown := set(given.name) - set(BENCHMARKS):
        parser.error(f"there is no benchmark called {', '.join(sorted(unknown))}")
    if given.links < 1:
        parser.error("--links must be a positive number")
    measures: list[Measure] = []
    for name in given.name or BENCHMARKS:
        sys.stderr.write(f"{name} …\n")
        measures += BENCHMARKS[name](Options(links=given.links))
    sys.stdout.write(table(measures) + "\n")
    if given.json:
        write_json(measures, given.json)
    return 0 if all(one.holds for one in measures) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

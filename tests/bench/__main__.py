"""`bin/bench [NAME…] [--links N] [--json FILE]`; `--load` is `tests.bench.load`."""

import argparse
import sys
import time
import traceback
from pathlib import Path

from tests.bench import adapter
from tests.bench.machine import machine
from tests.bench.measures import AT_LEAST, Benchmark, Measure, Options, measure, table, write_json
from tests.bench.scale import acts, desk, pages

BENCHMARKS: dict[str, Benchmark] = {
    "look": adapter.look,
    "stream": adapter.stream,
    "memory": adapter.memory,
    "latency": adapter.latency,
    "synced-page": pages.synced_page,
    "admin-lists": desk.admin_lists,
    "unlink": acts.unlink,
    "reconcile": acts.reconcile,
    "bulk-unlink": acts.bulk_unlink,
    "csv": acts.csv,
    "workers": acts.workers,
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
    sys.stderr.write(machine() + "\n")
    for name in given.name or BENCHMARKS:
        sys.stderr.write(f"{name} …\n")
        began = time.monotonic()
        try:
            measures += BENCHMARKS[name](Options(links=given.links))
        except Exception:  # noqa: BLE001  (an hour's other figures are not lost for one)
            traceback.print_exc()
            measures.append(measure(f"{name}: not measured", ours="", ratio=0, sense=AT_LEAST, goal=1))
        sys.stderr.write(f"{name} took {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(table(measures) + "\n")
    if given.json:
        write_json(measures, given.json)
    return 0 if all(one.holds for one in measures) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

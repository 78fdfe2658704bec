"""Streams the company that standard input names, and says how many rows it was and what it took at most."""

import json
import resource
import sys

from erp_integrations.ports import ConnectionSpec, Deadline
from sage_adapter.reader import open_reader

if __name__ == "__main__":
    given = json.load(sys.stdin)
    spec = ConnectionSpec(
        kind="sage-100-contractor",
        database=given["database"],
        accepted_incarnation=given["incarnation"],
        odbc_string=given["odbc"],
    )
    with open_reader(spec).stream_keys(deadline=Deadline.after(600)) as keys:
        rows = sum(len(block.change_orders) + len(block.lines) for block in keys.blocks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"rows": rows, "megabytes": peak}, sys.stdout)

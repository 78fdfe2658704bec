"""The named points on a click's path, and how a test makes a process stop at one.

Nothing of this is in the product: the points are the borders of its own functions, and only a test that
wraps them knows their names.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from erp_integrations.exports import run_export
from erp_integrations.links import create_link, record_findings, settle_attempts, unlink
from erp_integrations.reconciliation import confirm_suspects, diff, reconcile, run_lease
from sage_adapter import reader
from sage_adapter.sandbox.connection import SandboxConnection
from sage_adapter.sandbox_writer import SandboxWriter
from sage_adapter.session import sql_text

WHILE_SAGE_COUNTS = "while Sage counts"
"""Inside SQLite's own loop, where the statement holds its lock on the books: nobody can save meanwhile."""

POINTS = (
    "before the claim",
    "inside the claim",
    "after the claim",
    "inside the first question",
    WHILE_SAGE_COUNTS,
    "between the looks",
    "inside the second question",
    "before settling",
    "inside settling",
    "after settling",
)
"""In the order in which a click on a record that is gone passes them. A question is a call of the driver."""

UNTIL_THE_CUT = POINTS[:-1]
"""Points at which nothing may have been cut yet: `inside settling` is before the commit."""

UNHELD = POINTS[POINTS.index("after the claim") : POINTS.index("inside settling")]
"""Points at which the click holds no lock of ours, so that everybody else can go on."""

EXPORT_POINTS = (
    "before the claim",
    "after the claim",
    "before writing",
    "after writing",
    "before settling",
    "inside settling",
    "after settling",
)
"""In the order in which an export that goes well passes them."""

RECONCILE_POINTS = (
    "before the claim",
    "after the claim",
    "while comparing",
    "before recording",
    "inside recording",
    "before the end",
    "inside the end",
    "after the end",
)
"""In the order in which a reconciliation passes them that finds something new."""

Reached = Callable[[str], None]
Replace = Callable[[object, str, Any], None]


def watch(reached: Reached, replace: Replace = setattr) -> None:
    """Calls `reached` with each point's name as the path is walked. `replace` puts the wrappers in place."""
    questions = 0
    look = sql_text("look").partition("?")[0]  # what follows is as long as the list of the records
    around = partial(_around, reached, replace)
    original_before = SandboxConnection._before

    @wraps(original_before)
    def before_the_statement(self: SandboxConnection, sql: str, parameters: Any) -> None:
        nonlocal questions
        original_before(self, sql, parameters)
        if not sql.startswith(look):
            return
        questions += 1
        if questions % 2 == 0:
            reached("inside the second question")
            return
        reached("inside the first question")
        once = [WHILE_SAGE_COUNTS]
        self.set_progress_handler(lambda: reached(once.pop()) if once else None, 1)

    around(unlink, "_claim", before="before the claim", after="after the claim")
    around(unlink, "question_for", before="inside the claim")
    around(reader, "_wait", after="between the looks")
    around(unlink, "settle", before="before settling", after="after settling")
    around(settle_attempts, "append_events", after="inside settling")
    replace(SandboxConnection, "_before", before_the_statement)


def watch_export(reached: Reached, replace: Replace = setattr) -> None:
    """The same for an export into the practice company."""
    around = partial(_around, reached, replace)
    around(run_export, "_claim", before="before the claim", after="after the claim")
    around(SandboxWriter, "write", before="before writing", after="after writing")
    around(run_export, "_settle", before="before settling", after="after settling")
    around(create_link, "record_linked_event", after="inside settling")


def watch_reconcile(reached: Reached, replace: Replace = setattr) -> None:
    """The same for a reconciliation."""
    around = partial(_around, reached, replace)
    around(reconcile, "claim_run", before="before the claim", after="after the claim")
    around(diff.LinkDiffer, "compare_rest", before="while comparing")
    around(confirm_suspects, "_record", before="before recording")
    around(record_findings, "append_events", after="inside recording")
    around(reconcile, "end_run", before="before the end", after="after the end")
    around(run_lease, "note_answer", after="inside the end")


def _around(
    reached: Reached, replace: Replace, owner: object, name: str, *, before: str = "", after: str = ""
) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before:
            reached(before)
        try:
            return original(*args, **kwargs)
        finally:
            if after:
                reached(after)

    replace(owner, name, wrapped)

"""The named points on a click's path, and how a test makes a process stop at one.

Nothing of this is in the product: the points are the borders of its own functions, and only a test that
wraps them knows their names.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from erp_integrations.operations import unlinking
from sage_adapter import reader
from sage_adapter.session import Session

POINTS = (
    "before the claim",
    "inside the claim",
    "after the claim",
    "inside the first question",
    "between the looks",
    "inside the second question",
    "before settling",
    "inside settling",
    "after settling",
)
"""In the order in which a click on a record that is gone passes them."""

UNTIL_THE_CUT = POINTS[:-1]
"""Points at which nothing may have been cut yet: `inside settling` is before the commit."""

Reached = Callable[[str], None]


def watch(reached: Reached, replace: Callable[[object, str, Any], None] = setattr) -> None:
    """Calls `reached` with each point's name as the path is walked. `replace` puts the wrappers in place."""
    questions = 0

    def around(owner: object, name: str, *, before: str = "", after: str = "") -> None:
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

    original_ask = Session.ask

    @wraps(original_ask)
    def ask(self: Session, name: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal questions
        answer = original_ask(self, name, *args, **kwargs)
        if name == "presence":
            questions += 1
            reached(f"inside the {'first' if questions % 2 else 'second'} question")
        return answer

    around(unlinking, "_claim", before="before the claim", after="after the claim")
    around(unlinking, "_spec_or_error", before="inside the claim")
    around(reader, "_wait", after="between the looks")
    around(unlinking, "_settle", before="before settling", after="after settling")
    around(unlinking, "append_event", after="inside settling")
    replace(Session, "ask", ask)

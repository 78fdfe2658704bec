"""Until when an answer is wanted, and whose clock stamps it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

Clock = Callable[[], datetime]
"""Says what time it is, aware. A look stamps its questions with the clock of whoever asked."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which an answer is no longer wanted, on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0

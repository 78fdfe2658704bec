"""What can go wrong with an ERP: a fault in words, by who can mend it, and the errors that carry one."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """Who can mend a fault."""

    UNAVAILABLE = "unavailable"
    """Nobody needs to: wait and ask again."""
    MISCONFIGURED = "misconfigured"
    """An administrator, of Plumbline or of the ERP."""
    UNEXPECTED = "unexpected"
    """The makers of Plumbline."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no trustworthy answer, in words fit for the page.

    The words never hold a host, a login, a database password or a driver's own text.
    """

    kind: FaultKind
    code: str
    """Stable, for logs, tests and metrics: `login-refused`."""
    what: str
    """What happened, one sentence."""
    advice: str
    """Who can mend it and how, one or two sentences."""
    retry: bool = False
    """Whether asking again at once, inside the same deadline, may help."""


class ErpError(Exception):
    """The ERP gave no trustworthy answer. Carries the `Fault` that says why."""

    kind: FaultKind

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Unavailable(ErpError):
    """Wait: the server is off, busy, locked or slow."""


class Misconfigured(ErpError):
    """An administrator must act: login, rights, database, application name, driver."""


class Unexpected(ErpError):
    """Plumbline does not understand what it was told. Logged with its traceback."""


_ERRORS: dict[FaultKind, type[ErpError]] = {
    FaultKind.UNAVAILABLE: Unavailable,
    FaultKind.MISCONFIGURED: Misconfigured,
    FaultKind.UNEXPECTED: Unexpected,
}


def error_for(fault: Fault) -> ErpError:
    """The exception of the family that `fault.kind` names."""
    return _ERRORS[fault.kind](fault)


class NotInErp(Exception):
    """The record asked for is not there. Raised by `read_…` only, never used as proof of absence."""

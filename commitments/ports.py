"""What the project team's pages show of accounting's side, without knowing what is behind it.

`settings.ERP_SIDE` names the class that answers; `commitments` imports nothing of ERP Integrations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from commitments.models import CommitmentChangeOrder
from companies.access import Access


@dataclass(frozen=True, slots=True)
class ErpButton:
    """A small form that posts to `url`; `reasons` say why it is greyed out, none that it may be clicked."""

    label: str
    url: str
    reasons: tuple[str, ...] = ()
    needs_reason: bool = False
    """Whether the person must say why; then the form has a field for it, named `reason`."""


@dataclass(frozen=True, slots=True)
class ErpFinding:
    """A rule of sending that does not hold, and where it is mended; no address where nowhere here."""

    message: str
    url: str = ""
    field: str = ""
    """The CCO's own field that it is about, as the form calls it: `number`, `description`."""


@dataclass(frozen=True, slots=True)
class ErpCard:
    """How a CCO stands with accounting."""

    status: str
    tone: str
    """`good`, `refused`, `doubt` or `waiting`."""
    words: str
    detail: tuple[str, ...] = ()
    buttons: tuple[ErpButton, ...] = ()
    findings: tuple[ErpFinding, ...] = ()
    notices: tuple[ErpFinding, ...] = ()
    """Worth knowing before it is sent; it may be sent all the same."""
    url: str = ""
    """Where accounting sees it, for those who may."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a change history."""

    at: datetime
    by: str
    what: str
    before: str
    after: str


class ErpSide(Protocol):
    def card_of(self, change_order: CommitmentChangeOrder, access: Access) -> ErpCard:
        """The CCO's commitment, its project and contract company must be there."""

    def commitment_states(self, commitment_ids: Sequence[int]) -> dict[int, str]:
        """For each of them "Synced" or "Not in ERP", in a fixed number of queries."""

    def history_of(self, change_order: CommitmentChangeOrder) -> tuple[HistoryLine, ...]:
        """What accounting's side did with it, the oldest first."""


def erp_side() -> ErpSide:
    return cast("ErpSide", import_string(settings.ERP_SIDE)())

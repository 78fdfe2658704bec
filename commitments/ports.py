"""What the project team's pages ask ERP Integrations for. `commitments` never imports that app.

`settings.COMMITMENTS_ERP_ADAPTER` names the class that implements `ErpAdapter`.
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
    """A button that posts to `url`. `reasons` say why it is disabled; empty when it is enabled."""

    label: str
    url: str
    reasons: tuple[str, ...] = ()
    needs_reason: bool = False
    """Whether the form has a required field `reason`."""


@dataclass(frozen=True, slots=True)
class ErpFinding:
    """A broken export rule, and the page where it is fixed; no URL when there is no such page."""

    message: str
    url: str = ""
    field: str = ""
    """The form field it is about: `number`, `description`."""


@dataclass(frozen=True, slots=True)
class ErpCard:
    """A CCO's ERP status with the buttons and findings that belong to it."""

    status: str
    tone: str
    """`good`, `refused`, `doubt` or `waiting`."""
    words: str
    detail: tuple[str, ...] = ()
    buttons: tuple[ErpButton, ...] = ()
    findings: tuple[ErpFinding, ...] = ()
    notices: tuple[ErpFinding, ...] = ()
    """Warnings that do not keep the CCO from being sent."""
    url: str = ""
    """Its row in ERP Integrations; empty without the right to see it."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a change history."""

    at: datetime
    by: str
    what: str
    before: str
    after: str


class ErpAdapter(Protocol):
    def card_of(self, change_order: CommitmentChangeOrder, access: Access) -> ErpCard:
        """Needs the CCO's commitment, project and contract company prefetched."""

    def commitment_states(self, commitment_ids: Sequence[int]) -> dict[int, str]:
        """`Synced` or `Not in ERP` by id, in a fixed number of queries."""

    def history_of(self, change_order: CommitmentChangeOrder) -> tuple[HistoryLine, ...]:
        """The ledger's events of the CCO, the oldest first."""


def erp_adapter() -> ErpAdapter:
    return cast("ErpAdapter", import_string(settings.COMMITMENTS_ERP_ADAPTER)())

"""Records that a link was moved from."""

from collections.abc import Mapping, Sequence

from erp_integrations.models import ChangeOrderLink
from erp_integrations.ports import LeftRecord


def find_left_records(links: Sequence[ChangeOrderLink]) -> Mapping[int, tuple[LeftRecord, ...]]:
    """The records that each link answers for beside its own, by the id of the link."""
    return {}

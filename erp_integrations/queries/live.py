"""What the rows of an open page say now."""

from collections.abc import Sequence
from dataclasses import dataclass

from companies.models import Company
from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.pages import Presence
from erp_integrations.queries.change_orders import presence_of


@dataclass(frozen=True, slots=True)
class SaidNow:
    change_order_id: int
    presence: Presence


def said_now(
    company: Company, connection: Connection | None, change_order_ids: Sequence[int]
) -> tuple[SaidNow, ...]:
    """Of each CCO that has, or had, a link: what its newest one says. One query."""
    if connection is None:
        return ()
    links = ChangeOrderLink.objects.filter(
        change_order_id__in=change_order_ids, connection__company=company
    ).order_by("change_order_id", "-linked_at", "-id")
    return tuple(
        SaidNow(link.change_order_id or 0, _said(link, connection))
        for link in links.distinct("change_order_id")
    )


def _said(link: ChangeOrderLink, connection: Connection) -> Presence:
    if link.is_active:
        return presence_of(link, connection)
    # The row stays where it is until the page is loaded again: it says what happened to it.
    return Presence("absent", f"Unlinked by {link.unlinked_by_name}", "good", link.unlinked_at)

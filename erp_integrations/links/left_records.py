"""The records that links were moved from.

A moved link is not cut while one of them is in the ERP, neither linked nor ignored.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from erp_integrations.models import ChangeOrderLink, IgnoredRecord
from erp_integrations.ports import LeftRecord


class LeftState(StrEnum):
    OPEN = "open"
    """Neither linked nor ignored: while it is in the ERP, the CCO is not unlinked."""
    LINKED = "linked"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class LeftRecordLine:
    """A record that a CCO's link was moved from, as the page shows it."""

    link_id: int
    """Id of the link that ended by the move."""
    record_number: str
    left_at: datetime
    state: LeftState
    linked_to: str = ""
    """The CCO that is linked to it now."""
    ignored: IgnoredRecord | None = None


def find_left_records(links: Iterable[ChangeOrderLink]) -> dict[int, tuple[LeftRecord, ...]]:
    """By link id: the records it was moved from, directly or before, that are neither linked nor ignored.

    Links without such records are left out. No query when no link was moved; else three, and one more for
    each further move in a row.
    """
    former = _predecessors(links)
    everything = [link for chain in former.values() for link in chain]
    linked, ignored = _linked(everything), _ignored(everything)
    left = {
        link_id: tuple(
            LeftRecord(link.row_id, link.record_number, left_at)
            for link in _each_once(chain)
            if _key(link) not in linked
            and (link.connection_id, link.row_id) not in ignored
            and (left_at := link.unlinked_at) is not None
        )
        for link_id, chain in former.items()
    }
    return {link_id: records for link_id, records in left.items() if records}


def left_record_lines(link: ChangeOrderLink) -> tuple[LeftRecordLine, ...]:
    """Every record that the link was moved from, the latest first."""
    chain = _predecessors([link]).get(link.pk, [])
    linked, ignored = _linked(chain), _ignored(chain)
    lines = []
    for one in _each_once(chain):
        assert one.unlinked_at is not None, "a predecessor has ended"
        holder, ignoring = linked.get(_key(one)), ignored.get((one.connection_id, one.row_id))
        state = LeftState.LINKED if holder else LeftState.IGNORED if ignoring else LeftState.OPEN
        lines.append(
            LeftRecordLine(
                link_id=one.pk,
                record_number=one.record_number,
                left_at=one.unlinked_at,
                state=state,
                linked_to=f"CCO {holder.cco_number} {holder.cco_title}" if holder else "",
                ignored=ignoring,
            )
        )
    return tuple(lines)


def _predecessors(links: Iterable[ChangeOrderLink]) -> dict[int, list[ChangeOrderLink]]:
    """By link id: the links it was moved from, the latest first."""
    chains: defaultdict[int, list[ChangeOrderLink]] = defaultdict(list)
    wanted = {link.moved_from_id: link.pk for link in links if link.moved_from_id is not None}
    while wanted:
        found = ChangeOrderLink.objects.filter(pk__in=wanted).order_by("pk")
        further: dict[int, int] = {}
        for former in found:
            link_id = wanted[former.pk]
            chains[link_id].append(former)
            if former.moved_from_id is not None:
                further[former.moved_from_id] = link_id
        wanted = further
    return chains


def _each_once(chain: Sequence[ChangeOrderLink]) -> list[ChangeOrderLink]:
    """The latest of the links that left the same record: a link may be moved there and back."""
    latest: dict[tuple[int, UUID, str], ChangeOrderLink] = {}
    for link in chain:
        latest.setdefault(_key(link), link)
    return list(latest.values())


def _key(link: ChangeOrderLink) -> tuple[int, UUID, str]:
    """The key of a record's part on a subcontract, which one active link holds."""
    return link.connection_id, link.row_id, link.subcontract_record_number


def _linked(former: Sequence[ChangeOrderLink]) -> dict[tuple[int, UUID, str], ChangeOrderLink]:
    """The active links to the records that these links have left."""
    if not former:
        return {}
    active = ChangeOrderLink.objects.filter(
        connection__in={link.connection_id for link in former},
        row_id__in={link.row_id for link in former},
        unlinked_at=None,
    )
    return {_key(link): link for link in active}


def _ignored(former: Sequence[ChangeOrderLink]) -> dict[tuple[int, UUID], IgnoredRecord]:
    if not former:
        return {}
    ignored = IgnoredRecord.objects.filter(
        connection__in={link.connection_id for link in former},
        row_id__in={link.row_id for link in former},
        ended_at=None,
    )
    return {(one.connection_id, one.row_id): one for one in ignored}

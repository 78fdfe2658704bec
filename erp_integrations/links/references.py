"""What a look must know of the links it asks about, read from our own books in a few statements."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, TextField, Value

from companies.clock import StatementClock
from erp_integrations.deletions.confirmed import find_confirmed
from erp_integrations.links.controls import draw_links
from erp_integrations.links.left_records import find_left_records
from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.models.links import in_order_of_numbers
from erp_integrations.ports import NO_CONTROLS, ChangeOrderReference, Controls
from erp_integrations.workflow.link_status import reference_to, seen_at


@dataclass(frozen=True, slots=True)
class LookQuestion:
    """What a look is asked: about which records, and beside which controls."""

    references: Mapping[int, ChangeOrderReference]
    """By the id of the link."""
    controls: Controls


def question_for(
    links: Sequence[ChangeOrderLink], connection: Connection, *, control_link_ids: Sequence[int] = ()
) -> LookQuestion:
    """The question about active links; `control_link_ids` are the controls that a bulk unlink has drawn."""
    if not links:
        return LookQuestion({}, NO_CONTROLS)
    drawn = draw_links(connection, links, control_link_ids)
    row_ids = {link.row_id for link in links} | drawn.row_ids
    confirmed = find_confirmed(connection, row_ids, StatementClock())
    return LookQuestion(_references(links, connection, confirmed), drawn.as_controls(connection, confirmed))


def references_now(
    links: Sequence[ChangeOrderLink], connection: Connection
) -> dict[int, ChangeOrderReference]:
    """What would be asked about the links at this moment, by their ids."""
    if not links:
        return {}
    confirmed = find_confirmed(connection, [link.row_id for link in links], StatementClock())
    return _references(links, connection, confirmed)


def _references(
    links: Sequence[ChangeOrderLink], connection: Connection, confirmed: Collection[uuid.UUID]
) -> dict[int, ChangeOrderReference]:
    others, left = _others(links, connection), find_left_records(links)
    return {
        link.pk: reference_to(
            link,
            connection,
            shared_subcontracts=_shared(link, others),
            held_by_others=_held(link, others, connection),
            deletion_confirmed=link.row_id in confirmed,
            left_records=left.get(link.pk, ()),
        )
        for link in links
    }


class _Other(NamedTuple):
    """An active link to one of the records that are asked about, or to one with a number of theirs."""

    row_id: uuid.UUID
    subcontract_record_number: str
    linked_at: datetime


def _others(links: Sequence[ChangeOrderLink], connection: Connection) -> list[_Other]:
    """What other rows of ours say of the records, in one statement.

    The numbers are compared here as the database sorts them; one that only a person would call the same is
    not found, and then stands in the place of ours without proof.
    """
    wanted = Q(row_id__in={link.row_id for link in links})
    for link in links:
        wanted |= Q(record_order=link.record_order)
        if link.number.strip():
            number = in_order_of_numbers(Value(link.number, output_field=TextField()))
            wanted |= Q(job_row_id=link.job_row_id, erp_number_order=number)
        if link.sub_change_number.strip():
            wanted |= Q(
                subcontract_record_number=link.subcontract_record_number,
                sub_change_number__iexact=link.sub_change_number,
            )
    tied = ChangeOrderLink.objects.filter(wanted, connection=connection, unlinked_at__isnull=True)
    return [_Other(*row) for row in tied.values_list(*_Other._fields)]


def _shared(link: ChangeOrderLink, others: Sequence[_Other]) -> tuple[str, ...]:
    """The subcontracts that other active links to the same record are about."""
    same = {one.subcontract_record_number for one in others if one.row_id == link.row_id}
    return tuple(sorted(same - {link.subcontract_record_number}))


def _held(link: ChangeOrderLink, others: Sequence[_Other], connection: Connection) -> frozenset[uuid.UUID]:
    """Records with a number of ours that another active link held already when ours was last seen."""
    last_seen = seen_at(link, connection)
    return frozenset(one.row_id for one in others if one.row_id != link.row_id and one.linked_at <= last_seen)

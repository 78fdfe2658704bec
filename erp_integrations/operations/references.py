"""What a look must know of the links it asks about, read from our own books in a few statements."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import Q, TextField, Value

from erp_integrations.clock import StatementClock
from erp_integrations.confirmed_deletions import find_confirmed
from erp_integrations.left_records import find_left_records
from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.models.links import in_order_of_numbers
from erp_integrations.ports import ChangeOrderReference
from erp_integrations.presence import reference_to, seen_at


def references_to(
    links: Sequence[ChangeOrderLink], connection: Connection
) -> dict[int, ChangeOrderReference]:
    """Each link as it is handed to a look, by its id."""
    if not links:
        return {}
    shared = _subcontracts_of_shared_headers(links, connection)
    held = _held_by_others(links, connection)
    confirmed = find_confirmed(connection, [link.row_id for link in links], StatementClock())
    left = find_left_records(links)
    return {
        link.pk: reference_to(
            link,
            connection,
            shared_subcontracts=tuple(sorted(shared[link.row_id] - {link.subcontract_record_number})),
            held_by_others=held.get(link.pk, frozenset()),
            deletion_confirmed=link.row_id in confirmed,
            left_records=left.get(link.pk, ()),
        )
        for link in links
    }


def _subcontracts_of_shared_headers(
    links: Sequence[ChangeOrderLink], connection: Connection
) -> Mapping[uuid.UUID, set[str]]:
    """The subcontracts that active links to the same records are about."""
    tied = ChangeOrderLink.objects.filter(
        connection=connection, unlinked_at__isnull=True, row_id__in={link.row_id for link in links}
    )
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    for row_id, subcontract in tied.values_list("row_id", "subcontract_record_number"):
        found[row_id].add(subcontract)
    return found


def _held_by_others(
    links: Sequence[ChangeOrderLink], connection: Connection
) -> dict[int, frozenset[uuid.UUID]]:
    """Records with a number of ours that another active link held already when ours was last seen.

    The numbers are compared here as the database sorts them; one that only a person would call the same is
    not found, and then stands in the place of ours without proof.
    """
    wanted = Q(pk__in=[])
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
    others = list(tied.values_list("row_id", "linked_at"))
    return {
        link.pk: frozenset(
            row_id
            for row_id, linked_at in others
            if row_id != link.row_id and linked_at <= seen_at(link, connection)
        )
        for link in links
    }

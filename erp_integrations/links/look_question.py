"""Builds the question of a look: references to the records, and the controls.

Controls are other active links, whose records should be there: an absence is believed only from a connection
that returns, in the same statement, records known to be there. They are drawn whatever their stored status,
so that records that were lost before remain among them.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection as database
from django.db.models import Q, QuerySet, TextField, Value

from companies.clock import StatementClock
from erp_integrations.deletions.confirm_deletion import find_confirmations
from erp_integrations.links.left_records import find_left_records
from erp_integrations.models import ChangeOrderLink, Connection, Drift
from erp_integrations.models.links import in_order_of_numbers
from erp_integrations.ports import (
    CONTROLS_AT_RANDOM,
    CONTROLS_OF_THE_JOB,
    NO_CONTROLS,
    ChangeOrderReference,
    Control,
    Controls,
    LeftRecord,
)
from erp_integrations.workflow.link_status import last_seen

FEW = 200
"""Up to this many active links of a company are all read; beyond it, links are picked by index."""
MOST_OF_A_BULK = 200
"""The most records of a bulk unlink that are controls of the whole bulk; drawn at random from more."""

_TRIES = 3
"""How often a reader starts its looks, at most."""
_AT_RANDOM = _TRIES * CONTROLS_AT_RANDOM + 1
_OF_A_JOB = _TRIES * CONTROLS_OF_THE_JOB + 1

_PICK = """
    SELECT link.id FROM unnest(%s::text[]) AS wanted(at)
    CROSS JOIN LATERAL (
        SELECT id FROM erp_integrations_changeorderlink
        WHERE connection_id = %s AND unlinked_at IS NULL AND record_order >= wanted.at
        ORDER BY record_order, id LIMIT 1
    ) AS link"""
_PICK_OF_JOBS = """
    SELECT link.id FROM unnest(%s::uuid[], %s::text[]) AS wanted(job, at)
    CROSS JOIN LATERAL (
        (SELECT id FROM erp_integrations_changeorderlink
         WHERE connection_id = %s AND unlinked_at IS NULL AND job_row_id = wanted.job
            AND record_order >= wanted.at
         ORDER BY record_order, id LIMIT %s)
        UNION ALL
        (SELECT id FROM erp_integrations_changeorderlink
         WHERE connection_id = %s AND unlinked_at IS NULL AND job_row_id = wanted.job
            AND record_order < wanted.at
         ORDER BY record_order, id LIMIT %s)
    ) AS link"""
"""From a random record number upwards, and from the lowest where there are not enough above it."""


@dataclass(frozen=True, slots=True)
class LookQuestion:
    """The references of the links in question, and the controls that are looked up with them."""

    references: Mapping[int, ChangeOrderReference]
    """By the id of the link."""
    controls: Controls


def question_for(
    links: Sequence[ChangeOrderLink], connection: Connection, *, control_link_ids: Sequence[int] = ()
) -> LookQuestion:
    """The question about active links; `control_link_ids` are the controls that a bulk unlink has drawn."""
    if not links:
        return LookQuestion({}, NO_CONTROLS)
    drawn = _draw_controls(connection, links, control_link_ids)
    row_ids = {link.row_id for group in (links, *drawn) for link in group}
    confirmed = find_confirmations(connection, row_ids, StatementClock())
    controls = (tuple(_control(link, connection, confirmed) for link in group) for group in drawn)
    return LookQuestion(_references(links, connection, confirmed), Controls(*controls))


def references_now(
    links: Sequence[ChangeOrderLink], connection: Connection
) -> dict[int, ChangeOrderReference]:
    """The references of these links as they are now, by link id."""
    if not links:
        return {}
    confirmed = find_confirmations(connection, [link.row_id for link in links], StatementClock())
    return _references(links, connection, confirmed)


# --- references ----------------------------------------------------------------------------------


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


def reference_to(
    link: ChangeOrderLink,
    connection: Connection,
    *,
    shared_subcontracts: tuple[str, ...] = (),
    held_by_others: frozenset[uuid.UUID] = frozenset(),
    deletion_confirmed: bool = False,
    left_records: tuple[LeftRecord, ...] = (),
) -> ChangeOrderReference:
    """What a look must know of a link: its own columns, and what other rows show about its record."""
    seen = last_seen(link, connection)
    return ChangeOrderReference(
        row_id=link.row_id,
        record_number=link.record_number,
        number=link.number,
        job_record_number=link.job_record_number,
        job_row_id=link.job_row_id,
        phase=link.phase,
        subcontract_record_number=link.subcontract_record_number,
        sub_change_number=link.sub_change_number,
        amount=link.erp_amount,
        last_seen_at=seen.at,
        last_seen_clock=seen.clock,
        clock_in_doubt=seen.clock_in_doubt,
        touched_subcontracts=tuple(link.touched_subcontracts),
        shared_subcontracts=shared_subcontracts,
        held_by_others=held_by_others,
        last_job_record_number=link.seen.get(Drift.JOB, ""),
        deletion_confirmed=deletion_confirmed,
        left_records=left_records,
    )


class _Other(NamedTuple):
    """An active link to one of the records in question, or to a record with one of their numbers."""

    row_id: uuid.UUID
    subcontract_record_number: str
    linked_at: datetime


def _others(links: Sequence[ChangeOrderLink], connection: Connection) -> list[_Other]:
    """The active links to these records, or to records with one of their numbers, in one statement.

    Numbers are compared as the database sorts them. A number that differs only in its spelling is not found;
    its record then counts as a replacement without proof.
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
    others = ChangeOrderLink.objects.filter(wanted, connection=connection, unlinked_at__isnull=True)
    return [_Other(*row) for row in others.values_list(*_Other._fields)]


def _shared(link: ChangeOrderLink, others: Sequence[_Other]) -> tuple[str, ...]:
    """The subcontracts of other active links to the same record."""
    same = {one.subcontract_record_number for one in others if one.row_id == link.row_id}
    return tuple(sorted(same - {link.subcontract_record_number}))


def _held(link: ChangeOrderLink, others: Sequence[_Other], connection: Connection) -> frozenset[uuid.UUID]:
    """Records with one of our numbers that another active link held already when ours was last seen."""
    seen = last_seen(link, connection)
    return frozenset(one.row_id for one in others if one.row_id != link.row_id and one.linked_at <= seen.at)


# --- controls ------------------------------------------------------------------------------------


def draw_bulk_controls(connection: Connection, links: Sequence[ChangeOrderLink]) -> list[int]:
    """The ids of the links that are controls in every question of a bulk unlink."""
    members = _sample(links, MOST_OF_A_BULK)
    at_random = _draw_controls(connection, ())[0][:CONTROLS_AT_RANDOM]
    return list(dict.fromkeys(link.pk for link in (*members, *at_random)))


def _draw_controls(
    connection: Connection, links: Sequence[ChangeOrderLink], control_link_ids: Sequence[int] = ()
) -> tuple[Sequence[ChangeOrderLink], Sequence[ChangeOrderLink], Sequence[ChangeOrderLink]]:
    """Links for the three groups of `ports.Controls`: of all active ones, of the jobs, of the bulk unlink.

    With `control_link_ids`, drawn by a bulk unlink, none are drawn at random.
    """
    jobs = list(dict.fromkeys(link.job_row_id for link in links))
    every = list(_active(connection).order_by("record_order", "id")[: FEW + 1])
    if len(every) <= FEW:
        at_random, of_jobs = every, every
    else:
        at_random = [] if control_link_ids else _by_ids(_pick(connection, 2 * _AT_RANDOM))
        of_jobs = _by_ids(_pick_of_jobs(connection, jobs, _OF_A_JOB))
    by_job = defaultdict(list)
    for link in of_jobs:
        by_job[link.job_row_id].append(link)
    chosen = [link for job in jobs for link in _sample(by_job[job], _OF_A_JOB)]
    if control_link_ids:
        return (), chosen, _by_ids(control_link_ids)
    return _sample(at_random, _AT_RANDOM), chosen, ()


def _control(link: ChangeOrderLink, connection: Connection, confirmed: Collection[uuid.UUID]) -> Control:
    seen = last_seen(link, connection)
    return Control(
        row_id=link.row_id,
        record_number=link.record_number,
        job_record_number=link.job_record_number,
        job_row_id=link.job_row_id,
        last_seen_at=seen.at,
        last_seen_clock=seen.clock,
        clock_in_doubt=seen.clock_in_doubt,
        deletion_confirmed=link.row_id in confirmed,
    )


def _active(connection: Connection) -> QuerySet[ChangeOrderLink]:
    return ChangeOrderLink.objects.filter(connection=connection, unlinked_at__isnull=True)


def _by_ids(ids: Sequence[int]) -> list[ChangeOrderLink]:
    return list(ChangeOrderLink.objects.filter(pk__in=ids).order_by("pk"))


def _sample(links: Sequence[ChangeOrderLink], most: int) -> list[ChangeOrderLink]:
    """A random sample of links to different records."""
    different = list({link.row_id: link for link in links}.values())
    return random.sample(different, min(most, len(different)))


def _pick(connection: Connection, count: int) -> list[int]:
    return _ids(_PICK, [_places(connection, count), connection.pk])


def _pick_of_jobs(connection: Connection, jobs: Sequence[uuid.UUID], most: int) -> list[int]:
    if not jobs:
        return []
    places = _places(connection, len(jobs))
    return _ids(_PICK_OF_JOBS, [list(jobs), places, connection.pk, most, connection.pk, most])


def _places(connection: Connection, count: int) -> list[str]:
    """Places in the order of record numbers, anywhere from the lowest to the highest of the active links."""
    in_order = _active(connection).order_by("record_order").values_list("record_order", flat=True)
    lowest, highest = int(in_order.first() or 0), int(in_order.last() or 0)
    return [f"{random.randint(lowest, highest):020d}" for _ in range(count)]  # noqa: S311  (no secret)


def _ids(statement: str, parameters: list[Any]) -> list[int]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]

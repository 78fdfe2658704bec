"""Drawing the controls of a question: other active links, whose records should be there.

An absence is believed only on a connection that shows, in the same statement, records known to be there.
Controls are drawn whatever was last said of them, so that records that were lost before do not drop out.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db.models import QuerySet

from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.ports import CONTROLS_AT_RANDOM, CONTROLS_OF_THE_JOB, Control, Controls
from erp_integrations.workflow.link_status import clock_in_doubt, seen_at, seen_clock

FEW = 200
"""A company with no more active links than this is read whole; of a larger one, links are picked by index."""
MOST_OF_A_BULK = 200
"""Records of a bulk unlink that are each other's controls: all of them, or as many drawn at random."""

_TRIES = 3
"""As often as a reader begins its looks anew."""
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
"""From a place chosen at random on, and from the beginning where there are not enough after it."""


@dataclass(frozen=True, slots=True)
class DrawnLinks:
    """The links whose records are the controls of one question, see `ports.Controls`."""

    at_random: Sequence[ChangeOrderLink]
    of_jobs: Sequence[ChangeOrderLink]
    of_the_bulk: Sequence[ChangeOrderLink] = ()

    def as_controls(self, connection: Connection, confirmed: Collection[uuid.UUID]) -> Controls:
        """`confirmed` are the records whose deletion counts as confirmed."""

        def controls(links: Sequence[ChangeOrderLink]) -> tuple[Control, ...]:
            return tuple(_control(link, connection, confirmed) for link in links)

        return Controls(controls(self.at_random), controls(self.of_jobs), controls(self.of_the_bulk))

    @property
    def row_ids(self) -> set[uuid.UUID]:
        return {link.row_id for links in (self.at_random, self.of_jobs, self.of_the_bulk) for link in links}


def draw_links(
    connection: Connection, links: Sequence[ChangeOrderLink], control_link_ids: Sequence[int] = ()
) -> DrawnLinks:
    """Links for the controls of a question about `links`: some of all active ones, and some of each job.

    As many as `ports.Controls` asks for. `control_link_ids` are those that a bulk unlink has drawn: then they
    are the controls, beside those of the jobs.
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
        return DrawnLinks((), chosen, _by_ids(control_link_ids))
    return DrawnLinks(_sample(at_random, _AT_RANDOM), chosen)


def draw_for_a_bulk(connection: Connection, links: Sequence[ChangeOrderLink]) -> list[int]:
    """The ids of the links that are controls of every record of a bulk unlink, and stay so to its end."""
    members = _sample(links, MOST_OF_A_BULK)
    at_random = draw_links(connection, ()).at_random[:CONTROLS_AT_RANDOM]
    return list(dict.fromkeys(link.pk for link in (*members, *at_random)))


def _control(link: ChangeOrderLink, connection: Connection, confirmed: Collection[uuid.UUID]) -> Control:
    return Control(
        row_id=link.row_id,
        record_number=link.record_number,
        job_record_number=link.job_record_number,
        job_row_id=link.job_row_id,
        last_seen_at=seen_at(link, connection),
        last_seen_clock=seen_clock(link, connection),
        clock_in_doubt=clock_in_doubt(link, connection),
        deletion_confirmed=link.row_id in confirmed,
    )


def _active(connection: Connection) -> QuerySet[ChangeOrderLink]:
    return ChangeOrderLink.objects.filter(connection=connection, unlinked_at__isnull=True)


def _by_ids(ids: Sequence[int]) -> list[ChangeOrderLink]:
    return list(ChangeOrderLink.objects.filter(pk__in=ids).order_by("pk"))


def _sample(links: Sequence[ChangeOrderLink], most: int) -> list[ChangeOrderLink]:
    """So many of them at random, of different records."""
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

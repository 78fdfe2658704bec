"""Synced CCOs that differ in everything the list sorts and filters by."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection

from erp_integrations.models import ChangeOrderLink
from tests.web.many import commitments_in_projects, many_synced
from tests.world import World

FIRST_DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEOPLE = ("Ann Approver", "Controller", "Loader")
PRESENCES = ("present", "present", "present", "absent", "replaced", "ambiguous", "unknown")


def varied_links(world: World, count: int) -> list[ChangeOrderLink]:
    """`count` links, the same ones each time, of three projects; the CCO n was linked n hours after noon."""
    dice = random.Random(7)  # noqa: S311  (no secret)
    many_synced(world, count, commitments=commitments_in_projects(world, 3))
    with connection.cursor() as cursor:  # who linked it and when never changes: but for this
        cursor.execute("SET session_replication_role = replica")
    for n, link in enumerate(ChangeOrderLink.objects.order_by("id")):
        ChangeOrderLink.objects.filter(pk=link.pk).update(
            cco_title=f"{dice.choice(['Steel', 'Glass', 'Brick'])} at grid {'CHI'[n % 3]}{n}",
            contract_company=dice.choice(["Ironside Steel", "Cascade Glazing"]),
            cco_amount=Decimal(dice.randrange(-5, 5)) * 10,
            number=f"{n % 4}-{dice.randrange(1, 12)}",
            presence=dice.choice(PRESENCES),
            presence_checked_at=FIRST_DAY,
            drift=dice.choice([[], [], ["amount"], ["number", "amount"]]),
            linked_at=FIRST_DAY + timedelta(hours=dice.randrange(count)),
            linked_by_name=dice.choice(PEOPLE),
        )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = DEFAULT")
    return list(ChangeOrderLink.objects.order_by("id"))

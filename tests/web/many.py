"""Many synced CCOs at once, for pages that show many: made here, without asking Sage for each."""

import uuid
from decimal import Decimal

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    ErpStatus,
)
from companies.clock import database_now
from companies.models import Project
from erp_integrations.models import ChangeOrderLink
from tests import factories
from tests.world import LINKER, World


def commitments_in_projects(world: World, count: int) -> list[Commitment]:
    """One commitment in each of `count` further projects."""
    made: list[Commitment] = []
    for number in range(count):
        project: Project = factories.ProjectFactory.create(
            company=world.company, number=f"31{number:02}", name=f"Pier {number:02}"
        )
        made.append(
            factories.CommitmentFactory.create(project=project, number=f"SC-{number:02}", title="Piling")
        )
    return made


def many_synced(
    world: World, count: int, *, commitments: list[Commitment], job_row_id: uuid.UUID | None = None
) -> list[CommitmentChangeOrder]:
    """`count` synced CCOs, dealt out over the commitments; number n is worth n + 1.

    All of one job: that of the row id, or each of one that is nowhere.
    """
    now = database_now()
    code = factories.CostCodeFactory.create(company=world.company)
    kind = factories.CostTypeFactory.create(company=world.company)
    change_orders = CommitmentChangeOrder.objects.bulk_create(
        CommitmentChangeOrder(
            commitment=commitments[n % len(commitments)],
            number=f"{n + 1:03}",
            title=f"Row {n + 1}",
            status=ChangeOrderStatus.APPROVED,
        )
        for n in range(count)
    )
    ChangeOrderLine.objects.bulk_create(
        ChangeOrderLine(
            change_order=co, position=1, description="Pile", cost_code=code, cost_type=kind, amount=n + 1
        )
        for n, co in enumerate(change_orders)
    )
    for step in factories.WAY_TO[ErpStatus.SYNCED]:
        CommitmentChangeOrder.objects.filter(pk__in=[co.pk for co in change_orders]).update(erp_status=step)
    ChangeOrderLink.objects.bulk_create(
        ChangeOrderLink(
            connection=world.connection,
            change_order=co,
            row_id=uuid.uuid4(),
            record_number=str(90_000 + n),
            linked_at=now,
            linked_by_name=LINKER.name,
            last_seen_at=now,
            number=f"N-{n + 1}",
            job_record_number="2611",
            job_row_id=job_row_id or uuid.uuid4(),
            phase="0",
            subcontract_record_number="1201",
            erp_amount=Decimal(n + 1),
            cco_number=co.number,
            cco_title=co.title,
            project_number=co.commitment.project.number,
            project_name=co.commitment.project.name,
            commitment_number=co.commitment.number,
            commitment_title=co.commitment.title,
            contract_company=co.commitment.vendor.name,
        )
        for n, co in enumerate(change_orders)
    )
    return change_orders

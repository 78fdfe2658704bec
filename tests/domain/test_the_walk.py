"""The ERP status of a CCO: the table of `product.md`, and a database that knows no other way."""

from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus
from erp_integrations.models import Export
from erp_integrations.workflow.erp_statuses import TRANSITIONS, Step
from tests import factories
from tests.sendable import accept, approved_cco, send, tied_commitment
from tests.world import World

WAYS = {(before, after) for (before, _), after in TRANSITIONS.items()}


def _cco_in(world: World, status: ErpStatus) -> CommitmentChangeOrder:
    return world.synced_cco() if status == ErpStatus.SYNCED else world.free_cco(erp_status=status)


def test_every_step_leads_from_where_it_is_possible() -> None:
    assert {step for _, step in TRANSITIONS} == set(Step)
    assert len(TRANSITIONS) == 16


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in product(ErpStatus, ErpStatus) if pair[0] != pair[1] and pair not in WAYS],
)
def test_the_database_knows_no_other_way(world: World, before: ErpStatus, after: ErpStatus) -> None:
    cco = _cco_in(world, before)

    with pytest.raises(IntegrityError, match="no way leads from"), transaction.atomic():
        CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=after)

    cco.refresh_from_db()
    assert cco.erp_status == before


@pytest.mark.parametrize("way", sorted(way for way in WAYS if ErpStatus.SYNCED not in way))
def test_the_database_lets_pass_what_the_table_names(world: World, way: tuple[ErpStatus, ErpStatus]) -> None:
    """But for the ways that take a link: those are shown where links are made and cut."""
    before, after = way
    cco = _cco_in(world, before)

    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=after)

    cco.refresh_from_db()
    assert cco.erp_status == after


@pytest.mark.parametrize("status", [status for status in ErpStatus if status != ErpStatus.NOT_IN_ERP])
def test_a_cco_begins_outside_the_erp(world: World, status: ErpStatus) -> None:
    with (
        pytest.raises(IntegrityError, match="begins outside the ERP"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO commitments_commitmentchangeorder"
            " (commitment_id, number, title, description, status, erp_status, amount, created_at)"
            " VALUES (%s, '900', 'New', '', 'DRAFT', %s, 0, now())",
            [world.commitment.pk, status],
        )


# --- what else the database keeps of a round ---


@pytest.mark.parametrize(
    "change",
    [
        {"prepared": {"number": "another"}},
        {"draft": {}},
        {"erp_number": "9-9"},
        {"writer": "worksheet"},
        {"by_hand": True},
        {"accepted_by_name": "somebody else"},
        {"sent_by_id": 1},
    ],
)
def test_what_was_signed_off_is_never_rewritten(world: World, change: dict[str, Any]) -> None:
    cco = approved_cco(tied_commitment(world))
    approver = world.person()
    send(world, cco, by=approver)
    export = accept(world, cco, by=approver)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Export.objects.filter(pk=export.pk).update(**change)

    assert Export.objects.filter(pk=export.pk, erp_number="9-1", writer="sandbox").exists()


def test_a_tied_commitment_keeps_its_contract_company(world: World) -> None:
    commitment = tied_commitment(world)
    other = factories.VendorFactory.create(company=world.company)

    with pytest.raises(IntegrityError, match="keeps its project, contract company"), transaction.atomic():
        Commitment.objects.filter(pk=commitment.pk).update(vendor=other)

    commitment.refresh_from_db()
    assert commitment.vendor != other

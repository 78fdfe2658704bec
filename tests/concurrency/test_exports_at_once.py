"""Two people, or many clicks, on one CCO's way into Sage: one of them does it, the others are told."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import User
from erp_integrations.exports import review, run_export, submit
from erp_integrations.ledger.actors import PLUMBLINE
from erp_integrations.models import ChangeOrderLink, EventKind, Export
from erp_integrations.workflow.errors import ExportInProgress, NotPossibleNow, PreviewChanged
from tests.concurrency.crowd import all_at_once
from tests.sendable import (
    accept,
    actor,
    approved_cco,
    books_of,
    key_in,
    preview,
    send,
    status_of,
    tied_commitment,
)
from tests.world import World

CROWD = 8


@pytest.fixture
def approver(committed_world: World) -> User:
    tied_commitment(committed_world)
    return committed_world.person()


def _sent(world: World, by: User) -> CommitmentChangeOrder:
    cco = approved_cco(world.project.commitments.get())
    send(world, cco, by=by)
    return cco


def test_two_people_accept_at_once_and_one_of_them_did(committed_world: World, approver: User) -> None:
    cco = _sent(committed_world, approver)
    people = [approver, committed_world.person("colleague")]
    token = preview(committed_world, cco).token

    outcomes = all_at_once(
        [
            partial(
                review.accept_change_order,
                company_id=committed_world.company.pk,
                change_order_id=cco.pk,
                erp_number="9-1",
                writer="sandbox",
                token=token,
                actor=actor(person),
            )
            for person in people
        ]
    )

    assert Counter(type(one) for one in outcomes) == {Export: 1, NotPossibleNow: 1}
    assert status_of(cco) == ErpStatus.EXPORTING
    assert len(committed_world.events(kind=EventKind.ACCEPTED)) == 1


def test_many_clicks_on_export_write_one_record(committed_world: World, approver: User) -> None:
    cco = _sent(committed_world, approver)
    accept(committed_world, cco, by=approver)
    before = books_of(committed_world)

    outcomes = all_at_once(
        [
            partial(
                run_export.export_change_order,
                company_id=committed_world.company.pk,
                change_order_id=cco.pk,
                actor=actor(approver),
            )
        ]
        * CROWD
    )

    told = Counter(type(one) for one in outcomes)
    assert told[ChangeOrderLink] == 1
    assert told[ExportInProgress] + told[NotPossibleNow] == CROWD - 1
    assert len(books_of(committed_world)) == len(before) + 1
    assert status_of(cco) == ErpStatus.SYNCED


def test_retrieved_and_accepted_at_once_it_is_one_of_both(committed_world: World, approver: User) -> None:
    cco = _sent(committed_world, approver)
    token = preview(committed_world, cco).token
    keys: dict[str, Any] = {
        "company_id": committed_world.company.pk,
        "change_order_id": cco.pk,
        "actor": actor(approver),
    }

    outcomes = all_at_once(
        [
            partial(submit.retrieve_change_order, **keys),
            partial(review.accept_change_order, **keys, erp_number="9-1", writer="sandbox", token=token),
        ]
    )

    refused = [one for one in outcomes if isinstance(one, NotPossibleNow | PreviewChanged)]
    assert len(refused) == 1, outcomes
    assert status_of(cco) in (ErpStatus.NOT_IN_ERP, ErpStatus.EXPORTING)


def test_a_person_and_the_watcher_look_at_once_and_one_link_is_made(
    committed_world: World, approver: User
) -> None:
    cco = _sent(committed_world, approver)
    accept(committed_world, cco, by=approver, writer="worksheet")
    key_in(committed_world, cco)
    keys = {"company_id": committed_world.company.pk, "change_order_id": cco.pk}

    outcomes = all_at_once(
        [
            partial(run_export.export_change_order, **keys, actor=actor(approver)),
            partial(run_export.export_change_order, **keys, actor=PLUMBLINE),
        ]
    )

    assert sum(isinstance(one, ChangeOrderLink) for one in outcomes) == 1, outcomes
    assert ChangeOrderLink.objects.filter(change_order=cco).count() == 1

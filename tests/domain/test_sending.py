"""The project team sends a CCO to accounting, and takes it back."""

import pytest

from commitments.models import ChangeOrderStatus, CommitmentChangeOrder, ErpStatus
from companies.models import Level
from erp_integrations.exports import submit
from erp_integrations.models import EventKind, Export, ExportOutcome
from erp_integrations.workflow.errors import NotAllowed, NotPossibleNow, RulesBroken
from tests import factories
from tests.factories import walk_to
from tests.sendable import actor, approved_cco, send, status_of, tied_commitment
from tests.world import World


def _retrieve(world: World, cco: CommitmentChangeOrder, *, by: object) -> None:
    submit.retrieve_change_order(
        company_id=world.company.pk,
        change_order_id=cco.pk,
        actor=actor(by),  # type: ignore[arg-type]
    )


def test_what_keeps_every_rule_is_sent_and_told(world: World) -> None:
    cco = approved_cco(tied_commitment(world))
    sender = world.person("project-manager", erp_integrations=Level.NONE)

    export = send(world, cco, by=sender)

    assert status_of(cco) == ErpStatus.READY_TO_EXPORT
    assert (export.sent_by_id, export.ended_at, export.outcome) == (sender.pk, None, "")
    [event] = world.events(kind=EventKind.SENT)
    assert (event.subject_id, event.actor_name) == (cco.pk, sender.name)
    assert event.rights == "Admin on Commitments in Harbor Tower"


@pytest.mark.parametrize("level", [Level.NONE, Level.READ_ONLY, Level.STANDARD])
def test_sending_needs_admin_on_that_projects_commitments(world: World, level: Level) -> None:
    cco = approved_cco(tied_commitment(world))
    person = world.person(commitments=level)

    with pytest.raises(NotAllowed, match="Needs 'Admin' on Commitments in Harbor Tower"):
        send(world, cco, by=person)

    assert (status_of(cco), Export.objects.count()) == (ErpStatus.NOT_IN_ERP, 0)


def test_all_broken_rules_are_told_at_once_and_nothing_is_sent(world: World) -> None:
    commitment = factories.CommitmentFactory.create(
        project=factories.ProjectFactory.create(company=world.company)
    )
    cco = factories.ChangeOrderFactory.create(
        commitment=commitment, number="1234567890123", status=ChangeOrderStatus.DRAFT
    )

    with pytest.raises(RulesBroken) as refused:
        send(world, cco, by=world.person())

    assert [broken.code for broken in refused.value.broken] == [
        "number-length",
        "approved",
        "lines",
        "job-linked",
        "vendor-linked",
        "commitment-linked",
    ]
    assert (status_of(cco), Export.objects.count()) == (ErpStatus.NOT_IN_ERP, 0)
    assert world.events(kind=EventKind.SENT) == []


@pytest.mark.parametrize(
    "status", [ErpStatus.READY_TO_EXPORT, ErpStatus.EXPORTING, ErpStatus.FAILED_TO_EXPORT]
)
def test_what_accounting_holds_is_not_sent_again(world: World, status: ErpStatus) -> None:
    cco = approved_cco(tied_commitment(world))
    person = world.person()
    walk_to(cco, status)

    with pytest.raises(NotPossibleNow):
        send(world, cco, by=person)

    assert (status_of(cco), Export.objects.count()) == (status, 0)


def test_a_rejected_cco_is_sent_again_in_a_new_round(world: World) -> None:
    cco = approved_cco(tied_commitment(world))
    person = world.person()
    walk_to(cco, ErpStatus.REJECTED)

    send(world, cco, by=person)

    assert status_of(cco) == ErpStatus.READY_TO_EXPORT


def test_a_waiting_cco_is_retrieved_and_its_round_is_over(world: World) -> None:
    cco = approved_cco(tied_commitment(world))
    person = world.person()
    send(world, cco, by=person)

    _retrieve(world, cco, by=person)

    export = Export.objects.get(change_order=cco)
    assert status_of(cco) == ErpStatus.NOT_IN_ERP
    assert (export.outcome, export.ended_by_name) == (ExportOutcome.RETRIEVED, person.name)
    assert len(world.events(kind=EventKind.RETRIEVED)) == 1


def test_what_was_just_retrieved_is_not_retrieved_again(world: World) -> None:
    cco = approved_cco(tied_commitment(world))
    person = world.person()
    send(world, cco, by=person)
    _retrieve(world, cco, by=person)

    with pytest.raises(NotPossibleNow):
        _retrieve(world, cco, by=person)

    assert len(world.events(kind=EventKind.RETRIEVED)) == 1


def test_another_companys_cco_is_not_there(world: World) -> None:
    cco = approved_cco(tied_commitment(world))
    elsewhere = factories.CompanyFactory.create(slug="ridgeline")
    person = world.person()

    with pytest.raises(CommitmentChangeOrder.DoesNotExist):
        submit.send_change_order(company_id=elsewhere.pk, change_order_id=cco.pk, actor=actor(person))

    assert status_of(cco) == ErpStatus.NOT_IN_ERP


def test_a_cco_of_a_purchase_order_is_not_sent(world: World) -> None:
    commitment = tied_commitment(world)
    order = factories.CommitmentFactory.create(
        project=commitment.project, vendor=commitment.vendor, kind="PURCHASE_ORDER"
    )
    cco = factories.ChangeOrderFactory.create(commitment=order, status=ChangeOrderStatus.APPROVED)

    with pytest.raises(RulesBroken, match="Change orders of purchase orders are not sent"):
        send(world, cco, by=world.person())

    assert status_of(cco) == ErpStatus.NOT_IN_ERP

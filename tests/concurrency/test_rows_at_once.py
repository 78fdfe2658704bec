"""Rows that two transactions write at once are right afterwards."""

from collections import Counter
from decimal import Decimal
from functools import partial

from commitments.models import ChangeOrderLine, CommitmentChangeOrder, ErpStatus
from erp_integrations.connections import connect
from erp_integrations.models import ChangeOrderLink, Connection
from erp_integrations.ports import ServerParts
from erp_integrations.workflow import errors
from erp_integrations.workflow.errors import NotPossibleNow, RecordTaken
from tests import factories
from tests.concurrency.crowd import all_at_once
from tests.world import LINKER, World


def test_lines_that_are_added_at_once_are_all_in_the_sum(committed_world: World) -> None:
    cco = committed_world.free_cco(amount="100.00")
    model = cco.lines.get()

    def add(place: int) -> None:
        ChangeOrderLine.objects.create(
            change_order=cco,
            position=1000 + place,
            description="Steel",
            cost_code=model.cost_code,
            cost_type=model.cost_type,
            amount=Decimal("1.25"),
        )

    outcomes = all_at_once([partial(add, place) for place in range(16)])

    assert outcomes == [None] * 16
    cco.refresh_from_db()
    assert cco.amount == Decimal("120.00")


def test_lines_that_are_added_changed_and_deleted_at_once(committed_world: World) -> None:
    cco = committed_world.free_cco(amount="100.00")
    model = cco.lines.get()
    others = [
        ChangeOrderLine.objects.create(
            change_order=cco,
            position=2000 + place,
            description="Steel",
            cost_code=model.cost_code,
            cost_type=model.cost_type,
            amount=Decimal("10.00"),
        )
        for place in range(8)
    ]

    def change(line: ChangeOrderLine) -> None:
        ChangeOrderLine.objects.filter(pk=line.pk).update(amount=3)

    all_at_once([line.delete for line in others[:4]] + [partial(change, line) for line in others[4:]])

    cco.refresh_from_db()
    assert cco.amount == sum(line.amount for line in cco.lines.all()) == Decimal("112.00")


def test_two_ccos_linked_to_one_record_at_once(committed_world: World) -> None:
    world = committed_world
    ccos = [world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT) for _ in range(2)]

    outcomes = all_at_once([partial(world.link, cco, "present") for cco in ccos])

    assert Counter(type(outcome) for outcome in outcomes) == {ChangeOrderLink: 1, RecordTaken: 1}
    link_made = ChangeOrderLink.objects.get()
    statuses = {cco.pk: cco.erp_status for cco in CommitmentChangeOrder.objects.all()}
    assert statuses.pop(link_made.change_order_id or 0) == ErpStatus.SYNCED
    assert set(statuses.values()) == {ErpStatus.READY_TO_EXPORT}
    assert len(world.events(kind="LINKED")) == 1


def test_one_cco_linked_to_two_records_at_once(committed_world: World) -> None:
    world = committed_world
    cco = world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)

    outcomes = all_at_once([partial(world.link, cco, scenario) for scenario in ("present", "void")])

    assert Counter(type(outcome) for outcome in outcomes) == {
        ChangeOrderLink: 1,
        NotPossibleNow: 1,
    }


def test_checks_and_settings_of_one_connection_at_once_lose_no_revision(committed_world: World) -> None:
    world = committed_world
    before = world.fresh_connection()
    address = connect.Address(kind=before.kind, database=before.database, sandbox_path=world.place)

    outcomes = all_at_once(
        [lambda: connect.set_connection(company=world.company, address=address, actor=LINKER)] * 4
        + [lambda: connect.check_connection(connection_id=before.pk, actor=LINKER)] * 4
    )

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    after = Connection.objects.get()
    assert after.revision == before.revision + 4
    assert after.accepted_incarnation == before.accepted_incarnation


def test_of_forms_that_were_filled_in_at_once_one_is_stored(committed_world: World) -> None:
    """For a company that has a connection, and for one that has none that could be locked."""
    without = factories.CompanyFactory.create()
    for company, shown in ((committed_world.company, committed_world.connection.revision), (without, 0)):
        outcomes = all_at_once(
            [
                partial(
                    connect.set_connection,
                    company=company,
                    address=ServerParts(server=f"sage{place}", database="x", login="a", password="b"),
                    actor=LINKER,
                    revision=shown,
                )
                for place in range(6)
            ]
        )

        assert Counter(type(outcome) for outcome in outcomes) == {
            Connection: 1,
            errors.ConnectionChanged: 5,
        }
        assert Connection.objects.get(company=company).revision == shown + 1

"""The links of jobs, vendors and commitments have an end; what is built on them keeps them."""

from collections.abc import Callable

import pytest

from commitments.models import Commitment
from companies.models import Level, User
from erp_integrations.ledger.actors import Actor
from erp_integrations.models import CommitmentLink, EventKind, JobLink, LinkEvent, VendorLink, Via
from erp_integrations.record_links import operations as record_links
from erp_integrations.record_links.unlink_record import (
    take_back_commitment_link,
    unlink_job,
    unlink_vendor,
)
from erp_integrations.workflow.errors import LinkInUse, NotAllowed, RecordNotLinked
from tests.domain.refusing import refused_by, run
from tests.sendable import accept as sign_off
from tests.sendable import actor, approved_cco, export, key_in, send, tied_commitment
from tests.world import LINKER, World

LINKS = (JobLink, VendorLink, CommitmentLink)


@pytest.fixture
def commitment(world: World) -> Commitment:
    return tied_commitment(world)


@pytest.fixture
def approver(world: World, commitment: Commitment) -> User:
    assert commitment.project.company == world.company
    return world.person()


def _active() -> list[int]:
    return [model.objects.filter(unlinked_at=None).count() for model in LINKS]


def _end_all(commitment: Commitment, person: Actor) -> None:
    take_back_commitment_link(commitment=commitment, actor=person)
    unlink_vendor(vendor=commitment.vendor, actor=person)
    unlink_job(project=commitment.project, actor=person)


def test_from_the_commitment_up_every_link_is_ended_and_can_be_made_again(
    world: World, commitment: Commitment, approver: User
) -> None:
    before = _active()

    _end_all(commitment, actor(approver))

    assert _active() == [count - 1 for count in before]
    ended = LinkEvent.objects.filter(kind=EventKind.UNLINKED).order_by("id")
    assert [(one.subject_kind, one.actor_name) for one in ended] == [
        ("commitment", approver.name),
        ("vendor", approver.name),
        ("project", approver.name),
    ]
    job = JobLink.objects.get(project=commitment.project)
    assert job.unlinked_by_name == approver.name
    record_links.link_job(project=commitment.project, record_number=job.record_number, actor=LINKER)
    assert world.project == commitment.project
    assert JobLink.objects.filter(project=commitment.project, unlinked_at=None).count() == 1


def test_a_job_and_a_vendor_stay_linked_while_a_commitment_under_them_is(
    commitment: Commitment, approver: User
) -> None:
    before = _active()
    record = CommitmentLink.objects.get(commitment=commitment).record_number

    acts: tuple[Callable[[], object], ...] = (
        lambda: unlink_job(project=commitment.project, actor=actor(approver)),
        lambda: unlink_vendor(vendor=commitment.vendor, actor=actor(approver)),
    )
    for act in acts:
        with pytest.raises(LinkInUse) as refusal:
            act()
        assert refusal.value.in_the_way[0] == f"Commitment {commitment.number} is linked to record {record}"
    assert _active() == before
    assert not LinkEvent.objects.filter(kind=EventKind.UNLINKED).exists()


def test_the_database_refuses_it_too(commitment: Commitment) -> None:
    for table in ("joblink", "vendorlink"):
        with refused_by("link_ends_unused"):
            run(
                f"UPDATE erp_integrations_{table} SET unlinked_at = clock_timestamp(), unlinked_by_name = 'x'"
                " WHERE unlinked_at IS NULL"
            )
    assert CommitmentLink.objects.filter(commitment=commitment, unlinked_at=None).exists()


def test_a_commitment_is_not_taken_back_once_something_was_exported_under_it(
    world: World, commitment: Commitment, approver: User
) -> None:
    cco = approved_cco(commitment)
    send(world, cco, by=approver)
    sign_off(world, cco, by=approver, writer="worksheet")
    for _ in ("Exporting", "Synced"):
        with pytest.raises(LinkInUse) as refusal:
            take_back_commitment_link(commitment=commitment, actor=actor(approver))
        assert refusal.value.in_the_way == ("CCO 900 was linked or exported under it",)
        with refused_by("commitment_link_ends_unused"):
            run(
                "UPDATE erp_integrations_commitmentlink SET unlinked_at = clock_timestamp(),"
                " unlinked_by_name = 'x' WHERE commitment_id = %s",
                commitment.pk,
            )
        if _ == "Exporting":
            key_in(world, cco)
            export(world, cco, by=approver)
    assert CommitmentLink.objects.filter(commitment=commitment, unlinked_at=None).exists()


def test_what_is_not_linked_is_told_so(commitment: Commitment, approver: User) -> None:
    _end_all(commitment, actor(approver))
    count = LinkEvent.objects.count()

    acts: tuple[Callable[[], object], ...] = (
        lambda: take_back_commitment_link(commitment=commitment, actor=actor(approver)),
        lambda: unlink_vendor(vendor=commitment.vendor, actor=actor(approver)),
        lambda: unlink_job(project=commitment.project, actor=actor(approver)),
    )
    for act in acts:
        with pytest.raises(RecordNotLinked):
            act()
    assert LinkEvent.objects.count() == count


def test_who_may_not_ends_nothing(world: World, commitment: Commitment, approver: User) -> None:
    reader = world.person("reader", erp_integrations=Level.READ_ONLY)
    without_privilege = world.person("without", can_push_to_accounting=False)
    before = _active()

    for person in (reader, without_privilege):
        with pytest.raises(NotAllowed):
            take_back_commitment_link(commitment=commitment, actor=actor(person))
    with pytest.raises(NotAllowed):
        unlink_job(project=commitment.project, actor=actor(reader))
    with pytest.raises(NotAllowed):
        unlink_vendor(vendor=commitment.vendor, actor=Actor(user_id=None, name="nobody", via=Via.PAGE))

    assert _active() == before
    assert approver.pk

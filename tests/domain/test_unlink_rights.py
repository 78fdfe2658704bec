"""Unlink: who may, before Sage is asked and still when it has answered."""

from collections.abc import Callable

import pytest

from companies.models import (
    CompanyToolPermission,
    Level,
    Membership,
    ProjectToolPermission,
    User,
)
from erp_integrations.ledger.actors import Actor
from erp_integrations.links.unlink import unlink_change_order
from erp_integrations.models import AttemptState, UnlinkAttempt, Via
from erp_integrations.workflow.errors import NotAllowed, StillInErp
from tests import factories
from tests.domain.readers import Moments
from tests.world import World

LACKING = {
    "Commitments": (
        {"commitments": Level.STANDARD},
        "Needs 'Admin' on Commitments in Harbor Tower; you have 'Standard'",
    ),
    "ERP Integrations": (
        {"erp_integrations": Level.READ_ONLY},
        "Needs 'Standard' or 'Admin' on ERP Integrations; you have 'Read Only'",
    ),
    "the privilege": (
        {"can_push_to_accounting": False},
        "Needs Can Push to Accounting, which support grants",
    ),
}
"""What a person lacks, and in which words they are told."""


def assert_nothing_happened(world: World, moments: Moments, *, events: int) -> None:
    assert moments.asked == []
    assert UnlinkAttempt.objects.count() == 0
    assert len(world.events()) == events


@pytest.mark.parametrize("lacking", LACKING)
def test_without_one_of_the_three_requirements_sage_is_not_even_asked(
    world: World, moments: Moments, lacking: str
) -> None:
    cco = world.synced_cco()
    levels, words = LACKING[lacking]
    person = world.person(**levels)  # type: ignore[arg-type]
    world.delete_in_sage(cco)
    before, events = world.before(cco), len(world.events())

    with pytest.raises(NotAllowed) as refusal:
        world.unlink(cco, by=person)

    assert refusal.value.missing == (words,)
    assert world.before(cco) == before
    assert_nothing_happened(world, moments, events=events)


def test_from_the_admin_nobody_unlinks_whatever_they_may_on_the_page(world: World, moments: Moments) -> None:
    cco, person = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    before, events = world.before(cco), len(world.events())

    with pytest.raises(NotAllowed) as refusal:
        unlink_change_order(
            company_id=world.company.pk,
            change_order_id=cco.pk,
            actor=Actor(user_id=person.pk, name=person.name, via=Via.ADMIN),
        )

    assert refusal.value.missing == ("Needs an active entry in the company's Directory",)
    assert world.before(cco) == before
    assert_nothing_happened(world, moments, events=events)


def test_everything_that_is_missing_is_told_at_once(world: World) -> None:
    cco = world.synced_cco()
    person = world.person(commitments=Level.NONE, erp_integrations=Level.NONE, can_push_to_accounting=False)

    with pytest.raises(NotAllowed) as refusal:
        world.unlink(cco, by=person)

    assert len(refusal.value.missing) == 3


def test_admin_on_another_project_does_not_help(world: World, moments: Moments) -> None:
    """Not even where the company's first CCO is."""
    other = factories.ProjectFactory.create(company=world.company)
    factories.ChangeOrderFactory.create(commitment=factories.CommitmentFactory.create(project=other))
    cco = world.synced_cco()
    person = world.person(commitments=Level.NONE)
    ProjectToolPermission.objects.filter(membership__user=person, project=other).update(level=Level.ADMIN)
    before, events = world.before(cco), len(world.events())

    with pytest.raises(NotAllowed):
        world.unlink(cco, by=person)

    assert world.before(cco) == before
    assert_nothing_happened(world, moments, events=events)


def leave_the_company(person: User) -> None:
    Membership.objects.filter(user=person).delete()


def be_taken_off_the_directory(person: User) -> None:
    Membership.objects.filter(user=person).update(is_active=False)


def lose_the_account(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def lose_the_privilege(person: User) -> None:
    Membership.objects.filter(user=person).update(can_push_to_accounting=False)


def lose_admin_on_commitments(person: User) -> None:
    ProjectToolPermission.objects.filter(membership__user=person).update(level=Level.STANDARD)


def lose_all_of_commitments(person: User) -> None:
    ProjectToolPermission.objects.filter(membership__user=person).delete()


def lose_standard_on_erp_integrations(person: User) -> None:
    CompanyToolPermission.objects.filter(membership__user=person).update(level=Level.READ_ONLY)


GONE_PEOPLE = [leave_the_company, be_taken_off_the_directory, lose_the_account]
LOST_RIGHTS = [
    *GONE_PEOPLE,
    lose_the_privilege,
    lose_admin_on_commitments,
    lose_all_of_commitments,
    lose_standard_on_erp_integrations,
]


@pytest.mark.parametrize("become", GONE_PEOPLE, ids=lambda act: act.__name__)
def test_who_is_no_active_member_any_more_may_not_unlink(
    world: World, moments: Moments, become: Callable[[User], None]
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    become(approver)
    before, events = world.before(cco), len(world.events())

    with pytest.raises(NotAllowed) as refusal:
        world.unlink(cco, by=approver)

    assert refusal.value.missing == ("Needs an active entry in the company's Directory",)
    assert world.before(cco) == before
    assert_nothing_happened(world, moments, events=events)


def test_nobody_may_not_unlink(world: World, moments: Moments) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    before, events = world.before(cco), len(world.events())

    with pytest.raises(NotAllowed):
        unlink_change_order(
            company_id=world.company.pk,
            change_order_id=cco.pk,
            actor=Actor(user_id=None, name="Nobody", via=Via.COMMAND),
        )

    assert world.before(cco) == before
    assert_nothing_happened(world, moments, events=events)


def test_rights_in_another_company_are_none_here(world: World, moments: Moments) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    other = factories.CompanyFactory.create(slug="ridgeline")
    outsider = factories.UserFactory.create(username="outsider")
    membership = factories.MembershipFactory.create(company=other, user=outsider, can_push_to_accounting=True)
    CompanyToolPermission.objects.create(membership=membership, tool="ERP_INTEGRATIONS", level=Level.ADMIN)
    before, events = world.before(cco), len(world.events())
    for company in (world.company, other):
        with pytest.raises(NotAllowed) as refusal:
            unlink_change_order(
                company_id=company.pk,
                change_order_id=cco.pk,
                actor=Actor(user_id=outsider.pk, name="outsider", via=Via.PAGE),
            )
        assert refusal.value.missing == ("Needs an active entry in the company's Directory",)

    assert world.before(cco) == before
    assert_nothing_happened(world, moments, events=events)


# --- while Sage is asked -------------------------------------------------------------------------


@pytest.mark.parametrize("lose", LOST_RIGHTS, ids=lambda act: act.__name__)
def test_rights_lost_while_sage_is_asked_keep_the_link(
    committed_world: World, moments: Moments, lose: Callable[[User], None]
) -> None:
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    moments.after_looks = lambda: lose(approver)
    before = world.before(cco)

    with pytest.raises(NotAllowed) as refusal:
        world.unlink(cco, by=approver)

    assert refusal.value.missing
    assert world.before(cco) == before
    [attempt] = world.attempts(cco)
    assert (attempt.state, attempt.reason) == (AttemptState.NOT_ALLOWED, "rights-lost")
    assert attempt.verdict == "absent"
    [event] = world.events(kind="NOT_ALLOWED")
    assert event.attempt_id == attempt.pk
    if lose is lose_the_privilege:
        assert "Can Push to Accounting" not in event.rights


def test_who_lost_their_rights_is_not_told_what_sage_said(committed_world: World, moments: Moments) -> None:
    """Still in Sage is an answer, and answers are for those who may ask."""
    world = committed_world
    cco, approver = world.synced_cco(), world.person()
    moments.after_looks = lambda: lose_the_privilege(approver)

    with pytest.raises(NotAllowed):
        world.unlink(cco, by=approver)

    assert [event.kind for event in world.events()][-1] == "NOT_ALLOWED"


def test_rights_of_others_do_not_matter(committed_world: World, moments: Moments) -> None:
    world = committed_world
    cco, approver, colleague = world.synced_cco(), world.person(), world.person("colleague")
    moments.after_looks = lambda: lose_the_account(colleague)

    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    assert not world.link_of(cco).is_active

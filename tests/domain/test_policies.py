"""Who may do what: every combination of levels."""

from collections.abc import Callable
from itertools import product

import pytest
from pytest_django import DjangoAssertNumQueries

from commitments.policies import may_change_commitments, may_see_commitments
from companies.access import Access, Ruling, companies_of, find_access
from companies.clock import database_now
from companies.models import (
    CompanyTool,
    CompanyToolPermission,
    Level,
    Membership,
    Project,
    ProjectTool,
    ProjectToolPermission,
)
from erp_integrations.policies import (
    may_cancel_bulk_unlink,
    may_change_connection,
    may_check_connection,
    may_see_erp_integrations,
    may_unlink,
    may_use_sandbox,
)
from tests import factories
from tests.world import World

TOWER, OTHER = 1, 2


def access(
    *, commitments: Level = Level.NONE, erp: Level = Level.NONE, privilege: bool = False, project: int = TOWER
) -> Access:
    return Access(
        company_id=1,
        user_id=1,
        can_push_to_accounting=privilege,
        company_levels={CompanyTool.ERP_INTEGRATIONS: erp},
        project_levels={(project, ProjectTool.COMMITMENTS): commitments},
    )


@pytest.mark.parametrize(("commitments", "erp", "privilege"), list(product(Level, Level, [False, True])))
def test_unlinking_needs_all_three(commitments: Level, erp: Level, *, privilege: bool) -> None:
    viewer = access(commitments=commitments, erp=erp, privilege=privilege)

    ruling = may_unlink(viewer, project_id=TOWER, project_name="Harbor Tower")

    lacking = []
    if commitments != Level.ADMIN:
        lacking.append(f"Needs 'Admin' on Commitments in Harbor Tower; you have '{commitments.label}'")
    if erp not in (Level.STANDARD, Level.ADMIN):
        lacking.append(f"Needs 'Standard' or 'Admin' on ERP Integrations; you have '{erp.label}'")
    if not privilege:
        lacking.append("Needs Can Push to Accounting, which support grants")
    assert list(ruling.missing) == lacking
    assert bool(ruling) == (not lacking)
    assert ("Can Push to Accounting" in ruling.rights) == privilege
    assert f"{commitments.label} on Commitments in Harbor Tower" in ruling.rights
    assert f"{erp.label} on ERP Integrations" in ruling.rights


def test_a_level_counts_in_its_own_project_only() -> None:
    viewer = access(commitments=Level.ADMIN, erp=Level.ADMIN, privilege=True, project=OTHER)

    assert not may_unlink(viewer, project_id=TOWER, project_name="Harbor Tower")
    assert may_unlink(viewer, project_id=OTHER, project_name="Pier 9")


@pytest.mark.parametrize(
    ("may", "least"),
    [
        (may_see_erp_integrations, Level.READ_ONLY),
        (may_check_connection, Level.STANDARD),
        (may_use_sandbox, Level.STANDARD),
        (may_change_connection, Level.ADMIN),
    ],
)
@pytest.mark.parametrize("level", Level)
def test_erp_integrations_needs_its_level_and_nothing_else(
    may: Callable[[Access], Ruling], least: Level, level: Level
) -> None:
    ruling = may(access(commitments=Level.ADMIN, erp=level, privilege=True))

    assert bool(ruling) == (level >= least)
    if not ruling:
        [words] = ruling.missing
        assert words.startswith("Needs '")
        assert words.endswith(f"on ERP Integrations; you have '{level.label}'")


@pytest.mark.parametrize(
    ("may", "least"), [(may_see_commitments, Level.READ_ONLY), (may_change_commitments, Level.ADMIN)]
)
@pytest.mark.parametrize("level", Level)
def test_commitments_need_their_level_in_the_project(
    may: Callable[[Access, Project], Ruling], least: Level, level: Level
) -> None:
    tower = Project(pk=TOWER, name="Harbor Tower")

    assert bool(may(access(commitments=level, erp=Level.ADMIN, privilege=True), tower)) == (level >= least)
    assert not may(access(commitments=level, project=OTHER), tower)


# --- reading levels -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("erp", "started_by_id", "may"),
    [
        (Level.READ_ONLY, 1, True),
        (Level.NONE, 1, False),
        (Level.STANDARD, 2, False),
        (Level.ADMIN, 2, True),
    ],
)
def test_a_bulk_unlink_is_cancelled_by_whoever_began_it_or_an_erp_admin(
    erp: Level, started_by_id: int, *, may: bool
) -> None:
    assert bool(may_cancel_bulk_unlink(access(erp=erp), started_by_id=started_by_id)) == may


def test_access_says_at_which_moment_of_the_database_it_was_read(world: World) -> None:
    before = database_now()

    found = find_access(user_id=world.person().pk, company_id=world.company.pk)

    assert found is not None
    assert found.read_at is not None
    assert before < found.read_at < database_now()


def test_no_row_means_none(world: World) -> None:
    member = factories.MembershipFactory.create(company=world.company)

    found = find_access(user_id=member.user_id, company_id=world.company.pk)

    assert found is not None
    assert found.on_company(CompanyTool.ERP_INTEGRATIONS) == Level.NONE
    assert found.on_company(CompanyTool.DIRECTORY) == Level.NONE
    assert found.on_project(world.project.pk, ProjectTool.COMMITMENTS) == Level.NONE
    assert not found.can_push_to_accounting


def test_levels_are_read_in_one_query_however_many_projects_there_are(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    person = world.person()
    membership = Membership.objects.get(user=person)
    for _ in range(20):
        ProjectToolPermission.objects.create(
            membership=membership,
            project=factories.ProjectFactory.create(company=world.company),
            level=Level.ADMIN,
        )
    with django_assert_num_queries(1):
        found = find_access(user_id=person.pk, company_id=world.company.pk)
    assert found is not None
    assert len(found.project_levels) == 20


@pytest.mark.parametrize("who", ["stranger", "inactive entry", "inactive account"])
def test_only_active_members_have_access(world: World, who: str) -> None:
    person = world.person()
    if who == "stranger":
        person = factories.UserFactory.create()
    elif who == "inactive entry":
        Membership.objects.filter(user=person).update(is_active=False)
    else:
        person.is_active = False
        person.save()

    assert find_access(user_id=person.pk, company_id=world.company.pk) is None
    assert companies_of(person) == []


def test_a_superuser_has_no_rights_by_that_alone(world: World) -> None:
    support = factories.UserFactory.create(is_staff=True, is_superuser=True)

    assert find_access(user_id=support.pk, company_id=world.company.pk) is None


def test_levels_of_one_company_are_not_those_of_another(world: World) -> None:
    person = world.person()
    other = factories.MembershipFactory.create(user=person).company

    here = find_access(user_id=person.pk, company_id=world.company.pk)
    there = find_access(user_id=person.pk, company_id=other.pk)

    assert here is not None
    assert there is not None
    assert here.on_company(CompanyTool.ERP_INTEGRATIONS) == Level.STANDARD
    assert there.on_company(CompanyTool.ERP_INTEGRATIONS) == Level.NONE
    assert not there.can_push_to_accounting
    assert {company.slug for company in companies_of(person)} == {world.company.slug, other.slug}


def test_a_change_of_level_counts_at_once(world: World) -> None:
    person = world.person()
    CompanyToolPermission.objects.update(level=Level.NONE)

    found = find_access(user_id=person.pk, company_id=world.company.pk)

    assert found is not None
    assert not may_see_erp_integrations(found)

"""Company administrators change levels: of their own company, under a lock, with an event for each."""

from dataclasses import replace
from functools import partial

import pytest
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from companies.access import find_access
from companies.errors import DirectoryNotAllowed, LastAdministrator, LevelsChanged
from companies.models import CompanyTool, DirectoryEvent, Level, Membership, Project, ProjectTool, User
from companies.operations.change_levels import Levels, change_levels, levels_of
from tests import factories
from tests.concurrency.crowd import all_at_once
from tests.world import World


@pytest.fixture
def project(world: World) -> Project:
    return world.project


@pytest.fixture
def administrator(world: World) -> User:
    return world.person("company-admin", directory=Level.ADMIN, erp_integrations=Level.NONE)


@pytest.fixture
def analyst(world: World, project: Project) -> Membership:
    return world.person("analyst", commitments=Level.STANDARD).memberships.get()


def entry_of(person: User) -> Membership:
    return person.memberships.get()


def change(
    entry: Membership,
    *,
    actor: User,
    company: dict[CompanyTool, Level] | None = None,
    projects: dict[int, Level] | None = None,
    seen: str | None = None,
) -> int:
    current = levels_of(entry)
    wanted = Levels({**current.company, **(company or {})}, {**current.projects, **(projects or {})})
    return change_levels(
        company_id=entry.company_id,
        membership_id=entry.pk,
        seen=current.fingerprint if seen is None else seen,
        wanted=wanted,
        actor=actor,
    )


def events() -> QuerySet[DirectoryEvent]:
    return DirectoryEvent.objects.order_by("id")


def test_levels_count_at_once_and_every_change_is_an_event(
    analyst: Membership, administrator: User, project: Project
) -> None:
    count = change(
        analyst,
        actor=administrator,
        company={CompanyTool.DIRECTORY: Level.READ_ONLY},
        projects={project.pk: Level.ADMIN},
    )

    assert count == 2
    access = find_access(user_id=analyst.user_id, company_id=analyst.company_id)
    assert access is not None
    assert access.on_company(CompanyTool.DIRECTORY) == Level.READ_ONLY
    assert access.on_project(project.pk, ProjectTool.COMMITMENTS) == Level.ADMIN
    assert [(e.what, e.before, e.after) for e in events()] == [
        ("Directory", "None", "Read Only"),
        ("Commitments in Harbor Tower (2611)", "Standard", "Admin"),
    ]
    assert {(e.person_name, e.actor_name, e.rights) for e in events()} == {
        ("analyst", "company-admin", "Admin on Directory")
    }


def test_what_stays_the_same_is_no_event(analyst: Membership, administrator: User) -> None:
    assert change(analyst, actor=administrator) == 0
    assert not events().exists()


def test_a_level_can_be_taken_away(analyst: Membership, administrator: User, project: Project) -> None:
    change(analyst, actor=administrator, projects={project.pk: Level.NONE})

    access = find_access(user_id=analyst.user_id, company_id=analyst.company_id)
    assert access is not None
    assert access.on_project(project.pk, ProjectTool.COMMITMENTS) == Level.NONE


@pytest.mark.parametrize("level", [Level.NONE, Level.READ_ONLY, Level.STANDARD])
def test_less_than_admin_on_directory_changes_nothing(
    world: World, analyst: Membership, level: Level
) -> None:
    before = levels_of(analyst)

    with pytest.raises(DirectoryNotAllowed, match="Needs 'Admin' on Directory"):
        change(
            analyst,
            actor=world.person("somebody", directory=level),
            company={CompanyTool.DIRECTORY: Level.ADMIN},
        )

    assert levels_of(analyst) == before
    assert not events().exists()


def test_the_administrator_of_another_company_changes_nothing(
    analyst: Membership, administrator: User
) -> None:
    stranger = factories.MembershipFactory.create()
    before = levels_of(stranger)

    with pytest.raises(DirectoryNotAllowed):
        change(stranger, actor=administrator, company={CompanyTool.DIRECTORY: Level.ADMIN})
    with pytest.raises(Membership.DoesNotExist):
        change_levels(
            company_id=analyst.company_id,
            membership_id=stranger.pk,
            seen="",
            wanted=before,
            actor=administrator,
        )

    assert levels_of(stranger) == before
    assert not events().exists()


def test_an_administrator_who_was_deactivated_changes_nothing(
    analyst: Membership, administrator: User
) -> None:
    administrator.memberships.update(is_active=False)

    with pytest.raises(DirectoryNotAllowed):
        change(analyst, actor=administrator, company={CompanyTool.DIRECTORY: Level.ADMIN})

    assert not events().exists()


def test_a_form_that_was_made_before_another_change_is_refused(
    analyst: Membership, administrator: User, project: Project
) -> None:
    seen = levels_of(analyst).fingerprint
    change(analyst, actor=administrator, projects={project.pk: Level.READ_ONLY})

    with pytest.raises(LevelsChanged):
        change(analyst, actor=administrator, company={CompanyTool.DIRECTORY: Level.ADMIN}, seen=seen)

    assert levels_of(analyst).company[CompanyTool.DIRECTORY] == Level.NONE
    assert events().count() == 1


def test_the_last_administrator_stays_one(world: World, administrator: User) -> None:
    entry = entry_of(administrator)
    # Somebody who cannot act does not count.
    world.person("gone", directory=Level.ADMIN).memberships.update(is_active=False)
    User.objects.filter(pk=world.person("switched-off", directory=Level.ADMIN).pk).update(is_active=False)

    for level in (Level.NONE, Level.READ_ONLY, Level.STANDARD):
        with pytest.raises(LastAdministrator, match="Give another person 'Admin' on Directory first"):
            change(entry, actor=administrator, company={CompanyTool.DIRECTORY: level})

    assert levels_of(entry).company[CompanyTool.DIRECTORY] == Level.ADMIN
    assert not events().exists()


def test_with_a_second_administrator_the_first_may_step_back(world: World, administrator: User) -> None:
    world.person("second", directory=Level.ADMIN)

    change(entry_of(administrator), actor=administrator, company={CompanyTool.DIRECTORY: Level.NONE})

    assert levels_of(entry_of(administrator)).company[CompanyTool.DIRECTORY] == Level.NONE


def test_two_administrators_who_step_back_at_once_leave_one(committed_world: World) -> None:
    people = [committed_world.person(name, directory=Level.ADMIN) for name in ("first", "second")]

    def step_back(person: User) -> int:
        return change(entry_of(person), actor=person, company={CompanyTool.DIRECTORY: Level.NONE})

    outcomes = all_at_once([partial(step_back, person) for person in people])

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdministrator", "int"]
    administrators = [p for p in people if levels_of(entry_of(p)).company[CompanyTool.DIRECTORY]]
    assert len(administrators) == 1


def test_the_fingerprint_is_of_every_level(analyst: Membership, project: Project) -> None:
    levels = levels_of(analyst)

    assert levels.fingerprint == levels_of(analyst).fingerprint
    other = [
        replace(levels, company={**levels.company, CompanyTool.DIRECTORY: Level.ADMIN}),
        replace(levels, projects={project.pk: Level.ADMIN}),
        replace(levels, projects={}),
    ]
    assert len({levels.fingerprint, *(o.fingerprint for o in other)}) == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE companies_directoryevent SET after = 'Admin'",
        "DELETE FROM companies_directoryevent",
        "TRUNCATE companies_directoryevent",
    ],
)
def test_the_history_of_the_directory_is_for_good(
    analyst: Membership, administrator: User, statement: str
) -> None:
    change(analyst, actor=administrator, company={CompanyTool.DIRECTORY: Level.ADMIN})

    with (
        pytest.raises(DatabaseError, match="an event of the Directory is never"),
        transaction.atomic(),
        transaction.get_connection().cursor() as cursor,
    ):
        cursor.execute(statement)

    assert events().get().after == "Admin"


def test_the_history_outlives_the_person(analyst: Membership, administrator: User) -> None:
    change(analyst, actor=administrator, company={CompanyTool.DIRECTORY: Level.ADMIN})

    analyst.user.delete()
    administrator.delete()

    assert (events().get().person_name, events().get().actor_name) == ("analyst", "company-admin")

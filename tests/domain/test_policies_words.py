"""What a ruling says: to the person, which requirement is missing; to the ledger, which rights were used."""

from collections.abc import Callable

import pytest

from commitments.policies import may_change_commitments, may_see_commitments
from companies.access import Access, Ruling, companies_of, find_access
from companies.models import CompanyTool, Level, Project, ProjectTool
from erp_integrations.policies import (
    may_change_connection,
    may_check_connection,
    may_see_erp_integrations,
    may_unlink,
    may_use_sandbox,
)
from tests import factories
from tests.domain.test_policies import TOWER, access
from tests.world import World

ANY_LEVEL = [Level.READ_ONLY, Level.STANDARD, Level.ADMIN]
"""What there is to name; of None the words are told by the refusals."""


@pytest.mark.parametrize(
    ("may", "least"),
    [
        (may_see_erp_integrations, "'Read Only' or more"),
        (may_check_connection, "'Standard' or 'Admin'"),
        (may_use_sandbox, "'Standard' or 'Admin'"),
        (may_change_connection, "'Admin'"),
    ],
)
def test_a_refusal_about_erp_integrations_names_the_level_it_takes(
    may: Callable[[Access], Ruling], least: str
) -> None:
    assert may(access()) == Ruling(
        (f"Needs {least} on ERP Integrations; you have 'None'",), "None on ERP Integrations"
    )


@pytest.mark.parametrize("may", [may_see_erp_integrations, may_check_connection, may_use_sandbox])
def test_a_permission_on_erp_integrations_names_the_right_that_was_used(
    may: Callable[[Access], Ruling],
) -> None:
    assert may(access(erp=Level.STANDARD)) == Ruling((), "Standard on ERP Integrations")


@pytest.mark.parametrize(
    ("may", "least"), [(may_see_commitments, "'Read Only' or more"), (may_change_commitments, "'Admin'")]
)
def test_a_refusal_about_commitments_names_the_level_and_the_project(
    may: Callable[[Access, Project], Ruling], least: str
) -> None:
    tower = Project(pk=TOWER, name="Harbor Tower")

    assert may(access(), tower) == Ruling(
        (f"Needs {least} on Commitments in Harbor Tower; you have 'None'",),
        "None on Commitments in Harbor Tower",
    )
    assert may(access(commitments=Level.ADMIN), tower) == Ruling((), "Admin on Commitments in Harbor Tower")


@pytest.mark.parametrize("erp", ANY_LEVEL)
@pytest.mark.parametrize(("privilege", "words"), [(True, ", Can Push to Accounting"), (False, "")])
def test_the_ledger_reads_all_three_rights_of_whoever_unlinks(
    erp: Level, words: str, *, privilege: bool
) -> None:
    viewer = access(commitments=Level.ADMIN, erp=erp, privilege=privilege)

    ruling = may_unlink(viewer, project_id=TOWER, project_name="Harbor Tower")

    assert ruling.rights == f"Admin on Commitments in Harbor Tower, {erp.label} on ERP Integrations{words}"


@pytest.mark.parametrize("privilege", [True, False])
def test_access_is_of_one_person_in_one_company_and_holds_just_what_was_granted(
    world: World, *, privilege: bool
) -> None:
    project = world.project
    person = world.person(can_push_to_accounting=privilege)

    assert find_access(user_id=person.pk, company_id=world.company.pk) == Access(
        company_id=world.company.pk,
        user_id=person.pk,
        can_push_to_accounting=privilege,
        company_levels={CompanyTool.ERP_INTEGRATIONS: Level.STANDARD},
        project_levels={(project.pk, ProjectTool.COMMITMENTS): Level.ADMIN},
    )


def test_companies_are_listed_by_name_and_of_the_same_name_the_older_first(world: World) -> None:
    person = world.person()
    older, newer, first = (
        factories.CompanyFactory.create(slug=slug, name=name)
        for slug, name in (("z-2", "Zeta"), ("z-1", "Zeta"), ("alpha", "Alpha"))
    )
    # Written anew and tied to them in another order than theirs, so that neither rows nor joins give it away.
    for company in (newer, first, older):
        company.save()
        factories.MembershipFactory.create(user=person, company=company)

    assert companies_of(person) == [first, world.company, older, newer]

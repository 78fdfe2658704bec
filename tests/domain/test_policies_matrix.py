"""Every named question about rights asks the matrix about its own act, in its own project."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from commitments import policies as commitments
from companies.access import Access, Ruling
from companies.models import CompanyTool, Level, Project, ProjectTool
from companies.permissions import MATRIX, Act, ruling_on
from erp_integrations import policies as erp

TOWER, OTHER = 7, 8
PROJECT = Project(pk=TOWER, name="Harbor Tower")
IN_TOWER: dict[str, Any] = {"project_id": TOWER, "project_name": "Harbor Tower"}
WORDS = {
    Level.READ_ONLY: "'Read Only' or more",
    Level.STANDARD: "'Standard' or 'Admin'",
    Level.ADMIN: "'Admin'",
}

QUESTIONS: dict[Act, Callable[[Access], Ruling]] = {
    Act.UNLINK: lambda access: erp.may_unlink(access, **IN_TOWER),
    Act.RELINK: lambda access: erp.may_relink(access, **IN_TOWER),
    Act.MOVE_LINK: lambda access: erp.may_move_link(access, **IN_TOWER),
    Act.SEND: lambda access: erp.may_send(access, **IN_TOWER),
    Act.ACCEPT: erp.may_accept,
    Act.REJECT: erp.may_reject,
    Act.LINK_RECORDS: erp.may_link_records,
    Act.UNLINK_RECORDS: erp.may_unlink_records,
    Act.SEE_ERP_INTEGRATIONS: erp.may_see_erp_integrations,
    Act.CHANGE_CONNECTION: erp.may_change_connection,
    Act.STATE_DELETION: erp.may_state_deletion,
    Act.CHECK_CONNECTION: erp.may_check_connection,
    Act.CHECK_PRESENCE: erp.may_check_presence,
    Act.USE_SANDBOX: erp.may_use_sandbox,
    Act.SEE_COMMITMENTS: lambda access: commitments.may_see_commitments(access, PROJECT),
    Act.CHANGE_COMMITMENTS: lambda access: commitments.may_change_commitments(access, PROJECT),
    Act.SEE_CHANGE_HISTORY: lambda access: commitments.may_see_change_history(access, PROJECT),
    Act.SEE_DIRECTORY: lambda access: ruling_on(Act.SEE_DIRECTORY, access),
    Act.CHANGE_LEVELS: lambda access: ruling_on(Act.CHANGE_LEVELS, access),
}


def _access(
    here: Level, erp_level: Level = Level.NONE, directory: Level = Level.NONE, *, privilege: bool = False
) -> Access:
    """Somebody with a level in Harbor Tower, and Admin in another project, which never counts there."""
    return Access(
        company_id=1,
        user_id=1,
        can_push_to_accounting=privilege,
        company_levels={CompanyTool.ERP_INTEGRATIONS: erp_level, CompanyTool.DIRECTORY: directory},
        project_levels={
            (TOWER, ProjectTool.COMMITMENTS): here,
            (OTHER, ProjectTool.COMMITMENTS): Level.ADMIN,
        },
    )


def test_every_act_has_its_question() -> None:
    assert set(QUESTIONS) == set(MATRIX) == set(Act)


@pytest.mark.parametrize("act", Act)
def test_a_question_says_exactly_what_the_matrix_says(act: Act) -> None:
    needs = MATRIX[act]
    for here, erp_level, directory, privilege in product(Level, Level, Level, (False, True)):
        tools = (
            ("Commitments in Harbor Tower", needs.commitments, here),
            ("ERP Integrations", needs.erp_integrations, erp_level),
            ("Directory", needs.directory, directory),
        )
        asked = [one for one in tools if one[1] != Level.NONE]
        missing = [
            f"Needs {WORDS[least]} on {tool}; you have '{level.label}'"
            for tool, least, level in asked
            if level < least
        ]
        rights = [f"{level.label} on {tool}" for tool, _, level in asked]
        if needs.can_push_to_accounting:
            (rights if privilege else missing).append(
                "Can Push to Accounting"
                if privilege
                else "Needs Can Push to Accounting, which support grants"
            )

        ruling = QUESTIONS[act](_access(here, erp_level, directory, privilege=privilege))

        assert ruling == Ruling(tuple(missing), ", ".join(rights))


def test_without_a_project_nobody_has_a_level_in_one() -> None:
    everywhere = Access(
        company_id=1,
        user_id=1,
        can_push_to_accounting=True,
        project_levels={(number, ProjectTool.COMMITMENTS): Level.ADMIN for number in (1, 2)},
    )

    assert ruling_on(Act.SEND, everywhere).missing == ("Needs 'Admin' on Commitments in ; you have 'None'",)

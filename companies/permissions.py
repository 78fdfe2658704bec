"""The permission matrix: what every act requires, as data. Policies, pages and tests read this table.

The levels are those of the reference product's published matrices for ERP Integrations and Commitments,
unless `product.md` says otherwise. "Create and edit" is one task per kind of record there and one act here,
because both need the same level.
"""

from dataclasses import dataclass
from enum import StrEnum

from companies.access import Access, Ruling
from companies.models import CompanyTool, Level, ProjectTool


class Act(StrEnum):
    """An act, as the matrix names it."""

    SEE_ERP_INTEGRATIONS = "see ERP Integrations"
    CHECK_CONNECTION = "check the connection"
    CHANGE_CONNECTION = "change the connection"
    STATE_DELETION = "state or confirm that records were deleted in the ERP"
    CHECK_PRESENCE = "ask the ERP whether records are still there"
    USE_SANDBOX = "act as an accountant in the practice company"
    LINK_RECORDS = "tie projects, vendors and commitments to their records"
    UNLINK_RECORDS = "unlink projects and vendors"
    ACCEPT = "accept, export and retry a CCO"
    REJECT = "reject a CCO"
    UNLINK = "unlink a CCO"
    RELINK = "relink a CCO"
    MOVE_LINK = "move a CCO's link to another record"

    SEE_COMMITMENTS = "see commitments and CCOs"
    CHANGE_COMMITMENTS = "create and edit commitments and CCOs, approve and delete CCOs"
    SEE_CHANGE_HISTORY = "see the change history"
    SEND = "send a CCO to the ERP, retrieve and re-send it"

    SEE_DIRECTORY = "see the Directory"
    CHANGE_LEVELS = "change people's levels"


@dataclass(frozen=True, slots=True)
class Needs:
    """The minimum level on each tool, all of them required; None when the tool does not matter."""

    commitments: Level = Level.NONE
    """On the project's own Commitments tool."""
    erp_integrations: Level = Level.NONE
    directory: Level = Level.NONE
    can_push_to_accounting: bool = False


MATRIX: dict[Act, Needs] = {
    Act.SEE_ERP_INTEGRATIONS: Needs(erp_integrations=Level.READ_ONLY),
    Act.CHECK_CONNECTION: Needs(erp_integrations=Level.STANDARD),
    Act.CHANGE_CONNECTION: Needs(erp_integrations=Level.ADMIN),
    Act.STATE_DELETION: Needs(erp_integrations=Level.ADMIN),
    Act.CHECK_PRESENCE: Needs(erp_integrations=Level.STANDARD),
    Act.USE_SANDBOX: Needs(erp_integrations=Level.STANDARD),
    Act.LINK_RECORDS: Needs(erp_integrations=Level.STANDARD, can_push_to_accounting=True),
    Act.UNLINK_RECORDS: Needs(erp_integrations=Level.STANDARD),
    Act.ACCEPT: Needs(erp_integrations=Level.STANDARD, can_push_to_accounting=True),
    Act.REJECT: Needs(erp_integrations=Level.STANDARD, can_push_to_accounting=True),
    Act.UNLINK: Needs(Level.ADMIN, Level.STANDARD, can_push_to_accounting=True),
    Act.RELINK: Needs(Level.ADMIN, Level.STANDARD, can_push_to_accounting=True),
    Act.MOVE_LINK: Needs(Level.ADMIN, Level.STANDARD, can_push_to_accounting=True),
    Act.SEE_COMMITMENTS: Needs(commitments=Level.READ_ONLY),
    Act.CHANGE_COMMITMENTS: Needs(commitments=Level.ADMIN),
    Act.SEE_CHANGE_HISTORY: Needs(commitments=Level.ADMIN),
    Act.SEND: Needs(commitments=Level.ADMIN),
    Act.SEE_DIRECTORY: Needs(directory=Level.READ_ONLY),
    Act.CHANGE_LEVELS: Needs(directory=Level.ADMIN),
}

LEAST = {
    Level.READ_ONLY: "'Read Only' or more",
    Level.STANDARD: "'Standard' or 'Admin'",
    Level.ADMIN: "'Admin'",
}
"""A minimum level, as text."""


def ruling_on(act: Act, access: Access, *, project_id: int = 0, project_name: str = "") -> Ruling:
    """Whether this person may do this now. The project is needed when the act needs Commitments."""
    needs = MATRIX[act]
    requirements = (
        (
            f"Commitments in {project_name}",
            needs.commitments,
            access.on_project(project_id, ProjectTool.COMMITMENTS),
        ),
        ("ERP Integrations", needs.erp_integrations, access.on_company(CompanyTool.ERP_INTEGRATIONS)),
        ("Directory", needs.directory, access.on_company(CompanyTool.DIRECTORY)),
    )
    missing, rights = [], []
    for tool, least, level in requirements:
        if least == Level.NONE:
            continue
        rights.append(f"{level.label} on {tool}")
        if level < least:
            missing.append(f"Needs {LEAST[least]} on {tool}; you have '{level.label}'")
    if needs.can_push_to_accounting and access.can_push_to_accounting:
        rights.append("Can Push to Accounting")
    elif needs.can_push_to_accounting:
        missing.append("Needs Can Push to Accounting, which support grants")
    return Ruling(tuple(missing), ", ".join(rights))

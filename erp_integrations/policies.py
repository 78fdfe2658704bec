"""Who may do what with the ERP, and when it is left in peace. Pure: reads nothing but its arguments."""

from dataclasses import replace
from datetime import datetime, timedelta

from companies.access import Access, Ruling
from companies.models import CompanyTool, Level, ProjectTool
from erp_integrations.models import Connection
from erp_integrations.ports import ServerParts

SHORTEST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=30)
_MOST_DOUBLINGS = 5
"""Enough to get from the shortest rest to the longest."""


def may_unlink(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """The three requirements, all together: the project's Commitments, ERP Integrations, the privilege."""
    commitments = access.on_project(project_id, ProjectTool.COMMITMENTS)
    erp = access.on_company(CompanyTool.ERP_INTEGRATIONS)
    missing = []
    if commitments < Level.ADMIN:
        missing.append(f"Needs 'Admin' on Commitments in {project_name}; you have '{commitments.label}'")
    if erp < Level.STANDARD:
        missing.append(f"Needs 'Standard' or 'Admin' on ERP Integrations; you have '{erp.label}'")
    if not access.can_push_to_accounting:
        missing.append("Needs Can Push to Accounting, which support grants")
    rights = f"{commitments.label} on Commitments in {project_name}, {erp.label} on ERP Integrations" + (
        ", Can Push to Accounting" if access.can_push_to_accounting else ""
    )
    return Ruling(tuple(missing), rights)


def may_see_erp_integrations(access: Access) -> Ruling:
    return _needs_erp_level(access, Level.READ_ONLY, "'Read Only' or more")


def may_change_connection(access: Access) -> Ruling:
    """Point the company at other books, or accept another database as its own."""
    return _needs_erp_level(access, Level.ADMIN, "'Admin'")


def may_check_connection(access: Access) -> Ruling:
    return _needs_erp_level(access, Level.STANDARD, "'Standard' or 'Admin'")


def may_use_sandbox(access: Access) -> Ruling:
    """Act as an accountant in the practice company."""
    return _needs_erp_level(access, Level.STANDARD, "'Standard' or 'Admin'")


def may_keep_password(stored: ServerParts, wanted: ServerParts) -> bool:
    """Whether the stored password would go where it goes now: same server, login, driver and encryption.

    Otherwise somebody who does not know it could send it to a server of their own. What a form cannot show
    may say where the password goes, too.
    """
    door = replace(
        stored,
        database=wanted.database,
        password=wanted.password,
        application_name=wanted.application_name,
    )
    return door == wanted and not stored.others


def rests_until(connection: Connection) -> datetime | None:
    """Until when nothing but a person's own click should ask; None while the last answer was good.

    One minute after a first failure, twice as long after each further one, never more than half an hour. The
    moment may have passed already.
    Whatever asks in the background must call this first and leave the ERP alone before that moment: a server
    in trouble is not helped by being asked. People's clicks always ask.
    """
    if not connection.failures_in_a_row or connection.last_failure_at is None:
        return None
    doublings = min(connection.failures_in_a_row - 1, _MOST_DOUBLINGS)
    return connection.last_failure_at + min(SHORTEST_REST * (1 << doublings), LONGEST_REST)


def _needs_erp_level(access: Access, least: Level, words: str) -> Ruling:
    level = access.on_company(CompanyTool.ERP_INTEGRATIONS)
    rights = f"{level.label} on ERP Integrations"
    if level >= least:
        return Ruling(rights=rights)
    return Ruling((f"Needs {words} on ERP Integrations; you have '{level.label}'",), rights)

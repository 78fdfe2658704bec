"""Who may do what with the ERP. Pure: asks an `Access`, answers with a `Ruling`; reads nothing."""

from companies.access import Access, Ruling
from companies.models import CompanyTool, Level, ProjectTool


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
    """Accept another database as the company's books."""
    return _needs_erp_level(access, Level.ADMIN, "'Admin'")


def may_check_connection(access: Access) -> Ruling:
    return _needs_erp_level(access, Level.STANDARD, "'Standard' or 'Admin'")


def may_use_sandbox(access: Access) -> Ruling:
    """Act as an accountant in the practice company."""
    return _needs_erp_level(access, Level.STANDARD, "'Standard' or 'Admin'")


def _needs_erp_level(access: Access, least: Level, words: str) -> Ruling:
    level = access.on_company(CompanyTool.ERP_INTEGRATIONS)
    rights = f"{level.label} on ERP Integrations"
    if level >= least:
        return Ruling(rights=rights)
    return Ruling((f"Needs {words} on ERP Integrations; you have '{level.label}'",), rights)

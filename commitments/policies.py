"""Who may do what with a project's commitments. Pure: asks an `Access`, answers with a `Ruling`."""

from companies.access import Access, Ruling
from companies.models import Level, Project, ProjectTool


def may_see_commitments(access: Access, project: Project) -> Ruling:
    return _needs(access, project, Level.READ_ONLY, "'Read Only' or more")


def may_change_commitments(access: Access, project: Project) -> Ruling:
    """Set a CCO to Draft, or delete it."""
    return _needs(access, project, Level.ADMIN, "'Admin'")


def _needs(access: Access, project: Project, least: Level, words: str) -> Ruling:
    level = access.on_project(project.pk, ProjectTool.COMMITMENTS)
    rights = f"{level.label} on Commitments in {project.name}"
    if level >= least:
        return Ruling(rights=rights)
    return Ruling((f"Needs {words} on Commitments in {project.name}; you have '{level.label}'",), rights)

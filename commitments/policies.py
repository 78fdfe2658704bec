"""Who may do what with a project's commitments. Pure: asks an `Access`, answers with a `Ruling`."""

from companies.access import Access, Ruling
from companies.models import Project
from companies.permissions import Act, ruling_on


def may_see_commitments(access: Access, project: Project) -> Ruling:
    return ruling_on(Act.SEE_COMMITMENTS, access, project_id=project.pk, project_name=project.name)


def may_change_commitments(access: Access, project: Project) -> Ruling:
    """Create and edit commitments and CCOs, approve and delete CCOs."""
    return ruling_on(Act.CHANGE_COMMITMENTS, access, project_id=project.pk, project_name=project.name)


def may_see_change_history(access: Access, project: Project) -> Ruling:
    return ruling_on(Act.SEE_CHANGE_HISTORY, access, project_id=project.pk, project_name=project.name)

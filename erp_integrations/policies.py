"""Who may do what with the ERP. Pure: asks an `Access`, answers with a `Ruling`; reads nothing."""

from companies.access import Access, Ruling
from companies.permissions import Act, ruling_on


def may_unlink(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """The three requirements, all together: the project's Commitments, ERP Integrations, the privilege."""
    return ruling_on(Act.UNLINK, access, project_id=project_id, project_name=project_name)


def may_relink(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """The same three: undoing an unlink is no smaller thing than the unlink."""
    return ruling_on(Act.RELINK, access, project_id=project_id, project_name=project_name)


def may_send(access: Access, *, project_id: int, project_name: str) -> Ruling:
    """Send a CCO to the ERP, retrieve it, send it again: the project team's side."""
    return ruling_on(Act.SEND, access, project_id=project_id, project_name=project_name)


def may_accept(access: Access) -> Ruling:
    """Accept, export and retry: the accounting approver's side."""
    return ruling_on(Act.ACCEPT, access)


def may_reject(access: Access) -> Ruling:
    return ruling_on(Act.REJECT, access)


def may_link_records(access: Access) -> Ruling:
    """Tie projects, vendors and commitments to their records."""
    return ruling_on(Act.LINK_RECORDS, access)


def may_see_erp_integrations(access: Access) -> Ruling:
    return ruling_on(Act.SEE_ERP_INTEGRATIONS, access)


def may_change_connection(access: Access) -> Ruling:
    """Set the connection, and accept another database as the company's books."""
    return ruling_on(Act.CHANGE_CONNECTION, access)


def may_check_connection(access: Access) -> Ruling:
    return ruling_on(Act.CHECK_CONNECTION, access)


def may_use_sandbox(access: Access) -> Ruling:
    """Act as an accountant in the practice company."""
    return ruling_on(Act.USE_SANDBOX, access)

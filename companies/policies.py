"""Who may do what with the Directory. Pure: reads only its arguments, returns a `Ruling`."""

from companies.access import Access, Ruling
from companies.models import Level
from companies.permissions import Act, ruling_on


def may_see_directory(access: Access) -> Ruling:
    return ruling_on(Act.SEE_DIRECTORY, access)


def may_change_levels(access: Access) -> Ruling:
    """Give people levels on tools, as company administrators do. Never the privilege."""
    return ruling_on(Act.CHANGE_LEVELS, access)


def is_accounting_approver(*, erp_integrations: Level, can_push_to_accounting: bool) -> bool:
    """'Standard' or 'Admin' on ERP Integrations, together with Can Push to Accounting."""
    return can_push_to_accounting and erp_integrations >= Level.STANDARD

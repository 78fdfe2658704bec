"""Which people of a company may do a thing, by name."""

from dataclasses import dataclass

from companies.models import CompanyTool, Level, Membership, ProjectTool
from companies.permissions import MATRIX, Act

MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Able:
    """Some names, and how many others there are."""

    names: tuple[str, ...]
    more: int


def people_who_may(act: Act, *, company_id: int, project_id: int = 0) -> Able:
    """The company's active people whose levels are enough now, by username; two queries."""
    needs = MATRIX[act]
    people = Membership.objects.filter(company_id=company_id, is_active=True, user__is_active=True)
    for tool, least in (
        (CompanyTool.ERP_INTEGRATIONS, needs.erp_integrations),
        (CompanyTool.DIRECTORY, needs.directory),
    ):
        if least > Level.NONE:
            people = people.filter(company_levels__tool=tool, company_levels__level__gte=least)
    if needs.commitments > Level.NONE:
        people = people.filter(
            project_levels__project_id=project_id,
            project_levels__tool=ProjectTool.COMMITMENTS,
            project_levels__level__gte=needs.commitments,
        )
    if needs.can_push_to_accounting:
        people = people.filter(can_push_to_accounting=True)
    some = people.select_related("user").order_by("user__username")[:MOST_NAMES]
    names = tuple(membership.user.name for membership in some)
    return Able(names, more=people.count() - len(names))

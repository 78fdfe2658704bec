"""The one module that reads levels. Everybody who must know what a person may do asks it."""

from dataclasses import dataclass, field

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONArray

from companies.models import (
    Company,
    CompanyTool,
    CompanyToolPermission,
    Level,
    Membership,
    ProjectTool,
    ProjectToolPermission,
    User,
)


@dataclass(frozen=True, slots=True)
class Access:
    """What one person may do in one company, as it stood when it was read."""

    company_id: int
    user_id: int
    can_push_to_accounting: bool
    company_levels: dict[str, Level] = field(default_factory=dict)
    project_levels: dict[tuple[int, str], Level] = field(default_factory=dict)

    def on_company(self, tool: CompanyTool) -> Level:
        return self.company_levels.get(tool, Level.NONE)

    def on_project(self, project_id: int, tool: ProjectTool) -> Level:
        return self.project_levels.get((project_id, tool), Level.NONE)


def find_access(*, user_id: int, company_id: int) -> Access | None:
    """The person's access to the company now; None for anybody who is not an active member of it.

    One query, however many projects there are. Always reads the database: a right that was taken away
    counts at once, in an open session too.
    """
    found = (
        Membership.objects.filter(
            user_id=user_id, company_id=company_id, is_active=True, user__is_active=True
        )
        .values_list(
            "can_push_to_accounting",
            _levels(CompanyToolPermission, "tool"),
            _levels(ProjectToolPermission, "project_id", "tool"),
        )
        .first()
    )
    if found is None:
        return None
    can_push_to_accounting, of_company, of_projects = found
    levels = {level.value: level for level in Level}
    return Access(
        company_id=company_id,
        user_id=user_id,
        can_push_to_accounting=can_push_to_accounting,
        company_levels={tool: levels[level] for tool, level in of_company or ()},
        project_levels={(project_id, tool): levels[level] for project_id, tool, level in of_projects or ()},
    )


def _levels(model: type[CompanyToolPermission | ProjectToolPermission], *subject: str) -> Subquery:
    """All levels of the entry on one kind of tool, as a list of lists: the subject, then the level."""
    of_entry = model.objects.filter(membership=OuterRef("pk")).order_by().values("membership")
    return Subquery(of_entry.values(all=JSONBAgg(JSONArray(*subject, "level"))))


def companies_of(user: User) -> list[Company]:
    """The companies the person is an active member of, by name."""
    return list(
        Company.objects.filter(
            memberships__user=user, memberships__is_active=True, memberships__user__is_active=True
        ).order_by("name", "id")
    )


@dataclass(frozen=True, slots=True)
class Ruling:
    """A policy's answer whether somebody may do a thing: true when nothing is missing.

    `missing` is for the page, `rights` for the ledger.
    """

    missing: tuple[str, ...] = ()
    rights: str = ""

    def __bool__(self) -> bool:
        return not self.missing

"""Reads levels on tools from the database. No other module does."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONArray

from companies.clock import StatementClock
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
    """What one person may do in one company, at the moment of reading."""

    company_id: int
    user_id: int
    can_push_to_accounting: bool
    company_levels: dict[str, Level] = field(default_factory=dict)
    project_levels: dict[tuple[int, str], Level] = field(default_factory=dict)
    read_at: datetime | None = field(default=None, compare=False)
    """The database's time of the reading; None when it was not read from the database."""

    def on_company(self, tool: CompanyTool) -> Level:
        return self.company_levels.get(tool, Level.NONE)

    def on_project(self, project_id: int, tool: ProjectTool) -> Level:
        return self.project_levels.get((project_id, tool), Level.NONE)


def find_access(*, user_id: int, company_id: int) -> Access | None:
    """The person's access to the company now; None for a person who is not an active member.

    One query, however many projects there are. Always reads the database, so that a revoked right is gone at
    once, also in an open session.
    """
    found = (
        Membership.objects.filter(
            user_id=user_id, company_id=company_id, is_active=True, user__is_active=True
        )
        .values_list(
            "can_push_to_accounting",
            _levels(CompanyToolPermission, "tool"),
            _levels(ProjectToolPermission, "project_id", "tool"),
            StatementClock(),
        )
        .first()
    )
    if found is None:
        return None
    can_push_to_accounting, of_company, of_projects, read_at = found
    levels = {level.value: level for level in Level}
    return Access(
        company_id=company_id,
        user_id=user_id,
        can_push_to_accounting=can_push_to_accounting,
        company_levels={tool: levels[level] for tool, level in of_company or ()},
        project_levels={(project_id, tool): levels[level] for project_id, tool, level in of_projects or ()},
        read_at=read_at,
    )


def _levels(model: type[CompanyToolPermission | ProjectToolPermission], *subject: str) -> Subquery:
    """All levels of a membership on one kind of tool, as lists of the subject and the level."""
    permissions = model.objects.filter(membership=OuterRef("pk")).order_by().values("membership")
    return Subquery(permissions.values(all=JSONBAgg(JSONArray(*subject, "level"))))


def companies_of(user: User) -> list[Company]:
    """The companies of which the person is an active member, by name."""
    return list(
        Company.objects.filter(
            memberships__user=user, memberships__is_active=True, memberships__user__is_active=True
        ).order_by("name", "id")
    )


@dataclass(frozen=True, slots=True)
class Ruling:
    """A policy's decision whether a person may do something. True when nothing is missing.

    `missing` is shown on the page, `rights` is recorded in the ledger.
    """

    missing: tuple[str, ...] = ()
    rights: str = ""

    def __bool__(self) -> bool:
        return not self.missing

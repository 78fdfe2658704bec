"""The one module that reads levels. Everybody who must know what a person may do asks it."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

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
    """What one person may do in one company, as it stood when it was read."""

    company_id: int
    user_id: int
    can_push_to_accounting: bool
    company_levels: dict[str, Level] = field(default_factory=dict)
    project_levels: dict[tuple[int, str], Level] = field(default_factory=dict)
    read_at: datetime | None = field(default=None, compare=False)
    """By the database's clock, at that very statement; None where it was not read from there."""

    def on_company(self, tool: CompanyTool) -> Level:
        return self.company_levels.get(tool, Level.NONE)

    def on_project(self, project_id: int, tool: ProjectTool) -> Level:
        return self.project_levels.get((project_id, tool), Level.NONE)


def find_access(*, user_id: int, company_id: int) -> Access | None:
    """The person's access to the company now; None for anybody who is not an active member of it.

    One query, however many projects there are. Always reads the database: a right that was taken away
    counts at once, in an open session too.
    """
    membership = (
        Membership.objects.filter(
            user_id=user_id, company_id=company_id, is_active=True, user__is_active=True
        )
        .annotate(
            on_company=ArraySubquery(
                CompanyToolPermission.objects.filter(membership=OuterRef("pk")).values(
                    row=JSONObject(tool="tool", level="level")
                )
            ),
            on_projects=ArraySubquery(
                ProjectToolPermission.objects.filter(membership=OuterRef("pk")).values(
                    row=JSONObject(project="project_id", tool="tool", level="level")
                )
            ),
            read_at=StatementClock(),
        )
        .values("can_push_to_accounting", "on_company", "on_projects", "read_at")
        .first()
    )
    if membership is None:
        return None
    return Access(
        company_id=company_id,
        user_id=user_id,
        can_push_to_accounting=membership["can_push_to_accounting"],
        company_levels={row["tool"]: Level(row["level"]) for row in membership["on_company"]},
        project_levels={
            (row["project"], row["tool"]): Level(row["level"]) for row in membership["on_projects"]
        },
        read_at=membership["read_at"],
    )


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

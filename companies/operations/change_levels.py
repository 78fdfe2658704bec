"""Changes the levels of an entry, as company administrators do."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from companies.access import find_access
from companies.clock import database_now
from companies.errors import DirectoryNotAllowed, LastAdministrator, LevelsChanged
from companies.models import (
    Company,
    CompanyTool,
    CompanyToolPermission,
    DirectoryEventKind,
    Level,
    Membership,
    Project,
    ProjectTool,
    ProjectToolPermission,
    User,
)
from companies.operations.record_history import append_event
from companies.policies import may_change_levels


@dataclass(frozen=True, slots=True)
class Levels:
    """All levels of an entry: on company tools, and on Commitments by project id."""

    company: dict[CompanyTool, Level]
    projects: dict[int, Level]

    @property
    def fingerprint(self) -> str:
        """Changes when a level changes or a project is added or removed."""
        facts = [*sorted(self.company.items()), *sorted(self.projects.items())]
        return hashlib.sha256(repr([(key, int(level)) for key, level in facts]).encode()).hexdigest()


def levels_of(membership: Membership) -> Levels:
    """The current levels; None when there is no row. Three queries."""
    company = {row.tool: Level(row.level) for row in membership.company_levels.all()}
    projects = {
        row.project_id: Level(row.level)
        for row in membership.project_levels.all()
        if row.tool == ProjectTool.COMMITMENTS
    }
    ids = Project.objects.filter(company_id=membership.company_id).values_list("id", flat=True)
    return Levels(
        company={tool: company.get(tool, Level.NONE) for tool in CompanyTool},
        projects={project_id: projects.get(project_id, Level.NONE) for project_id in ids},
    )


@transaction.atomic(durable=True)
def change_levels(*, company_id: int, membership_id: int, seen: str, wanted: Levels, actor: User) -> int:
    """Gives an entry these levels and returns how many changed. Each change is an event.

    `seen` is the fingerprint of the levels that the actor was shown. Projects that are not in `wanted` keep
    their level. Raises `Membership.DoesNotExist` when the company has no such entry, `DirectoryNotAllowed`,
    `LevelsChanged`, `LastAdministrator`.
    """
    # Locked, so that two administrators cannot remove each other at the same time.
    company = Company.objects.select_for_update(no_key=True).get(pk=company_id)
    access = find_access(user_id=actor.pk, company_id=company_id)
    ruling = may_change_levels(access) if access else None
    membership = Membership.objects.select_related("user", "company").get(
        pk=membership_id, company_id=company_id
    )
    if not ruling:
        raise DirectoryNotAllowed(
            ruling.missing if ruling is not None else ("Needs an active entry in the Directory",)
        )
    current = levels_of(membership)
    if current.fingerprint != seen:
        raise LevelsChanged
    _refuse_for_last_administrator(membership, company, wanted)
    change = _Change(membership, actor=actor, rights=ruling.rights, now=database_now())
    named = current.projects.keys() & wanted.projects.keys()
    return sum(
        [
            *(
                change.on_company(tool, level, wanted.company[tool])
                for tool, level in current.company.items()
            ),
            *(
                change.on_project(project, current.projects[project.pk], wanted.projects[project.pk])
                for project in Project.objects.filter(pk__in=named).order_by("number")
            ),
        ]
    )


def _refuse_for_last_administrator(membership: Membership, company: Company, wanted: Levels) -> None:
    """A company keeps at least one active entry with 'Admin' on Directory."""
    if wanted.company[CompanyTool.DIRECTORY] >= Level.ADMIN:
        return
    if set(active_administrators(company).values_list("id", flat=True)) == {membership.pk}:
        raise LastAdministrator(company.name)


def active_administrators(*companies: Company) -> QuerySet[Membership]:
    """The active entries that may change levels in these companies."""
    return Membership.objects.filter(
        company__in=companies,
        is_active=True,
        user__is_active=True,
        company_levels__tool=CompanyTool.DIRECTORY,
        company_levels__level=Level.ADMIN,
    )


def name_of_level(project: Project) -> str:
    """The name of a project's Commitments level in the history."""
    return f"Commitments in {project.name} ({project.number})"


@dataclass(frozen=True, slots=True)
class _Change:
    membership: Membership
    actor: User
    rights: str
    now: datetime

    def on_company(self, tool: CompanyTool, before: Level, after: Level) -> bool:
        if before == after:
            return False
        CompanyToolPermission.objects.update_or_create(
            membership=self.membership, tool=tool, defaults={"level": after}
        )
        self._record(tool.label, before, after)
        return True

    def on_project(self, project: Project, before: Level, after: Level) -> bool:
        if before == after:
            return False
        ProjectToolPermission.objects.update_or_create(
            membership=self.membership,
            project=project,
            tool=ProjectTool.COMMITMENTS,
            defaults={"level": after},
        )
        self._record(name_of_level(project), before, after)
        return True

    def _record(self, what: str, before: Level, after: Level) -> None:
        append_event(
            kind=DirectoryEventKind.LEVEL_CHANGED,
            membership=self.membership,
            actor=self.actor,
            now=self.now,
            rights=self.rights,
            what=what,
            before=before.label,
            after=after.label,
        )

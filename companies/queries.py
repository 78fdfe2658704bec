"""Reads of the Directory."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core.paginator import Page as PageOfRows
from django.core.paginator import Paginator
from django.db.models import Count, Model, Q, QuerySet
from django.urls import reverse

from companies.access import Access
from companies.models import (
    Company,
    CompanyTool,
    DirectoryEvent,
    Level,
    Membership,
    Outcome,
    PrivilegeRequest,
    Project,
    ProjectTool,
    ProjectToolPermission,
)
from companies.operations.change_levels import Levels
from companies.permissions import MATRIX, Act
from companies.policies import is_accounting_approver
from companies.view_models import (
    EntryEvent,
    LevelLine,
    MissingPrivilege,
    Page,
    PersonFacts,
    PersonRow,
    Requested,
)

Searched = TypeVar("Searched", bound=Model)

PAGE_SIZE = 50
EVENTS_SHOWN = 100
MOST_NAMES = 4
SEARCHED = ("user__first_name", "user__last_name", "user__username", "user__email")


def people(company: Company, *, q: str, page: int) -> tuple[tuple[PersonRow, ...], Page]:
    """One page of the company's entries, by name, that contain every word of `q`."""
    entries = _searched(Membership.objects.filter(company=company), q, SEARCHED)
    # By offset, not by keyset: a company has hundreds of people, not millions.
    shown = Paginator(
        entries.select_related("user")
        .prefetch_related("company_levels")
        .order_by("user__last_name", "user__first_name", "user__username"),
        PAGE_SIZE,
    ).get_page(page)
    commitments = _commitments_in_words([entry.pk for entry in shown])
    rows = tuple(_row(company, entry, commitments[entry.pk]) for entry in shown)
    return rows, _page(shown, q=q)


def find_entry(company: Company, membership_id: int) -> Membership | None:
    return (
        Membership.objects.filter(company=company, pk=membership_id)
        .select_related("user", "company")
        .prefetch_related("company_levels", "project_levels")
        .first()
    )


def accounting_approvers(company: Company) -> QuerySet[Membership]:
    """The active entries of the accounting approvers; see `is_accounting_approver`."""
    return Membership.objects.filter(
        company=company,
        is_active=True,
        user__is_active=True,
        can_push_to_accounting=True,
        company_levels__tool=CompanyTool.ERP_INTEGRATIONS,
        company_levels__level__gte=Level.STANDARD,
    )


def members_with_level(
    company: Company, tool: CompanyTool, level: Level = Level.ADMIN
) -> QuerySet[Membership]:
    """The active entries with at least that level on a company tool."""
    return Membership.objects.filter(
        company=company,
        is_active=True,
        user__is_active=True,
        company_levels__tool=tool,
        company_levels__level__gte=level,
    )


@dataclass(frozen=True, slots=True)
class PeopleAllowed:
    """Some of the people who may do something, by name."""

    names: tuple[str, ...]
    more: int
    """How many others there are."""


def find_people_allowed(act: Act, *, company_id: int, project_id: int = 0) -> PeopleAllowed:
    """The company's active people whose levels are enough now, by username; two queries."""
    needs = MATRIX[act]
    members = Membership.objects.filter(company_id=company_id, is_active=True, user__is_active=True)
    for tool, least in (
        (CompanyTool.ERP_INTEGRATIONS, needs.erp_integrations),
        (CompanyTool.DIRECTORY, needs.directory),
    ):
        if least > Level.NONE:
            members = members.filter(company_levels__tool=tool, company_levels__level__gte=least)
    if needs.commitments > Level.NONE:
        members = members.filter(
            project_levels__project_id=project_id,
            project_levels__tool=ProjectTool.COMMITMENTS,
            project_levels__level__gte=needs.commitments,
        )
    if needs.can_push_to_accounting:
        members = members.filter(can_push_to_accounting=True)
    some = members.select_related("user").order_by("user__username")[:MOST_NAMES]
    names = tuple(membership.user.name for membership in some)
    return PeopleAllowed(names, more=members.count() - len(names))


def own_entry_id(access: Access) -> int:
    """The id of the person's own entry. Raises `Membership.DoesNotExist`."""
    return Membership.objects.only("id").get(company_id=access.company_id, user_id=access.user_id).pk


def facts_of(entry: Membership, access: Access) -> PersonFacts:
    return PersonFacts(
        name=entry.user.name,
        username=entry.user.username,
        email=entry.user.email,
        is_active=entry.is_active and entry.user.is_active,
        is_own=entry.user_id == access.user_id,
        is_approver=_is_approver(entry),
        can_push_to_accounting=entry.can_push_to_accounting,
        subscribed_to_digest=entry.subscribed_to_digest,
    )


def projects_of(company: Company, *, ids: Iterable[int]) -> tuple[Project, ...]:
    """The projects among them that belong to the company."""
    return tuple(Project.objects.filter(company=company, pk__in=ids).order_by("number"))


def find_projects(company: Company, *, q: str, page: int, at: str) -> tuple[tuple[Project, ...], Page]:
    """One page of the company's projects, by number, that have every word of `q` in number or name.

    `at` is the URL of the page that shows them.
    """
    projects = _searched(Project.objects.filter(company=company).order_by("number"), q, ("number", "name"))
    shown = Paginator(projects, PAGE_SIZE).get_page(page)
    return tuple(shown), _page(shown, at=at, project=q)


def projects_url(at: str, *, q: str, page: int) -> str:
    """The URL `at` with the same projects shown."""
    return _page_url(page if page > 1 else None, at=at, project=q)


def level_lines(levels: Levels, projects: tuple[Project, ...]) -> tuple[LevelLine, ...]:
    """Levels for a read-only page: the company's tools, then each project's Commitments."""
    return (
        *(LevelLine(tool.label, level.label) for tool, level in levels.company.items()),
        *(
            LevelLine(f"Commitments in {project.name} ({project.number})", levels.projects[project.pk].label)
            for project in projects
        ),
    )


def find_open_request(entry: Membership) -> Requested | None:
    waiting = entry.privilege_requests.filter(outcome=Outcome.WAITING).first()
    return Requested(waiting.asked_at, waiting.asked_by_name, waiting.reason) if waiting else None


def events_of(entry: Membership) -> tuple[EntryEvent, ...]:
    """The history of the entry, newest first."""
    events = DirectoryEvent.objects.filter(membership_id=entry.pk).order_by("-id")[:EVENTS_SHOWN]
    return tuple(
        EntryEvent(
            at=event.at,
            by=event.actor_name,
            kind=event.get_kind_display(),
            what=event.what,
            before=event.before,
            after=event.after,
            reason=event.reason,
        )
        for event in events
    )


def find_missing_privilege(company: Company, access: Access) -> MissingPrivilege | None:
    """None for a person who has the privilege."""
    if access.can_push_to_accounting:
        return None
    asked_at = PrivilegeRequest.objects.filter(
        membership__company_id=access.company_id,
        membership__user_id=access.user_id,
        outcome=Outcome.WAITING,
    ).values_list("asked_at", flat=True)
    return MissingPrivilege(
        url=reverse("directory-own", args=[company.slug]) + "#can-push-to-accounting",
        requested_at=asked_at.first(),
    )


def _searched(rows: QuerySet[Searched], q: str, names: tuple[str, ...]) -> QuerySet[Searched]:
    for word in q.split():
        anywhere = Q()
        for name in names:
            anywhere |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(anywhere)
    return rows


def _row(company: Company, entry: Membership, commitments: str) -> PersonRow:
    return PersonRow(
        name=entry.user.name,
        username=entry.user.username,
        email=entry.user.email,
        url=reverse("directory-person", args=[company.slug, entry.pk]),
        is_active=entry.is_active and entry.user.is_active,
        is_approver=_is_approver(entry),
        directory=_level_on(entry, CompanyTool.DIRECTORY).label,
        erp_integrations=_level_on(entry, CompanyTool.ERP_INTEGRATIONS).label,
        commitments=commitments,
    )


def _level_on(entry: Membership, tool: CompanyTool) -> Level:
    """No query when the levels were prefetched."""
    return next((Level(row.level) for row in entry.company_levels.all() if row.tool == tool), Level.NONE)


def _is_approver(entry: Membership) -> bool:
    return is_accounting_approver(
        erp_integrations=_level_on(entry, CompanyTool.ERP_INTEGRATIONS),
        can_push_to_accounting=entry.can_push_to_accounting,
    )


def _commitments_in_words(entries: list[int]) -> dict[int, str]:
    """`Admin on 3 projects, Standard on 1`; one query for all entries."""
    counts = (
        ProjectToolPermission.objects.filter(
            membership_id__in=entries, tool=ProjectTool.COMMITMENTS, level__gt=Level.NONE
        )
        .values_list("membership_id", "level")
        .annotate(Count("id"))
        .order_by("-level")
    )
    words: dict[int, list[str]] = defaultdict(list)
    for entry, level, count in counts:
        noun = "" if words[entry] else " project" if count == 1 else " projects"
        words[entry].append(f"{Level(level).label} on {count}{noun}")
    return defaultdict(lambda: Level.NONE.label, {entry: ", ".join(parts) for entry, parts in words.items()})


def _page(shown: PageOfRows[Any], *, at: str = "", **words: str) -> Page:
    return Page(
        first=shown.start_index(),
        last=shown.end_index(),
        total=shown.paginator.count,
        previous_url=_page_url(shown.previous_page_number(), at=at, **words) if shown.has_previous() else "",
        next_url=_page_url(shown.next_page_number(), at=at, **words) if shown.has_next() else "",
    )


def _page_url(page: int | None, *, at: str, **words: str) -> str:
    parameters = {name: value for name, value in {**words, "page": str(page or "")}.items() if value}
    return f"{at}?{urlencode(parameters)}" if parameters else at

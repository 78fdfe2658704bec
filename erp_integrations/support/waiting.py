"""What waits for support: the number of each kind, up to a limit, and the oldest few."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from companies.models import GIVEN_UP, Company, Outcome, OutgoingMail, PrivilegeRequest
from erp_integrations.connections.health import connections_health, trouble_of
from erp_integrations.models import AttemptState, Connection, ReconcileRun, ReconcileState, UnlinkAttempt

MOST_COUNTED = 100
"""Counts stop here."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """Something that waits. `beside` describes it; `since` is None when unknown."""

    words: str
    url: str
    beside: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Everything of one kind that waits, oldest first."""

    key: str
    heading: str
    nothing: str
    """The text when nothing waits."""
    lines: tuple[WaitingLine, ...]
    count: int
    at_least: bool
    """Whether there are more than `count`."""
    url: str
    """The URL of the whole list."""


def what_waits(may: Callable[[str], bool], *, now: datetime) -> tuple[Waiting, ...]:
    """What waits, for each kind that the person may see; `may` checks permissions. One query per kind."""
    kinds: tuple[tuple[str, Callable[[datetime], Waiting]], ...] = (
        ("companies.view_privilegerequest", _requests),
        ("erp_integrations.view_unlinkattempt", _stuck_attempts),
        ("erp_integrations.view_connection", _connections),
        ("erp_integrations.view_reconcilerun", _implausible_runs),
        ("procrastinate.view_procrastinatejob", _failed_jobs),
        ("companies.view_outgoingmail", _mails),
    )
    return tuple(find(now) for permission, find in kinds if may(permission))


def _waiting(
    key: str, heading: str, nothing: str, rows: Iterable[Any], line: Callable[[Any], WaitingLine], url: str
) -> Waiting:
    """`rows` may be one more than are counted."""
    found = list(rows)
    return Waiting(
        key=key,
        heading=heading,
        nothing=nothing,
        lines=tuple(line(row) for row in found[:SHOWN]),
        count=min(len(found), MOST_COUNTED),
        at_least=len(found) > MOST_COUNTED,
        url=url,
    )


def _first(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows[: MOST_COUNTED + 1]


def _list(model: str, query: str = "") -> str:
    return reverse(f"admin:{model}_changelist") + query


def _requests(_now: datetime) -> Waiting:
    rows = PrivilegeRequest.objects.filter(outcome=Outcome.WAITING).order_by("asked_at", "id")
    return _waiting(
        "requests",
        "Requests for Can Push to Accounting",
        "No request waits for an answer.",
        _first(rows.select_related("membership__user", "membership__company")),
        lambda row: WaitingLine(
            words=f"{row.membership.user.name}, {row.membership.company.name}",
            beside=f"{row.asked_by_name}: {row.reason}",
            url=reverse("admin:companies_privilegerequest_change", args=[row.pk]),
            since=row.asked_at,
        ),
        _list("companies_privilegerequest", "?outcome__exact=WAITING"),
    )


def _stuck_attempts(now: datetime) -> Waiting:
    rows = UnlinkAttempt.objects.filter(state=AttemptState.CHECKING, expires_at__lte=now)
    return _waiting(
        "attempts",
        "Stuck attempts to unlink",
        "No attempt is stuck.",
        _first(rows.select_related("link__connection__company").order_by("expires_at")),
        lambda row: WaitingLine(
            words=f"CCO {row.link.cco_number} {row.link.cco_title}, {row.link.connection.company.name}",
            beside=f"asked by {row.actor_name}; the link is as it was",
            url=reverse("admin:desk-link", args=[row.link_id]),
            since=row.expires_at,
        ),
        _list("erp_integrations_unlinkattempt", "?state__exact=CHECKING"),
    )


def _connections(_now: datetime) -> Waiting:
    """Checks every connection; there is one per company."""
    troubled = [(one, words) for one in connections_health() if (words := trouble_of(one))]
    troubled = troubled[: MOST_COUNTED + 1]
    names = dict(
        Company.objects.filter(pk__in=[one.company_id for one, _ in troubled[:SHOWN]]).values_list(
            "pk", "name"
        )
        if troubled
        else ()
    )
    return _waiting(
        "connections",
        "Connections in trouble",
        "Every connection answers.",
        troubled,
        lambda row: WaitingLine(
            words=names[row[0].company_id],
            beside=row[1],
            url=reverse("admin:erp_integrations_connection_change", args=[row[0].connection_id]),
            since=row[0].last_success_at,
        ),
        _list("erp_integrations_connection"),
    )


def _implausible_runs(_now: datetime) -> Waiting:
    """The last ended run of each connection, when it was refused."""
    ended = ReconcileRun.objects.filter(connection=OuterRef("pk")).exclude(state=ReconcileState.RUNNING)
    last = Connection.objects.values_list(Subquery(ended.order_by("-started_at").values("pk")[:1]))
    rows = ReconcileRun.objects.filter(pk__in=last, state=ReconcileState.IMPLAUSIBLE)
    return _waiting(
        "runs",
        "Reconciliations not believed",
        "Every last reconciliation is plausible.",
        _first(rows.select_related("connection__company").order_by("started_at", "pk")),
        lambda row: WaitingLine(
            words=row.connection.company.name,
            beside=row.fault_words,
            url=reverse("admin:erp_integrations_reconcilerun_change", args=[row.pk]),
            since=row.started_at,
        ),
        _list("erp_integrations_reconcilerun", "?state__exact=IMPLAUSIBLE"),
    )


def _failed_jobs(_now: datetime) -> Waiting:
    rows = ProcrastinateJob.objects.filter(status="failed").order_by("id")
    return _waiting(
        "jobs",
        "Failed jobs",
        "No job has failed for good.",
        _first(rows.only("task_name", "attempts")),
        lambda row: WaitingLine(
            words=f"{row.task_name.rpartition('.')[2].replace('_', ' ')} (job {row.pk})",
            beside=f"tried {row.attempts} times" if row.attempts != 1 else "tried once",
            url=reverse("admin:procrastinate_procrastinatejob_change", args=[row.pk]),
        ),
        _list("procrastinate_procrastinatejob", "?status__exact=failed"),
    )


def _mails(_now: datetime) -> Waiting:
    rows = OutgoingMail.objects.filter(GIVEN_UP).order_by("id")
    return _waiting(
        "mails",
        "Mails given up",
        "Every mail was sent or waits to be.",
        _first(rows.only("to_name", "subject", "failure", "queued_at")),
        lambda row: WaitingLine(
            words=str(row),
            beside=row.failure,
            url=reverse("admin:companies_outgoingmail_change", args=[row.pk]),
            since=row.queued_at,
        ),
        _list("companies_outgoingmail", "?sent_at__isempty=1"),
    )

"""The connection as the pages show it, without secrets."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate, localtime

from companies.access import Access
from companies.models import Company
from erp_integrations.erp import registry
from erp_integrations.erp.handshake_report import report_of
from erp_integrations.models import Connection
from erp_integrations.policies import may_change_connection, may_check_connection, rests_until
from erp_integrations.ports import ServerParts
from erp_integrations.view_models import (
    ConnectionCard,
    DatabaseComparison,
    Freshness,
    MissingRecord,
    ReportLine,
    Tone,
)


def find_connection(company: Company) -> Connection | None:
    return Connection.objects.filter(company=company).first()


def connection_of(company: Company) -> Connection | None:
    """Like `find_connection`, cached on `company`: do not use it after a change of the connection."""
    return getattr(company, "erp_connection", None)


def find_parts(connection: Connection | None) -> ServerParts | None:
    """The stored server without its password; for ERP admins only."""
    stored = registry.stored_parts(connection) if connection else None
    return replace(stored, password="") if stored else None


def freshness_of(connection: Connection | None, *, erp: str) -> Freshness:
    """The line that shows when the ERP last answered or failed."""
    if connection is None:
        return Freshness("waiting", f"{erp} is not connected")
    if not connection.accepted_incarnation:
        return Freshness("doubt", f"The connection to {erp} is unchecked")
    success, failure = connection.last_success_at, connection.last_failure_at
    if failure and (success is None or failure > success):
        why = ": another database answered" if _another_database_answered(connection) else ""
        return Freshness("doubt", f"{erp} could not be asked{why}", failure, answered_at=success)
    if success is None:
        return Freshness("waiting", f"{erp} was not asked yet")
    return Freshness("good", f"{erp} answered", success)


def card_of(connection: Connection, access: Access) -> ConnectionCard:
    until = rests_until(connection)
    status, tone = _status(connection)
    lines = report_of(connection)
    if _another_database_answered(connection):
        lines = (
            _another_database_line(connection),
        )  # the findings of the last check are older and would mislead
    slug = connection.company.slug
    return ConnectionCard(
        erp_name=registry.erp_name(connection.kind),
        database=connection.database,
        server=connection.handshake.get("server", ""),
        application_name=connection.application_name,
        status=status,
        tone=tone,
        lines=lines,
        last_success_at=connection.last_success_at,
        last_failure_at=connection.last_failure_at,
        last_failure_words=connection.last_failure_words,
        failures_in_a_row=connection.failures_in_a_row,
        rests_until=until if until and until > timezone.now() else None,
        check_url=reverse("connection-check", args=[slug]),
        accept_url=reverse("connection-accept", args=[slug]),
        compare_url=reverse("connection-compare", args=[slug]),
        comparison=comparison_of(connection),
        may_check=bool(may_check_connection(access)),
        may_change=bool(may_change_connection(access)),
        practice=registry.has_sandbox(connection),
        waiting_incarnation=connection.seen_incarnation if waits_for_acceptance(connection) else "",
    )


def comparison_of(connection: Connection) -> DatabaseComparison | None:
    """The comparison of the database that waits for acceptance; None when it was not compared."""
    found = connection.comparison
    if found.get("incarnation", "") != connection.seen_incarnation or not waits_for_acceptance(connection):
        return None
    fault = found.get("fault")
    return DatabaseComparison(
        at=datetime.fromisoformat(found["at"]),
        under_way=bool(found.get("queued")),
        why_not=f"{fault['what']} {fault['advice']}" if fault else "",
        links=found.get("links", 0),
        there=found.get("there", 0),
        missing=tuple(_missing(connection, one) for one in found.get("missing", ())),
    )


def _missing(connection: Connection, found: dict[str, Any]) -> MissingRecord:
    url = reverse("change-order-history", args=[connection.company.slug, found["change_order_id"]])
    return MissingRecord(found["label"], found["record_number"], url)


def waits_for_acceptance(connection: Connection) -> bool:
    """Whether the last check was answered by another database than the accepted one."""
    return connection.seen_incarnation not in ("", connection.accepted_incarnation) and bool(
        connection.accepted_incarnation
    )


ANOTHER_DATABASE = ("wrong-database", "other-incarnation")
"""Faults of a call that another database answered."""


def _another_database_answered(connection: Connection) -> bool:
    """Whether another database answered a call since the last good answer, check or acceptance."""
    failed = connection.last_failure_at
    if connection.last_failure_code not in ANOTHER_DATABASE or failed is None:
        return False
    later = (connection.last_success_at, connection.checked_at, connection.accepted_at)
    return all(at is None or at < failed for at in later)


def _another_database_line(connection: Connection) -> ReportLine:
    return ReportLine(
        "refused",
        connection.last_failure_words,
        "Check now shows which database it is. Then an ERP admin can accept it, or correct the connection.",
        fault=connection.last_failure_code,
    )


def _at(moment: datetime) -> str:
    """The time, with the date unless it is today."""
    local = localtime(moment)
    time = f"{local:%I:%M %p}".removeprefix("0")
    return f"at {time}" if local.date() == localdate() else f"on {local:%b} {local.day}, {time}"


def _status(connection: Connection) -> tuple[str, Tone]:
    if not connection.accepted_incarnation:
        return "Unchecked", "doubt"
    if _another_database_answered(connection) and connection.last_failure_at is not None:
        return f"Another database answered {_at(connection.last_failure_at)}; accept or correct it", "doubt"
    if waits_for_acceptance(connection):
        return "Another database answers", "doubt"
    if connection.handshake.get("problems") or connection.handshake.get("fault"):
        return "Needs attention", "doubt"
    return "Accepted", "good"

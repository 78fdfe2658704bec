"""The connection, as the pages show it: never its secrets."""

from typing import Any

from django.urls import reverse

from companies.access import Access
from companies.models import Company
from erp_integrations import registry
from erp_integrations.models import Connection
from erp_integrations.pages import ConnectionCard, Freshness, Tone
from erp_integrations.policies import may_change_connection, may_check_connection


def find_connection(company: Company) -> Connection | None:
    return Connection.objects.filter(company=company).first()


def freshness_of(connection: Connection | None, *, erp: str) -> Freshness:
    """The line that says how fresh the truth is."""
    if connection is None:
        return Freshness("waiting", f"{erp} is not connected")
    if not connection.accepted_incarnation:
        return Freshness("doubt", f"The connection to {erp} is unchecked")
    success, failure = connection.last_success_at, connection.last_failure_at
    if failure and (success is None or failure > success):
        return Freshness("doubt", f"{erp} could not be asked", failure)
    if success is None:
        return Freshness("waiting", f"{erp} was not asked yet")
    return Freshness("good", f"{erp} answered", success)


def card_of(connection: Connection, access: Access) -> ConnectionCard:
    report = connection.handshake
    status, tone = _status(connection)
    slug = connection.company.slug
    return ConnectionCard(
        erp_name=registry.erp_name(connection.kind),
        database=connection.database,
        server=report.get("server", ""),
        application_name=connection.application_name,
        status=status,
        tone=tone,
        lines=_lines(connection, report),
        last_success_at=connection.last_success_at,
        last_failure_at=connection.last_failure_at,
        last_failure_words=connection.last_failure_words,
        check_url=reverse("connection-check", args=[slug]),
        accept_url=reverse("connection-accept", args=[slug]),
        may_check=bool(may_check_connection(access)),
        may_change=bool(may_change_connection(access)),
        waiting_incarnation=connection.seen_incarnation if _waits_for_acceptance(connection) else "",
    )


def _waits_for_acceptance(connection: Connection) -> bool:
    return connection.seen_incarnation not in ("", connection.accepted_incarnation) and bool(
        connection.accepted_incarnation
    )


def _status(connection: Connection) -> tuple[str, Tone]:
    if not connection.accepted_incarnation:
        return "Unchecked", "doubt"
    if _waits_for_acceptance(connection):
        return "Another database answers", "doubt"
    if connection.handshake.get("problems"):
        return "Needs attention", "doubt"
    return "Accepted", "good"


def _lines(connection: Connection, report: dict[str, Any]) -> tuple[tuple[bool, str, str], ...]:
    """What the last handshake found, the well first."""
    if not report:
        return ()
    lines = [
        (True, f"The database {report['database']} answers, version {report['version']}", ""),
        (True, f"It sees us as {report['application_name']}", ""),
        (True, f"Tables found: {', '.join(report['tables'])}", ""),
    ]
    if report["history_readable"]:
        lines.append((True, "Its own history of change orders can be read", ""))
    else:
        lines.append(
            (
                False,
                "Its own history of change orders cannot be read",
                "Links can be cut all the same; who deleted a record will not be shown. The ERP's "
                "administrator can grant reading of dbo_Audit.",
            )
        )
    lines += [(False, problem["what"], problem["advice"]) for problem in report["problems"]]
    if _waits_for_acceptance(connection) and not any("incarnation" in p["code"] for p in report["problems"]):
        lines.append((False, "This is another database than the accepted one", "An ERP admin can accept it."))
    return tuple(lines)

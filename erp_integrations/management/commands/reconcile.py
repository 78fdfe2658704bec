"""manage.py reconcile: compares the links with Sage now, whether it is time or not."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from erp_integrations.ledger.actors import Actor
from erp_integrations.management.reporting import (
    MISCONFIGURED,
    NO_ANSWER,
    REFUSED,
    ReportingCommand,
    operating_system_user,
)
from erp_integrations.models import Connection, ReconcileRun, ReconcileState, Via
from erp_integrations.ports import OddRecord
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.errors import ReconcileInProgress

COUNTS = ("checked", "present", "absent", "drifted", "unknown", "changed")


class Command(ReportingCommand):
    help = "Compares all synced CCOs with Sage once, now, and records what is otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("company", nargs="?", help="the company's slug; without it: every company")

    def handle(self, *, company: str | None, **_: Any) -> None:
        codes = [self._reconcile(connection) for connection in self._connections(company)]
        worst = next((code for code in (NO_ANSWER, MISCONFIGURED, REFUSED) if code in codes), 0)
        if worst:
            raise CommandError("Not everything was compared.", returncode=worst)

    def _connections(self, company: str | None) -> list[Connection]:
        if company is not None:
            return [self.connection(company)]
        return list(Connection.objects.select_related("company").order_by("company__slug"))

    def _reconcile(self, connection: Connection) -> int:
        """The exit code of this one."""
        slug = connection.company.slug
        name = operating_system_user()
        actor = Actor(user_id=None, name=name, via=Via.COMMAND, operating_system_user=name)
        try:
            run = reconcile(connection_id=connection.pk, actor=actor)
        except ReconcileInProgress as running:
            words = f"{slug}: another run compares since {running.since:%H:%M:%S}. Nothing was done."
            self.report(words, company=slug, state="IN_PROGRESS", since=running.since)
            return REFUSED
        self.report(_words(slug, run), **_fields(slug, run))
        if run.state == ReconcileState.COMPLETE:
            return 0
        misconfigured = run.state in (ReconcileState.MISCONFIGURED, ReconcileState.IMPLAUSIBLE)
        return MISCONFIGURED if misconfigured else NO_ANSWER


def _seconds(run: ReconcileRun) -> float:
    return round(((run.ended_at or run.started_at) - run.started_at).total_seconds(), 2)


def _words(slug: str, run: ReconcileRun) -> str:
    counts = ", ".join(f"{getattr(run, name):,} {name}" for name in COUNTS)
    line = f"{slug}: {run.get_state_display().lower()}; {counts}; {_seconds(run)} s"
    told = [line]
    if run.fault_code:
        told.append(f"  {run.fault_words} {run.fault_advice}")
    if run.odd:
        named = [OddRecord(**odd).label for odd in run.odd_records]
        more = f", the first {len(named)} are" if run.odd > len(named) else ""
        told.append(f"  Records Plumbline cannot read: {run.odd:,}{more}")
        told += [f"    {label}" for label in named]
        told.append("  The Sage administrator can correct these values.")
    return "\n".join(told)


def _fields(slug: str, run: ReconcileRun) -> dict[str, Any]:
    counts = {name: getattr(run, name) for name in COUNTS}
    return {
        "company": slug,
        "state": run.state,
        **counts,
        "seconds": _seconds(run),
        "change_orders": run.change_orders,
        "fault": run.fault_code,
        "why": run.fault_words,
        "odd": run.odd,
        "odd_records": run.odd_records,
    }

"""By itself: looks whether what was accepted for keying in by hand is in Sage by now."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from companies.queue import defer_once
from erp_integrations.exports.run_export import export_change_order
from erp_integrations.ledger.actors import PLUMBLINE
from erp_integrations.models import Export
from erp_integrations.policies import rests_until
from erp_integrations.workflow.errors import Refused

LOOK = "erp_integrations.tasks.look_for_export"
LOOKS_EVERY = timedelta(minutes=5)
GIVES_UP_AFTER = timedelta(days=30)
"""Nobody keys in a worksheet that is a month old; a person's own click still looks."""


def queue_export_lookups(now: datetime) -> None:
    """One job for every export by hand that was not looked for lately, on connections that do not rest."""
    for export in _due(now):
        resting = rests_until(export.connection)
        if resting is None or resting <= now:
            defer_once(LOOK, lock=f"export-{export.pk}", export_id=export.pk)


def look_up_export(export_id: int, now: datetime) -> None:
    """The look of the worksheet's "I have entered it". What it finds otherwise stands with the export."""
    export = _due(now).filter(pk=export_id).first()
    if export is None or export.change_order_id is None:
        return
    try:
        export_change_order(
            company_id=export.connection.company_id,
            change_order_id=export.change_order_id,
            actor=PLUMBLINE,
        )
    except Refused:
        # Also a look that ended before anything was settled counts: the next one is due later.
        Export.objects.filter(pk=export_id, ended_at=None).update(looked_at=now)


def _due(now: datetime) -> QuerySet[Export]:
    return (
        Export.objects.filter(
            Q(looked_at=None) | Q(looked_at__lte=now - LOOKS_EVERY),
            by_hand=True,
            ended_at=None,
            accepted_at__gte=now - GIVES_UP_AFTER,
        )
        .select_related("connection")
        .order_by("id")
    )

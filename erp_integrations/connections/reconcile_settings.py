"""Settings of reconciliation: interval, maintenance window, and how many missing records are plausible."""

from dataclasses import asdict, dataclass
from datetime import time

from django.db import transaction

from companies.clock import database_now
from erp_integrations.connections.connect import rights_to_change
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event_of_connection
from erp_integrations.models import Connection, EventKind
from erp_integrations.workflow.errors import ConnectionChanged


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """The settings as stored on the connection."""

    reconcile_every_minutes: int | None
    """0 for never, None for the default."""
    rests_from: time | None
    rests_to: time | None
    most_missing_percent: int

    @classmethod
    def of(cls, connection: Connection) -> "ReconcileSettings":
        return cls(
            connection.reconcile_every_minutes,
            connection.rests_from,
            connection.rests_to,
            connection.most_missing_percent,
        )

    def in_words(self) -> dict[str, str]:
        """As text, for the ledger and to detect a change by another person."""
        return {name: "" if value is None else str(value) for name, value in asdict(self).items()}


def set_reconciliation(
    *, connection_id: int, wanted: ReconcileSettings, shown: dict[str, str], actor: Actor
) -> None:
    """Stores the settings, with an event. `shown` are those the person was shown, from `in_words`.

    Raises `NotAllowed`, `ConnectionChanged`; nothing is changed then.
    """
    with transaction.atomic(durable=True):
        connection = (
            Connection.objects.select_for_update(no_key=True, of=("self",))
            .select_related("company")
            .get(pk=connection_id)
        )
        rights = rights_to_change(actor, company_id=connection.company_id)
        before = ReconcileSettings.of(connection).in_words()
        if before != shown:
            raise ConnectionChanged
        Connection.objects.filter(pk=connection.pk).update(**asdict(wanted))
        append_event_of_connection(
            connection,
            EventKind.RECONCILE_SET,
            actor=actor,
            now=database_now(),
            rights=rights,
            evidence={"before": before, "after": wanted.in_words()},
        )

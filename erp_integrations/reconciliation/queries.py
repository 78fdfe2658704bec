"""The last reconciliations of a connection, for its page."""

from datetime import timedelta

from django.urls import reverse

from erp_integrations.erp import registry
from erp_integrations.models import Connection, ReconcileRun, ReconcileState
from erp_integrations.policies import reconciles_every
from erp_integrations.view_models import OddLine, ReconciliationPanel, RunLine, Tone

SHOWN = 8

TONES: dict[ReconcileState, Tone] = {
    ReconcileState.RUNNING: "waiting",
    ReconcileState.COMPLETE: "good",
    ReconcileState.NO_ANSWER: "doubt",
    ReconcileState.MISCONFIGURED: "doubt",
    ReconcileState.IMPLAUSIBLE: "doubt",
    ReconcileState.ABANDONED: "doubt",
}

NOT_ENDED = "the last run did not come to its end"
WHY_STALE = {
    ReconcileState.COMPLETE.value: "",
    ReconcileState.IMPLAUSIBLE.value: "the last run was not believed, and nothing was recorded. "
    "So it stays until an ERP admin has acted: the run says how",
}


def reconciliation_panel_of(connection: Connection) -> ReconciliationPanel:
    """One query; another one when the last complete run is not among the last ones."""
    last = list(ReconcileRun.objects.filter(connection=connection).order_by("-started_at")[:SHOWN])
    complete = next((run for run in last if run.state == ReconcileState.COMPLETE), None)
    if complete is None and len(last) == SHOWN:
        complete = last_complete(connection)
    runs = tuple(map(_line, last))
    ended = next((run for run in runs if run.state != ReconcileState.RUNNING), None)
    return ReconciliationPanel(
        how_often=_how_often(connection),
        last_complete_at=connection.reconciled_at,
        why_stale=WHY_STALE.get(ended.state, NOT_ENDED) if ended else "",
        runs=runs,
        url=reverse("connection-reconciliation", args=[connection.company.slug]),
        odd=complete.odd if complete else 0,
        odd_lines=tuple(map(_odd_line, complete.odd_records)) if complete else (),
    )


def last_complete(connection: Connection) -> ReconcileRun | None:
    runs = ReconcileRun.objects.filter(connection=connection, state=ReconcileState.COMPLETE)
    return runs.order_by("-started_at").first()


def _odd_line(odd: dict[str, str]) -> OddLine:
    record = odd["record_number"] or (f"row id {odd['row_key']}" if odd["row_key"] else "")
    return OddLine(table=odd["table"], record=record, column=odd["column"], shown=odd["shown"])


def _how_often(connection: Connection) -> str:
    every = reconciles_every(connection, practice=registry.has_sandbox(connection))
    if every is None:
        return "Never by itself"
    often = interval_words(every).capitalize()
    if connection.rests_from is None or connection.rests_to is None:
        return often
    return f"{often}, but not between {connection.rests_from:%H:%M} and {connection.rests_to:%H:%M}"


def interval_words(every: timedelta) -> str:
    """`every minute`, `every 5 minutes`, `every 20 seconds`."""
    minutes, seconds = divmod(int(every.total_seconds()), 60)
    if not minutes:
        return f"every {seconds} seconds"
    return "every minute" if minutes == 1 else f"every {minutes} minutes"


def _line(run: ReconcileRun) -> RunLine:
    state = ReconcileState(run.state)
    seconds = (run.ended_at - run.started_at).total_seconds() if run.ended_at else None
    return RunLine(
        state=state.value,
        word=state.label,
        tone=TONES[state],
        started_at=run.started_at,
        actor=run.actor_name,
        seconds="" if seconds is None else f"{seconds:,.1f} s",
        checked=run.checked,
        present=run.present,
        absent=run.absent,
        drifted=run.drifted,
        unknown=run.unknown,
        changed=run.changed,
        odd=run.odd,
        words=run.fault_words,
        advice=run.fault_advice,
    )

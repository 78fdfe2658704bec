"""The last comparisons of a connection's links with its books, for its page."""

from datetime import timedelta

from django.urls import reverse

from erp_integrations import registry
from erp_integrations.models import Connection, ReconcileRun, ReconcileState
from erp_integrations.pages import Reconciling, RunLine, Tone
from erp_integrations.policies import reconciles_every

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


def reconciling_of(connection: Connection) -> Reconciling:
    """One query."""
    runs = tuple(
        _line(run)
        for run in ReconcileRun.objects.filter(connection=connection).order_by("-started_at")[:SHOWN]
    )
    ended = next((run for run in runs if run.state != ReconcileState.RUNNING), None)
    return Reconciling(
        how_often=_how_often(connection),
        last_complete_at=connection.reconciled_at,
        why_stale=WHY_STALE.get(ended.state, NOT_ENDED) if ended else "",
        runs=runs,
        url=reverse("connection-reconciliation", args=[connection.company.slug]),
    )


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
        words=run.fault_words,
        advice=run.fault_advice,
    )

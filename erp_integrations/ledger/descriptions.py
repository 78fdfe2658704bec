"""Ledger events as text: for the history of one CCO, the Activity tab and the export."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from companies.models import DirectoryEventKind
from erp_integrations.models import Drift, EventKind, LinkEvent, PresenceKey, Via
from erp_integrations.ports import Proof
from erp_integrations.view_models import Fact

PROOFS = {
    Proof.HISTORY.value: "Sage's own history shows that ours was deleted",
    Proof.INSERTED_LATER.value: "It was entered after ours was last seen",
}
UNNAMED_USER = "a user that Sage does not name"
"""The user of a deletion when Sage's history has no name, or a blank one."""


REASONED = frozenset(
    {
        EventKind.LINK_MOVED,
        EventKind.RECORD_IGNORED,
        EventKind.DELETION_STATED,
        EventKind.DELETION_CONFIRMED,
        EventKind.DELETION_WITHDRAWN,
    }
)
"""Kinds whose reason is text that a person wrote, and no code."""


OF_DELETIONS = frozenset(
    {
        EventKind.DELETION_STATED,
        EventKind.DELETION_CONFIRMED,
        EventKind.DELETION_WITHDRAWN,
        EventKind.DELETION_ENDED,
    }
)


class EventOutcome(StrEnum):
    """The outcome of an event. Kinds that are not listed below are `OTHER`."""

    UNLINKED = "unlinked"
    LINKED = "linked"
    REFUSED = "refused"
    NO_ANSWER = "no-answer"
    OTHER = "other"


OUTCOMES = {
    EventOutcome.UNLINKED: "Unlinked",
    EventOutcome.LINKED: "Linked",
    EventOutcome.REFUSED: "Refused",
    EventOutcome.NO_ANSWER: "No answer, or failed",
    EventOutcome.OTHER: "Other",
}
_OF_KINDS: dict[str, EventOutcome] = {
    EventKind.UNLINKED: EventOutcome.UNLINKED,
    EventKind.LINKED: EventOutcome.LINKED,
    EventKind.RELINKED: EventOutcome.LINKED,
    EventKind.LINK_MOVED: EventOutcome.LINKED,
    EventKind.STILL_IN_ERP: EventOutcome.REFUSED,
    EventKind.NOT_ALLOWED: EventOutcome.REFUSED,
    EventKind.REJECTED: EventOutcome.REFUSED,
    DirectoryEventKind.PRIVILEGE_REFUSED: EventOutcome.REFUSED,
    EventKind.NO_ANSWER: EventOutcome.NO_ANSWER,
    EventKind.EXPORT_FAILED: EventOutcome.NO_ANSWER,
    EventKind.RECONCILE_REFUSED: EventOutcome.NO_ANSWER,
}
KINDS: dict[str, str] = {one.value: one.label for one in (*EventKind, *DirectoryEventKind)}
"""The labels of all kinds. No kind is in both books."""


def outcome_of(kind: str) -> EventOutcome:
    return _OF_KINDS.get(kind, EventOutcome.OTHER)


def kinds_of(outcome: str) -> frozenset[str]:
    """The kinds with that outcome, of both books."""
    return frozenset(kind for kind in KINDS if outcome_of(kind) == outcome)


# --- text of an event ----------------------------------------------------------------------------


def describe_event(event: LinkEvent) -> str:
    """An event as one line of text. Codes of the evidence become words."""
    parts = [event.subject_label, *describe_change(event)]
    if event.rights:
        parts.append(f"as {event.rights}")
    return " · ".join(parts)


def describe_change(event: LinkEvent) -> tuple[str, ...]:
    """What changed, and the finding or the reason, in short sentences."""
    found = describe_finding(event.evidence)
    if event.via == Via.ADMIN or event.kind in REASONED:  # people write their reasons in full
        return (*_change(event), *found, *((f"because: {event.reason}",) if event.reason else ()))
    return (*_change(event), *filter(None, found or (event.reason.replace("-", " "),)))


def describe_finding(finding: dict[str, Any]) -> tuple[str, ...]:
    """A finding in short sentences; attempt and event hold all of it.

    Values that are empty in Sage are not in a finding, and events are permanent, so no sentence needs every
    value.
    """
    evidence = finding.get("evidence", {})
    words = []
    if what := finding.get("fault", {}).get("what"):
        words.append(what)
    if header := evidence.get("header"):
        number = f"number {header.get('number') or 'empty'}"
        words.append(", ".join(filter(None, (_record_of(header), number, header.get("status")))))
    if deletion := evidence.get("deletion"):
        words.append(f"Deleted {_by(deletion)}")
    if other := evidence.get("other_record"):
        words.append(f"{_record_of(other)} carries the number now")
    if lines := evidence.get("lines_on_subcontract"):
        words.append(f"Lines on the subcontract: {lines}")
    if by := finding.get("confirmed_deletion"):
        words.append(f"Deletion stated by {by['stated_by']}, confirmed by {by['confirmed_by']}")
    elif evidence.get("deletion_confirmed"):
        words.append("Its deletion was stated and confirmed")
    if proof := finding.get("proof"):
        words.append(PROOFS.get(proof, proof))
    return tuple(words)


def _record_of(found: dict[str, Any]) -> str:
    return f"Record {found.get('record_number', '')}"


def _by(deletion: dict[str, Any]) -> str:
    user, application = ((deletion.get(what) or "").strip() for what in ("user", "application"))
    by = f"by {user or UNNAMED_USER}"
    return f"{by} with {application}" if application else by


def _change(event: LinkEvent) -> tuple[str, ...]:
    """The change of state: before and after; for a check, the verdicts."""
    if event.kind == EventKind.CHECKED:
        return tuple(map(_presence, event.evidence.get("verdicts", ())))
    if event.kind == EventKind.LINK_MOVED:
        former = event.evidence.get("moved_from", {}).get("record_number", "")
        return (f"Record {former} → record {event.evidence.get('record_number', '')}",)
    if event.kind in (EventKind.RECORD_IGNORED, EventKind.RECORD_NOT_IGNORED):
        return (f"Record {event.evidence.get('record_number', '')}",)
    if event.kind in OF_DELETIONS:
        numbers = [one["record_number"] for one in event.evidence.get("records", ())]
        return (f"{'Record' if len(numbers) == 1 else 'Records'} {', '.join(numbers)}",)
    if event.kind != EventKind.PRESENCE_CHANGED:
        return ()
    before, now = event.evidence.get("before", {}).get("presence", ""), event.evidence.get("presence", "")
    drifted = [f"{_drift(what)} {held}" for what, held in event.evidence.get("seen", {}).items()]
    words = _presence(now) if before == now else f"{_presence(before)} → {_presence(now)}"
    return (words, *([f"Otherwise now: {', '.join(drifted)}"] if drifted else []))


_PRESENCES: dict[str, str] = {one.value: one.label for one in PresenceKey}
_DRIFTS: dict[str, str] = {one.value: one.label.lower() for one in Drift}


def _presence(key: str) -> str:
    return _PRESENCES.get(key, key)


def _drift(key: str) -> str:
    return _DRIFTS.get(key, key)


# --- evidence of an event ------------------------------------------------------------------------


def evidence_facts(evidence: dict[str, Any]) -> tuple[Fact, ...]:
    """The evidence of an event, as far as people can use it."""
    return (*_record(evidence), *_people(evidence), *_looks(evidence), *_other(evidence))


def _record(evidence: dict[str, Any]) -> Iterator[Fact]:
    """The record that the event is about."""
    if number := evidence.get("record_number"):
        yield Fact("Sage record", str(number))
    if number := evidence.get("number"):
        yield Fact("Sage number", str(number))
    if row_id := evidence.get("row_id"):
        yield Fact("Row id in Sage", str(row_id).upper())
    if former := evidence.get("moved_from"):
        there = "still in Sage then" if former.get("was_there") else "not found in Sage then"
        yield Fact("Moved from", f"record {former['record_number']}, number {former['number']}, {there}")


def _people(evidence: dict[str, Any]) -> Iterator[Fact]:
    """Who stated and who confirmed a deletion, and its records."""
    by = evidence.get("confirmed_deletion") or evidence
    if stated_by := by.get("stated_by"):
        yield Fact("Deletion stated by", str(stated_by))
    if confirmed_by := by.get("confirmed_by"):
        yield Fact("Confirmed by", str(confirmed_by))
    if records := evidence.get("records"):
        yield Fact("Records", ", ".join(str(one["record_number"]) for one in records))


def _looks(evidence: dict[str, Any]) -> Iterator[Fact]:
    """The looks: when they were, and what Sage answered."""
    verdict, found = evidence.get("verdict"), evidence.get("evidence", {})
    if verdict:
        yield Fact("Verdict", _presence(verdict))
    if asked_at := evidence.get("asked_at"):
        yield Fact("Asked, without a look", "", datetime.fromisoformat(asked_at))
    if first := evidence.get("first_looked_at"):
        yield Fact("First look", "", datetime.fromisoformat(first))
    if second := evidence.get("second_looked_at"):
        yield Fact("Second look", "", datetime.fromisoformat(second))
    if evidence.get("overtaken"):
        yield Fact("What the list says", "stays as it was: something newer was known already")
    if deletion := found.get("deletion"):
        yield Fact("Deleted in Sage", _by(deletion), datetime.fromisoformat(deletion["at"]))
    elif verdict:
        readable = found.get("history_readable")
        yield Fact("Sage's own history", "shows no deletion of it" if readable else "was not read")
    if incarnation := evidence.get("incarnation"):
        yield Fact("Database that answered", str(incarnation))


def _other(evidence: dict[str, Any]) -> Iterator[Fact]:
    if "before" in evidence and "after" in evidence:
        yield Fact("Before", _plain(evidence["before"]))
        yield Fact("After", _plain(evidence["after"]))
    if (ccos := evidence.get("ccos")) is not None:
        yield Fact("CCOs", str(len(ccos) if isinstance(ccos, list) else ccos))
    for verdict, count in evidence.get("verdicts", {}).items():
        yield Fact(_presence(verdict), str(count))
    for one in evidence.get("compared", ()):
        words = one["ours"] if one["same"] else f"{one['ours']} here, {one['found']} in Sage"
        yield Fact(f"Compared: {one['what']}", words)
    counted = evidence.get("comparison") or evidence
    if "there" in counted and "links" in counted:
        yield Fact("Linked records in it", f"{counted['there']:,} of {counted['links']:,}")
    if database := evidence.get("database"):
        yield Fact("Database", str(database))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {held}" for name, held in value.items() if held)
    return str(value) or "none"

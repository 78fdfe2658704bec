"""Reconcile: what is recorded of the links, and what is not."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from erp_integrations.erp import calls
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import look_question
from erp_integrations.models import ChangeOrderLink, Connection, ReconcileRun, ReconcileState, Via
from erp_integrations.reconciliation import confirm_suspects, diff
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.link_status import checked_at, last_seen
from sage_adapter.sandbox.writer import open_books
from tests.world import LINKER, World

BY_ITSELF = Actor(user_id=None, name="Plumbline", via=Via.QUEUE)


def run(world: World) -> ReconcileRun:
    return reconcile(connection_id=world.connection.pk, actor=BY_ITSELF)


def counts(made: ReconcileRun) -> dict[str, int]:
    names = ("checked", "present", "absent", "drifted", "unknown", "changed")
    return {name: getattr(made, name) for name in names if getattr(made, name)}


def stored(link: ChangeOrderLink) -> tuple[str, list[str], dict[str, str]]:
    return (link.presence, link.drift, link.seen)


def told(world: World, cco: CommitmentChangeOrder) -> list[str]:
    return [event.reason for event in world.events(kind="PRESENCE_CHANGED", subject=cco)]


def columns(cco: CommitmentChangeOrder) -> dict[str, Any]:
    return dict(ChangeOrderLink.objects.filter(change_order=cco).values().get())


def sight_of(cco: CommitmentChangeOrder) -> dict[str, Any]:
    return {name: columns(cco)[name] for name in ("last_seen_at", "last_seen_clock")}


def test_links_that_are_as_they_were_are_dated_and_not_written(world: World) -> None:
    cco = world.synced_cco()
    before = columns(cco)

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert counts(made) == {"checked": 1, "present": 1}
    assert columns(cco) == before
    connection = world.fresh_connection()
    assert connection.reconciled_at == made.started_at
    assert connection.last_success_at is not None
    assert connection.last_success_at > made.started_at
    link = world.link_of(cco)
    assert checked_at(link, connection) == last_seen(link, connection).at == made.started_at
    assert told(world, cco) == []


Stored = tuple[str, list[str], dict[str, str]]

AS_THEY_WERE: tuple[Stored, str] = (("present", [], {}), "")

FOUND: dict[str, tuple[Stored, str]] = {
    "present": AS_THEY_WERE,
    "open-line-approved": AS_THEY_WERE,
    "two-phases-kept": AS_THEY_WERE,
    "two-jobs-kept": AS_THEY_WERE,
    "line-number-kept": AS_THEY_WERE,
    "header-number-differs": AS_THEY_WERE,
    "new-line": AS_THEY_WERE,
    "summed": AS_THEY_WERE,
    "restored": AS_THEY_WERE,
    "older-backup": AS_THEY_WERE,
    "locked": AS_THEY_WERE,
    "shared-kept": AS_THEY_WERE,
    "void": (("not-effective", ["status"], {"status": "Void"}), "header-void"),
    "rejected": (("not-effective", ["status"], {"status": "Rejected"}), "header-rejected"),
    "rejected-lines-open": (("not-effective", ["status"], {"status": "Rejected"}), "header-rejected"),
    "renumbered": (("renumbered", ["number"], {"number": "12-77"}), "header-renumbered"),
    "moved": (("renumbered", ["phase"], {"phase": "2"}), "header-renumbered"),
    "line-removed": (("present", ["amount"], {"amount": "0.00"}), "header-without-our-lines"),
    "half-deleted": (("ambiguous", [], {}), "lines-without-header"),
    "recreated-purged": (("unknown", [], {}), "history-silent"),
    "twin": (("unknown", [], {}), "history-silent"),
    "deleted-purged": (("unknown", [], {}), "history-silent"),
    "closed-deleted": (("unknown", [], {}), "deletion-of-closed-job"),
    "closed-empty": (("job-missing", [], {}), "job-closed-and-empty"),
    "archived": (("job-missing", [], {}), "job-not-found"),
    "archived-history": (("job-missing", [], {}), "job-not-found"),
    "job-deleted-too": (("job-missing", [], {}), "job-not-found"),
    "job-replaced": (("renumbered", ["job"], {"job": "2612"}), "header-renumbered"),
    "half-deleted-elsewhere": (("ambiguous", [], {}), "lines-without-header"),
    "moved-subcontract": (("ambiguous", [], {}), "moved-to-another-subcontract"),
    "number-older": (("replaced", [], {}), "replaced-without-proof"),
    "number-reused": (("absent", [], {}), "record-number-used-on-another-job"),
    "shared-deleted": (("absent", [], {}), "our-part-of-shared-header-gone"),
    "no-audit": (("absent", [], {}), "not-found-once"),
    "deadlock": (("unknown", [], {}), "deadlock"),
    "drops": (("unknown", [], {}), "link-lost"),
    **dict.fromkeys(
        (
            "deleted",
            "two-phases-deleted",
            "two-jobs-deleted",
            "line-number-deleted",
            "duplicate-contract",
            "contract-deleted",
            "invoiced",
        ),
        (("absent", [], {}), "deleted-in-history"),
    ),
    **dict.fromkeys(
        ("padded", "recreated", "sub-number-reused", "corrected", "corrected-same-number"),
        (("replaced", [], {}), "replaced-after-deletion"),
    ),
}
"""Scenario -> what is stored of its link afterwards, and the reason its event gives."""


@pytest.fixture
def drawn_from_what_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controls at random are records that stay, as they mostly are in a company larger than this one."""
    plain = [key for key in world.scenarios if key.startswith("plain-")]
    stay = {world.link_of(world.synced_cco(key)).row_id for key in plain}

    def sample(links: Sequence[ChangeOrderLink], most: int) -> list[ChangeOrderLink]:
        return sorted(links, key=lambda link: link.row_id not in stay)[:most]

    monkeypatch.setattr(look_question, "_sample", sample)


@pytest.mark.usefixtures("drawn_from_what_stays")
def test_every_scenario_is_recorded_as_one_look_sees_it_and_only_once(world: World) -> None:
    scenarios = [key for key in world.scenarios if not key.startswith("plain-")]
    ccos = {key: world.synced_cco(key) for key in scenarios}
    world.sage.play()

    first = run(world)
    found = {key: (stored(world.link_of(cco)), *told(world, cco)) for key, cco in ccos.items()}
    before = {key: columns(cco) for key, cco in ccos.items()}
    second = run(world)

    expected = {
        key: (FOUND[key][0], FOUND[key][1]) if FOUND[key][1] else (FOUND[key][0],) for key in scenarios
    }
    assert found == expected
    assert first.state == second.state == ReconcileState.COMPLETE
    assert counts(first) == {
        "checked": 81,
        "present": 51,
        "absent": 16,
        "drifted": 7,
        "unknown": 14,
        "changed": 37,
    }
    assert counts(second) == {name: n for name, n in counts(first).items() if name != "changed"}
    # A record that is there, and of which the keys alone cannot tell what is stored, is looked at each time.
    seen = {key: before[key] | sight_of(cco) for key, cco in ccos.items()}
    assert {key for key in ccos if seen[key] != before[key]} == {
        "job-replaced",
        "moved-subcontract",
        "shared-deleted",
    }
    assert {key: columns(cco) for key, cco in ccos.items()} == seen
    assert all(world.link_of(cco).is_active for cco in ccos.values())


def test_an_event_tells_what_was_known_before_and_what_is_known_now(world: World) -> None:
    cco = world.synced_cco()
    world.sage.void(world.record_of(cco), user="ACCT2")

    run(world)

    [event] = world.events(kind="PRESENCE_CHANGED", subject=cco)
    link = world.link_of(cco)
    assert (event.actor_name, event.via, event.link_id) == ("Plumbline", "QUEUE", link.pk)
    assert event.evidence["before"] == {"presence": "present", "drift": []}
    assert event.evidence["presence"] == link.presence == "not-effective"
    assert event.evidence["seen"] == link.seen == {"status": "Void"}
    assert event.evidence["evidence"]["header"]["status"] == "Void"


def test_a_record_that_comes_back_is_there_again(world: World) -> None:
    cco = world.synced_cco()
    record = world.record_of(cco)
    world.sage.delete(record, user="ACCT2")
    run(world)
    world.sage.restore(record, user="ACCT1")

    made = run(world)

    assert stored(world.link_of(cco)) == ("present", [], {})
    assert told(world, cco) == ["deleted-in-history", "header-found"]
    assert counts(made) == {"checked": 1, "present": 1, "changed": 1}
    assert world.link_of(cco).last_seen_at > made.started_at


def test_a_number_that_was_taken_after_its_record_had_gone_is_noticed_and_when_it_is_free_again(
    world: World,
) -> None:
    """Where Sage's history does not show the deletion: else nobody needs to know who carries the number."""
    cco = world.synced_cco()
    record = world.record_of(cco)
    world.sage.delete(record, user="ACCT2")
    world.sage.set_fault("no-audit")
    run(world)
    successor = world.sage.recreate(record, user="ACCT1")

    taken = run(world)
    replaced = stored(world.link_of(cco))
    world.sage.delete(successor, user="ACCT1")
    free = run(world)

    assert replaced == ("replaced", [], {})
    assert stored(world.link_of(cco)) == ("absent", [], {})
    assert counts(taken) == counts(free) == {"checked": 1, "absent": 1, "changed": 1}
    assert [event.evidence["presence"] for event in world.events(kind="PRESENCE_CHANGED", subject=cco)] == [
        "absent",
        "replaced",
        "absent",
    ]


def test_a_gone_record_stays_gone_where_looking_again_gets_no_answer(world: World) -> None:
    cco = world.synced_cco()
    record = world.record_of(cco)
    world.sage.delete(record, user="ACCT2")
    run(world)
    before = columns(cco)
    world.sage.set_fault("deadlock", record_number=record)

    made = run(world)

    assert (made.state, counts(made)) == (ReconcileState.COMPLETE, {"checked": 1, "absent": 1})
    assert columns(cco) == before


def test_of_many_that_are_gone_a_run_looks_for_a_few_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm_suspects, "GONE_SAMPLE", 2)
    for key in ("present", "plain-01", "plain-02"):
        world.delete_in_sage(world.synced_cco(key))
    run(world)
    looked_for: list[int] = []
    quick_lookup = calls.quick_lookup_many

    def noted(reader: Any, references: Any, **given: Any) -> Any:
        looked_for.append(len(references))
        return quick_lookup(reader, references, **given)

    monkeypatch.setattr(calls, "quick_lookup_many", noted)

    made = run(world)

    assert looked_for == [2]
    assert counts(made) == {"checked": 3, "absent": 3}


def test_another_amount_is_drift_and_the_right_one_ends_it(world: World) -> None:
    cco = world.synced_cco()
    record = world.record_of(cco)
    was = world.link_of(cco).erp_amount

    set_amount(world, record, "4321.5")
    run(world)
    drifted = stored(world.link_of(cco))
    set_amount(world, record, str(was))
    run(world)

    assert drifted == ("present", ["amount"], {"amount": "4321.50"})
    assert stored(world.link_of(cco)) == ("present", [], {})
    assert len(told(world, cco)) == 2


def set_amount(world: World, record: str, amount: str) -> None:
    """On all of the record's lines together."""
    with open_books(Path(world.connection.sandbox_path)) as books:
        lines = "(SELECT min(linnum) FROM dbo.sbcgln WHERE recnum = ?)"
        books.run("UPDATE dbo.sbcgln SET bdgprc = 0 WHERE recnum = ?", record)
        books.run(
            f"UPDATE dbo.sbcgln SET bdgprc = ? WHERE recnum = ? AND linnum = {lines}",
            amount,
            record,
            record,
        )


def test_a_link_that_was_never_checked_and_is_there_becomes_present_without_an_event(world: World) -> None:
    cco = world.synced_cco()
    ChangeOrderLink.objects.filter(change_order=cco).update(presence="unchecked", presence_checked_at=None)

    made = run(world)

    link = world.link_of(cco)
    assert stored(link) == ("present", [], {})
    assert link.presence_checked_at == link.last_seen_at == made.started_at
    assert counts(made) == {"checked": 1, "present": 1}
    assert told(world, cco) == []


def test_a_link_that_was_never_checked_and_is_gone_is_told(world: World) -> None:
    cco = world.synced_cco()
    ChangeOrderLink.objects.filter(change_order=cco).update(presence="unchecked", presence_checked_at=None)
    world.delete_in_sage(cco)

    run(world)

    assert stored(world.link_of(cco)) == ("absent", [], {})
    assert told(world, cco) == ["deleted-in-history"]


def test_closed_links_are_left_alone(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    before = columns(cco)

    made = run(world)

    assert counts(made) == {}
    assert columns(cco) == before


def test_links_of_another_company_are_left_alone(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    neighbour = World(world.place, slug="ridgeline")

    made = run(neighbour)

    assert counts(made) == {}
    assert told(world, cco) == []


@pytest.mark.parametrize("page", [1, 2, 3])
def test_no_link_is_skipped_or_compared_twice_where_pages_end(
    world: World, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Two links share a header; both stand on one record number."""
    monkeypatch.setattr(diff, "PAGE", page)
    ccos = [world.synced_cco(key) for key in ("shared-deleted", "present", "shared-kept", "plain-01")]
    world.delete_in_sage(ccos[1])

    made = run(world)

    assert counts(made) == {"checked": 4, "present": 3, "absent": 1, "changed": 1}


def test_a_record_number_that_the_books_cannot_hold_is_compared_too(world: World) -> None:
    """It comes after all that the books can hold, and must not be skipped silently."""
    cco = world.synced_cco()
    link = columns(cco)
    free = world.free_cco(erp_status=ErpStatus.READY_TO_EXPORT)
    ChangeOrderLink.objects.bulk_create(
        [
            ChangeOrderLink(
                **{
                    **{name: value for name, value in link.items() if name not in ("id", "record_order")},
                    "change_order_id": free.pk,
                    "record_number": "X" * 20,
                    "subcontract_record_number": "999",
                }
            )
        ]
    )
    CommitmentChangeOrder.objects.filter(pk=free.pk).update(erp_status=ErpStatus.SYNCED)

    made = run(world)

    assert made.checked == 2
    assert ChangeOrderLink.objects.get(record_number="X" * 20).presence == "unknown"


def test_what_was_found_since_is_not_written_over(world: World) -> None:
    """Somebody's own check is newer than the run's look."""
    cco = world.synced_cco()
    world.delete_in_sage(cco)
    later = database_now() + timedelta(hours=1)
    ChangeOrderLink.objects.filter(change_order=cco).update(presence_checked_at=later)

    made = run(world)

    assert (made.state, made.changed) == (ReconcileState.COMPLETE, 0)
    assert stored(world.link_of(cco)) == ("present", [], {})
    assert told(world, cco) == []


def test_one_record_that_gives_no_answer_is_nobodys_trouble_but_its_own(world: World) -> None:
    ccos = [world.synced_cco(key) for key in ("present", "plain-01", "plain-02")]
    for cco in ccos:
        world.delete_in_sage(cco)
    world.sage.set_fault("deadlock", record_number=world.record_of(ccos[1]))

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert [world.link_of(cco).presence for cco in ccos] == ["absent", "unknown", "absent"]
    assert counts(made) == {"checked": 3, "absent": 2, "unknown": 1, "changed": 3}


def test_a_record_that_gave_the_run_no_answer_does_not_overwrite_a_newer_look(world: World) -> None:
    """A look that was never answered is dated by its question."""
    ccos = [world.synced_cco(key) for key in ("present", "plain-01")]
    for cco in ccos:
        world.delete_in_sage(cco)
    later = database_now() + timedelta(hours=1)
    ChangeOrderLink.objects.filter(change_order=ccos[1]).update(presence_checked_at=later)
    world.sage.set_fault("deadlock", record_number=world.record_of(ccos[1]))

    run(world)

    assert [world.link_of(cco).presence for cco in ccos] == ["absent", "present"]
    assert told(world, ccos[1]) == []


def test_links_that_are_as_they_were_cost_no_query_each(world: World) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as asked:
            run(world)
        return len(asked)

    world.synced_cco("present")
    of_one = queries()
    for key in ("plain-01", "plain-02", "plain-03"):
        world.synced_cco(key)

    assert queries() == of_one


def test_what_a_complete_run_saw_is_kept_when_the_record_is_gone(world: World) -> None:
    """Or what came into the books before that run would pass for its successor."""
    cco = world.synced_cco()
    seen = run(world)
    world.delete_in_sage(cco)

    gone = run(world)

    link, connection = world.link_of(cco), world.fresh_connection()
    assert connection.reconciled_at == gone.started_at
    assert link.last_seen_at == last_seen(link, connection).at == seen.started_at
    assert link.presence_checked_at is not None
    assert link.presence_checked_at > gone.started_at


def test_the_beginning_of_the_last_run_is_never_turned_back(world: World) -> None:
    ahead = database_now() + timedelta(hours=1)
    Connection.objects.filter(pk=world.connection.pk).update(reconciled_at=ahead)

    run(world)

    assert world.fresh_connection().reconciled_at == ahead


def test_whoever_asks_by_command_is_told_of(world: World) -> None:
    cco = world.synced_cco()
    world.delete_in_sage(cco)

    made = reconcile(connection_id=world.connection.pk, actor=LINKER)

    assert (made.actor_name, made.via) == (LINKER.name, LINKER.via)
    [event] = world.events(kind="PRESENCE_CHANGED", subject=cco)
    assert event.actor_name == LINKER.name

"""A record that cannot be read is that record's trouble: named, and nothing else stops for it."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.models import User
from erp_integrations.exports import run_export
from erp_integrations.models import ChangeOrderLink, Connection, EventKind, ReconcileRun, ReconcileState
from erp_integrations.models.links import GONE
from erp_integrations.reconciliation import diff
from erp_integrations.workflow.errors import (
    DuplicateInErp,
    ExportFailed,
    MayBeThere,
    NoTrustworthyAnswer,
    NotThereYet,
)
from tests.domain.test_reconciling import counts, run
from tests.odd import damage
from tests.sendable import (
    accept,
    actor,
    approved_cco,
    export,
    key_in,
    preview,
    send,
    status_of,
    tied_commitment,
)
from tests.world import World

SCENARIOS = ("plain-01", "plain-02", "plain-03")
LONG = "9" * 24

ODD_CHANGE_ORDERS: dict[str, tuple[str, str]] = {
    "_idnum = NULL": ("_idnum", "NULL"),
    "_idnum = 'not a row id'": ("_idnum", "'not a row id'"),
    "status = 0": ("status", "0"),
    "status = 7": ("status", "7"),
    "status = 9": ("status", "9"),
    "status = NULL": ("status", "NULL"),
    "chgnum = NULL": ("chgnum", "NULL"),
    f"chgnum = '{LONG}'": ("chgnum", f"'{LONG}'"),
    "jobnum = -2611": ("jobnum", "-2611"),
    "phsnum = -1": ("phsnum", "-1"),
    "recnum = NULL": ("recnum", "NULL"),
    "recnum = -recnum": ("recnum", "-{record}"),
}
ODD_LINES: dict[str, tuple[str, str]] = {
    "bdgprc = NULL": ("bdgprc", "NULL"),
    "bdgprc = 'a lot'": ("bdgprc", "'a lot'"),
    "bdgprc = 9e999": ("bdgprc", "inf"),
    "bdgprc = 1e30": ("bdgprc", "1e+30"),
    "chgnum = NULL": ("chgnum", "NULL"),
    f"chgnum = '{LONG}'": ("chgnum", f"'{LONG}'"),
    "vndctc = -1201": ("vndctc", "-1201"),
    "recnum = NULL": ("recnum", "NULL"),
}
ODD = {
    **{("prmchg", change): named for change, named in ODD_CHANGE_ORDERS.items()},
    **{("sbcgln", change): named for change, named in ODD_LINES.items()},
}


def named(made: ReconcileRun) -> set[tuple[str, str, str, str]]:
    return {(odd["table"], odd["record_number"], odd["column"], odd["shown"]) for odd in made.odd_records}


def spoil(world: World, table: str, record: str, change: str) -> None:
    damage(world.place, f"UPDATE {table} SET {change} WHERE recnum = {record}")


def change_orders_of(world: World) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(world.place / "company.sqlite")) as books:
        return books.execute("SELECT * FROM prmchg ORDER BY recnum").fetchall()


def assert_answered(world: World) -> None:
    connection: Connection = world.fresh_connection()
    assert connection.failures_in_a_row == 0
    assert connection.last_failure_at is None


@pytest.mark.parametrize(("table", "change"), ODD)
def test_an_odd_record_that_nobody_linked_is_named_and_every_link_is_compared(
    world: World, table: str, change: str
) -> None:
    ccos = [world.synced_cco(key) for key in SCENARIOS]
    stranger = world.scenarios["plain-09"].record_number
    spoil(world, table, stranger, change)

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert counts(made) == {"checked": 3, "present": 3}
    column, shown = ODD[table, change]
    record = "" if column == "recnum" else stranger
    assert named(made) == {(table, record, column, shown.format(record=stranger))}
    assert made.odd >= 1
    assert {world.link_of(cco).presence for cco in ccos} == {"present"}
    assert world.events(kind="PRESENCE_CHANGED") == []
    assert_answered(world)


@pytest.mark.parametrize("change", ODD_CHANGE_ORDERS)
def test_only_the_link_of_an_odd_record_is_not_sure_and_it_never_counts_as_missing(
    world: World, change: str
) -> None:
    ccos = [world.synced_cco(key) for key in SCENARIOS]
    Connection.objects.update(most_missing_percent=1)
    spoilt, record = ccos[1], world.record_of(ccos[1])
    spoil(world, "prmchg", record, change)

    made = run(world)
    again = run(world)

    assert made.state == again.state == ReconcileState.COMPLETE
    assert (made.checked, made.present, made.absent) == (3, 2, 0)
    assert made.odd == 1
    link = world.link_of(spoilt)
    assert link.is_active
    assert link.presence not in GONE
    if not change.startswith("_idnum"):
        # By a row id that is odd no look finds the record; what it says of the rest of it is its own affair.
        assert link.presence == "unknown"
        assert [event.reason for event in world.events(kind="PRESENCE_CHANGED")] == ["row-not-understood"]
    assert again.changed == 0
    assert {world.link_of(cco).presence for cco in (ccos[0], ccos[2])} == {"present"}
    assert_answered(world)


@pytest.mark.parametrize("change", [one for one in ODD_LINES if one[:6] not in ("recnum", "vndctc")])
def test_a_link_with_an_odd_line_is_there_and_its_amount_is_not_said_to_have_changed(
    world: World, change: str
) -> None:
    ccos = [world.synced_cco(key) for key in SCENARIOS]
    spoil(world, "sbcgln", world.record_of(ccos[1]), change)

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert counts(made) == {"checked": 3, "present": 3}
    link = world.link_of(ccos[1])
    assert (link.presence, link.drift, link.seen) == ("present", [], {})


def test_many_odd_records_at_once_are_not_taken_for_missing_ones(world: World) -> None:
    Connection.objects.update(most_missing_percent=1)
    ccos = [world.synced_cco(f"plain-{number:02}") for number in range(1, 13)]
    damage(world.place, "UPDATE prmchg SET recnum = NULL")

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert (made.checked, made.absent, made.unknown) == (12, 0, 12)
    assert {world.link_of(cco).presence for cco in ccos} == {"unknown"}
    assert made.odd > diff.ODD_KEPT
    assert len(made.odd_records) == diff.ODD_KEPT


@pytest.mark.parametrize("change", ["_idnum = NULL", "recnum = NULL", "recnum = -recnum"])
def test_a_job_that_cannot_be_read_keeps_its_change_orders_where_they_are(world: World, change: str) -> None:
    Connection.objects.update(most_missing_percent=1)
    ccos = [world.synced_cco(f"plain-{number:02}") for number in range(1, 13)]
    job = world.link_of(ccos[0]).job_record_number
    spoil(world, "actrec", job, change)

    made = run(world)

    assert made.state == ReconcileState.COMPLETE
    assert counts(made) == {"checked": 12, "present": 12}
    [odd] = made.odd_records
    assert (odd["table"], odd["column"]) == ("actrec", change.split(" ", maxsplit=1)[0])
    assert world.events(kind="PRESENCE_CHANGED") == []


def test_a_record_that_can_be_read_again_is_present_again(world: World) -> None:
    cco = world.synced_cco()
    record = world.record_of(cco)
    spoil(world, "prmchg", record, "status = 9")
    run(world)
    spoil(world, "prmchg", record, "status = 1")

    made = run(world)

    assert (made.odd, made.odd_records) == (0, [])
    assert world.link_of(cco).presence == "present"


def test_an_odd_record_hides_no_deletion_of_another(world: World) -> None:
    ccos = [world.synced_cco(key) for key in SCENARIOS]
    world.delete_in_sage(ccos[0])
    spoil(world, "prmchg", world.record_of(ccos[1]), "status = 7")

    made = run(world)

    assert counts(made) | {"changed": 0} == {
        "checked": 3,
        "present": 1,
        "absent": 1,
        "unknown": 1,
        "changed": 0,
    }
    assert world.link_of(ccos[0]).presence == "absent"


def test_unlinking_an_odd_record_cuts_nothing_and_does_not_rest_the_connection(world: World) -> None:
    cco = world.synced_cco()
    person = world.person()
    spoil(world, "prmchg", world.record_of(cco), "status = 9")

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=person)

    assert world.link_of(cco).is_active
    assert world.events(kind="UNLINKED") == []
    assert_answered(world)


# --- on the way through accounting ---------------------------------------------------------------


@pytest.fixture
def approver(world: World) -> User:
    tied_commitment(world)
    return world.person()


def _sent(world: World, approver: User) -> CommitmentChangeOrder:
    cco = approved_cco(world.company.projects.get().commitments.get(), "100.00", "20.00", "-3.50")
    send(world, cco, by=approver)
    return cco


def _stranger(world: World) -> str:
    """A record on the commitment's job that nobody linked."""
    return world.scenarios["present"].record_number


@pytest.mark.parametrize(("table", "change"), ODD)
def test_a_cco_is_accepted_beside_an_odd_record_of_its_job_which_is_named(
    world: World, approver: User, table: str, change: str
) -> None:
    cco = _sent(world, approver)
    stranger = _stranger(world)
    spoil(world, table, stranger, change)

    shown = preview(world, cco)
    accept(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.EXPORTING
    column, value = ODD[table, change]
    # A line without its record belongs to no change order that could be asked about.
    if change not in ("recnum = NULL", "vndctc = -1201") or table == "prmchg":
        assert {(one.table, one.column, one.shown) for one in shown.odd} == {
            (table, column, value.format(record=stranger))
        }


@pytest.mark.parametrize("change", ["status = 9", "_idnum = NULL", "recnum = NULL"])
def test_the_number_of_an_odd_record_is_taken(world: World, approver: User, change: str) -> None:
    cco = _sent(world, approver)
    stranger = world.sage.change_order(_stranger(world))
    spoil(world, "prmchg", stranger.record_number, change)

    with pytest.raises(DuplicateInErp) as raised:
        accept(world, cco, by=approver, number=stranger.number)

    assert [one.code for one in raised.value.broken] == ["number-not-in-erp"]
    assert status_of(cco) == ErpStatus.READY_TO_EXPORT
    assert world.events(kind=EventKind.ACCEPTED) == []


def _accepted(world: World, approver: User, *, writer: str) -> CommitmentChangeOrder:
    cco = _sent(world, approver)
    accept(world, cco, by=approver, writer=writer)
    return cco


@pytest.mark.parametrize("writer", ["sandbox", "worksheet"])
def test_an_export_is_found_beside_odd_records_of_its_job(world: World, approver: User, writer: str) -> None:
    cco = _accepted(world, approver, writer=writer)
    for scenario, change in (
        ("present", "status = 9"),
        ("void", "chgnum = NULL"),
        ("moved", "_idnum = NULL"),
    ):
        spoil(world, "prmchg", world.scenarios[scenario].record_number, change)
    if writer == "worksheet":
        with pytest.raises(NotThereYet):
            export(world, cco, by=approver)
        key_in(world, cco)

    link = export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.SYNCED
    assert link.erp_amount == Decimal("116.50")


def test_what_was_keyed_in_but_cannot_be_read_is_named_and_not_tied(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    record = key_in(world, cco)
    spoil(world, "prmchg", record, "status = 9")

    with pytest.raises(ExportFailed, match=f"prmchg, record {record}, column status: 9"):
        export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()
    assert_answered(world)


def test_what_was_written_but_cannot_be_read_is_not_written_again(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="sandbox")
    world.sage.set_fault("unanswered")
    with pytest.raises(ExportFailed):
        export(world, cco, by=approver)
    world.sage.set_fault("none")
    damage(world.place, "UPDATE prmchg SET status = 9 WHERE usrdf1 <> ''")
    before = change_orders_of(world)

    with pytest.raises(ExportFailed, match=r"column status: 9\. Nothing was written"):
        export(world, cco, by=approver)

    assert change_orders_of(world) == before
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()


def test_what_may_be_there_unreadable_does_not_go_back(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    record = key_in(world, cco)
    spoil(world, "prmchg", record, "status = 0")
    keys: dict[str, Any] = {"company_id": world.company.pk, "change_order_id": cco.pk}

    with pytest.raises(MayBeThere, match=f"record {record}, column status: 0"):
        run_export.give_back_change_order(**keys, reason="Wrong vendor", actor=actor(approver))

    assert status_of(cco) == ErpStatus.EXPORTING
    assert world.events(kind=EventKind.REJECTED) == []

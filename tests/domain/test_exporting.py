"""An accepted CCO is brought into the ERP, read back, compared and tied; never twice, never by halves."""

from datetime import timedelta
from decimal import Decimal

import pytest

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.clock import database_now
from companies.errors import ReasonMissing
from companies.models import Membership, User
from erp_integrations.exports import poll, run_export
from erp_integrations.models import ChangeOrderLink, Connection, EventKind, Export, ExportOutcome
from erp_integrations.workflow.errors import (
    Differs,
    ExportFailed,
    ExportInProgress,
    FoundInErp,
    MayBeThere,
    NotAllowed,
    NotPossibleNow,
    NotThereYet,
    TakenOver,
)
from tests import jobs
from tests.sendable import (
    accept,
    actor,
    approved_cco,
    books_of,
    export,
    key_in,
    send,
    status_of,
    take_number_over,
    tied_commitment,
)
from tests.world import World


@pytest.fixture
def approver(world: World) -> User:
    tied_commitment(world)
    return world.person()


def _accepted(world: World, approver: User, *amounts: str, writer: str = "sandbox") -> CommitmentChangeOrder:
    commitment = world.company.projects.get().commitments.get()
    cco = approved_cco(commitment, *(amounts or ("100.00", "20.00", "-3.50")))
    send(world, cco, by=approver)
    accept(world, cco, by=approver, number="9-1", writer=writer)
    return cco


# --- the writer that writes ---


def test_what_was_signed_off_is_written_read_back_and_tied(world: World, approver: User) -> None:
    cco = _accepted(world, approver)

    link = export(world, cco, by=approver)

    round_ = Export.objects.get(change_order=cco)
    record = world.sage.change_order(link.record_number)
    assert status_of(cco) == ErpStatus.SYNCED
    assert (record.number, [line.amount for line in record.lines]) == ("9-1", [Decimal("116.50")])
    assert (round_.outcome, round_.link_id, round_.writing_until) == (ExportOutcome.SYNCED, link.pk, None)
    [event] = world.events(kind=EventKind.LINKED, subject=cco)
    assert event.link_id == link.pk
    assert event.rights == "Standard on ERP Integrations, Can Push to Accounting"


def test_a_deduct_is_written_as_what_it_is(world: World, approver: User) -> None:
    cco = _accepted(world, approver, "100.00", "-350.25")

    link = export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.SYNCED
    assert [line.amount for line in world.sage.change_order(link.record_number).lines] == [Decimal("-250.25")]


def test_a_second_click_finds_it_synced_and_writes_nothing(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    export(world, cco, by=approver)
    before = books_of(world)

    with pytest.raises(NotPossibleNow):
        export(world, cco, by=approver)

    assert books_of(world) == before
    assert ChangeOrderLink.objects.filter(change_order=cco).count() == 1


def test_while_somebody_exports_nobody_else_does(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    before = books_of(world)
    Export.objects.filter(change_order=cco).update(writing_until=database_now() + timedelta(seconds=60))

    with pytest.raises(ExportInProgress):
        export(world, cco, by=approver)

    assert books_of(world) == before


def test_a_lease_that_ran_out_is_taken_over(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    Export.objects.filter(change_order=cco).update(writing_until=database_now() - timedelta(seconds=1))

    export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.SYNCED


@pytest.mark.parametrize("fault", ["offline", "login-refused", "locked", "restored", "wrong-database"])
def test_a_sage_in_trouble_fails_the_export_in_words_and_the_retry_exports_once(
    world: World, approver: User, fault: str
) -> None:
    cco = _accepted(world, approver)
    before = books_of(world)
    world.sage.set_fault(fault)

    with pytest.raises(ExportFailed) as failed:
        export(world, cco, by=approver)

    round_ = Export.objects.get(change_order=cco)
    assert (status_of(cco), round_.failure_words) == (ErpStatus.FAILED_TO_EXPORT, failed.value.words)
    assert books_of(world) == before
    assert len(world.events(kind=EventKind.EXPORT_FAILED)) == 1

    world.sage.set_fault("none")
    export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.SYNCED
    assert len(books_of(world)) == len(before) + 1
    assert len(world.events(kind=EventKind.EXPORT_RETRIED)) == 1


def test_a_time_out_after_writing_never_exports_twice(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    before = books_of(world)
    world.sage.set_fault("unanswered")

    with pytest.raises(ExportFailed):
        export(world, cco, by=approver)

    assert len(books_of(world)) == len(before) + 1, "it is there, though nobody was told"
    world.sage.set_fault("none")

    link = export(world, cco, by=approver)

    assert len(books_of(world)) == len(before) + 1
    assert link.record_number == (set(books_of(world)) - set(before)).pop()[0]


def test_a_record_written_by_halves_is_not_tied_and_goes_before_the_retry(
    world: World, approver: User
) -> None:
    cco = _accepted(world, approver)
    before = set(books_of(world))
    world.sage.set_fault("half-written")
    with pytest.raises(ExportFailed):
        export(world, cco, by=approver)
    world.sage.set_fault("none")
    [(half, _)] = set(books_of(world)) - before

    with pytest.raises(ExportFailed, match=f"Record {half} is in Sage 100 Contractor®, but without a line"):
        export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.FAILED_TO_EXPORT
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()

    row_id_of_the_half = world.sage.change_order(half).row_id
    world.sage.delete(half, user="ACCT1")
    link = export(world, cco, by=approver)

    assert link.record_number == half, "the number of the last record is given again"
    assert link.row_id != row_id_of_the_half


def test_rights_lost_while_sage_is_written_tie_nothing(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    claim = run_export._claim(company_id=world.company.pk, change_order_id=cco.pk, actor=actor(approver))
    outcome = run_export._bring_in_time(claim)
    Membership.objects.filter(user=approver).update(can_push_to_accounting=False)

    with pytest.raises(NotAllowed):
        run_export._settle(claim, outcome, actor=actor(approver))

    assert status_of(cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()


def test_an_answer_that_comes_after_the_lease_settles_nothing(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    claim = run_export._claim(company_id=world.company.pk, change_order_id=cco.pk, actor=actor(approver))
    outcome = run_export._bring_in_time(claim)
    later = database_now() + timedelta(seconds=90)
    Export.objects.filter(change_order=cco).update(writing_until=later)

    with pytest.raises(TakenOver):
        run_export._settle(claim, outcome, actor=actor(approver))

    assert status_of(cco) == ErpStatus.EXPORTING
    assert Export.objects.get(change_order=cco).writing_until == later


def test_a_connection_set_anew_meanwhile_ties_nothing(world: World, approver: User) -> None:
    cco = _accepted(world, approver)
    claim = run_export._claim(company_id=world.company.pk, change_order_id=cco.pk, actor=actor(approver))
    outcome = run_export._bring_in_time(claim)
    Connection.objects.filter(pk=world.connection.pk).update(revision=99)

    with pytest.raises(TakenOver):
        run_export._settle(claim, outcome, actor=actor(approver))

    assert status_of(cco) == ErpStatus.EXPORTING


@pytest.mark.parametrize("table", ["actrec", "subcon"])
def test_nothing_is_written_to_another_record_under_the_same_number(
    world: World, approver: User, table: str
) -> None:
    cco = _accepted(world, approver)
    before = books_of(world)
    take_number_over(world, table)

    with pytest.raises(ExportFailed, match="entered anew"):
        export(world, cco, by=approver)

    assert books_of(world) == before
    assert status_of(cco) == ErpStatus.FAILED_TO_EXPORT
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()


def test_what_was_keyed_into_another_record_under_the_same_number_is_not_tied(
    world: World, approver: User
) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    key_in(world, cco)
    take_number_over(world, "subcon")

    with pytest.raises(ExportFailed, match="entered anew"):
        export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()


# --- the writer whose hands are an accountant's ---


def test_by_hand_nothing_is_written_until_somebody_keys_it_in(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    before = books_of(world)

    with pytest.raises(NotThereYet):
        export(world, cco, by=approver)

    assert (status_of(cco), books_of(world)) == (ErpStatus.EXPORTING, before)
    assert Export.objects.get(change_order=cco).looked_at is not None


def test_what_was_keyed_in_as_signed_off_is_found_and_tied(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    record = key_in(world, cco)

    link = export(world, cco, by=approver)

    assert (link.record_number, status_of(cco)) == (record, ErpStatus.SYNCED)


def test_one_wrong_amount_is_shown_and_not_tied(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    record = key_in(world, cco, amount="116.05")

    with pytest.raises(Differs) as shown:
        export(world, cco, by=approver)

    [difference] = shown.value.differences
    assert (difference.signed_off, difference.found) == ("116.50", "116.05")
    assert shown.value.record_number == record
    assert status_of(cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()
    assert Export.objects.get(change_order=cco).differences[0]["found"] == "116.05"


def test_two_records_with_the_number_are_not_guessed_between(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    first, second = key_in(world, cco), key_in(world, cco)

    with pytest.raises(ExportFailed, match=f"Records {first} and {second} carry the same change number"):
        export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()


@pytest.mark.parametrize("fault", ["offline", "restored", "emptied"])
def test_by_hand_a_sage_in_trouble_leaves_it_exporting(world: World, approver: User, fault: str) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    key_in(world, cco)
    world.sage.set_fault(fault)

    with pytest.raises(ExportFailed):
        export(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.EXPORTING
    assert not ChangeOrderLink.objects.filter(change_order=cco).exists()


# --- back to the project team ---


def _give_back(world: World, cco: CommitmentChangeOrder, *, by: User, reason: str = "Wrong vendor") -> None:
    run_export.give_back_change_order(
        company_id=world.company.pk, change_order_id=cco.pk, reason=reason, actor=actor(by)
    )


def test_an_export_that_sage_knows_nothing_of_goes_back(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")

    _give_back(world, cco, by=approver)

    round_ = Export.objects.get(change_order=cco)
    assert status_of(cco) == ErpStatus.REJECTED
    assert (round_.outcome, round_.reason) == (ExportOutcome.REJECTED, "Wrong vendor")
    assert [event.reason for event in world.events(kind=EventKind.REJECTED)] == ["Wrong vendor"]


@pytest.mark.parametrize("amount", [None, "1.00"])
def test_an_export_that_sage_holds_stays(world: World, approver: User, amount: str | None) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    record = key_in(world, cco, amount=amount)

    with pytest.raises(FoundInErp) as found:
        _give_back(world, cco, by=approver)

    assert found.value.record_number == record
    assert status_of(cco) == ErpStatus.EXPORTING
    assert Export.objects.get(change_order=cco).writing_until is None


def test_what_is_exporting_stays_while_sage_cannot_be_asked(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    world.sage.set_fault("offline")

    with pytest.raises(ExportFailed, match="It may be in Sage 100 Contractor® already"):
        _give_back(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.EXPORTING


def test_what_failed_stays_while_sage_cannot_be_asked(world: World, approver: User) -> None:
    """Its answer may have been lost after it was written: sent again, it would be exported twice."""
    cco = _accepted(world, approver)
    world.sage.set_fault("unanswered")
    with pytest.raises(ExportFailed):
        export(world, cco, by=approver)
    assert "9-1" in [number for _, number in books_of(world)]
    world.sage.set_fault("offline")

    with pytest.raises(MayBeThere):
        _give_back(world, cco, by=approver)

    assert status_of(cco) == ErpStatus.FAILED_TO_EXPORT
    assert Export.objects.get(change_order=cco).ended_at is None
    world.sage.set_fault("none")
    with pytest.raises(FoundInErp):
        _give_back(world, cco, by=approver)


def test_giving_back_needs_a_reason_and_the_approvers_rights(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")

    with pytest.raises(ReasonMissing):
        _give_back(world, cco, by=approver, reason="  ")
    with pytest.raises(NotAllowed):
        _give_back(world, cco, by=world.person("somebody", can_push_to_accounting=False))

    assert status_of(cco) == ErpStatus.EXPORTING


# --- by itself ---


def _run_the_watcher(world: World, *, minutes: int = 0) -> int:
    """What the queue does at the next minute: the looks it would queue, each done at once."""
    now = database_now() + timedelta(minutes=minutes)
    due = [export.pk for export in poll._due(now)]
    for export_id in due:
        poll.look_up_export(export_id, now)
    return len(due)


def test_what_was_keyed_in_is_found_and_tied_without_anybodys_click(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    record = key_in(world, cco)

    _run_the_watcher(world)

    link = world.link_of(cco)
    assert (link.record_number, link.linked_by_name) == (record, "Plumbline")
    assert status_of(cco) == ErpStatus.SYNCED
    [event] = world.events(kind=EventKind.LINKED, subject=cco)
    assert (event.link_id, event.actor_id, event.via) == (link.pk, None, "QUEUE")


def test_it_looks_every_five_minutes_and_leaves_what_differs_for_people(world: World, approver: User) -> None:
    cco = _accepted(world, approver, writer="worksheet")
    key_in(world, cco, amount="1.00")

    assert _run_the_watcher(world) == 1
    assert _run_the_watcher(world, minutes=4) == 0
    assert _run_the_watcher(world, minutes=6) == 1

    assert status_of(cco) == ErpStatus.EXPORTING
    assert Export.objects.get(change_order=cco).differences[0]["found"] == "1.00"


def test_it_leaves_a_sage_in_trouble_alone(world: World, approver: User) -> None:
    _accepted(world, approver, writer="worksheet")
    world.sage.set_fault("offline")
    _run_the_watcher(world)
    connection = world.fresh_connection()
    assert (connection.failures_in_a_row, connection.last_failure_at is not None) == (1, True)
    Connection.objects.update(failures_in_a_row=9)

    poll.queue_export_lookups(database_now() + timedelta(minutes=6))

    assert jobs.waiting("look_for_export") == []


def test_it_queues_one_look_for_each_export(world: World, approver: User) -> None:
    _accepted(world, approver, writer="worksheet")
    export_id = Export.objects.get().pk

    poll.queue_export_lookups(database_now())
    poll.queue_export_lookups(database_now())

    assert jobs.waiting("look_for_export") == [{"export_id": export_id}]


def test_an_export_that_a_writer_writes_is_nobodys_to_look_for(world: World, approver: User) -> None:
    _accepted(world, approver)

    assert _run_the_watcher(world) == 0

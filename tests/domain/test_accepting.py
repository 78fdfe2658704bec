"""The accounting approver sees what Sage would hold, signs it off, rejects it, or links what is there."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from commitments.models import CommitmentChangeOrder, ErpStatus
from companies.errors import ReasonMissing
from companies.models import Level, Membership, User
from erp_integrations.exports import review, submit
from erp_integrations.links import create_link
from erp_integrations.models import ChangeOrderLink, Connection, EventKind, Export, ExportOutcome
from erp_integrations.workflow.errors import (
    CouldNotAsk,
    DiffersFromOurs,
    DuplicateInErp,
    NotAllowed,
    NotPossibleNow,
    NumberInUse,
    PreviewChanged,
    RecordElsewhere,
    RecordTaken,
    RulesBroken,
    TakenOver,
)
from tests.sendable import (
    accept,
    actor,
    approved_cco,
    books_of,
    key_in_too_early,
    link_as_it_is,
    preview,
    send,
    status_of,
    subcontract_of,
    take_number_over,
    tied_commitment,
)
from tests.world import World


@pytest.fixture
def sent(world: World) -> CommitmentChangeOrder:
    """A CCO of five lines on two lines of the subcontract, waiting for accounting."""
    cco = approved_cco(tied_commitment(world), "100.00", "20.00", "-3.50")
    approver = world.person()
    send(world, cco, by=approver)
    return cco


@pytest.fixture
def approver(sent: CommitmentChangeOrder) -> User:
    return User.objects.get(username="approver")


def test_the_preview_shows_what_sage_would_hold_and_changes_nothing(
    world: World, sent: CommitmentChangeOrder
) -> None:
    before = books_of(world)

    shown = preview(world, sent)

    assert [str(line.amount) for line in shown.prepared.lines] == ["116.50"]
    assert shown.prepared.lines[0].made_of == (1, 2, 3)
    assert (shown.same_number, shown.same_amount) == ((), ())
    assert books_of(world) == before
    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def test_accepting_signs_off_what_was_shown_and_stores_it(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    export = accept(world, sent, by=approver, number=" 9-1 ")

    export.refresh_from_db()
    assert status_of(sent) == ErpStatus.EXPORTING
    assert (export.erp_number, export.writer, export.accepted_by_id) == ("9-1", "sandbox", approver.pk)
    assert export.prepared["lines"][0]["amount"] == "116.50"
    [event] = world.events(kind=EventKind.ACCEPTED)
    assert event.evidence["prepared"] == export.prepared
    assert event.rights == "Standard on ERP Integrations, Can Push to Accounting"


@pytest.mark.parametrize(
    ("erp", "privilege"), [(Level.READ_ONLY, True), (Level.STANDARD, False), (Level.ADMIN, False)]
)
def test_accepting_and_rejecting_need_the_approvers_rights(
    world: World, sent: CommitmentChangeOrder, erp: Level, *, privilege: bool
) -> None:
    person = world.person("somebody", erp_integrations=erp, can_push_to_accounting=privilege)

    with pytest.raises(NotAllowed):
        accept(world, sent, by=person)
    with pytest.raises(NotAllowed):
        review.reject_change_order(
            company_id=world.company.pk,
            change_order_id=sent.pk,
            reason="No",
            actor=actor(person),
        )

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT
    assert world.events(kind=EventKind.ACCEPTED) == []


def test_what_changed_since_it_was_shown_is_not_signed_off(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    token = preview(world, sent, number="9-1").token

    with pytest.raises(PreviewChanged):
        review.accept_change_order(
            company_id=world.company.pk,
            change_order_id=sent.pk,
            erp_number="9-2",
            writer="sandbox",
            token=token,
            actor=actor(approver),
        )

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def test_what_was_retrieved_meanwhile_is_not_accepted(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    submit.retrieve_change_order(company_id=world.company.pk, change_order_id=sent.pk, actor=actor(approver))

    with pytest.raises(NotPossibleNow) as late:
        accept(world, sent, by=approver)

    assert late.value.erp_status == ErpStatus.NOT_IN_ERP
    assert status_of(sent) == ErpStatus.NOT_IN_ERP


@pytest.mark.parametrize(("number", "code"), [("  ", "erp-number-present"), ("1" * 21, "erp-number-length")])
def test_a_change_number_that_sage_cannot_hold_is_refused(
    world: World, sent: CommitmentChangeOrder, number: str, code: str
) -> None:
    with pytest.raises(RulesBroken) as refused:
        preview(world, sent, number=number)

    assert [broken.code for broken in refused.value.broken] == [code]


def test_leading_zeros_of_a_change_number_are_kept(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    assert accept(world, sent, by=approver, number="007").erp_number == "007"


def test_a_number_that_sage_holds_on_the_job_stops_the_export(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    there = world.sage.change_order(world.scenarios["present"].record_number)

    with pytest.raises(DuplicateInErp) as stopped:
        accept(world, sent, by=approver, number=f" {there.number.lower()} ")

    assert [one.record_number for one in stopped.value.same_number] == [there.record_number]
    assert status_of(sent) == ErpStatus.READY_TO_EXPORT
    assert world.events(kind=EventKind.ACCEPTED) == []


def _with_the_amount_of(world: World, scenario: str) -> CommitmentChangeOrder:
    """A waiting CCO with the same amount on the same subcontract as that record."""
    record = world.sage.change_order(world.scenarios[scenario].record_number)
    there = subcontract_of(world, scenario)
    amount = sum(
        line.amount for line in record.lines if line.subcontract_record_number == there.record_number
    )
    cco = approved_cco(tied_commitment(world, there), str(amount))
    send(world, cco, by=world.person())
    return cco


def test_the_same_amount_on_the_subcontract_stops_the_export_until_it_is_said_to_be_another(
    world: World,
) -> None:
    cco = _with_the_amount_of(world, "present")
    by = User.objects.get(username="approver")

    with pytest.raises(DuplicateInErp) as stopped:
        accept(world, cco, by=by)

    record = world.scenarios["present"].record_number
    assert record in [one.record_number for one in stopped.value.same_amount]
    assert status_of(cco) == ErpStatus.READY_TO_EXPORT

    review.accept_change_order(
        company_id=world.company.pk,
        change_order_id=cco.pk,
        erp_number="9-1",
        writer="sandbox",
        token=preview(world, cco).token,
        actor=actor(by),
        same_amount_is_another=True,
    )

    assert status_of(cco) == ErpStatus.EXPORTING


def test_two_ccos_are_not_exported_under_one_number(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    other = approved_cco(sent.commitment, "55.00", number="901")
    send(world, other, by=approver)
    accept(world, sent, by=approver, number="9-a")

    with pytest.raises(NumberInUse):
        accept(world, other, by=approver, number="9-A")

    assert (status_of(sent), status_of(other)) == (ErpStatus.EXPORTING, ErpStatus.READY_TO_EXPORT)


@pytest.mark.parametrize("fault", ["offline", "login-refused", "wrong-database", "restored", "emptied"])
def test_nothing_is_accepted_while_sage_cannot_be_asked(
    world: World, sent: CommitmentChangeOrder, approver: User, fault: str
) -> None:
    token = preview(world, sent).token
    world.sage.set_fault(fault)

    with pytest.raises(CouldNotAsk):
        review.accept_change_order(
            company_id=world.company.pk,
            change_order_id=sent.pk,
            erp_number="9-1",
            writer="sandbox",
            token=token,
            actor=actor(approver),
        )

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


# --- reject ---


@pytest.mark.parametrize(("table", "what"), [("actrec", "Job "), ("subcon", "Subcontract ")])
def test_nothing_is_accepted_for_another_record_under_the_same_number(
    world: World, sent: CommitmentChangeOrder, approver: User, table: str, what: str
) -> None:
    take_number_over(world, table)

    with pytest.raises(CouldNotAsk, match="subcontract-gone") as raised:
        accept(world, sent, by=approver)

    assert raised.value.fault.what.startswith(what)
    message = raised.value.message(erp="Sage")
    assert " ".join((message.title, *message.details)).count("Nothing was changed") == 1

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def test_rejecting_gives_it_back_with_the_reason(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    review.reject_change_order(
        company_id=world.company.pk,
        change_order_id=sent.pk,
        reason="  Wrong cost code  ",
        actor=actor(approver),
    )

    export = Export.objects.get(change_order=sent)
    assert status_of(sent) == ErpStatus.REJECTED
    assert (export.outcome, export.reason) == (ExportOutcome.REJECTED, "Wrong cost code")
    [event] = world.events(kind=EventKind.REJECTED)
    assert event.reason == "Wrong cost code"


def test_a_rejection_needs_a_reason(world: World, sent: CommitmentChangeOrder, approver: User) -> None:
    with pytest.raises(ReasonMissing):
        review.reject_change_order(
            company_id=world.company.pk,
            change_order_id=sent.pk,
            reason=" \t ",
            actor=actor(approver),
        )

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


# --- link what is there ---


def _link(world: World, cco: CommitmentChangeOrder, record: str, *, by: User) -> ChangeOrderLink:
    return link_as_it_is(world, cco, record, by=by)


def test_a_waiting_cco_is_linked_to_the_record_that_is_in_sage(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    record = world.scenarios["present"].record_number

    link = _link(world, sent, record, by=approver)

    export = Export.objects.get(change_order=sent)
    assert status_of(sent) == ErpStatus.SYNCED
    assert (link.record_number, export.link_id, export.outcome) == (record, link.pk, ExportOutcome.SYNCED)
    [event] = world.events(kind=EventKind.LINKED, subject=sent)
    assert event.link_id == link.pk


def _ask_to_link(
    world: World, cco: CommitmentChangeOrder, record: str, *, by: User, seen: str = ""
) -> object:
    return review.link_to_existing(
        company_id=world.company.pk, change_order_id=cco.pk, record_number=record, actor=actor(by), seen=seen
    )


def test_what_is_the_same_in_everything_is_linked_at_once(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    record = key_in_too_early(world, sent)

    _ask_to_link(world, sent, record, by=approver)

    assert status_of(sent) == ErpStatus.SYNCED
    [event] = world.events(kind=EventKind.LINKED, subject=sent)
    assert {one["same"] for one in event.evidence["compared"]} == {True}
    assert [one["found"] for one in event.evidence["compared"] if one["what"].startswith("Amount")] == [
        "116.50"
    ]


def test_what_differs_is_shown_line_by_line_and_linked_only_with_a_yes(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    record = key_in_too_early(world, sent, amount="16.50")

    with pytest.raises(DiffersFromOurs) as refused:
        _ask_to_link(world, sent, record, by=approver)

    shown = refused.value.compared
    assert [(one.what, one.ours, one.found) for one in shown if not one.same] == [
        ("Amount of subcontract line 1 (Foundations and walls, 486,000.00)", "116.50", "16.50")
    ]
    assert ("Change number", "900", "900", True, True) in [dataclasses.astuple(one) for one in shown]
    assert status_of(sent) == ErpStatus.READY_TO_EXPORT
    assert not ChangeOrderLink.objects.exists()

    _ask_to_link(world, sent, record, by=approver, seen=refused.value.token)

    assert status_of(sent) == ErpStatus.SYNCED
    [event] = world.events(kind=EventKind.LINKED, subject=sent)
    assert event.evidence["compared"] == [dataclasses.asdict(one) for one in shown]


def test_a_yes_is_to_what_was_shown_and_to_nothing_else(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    record = key_in_too_early(world, sent, amount="16.50")
    other = key_in_too_early(world, sent, amount="16.50")
    with pytest.raises(DiffersFromOurs) as of_the_other:
        _ask_to_link(world, sent, other, by=approver)

    for seen in (of_the_other.value.token, "x", "\0", "0" * 64):
        with pytest.raises(DiffersFromOurs):
            _ask_to_link(world, sent, record, by=approver, seen=seen)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT
    assert not ChangeOrderLink.objects.exists()


@pytest.mark.parametrize("table", ["actrec", "subcon"])
def test_nothing_is_linked_on_another_job_or_subcontract_under_the_same_number(
    world: World, sent: CommitmentChangeOrder, approver: User, table: str
) -> None:
    record = key_in_too_early(world, sent)
    take_number_over(world, table)

    with pytest.raises(RecordElsewhere):
        _ask_to_link(world, sent, record, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def test_a_record_that_another_cco_is_tied_to_is_not_linked(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    world.synced_cco("present")

    with pytest.raises(RecordTaken):
        _link(world, sent, world.scenarios["present"].record_number, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


@pytest.mark.parametrize("record", ["999999", "0", "-1", "no number"])
def test_a_record_that_is_not_there_is_not_linked(
    world: World, sent: CommitmentChangeOrder, approver: User, record: str
) -> None:
    with pytest.raises((RecordElsewhere, CouldNotAsk)):
        _link(world, sent, record, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def test_a_record_of_another_subcontract_is_not_linked(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    here = subcontract_of(world).record_number
    elsewhere = next(
        one.record_number for one in world.scenarios.values() if one.subcontract_record_number != here
    )

    with pytest.raises(RecordElsewhere):
        _link(world, sent, elsewhere, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def test_linking_needs_the_approvers_rights(
    world: World, sent: CommitmentChangeOrder, approver: User
) -> None:
    Membership.objects.filter(user=approver).update(can_push_to_accounting=False)

    with pytest.raises(NotAllowed):
        _link(world, sent, world.scenarios["present"].record_number, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT


def _while_sage_answers(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something that takes place after the record was read and before the link is made."""
    read = create_link.read_record

    def read_slowly(*args: Any, **options: Any) -> create_link.RecordInErp:
        record = read(*args, **options)
        happens()
        return record

    monkeypatch.setattr(create_link, "read_record", read_slowly)


def test_rights_lost_while_sage_answers_link_nothing(
    world: World, sent: CommitmentChangeOrder, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Membership.objects.filter(user=approver)
    _while_sage_answers(monkeypatch, lambda: mine.update(can_push_to_accounting=False))

    with pytest.raises(NotAllowed):
        _link(world, sent, world.scenarios["present"].record_number, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT
    assert not ChangeOrderLink.objects.filter(change_order=sent).exists()


def test_a_connection_set_anew_while_sage_answers_links_nothing(
    world: World, sent: CommitmentChangeOrder, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _while_sage_answers(monkeypatch, lambda: Connection.objects.update(revision=99))

    with pytest.raises(TakenOver):
        _link(world, sent, world.scenarios["present"].record_number, by=approver)

    assert status_of(sent) == ErpStatus.READY_TO_EXPORT
    assert not ChangeOrderLink.objects.filter(change_order=sent).exists()

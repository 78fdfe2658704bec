"""What became of an export, in words: green for what was done, amber for every refusal, red for none."""

import uuid
from datetime import UTC, datetime

import pytest

from commitments.models import ErpStatus
from erp_integrations.drafts.comparison import Difference
from erp_integrations.drafts.side_by_side import SideBySide
from erp_integrations.drafts.validation import BrokenRule, RulePlace
from erp_integrations.models import AttemptState
from erp_integrations.ports import ErpChangeOrder, ErpChangeOrderFound, Fault, FaultKind
from erp_integrations.workflow import errors
from erp_integrations.workflow.erp_statuses import Step
from erp_integrations.workflow.errors import Refused

ERP = "Sage 100 Contractor®"
FAULT = Fault(FaultKind.UNAVAILABLE, "unreachable", "Sage cannot be reached.", "Try again.")
THERE = ErpChangeOrderFound(uuid.uuid4(), "57", "14-5", "2611", "1", "Approved", "", (), None)
RECORD = ErpChangeOrder(uuid.uuid4(), "57", "14-5", "2611", "1", "Added steel", "Approved", None)
SHOWN = SideBySide(
    link_id=1,
    linked_record_number="56",
    linked_row_id=uuid.uuid4(),
    linked_is_there=True,
    record_number="57",
    row_id=uuid.uuid4(),
    subcontract_record_number="1201",
    sides=(),
)
REFUSALS: list[tuple[Refused, str]] = [
    (errors.NotAllowed(("Needs 'Admin'",)), "Needs 'Admin'."),
    (errors.NotPossibleNow(step=Step.ACCEPT, erp_status=ErpStatus.SYNCED), "It is Synced by now"),
    (
        errors.RulesBroken((BrokenRule("lines", "lines", RulePlace.CHANGE_ORDER, "It has no {lines}."),)),
        "It has no {lines}.",
    ),
    (errors.PreviewChanged(), "not what you were shown"),
    (errors.NumberInUse("14-5 {x}"), "Change number 14-5 {x} is taken"),
    (errors.CouldNotAsk(FAULT), "Sage cannot be reached."),
    (errors.ExportInProgress(), "under way"),
    (errors.TakenOver(), "came too late"),
    (errors.NotThereYet(), f"It is not in {ERP} yet"),
    (
        errors.Differs(record_number="57", differences=(Difference("Phase", "1", "2"),)),
        f"Phase: 2 in {ERP}, accepted was 1.",
    ),
    (errors.ExportFailed("Nothing was written."), "Nothing was written."),
    (errors.MayBeThere("It may be there."), "It stays in accounting"),
    (errors.FoundInErp("57"), "holds it as record 57"),
    (errors.RecordElsewhere(), "not this CCO's"),
    (errors.RecordTaken(), "linked to something else"),
    (errors.DiffersFromOurs(RECORD, ()), "Record 57 differs from this CCO"),
    (errors.NeverUnlinked(), "never unlinked"),
    (errors.ChangedSince(), "changed after it was unlinked"),
    (errors.RecordNotBack(), "not back"),
    (errors.SameRecord("57"), "linked to record 57 already"),
    (
        errors.LinkInUse(("Commitment SC-1 is linked to record 1201",)),
        "Commitment SC-1 is linked to record 1201.",
    ),
    (errors.RecordNotLinked(), "Another user unlinked it first"),
    (errors.RecordNotEffective("57", "Void"), f"Record 57 is Void in {ERP}"),
    (errors.BeingUnlinked(by="colleague", since=datetime.now(UTC)), "being unlinked"),
    (errors.RecordNotLeft(), "does not answer for that record"),
    (errors.NotAsShown(SHOWN), "not what you were shown"),
    (errors.TooManyRecords(50), "takes 50 records"),
    (errors.NotLinkedRecords(("57", "58")), "linked to record 57, 58"),
    (errors.NotLinkedRecords(()), "linked to record of that number"),
    (errors.RecordSeen("57"), "Record 57 was in"),
    (errors.DatabaseNotAccepted(), "accepted database is another one"),
    (errors.OwnStatement(), "Another ERP admin must confirm it"),
    (errors.StatementOver(), "decided already"),
    (errors.AlreadyLinkedToRecord(), "linked already"),
    (errors.NoRecord("57"), "holds no record 57"),
    (errors.AnotherRecord(), "Another record"),
    (errors.OfAnother("job", theirs="2612", ours="2611"), "belongs to job 2612"),
    (errors.OnlySubcontracts(), "Purchase orders"),
    (errors.LeaseHolds(until=datetime.now(UTC)), "Its lease is not over"),
    (errors.ReconcileInProgress(since=datetime.now(UTC)), "Another reconciliation is running"),
    (errors.AttemptEnded(AttemptState.NO_ANSWER), "It has ended meanwhile: no trustworthy answer"),
    (errors.ConnectionChanged(), "changed meanwhile"),
    (errors.PasswordNeeded(), "The password is needed"),
    (errors.NothingToAccept(), "does not wait to be accepted"),
    (
        errors.DuplicateInErp(
            broken=(BrokenRule("number-not-in-erp", "erp_number", RulePlace.ACCEPT_FORM, "It is there."),),
            same_number=(THERE,),
            same_amount=(),
        ),
        "record 57 already, with the same change number",
    ),
]
OF_UNLINKING = {
    errors.UnlinkInProgress,
    errors.AlreadyUnlinked,
    errors.NeverLinked,
    errors.StillInErp,
    errors.NoTrustworthyAnswer,
    errors.NothingToUnlink,
    errors.TooManyToUnlink,
}
"""Their words are tested in `test_words`."""


@pytest.mark.parametrize(("refusal", "words"), REFUSALS, ids=lambda one: type(one).__name__)
def test_every_refusal_is_amber_and_says_what_is_the_matter(refusal: Refused, words: str) -> None:
    message = refusal.message(erp=ERP)

    assert message.level == "warning"
    assert words in " ".join((message.title, *message.details))
    assert message.details, "and what to do"
    assert "{erp}" not in " ".join((message.title, *message.details))


def test_no_refusal_is_without_words() -> None:
    said = {type(refusal) for refusal, _ in REFUSALS} | OF_UNLINKING

    assert said == {*Refused.__subclasses__(), *errors.ExportFailed.__subclasses__()}

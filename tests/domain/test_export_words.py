"""What became of an export, in words: green for what was done, amber for every refusal, red for none."""

import uuid
from datetime import UTC, datetime

import pytest

from commitments.models import ErpStatus
from erp_integrations import export_words
from erp_integrations.comparing import Difference
from erp_integrations.operations import export_refusals
from erp_integrations.operations.export_refusals import ExportRefused
from erp_integrations.ports import ErpChangeOrder, ErpChangeOrderFound, Fault, FaultKind
from erp_integrations.rules import Broken, Place
from erp_integrations.side_by_side import SideBySide
from erp_integrations.transitions import Step

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
REFUSALS: list[tuple[ExportRefused, str]] = [
    (export_refusals.NotAllowed(("Needs 'Admin'",)), "Needs 'Admin'."),
    (export_refusals.NotPossibleNow(step=Step.ACCEPT, erp_status=ErpStatus.SYNCED), "It is Synced by now"),
    (
        export_refusals.RulesBroken((Broken("lines", "lines", Place.CHANGE_ORDER, "It has no {lines}."),)),
        "It has no {lines}.",
    ),
    (export_refusals.ReasonNeeded(), "Say why"),
    (export_refusals.PreviewChanged(), "not what you were shown"),
    (export_refusals.NumberInUse("14-5 {x}"), "Change number 14-5 {x} is taken"),
    (export_refusals.CouldNotAsk(FAULT), "Sage cannot be reached."),
    (export_refusals.ExportInProgress(), "under way"),
    (export_refusals.TakenOver(), "came too late"),
    (export_refusals.NotThereYet(), f"It is not in {ERP} yet"),
    (
        export_refusals.Differs(record_number="57", differences=(Difference("Phase", "1", "2"),)),
        f"Phase: 2 in {ERP}, accepted was 1.",
    ),
    (export_refusals.ExportFailed("Nothing was written."), "Nothing was written."),
    (export_refusals.MayBeThere("It may be there."), "It stays in accounting"),
    (export_refusals.FoundInErp("57"), "holds it as record 57"),
    (export_refusals.RecordElsewhere(), "not this CCO's"),
    (export_refusals.RecordTaken(), "linked to something else"),
    (export_refusals.DiffersFromOurs(RECORD, ()), "Record 57 differs from this CCO"),
    (export_refusals.NeverUnlinked(), "never unlinked"),
    (export_refusals.ChangedSince(), "changed after it was unlinked"),
    (export_refusals.RecordNotBack(), "not back"),
    (export_refusals.SameRecord("57"), "linked to record 57 already"),
    (export_refusals.RecordNotEffective("57", "Void"), f"Record 57 is Void in {ERP}"),
    (export_refusals.BeingUnlinked(by="colleague", since=datetime.now(UTC)), "being unlinked"),
    (export_refusals.RecordNotLeft(), "does not answer for that record"),
    (export_refusals.NotAsShown(SHOWN), "not what you were shown"),
    (export_refusals.TooManyRecords(50), "takes 50 records"),
    (export_refusals.NotLinkedRecords(("57", "58")), "linked to record 57, 58"),
    (export_refusals.NotLinkedRecords(()), "linked to record of that number"),
    (export_refusals.RecordSeen("57"), "Record 57 was in"),
    (export_refusals.DatabaseNotAccepted(), "accepted database is another one"),
    (export_refusals.OwnStatement(), "Another ERP admin must confirm it"),
    (export_refusals.StatementOver(), "decided already"),
    (export_refusals.AlreadyTied(), "linked already"),
    (export_refusals.NoRecord("57"), "holds no record 57"),
    (export_refusals.AnotherRecord(), "Another record"),
    (export_refusals.OfAnother("job", theirs="2612", ours="2611"), "belongs to job 2612"),
    (export_refusals.OnlySubcontracts(), "Purchase orders"),
    (
        export_refusals.DuplicateInErp(
            broken=(Broken("number-not-in-erp", "erp_number", Place.ACCEPT_FORM, "It is there."),),
            same_number=(THERE,),
            same_amount=(),
        ),
        "record 57 already, with the same change number",
    ),
]


@pytest.mark.parametrize(("refusal", "words"), REFUSALS, ids=lambda one: type(one).__name__)
def test_every_refusal_is_amber_and_says_what_is_the_matter(refusal: ExportRefused, words: str) -> None:
    message = export_words.refused_message(refusal, erp=ERP)

    assert message.level == "warning"
    assert words in " ".join((message.title, *message.details))
    assert message.details, "and what to do"
    assert "{erp}" not in " ".join((message.title, *message.details))


def test_no_refusal_is_without_words() -> None:
    said = {type(refusal) for refusal, _ in REFUSALS}

    assert said == {*ExportRefused.__subclasses__(), *export_refusals.ExportFailed.__subclasses__()}

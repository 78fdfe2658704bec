"""What happened, in words: green, red and nothing but red for "still there", amber for everything else."""

import ast
import inspect
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from erp_integrations.links import settle_attempts, unlink_decision
from erp_integrations.links.unlink import Unlinked
from erp_integrations.models import ChangeOrderLink, ConfirmedDeletion
from erp_integrations.ports import (
    ErpHistoryEntry,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    HeaderSeen,
    LeftRecord,
    OtherRecord,
    Proof,
    Verdict,
)
from erp_integrations.view_models import Message, NextStep
from erp_integrations.workflow import errors
from erp_integrations.workflow.errors import (
    AlreadyUnlinked,
    CouldNotAsk,
    NeverLinked,
    NotAllowed,
    NothingToUnlink,
    NoTrustworthyAnswer,
    Refused,
    StillInErp,
    TooManyToUnlink,
    UnlinkInProgress,
)
from erp_integrations.workflow.unlink_messages import MEANWHILE
from sage_adapter import faults
from tests.domain.readers import Moments
from tests.domain.test_export_words import OF_UNLINKING
from tests.world import World

ERP = "Sage 100 Contractor®"
NOON = datetime(2026, 11, 20, 17, 5, tzinfo=UTC)  # 12:05 PM in New York
HEADER = HeaderSeen("701", "14", "2611", "1", "Approved")
OTHER = OtherRecord("812", "14", NOON)
DELETION = ErpHistoryEntry("delete", NOON, "ACCT2", "Sage 100 Contractor")
FAULT = Fault(FaultKind.UNAVAILABLE, "unreachable", "Sage cannot be reached.", "Try again.")
LINK = ChangeOrderLink(
    cco_number="014",
    cco_title="Added steel",
    project_name="Harbor Tower",
    record_number="701",
    number="14",
    job_record_number="2611",
    phase="1",
    subcontract_record_number="1201",
)
FINDINGS: dict[Verdict, Finding] = {
    Verdict.ABSENT: Finding(Verdict.ABSENT, "not-found-twice"),
    Verdict.PRESENT: Finding(
        Verdict.PRESENT, "header-found", Evidence(header=HEADER, lines_on_subcontract=1)
    ),
    Verdict.PRESENT_NOT_EFFECTIVE: Finding(
        Verdict.PRESENT_NOT_EFFECTIVE, "header-void", Evidence(header=replace(HEADER, status="Void"))
    ),
    Verdict.RENUMBERED: Finding(
        Verdict.RENUMBERED, "header-renumbered", Evidence(header=replace(HEADER, number="15"))
    ),
    Verdict.REPLACED: Finding(Verdict.REPLACED, "replaced-without-proof", Evidence(other_record=OTHER)),
    Verdict.AMBIGUOUS: Finding(Verdict.AMBIGUOUS, "lines-without-header", Evidence(lines_on_subcontract=2)),
    Verdict.JOB_MISSING: Finding(Verdict.JOB_MISSING, "job-not-found"),
    Verdict.UNKNOWN: Finding(Verdict.UNKNOWN, "unreachable", fault=FAULT),
}


def refused(finding: Finding, reason: str = "") -> Message:
    """The message for a finding that cut nothing, as the operation would refuse it."""
    refusal: Refused
    if finding.verdict in unlink_decision.STILL_THERE and not reason:
        refusal = StillInErp(link=LINK, finding=finding)
    else:
        refusal = NoTrustworthyAnswer(link=LINK, finding=finding, reason=reason or finding.reason)
    return refusal.message(erp=ERP)


def unlinked(evidence: Evidence, verdict: Verdict = Verdict.ABSENT, proof: Proof | None = None) -> Message:
    finding = Finding(verdict, "not-found-twice", evidence, proof=proof)
    return Unlinked(link=LINK, finding=finding).message(erp=ERP)


# --- the two sentences that people know -----------------------------------------------------------


def test_the_green_message_character_for_character() -> None:
    message = unlinked(Evidence())
    assert (message.level, message.title) == ("success", "Successful Unlinked")


def test_the_red_message_character_for_character() -> None:
    message = refused(FINDINGS[Verdict.PRESENT])
    assert message.level == "error"
    assert message.title == ("The CCO is still in Sage 100 Contractor®. Please delete it before retrying")


@pytest.mark.parametrize("verdict", Verdict)
def test_red_means_still_there_and_nothing_else(verdict: Verdict) -> None:
    red = refused(FINDINGS[verdict]).level == "error"
    assert red == (verdict in (Verdict.PRESENT, Verdict.PRESENT_NOT_EFFECTIVE, Verdict.RENUMBERED))
    assert refused(FINDINGS[verdict], "expired").level == "warning"


@pytest.mark.parametrize("verdict", unlink_decision.STILL_THERE)
def test_every_red_message_has_the_same_title_and_words_of_its_own(verdict: Verdict) -> None:
    assert refused(FINDINGS[verdict]).title == refused(FINDINGS[Verdict.PRESENT]).title
    assert refused(FINDINGS[verdict]).details[-1]


# --- red in detail --------------------------------------------------------------------------------


def test_red_names_what_sage_holds_now_and_not_what_the_link_remembers() -> None:
    moved = HeaderSeen("705", " 14-B ", "2612", "2", "Open")
    finding = Finding(Verdict.RENUMBERED, "header-renumbered", Evidence(header=moved))
    details = refused(finding).details
    assert "Record 705 in Sage: number 14-B, job 2612, phase 2." in details
    assert details[-1] == (
        "It was changed in Sage: its record number is 705 (it was 701), its number is 14-B (it was 14), "
        "its job is 2612 (it was 2611), its phase is 2 (it was 1). Delete it there to unlink."
    )


@pytest.mark.parametrize("verdict", unlink_decision.STILL_THERE)
def test_red_tells_a_record_number_that_changed_alone(verdict: Verdict) -> None:
    header = replace(HEADER, record_number="705", status="Void")
    finding = Finding(verdict, "", Evidence(header=header, lines_on_subcontract=1))
    words_of = " ".join(refused(finding).details)
    assert "Record 705 in Sage: number 14, job 2611, phase 1." in words_of
    assert "its record number is 705 (it was 701)" in words_of
    assert "its number is" not in words_of


def test_red_of_what_is_as_it_was_names_it_once() -> None:
    assert refused(FINDINGS[Verdict.PRESENT]).details[1:] == (
        "Record 701 in Sage: number 14, job 2611, phase 1.",
    )
    bare = replace(FINDINGS[Verdict.PRESENT], evidence=Evidence(header=replace(HEADER, number=" ", phase="")))
    assert "Record 701 in Sage: number empty, job 2611, phase 0." in refused(bare).details


@pytest.mark.parametrize("status", ["Void", "Rejected"])
def test_void_and_rejected_are_named(status: str) -> None:
    finding = replace(
        FINDINGS[Verdict.PRESENT_NOT_EFFECTIVE], evidence=Evidence(header=replace(HEADER, status=status))
    )
    assert refused(finding).details[-1] == f"It is marked {status} in Sage; delete it there to unlink."


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (replace(HEADER, number="15"), "its number is 15 (it was 14)"),
        (replace(HEADER, job_record_number="2612"), "its job is 2612 (it was 2611)"),
        (replace(HEADER, phase="2"), "its phase is 2 (it was 1)"),
        (replace(HEADER, number=""), "its number is empty (it was 14)"),
    ],
)
def test_the_new_number_job_or_phase_is_named(header: HeaderSeen, told: str) -> None:
    finding = replace(FINDINGS[Verdict.RENUMBERED], evidence=Evidence(header=header))
    assert f"changed in Sage: {told}. Delete it there" in refused(finding).details[-1]


def test_a_header_without_our_lines_says_so() -> None:
    finding = Finding(
        Verdict.PRESENT, "header-without-our-lines", Evidence(header=HEADER, lines_on_subcontract=0)
    )
    assert "without a line on subcontract 1201" in refused(finding).details[-1]


# --- green in detail ------------------------------------------------------------------------------


def test_who_deleted_it_and_when_is_told() -> None:
    details = unlinked(Evidence(deletion=DELETION, history_readable=True)).details
    assert "Deleted there by ACCT2 on Nov 20, 12:05 PM." in details


@pytest.mark.parametrize("user", ["", "   "])
def test_a_deletion_by_a_user_whom_history_does_not_name_says_so(user: str) -> None:
    details = unlinked(Evidence(deletion=replace(DELETION, user=user), history_readable=True)).details
    assert "Deleted there on Nov 20, 12:05 PM, by a user that Sage does not name." in details
    assert not any("by  on" in detail for detail in details)


def test_a_history_that_could_not_be_read_is_told() -> None:
    assert any("history could not be read" in detail for detail in unlinked(Evidence()).details)
    readable = unlinked(Evidence(history_readable=True)).details
    assert not any("history could not be read" in detail for detail in readable)


def test_a_subcontract_that_is_gone_too_is_told() -> None:
    details = unlinked(Evidence(subcontract_present=False)).details
    assert "Its subcontract is gone from Sage too." in details
    assert not any("subcontract" in detail for detail in unlinked(Evidence(subcontract_present=True)).details)


def test_the_other_record_of_a_replaced_one_is_named() -> None:
    message = unlinked(Evidence(other_record=OTHER, other_records=(OTHER,)), Verdict.REPLACED, Proof.HISTORY)
    assert message.title == "Successful Unlinked"
    assert "carries its number now: it is another change order" in message.details[-1]
    assert message.details[-1].startswith("Record 812")


def test_a_record_that_has_our_record_number_now_is_named_as_another_one() -> None:
    other = OtherRecord("704", "5", None, has_our_record_number=True)
    message = unlinked(Evidence(other_record=other, other_records=(other,)), Verdict.REPLACED, Proof.HISTORY)
    assert (
        "Record 704 (number 5) has its record number now: it is another change order" in message.details[-1]
    )


def test_a_subcontract_that_is_billed_beyond_its_value_is_told_beside_green() -> None:
    details = unlinked(Evidence(billed_beyond=Decimal("5000.00"))).details
    assert "Its subcontract is billed 5,000.00 beyond its value now." in details


def test_a_record_that_was_moved_to_another_subcontract_is_told_with_that_subcontract() -> None:
    moved = Finding(Verdict.AMBIGUOUS, "moved-to-another-subcontract", Evidence(moved_to_subcontract="1204"))
    message = refused(moved)
    assert (message.level, message.title) == ("warning", "It was moved to subcontract 1204 in Sage")


# --- amber ----------------------------------------------------------------------------------------


def test_an_unproved_replacement_is_named() -> None:
    message = refused(FINDINGS[Verdict.REPLACED])
    assert message.title == "Record 812 carries the same number"
    assert message.details[0] == (
        "Record 812 carries the same number. Delete or renumber it in Sage, or move this CCO's link to it."
    )


def test_an_unproved_replacement_names_the_record_that_the_link_may_be_moved_to() -> None:
    other = OtherRecord("704", "14-5", None)
    replaced = Finding(
        Verdict.REPLACED, "replaced-without-proof", Evidence(other_record=other, other_records=(other,))
    )
    present = Finding(Verdict.PRESENT, "header-found")

    told = [
        NoTrustworthyAnswer(link=LINK, finding=replaced, reason=replaced.reason).record_to_move_to,
        NoTrustworthyAnswer(link=LINK, finding=replaced, reason="expired").record_to_move_to,
        StillInErp(link=LINK, finding=present).record_to_move_to,
        NeverLinked().record_to_move_to,
    ]

    assert told == ["704", "", "", ""]


def test_a_record_that_the_link_was_moved_from_is_named_with_the_day() -> None:
    left = LeftRecord(uuid.uuid4(), "704", datetime(2026, 11, 3, 18, tzinfo=UTC))
    finding = Finding(Verdict.AMBIGUOUS, "left-record-still-there", Evidence(left_record=left))

    message = refused(finding)

    assert message.level == "warning"
    assert message.title == (
        "Record 704, which this CCO was linked to until Nov 3, is still in Sage. Link or ignore it first."
    )


@pytest.mark.parametrize(
    ("reason", "offered"),
    [
        ("job-not-found", True),
        ("job-closed-and-empty", True),
        ("last-job-not-in-progress", True),
        ("no-control", True),
        ("history-silent", True),
        ("deletion-of-closed-job", True),
        ("lines-without-header", False),
        ("replaced-without-proof", False),
        ("unreachable", False),
        ("expired", False),
    ],
)
def test_a_confirmed_deletion_is_offered_where_it_can_stand_in(reason: str, *, offered: bool) -> None:
    finding = Finding(Verdict.JOB_MISSING, reason)

    refusal = NoTrustworthyAnswer(link=LINK, finding=finding, reason=reason)

    assert refusal.may_state_deletion is offered


def test_a_confirmed_deletion_is_told_with_both_people() -> None:
    by = ConfirmedDeletion(
        stated_by_name="erp-admin", confirmed_by_name="second-admin", reason="Deleted with its job"
    )
    finding = Finding(Verdict.ABSENT, "not-found-twice", Evidence(deletion_confirmed=True))

    details = Unlinked(link=LINK, finding=finding, confirmed=by).message(erp=ERP).details

    assert (
        "erp-admin stated that it was deleted there (Deleted with its job), confirmed by second-admin."
        in details
    )


def test_a_missing_job_in_the_words_of_the_product() -> None:
    title = refused(FINDINGS[Verdict.JOB_MISSING]).title
    assert title == "The job itself is not in Sage (archived or deleted). The link stays."


def test_a_closed_job_with_nothing_left_in_it_says_what_to_try() -> None:
    message = refused(Finding(Verdict.JOB_MISSING, "job-closed-and-empty"))
    assert message.title == "The job is closed and nothing of it is there"
    assert message.details[0] == (
        "If it was not archived, set it to Current in Sage and unlink again. If it was, the link stays."
    )
    assert message.details[-1].startswith("Nothing was changed: CCO 014")


def test_a_job_that_the_record_was_moved_to_is_named() -> None:
    finding = Finding(Verdict.JOB_MISSING, "last-job-not-in-progress")
    moved = ChangeOrderLink(cco_number="014", record_number="701", seen={"job": "2604"})

    message = NoTrustworthyAnswer(link=moved, finding=finding, reason=finding.reason).message(erp=ERP)

    assert message.title == "The job that the record was moved to is closed or not in Sage. The link stays."
    assert message.details[0] == (
        "Record 701 was last seen on job 2604. If that job was archived, the record was archived with it. "
        "If not, the Sage administrator sets the job to Current, then unlink again."
    )


@pytest.mark.parametrize(
    ("code", "what", "advice"),
    [
        (
            "no-control",
            "Nothing that should be there is there",
            "Plumbline asked for 13 other linked records and found 0. Ask your Sage administrator whether "
            "the database is complete; or state a confirmed deletion.",
        ),
        (
            "history-silent",
            "Gone, and Sage's history knows of no deletion",
            "Ask your Sage administrator whether history was cleared; or state a confirmed deletion.",
        ),
    ],
)
def test_an_absence_that_is_not_believed_says_why_and_what_to_do(code: str, what: str, advice: str) -> None:
    fault = Fault(FaultKind.MISCONFIGURED, code, what, advice)
    message = refused(Finding(Verdict.UNKNOWN, code, fault=fault))
    assert (message.level, message.title) == ("warning", what)
    assert message.details[0] == advice
    assert "still linked" in message.details[-1]


@pytest.mark.parametrize(("lines", "told"), [(1, "1 line is left"), (2, "2 lines are left")])
def test_half_deleted_tells_what_was_found(lines: int, told: str) -> None:
    finding = replace(FINDINGS[Verdict.AMBIGUOUS], evidence=Evidence(lines_left=lines))
    message = refused(finding)
    assert message.title == "It is half deleted in Sage"
    assert f"{told} of record 701" in message.details[0]


@pytest.mark.parametrize("verdict", Verdict)
def test_every_refusal_names_the_cco_and_says_that_it_is_still_linked(verdict: Verdict) -> None:
    message = refused(FINDINGS[verdict])
    assert message.title
    assert any(
        'CCO 014 "Added steel" (Harbor Tower) is still linked.' in detail for detail in message.details
    )


def reasons_of_its_own() -> set[str]:
    """The reasons that the operation gives where the finding's own does not count."""
    judged = set()
    source = inspect.getsource(unlink_decision) + inspect.getsource(settle_attempts)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UnlinkDecision":
            judged |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
        if isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant):
            judged.add(node.value.value)
    return {str(reason) for reason in judged} - {"rights-lost"}


def test_every_reason_of_the_operation_has_words() -> None:
    assert reasons_of_its_own() == set(MEANWHILE)
    gone = FINDINGS[Verdict.ABSENT]
    titles = {reason: refused(gone, reason).title for reason in MEANWHILE}
    assert all(titles.values())
    assert "Sage 100 Contractor® gave no trustworthy answer" not in titles.values()


def test_what_happened_meanwhile_is_told_rather_than_what_sage_said() -> None:
    message = refused(FINDINGS[Verdict.ABSENT], "connection-changed")
    assert message.title == "The connection was changed meanwhile"


@pytest.mark.parametrize("fault", faults._FAULTS, ids=lambda fault: fault.code)
def test_every_fault_has_words_and_says_who_can_mend_it(fault: Fault) -> None:
    message = refused(Finding(Verdict.UNKNOWN, fault.code, fault=fault))
    assert message.level == "warning"
    assert message.title == fault.what
    assert message.details[0] == fault.advice != ""


@pytest.mark.parametrize("fault", faults._FAULTS, ids=lambda fault: fault.code)
def test_that_nothing_was_changed_is_said_once(fault: Fault) -> None:
    message = refused(Finding(Verdict.UNKNOWN, fault.code, fault=fault))
    assert " ".join((message.title, *message.details)).count("Nothing was changed") == 1
    exported = CouldNotAsk(fault).message(erp=ERP)
    assert " ".join((exported.title, *exported.details)).count("Nothing was changed") == 1


def test_being_checked_says_by_whom_and_since_when() -> None:
    message = UnlinkInProgress(by="colleague", since=NOON).message(erp=ERP)
    assert (message.level, message.title) == ("warning", "This CCO is being checked")
    assert "colleague asked Sage 100 Contractor® about it at 12:05:00 PM." in message.details[0]


def test_already_unlinked_says_by_whom_and_when() -> None:
    message = AlreadyUnlinked(by="colleague", at=NOON).message(erp=ERP)
    assert (message.level, message.title) == ("warning", "This CCO was unlinked already")
    assert "colleague unlinked it on Nov 20, 12:05 PM." in message.details[0]


def test_not_allowed_lists_what_is_missing_and_who_gives_it() -> None:
    message = NotAllowed(("Needs one", "Needs two")).message(erp=ERP)
    assert message.level == "warning"
    assert message.details[:2] == ("Needs one.", "Needs two.")
    assert "Company administrators give levels" in message.details[2]


def test_every_refusal_there_is_has_words() -> None:
    made = [
        NotAllowed(("Needs one",)),
        UnlinkInProgress(by="colleague", since=NOON),
        AlreadyUnlinked(by="colleague", at=NOON + timedelta(hours=1)),
        NeverLinked(),
        StillInErp(link=LINK, finding=FINDINGS[Verdict.PRESENT]),
        NoTrustworthyAnswer(link=LINK, finding=FINDINGS[Verdict.UNKNOWN], reason="unreachable"),
        NothingToUnlink(),
        TooManyToUnlink(10_000),
    ]
    assert {type(refusal) for refusal in made} == {errors.NotAllowed, *OF_UNLINKING}
    for refusal in made:
        message = refusal.message(erp=ERP, next_steps=(NextStep("Go on", "/"),))
        assert message.title
        assert message.details
        assert message.next_steps == (NextStep("Go on", "/"),)


# --- nothing that is nobody's business ------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    ["offline", "login-refused", "app-refused", "no-rights", "wrong-database", "missing-table", "drops"],
)
def test_no_words_hold_hosts_logins_paths_or_a_drivers_text(world: World, fault: str) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.sage.set_fault(fault)
    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)
    message = refusal.value.message(erp=ERP)
    text = " ".join((message.title, *message.details))
    for secret in (str(world.place), "sqlite", "[Sandbox]", "SQLExec", "Login failed", "18456", "0x2746"):
        assert secret not in text


def test_an_error_of_our_own_is_not_shown(world: World, moments: Moments) -> None:
    cco, approver = world.synced_cco(), world.person()

    def breaks() -> None:
        raise RuntimeError("SERVER=books.example;PWD=hunter2")

    moments.before_looks = breaks
    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)
    message = refusal.value.message(erp=ERP)
    assert "books.example" not in str(message)
    assert "hunter2" not in str(world.attempts(cco)[0].evidence)

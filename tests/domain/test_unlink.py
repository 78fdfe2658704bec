"""Unlink: what cuts a link, and what leaves it alone."""

import contextlib
from dataclasses import asdict
from datetime import datetime

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from commitments.models import CommitmentChangeOrder, ErpStatus
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.ledger.actors import PLUMBLINE
from erp_integrations.models import (
    AttemptState,
    ChangeOrderLink,
    Connection,
    LinkEvent,
    PresenceKey,
    UnlinkAttempt,
)
from erp_integrations.ports import FaultKind, Verdict
from erp_integrations.reconciliation.reconcile import reconcile
from erp_integrations.workflow.errors import (
    AlreadyUnlinked,
    NeverLinked,
    NoTrustworthyAnswer,
    Refused,
    StillInErp,
)
from sage_adapter.sandbox.writer import open_books
from tests.domain.readers import Moments
from tests.world import LINKER, World

GONE = {
    "deleted": ("absent", "not-found-twice", ""),
    "two-phases-deleted": ("absent", "not-found-twice", ""),
    "two-jobs-deleted": ("absent", "not-found-twice", ""),
    "line-number-deleted": ("absent", "not-found-twice", ""),
    "duplicate-contract": ("absent", "not-found-twice", ""),
    "invoiced": ("absent", "not-found-twice", ""),
    "no-audit": ("absent", "not-found-twice", ""),
    "contract-deleted": ("absent", "not-found-twice", ""),
    "recreated": ("replaced", "replaced-after-deletion", "history"),
    "padded": ("replaced", "replaced-after-deletion", "history"),
    "sub-number-reused": ("replaced", "replaced-after-deletion", "history"),
    "corrected": ("replaced", "replaced-after-deletion", "history"),
    "corrected-same-number": ("replaced", "replaced-after-deletion", "history"),
    "number-reused": ("absent", "record-number-used-on-another-job", ""),
}
"""Scenario -> verdict, reason and proof with which its link is cut."""

STILL_THERE = {
    "present": ("present", "header-found"),
    "restored": ("present", "header-found"),
    "two-phases-kept": ("present", "header-found"),
    "two-jobs-kept": ("present", "header-found"),
    "line-number-kept": ("present", "header-found"),
    "line-removed": ("present", "header-without-our-lines"),
    "shared-deleted": ("present", "header-without-our-lines"),
    "void": ("not-effective", "header-void"),
    "rejected": ("not-effective", "header-rejected"),
    "rejected-lines-open": ("not-effective", "header-rejected"),
    "renumbered": ("renumbered", "header-renumbered"),
    "moved": ("renumbered", "header-renumbered"),
    "job-replaced": ("renumbered", "header-renumbered"),
}
"""Scenario -> verdict and reason with which Unlink is refused in red."""

DOUBTFUL = {
    "half-deleted": ("ambiguous", "lines-without-header"),
    "half-deleted-elsewhere": ("ambiguous", "lines-without-header"),
    "moved-subcontract": ("ambiguous", "moved-to-another-subcontract"),
    "archived": ("job-missing", "job-not-found"),
    "archived-history": ("job-missing", "job-not-found"),
    "job-deleted-too": ("job-missing", "job-not-found"),
    "closed-empty": ("job-missing", "job-closed-and-empty"),
    "closed-deleted": ("unknown", "deletion-of-closed-job"),
    "deleted-purged": ("unknown", "history-silent"),
    "recreated-purged": ("unknown", "history-silent"),
    "twin": ("unknown", "history-silent"),
    "number-older": ("replaced", "replaced-without-proof"),
    "locked": ("unknown", "locked"),
    "deadlock": ("unknown", "deadlock"),
    "drops": ("unknown", "link-lost"),
}
"""Scenario -> verdict and reason with which Unlink is refused in amber."""

FAULTS = {
    "offline": ("unreachable", FaultKind.UNAVAILABLE),
    "slow:2": ("deadline", FaultKind.UNAVAILABLE),
    "login-refused": ("login-refused", FaultKind.MISCONFIGURED),
    "app-refused": ("application-refused", FaultKind.MISCONFIGURED),
    "no-rights": ("no-rights", FaultKind.MISCONFIGURED),
    "wrong-database": ("wrong-database", FaultKind.MISCONFIGURED),
    "restored": ("other-incarnation", FaultKind.MISCONFIGURED),
    "missing-table": ("table-missing", FaultKind.MISCONFIGURED),
    "missing-column": ("column-missing", FaultKind.MISCONFIGURED),
    "emptied": ("empty-database", FaultKind.MISCONFIGURED),
    "locked": ("locked", FaultKind.UNAVAILABLE),
    "deadlock": ("deadlock", FaultKind.UNAVAILABLE),
    "drops": ("link-lost", FaultKind.UNAVAILABLE),
}
"""Fault of the practice company -> the code and the kind of what Plumbline makes of it."""


# --- green ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", GONE)
def test_what_is_gone_from_sage_is_unlinked(world: World, scenario: str) -> None:
    cco, approver = world.synced_cco(scenario), world.person()
    world.sage.play()

    unlinked = world.unlink(cco, by=approver)

    cco.refresh_from_db()
    assert cco.erp_status == ErpStatus.NOT_IN_ERP
    link = world.link_of(cco)
    assert not link.is_active
    assert (link.unlinked_by_id, link.unlinked_by_name) == (approver.pk, "approver")
    assert unlinked.link == link
    [attempt] = world.attempts(cco)
    assert attempt.state == AttemptState.UNLINKED
    assert (attempt.verdict, attempt.reason, attempt.proof) == GONE[scenario]
    assert attempt.ended_at == link.unlinked_at
    [event] = world.events(kind="UNLINKED")
    assert (event.attempt_id, event.link_id) == (attempt.pk, link.pk)


def test_the_deletion_in_sage_is_kept_as_evidence(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    unlinked = world.unlink(cco, by=approver)

    assert unlinked.finding.evidence.deletion is not None
    assert unlinked.finding.evidence.deletion.user == "ACCT2"
    [attempt] = world.attempts(cco)
    kept = attempt.evidence["evidence"]["deletion"]
    assert (kept["action"], kept["user"]) == ("delete", "ACCT2")
    assert datetime.fromisoformat(kept["at"]) == unlinked.finding.evidence.deletion.at


def test_a_history_that_may_not_be_read_does_not_stand_in_the_way(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.sage.set_fault("no-audit")

    unlinked = world.unlink(cco, by=approver)

    assert unlinked.finding.verdict is Verdict.ABSENT
    assert not unlinked.finding.evidence.history_readable
    assert unlinked.finding.evidence.deletion is None


def test_the_other_record_of_a_replaced_one_is_named(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    record = world.record_of(cco)
    world.delete_in_sage(cco)
    new_record = world.sage.recreate(record, user="ACCT2")

    unlinked = world.unlink(cco, by=approver)

    assert unlinked.finding.evidence.other_record is not None
    assert unlinked.finding.evidence.other_record.record_number == new_record != record


def test_our_part_of_a_shared_record_is_unlinked_and_the_other_part_is_not(world: World) -> None:
    ours, others = world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")
    approver = world.person()
    world.sage.play()
    before = world.before(others)

    world.unlink(ours, by=approver)

    [attempt] = world.attempts(ours)
    assert (attempt.verdict, attempt.reason) == ("absent", "our-part-of-shared-header-gone")
    after = world.before(others)
    assert (after.link, after.erp_status) == (before.link, before.erp_status)
    with pytest.raises(StillInErp):
        world.unlink(others, by=approver)
    assert world.link_of(others).is_active


@pytest.mark.parametrize("known_before", ["asked once", "looked at by a reconciliation"])
def test_a_part_that_was_moved_to_another_subcontract_stays_in_doubt_however_often_it_is_seen(
    world: World, known_before: str
) -> None:
    """The other part is still in the shared record: only that our line stands elsewhere keeps the link."""
    ours, others = world.synced_cco("shared-deleted"), world.synced_cco("shared-kept")
    approver = world.person()
    with open_books(world.place) as books:
        books.move_part(world.record_of(ours), "1203", "1205", user="ACCT2")
    if known_before == "asked once":
        with pytest.raises(NoTrustworthyAnswer):
            world.unlink(ours, by=approver)
    else:
        reconcile(connection_id=world.connection.pk, actor=PLUMBLINE)

    with pytest.raises(NoTrustworthyAnswer) as refused:
        world.unlink(ours, by=approver)

    assert refused.value.reason == "moved-to-another-subcontract"
    assert world.link_of(ours).is_active
    assert world.link_of(others).is_active
    assert world.events(kind="UNLINKED") == []


@pytest.mark.parametrize("known_before", ["asked once", "looked at by a reconciliation"])
@pytest.mark.parametrize("history", [True, False], ids=["history tells", "no history"])
def test_a_record_that_was_seen_on_another_job_is_not_gone_when_that_job_is_archived(
    world: World, known_before: str, *, history: bool
) -> None:
    """The link's own job is there: only the job on which the record was last seen tells what happened."""
    cco, approver = world.synced_cco(), world.person()
    world.synced_cco("renumbered")
    _move_to_job(world, cco, 2604)
    if known_before == "asked once":
        with pytest.raises(StillInErp):
            world.unlink(cco, by=approver)
    else:
        reconcile(connection_id=world.connection.pk, actor=PLUMBLINE)
    with open_books(world.place) as books:
        books.update("actrec", "recnum = ?", (2604,), {"status": 6}, user="ACCT2")
        books.archive_job("2604", history=history)

    for _ in range(2):
        with pytest.raises(NoTrustworthyAnswer) as refused:
            world.unlink(cco, by=approver)
        assert refused.value.reason == "last-job-not-in-progress"

    assert world.link_of(cco).presence == "job-missing"
    assert world.link_of(cco).is_active
    assert world.events(kind="UNLINKED") == []


def test_a_record_that_is_deleted_on_another_job_is_unlinked(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.synced_cco("renumbered")
    _move_to_job(world, cco, 2604)
    with pytest.raises(StillInErp):
        world.unlink(cco, by=approver)
    world.delete_in_sage(cco)

    unlinked = world.unlink(cco, by=approver)

    assert unlinked.finding.verdict is Verdict.ABSENT
    assert not world.link_of(cco).is_active


def _move_to_job(world: World, cco: CommitmentChangeOrder, job: int) -> None:
    with open_books(world.place) as books:
        where = "recnum = ?", (int(world.record_of(cco)),)
        books.update("prmchg", *where, {"jobnum": job, "phsnum": 0}, user="ACCT2")


def test_the_closed_link_keeps_its_texts_when_the_cco_is_deleted(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    before = world.link_of(cco)
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)

    cco.delete()

    link = ChangeOrderLink.objects.get(pk=before.pk)
    assert link.change_order_id is None
    for text in (
        "cco_number",
        "cco_title",
        "project_number",
        "project_name",
        "commitment_number",
        "commitment_title",
        "contract_company",
        "record_number",
        "number",
        "row_id",
        "linked_by_name",
    ):
        assert getattr(link, text) == getattr(before, text)
        assert getattr(link, text)
    assert UnlinkAttempt.objects.filter(link=link).count() == 1
    [event] = world.events(kind="UNLINKED")
    assert before.cco_title in event.subject_label


def test_a_free_cco_can_be_linked_and_unlinked_again(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    world.sage.restore(world.record_of(cco), user="ACCT2")
    CommitmentChangeOrder.objects.filter(pk=cco.pk).update(erp_status=ErpStatus.READY_TO_EXPORT)
    world.link_again(cco)
    assert ChangeOrderLink.objects.filter(change_order=cco).count() == 2
    world.delete_in_sage(cco)

    world.unlink(cco, by=approver)

    assert not ChangeOrderLink.objects.filter(change_order=cco, unlinked_at__isnull=True).exists()
    assert len(world.events(kind="UNLINKED")) == 2


# --- red -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", STILL_THERE)
def test_what_is_still_in_sage_keeps_its_link(world: World, scenario: str) -> None:
    cco, approver = world.synced_cco(scenario), world.person()
    world.sage.play()
    before = world.before(cco)

    with pytest.raises(StillInErp) as refusal:
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    assert before.erp_status == ErpStatus.SYNCED
    assert refusal.value.finding.fault is None
    [attempt] = world.attempts(cco)
    assert attempt.state == AttemptState.STILL_IN_ERP
    assert (attempt.verdict, attempt.reason) == STILL_THERE[scenario]
    assert [event.kind for event in world.events()][-1] == "STILL_IN_ERP"


def test_finding_the_record_counts_as_seeing_it(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    linked = world.link_of(cco)

    with pytest.raises(StillInErp) as refusal:
        world.unlink(cco, by=approver)

    link = world.link_of(cco)
    assert link.last_seen_at == refusal.value.finding.first_looked_at
    assert link.last_seen_at > linked.last_seen_at
    assert link.presence == PresenceKey.PRESENT


@pytest.mark.parametrize("scenario", ["deleted", "half-deleted", "archived", "twin"])
def test_not_finding_the_record_does_not_count_as_seeing_it(world: World, scenario: str) -> None:
    cco, approver = world.synced_cco(scenario), world.person()
    linked = world.link_of(cco)
    world.sage.play()

    with contextlib.suppress(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    [attempt] = world.attempts(cco)
    assert attempt.first_looked_at is not None
    link = world.link_of(cco)
    assert (link.presence, link.last_seen_at) == (attempt.verdict, linked.last_seen_at)


# --- amber ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", DOUBTFUL)
def test_doubt_keeps_the_link(world: World, scenario: str) -> None:
    cco, approver = world.synced_cco(scenario), world.person()
    world.sage.play()
    before = world.before(cco)

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    assert (refusal.value.finding.verdict.value, refusal.value.reason) == DOUBTFUL[scenario]
    [attempt] = world.attempts(cco)
    assert attempt.state == AttemptState.NO_ANSWER
    assert (attempt.verdict, attempt.reason) == DOUBTFUL[scenario]
    assert [event.kind for event in world.events()][-1] == "NO_ANSWER"


def test_every_scenario_of_the_practice_company_is_unlinked_somewhere_here(world: World) -> None:
    alike = {
        "open-line-approved",
        "header-number-differs",
        "shared-kept",
        "new-line",
        "summed",
        "older-backup",
    }
    scenarios = {key for key in world.scenarios if not key.startswith("plain-")}
    assert scenarios == {*GONE, *STILL_THERE, *DOUBTFUL, *alike}


@pytest.mark.parametrize(
    ("fault", "verdict", "reason"),
    [
        ("emptied", "job-missing", "job-not-found"),
        ("half-restored", "unknown", "no-control"),
        ("rebuilt-ids", "unknown", "no-control"),
    ],
)
def test_a_company_that_is_not_whole_keeps_the_link_of_a_record_that_is_there(
    world: World, fault: str, verdict: str, reason: str
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.synced_cco("plain-01")
    world.sage.set_fault(fault)
    before = world.before(cco)

    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    [attempt] = world.attempts(cco)
    assert (attempt.state, attempt.verdict, attempt.reason) == ("NO_ANSWER", verdict, reason)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "emptied"])
def test_a_sage_in_trouble_keeps_the_link_of_a_record_that_is_gone(
    world: World, settings: Settings, fault: str
) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.sage.set_fault(fault)
    if fault.startswith("slow"):
        settings.SAGE_DEADLINE_SECONDS = 0.3
    before = world.before(cco)

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    told = refusal.value.finding.fault
    assert told is not None
    assert (told.code, told.kind) == FAULTS[fault]
    [attempt] = world.attempts(cco)
    assert (attempt.state, attempt.verdict, attempt.reason) == ("NO_ANSWER", "unknown", FAULTS[fault][0])
    assert attempt.evidence["fault"] == {
        name: value for name, value in asdict(told).items() if value not in ("", None)
    }
    assert world.fresh_connection().last_failure_words == told.what


def test_every_fault_of_the_practice_company_is_tried(world: World) -> None:
    tried = {fault.replace("slow:2", "slow:SECONDS") for fault in FAULTS}
    of_a_writer = {"half-written", "unanswered"}
    no_error = {"half-restored", "rebuilt-ids", "archiving"}  # tests/contract/test_faults.py
    assert set(world.sage.faults()) == {*tried, *of_a_writer, *no_error, "no-audit", "none"}


def test_the_fault_ended_the_next_click_unlinks(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    world.sage.set_fault("offline")
    with pytest.raises(NoTrustworthyAnswer):
        world.unlink(cco, by=approver)
    world.sage.set_fault("none")

    world.unlink(cco, by=approver)

    assert [attempt.state for attempt in world.attempts(cco)] == ["NO_ANSWER", "UNLINKED"]


def test_a_connection_that_nobody_accepted_gives_no_verdict(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)
    Connection.objects.update(accepted_incarnation="", accepted_at=None, accepted_by_name="")
    before = world.before(cco)

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    assert refusal.value.reason == "connection-unchecked"


def test_a_secret_that_cannot_be_unsealed_gives_no_verdict(
    world: World, settings: Settings, moments: Moments
) -> None:
    cco, approver = world.synced_cco(), world.person()
    connect.set_connection(
        company=world.company,
        address=connect.Address(
            kind=registry.ODBC, database="Books", odbc_string="SERVER=books;DATABASE=Books;PWD=secret"
        ),
        actor=LINKER,
    )
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    before = world.before(cco)

    with pytest.raises(NoTrustworthyAnswer) as refusal:
        world.unlink(cco, by=approver)

    assert world.before(cco) == before
    assert refusal.value.reason == "secret-sealed"
    assert refusal.value.finding.fault is not None
    assert refusal.value.finding.fault.kind is FaultKind.MISCONFIGURED
    assert moments.asked == []
    [attempt] = world.attempts(cco)
    assert (attempt.state, attempt.reason) == ("NO_ANSWER", "secret-sealed")


# --- nothing to unlink ---------------------------------------------------------------------------


def test_a_second_unlink_is_told_by_whom_and_when(world: World, moments: Moments) -> None:
    cco, approver, colleague = world.synced_cco(), world.person(), world.person("colleague")
    world.delete_in_sage(cco)
    world.unlink(cco, by=approver)
    before, events = world.before(cco), len(world.events())

    with pytest.raises(AlreadyUnlinked) as refusal:
        world.unlink(cco, by=colleague)

    assert (refusal.value.by, refusal.value.at) == ("approver", world.link_of(cco).unlinked_at)
    assert world.before(cco) == before
    assert len(world.events()) == events
    assert len(moments.asked) == len(world.attempts(cco)) == 1


@pytest.mark.parametrize("erp_status", [status for status in ErpStatus if status != ErpStatus.SYNCED])
def test_a_cco_that_never_was_in_sage_is_not_unlinked(
    world: World, moments: Moments, erp_status: ErpStatus
) -> None:
    cco = world.free_cco(erp_status=erp_status)
    approver = world.person()
    events = len(world.events())

    with pytest.raises(NeverLinked):
        world.unlink(cco, by=approver)

    cco.refresh_from_db()
    assert cco.erp_status == erp_status
    assert moments.asked == []
    assert UnlinkAttempt.objects.count() == 0
    assert len(world.events()) == events


# --- the ledger ----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["UNLINKED", "STILL_IN_ERP", "NO_ANSWER"])
def test_attempt_and_event_tell_the_same_story(world: World, outcome: str) -> None:
    cco, approver = world.synced_cco(), world.person()
    link = world.link_of(cco)
    if outcome == "UNLINKED":
        world.delete_in_sage(cco)
    elif outcome == "NO_ANSWER":
        world.sage.set_fault("offline")

    try:
        finding = world.unlink(cco, by=approver).finding
    except (StillInErp, NoTrustworthyAnswer) as refusal:
        finding = refusal.finding

    [attempt] = world.attempts(cco)
    [event] = LinkEvent.objects.filter(attempt_id=attempt.pk)
    assert event.kind == attempt.state == outcome
    link = world.link_of(cco)
    record = {"record_number": link.record_number, "number": link.number, "row_id": str(link.row_id)}
    assert event.evidence == attempt.evidence | record
    assert event.project_number == cco.commitment.project.number
    assert event.evidence["verdict"] == attempt.verdict == finding.verdict.value
    assert event.reason == attempt.reason == finding.reason
    assert event.at == attempt.ended_at
    assert (event.actor_id, event.actor_name, event.via) == (approver.pk, "approver", "PAGE")
    assert (attempt.actor_id, attempt.actor_name, attempt.via) == (approver.pk, "approver", "PAGE")
    assert event.rights == (
        "Admin on Commitments in Harbor Tower, Standard on ERP Integrations, Can Push to Accounting"
    )
    assert (event.subject_kind, event.subject_id, event.link_id) == ("change-order", cco.pk, link.pk)
    assert event.subject_label == f'CCO {cco.number} "{cco.title}" (Harbor Tower, {world.commitment.number})'
    assert (event.company_id, event.company_slug) == (world.company.pk, "harbor-point")


def test_both_looks_lie_inside_the_attempt(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    world.delete_in_sage(cco)

    world.unlink(cco, by=approver)

    [attempt] = world.attempts(cco)
    moments_in_order = [
        attempt.started_at,
        attempt.first_looked_at,
        attempt.second_looked_at,
        attempt.ended_at,
        attempt.expires_at,
    ]
    told = [moment for moment in moments_in_order if moment is not None]
    assert len(told) == len(moments_in_order)
    assert told == sorted(told)
    assert told[1] < told[2]


def test_no_outcome_leaves_an_attempt_open(world: World) -> None:
    ccos = [world.synced_cco(scenario) for scenario in ("deleted", "present", "half-deleted", "locked")]
    approver = world.person()
    world.sage.play()

    for cco in ccos:
        with contextlib.suppress(Refused):
            world.unlink(cco, by=approver)

    assert UnlinkAttempt.objects.count() == len(ccos)
    assert not UnlinkAttempt.objects.filter(state=AttemptState.CHECKING).exists()


def test_the_evidence_never_holds_where_the_books_are(world: World) -> None:
    cco, approver = world.synced_cco(), world.person()
    place = world.fresh_connection().sandbox_path
    for fault in ("offline", "login-refused", "wrong-database", "none"):
        world.sage.set_fault(fault)
        with pytest.raises(Refused):
            world.unlink(cco, by=approver)
    kept = [attempt.evidence for attempt in world.attempts(cco)] + [
        event.evidence for event in world.events()
    ]
    assert place not in str(kept)
    assert "Login" not in str(kept)

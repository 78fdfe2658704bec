"""How old the knowledge of a link is, and what is to be stored of what was found."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from erp_integrations.models import ChangeOrderLink, Connection, PresenceKey
from erp_integrations.ports import (
    ChangeOrderKeys,
    Evidence,
    Finding,
    HeaderSeen,
    KeyRows,
    SubcontractChangeKeys,
    Verdict,
)
from erp_integrations.reconciliation.diff import Amounts, _Stored, is_stored, sums_of
from erp_integrations.workflow.link_status import checked_at, last_seen, status_of_finding

LINKED = datetime(2026, 11, 20, 12, tzinfo=UTC)
EARLIER, LATER = LINKED - timedelta(hours=1), LINKED + timedelta(hours=1)
LATEST = LATER + timedelta(hours=1)


def link(**columns: Any) -> ChangeOrderLink:
    return ChangeOrderLink(
        **{
            "row_id": uuid.UUID(int=1),
            "linked_at": LINKED,
            "last_seen_at": LINKED,
            "presence": "present",
            "presence_checked_at": LINKED,
            "number": "11-2",
            "job_record_number": "2611",
            "phase": "0",
            "erp_amount": Decimal("100.00"),
            **columns,
        }
    )


@pytest.mark.parametrize(
    ("columns", "run", "checked", "seen"),
    [
        ({}, None, LINKED, LINKED),
        ({}, LATER, LATER, LATER),
        ({}, LINKED, LINKED, LINKED),
        ({}, EARLIER, LINKED, LINKED),
        ({"presence_checked_at": LATEST}, LATER, LATEST, LATER),
        ({"presence_checked_at": LATEST, "last_seen_at": LATEST}, LATER, LATEST, LATEST),
        ({"presence": "renumbered"}, LATER, LATER, LATER),
        ({"presence": "not-effective"}, LATER, LATER, LATER),
        ({"presence": "absent"}, LATER, LATER, LINKED),
        ({"presence": "replaced"}, LATER, LATER, LINKED),
        ({"presence": "ambiguous"}, LATER, LATER, LINKED),
        ({"presence": "job-missing"}, LATER, LATER, LINKED),
        ({"presence": "unknown"}, LATER, LATER, LINKED),
        ({"presence": "unchecked", "presence_checked_at": None}, LATER, None, LINKED),
        # Made after the run began, whatever the clock of its own check says.
        ({"linked_at": LATEST, "presence_checked_at": None}, LATER, None, LINKED),
        # A link that ended before the run was not compared.
        ({"unlinked_at": LATER}, LATEST, LINKED, LINKED),
        ({"unlinked_at": LATEST}, LATER, LATER, LATER),
    ],
)
def test_the_age_is_the_links_own_or_the_last_complete_runs(
    columns: dict[str, Any], run: datetime | None, checked: datetime | None, seen: datetime
) -> None:
    connection = Connection(reconciled_at=run)

    assert checked_at(link(**columns), connection) == checked
    assert last_seen(link(**columns), connection).at == seen


HEADER = HeaderSeen("701", "11-2", "2611", "0", "Approved")


@pytest.mark.parametrize(
    ("header", "amount", "presence", "seen"),
    [
        (HEADER, "100.00", "present", {}),
        (HEADER, None, "present", {}),
        (HeaderSeen("701", " 11-2 ", "2611", "", "Open"), "100.0", "present", {}),
        (HeaderSeen("701", "11-3", "2611", "0", "Approved"), "100", "renumbered", {"number": "11-3"}),
        (HeaderSeen("701", "11-2", "2612", "0", "Approved"), "100", "renumbered", {"job": "2612"}),
        (HeaderSeen("701", "11-2", "2611", "2", "Approved"), "100", "renumbered", {"phase": "2"}),
        (HeaderSeen("701", "11-2", "2611", "0", "Rejected"), "100", "not-effective", {"status": "Rejected"}),
        (HEADER, "99.99", "present", {"amount": "99.99"}),
        (HEADER, "0", "present", {"amount": "0.00"}),
        (
            HeaderSeen("701", "N", "7", "3", "Void"),
            "-5",
            "renumbered",
            {"number": "N", "job": "7", "phase": "3", "status": "Void", "amount": "-5.00"},
        ),
    ],
)
def test_what_drifted_is_stored_with_what_is_there_now(
    header: HeaderSeen, amount: str | None, presence: str, seen: dict[str, str]
) -> None:
    verdict = {
        "present": Verdict.PRESENT,
        "renumbered": Verdict.RENUMBERED,
        "not-effective": Verdict.PRESENT_NOT_EFFECTIVE,
    }[presence]
    finding = Finding(verdict, "", Evidence(header=header, lines_on_subcontract=1))

    standing = status_of_finding(link(), finding, None if amount is None else Decimal(amount))

    assert standing.presence == presence
    assert list(standing.drift) == list(seen)
    assert dict(standing.seen) == seen


def test_a_look_that_did_not_ask_the_amount_keeps_what_was_known_of_it() -> None:
    drifted = link(drift=["amount"], seen={"amount": "7.00"})
    void = HeaderSeen("701", "11-2", "2611", "0", "Void")
    finding = Finding(Verdict.PRESENT_NOT_EFFECTIVE, "", Evidence(header=void, lines_on_subcontract=1))

    standing = status_of_finding(drifted, finding)

    assert (standing.drift, standing.seen) == (("status", "amount"), {"status": "Void", "amount": "7.00"})


def test_without_a_line_on_our_subcontract_the_amount_is_nothing() -> None:
    finding = Finding(Verdict.PRESENT, "", Evidence(header=HEADER, lines_on_subcontract=0))

    assert status_of_finding(link(), finding).seen == {"amount": "0.00"}


@pytest.mark.parametrize(
    "verdict", [Verdict.ABSENT, Verdict.REPLACED, Verdict.AMBIGUOUS, Verdict.JOB_MISSING]
)
def test_a_record_that_is_not_there_has_no_drift(verdict: Verdict) -> None:
    standing = status_of_finding(link(drift=["amount"], seen={"amount": "7.00"}), Finding(verdict, ""))

    assert (standing.presence, standing.drift, standing.seen) == (PresenceKey(verdict.value), (), {})


@pytest.mark.parametrize(
    "verdict", [Verdict.ABSENT, Verdict.REPLACED, Verdict.AMBIGUOUS, Verdict.JOB_MISSING]
)
def test_the_job_that_a_record_was_moved_to_is_kept_while_the_record_is_not_to_be_seen(
    verdict: Verdict,
) -> None:
    moved = link(drift=["number", "job"], seen={"number": "15", "job": "2604"})

    standing = status_of_finding(moved, Finding(verdict, ""))

    assert (standing.drift, standing.seen) == (("job",), {"job": "2604"})


def test_the_job_that_a_record_was_moved_to_is_forgotten_when_it_is_back() -> None:
    moved = link(drift=["job"], seen={"job": "2604"})

    standing = status_of_finding(moved, Finding(Verdict.AMBIGUOUS, "", Evidence(header=HEADER)))

    assert (standing.drift, standing.seen) == ((), {})


def test_when_nobody_is_sure_what_drifted_stays() -> None:
    standing = status_of_finding(
        link(drift=["amount"], seen={"amount": "7.00"}), Finding(Verdict.UNKNOWN, "")
    )

    assert (standing.presence, standing.drift, standing.seen) == (
        PresenceKey.UNKNOWN,
        ("amount",),
        {"amount": "7.00"},
    )


# --- what the books say, beside what is stored ---------------------------------------------------

KEYS = ChangeOrderKeys("X", "701", "11-2", "2611", "0", "Approved")
VOID = KEYS._replace(status="Void")
HUNDRED = Decimal("100.00")


@pytest.mark.parametrize(
    ("presence", "seen", "header", "amount", "job", "nothing_new"),
    [
        ("present", {}, KEYS, HUNDRED, True, True),
        ("present", {}, None, None, True, False),
        ("present", {}, KEYS, None, True, False),
        ("present", {"amount": "0.00"}, KEYS, None, True, True),
        ("present", {"amount": "5.00"}, KEYS, Decimal(5), True, True),
        ("present", {"amount": "5.00"}, KEYS, Decimal(6), True, False),
        ("present", {}, KEYS, HUNDRED, False, False),
        ("not-effective", {"status": "Void"}, VOID, HUNDRED, True, True),
        ("not-effective", {"status": "Rejected"}, VOID, HUNDRED, True, False),
        ("not-effective", {"status": "Void"}, KEYS, HUNDRED, True, False),
        ("absent", {}, None, None, True, True),
        ("absent", {}, None, None, False, True),
        ("replaced", {}, None, None, True, True),
        ("absent", {}, None, HUNDRED, True, False),
        ("absent", {}, KEYS, HUNDRED, True, False),
        ("absent", {}, KEYS, None, True, False),
        ("ambiguous", {}, None, HUNDRED, True, True),
        ("ambiguous", {}, None, None, True, False),
        ("ambiguous", {}, KEYS, HUNDRED, True, False),
        ("job-missing", {}, KEYS, HUNDRED, False, True),
        ("job-missing", {}, None, None, False, True),
        ("job-missing", {}, KEYS, HUNDRED, True, False),
        ("unknown", {}, KEYS, HUNDRED, True, False),
        ("unknown", {}, None, None, True, False),
        ("unchecked", {}, KEYS, HUNDRED, True, False),
    ],
)
def test_whether_the_books_say_anything_new(
    presence: str,
    seen: dict[str, str],
    header: ChangeOrderKeys | None,
    amount: Decimal | None,
    *,
    job: bool,
    nothing_new: bool,
) -> None:
    stored = _Stored(1, presence, list(seen), seen, "11-2", "2611", "0", HUNDRED)

    assert is_stored(stored, header, amount, job_is_there=job) == nothing_new


def test_the_lines_of_a_record_on_a_subcontract_are_summed() -> None:
    def lines(*places: tuple[str, str, str]) -> KeyRows[SubcontractChangeKeys]:
        columns = [(record, subcontract, "", Decimal(amount)) for record, subcontract, amount in places]
        return KeyRows(SubcontractChangeKeys, list(zip(*columns, strict=True)))

    once = [("1", "7", "1.10"), ("1", "8", "2.20"), ("2", "7", "3.30")]
    more = [*once, ("2", "7", "-0.30"), ("2", "7", "1.00")]

    assert sums_of(lines()) == {}
    assert sums_of(lines(*once)) == {
        ("1", "7"): Decimal("1.10"),
        ("1", "8"): Decimal("2.20"),
        ("2", "7"): Decimal("3.30"),
    }
    assert sums_of(lines(*more))["2", "7"] == Decimal("4.00")


def test_amounts_come_back_as_they_were_put_in() -> None:
    amounts = Amounts()
    put = {1: Decimal("-0.01"), 2: None, 3: Decimal("999999999999.99"), 4: Decimal("0.00")}
    for link_id, amount in put.items():
        amounts.add(link_id, amount)

    assert len(amounts) == 4
    assert [len(chunk) for chunk in amounts.chunks(3)] == [3, 1]
    assert {key: value for chunk in amounts.chunks(3) for key, value in chunk.items()} == put

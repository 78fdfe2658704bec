"""The reader over the practice company, through sqlite3 and through SQLite ODBC: the same answers."""

import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from erp_integrations.ports import (
    LARGEST_RECORD_NUMBER,
    ChangeOrderKeys,
    ChangeOrderReference,
    ChangeOrdersFound,
    ConnectionSpec,
    Deadline,
    ErpChangeOrderFound,
    ErpError,
    ErpReader,
    ErpSandbox,
    FaultKind,
    Finding,
    KeyBlock,
    KeyStream,
    Misconfigured,
    NotInErp,
    Proof,
    SandboxCompany,
    SubcontractChangeKeys,
    Unexpected,
    Verdict,
    error_for,
)
from sage_adapter import look, odbc_string, session, stream
from sage_adapter.faults import fault
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from sage_adapter.session import Session
from tests.odd import damage


def now() -> datetime:
    return datetime.now(UTC)


def soon() -> Deadline:
    return Deadline.after(10)


@pytest.fixture
def sandbox(tmp_path: Path) -> ErpSandbox:
    made = open_sandbox(tmp_path / "books", name="harbor-point")
    made.create()
    return made


@pytest.fixture
def company(sandbox: ErpSandbox) -> SandboxCompany:
    return sandbox.company()


@pytest.fixture
def unchecked(tmp_path: Path, company: SandboxCompany) -> ConnectionSpec:
    return ConnectionSpec(
        kind="sage-100-contractor-sandbox",
        database=company.name.upper(),
        accepted_incarnation="",
        sandbox_path=tmp_path / "books",
        second_look_seconds=0.0,
    )


@pytest.fixture
def spec(unchecked: ConnectionSpec) -> ConnectionSpec:
    accepted = open_reader(unchecked).handshake(deadline=soon()).incarnation
    return replace(unchecked, accepted_incarnation=accepted)


@pytest.fixture(params=["sqlite3", "SQLite ODBC"])
def reader(request: pytest.FixtureRequest, spec: ConnectionSpec, tmp_path: Path) -> ErpReader:
    if request.param == "SQLite ODBC":
        database = tmp_path / "books" / "company.sqlite"
        string = odbc_string.render([("DRIVER", "SQLite3"), ("DATABASE", str(database))])
        spec = replace(spec, sandbox_path=None, odbc_string=string)
    return open_reader(spec)


@pytest.fixture
def over_sqlite3(spec: ConnectionSpec) -> ErpReader:
    return open_reader(spec)


def reference_to(company: SandboxCompany, key: str, **changed: object) -> ChangeOrderReference:
    """What a link would remember of the scenario's record, made before anything happened to it."""
    scenario = next(one for one in company.scenarios if one.key == key)
    record = next(one for one in company.change_orders if one.record_number == scenario.record_number)
    job = next(one for one in company.jobs if one.record_number == record.job_record_number)
    lines = [
        one for one in record.lines if one.subcontract_record_number == scenario.subcontract_record_number
    ]
    shared = tuple(
        one.subcontract_record_number
        for one in company.scenarios
        if one.record_number == scenario.record_number and one is not scenario
    )
    touched = dict.fromkeys(
        one.subcontract_record_number for one in record.lines if one.subcontract_record_number
    )
    made = ChangeOrderReference(
        row_id=record.row_id,
        record_number=record.record_number,
        number=record.number,
        job_record_number=record.job_record_number,
        job_row_id=job.row_id,
        phase=record.phase,
        subcontract_record_number=scenario.subcontract_record_number,
        sub_change_number=lines[0].sub_change_number,
        amount=sum((line.amount for line in lines), Decimal(0)),
        last_seen_at=now() - timedelta(minutes=1),
        last_seen_clock=timedelta(0),
        touched_subcontracts=tuple(touched),
        shared_subcontracts=shared,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def lookup(reader: ErpReader, reference: ChangeOrderReference) -> Finding:
    return reader.lookup(reference, deadline=soon(), clock=now)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Every question of the test: which connection, which query. Watches; changes nothing."""
    questions: list[tuple[int, str]] = []
    sessions: list[Session] = []  # kept, so that no later one gets the place in memory of an earlier one
    ask = Session.ask

    def watched(self: Session, name: str, *arguments: object, **named: object) -> object:
        sessions.append(self)
        questions.append((id(self), name))
        return ask(self, name, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "ask", watched)
    return questions


# --- what is found ---


def test_a_record_that_is_there_is_present_after_one_look(
    reader: ErpReader, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    found = lookup(reader, reference_to(company, "plain-01"))
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-found")
    assert found.second_looked_at is None
    assert len({connection for connection, _ in asked}) == 1
    assert [name for _, name in asked] == ["handshake.sqlite", "look"]


def test_a_deleted_record_is_absent_after_two_looks_on_two_connections(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    began = now()

    found = lookup(reader, reference)

    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-twice")
    assert found.proves_absence
    assert found.first_looked_at is not None
    assert found.second_looked_at is not None
    assert began <= found.first_looked_at < found.second_looked_at <= now()
    assert found.evidence.deletion is not None
    assert found.evidence.deletion.user == "ACCT2"
    assert abs(found.evidence.deletion.at - began) < timedelta(minutes=1)
    assert found.evidence.subcontract_present is True
    assert [name for _, name in asked] == [
        *("handshake.sqlite", "look", "history"),
        *("handshake.sqlite", "look", "carriers", "history", "history_reach"),
    ]
    assert len({connection for connection, _ in asked}) == 2


@pytest.mark.parametrize(
    ("key", "verdict", "proof"),
    [
        ("present", Verdict.PRESENT, None),
        ("deleted", Verdict.ABSENT, None),
        ("void", Verdict.PRESENT_NOT_EFFECTIVE, None),
        ("rejected", Verdict.PRESENT_NOT_EFFECTIVE, None),
        ("two-phases-deleted", Verdict.ABSENT, None),
        ("two-phases-kept", Verdict.PRESENT, None),
        ("two-jobs-deleted", Verdict.ABSENT, None),
        ("renumbered", Verdict.RENUMBERED, None),
        ("moved", Verdict.RENUMBERED, None),
        ("line-removed", Verdict.PRESENT, None),
        ("half-deleted", Verdict.AMBIGUOUS, None),
        ("recreated", Verdict.REPLACED, Proof.HISTORY),
        ("archived", Verdict.JOB_MISSING, None),
        ("shared-deleted", Verdict.ABSENT, None),
        ("shared-kept", Verdict.PRESENT, None),
        ("contract-deleted", Verdict.ABSENT, None),
        ("restored", Verdict.PRESENT, None),
    ],
)
def test_what_happened_in_sage_is_what_the_reader_says(
    reader: ErpReader,
    company: SandboxCompany,
    sandbox: ErpSandbox,
    asked: list[tuple[int, str]],
    key: str,
    verdict: Verdict,
    proof: Proof | None,
) -> None:
    reference = reference_to(company, key)
    sandbox.play()
    found = lookup(reader, reference)
    assert (found.verdict, found.proof) == (verdict, proof)
    assert len(asked) <= 8


def test_a_deleted_subcontract_is_evidence_and_no_doubt(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    reference = reference_to(company, "contract-deleted")
    sandbox.play()
    found = lookup(reader, reference)
    assert found.evidence.subcontract_present is False
    assert found.evidence.subcontract_changes_total is None


def test_a_record_number_used_by_another_row_is_not_our_record(
    reader: ErpReader, company: SandboxCompany
) -> None:
    reference = reference_to(company, "plain-01", row_id=uuid.uuid4())
    found = lookup(reader, reference)
    assert (found.verdict, found.reason) == (Verdict.REPLACED, "replaced-without-proof")
    assert not found.proves_absence
    assert found.evidence.other_record is not None
    assert found.evidence.other_record.has_our_record_number


# --- doubt ---


def test_a_connection_nobody_accepted_proves_nothing(
    unchecked: ConnectionSpec, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    found = lookup(open_reader(unchecked), reference_to(company, "plain-01"))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "connection-unchecked")
    assert asked == []


FAULTS = {
    "offline": "unreachable",
    "login-refused": "login-refused",
    "app-refused": "application-refused",
    "no-rights": "no-rights",
    "wrong-database": "wrong-database",
    "restored": "other-incarnation",
    "missing-table": "table-missing",
    "missing-column": "column-missing",
    "locked": "locked",
    "deadlock": "deadlock",
    "drops": "link-lost",
}


EMPTIED = "empty-database"
"""What the report says of a company without a job; a look says that the record's own job is missing."""


def test_of_an_emptied_company_nothing_is_said_to_be_gone(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    gone, there = reference_to(company, "plain-01"), reference_to(company, "plain-02")
    sandbox.delete(gone.record_number, user="ACCT2")
    sandbox.set_fault("emptied")
    for found in (
        *over_sqlite3.lookup_many([gone, there], deadline=soon(), clock=now),
        *over_sqlite3.quick_lookup_many([gone, there], deadline=soon(), clock=now),
    ):
        assert (found.verdict, found.reason) == (Verdict.JOB_MISSING, "job-not-found")
        assert not found.proves_absence


@pytest.mark.parametrize(("name", "code"), FAULTS.items())
def test_with_a_fault_switched_on_a_deleted_record_is_unknown(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, name: str, code: str
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    sandbox.set_fault(name)

    found = lookup(over_sqlite3, reference)

    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, code)
    assert found.fault is not None
    assert found.fault.code == code
    assert not found.proves_absence

    sandbox.set_fault("none")
    assert lookup(over_sqlite3, reference).verdict is Verdict.ABSENT


def test_unreadable_history_costs_proof_and_no_verdict(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    for record_number in (None, reference.record_number):
        sandbox.set_fault("no-audit", record_number=record_number)
        found = lookup(over_sqlite3, reference)
        assert found.verdict is Verdict.ABSENT
        assert found.evidence.history_readable is False
        assert found.evidence.deletion is None
        sandbox.set_fault("none", record_number=record_number)


def test_history_refused_for_one_record_of_a_page_costs_that_record_alone_and_few_questions(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    page = [reference_to(company, f"plain-{place:02d}") for place in range(1, 17)]
    for one in page:
        sandbox.delete(one.record_number, user="ACCT2")
    refused = page[5]
    sandbox.set_fault("no-audit", record_number=refused.record_number)

    found = over_sqlite3.lookup_many(page, deadline=soon(), clock=now)

    assert all(one.proves_absence for one in found)
    without = [page[at] for at, one in enumerate(found) if one.evidence.deletion is None]
    assert without == [refused]
    # Once together, then in halves: of eight, of four, of two, and alone.
    assert [name for _, name in asked].count("history") == 2 * (1 + 4 * 2)


def test_history_refused_altogether_is_not_asked_for_without_end(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    page = [reference_to(company, f"plain-{place:02d}") for place in range(1, 17)]
    for one in page:
        sandbox.delete(one.record_number, user="ACCT2")
    sandbox.set_fault("no-audit")

    found = over_sqlite3.lookup_many(page, deadline=soon(), clock=now)

    assert all(one.proves_absence for one in found)
    assert [name for _, name in asked].count("history") <= 2 * look._MOST_REFUSALS


def test_a_fault_that_may_pass_is_tried_three_times_each_time_from_the_start(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox.set_fault("locked")
    lookup(over_sqlite3, reference_to(company, "plain-01"))
    assert [name for _, name in asked] == ["handshake.sqlite", "look"] * 3


def test_a_fault_an_administrator_must_mend_is_not_tried_again(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox.set_fault("wrong-database")
    lookup(over_sqlite3, reference_to(company, "plain-01"))
    assert [name for _, name in asked].count("handshake.sqlite") == 1


def test_a_try_that_cannot_fit_is_not_begun(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox.set_fault("locked")
    found = over_sqlite3.lookup(reference_to(company, "plain-01"), deadline=Deadline.after(0.4), clock=now)
    assert found.reason == "locked"
    assert [name for _, name in asked].count("look") == 1


def test_after_the_deadline_nothing_is_asked(
    over_sqlite3: ErpReader, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    found = over_sqlite3.lookup(reference_to(company, "plain-01"), deadline=Deadline.after(0), clock=now)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "deadline")
    assert asked == []


def test_sage_too_slow_is_the_deadline(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    sandbox.set_fault("slow:60")
    found = over_sqlite3.lookup(reference_to(company, "plain-01"), deadline=Deadline.after(0.2), clock=now)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "deadline")


def test_a_second_look_that_cannot_fit_is_not_begun(
    spec: ConnectionSpec, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    patient = open_reader(replace(spec, second_look_seconds=60))
    began = now()
    found = lookup(patient, reference)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "deadline")
    assert now() - began < timedelta(seconds=5)
    assert [name for _, name in asked].count("look") == 1


def test_the_second_look_comes_no_sooner_than_it_should(
    spec: ConnectionSpec, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    found = lookup(open_reader(replace(spec, second_look_seconds=0.2)), reference)
    assert found.first_looked_at is not None
    assert found.second_looked_at is not None
    assert found.second_looked_at - found.first_looked_at >= timedelta(seconds=0.2)


def between_the_looks(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    monkeypatch.setattr("sage_adapter.reader._wait", lambda _seconds, _deadline: act())


def test_a_record_restored_between_the_looks_is_doubt(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    between_the_looks(monkeypatch, lambda: sandbox.restore(reference.record_number, user="ACCT2"))
    found = lookup(over_sqlite3, reference)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")
    assert found.second_looked_at is None


def test_another_database_at_the_second_look_is_doubt(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    between_the_looks(monkeypatch, lambda: sandbox.set_fault("restored"))
    assert lookup(over_sqlite3, reference).reason == "other-incarnation"


def test_a_link_with_a_record_number_that_is_none_is_our_fault_and_logged(
    over_sqlite3: ErpReader, company: SandboxCompany, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        found = lookup(over_sqlite3, reference_to(company, "plain-01", record_number="twelve"))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "row-not-understood")
    assert [(one.message, bool(one.exc_info)) for one in caplog.records] == [("sage.lookup.unexpected", True)]


def test_an_error_nobody_foresaw_is_unknown_and_logged(
    over_sqlite3: ErpReader,
    company: SandboxCompany,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_given: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("sage_adapter.verdict.is_gone", broken)
    with caplog.at_level(logging.ERROR):
        found = lookup(over_sqlite3, reference_to(company, "plain-01"))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "internal-error")
    assert found.fault is not None
    assert found.fault.kind is FaultKind.UNEXPECTED
    assert "sage.lookup.unexpected" in caplog.text


# --- the handshake ---


def test_a_good_connection_says_who_answers_and_what_is_there(
    reader: ErpReader, company: SandboxCompany
) -> None:
    told = reader.handshake(deadline=soon())
    assert told.good
    assert told.database == company.name
    assert told.history_readable
    assert told.history_since is not None
    assert told.history_since <= now()
    assert set(told.tables) == {
        f"dbo.{name}" for name in ("actrec", "actpay", "subcon", "sbcnln", "prmchg", "sbcgln")
    }


def test_a_database_nobody_accepted_yet_is_no_problem_of_the_handshake(unchecked: ConnectionSpec) -> None:
    assert open_reader(unchecked).handshake(deadline=soon()).good


@pytest.mark.parametrize("name", ["wrong-database", "restored", "missing-table", "missing-column", "emptied"])
def test_what_is_wrong_is_reported_not_raised(
    over_sqlite3: ErpReader, sandbox: ErpSandbox, name: str
) -> None:
    sandbox.set_fault(name)
    told = over_sqlite3.handshake(deadline=soon())
    assert FAULTS.get(name, EMPTIED) in {problem.code for problem in told.problems}


@pytest.mark.parametrize("name", ["offline", "login-refused", "app-refused"])
def test_without_a_server_the_handshake_raises(
    over_sqlite3: ErpReader, sandbox: ErpSandbox, name: str
) -> None:
    sandbox.set_fault(name)
    with pytest.raises(ErpError) as raised:
        over_sqlite3.handshake(deadline=Deadline.after(1))
    assert raised.value.fault.code == FAULTS[name]


def test_unreadable_history_is_told(over_sqlite3: ErpReader, sandbox: ErpSandbox) -> None:
    sandbox.set_fault("no-audit")
    told = over_sqlite3.handshake(deadline=soon())
    assert told.good
    assert (told.history_readable, told.history_since) == (False, None)


# --- reading ---


def test_records_are_read_as_the_company_holds_them(reader: ErpReader, company: SandboxCompany) -> None:
    for job in company.jobs:
        assert reader.read_job(job.record_number, deadline=soon()) == job
    for subcontract in company.subcontracts:
        assert reader.read_subcontract(subcontract.record_number, deadline=soon()) == subcontract
    for vendor in company.vendors:
        assert reader.read_vendor(vendor.record_number, deadline=soon()).name == vendor.name
    for change_order in company.change_orders[:10]:
        assert reader.read_change_order(change_order.record_number, deadline=soon()) == change_order


def test_what_is_not_there_is_not_in_the_erp(reader: ErpReader) -> None:
    for read in (reader.read_job, reader.read_subcontract, reader.read_change_order, reader.read_vendor):
        with pytest.raises(NotInErp):
            read("999999", deadline=soon())


def find(reader: ErpReader, job: str = "2611", subcontract: str = "1201") -> tuple[ErpChangeOrderFound, ...]:
    return find_all(reader, job, subcontract).found


def find_all(reader: ErpReader, job: str = "2611", subcontract: str = "1201") -> ChangeOrdersFound:
    return reader.find_change_orders(
        job_record_number=job, subcontract_record_number=subcontract, deadline=soon()
    )


def change_books(tmp_path: Path, statement: str) -> None:
    """What no accountant can do: a Sage of another release, or a row that somebody else wrote."""
    with closing(sqlite3.connect(tmp_path / "books" / "company.sqlite")) as books:
        books.execute(statement)
        books.commit()


def test_the_key_of_an_export_comes_back_without_its_padding(
    reader: ErpReader, company: SandboxCompany, tmp_path: Path
) -> None:
    record = company.change_orders[0].record_number
    change_books(tmp_path, f"UPDATE prmchg SET usrdf1 = ' a key  ' WHERE recnum = {record}")
    assert [one.key for one in find(reader) if one.key] == ["a key"]
    assert next(one.record_number for one in find(reader) if one.key) == record


@pytest.mark.parametrize(
    ("change", "column", "shown"),
    [
        ("status = 4.5", "status", "4.5"),
        ("status = 0", "status", "0"),
        ("status = NULL", "status", "NULL"),
        ("chgnum = NULL", "chgnum", "NULL"),
        ("chgnum = '123456789012345678901234'", "chgnum", "'123456789012345678901234'"),
        ("_idnum = NULL", "_idnum", "NULL"),
        ("phsnum = -1", "phsnum", "-1"),
        ("usrdf1 = X'00'", "usrdf1", "b'\\x00'"),
    ],
)
def test_an_odd_change_order_is_named_and_keeps_no_other_from_being_found(
    over_sqlite3: ErpReader, tmp_path: Path, change: str, column: str, shown: str
) -> None:
    before = {one.record_number: one for one in find(over_sqlite3)}
    damage(tmp_path / "books", f"UPDATE prmchg SET {change} WHERE recnum = 701")

    there = find_all(over_sqlite3)

    assert {one.record_number: one for one in there.found} == {
        number: one for number, one in before.items() if number != "701"
    }
    [odd] = there.odd
    assert (odd.odd.table, odd.odd.record_number) == ("prmchg", "701")
    assert (odd.odd.column, odd.odd.shown) == (column, shown)
    if column == "chgnum":
        assert odd.number == (None if shown == "NULL" else shown.strip("'"))
    else:
        assert odd.number == before["701"].number
    assert odd.job_record_number == before["701"].job_record_number


def test_a_change_order_with_an_odd_line_is_found_without_its_amount(
    over_sqlite3: ErpReader, tmp_path: Path
) -> None:
    before = {one.record_number: one for one in find(over_sqlite3)}
    damage(tmp_path / "books", "UPDATE sbcgln SET bdgprc = NULL WHERE recnum = 701")

    there = find_all(over_sqlite3)

    after = {one.record_number: one for one in there.found}
    assert after.keys() == before.keys()
    assert after["701"] == replace(before["701"], amount=None, sub_change_numbers=())
    assert {(one.odd.table, one.odd.record_number, one.odd.column, one.odd.shown) for one in there.odd} == {
        ("sbcgln", "701", "bdgprc", "NULL")
    }


def test_what_is_only_shown_of_a_job_and_a_subcontract_may_be_odd(
    over_sqlite3: ErpReader, company: SandboxCompany, tmp_path: Path
) -> None:
    [before] = [one for one in company.subcontracts if one.record_number == "1201"]
    damage(
        tmp_path / "books",
        "UPDATE actrec SET status = NULL, jobnme = NULL WHERE recnum = 2611",
        "UPDATE subcon SET status = 9 WHERE recnum = 1201",
        "UPDATE sbcnln SET amount = NULL WHERE recnum = 1201 AND linnum = 1",
    )

    job = over_sqlite3.read_job("2611", deadline=soon())
    subcontract = over_sqlite3.read_subcontract("1201", deadline=soon())

    assert (job.name, job.status) == ("NULL", "NULL")
    assert [line.cost_code for line in subcontract.lines] == [line.cost_code for line in before.lines]
    assert {(one.table, one.record_number, one.column, one.shown) for one in subcontract.odd} == {
        ("subcon", "1201", "status", "9"),
        ("sbcnln", "1201", "amount", "NULL"),
    }


def test_a_subcontract_without_a_row_id_is_refused_by_its_record_number(
    over_sqlite3: ErpReader, tmp_path: Path
) -> None:
    damage(tmp_path / "books", "UPDATE subcon SET _idnum = NULL WHERE recnum = 1201")
    with pytest.raises(Unexpected) as raised:
        over_sqlite3.read_subcontract("1201", deadline=soon())
    assert "record 1201, subcon._idnum" in raised.value.fault.what
    assert "Sage administrator can correct it" in raised.value.fault.advice


@pytest.mark.parametrize("number", ["twelve", "", "-1", "9" * 40])
def test_a_record_number_that_is_none_finds_nothing_by_mistake(over_sqlite3: ErpReader, number: str) -> None:
    for job, subcontract in ((number, "1201"), ("2611", number)):
        with pytest.raises(Unexpected):
            find(over_sqlite3, job, subcontract)


def test_without_the_columns_of_an_export_only_the_export_is_refused(
    reader: ErpReader, company: SandboxCompany, tmp_path: Path
) -> None:
    change_books(tmp_path, "ALTER TABLE prmchg RENAME COLUMN usrdf1 TO usrdf1_before")
    with pytest.raises(Misconfigured) as raised:
        find(reader)
    assert raised.value.fault.code == "column-missing"
    assert reader.handshake(deadline=soon()).good
    assert lookup(reader, reference_to(company, "plain-01")).verdict is Verdict.PRESENT


def test_nothing_is_read_from_a_database_nobody_accepted(
    unchecked: ConnectionSpec, over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    record_number = company.change_orders[0].record_number
    with pytest.raises(ErpError) as raised:
        open_reader(unchecked).read_change_order(record_number, deadline=soon())
    assert raised.value.fault.code == "connection-unchecked"
    sandbox.set_fault("restored")
    with pytest.raises(ErpError) as raised:
        over_sqlite3.read_change_order(record_number, deadline=soon())
    assert raised.value.fault.code == "other-incarnation"


# --- the connection ---


def test_a_sandbox_that_is_not_there_is_misconfigured(tmp_path: Path) -> None:
    spec = ConnectionSpec("sage-100-contractor-sandbox", "x", "y", sandbox_path=tmp_path / "nowhere")
    with pytest.raises(ErpError) as raised:
        open_reader(spec).handshake(deadline=soon())
    assert raised.value.fault.code == "sandbox-missing"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("string", "code"),
    [
        ("DRIVER=NoSuchDriver;SERVER=localhost;DATABASE=x", "driver-missing"),
        ("DRIVER=SQLite3", "connection-string"),
        ("DRIVER=SQLite3;DATABASE=/nowhere/company.sqlite", "database-missing"),
        ("DRIVER=FreeTDS;SERVER=127.0.0.1;PORT=1;DATABASE=x;UID=a;PWD=b;TDS_Version=7.4", "unreachable"),
        ("DRIVER=PostgreSQL Unicode;SERVER=127.0.0.1;PORT=1;DATABASE=x;UID=a", "unreachable"),
    ],
)
def test_an_odbc_connection_that_cannot_be_says_why(string: str, code: str) -> None:
    spec = ConnectionSpec("sage-100-contractor", "x", "y", odbc_string=string)
    with pytest.raises(ErpError) as raised:
        open_reader(spec).handshake(deadline=Deadline.after(0.4))
    assert raised.value.fault.code == code


@pytest.mark.usefixtures("sandbox")
def test_through_no_connection_can_anything_be_written(spec: ConnectionSpec, tmp_path: Path) -> None:
    database = tmp_path / "books" / "company.sqlite"
    string = odbc_string.render([("DRIVER", "SQLite3"), ("DATABASE", str(database))])
    odbc = replace(spec, sandbox_path=None, odbc_string=string)
    for one in (spec, odbc):
        with session.open_session(one, soon()) as opened, pytest.raises(Exception, match=r"read-?only"):
            opened._connection.execute("DELETE FROM dbo.prmchg")


def test_our_application_name_is_given_to_sql_server_unless_the_string_has_one() -> None:
    def given(string: str) -> str:
        pairs = odbc_string.parse(string)
        given = session.connection_string(pairs, "Plumbline", soon())
        return odbc_string.value_of(odbc_string.parse(given), "APP")

    assert given("DRIVER=ODBC Driver 18 for SQL Server;DATABASE=x") == "Plumbline"
    assert given("DRIVER=FreeTDS;DATABASE=x") == "Plumbline"
    assert given("DRIVER=FreeTDS;DATABASE=x;App=Approved Name") == "Approved Name"
    assert given("DRIVER=PostgreSQL Unicode;DATABASE=x") == ""


def test_microsofts_driver_never_connects_again_by_itself() -> None:
    """In the middle of a look the second connection might lead to another database than the first."""
    for written in ("", "ConnectRetryCount=3;ConnectRetryInterval=1;"):
        pairs = odbc_string.parse(f"DRIVER={odbc_string.MICROSOFT_18};DATABASE=x;{written}")
        given = odbc_string.parse(session.connection_string(pairs, "Plumbline", soon()))
        assert [value for keyword, value in given if keyword == "ConnectRetryCount"] == ["0"]


def test_a_sage_server_that_is_asked_enough_already_is_busy(
    spec: ConnectionSpec, over_sqlite3: ErpReader, company: SandboxCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PLACES_PER_SERVER", 1)
    monkeypatch.setattr(session, "_places", {})
    with session.open_session(spec, soon()):
        found = over_sqlite3.lookup(
            reference_to(company, "plain-01"), deadline=Deadline.after(0.1), clock=now
        )
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason in ("busy", "deadline")
    assert lookup(over_sqlite3, reference_to(company, "plain-01")).verdict is Verdict.PRESENT


def test_more_rows_than_can_be_are_refused(spec: ConnectionSpec, company: SandboxCompany) -> None:
    subcontract = next(one for one in company.subcontracts if len(one.lines) > 1)
    with session.open_session(spec, soon()) as opened, pytest.raises(ErpError) as raised:
        opened.ask("subcontract_lines", (int(subcontract.record_number),), limit=1)
    assert raised.value.fault.code == "too-many-rows"


# --- a page of records at once ---


def test_a_page_is_judged_as_each_record_alone(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox_faults = {row.record_number for row in sandbox.change_orders() if row.fault}
    references = [
        reference_to(company, one.key) for one in company.scenarios if one.record_number not in sandbox_faults
    ][:50]
    assert len(references) == 50
    sandbox.play()
    for row in sandbox.change_orders():
        if row.fault:
            sandbox.set_fault("none", record_number=row.record_number)

    found = reader.lookup_many(references, deadline=Deadline.after(30), clock=now)

    assert len({connection for connection, _ in asked}) == 2
    assert len(asked) <= 14
    alone = [lookup(reader, reference) for reference in references]
    assert [judged(one) for one in found] == [judged(one) for one in alone]
    assert {one.verdict for one in found} >= {
        Verdict.ABSENT,
        Verdict.PRESENT,
        Verdict.PRESENT_NOT_EFFECTIVE,
        Verdict.RENUMBERED,
        Verdict.REPLACED,
        Verdict.AMBIGUOUS,
        Verdict.JOB_MISSING,
    }


def judged(finding: Finding) -> object:
    """Everything of a finding but moments, which each look reckons anew by the server's clock."""
    evidence = finding.evidence
    deletion, other = evidence.deletion, evidence.other_record
    return (
        replace(
            finding,
            first_looked_at=None,
            second_looked_at=None,
            server_ahead=None,
            evidence=replace(
                evidence, deletion=None, other_record=None, other_records=(), history_since=None
            ),
        ),
        finding.proves_absence,
        deletion and (deletion.action, deletion.user, deletion.application),
        other and (other.record_number, other.number),
        [(one.record_number, one.number) for one in evidence.other_records],
    )


def test_a_page_of_none_asks_nothing_and_one_of_too_many_is_refused(
    over_sqlite3: ErpReader, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    assert over_sqlite3.lookup_many([], deadline=soon(), clock=now) == ()
    with pytest.raises(ValueError, match="at most 50"):
        over_sqlite3.lookup_many([reference_to(company, "plain-01")] * 51, deadline=soon(), clock=now)
    assert asked == []


def test_a_record_that_is_not_understood_spoils_nobody_elses_finding(
    over_sqlite3: ErpReader,
    company: SandboxCompany,
    sandbox: ErpSandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spoiled, gone, there = (reference_to(company, key) for key in ("plain-01", "plain-02", "plain-03"))
    sandbox.delete(gone.record_number, user="ACCT2")
    with closing(sqlite3.connect(tmp_path / "books" / "company.sqlite")) as books:
        books.execute("PRAGMA ignore_check_constraints = 1")
        books.execute("UPDATE prmchg SET status = 9 WHERE recnum = ?", (int(spoiled.record_number),))
        books.commit()
    nonsense = replace(there, record_number="twelve")
    with caplog.at_level(logging.ERROR):
        found = over_sqlite3.lookup_many([spoiled, gone, nonsense, there], deadline=soon(), clock=now)
    assert [one.verdict for one in found] == [
        Verdict.UNKNOWN,
        Verdict.ABSENT,
        Verdict.UNKNOWN,
        Verdict.PRESENT,
    ]
    assert found[0].fault is not None
    odd = f"record {spoiled.record_number}, prmchg.status, a status outside the list: 9"
    assert odd in found[0].fault.what
    assert len(caplog.records) == 2


def test_what_was_settled_before_the_connection_failed_stays_settled(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = reference_to(company, "plain-01"), reference_to(company, "plain-02")
    sandbox.delete(gone.record_number, user="ACCT2")
    between_the_looks(monkeypatch, lambda: sandbox.set_fault("offline"))
    found = over_sqlite3.lookup_many([gone, there], deadline=Deadline.after(2), clock=now)
    assert [one.verdict for one in found] == [Verdict.UNKNOWN, Verdict.PRESENT]
    assert found[0].reason == "unreachable"


# --- a quick lookup ---


def test_a_quick_lookup_says_what_two_looks_would_and_proves_nothing(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox_faults = {row.record_number for row in sandbox.change_orders() if row.fault}
    references = [
        reference_to(company, one.key) for one in company.scenarios if one.record_number not in sandbox_faults
    ][:50]
    sandbox.play()
    for row in sandbox.change_orders():
        if row.fault:
            sandbox.set_fault("none", record_number=row.record_number)

    found = reader.quick_lookup_many(references, deadline=Deadline.after(30), clock=now)

    assert len({connection for connection, _ in asked}) == 1
    assert len(asked) <= 5
    twice = reader.lookup_many(references, deadline=Deadline.after(30), clock=now)
    for glanced, looked in zip(found, twice, strict=True):
        assert (glanced.verdict, glanced.proof) == (looked.verdict, looked.proof)
        if looked.reason == "not-found-twice":
            assert glanced.reason == ("deleted-in-history" if glanced.evidence.deletion else "not-found-once")
        else:
            assert glanced.reason == looked.reason
        assert (glanced.evidence.deletion is None) == (looked.evidence.deletion is None)
        assert glanced.second_looked_at is None
        assert not glanced.proves_absence
        assert glanced.first_looked_at is not None
        assert glanced.incarnation == looked.incarnation
    assert {one.reason for one in found} >= {
        "deleted-in-history",
        "replaced-after-deletion",
        "our-part-of-shared-header-gone",
        "lines-without-header",
        "header-renumbered",
        "job-not-found",
    }


def test_a_quick_lookup_with_history_refused_still_knows_what_is_gone(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    gone = reference_to(company, "plain-01")
    sandbox.delete(gone.record_number, user="ACCT2")
    sandbox.set_fault("no-audit", record_number=gone.record_number)
    [found] = over_sqlite3.quick_lookup_many([gone], deadline=soon(), clock=now)
    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-once")
    assert not found.evidence.history_readable


@pytest.mark.parametrize(("name", "code"), FAULTS.items())
def test_a_quick_lookup_with_a_fault_switched_on_is_unknown(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, name: str, code: str
) -> None:
    gone, there = reference_to(company, "plain-01"), reference_to(company, "plain-02")
    sandbox.delete(gone.record_number, user="ACCT2")
    sandbox.set_fault(name)
    found = over_sqlite3.quick_lookup_many([gone, there], deadline=soon(), clock=now)
    assert [(one.verdict, one.reason) for one in found] == [(Verdict.UNKNOWN, code)] * 2


def test_a_quick_lookup_at_none_asks_nothing_and_one_at_too_many_is_refused(
    over_sqlite3: ErpReader, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    assert over_sqlite3.quick_lookup_many([], deadline=soon(), clock=now) == ()
    with pytest.raises(ValueError, match="at most 200"):
        over_sqlite3.quick_lookup_many([reference_to(company, "plain-01")] * 201, deadline=soon(), clock=now)
    assert asked == []


def test_a_quick_lookup_at_hundreds_is_one_connection_and_judges_each(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    keys = [one.key for one in company.scenarios if one.key.startswith("plain-")]
    gone, there = (reference_to(company, key) for key in keys[:2])
    sandbox.delete(gone.record_number, user="ACCT2")
    found = reader.quick_lookup_many([gone, there] * 100, deadline=soon(), clock=now)
    assert [one.verdict for one in found] == [Verdict.ABSENT, Verdict.PRESENT] * 100
    assert len({connection for connection, _ in asked}) == 1
    assert [name for _, name in asked].count("look") == 4
    assert len(asked) <= 10


def test_a_quick_lookup_whose_answer_has_no_end_says_nothing_of_anybody(
    over_sqlite3: ErpReader, company: SandboxCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Session.ask

    def cut_short(self: Session, name: str, *arguments: object, **named: object) -> session.Rows:
        answer = ask(self, name, *arguments, **named)  # type: ignore[arg-type]
        return replace(answer, rows=answer.rows[:-1]) if name == "look" else answer

    monkeypatch.setattr(Session, "ask", cut_short)
    [found] = over_sqlite3.quick_lookup_many([reference_to(company, "plain-01")], deadline=soon(), clock=now)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "no-count")


# --- all keys ---


def streamed(reader: ErpReader) -> tuple[KeyStream, list[KeyBlock]]:
    with reader.stream_keys(deadline=soon()) as keys:
        return keys, list(keys.blocks)


def test_all_keys_of_the_company_are_streamed_in_order(
    reader: ErpReader, spec: ConnectionSpec, company: SandboxCompany
) -> None:
    keys, blocks = streamed(reader)
    orders = [one for block in blocks for one in block.change_orders]
    lines = [one for block in blocks for one in block.lines]
    assert keys.incarnation == spec.accepted_incarnation
    assert keys.jobs == {one.record_number: str(one.row_id).upper() for one in company.jobs}
    assert orders == sorted(
        (
            ChangeOrderKeys(
                str(one.row_id).upper(),
                one.record_number,
                one.number,
                one.job_record_number,
                one.phase,
                one.status,
            )
            for one in company.change_orders
        ),
        key=lambda one: int(one.record_number),
    )
    assert sorted(lines) == sorted(
        SubcontractChangeKeys(
            order.record_number, line.subcontract_record_number, line.sub_change_number, line.amount
        )
        for order in company.change_orders
        for line in order.lines
        if line.subcontract_record_number
    )
    assert [int(one.record_number) for one in lines] == sorted(int(one.record_number) for one in lines)
    [block] = blocks
    assert block.change_orders[3] == orders[3]
    assert list(block.change_orders[3:5]) == orders[3:5]
    assert len(block.lines) == len(lines)


@pytest.mark.parametrize(("block", "most"), [(7, 14), (7, 8), (1, 5)])
def test_a_block_holds_all_of_its_range_and_nothing_beyond_it(
    reader: ErpReader, monkeypatch: pytest.MonkeyPatch, block: int, most: int
) -> None:
    _keys, [whole] = streamed(reader)
    assert whole.upto == LARGEST_RECORD_NUMBER
    monkeypatch.setattr(session, "CHUNK", 2)
    monkeypatch.setattr(stream, "BLOCK", block)
    monkeypatch.setattr(stream, "_MOST", most)
    monkeypatch.setattr(stream, "_MOST_LINES", most)

    _keys, blocks = streamed(reader)

    assert len(blocks) > 5
    assert max(len(one.change_orders) for one in blocks) <= most + 2
    assert [one for part in blocks for one in part.change_orders] == list(whole.change_orders)
    assert [one for part in blocks for one in part.lines] == list(whole.lines)
    after = -1
    for part in blocks:
        upto = int(part.upto)
        assert after < upto
        numbers = [one.record_number for one in part.change_orders] + [
            one.record_number for one in part.lines
        ]
        assert all(after < int(number) <= upto for number in numbers)
        after = upto
    assert after == int(LARGEST_RECORD_NUMBER)


def test_record_numbers_far_apart_cost_no_question_for_every_gap(
    reader: ErpReader, sandbox: ErpSandbox, tmp_path: Path, asked: list[tuple[int, str]]
) -> None:
    read: list[str] = []
    real = Session.read

    def watched(self: Session, name: str, *arguments: object, **named: object) -> object:
        read.append(name)
        return real(self, name, *arguments, **named)  # type: ignore[arg-type]

    last = 9_000_000_000_000_000_000
    with closing(sqlite3.connect(tmp_path / "books" / "company.sqlite")) as books:
        books.execute("UPDATE prmchg SET recnum = ? WHERE recnum = (SELECT MAX(recnum) FROM prmchg)", (last,))
        books.commit()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Session, "read", watched)
        patched.setattr(stream, "BLOCK", 10)
        patched.setattr(stream, "_MOST", 20)
        _keys, blocks = streamed(reader)
    assert blocks[-1].change_orders[-1].record_number == str(last)
    assert max(len(one.change_orders) for one in blocks) <= session.CHUNK
    assert len(read) < 100


def test_a_record_without_end_is_refused(reader: ErpReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "CHUNK", 1)
    monkeypatch.setattr(stream, "_MOST_LINES", 1)
    with pytest.raises(ErpError) as raised:
        streamed(reader)
    assert raised.value.fault.code == "too-many-rows"


def test_lines_without_their_header_and_records_added_meanwhile_are_in_the_stream(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, tmp_path: Path
) -> None:
    left_behind = reference_to(company, "plain-01").record_number
    with over_sqlite3.stream_keys(deadline=soon()) as keys:
        with closing(sqlite3.connect(tmp_path / "books" / "company.sqlite")) as books:
            books.execute("DELETE FROM prmchg WHERE recnum = ?", (int(left_behind),))
            books.execute("UPDATE prmchg SET recnum = 9999 WHERE recnum = (SELECT MAX(recnum) FROM prmchg)")
            books.commit()  # not kept waiting by a stream that is between two blocks
        blocks = list(keys.blocks)
    orders = [one.record_number for block in blocks for one in block.change_orders]
    lines = [one.record_number for block in blocks for one in block.lines]
    assert left_behind not in orders
    assert left_behind in lines
    assert orders[-1] == "9999"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE prmchg SET status = 9 WHERE recnum = 701", ("prmchg", "701", "status", "9")),
        ("UPDATE prmchg SET recnum = -1 WHERE recnum = 701", ("prmchg", "", "recnum", "-1")),
        ("UPDATE prmchg SET recnum = NULL WHERE recnum = 701", ("prmchg", "", "recnum", "NULL")),
        (
            f"UPDATE prmchg SET chgnum = '{'9' * 24}' WHERE recnum = 701",
            ("prmchg", "701", "chgnum", f"'{'9' * 24}'"),
        ),
        ("UPDATE prmchg SET _idnum = 'not one' WHERE recnum = 701", ("prmchg", "701", "_idnum", "'not one'")),
        ("UPDATE prmchg SET _idnum = NULL WHERE recnum = 701", ("prmchg", "701", "_idnum", "NULL")),
        ("UPDATE sbcgln SET bdgprc = 1e30 WHERE recnum = 701", ("sbcgln", "701", "bdgprc", "1e+30")),
        ("UPDATE sbcgln SET vndctc = -5 WHERE recnum = 701", ("sbcgln", "701", "vndctc", "-5")),
        ("UPDATE sbcgln SET recnum = NULL WHERE recnum = 701", ("sbcgln", "", "recnum", "NULL")),
    ],
)
def test_a_stream_names_what_is_not_understood_and_delivers_everything_else(
    over_sqlite3: ErpReader, tmp_path: Path, statement: str, named: tuple[str, ...]
) -> None:
    _keys, [before] = streamed(over_sqlite3)
    damage(tmp_path / "books", statement)

    _keys, [after] = streamed(over_sqlite3)

    odd = {*after.odd_change_orders, *after.odd_lines}
    assert {(one.table, one.record_number, one.column, one.shown) for one in odd} == {named}
    spoilt = 1 if named[0] == "prmchg" else 0
    assert [one for one in before.change_orders if one.record_number != "701" or not spoilt] == list(
        after.change_orders
    )
    kept = [one for one in before.lines if one.record_number != "701"]
    assert [one for one in after.lines if one.record_number != "701"] == kept


def test_a_job_that_cannot_be_read_is_named_and_the_others_are_delivered(
    over_sqlite3: ErpReader, tmp_path: Path
) -> None:
    before, _blocks = streamed(over_sqlite3)
    damage(
        tmp_path / "books",
        "UPDATE actrec SET _idnum = NULL WHERE recnum = 2611",
        "UPDATE actrec SET recnum = -7 WHERE recnum = (SELECT MAX(recnum) FROM actrec)",
    )

    after, _blocks = streamed(over_sqlite3)

    lost = {"2611", max(before.jobs, key=int)}
    assert after.jobs == {number: key for number, key in before.jobs.items() if number not in lost}
    assert sorted((one.table, one.record_number, one.column, one.shown) for one in after.odd_jobs) == [
        ("actrec", "", "recnum", "-7"),
        ("actrec", "2611", "_idnum", "NULL"),
    ]
    assert {one.row_key for one in after.odd_jobs} == {"", before.jobs[max(before.jobs, key=int)]}


@pytest.mark.parametrize("block", [1, 3, 7])
def test_odd_records_are_named_once_however_small_the_blocks_are(
    over_sqlite3: ErpReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    damage(
        tmp_path / "books",
        "UPDATE prmchg SET status = 7 WHERE recnum = 703",
        "UPDATE prmchg SET recnum = NULL WHERE recnum = 704",
        "UPDATE prmchg SET recnum = -recnum WHERE recnum IN (705, 706, 707)",
        "UPDATE sbcgln SET chgnum = NULL WHERE recnum = 708",
    )
    monkeypatch.setattr(stream, "BLOCK", block)
    monkeypatch.setattr(stream, "_MOST", 2 * block)

    _keys, blocks = streamed(over_sqlite3)

    named = [(one.table, one.column) for part in blocks for one in (*part.odd_change_orders, *part.odd_lines)]
    lines = named.count(("sbcgln", "chgnum"))
    assert lines >= 1
    assert sorted(named) == [
        *[("prmchg", "recnum")] * 4,
        ("prmchg", "status"),
        *[("sbcgln", "chgnum")] * lines,
    ]


def test_rows_out_of_their_order_still_stop_the_stream(
    over_sqlite3: ErpReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Session.read

    def shuffled(self: Session, name: str, *given: object, **named: object) -> object:
        found, complete = real(self, name, *given, **named)  # type: ignore[arg-type]
        return (found[1:-1][::-1] and [found[0], *found[1:-1][::-1], found[-1]]) or found, complete

    monkeypatch.setattr(Session, "read", shuffled)
    with pytest.raises(ErpError) as raised:
        streamed(over_sqlite3)
    assert "not in their order" in raised.value.fault.what


def test_nothing_is_streamed_from_another_database(
    over_sqlite3: ErpReader, sandbox: ErpSandbox, unchecked: ConnectionSpec
) -> None:
    sandbox.set_fault("restored")
    for one, code in ((over_sqlite3, "other-incarnation"), (open_reader(unchecked), "connection-unchecked")):
        with pytest.raises(ErpError) as raised:
            streamed(one)
        assert raised.value.fault.code == code


def test_a_stream_that_is_left_early_gives_its_place_back(
    over_sqlite3: ErpReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PLACES_PER_SERVER", 1)
    monkeypatch.setattr(session, "_places", {})
    with over_sqlite3.stream_keys(deadline=soon()) as keys:
        next(keys.blocks)
        with pytest.raises(ErpError) as raised:
            over_sqlite3.handshake(deadline=Deadline.after(0.1))
        assert raised.value.fault.code in ("busy", "deadline")
    assert over_sqlite3.handshake(deadline=soon()).good


def test_a_connection_that_fails_midway_ends_the_stream(
    over_sqlite3: ErpReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK", 7)
    real = Session.read

    def failing(self: Session, name: str, params: tuple[int, ...] = (), **named: int) -> object:
        if params and params[0] > 0:
            raise error_for(fault("link-lost"))
        return real(self, name, params, **named)

    monkeypatch.setattr(Session, "read", failing)
    came: list[KeyBlock] = []
    with pytest.raises(ErpError) as raised, over_sqlite3.stream_keys(deadline=soon()) as keys:
        came.extend(keys.blocks)
    assert raised.value.fault.code == "link-lost"
    assert len(came) == 1


def test_a_company_that_shows_no_job_is_not_streamed(over_sqlite3: ErpReader, sandbox: ErpSandbox) -> None:
    sandbox.set_fault("emptied")
    with pytest.raises(ErpError) as raised:
        streamed(over_sqlite3)
    assert raised.value.fault.code == "empty-database"


def test_what_the_caller_raises_passes_the_stream_unchanged(
    over_sqlite3: ErpReader, caplog: pytest.LogCaptureFixture
) -> None:
    def left_in_the_middle() -> None:
        with over_sqlite3.stream_keys(deadline=soon()) as keys:
            next(keys.blocks)
            raise LookupError

    with pytest.raises(LookupError):
        left_in_the_middle()
    assert not caplog.records


# --- places, deadlines and retries ---


def test_an_abandoned_look_keeps_its_place_until_it_ends(
    spec: ConnectionSpec,
    over_sqlite3: ErpReader,
    company: SandboxCompany,
    sandbox: ErpSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "PLACES_PER_SERVER", 1)
    monkeypatch.setattr(session, "_places", {})
    reference = reference_to(company, "plain-01")
    asked, may_go_on = threading.Event(), threading.Event()
    ask = Session.ask

    def stuck(self: Session, name: str, *arguments: object, **named: object) -> object:
        if name == "look" and not asked.is_set():
            asked.set()
            may_go_on.wait(30)  # a driver that cannot be interrupted
        return ask(self, name, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "ask", stuck)
    late: list[Finding] = []
    thread = threading.Thread(
        target=lambda: late.append(over_sqlite3.lookup(reference, deadline=Deadline.after(0.3), clock=now))
    )
    thread.start()
    assert asked.wait(10)
    # Its asker has gone at the deadline; the server still has to do with it.
    found = over_sqlite3.lookup(reference, deadline=Deadline.after(0.6), clock=now)
    assert found.reason == "busy"
    may_go_on.set()
    thread.join(10)
    assert [one.reason for one in late] == ["deadline"]
    assert lookup(over_sqlite3, reference).verdict is Verdict.PRESENT


def test_the_fault_before_the_deadline_is_the_one_that_is_told(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_fault("drops")
    tries: list[str] = []
    real = look.begin

    def slower_the_second_time(*given: object) -> object:
        tries.append("asked")
        if len(tries) > 1:
            raise error_for(fault("deadline"))
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(look, "begin", slower_the_second_time)
    found = over_sqlite3.lookup(reference_to(company, "plain-01"), deadline=Deadline.after(5), clock=now)
    assert len(tries) == 2
    assert found.reason == "link-lost"


def test_a_server_that_is_not_there_is_not_waited_for_again_where_the_wait_cannot_fit(
    spec: ConnectionSpec, company: SandboxCompany, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_fault("offline")
    opened: list[ConnectionSpec] = []
    real = session.open_session

    def counted(one: ConnectionSpec, *more: object, **named: object) -> object:
        opened.append(one)
        return real(one, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("sage_adapter.reader.open_session", counted)
    reference = reference_to(company, "plain-01")
    for login_timeout, tries in ((5, 1), (1, 3)):
        opened.clear()
        impatient = open_reader(replace(spec, login_timeout_seconds=login_timeout))
        found = impatient.lookup(reference, deadline=Deadline.after(4), clock=now)
        assert found.reason == "unreachable"
        assert len(opened) == tries

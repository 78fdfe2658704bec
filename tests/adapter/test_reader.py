"""The reader over the practice company, through sqlite3 and through SQLite ODBC: the same answers."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from erp_integrations.ports import (
    ChangeOrderReference,
    ConnectionSpec,
    Deadline,
    ErpError,
    ErpReader,
    ErpSandbox,
    FaultKind,
    Finding,
    NotInErp,
    Proof,
    SandboxCompany,
    Verdict,
)
from sage_adapter import odbc_string, session
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from sage_adapter.session import Session


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
    shared = sum(one.record_number == scenario.record_number for one in company.scenarios) > 1
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
        last_seen_at=now(),
        header_shared=shared,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def look_up(reader: ErpReader, reference: ChangeOrderReference) -> Finding:
    return reader.look_up(reference, deadline=soon(), clock=now)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Every question of the test: which connection, which query. Watches; changes nothing."""
    questions: list[tuple[int, str]] = []
    ask = Session.ask

    def watched(self: Session, name: str, *arguments: object, **named: object) -> object:
        questions.append((id(self), name))
        return ask(self, name, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "ask", watched)
    return questions


# --- what is found ---


def test_a_record_that_is_there_is_present_after_one_look(
    reader: ErpReader, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    found = look_up(reader, reference_to(company, "plain-01"))
    assert (found.verdict, found.reason) == (Verdict.PRESENT, "header-found")
    assert found.second_looked_at is None
    assert len({connection for connection, _ in asked}) == 1
    assert len(asked) <= 6


def test_a_deleted_record_is_absent_after_two_looks_on_two_connections(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    began = now()

    found = look_up(reader, reference)

    assert (found.verdict, found.reason) == (Verdict.ABSENT, "not-found-twice")
    assert found.proves_absence
    assert found.first_looked_at is not None
    assert found.second_looked_at is not None
    assert began <= found.first_looked_at < found.second_looked_at <= now()
    assert found.evidence.deletion is not None
    assert found.evidence.deletion.user == "ACCT2"
    assert abs(found.evidence.deletion.at - began) < timedelta(minutes=1)
    assert found.evidence.subcontract_present is True
    assert [name for _, name in asked].count("presence") == 2
    assert len(asked) <= 12
    for connection in {connection for connection, _ in asked}:
        assert sum(one == connection for one, _ in asked) <= 6


@pytest.mark.parametrize(
    ("key", "verdict", "proof"),
    [
        ("present", Verdict.PRESENT, None),
        ("deleted", Verdict.ABSENT, None),
        ("void", Verdict.PRESENT_NOT_EFFECTIVE, None),
        ("rejected", Verdict.PRESENT_NOT_EFFECTIVE, None),
        ("deleted-purged", Verdict.ABSENT, None),
        ("two-phases-deleted", Verdict.ABSENT, None),
        ("two-phases-kept", Verdict.PRESENT, None),
        ("two-jobs-deleted", Verdict.ABSENT, None),
        ("renumbered", Verdict.RENUMBERED, None),
        ("moved", Verdict.RENUMBERED, None),
        ("line-removed", Verdict.PRESENT, None),
        ("half-deleted", Verdict.AMBIGUOUS, None),
        ("recreated", Verdict.REPLACED, Proof.HISTORY),
        ("recreated-purged", Verdict.REPLACED, Proof.INSERTED_LATER),
        ("twin", Verdict.REPLACED, None),
        ("archived", Verdict.JOB_MISSING, None),
        ("job-deleted-too", Verdict.ABSENT, None),
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
    found = look_up(reader, reference)
    assert (found.verdict, found.proof) == (verdict, proof)
    for connection in {connection for connection, _ in asked}:
        assert sum(one == connection for one, _ in asked) <= 6


def test_a_deleted_subcontract_is_evidence_and_no_doubt(
    reader: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    reference = reference_to(company, "contract-deleted")
    sandbox.play()
    found = look_up(reader, reference)
    assert found.evidence.subcontract_present is False
    assert found.evidence.subcontract_changes_total is None


def test_a_record_number_used_by_another_row_is_not_our_record(
    reader: ErpReader, company: SandboxCompany
) -> None:
    reference = reference_to(company, "plain-01", row_id=uuid.uuid4())
    assert look_up(reader, reference).verdict is Verdict.AMBIGUOUS


# --- doubt ---


def test_a_connection_nobody_accepted_proves_nothing(
    unchecked: ConnectionSpec, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    found = look_up(open_reader(unchecked), reference_to(company, "plain-01"))
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
    "emptied": "empty-database",
    "locked": "locked",
    "deadlock": "deadlock",
    "drops": "link-lost",
}


@pytest.mark.parametrize(("name", "code"), FAULTS.items())
def test_with_a_fault_switched_on_a_deleted_record_is_unknown(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, name: str, code: str
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    sandbox.set_fault(name)

    found = look_up(over_sqlite3, reference)

    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, code)
    assert found.fault is not None
    assert found.fault.code == code
    assert not found.proves_absence

    sandbox.set_fault("none")
    assert look_up(over_sqlite3, reference).verdict is Verdict.ABSENT


def test_unreadable_history_costs_proof_and_no_verdict(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    for record_number in (None, reference.record_number):
        sandbox.set_fault("no-audit", record_number=record_number)
        found = look_up(over_sqlite3, reference)
        assert found.verdict is Verdict.ABSENT
        assert found.evidence.history_readable is False
        assert found.evidence.deletion is None
        sandbox.set_fault("none", record_number=record_number)


def test_a_fault_that_may_pass_is_tried_three_times_each_time_from_the_start(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox.set_fault("locked")
    look_up(over_sqlite3, reference_to(company, "plain-01"))
    assert [name for _, name in asked] == ["handshake.sqlite", "history_since", "presence"] * 3


def test_a_fault_an_administrator_must_mend_is_not_tried_again(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox.set_fault("wrong-database")
    look_up(over_sqlite3, reference_to(company, "plain-01"))
    assert [name for _, name in asked].count("handshake.sqlite") == 1


def test_a_try_that_cannot_fit_is_not_begun(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    sandbox.set_fault("locked")
    found = over_sqlite3.look_up(reference_to(company, "plain-01"), deadline=Deadline.after(0.4), clock=now)
    assert found.reason == "locked"
    assert [name for _, name in asked].count("presence") == 1


def test_after_the_deadline_nothing_is_asked(
    over_sqlite3: ErpReader, company: SandboxCompany, asked: list[tuple[int, str]]
) -> None:
    found = over_sqlite3.look_up(reference_to(company, "plain-01"), deadline=Deadline.after(0), clock=now)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "deadline")
    assert asked == []


def test_sage_too_slow_is_the_deadline(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    sandbox.set_fault("slow:60")
    found = over_sqlite3.look_up(reference_to(company, "plain-01"), deadline=Deadline.after(0.2), clock=now)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "deadline")


def test_a_second_look_that_cannot_fit_is_not_begun(
    spec: ConnectionSpec, company: SandboxCompany, sandbox: ErpSandbox, asked: list[tuple[int, str]]
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    patient = open_reader(replace(spec, second_look_seconds=60))
    began = now()
    found = look_up(patient, reference)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "deadline")
    assert now() - began < timedelta(seconds=5)
    assert [name for _, name in asked].count("presence") == 1


def test_the_second_look_comes_no_sooner_than_it_should(
    spec: ConnectionSpec, company: SandboxCompany, sandbox: ErpSandbox
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    found = look_up(open_reader(replace(spec, second_look_seconds=0.2)), reference)
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
    found = look_up(over_sqlite3, reference)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "sage-changing")
    assert found.second_looked_at is None


def test_another_database_at_the_second_look_is_doubt(
    over_sqlite3: ErpReader, company: SandboxCompany, sandbox: ErpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = reference_to(company, "plain-01")
    sandbox.delete(reference.record_number, user="ACCT2")
    between_the_looks(monkeypatch, lambda: sandbox.set_fault("restored"))
    assert look_up(over_sqlite3, reference).reason == "other-incarnation"


def test_a_link_with_a_record_number_that_is_none_is_our_fault_and_logged(
    over_sqlite3: ErpReader, company: SandboxCompany, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        found = look_up(over_sqlite3, reference_to(company, "plain-01", record_number="twelve"))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "row-not-understood")
    assert [(one.message, bool(one.exc_info)) for one in caplog.records] == [
        ("sage.look_up.unexpected", True)
    ]


def test_an_error_nobody_foresaw_is_unknown_and_logged(
    over_sqlite3: ErpReader,
    company: SandboxCompany,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_rows: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("sage_adapter.rows.presence", broken)
    with caplog.at_level(logging.ERROR):
        found = look_up(over_sqlite3, reference_to(company, "plain-01"))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "internal-error")
    assert found.fault is not None
    assert found.fault.kind is FaultKind.UNEXPECTED
    assert "sage.look_up.unexpected" in caplog.text


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
    assert FAULTS[name] in {problem.code for problem in told.problems}


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
    for change_order in company.change_orders[:10]:
        assert reader.read_change_order(change_order.record_number, deadline=soon()) == change_order


def test_what_is_not_there_is_not_in_the_erp(reader: ErpReader) -> None:
    for read in (reader.read_job, reader.read_subcontract, reader.read_change_order):
        with pytest.raises(NotInErp):
            read("999999", deadline=soon())


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
        return odbc_string.value_of(odbc_string.parse(session.connection_string(pairs, "Plumbline")), "APP")

    assert given("DRIVER=ODBC Driver 18 for SQL Server;DATABASE=x") == "Plumbline"
    assert given("DRIVER=FreeTDS;DATABASE=x") == "Plumbline"
    assert given("DRIVER=FreeTDS;DATABASE=x;App=Approved Name") == "Approved Name"
    assert given("DRIVER=PostgreSQL Unicode;DATABASE=x") == ""


def test_a_sage_server_that_is_asked_enough_already_is_busy(
    spec: ConnectionSpec, over_sqlite3: ErpReader, company: SandboxCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PLACES_PER_SERVER", 1)
    monkeypatch.setattr(session, "_places", {})
    with session.open_session(spec, soon()):
        found = over_sqlite3.look_up(
            reference_to(company, "plain-01"), deadline=Deadline.after(0.1), clock=now
        )
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason in ("busy", "deadline")
    assert look_up(over_sqlite3, reference_to(company, "plain-01")).verdict is Verdict.PRESENT


def test_more_rows_than_can_be_are_refused(spec: ConnectionSpec, company: SandboxCompany) -> None:
    subcontract = next(one for one in company.subcontracts if len(one.lines) > 1)
    with session.open_session(spec, soon()) as opened, pytest.raises(ErpError) as raised:
        opened.ask("subcontract_lines", (int(subcontract.record_number),), limit=1)
    assert raised.value.fault.code == "too-many-rows"

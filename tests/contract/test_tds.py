"""Looks over both drivers for SQL Server, before a practice company that speaks as one.

In which order things are said, and on how many connections; a server that takes the moment away under our
feet; one that has less than Microsoft's.
"""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from erp_integrations.erp import calls
from erp_integrations.ports import ChangeOrderReference, Deadline, FaultKind, Verdict
from sage_adapter import odbc_string, session
from sage_adapter.sandbox import open_sandbox
from tests.contract import tsql
from tests.contract.conftest import TDS_ENGINES
from tests.contract.engines import PATIENCE_SECONDS, SAGE_USER, Books, now, tds_books
from tests.contract.test_faults import assert_no_answer

BEGIN = (
    "SET NOCOUNT ON; SET LOCK_TIMEOUT 3000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "
    "SET DEADLOCK_PRIORITY LOW"
)
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION"
GREETING = ["handshake.sqlserver+rights.sqlserver+recovery.sqlserver"]

DRIVERS_OWN = (
    # pyodbc asks the size of four types at the first connection of a process.
    r"(\[sys\]\.)?sp_datatype_info_100( -?\d+,3)?",
    # Both drivers prepare a question that has parameters, and forget it when its cursor is closed.
    r"sp_unprepare",
)


@pytest.fixture
def company(tmp_path: Path) -> tsql.Company:
    return tsql.Company(tmp_path / "Wire Point")


@pytest.fixture(params=TDS_ENGINES)
def wired(request: pytest.FixtureRequest, company: tsql.Company) -> Iterator[Books]:
    """A company behind one of the drivers, accepted; from here on `company.heard` is the test's own."""
    sandbox = open_sandbox(company.folder, name="harbor-point")
    sandbox.create()
    with tsql.serving(company) as server:
        books = tds_books(sandbox, company.folder, TDS_ENGINES[request.param], server.port)
        books.accept()
        company.heard.clear()
        yield books


def deleted(books: Books) -> ChangeOrderReference:
    reference = books.references()["deleted"]
    books.sage(lambda sandbox: sandbox.delete(reference.record_number, user=SAGE_USER))
    return reference


def said(company: tsql.Company) -> list[list[str]]:
    """What was said on each connection, in order, without what the driver says of its own accord."""
    return [
        [words for _, words in one if not any(re.fullmatch(own, words) for own in DRIVERS_OWN)]
        for _, one in groupby(company.heard, key=lambda heard: heard[0])
    ]


def test_a_look_is_one_connection_and_one_transaction_over_one_snapshot(
    wired: Books, company: tsql.Company
) -> None:
    assert wired.look(wired.references()["present"]).verdict is Verdict.PRESENT
    assert said(company) == [[BEGIN, *GREETING, SNAPSHOT, "look", "COMMIT"]]


def test_two_looks_are_two_connections_one_after_the_other(wired: Books, company: tsql.Company) -> None:
    assert wired.look(deleted(wired)).proves_absence
    first = [BEGIN, *GREETING, SNAPSHOT, "look", "history", "COMMIT"]
    second = [BEGIN, *GREETING, SNAPSHOT, "look", "carriers", "history", "history_reach", "COMMIT"]
    assert said(company) == [first, second]


def test_without_snapshots_no_transaction_is_begun(wired: Books, company: tsql.Company) -> None:
    company.snapshot = False
    assert wired.look(deleted(wired)).proves_absence
    assert {words for _, words in company.heard}.isdisjoint((SNAPSHOT, "COMMIT"))


def test_everything_that_is_said_is_on_the_list_and_every_question_is_asked(
    wired: Books, company: tsql.Company
) -> None:
    references = list(wired.references().values())
    for gone in references[:8]:
        wired.sandbox.delete(gone.record_number, user=SAGE_USER)
    reader, soon, there = wired.reader(), Deadline.after(PATIENCE_SECONDS), references[9]
    assert reader.handshake(deadline=soon).good
    assert wired.look(references[0]).proves_absence
    assert wired.look(there).verdict is Verdict.PRESENT
    reader.lookup_many(references[:12], deadline=soon, clock=now)
    reader.read_job(there.job_record_number, deadline=soon)
    reader.read_subcontract(there.subcontract_record_number, deadline=soon)
    reader.read_change_order(there.record_number, deadline=soon)
    [subcontract] = [
        one
        for one in wired.sandbox.company().subcontracts
        if one.record_number == there.subcontract_record_number
    ]
    reader.read_vendor(subcontract.vendor_record_number, deadline=soon)
    assert reader.find_change_orders(
        job_record_number=there.job_record_number,
        subcontract_record_number=there.subcontract_record_number,
        deadline=soon,
    ).found
    with reader.stream_keys(deadline=soon) as keys:
        assert list(keys.blocks)
    reader.quick_lookup_many(references[:12], deadline=soon, clock=now)
    asked = {words for one in said(company) for words in one} - {BEGIN, SNAPSHOT, "COMMIT"}
    apart = {name for name in tsql.QUESTIONS.values() if name.endswith(("postgresql", "sqlite", "sqlserver"))}
    assert asked == (set(tsql.QUESTIONS.values()) - apart) | set(tsql.TOGETHER)


def test_parameters_arrive_as_numbers_and_text_and_never_as_nothing(
    wired: Books, company: tsql.Company
) -> None:
    """Microsoft's driver asks the server what an unknown NULL is, which one has answered with a rollback."""
    reference = deleted(wired)
    assert wired.look(reference).proves_absence
    job, record = int(reference.job_record_number), int(reference.record_number)
    of_job, of_record = str(reference.job_row_id).upper(), str(reference.row_id).upper()
    subcontract = int(reference.subcontract_record_number)
    (counted, *_rest) = [params for name, params in company.params if name == "look"]
    assert counted == (
        *(record, of_record, job, of_job),  # whether the numbers lead to the row ids
        *(record, of_record, 1, job, of_job, 1),
        *(record, of_record, 1, subcontract, job),
    )
    assert {type(one) for _, params in company.params for one in params} == {int, str}


# --- the moment is taken away --------------------------------------------------------------------

NOT_ALLOWED = (3952, "Snapshot isolation transaction failed because snapshot isolation is not allowed")
CONFLICT = (3960, "Snapshot isolation transaction aborted due to update conflict")
WENT = (3957, "Snapshot isolation transaction failed because the database did not allow it")


@pytest.mark.parametrize(
    ("question", "refusal"), [(SNAPSHOT, NOT_ALLOWED), ("look", WENT), ("look", CONFLICT)]
)
def test_a_snapshot_that_is_lost_begins_the_look_again(
    wired: Books, company: tsql.Company, question: str, refusal: tuple[int, str]
) -> None:
    company.errors[question] = (1, *refusal)
    assert wired.look(wired.references()["present"]).verdict is Verdict.PRESENT
    assert len(said(company)) == 2
    assert "COMMIT" not in said(company)[0]


@pytest.mark.parametrize("question", ["look", "carriers"])
def test_a_snapshot_that_is_lost_again_and_again_is_no_answer(
    wired: Books, company: tsql.Company, question: str
) -> None:
    reference = deleted(wired)
    company.errors[question] = (99, *NOT_ALLOWED)
    assert_no_answer(wired.look(reference), FaultKind.UNAVAILABLE, "data-moved")
    company.errors.clear()
    assert wired.look(reference).proves_absence


# --- a lock --------------------------------------------------------------------------------------

LOCKED = (1222, "Lock request time out period exceeded.")


@pytest.mark.parametrize("look", ["first", "second"])
@pytest.mark.parametrize("seconds", [1.0, 1.7])
def test_a_lock_is_told_before_the_asker_gives_up(
    wired: Books, company: tsql.Company, look: str, seconds: float
) -> None:
    """The server waits as long as LOCK_TIMEOUT says, for every try anew, and then tells error 1222."""
    reference, waits = deleted(wired), dict[int, float]()
    question = "look" if look == "first" else "carriers"

    def before(connection: int, words: str) -> None:
        if set_to := re.search(r"LOCK_TIMEOUT (\d+)", words):
            waits[connection] = int(set_to[1]) / 1000
        if words == question:
            threading.Event().wait(waits[connection])

    company.before = before
    company.errors[question] = (99, *LOCKED)
    finding = calls.lookup(wired.reader(), reference, deadline=Deadline.after(seconds), clock=now)
    assert_no_answer(finding, FaultKind.UNAVAILABLE, "locked")
    assert waits
    company.errors.clear()
    assert wired.look(reference).proves_absence


# --- whose words these are ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        ('role "sage_reader" is not permitted to log in', FaultKind.MISCONFIGURED, "login-refused"),
        ("canceling statement due to user request", FaultKind.UNAVAILABLE, "timed-out"),
        ("canceling statement due to statement timeout", FaultKind.UNAVAILABLE, "timed-out"),
        ("canceling statement due to lock timeout", FaultKind.UNAVAILABLE, "locked"),
    ],
)
def test_postgresqls_words_under_one_number_are_told_apart(
    wired: Books, company: tsql.Company, words: str, kind: FaultKind, code: str
) -> None:
    company.errors["look"] = (99, 33557097, words)
    assert_no_answer(wired.look(wired.references()["present"]), kind, code)


@pytest.mark.parametrize("question", ["history", "history_reach"])
def test_a_snapshot_that_is_lost_while_history_is_read_costs_what_it_would_tell(
    wired: Books, company: tsql.Company, question: str
) -> None:
    reference = deleted(wired)
    company.errors[question] = (99, *NOT_ALLOWED)
    finding = wired.look(reference)
    assert finding.proves_absence  # a single link, beside a record that was there before
    assert (finding.evidence.deletion is None) == (question == "history")


# --- a server of another make --------------------------------------------------------------------


def test_rights_that_are_not_known_are_no_rights_to_write_on_a_server_of_another_make(
    wired: Books, company: tsql.Company
) -> None:
    company.version = tsql.ANOTHER
    assert wired.look(deleted(wired)).proves_absence


@pytest.mark.parametrize("lacking", ["rights.sqlserver", "recovery.sqlserver"])
def test_what_a_server_of_another_make_does_not_understand_is_done_without(
    wired: Books, company: tsql.Company, lacking: str
) -> None:
    company.version = tsql.ANOTHER
    for question in (*GREETING, lacking):
        company.errors[question] = (99, 33557097, "function is not supported yet")
    assert wired.look(deleted(wired)).proves_absence
    assert {"handshake.sqlserver", lacking} <= {words for _, words in company.heard}


def test_a_setting_that_a_server_does_not_know_is_done_without(wired: Books, company: tsql.Company) -> None:
    company.errors[BEGIN] = (99, 33557097, "'DEADLOCK_PRIORITY' is not currently supported in Babelfish")
    assert wired.look(deleted(wired)).proves_absence
    plain = BEGIN.partition("; SET DEADLOCK_PRIORITY")[0]
    assert [one[:2] for one in said(company)] == [[BEGIN, plain]] * 2


def test_on_microsofts_server_rights_that_are_not_known_are_no_answer(
    wired: Books, company: tsql.Company
) -> None:
    """Whether a row filter hides the record is not known then."""
    reference = deleted(wired)
    for question in (*GREETING, "rights.sqlserver"):
        company.errors[question] = (99, 195, "is not a recognized built-in function name.")
    assert_no_answer(wired.look(reference), FaultKind.MISCONFIGURED, "row-filter-unknown")


def test_history_that_may_not_be_read_costs_no_verdict_whoever_refuses_it(
    wired: Books, company: tsql.Company
) -> None:
    reference = deleted(wired)
    for refusal in (
        (229, "The SELECT permission was denied"),
        (33557097, "permission denied for table prmchg"),
    ):
        company.errors["history"] = (99, *refusal)
        finding = wired.look(reference)
        assert finding.verdict is Verdict.ABSENT
        assert not finding.evidence.history_readable


# --- places --------------------------------------------------------------------------------------


def test_all_readers_of_one_server_share_its_places(
    wired: Books, company: tsql.Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of other companies there: it is the server that must not be crowded."""
    monkeypatch.setattr(session, "_places", {})
    reference = wired.references()["present"]
    inside, may_go_on = list[int](), threading.Event()

    def waits(connection: int, words: str) -> None:
        if words == BEGIN:
            inside.append(connection)
            assert may_go_on.wait(PATIENCE_SECONDS)

    company.before = waits
    late = Deadline.after(10)
    other = odbc_string.with_value(odbc_string.parse(wired.spec.odbc_string), "DATABASE", "Another Company")
    elsewhere = {"database": "Another Company", "odbc_string": odbc_string.render(other)}
    companies: list[dict[str, Any]] = [{}, elsewhere] * 6
    with ThreadPoolExecutor(len(companies)) as askers:
        findings = [askers.submit(partial(wired.look, reference, **one)) for one in companies]
        while len(inside) < session.PLACES_PER_SERVER and not late.passed:
            threading.Event().wait(0.01)
        threading.Event().wait(0.3)  # for whoever would come in without a place
        assert len(inside) == session.PLACES_PER_SERVER
        may_go_on.set()
        verdicts = [one.result().verdict for one in findings]
    assert verdicts == [Verdict.PRESENT, Verdict.UNKNOWN] * 6

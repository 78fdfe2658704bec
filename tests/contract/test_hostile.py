"""A hostile Sage: a server that lets us in and sends what no server should. Time and memory are bounded."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from erp_integrations.ports import Deadline, ErpError, Verdict
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from tests.contract import hostile, tds, tsql
from tests.contract.engines import SQL_SERVER_DRIVERS, tds_books
from tests.contract.test_faults import SLACK_SECONDS, assert_words_fit_for_the_page, needed

ROOT = Path(__file__).parents[2]
SECONDS = 2.0
MOST_MEGABYTES = 150
"""A process that reads twenty thousand rows may grow by some tens of them."""
MOST_MEGABYTES_OF_A_FIELD = 10 * 64
"""What may come over the wire before it is cut, held a few times over by driver and pyodbc, and what comes
between two looks at the wire. Without the watch there is no such number."""

DRIVERS = tuple(SQL_SERVER_DRIVERS)


def at_the_handshake(act: Callable[[tds.Client], None]) -> tds.Behaviour:
    def behave(client: tds.Client, statement: str) -> bool:
        if "sys.objects" not in statement:
            return False
        act(client)
        return True

    return behave


def endless_rows(client: tds.Client) -> None:
    client.send(tds.text_columns("fact", "subject", "value"), last=False)
    rows = tds.text_row("column", "dbo.prmchg", "x" * 300) * 100
    while True:
        client.send(rows, last=False)


def a_huge_field(client: tds.Client) -> None:
    """Two columns of a few letters and one of 32 million."""
    client.send(tds.text_columns("fact", "subject", "value", unlimited=True), last=False)
    for letters in ("database", "", "x" * 32_000_000):
        written = letters.encode("utf-16-le")
        head = b"\xd1" if letters == "database" else b""
        size = len(written).to_bytes(8, "little")
        chunk = len(written).to_bytes(4, "little") + written if written else b""
        client.send(head + size + chunk + b"\0\0\0\0", last=False)
    client.send(tds.DONE)


def a_field_without_end(client: tds.Client) -> None:
    """One row whose first value has no length and never stops."""
    client.send(tds.text_columns("fact", "subject", "value", unlimited=True), last=False)
    client.send(b"\xd1" + tds.UNKNOWN_LENGTH, last=False)
    chunk = tds.chunk("x" * 100_000)
    while True:
        client.send(chunk, last=False)


def garbage(client: tds.Client) -> None:
    client.send(bytes(range(256)) * 64)


def not_even_a_packet(client: tds.Client) -> None:
    client.socket.sendall(b"HTTP/1.1 200 OK\r\n\r\n<html>" * 1000)


def nothing_at_all(client: tds.Client) -> None:
    client.message()  # until it gives up


def too_late(client: tds.Client) -> None:
    threading.Event().wait(SECONDS + 0.5)
    client.send(tds.text_columns("fact", "subject", "value") + tds.text_row("database", "", "x") + tds.DONE)


def the_end(client: tds.Client) -> None:
    client.socket.close()


def no_rows(client: tds.Client) -> None:
    client.send(tds.text_columns("fact", "subject", "value") + tds.DONE)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "act",
    [
        endless_rows,
        a_huge_field,
        a_field_without_end,
        garbage,
        not_even_a_packet,
        nothing_at_all,
        too_late,
        the_end,
        no_rows,
    ],
)
def test_whatever_a_hostile_server_sends_time_and_memory_are_bounded_and_nothing_is_proved(
    driver: str, act: Callable[[tds.Client], None]
) -> None:
    with tds.serving(at_the_handshake(act)) as server:
        asked = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.contract.hostile",
                needed(driver),
                str(server.port),
                str(SECONDS),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert any("sys.objects" in statement for statement in server.statements)
    told = json.loads(asked.stdout.splitlines()[-1])
    assert told["verdict"] == "unknown"
    assert not told["proves_absence"]
    assert told["seconds"] < SECONDS + SLACK_SECONDS
    of_a_field = act in (a_huge_field, a_field_without_end)
    assert told["megabytes"] < (MOST_MEGABYTES_OF_A_FIELD if of_a_field else MOST_MEGABYTES)
    assert not told["still_asking"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_next_question_after_a_hostile_answer_is_asked_and_answered(driver: str) -> None:
    acts = iter([garbage, a_field_without_end, the_end])

    def once_hostile(client: tds.Client) -> None:
        next(acts, no_rows)(client)

    with tds.serving(at_the_handshake(once_hostile)) as server:
        reader = open_reader(hostile.spec(needed(driver), server.port))
        codes = []
        for _question in range(3):
            with contextlib.suppress(ErpError), pytest.raises(ErpError) as raised:
                reader.handshake(deadline=Deadline.after(2))
            assert_words_fit_for_the_page(raised.value.fault.what, raised.value.fault.advice)
            codes.append(raised.value.fault.code)
    assert codes[-1] == "row-not-understood"  # it answered in good form, and says nothing of itself


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_field_without_end_of_one_company_does_not_cost_another_its_answer(
    driver: str, tmp_path: Path
) -> None:
    """Two companies on one server, in one process: only the connection that is overdue is cut."""
    company = tsql.Company(tmp_path / "Wire Point")
    sandbox = open_sandbox(company.folder, name="harbor-point")
    sandbox.create()
    hostile_began, endless_is_over = threading.Event(), threading.Event()

    def behave(client: tds.Client, statement: str) -> bool:
        if client.number != hostile_number or "sys.objects" not in statement:
            return company.behave(client, statement)
        hostile_began.set()
        a_field_without_end(client)
        return True

    hostile_number = 0
    with tds.serving(behave) as server:
        books = tds_books(sandbox, company.folder, needed(driver), server.port)
        books.accept()
        reference = books.references()["present"]
        asked_late = threading.Event()

        def slowly(_connection: int, name: str) -> None:
            if name == "look":
                asked_late.set()
                assert endless_is_over.wait(20)

        company.before = slowly
        hostile_number = 2  # the next connection; the first was the acceptance
        with ThreadPoolExecutor(2) as askers:
            endless = askers.submit(books.look, reference, seconds=0.5)
            endless.add_done_callback(lambda _: endless_is_over.set())
            assert hostile_began.wait(20)
            honest = askers.submit(books.look, reference, seconds=20)
            assert asked_late.wait(20)
            assert endless.result(30).verdict is Verdict.UNKNOWN
            found = honest.result(30)
        assert found.verdict is Verdict.PRESENT
        looks = [one for one, name in company.heard if name == "look"]
        assert len(looks) == 1  # it was not cut, and did not need a second try


HARD_WORDS = (
    "semi;colon",
    "a}b",
    "{x",
    "x;}",
    "}{",
    "q'u\"o",
    " lead and trail ",
    "Größe Ω 木",
    "=,[]()?*!@",
)


@pytest.mark.parametrize("driver", DRIVERS)
def test_any_password_login_and_database_arrive_as_they_were_meant(driver: str) -> None:
    with tds.serving(lambda _client, _statement: False) as server:
        for words in HARD_WORDS:
            database = words.strip()
            spec = hostile.spec(
                needed(driver), server.port, database=database, login=f"u{database}", password=words
            )
            with pytest.raises(ErpError):  # it says nothing of itself
                open_reader(spec).handshake(deadline=Deadline.after(3))
            assert [server.login_field(which) for which in (1, 2, 3, 8)] == [
                f"u{database}",
                words,
                "Plumbline",
                database,
            ]
            assert words not in repr(spec)


def test_what_begins_a_connection_is_what_keeps_sages_people_from_waiting() -> None:
    with tds.serving(lambda _client, _statement: False) as server:
        with pytest.raises(ErpError):
            open_reader(hostile.spec("FreeTDS", server.port)).handshake(deadline=Deadline.after(3))
        (begin,) = [words for words in server.statements if "LOCK_TIMEOUT" in words]
    for setting in (
        "SET NOCOUNT ON",
        "SET LOCK_TIMEOUT",
        "SET DEADLOCK_PRIORITY LOW",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ):
        assert setting in begin
    assert "UNCOMMITTED" not in begin

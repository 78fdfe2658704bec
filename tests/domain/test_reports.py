"""The report on a connection: green is well, red says who can mend it, and not known is neither."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from erp_integrations.erp import registry
from erp_integrations.erp.handshake_report import report_of
from erp_integrations.models import Connection
from erp_integrations.ports import Handshake, Right
from erp_integrations.view_models import ReportLine

AT = datetime(2026, 11, 20, 16, 12, tzinfo=UTC)
WELL = Handshake(
    database="Books",
    server="SAGE01\\SAGE100CON",
    version="Microsoft SQL Server 2019",
    login="",
    application_name="Plumbline",
    incarnation="this one",
    history_readable=True,
    history_since=AT,
    tables=("dbo.actrec", "dbo.prmchg"),
    problems=(),
    compatibility_level="150",
    read_committed_snapshot=False,
    snapshot=True,
    collation="SQL_Latin1_General_CP1_CI_AS",
    rights=(
        Right("db_datareader", held=True),
        Right("db_owner", held=False),
        Right("read dbo.prmchg", held=True),
        Right("write dbo.prmchg", held=False),
        Right("read dbo_audit.prmchg", held=False),
    ),
    driver="libmsodbcsql-18.5.so.1.1",
)


def lines(problems: tuple[str, ...] = (), *, accepted: str = "this one", **changed: Any) -> list[ReportLine]:
    """The report on a handshake as it would be kept."""
    faults = registry.faults()
    found = dataclasses.replace(WELL, problems=tuple(faults[code] for code in problems), **changed)
    kept = dataclasses.asdict(found)
    kept["history_since"] = found.history_since.isoformat() if found.history_since else None
    connection = Connection(
        kind=registry.ODBC,
        database="Books",
        accepted_incarnation=accepted,
        seen_incarnation=found.incarnation,
        accepted_at=AT,
        accepted_by_name="An ERP admin",
        handshake=kept,
    )
    return list(report_of(connection))


def test_a_good_handshake_is_green_from_the_first_line_to_the_last() -> None:
    found = lines()

    assert {line.tone for line in found} == {"good"}
    assert [line.words for line in found] == [
        "The database Books answers, as configured",
        "The server's version: Microsoft SQL Server 2019",
        "The database's compatibility level: 150",
        "Read committed snapshot is off: a look may wait a moment for users who are saving; "
        "nothing needs to be done",
        "Snapshot isolation is on: a look sees one single moment",
        "The database's collation: SQL_Latin1_General_CP1_CI_AS",
        "The server sees us as Plumbline",
        "The login does not hold what it must not: db_owner, write dbo.prmchg",
        "The login may read: db_datareader, dbo.prmchg",
        "Tables found: dbo.actrec, dbo.prmchg, with all columns needed",
        "Its own history of change orders can be read, back to",
        "The driver: libmsodbcsql-18.5.so.1.1",
        "This very database was accepted by An ERP admin on",
    ]
    assert [line.at for line in found if line.at] == [AT, AT]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": ""}, "The server's version is not known"),
        ({"compatibility_level": ""}, "The database's compatibility level is not known"),
        ({"read_committed_snapshot": None}, "Whether read committed snapshot is on is not known"),
        ({"snapshot": None}, "Whether snapshot isolation is on is not known"),
        ({"collation": ""}, "The database's collation is not known"),
        ({"application_name": ""}, "The name by which the server knows us is not known"),
        ({"rights": ()}, "What the login may do is not known"),
        (
            {"rights": (Right("sysadmin", held=None),)},
            "Whether the login holds what it must not is not known: sysadmin",
        ),
        (
            {"rights": (Right("read dbo.prmchg", held=None),)},
            "Whether the login may read these is not known: dbo.prmchg",
        ),
        ({"driver": ""}, "The driver is not known"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_server_does_not_tell_is_neither_green_nor_red(changed: dict[str, Any], words: str) -> None:
    found = lines(**changed)

    assert [(line.tone, line.words) for line in found if line.tone != "good"] == [("waiting", words)]


@pytest.mark.parametrize(
    ("changed", "words", "fault"),
    [
        ({"application_name": "FreeTDS"}, "The server sees us as FreeTDS, and not as Plumbline", ""),
        (
            {"rights": (Right("db_owner", held=True), Right("write dbo.prmchg", held=True))},
            "The login holds what it must not: db_owner, write dbo.prmchg",
            "login-may-write",
        ),
        (
            {"rights": (Right("read dbo.prmchg", held=False),)},
            "The login may not read: dbo.prmchg",
            "no-rights",
        ),
        ({"history_readable": False}, "Its own history of change orders cannot be read", ""),
        ({"accepted": ""}, "No ERP admin has accepted this database as the company's books yet", ""),
        ({"incarnation": "another"}, "This is another database than the accepted one", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_red_and_says_who_can_mend_it(
    changed: dict[str, Any], words: str, fault: str
) -> None:
    [line] = [line for line in lines(**changed) if line.tone != "good"]

    assert (line.tone, line.words, line.fault) == ("refused", words, fault)
    assert line.advice


PROBLEMS = (
    *("wrong-database", "application-imitated", "login-may-write", "table-missing", "table-not-real"),
    *(
        "column-missing",
        "no-rights",
        "row-filter",
        "row-filter-unknown",
        "empty-database",
        "other-incarnation",
    ),
)


@pytest.mark.parametrize("code", [*PROBLEMS, "server-full"])
def test_every_problem_is_a_red_line_in_its_own_words_whatever_its_topic(code: str) -> None:
    known = registry.faults()[code]

    red = [line for line in lines((code,)) if line.tone == "refused"]

    assert red == [ReportLine("refused", known.what, known.advice, fault=code)]


def test_all_problems_at_once_are_all_told() -> None:
    assert {line.fault for line in lines(PROBLEMS) if line.tone == "refused"} == set(PROBLEMS)


def test_without_an_answer_the_report_says_only_why() -> None:
    fault = dataclasses.asdict(registry.faults()["unreachable"])
    connection = Connection(kind=registry.ODBC, handshake={**dataclasses.asdict(WELL), "fault": fault})

    assert [(line.tone, line.fault) for line in report_of(connection)] == [("refused", "unreachable")]


def test_before_the_first_check_there_is_no_report() -> None:
    assert report_of(Connection(kind=registry.ODBC)) == ()

"""The report on a connection: the findings of its last check, line by line, and who can fix each problem.

Green is good, red must be fixed. What the server did not report is neither: unknown is never "no".
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from erp_integrations.erp import registry
from erp_integrations.models import Connection
from erp_integrations.view_models import ReportLine

Report = dict[str, Any]
"""`ports.Handshake` as JSON."""

READS = "db_datareader"
READING, OF_HISTORY = "read ", "read dbo_audit"
"""Prefixes of the names of read rights. All other rights, except `READS`, must not be held."""


def report_of(connection: Connection) -> tuple[ReportLine, ...]:
    """Empty before the first check; one line when the last check got no answer, since older ones mislead."""
    report: Report = connection.handshake
    if not report:
        return ()
    if "fault" in report:
        return (_problem(report["fault"]),)
    return tuple(_lines(connection, report))


def _lines(connection: Connection, report: Report) -> Iterator[ReportLine]:
    problems = {problem["code"]: _problem(problem) for problem in report["problems"]}

    def topic(codes: str, otherwise: Iterable[ReportLine]) -> Iterator[ReportLine]:
        """The problems with those codes, else the lines in `otherwise`."""
        found = [problems.pop(code) for code in codes.split() if code in problems]
        yield from found or otherwise

    yield from topic("wrong-database", [_good(f"The database {report['database']} answers, as configured")])
    yield _known("The server's version", report["version"])
    yield _known("The database's compatibility level", report.get("compatibility_level"))
    yield _setting(
        "Read committed snapshot",
        is_on=report.get("read_committed_snapshot"),
        on="a look does not wait for users who are saving",
        off="a look may wait a moment for users who are saving; nothing needs to be done",
    )
    yield _setting(
        "Snapshot isolation",
        is_on=report.get("snapshot"),
        on="a look sees one single moment",
        off="a look takes its questions one by one; nothing needs to be done",
    )
    yield _known("The database's collation", report.get("collation"))
    yield from topic("application-imitated", [_application(connection, report)])
    yield from topic("login-may-write", [])
    yield from _rights(report.get("rights") or ())
    found = ", ".join(report["tables"])
    yield from topic(
        "table-missing table-not-real column-missing no-rights",
        [_good(f"Tables found: {found}, with all columns needed")],
    )
    yield from topic("row-filter row-filter-unknown empty-database", [])
    yield _history(report)
    if not registry.has_sandbox(connection):
        yield _known("The driver", report.get("driver"))
    yield from topic("other-incarnation", [_incarnation(connection)])
    yield from problems.values()


def _problem(problem: dict[str, Any]) -> ReportLine:
    return ReportLine("refused", problem["what"], problem["advice"], fault=problem["code"])


def _good(words: str, *, at: datetime | None = None) -> ReportLine:
    return ReportLine("good", words, at=at)


def _known(what: str, value: str | None) -> ReportLine:
    return _good(f"{what}: {value}") if value else ReportLine("waiting", f"{what} is not known")


def _setting(what: str, *, is_on: bool | None, on: str, off: str) -> ReportLine:
    if is_on is None:
        return ReportLine("waiting", f"Whether {what[0].lower()}{what[1:]} is on is not known")
    return _good(f"{what} is on: {on}" if is_on else f"{what} is off: {off}")


def _application(connection: Connection, report: Report) -> ReportLine:
    seen, ours = report["application_name"], connection.application_name
    if not seen:
        return ReportLine("waiting", "The name by which the server knows us is not known")
    if seen.casefold() == ours.casefold():
        return _good(f"The server sees us as {seen}")
    return ReportLine(
        "refused",
        f"The server sees us as {seen}, and not as {ours}",
        "An ERP admin can store the connection again, with the application name that the Sage administrator "
        "approved.",
    )


def _rights(rights: Iterable[dict[str, Any]]) -> Iterator[ReportLine]:
    """Lines for the rights that must not be held, then for those that are needed."""
    harmful: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    needed: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for right in rights:
        name, held = str(right["name"]), right["held"]
        if name.startswith(OF_HISTORY) or (name == READS and not held):
            continue  # history has its own line, and the role is one of several ways to read
        reads = name == READS or name.startswith(READING)
        (needed if reads else harmful)[held].append(name.removeprefix(READING))
    if not any([*harmful.values(), *needed.values()]):
        yield ReportLine("waiting", "What the login may do is not known")
    yield from _held(
        harmful,
        well=(False, "The login does not hold what it must not"),
        wrong="The login holds what it must not",
        unknown="Whether the login holds what it must not is not known",
        advice="The Sage administrator must take it away: the login may read and nothing else.",
        fault="login-may-write",
    )
    yield from _held(
        needed,
        well=(True, "The login may read"),
        wrong="The login may not read",
        unknown="Whether the login may read these is not known",
        advice="The Sage administrator must let it read the company database.",
        fault="no-rights",
    )


def _held(
    names: dict[bool | None, list[str]],
    *,
    well: tuple[bool, str],
    wrong: str,
    unknown: str,
    advice: str,
    fault: str,
) -> Iterator[ReportLine]:
    wanted, words = well
    if names[not wanted]:
        yield ReportLine("refused", f"{wrong}: {', '.join(names[not wanted])}", advice, fault=fault)
    if names[None]:
        yield ReportLine("waiting", f"{unknown}: {', '.join(names[None])}")
    if names[wanted]:
        yield _good(f"{words}: {', '.join(names[wanted])}")


def _history(report: Report) -> ReportLine:
    since = report["history_since"]
    if not report["history_readable"]:
        return ReportLine(
            "refused",
            "Its own history of change orders cannot be read",
            "Links can be cut all the same; who deleted a record will not be shown. The Sage administrator "
            "can grant reading of dbo_Audit.",
        )
    if since is None:
        return _good("Its own history of change orders can be read; it holds nothing yet")
    return _good("Its own history of change orders can be read, back to", at=datetime.fromisoformat(since))


def _incarnation(connection: Connection) -> ReportLine:
    if not connection.accepted_incarnation:
        return ReportLine(
            "refused",
            "No ERP admin has accepted this database as the company's books yet",
            "The first check that finds nothing wrong accepts it.",
        )
    if connection.seen_incarnation != connection.accepted_incarnation:
        return ReportLine(
            "refused", "This is another database than the accepted one", "An ERP admin can accept it."
        )
    return _good(
        f"This very database was accepted by {connection.accepted_by_name} on", at=connection.accepted_at
    )

"""Who answers, what we may do there, and everything that keeps a verdict from being given.

The dialects' handshake queries give rows of (fact, subject, value), all text:

- `database`, `server`, `version`, `login`, `user`, `application`, `now` (the server's local time)
- `incarnation`: parts that together name this very database
- `role` and `may-write`, `may-read`: "1" yes, "0" no, NULL not known
- `table`: "table", or anything else for what is none; `column`: one of its columns; `filter`: a row filter
- `sees-filters`: whether the login would see a row filter; `has-filters`: whether there can be one
- `snapshot`, `read-committed-snapshot`: "1" or "0"; `compatibility`, `collation`

A dialect's `handshake` must be answered. What the others (`more`, `report`) would say is not known where the
server does not understand them, which is never "no".
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from erp_integrations.ports import (
    ConnectionSpec,
    ErpError,
    Fault,
    FaultKind,
    Handshake,
    HistoryMark,
    Right,
    error_for,
)
from sage_adapter import history, rows
from sage_adapter.faults import fault
from sage_adapter.session import Session

NEEDED: Mapping[str, tuple[str, ...]] = {
    "dbo.actrec": ("recnum", "_idnum", "jobnme", "status"),
    "dbo.actpay": ("recnum", "vndnme"),
    "dbo.subcon": ("recnum", "_idnum", "ctcnum", "jobnum", "phsnum", "vndnum", "dscrpt", "status"),
    "dbo.sbcnln": ("recnum", "linnum", "dscrpt", "cstcde", "csttyp", "amount", "change", "billed"),
    "dbo.prmchg": ("recnum", "_idnum", "chgnum", "chgdte", "jobnum", "phsnum", "dscrpt", "status", "insdte"),
    "dbo.sbcgln": (
        "recnum",
        "linnum",
        "dscrpt",
        "vndnum",
        "vndctc",
        "ctclin",
        "chgnum",
        "chgsts",
        "cstcde",
        "csttyp",
        "bdgprc",
        "insdte",
    ),
}
"""The tables and columns that a look and a link are made of.

What only an export asks for (prmchg.usrdf1, actpay._idnum) is not among them: where it is missing its own
question says so, and nobody's verdict depends on it.
"""

WRITING_ROLES = ("sysadmin", "db_owner", "db_datawriter", "db_ddladmin")
"""Roles whose members may change data or tables."""

_MOST_FACTS = 20_000
_MOST_AT_ONE_MOMENT = 100_000
"""Entries of history at its newest moment: as many as one act of an administrator makes."""
_YES, _NO = "1", "0"

_WITH_ROW_FILTERS = 13
"""SQL Server 2016, the first with security policies (Microsoft: Row-level security)."""
_MICROSOFT_VERSION = re.compile(r"Microsoft SQL Server .* - (\d+)\.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ServerGreeting:
    """A handshake, and how the server's clock stands to ours."""

    handshake: Handshake
    server_ahead: timedelta
    """The server's local time minus ours."""
    line_columns: frozenset[str] = frozenset()
    """Columns of dbo.sbcgln, in lower case: it is asked for `_idref` only where it has that."""
    job_history_readable: bool = False
    """Whether the history of jobs can be asked for."""

    def to_our_clock(self, moment: datetime) -> datetime:
        """A moment in the server's local time as an aware one."""
        return (moment - self.server_ahead).replace(tzinfo=UTC)


def greet(session: Session, spec: ConnectionSpec, asked_at: datetime) -> ServerGreeting:
    """Asks the handshake questions of a look. `asked_at` is our own time just before the first of them.

    Raises `ErpError` when the server does not answer; what it says wrongly is a problem in the handshake.
    """
    return _greeting(_asked(session, session.dialect.more), session, spec, asked_at)


def greet_for_report(session: Session, spec: ConnectionSpec, asked_at: datetime) -> Handshake:
    """The handshake with everything that can be shown: capabilities, history, and whether there are jobs."""
    facts = _asked(session, (*session.dialect.more, *session.dialect.report))
    greeting = _greeting(facts, session, spec, asked_at)
    return _with_jobs_counted(_with_history(greeting, session, spec), session)


def _asked(session: Session, more: Sequence[str]) -> "_Facts":
    """The facts of all questions together: one statement where the server understands them all."""
    handshake = session.dialect.handshake
    if more and not session.dialect.transaction_first:
        try:
            return _Facts(session.ask("+".join((handshake, *more)), limit=_MOST_FACTS).rows)
        except ErpError as error:
            # A server of another make does not understand them all: each is asked in a statement of its own.
            if error.fault.kind is FaultKind.UNAVAILABLE:
                raise
    answers = [session.ask(handshake, limit=_MOST_FACTS).rows]
    for name in more:
        try:
            answers.append(session.ask(name, limit=_MOST_FACTS).rows)
        except ErpError as error:
            # What the server does not have or understand is not known. A server in trouble is another thing.
            if error.fault.kind is FaultKind.UNAVAILABLE:
                raise
    return _Facts(row for answer in answers for row in answer)


def _greeting(facts: "_Facts", session: Session, spec: ConnectionSpec, asked_at: datetime) -> ServerGreeting:
    with rows.refused_unless_understood():
        server_ahead = rows.moment(facts.one("now")) - asked_at.astimezone(UTC).replace(tzinfo=None)
        database, incarnation = facts.one("database"), facts.incarnation()
    handshake = Handshake(
        database=database,
        server=facts.maybe("server"),
        version=facts.maybe("version").partition("\n")[0].strip(),
        login=facts.maybe("login"),
        application_name=facts.maybe("application"),
        incarnation=incarnation,
        history_readable=facts.may_have_history(history.TABLE),
        history_since=None,
        tables=facts.complete_tables(),
        problems=_problems(facts, spec, database, incarnation),
        compatibility_level=facts.maybe("compatibility"),
        read_committed_snapshot=facts.yes_or_no("read-committed-snapshot"),
        snapshot=facts.yes_or_no("snapshot"),
        collation=facts.maybe("collation"),
        rights=facts.rights(),
        driver=session.driver,
        server_ahead=server_ahead,
    )
    return ServerGreeting(
        handshake,
        server_ahead,
        line_columns=frozenset(facts.columns("dbo.sbcgln")),
        job_history_readable=facts.may_have_history(history.JOBS_TABLE),
    )


def _with_history(greeting: ServerGreeting, session: Session, spec: ConnectionSpec) -> ServerGreeting:
    """How far history reaches. One that may not be read is no problem: it costs proof."""
    handshake = greeting.handshake
    if not handshake.history_readable:
        return greeting
    try:
        since, mark = _history_since(session), newest_of_history(session)
    except ErpError as error:
        if error.fault.kind is not FaultKind.MISCONFIGURED:
            raise
        return replace(greeting, handshake=replace(handshake, history_readable=False))
    aware = None if since is None else greeting.to_our_clock(since)
    handshake = replace(handshake, history_since=aware, history_mark=mark)
    if went_back(mark, spec.history_mark):
        handshake = replace(handshake, problems=(fault("other-incarnation"), *handshake.problems))
    return replace(greeting, handshake=handshake)


def newest_of_history(session: Session) -> HistoryMark | None:
    """The newest entry of history; None for empty history. Raises `ErpError`."""
    return history.newest_of(session.ask("history_newest", limit=_MOST_AT_ONE_MOMENT))


def went_back(newest: HistoryMark | None, known: HistoryMark | None) -> bool:
    """Whether history ends before an entry that was seen: a backup was restored in place.

    Empty history does not tell: it may have been purged.
    """
    return newest is not None and known is not None and newest.at < known.at


def _with_jobs_counted(greeting: ServerGreeting, session: Session) -> Handshake:
    """The handshake with `empty-database` among its problems where the company holds no jobs.

    For the report on a connection; a look counts the jobs in the same row as everything else.
    """
    handshake = greeting.handshake
    try:
        jobs = rows.single_count(session.ask("jobs_count").rows)
    except ErpError as error:
        if error.fault.kind is not FaultKind.MISCONFIGURED:
            raise
        found = error.fault
    else:
        if jobs:
            return handshake
        found = fault("empty-database")
    if found.code in {problem.code for problem in handshake.problems}:
        return handshake
    return replace(handshake, problems=(*handshake.problems, found))


def require_good(handshake: Handshake, spec: ConnectionSpec) -> None:
    """Raises the first problem, or `connection-unchecked` where nobody has accepted the database yet."""
    if handshake.problems:
        raise error_for(handshake.problems[0])
    require_accepted(spec)


def require_accepted(spec: ConnectionSpec) -> None:
    """Raises `Misconfigured` (`connection-unchecked`) where nobody has accepted the database yet."""
    if not spec.accepted_incarnation:
        raise error_for(fault("connection-unchecked"))


def _history_since(session: Session) -> datetime | None:
    return history.reach_of(session.ask("history_reach")).oldest


def _problems(facts: "_Facts", spec: ConnectionSpec, database: str, incarnation: str) -> tuple[Fault, ...]:
    """Everything that is wrong, the most telling first."""
    found: list[Fault] = []
    if database.strip().casefold() != spec.database.strip().casefold():
        found.append(fault("wrong-database"))
    elif spec.accepted_incarnation and incarnation != spec.accepted_incarnation:
        found.append(fault("other-incarnation"))
    if facts.maybe("application").strip().casefold().startswith("sage"):
        found.append(fault("application-imitated"))
    if facts.may_write():
        found.append(fault("login-may-write"))
    if facts.subjects("filter"):
        found.append(fault("row-filter"))
    elif facts.hides_filters():
        found.append(fault("row-filter-unknown"))
    for code, tables in (
        ("table-missing", facts.missing_tables()),
        ("table-not-real", facts.unreal_tables()),
        ("column-missing", facts.missing_columns()),
        ("no-rights", facts.unreadable_tables()),
    ):
        if tables:
            found.append(fault(code, ", ".join(tables)))
    return tuple(found)


class _Facts:
    """The handshake's rows, asked by fact. Names are compared without case, as the servers do."""

    def __init__(self, answer: Iterable[tuple[object, ...]]) -> None:
        self._facts: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        with rows.refused_unless_understood():
            for fact, subject, value in answer:
                known = None if value is None else str(value).strip()
                self._facts[str(fact)].append((str(subject).strip().casefold(), known))

    def one(self, fact: str) -> str:
        """The value of a fact that must be there once and not be NULL."""
        values = [value for _, value in self._facts[fact]]
        if len(values) != 1 or not values[0]:
            raise ValueError("a fact that is not there once")
        return values[0]

    def maybe(self, fact: str) -> str:
        return next((value for _, value in self._facts[fact] if value), "")

    def subjects(self, fact: str, *values: str) -> set[str]:
        return {subject for subject, value in self._facts[fact] if not values or value in values}

    def incarnation(self) -> str:
        parts = [value for _, value in sorted(self._facts["incarnation"], key=lambda part: part[0])]
        if not parts or not all(parts):
            raise ValueError("a database that cannot be told from others")
        return " / ".join(part for part in parts if part)

    def yes_or_no(self, fact: str) -> bool | None:
        return {_YES: True, _NO: False}.get(self.maybe(fact))

    def may_write(self) -> bool:
        """Whether anything says so. dbo in the database are its owner and the server's administrators."""
        by_role = self.subjects("role", _YES) & set(WRITING_ROLES)
        return bool(by_role or self.subjects("may-write", _YES)) or self.maybe("user").casefold() == "dbo"

    def hides_filters(self) -> bool:
        """Whether a row filter could be there that our login may not see: what is not known may not.

        A server of another make has none to hide, nor one that lacks their catalog view, whatever it calls
        itself; what that says of rights is only believed where it says no.
        """
        version = _MICROSOFT_VERSION.match(self.maybe("version"))
        if version is None or int(version.group(1)) < _WITH_ROW_FILTERS:
            return False
        if self.yes_or_no("has-filters") is False:
            return bool(self.subjects("sees-filters", _NO))
        return not self.subjects("sees-filters", _YES)

    def rights(self) -> tuple[Right, ...]:
        """What was said of our login: every role, and for each table whether it may be read and written."""
        found = [Right(role, self._held("role", role)) for role in sorted(self.subjects("role"))]
        for table in (*NEEDED, history.TABLE):
            for fact, words in (("may-read", "read"), ("may-write", "write")):
                if table in self.subjects(fact):
                    found.append(Right(f"{words} {table}", self._held(fact, table)))
        return tuple(found)

    def _held(self, fact: str, subject: str) -> bool | None:
        """Yes where anything says so, no where everything does, else not known."""
        values = [value for one, value in self._facts[fact] if one == subject]
        if _YES in values:
            return True
        return False if values and all(value == _NO for value in values) else None

    def columns(self, table: str) -> set[str]:
        return {
            value.casefold()
            for subject, value in self._facts["column"]
            if subject == table and value is not None
        }

    def missing_tables(self) -> list[str]:
        there = self.subjects("table")
        return [table for table in NEEDED if table not in there]

    def unreal_tables(self) -> list[str]:
        unreal = {subject for subject, value in self._facts["table"] if value != "table"}
        return [table for table in NEEDED if table in unreal]

    def missing_columns(self) -> list[str]:
        there = self.subjects("table")
        return [
            f"{table}.{column}"
            for table, needed in NEEDED.items()
            if table in there
            for column in needed
            if column not in self.columns(table)
        ]

    def unreadable_tables(self) -> list[str]:
        closed = self.subjects("may-read", _NO)
        return [table for table in NEEDED if table in closed]

    def complete_tables(self) -> tuple[str, ...]:
        wanting = set(self.missing_tables()) | {name.rpartition(".")[0] for name in self.missing_columns()}
        return tuple(table for table in NEEDED if table not in wanting)

    def may_have_history(self, table: str) -> bool:
        """Whether the history in `table` can be asked for; only asking tells whether it may be read."""
        return (
            table in self.subjects("table")
            and table not in self.subjects("may-read", _NO)
            and history.has_columns(self.columns(table))
        )

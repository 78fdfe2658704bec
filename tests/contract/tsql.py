"""A server that speaks TDS and answers our questions out of a practice company.

What both drivers for SQL Server really send, and make of what comes back, without a SQL Server: parameters
and their types, prepared statements, row ids, amounts, days and moments as the wire has them. It knows no
T-SQL: a statement is one of `sql/`, or begins a connection or a transaction, or is kept as a strange one.

Source: Microsoft, [MS-TDS]: Tabular Data Stream Protocol (SQL batch, RPC request, data types, tokens).
"""

import re
import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sage_adapter.dialects import SQL_SERVER
from sage_adapter.handshake import NEEDED
from sage_adapter.sandbox.connection import connect
from sage_adapter.session import sql_text
from tests.contract import tds

SQL = Path(__file__).parents[2] / "sage_adapter" / "sql"
MICROSOFT = "Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64) \n\tExpress Edition"
ANOTHER = "Another Server with SQL Server Compatibility - 12.0.2000.8"


def bound(statement: str) -> str:
    """A statement without what a driver makes of its parameters."""
    return re.sub(r"@P\d+|\$\d+", "?", statement)


def plain(statement: str) -> str:
    """A statement without what a driver makes of it: its own names for parameters, and blanks.

    A list of parameters is one of them, whatever its length.
    """
    return re.sub(r"\?(?:, \?)+", "?", " ".join(bound(statement).split()))


NAMES = sorted(file.name.removesuffix(".sql") for file in SQL.glob("*.sql"))
TOGETHER = ["+".join((SQL_SERVER.handshake, *SQL_SERVER.more, *report)) for report in ((), SQL_SERVER.report)]
"""What a server that understands all of it is asked of itself in one statement."""
QUESTIONS = {plain(sql_text(name)): name for name in (*NAMES, *TOGETHER)} | {
    plain(sql_text(name, without=without)): name
    for name, without in (
        ("look", ("left",)),
        ("look", ("idref",)),
        ("look", ("idref", "left")),
        ("history", ("jobs",)),
    )
}
"""What may be asked: the name of the file, or of the files, by its statement."""

Row = tuple[Any, ...]


# --- what a driver sends -------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One statement with its parameters, however it was sent; `procedure` is empty for a batch."""

    procedure: str
    statement: str
    params: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The question it asks, or its own words, or those of the procedure that has none."""
        words = plain(self.statement)
        return QUESTIONS.get(words, words) or self.procedure


_PROCEDURES = {10: "sp_executesql", 13: "sp_prepexec", 15: "sp_unprepare"}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, code: str) -> int:
        (value,) = struct.unpack(f"<{code}", self.take(struct.calcsize(code)))
        return int(value)

    def value(self) -> Any:
        """The next value of a procedure's parameter: its name, its status, its type and itself."""
        self.take(2 * self.number("B") + 1)
        kind = self.number("B")
        if kind == 0x26:  # INTN
            self.take(1)
            return (
                int.from_bytes(self.take(size), "little", signed=True) if (size := self.number("B")) else None
            )
        if kind == 0xE7:  # NVARCHAR
            unlimited = self.number("H") == 0xFFFF
            self.take(5)
            return self._chunks() if unlimited else self.take(self.number("H")).decode("utf-16-le")
        assert kind == 0x63, f"a parameter of type {kind:#x}"  # NTEXT, in which FreeTDS sends statements
        self.take(9)
        return self.take(self.number("i")).decode("utf-16-le")

    def _chunks(self) -> str:
        self.take(8)
        told = b""
        while size := self.number("I"):
            told += self.take(size)
        return told.decode("utf-16-le")


def requests(kind: int, message: bytes) -> Iterator[Request]:
    """What a message asks for: one batch, or procedures one after the other."""
    body = _Reader(message)
    body.take(body.number("I") - 4)  # ALL_HEADERS
    if kind == tds.BATCH:
        yield Request("", message[body.at :].decode("utf-16-le"))
        return
    while body.at < len(message):
        length = body.number("H")
        if length == 0xFFFF:
            name = _PROCEDURES.get(body.number("H"), "unknown")
        else:
            name = body.take(2 * length).decode("utf-16-le")
        body.take(2)
        values = []
        while body.at < len(message) and message[body.at] not in (0x80, 0xFF):
            values.append(body.value())
        body.take(1)
        yield _request(name, values)


def _request(name: str, values: list[Any]) -> Request:
    if name == "sp_executesql":
        return Request(name, values[0], tuple(values[2:]))
    if name == "sp_prepexec":
        return Request(name, values[2], tuple(values[3:]))
    return Request(name, "", tuple(values))


# --- what it answers -----------------------------------------------------------------------------

DECIMALS = {"bdgprc": (12, 2), "amount": (12, 2), "change": (12, 2), "cstcde": (15, 3)} | dict.fromkeys(
    ("reqamt", "appamt", "cstamt", "ovhamt"), (12, 2)
)
MOMENTS = ("insdte", "upddte", "_date", "oldest")
DAYS = ("chgdte", "subdte", "aprdte", "invdte", "entdte")
ROW_IDS = ("_idnum", "row_id", "_idref")
NUMBERS = ("recnum", "jobnum", "phsnum", "vndnum", "vndctc", "asked", "clnnum", "lowest", "highest")
"""bigint in Sage; other numbers are smaller."""


def _kind(name: str, values: Sequence[Any]) -> tuple[bytes, Any]:
    """The TYPE_INFO of a column, and what writes its values."""
    name = name.casefold()
    if name in DECIMALS:
        precision, scale = DECIMALS[name]
        return struct.pack("<BBBB", 0x6A, 9, precision, scale), lambda value: _decimal(value, scale)
    if name in MOMENTS:
        return struct.pack("<BB", 0x6F, 8), _moment
    if name in DAYS:
        return b"\x28", _day
    if name in ROW_IDS:
        return struct.pack("<BB", 0x24, 16), lambda value: b"\x10" + uuid.UUID(value).bytes_le
    if name in ("ntetxt", "chgscp"):
        return struct.pack("<BH", 0xE7, 0xFFFF) + tds.COLLATION, _unlimited
    if any(isinstance(value, str) for value in values):
        return struct.pack("<BH", 0xE7, 800) + tds.COLLATION, _text
    size = 8 if name in NUMBERS else 4
    return struct.pack(
        "<BB", 0x26, size
    ), lambda value: bytes((size,)) + value.to_bytes(size, "little", signed=True)


def _decimal(value: Any, scale: int) -> bytes:
    exact = int(Decimal(str(value)).scaleb(scale))
    return b"\x09" + bytes((exact >= 0,)) + abs(exact).to_bytes(8, "little")


def _moment(value: str) -> bytes:
    since = datetime.fromisoformat(value) - datetime(1900, 1, 1)  # noqa: DTZ001 - the server's own time
    ticks = round((since.seconds + since.microseconds / 1e6) * 300)
    return struct.pack("<BiI", 8, since.days, ticks)


def _day(value: str) -> bytes:
    return b"\x03" + (date.fromisoformat(value).toordinal() - 1).to_bytes(3, "little")


def _text(value: str) -> bytes:
    written = value.encode("utf-16-le")
    return struct.pack("<H", len(written)) + written


def _unlimited(value: str) -> bytes:
    written = value.encode("utf-16-le")
    chunk = struct.pack("<I", len(written)) + written if written else b""
    return struct.pack("<Q", len(written)) + chunk + struct.pack("<I", 0)


def rows_as_tokens(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    kinds = [_kind(name, [row[at] for row in rows]) for at, name in enumerate(names)]
    told = struct.pack("<BH", 0x81, len(names))
    for name, (kind, _write) in zip(names, kinds, strict=True):
        told += struct.pack("<IH", 0, 1) + kind + struct.pack("<B", len(name)) + name.encode("utf-16-le")
    for row in rows:
        told += b"\xd1"
        for value, (kind, write) in zip(row, kinds, strict=True):
            told += write(value) if value is not None else _null(kind)
    return told


def _null(kind: bytes) -> bytes:
    if kind[:1] != b"\xe7":
        return b"\0"
    return b"\xff" * (8 if kind[1:3] == b"\xff\xff" else 2)


def error(number: int, words: str, *, of_procedure: bool) -> bytes:
    """An ERROR token of severity 16, and the end of the answer."""
    body = struct.pack("<iBB", number, 1, 16) + struct.pack("<H", len(words)) + words.encode("utf-16-le")
    body += b"\0\0" + struct.pack("<i", 1)
    end = 0xFE if of_procedure else 0xFD
    return struct.pack("<BH", 0xAA, len(body)) + body + struct.pack("<BHHQ", end, 0x0002, 0, 0)


_TRANSACTION = struct.pack("<Q", 1)


def _transaction(kind: int, new: bytes, old: bytes) -> bytes:
    changed = bytes((kind, len(new))) + new + bytes((len(old),)) + old
    return struct.pack("<BH", 0xE3, len(changed)) + changed + tds.DONE


# --- the server ----------------------------------------------------------------------------------


@dataclass
class Company:
    """What the server serves, and what it was asked."""

    folder: Path
    version: str = MICROSOFT
    snapshot: bool = True
    errors: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """How often a question, or a statement, is still refused, with which number and words."""
    heard: list[tuple[int, str]] = field(default_factory=list)
    """Every statement, with the connection it came on: the name of a question, or the words."""
    params: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    """The questions' parameters."""
    before: Callable[[int, str], object] = lambda _connection, _name: None
    """What happens before a statement is answered."""

    def behave(self, client: tds.Client, _statement: str) -> bool:
        procedures = b""
        for request in requests(client.kind, client.body):
            self.heard.append((client.number, request.name))
            self.before(client.number, request.name)
            if refused := self._refused(request):
                client.send(procedures + refused)
                return True
            answer = self._answer(request)
            if not request.procedure:
                client.send(answer or tds.DONE)
                return True
            procedures += answer + _end_of_procedure(request.procedure)
        client.send(procedures)
        return True

    def _refused(self, request: Request) -> bytes:
        times, number, words = self.errors.get(request.name, (0, 0, ""))
        if not times:
            return b""
        self.errors[request.name] = (times - 1, number, words)
        return error(number, words, of_procedure=bool(request.procedure))

    def _answer(self, request: Request) -> bytes:
        name = request.name
        if name.endswith("BEGIN TRANSACTION"):
            return _transaction(8, _TRANSACTION, b"")
        if name in ("COMMIT", "ROLLBACK"):
            return _transaction(9 if name == "COMMIT" else 10, b"", _TRANSACTION)
        if name not in QUESTIONS.values():
            return b""
        self.params.append((name, request.params))
        names, rows = self._read(name, bound(request.statement), request.params)
        # DONE, or DONEINPROC where the procedure has more to say; both with their count of rows.
        kind, status = (0xFF, 0x0011) if request.procedure else (0xFD, 0x0010)
        return rows_as_tokens(names, rows) + struct.pack("<BHHQ", kind, status, 0xC1, len(rows))

    def _read(self, name: str, statement: str, params: tuple[Any, ...]) -> tuple[list[str], list[Row]]:
        if name.endswith(".sqlserver"):
            facts = [row for row in self._facts() if _asked_by(row) in name.split("+")]
            return ["fact", "subject", "value"], facts
        with closing(connect(self.folder)) as books:
            cursor = books.cursor()
            cursor.execute(statement, params)
            return [column[0] for column in cursor.description], cursor.fetchall()

    def _facts(self) -> list[Row]:
        """The handshake of a SQL Server, out of what the practice company says of itself."""
        with closing(connect(self.folder)) as books:
            cursor = books.cursor()
            cursor.execute(sql_text("handshake.sqlite"))
            said: list[Row] = cursor.fetchall()
        known = "1" if self.version == MICROSOFT else None
        return [
            *(row for row in said if row[0] in ("database", "table", "column")),
            ("server", "", "SAGE"),
            ("version", "", self.version),
            ("login", "", "sage_reader"),
            ("user", "", "sage_reader"),
            ("application", "", "Plumbline"),
            ("now", "", datetime.now(UTC).replace(tzinfo=None).isoformat()),
            *(("incarnation", "3 created", row[2]) for row in said if row[0] == "incarnation"),
            ("snapshot", "", "1" if self.snapshot else "0"),
            ("sees-filters", "", known),
            ("has-filters", "", known),
            ("role", "sysadmin", "0" if known else None),
            *(("may-read", table, known) for table in NEEDED),
            ("collation", "", "SQL_Latin1_General_CP1_CI_AS"),
        ]


_OF_RIGHTS = ("sees-filters", "has-filters", "role", "may-read")


def _asked_by(row: Row) -> str:
    """The file that asks for the fact."""
    if row[0] in _OF_RIGHTS:
        return "rights.sqlserver"
    return "capabilities.sqlserver" if row[0] == "collation" else "handshake.sqlserver"


def _end_of_procedure(procedure: str) -> bytes:
    told = b"\x79" + struct.pack("<i", 0)
    if procedure == "sp_prepexec":
        name = "@handle"
        told += struct.pack("<BHB", 0xAC, 0, len(name)) + name.encode("utf-16-le")
        told += struct.pack("<BIH", 1, 0, 0) + b"\x26\x04\x04" + struct.pack("<i", 1)
    return told + struct.pack("<BHHQ", 0xFE, 0, 0, 0)


@contextmanager
def serving(company: Company) -> Iterator[tds.Server]:
    """The company's server while the block runs."""
    with tds.serving(company.behave) as server:
        yield server

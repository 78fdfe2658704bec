"""Where an ERP is, and what its server says of itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from erp_integrations.ports.errors import Fault


@dataclass(frozen=True, slots=True)
class HistoryMark:
    """The newest entry of the ERP's own history that was ever seen on a connection."""

    record_number: str
    """Of the change order that the entry is about."""
    at: datetime
    """The entry's moment in the ERP server's local time, naive."""


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """How to reach one company's books. Frozen, so that a look cannot be pointed elsewhere midway."""

    kind: str
    database: str
    """The name the database must answer to, compared without case."""
    accepted_incarnation: str
    """The incarnation an ERP admin accepted; empty while the connection is unchecked."""
    history_mark: HistoryMark | None = None
    """History without this entry, although it reaches back beyond it, is that of a restored backup."""
    application_name: str = "Plumbline"
    odbc_string: str = field(default="", repr=False)
    sandbox_path: Path | None = None
    login_timeout_seconds: int = 5
    second_look_seconds: float = 1.0


class PartRefused(ValueError):
    """A part of a connection cannot be as it is. The words say why and never repeat it."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(why)
        self.part = part
        """The name of a field of `ServerParts`."""


@dataclass(frozen=True, slots=True, repr=False)
class ServerParts:
    """A database server and how to sign in there, in the parts that a person fills in. Empty: not said."""

    server: str
    database: str
    login: str
    password: str
    port: int | None = None
    driver: str = ""
    """An ODBC driver's name; empty for whichever is installed."""
    encrypt: bool = True
    trust_certificate: bool = False
    """Takes any certificate, a self-made one too."""
    certificate_host: str = ""
    """The name in the certificate, where it is not the server's."""
    application_name: str = ""
    others: tuple[str, ...] = ()
    """The names of what was stored beside these by a command, which a form cannot show."""


@dataclass(frozen=True, slots=True)
class Right:
    """A role or right of our login that the server was asked about."""

    name: str
    """As the ERP's administrator knows it: `db_owner`, `read dbo.prmchg`, `write dbo.prmchg`."""
    held: bool | None
    """None where the server does not tell: not known, which is never "no"."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the server said about itself and about us. Empty and None mean: not known."""

    database: str
    server: str
    version: str
    login: str
    application_name: str
    incarnation: str
    """Names this very database: changes when another one, or a restored copy, answers to the same name."""
    history_readable: bool
    history_since: datetime | None
    """The oldest entry of the ERP's own history of change orders; None when unreadable or empty."""
    tables: tuple[str, ...]
    """The tables found, each with the columns needed."""
    problems: tuple[Fault, ...]
    """Everything that keeps a verdict from being given; empty when all is well."""
    compatibility_level: str = ""
    """The database's compatibility level, `150`."""
    read_committed_snapshot: bool | None = None
    """Whether a reader sees the last committed row instead of waiting for whoever saves."""
    snapshot: bool | None = None
    """Whether a look may be one transaction that sees one moment."""
    collation: str = ""
    rights: tuple[Right, ...] = ()
    """Roles and rights of our login, those that matter here."""
    driver: str = ""
    """The name and version of the driver through which the server was reached."""
    server_ahead: timedelta | None = None
    """The server's local time minus ours."""
    history_mark: HistoryMark | None = None
    """The newest entry of the ERP's own history; None when unreadable, empty or not asked."""

    @property
    def good(self) -> bool:
        return not self.problems

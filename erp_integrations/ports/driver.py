"""What an ERP provides for one kind of connection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from erp_integrations.ports.connections import ConnectionSpec, ServerParts
from erp_integrations.ports.errors import Fault
from erp_integrations.ports.reading import ErpReader
from erp_integrations.ports.sandbox import ErpSandbox
from erp_integrations.ports.writing import ErpWriter


class LoginScript(Protocol):
    def __call__(self, *, database: str, login: str) -> str: ...


class OpenSandbox(Protocol):
    def __call__(self, folder: Path, *, name: str | None = None) -> ErpSandbox: ...


@dataclass(frozen=True, slots=True)
class ServerTools:
    """What the Connection page needs to edit an ODBC string."""

    odbc_drivers: tuple[str, ...]
    """The ODBC drivers a person may choose from."""
    parts_of: Callable[[str], ServerParts]
    """Raises `ValueError` in plain words when the string cannot be parsed."""
    string_of: Callable[[ServerParts], str]
    """Raises `PartRefused`, `ValueError`."""
    check_string: Callable[[str], None]
    """Raises `ValueError` in plain words, naming the keyword that is not accepted."""
    database_named_in: Callable[[str], str]
    """Raises `ValueError` in plain words when the string names no database."""
    login_script: LoginScript
    """The script with which the ERP's administrator creates a read-only login."""


@dataclass(frozen=True, slots=True)
class ErpDriver:
    """`ERP_KINDS` names one by dotted path for each kind of connection."""

    name: str
    """The ERP's name on the screen."""
    open_reader: Callable[[ConnectionSpec], ErpReader]
    writers: Mapping[str, Callable[[ConnectionSpec], ErpWriter]]
    """By the name that an export stores."""
    faults: Mapping[str, Fault]
    """Every fault that can be reported about a connection, by its code."""
    server: ServerTools | None = None
    """None when the ERP is not reached through an ODBC string."""
    open_sandbox: OpenSandbox | None = None
    """None when the kind has no practice company."""

"""The ERP driver for a kind of connection, by the dotted path in ERP_KINDS."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from erp_integrations.erp.encryption import CannotDecrypt, decrypt
from erp_integrations.models import Connection
from erp_integrations.ports import (
    ConnectionSpec,
    ErpDriver,
    ErpReader,
    ErpSandbox,
    ErpWriter,
    Fault,
    FaultKind,
    HistoryMark,
    Misconfigured,
    ServerParts,
    ServerTools,
)

ODBC = "sage-100-contractor"
SANDBOX = "sage-100-contractor-sandbox"

SANDBOX_WRITER = "sandbox"
WRITERS = {
    "worksheet": ("Worksheet", "Keyed in by hand, from a worksheet"),
    SANDBOX_WRITER: ("Practice company", "By Plumbline, into the practice company"),
}
"""Writer name -> its name in a list, its label in the export form."""
SECRET_SEALED = Fault(
    FaultKind.MISCONFIGURED,
    "secret-sealed",
    "The stored connection cannot be opened: the key it was sealed with is missing.",
    "The administrator of Plumbline must put the old key back into FIELD_KEYS, or set the connection again.",
)


def driver(kind: str) -> ErpDriver:
    """Raises `KeyError` for an unknown kind, `ImportError` or `ImproperlyConfigured` for a wrong setting."""
    path = settings.ERP_KINDS[kind]
    found = import_string(path)
    if not isinstance(found, ErpDriver):
        raise ImproperlyConfigured(f"ERP_KINDS names {path!r}, which is no ErpDriver.")
    return found


def erp_name(kind: str) -> str:
    """The ERP's name on the screen."""
    return driver(kind).name


def spec_of(connection: Connection) -> ConnectionSpec:
    """The stored connection, decrypted. Raises `Misconfigured` when the key is missing."""
    try:
        odbc_string = decrypt(connection.odbc_string_encrypted) if connection.odbc_string_encrypted else ""
    except CannotDecrypt:
        raise Misconfigured(SECRET_SEALED) from None
    return ConnectionSpec(
        kind=connection.kind,
        database=connection.database,
        accepted_incarnation=connection.accepted_incarnation,
        history_mark=_history_mark(connection),
        application_name=connection.application_name,
        odbc_string=odbc_string,
        sandbox_path=Path(connection.sandbox_path) if connection.sandbox_path else None,
        login_timeout_seconds=int(settings.SAGE_LOGIN_TIMEOUT_SECONDS),
        second_look_seconds=settings.SAGE_SECOND_LOOK_SECONDS,
    )


def _history_mark(connection: Connection) -> HistoryMark | None:
    if not connection.history_mark_record:
        return None
    return HistoryMark(
        record_number=connection.history_mark_record, at=datetime.fromisoformat(connection.history_mark_at)
    )


def reader_for(spec: ConnectionSpec) -> ErpReader:
    return driver(spec.kind).open_reader(spec)


def writers_of(kind: str) -> tuple[str, ...]:
    """The names of the writers for this kind of connection."""
    return tuple(driver(kind).writers)


def writer_for(spec: ConnectionSpec, name: str) -> ErpWriter:
    """Raises `Misconfigured` when the connection kind has no writer of that name."""
    open_writer = driver(spec.kind).writers.get(name)
    if open_writer is None:
        raise Misconfigured(
            Fault(
                FaultKind.MISCONFIGURED,
                "writer-missing",
                "The books behind the connection cannot be written to in the way that was chosen.",
                "Choose another way, or give the change order back to the project team.",
            )
        )
    return open_writer(spec)


def stored_parts(connection: Connection) -> ServerParts | None:
    """The stored server parts, with password; None without a server, or when decrypting or parsing fails."""
    if not connection.odbc_string_encrypted:
        return None
    try:
        return server_tools().parts_of(decrypt(connection.odbc_string_encrypted))
    except (CannotDecrypt, ValueError):
        return None


def server_tools() -> ServerTools:
    """Edits and checks the ODBC string of a connection to a database server."""
    tools = driver(ODBC).server
    assert tools
    return tools


def faults() -> Mapping[str, Fault]:
    """Every fault that can be reported about a connection, by its code."""
    return {**driver(ODBC).faults, SECRET_SEALED.code: SECRET_SEALED}


def has_sandbox(connection: Connection) -> bool:
    return connection.kind in settings.ERP_KINDS and driver(connection.kind).open_sandbox is not None


def sandbox_at(path: Path, *, name: str | None = None) -> ErpSandbox:
    """The practice company in the folder `path`; `name` is the demo company that `create()` makes."""
    open_sandbox = driver(SANDBOX).open_sandbox
    assert open_sandbox
    return open_sandbox(path, name=name)

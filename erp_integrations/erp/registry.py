"""The reader, writers and sandbox for a kind of connection, by the dotted paths of ERP_KINDS."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from erp_integrations.erp.encryption import CannotDecrypt, decrypt
from erp_integrations.models import Connection
from erp_integrations.ports import (
    ConnectionSpec,
    ErpReader,
    ErpSandbox,
    ErpWriter,
    Fault,
    FaultKind,
    HistoryMark,
    Misconfigured,
    ServerParts,
)

ODBC = "sage-100-contractor"
SANDBOX = "sage-100-contractor-sandbox"

SANDBOX_WRITER = "sandbox"
WRITERS = {
    "worksheet": ("Worksheet", "Keyed in by hand, from a worksheet"),
    SANDBOX_WRITER: ("Practice company", "By Plumbline, into the practice company"),
}
"""Name of a writer -> how it is called in a list, and how it is offered."""
SECRET_SEALED = Fault(
    FaultKind.MISCONFIGURED,
    "secret-sealed",
    "The stored connection cannot be opened: the key it was sealed with is missing.",
    "The administrator of Plumbline must put the old key back into FIELD_KEYS, or set the connection again.",
)


def erp_name(kind: str) -> str:
    """The ERP's name as it stands on the screen."""
    return settings.ERP_KINDS[kind]["name"]


def spec_of(connection: Connection) -> ConnectionSpec:
    """What a reader needs to reach the company's ERP, from the stored connection. Raises `Misconfigured`."""
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
    return cast(ErpReader, import_string(settings.ERP_KINDS[spec.kind]["reader"])(spec))


def writers_of(kind: str) -> tuple[str, ...]:
    """The names of the writers that books of this kind can have."""
    return tuple(settings.ERP_KINDS[kind]["writers"])


def writer_for(spec: ConnectionSpec, name: str) -> ErpWriter:
    """Raises `Misconfigured` where the books behind the connection have no such writer (any more)."""
    path = settings.ERP_KINDS[spec.kind]["writers"].get(name)
    if path is None:
        raise Misconfigured(
            Fault(
                FaultKind.MISCONFIGURED,
                "writer-missing",
                "The books behind the connection cannot be written to in the way that was chosen.",
                "Choose another way, or give the change order back to the project team.",
            )
        )
    return cast(ErpWriter, import_string(path)(spec))


def database_named_in(odbc_string: str) -> str:
    """The database an ODBC string names. Raises `ValueError` in plain words where it names none."""
    return cast(str, _odbc("database_named_in")(odbc_string))


def check_string(odbc_string: str) -> None:
    """Raises `ValueError` in plain words, naming the keyword that is not accepted."""
    _odbc("check_string")(odbc_string)


def string_of(parts: ServerParts) -> str:
    """The ODBC string of those parts. Raises `PartRefused`, `ValueError`."""
    return cast(str, _odbc("string_of")(parts))


def parts_of(odbc_string: str) -> ServerParts:
    """Raises `ValueError` in plain words where the string cannot be understood."""
    return cast(ServerParts, _odbc("parts_of")(odbc_string))


def stored_parts(connection: Connection) -> ServerParts | None:
    """What is stored, with its password; None where that is no server, or cannot be opened or read."""
    if not connection.odbc_string_encrypted:
        return None
    try:
        return parts_of(decrypt(connection.odbc_string_encrypted))
    except (CannotDecrypt, ValueError):
        return None


def drivers() -> tuple[str, ...]:
    """The ODBC drivers a person may choose from."""
    return cast(tuple[str, ...], _odbc("drivers"))


def login_script(*, database: str, login: str) -> str:
    """What the ERP's administrator runs to make the login that may only read."""
    return cast(str, _odbc("login_script")(database=database, login=login))


def faults() -> Mapping[str, Fault]:
    """Every fault that can be reported about a connection, by its code."""
    own = {SECRET_SEALED.code: SECRET_SEALED}
    return {**cast(Mapping[str, Fault], _odbc("faults")), **own}


def _odbc(part: str) -> Any:
    return import_string(cast(Mapping[str, str], settings.ERP_KINDS[ODBC])[part])


def has_sandbox(connection: Connection) -> bool:
    return "sandbox" in settings.ERP_KINDS.get(connection.kind, {})


def sandbox_at(path: Path, *, name: str | None = None) -> ErpSandbox:
    """The practice company in the folder `path`; `name` says which one `create()` is to make."""
    return cast(ErpSandbox, import_string(settings.ERP_KINDS[SANDBOX]["sandbox"])(path, name=name))

"""Connection kind -> the parts of its ERP, by the dotted paths of ERP_KINDS."""

from pathlib import Path
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from erp_integrations.models import Connection
from erp_integrations.ports import (
    ConnectionSpec,
    ErpReader,
    ErpSandbox,
    ErpWriter,
    Fault,
    FaultKind,
    Misconfigured,
)
from erp_integrations.sealing import CannotUnseal, unseal

ODBC = "sage-100-contractor"
SANDBOX = "sage-100-contractor-sandbox"

WORKSHEET = "worksheet"
"""The writer by hand, which every kind has."""
WRITERS = {
    WORKSHEET: ("Worksheet", "By hand: an accountant keys it in from a worksheet"),
    "sandbox": ("Practice company", "By Plumbline, straight into the practice company"),
}
"""Name of a writer -> how it is called in a list, and how it is offered."""


def erp_name(kind: str) -> str:
    """The ERP's name as it stands on the screen."""
    return settings.ERP_KINDS[kind]["name"]


def spec_of(connection: Connection) -> ConnectionSpec:
    """How to reach the company's books, as the row says now. Raises `Misconfigured`."""
    try:
        odbc_string = unseal(connection.odbc_string_encrypted) if connection.odbc_string_encrypted else ""
    except CannotUnseal:
        raise Misconfigured(
            Fault(
                FaultKind.MISCONFIGURED,
                "secret-sealed",
                "The stored connection cannot be opened: the key it was sealed with is missing.",
                "The administrator of Plumbline must put the old key back into FIELD_KEYS, "
                "or set the connection again.",
            )
        ) from None
    return ConnectionSpec(
        kind=connection.kind,
        database=connection.database,
        accepted_incarnation=connection.accepted_incarnation,
        application_name=connection.application_name,
        odbc_string=odbc_string,
        sandbox_path=Path(connection.sandbox_path) if connection.sandbox_path else None,
        login_timeout_seconds=int(settings.SAGE_LOGIN_TIMEOUT_SECONDS),
        second_look_seconds=settings.SAGE_SECOND_LOOK_SECONDS,
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
    return cast(str, import_string(settings.ERP_KINDS[ODBC]["database_named_in"])(odbc_string))


def has_sandbox(connection: Connection) -> bool:
    return "sandbox" in settings.ERP_KINDS.get(connection.kind, {})


def sandbox_at(path: Path, *, name: str | None = None) -> ErpSandbox:
    """The practice company in the folder `path`; `name` says which one `create()` is to make."""
    return cast(ErpSandbox, import_string(settings.ERP_KINDS[SANDBOX]["sandbox"])(path, name=name))

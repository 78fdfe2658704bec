"""Sets, checks and accepts a company's connection to its ERP."""

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from companies.access import Ruling, find_access
from companies.clock import database_now
from companies.models import Company
from erp_integrations.erp import calls, registry
from erp_integrations.erp.connection_state import CLOCK_STEP, mark_as_text
from erp_integrations.erp.encryption import encrypt
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event_of_connection
from erp_integrations.models import APPLICATION_NAME, Connection, EventKind
from erp_integrations.policies import may_change_connection, may_keep_password
from erp_integrations.ports import (
    Deadline,
    ErpError,
    Fault,
    Handshake,
    ServerParts,
)
from erp_integrations.workflow.errors import ConnectionChanged, NotAllowed, NothingToAccept, PasswordNeeded


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where the ERP is: an ODBC string, or a sandbox's folder."""

    kind: str
    database: str
    odbc_string: str = dataclasses.field(default="", repr=False)
    sandbox_path: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CheckedConnection:
    """The result of a check: a handshake, or the fault that prevented it."""

    connection: Connection
    handshake: Handshake | None
    fault: Fault | None

    @property
    def accepted(self) -> bool:
        """Whether verdicts can be given: no problem, and the accepted database answers."""
        return (
            self.handshake is not None
            and self.handshake.good
            and self.handshake.incarnation == self.connection.accepted_incarnation
        )


@transaction.atomic(durable=True)
def set_connection(
    *, company: Company, address: Address | ServerParts, actor: Actor, revision: int | None = None
) -> Connection:
    """Stores the connection of the company without calling the ERP: check it next.

    A person needs 'Admin' on ERP Integrations; a command acts for the operator of the server. `revision` is
    the one the person was shown, 0 without a connection. Parts without a password keep the stored one if
    `may_keep_password` allows it. The accepted database stays accepted: if another one answers, an ERP admin
    must accept it first.

    Raises `NotAllowed`, `ConnectionChanged`, `PasswordNeeded`, `PartRefused`; nothing is changed then.
    """
    # A first connection has no row to lock.
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    now = database_now()
    rights = rights_to_change(actor, company_id=company.pk) if actor.user_id else ""
    connection = Connection.objects.select_for_update().filter(company=company).first()
    if connection is None:
        connection = Connection(company=company, revision=0)
    if revision is not None and revision != connection.revision:
        raise ConnectionChanged
    if isinstance(address, ServerParts):
        address = _address_of(address, connection)
    connection.kind = address.kind
    connection.database = address.database
    connection.application_name = _application_name(address)
    connection.odbc_string_encrypted = encrypt(address.odbc_string) if address.odbc_string else ""
    connection.sandbox_path = str(address.sandbox_path) if address.sandbox_path else ""
    connection.revision += 1
    connection.handshake = {}
    connection.seen_incarnation = ""
    connection.comparison = {}
    connection.checked_at = None
    connection.failures_in_a_row = 0
    connection.last_failure_code = ""  # the fault was of the former address
    connection.save()
    append_event_of_connection(
        connection,
        EventKind.CONNECTION_SET,
        actor=actor,
        now=now,
        rights=rights,
        evidence={"kind": address.kind, "database": address.database},
    )
    return connection


def _address_of(parts: ServerParts, connection: Connection) -> Address:
    if not parts.password:
        stored = registry.stored_parts(connection)
        if stored is None or not may_keep_password(stored, parts):
            raise PasswordNeeded
        parts = dataclasses.replace(parts, password=stored.password)
    return Address(
        kind=registry.ODBC, database=parts.database, odbc_string=registry.server_tools().string_of(parts)
    )


def _application_name(address: Address) -> str:
    """The application name we report to the server: the string's own, else ours."""
    named = (
        registry.server_tools().parts_of(address.odbc_string).application_name if address.odbc_string else ""
    )
    return named or APPLICATION_NAME


def check_connection(*, connection_id: int, actor: Actor, rights: str = "") -> CheckedConnection:
    """Runs a handshake and stores the report. `rights` are those of the person who checks, for the ledger.

    The first good handshake of a connection that never had one accepts its database. Afterwards another
    database is shown and waits for `accept_database`. Must not be called inside a transaction.
    """
    connection = Connection.objects.select_related("company").get(pk=connection_id)
    handshake, fault = _shake_hands(connection)
    with transaction.atomic(durable=True):
        locked = (
            Connection.objects.select_for_update(of=("self",)).select_related("company").get(pk=connection_id)
        )
        now = database_now()
        if locked.revision != connection.revision:
            # It was changed meanwhile, so the report is about another connection.
            return CheckedConnection(locked, handshake, fault)
        locked.checked_at = now
        if handshake is not None:
            _keep_report(locked, handshake, actor=actor, now=now)
        if fault is not None:
            _keep_fault(locked, fault, now=now)
        if handshake is None and fault is not None:
            locked.handshake = {**locked.handshake, "fault": dataclasses.asdict(fault)}
        locked.save()
        append_event_of_connection(
            locked,
            EventKind.CONNECTION_CHECKED,
            actor=actor,
            now=now,
            rights=rights,
            reason=fault.code if fault else "",
            evidence=locked.handshake if handshake else {},
        )
    return CheckedConnection(locked, handshake, fault)


def accept_database(*, connection_id: int, incarnation: str, actor: Actor, reason: str) -> Connection:
    """Accepts the database that was shown as the company's ERP, with a reason, as an event.

    Raises `NotAllowed`, `NothingToAccept`, `ValueError` for a blank reason.
    """
    if not reason.strip():
        raise ValueError("a reason is needed")
    with transaction.atomic(durable=True):
        connection = (
            Connection.objects.select_for_update(of=("self",)).select_related("company").get(pk=connection_id)
        )
        rights = rights_to_change(actor, company_id=connection.company_id)
        if incarnation in ("", connection.accepted_incarnation) or incarnation != connection.seen_incarnation:
            raise NothingToAccept
        now = database_now()
        # Links may be cut by what this database says, so a second person's confirmation would belong here.
        before = connection.accepted_incarnation
        compared = _compared(connection, incarnation)
        connection.comparison = {}
        _accept(connection, connection.handshake["incarnation"], actor=actor, now=now)
        mark = connection.handshake.get("history_mark") or {"record_number": "", "at": ""}
        _keep_mark(connection, mark["record_number"], mark["at"])
        connection.revision += 1
        connection.save()
        append_event_of_connection(
            connection,
            EventKind.INCARNATION_ACCEPTED,
            actor=actor,
            now=now,
            rights=rights,
            reason=reason.strip(),
            evidence={"before": before, "after": connection.accepted_incarnation, **compared},
        )
    return connection


def _compared(connection: Connection, incarnation: str) -> dict[str, object]:
    """The stored comparison of that database, for the ledger."""
    comparison = connection.comparison
    if comparison.get("incarnation") != incarnation or comparison.get("queued"):
        return {}
    return {"comparison": {name: comparison[name] for name in ("at", "links", "there") if name in comparison}}


def rights_to_change(actor: Actor, *, company_id: int) -> str:
    """The person's current rights, for the ledger. Raises `NotAllowed`."""
    access = find_access(user_id=actor.user_id, company_id=company_id) if actor.user_id else None
    ruling = (
        may_change_connection(access)
        if access
        else Ruling(("Needs an active entry in the company's Directory",))
    )
    if not ruling:
        raise NotAllowed(ruling.missing)
    return ruling.rights


def _shake_hands(connection: Connection) -> tuple[Handshake | None, Fault | None]:
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(registry.spec_of(connection))
        handshake = calls.handshake(reader, deadline=deadline)
    except ErpError as error:
        return None, error.fault
    return handshake, handshake.problems[0] if handshake.problems else None


def _keep_report(connection: Connection, handshake: Handshake, *, actor: Actor, now: datetime) -> None:
    report = dataclasses.asdict(handshake)
    report.pop("login")
    since = handshake.history_since
    report["history_since"] = since.isoformat() if since else None
    report["problems"] = [dataclasses.asdict(problem) for problem in handshake.problems]
    ahead, mark = handshake.server_ahead, handshake.history_mark
    report["server_ahead"] = None if ahead is None else ahead.total_seconds()
    report["history_mark"] = mark and {"record_number": mark.record_number, "at": mark_as_text(mark)}
    connection.handshake = report
    connection.seen_incarnation = _seen_incarnation(connection, handshake)
    _keep_clock(connection, ahead, now=now)
    if not handshake.good:
        return
    if mark is not None and mark_as_text(mark) > connection.history_mark_at:
        _keep_mark(connection, mark.record_number, mark_as_text(mark))
    connection.last_success_at = now
    connection.failures_in_a_row = 0
    if not connection.accepted_incarnation:
        _accept(connection, handshake.incarnation, actor=actor, now=now)


def _seen_incarnation(connection: Connection, handshake: Handshake) -> str:
    """The incarnation that is offered for acceptance.

    A backup restored in place keeps the database's name and dates. Its history shows it: that ends before an
    entry that was seen.
    """
    codes = {problem.code for problem in handshake.problems}
    mark = handshake.history_mark
    if "other-incarnation" in codes and mark and handshake.incarnation == connection.accepted_incarnation:
        return f"{handshake.incarnation} / history to {mark_as_text(mark)}"
    return handshake.incarnation


def _keep_mark(connection: Connection, record_number: str, at: str) -> None:
    connection.history_mark_record, connection.history_mark_at = record_number, at


def _keep_clock(connection: Connection, server_clock: timedelta | None, *, now: datetime) -> None:
    if server_clock is None:
        return
    before = connection.server_clock
    if before is not None and abs(before - server_clock) <= CLOCK_STEP:
        return
    connection.server_clock = server_clock
    if before is not None:
        connection.clock_changed_at = now


def _keep_fault(connection: Connection, fault: Fault, *, now: datetime) -> None:
    connection.last_failure_at = now
    connection.last_failure_words, connection.last_failure_code = fault.what, fault.code
    connection.failures_in_a_row += 1


def _accept(connection: Connection, incarnation: str, *, actor: Actor, now: datetime) -> None:
    connection.accepted_incarnation = incarnation
    connection.accepted_at = now
    connection.accepted_by_name = actor.name

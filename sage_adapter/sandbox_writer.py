"""The writer of a practice company: what an integration would do in Sage, and what may go wrong meanwhile.

Nothing here can reach a real Sage: there is no connection but to the practice company's own files.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from erp_integrations.ports import (
    ChangeOrderDraft,
    ChangeOrderEntry,
    ConnectionSpec,
    Deadline,
    EntryLine,
    ErpWriter,
    PreparedChangeOrder,
    error_for,
)
from sage_adapter.faults import fault, fault_of
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import faults
from sage_adapter.sandbox.enter_change_order import check, enter_header, enter_lines
from sage_adapter.sandbox.writer import Books, open_books
from sage_adapter.session import check_deadline
from sage_adapter.worksheet import prepare

USER = "PLUMBLINE"
"""The name the practice company's history shows for what is written here."""


def open_sandbox_writer(spec: ConnectionSpec) -> ErpWriter:
    """The writer of the practice company that `spec` names.

    Raises `Misconfigured` (`sandbox-missing`) where it names none, or real books beside it.
    """
    if spec.sandbox_path is None or spec.odbc_string:
        raise error_for(fault("sandbox-missing"))
    return SandboxWriter(spec, spec.sandbox_path)


@dataclass(frozen=True, slots=True)
class SandboxWriter:
    """Writes what `prepare` says, in one transaction, into the accepted practice company."""

    spec: ConnectionSpec
    folder: Path
    by_hand: bool = False

    def prepare(self, draft: ChangeOrderDraft) -> PreparedChangeOrder:
        """What the practice company will hold."""
        return prepare(draft)

    def write(self, draft: ChangeOrderDraft, *, deadline: Deadline) -> str:
        """Writes it once for its key; returns the record number. Raises `ErpError`, `WriteRefused`.

        It looks first, as a reader does, and so meets every fault that a reader meets.
        """
        found = open_reader(self.spec).find_change_orders(
            job_record_number=draft.job_record_number,
            subcontract_record_number=draft.subcontract_record_number,
            deadline=deadline,
        )
        written = next((one.record_number for one in found.found if one.key == str(draft.key)), None)
        if written is not None:
            return written
        check_deadline(deadline)
        try:
            return self._write(draft, deadline)
        except (sqlite3.Error, faults.SandboxError) as error:
            raise error_for(fault_of(error)) from error

    def _write(self, draft: ChangeOrderDraft, deadline: Deadline) -> str:
        entry, key = _entry(draft), str(draft.key)
        struck = faults.read(self.folder).company
        with open_books(self.folder, wait_seconds=deadline.remaining()) as books:
            self._require_accepted(books)
            there = books.rows("SELECT recnum FROM dbo.prmchg WHERE usrdf1 = ?", key)
            if there:  # somebody else with the same key was faster
                return str(there[0]["recnum"])
            check(books, entry)
            application = self.spec.application_name
            record_number = enter_header(books, entry, user=USER, key=key, application=application)
            if struck != faults.HALF_WRITTEN:
                enter_lines(books, record_number, entry, user=USER, application=application)
            check_deadline(deadline)  # whoever asked has given it up by then: undone, nothing comes too late
        if struck in faults.AFTER_WRITING:
            raise faults.AFTER_WRITING[struck].error()
        return str(record_number)

    def _require_accepted(self, books: Books) -> None:
        """The reader saw the accepted company; it may have been restored since."""
        incarnation = books.rows("SELECT incarnation FROM dbo.sandbox_identity")[0]["incarnation"]
        if incarnation != self.spec.accepted_incarnation:
            raise error_for(fault("other-incarnation"))


def _entry(draft: ChangeOrderDraft) -> ChangeOrderEntry:
    """What was prepared, as it is keyed in."""
    prepared = prepare(draft)
    header = {field.label: field.value for field in prepared.header}
    return ChangeOrderEntry(
        number=prepared.number,
        dated=draft.dated,
        job_record_number=prepared.job_record_number,
        phase=prepared.phase,
        description=header["Description"],
        scope=header["Scope"],
        lines=tuple(
            EntryLine(
                vendor_record_number=prepared.vendor_record_number,
                description=line.description,
                subcontract_record_number=prepared.subcontract_record_number,
                subcontract_line=line.subcontract_line,
                sub_change_number=prepared.number,
                cost_code=line.cost_code,
                cost_type=line.cost_type,
                amount=line.amount,
            )
            for line in prepared.lines
        ),
    )

"""The practice company, as an accountant handles it."""

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from erp_integrations.ports.records import ErpChangeOrder, ErpJob, ErpSubcontract


@dataclass(frozen=True, slots=True)
class SandboxVendor:
    record_number: str
    name: str


@dataclass(frozen=True, slots=True)
class SandboxScenario:
    """One change order of the sandbox, and what its title says it shows."""

    key: str
    record_number: str
    subcontract_record_number: str
    title: str
    """At most 30 characters, as Sage's integrations require."""
    description: str


@dataclass(frozen=True, slots=True)
class SandboxCompany:
    """Everything a demo company needs to mirror, as it was when all links were made."""

    name: str
    cost_codes: tuple[tuple[str, str], ...]
    """(code, name)"""
    cost_types: tuple[tuple[str, str], ...]
    """(number, name)"""
    vendors: tuple[SandboxVendor, ...]
    jobs: tuple[ErpJob, ...]
    subcontracts: tuple[ErpSubcontract, ...]
    change_orders: tuple[ErpChangeOrder, ...]
    scenarios: tuple[SandboxScenario, ...]
    """One per link to make: record and subcontract."""


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """A change order as the accountant's list shows it; `deleted` ones can be restored."""

    key: str
    """What acts take for it: its record number, or its row id where another record has that number by now."""
    record_number: str
    row_id: uuid.UUID
    job_record_number: str
    job_name: str
    number: str
    description: str
    status: str
    amount: Decimal
    deleted: bool
    fault: str
    """The fault that strikes whoever asks about this record; empty for none."""


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One line of the grid of window 6-4-1, as an accountant keys it in."""

    vendor_record_number: str
    """Empty on a pure budget change, as is the rest of what names a subcontract."""
    description: str
    subcontract_record_number: str
    """Empty on a pure budget change."""
    subcontract_line: str
    """Empty adds a line to the subcontract."""
    sub_change_number: str
    cost_code: str
    cost_type: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ChangeOrderEntry:
    """A change order as an accountant keys it in: header and grid."""

    number: str
    dated: date
    job_record_number: str
    phase: str
    description: str
    scope: str
    lines: tuple[EntryLine, ...]


class NoSuchRecord(Exception):
    """The sandbox holds no such change order, or not in the state the act needs. Says which."""


class ErpSandbox(Protocol):
    """An embedded practice company: what an accountant does in the ERP, and faults to switch on.

    Acts take the record number and the name of the ERP user who does them; they raise `NoSuchRecord`. The
    number of the last change order is given again once that one is deleted, as in the ERP.
    """

    def create(self) -> None:
        """Makes the company anew, before anything happened to its records. Forgets what was there."""
        ...

    def company(self) -> SandboxCompany:
        """The company as it was when all links were made, whatever happened since."""
        ...

    def company_now(self) -> SandboxCompany:
        """The company as it is."""
        ...

    def play(self) -> None:
        """Does to the records what the scenarios say happened to them after they were linked."""
        ...

    def change_orders(self) -> tuple[SandboxRecord, ...]:
        """Ordered by record number, deleted ones included."""
        ...

    def change_order(self, record_number: str) -> ErpChangeOrder: ...

    def key_in(self, entry: ChangeOrderEntry, *, user: str) -> str:
        """Saves a new change order, Approved; returns its record number. Raises `WriteRefused`."""
        ...

    def delete(self, record_number: str, *, user: str) -> None: ...

    def void(self, record_number: str, *, user: str) -> None: ...

    def reject(self, record_number: str, *, user: str) -> None: ...

    def restore(self, record_number: str, *, user: str) -> None:
        """Brings a deleted record back with the same row id, or a void or rejected one to Approved.

        Takes a `SandboxRecord.key`. Refused where another record has its record number by now.
        """
        ...

    def recreate(self, record_number: str, *, user: str) -> str:
        """Makes a new record with the number of a deleted one; returns its record number.

        Takes a `SandboxRecord.key`.
        """
        ...

    def renumber(self, record_number: str, number: str, *, user: str) -> None: ...

    def archive(self, job_record_number: str, *, history: bool = True) -> None:
        """Year-end archiving: a closed job goes with its subcontracts and change orders.

        The ERP's history tells of it (by the system administrator, all within a second) or, without
        `history`, does not.
        """
        ...

    def delete_job(self, job_record_number: str, *, user: str) -> None:
        """Deletes a job, of whatever status, with its subcontracts and change orders: a mistake."""
        ...

    def purge_history(self, *, older_than_days: int = 90) -> int:
        """Purges the ERP's history of that age, of every table; returns how many entries. 0: all of it."""
        ...

    def restore_backup(self) -> None:
        """Puts the company back to its last backup: another incarnation."""
        ...

    def faults(self) -> tuple[str, ...]:
        """The names that `set_fault` knows, with `slow:SECONDS` spelt so."""
        ...

    def fault(self) -> str:
        """The fault that is switched on for the whole company, or `none`."""
        ...

    def set_fault(self, fault: str, *, record_number: str | None = None) -> None:
        """Switches a fault on, for everybody or for whoever asks about one record; `none` ends it.

        Raises `ValueError` for a name it does not know.
        """
        ...

"""`ErpSandbox` over a folder: what the accountant's pages, the commands and the demo hold on to."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from erp_integrations.ports import (
    ChangeOrderEntry,
    ErpChangeOrder,
    NoSuchRecord,
    SandboxCompany,
    SandboxRecord,
)
from sage_adapter.sandbox import enter_change_order, faults, records, writer
from sage_adapter.sandbox.connection import AUDIT_FILE, COMPANY_FILE
from sage_adapter.sandbox.demo_company import OTHER_ACCOUNTANT, STORIES, DemoStory, fill
from sage_adapter.sandbox.faults import Faults
from sage_adapter.sandbox.writer import REJECTED, VOID, open_books

BACKUP_FOLDER = "backup"
LINKED_FILE = "as-linked.sqlite"
BETWEEN_DELETIONS = timedelta(seconds=3)
"""In a story: deletions closer to each other than two seconds would look like an archive's."""
DEFAULT_STORY = "harbor-point"


class Sandbox:
    """One practice company. Holds no connection between calls; every act is one transaction."""

    def __init__(self, folder: Path, *, name: str | None) -> None:
        if name is not None and name not in STORIES:
            raise ValueError(f"{name!r} is not a practice company; known are {', '.join(STORIES)}")
        self.folder = Path(folder)
        self._name = name

    def create(self) -> None:
        """Makes the company anew, with its backup, before anything happened to its records."""
        name = self._story_name()
        story, now = STORIES[name], datetime.now(UTC)
        writer.make_files(self.folder, database_name=story.database_name, company=name)
        (self.folder / faults.FAULTS_FILE).unlink(missing_ok=True)
        with open_books(self.folder) as books:
            fill(books, story, now=now, after_backup=False)
        self._back_up()
        with open_books(self.folder) as books:
            fill(books, story, now=now, after_backup=True)
        shutil.copyfile(self.folder / COMPANY_FILE, self.folder / LINKED_FILE)

    def company(self) -> SandboxCompany:
        """The company as it was when its change orders were linked, whatever happened since."""
        return records.company(self.folder / LINKED_FILE)

    def company_now(self) -> SandboxCompany:
        return records.company(self.folder / COMPANY_FILE)

    def play(self) -> None:
        """What the scenarios say, in one transaction, and the faults of single records."""
        story = self._story()
        keys = {scenario.key: scenario.record_number for scenario in self.company().scenarios}
        with open_books(self.folder, pace=BETWEEN_DELETIONS) as books:
            story.play(books, keys)
        with open_books(self.folder, referential=False) as books:
            for key in story.torn:
                books.delete(keys[key], user=OTHER_ACCOUNTANT, keep_lines=True)
        for key, fault in story.faults:
            self.set_fault(fault, record_number=keys[key])

    def change_orders(self) -> tuple[SandboxRecord, ...]:
        """Every change order, deleted ones included, by record number: the living one before deleted ones."""
        switched_on = faults.read(self.folder).records
        with records.reading(self.folder / COMPANY_FILE) as books:
            jobs = {
                str(row["recnum"]): str(row["jobnme"])
                for row in books.execute("SELECT recnum, jobnme FROM actrec")
            }
            live = [(order, False) for order in records.change_orders(books)]
            gone = [
                (records.change_order(json.loads(row["header"]), json.loads(row["lines"])), True)
                for row in books.execute("SELECT header, lines FROM sandbox_deleted ORDER BY rowid DESC")
            ]
        every = sorted(live + gone, key=lambda pair: int(pair[0].record_number))
        first = {order.record_number: order.row_id for order, _deleted in reversed(every)}
        return tuple(
            SandboxRecord(
                key=order.record_number if first[order.record_number] == order.row_id else str(order.row_id),
                record_number=order.record_number,
                row_id=order.row_id,
                job_record_number=order.job_record_number,
                job_name=jobs.get(order.job_record_number, ""),
                number=order.number,
                description=order.description,
                status=order.status,
                amount=sum((line.amount for line in order.lines), Decimal("0.00")),
                deleted=deleted,
                fault=_fault_of(order, switched_on),
            )
            for order, deleted in every
        )

    def change_order(self, record_number: str) -> ErpChangeOrder:
        """A change order that is there, with its lines. Raises `NoSuchRecord`."""
        with records.reading(self.folder / COMPANY_FILE) as books:
            return records.one_change_order(books, record_number)

    def key_in(self, entry: ChangeOrderEntry, *, user: str) -> str:
        with open_books(self.folder) as books:
            return enter_change_order.enter(books, entry, user=user)

    def delete(self, record_number: str, *, user: str) -> None:
        with open_books(self.folder) as books:
            books.delete(record_number, user=user)

    def void(self, record_number: str, *, user: str) -> None:
        with open_books(self.folder) as books:
            books.set_status(record_number, VOID, user=user)

    def reject(self, record_number: str, *, user: str) -> None:
        with open_books(self.folder) as books:
            books.set_status(record_number, REJECTED, user=user)

    def restore(self, record_number: str, *, user: str) -> None:
        with open_books(self.folder) as books:
            books.restore(record_number, user=user)

    def recreate(self, record_number: str, *, user: str) -> str:
        with open_books(self.folder) as books:
            return books.recreate(record_number, user=user)

    def renumber(self, record_number: str, number: str, *, user: str) -> None:
        with open_books(self.folder) as books:
            books.renumber(record_number, number, user=user)

    def archive(self, job_record_number: str, *, history: bool = True) -> None:
        with open_books(self.folder) as books:
            books.archive_job(job_record_number, history=history)

    def delete_job(self, job_record_number: str, *, user: str) -> None:
        with open_books(self.folder) as books:
            books.delete_job(job_record_number, user=user)

    def purge_history(self, *, older_than_days: int = 90) -> int:
        with open_books(self.folder) as books:
            return books.purge_history(older_than=timedelta(days=older_than_days))

    def restore_backup(self) -> None:
        """Books and history go back to the backup that `create` took; the incarnation is a new one."""
        backup = self.folder / BACKUP_FOLDER
        if not (backup / COMPANY_FILE).is_file():
            raise NoSuchRecord("This practice company has no backup.")
        with open_books(self.folder, referential=False) as books:
            books.take_back(backup / COMPANY_FILE, backup / AUDIT_FILE)

    def faults(self) -> tuple[str, ...]:
        return faults.NAMES

    def fault(self) -> str:
        return faults.read(self.folder).company

    def set_fault(self, fault: str, *, record_number: str | None = None) -> None:
        """Raises `ValueError` for a fault that is not known, `NoSuchRecord` for a record that never was."""
        faults.check(fault, for_one_record=record_number is not None)
        now = faults.read(self.folder)
        if record_number is None:
            faults.write(self.folder, Faults(company=fault, records=now.records))
            return
        record = next((row for row in self.change_orders() if row.record_number == record_number), None)
        if record is None:
            raise NoSuchRecord(f"There is no change order {record_number}.")
        others = {number: struck for number, struck in now.records.items() if number != record_number}
        mine = {} if fault == faults.NONE else {record_number: (fault, str(record.row_id).upper())}
        faults.write(self.folder, Faults(company=now.company, records=others | mine))

    def _back_up(self) -> None:
        backup = self.folder / BACKUP_FOLDER
        backup.mkdir(exist_ok=True)
        for file in (COMPANY_FILE, AUDIT_FILE):
            shutil.copyfile(self.folder / file, backup / file)

    def _story(self) -> DemoStory:
        return STORIES[self._story_name()]

    def _story_name(self) -> str:
        """The name given; else what the folder holds; else what the folder is called."""
        if self._name is not None:
            return self._name
        if (self.folder / COMPANY_FILE).is_file():
            with records.reading(self.folder / COMPANY_FILE) as books:
                return str(books.execute("SELECT company FROM sandbox_identity").fetchone()[0])
        return self.folder.name if self.folder.name in STORIES else DEFAULT_STORY


def _fault_of(order: ErpChangeOrder, switched_on: Mapping[str, tuple[str, str]]) -> str:
    """The fault of that very record, and not of another one that had its number."""
    fault, row_id = switched_on.get(order.record_number, ("", ""))
    return fault if row_id == str(order.row_id).upper() else ""

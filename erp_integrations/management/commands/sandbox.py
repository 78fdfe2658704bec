"""manage.py sandbox: what an accountant does in Sage, in the practice company; faults included."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from erp_integrations.erp import registry
from erp_integrations.management.reporting import MISCONFIGURED, WRONG_USE, ReportingCommand
from erp_integrations.ports import ErpSandbox, NoSuchRecord

ACTS = (
    "list",
    "delete",
    "void",
    "reject",
    "restore",
    "recreate",
    "renumber",
    "archive",
    "delete-job",
    "purge-history",
    "restore-backup",
    "fault",
)

MOST_DAYS = 36_500
"""A hundred years: no history is older."""


class Command(ReportingCommand):
    help = "Acts in a company's practice Sage: list, delete, void, … and faults to switch on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("act", choices=ACTS)
        parser.add_argument("company", help="the company's slug")
        parser.add_argument(
            "words",
            nargs="*",
            metavar="RECNUM",
            help="the record, for restore and recreate also its idnum; for renumber then the new number; for "
            "archive and delete-job the job; for fault the fault's name (without one it lists "
            "them), and the record it strikes where it is not to strike everybody",
        )
        parser.add_argument(
            "--without-history", action="store_true", help="archive: Sage's history does not tell of it"
        )
        parser.add_argument(
            "--days",
            type=int,
            default=90,
            metavar="N",
            help="purge-history: all that is older than N days (90); 0 purges everything",
        )
        parser.add_argument("--user", default="ACCT1", help="the name that Sage's history shows")

    def handle(self, *, act: str, company: str, words: list[str], **options: Any) -> None:
        connection = self.connection(company)
        if not registry.has_sandbox(connection):
            self.refuse(f"{company} is not connected to a practice company.", code=MISCONFIGURED)
        practice = registry.sandbox_at(Path(connection.sandbox_path))
        try:
            if act in ("archive", "delete-job", "purge-history"):
                self._act_on_many(practice, act, words, options)
            else:
                self._act(practice, act, words, options["user"])
        except NoSuchRecord as refused:
            self.refuse(str(refused))

    def _act(self, practice: ErpSandbox, act: str, words: list[str], user: str) -> None:
        match act, words:
            case "list", []:
                self._list(practice)
            case (("delete" | "void" | "reject" | "restore"), [record]):
                getattr(practice, act)(record, user=user)
                self.report(f"{act}: record {record}", act=act, recnum=record)
            case "recreate", [record]:
                new = practice.recreate(record, user=user)
                self.report(f"recreate: record {new} carries the number now", act=act, recnum=new)
            case "renumber", [record, number]:
                practice.renumber(record, number, user=user)
                self.report(f"renumber: record {record} is {number} now", act=act, recnum=record)
            case "restore-backup", []:
                practice.restore_backup()
                self.report("restore-backup: the practice company is another database now", act=act)
            case "fault", []:
                self.report(f"fault: {practice.fault()}; known: {', '.join(practice.faults())}")
            case "fault", [*names] if len(names) in (1, 2):
                self._fault(practice, names)
            case _:
                self.refuse(f"wrong use of {act}; see --help", code=WRONG_USE)

    def _act_on_many(self, practice: ErpSandbox, act: str, words: list[str], options: dict[str, Any]) -> None:
        match act, words:
            case "archive", [job]:
                practice.archive(job, history=not options["without_history"])
                self.report(f"archive: job {job} with all that hung on it", act=act, jobnum=job)
            case "delete-job", [job]:
                practice.delete_job(job, user=options["user"])
                self.report(f"delete-job: job {job} with all that hung on it", act=act, jobnum=job)
            case "purge-history", [] if 0 <= options["days"] <= MOST_DAYS:
                purged = practice.purge_history(older_than_days=options["days"])
                self.report(f"purge-history: {purged} entries", act=act, entries=purged)
            case _:
                self.refuse(f"wrong use of {act}; see --help", code=WRONG_USE)

    def _fault(self, practice: ErpSandbox, names: list[str]) -> None:
        """The fault and the record in either order: record numbers are digits, faults are not."""
        record = next((name for name in names if name.isdigit()), None)
        faults = [name for name in names if name != record]
        if len(faults) != 1:
            self.refuse("name one fault", code=WRONG_USE)
        try:
            practice.set_fault(faults[0], record_number=record)
        except ValueError:
            known = ", ".join(practice.faults())
            self.refuse(f"There is no fault {faults[0]!r}; known: {known}", code=WRONG_USE)
        self.report(f"fault: {faults[0]}", act="fault", fault=faults[0], recnum=record)

    def _list(self, practice: ErpSandbox) -> None:
        for record in practice.change_orders():
            status = "Deleted" if record.deleted else record.status
            self.report(
                f"{record.record_number:>8}  {record.number:<12} job {record.job_record_number:<8}"
                f" {status:<9} {record.amount:>12}  {record.description}",
                recnum=record.record_number,
                idnum=str(record.row_id).upper(),
                jobnum=record.job_record_number,
                chgnum=record.number,
                status=status,
            )

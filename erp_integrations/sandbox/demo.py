"""The demo companies: what Sage held when everything was exported, mirrored here and linked."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    CommitmentLine,
    CommitmentStatus,
    CostCode,
    CostType,
    ErpStatus,
    Vendor,
)
from companies.clock import database_now
from companies.demo_people import DEMO_PEOPLE, PASSWORD, DemoPerson
from companies.models import (
    Company,
    CompanyTool,
    CompanyToolPermission,
    DirectoryEventKind,
    Membership,
    Project,
    ProjectTool,
    ProjectToolPermission,
    User,
)
from companies.operations.change_privilege import PRIVILEGE
from companies.operations.record_history import append_event
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.exports import review, run_export, submit
from erp_integrations.ledger.actors import Actor
from erp_integrations.links import create_link
from erp_integrations.models import Connection, Via
from erp_integrations.ports import (
    ErpChangeOrder,
    ErpChangeOrderLine,
    ErpSandbox,
    ErpSubcontract,
    SandboxCompany,
    SandboxScenario,
)
from erp_integrations.record_links import operations as record_links
from erp_integrations.workflow.errors import ExportFailed

COMPANIES = {"harbor-point": "Harbor Point Builders", "ridgeline": "Ridgeline Civil"}
MOST_MISSING_PERCENT = 50
"""More than anywhere else: the scenarios delete, and so does whoever practises."""
LOADER = Actor(user_id=None, name="Plumbline demo", via=Via.DEMO)

APPROVED = ChangeOrderStatus.APPROVED
WAITING: tuple[tuple[str, ChangeOrderStatus, ErpStatus, str], ...] = (
    ("Extra dewatering at north pit", APPROVED, ErpStatus.READY_TO_EXPORT, "4200.00"),
    ("Overtime for slab pour", APPROVED, ErpStatus.READY_TO_EXPORT, "7350.00"),
    ("Winter protection", APPROVED, ErpStatus.READY_TO_EXPORT, "11800.00"),
    ("Embed plates revised", APPROVED, ErpStatus.FAILED_TO_EXPORT, "2960.00"),
    ("Credit for unused rebar", APPROVED, ErpStatus.REJECTED, "-1840.00"),
    ("Formwork at loading dock", APPROVED, ErpStatus.REJECTED, "5120.00"),
    ("Waterstop at cold joint", ChangeOrderStatus.PENDING_IN_REVIEW, ErpStatus.NOT_IN_ERP, "1475.00"),
    ("Core drilling for sleeves", ChangeOrderStatus.DRAFT, ErpStatus.NOT_IN_ERP, "860.00"),
)
"""CCOs of the first commitment that are not in Sage: title, status, how far accounting got, amount."""
REASON = "The amount is not the one on the signed change order. Please attach it, and correct the line."

IN_ORDER_OF = "1210"
IN_ORDER = (
    ("Sprinkler heads at lobby", "3150.00"),
    ("Standpipe at stair B", "6400.00"),
    ("Move fire department valve", "1275.00"),
)
"""CCOs of one subcontract, not in Sage, approved one after the other, a day apart."""

PURCHASE_ORDER_OF = ("2611", "301")
"""The job, and the vendor, of the demo's purchase order."""


def load_demo(folder: Path) -> None:
    """Every company in a folder of its own under `folder`, the people, and what they have done so far."""
    for slug in COMPANIES:
        load_company(slug, folder=folder / slug)
    load_people()
    send_what_waits("harbor-point", folder=folder / "harbor-point")


def load_company(slug: str, *, folder: Path) -> Company:
    """Makes one demo company with its people, its practice Sage in `folder`, its CCOs and their links.

    Afterwards lets happen in Sage what the scenarios tell of. Must not be called inside a transaction.
    """
    practice = registry.sandbox_at(folder, name=slug)
    practice.create()
    books = practice.company()
    with transaction.atomic(durable=True):
        company = Company.objects.create(slug=slug, name=COMPANIES[slug])
        mirror = _Mirror(company, books)
    connection = connect.set_connection(
        company=company,
        address=connect.Address(kind=registry.SANDBOX, database=books.name, sandbox_path=folder),
        actor=LOADER,
    )
    connect.check_connection(connection_id=connection.pk, actor=LOADER)
    Connection.objects.filter(pk=connection.pk).update(most_missing_percent=MOST_MISSING_PERCENT)
    mirror.link_everything()
    practice.play()
    return company


def load_people() -> None:
    """The people of the demo, with their levels on every project of their company."""
    for person in DEMO_PEOPLE:
        with transaction.atomic(durable=True):
            _load_person(person)


def _load_person(person: DemoPerson) -> None:
    user = user_of(person)
    if person.company is not None:
        let_in(user, person, Company.objects.get(slug=person.company))


def user_of(person: DemoPerson) -> User:
    """The person's account, made where there is none."""
    user = User.objects.filter(username=person.username).first()
    if user is not None:
        return user
    user = User(
        username=person.username,
        is_staff=person.staff,
        is_superuser=person.staff,
        email=f"{person.username}@example.com",
    )
    user.set_password(PASSWORD)
    user.save()
    return user


def let_in(user: User, person: DemoPerson, company: Company) -> None:
    """The person's entry in the company's Directory, with the levels, on every project that is there."""
    membership = Membership.objects.create(
        company=company, user=user, can_push_to_accounting=person.can_push_to_accounting
    )
    if person.can_push_to_accounting:
        append_event(
            kind=DirectoryEventKind.PRIVILEGE_GRANTED,
            membership=membership,
            actor=None,
            actor_name=LOADER.name,
            now=database_now(),
            rights="the demo",
            what=PRIVILEGE,
            before="no",
            after="yes",
            reason=person.who,
        )
    CompanyToolPermission.objects.bulk_create(
        CompanyToolPermission(membership=membership, tool=tool, level=level)
        for tool, level in (
            (CompanyTool.ERP_INTEGRATIONS, person.erp_integrations),
            (CompanyTool.DIRECTORY, person.directory),
        )
    )
    ProjectToolPermission.objects.bulk_create(
        ProjectToolPermission(
            membership=membership, project=project, tool=ProjectTool.COMMITMENTS, level=person.commitments
        )
        for project in company.projects.all()
    )


class _Mirror:
    """Our own rows for everything in the books, and the way from theirs to ours."""

    def __init__(self, company: Company, books: SandboxCompany) -> None:
        self.company = company
        self.books = books
        self.cost_codes = {
            code: CostCode.objects.create(company=company, code=code, name=name)
            for code, name in books.cost_codes
        }
        self.cost_types = {
            code: CostType.objects.create(company=company, code=code, name=name)
            for code, name in books.cost_types
        }
        self.vendors = {
            vendor.record_number: Vendor.objects.create(
                company=company, number=vendor.record_number, name=vendor.name
            )
            for vendor in books.vendors
        }
        self.projects = {
            job.record_number: Project.objects.create(
                company=company, number=job.record_number, name=job.name
            )
            for job in books.jobs
        }
        # What has no change order yet is left for people to tie.
        exported_to = {scenario.subcontract_record_number for scenario in books.scenarios}
        self.commitments = {
            subcontract.record_number: self._commitment(subcontract)
            for subcontract in books.subcontracts
            if subcontract.record_number in exported_to
        }
        records = {record.record_number: record for record in books.change_orders}
        self.change_orders = [
            (scenario, self._change_order(scenario, records[scenario.record_number]))
            for scenario in books.scenarios
        ]
        if company.slug == "harbor-point":
            self._waiting_change_orders()
            self._change_orders_approved_in_order()
            self._purchase_order()

    def link_everything(self) -> None:
        for record_number, project in self.projects.items():
            record_links.link_job(project=project, record_number=record_number, actor=LOADER)
        for record_number, vendor in self.vendors.items():
            record_links.link_vendor(vendor=vendor, record_number=record_number, actor=LOADER)
        for record_number, commitment in self.commitments.items():
            record_links.link_commitment(commitment=commitment, record_number=record_number, actor=LOADER)
        for scenario, change_order in self.change_orders:
            create_link.link_change_order(
                change_order_id=change_order.pk,
                record_number=scenario.record_number,
                subcontract_record_number=scenario.subcontract_record_number,
                actor=LOADER,
            )

    def _commitment(self, subcontract: ErpSubcontract) -> Commitment:
        project = self.projects[subcontract.job_record_number]
        commitment = Commitment.objects.create(
            project=project,
            kind=CommitmentKind.SUBCONTRACT,
            number=f"SC-{subcontract.record_number}",
            title=subcontract.description,
            vendor=self.vendors[subcontract.vendor_record_number],
            status=CommitmentStatus.APPROVED,
        )
        CommitmentLine.objects.bulk_create(
            CommitmentLine(
                commitment=commitment,
                position=line.line_number,
                description=line.description,
                cost_code=self.cost_codes[line.cost_code],
                cost_type=self.cost_types[line.cost_type],
                amount=line.amount,
            )
            for line in subcontract.lines
        )
        return commitment

    def _change_order(self, scenario: SandboxScenario, record: ErpChangeOrder) -> CommitmentChangeOrder:
        commitment = self.commitments[scenario.subcontract_record_number]
        change_order = self._new_change_order(
            commitment,
            title=scenario.title,
            description=scenario.description,
            status=ChangeOrderStatus.APPROVED,
        )
        lines = [
            line
            for line in record.lines
            if line.subcontract_record_number == scenario.subcontract_record_number
        ]
        ChangeOrderLine.objects.bulk_create(
            self._line(change_order, position, line) for position, line in enumerate(lines, start=1)
        )
        # Its lines are there, and it may be linked: nobody sent it, it is as it was when all links were made.
        CommitmentChangeOrder.objects.filter(pk=change_order.pk).update(erp_status=ErpStatus.READY_TO_EXPORT)
        return change_order

    def _new_change_order(
        self,
        commitment: Commitment,
        *,
        title: str,
        description: str,
        status: str,
        approved_at: datetime | None = None,
    ) -> CommitmentChangeOrder:
        return CommitmentChangeOrder.objects.create(
            commitment=commitment,
            number=f"{commitment.change_orders.count() + 1:03}",
            title=title,
            description=description,
            status=status,
            approved_at=approved_at,
            created_by_name=LOADER.name,
        )

    def _line(
        self, change_order: CommitmentChangeOrder, position: int, line: ErpChangeOrderLine
    ) -> ChangeOrderLine:
        return ChangeOrderLine(
            change_order=change_order,
            position=position,
            commitment_line=change_order.commitment.lines.filter(
                position=int(line.subcontract_line or 0)
            ).first(),
            description=line.description,
            cost_code=self.cost_codes[line.cost_code],
            cost_type=self.cost_types[line.cost_type],
            amount=line.amount,
        )

    def _waiting_change_orders(self) -> None:
        commitment = next(iter(self.commitments.values()))
        for title, status, _, amount in WAITING:
            change_order = self._new_change_order(commitment, title=title, description="", status=status)
            self._one_line(change_order, amount)

    def _change_orders_approved_in_order(self) -> None:
        first_approved_at = database_now() - timedelta(days=len(IN_ORDER))
        for days, (title, amount) in enumerate(IN_ORDER):
            change_order = self._new_change_order(
                self.commitments[IN_ORDER_OF],
                title=title,
                description="",
                status=ChangeOrderStatus.APPROVED,
                approved_at=first_approved_at + timedelta(days=days),
            )
            self._one_line(change_order, amount)

    def _purchase_order(self) -> None:
        job, vendor = PURCHASE_ORDER_OF
        order = Commitment.objects.create(
            project=self.projects[job],
            kind=CommitmentKind.PURCHASE_ORDER,
            number="PO-5001",
            title="Anchor bolts and embeds",
            vendor=self.vendors[vendor],
            status=CommitmentStatus.APPROVED,
            created_by_name=LOADER.name,
        )
        CommitmentLine.objects.create(
            commitment=order,
            position=1,
            description="Anchor bolts",
            cost_code=next(iter(self.cost_codes.values())),
            cost_type=next(iter(self.cost_types.values())),
            amount=Decimal("18600.00"),
        )
        change_order = self._new_change_order(
            order, title="Longer bolts at grid A", description="", status=ChangeOrderStatus.APPROVED
        )
        self._one_line(change_order, "940.00")

    def _one_line(self, change_order: CommitmentChangeOrder, amount: str) -> None:
        """Changes the first line of its commitment."""
        line = change_order.commitment.lines.order_by("position").first()
        assert line is not None, "the commitment has lines"
        ChangeOrderLine.objects.create(
            change_order=change_order,
            position=1,
            commitment_line=line,
            description=change_order.title,
            cost_code=line.cost_code,
            cost_type=line.cost_type,
            amount=Decimal(amount),
        )


# --- what the people have done -------------------------------------------------------------------


def send_what_waits(slug: str, *, folder: Path) -> None:
    """Lets people take the CCOs of WAITING as far as they got, by the operations that people use."""
    company = Company.objects.get(slug=slug)
    team, approver = _person("project-manager"), _person("approver")
    for title, _, wanted, _ in WAITING:
        if wanted == ErpStatus.NOT_IN_ERP:
            continue
        cco = CommitmentChangeOrder.objects.get(title=title, commitment__project__company=company)
        submit.send_change_order(company_id=company.pk, change_order_id=cco.pk, actor=team)
        if wanted == ErpStatus.REJECTED:
            review.reject_change_order(
                company_id=company.pk, change_order_id=cco.pk, reason=REASON, actor=approver
            )
        if wanted == ErpStatus.FAILED_TO_EXPORT:
            _accept(cco, company=company, actor=approver)
            _fail_to_export(cco, company=company, practice=registry.sandbox_at(folder), actor=approver)
    connect.check_connection(connection_id=company.erp_connection.pk, actor=LOADER)  # it answers again


def _person(username: str) -> Actor:
    user = User.objects.get(username=username)
    return Actor(user_id=user.pk, name=user.name, via=Via.DEMO)


def _accept(cco: CommitmentChangeOrder, *, company: Company, actor: Actor) -> None:
    """Signs off what is shown, under the CCO's own number."""
    shown = review.preview_export(
        company_id=company.pk,
        change_order_id=cco.pk,
        erp_number=cco.number,
        writer=registry.SANDBOX_WRITER,
    )
    review.accept_change_order(
        company_id=company.pk,
        change_order_id=cco.pk,
        erp_number=cco.number,
        writer=registry.SANDBOX_WRITER,
        token=shown.token,
        actor=actor,
    )


def _fail_to_export(
    cco: CommitmentChangeOrder, *, company: Company, practice: ErpSandbox, actor: Actor
) -> None:
    practice.set_fault("offline")
    try:
        run_export.export_change_order(company_id=company.pk, change_order_id=cco.pk, actor=actor)
    except ExportFailed:
        practice.set_fault("none")

"""Loads a company of any size and its sandbox company. All constraints and triggers stay on.

The demo's loader uses the operations, one CCO at a time; this one creates batches of Synced CCOs with links
and events, one transaction each.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import transaction

from commitments.models import (
    Commitment,
    CommitmentKind,
    CommitmentLine,
    CommitmentStatus,
    CostCode,
    CostType,
    Vendor,
)
from companies.clock import database_now
from companies.demo_people import DEMO_PEOPLE
from companies.models import Company, Project
from erp_integrations.connections import connect
from erp_integrations.erp import registry
from erp_integrations.ledger.events import RIGHTS_WITHOUT_PERSON
from erp_integrations.models import (
    CommitmentLink,
    Connection,
    EventKind,
    JobLink,
    LinkEvent,
    VendorLink,
)
from erp_integrations.policies import RECONCILE_INTERVAL
from erp_integrations.ports import ErpJob, ErpSubcontract, ErpVendor
from erp_integrations.sandbox.demo import let_in, user_of
from tests.bench.load.company_data import (
    COST_CODE,
    COST_TYPE,
    BulkChangeOrder,
    BulkCompany,
    bulk_change_orders,
    bulk_company,
)
from tests.bench.load.sage_company import BulkSandbox
from tests.bench.load.sync_change_orders import LOADER, CompanyRows, sync_change_orders, vacuum

PEOPLE = ("approver", "erp-admin")
"""Who made the links, by turns."""

BATCH = 10_000
"""CCOs of one transaction."""

THREADS = 2
"""Batches written at the same time, each over its own connection."""

Progress = Callable[[int], None]


class CompanyExists(Exception):
    """There is a company with that slug; nothing was changed."""


def load_company(
    slug: str, *, links: int, missing_percent: float, folder: Path, progress: Progress = lambda _done: None
) -> Company:
    """Makes the company with so many Synced CCOs, and its practice Sage in `folder` without some of them.

    `progress` is told how many CCOs are there. Where DEMO is on, the people of the demo's first company may
    sign in here too. Must not be called inside a transaction. Raises `CompanyExists`.
    """
    if Company.objects.filter(slug=slug).exists():
        raise CompanyExists
    now = database_now()
    name = f"{slug.replace('-', ' ').title()} with {links:,} links"
    practice = BulkSandbox(folder)
    books = bulk_company(links)
    practice.make(name, jobs=books.jobs, vendors=books.vendors, subcontracts=books.subcontracts)
    ours = _make_company(slug, name, books, folder=folder, now=now)

    def change_orders() -> Iterator[BulkChangeOrder]:
        return bulk_change_orders(books, links, missing_percent=missing_percent, people=PEOPLE, now=now)

    # SQLite fills its files while PostgreSQL fills its own, over two connections: its triggers are the work.
    with ThreadPoolExecutor(max_workers=1) as beside, ThreadPoolExecutor(max_workers=THREADS) as threads:
        filling = beside.submit(practice.fill, (one.record for one in change_orders()))
        left, done = change_orders(), 0
        under_way: deque[tuple[int, Future[None]]] = deque()
        while (some := list(islice(left, BATCH))) or under_way:
            if some:
                under_way.append((len(some), threads.submit(sync_change_orders, some, ours)))
            if not some or len(under_way) > THREADS:
                count, batch = under_way.popleft()
                batch.result()
                done += count
                progress(done)
        filling.result()
    vacuum()
    return ours.company


# --- what change orders refer to --------------------------------------------------------------------


def _make_company(slug: str, name: str, books: BulkCompany, *, folder: Path, now: datetime) -> CompanyRows:
    """Makes the company, its people, its connection and all linked records except CCOs."""
    with transaction.atomic(durable=True):
        company = Company.objects.create(slug=slug, name=name[:100])
    connection = connect.set_connection(
        company=company,
        address=connect.Address(kind=registry.SANDBOX, database=name, sandbox_path=folder),
        actor=LOADER,
    )
    connection = connect.check_connection(connection_id=connection.pk, actor=LOADER).connection
    with transaction.atomic(durable=True):
        # As large as a real company, and compared as often: a run reads all that its books hold.
        minutes = RECONCILE_INTERVAL // timedelta(minutes=1)
        Connection.objects.filter(pk=connection.pk).update(reconcile_every_minutes=minutes)
        code = CostCode.objects.create(company=company, code=COST_CODE, name="General")
        kind = CostType.objects.create(company=company, code=COST_TYPE, name="Subcontract")
        projects = Project.objects.bulk_create(
            Project(company=company, number=one.record_number, name=one.name) for one in books.jobs
        )
        vendors = Vendor.objects.bulk_create(
            Vendor(company=company, number=one.record_number, name=one.name) for one in books.vendors
        )
        by_job = {one.number: one for one in projects}
        by_vendor = {one.number: one for one in vendors}
        commitments = Commitment.objects.bulk_create(
            Commitment(
                project=by_job[one.job_record_number],
                kind=CommitmentKind.SUBCONTRACT,
                number=f"SC-{one.record_number}",
                title=one.description,
                vendor=by_vendor[one.vendor_record_number],
                status=CommitmentStatus.APPROVED,
                created_by_name=LOADER.name,
            )
            for one in books.subcontracts
        )
        lines = CommitmentLine.objects.bulk_create(
            CommitmentLine(
                commitment=commitment,
                position=1,
                description=one.lines[0].description,
                cost_code=code,
                cost_type=kind,
                amount=one.lines[0].amount,
            )
            for commitment, one in zip(commitments, books.subcontracts, strict=True)
        )
        _make_links(connection, books, projects, vendors, commitments, now=now)
    _add_demo_people(company)
    job_row_ids = {one.record_number: str(one.row_id) for one in books.jobs}
    return CompanyRows(company, connection, commitments, lines, job_row_ids)


def _make_links(
    connection: Connection,
    books: BulkCompany,
    projects: Sequence[Project],
    vendors: Sequence[Vendor],
    commitments: Sequence[Commitment],
    *,
    now: datetime,
) -> None:
    """Links projects to jobs, contract companies to vendors, commitments to subcontracts."""

    def columns(record: ErpJob | ErpVendor | ErpSubcontract) -> dict[str, object]:
        return {
            "connection": connection,
            "row_id": record.row_id,
            "record_number": record.record_number,
            "linked_at": now,
            "linked_by_name": LOADER.name,
            "last_seen_at": now,
        }

    jobs = JobLink.objects.bulk_create(
        JobLink(project=ours, **columns(theirs)) for ours, theirs in zip(projects, books.jobs, strict=True)
    )
    firms = VendorLink.objects.bulk_create(
        VendorLink(vendor=ours, **columns(theirs))
        for ours, theirs in zip(vendors, books.vendors, strict=True)
    )
    subcontracts = CommitmentLink.objects.bulk_create(
        CommitmentLink(commitment=ours, number=theirs.number, **columns(theirs))
        for ours, theirs in zip(commitments, books.subcontracts, strict=True)
    )
    tied: list[tuple[str, int, str, str, JobLink | VendorLink | CommitmentLink]] = [
        *(
            ("project", p.pk, f"Project {p.number} {p.name}", p.number, link)
            for p, link in zip(projects, jobs, strict=True)
        ),
        *(
            ("vendor", v.pk, f"Vendor {v.number} {v.name}", "", link)
            for v, link in zip(vendors, firms, strict=True)
        ),
        *(
            ("commitment", c.pk, f"{c.number} {c.title} ({c.project.name})", c.project.number, link)
            for c, link in zip(commitments, subcontracts, strict=True)
        ),
    ]
    LinkEvent.objects.bulk_create(
        LinkEvent(
            at=now,
            company_id=connection.company_id,
            company_slug=connection.company.slug,
            subject_kind=kind,
            subject_id=subject_id,
            subject_label=label,
            project_number=number,
            link_id=link.pk,
            kind=EventKind.LINKED,
            actor_name=LOADER.name,
            via=LOADER.via,
            rights=RIGHTS_WITHOUT_PERSON[LOADER.via],
            evidence={"record_number": link.record_number, "row_id": str(link.row_id)},
        )
        for kind, subject_id, label, number, link in tied
    )


def _add_demo_people(company: Company) -> None:
    if not settings.DEMO:  # elsewhere support gives people access
        return
    for person in DEMO_PEOPLE:
        if person.company == DEMO_PEOPLE[0].company:
            with transaction.atomic(durable=True):
                let_in(user_of(person), person, company)

"""Tying what a CCO hangs on: projects to jobs, vendors to vendors, commitments to subcontracts.

As with CCOs, the record is read in the ERP first, never taken on hearsay; and nothing is asked about what is
tied already.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from commitments.models import Commitment, CommitmentKind, CommitmentLine, Vendor
from companies.clock import database_now
from companies.models import Company, Project
from erp_integrations.erp import calls, registry
from erp_integrations.erp.connection_state import note_answer
from erp_integrations.ledger.actors import Actor
from erp_integrations.ledger.events import append_event
from erp_integrations.links.create_link import lock_connection, require_unchanged
from erp_integrations.models import (
    CommitmentLineLink,
    CommitmentLink,
    Connection,
    EventKind,
    JobLink,
    VendorLink,
    Via,
)
from erp_integrations.models.links import Link
from erp_integrations.policies import may_link_records
from erp_integrations.ports import (
    Deadline,
    ErpError,
    ErpJob,
    ErpReader,
    ErpSubcontract,
    ErpVendor,
    NotInErp,
)
from erp_integrations.record_links.line_matches import match_lines
from erp_integrations.workflow.errors import (
    AlreadyLinkedToRecord,
    AnotherRecord,
    CouldNotAsk,
    NoRecord,
    OfAnother,
    OnlySubcontracts,
    RecordTaken,
)
from erp_integrations.workflow.transitions import access_of, require

Record = TypeVar("Record", ErpJob, ErpVendor, ErpSubcontract)
Tied = TypeVar("Tied", bound=Link)


@dataclass(frozen=True, slots=True)
class LinkSubject:
    """What is linked, as the ledger calls it."""

    kind: str
    company: Company
    row: QuerySet[Any]
    label: str
    project_number: str = ""
    """Empty for vendors, which span projects."""

    def lock(self) -> int:
        """Its id; it cannot be deleted until the transaction ends. Raises its `DoesNotExist`."""
        return int(self.row.select_for_update(no_key=True).get().pk)


def project_subject(project: Project) -> LinkSubject:
    return LinkSubject(
        "project",
        project.company,
        Project.objects.filter(pk=project.pk),
        f"Project {project.number} {project.name}",
        project_number=project.number,
    )


def vendor_subject(vendor: Vendor) -> LinkSubject:
    return LinkSubject(
        "vendor",
        vendor.company,
        Vendor.objects.filter(pk=vendor.pk),
        f"Vendor {vendor.number} {vendor.name}",
    )


def commitment_subject(commitment: Commitment) -> LinkSubject:
    project = commitment.project
    return LinkSubject(
        "commitment",
        project.company,
        Commitment.objects.filter(pk=commitment.pk),
        f"{commitment.number} {commitment.title} ({project.name})",
        project_number=project.number,
    )


def record_link_event(
    kind: EventKind,
    link: Link,
    subject: LinkSubject,
    subject_id: int,
    *,
    actor: Actor,
    now: datetime,
    rights: str,
    reason: str = "",
) -> None:
    """The event of a link that was made or ended, in the transaction that does it."""
    append_event(
        kind=kind,
        company=subject.company,
        subject_kind=subject.kind,
        subject_id=subject_id,
        subject_label=subject.label,
        project_number=subject.project_number,
        actor=actor,
        now=now,
        rights=rights,
        reason=reason,
        evidence={"record_number": link.record_number, "row_id": str(link.row_id)},
        link_id=link.pk,
    )


# --- looking, before and for the link ------------------------------------------------------------


def read_job(*, company: Company, record_number: str) -> ErpJob:
    """Raises `NoRecord`, `CouldNotAsk`; so do the other two."""
    return _job(_connection_of(company), record_number)


def read_vendor(*, company: Company, record_number: str) -> ErpVendor:
    return _vendor(_connection_of(company), record_number)


def read_subcontract(*, company: Company, record_number: str) -> ErpSubcontract:
    return _subcontract(_connection_of(company), record_number)


def _job(connection: Connection, number: str) -> ErpJob:
    return _read(connection, number, lambda reader, until: reader.read_job(number, deadline=until))


def _vendor(connection: Connection, number: str) -> ErpVendor:
    return _read(connection, number, lambda reader, until: reader.read_vendor(number, deadline=until))


def _subcontract(connection: Connection, number: str) -> ErpSubcontract:
    return _read(connection, number, lambda reader, until: reader.read_subcontract(number, deadline=until))


def _connection_of(company: Company) -> Connection:
    connection = Connection.objects.filter(company=company).first()
    if connection is None:
        raise CouldNotAsk(calls.NOT_CONNECTED)
    return connection


# --- tying ---------------------------------------------------------------------------------------


def link_job(*, project: Project, record_number: str, actor: Actor, seen: uuid.UUID | None = None) -> JobLink:
    """Ties a project to its job. `seen` is the row id of the record that the person was shown.

    Must not be called inside a transaction. Raises `NotAllowed`, `AlreadyLinkedToRecord`, `NoRecord`,
    `CouldNotAsk`, `AnotherRecord`, `RecordTaken`, `TakenOver`, and `DoesNotExist` where it was
    deleted meanwhile; so do the other two.
    """
    company = project.company
    _require_untied(JobLink.objects.filter(project=project), actor, company)
    asked, job = _ask(_job, company, record_number, seen)
    return _tie(
        lambda connection, now: JobLink.objects.create(
            project=project, **_columns(connection, job, actor, now)
        ),
        asked=asked,
        subject=project_subject(project),
        actor=actor,
    )


def link_vendor(
    *, vendor: Vendor, record_number: str, actor: Actor, seen: uuid.UUID | None = None
) -> VendorLink:
    """Ties a contract company to its vendor."""
    company = vendor.company
    _require_untied(VendorLink.objects.filter(vendor=vendor), actor, company)
    asked, record = _ask(_vendor, company, record_number, seen)
    return _tie(
        lambda connection, now: VendorLink.objects.create(
            vendor=vendor, **_columns(connection, record, actor, now)
        ),
        asked=asked,
        subject=vendor_subject(vendor),
        actor=actor,
    )


def link_commitment(
    *, commitment: Commitment, record_number: str, actor: Actor, seen: uuid.UUID | None = None
) -> CommitmentLink:
    """Ties a commitment to its subcontract, which must be of the job and the vendor that ours are tied to.

    Raises `OnlySubcontracts`, `OfAnother` too.
    """
    company = commitment.project.company
    _require_untied(CommitmentLink.objects.filter(commitment=commitment), actor, company)
    if commitment.kind != CommitmentKind.SUBCONTRACT:
        raise OnlySubcontracts
    asked, record = _ask(_subcontract, company, record_number, seen)
    _require_ours(commitment, record)

    def make(connection: Connection, now: datetime) -> CommitmentLink:
        link = CommitmentLink.objects.create(
            commitment=commitment, number=record.number, **_columns(connection, record, actor, now)
        )
        _link_lines(link, record)
        return link

    return _tie(
        make,
        asked=asked,
        subject=commitment_subject(commitment),
        actor=actor,
    )


def _link_lines(link: CommitmentLink, record: ErpSubcontract) -> None:
    """Ties each line of the schedule of values that the subcontract holds. The commitment must be locked."""
    assert link.commitment is not None, "a link begins with its commitment"
    CommitmentLineLink.objects.bulk_create(
        CommitmentLineLink(
            link=link,
            commitment_line=one.ours,
            row_id=one.theirs.row_id,
            line_number=one.theirs.line_number,
            description=one.theirs.description,
            cost_code=one.theirs.cost_code,
            cost_type=one.theirs.cost_type,
            amount=one.theirs.amount,
        )
        for one in match_lines(commitment_lines(link.commitment), record.lines)
        if one.ours and one.theirs and one.theirs.row_id
    )


def commitment_lines(commitment: Commitment) -> list[CommitmentLine]:
    """Its schedule of values, by position, with cost codes and types."""
    return list(commitment.lines.select_related("cost_code", "cost_type").order_by("position"))


def _require_untied(links: QuerySet[Tied], actor: Actor, company: Company) -> None:
    _rights(actor, company)
    if links.filter(unlinked_at=None).exists():
        raise AlreadyLinkedToRecord


def _ask(
    read: Callable[[Connection, str], Record], company: Company, record_number: str, seen: uuid.UUID | None
) -> tuple[Connection, Record]:
    """The record, where it is the one that was shown, and the connection it was read through."""
    asked = _connection_of(company)
    return asked, _the_one(read(asked, record_number), seen)


def _require_ours(commitment: Commitment, record: ErpSubcontract) -> None:
    job = JobLink.objects.filter(project=commitment.project_id, unlinked_at=None).first()
    if job is not None and job.record_number != record.job_record_number:
        raise OfAnother("job", theirs=record.job_record_number, ours=job.record_number)
    vendor = VendorLink.objects.filter(vendor=commitment.vendor_id, unlinked_at=None).first()
    if vendor is not None and vendor.record_number != record.vendor_record_number:
        raise OfAnother("vendor", theirs=record.vendor_record_number, ours=vendor.record_number)


def _the_one(record: Record, seen: uuid.UUID | None) -> Record:
    if seen not in (None, record.row_id):
        raise AnotherRecord
    return record


def _columns(
    connection: Connection, record: ErpJob | ErpVendor | ErpSubcontract, actor: Actor, now: datetime
) -> dict[str, object]:
    """What every link holds."""
    return {
        "connection": connection,
        "row_id": record.row_id,
        "record_number": record.record_number,
        "linked_at": now,
        "linked_by_id": actor.user_id,
        "linked_by_name": actor.name,
        "last_seen_at": now,
    }


def _tie(
    make: Callable[[Connection, datetime], Tied],
    *,
    asked: Connection,
    subject: LinkSubject,
    actor: Actor,
) -> Tied:
    """The row and its event, of the connection that was asked; the constraints tell who was quicker."""
    try:
        with transaction.atomic(durable=True):
            locked = lock_connection(asked)
            subject_id = subject.lock()
            rights = _rights(actor, subject.company)
            connection = require_unchanged(locked, asked)
            now = database_now()
            note_answer(connection, None, now=now)
            link = make(connection, now)
            record_link_event(
                EventKind.LINKED, link, subject, subject_id, actor=actor, now=now, rights=rights
            )
            return link
    except IntegrityError as error:
        if "one_active_per_record" in str(error):
            raise RecordTaken from None
        if "one_active_per_subject" in str(error):
            raise AlreadyLinkedToRecord from None
        raise


def _rights(actor: Actor, company: Company) -> str:
    """The person's; the demo's loader is nobody in the Directory."""
    if actor.via == Via.DEMO:
        return ""
    return require(may_link_records(access_of(actor, company_id=company.pk)))


def _read(
    connection: Connection, record_number: str, question: Callable[[ErpReader, Deadline], Record]
) -> Record:
    deadline = Deadline.after(settings.SAGE_DEADLINE_SECONDS)
    try:
        reader = registry.reader_for(registry.spec_of(connection))
        return calls.answer_to(partial(question, reader), deadline=deadline)
    except NotInErp:
        raise NoRecord(record_number) from None
    except ErpError as error:
        raise CouldNotAsk(error.fault) from None

"""Ends the link of a job or vendor, and takes back a commitment's link that nothing was built on.

Jobs and vendors stay in the ERP, so it is not asked: what stands in the way is here. The database refuses the
same, for whatever writes there (`models/links.sql`).
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from commitments.models import Commitment, CommitmentChangeOrder, ErpStatus, Vendor
from companies.clock import database_now
from companies.models import Project
from erp_integrations.ledger.actors import Actor
from erp_integrations.links.create_link import lock_connection
from erp_integrations.models import (
    ChangeOrderLink,
    CommitmentLink,
    EventKind,
    Export,
    JobLink,
    VendorLink,
)
from erp_integrations.models.links import Link
from erp_integrations.policies import may_unlink, may_unlink_records
from erp_integrations.record_links.operations import (
    LinkSubject,
    commitment_subject,
    project_subject,
    record_link_event,
    vendor_subject,
)
from erp_integrations.workflow.errors import LinkInUse, RecordNotLinked
from erp_integrations.workflow.transitions import access_of, require

MOST_NAMED = 3
"""Things in the way that a refusal names; the others are counted."""


def unlink_job(*, project: Project, actor: Actor) -> Link:
    """Ends the project's link to its job. The job stays in the ERP, and is not asked about.

    Must not be called inside a transaction. Raises `NotAllowed`, `RecordNotLinked`, and `LinkInUse` while
    anything of the project is linked.
    """
    commitments = Commitment.objects.filter(project=project)
    return _end(
        JobLink.objects.filter(project=project),
        subject=project_subject(project),
        in_the_way=lambda: _linked_under(commitments),
        rights=lambda: require(may_unlink_records(access_of(actor, company_id=project.company_id))),
        reason="job-stays",
        actor=actor,
    )


def unlink_vendor(*, vendor: Vendor, actor: Actor) -> Link:
    """As `unlink_job`; refused while a commitment with the vendor is linked."""
    commitments = Commitment.objects.filter(vendor=vendor)
    return _end(
        VendorLink.objects.filter(vendor=vendor),
        subject=vendor_subject(vendor),
        in_the_way=lambda: _linked_under(commitments),
        rights=lambda: require(may_unlink_records(access_of(actor, company_id=vendor.company_id))),
        reason="vendor-stays",
        actor=actor,
    )


def take_back_commitment_link(*, commitment: Commitment, actor: Actor) -> Link:
    """Ends a commitment's link that was made by mistake, as long as nothing was linked or exported under it.

    That says nothing about the record, so the ERP is not asked. Must not be called inside a transaction.
    Raises `NotAllowed`, `RecordNotLinked`, `LinkInUse`.
    """
    project = commitment.project
    return _end(
        CommitmentLink.objects.filter(commitment=commitment),
        subject=commitment_subject(commitment),
        in_the_way=lambda: _built_on(commitment),
        rights=lambda: require(
            may_unlink(
                access_of(actor, company_id=project.company_id),
                project_id=project.pk,
                project_name=project.name,
            )
        ),
        reason="taken-back",
        actor=actor,
    )


def _end(
    links: QuerySet[Any],
    *,
    subject: LinkSubject,
    in_the_way: Callable[[], list[str]],
    rights: Callable[[], str],
    reason: str,
    actor: Actor,
) -> Link:
    rights()
    with transaction.atomic(durable=True):
        link: Link | None = links.select_for_update().filter(unlinked_at=None).first()
        if link is None:
            raise RecordNotLinked
        lock_connection(link.connection)  # linking something under it waits for this
        used = rights()
        if found := in_the_way():
            raise LinkInUse(tuple(found))
        now = database_now()
        link.unlinked_at, link.unlinked_by_id, link.unlinked_by_name = now, actor.user_id, actor.name
        link.save(update_fields=["unlinked_at", "unlinked_by_id", "unlinked_by_name"])
        record_link_event(
            EventKind.UNLINKED,
            link,
            subject,
            subject.lock(),
            actor=actor,
            now=now,
            rights=used,
            reason=reason,
        )
    return link


def _linked_under(commitments: QuerySet[Commitment]) -> list[str]:
    """What of these commitments is linked, in words."""
    linked = CommitmentLink.objects.filter(commitment__in=commitments, unlinked_at=None).order_by(
        "commitment__number", "pk"
    )
    ccos = ChangeOrderLink.objects.filter(
        change_order__commitment__in=commitments, unlinked_at=None
    ).order_by("cco_number", "pk")
    return _named(
        [
            *(
                f"Commitment {number} is linked to record {record}"
                for number, record in linked.values_list("commitment__number", "record_number")[:MOST_NAMED]
            ),
            *(
                f"CCO {number} is linked to record {record}"
                for number, record in ccos.values_list("cco_number", "record_number")[:MOST_NAMED]
            ),
        ],
        linked.count() + ccos.count(),
    )


def _built_on(commitment: Commitment) -> list[str]:
    """What was linked or exported under the commitment since its link was made, in words."""
    since = CommitmentLink.objects.get(commitment=commitment, unlinked_at=None).linked_at
    held = CommitmentChangeOrder.objects.filter(
        commitment=commitment, erp_status__in=(ErpStatus.EXPORTING, ErpStatus.FAILED_TO_EXPORT)
    )
    linked = ChangeOrderLink.objects.filter(change_order__commitment=commitment, linked_at__gte=since)
    exported = Export.objects.filter(change_order__commitment=commitment, accepted_at__gte=since)
    numbers = sorted(
        {
            *held.values_list("number", flat=True),
            *linked.values_list("cco_number", flat=True),
            *exported.values_list("change_order__number", flat=True),
        }
    )
    return _named([f"CCO {number} was linked or exported under it" for number in numbers], len(numbers))


def _named(words: Iterable[str], count: int) -> list[str]:
    named = list(words)[:MOST_NAMED]
    return [*named, f"{count - len(named)} more"] if count > len(named) else named

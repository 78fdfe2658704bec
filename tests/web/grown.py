"""Many rows of everything that grows with use, as they are: made here, without the acts that leave them."""

import uuid
from datetime import timedelta
from typing import Any

from commitments.models import HistoryEntry
from companies.clock import database_now
from companies.models import DirectoryEvent, OutgoingMail
from erp_integrations.models import (
    BulkUnlink,
    BulkUnlinkItem,
    ChangeOrderLink,
    CommitmentLink,
    ConfirmedDeletion,
    ConfirmedDeletionRecord,
    Export,
    IgnoredRecord,
    JobLink,
    LinkEvent,
    ReconcileRun,
    UnlinkAttempt,
    VendorLink,
)
from tests.web.many import commitments_in_projects, many_synced
from tests.world import World


def crowd(world: World, count: int) -> None:
    """So many rows of every table that grows."""
    now = database_now()
    commitments = commitments_in_projects(world, count)
    ccos = many_synced(world, count, commitments=commitments)
    links = list(ChangeOrderLink.objects.filter(change_order__in=ccos).order_by("id"))
    UnlinkAttempt.objects.bulk_create(attempt_on(link, state="STILL_IN_ERP") for link in links)
    bulks = BulkUnlink.objects.bulk_create(
        BulkUnlink(company=world.company, started_at=now, actor_id=1, actor_name="Approver") for _ in ccos
    )
    BulkUnlinkItem.objects.bulk_create(
        BulkUnlinkItem(bulk=bulk, link=link, change_order_id=cco.pk)
        for bulk, link, cco in zip(bulks, links, ccos, strict=True)
    )
    ReconcileRun.objects.bulk_create(
        ReconcileRun(
            connection=world.connection,
            state="COMPLETE",
            started_at=now,
            expires_at=now + timedelta(seconds=30),
            ended_at=now,
            actor_name="Plumbline",
            via="QUEUE",
            connection_revision=1,
        )
        for _ in ccos
    )
    Export.objects.bulk_create(
        Export(
            connection=world.connection,
            change_order=cco,
            sent_at=now,
            sent_by_name="Approver",
            ended_at=now,
            ended_by_name="Approver",
            outcome="RETRIEVED",
        )
        for cco in ccos
    )
    IgnoredRecord.objects.bulk_create(
        IgnoredRecord(
            connection=world.connection,
            row_id=uuid.uuid4(),
            record_number="1",
            reason="Entered in Sage by hand",
            ignored_at=now,
            ignored_by_id=1,
            ignored_by_name="Approver",
        )
        for _ in ccos
    )
    deletions = ConfirmedDeletion.objects.bulk_create(
        ConfirmedDeletion(
            connection=world.connection,
            incarnation="some database",
            reason="Deleted with its job",
            stated_at=now,
            stated_by_id=1,
            stated_by_name="Administrator",
        )
        for _ in ccos
    )
    ConfirmedDeletionRecord.objects.bulk_create(
        ConfirmedDeletionRecord(
            deletion=deletion, link=link, row_id=link.row_id, record_number=link.record_number
        )
        for deletion, link in zip(deletions, links, strict=True)
    )
    LinkEvent.objects.bulk_create(event(world, n) for n in range(count))
    DirectoryEvent.objects.bulk_create(
        DirectoryEvent(
            at=now,
            company_id=world.company.pk,
            company_slug=world.company.slug,
            membership_id=1,
            person_id=1,
            person_name="Approver",
            kind="LEVEL_CHANGED",
            actor_name="Approver",
            what="Commitments",
        )
        for _ in ccos
    )
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            at=now,
            company_id=world.company.pk,
            subject_kind="change-order",
            subject_id=cco.pk,
            subject_label="CCO",
            actor_name="Approver",
            what="Status",
        )
        for cco in ccos
    )
    OutgoingMail.objects.bulk_create(
        OutgoingMail(
            to_name="Approver", subject="Digest", body="x", about="x", message_id=str(n), queued_at=now
        )
        for n in range(count)
    )
    tie = {
        "connection": world.connection,
        "record_number": "1",
        "linked_at": now,
        "linked_by_name": "Loader",
        "last_seen_at": now,
    }
    for commitment in commitments:
        JobLink.objects.create(project=commitment.project, row_id=uuid.uuid4(), **tie)
        CommitmentLink.objects.create(commitment=commitment, number="1", row_id=uuid.uuid4(), **tie)
        VendorLink.objects.create(vendor=commitment.vendor, row_id=uuid.uuid4(), **tie)


def attempt_on(link: ChangeOrderLink, *, state: str) -> UnlinkAttempt:
    now = database_now()
    return UnlinkAttempt(
        link=link,
        state=state,
        started_at=now,
        expires_at=now + timedelta(seconds=30),
        ended_at=None if state == "CHECKING" else now,
        actor_id=1,
        actor_name="Approver",
        via="PAGE",
        connection_revision=1,
    )


def event(world: World, number: int, **told: Any) -> LinkEvent:
    return LinkEvent(
        **{
            "at": database_now(),
            "company_id": world.company.pk,
            "company_slug": world.company.slug,
            "subject_kind": "change-order",
            "subject_id": number + 1,
            "subject_label": f"CCO {number}",
            "kind": "CHECKED",
            "actor_name": "Approver",
            "via": "PAGE",
            **told,
        }
    )

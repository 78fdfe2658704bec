"""The ledger: what was done and asked, by whom, with which rights, on which evidence."""

from django.db import models
from django.db.models import Q


class EventKind(models.TextChoices):
    SENT = "SENT", "Sent to ERP"
    RETRIEVED = "RETRIEVED", "Retrieved by the project team"
    REJECTED = "REJECTED", "Rejected by accounting"
    ACCEPTED = "ACCEPTED", "Accepted for export"
    EXPORT_FAILED = "EXPORT_FAILED", "Export failed"
    EXPORT_RETRIED = "EXPORT_RETRIED", "Export tried again"
    LINKED = "LINKED", "Linked"
    RELINKED = "RELINKED", "Relinked: the same record is back"
    LINK_MOVED = "LINK_MOVED", "Link moved to another record"
    UNLINKED = "UNLINKED", "Unlinked"
    STILL_IN_ERP = "STILL_IN_ERP", "Unlink refused: still in Sage"
    NO_ANSWER = "NO_ANSWER", "Unlink not decided: no trustworthy answer"
    NOT_ALLOWED = "NOT_ALLOWED", "Unlink not decided: rights lost meanwhile"
    ATTEMPT_FREED = "ATTEMPT_FREED", "Stuck attempt freed by support"
    PRESENCE_CHANGED = "PRESENCE_CHANGED", "Change noticed in Sage"
    CHECKED = "CHECKED", "Checked in Sage"
    BULK_UNLINK_STARTED = "BULK_UNLINK_STARTED", "Bulk unlink started"
    BULK_UNLINK_CANCELLED = "BULK_UNLINK_CANCELLED", "Bulk unlink cancelled"
    CONNECTION_SET = "CONNECTION_SET", "Connection set"
    CONNECTION_CHECKED = "CONNECTION_CHECKED", "Connection checked"
    RECORD_IGNORED = "RECORD_IGNORED", "Sage record ignored"
    RECORD_NOT_IGNORED = "RECORD_NOT_IGNORED", "Sage record no longer ignored"
    DELETION_STATED = "DELETION_STATED", "Deletion in Sage stated"
    DELETION_CONFIRMED = "DELETION_CONFIRMED", "Deletion in Sage confirmed"
    DELETION_WITHDRAWN = "DELETION_WITHDRAWN", "Stated deletion withdrawn"
    DELETION_ENDED = "DELETION_ENDED", "Stated deletion ended: a record is in Sage"
    INCARNATION_COMPARED = "INCARNATION_COMPARED", "Other database compared"
    INCARNATION_ACCEPTED = "INCARNATION_ACCEPTED", "Database accepted"
    RECONCILE_SET = "RECONCILE_SET", "Reconciliation set"
    RECONCILE_REFUSED = "RECONCILE_REFUSED", "Reconciliation not believed"


class LinkEvent(models.Model):
    """One line of the ledger. The database refuses to change, delete or truncate it.

    Plain columns and no foreign keys: it outlives the CCO, the person and the link.
    """

    at = models.DateTimeField()
    company_id = models.BigIntegerField()
    company_slug = models.CharField(max_length=50)
    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    subject_label = models.CharField(max_length=400)
    project_number = models.CharField(max_length=30, blank=True, db_default="", default="")
    """Of the project that the subject belongs to; empty of what belongs to none, and before it was kept."""
    link_id = models.BigIntegerField(null=True)
    attempt_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=30, choices=EventKind.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    via = models.CharField(max_length=10)
    operating_system_user = models.CharField(max_length=100, blank=True)
    rights = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attempt_id"],
                condition=Q(attempt_id__isnull=False),
                name="event_once_per_attempt",
            ),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="event_kind_known"),
            models.CheckConstraint(condition=~Q(actor_name=""), name="event_has_actor"),
        ]
        permissions = [("export_ledger", "Can export the ledger")]
        # The Activity tab walks one of them, whichever of its filters is set.
        indexes = [
            models.Index(fields=["company_id", "-at", "-id"], name="event_by_company"),
            models.Index(fields=["company_id", "kind", "-at", "-id"], name="event_by_kind"),
            models.Index(fields=["company_id", "actor_name", "-at", "-id"], name="event_by_actor"),
            models.Index(
                fields=["company_id", "project_number", "-at", "-id"],
                condition=~Q(project_number=""),
                name="event_by_project",
            ),
            models.Index(fields=["subject_kind", "subject_id", "-at"], name="event_by_subject"),
            # Support's list is in the order of the ids.
            models.Index(fields=["company_id", "-id"], name="event_newest_of_company"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject_label}"

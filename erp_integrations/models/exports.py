"""One round of a CCO through accounting: sent, accepted, exported; or retrieved, or rejected."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from commitments.models import CommitmentChangeOrder
from erp_integrations.models.connections import Connection
from erp_integrations.models.links import ChangeOrderLink


class ExportOutcome(models.TextChoices):
    """How a round ended."""

    SYNCED = "SYNCED", "Synced"
    RETRIEVED = "RETRIEVED", "Retrieved"
    REJECTED = "REJECTED", "Rejected"


class Export(models.Model):
    """Open from the moment the project team sends a CCO until it is synced, retrieved or rejected.

    `draft` is what is handed to the writer, `prepared` what the accounting approver signed off: exactly
    what the ERP is to hold (`ports.ChangeOrderDraft`, `ports.PreparedChangeOrder`). `writing_until` is a
    lease: before it is over nobody else writes or looks for this export. `differences` is what a look last
    found to be otherwise than signed off. A round that has ended never changes, but that it lets go of a
    CCO that is deleted.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    change_order = models.ForeignKey(
        CommitmentChangeOrder,
        on_delete=models.SET_NULL,
        null=True,
        related_name="exports",
        db_constraint=False,
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True)

    sent_at = models.DateTimeField()
    sent_by_id = models.BigIntegerField(null=True)
    sent_by_name = models.CharField(max_length=150)

    accepted_at = models.DateTimeField(null=True)
    accepted_by_id = models.BigIntegerField(null=True)
    accepted_by_name = models.CharField(max_length=150, blank=True)
    writer = models.CharField(max_length=20, blank=True, help_text="Which of the kind's writers.")
    by_hand = models.BooleanField(default=False, help_text="An accountant keys it in.")
    erp_number = models.CharField("change number", max_length=40, blank=True)
    job_record_number = models.CharField(max_length=20, blank=True)
    draft = models.JSONField(default=dict)
    prepared = models.JSONField(default=dict)

    writing_until = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    differences = models.JSONField(default=list)
    differing_record_number = models.CharField(
        max_length=20, blank=True, help_text="The record that the differences are of."
    )
    failed_at = models.DateTimeField(null=True)
    failure_words = models.TextField(blank=True)

    ended_at = models.DateTimeField(null=True)
    ended_by_id = models.BigIntegerField(null=True)
    ended_by_name = models.CharField(max_length=150, blank=True)
    outcome = models.CharField(max_length=20, choices=ExportOutcome.choices, blank=True)
    reason = models.TextField(blank=True)
    link = models.OneToOneField(ChangeOrderLink, on_delete=models.PROTECT, null=True, related_name="export")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change_order"], condition=Q(ended_at=None), name="export_one_open"
            ),
            models.UniqueConstraint(
                "connection",
                "job_record_number",
                Upper("erp_number"),
                condition=Q(ended_at=None) & ~Q(erp_number=""),
                name="export_number_once_per_job",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by_name="", writer="", erp_number="")
                | (
                    Q(accepted_at__isnull=False)
                    & ~Q(accepted_by_name="")
                    & ~Q(writer="")
                    & ~Q(erp_number="")
                    & ~Q(job_record_number="")
                ),
                name="export_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by_name="", outcome="", link=None)
                | (
                    Q(ended_at__isnull=False, ended_at__gte=F("sent_at"), writing_until=None)
                    & ~Q(ended_by_name="")
                    & Q(outcome__in=ExportOutcome.values)
                ),
                name="export_ended_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(outcome=ExportOutcome.SYNCED, link__isnull=False)
                | (~Q(outcome=ExportOutcome.SYNCED) & Q(link=None)),
                name="export_synced_has_link",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=ExportOutcome.REJECTED) | ~Q(reason=""), name="export_rejected_says_why"
            ),
            models.CheckConstraint(
                condition=Q(writing_until=None) | Q(accepted_at__isnull=False),
                name="export_written_once_accepted",
            ),
        ]
        indexes = [models.Index(fields=["change_order", "-sent_at"], name="export_by_change_order")]

    def __str__(self) -> str:
        return f"Export {self.erp_number or self.key}"

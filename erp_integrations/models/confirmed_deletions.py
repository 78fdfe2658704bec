"""Statements that records were deleted in the ERP, which count once a second ERP admin has confirmed them."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from erp_integrations.models.connections import Connection
from erp_integrations.models.links import ChangeOrderLink

COUNTS_FOR = timedelta(days=7)
"""How long a confirmed statement counts."""
AFTER_MAIL = timedelta(hours=24)
"""How long after everybody was told a statement counts where there is no second ERP admin."""


class DeletionEnd(models.TextChoices):
    WITHDRAWN = "WITHDRAWN", "Withdrawn"
    SEEN = "SEEN", "A record is in Sage"


class ConfirmedDeletion(models.Model):
    """One statement, of records of the database that was accepted then. What was said never changes.

    Until it is confirmed it counts for nothing; afterwards until `ends_at`, or until it was ended.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    incarnation = models.CharField(max_length=500)
    reason = models.TextField()
    stated_at = models.DateTimeField()
    stated_by_id = models.BigIntegerField()
    stated_by_name = models.CharField(max_length=150)
    told_at = models.DateTimeField(
        null=True, help_text="When the last mail about it was sent, where no second ERP admin confirmed it."
    )
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by_id = models.BigIntegerField(null=True, help_text="None where there is no second one.")
    confirmed_by_name = models.CharField(max_length=150, blank=True)
    ends_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=20, choices=DeletionEnd.choices, blank=True)
    ended_by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(stated_by_name="") & ~Q(incarnation=""),
                name="confirmed_deletion_says_why",
            ),
            models.CheckConstraint(
                condition=Q(
                    told_at=None,
                    confirmed_at=None,
                    confirmed_by_id=None,
                    confirmed_by_name="",
                    ends_at=None,
                )
                | (
                    # A comparison with NULL is NULL, and a check lets NULL pass.
                    Q(
                        confirmed_at__isnull=False,
                        ends_at__isnull=False,
                        confirmed_at__gte=F("stated_at"),
                        ends_at__gt=F("confirmed_at"),
                        ends_at__lte=F("confirmed_at") + COUNTS_FOR,
                    )
                    & ~Q(confirmed_by_name="")
                    & (
                        (
                            Q(confirmed_by_id__isnull=False, told_at=None)
                            & ~Q(confirmed_by_id=F("stated_by_id"))
                        )
                        | Q(
                            confirmed_by_id=None,
                            told_at__isnull=False,
                            told_at__gte=F("stated_at"),
                            confirmed_at__gte=F("told_at") + AFTER_MAIL,
                        )
                    )
                ),
                name="confirmed_deletion_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_why="", ended_by_name="")
                | (
                    Q(ended_at__isnull=False, ended_at__gte=F("stated_at"), ended_why__in=DeletionEnd.values)
                    & ~Q(ended_by_name="")
                ),
                name="confirmed_deletion_ends_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "id"], condition=Q(ended_at=None), name="confirmed_deletion_open"
            )
        ]

    def __str__(self) -> str:
        return f"Deletion stated by {self.stated_by_name} ({self.pk})"


class ConfirmedDeletionRecord(models.Model):
    """One record that a statement names. The database takes none once the statement is confirmed."""

    deletion = models.ForeignKey(ConfirmedDeletion, on_delete=models.PROTECT, related_name="records")
    link = models.ForeignKey(ChangeOrderLink, on_delete=models.PROTECT, related_name="+")
    row_id = models.UUIDField()
    record_number = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deletion", "link"], name="confirmed_deletion_record_once")
        ]
        indexes = [models.Index(fields=["row_id"], name="confirmed_deletion_row")]

    def __str__(self) -> str:
        return f"Record {self.record_number}"

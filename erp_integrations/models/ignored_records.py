"""Records of the ERP that a person has chosen to ignore, with the reason."""

from django.db import models
from django.db.models import F, Q

from erp_integrations.models.connections import Connection


class IgnoredRecord(models.Model):
    """From when to when a record of the ERP is ignored, by whom and why. Never deleted; it ends once."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    row_id = models.UUIDField(help_text="The record's own row id (_idnum).")
    record_number = models.CharField(max_length=20)
    reason = models.TextField()
    ignored_at = models.DateTimeField()
    ignored_by_id = models.BigIntegerField()
    ignored_by_name = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True)
    ended_by_id = models.BigIntegerField(null=True)
    ended_by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "row_id"], condition=Q(ended_at=None), name="ignored_record_once"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(ignored_by_name=""), name="ignored_record_says_why"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by_id=None, ended_by_name="")
                | (
                    Q(ended_at__isnull=False, ended_by_id__isnull=False, ended_at__gte=F("ignored_at"))
                    & ~Q(ended_by_name="")
                ),
                name="ignored_record_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Record {self.record_number}"

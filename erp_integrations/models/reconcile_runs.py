"""One comparison of all active links of a company with its books."""

from django.db import models
from django.db.models import F, Q

from erp_integrations.models.attempts import Via
from erp_integrations.models.connections import Connection


class ReconcileState(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETE = "COMPLETE", "Complete"
    NO_ANSWER = "NO_ANSWER", "No answer"
    MISCONFIGURED = "MISCONFIGURED", "Misconfigured"
    IMPLAUSIBLE = "IMPLAUSIBLE", "Misconfigured: not believed"
    ABANDONED = "ABANDONED", "Abandoned"


class ReconcileRun(models.Model):
    """A lease on the comparison. While RUNNING and not expired, nobody else compares the same books.

    The lease is renewed while the run works. A run that ended never changes; old ones are tidied away. The
    counts are of links, but `change_orders`, which is how many the books held.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="reconciles")
    state = models.CharField(max_length=20, choices=ReconcileState.choices, default=ReconcileState.RUNNING)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    via = models.CharField(max_length=10, choices=Via.choices)
    connection_revision = models.PositiveIntegerField()
    incarnation = models.CharField(max_length=500, blank=True)

    change_orders = models.PositiveIntegerField(default=0)
    checked = models.PositiveIntegerField(default=0)
    present = models.PositiveIntegerField(default=0)
    absent = models.PositiveIntegerField(default=0)
    drifted = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(
        default=0, help_text="Links about which something new was recorded."
    )

    odd = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Records of the books that cannot be read, linked or not."
    )
    odd_records = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="The first of them: table, record number, column, what stands there.",
    )

    fault_code = models.CharField(max_length=60, blank=True)
    fault_words = models.TextField(blank=True)
    fault_advice = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=Q(state=ReconcileState.RUNNING), name="reconcile_one_running"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReconcileState.values), name="reconcile_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=ReconcileState.RUNNING, ended_at=None)
                | (
                    ~Q(state=ReconcileState.RUNNING)
                    & Q(ended_at__isnull=False, ended_at__gte=F("started_at"))
                ),
                name="reconcile_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(state__in=(ReconcileState.RUNNING, ReconcileState.COMPLETE), fault_code="")
                | (~Q(state__in=(ReconcileState.RUNNING, ReconcileState.COMPLETE)) & ~Q(fault_code="")),
                name="reconcile_says_why",
            ),
        ]
        indexes = [models.Index(fields=["connection", "-started_at"], name="reconcile_by_connection")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} (reconciliation {self.pk})"

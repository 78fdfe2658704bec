"""One question to the ERP whether a link may be cut."""

from django.db import models
from django.db.models import F, Q

from erp_integrations.models.bulk_unlinks import BulkUnlinkItem
from erp_integrations.models.links import ChangeOrderLink


class AttemptState(models.TextChoices):
    CHECKING = "CHECKING", "Being checked"
    UNLINKED = "UNLINKED", "Unlinked"
    STILL_IN_ERP = "STILL_IN_ERP", "Still in Sage"
    NO_ANSWER = "NO_ANSWER", "No trustworthy answer"
    NOT_ALLOWED = "NOT_ALLOWED", "Rights lost meanwhile"


class Via(models.TextChoices):
    PAGE = "PAGE", "on the page"
    COMMAND = "COMMAND", "by command"
    DEMO = "DEMO", "by the demo"
    QUEUE = "QUEUE", "automatically"
    ADMIN = "ADMIN", "in the admin"


class UnlinkAttempt(models.Model):
    """A lease on the question. While CHECKING and not expired, nobody else asks about the same link.

    An attempt that ended never changes. UNLINKED is accepted by the database only with two looks that lie
    inside the attempt and a verdict that proves absence. Staff never begin one: nothing is unlinked in the
    admin, and the database holds that too.
    """

    link = models.ForeignKey(ChangeOrderLink, on_delete=models.PROTECT, related_name="attempts")
    state = models.CharField(max_length=20, choices=AttemptState.choices, default=AttemptState.CHECKING)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=150)
    via = models.CharField(max_length=10, choices=Via.choices)
    connection_revision = models.PositiveIntegerField()
    bulk_item = models.ForeignKey(
        BulkUnlinkItem, on_delete=models.PROTECT, null=True, related_name="attempts"
    )
    """Where it was asked for many at once."""

    verdict = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    proof = models.CharField(max_length=20, blank=True)
    first_looked_at = models.DateTimeField(null=True)
    second_looked_at = models.DateTimeField(null=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        permissions = [("free_attempt", "Can free a stuck attempt")]
        constraints = [
            models.CheckConstraint(condition=~Q(via=Via.ADMIN), name="attempt_never_in_the_admin"),
            models.UniqueConstraint(
                fields=["link"], condition=Q(state=AttemptState.CHECKING), name="attempt_one_checking"
            ),
            models.UniqueConstraint(
                fields=["link"], condition=Q(state=AttemptState.UNLINKED), name="attempt_one_unlinks"
            ),
            models.CheckConstraint(condition=Q(state__in=AttemptState.values), name="attempt_state_known"),
            models.CheckConstraint(
                condition=Q(state=AttemptState.CHECKING, ended_at=None)
                | (
                    ~Q(state=AttemptState.CHECKING) & Q(ended_at__isnull=False, ended_at__gte=F("started_at"))
                ),
                name="attempt_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("started_at")), name="attempt_expires_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(state=AttemptState.UNLINKED)
                | Q(
                    Q(verdict="absent") | (Q(verdict="replaced") & ~Q(proof="")),
                    # A comparison with NULL is NULL, and a check lets NULL pass.
                    first_looked_at__isnull=False,
                    second_looked_at__isnull=False,
                    ended_at__isnull=False,
                    first_looked_at__gte=F("started_at"),
                    second_looked_at__gte=F("first_looked_at"),
                    ended_at__gte=F("second_looked_at"),
                    ended_at__lte=F("expires_at"),
                ),
                name="attempt_unlinks_only_with_proof",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(state=AttemptState.CHECKING), name="attempt_checking"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} (attempt {self.pk})"

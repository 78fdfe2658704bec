"""Many links to be unlinked, each judged alone."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from companies.models import Company
from erp_integrations.models.links import ChangeOrderLink


class BulkUnlink(models.Model):
    """What somebody wants unlinked in one go. A worker does it; whoever began it may be gone by then."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=150)
    request_id = models.CharField(max_length=64, blank=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by_name = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, help_text="When its last item had ended.")
    control_link_ids = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        blank=True,
        help_text="The links whose records are asked for beside every item, drawn when it was started.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cancelled_at=None, cancelled_by_name="")
                | (Q(cancelled_at__isnull=False) & ~Q(cancelled_by_name="")),
                name="bulk_cancelled_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-started_at", "-id"], name="bulk_by_company"),
            models.Index(fields=["id"], condition=Q(ended_at=None), name="bulk_unfinished"),
        ]

    def __str__(self) -> str:
        return f"Bulk unlink {self.pk}"


class ItemState(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    CHECKING = "CHECKING", "Being checked"
    UNLINKED = "UNLINKED", "Unlinked"
    STILL_IN_ERP = "STILL_IN_ERP", "Still in Sage"
    NO_ANSWER = "NO_ANSWER", "No trustworthy answer"
    NOT_ALLOWED = "NOT_ALLOWED", "Not allowed"
    ALREADY = "ALREADY", "Unlinked already"
    CANCELLED = "CANCELLED", "Cancelled"


UNFINISHED = (ItemState.WAITING, ItemState.CHECKING)


class BulkUnlinkItem(models.Model):
    """One link of a bulk unlink. It ends once.

    While CHECKING and not expired it is a worker's; `tries` tells one worker's turn from the next one's. What
    Sage said stands with its attempts (`UnlinkAttempt.bulk_item`); UNLINKED is accepted by the database only
    with one that unlinked.
    """

    bulk = models.ForeignKey(BulkUnlink, on_delete=models.PROTECT, related_name="items")
    link = models.ForeignKey(ChangeOrderLink, on_delete=models.PROTECT, related_name="+", db_index=False)
    change_order_id = models.BigIntegerField(help_text="The CCO's, also when that is deleted.")
    state = models.CharField(max_length=20, choices=ItemState.choices, default=ItemState.WAITING)
    reason = models.TextField(blank=True, help_text="In words, where no attempt tells it.")
    tries = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bulk", "link"], name="bulk_item_once"),
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="bulk_item_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=UNFINISHED, ended_at=None)
                | (~Q(state__in=UNFINISHED) & Q(ended_at__isnull=False)),
                name="bulk_item_ends",
            ),
            models.CheckConstraint(
                condition=~Q(state=ItemState.CHECKING) | Q(expires_at__isnull=False, tries__gte=1),
                name="bulk_item_checking_is_a_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["bulk", "state", "id"], name="bulk_item_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} (item {self.pk})"

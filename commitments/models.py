"""WHAT: vendors, cost codes, commitments and their change orders.

Money is in the company's currency, two places. A change order's `amount` is the sum of its lines and is
kept so by triggers; nothing else may write it. `erp_status` is written by operations of
`erp_integrations` only, and triggers lock what accounting holds. `revision` counts the edits, so that a form
that is older than the last one is told so. The triggers are in `models.sql`.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from companies.models import Company, Project


class Vendor(models.Model):
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="vendors")
    number = models.CharField(max_length=30)
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "number"], name="vendor_number_once_per_company")
        ]

    def __str__(self) -> str:
        return self.name


class CostCode(models.Model):
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="cost_codes")
    code = models.CharField(max_length=20, help_text="With three decimals, as Sage shows it: 3310.000.")
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "code"], name="cost_code_once_per_company")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CostType(models.Model):
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="cost_types")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "code"], name="cost_type_once_per_company")]

    def __str__(self) -> str:
        return self.name


class CommitmentKind(models.TextChoices):
    SUBCONTRACT = "SUBCONTRACT", "Subcontract"
    PURCHASE_ORDER = "PURCHASE_ORDER", "Purchase Order"


class CommitmentStatus(models.TextChoices):
    """Of subcontracts and purchase orders together; the forms offer those of the kind."""

    DRAFT = "DRAFT", "Draft"
    OUT_FOR_BID = "OUT_FOR_BID", "Out For Bid"
    OUT_FOR_SIGNATURE = "OUT_FOR_SIGNATURE", "Out For Signature"
    PROCESSING = "PROCESSING", "Processing"
    SUBMITTED = "SUBMITTED", "Submitted"
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED", "Partially Received"
    RECEIVED = "RECEIVED", "Received"
    APPROVED = "APPROVED", "Approved"
    COMPLETE = "COMPLETE", "Complete"
    CLOSED = "CLOSED", "Closed"
    TERMINATED = "TERMINATED", "Terminated"
    VOID = "VOID", "Void"


STATUSES_OF: dict[CommitmentKind, tuple[CommitmentStatus, ...]] = {
    CommitmentKind.SUBCONTRACT: (
        CommitmentStatus.DRAFT,
        CommitmentStatus.OUT_FOR_BID,
        CommitmentStatus.OUT_FOR_SIGNATURE,
        CommitmentStatus.APPROVED,
        CommitmentStatus.COMPLETE,
        CommitmentStatus.TERMINATED,
        CommitmentStatus.VOID,
    ),
    CommitmentKind.PURCHASE_ORDER: (
        CommitmentStatus.DRAFT,
        CommitmentStatus.PROCESSING,
        CommitmentStatus.SUBMITTED,
        CommitmentStatus.PARTIALLY_RECEIVED,
        CommitmentStatus.RECEIVED,
        CommitmentStatus.APPROVED,
        CommitmentStatus.CLOSED,
    ),
}
"""The statuses of each kind, as the reference product offers them."""


class Commitment(models.Model):
    """A subcontract or a purchase order. A trigger keeps its vendor in its project's company."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="commitments")
    kind = models.CharField(max_length=20, choices=CommitmentKind.choices)
    number = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    vendor = models.ForeignKey(
        Vendor, on_delete=models.PROTECT, related_name="commitments", verbose_name="contract company"
    )
    status = models.CharField(max_length=20, choices=CommitmentStatus.choices, default=CommitmentStatus.DRAFT)
    created_by_id = models.BigIntegerField(null=True, editable=False)
    created_by_name = models.CharField(max_length=150, blank=True, db_default="", editable=False)
    revision = models.PositiveIntegerField(db_default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", Upper("number"), name="commitment_number_once_per_project"),
            models.CheckConstraint(condition=Q(kind__in=CommitmentKind.values), name="commitment_kind_known"),
            models.CheckConstraint(
                condition=Q(status__in=CommitmentStatus.values), name="commitment_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def locked_change_orders(self) -> tuple[str, ...]:
        """The numbers of its CCOs that accounting holds; while there are any, its contract company stays."""
        locked = self.change_orders.exclude(erp_status__in=FREE).order_by("number", "id")
        return tuple(locked.values_list("number", flat=True))


class CommitmentLine(models.Model):
    """One line of the schedule of values."""

    commitment = models.ForeignKey(Commitment, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    description = models.CharField(max_length=200)
    cost_code = models.ForeignKey(CostCode, on_delete=models.PROTECT, related_name="+")
    cost_type = models.ForeignKey(CostType, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["commitment", "position"], name="commitment_line_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.description}"


class ChangeOrderStatus(models.TextChoices):
    """The business status: the project team's."""

    DRAFT = "DRAFT", "Draft"
    PENDING_IN_REVIEW = "PENDING_IN_REVIEW", "Pending - In Review"
    PENDING_REVISED = "PENDING_REVISED", "Pending - Revised"
    PENDING_PRICING = "PENDING_PRICING", "Pending - Pricing"
    PENDING_NOT_PRICING = "PENDING_NOT_PRICING", "Pending - Not Pricing"
    PENDING_PROCEEDING = "PENDING_PROCEEDING", "Pending - Proceeding"
    PENDING_NOT_PROCEEDING = "PENDING_NOT_PROCEEDING", "Pending - Not Proceeding"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"
    NO_CHARGE = "NO_CHARGE", "No Charge"
    VOID = "VOID", "Void"


PENDING = (
    ChangeOrderStatus.PENDING_IN_REVIEW,
    ChangeOrderStatus.PENDING_REVISED,
    ChangeOrderStatus.PENDING_PRICING,
    ChangeOrderStatus.PENDING_NOT_PRICING,
    ChangeOrderStatus.PENDING_PROCEEDING,
    ChangeOrderStatus.PENDING_NOT_PROCEEDING,
)
"""The statuses that count as pending changes."""


class ErpStatus(models.TextChoices):
    """Accounting's status, never mixed with the project team's."""

    NOT_IN_ERP = "NOT_IN_ERP", "Not in ERP"
    READY_TO_EXPORT = "READY_TO_EXPORT", "Ready to Export"
    EXPORTING = "EXPORTING", "Exporting"
    FAILED_TO_EXPORT = "FAILED_TO_EXPORT", "Failed to Export"
    REJECTED = "REJECTED", "Rejected"
    SYNCED = "SYNCED", "Synced"


TIED_TO_NOTHING = tuple(status for status in ErpStatus if status != ErpStatus.SYNCED)


FREE = {ErpStatus.NOT_IN_ERP, ErpStatus.REJECTED}
"""ERP statuses in which the project team may edit the CCO; in all others triggers lock it."""

FREE_WHILE_SYNCED = ("description",)
"""Fields that may be edited while the CCO is Synced."""


class CommitmentChangeOrder(models.Model):
    """A CCO. Synced and "has exactly one active link" are the same fact; the database keeps them so."""

    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="change_orders")
    number = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(
        max_length=30, choices=ChangeOrderStatus.choices, default=ChangeOrderStatus.DRAFT
    )
    erp_status = models.CharField(
        "ERP status", max_length=20, choices=ErpStatus.choices, default=ErpStatus.NOT_IN_ERP, editable=False
    )
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0, editable=False)
    approved_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Empty while it is not Approved, and where it was approved before the order was kept: "
        "such a one counts as approved before all others.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_id = models.BigIntegerField(null=True, editable=False)
    created_by_name = models.CharField(max_length=150, blank=True, db_default="", editable=False)
    revision = models.PositiveIntegerField(db_default=0, editable=False)

    class Meta:
        verbose_name = "Commitment Change Order"
        constraints = [
            models.UniqueConstraint(
                "commitment", Upper("number"), name="change_order_number_once_per_commitment"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ChangeOrderStatus.values), name="change_order_status_known"
            ),
            models.CheckConstraint(
                condition=Q(erp_status__in=ErpStatus.values), name="change_order_erp_status_known"
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None) | Q(status=ChangeOrderStatus.APPROVED),
                name="change_order_approved_at_of_approved",
            ),
        ]
        indexes = [
            models.Index(fields=["erp_status", "commitment"], name="change_order_by_erp_status"),
            # For support's search; what is Synced is found by its link.
            models.Index(
                Upper("number"), condition=Q(erp_status__in=TIED_TO_NOTHING), name="change_order_by_number"
            ),
        ]

    def __str__(self) -> str:
        return f"CCO {self.number} {self.title}"


class ChangeOrderLine(models.Model):
    """One line of a CCO. A trigger keeps `commitment_line` in the CCO's own commitment."""

    change_order = models.ForeignKey(CommitmentChangeOrder, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    commitment_line = models.ForeignKey(
        CommitmentLine,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The line of the commitment it changes; empty where it adds one.",
    )
    description = models.CharField(max_length=200)
    cost_code = models.ForeignKey(CostCode, on_delete=models.PROTECT, related_name="+")
    cost_type = models.ForeignKey(CostType, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change_order", "position"], name="change_order_line_position_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.description}"


class HistoryEntry(models.Model):
    """One line of the change history. The database refuses to change, delete or truncate it.

    What the project team did; accounting's side is in the ledger of ERP Integrations. Plain columns and no
    foreign keys: it outlives the row and the person.
    """

    class Subject(models.TextChoices):
        COMMITMENT = "commitment", "Commitment"
        CHANGE_ORDER = "change-order", "Commitment Change Order"

    at = models.DateTimeField()
    company_id = models.BigIntegerField()
    subject_kind = models.CharField(max_length=20, choices=Subject.choices)
    subject_id = models.BigIntegerField()
    subject_label = models.CharField(max_length=400)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    what = models.CharField(max_length=100)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "history entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(subject_kind__in=["commitment", "change-order"]), name="history_subject_known"
            ),
            models.CheckConstraint(
                condition=~Q(actor_name="") & ~Q(what=""), name="history_says_who_and_what"
            ),
        ]
        indexes = [models.Index(fields=["subject_kind", "subject_id", "at", "id"], name="history_by_subject")]

    def __str__(self) -> str:
        return f"{self.what}: {self.subject_label}"

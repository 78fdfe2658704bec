"""A link is a row with a period: `linked_at` to `unlinked_at`. No link row is ever deleted."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import LPad, Upper

from commitments.models import Commitment, CommitmentChangeOrder, CommitmentLine, Vendor
from companies.models import Project
from erp_integrations.models.connections import Connection


def protect_while_linked(collector: Any, field: Any, links: Any, using: str) -> None:
    """What happens to links when their subject is deleted: an active one forbids it, a closed one lets go."""
    active = [link for link in links if link.unlinked_at is None]
    if active:
        raise models.ProtectedError("It is tied to its record in Sage. Unlink it first.", set(active))
    models.SET_NULL(collector, field, links, using)


class Link(models.Model):
    """What all links share: whose books, which record, from when to when, by whom."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    row_id = models.UUIDField(help_text="The record's own row id (_idnum): it alone names the row.")
    record_number = models.CharField(max_length=20)
    linked_at = models.DateTimeField()
    linked_by_id = models.BigIntegerField(null=True)
    linked_by_name = models.CharField(max_length=150)
    unlinked_at = models.DateTimeField(null=True)
    unlinked_by_id = models.BigIntegerField(null=True)
    unlinked_by_name = models.CharField(max_length=150, blank=True)
    last_seen_at = models.DateTimeField(help_text="When a look last found the record.")

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.unlinked_at is None


def _period_constraints(subject: str, prefix: str) -> list[models.BaseConstraint]:
    """The rules of every kind of link; `subject` is the field that points at our own row."""
    return [
        models.UniqueConstraint(
            fields=[subject], condition=Q(unlinked_at=None), name=f"{prefix}_one_active_per_subject"
        ),
        models.CheckConstraint(
            condition=Q(unlinked_at=None, unlinked_by_name="")
            | (Q(unlinked_at__isnull=False, unlinked_at__gte=F("linked_at")) & ~Q(unlinked_by_name="")),
            name=f"{prefix}_ended_by_somebody",
        ),
        models.CheckConstraint(
            condition=Q(unlinked_at__isnull=False) | Q(**{f"{subject}__isnull": False}),
            name=f"{prefix}_active_has_subject",
        ),
    ]


class JobLink(Link):
    """A project's tie to its job."""

    project = models.ForeignKey(
        Project, on_delete=protect_while_linked, null=True, related_name="erp_links", db_constraint=False
    )

    class Meta:
        constraints = [
            *_period_constraints("project", "job_link"),
            models.UniqueConstraint(
                fields=["connection", "row_id"],
                condition=Q(unlinked_at=None),
                name="job_link_one_active_per_record",
            ),
        ]

    def __str__(self) -> str:
        return f"Job {self.record_number}"


class CommitmentLink(Link):
    """A subcontract's tie to its record."""

    commitment = models.ForeignKey(
        Commitment, on_delete=protect_while_linked, null=True, related_name="erp_links", db_constraint=False
    )
    number = models.CharField(max_length=40)

    class Meta:
        constraints = [
            *_period_constraints("commitment", "commitment_link"),
            models.UniqueConstraint(
                fields=["connection", "row_id"],
                condition=Q(unlinked_at=None),
                name="commitment_link_one_active_per_record",
            ),
        ]

    def __str__(self) -> str:
        return f"Subcontract {self.record_number}"


class CommitmentLineLink(models.Model):
    """A line of our schedule of values and the line of the subcontract that it is, as the link was made.

    It counts while its commitment's link is active. A line without one waits to be keyed into Sage.
    """

    link = models.ForeignKey(CommitmentLink, on_delete=models.PROTECT, related_name="lines")
    commitment_line = models.ForeignKey(
        CommitmentLine, on_delete=models.SET_NULL, null=True, related_name="erp_links", db_constraint=False
    )
    row_id = models.UUIDField(help_text="The line's own row id (_idnum): line numbers may change.")
    line_number = models.PositiveIntegerField()
    description = models.CharField(max_length=50, blank=True)
    cost_code = models.CharField(max_length=20, blank=True)
    cost_type = models.CharField(max_length=20, blank=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "commitment_line"], name="line_link_once_per_line"),
            models.UniqueConstraint(fields=["link", "row_id"], name="line_link_once_per_record"),
        ]

    def __str__(self) -> str:
        return f"Line {self.line_number} of {self.link}"


class VendorLink(Link):
    """A vendor's tie to its record."""

    vendor = models.ForeignKey(
        Vendor, on_delete=protect_while_linked, null=True, related_name="erp_links", db_constraint=False
    )

    class Meta:
        constraints = [
            *_period_constraints("vendor", "vendor_link"),
            models.UniqueConstraint(
                fields=["connection", "row_id"],
                condition=Q(unlinked_at=None),
                name="vendor_link_one_active_per_record",
            ),
        ]

    def __str__(self) -> str:
        return f"Vendor {self.record_number}"


class PresenceKey(models.TextChoices):
    """What the ERP said last about the record. The values are those of `data-presence`."""

    UNCHECKED = "unchecked", "Not checked"
    PRESENT = "present", "Present"
    NOT_EFFECTIVE = "not-effective", "Void or Rejected"
    RENUMBERED = "renumbered", "Renumbered"
    ABSENT = "absent", "Deleted"
    REPLACED = "replaced", "Replaced"
    AMBIGUOUS = "ambiguous", "Half deleted"
    JOB_MISSING = "job-missing", "Job missing"
    UNKNOWN = "unknown", "Not sure"


RARE_PRESENCES = tuple(one for one in PresenceKey if one not in (PresenceKey.UNCHECKED, PresenceKey.PRESENT))
"""What few links have, so that an index of them is small."""

GONE = (PresenceKey.ABSENT, PresenceKey.REPLACED)
"""What "Deleted in Sage" shows: what a look did not find any more."""

SEARCHED = (
    "cco_number",
    "cco_title",
    "commitment_number",
    "commitment_title",
    "contract_company",
    "project_number",
    "project_name",
    "number",
    "sub_change_number",
    "record_number",
)
_BY_PROJECT = ("project_number", "commitment_number", "cco_number", "id")
_ACTIVE = Q(unlinked_at=None)


def in_order_of_numbers(number: str | Value) -> Func:
    """A change number with its figures filled up with zeros, in the database: 14-2 stands before 14-10."""
    return Func(
        number,
        template="regexp_replace(regexp_replace(lower(btrim(%(expressions)s)), '([0-9]+)', "
        r"'0000000000000000000\1', 'g'), '[0-9]*([0-9]{20})', '\1', 'g')",
    )


class Drift(models.TextChoices):
    """What of the record is otherwise in the ERP than when it was linked."""

    NUMBER = "number", "Number"
    JOB = "job", "Job"
    PHASE = "phase", "Phase"
    STATUS = "status", "Status"
    AMOUNT = "amount", "Amount"


class ChangeOrderLink(Link):
    """A CCO's tie to its change order, and what a look must know to ask for it.

    `cco_…`, `project_…`, `commitment_…` and `contract_company` are kept as text, so that a closed link
    still tells its story when the CCO is gone.
    """

    change_order = models.ForeignKey(
        CommitmentChangeOrder,
        on_delete=protect_while_linked,
        null=True,
        related_name="erp_links",
        db_constraint=False,
    )
    number = models.CharField("change number", max_length=40)
    job_record_number = models.CharField(max_length=20)
    job_row_id = models.UUIDField()
    phase = models.CharField(max_length=20)
    subcontract_record_number = models.CharField(max_length=20)
    sub_change_number = models.CharField(max_length=40, blank=True)
    touched_subcontracts = ArrayField(
        models.CharField(max_length=20),
        default=list,
        db_default=[],
        blank=True,
        help_text="Every subcontract that the record had lines on when it was last seen with a line of ours.",
    )
    last_seen_clock = models.DurationField(
        null=True,
        editable=False,
        help_text="The ERP server's local time minus ours when the record was last seen.",
    )
    missed_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the reconciliation began that last found the record missing from the books' keys.",
    )
    erp_amount = models.DecimalField(max_digits=14, decimal_places=2)

    moved_from = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="moved_to",
        help_text="The link that ended when this CCO's link was moved to this record.",
    )

    cco_number = models.CharField(max_length=30)
    cco_title = models.CharField(max_length=200)
    project_number = models.CharField(max_length=30)
    project_name = models.CharField(max_length=100)
    commitment_number = models.CharField(max_length=30)
    commitment_title = models.CharField(max_length=200)
    contract_company = models.CharField(max_length=100)

    presence = models.CharField(max_length=20, choices=PresenceKey.choices, default=PresenceKey.UNCHECKED)
    presence_checked_at = models.DateTimeField(
        null=True, help_text="When this link was last checked alone; see `workflow.link_status.checked_at`."
    )
    drift = ArrayField(
        models.CharField(max_length=10, choices=Drift.choices), default=list, db_default=[], blank=True
    )
    """Which of `Drift`, in their order."""
    seen = models.JSONField(default=dict, db_default={}, blank=True)
    """Of each that drifted: what the ERP holds now, as text."""
    record_order = models.GeneratedField(
        expression=LPad(F("record_number"), 20, Value("0")),
        output_field=models.CharField(max_length=20, db_collation="C"),
        db_persist=True,
        help_text="The record number, so that text sorts as numbers do.",
    )

    cco_amount = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        editable=False,
        help_text="The CCO's amount, written by the database when the link is made: it is locked while the "
        "link is active. Empty in links that had ended before it was kept.",
    )
    erp_number_order = models.GeneratedField(
        expression=in_order_of_numbers("number"),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )
    search_text = models.GeneratedField(
        expression=Func(*SEARCHED, template="lower(' ' || %(expressions)s || ' ')", arg_joiner=" || ' ' || "),
        output_field=models.TextField(),
        db_persist=True,
    )
    """What a search looks through, in lower case; a blank around each word."""

    class Meta:
        permissions = [
            ("check_now", "Can ask the ERP whether a record is there"),
            ("relink", "Can relink a CCO"),
        ]
        constraints = [
            *_period_constraints("change_order", "change_order_link"),
            models.UniqueConstraint(
                fields=["connection", "row_id", "subcontract_record_number"],
                condition=Q(unlinked_at=None),
                name="change_order_link_one_active_per_record",
            ),
            models.CheckConstraint(
                condition=Q(presence__in=PresenceKey.values), name="change_order_link_presence_known"
            ),
            models.CheckConstraint(
                condition=Q(presence=PresenceKey.UNCHECKED) | Q(presence_checked_at__isnull=False),
                name="change_order_link_presence_has_age",
            ),
            models.CheckConstraint(
                condition=Q(unlinked_at__isnull=False) | Q(cco_amount__isnull=False),
                name="change_order_link_active_has_amount",
            ),
            models.CheckConstraint(
                condition=Q(drift__contained_by=Drift.values), name="change_order_link_drift_known"
            ),
        ]
        # Each sort and each filter of the list has one: see change_orders.link_filters.
        indexes = [
            models.Index(
                fields=["connection", *_BY_PROJECT], condition=_ACTIVE, name="change_order_link_list"
            ),
            models.Index(
                fields=["connection", "contract_company", *_BY_PROJECT],
                condition=_ACTIVE,
                name="change_order_link_company",
            ),
            models.Index(
                fields=["connection", "presence", *_BY_PROJECT],
                include=["cco_amount"],
                condition=_ACTIVE,
                name="change_order_link_presence",
            ),
            models.Index(
                fields=["connection", *_BY_PROJECT],
                condition=_ACTIVE & Q(presence__in=GONE),
                name="change_order_link_gone",
            ),
            models.Index(
                fields=["connection", *_BY_PROJECT],
                include=["drift", "cco_amount"],
                condition=_ACTIVE & ~Q(drift=[]),
                name="change_order_link_drifted",
            ),
            models.Index(
                fields=["connection", "cco_amount", "id"], condition=_ACTIVE, name="change_order_link_amount"
            ),
            models.Index(
                fields=["connection", "linked_at", "id"], condition=_ACTIVE, name="change_order_link_linked"
            ),
            models.Index(
                fields=["connection", "erp_number_order", "id"],
                condition=_ACTIVE,
                name="change_order_link_number",
            ),
            models.Index(
                fields=["connection", "linked_by_name", "linked_at", "id"],
                condition=_ACTIVE,
                name="change_order_link_linked_by",
            ),
            GinIndex(
                fields=["connection", "search_text"],
                opclasses=["int8_ops", "gin_trgm_ops"],
                condition=_ACTIVE,
                name="change_order_link_search",
            ),
            models.Index(
                fields=["connection", "record_order", "id"],
                condition=Q(unlinked_at=None),
                name="change_order_link_by_record",
            ),
            # For the controls of a look, and for records that other links hold.
            models.Index(
                fields=["connection", "job_row_id", "record_order"],
                condition=_ACTIVE,
                name="change_order_link_of_job",
            ),
            models.Index(
                fields=["connection", "subcontract_record_number"],
                condition=_ACTIVE,
                name="change_order_link_of_subcontr",
            ),
            # For support's lists, which are in the order of the ids.
            models.Index(
                fields=["presence", "-id"],
                condition=Q(presence__in=RARE_PRESENCES),
                name="change_order_link_rare",
            ),
            models.Index(
                fields=["-id"], condition=Q(unlinked_at__isnull=False), name="change_order_link_ended"
            ),
            # For support's search: the closed ones are few beside the active ones.
            models.Index(Upper("cco_number"), condition=_ACTIVE, name="change_order_link_cco"),
            GinIndex(
                fields=["search_text"],
                opclasses=["gin_trgm_ops"],
                condition=Q(unlinked_at__isnull=False),
                name="change_order_link_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"CCO {self.cco_number} ↔ record {self.record_number}"

"""A company's connection to its books."""

from django.db import models
from django.db.models import F, Q

from companies.models import Company

APPLICATION_NAME = "Plumbline"
"""What we call ourselves to the ERP's server where nobody said otherwise."""


class Connection(models.Model):
    """One company's way to its ERP, and the database it was accepted with.

    While `accepted_incarnation` is empty the connection is *unchecked* and no verdict is given.
    """

    company = models.OneToOneField(Company, on_delete=models.PROTECT, related_name="erp_connection")
    kind = models.CharField(max_length=40, help_text="A key of ERP_KINDS.")
    database = models.CharField(max_length=128, help_text="The name the database must answer to.")
    application_name = models.CharField(max_length=30, default=APPLICATION_NAME)
    odbc_string_encrypted = models.TextField(blank=True, editable=False)
    sandbox_path = models.CharField(max_length=500, blank=True)
    revision = models.PositiveIntegerField(
        default=1, editable=False, help_text="Grows with every change that matters to a verdict."
    )

    accepted_incarnation = models.CharField(max_length=500, blank=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    # Written by the operation that accepts, never by a form.
    accepted_by_name = models.CharField(max_length=150, blank=True, editable=False)

    handshake = models.JSONField(default=dict, editable=False)
    """The last `ports.Handshake` without the login, and under `fault` why the last check got none."""
    seen_incarnation = models.CharField(max_length=500, blank=True, editable=False)
    comparison = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    """What another database that waits holds of the links' records: see `operations.compare_database`."""
    checked_at = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    last_failure_at = models.DateTimeField(null=True, editable=False)
    last_failure_words = models.TextField(blank=True, editable=False)
    last_failure_code = models.CharField(
        max_length=60, blank=True, db_default="", default="", editable=False, help_text="`ports.Fault.code`."
    )
    failures_in_a_row = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Since the last good answer; see `policies.rests_until`.",
    )

    reconcile_every_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="0 is never; empty is what `policies.reconciles_every` says."
    )
    rests_from = models.TimeField(
        null=True, blank=True, help_text="When the ERP's maintenance begins, every day, in TIME_ZONE."
    )
    rests_to = models.TimeField(null=True, blank=True, help_text="When it ends; perhaps the next morning.")
    most_missing_percent = models.PositiveSmallIntegerField(
        default=10,
        db_default=10,
        help_text="More of the active links newly missing than this is not believed; 100 believes all.",
    )
    reconciled_at = models.DateTimeField(
        null=True, editable=False, help_text="When the last complete reconciliation began; never turned back."
    )

    reconciled_until = models.DateTimeField(
        null=True, editable=False, help_text="When that run had read the last of the books."
    )
    reconciled_clock = models.DurationField(
        null=True, editable=False, help_text="The ERP server's local time minus ours when that run began."
    )
    server_clock = models.DurationField(
        null=True, editable=False, help_text="The ERP server's local time minus ours, as it was last told."
    )
    clock_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When the server's clock was found to differ from before."
    )
    history_mark_record = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The change order of the newest entry of the ERP's history that was ever seen.",
    )
    history_mark_at = models.CharField(
        max_length=26,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The entry's moment in the ERP server's local time, in ISO 8601 without a zone.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(history_mark_record="", history_mark_at="")
                | (~Q(history_mark_record="") & ~Q(history_mark_at="")),
                name="connection_history_mark_is_whole",
            ),
            models.CheckConstraint(
                condition=(Q(odbc_string_encrypted="") & ~Q(sandbox_path=""))
                | (~Q(odbc_string_encrypted="") & Q(sandbox_path="")),
                name="connection_has_one_address",
            ),
            models.CheckConstraint(condition=~Q(database=""), name="connection_names_a_database"),
            models.CheckConstraint(
                condition=Q(accepted_incarnation="", accepted_at=None, accepted_by_name="")
                | (~Q(accepted_incarnation="") & Q(accepted_at__isnull=False) & ~Q(accepted_by_name="")),
                name="connection_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(rests_from=None, rests_to=None)
                | (Q(rests_from__isnull=False, rests_to__isnull=False) & ~Q(rests_from=F("rests_to"))),
                name="connection_rests_from_to",
            ),
            models.CheckConstraint(
                condition=Q(most_missing_percent__gte=1, most_missing_percent__lte=100),
                name="connection_most_missing_is_percent",
            ),
            models.CheckConstraint(
                condition=Q(reconcile_every_minutes=None) | Q(reconcile_every_minutes__lte=24 * 60),
                name="connection_reconciles_daily_at_least",
            ),
        ]

    def __str__(self) -> str:
        return f"Connection of {self.company}"

"""The words of events, attempts and items name Sage, as the pages do. Changes nothing in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0011_the_desk"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bulkunlinkitem",
            name="state",
            field=models.CharField(
                choices=[
                    ("WAITING", "Waiting"),
                    ("CHECKING", "Being checked"),
                    ("UNLINKED", "Unlinked"),
                    ("STILL_IN_ERP", "Still in Sage"),
                    ("NO_ANSWER", "No trustworthy answer"),
                    ("NOT_ALLOWED", "Not allowed"),
                    ("ALREADY", "Unlinked already"),
                    ("CANCELLED", "Cancelled"),
                ],
                default="WAITING",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="linkevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("SENT", "Sent to ERP"),
                    ("RETRIEVED", "Retrieved by the project team"),
                    ("REJECTED", "Rejected by accounting"),
                    ("ACCEPTED", "Accepted for export"),
                    ("EXPORT_FAILED", "Export failed"),
                    ("EXPORT_RETRIED", "Export tried again"),
                    ("LINKED", "Linked"),
                    ("RELINKED", "Relinked: the same record is back"),
                    ("UNLINKED", "Unlinked"),
                    ("STILL_IN_ERP", "Unlink refused: still in Sage"),
                    ("NO_ANSWER", "Unlink not decided: no trustworthy answer"),
                    ("NOT_ALLOWED", "Unlink not decided: rights lost meanwhile"),
                    ("ATTEMPT_FREED", "Stuck attempt freed by support"),
                    ("PRESENCE_CHANGED", "Change noticed in Sage"),
                    ("CHECKED", "Checked in Sage"),
                    ("BULK_UNLINK_STARTED", "Bulk unlink started"),
                    ("BULK_UNLINK_CANCELLED", "Bulk unlink cancelled"),
                    ("CONNECTION_SET", "Connection set"),
                    ("CONNECTION_CHECKED", "Connection checked"),
                    ("INCARNATION_ACCEPTED", "Database accepted"),
                    ("RECONCILE_SET", "Reconciliation set"),
                    ("RECONCILE_REFUSED", "Reconciliation not believed"),
                ],
                max_length=30,
            ),
        ),
        migrations.AlterField(
            model_name="unlinkattempt",
            name="state",
            field=models.CharField(
                choices=[
                    ("CHECKING", "Being checked"),
                    ("UNLINKED", "Unlinked"),
                    ("STILL_IN_ERP", "Still in Sage"),
                    ("NO_ANSWER", "No trustworthy answer"),
                    ("NOT_ALLOWED", "Rights lost meanwhile"),
                ],
                default="CHECKING",
                max_length=20,
            ),
        ),
    ]

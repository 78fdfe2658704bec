from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0013_controls"),
    ]

    operations = [
        migrations.AddField(
            model_name="reconcilerun",
            name="odd",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Records of the books that cannot be read, linked or not."
            ),
        ),
        migrations.AddField(
            model_name="reconcilerun",
            name="odd_records",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="The first of them: table, record number, column, what stands there.",
            ),
        ),
    ]

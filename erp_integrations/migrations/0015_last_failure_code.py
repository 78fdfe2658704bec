"""What a connection failed with last, so that its page says so without another check."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0014_odd_records"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="last_failure_code",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="`ports.Fault.code`.",
                max_length=60,
            ),
        ),
    ]

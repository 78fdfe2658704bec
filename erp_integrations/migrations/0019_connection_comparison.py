"""What a database that waits to be accepted holds of the links' records."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0018_confirmed_deletions"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="comparison",
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False),
        ),
    ]

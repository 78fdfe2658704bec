from pathlib import Path

from django.db import migrations

from companies.database_rules import apply_rules

MODELS = Path(__file__).parents[1] / "models"


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0001_initial"), ("commitments", "0002_rules")]
    operations = [
        apply_rules(MODELS / f"{name}.sql")
        for name in (
            "links",  # before attempts, which use a function of it
            "attempts",
            "bulk_unlinks",
            "change_orders",
            "confirmed_deletions",
            "events",
            "exports",
            "ignored_records",
            "reconcile_runs",
        )
    ]

from pathlib import Path

from django.db import migrations

from companies.database_rules import apply_rules

MODELS = Path(__file__).parents[1]


class Migration(migrations.Migration):
    dependencies = [("commitments", "0001_initial"), ("companies", "0002_rules")]
    operations = [apply_rules(MODELS / "models.sql")]

from pathlib import Path

from django.db import migrations

from companies.database_rules import apply_rules

MODELS = Path(__file__).parents[1]


class Migration(migrations.Migration):
    dependencies = [("companies", "0001_initial")]
    operations = [apply_rules(MODELS / "models.sql")]
